//! What is persisted about one object between two rounds.
//!
//! Everything needed to go on after a restart is in the record (which lives in the object's status), the
//! run record in the working directory, and the Terraform state. Nothing else is remembered.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::estimate::Durations;
use crate::fault::{Fault, FaultClass};
use crate::health::Checkup;
use crate::lifecycle::{Phase, State};
use crate::recovery::{ActionKind, Ledger};
use crate::revision::LastGood;

/// Histories are rings: the newest this many entries are kept.
pub const HISTORY: usize = 16;

/// The persisted data of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Where it is in its life.
    pub state: State,
    /// When it came there. `None` before the first visit.
    pub since: Option<Timestamp>,
    /// The state from which Recovering was entered.
    pub origin: Option<State>,
    /// The digest of the input that the present work is for.
    pub input: Option<String>,
    /// The digest of the input that was last applied whole.
    pub applied: Option<String>,
    /// Whether it is ready now. Unlike the state this stays true while an update runs.
    pub ready: bool,
    /// Whether it has ever been ready. Set once per object, never taken back.
    pub initialized: bool,
    /// When the next attempt or probe is due.
    pub next_attempt: Option<Timestamp>,
    /// The attempts are used up and a person is needed, although it had been ready before.
    pub gave_up: bool,
    /// What is wrong at present.
    pub fault: Option<Fault>,
    /// The child whose fault it is; a fault of one's own has none.
    pub blamed: Option<String>,
    /// The value of the request annotations that was last honoured.
    pub honoured: Option<String>,
    /// The Terraform run that is open or was last open.
    pub run: Option<Run>,
    /// What is being done.
    pub operation: Option<Operation>,
    /// What was done before, oldest first.
    pub history: Vec<Operation>,
    /// What was tried to heal it.
    pub recovery: Recovery,
    /// How its health was judged last.
    pub checkup: Checkup,
    /// What was Ready last.
    pub last_good: Option<LastGood>,
    /// The highest percentage that was shown for the present operation: whoever keeps the record writes here what
    /// `progress` of its subject gave, so that the next one is not behind it.
    pub percent: u8,
}

/// A Terraform run, as an intent that is durable before the run starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Counts the runs of this object; the identity of the run.
    pub number: u32,
    /// What the run is to do.
    pub operation: RunOperation,
    /// The digest of the input that it applies.
    pub input: String,
    /// When it was opened.
    pub opened: Timestamp,
}

/// What a Terraform run is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RunOperation {
    /// Bring what exists to what is described.
    Apply,
    /// Remove what exists.
    Destroy,
}

/// The kinds of operation that people follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OperationKind {
    /// From nothing to the first Ready.
    Creating,
    /// From one input to the next.
    Updating,
    /// From whatever there is to nothing.
    Deleting,
}

impl OperationKind {
    /// The name as people see it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Updating => "Updating",
            Self::Deleting => "Deleting",
        }
    }
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Ending {
    /// As wanted.
    Succeeded,
    /// With a fault.
    Failed,
    /// A newer input took its place.
    Superseded,
}

impl Ending {
    /// The name as people see it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Superseded => "Superseded",
        }
    }
}

/// One operation, running or past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// What it does.
    pub kind: OperationKind,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended, and how.
    pub finished: Option<(Timestamp, Ending)>,
}

/// What was tried to heal one object, counted for its whole life.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recovery {
    /// What decides what is tried next.
    pub ledger: Ledger,
    /// When it was last tried.
    pub last_attempt: Option<Timestamp>,
    /// How often it was tried.
    pub attempts: u32,
    /// How often that led back to Ready.
    pub successes: u32,
    /// The last attempts, oldest first.
    pub history: Vec<RecoveryAttempt>,
}

/// One attempt to heal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryAttempt {
    /// When it was decided.
    pub time: Timestamp,
    /// The code of the fault that led to it.
    pub trigger: String,
    /// The class of that fault, where there was one.
    pub class: Option<FaultClass>,
    /// What was done; nothing where a person was asked instead.
    pub action: Option<ActionKind>,
    /// How it ended, once known.
    pub finished: Option<(Timestamp, RecoveryOutcome)>,
}

/// How an attempt to heal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RecoveryOutcome {
    /// It is in order again.
    Succeeded,
    /// It did not help.
    Failed,
    /// It would have been tried, and is not permitted.
    Observed,
    /// There was nothing more to try, and a person was asked.
    Escalated,
}

impl RecoveryOutcome {
    /// The name as people see it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Observed => "Observed",
            Self::Escalated => "Escalated",
        }
    }
}

