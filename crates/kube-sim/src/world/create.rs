//! Creating objects.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::decoding::Source;
use super::failure::{FieldError, StatusError};
use super::kind::Kind;
use super::request::{Subresource, Target, WriteOptions};
use super::{World, admission, builtin, decoding, meta, namespaces, workloads};

impl World {
    pub(super) fn create(
        &mut self,
        target: &Target,
        mut object: Value,
        options: &WriteOptions,
        now: Timestamp,
        warnings: &mut Vec<String>,
    ) -> Result<Arc<Value>, StatusError> {
        if target.subresource != Subresource::None {
            return Err(StatusError::method_not_allowed(
                "the server does not allow this method on the requested resource",
            ));
        }
        decoding::decode(target, &mut object, Source::Body, options, warnings)?;
        if meta::name(&object).is_empty() && !meta::field(&object, "generateName").is_empty() {
            let base = meta::field(&object, "generateName").to_owned();
            let name = self.next_name(&base);
            meta::set(&mut object, "name", json!(name));
        }
        let target = Target {
            name: meta::name(&object).to_owned(),
            ..target.clone()
        };
        self.insert(&target, object, Ownership::Update, options, now)
    }

    /// Puts a new object in place: what a create, a PUT of something new and an apply of something new share.
    pub(super) fn insert(
        &mut self,
        target: &Target,
        mut object: Value,
        ownership: Ownership,
        options: &WriteOptions,
        now: Timestamp,
    ) -> Result<Arc<Value>, StatusError> {
        let kind = Arc::clone(&target.kind);
        let version = kind
            .version(&target.version)
            .ok_or_else(StatusError::no_such_resource)?;
        admission::match_namespace(target, &mut object)?;
        self.admit_namespace(target)?;
        if kind.terminating {
            return Err(StatusError::method_not_allowed(
                "create not allowed while custom resource definition is terminating",
            ));
        }
        if !meta::resource_version(&object).is_empty() {
            return Err(StatusError::plain(
                "resourceVersion should not be set on objects to be created",
            ));
        }
        let uid = self.next_uid();
        meta::set(&mut object, "uid", json!(uid));
        meta::set(&mut object, "creationTimestamp", json!(meta::timestamp(now)));
        for server_set in [
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
            "generation",
        ] {
            meta::set(&mut object, server_set, Value::Null);
        }
        if kind.rules.generation {
            meta::set(&mut object, "generation", json!(1));
        }
        if version.has_status {
            meta::set_top(&mut object, "status", Value::Null);
        }
        version.shape.default(&mut object);
        admission::prepare(&kind, &mut object, None, now);
        if is_service(&kind) {
            workloads::assign_address(&mut object, None, self.uids);
        }
        if ownership == Ownership::Update {
            meta::set(&mut object, "managedFields", Value::Null);
            object = admission::record_update(target, version, &Value::Null, &object, &options.manager, now);
        }
        let name = meta::name(&object).to_owned();
        let errors = if name.is_empty() {
            vec![FieldError::required(
                "metadata.name",
                "name or generateName is required",
            )]
        } else {
            admission::validate(&kind, version, &object, None)
        };
        if !errors.is_empty() {
            return Err(target.invalid(&name, &errors));
        }
        let id = target.id();
        if let Some(held) = self.find(&id) {
            let refusal = StatusError::already_exists(&kind.resource, &name);
            return Err(if meta::is_deleting(held) {
                let message = format!("object is being deleted: {}", refusal.message);
                StatusError { message, ..refusal }
            } else {
                refusal
            });
        }
        let stored = self.to_storage(&kind, &object)?;
        admission::check_size(&stored)?;
        if options.dry_run {
            return Ok(Arc::new(object));
        }
        let stored = self.put(&id, stored);
        self.convert(&kind, &stored, &target.version)
    }

    /// Refuses a create in a namespace that is absent or going.
    fn admit_namespace(&self, target: &Target) -> Result<(), StatusError> {
        let Some(namespace) = target.namespace.as_deref().filter(|_| target.kind.namespaced) else {
            return Ok(());
        };
        let Some(held) = self.get(&builtin::namespaces(), "", namespace) else {
            return Err(StatusError::not_found(&builtin::namespaces(), namespace));
        };
        if meta::is_deleting(&held) {
            return Err(namespaces::refuse_creation(
                &target.kind.resource,
                &target.name,
                namespace,
            ));
        }
        Ok(())
    }
}

/// Whether objects of a kind get an address in the cluster.
pub(super) fn is_service(kind: &Kind) -> bool {
    kind.group().is_empty() && kind.resource.plural() == "services"
}

/// How a write claims its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ownership {
    /// By what differs.
    Update,
    /// `managedFields` are already in the object: server-side apply has computed them.
    Applied,
}
