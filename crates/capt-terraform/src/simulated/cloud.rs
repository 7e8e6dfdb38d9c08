//! What the simulated engine has made, and what it was told to do about it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::eval::Instance;
use super::kept::Keeper;
use super::script::{Script, Scripted};
use crate::classify::LockInfo;
use crate::engine::{Failure, PlannedChange, Step};
use crate::run::{Backend, Changes, Output, RunEnd, RunSpec, WorkspaceId};
use crate::stream::Event;

/// How often the engine did what, for one label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Runs that were begun.
    pub runs: u32,
    /// Plans.
    pub plans: u32,
    /// Applies that were begun, the ones of a destroy left out.
    pub applies: u32,
    /// Destroys that were begun.
    pub destroys: u32,
}

/// The world of the simulated engine: states, running processes, scripts. Cheap to clone; clones share it, so
/// that an operator that starts anew finds what the one before has made.
#[derive(Clone, Default)]
pub struct SimulatedCloud(Arc<Mutex<World>>);

#[derive(Default)]
pub(super) struct World {
    pub(super) workspaces: BTreeMap<WorkspaceId, Workspace>,
    /// By [`state_key`].
    pub(super) states: BTreeMap<String, State>,
    pub(super) script: Script,
    /// Of the states that are locked, by [`state_key`].
    pub(super) locks: BTreeMap<String, LockInfo>,
    /// How many locks were ever taken.
    pub(super) locked: u64,
    pub(super) keeper: Option<Keeper>,
    counters: BTreeMap<String, Counters>,
    log: Vec<String>,
    names: Names,
}

/// From what the values are made up that a provider would compute.
#[derive(Default)]
struct Names {
    /// Whether they come from labels, and not from the places of the states.
    by_label: bool,
    /// The names of the states that there ever were, by [`state_key`].
    given: BTreeMap<String, String>,
    /// How many states each label has had.
    counts: BTreeMap<String, u32>,
}

/// What stands for a workspace's directory.
#[derive(Default)]
pub(super) struct Workspace {
    pub(super) run: Option<RunRecord>,
    pub(super) plan: Option<SavedPlan>,
    /// The locks that processes had when they were killed.
    pub(super) lost_locks: BTreeSet<String>,
}

pub(super) struct RunRecord {
    pub(super) spec: Arc<RunSpec>,
    pub(super) started_at: jiff::Timestamp,
    pub(super) step: Step,
    pub(super) end: Option<RunEnd>,
    pub(super) process: Option<Process>,
    /// Whether a plan is being made, and how it is killed.
    pub(super) planning: bool,
    pub(super) kill: watch::Sender<bool>,
}

/// A running or finished apply.
#[derive(Clone)]
pub(super) struct Process {
    pub(super) attempt: u32,
    pub(super) heard: watch::Receiver<Heard>,
    pub(super) interrupt: watch::Sender<bool>,
    pub(super) abort: AbortHandle,
}

/// Everything that a process has said, and its verdict.
#[derive(Clone, Default)]
pub(super) struct Heard {
    pub(super) events: Vec<Event>,
    pub(super) verdict: Option<Result<Changes, Failure>>,
}

#[derive(Clone)]
pub(super) struct SavedPlan {
    pub(super) serial: u64,
    pub(super) input_digest: String,
    pub(super) changes: Vec<PlannedChange>,
    pub(super) wanted: BTreeMap<String, Instance>,
    pub(super) outputs: BTreeMap<String, Output>,
}

/// A Terraform state.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) serial: u64,
    pub(super) resources: BTreeMap<String, Made>,
    pub(super) outputs: BTreeMap<String, Output>,
}

/// A resource that exists.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) instance: Instance,
    pub(super) tainted: bool,
}

/// Where the state of a workspace is found, whichever object asks.
pub(super) fn state_key(spec: &RunSpec) -> String {
    match &spec.backend {
        Backend::Kubernetes {
            namespace,
            secret_suffix,
            ..
        } => format!("kubernetes/{namespace}/{secret_suffix}"),
        Backend::Local | Backend::AsConfigured => format!("local/{}", spec.workspace),
    }
}

