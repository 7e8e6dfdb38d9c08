//! Whether what clients saw of a value that is overwritten could have been so: linearizability of one register whose
//! writes all differ (Gibbons and Korach, Testing Shared Memories, 1997).

use std::collections::BTreeMap;

/// What a client did, and when by a clock that all of them share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// When it was begun.
    pub(crate) begun: u64,
    /// When it was answered; the end of time where it never was.
    pub(crate) ended: u64,
    /// What was done.
    pub(crate) what: What,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// This value was written. Zero stands for what was there before anybody wrote.
    Write(u64),
    /// This value was seen.
    Read(u64),
}

/// What cannot have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Nobody has written this.
    NeverWritten(u64),
    /// It was seen before its write was begun.
    SeenBefore(u64),
    /// One of the two was overwritten by the other, and seen again.
    Interleaved(u64, u64),
}

/// When a value was there: between the first time that one of its steps was over, and the last time that one began.
/// If the first is before the second it must have been there in between; if not, at some moment from the second to
/// the first.
#[derive(Debug, Clone, Copy)]
struct Zone {
    value: u64,
    first_end: u64,
    last_begin: u64,
}

impl Zone {
    const fn is_forward(&self) -> bool {
        self.first_end < self.last_begin
    }

    fn low(&self) -> u64 {
        self.first_end.min(self.last_begin)
    }

    fn high(&self) -> u64 {
        self.first_end.max(self.last_begin)
    }
}

/// Everything in the history of one register that cannot have been; empty: it is linearizable.
pub(crate) fn check(steps: &[Step]) -> Vec<Wrong> {
    let mut writes: BTreeMap<u64, Step> = BTreeMap::from([(
        0,
        Step {
            begun: 0,
            ended: 0,
            what: What::Write(0),
        },
    )]);
    let mut read: BTreeMap<u64, Vec<Step>> = BTreeMap::new();
    for step in steps {
        match step.what {
            What::Write(value) => {
                writes.insert(value, *step);
            }
            What::Read(value) => read.entry(value).or_default().push(*step),
        }
    }
    let mut wrong = Vec::new();
    for (value, reads) in &read {
        match writes.get(value) {
            None => wrong.push(Wrong::NeverWritten(*value)),
            Some(write) if reads.iter().any(|it| it.ended < write.begun) => {
                wrong.push(Wrong::SeenBefore(*value));
            }
            Some(_) => {}
        }
    }
    if !wrong.is_empty() {
        return wrong;
    }
    let zones: Vec<Zone> = writes
        .iter()
        // A write without an answer that nobody has seen need never have been.
        .filter(|(value, write)| write.ended != u64::MAX || read.contains_key(value))
        .map(|(value, write)| {
            let all = || read.get(value).into_iter().flatten().chain([write]);
            Zone {
                value: *value,
                first_end: all().map(|it| it.ended).min().unwrap_or_default(),
                last_begin: all().map(|it| it.begun).max().unwrap_or_default(),
            }
        })
        .collect();
    interleaved(&zones)
}

