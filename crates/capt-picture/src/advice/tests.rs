use jiff::{SignedDuration, Timestamp};

use super::{Verdict, advise, next_step, removal, standstill};
use crate::node::{Failure, Said, Waiting};
use crate::{Node, NodeKey, NodeKind, Picture, Reference};

const CREATED: Timestamp = Timestamp::UNIX_EPOCH;

fn key(kind: NodeKind, name: &str) -> NodeKey {
    NodeKey::new(kind, "default", name)
}

fn after(seconds: i64) -> Timestamp {
    CREATED + SignedDuration::from_secs(seconds)
}

/// An object as it should be.
fn settled(kind: NodeKind, name: &str) -> Node {
    let mut node = Node::new(key(kind, name));
    node.created = Some(CREATED);
    node.since = Some(CREATED);
    node.ready = true;
    node.state = if kind == NodeKind::Cluster {
        "Provisioned"
    } else {
        "Ready"
    }
    .to_owned();
    node
}

fn wait(on: &str, reason: &str, message: &str) -> Waiting {
    Waiting {
        on: on.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        since: Some(CREATED),
    }
}

/// A ready cluster whose parts are made from each other, changed by `change`.
fn cluster(change: impl Fn(&mut Node)) -> Picture {
    let mut picture = Picture::default();
    let mut root = settled(NodeKind::Cluster, "demo");
    for (field, kind) in [
        ("spec.infrastructureRef", NodeKind::Infrastructure),
        ("spec.controlPlaneRef", NodeKind::ControlPlane),
    ] {
        root.needs.push(Reference::new(field, key(kind, "demo")));
        let mut part = settled(kind, "demo");
        part.parent = Some(root.key.clone());
        let name = if kind == NodeKind::ControlPlane {
            "eks"
        } else {
            "vpc"
        };
        let mut apply = settled(NodeKind::Apply, name);
        apply.parent = Some(part.key.clone());
        let mut workspace = settled(NodeKind::Workspace, name);
        workspace.parent = Some(apply.key.clone());
        for mut node in [part, apply, workspace] {
            change(&mut node);
            picture.set(node);
        }
    }
    change(&mut root);
    picture.set(root);
    picture
}

/// What is advised, and whether a person has to act.
fn said(picture: &Picture, now: Timestamp) -> (Verdict, bool, String) {
    let advice = advise(picture, &key(NodeKind::Cluster, "demo"), "capt", now);
    (advice.verdict, advice.needed, advice.to_string())
}

fn is(node: &Node, kind: NodeKind, name: &str) -> bool {
    node.key == key(kind, name)
}

/// Takes something from an object that is as it should be.
type Spoil = fn(&mut Node);

#[test]
fn nothing_need_be_done_only_while_each_object_is_as_it_should_be() {
    let (verdict, needed, text) = said(&cluster(|_| {}), after(3600));
    assert_eq!((verdict, needed), (Verdict::Ready, false));
    assert!(
        text.starts_with("nothing need be done: all is as wanted"),
        "{text}"
    );

    let spoil: [(&str, Spoil); 5] = [
        ("not ready", |node| node.ready = false),
        ("another state", |node| node.state = "Validating".to_owned()),
        ("a wait", |node| {
            node.waits = vec![wait("moon", "Tide", "the tide is low")];
        }),
        ("in deletion", |node| {
            node.deleting = true;
            node.deleting_since = Some(CREATED);
        }),
        ("a change that nobody has seen", |node| node.observed = false),
    ];
    for (what, spoil) in spoil {
        for (kind, name) in [
            (NodeKind::Infrastructure, "demo"),
            (NodeKind::ControlPlane, "demo"),
            (NodeKind::Apply, "vpc"),
            (NodeKind::Workspace, "eks"),
        ] {
            let picture = cluster(|node| {
                if is(node, kind, name) {
                    spoil(node);
                }
            });
            let (verdict, _, text) = said(&picture, after(3600));
            assert_ne!(verdict, Verdict::Ready, "{what} {kind:?}: {text}");
            assert!(!text.contains("all is as wanted"), "{what} {kind:?}: {text}");
        }
    }
}

