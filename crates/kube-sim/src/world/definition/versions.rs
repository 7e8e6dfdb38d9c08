//! What the versions of a definition may say.
//!
//! The API server lifts what all versions share (their schema, their columns, ...) out of them before it validates, and
//! names it by its place there: the one schema of all versions is `spec.validation`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::schema::{Cause, Schema};
use crate::table::is_json_path;
use crate::world::failure::FieldError;
use crate::world::kind::NameRule;
use crate::world::meta;
use crate::world::validation::name_faults;

/// The types of a printer column, sorted.
const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
/// The formats of a printer column, sorted.
const COLUMN_FORMATS: [&str; 8] = [
    "byte",
    "date",
    "date-time",
    "double",
    "float",
    "int32",
    "int64",
    "password",
];
/// How many fields a version can be selected by.
const MOST_SELECTABLE: u64 = 8;

/// Which parts all versions have in common.
#[derive(Debug, Clone, Copy)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "one per part that is lifted by itself"
)]
pub(super) struct Shared {
    schema: bool,
    subresources: bool,
    columns: bool,
    selectable: bool,
}

impl Shared {
    pub(super) fn of(versions: &[Value]) -> Self {
        let same = |part: &dyn Fn(&Value) -> Value| {
            let mut parts = versions.iter().map(part);
            parts.next().is_none_or(|first| parts.all(|other| other == first))
        };
        let list =
            |version: &Value, key: &str| Value::Array(version[key].as_array().cloned().unwrap_or_default());
        Self {
            schema: same(&|version| version["schema"].clone()),
            subresources: same(&|version| version["subresources"].clone()),
            columns: same(&|version| list(version, "additionalPrinterColumns")),
            selectable: same(&|version| list(version, "selectableFields")),
        }
    }
}

/// The rules of the versions, without what they share.
pub(super) fn validate(versions: &[Value], shared: Shared, errors: &mut Vec<FieldError>) {
    for (at, version) in versions.iter().enumerate() {
        if version["schema"]["openAPIV3Schema"].is_null() {
            errors.push(FieldError::required(
                format!("spec.versions[{at}].schema.openAPIV3Schema"),
                "",
            ));
        }
    }
    for (at, version) in versions.iter().enumerate() {
        let field = format!("spec.versions[{at}]");
        let name = meta::text(version, &["name"]);
        let faults = name_faults(NameRule::ServiceLabel, name);
        if !faults.is_empty() {
            errors.push(FieldError::invalid(
                format!("{field}.name"),
                &json!(name),
                &faults.join(","),
            ));
        }
        validate_warning(version, &field, errors);
        if !shared.schema {
            validate_schema(version, &format!("{field}.schema"), errors);
        }
        if !shared.subresources {
            validate_scale(version, &field, errors);
        }
        if !shared.columns {
            validate_columns(version, &field, errors);
        }
        if !shared.selectable {
            let why = "may only be set when `version.schema.openAPIV3Schema` is not included";
            validate_selectable(version, !shared.schema, why, &field, errors);
        }
    }
    let mut names = BTreeSet::new();
    let unique = versions
        .iter()
        .all(|version| names.insert(meta::text(version, &["name"])));
    let stored = versions
        .iter()
        .filter(|version| version["storage"] == true)
        .count();
    for (holds, why) in [
        (unique, "must contain unique version names"),
        (
            stored == 1,
            "must have exactly one version marked as storage version",
        ),
    ] {
        if !holds {
            errors.push(FieldError {
                field: "spec.versions".to_owned(),
                reason: "FieldValueInvalid",
                message: format!("Invalid value: {}: {why}", inner_form(versions, shared)),
            });
        }
    }
}

/// The rules of what all versions share; `first` stands for any of them.
pub(super) fn validate_shared(first: &Value, shared: Shared, errors: &mut Vec<FieldError>) {
    if shared.schema {
        validate_schema(first, "spec.validation", errors);
    }
    if shared.subresources {
        validate_scale(first, "spec", errors);
    }
    if shared.columns {
        validate_columns(first, "spec", errors);
    }
    if shared.selectable {
        let given = shared.schema && !first["schema"].is_null();
        let why = "may only be set when validations.schema is included";
        validate_selectable(first, given, why, "spec", errors);
    }
}

