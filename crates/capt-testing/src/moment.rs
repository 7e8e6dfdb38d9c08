//! A moment at which something is done to the operator.

use std::time::Duration;

use tokio::task::AbortHandle;

/// How long an operator that is held waits for the answer to its write: long enough for the script to act, too short
/// for anything else to notice.
const HELD: Duration = Duration::from_millis(1);

/// A killed operator never hears the answer.
const NEVER: Duration = Duration::from_hours(1);

/// How much a write of the operator brings an object on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// A run comes to its next stage. An operator that starts anew may go through it again.
    Stage,
    /// Something is made or removed, or a state, a run, a finalizer or a deletion changes.
    Milestone,
}

/// Right after one of the operator's writes has reached the world, before it learns of it.
pub(crate) struct Moment {
    /// What counts.
    least: Weight,
    /// How many of these are left until then.
    left: u32,
    /// The operator, if it is to die.
    operator: Option<AbortHandle>,
}

impl Moment {
    /// The operator is held at the `nth` of its writes, counted from one, that weighs this much.
    pub(crate) fn hold(nth: u32, least: Weight) -> Self {
        Self {
            least,
            left: nth,
            operator: None,
        }
    }

    /// The operator dies at the `nth` of its writes, counted from one, that weighs this much.
    pub(crate) fn kill(nth: u32, least: Weight, operator: AbortHandle) -> Self {
        Self {
            least,
            left: nth,
            operator: Some(operator),
        }
    }

    /// Counts a write. If it is the moment: how long the operator has to wait for its answer.
    pub(crate) fn strike(&mut self, weight: Weight) -> Option<Duration> {
        if self.left == 0 || weight < self.least {
            return None;
        }
        self.left -= 1;
        if self.left > 0 {
            return None;
        }
        Some(match &self.operator {
            Some(operator) => {
                operator.abort();
                NEVER
            }
            None => HELD,
        })
    }

    /// Whether it has come.
    pub(crate) fn is_past(&self) -> bool {
        self.left == 0
    }

    /// Whether the operator dies at it.
    pub(crate) fn kills(&self) -> bool {
        self.operator.is_some()
    }
}
