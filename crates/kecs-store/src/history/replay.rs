//! The commits of a history, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use kecs_core::key::{Key, Term};
use kecs_core::tx::Expect;

use super::{Anomaly, Asked, Operation, Outcome, Write};

/// A key from one commit on.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) revision: u64,
    /// What it is from then on; `None`: there is nothing.
    pub(super) record: Option<Kept>,
}

/// What is kept under a key.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) generation: u64,
    pub(super) value: String,
    terms: BTreeSet<Term>,
}

/// An event that was told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) revision: u64,
    pub(super) text: String,
}

/// What was so after each commit.
#[derive(Debug, Default)]
pub(super) struct Replay {
    /// Which operation each commit is.
    pub(super) commits: BTreeMap<u64, usize>,
    /// Each key, in the order of the commits.
    pub(super) keys: BTreeMap<Key, Vec<Step>>,
    /// The number of each term's records, from each commit that changed it on.
    counts: BTreeMap<Term, Vec<(u64, u64)>>,
    /// The events, the first one first.
    pub(super) told: BTreeMap<u64, Told>,
    /// Which operation wrote what.
    pub(super) writers: BTreeMap<(Key, String), usize>,
    /// From this commit on some may be missing, because nobody knows what became of them.
    pub(super) certain_below: u64,
}

/// A commit that has its place.
struct Placed<'a> {
    revision: u64,
    expects: &'a [Expect],
    writes: &'a [Write],
    events: &'a [String],
    outcome: &'a Outcome,
}

impl Replay {
    pub(super) fn of(history: &[Operation], anomalies: &mut Vec<Anomaly>) -> Self {
        let mut replay = Self {
            certain_below: u64::MAX,
            ..Self::default()
        };
        replay.place(history, anomalies);
        replay.order(history, anomalies);
        let order: Vec<(u64, usize)> = replay
            .commits
            .iter()
            .map(|(&revision, &at)| (revision, at))
            .collect();
        let mut sequence = 0;
        for (revision, at) in order {
            if let Some(Asked::Write {
                expects,
                writes,
                events,
                outcome,
            }) = history.get(at).map(|operation| &operation.what)
            {
                let placed = Placed {
                    revision,
                    expects,
                    writes,
                    events,
                    outcome,
                };
                sequence = replay.apply(&placed, sequence, anomalies);
            }
        }
        for (at, operation) in history.iter().enumerate() {
            replay.refusal(history, at, operation, anomalies);
        }
        replay
    }

    /// Gives each commit its place: by its answer, and without one by what others saw of it.
    fn place(&mut self, history: &[Operation], anomalies: &mut Vec<Anomaly>) {
        let mut unknown = BTreeSet::new();
        for (at, operation) in history.iter().enumerate() {
            let Asked::Write {
                writes,
                events,
                outcome,
                ..
            } = &operation.what
            else {
                continue;
            };
            for write in writes {
                if let Some(value) = &write.value {
                    self.writers.insert((write.key.clone(), value.clone()), at);
                }
            }
            match outcome {
                // What changes and tells nothing has no number of its own.
                Outcome::Committed(_) if writes.is_empty() && events.is_empty() => {}
                Outcome::Committed(committed) => {
                    if let Some(first) = self.commits.get(&committed.revision) {
                        anomalies.push(Anomaly::RepeatedRevision {
                            revision: committed.revision,
                            first: *first,
                            second: at,
                        });
                    } else {
                        self.commits.insert(committed.revision, at);
                    }
                }
                Outcome::Refused(_) => {}
                Outcome::Unknown => {
                    unknown.insert(at);
                }
            }
        }
        for operation in history {
            if unknown.is_empty() {
                break;
            }
            for (revision, writer) in self.traces(history, operation) {
                if unknown.remove(&writer) {
                    self.commits.entry(revision).or_insert(writer);
                }
            }
        }
        let last = self.commits.keys().next_back().copied().unwrap_or_default();
        let missing: Vec<u64> = (1..=last).filter(|it| !self.commits.contains_key(it)).collect();
        if missing.len() > unknown.len() {
            anomalies.extend(
                missing
                    .iter()
                    .map(|&revision| Anomaly::MissingRevision { revision }),
            );
        }
        if let (Some(&first), false) = (missing.first(), unknown.is_empty()) {
            self.certain_below = first;
        }
    }

    /// The commits that an operation saw something of.
    fn traces(&self, history: &[Operation], operation: &Operation) -> Vec<(u64, usize)> {
        match &operation.what {
            Asked::Read(seen) => {
                let versions = seen
                    .iter()
                    .filter_map(|seen| Some((&seen.key, seen.version.as_ref()?)));
                let writer = |(key, version): (&Key, &super::Version)| {
                    let writer = self.writers.get(&(key.clone(), version.value.clone()))?;
                    Some((version.revision, *writer))
                };
                versions.filter_map(writer).collect()
            }
            Asked::Hear { events, .. } => {
                let teller = |heard: &super::Heard| {
                    let tells = |operation: &Operation| match &operation.what {
                        Asked::Write { events, .. } => events.contains(&heard.text),
                        Asked::Read(_) | Asked::List { .. } | Asked::Hear { .. } => false,
                    };
                    Some((heard.revision, history.iter().position(tells)?))
                };
                events.iter().filter_map(teller).collect()
            }
            Asked::List { .. } | Asked::Write { .. } => Vec::new(),
        }
    }

    /// Commits that were answered before others began come before them.
    fn order(&self, history: &[Operation], anomalies: &mut Vec<Anomaly>) {
        let mut earliest: Option<usize> = None;
        for &at in self.commits.values().rev() {
            if let Some(first) = earliest
                && history[first].precedes(&history[at])
            {
                anomalies.push(Anomaly::RevisionOrder { first, second: at });
            }
            let answered = |at: usize| history[at].returned.unwrap_or(u64::MAX);
            if earliest.is_none_or(|known| answered(at) < answered(known)) {
                earliest = Some(at);
            }
        }
    }

