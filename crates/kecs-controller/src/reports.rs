//! What the data plane reports is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use clock::Clock;
use kecs_core::key::{Key, Scope};
use kecs_core::plane::{Report, Reports};
use kecs_core::record::Task;
use kecs_core::task;
use kecs_store::Store;

use crate::commit::commit;

/// After how long a report that could not be kept is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// Where each task that is not over is kept: an ARN of the old form does not say it.
#[derive(Default)]
pub(crate) struct Places(Mutex<BTreeMap<String, Key>>);

impl Places {
    pub(crate) fn note(&self, arn: &str, key: &Key) {
        self.lock().entry(arn.to_owned()).or_insert_with(|| key.clone());
    }

    pub(crate) fn forget(&self, arn: &str) {
        self.lock().remove(arn);
    }

    fn of(&self, arn: &str) -> Option<Key> {
        self.lock().get(arn).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Key>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps what is reported.
pub(crate) struct Keeper {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Clock,
    pub(crate) places: Arc<Places>,
}

#[async_trait]
impl Reports for Keeper {
    async fn report(&self, report: Report) {
        let Some(key) = self.places.of(&report.task_arn) else {
            tracing::debug!(task = report.task_arn, "a report of a task that is over");
            return;
        };
        let Some(scope) = Scope::of(&key) else {
            return;
        };
        // No other comes after the last report of a task, so it is tried until it is kept. To keep it twice changes nothing.
        loop {
            let kept = commit(&*self.store, &scope, self.clock.now(), |tx| {
                if let Some(known) = tx.get::<Task>(&key)?
                    && let Some(after) = task::apply(&known, &report)
                {
                    tx.put(key.clone(), after);
                }
                Ok(())
            });
            let Err(refusal) = kept.await else { return };
            tracing::error!(task = report.task_arn, "a report was not kept: {refusal}");
            tokio::time::sleep(AGAIN).await;
        }
    }
}
