//! Patches: merge, JSON, strategic merge and server-side apply.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::create::Ownership;
use super::decoding::Source;
use super::failure::{FieldError, StatusError};
use super::request::{PatchFormat, Subresource, Target, WriteOptions};
use super::{World, admission, decoding, meta, update};

impl World {
    /// PATCH. True when it created the object.
    pub(super) fn patch(
        &mut self,
        target: &Target,
        format: PatchFormat,
        patch: &Value,
        options: &WriteOptions,
        now: Timestamp,
        warnings: &mut Vec<String>,
    ) -> Result<(bool, Arc<Value>), StatusError> {
        if format == PatchFormat::Apply {
            return self.apply(target, patch, options, now);
        }
        if options.force.is_some() {
            let error = FieldError::forbidden("force", "may not be specified for non-apply patch");
            return Err(StatusError::invalid("meta.k8s.io", "PatchOptions", "", &[error]));
        }
        let stored = self.stored(target)?;
        if target.subresource == Subresource::Scale {
            let mut scale = self.scale_of(target, &stored)?;
            admission::patch(&mut scale, format, patch, "Scale")?;
            return self
                .update_scale(target, &scale, options, now)
                .map(|scale| (false, scale));
        }
        let live = self.convert(&target.kind, &stored, &target.version)?;
        let mut new = (*live).clone();
        admission::patch(&mut new, format, patch, &target.kind.kind)?;
        let source = if format == PatchFormat::Strategic {
            Source::Strategic(patch)
        } else {
            Source::Patched
        };
        decoding::decode(target, &mut new, source, options, warnings)?;
        admission::match_namespace(target, &mut new)?;
        admission::match_name(target, &new)?;
        keep_identity(target, &live, &new)?;
        self.replace(target, &stored, new, Ownership::Update, options, now)
            .map(|object| (false, object))
    }

    fn apply(
        &mut self,
        target: &Target,
        patch: &Value,
        options: &WriteOptions,
        now: Timestamp,
    ) -> Result<(bool, Arc<Value>), StatusError> {
        if !options.manager_named {
            let error = FieldError::required("fieldManager", "is required for apply patch");
            return Err(StatusError::invalid("meta.k8s.io", "PatchOptions", "", &[error]));
        }
        if target.subresource == Subresource::Scale {
            let stored = self.stored(target)?;
            let mut scale = self.scale_of(target, &stored)?;
            admission::patch(&mut scale, PatchFormat::Merge, patch, "Scale")?;
            return self
                .update_scale(target, &scale, options, now)
                .map(|scale| (false, scale));
        }
        let mut applied = patch.clone();
        decoding::decode_applied(target, &mut applied)?;
        admission::match_namespace(target, &mut applied)?;
        let stored = self.find(&target.id()).cloned();
        if stored.is_some() && meta::name(&applied).is_empty() {
            meta::set(&mut applied, "name", json!(target.name));
        }
        admission::match_name(target, &applied)?;
        let version = target.kind_version()?;
        let Some(stored) = stored else {
            if target.subresource != Subresource::None {
                return Err(StatusError::not_found(&target.kind.resource, &target.name));
            }
            let uid = meta::uid(&applied);
            if !uid.is_empty() {
                let why = format!(
                    "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
                );
                return Err(StatusError::conflict(&target.kind.resource, &target.name, &why));
            }
            if !meta::resource_version(&applied).is_empty() {
                return Err(StatusError::conflict(
                    &target.kind.resource,
                    &target.name,
                    update::MODIFIED,
                ));
            }
            let object = admission::apply(target, version, None, &applied, options, now)?;
            return self
                .insert(target, object, Ownership::Applied, options, now)
                .map(|object| (true, object));
        };
        let live = self.convert(&target.kind, &stored, &target.version)?;
        let claimed = meta::resource_version(&applied);
        if !claimed.is_empty() && claimed != meta::resource_version(&live) {
            return Err(StatusError::conflict(
                &target.kind.resource,
                &target.name,
                update::MODIFIED,
            ));
        }
        keep_identity(target, &live, &applied)?;
        let object = admission::apply(target, version, Some(&live), &applied, options, now)?;
        self.replace(target, &stored, object, Ownership::Applied, options, now)
            .map(|object| (false, object))
    }

    /// The autoscaling/v1 Scale of an object.
    pub(super) fn scale_of(&self, target: &Target, stored: &Arc<Value>) -> Result<Value, StatusError> {
        let paths = target
            .kind_version()?
            .scale
            .clone()
            .ok_or_else(StatusError::no_such_resource)?;
        let object = self.convert(&target.kind, stored, &target.version)?;
        let number = |path: &str| at(&object, path).and_then(Value::as_i64).unwrap_or_default();
        let mut scale = json!({
            "apiVersion": "autoscaling/v1",
            "kind": "Scale",
            "metadata": {
                "name": meta::name(&object),
                "uid": meta::uid(&object),
                "resourceVersion": meta::resource_version(&object),
                "creationTimestamp": object["metadata"]["creationTimestamp"],
            },
            "spec": {"replicas": number(&paths.spec_replicas)},
            "status": {"replicas": number(&paths.status_replicas)},
        });
        if !meta::namespace(&object).is_empty() {
            meta::set(&mut scale, "namespace", json!(meta::namespace(&object)));
        }
        if let Some(selector) = paths
            .label_selector
            .as_deref()
            .and_then(|p| at(&object, p))
            .filter(|s| s.is_string())
        {
            scale["status"]["selector"] = selector.clone();
        }
        Ok(scale)
    }

    /// Sets the replicas of an object through its Scale.
    pub(super) fn update_scale(
        &mut self,
        target: &Target,
        scale: &Value,
        options: &WriteOptions,
        now: Timestamp,
    ) -> Result<Arc<Value>, StatusError> {
        let paths = target
            .kind_version()?
            .scale
            .clone()
            .ok_or_else(StatusError::no_such_resource)?;
        let stored = self.stored(target)?;
        let replicas = scale["spec"]["replicas"].as_i64().unwrap_or_default();
        if replicas < 0 {
            let error = FieldError::invalid(
                "spec.replicas",
                &json!(replicas),
                "must be greater than or equal to 0",
            );
            return Err(StatusError::invalid(
                "autoscaling",
                "Scale",
                &target.name,
                &[error],
            ));
        }
        let mut object = (*self.convert(&target.kind, &stored, &target.version)?).clone();
        let mut place = &mut object;
        for key in paths.spec_replicas.split('.').filter(|k| !k.is_empty()) {
            if place.is_null() {
                *place = json!({});
            }
            place = &mut place[key];
        }
        *place = json!(replicas);
        meta::set(
            &mut object,
            "resourceVersion",
            scale["metadata"]["resourceVersion"].clone(),
        );
        let written = self.replace(target, &stored, object, Ownership::Update, options, now)?;
        let stored = Arc::new(self.to_storage(&target.kind, &written)?);
        self.scale_of(target, &stored).map(Arc::new)
    }
}

/// A patch cannot make another object of the one it is for.
fn keep_identity(target: &Target, live: &Value, new: &Value) -> Result<(), StatusError> {
    let claimed = meta::uid(new);
    if claimed.is_empty() || claimed == meta::uid(live) {
        return Ok(());
    }
    let error = FieldError::invalid("metadata.uid", &json!(claimed), "field is immutable");
    Err(target.invalid(&target.name, &[error]))
}

fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .filter(|k| !k.is_empty())
        .try_fold(object, |at, key| at.get(key))
}