impl SimulatedCloud {
    /// An empty world.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty world in which what a provider would compute depends on the label of a workspace and on how many
    /// workspaces have had this label, and not on uids: two of them can be compared.
    pub fn comparable() -> Self {
        let cloud = Self::new();
        cloud.world().names.by_label = true;
        cloud
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next `times` applies (or destroys) of `target` fail: a workspace's label, or a resource's address,
    /// alone or as `label/address`. A text is taken as Terraform's error, `summary: detail`.
    pub fn fail(&self, target: &str, failure: impl Into<Scripted>, times: u32) {
        self.fail_step(target, Step::Apply, failure, times);
    }

    /// The next `times` times that the workspace of this label comes to `step`, it fails there.
    pub fn fail_step(&self, label: &str, step: Step, failure: impl Into<Scripted>, times: u32) {
        self.world().script.fail(label, step, failure.into(), times);
    }

    /// A resource takes this long, by address or `label/address`.
    pub fn delay(&self, address: &str, delay: Duration) {
        self.world().script.delay(address, delay);
    }

    /// The workspace of this label has these outputs, beside or instead of those of its configuration.
    pub fn outputs(&self, label: &str, outputs: BTreeMap<String, Value>) {
        self.world().script.outputs(label, outputs);
    }

    /// What was done for a label so far.
    pub fn counters(&self, label: &str) -> Counters {
        self.world().counters.get(label).copied().unwrap_or_default()
    }

    /// What was done so far, one line each, as `<label>: <what>`.
    pub fn log(&self) -> Vec<String> {
        self.world().log.clone()
    }

    /// The addresses of everything that exists for the workspace of this label.
    pub fn resources(&self, label: &str) -> Vec<String> {
        let world = self.world();
        let runs = world
            .workspaces
            .values()
            .filter_map(|workspace| workspace.run.as_ref());
        let keys = runs
            .filter(|run| run.spec.label == label)
            .map(|run| state_key(&run.spec));
        keys.filter_map(|key| world.states.get(&key))
            .flat_map(|state| state.resources.keys().cloned())
            .collect()
    }

    /// Everything that exists: for each state that is not empty, its resources with their arguments, and its outputs.
    pub fn contents(&self) -> BTreeMap<String, Value> {
        let world = self.world();
        let states = world
            .states
            .iter()
            .filter(|(_, state)| !state.resources.is_empty());
        states
            .map(|(place, state)| {
                let name = world.names.given.get(place).unwrap_or(place);
                (name.clone(), state.contents())
            })
            .collect()
    }

    /// What the states are called in [`contents`](Self::contents), by the end of the place where they are kept: the
    /// suffix of Secrets, or a uid.
    pub fn names(&self) -> BTreeMap<String, String> {
        let world = self.world();
        let given = world.names.given.iter();
        given
            .map(|(place, name)| {
                let end = place.rsplit('/').next().unwrap_or_default();
                (end.to_owned(), name.clone())
            })
            .collect()
    }

    /// The labels for which anything was ever done.
    pub fn labels(&self) -> Vec<String> {
        self.world().counters.keys().cloned().collect()
    }

    /// A world in which nothing exists, where everything takes as long and comes out as in this one, and nothing
    /// fails. The first workspace of a label is to it what the last one is to this world.
    #[must_use]
    pub fn afresh(&self) -> Self {
        let (fresh, world) = (Self::new(), self.world());
        let mut started = fresh.world();
        started.script = world.script.without_failures();
        started.names.by_label = world.names.by_label;
        let counts = world.names.counts.iter();
        started.names.counts = counts
            .map(|(label, count)| (label.clone(), count.saturating_sub(1)))
            .collect();
        drop(started);
        fresh
    }

    /// Loses the state of the workspace of this label, as if somebody had deleted it.
    pub fn lose_state(&self, label: &str) {
        let mut world = self.world();
        let runs = world
            .workspaces
            .values()
            .filter_map(|workspace| workspace.run.as_ref());
        let keys: Vec<_> = runs
            .filter(|run| run.spec.label == label)
            .map(|run| state_key(&run.spec))
            .collect();
        for key in keys {
            world.states.remove(&key);
        }
    }
}

impl State {
    fn contents(&self) -> Value {
        let resources: BTreeMap<&String, Value> = self
            .resources
            .iter()
            .map(|(address, made)| {
                let Instance { inputs, triggers, .. } = &made.instance;
                let made = json!({ "inputs": inputs, "triggers": triggers, "tainted": made.tainted });
                (address, made)
            })
            .collect();
        let outputs: BTreeMap<&String, &Value> = self
            .outputs
            .iter()
            .map(|(name, output)| (name, &output.value))
            .collect();
        json!({ "resources": resources, "outputs": outputs })
    }
}

impl World {
    /// What the computed values of this run's workspace are made up from.
    pub(super) fn seed(&mut self, spec: &RunSpec) -> String {
        let place = state_key(spec);
        if !self.names.by_label {
            return place;
        }
        let Names { given, counts, .. } = &mut self.names;
        let name = given.entry(place).or_insert_with(|| {
            let count = counts.entry(spec.label.clone()).or_default();
            *count += 1;
            format!("{}#{count}", spec.label)
        });
        name.clone()
    }

    pub(super) fn count(&mut self, label: &str, what: &str, count: impl FnOnce(&mut Counters)) {
        count(self.counters.entry(label.to_owned()).or_default());
        self.note(label, what);
    }

    /// Writes down what happened for a label.
    pub(super) fn note(&mut self, label: &str, what: &str) {
        self.log.push(format!("{label}: {what}"));
    }

    pub(super) fn run_mut(&mut self, workspace: &WorkspaceId) -> Option<&mut RunRecord> {
        self.workspaces.get_mut(workspace)?.run.as_mut()
    }
}

impl Process {
    /// Whether it still runs: it has given no verdict, and somebody is there to give one.
    pub(super) fn is_alive(&self) -> bool {
        self.heard.has_changed().is_ok() && self.heard.borrow().verdict.is_none()
    }
}

impl fmt::Debug for SimulatedCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let world = self.world();
        f.debug_struct("SimulatedCloud")
            .field("workspaces", &world.workspaces.len())
            .field("states", &world.states.len())
            .finish()
    }
}
