//! The ordered cache of one kind, fed by its watch.

use std::collections::BTreeMap;
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
    /// Whether more than the status has changed, as far as that can be told.
    pub(crate) substantial: bool,
}

#[derive(Debug)]
struct Inner<T> {
    objects: BTreeMap<ObjectKey, Arc<T>>,
    /// The objects of a list that is not complete yet.
    incoming: BTreeMap<ObjectKey, Arc<T>>,
    high_water: Option<u64>,
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
        let removed = before
            .iter()
            .filter(|(key, _)| !inner.objects.contains_key(*key))
            .map(|(key, object)| difference(key, &**object, None));
        let mut differences: Vec<Difference> = removed.collect();
        for (key, object) in &inner.objects {
            let old = before.get(key);
            if old.is_none_or(|old| Version::of(&**old) != Version::of(&**object)) {
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
        if let Some(known) = inner.objects.get(&key) {
            let known = Version::of(&**known);
            // A replayed event, or one older than what the API server was asked for directly.
            if known == version
                || reached(&version.resource_version, &known.resource_version) == Some(false)
            {
                return None;
            }
        }
        inner.raise(&version);
        let old = inner.objects.insert(key.clone(), Arc::new(object));
        let new = inner.objects.get(&key)?;
        Some(Difference {
            removed: false,
            ..difference(&key, &**new, old.as_deref())
        })
    }

    /// The watch shows that an object is gone.
    pub(crate) fn delete(&self, object: &T) -> Option<Difference> {
        let key = ObjectKey::of(object);
        let version = Version::of(object);
        let mut inner = self.write();
        inner.raise(&version);
        if inner
            .objects
            .get(&key)
            .is_some_and(|known| known.uid().unwrap_or_default() != version.uid)
        {
            return None; // the end of a predecessor
        }
        inner.objects.remove(&key);
        Some(difference(&key, object, None))
    }

    /// The API server was asked directly, and this is its answer.
    pub(crate) fn put(&self, key: &ObjectKey, object: Option<T>) {
        let mut inner = self.write();
        match object {
            Some(object) => {
                let object = trimmed(object);
                let older = inner.objects.get(key).is_some_and(|known| {
                    let (new, known) = (Version::of(&object), Version::of(&**known));
                    new.uid == known.uid
                        && reached(&new.resource_version, &known.resource_version) == Some(false)
                });
                if !older {
                    inner.objects.insert(key.clone(), Arc::new(object));
                }
            }
            None => {
                inner.objects.remove(key);
            }
        }
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
        substantial: old.is_none_or(|old| is_substantial(old, object)),
    }
}

/// Whether two versions differ in more than their status: in identity, generation or metadata. An object
/// without a generation does not tell.
fn is_substantial<T: ResourceExt>(old: &T, new: &T) -> bool {
    let (old, new) = (old.meta(), new.meta());
    new.generation.is_none()
        || old.uid != new.uid
        || old.generation != new.generation
        || old.deletion_timestamp != new.deletion_timestamp
        || old.labels != new.labels
        || old.annotations != new.annotations
        || old.finalizers != new.finalizers
        || old.owner_references != new.owner_references
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::api::ObjectMeta;

    use super::*;

    fn object(name: &str, uid: &str, resource_version: u64) -> ConfigMap {
        ConfigMap {
            metadata: ObjectMeta {
                namespace: Some("ns".to_owned()),
                name: Some(name.to_owned()),
                uid: Some(uid.to_owned()),
                resource_version: Some(resource_version.to_string()),
                generation: Some(1),
                managed_fields: Some(Vec::new()),
                ..ObjectMeta::default()
            },
            ..ConfigMap::default()
        }
    }

    fn store(objects: &[(&str, &str, u64)]) -> (Store<ConfigMap>, Vec<Difference>) {
        let store = Store::default();
        let differences = relist(&store, objects);
        (store, differences)
    }

    fn relist(store: &Store<ConfigMap>, objects: &[(&str, &str, u64)]) -> Vec<Difference> {
        store.begin();
        for (name, uid, version) in objects {
            store.receive(object(name, uid, *version));
        }
        store.complete()
    }

    fn names(differences: &[Difference]) -> Vec<(&str, bool)> {
        differences
            .iter()
            .map(|difference| (difference.key.name.as_str(), difference.removed))
            .collect()
    }

    #[test]
    fn a_new_list_says_what_came_changed_and_went() {
        let (store, first) = store(&[("b", "u2", 2), ("a", "u1", 1), ("c", "u3", 3)]);
        assert_eq!(names(&first), [("a", false), ("b", false), ("c", false)]);
        let second = relist(&store, &[("a", "u1", 1), ("b", "u2", 5), ("d", "u4", 6)]);
        assert_eq!(names(&second), [("b", false), ("c", true), ("d", false)]);
        assert_eq!(store.shown(&ObjectKey::new("ns", "c")).high_water, Some(6));
        assert_eq!(store.len(), 3);
    }

    #[test]
    fn an_incomplete_list_changes_nothing() {
        let (store, _) = store(&[("a", "u1", 1)]);
        store.begin();
        store.receive(object("b", "u2", 2));
        assert_eq!(store.keys(), [ObjectKey::new("ns", "a")]);
    }

    #[test]
    fn replayed_and_older_events_are_no_news() {
        let (store, _) = store(&[("a", "u1", 5)]);
        assert_eq!(store.apply(object("a", "u1", 5)), None);
        assert_eq!(store.apply(object("a", "u1", 4)), None);
        assert!(store.apply(object("a", "u1", 6)).is_some());
    }

    #[test]
    fn the_end_of_a_predecessor_does_not_remove_the_successor() {
        let (store, _) = store(&[("a", "new", 9)]);
        assert_eq!(store.delete(&object("a", "old", 8)), None);
        assert_eq!(store.len(), 1);
        assert!(store.delete(&object("a", "new", 10)).is_some_and(|it| it.removed));
        assert_eq!(store.len(), 0);
    }

    #[test]
    fn a_change_of_the_status_alone_is_not_substantial() {
        let (store, _) = store(&[("a", "u", 1)]);
        let status = store.apply(object("a", "u", 2)).unwrap();
        assert!(!status.substantial);
        let mut annotated = object("a", "u", 3);
        annotated.annotations_mut().insert("retry".to_owned(), "1".to_owned());
        assert!(store.apply(annotated.clone()).unwrap().substantial);
        annotated.metadata.generation = Some(2);
        annotated.metadata.resource_version = Some("4".to_owned());
        assert!(store.apply(annotated).unwrap().substantial);
    }

    #[test]
    fn managed_fields_are_not_kept() {
        let (store, _) = store(&[("a", "u", 1)]);
        let kept = store.get(&ObjectKey::new("ns", "a")).unwrap();
        assert_eq!(kept.metadata.managed_fields, None);
    }

    #[test]
    fn a_direct_answer_is_kept_against_a_watch_that_is_behind() {
        let (store, _) = store(&[("a", "u", 1)]);
        let key = ObjectKey::new("ns", "a");
        store.put(&key, Some(object("a", "u", 7)));
        assert_eq!(store.apply(object("a", "u", 3)), None);
        store.put(&key, None);
        assert!(store.get(&key).is_none());
    }

    #[test]
    fn lists_stay_inside_their_namespace() {
        let (store, _) = store(&[("a", "u", 1)]);
        let mut other = object("z", "v", 2);
        other.metadata.namespace = Some("ns2".to_owned());
        store.apply(other);
        assert_eq!(store.list(Some("ns")).len(), 1);
        assert_eq!(store.list(None).len(), 2);
    }
}
