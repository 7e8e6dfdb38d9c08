//! Watching a sandbox: what changes, as text for a pipe and as a tree for a terminal, and when it is done.

mod feed;
mod goal;
mod journal;
mod live;

pub use feed::{Change, changes, changes_in};
pub use goal::{Goal, Verdict};
pub use journal::{Journal, clock};
pub use live::render;

#[cfg(test)]
mod tests;
