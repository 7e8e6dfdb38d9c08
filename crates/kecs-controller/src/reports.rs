//! What the data plane reports is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use clock::Clock;
use kecs_core::key::{Key, Scope};
use kecs_core::plane::{Report, Reports};
use kecs_core::record::Task;
use kecs_core::task;
use kecs_store::Store;

use crate::commit::commit;

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
        let kept = commit(&*self.store, &scope, self.clock.now(), |tx| {
            if let Some(known) = tx.get::<Task>(&key)?
                && let Some(after) = task::apply(&known, &report)
            {
                tx.put(key.clone(), after);
            }
            Ok(())
        });
        if let Err(refusal) = kept.await {
            // The data plane reports the whole of a task each time: the next report brings this one too.
            tracing::error!(task = report.task_arn, "a report was not kept: {refusal}");
        }
    }
}
