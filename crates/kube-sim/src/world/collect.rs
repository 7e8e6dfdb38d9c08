//! The controllers of the world: garbage collection by owner references, namespaces and definitions.
//!
//! They run to the end after every write, so a world between two requests is always settled.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::delete::{DeleteOptions, FOREGROUND, ORPHAN, Propagation};
use super::{ObjectId, World, builtin, meta};

/// Something that was written since the controllers last ran.
#[derive(Debug, Clone)]
pub(super) struct Touched {
    pub id: ObjectId,
    pub created: bool,
    /// The last form of a removed object.
    pub gone: Option<Arc<Value>>,
}

/// What an owner reference points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    Present,
    /// Present, and waiting for its dependents to go first.
    WaitsForDependents,
    Absent,
}

impl World {
    /// Runs the controllers until there is nothing left to do.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        let mut queue: VecDeque<Touched> = self.touched.drain(..).collect();
        while let Some(touched) = queue.pop_front() {
            let live = self.find(&touched.id).cloned();
            if touched.id.resource == builtin::definitions() {
                self.follow_definition(&touched, live.as_deref(), now);
            } else if touched.id.resource == builtin::namespaces() {
                self.follow_namespace(&touched, live.as_deref(), now);
            }
            match (&live, &touched.gone) {
                (Some(object), _) => self.collect(&touched.id, object, now),
                (None, Some(last)) => self.after_removal(&touched.id, last, now),
                (None, None) => {}
            }
            queue.extend(self.touched.drain(..));
        }
    }

    /// What the removal of an object means for its dependents, its owners and its namespace.
    fn after_removal(&mut self, id: &ObjectId, last: &Value, now: Timestamp) {
        for dependent in self.dependents(meta::uid(last)) {
            if let Some(object) = self.find(&dependent).cloned() {
                self.collect(&dependent, &object, now);
            }
        }
        for owner in meta::owners(last) {
            if let Some(owner) = self.owner_id(&id.namespace, owner)
                && let Some(object) = self.find(&owner).cloned()
            {
                self.collect(&owner, &object, now);
            }
        }
        if id.resource == builtin::service_accounts() {
            self.ensure_service_account(&id.namespace, now);
        }
        if !id.namespace.is_empty() {
            self.finish_namespace(&id.namespace, now);
        }
        self.finish_definition(&id.resource, now);
    }

    /// The objects that name the uid as an owner, in the order of resource, namespace and name.
    fn dependents(&self, uid: &str) -> Vec<ObjectId> {
        let uid: Arc<str> = Arc::from(uid);
        let first = (
            Arc::clone(&uid),
            ObjectId::new(&super::GroupResource::new("", ""), "", ""),
        );
        self.owned
            .range::<(Arc<str>, ObjectId), _>(first..)
            .map(|(key, ())| key)
            .take_while(|key| key.0 == uid)
            .map(|key| key.1.clone())
            .collect()
    }

    /// Does for one object what the garbage collector does.
    fn collect(&mut self, id: &ObjectId, object: &Value, now: Timestamp) {
        if meta::is_deleting(object) {
            if meta::has_finalizer(object, ORPHAN) {
                self.release_dependents(meta::uid(object));
                self.release(id, ORPHAN);
            } else if meta::has_finalizer(object, FOREGROUND) {
                self.delete_dependents_first(id, meta::uid(object), now);
            }
            return;
        }
        let owners = meta::owners(object);
        if owners.is_empty() {
            return;
        }
        let states: Vec<Owner> = owners
            .iter()
            .map(|owner| self.owner_state(&id.namespace, owner))
            .collect();
        let uids = |wanted: Owner| -> BTreeSet<String> {
            owners
                .iter()
                .zip(&states)
                .filter(|(_, state)| **state == wanted)
                .map(|(owner, _)| meta::text(owner, &["uid"]).to_owned())
                .collect()
        };
        let (absent, waiting) = (uids(Owner::Absent), uids(Owner::WaitsForDependents));
        if absent.is_empty() && waiting.is_empty() {
            return;
        }
        if states.contains(&Owner::Present) {
            self.drop_owners(id, &absent.union(&waiting).cloned().collect());
            return;
        }
        let propagation = if meta::has_finalizer(object, ORPHAN) {
            Propagation::Orphan
        } else if meta::has_finalizer(object, FOREGROUND)
            || (!waiting.is_empty() && !self.dependents(meta::uid(object)).is_empty())
        {
            Propagation::Foreground
        } else {
            Propagation::Background
        };
        // Absent from the store means that someone else was faster: nothing is left to do.
        let _ = self.delete_object(id, &DeleteOptions::of(propagation), now);
    }

    /// Foreground deletion: dependents go first; those that do not block may stay behind for the collector.
    fn delete_dependents_first(&mut self, id: &ObjectId, uid: &str, now: Timestamp) {
        for dependent in self.dependents(uid) {
            if let Some(object) = self.find(&dependent).cloned() {
                self.collect(&dependent, &object, now);
            }
        }
        let blocked = self
            .dependents(uid)
            .iter()
            .filter_map(|dependent| self.find(dependent))
            .any(|object| {
                meta::owners(object).iter().any(|owner| {
                    meta::text(owner, &["uid"]) == uid && owner["blockOwnerDeletion"].as_bool() == Some(true)
                })
            });
        if !blocked {
            self.release(id, FOREGROUND);
        }
    }

    fn release_dependents(&mut self, uid: &str) {
        let uids = BTreeSet::from([uid.to_owned()]);
        for dependent in self.dependents(uid) {
            self.drop_owners(&dependent, &uids);
        }
    }

    fn drop_owners(&mut self, id: &ObjectId, uids: &BTreeSet<String>) {
        let Some(live) = self.find(id).cloned() else {
            return;
        };
        let kept: Vec<Value> = meta::owners(&live)
            .iter()
            .filter(|o| !uids.contains(meta::text(o, &["uid"])))
            .cloned()
            .collect();
        let mut object = (*live).clone();
        meta::set(
            &mut object,
            "ownerReferences",
            if kept.is_empty() {
                Value::Null
            } else {
                Value::Array(kept)
            },
        );
        self.put(id, object);
    }

    /// Where the owner would be stored; none when its kind is not served or it could not own this object.
    fn owner_id(&self, namespace: &str, owner: &Value) -> Option<ObjectId> {
        let api_version = meta::text(owner, &["apiVersion"]);
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let wanted = meta::text(owner, &["kind"]);
        let kind = self
            .kinds
            .values()
            .find(|kind| kind.group() == group && kind.kind == wanted && kind.served(version).is_some())?;
        if kind.namespaced && namespace.is_empty() {
            return None;
        }
        let namespace = if kind.namespaced { namespace } else { "" };
        Some(ObjectId::new(
            &kind.stored_as,
            namespace,
            meta::text(owner, &["name"]),
        ))
    }

    /// An owner is looked for in the dependent's own namespace only. Of a kind that is not served nothing can be
    /// known, and a namespaced owner of a cluster-scoped object cannot be resolved: both count as present.
    fn owner_state(&self, namespace: &str, owner: &Value) -> Owner {
        let Some(id) = self.owner_id(namespace, owner) else {
            return Owner::Present;
        };
        match self.find(&id) {
            Some(object) if meta::uid(object) == meta::text(owner, &["uid"]) => {
                if meta::is_deleting(object) && meta::has_finalizer(object, FOREGROUND) {
                    Owner::WaitsForDependents
                } else {
                    Owner::Present
                }
            }
            Some(_) | None => Owner::Absent,
        }
    }
}