    /// Answers with the number of the last event.
    fn apply(&mut self, commit: &Placed<'_>, sequence: u64, anomalies: &mut Vec<Anomaly>) -> u64 {
        let revision = commit.revision;
        let certain = revision < self.certain_below;
        for expect in commit.expects {
            if certain && !self.holds(expect, revision - 1) {
                anomalies.push(Anomaly::LostUpdate {
                    revision,
                    expect: expect.clone(),
                });
            }
        }
        let answered = match commit.outcome {
            Outcome::Committed(committed) => Some(committed),
            Outcome::Refused(_) | Outcome::Unknown => None,
        };
        for (at, write) in commit.writes.iter().enumerate() {
            let next = self.last_generation(&write.key) + 1;
            let expected = if write.value.is_some() { next } else { 0 };
            let generation = answered
                .and_then(|it| it.generations.get(at).copied())
                .unwrap_or(expected);
            if certain && generation != expected {
                anomalies.push(Anomaly::Generation {
                    key: write.key.clone(),
                    revision,
                    generation,
                    expected,
                });
            }
            self.write(write, revision, generation);
        }
        let mut last = sequence + commit.events.len() as u64;
        if let Some(answered) = answered
            && answered.sequence != last
        {
            if certain {
                anomalies.push(Anomaly::SequenceOfCommit {
                    revision,
                    sequence: answered.sequence,
                    expected: last,
                });
            }
            last = answered.sequence;
        }
        let first = (last + 1).saturating_sub(commit.events.len() as u64);
        for (sequence, text) in (first..).zip(commit.events) {
            let told = Told {
                revision,
                text: text.clone(),
            };
            self.told.insert(sequence, told);
        }
        last
    }

    fn last_generation(&self, key: &Key) -> u64 {
        let steps = self.keys.get(key).into_iter().flatten();
        let generations = steps.filter_map(|step| Some(step.record.as_ref()?.generation));
        generations.max().unwrap_or_default()
    }

    fn write(&mut self, write: &Write, revision: u64, generation: u64) {
        let before = self.at(&write.key, revision).map(|kept| kept.terms.clone());
        let record = write.value.as_ref().map(|value| Kept {
            generation,
            value: value.clone(),
            terms: write.terms.iter().cloned().collect(),
        });
        let before = before.unwrap_or_default();
        let after = record.as_ref().map(|kept| kept.terms.clone()).unwrap_or_default();
        for term in after.difference(&before) {
            let count = self.count(term, revision) + 1;
            self.counts
                .entry(term.clone())
                .or_default()
                .push((revision, count));
        }
        for term in before.difference(&after) {
            let count = self.count(term, revision).saturating_sub(1);
            self.counts
                .entry(term.clone())
                .or_default()
                .push((revision, count));
        }
        let steps = self.keys.entry(write.key.clone()).or_default();
        steps.push(Step { revision, record });
    }

    /// What was under the key after this commit.
    pub(super) fn at(&self, key: &Key, revision: u64) -> Option<&Kept> {
        let steps = self.keys.get(key)?;
        let until = steps.partition_point(|step| step.revision <= revision);
        steps.get(until.checked_sub(1)?)?.record.as_ref()
    }

    fn count(&self, term: &Term, revision: u64) -> u64 {
        let Some(counts) = self.counts.get(term) else {
            return 0;
        };
        let until = counts.partition_point(|(at, _)| *at <= revision);
        until
            .checked_sub(1)
            .and_then(|last| counts.get(last))
            .map_or(0, |(_, count)| *count)
    }

    /// The keys of a term after this commit.
    pub(super) fn members(&self, term: &Term, revision: u64) -> Vec<Key> {
        let has = |key: &&Key| {
            self.at(key, revision)
                .is_some_and(|kept| kept.terms.contains(term))
        };
        self.keys.keys().filter(has).cloned().collect()
    }

    fn holds(&self, expect: &Expect, revision: u64) -> bool {
        match expect {
            Expect::Generation(key, generation) => {
                self.at(key, revision).map_or(0, |kept| kept.generation) == *generation
            }
            Expect::Count(term, count) => self.count(term, revision) == *count,
        }
    }

    /// The first and the last commit after which an operation may have happened, by the clock alone.
    pub(super) fn window(&self, history: &[Operation], operation: &Operation) -> (u64, u64) {
        let before = |at: usize| history[at].precedes(operation);
        let begun = |at: usize| {
            operation
                .returned
                .is_none_or(|returned| history[at].invoked < returned)
        };
        let last = |is: &dyn Fn(usize) -> bool| {
            let mut commits = self.commits.iter().rev();
            commits
                .find(|(_, at)| is(**at))
                .map_or(0, |(revision, _)| *revision)
        };
        (last(&before), last(&begun))
    }

    /// A refusal must name something that did not hold at some moment while it was asked for.
    fn refusal(&self, history: &[Operation], at: usize, operation: &Operation, anomalies: &mut Vec<Anomaly>) {
        let Asked::Write {
            expects,
            outcome: Outcome::Refused(expect),
            ..
        } = &operation.what
        else {
            return;
        };
        let (from, to) = self.window(history, operation);
        let broken = (from..=to).any(|revision| !self.holds(expect, revision));
        if to < self.certain_below && !(broken && expects.contains(expect)) {
            anomalies.push(Anomaly::UnjustifiedRefusal {
                operation: at,
                expect: expect.clone(),
            });
        }
    }
}
