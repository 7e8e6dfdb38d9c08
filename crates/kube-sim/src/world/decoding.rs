//! From the body of a request to an object of the kind that the path names, or to the reason why not.

use serde_json::{Map, Value, json};

use super::failure::{FieldError, StatusError, quoted};
use super::request::{FieldValidation, Target, WriteOptions};
use super::{meta, secrets, validation};
use crate::fields;

/// Where a decoder of the server looks for built-in kinds, as its messages name it.
const SCHEME: &str = "pkg/api/legacyscheme/scheme.go:30";

/// What an object is read from: it decides how a refusal is worded.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    /// The body of a create or an update.
    Body,
    /// What a JSON or merge patch has made of the live object.
    Patched,
    /// What a strategic merge patch has made of the live object.
    Strategic(&'a Value),
}

/// Checks that an object is of the kind and version that the path names, and treats what its schema does not know.
pub(super) fn decode(
    target: &Target,
    object: &mut Value,
    source: Source<'_>,
    options: &WriteOptions,
    warnings: &mut Vec<String>,
) -> Result<(), StatusError> {
    let sent = match source {
        Source::Body => Value::Null,
        Source::Patched | Source::Strategic(_) => object.clone(),
    };
    let refuse = |object: &Value, why: &str| match source {
        Source::Body => undecodable(target, object, why),
        Source::Patched => unpatchable(&quoted(&sent.to_string()), why),
        Source::Strategic(patch) => unpatchable(&quoted(&go_map(patch)), why),
    };
    check_type(target, object).map_err(|fault| match (fault, source) {
        (TypeFault::Unreadable(why), _) => refuse(object, &why),
        (TypeFault::Refused(error), _) => error,
    })?;
    let version = target.kind_version()?;
    let mut strict: Vec<String> = options
        .duplicates
        .iter()
        .map(|path| format!("duplicate field {path:?}"))
        .collect();
    if let Some(why) = version
        .shape
        .undecodable(object)
        .or_else(|| undecodable_data(target, object))
    {
        let why = match source {
            Source::Strategic(_) => converted(&why),
            Source::Body | Source::Patched => why,
        };
        return Err(refuse(object, &why));
    }
    let doubled = validation::drop_doubled_owners(object);
    if !doubled.is_empty() {
        let moment = match source {
            Source::Body => "",
            Source::Patched | Source::Strategic(_) => " after mutating admission happens",
        };
        warnings.push(format!(
            ".metadata.ownerReferences contains duplicate entries{moment}; API server dedups owner references in 1.20+, and \
             may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
            doubled.join(", ")
        ));
    }
    let mut unknown = version.shape.prune(object);
    if target.kind.rules.custom {
        // The metadata is read before the rest.
        unknown.sort_by_key(|path| !path.starts_with("metadata."));
    }
    strict.extend(unknown.iter().map(|path| format!("unknown field {path:?}")));
    if strict.is_empty() {
        return Ok(());
    }
    match options.validation {
        FieldValidation::Ignore => {}
        FieldValidation::Warn => warnings.extend(strict),
        FieldValidation::Strict => {
            return Err(refuse(
                object,
                &format!("strict decoding error: {}", strict.join(", ")),
            ));
        }
    }
    Ok(())
}

/// As `decode`, for server-side apply: what the schema does not declare cannot be owned, and is an error.
pub(super) fn decode_applied(target: &Target, object: &mut Value) -> Result<(), StatusError> {
    if !object.is_object() {
        return Err(StatusError::bad_request(format!(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {} into Go value \
             of type map[string]interface {{}}",
            go_kind(object)
        )));
    }
    let (api_version, kind) = (
        meta::text(object, &["apiVersion"]).to_owned(),
        meta::text(object, &["kind"]).to_owned(),
    );
    let expected = target.api_version();
    if api_version != expected {
        return Err(StatusError::bad_request(format!(
            "Incorrect version specified in apply patch. Specified patch version: {api_version}, expected: {expected}"
        )));
    }
    if object["metadata"]["managedFields"].is_array() {
        return Err(StatusError::bad_request("metadata.managedFields must be nil"));
    }
    let shape = &target.kind_version()?.shape;
    let faults = if kind == target.kind.kind {
        fields::faults(shape.schema(), object)
    } else {
        let version = format!("{}, Kind={kind}", group_version(&api_version));
        vec![format!("no corresponding type for {version}")]
    };
    if !faults.is_empty() {
        let all = match faults.as_slice() {
            [one] => one.clone(),
            many => format!("errors:\n  {}", many.join("\n  ")),
        };
        return Err(StatusError::plain(format!(
            "failed to create typed patch object ({}/{}; {}, Kind={kind}): {all}",
            meta::namespace(object),
            meta::name(object),
            group_version(&api_version),
        )));
    }
    if let Some(why) = shape
        .undecodable(object)
        .or_else(|| undecodable_data(target, object))
    {
        return Err(undecodable(target, object, &why));
    }
    meta::metadata_mut(object);
    Ok(())
}

/// A group and version as Go prints them: the core group has no name, and a slash before its version.
fn group_version(api_version: &str) -> String {
    if api_version.contains('/') {
        api_version.to_owned()
    } else {
        format!("/{api_version}")
    }
}

enum TypeFault {
    /// The object does not decode.
    Unreadable(String),
    /// It decodes and is refused for another reason.
    Refused(StatusError),
}

