//! Deleting objects: preconditions, finalizers and what happens to dependents.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::failure::StatusError;
use super::request::{List, Payload, Query, Subresource, Target, unsupported};
use super::selector::Selector;
use super::{ObjectId, World, builtin, meta, namespaces, store, update};

/// Set while dependents are deleted before their owner.
pub(super) const FOREGROUND: &str = "foregroundDeletion";
/// Set while dependents are released from their owner.
pub(super) const ORPHAN: &str = "orphan";

/// What happens to the dependents of a deleted object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// The options of a delete, from query and body.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct DeleteOptions {
    propagation: Option<Propagation>,
    uid: Option<String>,
    resource_version: Option<String>,
    dry_run: bool,
}

impl DeleteOptions {
    /// For a delete by the world's own controllers.
    pub(super) fn of(propagation: Propagation) -> Self {
        Self {
            propagation: Some(propagation),
            ..Self::default()
        }
    }

    pub(super) fn parse(query: &Query, body: &Value) -> Result<Self, StatusError> {
        let text = |path: &[&str]| Some(meta::text(body, path).to_owned()).filter(|t| !t.is_empty());
        let refuse = |field: &str, value: &str, supported: &[&str]| {
            StatusError::invalid(
                "meta.k8s.io",
                "DeleteOptions",
                "",
                &[unsupported(field, value, supported)],
            )
        };
        let propagation = match text(&["propagationPolicy"])
            .or_else(|| query.get("propagationPolicy").cloned())
            .as_deref()
        {
            None => match body["orphanDependents"].as_bool() {
                None => None,
                Some(true) => Some(Propagation::Orphan),
                Some(false) => Some(Propagation::Background),
            },
            Some("Background") => Some(Propagation::Background),
            Some("Foreground") => Some(Propagation::Foreground),
            Some("Orphan") => Some(Propagation::Orphan),
            Some(other) => {
                return Err(refuse(
                    "propagationPolicy",
                    other,
                    &["Foreground", "Background", "Orphan"],
                ));
            }
        };
        let dry = body["dryRun"]
            .get(0)
            .and_then(Value::as_str)
            .or_else(|| query.get("dryRun").map(String::as_str));
        let dry_run = match dry {
            None | Some("") => false,
            Some("All") => true,
            Some(other) => return Err(refuse("dryRun", other, &["All"])),
        };
        Ok(Self {
            propagation,
            uid: text(&["preconditions", "uid"]),
            resource_version: text(&["preconditions", "resourceVersion"]),
            dry_run,
        })
    }
}

/// What a delete left behind.
pub(super) enum Deleted {
    /// The object is gone; this was its last form.
    Gone(Arc<Value>),
    /// The object waits for finalizers.
    Waiting(Arc<Value>),
}

impl World {
    pub(super) fn delete(
        &mut self,
        target: &Target,
        options: &DeleteOptions,
        now: Timestamp,
    ) -> Result<Payload, StatusError> {
        if target.subresource != Subresource::None {
            return Err(StatusError::method_not_allowed(
                "the server does not allow this method on the requested resource",
            ));
        }
        self.stored(target)?;
        if target.kind.resource == builtin::namespaces() {
            namespaces::refuse_deletion(&target.name)?;
        }
        match self.delete_object(&target.id(), options, now)? {
            Deleted::Gone(last) => {
                let mut details = json!({"name": target.name, "kind": target.kind.resource.plural(), "uid": meta::uid(&last)});
                if !target.kind.group().is_empty() {
                    details["group"] = json!(target.kind.group());
                }
                Ok(Payload::Status(json!({
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
                })))
            }
            Deleted::Waiting(stored) => Ok(Payload::Object(self.convert(
                &target.kind,
                &stored,
                &target.version,
            )?)),
        }
    }

