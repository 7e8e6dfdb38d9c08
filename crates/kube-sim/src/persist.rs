//! A world in a file, so that a server that is killed goes on where it was.
//!
//! The file is a log: a snapshot of the world, then one record for every request that changed it, with all that
//! followed from the request. `record` is the format, as pure functions; [`WorldFile`] is the file.
//!
//! # Guarantees
//!
//! - A write is in the file before anybody sees it, the client that asked for it included: a kill of the process at
//!   any moment loses nothing that was answered.
//! - The device is asked to keep a write right after it, but no answer waits for that: a crash of the whole machine may
//!   lose the writes of its last moments, the newest first, never one in between.
//! - A write that cannot be put into the file does not happen: the client gets 500, and the world stays as it was.
//! - A last record that is not complete is dropped, and whoever opens the file is told. Anything else that is not as
//!   it was written is an error: nothing is skipped.
//! - The file is replaced in one step when it has become much longer than the world is large.
//!
//! One process at a time may have the file; to see to that is up to the caller.

mod file;
mod record;

#[cfg(test)]
mod tests;

pub use self::file::{PersistError, Reopened, WorldFile};
pub use self::record::FormatError;
