//! The ordered cache of one kind, fed by its watch.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use kube::ResourceExt;

use crate::ObjectKey;
use crate::own_writes::{Shown, Version, reached};

/// One difference between what a store held and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) key: ObjectKey,
    /// The version that came or went.
    pub(crate) version: Version,
    /// Whether the object was removed.
    pub(crate) removed: bool,
    pub(crate) extent: Extent,
}

/// What of an object has changed, as far as its metadata tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What is wanted of it: it is new, another or removed, or its generation or deletion has changed.
    Spec,
    /// Labels, annotations, finalizers or owners; or it has no generation, which tells nothing.
    Metadata,
    /// None of these.
    Status,
}

#[derive(Debug)]
struct Inner<T> {
    objects: BTreeMap<ObjectKey, Arc<T>>,
    /// The objects of a list that is not complete yet.
    incoming: BTreeMap<ObjectKey, Arc<T>>,
    high_water: Option<u64>,
    /// Keys that changed by a direct answer of the API server, which nobody was told yet.
    untold: BTreeSet<ObjectKey>,
}

/// Objects of one kind in the order of their keys.
#[derive(Debug)]
pub(crate) struct Store<T>(RwLock<Inner<T>>);

impl<T> Default for Store<T> {
    fn default() -> Self {
        Self(RwLock::new(Inner {
            objects: BTreeMap::new(),
            incoming: BTreeMap::new(),
            high_water: None,
            untold: BTreeSet::new(),
        }))
    }
}

