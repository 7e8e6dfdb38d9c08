//! Locks of states, and what leaves them: processes that are killed, directories that are lost.

use std::collections::BTreeSet;

use capt_core::fault::Fault;
use tokio::sync::watch;

use super::cloud::{Process, SimulatedCloud, World, state_key};
use crate::classify::LockInfo;
use crate::diagnostics;
use crate::engine::{Failure, Job};
use crate::run::{RunSpec, WorkspaceId};
use crate::stream::{Action, Diagnostic, Event, Severity};

/// The user and the machine that the simulated processes run as.
const WHO: &str = "capt@simulated";

impl SimulatedCloud {
    /// Kills the process that works on the workspace of this label, as `kill -9` does: what is being made is neither
    /// finished nor recorded, and the lock of the state stays. Whether there was one.
    pub fn kill(&self, label: &str) -> bool {
        let mut world = self.world();
        let mut killed = Vec::new();
        for (id, workspace) in &mut world.workspaces {
            let Some(run) = workspace.run.as_ref().filter(|run| run.spec.label == label) else {
                continue;
            };
            let applying = run.process.as_ref().filter(|process| process.is_alive());
            if let Some(process) = applying {
                process.abort.abort();
            } else if !run.planning {
                continue;
            } else {
                run.kill.send_replace(true);
            }
            killed.push((id.clone(), state_key(&run.spec)));
        }
        for (id, key) in &killed {
            let lock = world.locks.get(key).map(|lock| lock.id.clone());
            if let (Some(lock), Some(workspace)) = (lock, world.workspaces.get_mut(id)) {
                workspace.lost_locks.insert(lock);
            }
            world.note(label, "killed");
        }
        !killed.is_empty()
    }

    /// Kills every process, as the end of the machine does.
    pub fn kill_all(&self) {
        let labels: BTreeSet<String> = {
            let world = self.world();
            let runs = world
                .workspaces
                .values()
                .filter_map(|workspace| workspace.run.as_ref());
            runs.map(|run| run.spec.label.clone()).collect()
        };
        for label in labels {
            self.kill(&label);
        }
    }

    /// Loses everything that is kept beside the states: the directories of all workspaces. Processes go on.
    pub fn lose_directories(&self) {
        let mut world = self.world();
        world.workspaces.clear();
        // A state in a file is in the directory.
        world.states.retain(|key, _| !key.starts_with("local/"));
    }

    /// Locks the state of the workspace of this label in the name of somebody else; the id of the lock.
    pub fn lock(&self, label: &str, who: &str) -> String {
        let mut world = self.world();
        let lock = LockInfo {
            who: who.to_owned(),
            ..world.next_lock("OperationTypeApply")
        };
        let id = lock.id.clone();
        for key in world.keys_of(label) {
            world.locks.insert(key, lock.clone());
        }
        id
    }

    /// Lets go what [`lock`](Self::lock) has locked.
    pub fn unlock(&self, label: &str) {
        let mut world = self.world();
        for key in world.keys_of(label) {
            world.locks.remove(&key);
        }
    }

    /// The holders of all locks.
    pub fn locks(&self) -> Vec<String> {
        self.world().locks.values().map(LockInfo::holder).collect()
    }
}

impl World {
    fn keys_of(&self, label: &str) -> BTreeSet<String> {
        let runs = self
            .workspaces
            .values()
            .filter_map(|workspace| workspace.run.as_ref());
        runs.filter(|run| run.spec.label == label)
            .map(|run| state_key(&run.spec))
            .collect()
    }

    fn next_lock(&mut self, operation: &str) -> LockInfo {
        self.locked += 1;
        LockInfo {
            id: format!("lock-{}", self.locked),
            operation: operation.to_owned(),
            who: WHO.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created: String::new(),
        }
    }

    /// Locks the state of a run, or says who holds it.
    pub(super) fn lock_state(&mut self, spec: &RunSpec, operation: &str) -> Result<String, Failure> {
        let key = state_key(spec);
        if let Some(held) = self.locks.get(&key) {
            return Err(refused(held).into());
        }
        let lock = self.next_lock(operation);
        let id = lock.id.clone();
        self.locks.insert(key, lock);
        Ok(id)
    }

    /// Lets a lock go, if it is still this one.
    pub(super) fn unlock_state(&mut self, spec: &RunSpec, id: &str) -> bool {
        let key = state_key(spec);
        let is_it = self.locks.get(&key).is_some_and(|lock| lock.id == id);
        if is_it {
            self.locks.remove(&key);
        }
        is_it
    }

