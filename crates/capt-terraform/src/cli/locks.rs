//! Locks that a dead process of ours has left behind.
//!
//! Terraform's lock of a state in Kubernetes is a Lease without an end: a process that is killed leaves it for
//! ever. It is taken away only with proof: the process that took it was one of ours, by its record, and is dead.
//! A lock of anybody else is never touched.

use std::fs;
use std::path::Path;
use std::time::Duration;

use capt_core::fault::{Fault, FaultClass};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Cli;
use super::follow::Said;
use super::layout::{Layout, disk_fault, read_json, write_json};
use super::record::{RunRecord, StepRecord, has_orphans, hostname};
use super::steps::living;
use crate::classify::LockInfo;
use crate::engine::{Failure, Job, Step};
use crate::run::{RunId, RunSpec};

/// How long after its start a process takes its lock at the latest: it reads the configuration first, and it
/// waits for a lock of somebody else for half a minute.
const TAKES_ITS_LOCK_WITHIN: Duration = Duration::from_mins(2);

/// The clock of the record and that of the process are read one after the other.
const SKEW: SignedDuration = SignedDuration::from_secs(2);

/// How many lost processes are remembered.
const REMEMBERED: usize = 16;

/// A process of ours that ended without a verdict, so that nobody knows whether it has let its lock go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LostProcess {
    run: RunId,
    step: Step,
    began: Timestamp,
    /// When it was known to be dead.
    lost: Timestamp,
    /// The machine, or pod, that it ran on.
    host: String,
    /// Absent where the user has no name.
    user: Option<String>,
    version: String,
    /// Its lock, where it could be seen.
    lock: Option<String>,
    /// What it was making.
    making: Vec<String>,
    /// The state was locked by others since, so that its own lock is gone.
    let_go: bool,
}

impl LostProcess {
    /// Whether it is proved that this process took the lock.
    fn took(&self, lock: &LockInfo) -> bool {
        if self.let_go {
            return false;
        }
        if let Some(seen) = &self.lock {
            return *seen == lock.id;
        }
        let Some((user, host)) = lock.who.rsplit_once('@') else {
            return false;
        };
        let is_its_user = self.user.as_deref().is_none_or(|own| own == user);
        let Some(created) = moment(&lock.created) else {
            return false;
        };
        let latest = later(self.began, TAKES_ITS_LOCK_WITHIN).min(self.lost);
        host == self.host
            && is_its_user
            && lock.version == self.version
            && self.takes(&lock.operation)
            && created >= self.began.saturating_sub(SKEW).unwrap_or(self.began)
            && created <= latest
    }

    /// Whether the commands of its step take a lock for this operation. Every command makes the state if there is
    /// none, and does so under a lock of `init`.
    fn takes(&self, operation: &str) -> bool {
        match operation {
            "init" => true,
            "state-push" => self.step == Step::Init,
            "OperationTypePlan" => self.step == Step::Plan,
            "OperationTypeApply" => self.step == Step::Apply,
            _ => false,
        }
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| time.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

/// The moment in a lock info: Go's `2026-01-01 10:00:00.5 +0000 UTC`, or RFC 3339.
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    let mut words = text.split_whitespace();
    let (date, time, offset) = (words.next()?, words.next()?, words.next()?);
    (offset == "+0000")
        .then(|| format!("{date}T{time}Z").parse().ok())
        .flatten()
}

/// The name of the user that Terraform will call itself by; absent where the user has none.
fn user(spec: &RunSpec) -> Option<String> {
    let own = rustix::process::getuid().as_raw().to_string();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == own).then(|| name.to_owned())
    });
    named.or_else(|| spec.env.get("USER").cloned())
}

fn read(layout: &Layout) -> Result<Vec<LostProcess>, Fault> {
    let lost = read_json(&layout.lost_processes());
    Ok(lost
        .map_err(|error| disk_fault("read which processes were lost", &error))?
        .unwrap_or_default())
}

fn write(layout: &Layout, lost: &[LostProcess]) -> Result<(), Fault> {
    let newest = &lost[lost.len().saturating_sub(REMEMBERED)..];
    write_json(&layout.lost_processes(), &newest)
        .map_err(|error| disk_fault("write down which processes were lost", &error))
}

