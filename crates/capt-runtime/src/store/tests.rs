use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::ObjectMeta;

use super::*;

fn object(name: &str, uid: &str, resource_version: u64) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            namespace: Some("ns".to_owned()),
            name: Some(name.to_owned()),
            uid: Some(uid.to_owned()),
            resource_version: Some(resource_version.to_string()),
            generation: Some(1),
            managed_fields: Some(Vec::new()),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}

fn store(objects: &[(&str, &str, u64)]) -> (Store<ConfigMap>, Vec<Difference>) {
    let store = Store::default();
    let differences = relist(&store, objects);
    (store, differences)
}

fn relist(store: &Store<ConfigMap>, objects: &[(&str, &str, u64)]) -> Vec<Difference> {
    store.begin();
    for (name, uid, version) in objects {
        store.receive(object(name, uid, *version));
    }
    store.complete()
}

fn names(differences: &[Difference]) -> Vec<(&str, bool)> {
    differences
        .iter()
        .map(|difference| (difference.key.name.as_str(), difference.removed))
        .collect()
}

fn delete(store: &Store<ConfigMap>, object: &ConfigMap) -> Option<Difference> {
    store.delete(&ObjectKey::of(object), &Version::of(object))
}

#[test]
fn a_new_list_says_what_came_changed_and_went() {
    let (store, first) = store(&[("b", "u2", 2), ("a", "u1", 1), ("c", "u3", 3)]);
    assert_eq!(names(&first), [("a", false), ("b", false), ("c", false)]);
    let second = relist(&store, &[("a", "u1", 1), ("b", "u2", 5), ("d", "u4", 6)]);
    assert_eq!(names(&second), [("b", false), ("c", true), ("d", false)]);
    assert_eq!(store.shown(&ObjectKey::new("ns", "c")).high_water, Some(6));
    assert_eq!(store.len(), 3);
}

#[test]
fn an_incomplete_list_changes_nothing() {
    let (store, _) = store(&[("a", "u1", 1)]);
    store.begin();
    store.receive(object("b", "u2", 2));
    assert_eq!(store.keys(), [ObjectKey::new("ns", "a")]);
}

#[test]
fn replayed_and_older_events_are_no_news() {
    let (store, _) = store(&[("a", "u1", 5)]);
    assert_eq!(store.apply(object("a", "u1", 5)), None);
    assert_eq!(store.apply(object("a", "u1", 4)), None);
    assert!(store.apply(object("a", "u1", 6)).is_some());
}

#[test]
fn the_end_of_a_predecessor_does_not_remove_the_successor() {
    let (store, _) = store(&[("a", "new", 9)]);
    assert_eq!(delete(&store, &object("a", "old", 8)), None);
    assert_eq!(store.len(), 1);
    assert!(delete(&store, &object("a", "new", 10)).is_some_and(|it| it.removed));
    assert_eq!(store.len(), 0);
}

#[test]
fn a_difference_says_what_has_changed() {
    let (store, _) = store(&[("a", "u", 1)]);
    let apply = |object: &ConfigMap| store.apply(object.clone()).unwrap().extent;
    assert_eq!(apply(&object("a", "u", 2)), Extent::Status);
    let mut changed = object("a", "u", 3);
    changed
        .annotations_mut()
        .insert("retry".to_owned(), "1".to_owned());
    assert_eq!(apply(&changed), Extent::Metadata);
    changed.metadata.generation = Some(2);
    changed.metadata.resource_version = Some("4".to_owned());
    assert_eq!(apply(&changed), Extent::Spec);
    changed.metadata.generation = None;
    changed.metadata.resource_version = Some("5".to_owned());
    assert_eq!(apply(&changed), Extent::Spec);
    changed.metadata.resource_version = Some("6".to_owned());
    assert_eq!(
        apply(&changed),
        Extent::Metadata,
        "without a generation nobody knows"
    );
    assert_eq!(apply(&object("a", "v", 7)), Extent::Spec);
}

#[test]
fn others_hear_of_a_direct_answer_when_the_watch_shows_it() {
    let (store, _) = store(&[("a", "u", 1), ("b", "v", 2)]);
    let key = |name| ObjectKey::new("ns", name);
    store.put(&key("a"), Some(object("a", "u", 7)));
    assert!(
        store.apply(object("a", "u", 7)).is_some(),
        "news to everyone else"
    );
    assert_eq!(store.apply(object("a", "u", 7)), None);
    store.put(&key("a"), Some(object("a", "u", 8)));
    store.put(&key("b"), None);
    assert_eq!(
        names(&relist(&store, &[("a", "u", 8)])),
        [("a", false), ("b", true)]
    );
    assert!(relist(&store, &[("a", "u", 8)]).is_empty());
}

#[test]
fn managed_fields_are_not_kept() {
    let (store, _) = store(&[("a", "u", 1)]);
    let kept = store.get(&ObjectKey::new("ns", "a")).unwrap();
    assert_eq!(kept.metadata.managed_fields, None);
}

#[test]
fn a_direct_answer_is_kept_against_a_watch_that_is_behind() {
    let (store, _) = store(&[("a", "u", 1)]);
    let key = ObjectKey::new("ns", "a");
    store.put(&key, Some(object("a", "u", 7)));
    assert_eq!(store.apply(object("a", "u", 3)), None);
    store.put(&key, None);
    assert!(store.get(&key).is_none());
}

#[test]
fn lists_stay_inside_their_namespace() {
    let (store, _) = store(&[("a", "u", 1)]);
    let mut other = object("z", "v", 2);
    other.metadata.namespace = Some("ns2".to_owned());
    store.apply(other);
    assert_eq!(store.list(Some("ns")).len(), 1);
    assert_eq!(store.list(None).len(), 2);
}
