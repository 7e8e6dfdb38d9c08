//! The rules of object metadata.

use serde_json::{Value, json};

use super::failure::{FieldError, quoted};
use super::kind::{Kind, NameRule};
use super::meta;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
     must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
     and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SERVICE_LABEL: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
     alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
     validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and \
     must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
     validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const QUALIFIED: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
     alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
     '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const DATA_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or \
     'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
/// Keys and values of all annotations of an object together, in bytes.
const ANNOTATIONS: usize = 256 * 1024;

/// Checks `metadata` of an object that is created or replaced.
pub(super) fn metadata(kind: &Kind, object: &Value, live: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if live.is_none() {
        let base = meta::field(object, "generateName");
        if !base.is_empty() {
            // A name is generated from it: a dash at the end is followed by more.
            let masked = base
                .strip_suffix('-')
                .map_or_else(|| base.to_owned(), |rest| format!("{rest}a"));
            refuse_name(kind, "metadata.generateName", &masked, base, &mut errors);
        }
        let name = meta::name(object);
        refuse_name(kind, "metadata.name", name, name, &mut errors);
    }
    check_labels(object, &mut errors);
    check_annotations(object, &mut errors);
    check_owners(object, &mut errors);
    check_finalizers(kind, object, &mut errors);
    if let Some(live) = live.filter(|live| meta::is_deleting(live)) {
        check_new_finalizers(object, live, &mut errors);
    }
    errors
}

fn refuse_name(kind: &Kind, field: &str, name: &str, shown: &str, errors: &mut Vec<FieldError>) {
    errors.extend(
        name_faults(kind.rules.names, name)
            .iter()
            .map(|why| FieldError::invalid(field, &json!(shown), why)),
    );
}

/// Why a name does not keep a rule.
pub(super) fn name_faults(rule: NameRule, name: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut too_long = |limit: usize| {
        if name.len() > limit {
            faults.push(format!("must be no more than {limit} characters"));
        }
    };
    match rule {
        NameRule::Subdomain => {
            too_long(253);
            if !is_subdomain(name) {
                faults.push(SUBDOMAIN.to_owned());
            }
        }
        NameRule::Label => {
            too_long(63);
            if !is_dns_label(name) {
                faults.push(if is_subdomain(name) {
                    "must not contain dots".to_owned()
                } else {
                    LABEL.to_owned()
                });
            }
        }
        NameRule::ServiceLabel => {
            too_long(63);
            if !is_dns_label(name) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
                faults.push(SERVICE_LABEL.to_owned());
            }
        }
        NameRule::PathSegment => {
            if matches!(name, "." | "..") {
                return vec![format!("may not be '{name}'")];
            }
            for illegal in ["/", "%"] {
                if name.contains(illegal) {
                    faults.push(format!("may not contain '{illegal}'"));
                }
            }
        }
    }
    faults
}

