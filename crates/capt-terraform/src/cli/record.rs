//! What is written down about a run, so that another process can take it up.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::engine::{EngineKind, Step};
use crate::run::{RunEnd, RunId, RunSpec};

/// The run that a directory belongs to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RunRecord {
    /// What was asked for, without the files.
    pub(super) spec: RunSpec,
    pub(super) started_at: Timestamp,
    pub(super) engine: EngineKind,
    pub(super) version: String,
    pub(super) step: Option<StepRecord>,
    /// The lock that the run holds, where it could be seen.
    pub(super) lock_id: Option<String>,
}

/// The last step that was begun.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StepRecord {
    pub(super) step: Step,
    pub(super) attempt: u32,
    pub(super) process: Option<ProcessId>,
    /// When; absent in the records of older versions.
    #[serde(default)]
    pub(super) began: Option<Timestamp>,
    /// The machine, or pod, that it runs on.
    #[serde(default)]
    pub(super) host: String,
    /// It was asked to stop. A second interrupt would make Terraform give up its state.
    pub(super) interrupted: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct ResultRecord {
    pub(super) id: RunId,
    pub(super) end: RunEnd,
}

/// What a saved plan belongs to. That the state is still the one that it was made from, by lineage and serial,
/// is written in the plan itself, and `apply` checks it under the lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlanRecord {
    pub(super) run: RunId,
    pub(super) input_digest: String,
    pub(super) engine: EngineKind,
    pub(super) version: String,
}

/// A process, told from every other that has had or will have its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProcessId {
    pub(super) pid: i32,
    /// In clock ticks since the machine started: field 22 of `/proc/<pid>/stat`.
    started: u64,
    boot: String,
}

impl ProcessId {
    /// The process of this number as it is now.
    pub(super) fn of(pid: i32) -> Option<Self> {
        Some(Self {
            pid,
            started: Stat::read(pid)?.started,
            boot: boot_id(),
        })
    }

    /// Whether the machine was not started anew since, so that its number can still mean its group.
    pub(super) fn is_of_this_boot(&self) -> bool {
        self.boot == boot_id()
    }

    /// Whether it still runs. One that has ended and was not waited for does not.
    pub(super) fn is_alive(&self) -> bool {
        self.boot == boot_id()
            && Stat::read(self.pid).is_some_and(|stat| stat.started == self.started && !stat.ended)
    }
}

/// The leader of a process group that works in `dir` and writes into `stdout`: a process that was started just
/// before its starter died, so that it stands in no record. Whoever else works there (a shell, a provisioner) writes
/// somewhere else.
pub(super) fn find_in(dir: &Path, stdout: &Path) -> Option<ProcessId> {
    let dir = fs::canonicalize(dir).ok()?;
    let stdout = fs::canonicalize(stdout).ok()?;
    let link = |pid: i32, name: &str| fs::read_link(format!("/proc/{pid}/{name}")).ok();
    pids().find_map(|pid| {
        let is_it = link(pid, "cwd").is_some_and(|cwd| cwd == dir)
            && link(pid, "fd/1").is_some_and(|file| file == stdout)
            && Stat::read(pid).is_some_and(|stat| stat.group == pid && !stat.ended);
        is_it.then(|| ProcessId::of(pid)).flatten()
    })
}

/// Whether the group of a leader that has ended still has members, of those that work in `dir` if one is named. Its
/// number cannot have been given to another process as long as it has.
pub(super) fn has_orphans(group: i32, dir: Option<&Path>) -> bool {
    let dir = dir.and_then(|dir| fs::canonicalize(dir).ok());
    let stats = || pids().filter_map(|pid| Stat::read(pid).map(|stat| (pid, stat)));
    let reused = stats().any(|(pid, stat)| pid == group && !stat.ended);
    let works_there = |pid: i32| {
        dir.as_ref()
            .is_none_or(|dir| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(dir)))
    };
    !reused && stats().any(|(pid, stat)| stat.group == group && !stat.ended && works_there(pid))
}

/// The name of this machine, or pod, as Terraform calls it in its locks.
pub(super) fn hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn pids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

struct Stat {
    group: i32,
    started: u64,
    ended: bool,
}

impl Stat {
    fn read(pid: i32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the name in parentheses and may hold anything; the third follows the last one.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Self {
            ended: matches!(*fields.first()?, "Z" | "X" | "x"),
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_another_of_its_number() {
        let own = i32::try_from(std::process::id()).unwrap();
        let id = ProcessId::of(own).unwrap();
        assert!(id.is_alive());
        let earlier = ProcessId {
            started: id.started - 1,
            ..id.clone()
        };
        let other_boot = ProcessId {
            boot: "another".into(),
            ..id
        };
        assert!(!earlier.is_alive() && !other_boot.is_alive());
        assert_eq!(ProcessId::of(i32::MAX), None);
    }

    #[test]
    fn only_the_process_that_writes_the_log_of_a_step_is_taken_for_it() {
        use std::os::unix::process::CommandExt;
        use std::process::{Command, Stdio};

        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("apply-0.stdout");
        let start = |stdout: Stdio| {
            let mut sleep = Command::new("sleep");
            sleep.arg("600").current_dir(dir.path()).stdout(stdout);
            sleep.process_group(0).spawn().unwrap()
        };
        fs::write(&log, "").unwrap();
        let mut other = start(Stdio::null());
        let found = find_in(dir.path(), &log);
        let mut own = start(fs::File::create(&log).unwrap().into());
        let it = find_in(dir.path(), &log).unwrap();
        let pid = i32::try_from(own.id()).unwrap();
        for child in [&mut other, &mut own] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!((found, it.pid), (None, pid));
        assert!(!it.is_alive());
    }
}