#[test]
fn what_stands_still_is_told_by_its_cause_and_only_after_a_while() {
    let picture = cluster(|node| {
        if is(node, NodeKind::Infrastructure, "demo") {
            node.state = "Validating".to_owned();
            node.ready = false;
            node.waits = vec![wait("VPC", "TideLow", "the tide is low")];
        }
        if is(node, NodeKind::ControlPlane, "demo") {
            node.state = "Validating".to_owned();
            node.ready = false;
            node.waits = vec![wait("CAPTCluster/demo", "WaitingForVPC", "waiting for the VPC")];
        }
    });
    let (verdict, needed, text) = said(&picture, after(120));
    assert_eq!((verdict, needed), (Verdict::Waiting, true));
    assert!(
        text.starts_with("CAPTCluster/demo waits for 2m0s: the tide is low\n"),
        "{text}"
    );
    assert!(
        text.contains("kubectl -n default events --for captcluster/demo"),
        "{text}"
    );
    assert!(!text.contains("waiting for the VPC"), "{text}");
    // There may be somebody who sees to it.
    let (verdict, needed, text) = said(&picture, after(20));
    assert_eq!((verdict, needed), (Verdict::Provisioning, false), "{text}");
}

#[test]
fn while_somebody_is_at_work_nothing_stands_still() {
    for (state, acts) in [
        ("Provisioning", true),
        ("Configuring", true),
        ("Degraded", true),
        ("Pending", false),
    ] {
        let picture = cluster(|node| {
            if is(node, NodeKind::Workspace, "vpc") || is(node, NodeKind::Infrastructure, "demo") {
                node.ready = false;
                node.state = "Validating".to_owned();
            }
            if is(node, NodeKind::Workspace, "vpc") {
                node.state = state.to_owned();
            }
        });
        let belonging = picture.belonging("default", "demo");
        let still = standstill::steps(&picture, &belonging, after(3600));
        assert_eq!(still.is_empty(), acts, "{state}: {still:?}");
    }
}

#[test]
fn a_try_that_is_long_due_is_found_out() {
    let picture = cluster(|node| {
        if is(node, NodeKind::Workspace, "vpc") {
            node.ready = false;
            node.state = "Recovering".to_owned();
            node.attempts.next = Some(after(600));
        }
    });
    let (_, needed, text) = said(&picture, after(650));
    assert!(!needed, "{text}");
    let (_, needed, text) = said(&picture, after(900));
    assert!(needed, "{text}");
    assert!(
        text.starts_with("TerraformWorkspace/vpc was to be tried again 5m0s ago"),
        "{text}"
    );
}

#[test]
fn a_cluster_that_is_not_available_says_why_and_an_old_one_need_not_say_it() {
    let available = |status: &str| {
        let said = Said {
            kind: "Available".to_owned(),
            status: status.to_owned(),
            reason: "NotAvailable".to_owned(),
            message: "no connection to the API server".to_owned(),
            since: CREATED,
        };
        cluster(move |node| {
            if node.key.kind == NodeKind::Cluster {
                node.ready = said.status == "True";
                node.conditions = vec![said.clone()];
            }
        })
    };
    assert_eq!(said(&available("True"), after(600)).0, Verdict::Ready);
    let (_, needed, text) = said(&available("False"), after(600));
    assert!(
        needed && text.contains("no connection to the API server"),
        "{text}"
    );
    let old = cluster(|node| node.ready = node.key.kind != NodeKind::Cluster);
    assert_eq!(said(&old, after(600)).0, Verdict::Ready);
}

