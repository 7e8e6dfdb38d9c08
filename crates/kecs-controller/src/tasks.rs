//! What the data plane was told of each task.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use clock::Clock;
use kecs_core::key::{Key, Scope};
use kecs_core::plane::{DataPlane, PlaneFault, Report, Reports, Stop, TaskStatus};
use kecs_core::record::{Task, status};
use kecs_core::task::is_over;
use kecs_model::types::TaskStopCode;
use kecs_store::Store;
use tokio::task::JoinSet;

use crate::orders::order;

/// How long a data plane that cannot be reached is left alone.
const AGAIN: Duration = Duration::from_secs(1);

/// What it was told last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Run,
    Stop,
}

/// Tells the data plane what to run and what to stop, each once.
pub(crate) struct Tasks {
    store: Arc<dyn Store>,
    plane: Arc<dyn DataPlane>,
    reports: Arc<dyn Reports>,
    clock: Clock,
    told: BTreeMap<Key, Told>,
    calls: JoinSet<()>,
}

impl Tasks {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        plane: Arc<dyn DataPlane>,
        reports: Arc<dyn Reports>,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            plane,
            reports,
            clock,
            told: BTreeMap::new(),
            calls: JoinSet::new(),
        }
    }

    /// The data plane knows of this task already.
    pub(crate) fn is_known(&mut self, key: Key, task: &Task) {
        let told = if is_to_stop(task) { Told::Stop } else { Told::Run };
        self.told.insert(key, told);
    }

    /// Sees to a task that has changed.
    pub(crate) fn changed(&mut self, key: &Key, task: &Task) {
        while self.calls.try_join_next().is_some() {}
        if is_over(task) {
            self.told.remove(key);
            return;
        }
        let stop = is_to_stop(task);
        match self.told.entry(key.clone()) {
            Entry::Occupied(mut told) if stop && *told.get() == Told::Run => {
                told.insert(Told::Stop);
                self.stop(task);
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(told) if stop => {
                // It was made and stopped before anybody saw it.
                told.insert(Told::Stop);
                self.stop(task);
            }
            Entry::Vacant(told) => {
                told.insert(Told::Run);
                self.run(key.clone(), task.clone());
            }
        }
    }

    /// The keys of tasks that it was told of and that are gone.
    pub(crate) fn gone(&mut self, key: &Key) {
        self.told.remove(key);
    }

    fn run(&mut self, key: Key, task: Task) {
        let (store, plane, reports) = (self.store.clone(), self.plane.clone(), self.reports.clone());
        let clock = self.clock.clone();
        self.calls.spawn(async move {
            let arn = task.task.task_arn.clone().unwrap_or_default();
            loop {
                let order = Scope::of(&key).and_then(|scope| {
                    let view = store.view().ok()?;
                    order(&*view, &scope, &key, &task).ok()?
                });
                let Some(order) = order else {
                    let reason = "The task definition of the task is gone.".to_owned();
                    reports
                        .report(over(&arn, &clock, TaskStopCode::TaskFailedToStart, reason))
                        .await;
                    return;
                };
                match plane.run(order).await {
                    Ok(()) => return,
                    Err(PlaneFault::Unreachable(why)) => {
                        tracing::warn!(task = arn, "the data plane cannot be reached: {why}");
                        tokio::time::sleep(AGAIN).await;
                    }
                    Err(
                        fault @ (PlaneFault::NotRunning(_)
                        | PlaneFault::Unsupported(_)
                        | PlaneFault::NoRoom(_)),
                    ) => {
                        let code = TaskStopCode::TaskFailedToStart;
                        reports.report(over(&arn, &clock, code, fault.to_string())).await;
                        return;
                    }
                }
            }
        });
    }

    fn stop(&mut self, task: &Task) {
        let (plane, reports, clock) = (self.plane.clone(), self.reports.clone(), self.clock.clone());
        let arn = task.task.task_arn.clone().unwrap_or_default();
        self.calls.spawn(async move {
            loop {
                match plane.stop(&arn).await {
                    Ok(()) => return,
                    Err(PlaneFault::NotRunning(_)) => {
                        // Why it stops is in its record already.
                        reports
                            .report(Report {
                                stop: None,
                                ..over(&arn, &clock, TaskStopCode::UserInitiated, String::new())
                            })
                            .await;
                        return;
                    }
                    Err(
                        fault @ (PlaneFault::Unreachable(_)
                        | PlaneFault::Unsupported(_)
                        | PlaneFault::NoRoom(_)),
                    ) => {
                        tracing::warn!(task = arn, "a task could not be stopped: {fault}");
                        tokio::time::sleep(AGAIN).await;
                    }
                }
            }
        });
    }
}

/// A task of which nothing runs.
fn over(arn: &str, clock: &Clock, code: TaskStopCode, reason: String) -> Report {
    Report {
        task_arn: arn.to_owned(),
        at: clock.now(),
        status: TaskStatus::Stopped,
        containers: BTreeMap::new(),
        attachments: None,
        stop: Some(Stop { code, reason }),
    }
}

/// Whether it is to end.
fn is_to_stop(task: &Task) -> bool {
    task.task.desired_status.as_deref() == Some(status::STOPPED)
}
