//! Time that does not count: nobody was there, or the clock jumped over it.
//!
//! Limits are on work, not on wall clocks. An operator that was away for a night did not let a control plane wait
//! for a night, and a clock that is set forward by an hour makes nothing late. [`Absences`] keeps when that was, and
//! says how much of a span counts; a clock that is set back gives spans of no length, never of negative length.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::advance::after;

/// How many absences are kept. When there are more, the two that are nearest to each other become one.
pub const KEPT: usize = 32;

/// The spans of time that count for nothing, in order and apart from each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Absences {
    spans: Vec<(Timestamp, Timestamp)>,
}

impl Absences {
    /// Notes that the time from `from` to `until` does not count. Spans that touch become one; an empty one is
    /// nothing.
    pub fn note(&mut self, from: Timestamp, until: Timestamp) {
        if from >= until {
            return;
        }
        let (mut from, mut until) = (from, until);
        self.spans.retain(|&(start, end)| {
            let touches = start <= until && from <= end;
            if touches {
                from = from.min(start);
                until = until.max(end);
            }
            !touches
        });
        let place = self.spans.partition_point(|(start, _)| *start < from);
        self.spans.insert(place, (from, until));
        if self.spans.len() > KEPT {
            self.join_nearest();
        }
    }

    /// Notes what a clock that ticks evenly says of one that may be set: between two looks, `wall` went from `before`
    /// to `now` while `steady` passed. What the wall clock jumped over does not count; a delay of up to `tolerance`
    /// is not a jump.
    pub fn note_jump(&mut self, before: Timestamp, now: Timestamp, steady: Duration, tolerance: Duration) {
        let real = after(before, steady);
        if after(real, tolerance) < now {
            self.note(real, now);
        }
    }

    /// How much of the time from `since` to `now` counts.
    pub fn counted(&self, since: Timestamp, now: Timestamp) -> Duration {
        let whole = length(since, now);
        let away = self
            .spans
            .iter()
            .map(|(from, until)| length((*from).max(since), (*until).min(now)));
        away.fold(whole, Duration::saturating_sub)
    }

    /// When `limit` of counted time since `since` will have passed, if there is no absence to come.
    pub fn deadline(&self, since: Timestamp, limit: Duration) -> Timestamp {
        let mut at = after(since, limit);
        for (from, until) in &self.spans {
            let start = (*from).max(since);
            if start < at {
                at = after(at, length(start, *until));
            }
        }
        at
    }

    /// How many spans there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether all time counts.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    fn join_nearest(&mut self) {
        let gaps = self.spans.windows(2).map(|pair| length(pair[0].1, pair[1].0));
        let nearest = gaps
            .enumerate()
            .min_by_key(|(_, gap)| *gap)
            .map(|(place, _)| place);
        if let Some(place) = nearest {
            let (_, until) = self.spans.remove(place + 1);
            self.spans[place].1 = until;
        }
    }
}

/// From one moment to a later one; nothing if it is not later.
fn length(from: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(from)).unwrap_or_default()
}

/// How far a clock may be set back without anybody taking it for more than a correction.
const CORRECTION: Duration = Duration::from_mins(1);

/// Whether a moment that was written down as the next one to act at has come.
///
/// `written` is when that was. A clock that stands well before it was set back: whoever waited for it would wait for
/// longer than anybody asked, so the moment has come.
pub fn is_due(at: Timestamp, written: Timestamp, now: Timestamp) -> bool {
    at <= now || is_ahead(written, now)
}

