use super::{parse, sort};

fn names(text: &str) -> Vec<String> {
    let mut manifests = parse("f.yaml", text).unwrap();
    sort(&mut manifests);
    manifests
        .iter()
        .map(|it| format!("{} {}", it.gvk.kind, it.object["metadata"]["name"]))
        .collect()
}

fn object(kind: &str, name: &str) -> String {
    format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n")
}

#[test]
fn what_others_need_comes_first_and_the_rest_stays_in_order() {
    let kinds = [
        "CAPTCluster",
        "Cluster",
        "Secret",
        "WorkspaceTemplate",
        "Namespace",
        "CustomResourceDefinition",
    ];
    let documents: Vec<String> = kinds.iter().map(|kind| object(kind, "x")).collect();
    assert_eq!(
        names(&documents.join("---\n")),
        [
            "Namespace \"x\"",
            "CustomResourceDefinition \"x\"",
            "WorkspaceTemplate \"x\"",
            "Secret \"x\"",
            "CAPTCluster \"x\"",
            "Cluster \"x\""
        ]
    );
}

#[test]
fn empty_documents_do_not_count_and_lists_are_taken_apart() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n\
                - {apiVersion: v1, kind: Secret, metadata: {name: b}}\n";
    let text = format!(
        "# a comment\n---\n\n--- # another\n{list}...\n---\n{}",
        object("ConfigMap", "c")
    );
    assert_eq!(names(&text), ["Secret \"a\"", "Secret \"b\"", "ConfigMap \"c\""]);
}

#[test]
fn the_place_of_a_mistake_is_named() {
    let fails = |text: &str| parse("f.yaml", text).unwrap_err().to_string();
    let good = object("Secret", "x");
    assert_eq!(
        fails(&format!("{good}---\nkind: [\n")),
        "f.yaml, document 2: parse the YAML"
    );
    assert_eq!(
        fails("kind: Secret\n"),
        "f.yaml, document 1: it has no apiVersion"
    );
    assert_eq!(fails("apiVersion: v1\n"), "f.yaml, document 1: it has no kind");
    assert_eq!(
        fails("apiVersion: v1\nkind: Secret\n"),
        "f.yaml, document 1: it has no metadata.name"
    );
    assert_eq!(fails("- 1\n"), "f.yaml, document 1: it is not an object");
    assert_eq!(
        fails("apiVersion: v1\nkind: List\n"),
        "f.yaml, document 1: the list has no items"
    );
}

#[test]
fn the_demo_is_complete() {
    let mut all = Vec::new();
    for (name, text) in crate::demo::MANIFESTS {
        all.extend(parse(name, text).unwrap());
    }
    let kinds: Vec<&str> = all.iter().map(|it| it.gvk.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "WorkspaceTemplate",
            "WorkspaceTemplate",
            "Cluster",
            "CAPTCluster",
            "CAPTControlPlane"
        ]
    );
}
