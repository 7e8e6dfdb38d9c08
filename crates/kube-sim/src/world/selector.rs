//! Label and field selectors.

mod labels;

use serde_json::Value;

use self::labels::Requirement;
use super::failure::StatusError;
use super::kind::{Kind, KindVersion};
use super::meta;

/// What a list, watch or collection delete asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    /// Path, expected value, and whether it must equal.
    fields: Vec<(String, String, bool)>,
}

impl Selector {
    /// Parses both query parameters; refuses a field that the kind cannot select by.
    pub(crate) fn parse(
        labels: &str,
        fields: &str,
        kind: &Kind,
        version: &KindVersion,
    ) -> Result<Self, StatusError> {
        Ok(Self {
            labels: labels::parse(labels).map_err(StatusError::bad_request)?,
            fields: parse_fields(fields, kind, version).map_err(StatusError::bad_request)?,
        })
    }

    /// Whether nothing is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether an object is asked for.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.labels.iter().all(|requirement| requirement.matches(object))
            && self
                .fields
                .iter()
                .all(|(path, wanted, equal)| (field_value(object, path) == *wanted) == *equal)
    }
}

fn field_value(object: &Value, path: &str) -> String {
    let path = match (meta::text(object, &["kind"]), path) {
        (_, "name") => "metadata.name",
        // The source of an event is a struct; what is selected by is the component that it names.
        ("Event", "source") => {
            let component = meta::text(object, &["source", "component"]);
            let reporting = meta::text(object, &["reportingComponent"]);
            return (if component.is_empty() {
                reporting
            } else {
                component
            })
            .to_owned();
        }
        ("Job", "status.successful") => "status.succeeded",
        (_, path) => path,
    };
    let mut at = object;
    for key in path.split('.') {
        match at.get(key) {
            Some(next) => at = next,
            None => return zero(object, path),
        }
    }
    match at {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => at.to_string(),
    }
}

/// What a field is selected by that is not there: numbers and booleans of built-in kinds have a zero value.
fn zero(object: &Value, path: &str) -> String {
    match (meta::text(object, &["apiVersion"]), path) {
        ("v1" | "apps/v1" | "batch/v1", "status.replicas" | "status.succeeded") => "0".to_owned(),
        ("v1", "spec.unschedulable" | "spec.hostNetwork") => "false".to_owned(),
        (_, _) => String::new(),
    }
}

fn parse_fields(
    text: &str,
    kind: &Kind,
    version: &KindVersion,
) -> Result<Vec<(String, String, bool)>, String> {
    let mut fields = Vec::new();
    for term in text.split(',').map(str::trim).filter(|t| !t.is_empty()) {
        let (path, value, equal) = if let Some((path, value)) = term.split_once("!=") {
            (path, value, false)
        } else if let Some((path, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
            (path, value, true)
        } else {
            return Err(format!("invalid selector: '{text}'; can't understand '{term}'"));
        };
        let selectable = |wanted: &str| {
            version
                .selectable
                .iter()
                .any(|s| s.trim_start_matches('.') == wanted)
        };
        let known = path == "metadata.name"
            || (path == "metadata.namespace" && (kind.namespaced || kind.rules.custom))
            || (path == "name" && kind.group().is_empty() && kind.resource.plural() == "namespaces")
            || selectable(path);
        if !known {
            // Kinds without fields of their own are refused in other words.
            return Err(if kind.rules.custom || !version.selectable.is_empty() {
                format!("field label not supported: {path}")
            } else {
                format!(
                    "{path:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                )
            });
        }
        fields.push((path.to_owned(), value.to_owned(), equal));
    }
    Ok(fields)
}
