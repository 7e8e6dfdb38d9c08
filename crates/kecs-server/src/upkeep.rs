//! What is done now and then: backups, and forgetting events.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use jiff::{SignedDuration, Timestamp};
use kecs_store::{Retention, Store, StoreError};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::listen::stopped;
use crate::metrics::Metrics;

#[cfg(test)]
mod tests;

/// What begins the names of backups.
const PREFIX: &str = "kecs-";
/// What ends them.
const SUFFIX: &str = ".backup";

/// What is done, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upkeep {
    /// Backups.
    pub backups: Option<Backups>,
    /// How often is looked for events that may be forgotten.
    pub every: Duration,
    /// For how long events are kept.
    pub events: SignedDuration,
}

/// Scheduled backups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backups {
    /// Where they are.
    pub directory: PathBuf,
    /// How often one is made.
    pub every: Duration,
    /// How many are kept.
    pub keep: usize,
}

/// How many of the last events and commits are kept in any case.
const KEPT: u64 = 10_000;

/// Why a backup could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The store could not.
    #[error("back up the store")]
    Store(#[from] StoreError),
    /// The directory cannot be used.
    #[error("use the directory of backups {path}")]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
}

/// Does what is to be done until the server stops.
pub(crate) async fn run(
    upkeep: Upkeep,
    store: Arc<dyn Store>,
    metrics: Metrics,
    clock: Clock,
    mut stop: watch::Receiver<bool>,
) {
    let regular = |every: Duration| {
        let mut ticks = interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    };
    let never = Duration::from_hours(24 * 365);
    let mut backups = regular(upkeep.backups.as_ref().map_or(never, |it| it.every));
    let mut forgetting = regular(upkeep.every);
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => return,
            _ = backups.tick() => {
                if let Some(backups) = &upkeep.backups {
                    let now = clock.now();
                    let made = backups.make(&*store, now).await;
                    metrics.backup(made.is_ok().then(|| now.as_second()));
                    match made {
                        Ok(path) => tracing::info!(path = %path.display(), "backed up"),
                        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "back up"),
                    }
                }
            }
            _ = forgetting.tick() => {
                if let Err(error) = forget(&upkeep, &*store, &clock).await {
                    tracing::error!(error = &error as &dyn std::error::Error, "forget events");
                }
            }
        }
    }
}

/// Forgets events that have had their time.
async fn forget(upkeep: &Upkeep, store: &dyn Store, clock: &Clock) -> Result<(), StoreError> {
    let retention = Retention {
        events: KEPT,
        since: clock.now().checked_sub(upkeep.events).ok(),
        deleted: KEPT,
    };
    let pruned = store.prune(retention).await?;
    if pruned.events > 0 {
        tracing::debug!(events = pruned.events, "forgotten");
    }
    Ok(())
}

impl Backups {
    /// Makes a backup, and removes the oldest above those that are kept.
    pub async fn make(&self, store: &dyn Store, now: Timestamp) -> Result<PathBuf, BackupError> {
        let directory = |source| BackupError::Directory {
            path: self.directory.clone(),
            source,
        };
        create(&self.directory).map_err(directory)?;
        let stamp = now.strftime("%Y%m%dT%H%M%S%3fZ");
        let path = self.directory.join(format!("{PREFIX}{stamp}{SUFFIX}"));
        store.backup(&path).await?;
        let mut backups = self.list().map_err(directory)?;
        // The names order as the times do.
        backups.sort();
        let surplus = backups.len().saturating_sub(self.keep.max(1));
        for old in backups.into_iter().take(surplus) {
            std::fs::remove_file(&old).map_err(directory)?;
        }
        Ok(path)
    }

    /// The backups that are there, and nothing else that lies among them.
    fn list(&self) -> std::io::Result<Vec<PathBuf>> {
        let mut backups = Vec::new();
        for entry in std::fs::read_dir(&self.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(PREFIX) && name.ends_with(SUFFIX) {
                backups.push(entry.path());
            }
        }
        Ok(backups)
    }
}

fn create(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}
