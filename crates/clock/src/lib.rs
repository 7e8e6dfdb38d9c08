//! Where the time of day comes from.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// An injected source of the time of day.
///
/// Delays are always measured with tokio's clock; this one is for what is written down and compared with
/// what was written down before.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that asks `source`.
    pub fn new(source: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// The wall clock of the machine.
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place where the wall clock enters"
    )]
    pub fn system() -> Self {
        Self::new(Timestamp::now)
    }

    /// A clock that stands at `epoch` now and advances with tokio's clock, paused or not.
    ///
    /// Call it inside the runtime whose time it is to follow. It stops at the last representable moment.
    pub fn virtual_since(epoch: Timestamp) -> Self {
        let start = Instant::now();
        Self::new(move || {
            SignedDuration::try_from(start.elapsed())
                .ok()
                .and_then(|elapsed| epoch.checked_add(elapsed).ok())
                .unwrap_or(Timestamp::MAX)
        })
    }

    /// The time of day.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
