//! What a store must not do.

use kecs_core::key::{Key, Term};
use kecs_core::tx::Expect;

/// Something that no store may show. Operations are named by their place in the history, from zero.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Anomaly {
    /// Two commits have one number.
    #[error("operations {first} and {second} both have revision {revision}")]
    RepeatedRevision {
        /// The number.
        revision: u64,
        /// The one that was recorded first.
        first: usize,
        /// The other.
        second: usize,
    },
    /// A number was given to no commit.
    #[error("no commit has revision {revision}")]
    MissingRevision {
        /// The number.
        revision: u64,
    },
    /// A commit that was answered before another began has a higher number.
    #[error("operation {second} began when {first} was answered, and has the lower revision")]
    RevisionOrder {
        /// The one that was answered first.
        first: usize,
        /// The other.
        second: usize,
    },
    /// A write did not count on from the one before it.
    #[error("{key} has generation {generation} at revision {revision}, not {expected}")]
    Generation {
        /// The key.
        key: Key,
        /// The commit.
        revision: u64,
        /// What it answered.
        generation: u64,
        /// What comes next.
        expected: u64,
    },
    /// A commit was applied though what it rests upon was not so: somebody's update is lost.
    #[error("revision {revision} was applied although {expect:?} did not hold")]
    LostUpdate {
        /// The commit.
        revision: u64,
        /// What did not hold.
        expect: Expect,
    },
    /// A commit was refused though what it rests upon held all the time.
    #[error("operation {operation} was refused although {expect:?} held")]
    UnjustifiedRefusal {
        /// The commit.
        operation: usize,
        /// What it was refused for.
        expect: Expect,
    },
    /// A read shows what was overwritten by a commit that was acknowledged before it began.
    #[error(
        "operation {operation} sees {key} as of revision {seen}, and {acknowledged} was acknowledged before"
    )]
    StaleRead {
        /// The read.
        operation: usize,
        /// The key.
        key: Key,
        /// The commit that it shows.
        seen: u64,
        /// The last commit that was acknowledged before.
        acknowledged: u64,
    },
    /// A read shows what a deletion took away that was acknowledged before it began.
    #[error(
        "operation {operation} sees {key} as of revision {seen}, and its deletion was acknowledged before"
    )]
    ResurrectedDelete {
        /// The read.
        operation: usize,
        /// The key.
        key: Key,
        /// The commit that it shows.
        seen: u64,
    },
    /// A read shows nothing where a commit was acknowledged.
    #[error(
        "operation {operation} sees nothing under {key}, and revision {acknowledged} was acknowledged before"
    )]
    LostWrite {
        /// The read.
        operation: usize,
        /// The key.
        key: Key,
        /// The last commit that was acknowledged before.
        acknowledged: u64,
    },
    /// A read shows an earlier moment than one that ended before it began.
    #[error(
        "operation {operation} sees {key} as it was before revision {seen_before}, which was seen before"
    )]
    BackwardRead {
        /// The read.
        operation: usize,
        /// The key.
        key: Key,
        /// The moment of the read before it.
        seen_before: u64,
    },
    /// A read shows what was written after it ended.
    #[error("operation {operation} sees {key} as of revision {seen}, which was begun later")]
    FutureRead {
        /// The read.
        operation: usize,
        /// The key.
        key: Key,
        /// The commit that it shows.
        seen: u64,
    },
    /// A read shows what a refused commit would have written.
    #[error("operation {operation} sees under {key} what the refused operation {writer} wrote")]
    DirtyRead {
        /// The read.
        operation: usize,
        /// The key.
        key: Key,
        /// The refused commit.
        writer: usize,
    },
    /// A read shows what nobody wrote.
    #[error("operation {operation} sees under {key} what nobody wrote: {value:?}")]
    InventedRead {
        /// The read.
        operation: usize,
        /// The key.
        key: Key,
        /// What it shows.
        value: String,
    },
    /// A read shows what one commit wrote with the numbers of another.
    #[error("operation {operation} sees under {key} a value with the numbers of another: {value:?}")]
    MixedRead {
        /// The read.
        operation: usize,
        /// The key.
        key: Key,
        /// What it shows.
        value: String,
    },
    /// Each key of a read was so at some moment, and never all of them at one.
    #[error("operation {operation} sees keys of different moments")]
    TornRead {
        /// The read.
        operation: usize,
    },
    /// A list shows what a term had at no moment that it may show.
    #[error("operation {operation} lists for {term} what it never had")]
    WrongList {
        /// The list.
        operation: usize,
        /// The term.
        term: Term,
    },
    /// The numbers of a commit's events do not follow those before them.
    #[error("the events of revision {revision} end at {sequence}, not {expected}")]
    SequenceOfCommit {
        /// The commit.
        revision: u64,
        /// What it answered.
        sequence: u64,
        /// What comes next.
        expected: u64,
    },
    /// A number is missing where events were read.
    #[error("operation {operation} hears event {found} after {before}")]
    EventGap {
        /// The read.
        operation: usize,
        /// The number before the gap.
        before: u64,
        /// The number after it.
        found: u64,
    },
    /// Events were read twice, or not in their order.
    #[error("operation {operation} hears event {found} after {before}")]
    EventOrder {
        /// The read.
        operation: usize,
        /// The number that came first.
        before: u64,
        /// The number that came next.
        found: u64,
    },
    /// An event is not the one that a commit told under this number.
    #[error("operation {operation} hears as event {sequence} what no commit told")]
    ForeignEvent {
        /// The read.
        operation: usize,
        /// The number.
        sequence: u64,
    },
    /// An acknowledged event was not read where it should have been.
    #[error("operation {operation} ends before event {missing}, which was acknowledged before")]
    LostEvent {
        /// The read.
        operation: usize,
        /// The first that is missing.
        missing: u64,
    },
    /// An event changed its id, or has that of another.
    #[error("operation {operation} hears event {sequence} with an id that it must not have: {id}")]
    EventId {
        /// The read.
        operation: usize,
        /// The number.
        sequence: u64,
        /// The id.
        id: String,
    },
}
