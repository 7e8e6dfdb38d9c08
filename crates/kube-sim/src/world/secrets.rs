//! Secrets and config maps: what the server does to their data.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::failure::FieldError;
use super::{meta, validation};

/// The most data of a secret or a config map, in bytes.
const LARGEST: usize = 1024 * 1024;

/// Names the service account that a token is of.
const ACCOUNT_NAME: &str = "kubernetes.io/service-account.name";

/// Moves `stringData` into `data` and sets the default type.
pub(super) fn prepare(secret: &mut Value) {
    let plain = secret["stringData"].as_object().cloned().unwrap_or_default();
    meta::set_top(secret, "stringData", Value::Null);
    if !plain.is_empty() {
        let mut data: Map<String, Value> = secret["data"].as_object().cloned().unwrap_or_default();
        for (key, value) in plain {
            data.insert(key, json!(STANDARD.encode(value.as_str().unwrap_or_default())));
        }
        meta::set_top(secret, "data", Value::Object(data));
    }
    if meta::text(secret, &["type"]).is_empty() {
        meta::set_top(secret, "type", json!("Opaque"));
    }
    for map in ["data"] {
        if secret[map].as_object().is_some_and(Map::is_empty) || secret[map].is_null() {
            meta::set_top(secret, map, Value::Null);
        }
    }
}

/// The rules of a secret.
pub(super) fn validate_secret(secret: &Value, live: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(live) = live {
        if live["type"] != secret["type"] {
            errors.push(FieldError::invalid("type", &secret["type"], "field is immutable"));
        }
        check_immutable(secret, live, &["data"], &mut errors);
    }
    check_keys(secret, "data", &mut errors);
    if size(secret, "data", true) > LARGEST {
        errors.push(FieldError::too_long("data", LARGEST));
    }
    let has = |key: &str| secret["data"].get(key).is_some();
    let required: &[&str] = match meta::text(secret, &["type"]) {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => &["username", "password"],
        _ => &[],
    };
    if meta::text(secret, &["type"]) == "kubernetes.io/service-account-token"
        && meta::text(secret, &["metadata", "annotations", ACCOUNT_NAME]).is_empty()
    {
        errors.push(FieldError::required(
            format!("metadata.annotations[{ACCOUNT_NAME}]"),
            "",
        ));
    }
    for key in required.iter().filter(|key| !has(key)) {
        errors.push(FieldError::required(format!("data[{key}]"), ""));
    }
    errors
}

/// The rules of a config map.
pub(super) fn validate_config_map(map: &Value, live: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(live) = live {
        check_immutable(map, live, &["data", "binaryData"], &mut errors);
    }
    check_keys(map, "data", &mut errors);
    check_keys(map, "binaryData", &mut errors);
    for key in map["data"].as_object().into_iter().flatten().map(|(key, _)| key) {
        if map["binaryData"].get(key).is_some() {
            errors.push(FieldError::invalid(
                format!("data[{key}]"),
                &json!(key),
                "duplicate of key present in binaryData",
            ));
        }
    }
    if size(map, "data", false) + size(map, "binaryData", true) > LARGEST {
        // The whole object is meant; this is how a path without a name is written.
        errors.push(FieldError::too_long("[]", LARGEST));
    }
    errors
}

/// The first value of a map of bytes that is not base64, as the decoder words it.
pub(super) fn undecodable(object: &Value, map: &str) -> Option<String> {
    for (key, value) in object[map].as_object().into_iter().flatten() {
        match value {
            Value::String(text) => {
                // Go's decoder ignores line breaks.
                let text: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
                if let Err(error) = STANDARD.decode(&text) {
                    let at = match error {
                        base64::DecodeError::InvalidByte(at, _)
                        | base64::DecodeError::InvalidLastSymbol { offset: at, .. } => at,
                        base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => {
                            text.len() / 4 * 4
                        }
                    };
                    return Some(format!("illegal base64 data at input byte {at}"));
                }
            }
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                return Some(format!(
                    "json: cannot unmarshal the value of {map}[{key}] into a Go value of type []uint8"
                ));
            }
        }
    }
    None
}

fn check_keys(object: &Value, map: &str, errors: &mut Vec<FieldError>) {
    for key in object[map].as_object().into_iter().flatten().map(|(key, _)| key) {
        let field = format!("{map}[{key}]");
        let faults = validation::data_key_faults(key);
        errors.extend(
            faults
                .iter()
                .map(|why| FieldError::invalid(field.clone(), &json!(key), why)),
        );
    }
}

/// The values of a map of texts or of bytes together, in bytes.
fn size(object: &Value, map: &str, encoded: bool) -> usize {
    let values = object[map].as_object().into_iter().flatten();
    values
        .filter_map(|(_, value)| value.as_str())
        .map(|text| {
            if encoded {
                text.len() / 4 * 3 - text.bytes().rev().take_while(|byte| *byte == b'=').count()
            } else {
                text.len()
            }
        })
        .sum()
}

fn check_immutable(object: &Value, live: &Value, maps: &[&str], errors: &mut Vec<FieldError>) {
    if live["immutable"].as_bool() != Some(true) {
        return;
    }
    if object["immutable"].as_bool() != Some(true) {
        errors.push(FieldError::forbidden(
            "immutable",
            "field is immutable when `immutable` is set",
        ));
    }
    for map in maps {
        if object[*map] != live[*map] {
            errors.push(FieldError::forbidden(
                *map,
                "field is immutable when `immutable` is set",
            ));
        }
    }
}