impl Record {
    /// Opens the next run. The number counts on whatever became of the last one.
    pub fn open_run(&mut self, operation: RunOperation, input: &str, now: Timestamp) {
        let number = self.run.as_ref().map_or(1, |run| run.number.saturating_add(1));
        self.run = Some(Run {
            number,
            operation,
            input: input.to_owned(),
            opened: now,
        });
    }

    /// Begins an operation unless one of this kind is going on; another kind that is going on is superseded.
    pub fn begin(&mut self, kind: OperationKind, now: Timestamp) {
        match &self.operation {
            Some(current) if current.kind == kind => return,
            Some(_) => self.end(Ending::Superseded, now),
            None => {}
        }
        self.operation = Some(Operation {
            kind,
            started_at: now,
            finished: None,
        });
        self.percent = 0;
    }

    /// Ends the operation that is going on, if there is one.
    pub fn end(&mut self, how: Ending, now: Timestamp) {
        if let Some(operation) = self.operation.take() {
            push(
                &mut self.history,
                Operation {
                    finished: Some((now, how)),
                    ..operation
                },
            );
        }
    }

    /// Whether what is being done is its deletion.
    pub fn is_deleting(&self) -> bool {
        self.operation
            .as_ref()
            .is_some_and(|operation| operation.kind == OperationKind::Deleting)
    }

    /// The legacy phase: an update after the first Ready is still Ready.
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Failed => Phase::Failed,
            State::Ready => Phase::Ready,
            State::Degraded if self.gave_up => Phase::Failed,
            State::Pending
            | State::Validating
            | State::Provisioning
            | State::Configuring
            | State::Degraded
            | State::Recovering => {
                if self.initialized {
                    Phase::Ready
                } else {
                    Phase::Creating
                }
            }
        }
    }

    /// The record of an object of which only the phase is known, because another implementation kept it: what it has
    /// made is looked at as if its input had changed, and what is Ready stays so meanwhile.
    ///
    /// `initialized` is whether it is known to have been Ready once, whatever its phase says.
    pub fn of_phase(phase: Phase, initialized: bool) -> Self {
        Self {
            ready: phase == Phase::Ready,
            initialized: initialized || phase == Phase::Ready,
            ..Self::default()
        }
    }

    /// How long the operations of this kind took that ended well, oldest first.
    pub fn durations(&self, kind: OperationKind) -> Durations {
        let mut durations = Durations::default();
        for operation in self.history.iter().filter(|it| it.kind == kind) {
            if let Some((at, Ending::Succeeded)) = operation.finished {
                // What ended before it began was measured by a clock that was set back.
                if let Ok(took) = Duration::try_from(at.duration_since(operation.started_at)) {
                    durations.note(took);
                }
            }
        }
        durations
    }

    pub(crate) fn begin_recovery(&mut self, trigger: Trigger<'_>, action: ActionKind, now: Timestamp) {
        self.end_recovery(RecoveryOutcome::Failed, now);
        self.recovery.last_attempt = Some(now);
        self.recovery.attempts = self.recovery.attempts.saturating_add(1);
        let attempt = trigger.attempt(Some(action), None, now);
        push(&mut self.recovery.history, attempt);
    }

    /// Writes down that nothing was done: what would have been, or that a person was asked.
    pub(crate) fn note_untried(
        &mut self,
        trigger: Trigger<'_>,
        action: Option<ActionKind>,
        outcome: RecoveryOutcome,
        now: Timestamp,
    ) {
        self.end_recovery(RecoveryOutcome::Failed, now);
        let attempt = trigger.attempt(action, Some((now, outcome)), now);
        push(&mut self.recovery.history, attempt);
    }

    /// Writes down something that was mended at `time` and is over; true if it was not written down before.
    pub(crate) fn note_mended(&mut self, trigger: &str, action: ActionKind, time: Timestamp) -> bool {
        // As it will be read again.
        let time = Timestamp::from_second(time.as_second()).unwrap_or(time);
        let history = &mut self.recovery.history;
        if history
            .iter()
            .any(|it| it.action == Some(action) && it.time == time)
        {
            return false;
        }
        let mended = RecoveryAttempt {
            time,
            trigger: trigger.to_owned(),
            class: None,
            action: Some(action),
            finished: Some((time, RecoveryOutcome::Succeeded)),
        };
        // The attempt that is going on stays the last one.
        let open = history.pop_if(|last| last.finished.is_none());
        push(history, mended);
        if let Some(open) = open {
            push(history, open);
        }
        self.recovery.attempts = self.recovery.attempts.saturating_add(1);
        self.recovery.successes = self.recovery.successes.saturating_add(1);
        true
    }

    pub(crate) fn end_recovery(&mut self, how: RecoveryOutcome, now: Timestamp) {
        if let Some(open) = self
            .recovery
            .history
            .last_mut()
            .filter(|attempt| attempt.finished.is_none())
        {
            open.finished = Some((now, how));
            if how == RecoveryOutcome::Succeeded {
                self.recovery.successes = self.recovery.successes.saturating_add(1);
            }
        }
    }
}

