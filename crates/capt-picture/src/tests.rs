use capt_api::{Cluster, TerraformWorkspace, WorkspaceTemplateApply};
use serde_json::{Value, json};

use super::{Node, NodeKey, NodeKind, Picture, next_step, status_text, tree};

fn read<K: serde::de::DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap()
}

fn workspace(name: &str, status: &Value) -> Node {
    let object: TerraformWorkspace = read(json!({
        "metadata": { "name": name, "namespace": "default", "ownerReferences": [{
            "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1", "kind": "WorkspaceTemplateApply",
            "name": name, "uid": "1", "controller": true,
        }] },
        "spec": { "forProvider": { "source": "Inline", "module": "x" } },
        "status": status,
    }));
    Node::from(&object)
}

fn apply(name: &str, needs: &[&str]) -> Node {
    let needs: Vec<Value> = needs.iter().map(|name| json!({ "name": name })).collect();
    let object: WorkspaceTemplateApply = read(json!({
        "metadata": { "name": name, "namespace": "default", "labels": { "cluster.x-k8s.io/cluster-name": "demo" } },
        "spec": { "templateRef": { "name": "t" }, "waitForWorkspaces": needs },
    }));
    Node::from(&object)
}

fn titles(picture: &Picture) -> Vec<String> {
    let branches = tree(picture);
    branches
        .iter()
        .map(|it| format!("{}{}", it.arms, it.node.key.title()))
        .collect()
}

#[test]
fn a_line_says_how_far_the_work_is_and_at_what() {
    let node = workspace(
        "a",
        &json!({
            "state": "Provisioning",
            "progress": {
                "operation": "Provision", "currentOperation": "applying terraform_data.cluster",
                "percentComplete": 38, "completedSteps": 2, "totalSteps": 5,
            },
        }),
    );
    assert_eq!(
        status_text(&node),
        "Provisioning 38% 2/5 applying terraform_data.cluster"
    );
}

#[test]
fn a_line_stays_one_line_and_says_what_is_wrong() {
    let node = workspace(
        "a",
        &json!({
            "state": "Failed",
            "progress": { "percentComplete": 38 },
            "fault": { "class": "Invalid", "code": "BadInput", "subject": "spec.x", "message": "first\nsecond" },
        }),
    );
    assert_eq!(status_text(&node), "Failed [BadInput] spec.x: first second");
    let step = next_step(&Picture::default(), &node).unwrap().to_string();
    let retry = "kubectl -n default annotate --overwrite tfws a capt.infrastructure.cluster.x-k8s.io/retry=";
    assert!(step.contains(retry), "{step}");
}

#[test]
fn an_approval_is_asked_for_with_the_digest_that_it_is_for() {
    let node = workspace(
        "a",
        &json!({
            "state": "Failed", "inputDigest": "abc", "pendingApproval": ["destroy aws_vpc.this"],
            "fault": { "class": "Conflict", "code": "ApprovalRequired", "message": "m" },
        }),
    );
    let step = next_step(&Picture::default(), &node).unwrap().to_string();
    assert!(step.contains("destroy aws_vpc.this"), "{step}");
    assert!(
        step.ends_with("tfws a capt.infrastructure.cluster.x-k8s.io/approve=abc"),
        "{step}"
    );
}

#[test]
fn who_goes_on_by_itself_needs_no_step() {
    let node = workspace(
        "a",
        &json!({
            "state": "Recovering",
            "fault": { "class": "Transient", "code": "Throttled", "message": "m" },
        }),
    );
    assert_eq!(next_step(&Picture::default(), &node), None);
}

#[test]
fn nobody_is_told_to_correct_an_object_that_would_only_be_made() {
    let node = workspace(
        "a",
        &json!({
            "state": "Failed",
            "fault": {
                "class": "Invalid", "code": "Invalid", "subject": "Secret default/a-conn", "message": "data: too long",
            },
        }),
    );
    let step = next_step(&Picture::default(), &node).unwrap().to_string();
    assert!(!step.contains("correct Secret"), "{step}");
    assert!(
        step.contains("correct what the message names, in TerraformWorkspace/a"),
        "{step}"
    );
}

#[test]
fn a_definition_that_is_missing_is_named_once() {
    let wait = |on: &str| {
        json!({
            "for": on, "reason": "KindNotServed",
            "message": "TerraformWorkspace default/a: apply its CustomResourceDefinition",
        })
    };
    let mut picture = Picture::default();
    for name in ["a", "b"] {
        let status = json!({ "state": "Provisioning", "waits": [wait("TerraformWorkspace/a"), wait("TerraformWorkspace/b")] });
        picture.set(workspace(name, &status));
    }
    let key = workspace("a", &json!({})).key;
    let steps = crate::advice::missing(&picture, &key, jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(steps.len(), 1, "{steps:?}");
    let step = steps[0].to_string();
    assert!(step.contains("apply its CustomResourceDefinition"), "{step}");
}

#[test]
fn a_cluster_has_what_it_refers_to_and_what_carries_its_label() {
    let cluster: Cluster = read(json!({
        "metadata": { "name": "demo", "namespace": "default" },
        "spec": { "controlPlaneRef": {
            "apiGroup": "controlplane.cluster.x-k8s.io", "kind": "CAPTControlPlane", "name": "demo",
        } },
    }));
    let mut picture = Picture::default();
    picture.set(Node::from(&cluster));
    picture.set(apply("a", &[]));
    picture.set(workspace("a", &json!({})));
    picture.set(workspace("stranger", &json!({})));
    let part = picture.of_cluster("default", "demo");
    assert_eq!(
        titles(&part),
        [
            "Cluster/demo",
            "WorkspaceTemplateApply/a",
            "└─ TerraformWorkspace/a"
        ]
    );
    assert!(picture.of_cluster("other", "demo").nodes().next().is_none());
}

#[test]
fn objects_that_wait_for_each_other_are_named() {
    let mut picture = Picture::default();
    picture.set(apply("a", &["b"]));
    picture.set(apply("b", &["a"]));
    // Neither workspace is made yet; their applies are named like them.
    let drawing = picture.draw();
    let [cycle] = drawing.cycles.as_slice() else {
        panic!("{:?}", drawing.cycles);
    };
    let a = NodeKey::new(NodeKind::Workspace, "default", "a");
    assert!(cycle.path.contains(&a), "{cycle}");
    assert_eq!(cycle.path.first(), cycle.path.last());
    // What does not close the circle is drawn all the same.
    assert_eq!(drawing.graph.len(), 5);
}
