//! Whether what is kept fits together.

use std::collections::{BTreeMap, BTreeSet};

use kecs_core::key::{Key, Scope, Term};

use crate::error::StoreError;
use crate::store::{Snapshot, Stored};

/// Keys, terms and events that are read at once.
const CHUNK: usize = 500;

/// Something that is wrong with what is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Finding {
    /// The engine's own check says so.
    #[error("the engine finds: {0}")]
    Engine(String),
    /// A record cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// A key has a generation that no write makes.
    #[error("{key} has generation {generation}")]
    Generation {
        /// The key.
        key: Key,
        /// Its generation.
        generation: u64,
    },
    /// A key was written by a commit that there was not.
    #[error("{key} was written by revision {revision}, and the last one is {last}")]
    Revision {
        /// The key.
        key: Key,
        /// The commit that it names.
        revision: u64,
        /// The last commit that there was.
        last: u64,
    },
    /// A record is not kept with the terms that it says itself.
    #[error("{key} is kept with the terms {kept:?} and says {said:?}")]
    Terms {
        /// The key.
        key: Key,
        /// The terms that it is kept with and does not say.
        kept: Vec<Term>,
        /// The terms that it says and is not kept with.
        said: Vec<Term>,
    },
    /// The index of a term does not lead to its records.
    #[error("the term {term} leads to {extra:?} too much and lacks {lacking:?}")]
    Index {
        /// The term.
        term: Term,
        /// Keys that are not kept with it.
        extra: Vec<Key>,
        /// Keys that are kept with it.
        lacking: Vec<Key>,
    },
    /// The number of a term's records is wrong.
    #[error("the term {term} is said to have {said} records and has {has}")]
    Count {
        /// The term.
        term: Term,
        /// The number that is kept.
        said: u64,
        /// The number of keys that are kept with it.
        has: u64,
    },
    /// The numbers of events have a gap or a repeat, or do not end where the store does.
    #[error("event {expected} is expected where {found} is")]
    Sequence {
        /// The number that comes next.
        expected: u64,
        /// The number that is there; zero: none is.
        found: u64,
    },
    /// Events are not in the order of the commits.
    #[error("event {sequence} is of revision {revision}, and the one before it of {before}")]
    Order {
        /// The event.
        sequence: u64,
        /// Its commit.
        revision: u64,
        /// The commit of the event before it, or the last one.
        before: u64,
    },
    /// Two events have one id.
    #[error("event {sequence} has the id of another: {id}")]
    Id {
        /// The later event.
        sequence: u64,
        /// The id.
        id: String,
    },
}

/// Holds records against their terms and generations, the index against the records, and the events against the
/// commits. Empty: all is well. It holds the index in memory while it works.
pub fn check(view: &dyn Snapshot) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    let index = keys(view, &mut findings)?;
    terms(view, index, &mut findings)?;
    events(view, &mut findings)?;
    Ok(findings)
}

type Index = BTreeMap<Term, BTreeSet<Key>>;

fn keys(view: &dyn Snapshot, findings: &mut Vec<Finding>) -> Result<Index, StoreError> {
    let last = view.head().revision;
    let mut index = Index::new();
    let mut after: Option<Key> = None;
    loop {
        let chunk = view.stored(after.as_ref(), CHUNK)?;
        let Some(end) = chunk.last() else {
            return Ok(index);
        };
        after = Some(end.key.clone());
        for stored in chunk {
            if stored.generation == 0 {
                findings.push(Finding::Generation {
                    key: stored.key.clone(),
                    generation: 0,
                });
            }
            if !(1..=last).contains(&stored.revision) {
                findings.push(Finding::Revision {
                    key: stored.key.clone(),
                    revision: stored.revision,
                    last,
                });
            }
            findings.extend(terms_of(&stored));
            for term in stored.terms {
                index.entry(term).or_default().insert(stored.key.clone());
            }
        }
    }
}

fn terms_of(stored: &Stored) -> Option<Finding> {
    let kept: BTreeSet<Term> = stored.terms.iter().cloned().collect();
    let said: BTreeSet<Term> = match &stored.record {
        Some(record) => record.terms(&scope_of(&stored.key)).into_iter().collect(),
        None => BTreeSet::new(),
    };
    (kept != said).then(|| Finding::Terms {
        key: stored.key.clone(),
        kept: kept.difference(&said).cloned().collect(),
        said: said.difference(&kept).cloned().collect(),
    })
}

/// The account and region that a key begins with.
fn scope_of(key: &Key) -> Scope {
    let mut parts = key.as_str().splitn(3, '/');
    let account = parts.next().unwrap_or_default();
    Scope::new(account, parts.next().unwrap_or_default())
}

fn terms(view: &dyn Snapshot, mut index: Index, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    let mut after: Option<Term> = None;
    loop {
        let chunk = view.terms(after.as_ref(), CHUNK)?;
        let Some(end) = chunk.last() else { break };
        after = Some(end.term.clone());
        for counted in chunk {
            let kept = index.remove(&counted.term).unwrap_or_default();
            let members: BTreeSet<Key> = view.members(&counted.term)?.into_iter().collect();
            if members != kept {
                findings.push(Finding::Index {
                    term: counted.term.clone(),
                    extra: members.difference(&kept).cloned().collect(),
                    lacking: kept.difference(&members).cloned().collect(),
                });
            }
            if counted.count != kept.len() as u64 {
                findings.push(Finding::Count {
                    term: counted.term,
                    said: counted.count,
                    has: kept.len() as u64,
                });
            }
        }
    }
    findings.extend(index.into_iter().map(|(term, kept)| Finding::Index {
        term,
        extra: Vec::new(),
        lacking: kept.into_iter().collect(),
    }));
    Ok(())
}

fn events(view: &dyn Snapshot, findings: &mut Vec<Finding>) -> Result<(), StoreError> {
    let head = view.head();
    let mut sequence = view.floors()?.sequence;
    let mut revision = 0;
    let mut ids = BTreeSet::new();
    loop {
        let chunk = view.events(sequence, CHUNK)?;
        if chunk.is_empty() {
            break;
        }
        for logged in chunk {
            if logged.sequence != sequence + 1 {
                findings.push(Finding::Sequence {
                    expected: sequence + 1,
                    found: logged.sequence,
                });
            }
            if logged.revision < revision || logged.revision > head.revision {
                findings.push(Finding::Order {
                    sequence: logged.sequence,
                    revision: logged.revision,
                    before: if logged.revision < revision {
                        revision
                    } else {
                        head.revision
                    },
                });
            }
            sequence = logged.sequence;
            revision = logged.revision;
            if !ids.insert(logged.id.clone()) {
                findings.push(Finding::Id {
                    sequence,
                    id: logged.id,
                });
            }
        }
    }
    if sequence != head.sequence {
        findings.push(Finding::Sequence {
            expected: head.sequence + 1,
            found: sequence + 1,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
