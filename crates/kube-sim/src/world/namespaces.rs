//! Namespaces: made active, emptied when they are deleted, gone when nothing is left in them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::collect::Touched;
use super::delete::{DeleteOptions, Propagation};
use super::failure::StatusError;
use super::{GroupResource, ObjectId, World, builtin, identity, meta, workloads};

/// Namespaces that the server does not let go.
const IMMORTAL: [&str; 3] = ["default", "kube-public", "kube-system"];
/// The finalizer of a namespace's own controller, in `spec.finalizers`.
const KUBERNETES: &str = "kubernetes";

/// The refusal of a create in a namespace that is being deleted.
pub(super) fn refuse_creation(resource: &GroupResource, name: &str, namespace: &str) -> StatusError {
    let mut refusal = StatusError::forbidden(
        resource,
        name,
        &format!("unable to create new content in namespace {namespace} because it is being terminated"),
    );
    refusal.details["causes"] = json!([{
        "reason": "NamespaceTerminating",
        "message": format!("namespace {namespace} is being terminated"),
        "field": "metadata.namespace",
    }]);
    refusal
}

/// Refuses the deletion of the namespaces that must stay.
pub(super) fn refuse_deletion(name: &str) -> Result<(), StatusError> {
    if IMMORTAL.contains(&name) {
        return Err(StatusError::forbidden(
            &builtin::namespaces(),
            name,
            "this namespace may not be deleted",
        ));
    }
    Ok(())
}

/// What the server adds to a namespace that is written.
pub(super) fn prepare(namespace: &mut Value, live: Option<&Value>) {
    let name = meta::name(namespace).to_owned();
    if !name.is_empty() {
        if !namespace["metadata"]["labels"].is_object() {
            meta::set(namespace, "labels", json!({}));
        }
        namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] = json!(name);
    }
    if live.is_none() {
        namespace["spec"] = json!({"finalizers": [KUBERNETES]});
        namespace["status"] = json!({"phase": "Active"});
    }
}

