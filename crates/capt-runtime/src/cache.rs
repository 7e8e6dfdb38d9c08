//! All caches of a driver, what was read from them, and what this process has written itself.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use capt_core::fault::Fault;
use kube::core::PartialObjectMeta;
use kube::{Api, Client};

use crate::fault::if_found;
use crate::interest::{Interests, Item, KindId, Watched};
use crate::own_writes::{Expected, OwnWrites, Shown, Version, reached};
use crate::store::{Difference, Store};
use crate::{Kind, ObjectKey, kube_fault};

/// What is kept of a kind.
#[derive(Debug)]
pub(crate) enum Kept<K> {
    /// Whole objects.
    Full(Store<K>),
    /// Metadata, and the content of those objects that somebody has read.
    Metadata {
        store: Store<PartialObjectMeta<K>>,
        contents: Mutex<BTreeMap<ObjectKey, Arc<K>>>,
    },
}

/// The cache of one kind.
#[derive(Debug)]
pub(crate) struct KindCache<K> {
    pub(crate) id: KindId,
    pub(crate) kept: Kept<K>,
}

impl<K: Kind> KindCache<K> {
    pub(crate) fn full(id: KindId) -> Self {
        Self {
            id,
            kept: Kept::Full(Store::default()),
        }
    }

    pub(crate) fn metadata(id: KindId) -> Self {
        Self {
            id,
            kept: Kept::Metadata {
                store: Store::default(),
                contents: Mutex::default(),
            },
        }
    }

    /// The content read before, where it is the present one or a later one.
    pub(crate) fn content(&self, key: &ObjectKey, present: &Version) -> Option<Arc<K>> {
        let Kept::Metadata { contents, .. } = &self.kept else {
            return None;
        };
        let content = Arc::clone(lock(contents).get(key)?);
        let read = Version::of(&*content);
        let fresh = read.uid == present.uid
            && reached(&read.resource_version, &present.resource_version) == Some(true);
        fresh.then_some(content)
    }

    /// Keeps what was read (or forgets it).
    pub(crate) fn keep_content(&self, key: &ObjectKey, content: Option<Arc<K>>) {
        if let Kept::Metadata { contents, .. } = &self.kept {
            let mut contents = lock(contents);
            match content {
                Some(content) => contents.insert(key.clone(), content),
                None => contents.remove(key),
            };
        }
    }
}

/// A [`KindCache`] whose type is not known.
#[async_trait]
pub(crate) trait AnyCache: Send + Sync {
    fn keys(&self) -> Vec<ObjectKey>;
    fn shown(&self, key: &ObjectKey) -> Shown;
    /// Asks the API server and keeps the answer.
    async fn refresh(&self, client: &Client, key: &ObjectKey) -> Result<Option<Version>, Fault>;
}

#[async_trait]
impl<K: Kind> AnyCache for KindCache<K> {
    fn keys(&self) -> Vec<ObjectKey> {
        match &self.kept {
            Kept::Full(store) => store.keys(),
            Kept::Metadata { store, .. } => store.keys(),
        }
    }

    fn shown(&self, key: &ObjectKey) -> Shown {
        match &self.kept {
            Kept::Full(store) => store.shown(key),
            Kept::Metadata { store, .. } => store.shown(key),
        }
    }

    async fn refresh(&self, client: &Client, key: &ObjectKey) -> Result<Option<Version>, Fault> {
        let fault = |error: kube::Error| kube_fault(&error, &describe::<K>(key));
        match &self.kept {
            Kept::Full(store) => {
                let api = Api::<K>::namespaced(client.clone(), &key.namespace);
                let live = if_found(api.get(&key.name).await).map_err(fault)?;
                let version = live.as_ref().map(Version::of);
                store.put(key, live);
                Ok(version)
            }
            Kept::Metadata { store, .. } => {
                let api = Api::<K>::namespaced(client.clone(), &key.namespace);
                let live = if_found(api.get_metadata(&key.name).await).map_err(fault)?;
                let version = live.as_ref().map(Version::of);
                store.put(key, live);
                Ok(version)
            }
        }
    }
}

/// `Kind namespace/name`, for messages.
pub(crate) fn describe<K: Kind>(key: &ObjectKey) -> String {
    format!("{} {key}", K::kind(&()))
}

/// One change that the watch of a kind has shown.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) kind: KindId,
    pub(crate) difference: Difference,
}

/// The caches of all kinds, shared by every round.
#[derive(Default)]
pub(crate) struct Caches {
    by_type: BTreeMap<TypeId, Arc<dyn Any + Send + Sync>>,
    by_id: Vec<Arc<dyn AnyCache>>,
    interests: Mutex<Interests>,
    own_writes: Mutex<OwnWrites>,
}

