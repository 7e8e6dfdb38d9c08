//! Conditions as values: what is said about an object in the words that generic tools read.
//!
//! `Reconciling` and `Stalled` follow kstatus: present only while they are true, and never both.

use jiff::Timestamp;

use crate::advance::overdue_at;
use crate::lifecycle::State;
use crate::object::Object;
use crate::record::Record;
use crate::trend::{Warning, unusually_long};
use crate::wait::Wait;

/// The status of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// Nobody has looked yet.
    Unknown,
}

impl Truth {
    /// As Kubernetes writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// One condition, without the times, which belong to whoever writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The type.
    pub kind: &'static str,
    /// Whether it holds.
    pub truth: Truth,
    /// A `CamelCase` word for programs.
    pub reason: String,
    /// The sentence for a person; may be empty.
    pub message: String,
}

impl Condition {
    /// A condition of this type.
    pub fn new(
        kind: &'static str,
        truth: impl Into<Truth>,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            truth: truth.into(),
            reason: Some(reason.into())
                .filter(|reason| !reason.is_empty())
                .unwrap_or_else(|| kind.to_owned()),
            message: message.into(),
        }
    }
}

/// Whether nothing goes on by itself although the work is not done: a person is needed, or whoever it waits for.
///
/// Work that is overdue and goes on is not stuck: whoever reads `Stalled` as a failure would give up on an apply that
/// is about to succeed.
fn is_stuck(object: &Object, record: &Record, now: Timestamp) -> bool {
    match record.state {
        State::Failed => true,
        State::Degraded => record.gave_up,
        State::Validating => is_overdue(object, record, now),
        State::Recovering => record.next_attempt.is_none() && is_overdue(object, record, now),
        State::Pending | State::Provisioning | State::Configuring | State::Ready => false,
    }
}

/// The warning that what goes on takes longer than such work did before.
fn unusual(record: &Record, now: Timestamp) -> Option<Warning> {
    let operation = record.operation.as_ref()?;
    unusually_long(&record.durations(operation.kind), operation.started_at, now)
}

/// Whether the work on `object` takes longer than it should.
pub fn is_overdue(object: &Object, record: &Record, now: Timestamp) -> bool {
    overdue_at(record, &object.policy, &object.absences).is_some_and(|at| at <= now)
}

/// The conditions that every kind has, in the order in which people read them.
pub fn standard(object: &Object, record: &Record, waits: &[Wait], now: Timestamp) -> Vec<Condition> {
    let overdue = is_overdue(object, record, now);
    let stopped = match record.state {
        State::Failed => true,
        State::Degraded => record.gave_up,
        State::Pending
        | State::Validating
        | State::Provisioning
        | State::Configuring
        | State::Ready
        | State::Recovering => false,
    };
    let (reason, message) = explanation(object, record, waits);
    // Its failure stays what it is, also while it is deleted.
    let failed = record
        .fault
        .as_ref()
        .map(|fault| (fault.code.clone(), fault.to_string()));
    let failed = failed.unwrap_or_else(|| (reason.clone(), message.clone()));
    let failure = (record.state == State::Failed).then_some((&*failed.0, &*failed.1));
    let current = record.applied.as_deref() == Some(object.input.as_str());
    let mut conditions = vec![
        Condition::new("Ready", record.ready && !object.deleting, &*reason, &*message),
        Condition::new(
            "UpToDate",
            current,
            if current { "UpToDate" } else { "NotUpToDate" },
            if current {
                ""
            } else {
                "the present input is not applied yet"
            },
        ),
        Condition::new(
            "Initialized",
            record.initialized,
            if record.initialized {
                "Initialized"
            } else {
                "NotInitialized"
            },
            "",
        ),
        Condition::new(
            "Creating",
            !record.initialized && !stopped && !object.deleting,
            &*record_word(record),
            "",
        ),
        Condition::new(
            "Failed",
            record.state == State::Failed,
            failure.map_or("NotFailed", |(reason, _)| reason),
            failure.map_or("", |(_, message)| message),
        ),
    ];
    if let Some(why) = &object.paused {
        // Nobody works on it, but whoever waits for it must not take it for done.
        if !current {
            conditions.push(Condition::new("Reconciling", true, "Paused", why.as_str()));
        }
    } else {
        let (reason, message) = if overdue && (object.deleting || !stopped) {
            ("Overdue".to_owned(), overdue_message(record, waits))
        } else if let Some(warning) = unusual(record, now).filter(|_| object.deleting || !stopped) {
            let message = match waits.first() {
                Some(wait) => format!("{warning}; {}", wait.message),
                None => warning.to_string(),
            };
            (warning.name().to_owned(), message)
        } else {
            (reason, message)
        };
        if !object.deleting && is_stuck(object, record, now) {
            conditions.push(Condition::new("Stalled", true, reason, message));
        } else if object.deleting || !record.state.is_settled() {
            conditions.push(Condition::new("Reconciling", true, reason, message));
        }
    }
    conditions.push(if object.deleting {
        let message = waits.first().map_or("", |wait| wait.message.as_str());
        Condition::new(
            "Deleting",
            true,
            waits.first().map_or("Deleting", |wait| wait.reason.as_str()),
            message,
        )
    } else {
        Condition::new("Deleting", false, "NotDeleting", "")
    });
    conditions.push(match &object.paused {
        Some(why) => Condition::new("Paused", true, "Paused", why.as_str()),
        None => Condition::new("Paused", false, "NotPaused", ""),
    });
    conditions
}

/// Why it is as it is: the reason and the message of the `Ready` condition.
fn explanation(object: &Object, record: &Record, waits: &[Wait]) -> (String, String) {
    if object.deleting {
        let message = waits
            .first()
            .map_or_else(|| "being deleted".to_owned(), |wait| wait.message.clone());
        return ("Deleting".to_owned(), message);
    }
    if let Some(fault) = &record.fault {
        return (fault.code.clone(), fault.to_string());
    }
    if record.ready {
        return (
            "Ready".to_owned(),
            waits
                .first()
                .map_or_else(String::new, |wait| wait.message.clone()),
        );
    }
    match waits.first() {
        Some(wait) => (wait.reason.clone(), wait.message.clone()),
        None => (record_word(record), String::new()),
    }
}

fn record_word(record: &Record) -> String {
    record.state.name().to_owned()
}

fn overdue_message(record: &Record, waits: &[Wait]) -> String {
    let what = record
        .operation
        .as_ref()
        .map_or("work", |operation| operation.kind.name());
    match waits.first() {
        Some(wait) => format!("{what} takes longer than its limit; {}", wait.message),
        None => format!("{what} takes longer than its limit"),
    }
}
