//! Ids of requests, and with them all that is made at random while a request is answered.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kecs_core::call::Ids;
use uuid::Uuid;

/// An injected source of request ids.
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
            let numbers = Ids::new(next.fetch_add(1, Ordering::Relaxed));
            let (high, low) = (numbers.number(), numbers.number());
            let bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
            uuid::Builder::from_random_bytes(bytes).into_uuid()
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
    use super::*;

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
