//! Who is woken by what: the reads of each round, turned round.

use std::collections::{BTreeMap, BTreeSet};

use crate::ObjectKey;

/// A kind with a cache, by the order in which the kinds were given to the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KindId(pub(crate) usize);

/// One object of one controller; what the queue holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Item {
    /// The controller, by the order in which they were given to the driver.
    pub(crate) controller: usize,
    pub(crate) key: ObjectKey,
}

/// What a round has read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Watched {
    /// One object, whether it exists or not.
    Object(KindId, ObjectKey),
    /// All objects of a kind in a namespace.
    Namespace(KindId, String),
    /// All objects of a kind.
    All(KindId),
}

/// Reads by reader, and readers by what they read.
#[derive(Debug, Default)]
pub(crate) struct Interests {
    readers: BTreeMap<Watched, BTreeSet<Item>>,
    reads: BTreeMap<Item, BTreeSet<Watched>>,
}

impl Interests {
    /// Records that `reader` has read `watched`, at once, so that a change during the round is not missed.
    pub(crate) fn add(&mut self, reader: &Item, watched: &Watched) {
        self.readers
            .entry(watched.clone())
            .or_default()
            .insert(reader.clone());
        self.reads
            .entry(reader.clone())
            .or_default()
            .insert(watched.clone());
    }

    /// Forgets everything `reader` has read but `kept`, the reads of its last complete round.
    pub(crate) fn retain(&mut self, reader: &Item, kept: &BTreeSet<Watched>) {
        let Some(reads) = self.reads.get_mut(reader) else {
            return;
        };
        let dropped: Vec<Watched> = reads.difference(kept).cloned().collect();
        for watched in &dropped {
            reads.remove(watched);
            if let Some(readers) = self.readers.get_mut(watched) {
                readers.remove(reader);
                if readers.is_empty() {
                    self.readers.remove(watched);
                }
            }
        }
        if reads.is_empty() {
            self.reads.remove(reader);
        }
    }

    /// Everyone who has read `key` of `kind`, alone or in a list.
    pub(crate) fn readers(&self, kind: KindId, key: &ObjectKey) -> BTreeSet<Item> {
        [
            Watched::Object(kind, key.clone()),
            Watched::Namespace(kind, key.namespace.clone()),
            Watched::All(kind),
        ]
        .iter()
        .filter_map(|watched| self.readers.get(watched))
        .flatten()
        .cloned()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: KindId = KindId(0);

    fn reader(name: &str) -> Item {
        Item {
            controller: 0,
            key: ObjectKey::new("ns", name),
        }
    }

    #[test]
    fn lists_and_single_reads_wake_each_reader_once() {
        let mut interests = Interests::default();
        let secret = ObjectKey::new("ns", "secret");
        interests.add(&reader("a"), &Watched::Object(KIND, secret.clone()));
        interests.add(&reader("a"), &Watched::All(KIND));
        interests.add(&reader("b"), &Watched::Namespace(KIND, "ns".to_owned()));
        interests.add(&reader("c"), &Watched::Namespace(KIND, "other".to_owned()));
        interests.add(&reader("d"), &Watched::Object(KindId(1), secret.clone()));
        assert_eq!(
            interests.readers(KIND, &secret),
            [reader("a"), reader("b")].into()
        );
    }

    #[test]
    fn what_is_no_longer_read_no_longer_wakes() {
        let mut interests = Interests::default();
        let old = Watched::Object(KIND, ObjectKey::new("ns", "old"));
        let new = Watched::Object(KIND, ObjectKey::new("ns", "new"));
        interests.add(&reader("a"), &old);
        interests.add(&reader("a"), &new);
        interests.retain(&reader("a"), &[new].into());
        assert!(interests.readers(KIND, &ObjectKey::new("ns", "old")).is_empty());
        assert_eq!(interests.readers(KIND, &ObjectKey::new("ns", "new")).len(), 1);
        interests.retain(&reader("a"), &BTreeSet::new());
        assert!(interests.reads.is_empty() && interests.readers.is_empty());
    }
}