/// The versions as the server shows them: by the names of its own fields, without what is lifted out of them.
fn inner_form(versions: &[Value], shared: Shared) -> String {
    let part = |version: &Value, key: &str, lifted: bool| match &version[key] {
        held if !lifted && !held.is_null() => held.to_string(),
        _ => "null".to_owned(),
    };
    let shown: Vec<String> = versions
        .iter()
        .map(|version| {
            format!(
                "{{\"Name\":{},\"Served\":{},\"Storage\":{},\"Deprecated\":{},\"DeprecationWarning\":{},\"Schema\":{},\
                 \"Subresources\":{},\"AdditionalPrinterColumns\":{},\"SelectableFields\":{}}}",
                json!(meta::text(version, &["name"])),
                version["served"] == true,
                version["storage"] == true,
                version["deprecated"] == true,
                version["deprecationWarning"],
                part(version, "schema", shared.schema),
                part(version, "subresources", shared.subresources),
                part(version, "additionalPrinterColumns", shared.columns),
                part(version, "selectableFields", shared.selectable),
            )
        })
        .collect();
    format!("[{}]", shown.join(","))
}

fn validate_warning(version: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let Some(warning) = version["deprecationWarning"].as_str() else {
        return;
    };
    let mut refuse = |why: &str| {
        let field = format!("{field}.deprecationWarning");
        errors.push(FieldError::invalid(field, &json!(warning), why));
    };
    if version["deprecated"] != true {
        refuse("can only be set for deprecated versions");
        return;
    }
    if warning.len() > 256 {
        refuse("must be <= 256 characters long");
    }
    if warning.is_empty() {
        refuse("must not be an empty string");
    }
    if let Some((at, _)) = warning.char_indices().find(|(_, letter)| letter.is_control()) {
        refuse(&format!(
            "must only contain printable UTF-8 characters; non-printable character found at index {at}"
        ));
    }
}

fn validate_schema(version: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let openapi = &version["schema"]["openAPIV3Schema"];
    if openapi.is_null() {
        return;
    }
    let field = format!("{field}.openAPIV3Schema");
    let causes = Schema::refuse(openapi, &field);
    errors.extend(causes.into_iter().map(|cause| cause.under(&field).into()));
}

/// The rules of the paths of a scale subresource.
fn validate_scale(version: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let scale = &version["subresources"]["scale"];
    if !scale.is_object() {
        return;
    }
    for (key, roots, why, required) in [
        (
            "specReplicasPath",
            &[".spec."][..],
            "should be a json path under .spec",
            true,
        ),
        (
            "statusReplicasPath",
            &[".status."],
            "should be a json path under .status",
            true,
        ),
        (
            "labelSelectorPath",
            &[".spec.", ".status."],
            "should be a json path under either .spec or .status",
            false,
        ),
    ] {
        let path = meta::text(scale, &[key]);
        let field = format!("{field}.subresources.scale.{key}");
        if path.is_empty() {
            if required {
                errors.push(FieldError::required(field, ""));
            }
        } else if !path.starts_with('.') {
            errors.push(FieldError::invalid(field, &json!(path), NOT_SIMPLE));
        } else if !roots.iter().any(|root| path.starts_with(root)) {
            errors.push(FieldError::invalid(field, &json!(path), why));
        }
    }
}

const NOT_SIMPLE: &str = "must be a simple json path starting with .";