impl Caches {
    /// Adds the cache that `make` makes, unless there is one of that kind already.
    pub(crate) fn add<K: Kind>(&mut self, make: fn(KindId) -> KindCache<K>) -> Option<Arc<KindCache<K>>> {
        if self.by_type.contains_key(&TypeId::of::<K>()) {
            return None;
        }
        let cache = Arc::new(make(KindId(self.by_id.len())));
        let any: Arc<dyn AnyCache> = cache.clone();
        self.by_id.push(any);
        self.by_type.insert(TypeId::of::<K>(), cache.clone());
        Some(cache)
    }

    /// The cache of `K`, where there is one.
    pub(crate) fn of<K: Kind>(&self) -> Option<Arc<KindCache<K>>> {
        let any = Arc::clone(self.by_type.get(&TypeId::of::<K>())?);
        any.downcast().ok()
    }

    pub(crate) fn keys(&self, kind: KindId) -> Vec<ObjectKey> {
        self.by_id
            .get(kind.0)
            .map(|cache| cache.keys())
            .unwrap_or_default()
    }

    pub(crate) fn interested(&self, reader: &Item, watched: &Watched) {
        lock(&self.interests).add(reader, watched);
    }

    pub(crate) fn retain_interests(&self, reader: &Item, kept: &BTreeSet<Watched>) {
        lock(&self.interests).retain(reader, kept);
    }

    pub(crate) fn readers(&self, kind: KindId, key: &ObjectKey) -> BTreeSet<Item> {
        lock(&self.interests).readers(kind, key)
    }

    /// Whether the change is one that this process made.
    pub(crate) fn is_echo(&self, change: &Change) -> bool {
        let difference = &change.difference;
        let version = &difference.version.resource_version;
        // Our own deletions have no version; that an object is gone is always news.
        !difference.removed && lock(&self.own_writes).is_echo(change.kind, &difference.key, version)
    }

    /// Records the end of an own write of an object of the kind `K`.
    pub(crate) fn record_write<K: Kind>(&self, key: &ObjectKey, expected: Expected) {
        if let Some(cache) = self.of::<K>() {
            lock(&self.own_writes).record(cache.id, key, expected);
        }
    }

    /// The newest resource version of `key` that this process has written itself.
    pub(crate) fn newest_own<K: Kind>(&self, key: &ObjectKey, uid: &str) -> Option<String> {
        let cache = self.of::<K>()?;
        let writes = lock(&self.own_writes);
        writes.newest(cache.id, key, uid).map(ToOwned::to_owned)
    }

    /// Whether this process has deleted the object with this uid.
    pub(crate) fn is_deleted_by_us<K: Kind>(&self, key: &ObjectKey, uid: &str) -> bool {
        let cache = self.of::<K>();
        cache.is_some_and(|cache| lock(&self.own_writes).is_deleted(cache.id, key, uid))
    }

    /// Whether nobody knows if the last own write of `key` took effect.
    pub(crate) fn is_unknown(&self, kind: KindId, key: &ObjectKey) -> bool {
        lock(&self.own_writes).is_unknown(kind, key)
    }

    /// The objects in what was read that are older in the cache than our own last write of them.
    pub(crate) fn stale(&self, watched: &Watched) -> Vec<(KindId, ObjectKey)> {
        let writes = lock(&self.own_writes);
        let (kind, keys) = match watched {
            Watched::Object(kind, key) => (*kind, vec![key.clone()]),
            Watched::Namespace(kind, namespace) => (*kind, writes.written(*kind, Some(namespace))),
            Watched::All(kind) => (*kind, writes.written(*kind, None)),
        };
        let Some(cache) = self.by_id.get(kind.0) else {
            return Vec::new();
        };
        keys.into_iter()
            .filter(|key| !writes.is_met(kind, key, &cache.shown(key)))
            .map(|key| (kind, key))
            .collect()
    }

    /// Asks the API server for an object whose cache does not catch up.
    pub(crate) async fn refresh(&self, client: &Client, kind: KindId, key: &ObjectKey) -> Result<(), Fault> {
        let Some(cache) = self.by_id.get(kind.0) else {
            return Ok(());
        };
        let live = cache.refresh(client, key).await?;
        lock(&self.own_writes).resolved(kind, key, live.as_ref());
        Ok(())
    }

    /// The watch has shown the end of an object.
    pub(crate) fn ended<K: Kind>(&self, cache: &KindCache<K>, key: &ObjectKey, last: &Version) {
        cache.keep_content(key, None);
        lock(&self.own_writes).ended(cache.id, key, last);
    }

    /// The watch has started anew with a complete list.
    pub(crate) fn relisted(&self, kind: KindId) {
        if let Some(cache) = self.by_id.get(kind.0) {
            lock(&self.own_writes).relisted(kind, |key| cache.shown(key));
        }
    }
}

/// Locks a mutex whose holders never panic between two changes that belong together.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
