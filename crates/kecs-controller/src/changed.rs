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

    /// Everything that is there, in the order of the keys.
    pub(crate) fn take(&self) -> BTreeMap<Key, Fed> {
        std::mem::take(&mut *self.keys.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
