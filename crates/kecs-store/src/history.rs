//! Whether what clients saw of a store could have been so.
//!
//! Clients record what they asked, what they were answered, and when, by a counter that they share. Commits tell their
//! revisions, so their order is known: the commits are replayed in it, and every read must show the records of one
//! moment in it that lies between the last commit acknowledged before the read began and the last that was begun
//! before it ended, and not before the moment of a read that ended before it began. That is strict serializability of
//! all keys together, and so linearizability of each. The log of events must be what the commits told, in their order.
//!
//! Values are written once: no two writes of a history have the same text under a key. Nothing is pruned meanwhile.

use kecs_core::key::{Key, Term};
use kecs_core::tx::Expect;

use crate::store::Committed;

mod anomaly;
mod log;
mod moments;
mod replay;

pub use anomaly::Anomaly;

/// What one client asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// When it was begun, by the clients' counter.
    pub invoked: u64,
    /// When it was answered; `None`: it never was.
    pub returned: Option<u64>,
    /// What was asked and answered.
    pub what: Asked,
}

/// What was asked and answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// Keys were read through one view.
    Read(Vec<Seen>),
    /// All keys of a term were listed.
    List {
        /// The term.
        term: Term,
        /// Its keys, in their order.
        keys: Vec<Key>,
    },
    /// A commit.
    Write {
        /// What it expected.
        expects: Vec<Expect>,
        /// What it wrote.
        writes: Vec<Write>,
        /// What it told, each as text.
        events: Vec<String>,
        /// What became of it.
        outcome: Outcome,
    },
    /// Events were read.
    Hear {
        /// Those behind this number.
        after: u64,
        /// At most so many.
        limit: usize,
        /// The events.
        events: Vec<Heard>,
    },
}

/// What was seen under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The key.
    pub key: Key,
    /// What was there, if there was anything.
    pub version: Option<Version>,
}

/// A record as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its generation.
    pub generation: u64,
    /// Its revision.
    pub revision: u64,
    /// What was written.
    pub value: String,
}

/// What was written under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The key.
    pub key: Key,
    /// The text; `None`: it was deleted.
    pub value: Option<String>,
    /// The terms that it is found by.
    pub terms: Vec<Term>,
}

/// What became of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was acknowledged.
    Committed(Committed),
    /// It was refused for this.
    Refused(Expect),
    /// There was no answer: it may have been applied, or not.
    Unknown,
}

/// An event as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Its number.
    pub sequence: u64,
    /// Its id.
    pub id: String,
    /// The commit that it came with.
    pub revision: u64,
    /// What was told.
    pub text: String,
}

/// Everything in a history that a store must not do; empty: there is nothing.
pub fn check(history: &[Operation]) -> Vec<Anomaly> {
    let mut anomalies = Vec::new();
    let replay = replay::Replay::of(history, &mut anomalies);
    moments::check(history, &replay, &mut anomalies);
    log::check(history, &replay, &mut anomalies);
    anomalies
}

impl Operation {
    /// Whether it was answered before the other was begun.
    fn precedes(&self, other: &Self) -> bool {
        self.returned.is_some_and(|returned| returned < other.invoked)
    }
}

#[cfg(test)]
mod tests;
