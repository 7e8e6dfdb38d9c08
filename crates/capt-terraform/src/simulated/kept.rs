//! What the simulated engine has made, as bytes and back: what it makes can outlive its process, as real things do.
//!
//! States and the records of runs are kept. Processes are not: they end with the process that simulates them, and a
//! run that they worked on is found as one whose process was killed. Their locks, which nobody holds any more, go too.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::cloud::{RunRecord, SimulatedCloud, State, World};
use crate::engine::Step;
use crate::run::{RunEnd, RunSpec};

/// The format that is written, and the only one that is read.
const FORMAT: u32 = 1;

/// Keeps what it is given, which replaces what it was given before.
pub type Keeper = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// Why bytes are not what was kept.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// They cannot be understood.
    #[error("read what the simulated engine has made")]
    Parse(#[from] serde_json::Error),
    /// Another version of this program has written them.
    #[error(
        "what the simulated engine has made is in format {0}, and this program reads format {FORMAT} only"
    )]
    Version(u32),
    /// A file of a module is not what was written.
    #[error("read the file {0} of a run of the simulated engine")]
    File(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    format: u32,
    states: BTreeMap<String, State>,
    runs: Vec<KeptRun>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeptRun {
    spec: RunSpec,
    /// By path, in Base64.
    files: BTreeMap<String, String>,
    started_at: Timestamp,
    step: Step,
    end: Option<RunEnd>,
}

impl SimulatedCloud {
    /// What was kept: the same states, and the runs that were recorded.
    pub fn restore(bytes: &[u8]) -> Result<Self, KeptError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }

        let Format { format } = serde_json::from_slice(bytes)?;
        if format != FORMAT {
            return Err(KeptError::Version(format));
        }
        let kept: Kept = serde_json::from_slice(bytes)?;
        let cloud = Self::new();
        let mut world = cloud.world();
        world.states = kept.states;
        for run in kept.runs {
            let record = run.record()?;
            let workspace = record.spec.workspace.clone();
            world.workspaces.entry(workspace).or_default().run = Some(record);
        }
        drop(world);
        Ok(cloud)
    }

    /// Has everything kept from now on: at once, and before anybody hears that something was made.
    pub fn keep(&self, keeper: Keeper) {
        self.world().keeper = Some(keeper);
        self.changed();
    }

    /// Has what was made kept.
    pub(super) fn changed(&self) {
        let world = self.world();
        // Under the lock, so that what is kept last is what was made last.
        if let Some(keeper) = &world.keeper {
            let kept = serde_json::to_vec(&kept(&world)).expect("states and records are JSON");
            keeper(&kept);
        }
    }
}

fn kept(world: &World) -> Kept {
    let runs = world.workspaces.values().filter_map(|it| it.run.as_ref());
    Kept {
        format: FORMAT,
        states: world.states.clone(),
        runs: runs.map(KeptRun::of).collect(),
    }
}

impl KeptRun {
    fn of(run: &RunRecord) -> Self {
        let files = run.spec.files.iter();
        Self {
            spec: run.spec.as_ref().clone(),
            files: files
                .map(|(path, content)| (path.clone(), STANDARD.encode(content)))
                .collect(),
            started_at: run.started_at,
            step: run.step,
            end: run.end.clone(),
        }
    }

    fn record(self) -> Result<RunRecord, KeptError> {
        let mut spec = self.spec;
        for (path, content) in self.files {
            let content = STANDARD
                .decode(content)
                .map_err(|_| KeptError::File(path.clone()))?;
            spec.files.insert(path, content);
        }
        Ok(RunRecord {
            spec: Arc::new(spec),
            started_at: self.started_at,
            step: self.step,
            end: self.end,
            process: None,
            planning: false,
            kill: watch::Sender::default(),
        })
    }
}
