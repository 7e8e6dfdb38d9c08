//! The death of the operator at a chosen moment.

use tokio::task::AbortHandle;

/// Kills the operator right after one of its writes has reached the world, before it learns of it.
pub(crate) struct Crash {
    /// How many milestones are left until then; the last one kills.
    pub(crate) left: u32,
    pub(crate) operator: AbortHandle,
}

impl Crash {
    /// Counts a milestone; whether it was the last one.
    pub(crate) fn strike(&mut self) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        if self.left == 0 {
            self.operator.abort();
        }
        self.left == 0
    }
}
