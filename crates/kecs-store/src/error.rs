//! Why a store refuses, or cannot.

use std::path::PathBuf;

use kecs_core::tx::Expect;
use kecs_core::view::Unreadable;

/// Why a commit was not applied.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// What it rests upon is no longer so: the first of its expectations that does not hold. Nothing was changed.
    #[error("what the commit rests upon has changed: {0:?}")]
    Conflict(Expect),
    /// It could not be written. Nothing of it was acknowledged.
    #[error(transparent)]
    Failed(#[from] StoreError),
}

/// Why a store cannot do what it is asked for.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine below failed.
    #[error("the store failed at {doing}: {cause}")]
    Engine {
        /// What was being done.
        doing: &'static str,
        /// What the engine says.
        cause: String,
    },
    /// A file or directory of the store cannot be used.
    #[error("cannot {doing} {path}: {cause}")]
    File {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// There is no store in the database.
    #[error("there is no store in the database {name}")]
    Absent {
        /// The database.
        name: String,
    },
    /// Another server has it open.
    #[error("{path} is in use by another process")]
    InUse {
        /// The store.
        path: PathBuf,
    },
    /// The file was written by something else.
    #[error("{path} is not a store of this program: {why}")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// How this is known.
        why: String,
    },
    /// The file was written by a later version of this program.
    #[error("{path} has version {found}, and this program knows versions up to {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The latest version that is known here.
        known: u32,
    },
    /// What is kept under a key cannot be understood.
    #[error("the record under {key} cannot be read: {why}")]
    Record {
        /// The key.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// The events that were asked for are no longer kept.
    #[error("events up to {forgotten} are no longer kept, and those after {asked} were asked for")]
    Forgotten {
        /// The sequence number that was named.
        asked: u64,
        /// The last sequence number that is no longer kept.
        forgotten: u64,
    },
    /// The commit is not one that a transaction ends in.
    #[error("the commit is malformed: {0}")]
    Malformed(String),
    /// What is read in is not an export, or not a whole one.
    #[error("line {line} of the import: {why}")]
    Import {
        /// The line, from one.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// Only an empty store reads in an export.
    #[error("the store is not empty: its last revision is {revision}")]
    NotEmpty {
        /// Its last revision.
        revision: u64,
    },
    /// The engine cannot do this.
    #[error("a store of kind {engine} cannot {doing}")]
    Unsupported {
        /// The engine.
        engine: &'static str,
        /// What was asked for.
        doing: &'static str,
    },
    /// The connection was lost while a commit was under way.
    #[error("whether the commit was applied is not known: {cause}")]
    Uncertain {
        /// What happened.
        cause: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    pub(crate) fn engine(doing: &'static str, cause: &impl ToString) -> Self {
        Self::Engine {
            doing,
            cause: cause.to_string(),
        }
    }
}

impl From<StoreError> for Unreadable {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}
