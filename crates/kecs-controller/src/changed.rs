//! What commits have changed since it was last looked at.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use kecs_core::key::Key;
use kecs_store::{Fed, Feed};
use tokio::sync::Notify;

/// The keys that were written and not looked at yet, each with what is kept under it now. As many as there are records
/// at most, however far the reader is behind.
#[derive(Default)]
pub(crate) struct Changed {
    keys: Mutex<BTreeMap<Key, Fed>>,
    more: Notify,
}

impl Feed for Changed {
    fn applied(&self, _revision: u64, changed: &[Fed]) {
        self.note(changed.iter().cloned());
    }
}

impl Changed {
    /// Notes what was read when it began, unless something newer is known.
    pub(crate) fn note(&self, changed: impl IntoIterator<Item = Fed>) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        for fed in changed {
            if keys
                .get(&fed.key)
                .is_none_or(|known| known.revision <= fed.revision)
            {
                keys.insert(fed.key.clone(), fed);
            }
        }
        self.more.notify_one();
    }

    /// Waits until there is something.
    pub(crate) async fn wait(&self) {
        self.more.notified().await;
    }

    /// Everything that was written after this commit, in the order of the keys. The rest was looked at before it was
    /// told of: commits of other servers are told of a little later than they can be read.
    pub(crate) fn take(&self, after: u64) -> BTreeMap<Key, Fed> {
        let mut keys = std::mem::take(&mut *self.keys.lock().unwrap_or_else(PoisonError::into_inner));
        keys.retain(|_, fed| fed.revision > after);
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(key: &str, revision: u64) -> Fed {
        Fed {
            key: Key::from_text(key),
            revision,
            entry: None,
        }
    }

    #[test]
    fn what_was_read_before_it_was_told_of_is_not_looked_at_again() {
        let changed = Changed::default();
        changed.applied(4, &[fed("a", 3), fed("b", 4)]);
        changed.applied(6, &[fed("b", 6), fed("c", 5)]);
        // Told of once more, and late.
        changed.applied(6, &[fed("b", 4)]);
        let taken = changed.take(4);
        let revisions: Vec<_> = taken
            .values()
            .map(|fed| (fed.key.as_str(), fed.revision))
            .collect();
        assert_eq!(revisions, [("b", 6), ("c", 5)]);
        assert!(changed.take(0).is_empty());
    }
}