    /// The lock that a failure speaks of, if a process that was killed has left it, as the directory remembers.
    pub(super) fn left_lock(&self, job: &Job, failure: &Failure) -> Option<LockInfo> {
        let mut faults = failure.faults.iter();
        let lock = faults.find_map(|fault| LockInfo::read(&fault.message))?;
        let workspace = self.workspaces.get(&job.spec.workspace)?;
        let is_left = workspace.lost_locks.contains(&lock.id);
        (is_left || job.spec.unlock.as_ref() == Some(&lock.id)).then_some(lock)
    }
}

/// What Terraform says of a lock that somebody holds.
fn refused(held: &LockInfo) -> Fault {
    let detail = format!(
        "Error message: the state is already locked by another terraform client\nLock Info:\n  ID:        {}\n  \
         Path:      \n  Operation: {}\n  Who:       {}\n  Version:   {}\n  Created:   {}\n  Info:      \n",
        held.id, held.operation, held.who, held.version, held.created
    );
    let diagnostic = Diagnostic {
        severity: Severity::Error,
        summary: "Error acquiring the state lock".into(),
        detail,
        address: None,
        range: None,
        block: None,
    };
    diagnostics::fault(&diagnostic, None)
}

/// A lock that is held for as long as this is: a plan that nobody follows any more comes to its end all the same,
/// and lets its lock go. One that is killed does not.
pub(super) struct Planning<'a> {
    cloud: &'a SimulatedCloud,
    spec: &'a RunSpec,
    lock: String,
    killed: watch::Receiver<bool>,
}

impl<'a> Planning<'a> {
    pub(super) fn begin(cloud: &'a SimulatedCloud, spec: &'a RunSpec) -> Result<Self, Failure> {
        let mut world = cloud.world();
        let lock = world.lock_state(spec, "OperationTypePlan")?;
        let (kill, killed) = watch::channel(false);
        if let Some(run) = world.run_mut(&spec.workspace) {
            run.planning = true;
            run.kill = kill;
        }
        Ok(Self {
            cloud,
            spec,
            lock,
            killed,
        })
    }

    /// Waits until the process is killed; for ever if it is not.
    pub(super) async fn killed(&self) {
        let mut killed = self.killed.clone();
        if killed.wait_for(|killed| *killed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Planning<'_> {
    fn drop(&mut self) {
        let mut world = self.cloud.world();
        if let Some(run) = world.run_mut(&self.spec.workspace) {
            run.planning = false;
        }
        if !*self.killed.borrow() {
            world.unlock_state(self.spec, &self.lock);
        }
    }
}

/// That a process has died, and what it was making then.
pub(super) fn lost(process: &Process) -> Fault {
    let mut making = BTreeSet::new();
    for event in &process.heard.borrow().events {
        match event {
            Event::Started {
                resource,
                action: Action::Create,
            } => {
                making.insert(resource.addr.clone());
            }
            Event::Completed { resource, .. } | Event::Errored { resource } => {
                making.remove(&resource.addr);
            }
            Event::Diagnostic(_)
            | Event::Summary(_)
            | Event::Planned { .. }
            | Event::Started { .. }
            | Event::Progressed { .. }
            | Event::Printed { .. }
            | Event::Interrupted
            | Event::Other => {}
        }
    }
    diagnostics::process_lost(
        "the process of the apply is gone and has left no verdict",
        &making,
    )
}

/// Waits until the process of an earlier run has ended; one that is in the way is asked to stop.
pub(super) async fn outwait(cloud: &SimulatedCloud, workspace: &WorkspaceId, unwanted: bool, job: &Job) {
    let process = cloud
        .world()
        .run_mut(workspace)
        .and_then(|run| run.process.clone());
    let Some(mut process) = process else { return };
    if unwanted {
        process.interrupt.send_replace(true);
    }
    let mut cancelled = job.cancelled.clone();
    loop {
        let interrupted = *process.interrupt.borrow();
        tokio::select! {
            biased;
            () = cancelled.cancelled(), if !interrupted => {
                process.interrupt.send_replace(true);
            }
            // An error means that nobody is left who could say anything: settled as well.
            _ = process.heard.wait_for(|heard| heard.verdict.is_some()) => return,
        }
    }
}