/// Whether a moment at which something was written down has not come yet: the clock was set back since.
pub fn is_ahead(written: Timestamp, now: Timestamp) -> bool {
    after(now, CORRECTION) < written
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn seconds(duration: Duration) -> u64 {
        duration.as_secs()
    }

    #[test]
    fn spans_that_touch_are_one() {
        let mut absences = Absences::default();
        absences.note(at(10), at(20));
        absences.note(at(30), at(40));
        absences.note(at(50), at(50));
        assert_eq!(absences.len(), 2);
        absences.note(at(20), at(30));
        assert_eq!(absences.spans, [(at(10), at(40))]);
        assert!(!absences.is_empty());
    }

    /// A second each, at these moments.
    fn moments(moments: impl IntoIterator<Item = i64>) -> Absences {
        let mut absences = Absences::default();
        for second in moments {
            absences.note(at(second), at(second + 1));
        }
        absences
    }

    #[test]
    fn they_are_in_order_whatever_the_order_in_which_they_come() {
        let absences = moments([20, 0, 10]);
        assert_eq!(
            absences.spans,
            [(at(0), at(1)), (at(10), at(11)), (at(20), at(21))]
        );
    }

    #[test]
    fn as_many_are_kept_as_there_is_room_for_and_then_the_nearest_become_one() {
        let room = i64::try_from(KEPT).unwrap();
        let apart = |count| (0..count).map(|place| place * 100);
        assert_eq!(moments(apart(room)).len(), KEPT, "there is room for the last");
        for (one_more, joined) in [
            (3, (0, 4)),
            (room * 100 - 197, (room * 100 - 200, room * 100 - 196)),
        ] {
            let absences = moments(apart(room).chain([one_more]));
            assert_eq!(absences.len(), KEPT);
            let (from, until) = joined;
            assert!(absences.spans.contains(&(at(from), at(until))), "{absences:?}");
        }
        let equally_far = moments(apart(room + 1));
        assert_eq!(equally_far.len(), KEPT);
        assert_eq!(equally_far.spans[0], (at(0), at(101)), "the oldest of them");
        assert_eq!(equally_far.spans[1], (at(200), at(201)));
    }

    #[test]
    fn absence_does_not_count_and_moves_the_deadline() {
        let mut absences = Absences::default();
        assert_eq!(seconds(absences.counted(at(0), at(100))), 100);
        absences.note(at(10), at(30));
        assert_eq!(seconds(absences.counted(at(0), at(100))), 80);
        assert_eq!(seconds(absences.counted(at(20), at(100))), 70);
        assert_eq!(seconds(absences.counted(at(0), at(20))), 10);
        assert_eq!(
            seconds(absences.counted(at(50), at(20))),
            0,
            "the clock was set back"
        );
        assert_eq!(absences.deadline(at(0), Duration::from_secs(10)), at(10));
        assert_eq!(absences.deadline(at(0), Duration::from_secs(11)), at(31));
        assert_eq!(absences.deadline(at(20), Duration::from_secs(5)), at(35));
        assert_eq!(absences.deadline(at(30), Duration::from_secs(5)), at(35));
        assert_eq!(absences.deadline(at(0), Duration::MAX), Timestamp::MAX);
    }

    #[test]
    fn a_jump_forward_does_not_count_and_a_delay_is_no_jump() {
        let tolerance = Duration::from_secs(5);
        let mut absences = Absences::default();
        absences.note_jump(at(0), at(65), Duration::from_mins(1), tolerance);
        absences.note_jump(at(65), at(10), Duration::from_mins(1), tolerance);
        assert!(absences.is_empty());
        absences.note_jump(at(100), at(3_760), Duration::from_mins(1), tolerance);
        assert_eq!(seconds(absences.counted(at(0), at(3_760))), 160);
    }

    #[test]
    fn what_was_written_before_the_clock_was_set_back_is_due() {
        assert!(is_due(at(1_000), at(900), at(1_000)));
        assert!(!is_due(at(1_001), at(900), at(1_000)));
        assert!(!is_due(at(1_001), at(900), at(840)), "a correction");
        assert!(is_due(at(1_001), at(900), at(839)));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

        /// Second by second, as long as nothing had to be joined.
        #[test]
        fn it_counts_as_one_would_by_hand(
            spans in proptest::collection::vec((0..200_i64, 0..20_i64), 0..KEPT),
            since in 0..200_i64,
            limit in 0..100_u64,
        ) {
            let mut absences = Absences::default();
            let mut away = vec![false; 1_000];
            for (from, length) in spans {
                absences.note(at(from), at(from + length));
                away[usize::try_from(from).unwrap()..usize::try_from(from + length).unwrap()].fill(true);
            }
            for pair in absences.spans.windows(2) {
                prop_assert!(pair[0].1 < pair[1].0);
            }
            let mut counted = 0;
            let mut deadline = None;
            for (second, away) in (0..1_000).zip(&away) {
                if second >= since {
                    prop_assert_eq!(seconds(absences.counted(at(since), at(second))), counted);
                    if counted == limit {
                        deadline.get_or_insert(second);
                    }
                    counted += u64::from(!away);
                }
            }
            prop_assert_eq!(absences.deadline(at(since), Duration::from_secs(limit)), at(deadline.unwrap()));
        }

        /// However many there are, they stay few, and time that did not count never counts again.
        #[test]
        fn they_are_bounded_and_forget_nothing(spans in proptest::collection::vec((0..100_000_i64, 1..50_i64), 0..200)) {
            let mut absences = Absences::default();
            for (from, length) in &spans {
                absences.note(at(*from), at(from + length));
                prop_assert!(absences.len() <= KEPT);
            }
            for (from, length) in &spans {
                prop_assert_eq!(seconds(absences.counted(at(*from), at(from + length))), 0);
            }
        }
    }
}
