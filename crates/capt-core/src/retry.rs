//! When to try again: integer back-off with seeded jitter.
//!
//! Delays are computed in whole milliseconds and saturate, so that no number of attempts overflows; the
//! jitter comes from the caller's seed, so that the same attempt of the same object always waits equally long.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::FaultClass;

/// How retries of one subject are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryStrategy {
    /// The delay before the first retry.
    pub base_delay: Duration,
    /// No delay is longer than this (jitter included).
    pub max_delay: Duration,
    /// After so many attempts in one incident a person is asked. Zero means never to retry.
    pub max_retries: u32,
    /// Growth from one delay to the next in percent; 200 doubles. Values below 100 count as 100.
    pub backoff_factor_percent: u32,
    /// Healthy looks in a row after which an incident is over and its attempts are forgotten; a health check that asks
    /// for more has more.
    pub success_threshold: u32,
}

impl Default for RetryStrategy {
    /// 10 s doubling to 10 min, ten attempts: long enough for an AWS throttling window, short enough that a
    /// person watching sees something happen.
    fn default() -> Self {
        Self {
            base_delay: Duration::from_secs(10),
            max_delay: Duration::from_mins(10),
            max_retries: 10,
            backoff_factor_percent: 200,
            success_threshold: 1,
        }
    }
}

impl RetryStrategy {
    /// The same strategy at the pace of a class of faults.
    ///
    /// A lock is soon released, so that longer and longer delays gain nothing; what rests on something else gives that
    /// time to come up, and follows soon once it has. By default a lock is tried after 15 s to 2 min and a dependency
    /// after 30 s to 5 min; all else is spaced as the owner says.
    #[must_use]
    pub fn for_class(mut self, class: FaultClass) -> Self {
        let (base_percent, max_percent) = match class {
            FaultClass::Locked => (150, 20),
            FaultClass::Dependency => (300, 50),
            FaultClass::Transient
            | FaultClass::Interrupted
            | FaultClass::Credentials
            | FaultClass::Permission
            | FaultClass::Quota
            | FaultClass::Conflict
            | FaultClass::Invalid
            | FaultClass::Integrity
            | FaultClass::Environment
            | FaultClass::Unknown => return self,
        };
        self.base_delay = self.base_delay.saturating_mul(base_percent) / 100;
        self.max_delay = self.max_delay.saturating_mul(max_percent) / 100;
        self
    }

