//! What happens to an object between the wire and the store: unknown fields, defaults, validation, field ownership.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::failure::{FieldError, StatusError};
use super::kind::{Kind, KindVersion};
use super::request::{FieldValidation, PatchFormat, Subresource, Target, WriteOptions};
use super::{builtin, definition, events, meta, namespaces, secrets, validation};
use crate::fields::{self, Manager, Operation};
use crate::patch::{self, PatchError};
use crate::schema::{Cause, Schema};

/// The schema of one version of a kind.
#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// Of a custom resource.
    Custom(Arc<Schema>),
    /// Of a kind that the server knows.
    Builtin(&'static Schema),
}

impl Default for Shape {
    fn default() -> Self {
        Self::Builtin(Schema::opaque())
    }
}

impl Shape {
    pub(crate) fn compile(openapi: &Value) -> Result<Self, Vec<FieldError>> {
        Schema::compile(openapi)
            .map(|schema| Self::Custom(Arc::new(schema)))
            .map_err(|causes| causes.into_iter().map(FieldError::from).collect())
    }

    pub(crate) fn builtin(api_version: &str, kind: &str) -> Self {
        Self::Builtin(Schema::builtin(api_version, kind).unwrap_or_else(|| Schema::opaque()))
    }

    fn schema(&self) -> &Schema {
        match self {
            Self::Custom(schema) => schema,
            Self::Builtin(schema) => schema,
        }
    }

    pub(crate) fn default(&self, object: &mut Value) {
        self.schema().default(object);
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

/// Checks that a body is of the kind and version that the path names, and treats what its schema does not know.
pub(super) fn decode(
    target: &Target,
    object: &mut Value,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
) -> Result<(), StatusError> {
    check_type(target, object)?;
    let version = target.kind_version()?;
    let unknown = version.shape.schema().prune(object);
    check_types(target, &version.shape, object)?;
    if unknown.is_empty() {
        return check_data(target, object);
    }
    let messages: Vec<String> = unknown
        .iter()
        .map(|path| format!("unknown field {path:?}"))
        .collect();
    match options.validation {
        FieldValidation::Ignore => {}
        FieldValidation::Warn => warnings.extend(messages),
        FieldValidation::Strict => {
            return Err(undecodable(
                target,
                &format!("strict decoding error: {}", messages.join(", ")),
            ));
        }
    }
    check_data(target, object)
}

/// As `decode`, for server-side apply: a field that the schema does not know cannot be owned, and is an error.
pub(super) fn decode_applied(target: &Target, object: &mut Value) -> Result<(), StatusError> {
    check_type(target, object)?;
    let shape = &target.kind_version()?.shape;
    let unknown = shape.schema().prune(object);
    check_types(target, shape, object)?;
    if let Some(first) = unknown.first() {
        return Err(StatusError::plain(format!(
            "failed to create typed patch object ({}/{}; {}, Kind={}): .{first}: field not declared in schema",
            target.namespace.as_deref().unwrap_or_default(),
            target.name,
            target.api_version(),
            target.kind.kind,
        )));
    }
    check_data(target, object)
}

/// What a Go struct could not hold is refused before anything else is looked at: everything in the kinds that the
/// server knows, the metadata in custom resources.
fn check_types(target: &Target, shape: &Shape, object: &Value) -> Result<(), StatusError> {
    let schema = match shape {
        Shape::Custom(_) => Schema::opaque(),
        Shape::Builtin(schema) => schema,
    };
    let wrong = schema
        .validate_update(object, None)
        .into_iter()
        .find(|cause| cause.reason == "FieldValueTypeInvalid");
    match wrong {
        Some(cause) => {
            let why = format!("json: cannot unmarshal {}: {}", cause.field, cause.message);
            Err(undecodable(target, &why))
        }
        None => Ok(()),
    }
}

fn undecodable(target: &Target, why: &str) -> StatusError {
    StatusError::bad_request(format!(
        "{} in version {:?} cannot be handled as a {}: {why}",
        target.kind.kind, target.version, target.kind.kind
    ))
}

fn check_type(target: &Target, object: &mut Value) -> Result<(), StatusError> {
    if !object.is_object() {
        return Err(undecodable(target, "json: the body is not an object"));
    }
    let wanted = target.api_version();
    let (api_version, kind) = (meta::text(object, &["apiVersion"]), meta::text(object, &["kind"]));
    if target.kind.rules.custom && (kind.is_empty() || api_version.is_empty()) {
        let missing = if kind.is_empty() { "Kind" } else { "apiVersion" };
        return Err(StatusError::bad_request(format!(
            "Object '{missing}' is missing in '{object}'"
        )));
    }
    if !kind.is_empty() && kind != target.kind.kind {
        return Err(StatusError::bad_request(format!(
            "{kind} in version {api_version:?} cannot be handled as a {}: the object is of another kind",
            target.kind.kind
        )));
    }
    if !api_version.is_empty() && api_version != wanted {
        return Err(StatusError::bad_request(format!(
            "the API version in the data ({api_version}) does not match the expected API version ({wanted})"
        )));
    }
    meta::set_top(object, "apiVersion", json!(wanted));
    meta::set_top(object, "kind", json!(target.kind.kind));
    meta::metadata_mut(object);
    Ok(())
}

fn check_data(target: &Target, object: &Value) -> Result<(), StatusError> {
    let map = match (target.kind.group(), target.kind.resource.plural()) {
        ("", "secrets") => "data",
        ("", "configmaps") => "binaryData",
        (_, _) => return Ok(()),
    };
    match secrets::undecodable(object, map) {
        Some(why) => Err(undecodable(target, &why)),
        None => Ok(()),
    }
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
        Some(namespace) => Err(StatusError::bad_request(format!(
            "the namespace of the provided object does not match the namespace sent on the request ({held} != {namespace})"
        ))),
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
    errors.extend(
        version
            .shape
            .schema()
            .check(object, live)
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
    } else if kind.resource != kind.stored_as {
        errors.extend(events::validate(&events::to_core(object), true));
    }
    errors
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
    if target.subresource == Subresource::None && version.has_status {
        meta::set_top(&mut wanted, "status", Value::Null);
    }
    let (api_version, now) = (target.api_version(), meta::timestamp(now));
    let manager = Manager {
        name: &options.manager,
        operation: Operation::Apply,
        subresource: target.subresource.as_str(),
        api_version: &api_version,
        now: &now,
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

/// Applies a patch to an object.
pub(super) fn patch(
    object: &mut Value,
    format: PatchFormat,
    patch: &Value,
    kind: &str,
) -> Result<(), StatusError> {
    let result = match format {
        PatchFormat::Merge | PatchFormat::Apply => {
            if !patch.is_object() {
                return Err(StatusError::bad_request(
                    "error decoding patch: the patch is not an object",
                ));
            }
            patch::merge_patch(object, patch);
            Ok(())
        }
        PatchFormat::Strategic => patch::strategic_merge_patch(object, patch, kind),
        PatchFormat::Json => patch::json_patch(object, patch),
    };
    result.map_err(|error| match error {
        PatchError::Malformed(why) => StatusError::bad_request(format!("error decoding patch: {why}")),
        PatchError::TestFailed { .. } | PatchError::Inapplicable(_) => StatusError {
            details: json!({"causes": [{"message": error.to_string()}]}),
            ..StatusError::new(
                422,
                "Invalid",
                "the server rejected our request due to an error in our request",
            )
        },
    })
}
