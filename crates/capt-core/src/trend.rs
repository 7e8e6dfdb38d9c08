//! What the histories give warning of: work that takes longer than it ever should, and faults that come more often.
//!
//! Both are plain counts over what is kept anyway, in the open and without guesses.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::advance::after;
use crate::estimate::Durations;
use crate::fault::FaultClass;

/// As many durations as it takes to say that the present one is unusual.
pub const ENOUGH: usize = 5;

/// As many faults of one class in one window as are worth a word.
pub const WORTH_A_WORD: u32 = 3;

/// Something that is getting worse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Warning {
    /// The work takes longer than 95 of 100 of its kind took.
    UnusuallyLong {
        /// How long 95 of 100 took at most.
        usually: Duration,
        /// Of how many that is known.
        samples: u32,
    },
    /// Faults of a class come more often than before.
    Rising {
        /// The class.
        class: FaultClass,
        /// How many came in the last window.
        now: u32,
        /// How many came in the one before.
        before: u32,
        /// The length of a window.
        window: Duration,
    },
}

impl Warning {
    /// A word for programs, fit to be the reason of an event.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UnusuallyLong { .. } => "UnusuallyLong",
            Self::Rising { .. } => "FaultsRising",
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnusuallyLong { usually, samples } => write!(
                f,
                "it takes longer than 95 of 100 did (at most {} min, known of {samples})",
                usually.as_secs().div_ceil(60)
            ),
            Self::Rising {
                class,
                now,
                before,
                window,
            } => write!(
                f,
                "{now} faults of class {class} in the last {} h, {before} in those before",
                window.as_secs() / 3600
            ),
        }
    }
}

/// When work that began then is unusually long; `None` where too little is known of its kind.
pub fn unusual_at(durations: &Durations, started_at: Timestamp) -> Option<Timestamp> {
    let usually = durations.percentile(95).filter(|_| durations.len() >= ENOUGH)?;
    Some(after(started_at, usually))
}

/// The warning about work that began then and is not over.
pub fn unusually_long(durations: &Durations, started_at: Timestamp, now: Timestamp) -> Option<Warning> {
    unusual_at(durations, started_at).filter(|at| *at < now)?;
    Some(Warning::UnusuallyLong {
        usually: durations.percentile(95)?,
        samples: u32::try_from(durations.len()).unwrap_or(u32::MAX),
    })
}

/// The classes of which at least [`WORTH_A_WORD`] faults came in the last `window`, and at least twice as many as in
/// the one before, in order of the classes.
///
/// `observed_since` is when the record of faults begins: a class is not rising because it was not looked at before.
pub fn rising(
    faults: impl IntoIterator<Item = (Timestamp, FaultClass)>,
    observed_since: Timestamp,
    window: Duration,
    now: Timestamp,
) -> Vec<Warning> {
    if after(after(observed_since, window), window) > now {
        return Vec::new();
    }
    let mut counts: BTreeMap<FaultClass, (u32, u32)> = BTreeMap::new();
    for (at, class) in faults.into_iter().filter(|(at, _)| *at <= now) {
        let (recent, before) = counts.entry(class).or_default();
        if after(at, window) > now {
            *recent = recent.saturating_add(1);
        } else if after(after(at, window), window) > now {
            *before = before.saturating_add(1);
        }
    }
    let counts = counts.into_iter();
    counts
        .filter(|(_, (now, before))| *now >= WORTH_A_WORD && *now >= before.saturating_mul(2))
        .map(|(class, (now, before))| Warning::Rising {
            class,
            now,
            before,
            window,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn durations(count: u64) -> Durations {
        let mut durations = Durations::default();
        for minute in 1..=count {
            durations.note(Duration::from_mins(minute));
        }
        durations
    }

    #[test]
    fn work_is_unusually_long_after_what_95_of_100_took() {
        assert_eq!(unusual_at(&durations(4), at(0)), None, "too little is known");
        assert_eq!(unusual_at(&durations(5), at(0)), Some(at(5 * 60)));
        let known = durations(20);
        assert_eq!(unusual_at(&known, at(0)), Some(at(19 * 60)));
        assert_eq!(unusually_long(&known, at(0), at(19 * 60)), None);
        let warning = unusually_long(&known, at(0), at(19 * 60 + 1)).unwrap();
        assert_eq!(warning.name(), "UnusuallyLong");
        assert_eq!(
            warning.to_string(),
            "it takes longer than 95 of 100 did (at most 19 min, known of 20)"
        );
    }

    const HOUR: Duration = Duration::from_hours(1);

    fn rising_at(faults: &[(i64, FaultClass)], since: i64, now: i64) -> Vec<Warning> {
        let faults = faults.iter().map(|(second, class)| (at(*second), *class));
        rising(faults, at(since), HOUR, at(now))
    }

    #[test]
    fn a_class_rises_when_it_comes_twice_as_often_and_often_enough() {
        use FaultClass::{Quota, Transient};
        let three = [(7_000, Transient), (7_100, Transient), (7_200, Transient)];
        let now = 7_200;
        let warnings = rising_at(&three, 0, now);
        assert_eq!(
            warnings[0].to_string(),
            "3 faults of class Transient in the last 1 h, 0 in those before"
        );
        assert_eq!(warnings[0].name(), "FaultsRising");
        assert_eq!(warnings.len(), 1);
        assert!(
            rising_at(&three[1..], 0, now).is_empty(),
            "two are not worth a word"
        );
        assert!(
            rising_at(&three, 1, now).is_empty(),
            "the window before was not observed whole"
        );
        let one_before = [&three[..], &[(3_600, Transient)]].concat();
        assert_eq!(rising_at(&one_before, 0, now).len(), 1);
        let two_before = [&one_before[..], &[(1, Transient)]].concat();
        assert!(rising_at(&two_before, 0, now).is_empty(), "not twice as many");
        let long_ago = [&one_before[..], &[(0, Transient)]].concat();
        assert_eq!(
            rising_at(&long_ago, 0, now).len(),
            1,
            "that was before both windows"
        );
        let twice_two = [&two_before[..], &[(7_050, Transient)]].concat();
        assert_eq!(rising_at(&twice_two, 0, now).len(), 1, "twice as many");
        let just_out = [&three[1..], &[(3_600, Transient)]].concat();
        assert!(
            rising_at(&just_out, 0, now).is_empty(),
            "a window is over after its length"
        );
        let just_in = [&three[1..], &[(3_601, Transient)]].concat();
        assert_eq!(rising_at(&just_in, 0, now).len(), 1);
        let of_both = [&three[..2], &[(7_200, Quota)]].concat();
        assert!(rising_at(&of_both, 0, now).is_empty(), "each class by itself");
        let to_come = [&three[..2], &[(7_201, Transient)]].concat();
        assert!(rising_at(&to_come, 0, now).is_empty(), "the clock was set back");
    }
}
