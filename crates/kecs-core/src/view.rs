//! What an operation reads.

use std::sync::Arc;

use kecs_model::Refusal;

use crate::key::{Key, Term};
use crate::record::Record;

/// A record as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its key.
    pub key: Key,
    /// How often it was written under this key, from one. A key that was deleted goes on from where it was.
    pub generation: u64,
    /// The commit that wrote it last.
    pub revision: u64,
    /// The record.
    pub record: Arc<Record>,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<'a> {
    /// Only what comes behind this key, in the order that is asked for.
    pub after: Option<&'a Key>,
    /// At most so many.
    pub limit: usize,
    /// From the last key to the first.
    pub descending: bool,
}

impl Page<'_> {
    /// Everything, the first key first.
    pub const ALL: Self = Self {
        after: None,
        limit: usize::MAX,
        descending: false,
    };
}

/// The records at one moment, with everything that was acknowledged before.
pub trait View {
    /// The record under this key.
    fn get(&self, key: &Key) -> Result<Option<Entry>, Unreadable>;

    /// The records of a term, in the order of their keys.
    fn list(&self, term: &Term, page: Page<'_>) -> Result<Vec<Entry>, Unreadable>;

    /// How many records a term has.
    fn count(&self, term: &Term) -> Result<u64, Unreadable>;
}

/// What is kept cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what is stored cannot be read: {0}")]
pub struct Unreadable(pub String);

impl From<Unreadable> for Refusal {
    fn from(unreadable: Unreadable) -> Self {
        Self::server(unreadable.to_string())
    }
}
