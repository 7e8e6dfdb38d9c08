//! Where the time of day and new ids come from.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use capt_core::retry::splitmix64;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use uuid::Uuid;

/// An injected source of the time of day.
///
/// Delays are always measured with tokio's clock; this one is for what is written down and compared with what was
/// written down before.
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

/// An injected source of request ids, and with them of all that is made at random while a request is answered.
#[derive(Clone)]
pub struct RequestIds(Arc<dyn Fn() -> Uuid + Send + Sync>);

impl RequestIds {
    /// Ids by the machine's randomness.
    pub fn random() -> Self {
        Self(Arc::new(Uuid::new_v4))
    }

    /// The same ids in the same order for the same seed.
    pub fn seeded(seed: u64) -> Self {
        let next = AtomicU64::new(seed);
        Self(Arc::new(move || {
            let high = splitmix64(next.fetch_add(2, Ordering::Relaxed));
            let low = splitmix64(high);
            uuid::Builder::from_u64_pair(high, low)
                .with_version(uuid::Version::Random)
                .with_variant(uuid::Variant::RFC4122)
                .into_uuid()
        }))
    }

    /// The next id.
    pub fn next(&self) -> Uuid {
        (self.0)()
    }
}

impl fmt::Debug for RequestIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestIds")
    }
}

/// A seed out of a request id, for what the request makes.
pub fn seed(id: Uuid) -> u64 {
    let (high, low) = id.as_u64_pair();
    high ^ low.rotate_left(32)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_virtual_clock_follows_tokio() {
        let epoch: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let clock = Clock::virtual_since(epoch);
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.now().to_string(), "2026-01-01T00:01:30Z");
    }

    #[test]
    fn seeded_ids_come_again_and_differ_among_themselves() {
        let (one, other) = (RequestIds::seeded(7), RequestIds::seeded(7));
        let first = one.next();
        assert_eq!(first, other.next());
        assert_eq!(first.get_version_num(), 4);
        let second = one.next();
        assert_ne!(first, second);
        assert_ne!(seed(first), seed(second));
    }
}