fn validate_columns(version: &Value, field: &str, errors: &mut Vec<FieldError>) {
    let columns = version["additionalPrinterColumns"].as_array();
    for (at, column) in columns.into_iter().flatten().enumerate() {
        let place = |key: &str| format!("{field}.additionalPrinterColumns[{at}].{key}");
        let text = |key: &str| meta::text(column, &[key]);
        if text("name").is_empty() {
            errors.push(FieldError::required(place("name"), ""));
        }
        let one_of = |known: &[&str]| format!("must be one of {}", known.join(","));
        let (kind, format, path) = (text("type"), text("format"), text("jsonPath"));
        if kind.is_empty() {
            errors.push(FieldError::required(place("type"), &one_of(&COLUMN_TYPES)));
        } else if !COLUMN_TYPES.contains(&kind) {
            let why = one_of(&COLUMN_TYPES);
            errors.push(FieldError::invalid(place("type"), &json!(kind), &why));
        }
        if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
            let why = one_of(&COLUMN_FORMATS);
            errors.push(FieldError::invalid(place("format"), &json!(format), &why));
        }
        if path.is_empty() {
            errors.push(FieldError::required(place("JSONPath"), ""));
        } else if !path.starts_with('.') {
            errors.push(FieldError::invalid(place("JSONPath"), &json!(path), NOT_SIMPLE));
        } else if !is_json_path(path) {
            // The server takes it and shows nothing in the column; here a path that nobody can read is told of.
            let why = "is not a valid JSON path";
            errors.push(FieldError::invalid(place("JSONPath"), &json!(path), why));
        }
    }
}

/// The rules of the fields to select by; without a schema beside them they are refused with `why`.
fn validate_selectable(
    version: &Value,
    has_schema: bool,
    why: &str,
    field: &str,
    errors: &mut Vec<FieldError>,
) {
    let listed = version["selectableFields"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    if listed.is_empty() {
        return;
    }
    let field = format!("{field}.selectableFields");
    let openapi = &version["schema"]["openAPIV3Schema"];
    if !has_schema || openapi.is_null() {
        errors.push(FieldError::invalid(field, &json!(""), why));
        return;
    }
    let mut seen = BTreeSet::new();
    for (at, entry) in listed.iter().enumerate() {
        let place = format!("{field}[{at}].jsonPath");
        let path = meta::text(entry, &["jsonPath"]);
        if path.is_empty() {
            errors.push(FieldError::required(place, ""));
            continue;
        }
        let found = match follow(path, openapi) {
            Ok(found) => found,
            Err(fault) => {
                let why = format!("is an invalid path: {fault}");
                errors.push(FieldError::invalid(place, &json!(path), &why));
                continue;
            }
        };
        if path.split('.').nth(1) == Some("metadata") {
            let why = "must not point to fields in metadata";
            errors.push(FieldError::invalid(place.clone(), &json!(path), why));
        }
        if !matches!(meta::text(found, &["type"]), "string" | "boolean" | "integer") {
            errors.push(FieldError::invalid(
                place.clone(),
                &json!(path),
                "must point to a field of type string, boolean or integer. Enum string fields and strings with formats \
                 are allowed.",
            ));
        }
        if !seen.insert(path) {
            errors.push(Cause::duplicate(&place, &json!(path)).into());
        }
    }
    if seen.len() as u64 > MOST_SELECTABLE {
        errors.push(Cause::too_many(&field, seen.len(), MOST_SELECTABLE).into());
    }
}

/// The schema of the field at a path of names (`.spec.colour`), or why there is none.
fn follow<'a>(path: &str, openapi: &'a Value) -> Result<&'a Value, String> {
    let unknown = || "does not refer to a valid field".to_owned();
    let Some(names) = path.strip_prefix('.') else {
        let end = path.find(['.', '[', ']']).filter(|end| *end > 0);
        return Err(match path.get(..end.unwrap_or(path.len())) {
            Some(first) if !path.starts_with('[') => format!("expected [ or . but got: {first}"),
            Some(_) | None => "array notation is not allowed".to_owned(),
        });
    };
    let mut schema = openapi;
    for name in names.split('.') {
        if name.is_empty() {
            return Err("unexpected end of JSON path".to_owned());
        }
        let (name, indexed) = name
            .split_once('[')
            .map_or((name, false), |(name, _)| (name, true));
        schema = if schema["properties"].is_object() {
            schema["properties"].get(name)
        } else {
            Some(&schema["additionalProperties"]).filter(|child| child.is_object())
        }
        .ok_or_else(unknown)?;
        if indexed {
            return Err("array notation is not allowed".to_owned());
        }
    }
    Ok(schema)
}
