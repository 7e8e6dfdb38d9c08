//! Content negotiation: what form an answer takes, and in what form a body came.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{json, protobuf};
use crate::schema::builtin_component;
use crate::table::{Column, IncludeObject, table};
use crate::world::{List, PatchFormat, Payload, Query, StatusError, summary};

/// The version of the tables.
const TABLE: &str = "meta.k8s.io/v1";

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The objects themselves.
    Full,
    /// `PartialObjectMetadata` of meta.k8s.io/v1.
    Metadata,
    /// `Table` of meta.k8s.io/v1, as `kubectl get` prints it.
    Table(IncludeObject),
}

/// Chooses the form by the Accept header: the first one that the server can give.
pub(super) fn form(accept: &str, query: &Query) -> Result<Form, StatusError> {
    if accept.trim().is_empty() {
        return Ok(Form::Full);
    }
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        if !matches!(media, "application/json" | "application/*" | "*/*") {
            continue;
        }
        let parameter = |name: &str| {
            range
                .split(';')
                .map(str::trim)
                .find_map(|p| p.strip_prefix(name).and_then(|p| p.strip_prefix('=')))
        };
        match (parameter("as"), parameter("g"), parameter("v")) {
            (None, _, _) => return Ok(Form::Full),
            (
                Some("PartialObjectMetadata" | "PartialObjectMetadataList"),
                Some("meta.k8s.io"),
                Some("v1"),
            ) => {
                return Ok(Form::Metadata);
            }
            (Some("Table"), Some("meta.k8s.io"), Some("v1")) => {
                let wanted = query.get("includeObject").map_or("", String::as_str);
                return IncludeObject::parse(wanted).map(Form::Table).ok_or_else(|| {
                    StatusError::bad_request(format!("unrecognized includeObject value: {wanted:?}"))
                });
            }
            (Some(_), _, _) => {}
        }
    }
    Err(StatusError {
        details: json!({}),
        ..StatusError::new(
            406,
            "NotAcceptable",
            "only the following media types are accepted: application/json, application/yaml",
        )
    })
}

/// An object in the form asked for.
pub(super) fn object(form: Form, columns: &[Column], now: Timestamp, object: &Value) -> Value {
    match form {
        Form::Full => object.clone(),
        Form::Metadata => partial(object),
        Form::Table(include) => {
            let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
            table(
                columns,
                std::slice::from_ref(object),
                now,
                include,
                Some(&metadata),
                TABLE,
            )
        }
    }
}

fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

/// An item of a list: of a built-in kind it does not say what it is, because the list does.
fn untyped(object: &Value, typed: bool) -> Value {
    let mut object = object.clone();
    if let Some(members) = object.as_object_mut().filter(|_| typed) {
        members.remove("kind");
        members.remove("apiVersion");
    }
    object
}

/// An answer in the form asked for.
pub(super) fn payload(form: Form, columns: &[Column], now: Timestamp, payload: &Payload) -> Value {
    match payload {
        Payload::Object(value) => object(form, columns, now, value),
        Payload::Status(status) => status.clone(),
        Payload::List(list) => match form {
            Form::Full => {
                let item = list.kind.strip_suffix("List").unwrap_or(&list.kind);
                let typed = builtin_component(&list.api_version, item).is_some();
                self::list(&list.api_version, &list.kind, list, |object| {
                    untyped(object, typed)
                })
            }
            Form::Metadata => self::list("meta.k8s.io/v1", "PartialObjectMetadataList", list, partial),
            Form::Table(include) => {
                let objects: Vec<Value> = list.items.iter().map(|item| (**item).clone()).collect();
                table(columns, &objects, now, include, Some(&list.metadata), TABLE)
            }
        },
    }
}

fn list(api_version: &str, kind: &str, list: &List, item: impl Fn(&Value) -> Value) -> Value {
    let mut body = Map::new();
    body.insert("kind".to_owned(), json!(kind));
    body.insert("apiVersion".to_owned(), json!(api_version));
    body.insert("metadata".to_owned(), list.metadata.clone());
    body.insert(
        "items".to_owned(),
        list.items.iter().map(|object| item(object)).collect(),
    );
    Value::Object(body)
}

/// The patch format that a content type names; custom resources know no strategic merge patch.
pub(super) fn patch_format(content_type: &str, custom: bool) -> Result<PatchFormat, StatusError> {
    match media_type(content_type) {
        "application/json-patch+json" => Ok(PatchFormat::Json),
        "application/merge-patch+json" => Ok(PatchFormat::Merge),
        "application/strategic-merge-patch+json" if !custom => Ok(PatchFormat::Strategic),
        "application/apply-patch+yaml" => Ok(PatchFormat::Apply),
        _ => {
            let strategic = if custom {
                ""
            } else {
                "application/strategic-merge-patch+json, "
            };
            Err(StatusError::unsupported_media_type(format!(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, {strategic}application/apply-patch+yaml"
            )))
        }
    }
}

/// A body that was read, and the paths of the fields that stand in it twice.
pub(super) struct Body {
    pub(super) value: Value,
    pub(super) duplicates: Vec<String>,
}

/// Reads a body by its content type; `kind` is what it should be, for what is said of one that cannot be read.
pub(super) fn body(content_type: &str, bytes: &[u8], kind: &str) -> Result<Body, StatusError> {
    let unreadable = |error: &str| {
        StatusError::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: \
             {error} ({})",
            summary(bytes)
        ))
    };
    let undecodable = |error: &str| StatusError::bad_request(format!("error decoding patch: {error}"));
    let plain = |value: Value| Body {
        value,
        duplicates: Vec::new(),
    };
    match media_type(content_type) {
        format @ ("application/yaml" | "application/apply-patch+yaml") => {
            // JSON is the fast path; what is not JSON may still be YAML.
            if let Ok((value, duplicates)) = json::parse(bytes) {
                return Ok(Body { value, duplicates });
            }
            let wrong = |error: &dyn std::fmt::Display| {
                if format == "application/yaml" {
                    unreadable(&error.to_string())
                } else {
                    StatusError::bad_request(format!("error decoding YAML: {error}"))
                }
            };
            let text = std::str::from_utf8(bytes).map_err(|error| wrong(&error))?;
            serde_saphyr::from_str(text)
                .map(plain)
                .map_err(|error| wrong(&error))
        }
        protobuf::MEDIA_TYPE => protobuf::decode(bytes).map(plain),
        "" | "application/json" => json::parse(bytes)
            .map(|(value, duplicates)| Body { value, duplicates })
            .map_err(|error| unreadable(&error)),
        "application/json-patch+json"
        | "application/merge-patch+json"
        | "application/strategic-merge-patch+json" => json::parse(bytes)
            .map(|(value, duplicates)| Body { value, duplicates })
            .map_err(|error| undecodable(&error)),
        _ => Err(StatusError::unsupported_media_type(
            "the body of the request was in an unknown format - accepted media types include: application/json, \
             application/yaml, application/vnd.kubernetes.protobuf",
        )),
    }
}

fn media_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}
