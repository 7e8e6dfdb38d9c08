//! What a round may read.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use capt_core::fault::{Fault, FaultClass};
use kube::core::PartialObjectMeta;
use kube::{Api, Client};

use crate::cache::{Caches, Kept, KindCache, describe, lock};
use crate::fault::if_found;
use crate::interest::{Item, KindId, Watched};
use crate::own_writes::Version;
use crate::{Kind, ObjectKey, kube_fault};

/// Typed reads from the ordered caches of the driver.
///
/// # Guarantees
///
/// Every read, also of an object that does not exist, makes later changes of what was read start a new round
/// of the object being reconciled. The reads of a complete round replace those of the round before.
///
/// # Errors
///
/// Reading a kind that the driver does not watch is a mistake in the program: the read shows nothing, and
/// the round ends in a fault that names the kind.
pub struct View {
    caches: Arc<Caches>,
    client: Client,
    reader: Item,
    reads: Mutex<Reads>,
}

#[derive(Debug, Default)]
struct Reads {
    watched: BTreeSet<Watched>,
    /// What was older than an own write when it was read. The cache may catch up before the round looks again,
    /// but what was read stays old.
    stale: BTreeSet<(KindId, ObjectKey)>,
    unwatched: Option<String>,
}

impl View {
    pub(crate) fn new(caches: Arc<Caches>, client: Client, reader: Item) -> Self {
        Self {
            caches,
            client,
            reader,
            reads: Mutex::default(),
        }
    }

    /// The object `name` in `namespace`, if it exists. The kind must be watched with its content.
    pub fn get<K: Kind>(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        let cache = self.cache::<K>()?;
        let key = ObjectKey::new(namespace, name);
        self.note(Watched::Object(cache.id, key.clone()));
        match &cache.kept {
            Kept::Full(store) => store.get(&key),
            Kept::Metadata { .. } => self.refuse::<K, _>("is watched by metadata only"),
        }
    }

    /// All objects in `namespace` in the order of their names; with an empty `namespace` those of all
    /// namespaces. The kind must be watched with its content.
    pub fn list<K: Kind>(&self, namespace: &str) -> Vec<Arc<K>> {
        let Some(cache) = self.cache::<K>() else {
            return Vec::new();
        };
        self.note(list_of(&cache, namespace));
        match &cache.kept {
            Kept::Full(store) => store.list(some(namespace)),
            Kept::Metadata { .. } => self
                .refuse::<K, _>("is watched by metadata only")
                .unwrap_or_default(),
        }
    }

    /// The metadata of the object `name` in `namespace`, if it exists.
    pub fn metadata<K: Kind>(&self, namespace: &str, name: &str) -> Option<Arc<PartialObjectMeta<K>>> {
        let cache = self.cache::<K>()?;
        let key = ObjectKey::new(namespace, name);
        self.note(Watched::Object(cache.id, key.clone()));
        match &cache.kept {
            Kept::Full(store) => store.get(&key).map(|object| metadata_of(&*object)),
            Kept::Metadata { store, .. } => store.get(&key),
        }
    }

    /// The metadata of all objects in `namespace` in the order of their names; with an empty `namespace`
    /// those of all namespaces.
    pub fn list_metadata<K: Kind>(&self, namespace: &str) -> Vec<Arc<PartialObjectMeta<K>>> {
        let Some(cache) = self.cache::<K>() else {
            return Vec::new();
        };
        self.note(list_of(&cache, namespace));
        match &cache.kept {
            Kept::Full(store) => store
                .list(some(namespace))
                .iter()
                .map(|object| metadata_of(&**object))
                .collect(),
            Kept::Metadata { store, .. } => store.list(some(namespace)),
        }
    }

    /// The content of the object `name` in `namespace`, if it exists.
    ///
    /// For kinds that are watched by metadata only it is fetched, but only when it has changed since it was
    /// fetched last. Errors are those of the GET, classified.
    pub async fn read<K: Kind>(&self, namespace: &str, name: &str) -> Result<Option<Arc<K>>, Fault> {
        let Some(cache) = self.cache::<K>() else {
            return Ok(None);
        };
        let key = ObjectKey::new(namespace, name);
        let watched = Watched::Object(cache.id, key.clone());
        self.note(watched.clone());
        let store = match &cache.kept {
            Kept::Full(store) => return Ok(store.get(&key)),
            Kept::Metadata { store, .. } => store,
        };
        let Some(present) = store.get(&key) else {
            return Ok(None);
        };
        let content = cache.content(&key, &Version::of(&*present));
        // A cache that is behind an own write parks the round anyway: no need to ask twice.
        if content.is_some() || !self.caches.stale(&watched).is_empty() {
            return Ok(content);
        }
        let read = Api::<K>::namespaced(self.client.clone(), namespace)
            .get(name)
            .await;
        let content = if_found(read)
            .map_err(|error| kube_fault(&error, &describe::<K>(&key)))?
            .map(Arc::new);
        cache.keep_content(&key, content.clone());
        Ok(content)
    }

    /// What was read so far.
    pub(crate) fn watched(&self) -> BTreeSet<Watched> {
        lock(&self.reads).watched.clone()
    }

    /// What was read and was, or is by now, older than an own write.
    pub(crate) fn stale(&self) -> BTreeSet<(KindId, ObjectKey)> {
        let watched = self.watched();
        let now = watched.iter().flat_map(|it| self.caches.stale(it));
        let then = lock(&self.reads).stale.clone();
        now.chain(then).collect()
    }

    /// A read that can never show anything.
    pub(crate) fn mistake(&self) -> Option<Fault> {
        let reads = lock(&self.reads);
        let message = reads.unwatched.as_ref()?;
        Some(Fault::new(FaultClass::Environment, "KindNotWatched", message))
    }

    pub(crate) fn note(&self, watched: Watched) {
        let mut reads = lock(&self.reads);
        reads.stale.extend(self.caches.stale(&watched));
        if !reads.watched.contains(&watched) {
            self.caches.interested(&self.reader, &watched);
            reads.watched.insert(watched);
        }
    }

    fn cache<K: Kind>(&self) -> Option<Arc<KindCache<K>>> {
        let cache = self.caches.of::<K>();
        if cache.is_none() {
            self.refuse::<K, _>("is not watched")
        } else {
            cache
        }
    }

    fn refuse<K: Kind, T>(&self, why: &str) -> Option<T> {
        let message = format!("{}.{} {why} by this driver", K::plural(&()), K::group(&()));
        lock(&self.reads).unwatched.get_or_insert(message);
        None
    }
}

fn some(namespace: &str) -> Option<&str> {
    Some(namespace).filter(|namespace| !namespace.is_empty())
}

fn list_of<K: Kind>(cache: &KindCache<K>, namespace: &str) -> Watched {
    match some(namespace) {
        Some(namespace) => Watched::Namespace(cache.id, namespace.to_owned()),
        None => Watched::All(cache.id),
    }
}

fn metadata_of<K: Kind>(object: &K) -> Arc<PartialObjectMeta<K>> {
    use kube::core::PartialObjectMetaExt;
    Arc::new(object.meta().clone().into_response_partial())
}
