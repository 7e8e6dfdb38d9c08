//! Errors as the API server words them: `metav1.Status` with reason, code, details and causes.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::identity::GroupResource;

/// One field that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the field, such as `metadata.name`.
    pub field: String,
    /// Reason of the cause, such as `FieldValueInvalid`.
    pub reason: &'static str,
    /// The message without the path.
    pub message: String,
}

impl FieldError {
    /// `field: Invalid value: value: why`; strings are quoted.
    pub fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        Self {
            field: field.into(),
            reason: "FieldValueInvalid",
            message: format!("Invalid value: {}: {why}", shown(value)),
        }
    }

    /// `field: Required value: why`.
    pub fn required(field: impl Into<String>, why: &str) -> Self {
        let message = if why.is_empty() {
            "Required value".to_owned()
        } else {
            format!("Required value: {why}")
        };
        Self {
            field: field.into(),
            reason: "FieldValueRequired",
            message,
        }
    }

    /// `field: Too long: may not be more than limit bytes`.
    pub fn too_long(field: impl Into<String>, limit: usize) -> Self {
        Self {
            field: field.into(),
            reason: "FieldValueTooLong",
            message: format!("Too long: may not be more than {limit} bytes"),
        }
    }

    /// `field: Forbidden: why`.
    pub fn forbidden(field: impl Into<String>, why: &str) -> Self {
        Self {
            field: field.into(),
            reason: "FieldValueForbidden",
            message: format!("Forbidden: {why}"),
        }
    }
}

/// An error answer of the API server (`metav1.Status` with `status: Failure`).
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct StatusError {
    /// HTTP status code.
    pub code: u16,
    /// Machine-readable reason, such as `NotFound`; empty where the server gives none.
    pub reason: &'static str,
    /// What people read.
    pub message: String,
    /// `details` of the Status, an object or null.
    pub details: Value,
}

impl StatusError {
    /// An error with a code, a reason and a message, without details.
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: Value::Null,
        }
    }

    /// 400 `BadRequest`.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 500 without a reason: how the server reports an error that it has no class for.
    pub fn plain(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// 404 for an object.
    pub fn not_found(resource: &GroupResource, name: &str) -> Self {
        Self {
            details: object_details(resource, name),
            ..Self::new(404, "NotFound", format!("{resource} {name:?} not found"))
        }
    }

    /// 404 for a path that no resource serves.
    pub fn no_such_resource() -> Self {
        Self {
            details: json!({}),
            ..Self::new(
                404,
                "NotFound",
                "the server could not find the requested resource",
            )
        }
    }

    /// 405 for a verb that the resource does not have.
    pub fn method_not_allowed(message: impl Into<String>) -> Self {
        Self {
            details: json!({}),
            ..Self::new(405, "MethodNotAllowed", message)
        }
    }

    /// 405 for a verb that a custom resource does not have.
    pub fn method_not_supported(resource: &GroupResource, verb: &str) -> Self {
        Self {
            details: object_details(resource, ""),
            ..Self::new(
                405,
                "MethodNotAllowed",
                format!(
                    "{verb} is not supported on resources of kind {:?}",
                    resource.to_string()
                ),
            )
        }
    }

    /// 409 for a create of what exists.
    pub fn already_exists(resource: &GroupResource, name: &str) -> Self {
        Self {
            details: object_details(resource, name),
            ..Self::new(
                409,
                "AlreadyExists",
                format!("{resource} {name:?} already exists"),
            )
        }
    }

    /// 409 for a write based on an older version, or with a failed precondition.
    pub fn conflict(resource: &GroupResource, name: &str, why: &str) -> Self {
        Self {
            details: object_details(resource, name),
            ..Self::new(
                409,
                "Conflict",
                format!("Operation cannot be fulfilled on {resource} {name:?}: {why}"),
            )
        }
    }

    /// 403.
    pub fn forbidden(resource: &GroupResource, name: &str, why: &str) -> Self {
        let subject = if name.is_empty() {
            format!("{resource}")
        } else {
            format!("{resource} {name:?}")
        };
        Self {
            details: object_details(resource, name),
            ..Self::new(403, "Forbidden", format!("{subject} is forbidden: {why}"))
        }
    }

    /// 422 for an object whose fields are refused.
    pub fn invalid(group: &str, kind: &str, name: &str, errors: &[FieldError]) -> Self {
        let qualified = if group.is_empty() {
            kind.to_owned()
        } else {
            format!("{kind}.{group}")
        };
        let mut details = Map::new();
        if !name.is_empty() {
            details.insert("name".to_owned(), json!(name));
        }
        if !group.is_empty() {
            details.insert("group".to_owned(), json!(group));
        }
        if !kind.is_empty() {
            details.insert("kind".to_owned(), json!(kind));
        }
        let causes: Vec<Value> = errors
            .iter()
            .map(|e| json!({"reason": e.reason, "message": e.message, "field": e.field}))
            .collect();
        details.insert("causes".to_owned(), Value::Array(causes));
        Self {
            details: Value::Object(details),
            ..Self::new(
                422,
                "Invalid",
                format!("{qualified} {name:?} is invalid: {}", aggregate(errors)),
            )
        }
    }

    /// 410 `Expired`: the version asked for is no longer kept.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 415.
    pub fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self {
            details: json!({}),
            ..Self::new(415, "UnsupportedMediaType", message)
        }
    }

    /// The `metav1.Status` object.
    pub fn to_status(&self) -> Value {
        let mut status = Map::new();
        status.insert("kind".to_owned(), json!("Status"));
        status.insert("apiVersion".to_owned(), json!("v1"));
        status.insert("metadata".to_owned(), json!({}));
        status.insert("status".to_owned(), json!("Failure"));
        status.insert("message".to_owned(), json!(self.message));
        if !self.reason.is_empty() {
            status.insert("reason".to_owned(), json!(self.reason));
        }
        if !self.details.is_null() {
            status.insert("details".to_owned(), self.details.clone());
        }
        status.insert("code".to_owned(), json!(self.code));
        Value::Object(status)
    }
}

fn object_details(resource: &GroupResource, name: &str) -> Value {
    let mut details = Map::new();
    if !name.is_empty() {
        details.insert("name".to_owned(), json!(name));
    }
    if !resource.group().is_empty() {
        details.insert("group".to_owned(), json!(resource.group()));
    }
    details.insert("kind".to_owned(), json!(resource.plural()));
    Value::Object(details)
}

/// One error stands alone, several stand in brackets, each once.
fn aggregate(errors: &[FieldError]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for error in errors {
        let line = if error.field.is_empty() {
            error.message.clone()
        } else {
            format!("{}: {}", error.field, error.message)
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    match lines.as_slice() {
        [one] => one.clone(),
        _ => format!("[{}]", lines.join(", ")),
    }
}

/// A refused value as the server shows it: strings in Go's quotes, everything else as JSON.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

/// A string in Go's quotes (`%q`).
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                let code = u32::from(control);
                let _ = if code < 0x80 {
                    write!(out, "\\x{code:02x}")
                } else {
                    write!(out, "\\u{code:04x}")
                };
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// The beginning of a body that cannot be read, as the server shows it.
pub(crate) fn summary(body: &[u8]) -> String {
    const SHOWN: usize = 30;
    let cut = &body[..body.len().min(SHOWN)];
    let text = match body.first() {
        None => return "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(cut).into_owned(),
        Some(_) => cut.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }),
    };
    if body.len() > SHOWN {
        format!("{text} ...")
    } else {
        text
    }
}