/// What an attempt to heal answers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trigger<'a> {
    /// A fault.
    Fault(&'a Fault),
    /// A dependency that is overdue.
    TimedOut,
}

impl Trigger<'_> {
    fn attempt(
        self,
        action: Option<ActionKind>,
        finished: Option<(Timestamp, RecoveryOutcome)>,
        time: Timestamp,
    ) -> RecoveryAttempt {
        let (trigger, class) = match self {
            Self::Fault(fault) => (fault.code.clone(), Some(fault.class)),
            Self::TimedOut => ("TimedOut".to_owned(), None),
        };
        RecoveryAttempt {
            time,
            trigger,
            class,
            action,
            finished,
        }
    }
}

fn push<T>(ring: &mut Vec<T>, entry: T) {
    if ring.len() >= HISTORY {
        ring.drain(..=ring.len() - HISTORY);
    }
    ring.push(entry);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histories_keep_the_newest_entries() {
        let mut record = Record::default();
        for second in 0..40 {
            let now = Timestamp::from_second(second).unwrap();
            record.begin(OperationKind::Updating, now);
            record.end(Ending::Succeeded, now);
        }
        assert_eq!(record.history.len(), HISTORY);
        assert_eq!(record.history[HISTORY - 1].started_at.as_second(), 39);
    }

    #[test]
    fn what_was_mended_is_written_down_once_and_leaves_the_open_attempt_open() {
        let mut record = Record::default();
        let lost = Fault::new(FaultClass::Interrupted, "ProcessLost", "it is gone");
        record.begin_recovery(
            Trigger::Fault(&lost),
            ActionKind::RetryApply,
            Timestamp::UNIX_EPOCH,
        );
        let at: Timestamp = "1970-01-01T00:00:05.7Z".parse().unwrap();
        assert!(record.note_mended("StateLocked", ActionKind::Unlock, at));
        assert!(!record.note_mended("StateLocked", ActionKind::Unlock, at));
        let earlier: Timestamp = "1970-01-01T00:00:03Z".parse().unwrap();
        assert!(record.note_mended("StateLocked", ActionKind::Unlock, earlier));
        assert!(!record.note_mended("StateLocked", ActionKind::Unlock, earlier));
        let actions: Vec<_> = record.recovery.history.iter().map(|it| it.action).collect();
        assert_eq!(
            actions,
            [
                Some(ActionKind::Unlock),
                Some(ActionKind::Unlock),
                Some(ActionKind::RetryApply)
            ]
        );
        assert_eq!((record.recovery.attempts, record.recovery.successes), (3, 2));
        record.end_recovery(RecoveryOutcome::Succeeded, Timestamp::MAX);
        assert!(record.recovery.history[2].finished.is_some());
    }

    #[test]
    fn what_was_mended_is_told_from_what_was_tried_at_that_moment() {
        let mut record = Record::default();
        let lost = Fault::new(FaultClass::Interrupted, "ProcessLost", "it is gone");
        let at: Timestamp = "1970-01-01T00:00:05Z".parse().unwrap();
        record.begin_recovery(Trigger::Fault(&lost), ActionKind::RetryApply, at);
        assert!(record.note_mended("StateLocked", ActionKind::Unlock, at));
        assert!(!record.note_mended("StateLocked", ActionKind::Unlock, at));
    }

    #[test]
    fn runs_are_counted() {
        let mut record = Record::default();
        record.open_run(RunOperation::Apply, "a", Timestamp::UNIX_EPOCH);
        record.open_run(RunOperation::Destroy, "a", Timestamp::UNIX_EPOCH);
        assert_eq!(record.run.unwrap().number, 2);
    }

    #[test]
    fn another_operation_supersedes_the_one_that_is_going_on() {
        let mut record = Record::default();
        record.begin(OperationKind::Creating, Timestamp::UNIX_EPOCH);
        record.begin(OperationKind::Creating, Timestamp::MAX);
        record.begin(OperationKind::Deleting, Timestamp::UNIX_EPOCH);
        assert_eq!(
            record.history[0].finished,
            Some((Timestamp::UNIX_EPOCH, Ending::Superseded))
        );
        assert_eq!(record.operation.unwrap().kind, OperationKind::Deleting);
    }
}