fn is_subdomain(name: &str) -> bool {
    name.split('.').all(is_dns_label)
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
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// What is wrong with a qualified name: the key of a label or an annotation, a finalizer.
pub(super) fn qualified_name_faults(key: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let parts: Vec<&str> = key.split('/').collect();
    let name = match parts.as_slice() {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                faults.push("prefix part must be non-empty".to_owned());
            } else {
                let wrong = name_faults(NameRule::Subdomain, prefix);
                faults.extend(wrong.iter().map(|why| format!("prefix part {why}")));
            }
            name
        }
        _ => {
            return vec![format!(
                "a qualified name {QUALIFIED} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        faults.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        faults.push("name part must be no more than 63 characters".to_owned());
    }
    if !is_name_part(name) {
        faults.push(format!("name part {QUALIFIED}"));
    }
    faults
}

/// What is wrong with the value of a label.
pub(super) fn label_value_faults(value: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if value.len() > 63 {
        faults.push("must be no more than 63 characters".to_owned());
    }
    if !value.is_empty() && !is_name_part(value) {
        faults.push(LABEL_VALUE.to_owned());
    }
    faults
}

/// What is wrong with a key of a config map or a secret.
pub(super) fn data_key_faults(key: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if key.len() > 253 {
        faults.push("must be no more than 253 characters".to_owned());
    }
    let legal = key
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if key.is_empty() || !legal {
        faults.push(DATA_KEY.to_owned());
    }
    match key {
        "." | ".." => faults.push(format!("must not be '{key}'")),
        _ if key.starts_with("..") => faults.push("must not start with '..'".to_owned()),
        _ => {}
    }
    faults
}

fn check_labels(object: &Value, errors: &mut Vec<FieldError>) {
    for (key, value) in object["metadata"]["labels"].as_object().into_iter().flatten() {
        let field = "metadata.labels";
        errors.extend(
            qualified_name_faults(key)
                .iter()
                .map(|why| FieldError::invalid(field, &json!(key), why)),
        );
        let value = value.as_str().unwrap_or_default();
        errors.extend(
            label_value_faults(value)
                .iter()
                .map(|why| FieldError::invalid(field, &json!(value), why)),
        );
    }
}

fn check_annotations(object: &Value, errors: &mut Vec<FieldError>) {
    let field = "metadata.annotations";
    let mut size = 0;
    for (key, value) in object["metadata"]["annotations"]
        .as_object()
        .into_iter()
        .flatten()
    {
        errors.extend(
            qualified_name_faults(&key.to_lowercase())
                .iter()
                .map(|why| FieldError::invalid(field, &json!(key), why)),
        );
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS {
        errors.push(FieldError::too_long(field, ANNOTATIONS));
    }
}

fn check_finalizers(kind: &Kind, object: &Value, errors: &mut Vec<FieldError>) {
    let finalizers = meta::finalizers(object);
    for finalizer in &finalizers {
        errors.extend(
            qualified_name_faults(finalizer)
                .iter()
                .map(|why| FieldError::invalid("metadata.finalizers", &json!(finalizer), why)),
        );
    }
    if finalizers.contains(&"orphan") && finalizers.contains(&"foregroundDeletion") {
        errors.push(FieldError::invalid(
            "metadata.finalizers",
            &object["metadata"]["finalizers"],
            "finalizer orphan and foregroundDeletion cannot be both set",
        ));
    }
    if kind.rules.any_finalizer {
        return;
    }
    for (at, finalizer) in finalizers.iter().enumerate() {
        if !is_standard(finalizer) && !finalizer.contains('/') {
            errors.push(FieldError::invalid(
                format!("metadata.finalizers[{at}]"),
                &json!(finalizer),
                "name is neither a standard finalizer name nor is it fully qualified",
            ));
        }
    }
}

fn is_standard(finalizer: &str) -> bool {
    matches!(finalizer, "orphan" | "foregroundDeletion" | "kubernetes")
}

fn check_new_finalizers(object: &Value, live: &Value, errors: &mut Vec<FieldError>) {
    let held = meta::finalizers(live);
    let mut new: Vec<&str> = meta::finalizers(object)
        .into_iter()
        .filter(|f| !held.contains(f))
        .collect();
    new.sort_unstable();
    if !new.is_empty() {
        let new: Vec<String> = new.into_iter().map(quoted).collect();
        errors.push(FieldError::forbidden(
            "metadata.finalizers",
            &format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                new.join(", ")
            ),
        ));
    }
}

/// What a custom resource is told about finalizers that a write adds: names that could clash with those of others.
pub(super) fn finalizer_warnings(object: &Value, live: Option<&Value>) -> Vec<String> {
    let held = live.map(meta::finalizers).unwrap_or_default();
    let new: std::collections::BTreeSet<&str> = meta::finalizers(object)
        .into_iter()
        .filter(|finalizer| !held.contains(finalizer))
        .collect();
    new.into_iter()
        .filter(|finalizer| !finalizer.contains('/') && !is_standard(finalizer))
        .map(|finalizer| {
            let path = if finalizer.contains('.') { " including a path (/)" } else { "" };
            format!(
                "metadata.finalizers: {}: prefer a domain-qualified finalizer name{path} to avoid accidental conflicts with \
                 other finalizer writers",
                quoted(finalizer)
            )
        })
        .collect()
}

/// Removes owner references that stand there twice and says of which uids.
pub(super) fn drop_doubled_owners(object: &mut Value) -> Vec<String> {
    let owners = meta::owners(object).to_vec();
    let (mut kept, mut doubled): (Vec<Value>, Vec<String>) = (Vec::new(), Vec::new());
    for owner in owners {
        if kept.contains(&owner) {
            doubled.push(meta::text(&owner, &["uid"]).to_owned());
        } else {
            kept.push(owner);
        }
    }
    if !doubled.is_empty() {
        meta::set(object, "ownerReferences", Value::Array(kept));
    }
    doubled
}

fn check_owners(object: &Value, errors: &mut Vec<FieldError>) {
    let mut controller: Option<String> = None;
    for owner in meta::owners(object) {
        let field = |key: &str| format!("metadata.ownerReferences.{key}");
        let text = |key: &str| meta::text(owner, &[key]);
        for (key, why) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            if text(key).is_empty() {
                errors.push(FieldError::invalid(field(key), &json!(""), why));
            }
        }
        if text("apiVersion") == "v1" && text("kind") == "Event" {
            errors.push(FieldError::invalid(
                "metadata.ownerReferences",
                owner,
                "/v1, Kind=Event is disallowed from being an owner",
            ));
        }
        if owner["controller"].as_bool() == Some(true) {
            let this = format!("{}/{}", text("kind"), text("name"));
            match &controller {
                Some(first) => errors.push(FieldError::invalid(
                    "metadata.ownerReferences",
                    &object["metadata"]["ownerReferences"],
                    &format!(
                        "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"
                    ),
                )),
                None => controller = Some(this),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{NameRule, finalizer_warnings, name_faults, qualified_name_faults};

    #[test]
    fn names_are_checked() {
        for (rule, name, legal) in [
            (NameRule::Label, "a", true),
            (NameRule::Label, "a-1", true),
            (NameRule::Label, "-a", false),
            (NameRule::Label, "A", false),
            (NameRule::Label, "", false),
            (NameRule::Label, "a.b", false),
            (NameRule::Subdomain, "a.b", true),
            (NameRule::Subdomain, "a..b", false),
            (NameRule::ServiceLabel, "1a", false),
            (NameRule::ServiceLabel, "a1", true),
            (NameRule::PathSegment, "system:node", true),
            (NameRule::PathSegment, "a/b", false),
            (NameRule::PathSegment, "..", false),
        ] {
            assert_eq!(name_faults(rule, name).is_empty(), legal, "{rule:?} {name}");
        }
        assert_eq!(name_faults(NameRule::Label, "a.b"), ["must not contain dots"]);
        for (key, legal) in [
            ("a", true),
            ("x.io/Name", true),
            ("X.io/a", false),
            ("a/", false),
            ("/a", false),
            ("a/b/c", false),
        ] {
            assert_eq!(qualified_name_faults(key).is_empty(), legal, "{key}");
        }
    }

    #[test]
    fn only_new_finalizers_without_a_domain_are_warned_of() {
        let object = json!({"metadata": {"finalizers": ["hold", "x.io", "x.io/a", "orphan", "old"]}});
        let live = json!({"metadata": {"finalizers": ["old"]}});
        let said = finalizer_warnings(&object, Some(&live));
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said[0].starts_with("metadata.finalizers: \"hold\": prefer a domain-qualified finalizer name to")
        );
        assert!(said[1].contains("\"x.io\": prefer a domain-qualified finalizer name including a path (/)"));
    }
}
