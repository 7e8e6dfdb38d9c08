//! What every object that we write has, and whether a live one is what we would write.

use std::collections::BTreeMap;

use capt_api::keys;
use capt_runtime::Kind;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::Value;

/// The annotation that holds a digest of everything we set on an object.
///
/// Without it nobody could tell that a field was left out which an earlier version had set: what is in the
/// object beside our fields may be somebody else's.
pub(crate) const RENDERED: &str = "capt.infrastructure.cluster.x-k8s.io/rendered";

/// The metadata of a child of `parent`: its namespace, the label of its Cluster, whose it is, the requests of people.
pub(crate) fn child_metadata(
    name: String,
    parent: &ObjectMeta,
    owner: Option<OwnerReference>,
    cluster: Option<&str>,
) -> ObjectMeta {
    let label = |name: &str| BTreeMap::from([(keys::CLUSTER_NAME.to_owned(), name.to_owned())]);
    let mut annotations = requests(parent);
    if let Some(owner) = &owner {
        annotations.insert(keys::OWNER.to_owned(), format!("{}/{}", owner.kind, owner.name));
    }
    ObjectMeta {
        name: Some(name),
        namespace: parent.namespace.clone(),
        labels: cluster.map(label),
        annotations: (!annotations.is_empty()).then_some(annotations),
        owner_references: owner.map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

/// The requests of people (retry, approve, unlock), which go down to whoever can honour them.
pub(crate) fn requests(metadata: &ObjectMeta) -> BTreeMap<String, String> {
    metadata
        .annotations
        .iter()
        .flatten()
        .filter(|(key, _)| is_request(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The Cluster that the label of an object names.
pub(crate) fn cluster_label(metadata: &ObjectMeta) -> Option<&str> {
    let name = metadata.labels.as_ref()?.get(keys::CLUSTER_NAME)?;
    Some(name.as_str()).filter(|name| !name.is_empty())
}

/// What an object is made from, for the digest of its parent's input: everything but identities, and what people
/// ask for. A request is no input: nothing else is applied because of it.
pub(crate) fn essence<K: Kind>(object: &K) -> Value {
    let mut object = object.clone();
    object.meta_mut().owner_references = None;
    take_requests(object.meta_mut());
    serde_json::to_value(object).unwrap_or_default()
}

/// The same metadata without the requests of people.
pub(crate) fn take_requests(metadata: &mut ObjectMeta) {
    if let Some(annotations) = &mut metadata.annotations {
        annotations.retain(|key, _| !is_request(key));
        if annotations.is_empty() {
            metadata.annotations = None;
        }
    }
}

fn is_request(key: &str) -> bool {
    [keys::RETRY, keys::APPROVE, keys::UNLOCK].contains(&key)
}

/// Writes the digest of `object` into it, once it is complete.
pub(crate) fn stamp<K: Kind>(object: &mut K) {
    if let Some(annotations) = &mut object.meta_mut().annotations {
        annotations.remove(RENDERED);
    }
    let digest = capt_status::digest(&essence(object));
    object
        .meta_mut()
        .annotations
        .get_or_insert_default()
        .insert(RENDERED.to_owned(), digest);
}

/// Whether `live` is what applying `wanted` would make of it.
pub(crate) fn matches<K: Kind>(wanted: &K, live: &K) -> bool {
    match (serde_json::to_value(wanted), serde_json::to_value(live)) {
        (Ok(wanted), Ok(live)) => covers(&wanted, &live),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

/// Whether everything in `wanted` is in `live`: the API server and other people may have added to it.
///
/// A field that is null counts as left out. A list may hold more elements in between.
fn covers(wanted: &Value, live: &Value) -> bool {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => wanted.iter().all(|(name, wanted)| {
            let live = live.get(name).unwrap_or(&Value::Null);
            match wanted {
                // An empty collection may be left out on the way.
                Value::Object(fields) if fields.is_empty() && live.is_null() => true,
                Value::Array(items) if items.is_empty() && live.is_null() => true,
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_)
                | Value::Object(_) => covers(wanted, live),
            }
        }),
        (Value::Array(wanted), Value::Array(live)) => {
            let mut live = live.iter();
            wanted
                .iter()
                .all(|wanted| live.any(|candidate| covers(wanted, candidate)))
        }
        (wanted, live) => wanted == live,
    }
}

#[cfg(test)]
mod tests {
    use capt_api::WorkspaceTemplateApply;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_added_does_not_count_and_what_is_ours_does() {
        let wanted =
            json!({ "a": 1, "list": [{ "key": "x", "v": 1 }, { "key": "z" }], "none": null, "empty": [] });
        for (live, same) in [
            (
                json!({ "a": 1, "list": [{ "key": "x", "v": 1 }, { "key": "z" }] }),
                true,
            ),
            (
                json!({ "a": 1, "b": 2, "list": [{ "key": "x", "v": 1, "w": 2 }, { "key": "y" }, { "key": "z" }] }),
                true,
            ),
            (
                json!({ "a": 2, "list": [{ "key": "x", "v": 1 }, { "key": "z" }] }),
                false,
            ),
            (
                json!({ "a": 1, "list": [{ "key": "z" }, { "key": "x", "v": 1 }] }),
                false,
            ),
            (json!({ "a": 1, "list": [{ "key": "x", "v": 1 }] }), false),
            (json!({ "a": 1 }), false),
            (
                json!({ "a": 1, "list": [{ "key": "x", "v": 1 }, { "key": "z" }], "none": 1 }),
                false,
            ),
        ] {
            assert_eq!(covers(&wanted, &live), same, "{live}");
        }
    }

    fn apply(variables: &Value) -> WorkspaceTemplateApply {
        let mut apply: WorkspaceTemplateApply = serde_json::from_value(json!({
            "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1",
            "kind": "WorkspaceTemplateApply",
            "metadata": { "name": "a", "namespace": "ns" },
            "spec": { "templateRef": { "name": "t" }, "variables": variables },
        }))
        .unwrap();
        stamp(&mut apply);
        apply
    }

    #[test]
    fn a_field_that_is_no_longer_set_is_a_difference() {
        let before = apply(&json!({ "a": "1", "b": "2" }));
        let mut live = before.clone();
        live.metadata.resource_version = Some("7".to_owned());
        live.spec.retain_workspace_on_delete = Some(true);
        assert!(matches(&before, &live));
        assert!(!matches(&apply(&json!({ "a": "1" })), &live));
    }

    #[test]
    fn a_request_is_no_part_of_what_an_object_is_made_from() {
        let mut asked = apply(&json!({}));
        let annotations = asked.metadata.annotations.get_or_insert_default();
        annotations.insert(keys::RETRY.to_owned(), "1".to_owned());
        let before = apply(&json!({}));
        assert_eq!(essence(&asked), essence(&before));
        stamp(&mut asked);
        let rendered =
            |apply: &WorkspaceTemplateApply| apply.metadata.annotations.as_ref()?.get(RENDERED).cloned();
        assert!(matches(&asked, &asked));
        assert!(!matches(&asked, &before), "it has to be handed down all the same");
        take_requests(&mut asked.metadata);
        assert!(
            matches(&asked, &before),
            "{:?} {:?}",
            rendered(&asked),
            rendered(&before)
        );
    }

    #[test]
    fn only_requests_are_handed_down() {
        let parent = ObjectMeta {
            annotations: Some(
                [(keys::RETRY, "1"), (keys::PAUSED, ""), ("x", "y")]
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .into(),
            ),
            ..ObjectMeta::default()
        };
        let child = child_metadata("c".to_owned(), &parent, None, Some("demo"));
        assert_eq!(
            child.annotations,
            Some([(keys::RETRY.to_owned(), "1".to_owned())].into())
        );
        assert_eq!(cluster_label(&child), Some("demo"));
    }
}