impl World {
    /// A namespace that is there from the start.
    pub(super) fn seed_namespace(&mut self, name: &str, now: Timestamp) {
        let uid = self.next_uid();
        let mut namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "uid": uid, "creationTimestamp": meta::timestamp(now)},
        });
        prepare(&mut namespace, None);
        self.put(&ObjectId::new(&builtin::namespaces(), "", name), namespace);
    }

    /// The service of the API server itself.
    pub(super) fn seed_service(&mut self, now: Timestamp) {
        // Numbers are given out from 1, so this one is free whatever else is made.
        let uid = identity::uid(self.seed, 0);
        let service = workloads::kubernetes_service(&uid, &meta::timestamp(now));
        let services = GroupResource::new("", "services");
        self.put(
            &ObjectId::new(&services, "default", workloads::KUBERNETES),
            service,
        );
        self.settle(now);
    }

    pub(super) fn follow_namespace(&mut self, touched: &Touched, live: Option<&Value>, now: Timestamp) {
        let Some(namespace) = live else { return };
        if touched.created {
            self.ensure_service_account(&touched.id.name, now);
        }
        if meta::is_deleting(namespace) {
            self.empty_namespace(&touched.id.name, now);
            self.finish_namespace(&touched.id.name, now);
        }
    }

    /// Every active namespace has the service account `default`.
    pub(super) fn ensure_service_account(&mut self, namespace: &str, now: Timestamp) {
        let id = ObjectId::new(&builtin::service_accounts(), namespace, "default");
        let active = self
            .get(&builtin::namespaces(), "", namespace)
            .is_some_and(|ns| !meta::is_deleting(&ns));
        if !active || self.find(&id).is_some() {
            return;
        }
        let uid = self.next_uid();
        let account = json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {
                "name": "default", "namespace": namespace, "uid": uid, "creationTimestamp": meta::timestamp(now),
            },
        });
        self.put(&id, account);
    }

    /// Deletes what is in a namespace.
    fn empty_namespace(&mut self, namespace: &str, now: Timestamp) {
        for id in self.contents(namespace) {
            if self.find(&id).is_some_and(|object| !meta::is_deleting(object)) {
                // Gone already is as good as deleted.
                let _ = self.delete_object(&id, &DeleteOptions::of(Propagation::Background), now);
            }
        }
    }

    /// Lets a namespace go that is being deleted and holds nothing any more; otherwise says what it waits for.
    pub(super) fn finish_namespace(&mut self, name: &str, now: Timestamp) {
        let id = ObjectId::new(&builtin::namespaces(), "", name);
        let Some(live) = self.find(&id).cloned().filter(|ns| meta::is_deleting(ns)) else {
            return;
        };
        let contents = self.contents(name);
        let mut namespace = (*live).clone();
        if contents.is_empty() {
            let kept: Vec<&Value> = live["spec"]["finalizers"]
                .as_array()
                .map(|f| f.iter().filter(|f| f.as_str() != Some(KUBERNETES)).collect())
                .unwrap_or_default();
            namespace["spec"] = if kept.is_empty() {
                json!({})
            } else {
                json!({"finalizers": kept})
            };
            if kept.is_empty() && meta::finalizers(&namespace).is_empty() {
                self.erase(&id, namespace);
                return;
            }
        }
        namespace["status"] =
            json!({"phase": "Terminating", "conditions": self.conditions(&live, &contents, now)});
        if namespace != *live {
            self.put(&id, namespace);
        }
    }

    fn contents(&self, namespace: &str) -> Vec<ObjectId> {
        let mut contents = Vec::new();
        for (resource, shelf) in &self.shelves {
            for (key, _) in
                super::store::within(&shelf.objects, Some(namespace), None).filter(|_| !namespace.is_empty())
            {
                contents.push(ObjectId::new(resource, &key.0, &key.1));
            }
        }
        contents
    }

    fn conditions(&self, live: &Value, contents: &[ObjectId], now: Timestamp) -> Value {
        let mut resources: Vec<(String, usize)> = Vec::new();
        let mut finalizers: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
        for id in contents {
            let name = if id.resource.group().is_empty() {
                format!("{}.", id.resource)
            } else {
                id.resource.to_string()
            };
            match resources.iter_mut().find(|(r, _)| *r == name) {
                Some((_, count)) => *count += 1,
                None => resources.push((name, 1)),
            }
            for finalizer in self
                .find(id)
                .map(|object| meta::finalizers(object))
                .unwrap_or_default()
            {
                *finalizers.entry(finalizer.to_owned()).or_default() += 1;
            }
        }
        let joined = |items: Vec<String>| items.join(", ");
        let remaining = joined(
            resources
                .iter()
                .map(|(r, n)| format!("{r} has {n} resource instances"))
                .collect(),
        );
        let held = joined(
            finalizers
                .iter()
                .map(|(f, n)| format!("{f} in {n} resource instances"))
                .collect(),
        );
        let condition = |kind: &str, status: bool, reason: &str, message: String| {
            let status = if status { "True" } else { "False" };
            let since = live["status"]["conditions"]
                .as_array()
                .and_then(|all| all.iter().find(|c| c["type"] == kind && c["status"] == status))
                .map_or_else(
                    || json!(meta::timestamp(now)),
                    |c| c["lastTransitionTime"].clone(),
                );
            json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since})
        };
        json!([
            condition(
                "NamespaceDeletionDiscoveryFailure",
                false,
                "ResourcesDiscovered",
                "All resources successfully discovered".to_owned()
            ),
            condition(
                "NamespaceDeletionGroupVersionParsingFailure",
                false,
                "ParsedGroupVersions",
                "All legacy kube types successfully parsed".to_owned()
            ),
            condition(
                "NamespaceDeletionContentFailure",
                false,
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization".to_owned()
            ),
            if contents.is_empty() {
                condition(
                    "NamespaceContentRemaining",
                    false,
                    "ContentRemoved",
                    "All content successfully removed".to_owned(),
                )
            } else {
                condition(
                    "NamespaceContentRemaining",
                    true,
                    "SomeResourcesRemain",
                    format!("Some resources are remaining: {remaining}"),
                )
            },
            if finalizers.is_empty() {
                condition(
                    "NamespaceFinalizersRemaining",
                    false,
                    "ContentHasNoFinalizers",
                    "All content-preserving finalizers finished".to_owned(),
                )
            } else {
                condition(
                    "NamespaceFinalizersRemaining",
                    true,
                    "SomeFinalizersRemain",
                    format!("Some content in the namespace has finalizers remaining: {held}"),
                )
            },
        ])
    }
}
