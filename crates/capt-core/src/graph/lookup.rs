//! Maps and sets that are looked up and never walked for an answer, so that their order is never seen.
//!
//! The hasher has fixed keys, so that equal runs are equal, and costs less for short keys than the standard library's.

#![allow(clippy::disallowed_types, reason = "the one place where they are named")]

use foldhash::fast::FixedState;

/// By key.
pub(super) type Map<K, V> = std::collections::HashMap<K, V, FixedState>;

/// Seen before or not.
pub(super) type Set<K> = std::collections::HashSet<K, FixedState>;

/// An empty map with room for so many entries.
pub(super) fn map<K, V>(capacity: usize) -> Map<K, V> {
    Map::with_capacity_and_hasher(capacity, FixedState::default())
}
