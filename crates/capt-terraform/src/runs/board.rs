//! What is known of every run, and who is told when it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use capt_core::fault::{Fault, FaultClass};
use futures::{Stream, stream};
use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::Task;
use crate::progress::Tracker;
use crate::run::{Operation, RunId, RunProgress, RunSpec, RunView, Stage, WorkspaceId};

/// The run of one workspace.
pub(super) struct Slot {
    view: RunView,
    /// The input that the run works on, once it is known.
    input_digest: Option<String>,
    tracker: Tracker,
    cancel: watch::Sender<bool>,
    withdraw: watch::Sender<bool>,
    task: Option<Task>,
}

impl Slot {
    pub(super) fn new(
        id: RunId,
        spec: Option<&RunSpec>,
        now: Timestamp,
        cancel: watch::Sender<bool>,
        withdraw: watch::Sender<bool>,
    ) -> Self {
        let view = RunView {
            id,
            operation: spec.map_or(Operation::Apply, |spec| spec.operation),
            stage: Stage::Preparing,
            progress: RunProgress::default(),
            started_at: now,
            last_activity: now,
            unlocked: None,
            end: None,
        };
        Self {
            view,
            input_digest: spec.map(|spec| spec.input_digest.clone()),
            tracker: Tracker::default(),
            cancel,
            withdraw,
            task: None,
        }
    }
}

/// The view and the tracker behind it, for a change.
pub(super) struct Entry<'a> {
    pub(super) view: &'a mut RunView,
    pub(super) tracker: &'a mut Tracker,
}

#[derive(Default)]
struct Subscriber {
    pending: Mutex<BTreeSet<WorkspaceId>>,
    wake: Notify,
}

#[derive(Default)]
pub(super) struct Board {
    slots: Mutex<BTreeMap<WorkspaceId, Slot>>,
    subscribers: Mutex<Vec<Weak<Subscriber>>>,
}

/// A panic while a lock was held leaves a view that is at worst one event old.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Board {
    /// Takes the place of a workspace. False if this very run has it already: the same id over the same input,
    /// as far as either is known.
    pub(super) fn claim(&self, workspace: &WorkspaceId, slot: Slot) -> Result<bool, Fault> {
        let mut slots = lock(&self.slots);
        if let Some(present) = slots.get(workspace) {
            let inputs = present.input_digest.as_ref().zip(slot.input_digest.as_ref());
            let same_input = inputs.is_none_or(|(present, new)| present == new);
            if present.view.id == slot.view.id && same_input {
                return Ok(false);
            }
            if present.view.stage != Stage::Ended {
                let message = format!("run {} of this workspace is under way", present.view.id);
                return Err(Fault::new(FaultClass::Dependency, "RunInProgress", message));
            }
        }
        slots.insert(workspace.clone(), slot);
        drop(slots);
        self.announce(workspace);
        Ok(true)
    }

    pub(super) fn attach(&self, workspace: &WorkspaceId, id: &RunId, task: AbortHandle) {
        if let Some(slot) = lock(&self.slots)
            .get_mut(workspace)
            .filter(|slot| slot.view.id == *id)
        {
            slot.task = Some(Task(task));
        }
    }

    /// Writes down the input of a run that was taken up without its spec.
    pub(super) fn learn_input(&self, workspace: &WorkspaceId, id: &RunId, digest: &str) {
        if let Some(slot) = lock(&self.slots)
            .get_mut(workspace)
            .filter(|slot| slot.view.id == *id)
        {
            slot.input_digest = Some(digest.to_owned());
        }
    }

    pub(super) fn view(&self, workspace: &WorkspaceId) -> Option<RunView> {
        lock(&self.slots).get(workspace).map(|slot| slot.view.clone())
    }

    /// The workspaces whose run has not ended.
    pub(super) fn under_way(&self) -> Vec<WorkspaceId> {
        let slots = lock(&self.slots);
        let active = slots.iter().filter(|(_, slot)| slot.view.stage != Stage::Ended);
        active.map(|(workspace, _)| workspace.clone()).collect()
    }

    pub(super) fn cancel(&self, workspace: &WorkspaceId) {
        if let Some(slot) = lock(&self.slots).get(workspace) {
            slot.cancel.send_replace(true);
        }
    }

    /// Asks a run to go no further than to its apply. Once that has begun, nothing is asked.
    pub(super) fn withdraw(&self, workspace: &WorkspaceId) {
        if let Some(slot) = lock(&self.slots)
            .get(workspace)
            .filter(|slot| !slot.view.stage.may_have_changed())
        {
            slot.withdraw.send_replace(true);
        }
    }

    /// Lets the apply of a run begin, at `now`. False if the run was withdrawn: then it never does.
    pub(super) fn begin_apply(&self, workspace: &WorkspaceId, id: &RunId, now: Timestamp) -> bool {
        let mut slots = lock(&self.slots);
        let slot = slots.get_mut(workspace).filter(|slot| slot.view.id == *id);
        let Some(slot) = slot.filter(|slot| !*slot.withdraw.borrow()) else {
            return false;
        };
        slot.view.stage = Stage::Applying;
        slot.view.last_activity = now;
        drop(slots);
        self.announce(workspace);
        true
    }

    pub(super) fn remove(&self, workspace: &WorkspaceId) {
        lock(&self.slots).remove(workspace);
        self.announce(workspace);
    }

    pub(super) fn abort_all(&self) {
        lock(&self.slots).clear();
    }

    /// Changes the view of a run; `change` says whether anything that is shown is different.
    pub(super) fn update(
        &self,
        workspace: &WorkspaceId,
        id: &RunId,
        change: impl FnOnce(&mut Entry<'_>) -> bool,
    ) {
        let mut slots = lock(&self.slots);
        let Some(slot) = slots.get_mut(workspace).filter(|slot| slot.view.id == *id) else {
            return;
        };
        let changed = change(&mut Entry {
            view: &mut slot.view,
            tracker: &mut slot.tracker,
        });
        drop(slots);
        if changed {
            self.announce(workspace);
        }
    }

    fn announce(&self, workspace: &WorkspaceId) {
        lock(&self.subscribers).retain(|subscriber| {
            let Some(subscriber) = subscriber.upgrade() else {
                return false;
            };
            lock(&subscriber.pending).insert(workspace.clone());
            subscriber.wake.notify_one();
            true
        });
    }

    /// Everything that is known now, then everything that changes.
    pub(super) fn subscribe(&self) -> impl Stream<Item = WorkspaceId> + Send + use<> {
        let subscriber = Arc::new(Subscriber::default());
        lock(&self.subscribers).push(Arc::downgrade(&subscriber));
        lock(&subscriber.pending).extend(lock(&self.slots).keys().cloned());
        stream::unfold(subscriber, |subscriber| async move {
            loop {
                let next = lock(&subscriber.pending).pop_first();
                if let Some(next) = next {
                    return Some((next, subscriber));
                }
                subscriber.wake.notified().await;
            }
        })
    }
}