    /// Deletes every object that matches; answers with what they were.
    pub(super) fn delete_collection(
        &mut self,
        target: &Target,
        query: &Query,
        options: &DeleteOptions,
        now: Timestamp,
    ) -> Result<List, StatusError> {
        let selector = Selector::parse(
            query.get("labelSelector").map_or("", String::as_str),
            query.get("fieldSelector").map_or("", String::as_str),
            &target.kind,
            target.kind_version()?,
        )?;
        let held: Vec<Arc<Value>> = self
            .shelves
            .get(&target.kind.stored_as)
            .map(|shelf| {
                store::within(&shelf.objects, target.namespace.as_deref(), None)
                    .map(|(_, o)| Arc::clone(o))
                    .collect()
            })
            .unwrap_or_default();
        let mut items = Vec::new();
        for stored in held {
            let object = self.convert(&target.kind, &stored, &target.version)?;
            let immortal = target.kind.resource == builtin::namespaces()
                && namespaces::refuse_deletion(meta::name(&object)).is_err();
            if immortal || !selector.matches(&object) {
                continue;
            }
            let id = ObjectId::new(
                &target.kind.stored_as,
                meta::namespace(&object),
                meta::name(&object),
            );
            match self.delete_object(&id, options, now)? {
                Deleted::Gone(last) | Deleted::Waiting(last) => {
                    items.push(self.convert(&target.kind, &last, &target.version)?);
                }
            }
        }
        Ok(List {
            api_version: target.api_version(),
            kind: target.kind.list_kind.clone(),
            metadata: json!({"resourceVersion": self.revision.to_string()}),
            items,
        })
    }

    /// Deletes a stored object, or marks it as being deleted while finalizers hold it.
    pub(super) fn delete_object(
        &mut self,
        id: &ObjectId,
        options: &DeleteOptions,
        now: Timestamp,
    ) -> Result<Deleted, StatusError> {
        let Some(live) = self.find(id).cloned() else {
            return Err(StatusError::not_found(&id.resource, &id.name));
        };
        check_preconditions(&live, options)?;
        let mut object = (*live).clone();
        let mut finalizers: Vec<&str> = meta::finalizers(&live);
        if let Some(propagation) = options.propagation {
            finalizers.retain(|f| *f != FOREGROUND && *f != ORPHAN);
            match propagation {
                Propagation::Background => {}
                Propagation::Foreground => finalizers.push(FOREGROUND),
                Propagation::Orphan => finalizers.push(ORPHAN),
            }
        }
        meta::set_finalizers(&mut object, &finalizers);
        let namespace_holds = id.resource == builtin::namespaces()
            && object["spec"]["finalizers"]
                .as_array()
                .is_some_and(|f| !f.is_empty());
        if finalizers.is_empty() && !namespace_holds {
            if options.dry_run {
                return Ok(Deleted::Gone(live));
            }
            return Ok(Deleted::Gone(self.erase(id, object)));
        }
        if !meta::is_deleting(&object) {
            meta::set(&mut object, "deletionTimestamp", json!(meta::timestamp(now)));
            meta::set(&mut object, "deletionGracePeriodSeconds", json!(0));
            if meta::generation(&object) > 0 {
                let generation = meta::generation(&object) + 1;
                meta::set(&mut object, "generation", json!(generation));
            }
            if id.resource == builtin::namespaces() {
                object["status"]["phase"] = json!("Terminating");
            }
        }
        if object == *live {
            return Ok(Deleted::Waiting(live));
        }
        if options.dry_run {
            return Ok(Deleted::Waiting(Arc::new(object)));
        }
        Ok(Deleted::Waiting(self.put(id, object)))
    }

    /// Takes a finalizer off; the object goes with the last one.
    pub(super) fn release(&mut self, id: &ObjectId, finalizer: &str) {
        if let Some(live) = self.find(id).cloned()
            && meta::has_finalizer(&live, finalizer)
        {
            let mut object = (*live).clone();
            meta::drop_finalizer(&mut object, finalizer);
            if update::is_finished(&object) {
                self.erase(id, object);
            } else {
                self.put(id, object);
            }
        }
    }
}

fn check_preconditions(live: &Value, options: &DeleteOptions) -> Result<(), StatusError> {
    // The server names the kind here, where every other conflict names the resource.
    let conflict = |why: String| {
        let api_version = meta::text(live, &["apiVersion"]);
        let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let resource = super::GroupResource::new(group, meta::text(live, &["kind"]));
        StatusError::conflict(&resource, meta::name(live), &why)
    };
    if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != meta::uid(live)) {
        return Err(conflict(format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted \
             and then recreated",
            meta::uid(live)
        )));
    }
    if let Some(version) = options
        .resource_version
        .as_deref()
        .filter(|v| *v != meta::resource_version(live))
    {
        return Err(conflict(format!(
            "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({}). The \
             object might have been modified",
            meta::resource_version(live)
        )));
    }
    Ok(())
}