/// Whether a process of ours may have left a lock.
pub(super) fn any_lost(layout: &Layout) -> bool {
    read(layout).is_ok_and(|lost| lost.iter().any(|process| !process.let_go))
}

/// Writes down that no lost process holds its lock any more: the state was locked since.
pub(super) fn let_go(layout: &Layout) -> Result<(), Fault> {
    let mut lost = read(layout)?;
    if lost.iter().all(|process| process.let_go) {
        return Ok(());
    }
    for process in &mut lost {
        process.let_go = true;
    }
    write(layout, &lost)
}

/// Forgets the lost processes: an apply has succeeded since, so that nothing of what they made is missing.
pub(super) fn forget_lost(layout: &Layout) -> Result<(), Fault> {
    super::layout::remove(&layout.lost_processes())
        .map_err(|error| disk_fault("forget which processes were lost", &error))
}

/// Writes down that the process of a step is dead and has left no verdict.
pub(super) fn remember_lost(
    layout: &Layout,
    record: &RunRecord,
    step: &StepRecord,
    said: &Said,
    now: Timestamp,
) -> Result<(), Fault> {
    let Some(began) = step.began else {
        return Ok(());
    };
    let mut lost = read(layout)?;
    lost.retain(|other| (&other.run, other.step, other.began) != (&record.spec.id, step.step, began));
    lost.push(LostProcess {
        run: record.spec.id.clone(),
        step: step.step,
        began,
        lost: now,
        host: step.host.clone(),
        user: user(&record.spec),
        version: record.version.clone(),
        lock: record.lock_id.clone(),
        making: said.making.iter().cloned().collect(),
        let_go: false,
    });
    write(layout, &lost)
}

/// Writes down what the run before this one may have left, if nobody has seen its end: its operator died as well.
pub(super) fn remember_unseen(layout: &Layout, before: &RunRecord, now: Timestamp) -> Result<(), Fault> {
    let Some(step) = &before.step else { return Ok(()) };
    // Of a process on another machine nobody here can say that it is dead.
    if living(layout, step).is_some() || step.host != hostname() {
        return Ok(());
    }
    remember_lost(layout, before, step, &Said::default(), now)
}

/// What remains of the process group of a dead leader, which nobody would ever look after: a provisioner that
/// goes on would make a second time what the next run makes.
pub(super) fn reap_group(layout: &Layout, step: &StepRecord) {
    if let Some(process) = &step.process
        && !process.is_alive()
        && process.is_of_this_boot()
        && has_orphans(process.pid, Some(&layout.module()))
    {
        super::follow::kill_group(process.pid);
    }
}

impl Cli {
    /// The lock that made a step fail, if it is proved that a dead process of ours has left it.
    pub(super) fn left_lock(&self, job: &Job, failure: &Failure) -> Result<Option<LockInfo>, Fault> {
        let layout = self.layout(&job.spec.workspace);
        let Some(lock) = held(failure) else {
            return Ok(None);
        };
        if job.spec.unlock.as_deref() == Some(lock.id.as_str()) {
            return Ok(Some(lock));
        }
        let is_left = read(&layout)?.iter().any(|process| process.took(&lock));
        Ok(is_left.then_some(lock))
    }
}

/// The lock that a failure speaks of.
fn held(failure: &Failure) -> Option<LockInfo> {
    let mut faults = failure.faults.iter();
    faults
        .find(|fault| fault.class == FaultClass::Locked)
        .and_then(|fault| LockInfo::read(&fault.message))
}

/// What says of a failed creation that it may have been made by a process that was killed while it did so.
pub(super) fn explain_conflicts(layout: &Layout, failure: &mut Failure) {
    let lost = read(layout).unwrap_or_default();
    for fault in &mut failure.faults {
        let maker = lost
            .iter()
            .find(|process| process.making.contains(&fault.subject));
        if let Some(process) = maker.filter(|_| fault.class == FaultClass::Conflict) {
            let hint = format!(
                "; run {} was killed while it made this, so that it may exist without being in the state: import \
                 it, or delete it if it is not needed",
                process.run
            );
            fault.message.push_str(&hint);
        }
    }
}