/// Two forward zones must not overlap, and no backward zone may lie within a forward one.
fn interleaved(zones: &[Zone]) -> Vec<Wrong> {
    let (mut forward, backward): (Vec<Zone>, Vec<Zone>) = zones.iter().partition(|zone| zone.is_forward());
    forward.sort_by_key(Zone::low);
    let overlap = forward
        .windows(2)
        .filter(|pair| pair[1].low() < pair[0].high())
        .map(|pair| Wrong::Interleaved(pair[0].value, pair[1].value));
    let within = backward.iter().filter_map(|zone| {
        // Forward zones that do not overlap: only the last one that begins before it can hold it.
        let after = forward.partition_point(|it| it.low() < zone.low());
        let holder = forward.get(after.checked_sub(1)?)?;
        (zone.high() < holder.high()).then_some(Wrong::Interleaved(holder.value, zone.value))
    });
    overlap.chain(within).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(begun: u64, ended: u64, value: u64) -> Step {
        Step {
            begun,
            ended,
            what: What::Write(value),
        }
    }

    fn read(begun: u64, ended: u64, value: u64) -> Step {
        Step {
            begun,
            ended,
            what: What::Read(value),
        }
    }

    #[test]
    fn what_can_have_been() {
        let histories: [&[Step]; 7] = [
            &[],
            &[read(1, 2, 0), write(3, 4, 1), read(5, 6, 1)],
            // Both orders are possible while a write is under way.
            &[write(1, 10, 1), read(2, 3, 0), read(4, 5, 1)],
            &[write(1, 10, 1), write(2, 9, 2), read(11, 12, 1)],
            &[write(1, 10, 1), write(2, 9, 2), read(11, 12, 2)],
            // A write without an answer may have been applied at any time later, or never.
            &[write(1, u64::MAX, 1), read(2, 3, 0), read(50, 51, 1)],
            &[write(1, u64::MAX, 1), write(5, 6, 2), read(50, 51, 2)],
        ];
        for history in histories {
            assert_eq!(check(history), [], "{history:?}");
        }
    }

    #[test]
    fn what_cannot_have_been() {
        let histories: [(&[Step], Wrong); 9] = [
            // Nobody wrote it.
            (&[read(1, 2, 7)], Wrong::NeverWritten(7)),
            // Seen before it was begun.
            (&[read(1, 2, 1), write(3, 4, 1)], Wrong::SeenBefore(1)),
            // A stale read: the write was acknowledged before.
            (&[write(1, 2, 1), read(3, 4, 0)], Wrong::Interleaved(0, 1)),
            // A lost update: the second write is acknowledged and never there.
            (
                &[write(1, 2, 1), write(3, 4, 2), read(5, 6, 1)],
                Wrong::Interleaved(1, 2),
            ),
            // Back and forth: new, old, new.
            (
                &[write(1, 10, 1), read(2, 3, 1), read(4, 5, 0)],
                Wrong::Interleaved(0, 1),
            ),
            (
                &[
                    write(1, 20, 1),
                    write(1, 20, 2),
                    read(2, 3, 1),
                    read(4, 5, 2),
                    read(6, 7, 1),
                ],
                Wrong::Interleaved(1, 2),
            ),
            // Two clients see two writes in two orders.
            (
                &[
                    write(1, 20, 1),
                    write(1, 20, 2),
                    read(2, 4, 1),
                    read(5, 6, 2),
                    read(2, 4, 2),
                    read(5, 6, 1),
                ],
                Wrong::Interleaved(1, 2),
            ),
            // Resurrected: what was overwritten is there once more.
            (
                &[write(1, 2, 1), write(3, 4, 2), read(5, 6, 2), read(7, 8, 1)],
                Wrong::Interleaved(1, 2),
            ),
            // A write without an answer that was seen cannot be undone.
            (
                &[write(1, u64::MAX, 1), read(2, 3, 1), read(4, 5, 0)],
                Wrong::Interleaved(0, 1),
            ),
        ];
        for (history, expected) in histories {
            assert!(
                check(history).contains(&expected),
                "{history:?}: {:?}",
                check(history)
            );
        }
    }

    /// Every order of the steps that respects their times, tried one after the other.
    fn is_linearizable(steps: &[Step], done: &mut Vec<bool>, value: u64) -> bool {
        let left = |done: &[bool]| (0..steps.len()).filter(|at| !done[*at]).collect::<Vec<_>>();
        let open = left(done);
        if open.iter().all(|at| steps[*at].ended == u64::MAX) {
            return true;
        }
        open.iter().any(|at| {
            let step = steps[*at];
            if open.iter().any(|other| steps[*other].ended < step.begun) {
                return false;
            }
            let next = match step.what {
                What::Write(written) => written,
                What::Read(seen) if seen == value => value,
                What::Read(_) => return false,
            };
            done[*at] = true;
            let found = is_linearizable(steps, done, next);
            done[*at] = false;
            found
        })
    }

    #[test]
    fn it_says_what_every_order_says() {
        let mut state = 7;
        let mut random = |below: u64| {
            state = capt_core::retry::splitmix64(state);
            state % below
        };
        let mut bad = 0;
        for _ in 0..20_000 {
            let mut times: Vec<u64> = (1..=12).collect();
            for at in (1..times.len()).rev() {
                times.swap(at, usize::try_from(random(at as u64 + 1)).unwrap());
            }
            let steps: Vec<Step> = times
                .chunks(2)
                .enumerate()
                .map(|(at, pair)| {
                    let (begun, ended) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
                    if at < 2 {
                        let never = random(8) == 0;
                        write(begun, if never { u64::MAX } else { ended }, at as u64 + 1)
                    } else {
                        read(begun, ended, random(3))
                    }
                })
                .collect();
            let possible = is_linearizable(&steps, &mut vec![false; steps.len()], 0);
            assert_eq!(check(&steps).is_empty(), possible, "{steps:?}");
            bad += u32::from(!possible);
        }
        assert!((1_000..19_000).contains(&bad), "{bad}");
    }
}
