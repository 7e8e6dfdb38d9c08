//! Objects and their history: persistent maps, so that a clone of the world costs a few pointers.

use std::ops::Bound;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;
use serde_json::Value;

/// Namespace (empty for cluster-scoped objects) and name.
pub(crate) type Key = (Arc<str>, Arc<str>);

/// One write, as watches see it.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub key: Key,
    pub before: Option<Arc<Value>>,
    /// The object after the write; for a deletion its last form, with the resourceVersion of the deletion.
    pub object: Arc<Value>,
    pub deleted: bool,
}

/// The objects of one resource and the recent writes to them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf {
    pub objects: RedBlackTreeMapSync<Key, Arc<Value>>,
    log: RedBlackTreeMapSync<u64, Change>,
    /// The newest revision whose change is no longer kept.
    forgotten: u64,
}

impl Shelf {
    /// An empty shelf that knows no history up to this revision.
    pub(crate) fn since(revision: u64) -> Self {
        Self {
            forgotten: revision,
            ..Self::default()
        }
    }

    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        self.objects.get(&(namespace.into(), name.into()))
    }

    /// Records a write and forgets what is beyond `history` entries.
    pub(crate) fn record(&mut self, revision: u64, change: Change, history: usize) {
        if change.deleted {
            self.objects.remove_mut(&change.key);
        } else {
            self.objects
                .insert_mut(change.key.clone(), Arc::clone(&change.object));
        }
        self.log.insert_mut(revision, change);
        while self.log.size() > history {
            let Some(oldest) = self.log.first().map(|(revision, _)| *revision) else {
                break;
            };
            self.log.remove_mut(&oldest);
            self.forgotten = oldest;
        }
    }

    /// Forgets every change up to and including the revision.
    pub(crate) fn compact(&mut self, revision: u64) {
        while let Some(oldest) = self.log.first().map(|(at, _)| *at).filter(|at| *at <= revision) {
            self.log.remove_mut(&oldest);
        }
        self.forgotten = self.forgotten.max(revision);
    }

    /// The revision of the newest write.
    pub(crate) fn last_write(&self) -> u64 {
        self.log.last().map_or(self.forgotten, |(revision, _)| *revision)
    }

    /// Whether everything that happened after the revision is still known.
    pub(crate) fn remembers(&self, revision: u64) -> bool {
        revision >= self.forgotten
    }

    /// The newest revision whose change is no longer kept.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// The writes after the revision, oldest first.
    pub(crate) fn changes_after(&self, revision: u64) -> impl Iterator<Item = (u64, &Change)> {
        self.log
            .range::<u64, _>((Bound::Excluded(revision), Bound::Unbounded))
            .map(|(at, change)| (*at, change))
    }

    /// The objects as they were at the revision; the caller has asked `remembers`.
    pub(crate) fn at(&self, revision: u64) -> RedBlackTreeMapSync<Key, Arc<Value>> {
        let mut objects = self.objects.clone();
        let later: Vec<&Change> = self.changes_after(revision).map(|(_, change)| change).collect();
        for change in later.into_iter().rev() {
            match &change.before {
                Some(before) => objects.insert_mut(change.key.clone(), Arc::clone(before)),
                None => {
                    objects.remove_mut(&change.key);
                }
            }
        }
        objects
    }
}

/// The objects of one namespace, or of all when none is given, in the order of namespace and name.
pub(crate) fn within<'a>(
    objects: &'a RedBlackTreeMapSync<Key, Arc<Value>>,
    namespace: Option<&str>,
    after: Option<&Key>,
) -> Box<dyn Iterator<Item = (&'a Key, &'a Arc<Value>)> + 'a> {
    let wanted: Option<Arc<str>> = namespace.map(Arc::from);
    let start = match (after, &wanted) {
        (Some(after), _) => Bound::Excluded(after.clone()),
        (None, Some(namespace)) => Bound::Included((Arc::clone(namespace), Arc::from(""))),
        (None, None) => Bound::Unbounded,
    };
    Box::new(
        objects
            .range::<Key, _>((start, Bound::Unbounded))
            .take_while(move |(key, _)| wanted.as_ref().is_none_or(|w| *w == key.0)),
    )
}
