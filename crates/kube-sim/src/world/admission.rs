//! What happens to an object between the wire and the store: unknown fields, defaults, validation, field ownership.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::failure::{FieldError, StatusError};
use super::kind::{Kind, KindVersion};
use super::request::{PatchFormat, Subresource, Target, WriteOptions};
use super::{
    builtin, decoding, definition, events, leases, meta, namespaces, scale, secrets, validation, workloads,
};
use crate::fields::{self, Manager, Operation};
use crate::patch::{self, PatchError};
use crate::schema::{Cause, Schema};

/// The schema of one version of a kind.
#[derive(Debug, Clone, Default)]
pub(crate) enum Shape {
    /// Of a custom resource.
    Custom(Arc<Schema>),
    /// Of a kind that the server knows: its API version and its name. The schema is made when it is first asked for.
    Builtin(String, &'static str),
    /// Of a kind of which nothing but its metadata is known.
    #[default]
    Opaque,
}

impl Shape {
    /// The shape of a schema that was checked when its definition was written; of one that does not compile all the
    /// same nothing is known.
    pub(crate) fn of_schema(openapi: &Value) -> Self {
        Schema::compile(openapi).map_or(Self::Opaque, |schema| Self::Custom(Arc::new(schema)))
    }

    pub(crate) fn builtin(api_version: &str, kind: &'static str) -> Self {
        Self::Builtin(api_version.to_owned(), kind)
    }

    pub(super) fn schema(&self) -> &Schema {
        match self {
            Self::Custom(schema) => schema,
            Self::Builtin(api_version, kind) => {
                Schema::builtin(api_version, kind).unwrap_or_else(|| Schema::opaque())
            }
            Self::Opaque => Schema::opaque(),
        }
    }

    /// Fills in what the schema defaults, and makes of typed parts what their types make of them.
    pub(crate) fn default(&self, object: &mut Value) {
        match self {
            Self::Custom(schema) => {
                schema.default(object);
                Schema::tidy_metadata(object);
            }
            Self::Builtin(_, _) | Self::Opaque => {
                let schema = self.schema();
                schema.default(object);
                schema.tidy(object);
            }
        }
    }

    /// Why an object cannot be read into the type of its kind; of a custom resource only the metadata has one.
    pub(super) fn undecodable(&self, object: &Value) -> Option<String> {
        match self {
            Self::Custom(_) => Schema::undecodable_metadata(object),
            Self::Builtin(_, _) | Self::Opaque => self.schema().undecodable(object),
        }
    }

    /// Removes fields that the schema does not know and names them.
    pub(super) fn prune(&self, object: &mut Value) -> Vec<String> {
        self.schema().prune(object)
    }
}

impl From<Cause> for FieldError {
    fn from(cause: Cause) -> Self {
        Self {
            field: cause.field,
            reason: cause.reason,
            message: cause.message,
        }
    }
}

/// The largest object that etcd takes unless told otherwise, in bytes.
const LARGEST: usize = 1536 * 1024;

/// Refuses an object that the store of a real cluster would not take.
pub(super) fn check_size(object: &Value) -> Result<(), StatusError> {
    if object.to_string().len() > LARGEST {
        return Err(StatusError::plain("etcdserver: request is too large"));
    }
    Ok(())
}

/// The name of the body must be that of the path.
pub(super) fn match_name(target: &Target, object: &Value) -> Result<(), StatusError> {
    let named = meta::name(object);
    if named.is_empty() {
        return Err(StatusError::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            target.name
        )));
    }
    if named != target.name {
        return Err(StatusError::bad_request(format!(
            "the name of the object ({named}) does not match the name on the URL ({})",
            target.name
        )));
    }
    Ok(())
}

/// The namespace of the body must be that of the path; where it is missing it is filled in.
pub(super) fn match_namespace(target: &Target, object: &mut Value) -> Result<(), StatusError> {
    let held = meta::namespace(object);
    match target.namespace.as_deref().filter(|_| target.kind.namespaced) {
        Some(namespace) if held.is_empty() => {
            meta::set(object, "namespace", json!(namespace));
            Ok(())
        }
        Some(namespace) if held == namespace => Ok(()),
        Some(_) => Err(StatusError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        )),
        None => {
            if target.kind.namespaced {
                return Err(StatusError::bad_request(
                    "an empty namespace may not be set during creation",
                ));
            }
            meta::set(object, "namespace", Value::Null);
            Ok(())
        }
    }
}

/// What the server itself sets in objects of the kinds that it knows.
pub(super) fn prepare(kind: &Kind, object: &mut Value, live: Option<&Value>, _now: Timestamp) {
    if kind.resource == builtin::definitions() {
        definition::prepare(object);
    } else if kind.resource == builtin::namespaces() {
        namespaces::prepare(object, live);
    } else if kind.group().is_empty() && kind.resource.plural() == "secrets" {
        secrets::prepare(object);
    } else if kind.kind == "Event" && !kind.rules.custom {
        events::prepare(object);
    } else if !kind.rules.custom {
        workloads::prepare(&kind.kind, object, live);
    }
}