#[test]
fn who_needs_an_object_is_looked_up_where_it_is() {
    let mut held = settled(NodeKind::Workspace, "vpc");
    held.deleting = true;
    let on = "TerraformWorkspace/eks, TerraformWorkspace/x in namespace far, TerraformWorkspace/gone, CAPTCluster/leaving";
    held.waits = vec![wait(on, "WaitingForDependents", "they must be gone first")];
    let mut picture = Picture::default();
    picture.set(settled(NodeKind::Workspace, "eks"));
    picture.set(Node::missing(key(NodeKind::Workspace, "gone")));
    // It goes with the Cluster that it was made for.
    let mut root = settled(NodeKind::Cluster, "old");
    root.deleting = true;
    let mut leaving = settled(NodeKind::Infrastructure, "leaving");
    leaving.parent = Some(root.key.clone());
    picture.set(root);
    picture.set(leaving);
    picture.set(held.clone());
    // Nobody has looked into the other namespace.
    let needed = ["TerraformWorkspace/eks", "TerraformWorkspace/x in namespace far"];
    assert_eq!(removal::needed_by(&picture, &held), needed);
    let mut far = Node::new(NodeKey::new(NodeKind::Workspace, "far", "x"));
    far.deleting = true;
    picture.set(far);
    assert_eq!(removal::needed_by(&picture, &held), needed[..1]);
    held.waits[0].reason = "Destroying".to_owned();
    assert!(removal::needed_by(&picture, &held).is_empty());
}

#[test]
fn what_holds_up_the_deletion_of_a_whole_cluster_is_told_too() {
    let picture = cluster(|node| {
        node.deleting = true;
        node.deleting_since = Some(CREATED);
        node.operation = Some("Deleting".to_owned());
        if is(node, NodeKind::Workspace, "vpc") {
            node.waits = vec![wait(
                "TerraformWorkspace/other",
                "WaitingForDependents",
                "it must be gone first",
            )];
        }
    });
    let (verdict, needed, text) = said(&picture, after(600));
    assert_eq!((verdict, needed), (Verdict::Deleting, true));
    assert!(
        text.starts_with(
            "TerraformWorkspace/vpc is being deleted, and nothing is done about it while TerraformWorkspace/other needs \
             it: delete that as well"
        ),
        "{text}"
    );
}

/// The first line of the next step for a workspace with a fault.
fn step(code: &str, subject: &str, position: &str) -> String {
    let mut node = settled(NodeKind::Workspace, "vpc");
    node.ready = false;
    node.state = "Failed".to_owned();
    node.fault = Some(Failure {
        source: None,
        class: "Invalid".to_owned(),
        code: code.to_owned(),
        subject: subject.to_owned(),
        message: "it is wrong".to_owned(),
        position: position.to_owned(),
    });
    let step = next_step(&Picture::default(), &node).unwrap().to_string();
    step.lines().next().unwrap().to_owned()
}

#[test]
fn each_mistake_in_a_module_has_its_step() {
    let module = "spec.forProvider.module:3,5";
    for (code, subject, position, expected) in [
        (
            "CheckFailed",
            "terraform_data.vpc",
            module,
            "correct terraform_data.vpc in TerraformWorkspace/vpc, spec.forProvider.module, line 3, column 5; the change \
             starts it again",
        ),
        (
            "InvalidFunctionCall",
            "",
            module,
            "correct TerraformWorkspace/vpc, spec.forProvider.module, line 3, column 5; the change starts it again",
        ),
        (
            "MissingVariable",
            "var.vpc_id",
            module,
            "give the variable vpc_id a value where the template is used, or a default in the template; the change starts \
             it again",
        ),
        (
            "InvalidVariable",
            "var.nodes",
            module,
            "give the variable nodes a value that its type and its rules in the template allow, or correct them \
             (TerraformWorkspace/vpc, spec.forProvider.module, line 3, column 5); the change starts it again",
        ),
        (
            "InvalidVariable",
            "spec.forProvider.varmap",
            "",
            "correct spec.forProvider.varmap; the change starts it again",
        ),
        (
            "Cycle",
            "",
            "",
            "take one of the references out of the template that the message names in a circle; the change starts it again",
        ),
        (
            "CoreVersion",
            "",
            module,
            "correct the version that the template requires, or run the operator with a Terraform that has it",
        ),
        (
            "ProviderUnknown",
            "terraform_data.a",
            "",
            "correct terraform_data.a; the change starts it again",
        ),
        (
            "ProviderUnknown",
            "",
            "",
            "correct what the message names; the change starts it again",
        ),
    ] {
        let title = "TerraformWorkspace/vpc: ";
        assert_eq!(
            step(code, subject, position),
            format!("{title}{expected}"),
            "{code} {subject}"
        );
    }
}
