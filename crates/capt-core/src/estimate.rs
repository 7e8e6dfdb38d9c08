//! How long work takes, learned from how long it took.
//!
//! A [`Durations`] keeps the last few durations of one kind of work. From them come the expected end of the work
//! that is going on, and when it counts as overdue: both are moments, which stand still while time passes, so that
//! nothing is written again just because it is later.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::advance::after;

/// How many durations are kept, the newest.
pub const SAMPLES: usize = 32;

/// As many samples as make a history; with fewer the default counts.
pub const ENOUGH: usize = 3;

/// The last durations of one kind of work that ended well, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Durations {
    /// In whole seconds.
    seconds: Vec<u64>,
}

/// Where an estimate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Source {
    /// From so many durations of the same kind of work.
    History {
        /// How many.
        samples: u32,
    },
    /// There is too little history.
    Default,
}

/// How long one kind of work takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Half of the work took no longer.
    pub p50: Duration,
    /// Nine in ten took no longer.
    pub p90: Duration,
    /// Where that comes from.
    pub source: Source,
}

impl Durations {
    /// Adds how long it took this time.
    pub fn note(&mut self, duration: Duration) {
        if self.seconds.len() >= SAMPLES {
            self.seconds.drain(..=self.seconds.len() - SAMPLES);
        }
        self.seconds.push(duration.as_secs());
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.seconds.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.seconds.is_empty()
    }

    /// The shortest duration that so many percent of them did not exceed (nearest rank); `None` without any.
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        nearest_rank(&self.sorted(), percent)
    }

    /// The seconds, the shortest first.
    fn sorted(&self) -> Vec<u64> {
        let mut sorted = self.seconds.clone();
        sorted.sort_unstable();
        sorted
    }

    /// How long it takes, if it usually takes `default` and nothing else is known; half as long again is then what
    /// nine in ten do not exceed.
    pub fn estimate(&self, default: Duration) -> Estimate {
        let sorted = self.sorted();
        match (nearest_rank(&sorted, 50), nearest_rank(&sorted, 90)) {
            (Some(p50), Some(p90)) if self.len() >= ENOUGH => Estimate {
                p50,
                p90,
                source: Source::History {
                    samples: u32::try_from(self.len()).unwrap_or(u32::MAX),
                },
            },
            (Some(_) | None, Some(_) | None) => Estimate {
                p50: default,
                p90: default.saturating_add(default / 2),
                source: Source::Default,
            },
        }
    }
}

/// The shortest of them that so many percent do not exceed.
fn nearest_rank(sorted: &[u64], percent: u8) -> Option<Duration> {
    let rank = (usize::from(percent.min(100)) * sorted.len())
        .div_ceil(100)
        .max(1);
    sorted.get(rank - 1).copied().map(Duration::from_secs)
}

impl Estimate {
    /// When work that began then is expected to end. Work that takes longer than half of its kind is expected to
    /// end as nine in ten do; later than that, nothing is expected.
    pub fn completion(&self, started_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
        [self.p50, self.p90]
            .into_iter()
            .map(|duration| after(started_at, duration))
            .find(|end| *end > now)
    }

    /// When work that began then counts as overdue.
    pub fn overdue_at(&self, started_at: Timestamp) -> Timestamp {
        after(started_at, self.p90)
    }
}