impl<T: ResourceExt> Store<T> {
    // A poisoned lock still guards whole objects: nothing in here panics half-way through a change.
    fn read(&self) -> RwLockReadGuard<'_, Inner<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner<T>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: &ObjectKey) -> Option<Arc<T>> {
        self.read().objects.get(key).cloned()
    }

    /// All objects, of one namespace where it is given.
    pub(crate) fn list(&self, namespace: Option<&str>) -> Vec<Arc<T>> {
        let inner = self.read();
        let from = ObjectKey::new(namespace.unwrap_or_default(), "");
        inner
            .objects
            .range(from..)
            .take_while(|(key, _)| namespace.is_none_or(|namespace| key.namespace == namespace))
            .map(|(_, object)| Arc::clone(object))
            .collect()
    }

    pub(crate) fn keys(&self) -> Vec<ObjectKey> {
        self.read().objects.keys().cloned().collect()
    }

    pub(crate) fn shown(&self, key: &ObjectKey) -> Shown {
        let inner = self.read();
        Shown {
            version: inner.objects.get(key).map(|object| Version::of(&**object)),
            high_water: inner.high_water,
        }
    }

    /// A list begins.
    pub(crate) fn begin(&self) {
        self.write().incoming.clear();
    }

    /// One object of the list that has begun.
    pub(crate) fn receive(&self, object: T) {
        let object = trimmed(object);
        self.write()
            .incoming
            .insert(ObjectKey::of(&object), Arc::new(object));
    }

    /// The object of this key is in the list that has begun, and cannot be read: it stays what it was.
    pub(crate) fn receive_again(&self, key: &ObjectKey) {
        let mut inner = self.write();
        if let Some(known) = inner.objects.get(key).cloned() {
            inner.incoming.insert(key.clone(), known);
        }
    }

    /// The list is complete and replaces what was known.
    pub(crate) fn complete(&self) -> Vec<Difference> {
        let mut inner = self.write();
        let incoming = mem::take(&mut inner.incoming);
        // Set, not raised: after a reconnect to a server that is behind, the past is the past again.
        inner.high_water = incoming
            .values()
            .filter_map(|object| object.resource_version()?.parse().ok())
            .max();
        let before = mem::replace(&mut inner.objects, incoming);
        let untold = mem::take(&mut inner.untold);
        let removed = before
            .iter()
            .filter(|(key, _)| !inner.objects.contains_key(*key))
            .map(|(key, object)| difference(key, &**object, None));
        let mut differences: Vec<Difference> = removed.collect();
        let vanished = untold.iter().filter(|key| !before.contains_key(*key));
        let vanished = vanished.filter(|key| !inner.objects.contains_key(*key));
        differences.extend(vanished.map(|key| Difference {
            key: key.clone(),
            version: Version::default(),
            removed: true,
            extent: Extent::Spec,
        }));
        for (key, object) in &inner.objects {
            let old = before.get(key);
            let is_news = old.is_none_or(|old| Version::of(&**old) != Version::of(&**object));
            if is_news || untold.contains(key) {
                differences.push(Difference {
                    removed: false,
                    ..difference(key, &**object, old.map(AsRef::as_ref))
                });
            }
        }
        differences.sort_by(|a, b| a.key.cmp(&b.key));
        differences
    }

    /// The watch shows a new or changed object. `None` when that is no news.
    pub(crate) fn apply(&self, object: T) -> Option<Difference> {
        let object = trimmed(object);
        let key = ObjectKey::of(&object);
        let version = Version::of(&object);
        let mut inner = self.write();
        inner.raise(&version);
        if let Some(known) = inner.objects.get(&key) {
            let known = Version::of(&**known);
            // A replayed event, or one older than what the API server was asked for directly.
            if reached(&version.resource_version, &known.resource_version) == Some(false)
                || (known == version && !inner.untold.contains(&key))
            {
                return None;
            }
        }
        inner.untold.remove(&key);
        let old = inner.objects.insert(key.clone(), Arc::new(object));
        let new = inner.objects.get(&key)?;
        Some(Difference {
            removed: false,
            ..difference(&key, &**new, old.as_deref())
        })
    }

    /// The watch shows that the object of this key, last of this version, is gone.
    pub(crate) fn delete(&self, key: &ObjectKey, version: &Version) -> Option<Difference> {
        let mut inner = self.write();
        inner.raise(version);
        if inner
            .objects
            .get(key)
            .is_some_and(|known| known.uid().unwrap_or_default() != version.uid)
        {
            return None; // the end of a predecessor
        }
        inner.untold.remove(key);
        inner.objects.remove(key);
        Some(Difference {
            key: key.clone(),
            version: version.clone(),
            removed: true,
            extent: Extent::Spec,
        })
    }

    /// The API server was asked directly, and this is its answer. Who has read the object is told when the
    /// watch shows the same.
    pub(crate) fn put(&self, key: &ObjectKey, object: Option<T>) {
        let mut inner = self.write();
        if let Some(object) = object {
            let object = trimmed(object);
            let older = inner.objects.get(key).is_some_and(|known| {
                let (new, known) = (Version::of(&object), Version::of(&**known));
                new.uid == known.uid && reached(&new.resource_version, &known.resource_version) == Some(false)
            });
            if older {
                return;
            }
            inner.objects.insert(key.clone(), Arc::new(object));
        } else {
            inner.objects.remove(key);
        }
        inner.untold.insert(key.clone());
    }

    pub(crate) fn len(&self) -> usize {
        self.read().objects.len()
    }
}

impl<T> Inner<T> {
    fn raise(&mut self, version: &Version) {
        let seen = version.resource_version.parse().ok();
        self.high_water = self.high_water.max(seen);
    }
}

/// Without `managedFields`, which nobody reads and which are often half of an object.
fn trimmed<T: ResourceExt>(mut object: T) -> T {
    object.meta_mut().managed_fields = None;
    object
}

fn difference<T: ResourceExt>(key: &ObjectKey, object: &T, old: Option<&T>) -> Difference {
    Difference {
        key: key.clone(),
        version: Version::of(object),
        removed: true,
        extent: old.map_or(Extent::Spec, |old| extent(old, object)),
    }
}

fn extent<T: ResourceExt>(old: &T, new: &T) -> Extent {
    let (old, new) = (old.meta(), new.meta());
    if old.uid != new.uid
        || old.generation != new.generation
        || old.deletion_timestamp != new.deletion_timestamp
    {
        Extent::Spec
    } else if new.generation.is_none()
        || old.labels != new.labels
        || old.annotations != new.annotations
        || old.finalizers != new.finalizers
        || old.owner_references != new.owner_references
    {
        Extent::Metadata
    } else {
        Extent::Status
    }
}

#[cfg(test)]
mod tests;
