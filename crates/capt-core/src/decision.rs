//! What one round decided, before anything is done about it.

use jiff::Timestamp;

use crate::plan::{Checked, Plan};
use crate::wait::{Notice, Wait};

/// When to look again if nothing changes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Requeue {
    /// Only when something that was observed changes.
    OnChange,
    /// At this moment at the latest.
    At(Timestamp),
}

impl Requeue {
    /// The earlier of both.
    #[must_use]
    pub fn earliest(self, other: Self) -> Self {
        match (self, other) {
            (Self::OnChange, later) | (later, Self::OnChange) => later,
            (Self::At(a), Self::At(b)) => Self::At(a.min(b)),
        }
    }
}

/// The result of `decide`: the record to persist, the effects to execute, and what people are told.
///
/// `S` is the record of the subject, `C` its command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision<S, C> {
    /// What to persist. Where it differs in state or attempt from what was read, the plan is empty: intent
    /// is durable before its effect.
    pub record: S,
    /// The effects of this round.
    pub plan: Plan<C, Checked>,
    /// When to look again.
    pub requeue: Requeue,
    /// Why nothing (more) happens.
    pub waits: Vec<Wait>,
    /// What people are told once.
    pub notices: Vec<Notice>,
}

impl<S, C> Decision<S, C> {
    /// A decision that persists `record` and does nothing else.
    pub fn hold(record: S) -> Self {
        Self {
            record,
            plan: Plan::empty(),
            requeue: Requeue::OnChange,
            waits: Vec::new(),
            notices: Vec::new(),
        }
    }
}