/// Everything that can be wrong with an object; what was wrong before and is unchanged is let pass.
pub(super) fn validate(
    kind: &Kind,
    version: &KindVersion,
    object: &Value,
    live: Option<&Value>,
) -> Vec<FieldError> {
    let mut errors = validation::metadata(kind, object, live);
    let checked = if kind.rules.custom {
        Cow::Borrowed(object)
    } else {
        Cow::Owned(without_nulls(object))
    };
    let scale = version
        .scale
        .as_ref()
        .filter(|_| kind.rules.custom)
        .map(|paths| scale::faults(paths, object))
        .unwrap_or_default();
    errors.extend(
        version
            .shape
            .schema()
            .check(checked.as_ref(), live, scale)
            .into_iter()
            .map(FieldError::from),
    );
    if kind.resource == builtin::definitions() {
        errors.extend(definition::validate(object, live));
    } else if kind.group().is_empty() {
        match kind.resource.plural() {
            "secrets" => errors.extend(secrets::validate_secret(object, live)),
            "configmaps" => errors.extend(secrets::validate_config_map(object, live)),
            "events" => errors.extend(events::validate(object, false)),
            _ => {}
        }
    } else if kind.group() == "coordination.k8s.io" {
        errors.extend(leases::validate(object));
    } else if kind.resource != kind.stored_as {
        errors.extend(events::validate(&events::to_core(object), true));
    }
    errors
}

/// An object of a built-in kind without its nulls: there a null is a field that is not set (an `eventTime` that is not
/// known), and only shown as null.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let set = members.iter().filter(|(_, member)| !member.is_null());
            set.map(|(name, member)| (name.clone(), without_nulls(member)))
                .collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// Records which fields a manager claims by a write that is not an apply. `live` is null for a create.
pub(super) fn record_update(
    target: &Target,
    version: &KindVersion,
    live: &Value,
    new: &Value,
    manager: &str,
    now: Timestamp,
) -> Value {
    let (api_version, now) = (target.api_version(), meta::timestamp(now));
    let manager = Manager {
        name: manager,
        operation: Operation::Update,
        subresource: target.subresource.as_str(),
        api_version: &api_version,
        now: &now,
        leaves_status: target.subresource == Subresource::None && version.has_status,
    };
    fields::update(live, new, &manager, Some(version.shape.schema()))
}

/// Server-side apply. What the endpoint does not write is no part of it: the status on the object itself, everything
/// but the status on the status subresource.
pub(super) fn apply(
    target: &Target,
    version: &KindVersion,
    live: Option<&Value>,
    applied: &Value,
    options: &WriteOptions,
    now: Timestamp,
) -> Result<Value, StatusError> {
    let mut wanted = applied.clone();
    match target.subresource {
        Subresource::Status => wanted = status_alone(applied),
        Subresource::None if version.has_status => meta::set_top(&mut wanted, "status", Value::Null),
        Subresource::None | Subresource::Scale | Subresource::Finalize => {}
    }
    let (api_version, now) = (target.api_version(), meta::timestamp(now));
    let manager = Manager {
        name: &options.manager,
        operation: Operation::Apply,
        subresource: target.subresource.as_str(),
        api_version: &api_version,
        now: &now,
        leaves_status: target.subresource == Subresource::None && version.has_status,
    };
    fields::apply(
        live,
        &wanted,
        &manager,
        options.force == Some(true),
        Some(version.shape.schema()),
    )
    .map_err(|conflicts| {
        let causes: Vec<Value> = conflicts
            .iter()
            .map(|c| json!({"reason": "FieldManagerConflict", "message": c.message, "field": c.field}))
            .collect();
        StatusError {
            details: json!({"causes": causes}),
            ..StatusError::new(409, "Conflict", fields::conflict_message(&conflicts))
        }
    })
}

/// An applied object as far as the status subresource writes it.
fn status_alone(applied: &Value) -> Value {
    let mut out = json!({"metadata": {}});
    for key in ["apiVersion", "kind", "status"] {
        if let Some(value) = applied.get(key) {
            out[key] = value.clone();
        }
    }
    for key in ["name", "namespace", "uid", "resourceVersion"] {
        if let Some(value) = applied["metadata"].get(key) {
            out["metadata"][key] = value.clone();
        }
    }
    out
}

/// Applies a patch to an object.
pub(super) fn patch(
    object: &mut Value,
    format: PatchFormat,
    patch: &Value,
    kind: &str,
) -> Result<(), StatusError> {
    let unreadable = |why: String| StatusError::bad_request(format!("error decoding patch: {why}"));
    let result = match format {
        PatchFormat::Merge | PatchFormat::Apply => {
            if !patch.is_object() {
                return Err(unreadable(format!(
                    "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                    decoding::go_kind(patch)
                )));
            }
            patch::merge_patch(object, patch);
            Ok(())
        }
        PatchFormat::Strategic => patch::strategic_merge_patch(object, patch, kind),
        PatchFormat::Json => {
            if !patch.is_array() {
                return Err(unreadable(format!(
                    "json: cannot unmarshal {} into Go value of type []handlers.jsonPatchOp",
                    decoding::go_kind(patch)
                )));
            }
            patch::json_patch(object, patch)
        }
    };
    result.map_err(|error| match error {
        PatchError::Malformed(why) => unreadable(why),
        // What did not fit is not told: the server answers every patch that cannot be applied in the same words.
        PatchError::TestFailed { .. } | PatchError::Inapplicable(_) => StatusError {
            details: json!({}),
            ..StatusError::new(
                422,
                "Invalid",
                "the server rejected our request due to an error in our request",
            )
        },
    })
}