/// How far work is that consists of stages, in whole percent: the share of the stages that are done and of the one
/// that is going on, each weighted with how long it takes.
///
/// `within` is the percentage of the stage that is going on. At most 99 until all stages are done; stages that take
/// no time count as one unit, so that every stage moves something.
pub fn weighted_percent(weights: &[Duration], done: usize, within: u8) -> u8 {
    if done >= weights.len() {
        return 100;
    }
    let weight = |duration: &Duration| duration.as_secs().max(1);
    let sum = |weights: &[Duration]| {
        weights
            .iter()
            .fold(0_u128, |sum, it| sum + u128::from(weight(it)))
    };
    let before = sum(&weights[..done]) * 100;
    let of_stage = u128::from(weight(&weights[done])) * u128::from(within.min(100));
    let percent = (before + of_stage) / sum(weights).max(1);
    u8::try_from(percent.min(99)).unwrap_or(99)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn durations(seconds: &[u64]) -> Durations {
        let mut durations = Durations::default();
        for &second in seconds {
            durations.note(Duration::from_secs(second));
        }
        durations
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn percentiles_are_durations_that_were() {
        let ten = durations(&[10, 1, 9, 2, 8, 3, 7, 4, 6, 5]);
        let seconds = |percent| ten.percentile(percent).unwrap().as_secs();
        assert_eq!(
            [0, 10, 11, 50, 90, 91, 95, 100, 255].map(seconds),
            [1, 1, 2, 5, 9, 10, 10, 10, 10]
        );
        assert_eq!(Durations::default().percentile(50), None);
        assert!(Durations::default().is_empty());
        assert!(!ten.is_empty());
        assert_eq!((ten.len(), Durations::default().len()), (10, 0));
    }

    #[test]
    fn the_newest_are_kept() {
        let many: Vec<u64> = (0..100).collect();
        let kept = durations(&many);
        assert_eq!(kept.len(), SAMPLES);
        assert_eq!(kept.percentile(0), Some(Duration::from_secs(68)));
        let one_too_many = durations(&many[..=SAMPLES]);
        assert_eq!(one_too_many.len(), SAMPLES);
        assert_eq!(one_too_many.percentile(0), Some(Duration::from_secs(1)));
        let just_enough = durations(&many[..SAMPLES]);
        assert_eq!(just_enough.len(), SAMPLES);
        assert_eq!(just_enough.percentile(0), Some(Duration::ZERO));
    }

    #[test]
    fn with_too_little_history_the_default_counts() {
        let default = Duration::from_mins(10);
        let estimate = durations(&[1, 2]).estimate(default);
        assert_eq!((estimate.p50.as_secs(), estimate.p90.as_secs()), (600, 900));
        assert_eq!(estimate.source, Source::Default);
        let estimate = durations(&[1, 2, 3]).estimate(default);
        assert_eq!((estimate.p50.as_secs(), estimate.p90.as_secs()), (2, 3));
        assert_eq!(estimate.source, Source::History { samples: 3 });
    }

    #[test]
    fn the_expected_end_stands_still_until_it_has_passed() {
        let estimate = durations(&[100, 100, 300]).estimate(Duration::ZERO);
        assert_eq!(estimate.completion(at(0), at(0)), Some(at(100)));
        assert_eq!(estimate.completion(at(0), at(99)), Some(at(100)));
        assert_eq!(estimate.completion(at(0), at(100)), Some(at(300)));
        assert_eq!(estimate.completion(at(0), at(300)), None);
        assert_eq!(estimate.overdue_at(at(0)), at(300));
    }

    #[test]
    fn stages_count_by_how_long_they_take() {
        let weights = [60, 540, 0].map(Duration::from_secs);
        assert_eq!(weighted_percent(&weights, 0, 0), 0);
        assert_eq!(weighted_percent(&weights, 0, 50), 4);
        assert_eq!(weighted_percent(&weights, 1, 0), 9);
        assert_eq!(weighted_percent(&weights, 1, 100), 99);
        assert_eq!(weighted_percent(&weights, 2, 0), 99);
        assert_eq!(weighted_percent(&weights, 3, 0), 100);
        assert_eq!(weighted_percent(&[], 0, 0), 100);
        assert_eq!(weighted_percent(&[Duration::MAX, Duration::MAX], 1, 200), 99);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

        #[test]
        fn percent_never_goes_back_and_is_whole_only_at_the_end(weights in proptest::collection::vec(0..10_000_u64, 1..8)) {
            let weights: Vec<Duration> = weights.into_iter().map(Duration::from_secs).collect();
            let mut before = 0;
            for done in 0..weights.len() {
                for within in 0..=100 {
                    let percent = weighted_percent(&weights, done, within);
                    prop_assert!(percent >= before && percent < 100);
                    before = percent;
                }
            }
            prop_assert_eq!(weighted_percent(&weights, weights.len(), 0), 100);
        }

        #[test]
        fn estimates_are_in_order(seconds in proptest::collection::vec(any::<u64>(), 0..50), default in any::<u64>()) {
            let estimate = durations(&seconds).estimate(Duration::from_secs(default));
            prop_assert!(estimate.p50 <= estimate.p90);
            prop_assert_eq!(estimate.source == Source::Default, seconds.len() < ENOUGH);
        }
    }
}
