//! How far an operation is, in whole percent.
//!
//! Percent moves on events only (a resource was completed, a stage was entered), never with the clock, so
//! that an object which nothing happens to is not written. It never goes back within one operation and is
//! 100 only at the end.

use serde::{Deserialize, Serialize};

use crate::wait::Wait;

/// How far one operation is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Whole percent, 0 to 100.
    pub percent: u8,
    /// Steps (resources) that are done.
    pub completed: u32,
    /// Steps in all, as far as is known; 0 while nothing is known.
    pub total: u32,
    /// What is being done just now, in words for a person.
    pub current: String,
}

impl Progress {
    /// Nothing done yet.
    pub fn started(current: impl Into<String>) -> Self {
        Self {
            current: current.into(),
            ..Self::default()
        }
    }

    /// Inputs are being checked: what is missing says what takes so long.
    pub fn checking(missing: &[Wait]) -> Self {
        let line = missing.first().and_then(|wait| wait.message.lines().next());
        Self::started(line.unwrap_or("checking inputs"))
    }

    /// All done.
    pub fn finished() -> Self {
        Self {
            percent: 100,
            ..Self::default()
        }
    }

    /// This progress as the part of a larger operation that reaches from `from` to `to` percent.
    #[must_use]
    pub fn within(self, from: u8, to: u8) -> Self {
        let span = u32::from(to.saturating_sub(from));
        let percent = u32::from(from) + u32::from(self.percent.min(100)) * span / 100;
        Self {
            percent: u8::try_from(percent.min(100)).unwrap_or(100),
            ..self
        }
    }

    /// This progress, but not behind `before`: percent does not go back within one operation.
    #[must_use]
    pub fn not_behind(mut self, before: u8) -> Self {
        self.percent = self.percent.max(before).min(100);
        self
    }

    /// This progress, short of the end: 100 is said only once everything is in order.
    #[must_use]
    pub fn unfinished(mut self) -> Self {
        self.percent = self.percent.min(99);
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_part_keeps_its_order_and_stays_in_its_span(a in 0u8..=100, b in 0u8..=100, from in 0u8..=100, to in 0u8..=100) {
            let (from, to) = (from.min(to), from.max(to));
            let part = |percent| Progress { percent, ..Progress::default() }.within(from, to).percent;
            prop_assert!((from..=to).contains(&part(a)));
            prop_assert_eq!(part(a.min(b)) <= part(a.max(b)), true);
            prop_assert_eq!(part(100), to);
        }
    }

    #[test]
    fn a_part_takes_its_share_of_the_whole() {
        let part = |percent, from, to| {
            let progress = Progress {
                percent,
                ..Progress::started("applying")
            };
            progress.within(from, to)
        };
        assert_eq!(part(0, 20, 60).percent, 20);
        assert_eq!(part(50, 20, 60).percent, 40);
        assert_eq!(part(99, 20, 60).percent, 59);
        assert_eq!(part(100, 20, 60).percent, 60);
        assert_eq!(part(255, 20, 60).percent, 60);
        assert_eq!(part(50, 60, 20).percent, 60, "a span of nothing");
        assert_eq!(part(50, 0, 255).percent, 100);
        assert_eq!(part(50, 20, 60).current, "applying");
    }

    #[test]
    fn what_is_missing_is_what_is_being_done() {
        assert_eq!(Progress::checking(&[]).current, "checking inputs");
        let missing = Wait::new("Secret/a", "SecretMissing", "waiting for a\nand more");
        assert_eq!(Progress::checking(&[missing]).current, "waiting for a");
    }

    #[test]
    fn percent_does_not_go_back_and_is_whole_only_at_the_end() {
        assert_eq!(
            Progress {
                percent: 20,
                ..Progress::default()
            }
            .not_behind(40)
            .percent,
            40
        );
        assert_eq!(Progress::finished().percent, 100);
        assert_eq!(Progress::finished().unfinished().percent, 99);
        assert_eq!(Progress::started("").unfinished().percent, 0);
        assert_eq!(Progress::finished().not_behind(40).percent, 100);
        assert_eq!(Progress::started("").not_behind(255).percent, 100);
    }
}
