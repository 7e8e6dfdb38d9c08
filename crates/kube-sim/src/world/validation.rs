//! The rules of object metadata.

use serde_json::{Value, json};

use super::failure::FieldError;
use super::kind::Kind;
use super::meta;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
     must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
     and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and \
     must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
     validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
     alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
     '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
/// Keys and values of all annotations of an object together, in bytes.
const ANNOTATIONS: usize = 256 * 1024;

/// Checks `metadata` of an object that is created or replaced.
pub(super) fn metadata(kind: &Kind, object: &Value, live: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if live.is_none() {
        check_name(kind, meta::name(object), &mut errors);
    }
    for (key, value) in object["metadata"]["labels"].as_object().into_iter().flatten() {
        if !is_qualified(key) {
            errors.push(FieldError::invalid("metadata.labels", &json!(key), QUALIFIED));
        }
        let value = value.as_str().unwrap_or_default();
        if value.len() > 63 {
            errors.push(FieldError::invalid(
                "metadata.labels",
                &json!(value),
                "must be no more than 63 bytes",
            ));
        } else if !value.is_empty() && !is_name_part(value) {
            errors.push(FieldError::invalid("metadata.labels", &json!(value), LABEL_VALUE));
        }
    }
    let mut size = 0;
    for (key, value) in object["metadata"]["annotations"]
        .as_object()
        .into_iter()
        .flatten()
    {
        if !is_qualified(&key.to_lowercase()) {
            errors.push(FieldError::invalid(
                "metadata.annotations",
                &json!(key),
                QUALIFIED,
            ));
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS {
        errors.push(FieldError {
            field: "metadata.annotations".to_owned(),
            reason: "FieldValueTooLong",
            message: format!("Too long: may not be more than {ANNOTATIONS} bytes"),
        });
    }
    check_finalizers(kind, object, live, &mut errors);
    check_owners(object, &mut errors);
    errors
}

fn check_name(kind: &Kind, name: &str, errors: &mut Vec<FieldError>) {
    let (legal, why, limit) = if kind.rules.names == super::kind::NameRule::Label {
        (is_dns_label(name), LABEL, 63)
    } else {
        (name.split('.').all(is_dns_label), SUBDOMAIN, 253)
    };
    if name.len() > limit {
        let why = format!("must be no more than {limit} bytes");
        errors.push(FieldError::invalid("metadata.name", &json!(name), &why));
    }
    if !legal {
        errors.push(FieldError::invalid("metadata.name", &json!(name), why));
    }
}

fn is_dns_label(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn is_name_part(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 63
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_qualified(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => {
            prefix.len() <= 253 && prefix.split('.').all(is_dns_label) && is_name_part(name)
        }
        None => is_name_part(key),
    }
}

fn check_finalizers(kind: &Kind, object: &Value, live: Option<&Value>, errors: &mut Vec<FieldError>) {
    let finalizers = meta::finalizers(object);
    // Custom resources and their definitions may use any qualified name; the older kinds want a domain or a standard one.
    let lenient = kind.rules.any_finalizer;
    for finalizer in &finalizers {
        let known = matches!(*finalizer, "orphan" | "foregroundDeletion" | "kubernetes");
        if !is_qualified(finalizer) {
            errors.push(FieldError::invalid(
                "metadata.finalizers",
                &json!(finalizer),
                QUALIFIED,
            ));
        } else if !lenient && !known && !finalizer.contains('/') {
            errors.push(FieldError::invalid(
                "metadata.finalizers",
                &json!(finalizer),
                "name is neither a standard finalizer name nor is it fully qualified",
            ));
        }
    }
    if finalizers.contains(&"orphan") && finalizers.contains(&"foregroundDeletion") {
        errors.push(FieldError::invalid(
            "metadata.finalizers",
            &object["metadata"]["finalizers"],
            "finalizer orphan and foregroundDeletion cannot be both set",
        ));
    }
    if let Some(live) = live.filter(|live| meta::is_deleting(live)) {
        let held = meta::finalizers(live);
        let new: Vec<String> = finalizers
            .iter()
            .filter(|f| !held.contains(f))
            .map(|f| format!("{f:?}"))
            .collect();
        if !new.is_empty() {
            errors.push(FieldError::forbidden(
                "metadata.finalizers",
                &format!(
                    "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                    new.join(", ")
                ),
            ));
        }
    }
}

fn check_owners(object: &Value, errors: &mut Vec<FieldError>) {
    let mut controllers = 0;
    for (at, owner) in meta::owners(object).iter().enumerate() {
        let field = |key: &str| format!("metadata.ownerReferences[{at}].{key}");
        for (key, why) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            if meta::text(owner, &[key]).is_empty() {
                errors.push(FieldError::invalid(field(key), &json!(""), why));
            }
        }
        controllers += u32::from(owner["controller"].as_bool() == Some(true));
    }
    if controllers > 1 {
        errors.push(FieldError::invalid(
            "metadata.ownerReferences",
            &object["metadata"]["ownerReferences"],
            "Only one reference can have Controller set to true",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::{is_dns_label, is_qualified};

    #[test]
    fn names_are_checked() {
        for (name, legal) in [
            ("a", true),
            ("a-1", true),
            ("-a", false),
            ("A", false),
            ("", false),
            ("a.b", false),
        ] {
            assert_eq!(is_dns_label(name), legal, "{name}");
        }
        for (key, legal) in [
            ("a", true),
            ("x.io/Name", true),
            ("X.io/a", false),
            ("a/", false),
            ("a/b/c", false),
        ] {
            assert_eq!(is_qualified(key), legal, "{key}");
        }
    }
}