    /// The delay before attempt number `attempt + 1`, when `attempt` attempts have failed. Where none has, it is that of
    /// the first failure.
    ///
    /// Grows monotonically until it reaches `max_delay`. Up to a tenth of the step is added as jitter drawn
    /// from `seed` and `attempt`; a tenth is less than any growth step, so jitter never breaks the order.
    pub fn delay(&self, attempt: u32, seed: u64) -> Duration {
        let attempt = attempt.max(1);
        let cap = millis(self.max_delay);
        let mut delay = millis(self.base_delay).min(cap);
        let factor = u64::from(self.backoff_factor_percent.max(100));
        let mut remaining = attempt - 1;
        while remaining > 0 && delay < cap && factor > 100 && delay > 0 {
            // Beyond what can be counted it is the longest there is, at once and not millisecond by millisecond.
            let grown = delay
                .checked_mul(factor)
                .map_or(cap, |grown| (grown / 100).max(delay + 1));
            delay = grown.min(cap);
            remaining -= 1;
        }
        let jitter = match delay / 10 {
            0 => 0,
            span if factor >= 111 => splitmix64(seed ^ u64::from(attempt).rotate_left(32)) % span,
            _ => 0,
        };
        Duration::from_millis(delay.saturating_add(jitter).min(cap))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The splitmix64 generator, one step: a well-mixed number from a seed.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (OOPSLA 2014).
pub const fn splitmix64(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A seed from a stable text such as an object's uid (64-bit FNV-1a).
pub fn seed_of(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn strategy() -> impl Strategy<Value = RetryStrategy> {
        (0u64..100_000, 0u64..10_000_000, 0u32..1000).prop_map(|(base, max, factor)| RetryStrategy {
            base_delay: Duration::from_millis(base),
            max_delay: Duration::from_millis(max),
            backoff_factor_percent: factor,
            ..RetryStrategy::default()
        })
    }

    proptest! {
        #[test]
        fn delays_grow_to_the_cap_and_stay_there(retry in strategy(), attempt in any::<u32>(), seed in any::<u64>()) {
            let now = retry.delay(attempt, seed);
            prop_assert!(now <= retry.max_delay);
            if retry.backoff_factor_percent >= 111 && retry.base_delay >= Duration::from_millis(100) {
                prop_assert!(retry.delay(attempt.saturating_add(1), seed) >= now);
            }
        }

        #[test]
        fn the_same_attempt_always_waits_equally_long(retry in strategy(), attempt in any::<u32>(), seed in any::<u64>()) {
            prop_assert_eq!(retry.delay(attempt, seed), retry.delay(attempt, seed));
        }
    }

    #[test]
    fn the_last_attempt_counter_does_not_overflow() {
        assert_eq!(
            RetryStrategy::default().delay(u32::MAX, 7),
            Duration::from_mins(10)
        );
    }

    /// However long the longest delay is, it is reached in few steps.
    #[test]
    fn a_delay_without_a_bound_is_reached_at_once() {
        let retry = RetryStrategy {
            max_delay: Duration::MAX,
            ..RetryStrategy::default()
        };
        assert_eq!(retry.delay(u32::MAX, 7), Duration::from_millis(u64::MAX));
        assert!(retry.delay(40, 7) < retry.delay(41, 7));
    }

    #[test]
    fn each_class_has_a_pace_of_its_own() {
        let seconds = |class| {
            let paced = RetryStrategy::default().for_class(class);
            (paced.base_delay.as_secs(), paced.max_delay.as_secs())
        };
        assert_eq!(seconds(FaultClass::Transient), (10, 600));
        assert_eq!(seconds(FaultClass::Locked), (15, 120));
        assert_eq!(seconds(FaultClass::Dependency), (30, 300));
        let endless = RetryStrategy {
            base_delay: Duration::MAX,
            ..RetryStrategy::default()
        };
        let first = endless.for_class(FaultClass::Dependency).delay(1, 7);
        assert_eq!(first, Duration::from_mins(5));
    }

    #[test]
    fn the_first_retry_waits_for_the_base_delay_and_little_more() {
        let first = RetryStrategy::default().delay(1, 42);
        assert!(
            (Duration::from_secs(10)..Duration::from_secs(11)).contains(&first),
            "{first:?}"
        );
    }

    fn millis_of(retry: &RetryStrategy, attempts: impl IntoIterator<Item = u32>) -> Vec<u128> {
        let delays = attempts.into_iter().map(|attempt| retry.delay(attempt, 42));
        delays.map(|delay| delay.as_millis()).collect()
    }

    #[test]
    fn delays_double_with_less_than_a_tenth_on_top() {
        assert_eq!(
            millis_of(&RetryStrategy::default(), 0..9),
            [
                10_147, 10_147, 20_216, 42_601, 86_237, 166_228, 348_005, 600_000, 600_000
            ]
        );
        let of_another_object = [1, 2, 3].map(|attempt| RetryStrategy::default().delay(attempt, u64::MAX));
        assert_eq!(
            of_another_object.map(|delay| delay.as_millis()),
            [10_713, 20_162, 43_490]
        );
    }

    /// Without growth there is no jitter, or a later delay could be the shorter one.
    #[test]
    fn slow_growth_has_no_jitter() {
        let growing = |percent| {
            let retry = RetryStrategy {
                base_delay: Duration::from_secs(1),
                max_delay: Duration::from_secs(10),
                backoff_factor_percent: percent,
                ..RetryStrategy::default()
            };
            millis_of(&retry, [1, 2, 3, 30])
        };
        assert_eq!(growing(0), [1_000, 1_000, 1_000, 1_000]);
        assert_eq!(growing(100), [1_000, 1_000, 1_000, 1_000]);
        assert_eq!(growing(101), [1_000, 1_010, 1_020, 1_319]);
        assert_eq!(growing(110), [1_000, 1_100, 1_210, 10_000]);
        let with_jitter = growing(111);
        assert!((1_001..1_100).contains(&with_jitter[0]), "{with_jitter:?}");
        assert!((1_111..1_221).contains(&with_jitter[1]), "{with_jitter:?}");
    }

    #[test]
    fn short_delays_grow_by_a_millisecond_and_none_stays_none() {
        let from = |millis, percent| {
            let retry = RetryStrategy {
                base_delay: Duration::from_millis(millis),
                max_delay: Duration::from_millis(100),
                backoff_factor_percent: percent,
                ..RetryStrategy::default()
            };
            millis_of(&retry, [1, 2, 3, 4])
        };
        assert_eq!(from(5, 110), [5, 6, 7, 8]);
        assert_eq!(from(0, 200), [0, 0, 0, 0]);
        assert_eq!(from(100, 200), [100, 100, 100, 100]);
        assert_eq!(from(101, 200), [100, 100, 100, 100]);
    }

    /// The values that the published algorithms give.
    #[test]
    fn numbers_are_mixed_as_published() {
        assert_eq!(splitmix64(0), 0xE220_A839_7B1D_CDAF);
        assert_eq!(splitmix64(1_234_567), 6_457_827_717_110_365_317);
        assert_eq!(seed_of(""), 0xCBF2_9CE4_8422_2325);
        assert_eq!(seed_of("a"), 0xAF63_DC4C_8601_EC8C);
        assert_eq!(seed_of("foobar"), 0x8594_4171_F739_67E8);
    }
}
