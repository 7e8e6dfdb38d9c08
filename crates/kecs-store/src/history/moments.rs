//! Whether every read shows one moment, and one that it may show.

use std::ops::Range;

use kecs_core::key::Key;

use super::replay::Replay;
use super::{Anomaly, Asked, Operation, Outcome, Seen};

/// What was acknowledged and seen until now, while the history is gone through by the clock.
#[derive(Debug, Clone, Copy, Default)]
struct Bounds {
    /// The last commit that was acknowledged.
    acknowledged: u64,
    /// The latest moment that a read has certainly seen.
    seen: u64,
}

/// A read under way.
struct Reading<'a> {
    operation: usize,
    replay: &'a Replay,
    /// As it was when the read began.
    bounds: Bounds,
    /// The last commit that was begun before it ended.
    until: u64,
}

pub(super) fn check(history: &[Operation], replay: &Replay, anomalies: &mut Vec<Anomaly>) {
    let mut clock: Vec<(u64, usize, bool)> = Vec::new();
    for (at, operation) in history.iter().enumerate() {
        clock.push((operation.invoked, at, false));
        clock.extend(operation.returned.map(|returned| (returned, at, true)));
    }
    clock.sort_unstable();
    let mut bounds = Bounds::default();
    // The earliest moment that each read can have seen.
    let mut moments = vec![0; history.len()];
    for (_, at, answered) in clock {
        let operation = &history[at];
        let reading = || Reading {
            operation: at,
            replay,
            bounds,
            until: replay.window(history, operation).1,
        };
        match (&operation.what, answered) {
            (Asked::Read(seen), false) => moments[at] = reading().read(seen, anomalies),
            (Asked::List { term, keys }, false) => {
                let reading = reading();
                let fits = |revision: &u64| replay.members(term, *revision) == *keys;
                match reading.possible().find(fits) {
                    Some(moment) => moments[at] = moment,
                    None if reading.until >= replay.certain_below => {}
                    None => anomalies.push(Anomaly::WrongList {
                        operation: at,
                        term: term.clone(),
                    }),
                }
            }
            (Asked::Read(_) | Asked::List { .. }, true) => bounds.seen = bounds.seen.max(moments[at]),
            (
                Asked::Write {
                    outcome: Outcome::Committed(committed),
                    ..
                },
                true,
            ) => bounds.acknowledged = bounds.acknowledged.max(committed.revision),
            (Asked::Hear { events, .. }, true) => {
                let heard = events.iter().map(|heard| heard.revision);
                bounds.seen = bounds.seen.max(heard.max().unwrap_or_default());
            }
            (Asked::Write { .. } | Asked::Hear { .. }, _) => {}
        }
    }
}

impl Reading<'_> {
    fn from(&self) -> u64 {
        self.bounds.acknowledged.max(self.bounds.seen)
    }

    /// The moments that it may show.
    fn possible(&self) -> impl Iterator<Item = u64> + use<> {
        self.from()..=self.until.max(self.from())
    }

    /// Answers with the earliest moment that it can have seen.
    fn read(&self, seen: &[Seen], anomalies: &mut Vec<Anomaly>) -> u64 {
        let mut spans = Vec::with_capacity(seen.len());
        let known = anomalies.len();
        for seen in seen {
            match self.spans(seen) {
                Ok(found) => spans.push(found),
                Err(anomaly) => anomalies.push(anomaly),
            }
        }
        if anomalies.len() > known {
            return 0;
        }
        let within = |moment: &u64| {
            spans
                .iter()
                .all(|spans| spans.iter().any(|span| span.contains(moment)))
        };
        // All keys change at beginnings of spans only, so that the earliest moment is one of these, or the bound.
        let mut candidates: Vec<u64> = spans.iter().flatten().map(|span| span.start).collect();
        candidates.push(self.from());
        candidates.sort_unstable();
        let (from, until) = (self.from(), self.until.max(self.from()));
        let mut candidates = candidates
            .into_iter()
            .filter(|moment| (from..=until).contains(moment));
        let Some(moment) = candidates.find(within) else {
            anomalies.push(Anomaly::TornRead {
                operation: self.operation,
            });
            return 0;
        };
        moment
    }

    /// During which commits a key was as it was seen.
    fn spans(&self, seen: &Seen) -> Result<Vec<Range<u64>>, Anomaly> {
        let operation = self.operation;
        let key = || seen.key.clone();
        let spans = self.all_spans(seen)?;
        if let Some(span) = spans.iter().find(|span| span.end > self.from()) {
            if span.start > self.until {
                return Err(Anomaly::FutureRead {
                    operation,
                    key: key(),
                    seen: span.start,
                });
            }
            return Ok(spans);
        }
        let last = spans.last().map_or(0, |span| span.start);
        if spans.iter().any(|span| span.end > self.bounds.acknowledged) {
            return Err(Anomaly::BackwardRead {
                operation,
                key: key(),
                seen_before: self.bounds.seen,
            });
        }
        Err(match &seen.version {
            None => Anomaly::LostWrite {
                operation,
                key: key(),
                acknowledged: self.bounds.acknowledged,
            },
            Some(_) if self.replay.at(&seen.key, self.bounds.acknowledged).is_none() => {
                Anomaly::ResurrectedDelete {
                    operation,
                    key: key(),
                    seen: last,
                }
            }
            Some(_) => Anomaly::StaleRead {
                operation,
                key: key(),
                seen: last,
                acknowledged: self.bounds.acknowledged,
            },
        })
    }

    fn all_spans(&self, seen: &Seen) -> Result<Vec<Range<u64>>, Anomaly> {
        let steps = self.replay.keys.get(&seen.key).map_or(&[][..], Vec::as_slice);
        let ends = steps.iter().skip(1).map(|step| step.revision).chain([u64::MAX]);
        let lives = steps.iter().zip(ends);
        let Some(version) = &seen.version else {
            let first = steps.first().map_or(u64::MAX, |step| step.revision);
            let gone = lives.filter(|(step, _)| step.record.is_none());
            let gone = gone.map(|(step, end)| step.revision..end);
            return Ok(std::iter::once(0..first).chain(gone).collect());
        };
        let same = lives.into_iter().find(|(step, _)| {
            step.revision == version.revision
                && step
                    .record
                    .as_ref()
                    .is_some_and(|kept| kept.generation == version.generation && kept.value == version.value)
        });
        same.map(|(step, end)| std::iter::once(step.revision..end).collect())
            .ok_or_else(|| self.unknown(&seen.key, &version.value))
    }

    /// What is wrong with a version that no commit made.
    fn unknown(&self, key: &Key, value: &str) -> Anomaly {
        let operation = self.operation;
        match self.replay.writers.get(&(key.clone(), value.to_owned())) {
            None => Anomaly::InventedRead {
                operation,
                key: key.clone(),
                value: value.to_owned(),
            },
            Some(writer) if !self.replay.commits.values().any(|at| at == writer) => Anomaly::DirtyRead {
                operation,
                key: key.clone(),
                writer: *writer,
            },
            Some(_) => Anomaly::MixedRead {
                operation,
                key: key.clone(),
                value: value.to_owned(),
            },
        }
    }
}
