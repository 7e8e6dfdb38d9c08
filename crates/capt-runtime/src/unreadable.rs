//! Objects that their type cannot read.
//!
//! A server may hold objects that were written under an older definition, or under one that says less than the type.
//! Such an object must not keep anybody from seeing the others: it is left out, and whoever can mend it is told.

use std::collections::BTreeMap;

use capt_core::wait::Notice;
use jiff::Timestamp;
use kube::Client;
use kube::core::error_boundary::InvalidObject;

use crate::events::Events;
use crate::{Kind, ObjectKey};

/// Who speaks of these objects.
const SOURCE: &str = "capt-operator";

/// The unreadable objects of one kind.
#[derive(Debug, Default)]
pub(crate) struct Unreadable {
    objects: BTreeMap<ObjectKey, InvalidObject>,
    /// Those of a list that is not complete yet.
    incoming: BTreeMap<ObjectKey, InvalidObject>,
    /// Of which nobody was told yet.
    fresh: Vec<Found>,
}

/// An unreadable object that was found.
#[derive(Debug)]
pub(crate) struct Found(InvalidObject);

impl Unreadable {
    /// A list begins.
    pub(crate) fn begin(&mut self) {
        self.incoming.clear();
    }

    /// One of the list that has begun.
    pub(crate) fn receive(&mut self, invalid: InvalidObject) {
        self.incoming
            .insert(ObjectKey::of_meta(&invalid.metadata), invalid);
    }

    /// The list is complete and replaces what was known.
    pub(crate) fn complete(&mut self) {
        let before = std::mem::take(&mut self.objects);
        for (key, invalid) in std::mem::take(&mut self.incoming) {
            let is_known = before.get(&key).is_some_and(|known| is_same(known, &invalid));
            if !is_known {
                self.fresh.push(Found(invalid.clone()));
            }
            self.objects.insert(key, invalid);
        }
    }

    /// The watch shows one.
    pub(crate) fn insert(&mut self, invalid: InvalidObject) {
        let key = ObjectKey::of_meta(&invalid.metadata);
        let known = self.objects.insert(key, invalid.clone());
        // A status that others write changes nothing about what cannot be read.
        if known.is_none_or(|known| !is_same(&known, &invalid)) {
            self.fresh.push(Found(invalid));
        }
    }

    /// It can be read again, or is gone.
    pub(crate) fn remove(&mut self, key: &ObjectKey) {
        if self.objects.remove(key).is_some() {
            tracing::info!(object = %key, "the object can be read again, or is gone");
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// Why each of them cannot be read, by `namespace/name`.
    pub(crate) fn reasons(&self) -> BTreeMap<String, String> {
        self.objects
            .iter()
            .map(|(key, invalid)| (key.to_string(), invalid.error.clone()))
            .collect()
    }

    /// Those of which nobody was told yet.
    pub(crate) fn fresh(&mut self) -> Vec<Found> {
        std::mem::take(&mut self.fresh)
    }
}

fn is_same(known: &InvalidObject, now: &InvalidObject) -> bool {
    known.metadata.uid == now.metadata.uid && known.error == now.error
}

impl Found {
    /// Says so in the log and in an Event.
    pub(crate) async fn report<K: Kind>(&self, kind: &str, client: &Client, now: Timestamp) {
        let InvalidObject { error, metadata } = &self.0;
        let object = ObjectKey::of_meta(metadata);
        tracing::warn!(kind, %object, error, "an object cannot be read and is left out");
        let message = format!(
            "it cannot be read and is left alone until it is mended: {error}; compare it with \
             `kubectl explain {}`",
            K::plural(&())
        );
        let notice = Notice::warning("Unreadable", message);
        let events = Events::new(client.clone(), SOURCE.to_owned());
        events.publish_about::<K>(metadata, &notice, now).await;
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    use super::*;

    fn invalid(name: &str, error: &str) -> InvalidObject {
        InvalidObject {
            error: error.to_owned(),
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: Some("default".to_owned()),
                ..ObjectMeta::default()
            },
        }
    }

    #[test]
    fn each_reason_is_told_once() {
        let mut unreadable = Unreadable::default();
        unreadable.insert(invalid("a", "one"));
        unreadable.insert(invalid("a", "one"));
        assert_eq!(unreadable.fresh().len(), 1);
        unreadable.insert(invalid("a", "two"));
        assert_eq!(unreadable.fresh().len(), 1);
        unreadable.begin();
        unreadable.receive(invalid("a", "two"));
        unreadable.receive(invalid("b", "one"));
        unreadable.complete();
        assert_eq!(unreadable.fresh().len(), 1);
        assert_eq!(unreadable.len(), 2);
    }

    #[test]
    fn a_list_forgets_what_it_does_not_have() {
        let mut unreadable = Unreadable::default();
        unreadable.insert(invalid("a", "one"));
        unreadable.begin();
        unreadable.complete();
        assert_eq!(unreadable.len(), 0);
    }
}