fn check_type(target: &Target, object: &mut Value) -> Result<(), TypeFault> {
    if !object.is_object() {
        return Err(TypeFault::Refused(StatusError::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): couldn't get version/kind; json parse error: json: \
             cannot unmarshal {} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; \
             Kind string \"json:\\\"kind,omitempty\\\"\" }} ({})",
            target.kind.kind,
            go_kind(object),
            crate::world::summary(object.to_string().as_bytes()),
        ))));
    }
    let wanted = target.api_version();
    let (api_version, kind) = (
        meta::text(object, &["apiVersion"]).to_owned(),
        meta::text(object, &["kind"]).to_owned(),
    );
    let custom = target.kind.rules.custom;
    if custom && (kind.is_empty() || api_version.is_empty()) {
        let missing = if kind.is_empty() { "Kind" } else { "apiVersion" };
        return Err(TypeFault::Unreadable(format!(
            "Object '{missing}' is missing in '{object}'"
        )));
    }
    if !custom && !api_version.is_empty() && api_version != wanted {
        let named = if kind.is_empty() { &target.kind.kind } else { &kind };
        return Err(
            if api_version.split('/').next() == wanted.split('/').next() && api_version.contains('/') {
                TypeFault::Unreadable(format!(
                    "no kind {named:?} is registered for version {api_version:?} in scheme {SCHEME:?}"
                ))
            } else {
                TypeFault::Refused(mismatch(&api_version, &wanted))
            },
        );
    }
    if !custom && !kind.is_empty() && kind != target.kind.kind {
        let version = &target.version;
        return Err(TypeFault::Unreadable(format!(
            "converting ({version}.{kind}) to ({}.{}): unknown conversion",
            internal_package(target.kind.group()),
            target.kind.kind
        )));
    }
    if custom && api_version != wanted {
        return Err(TypeFault::Refused(mismatch(&api_version, &wanted)));
    }
    if custom && kind != target.kind.kind {
        let error = FieldError::invalid("kind", &json!(kind), &format!("must be {}", target.kind.kind));
        return Err(TypeFault::Refused(target.invalid(meta::name(object), &[error])));
    }
    meta::set_top(object, "apiVersion", json!(wanted));
    meta::set_top(object, "kind", json!(target.kind.kind));
    if object["metadata"].is_null() {
        meta::metadata_mut(object);
    }
    Ok(())
}

fn mismatch(api_version: &str, wanted: &str) -> StatusError {
    StatusError::bad_request(format!(
        "the API version in the data ({api_version}) does not match the expected API version ({wanted})"
    ))
}

/// The Go package of a group's internal types.
fn internal_package(group: &str) -> &str {
    match group {
        "" => "core",
        _ => group.split('.').next().unwrap_or(group),
    }
}

/// 400 for a body that is not an object of its kind.
fn undecodable(target: &Target, object: &Value, why: &str) -> StatusError {
    let api_version = meta::text(object, &["apiVersion"]);
    let version = api_version
        .rsplit('/')
        .next()
        .filter(|v| !v.is_empty())
        .unwrap_or(&target.version);
    let kind = Some(meta::text(object, &["kind"]))
        .filter(|kind| !kind.is_empty())
        .unwrap_or(&target.kind.kind);
    if target.kind.rules.custom && meta::text(object, &["kind"]).is_empty() {
        return StatusError::bad_request(format!(
            "the object provided is unrecognized (must be of type {}): {why} ({})",
            target.kind.kind,
            crate::world::summary(object.to_string().as_bytes()),
        ));
    }
    StatusError::bad_request(format!(
        "{kind} in version {version:?} cannot be handled as a {}: {why}",
        target.kind.kind
    ))
}

/// Why a value does not fit, as it is said of objects that are converted rather than decoded.
fn converted(why: &str) -> String {
    let Some((found, wanted)) = why
        .strip_prefix("json: cannot unmarshal ")
        .and_then(|rest| rest.split_once(" into Go struct field "))
        .and_then(|(found, rest)| rest.rsplit_once(" of type ").map(|(_, wanted)| (found, wanted)))
    else {
        return why.to_owned();
    };
    let found = match found.split(' ').next().unwrap_or(found) {
        "number" if found.contains('.') => "float64",
        "number" => "int64",
        "array" => "[]interface {}",
        "object" => "map[string]interface {}",
        other => other,
    };
    match wanted {
        wanted if wanted.starts_with("map[") => format!("cannot restore map from {found}"),
        wanted if wanted.starts_with("[]") => format!("cannot restore slice from {found}"),
        wanted if wanted.contains('.') => format!("cannot restore struct from: {found}"),
        wanted => format!("cannot convert {found} to {wanted}"),
    }
}

/// 422 for a patch that makes no object of the kind.
fn unpatchable(shown: &str, why: &str) -> StatusError {
    let error = FieldError {
        field: "patch".to_owned(),
        reason: "FieldValueInvalid",
        message: format!("Invalid value: {shown}: {why}"),
    };
    StatusError::invalid("", "", "", &[error])
}

fn undecodable_data(target: &Target, object: &Value) -> Option<String> {
    let map = match (target.kind.group(), target.kind.resource.plural()) {
        ("", "secrets") => "data",
        ("", "configmaps") => "binaryData",
        (_, _) => return None,
    };
    secrets::undecodable(object, map)
}

/// The JSON type of a value, as Go's decoder names it.
pub(super) fn go_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// A JSON object as Go prints a map.
fn go_map(value: &Value) -> String {
    let members = |members: &Map<String, Value>| {
        let all: Vec<String> = members
            .iter()
            .map(|(key, value)| format!("{key}:{}", go_map(value)))
            .collect();
        format!("map[{}]", all.join(" "))
    };
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => format!("[{}]", items.iter().map(go_map).collect::<Vec<_>>().join(" ")),
        Value::Object(object) => members(object),
    }
}