/// Whether a file that holds the local backend's lock info is there, and whose lock it is.
pub(super) fn local_lock_id(path: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Lock {
        #[serde(rename = "ID")]
        id: String,
    }
    let lock: Option<Lock> = read_json(path).ok()?;
    lock.map(|lock| lock.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> LostProcess {
        LostProcess {
            run: RunId::new("3"),
            step: Step::Apply,
            began: "2026-01-01T10:00:00Z".parse().unwrap(),
            lost: "2026-01-01T10:20:00Z".parse().unwrap(),
            host: "pod-1".into(),
            user: Some("capt".into()),
            version: "1.11.4".into(),
            lock: None,
            making: Vec::new(),
            let_go: false,
        }
    }

    fn lock() -> LockInfo {
        LockInfo {
            id: "abc".into(),
            operation: "OperationTypeApply".into(),
            who: "capt@pod-1".into(),
            version: "1.11.4".into(),
            created: "2026-01-01 10:00:03.25 +0000 UTC".into(),
        }
    }

    #[test]
    fn the_lock_of_a_dead_process_is_known_by_everything_that_it_says() {
        assert!(lost().took(&lock()));
        // The state itself is made under this one.
        let init = LockInfo {
            operation: "init".into(),
            ..lock()
        };
        assert!(lost().took(&init));
    }

    #[test]
    fn a_lock_that_differs_in_anything_is_somebody_elses() {
        let foreign = [
            LockInfo {
                who: "ann@laptop".into(),
                ..lock()
            },
            LockInfo {
                who: "root@pod-1".into(),
                ..lock()
            },
            LockInfo {
                who: "capt@pod-2".into(),
                ..lock()
            },
            LockInfo {
                who: String::new(),
                ..lock()
            },
            LockInfo {
                operation: "OperationTypePlan".into(),
                ..lock()
            },
            LockInfo {
                operation: "OperationTypeRefresh".into(),
                ..lock()
            },
            LockInfo {
                version: "1.12.0".into(),
                ..lock()
            },
            // Before it began, long after it began, and not at a moment that can be read.
            LockInfo {
                created: "2026-01-01 09:59:50 +0000 UTC".into(),
                ..lock()
            },
            LockInfo {
                created: "2026-01-01 10:10:00 +0000 UTC".into(),
                ..lock()
            },
            LockInfo {
                created: "2026-01-01 10:00:03 +0200 CEST".into(),
                ..lock()
            },
            LockInfo {
                created: String::new(),
                ..lock()
            },
        ];
        for lock in foreign {
            assert!(!lost().took(&lock), "{lock:?}");
        }
    }

    #[test]
    fn a_lock_that_was_made_after_the_death_is_somebody_elses() {
        let early = LostProcess {
            lost: "2026-01-01T10:00:01Z".parse().unwrap(),
            ..lost()
        };
        assert!(!early.took(&lock()));
    }

    #[test]
    fn a_lock_that_was_seen_is_known_by_its_id_alone() {
        let seen = |id: &str| LostProcess {
            lock: Some(id.into()),
            ..lost()
        };
        assert!(seen("abc").took(&LockInfo {
            id: "abc".into(),
            ..LockInfo::default()
        }));
        assert!(!seen("other").took(&lock()));
    }

    #[test]
    fn a_process_that_has_let_go_holds_no_lock() {
        let gone = LostProcess {
            let_go: true,
            ..lost()
        };
        assert!(!gone.took(&lock()));
    }

    #[test]
    fn moments_are_read_as_go_and_as_json_write_them() {
        let expected: Timestamp = "2026-01-01T10:00:00.5Z".parse().unwrap();
        for text in [
            "2026-01-01 10:00:00.5 +0000 UTC",
            "2026-01-01T10:00:00.5Z",
            "2026-01-01T11:00:00.5+01:00",
        ] {
            assert_eq!(moment(text), Some(expected), "{text}");
        }
        assert_eq!(moment("yesterday"), None);
    }
}
