use std::time::Duration;

use capt_api::{CAPTCluster, Cluster, TerraformWorkspace, WorkspaceTemplateApply};
use serde_json::{Value, json};

use super::{Change, Goal, Journal, Verdict, clock, render};
use crate::picture::{Node, NodeKey, NodeKind, Picture};

fn read<K: serde::de::DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap()
}

fn metadata(owner: Option<&str>) -> Value {
    let owners = owner.map(|kind| json!({ "apiVersion": "x/v1", "kind": kind, "name": "demo", "uid": "1" }));
    json!({ "name": "demo", "namespace": "default", "ownerReferences": owners.into_iter().collect::<Vec<_>>() })
}

fn cluster(available: &str) -> Node {
    Node::from(&read::<Cluster>(json!({
        "metadata": metadata(None),
        "spec": { "infrastructureRef": {
            "apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "CAPTCluster", "name": "demo",
        } },
        "status": { "phase": "Provisioning", "conditions": [condition("Available", available)] },
    })))
}

fn infrastructure(status: &Value) -> Node {
    Node::from(&read::<CAPTCluster>(json!({
        "metadata": metadata(Some("Cluster")),
        "spec": { "region": "r", "vpcTemplateRef": { "name": "t" } },
        "status": status,
    })))
}

fn apply() -> Node {
    Node::from(&read::<WorkspaceTemplateApply>(json!({
        "metadata": metadata(Some("CAPTCluster")), "spec": { "templateRef": { "name": "t" } },
        "status": { "state": "Provisioning" },
    })))
}

fn workspace(state: &str, percent: i32, current: &str) -> Node {
    Node::from(&read::<TerraformWorkspace>(json!({
        "metadata": metadata(Some("WorkspaceTemplateApply")),
        "spec": { "forProvider": { "source": "Inline", "module": "x" } },
        "status": { "state": state, "progress": {
            "percentComplete": percent, "completedSteps": 2, "totalSteps": 5, "currentOperation": current,
        } },
    })))
}

fn condition(type_: &str, status: &str) -> Value {
    json!({
        "type": type_, "status": status, "reason": "R", "message": "", "lastTransitionTime": "2027-01-15T08:00:00Z",
    })
}

fn picture(nodes: impl IntoIterator<Item = Node>) -> Picture {
    let mut picture = Picture::default();
    for node in nodes {
        picture.set(node);
    }
    picture
}

fn demo() -> Goal {
    Goal::new([NodeKey::new(NodeKind::Cluster, "default", "demo")])
}

#[test]
fn a_change_is_told_once() {
    let mut journal = Journal::default();
    let mut say = |change: Change, seconds| journal.note(&change, Duration::from_secs(seconds));
    let node = || {
        Change::Set(Box::new(workspace(
            "Provisioning",
            38,
            "applying terraform_data.cluster",
        )))
    };
    assert_eq!(
        say(node(), 3).as_deref(),
        Some("00:03 TerraformWorkspace/demo Provisioning 38% 2/5 applying terraform_data.cluster")
    );
    assert_eq!(say(node(), 4), None);
    let key = NodeKey::new(NodeKind::Workspace, "default", "demo");
    assert_eq!(
        say(Change::Gone(key.clone()), 61).as_deref(),
        Some("01:01 TerraformWorkspace/demo gone")
    );
    assert_eq!(say(Change::Gone(key), 62), None);
    assert_eq!(clock(Duration::from_hours(2)), "120:00");
}

#[test]
fn a_terminal_shows_bars_and_the_resources_that_are_worked_on() {
    let picture = picture([
        cluster("False"),
        infrastructure(&json!({ "state": "Provisioning", "progress": { "percentComplete": 38 } })),
        apply(),
        workspace("Provisioning", 40, "applying terraform_data.a, terraform_data.b"),
    ]);
    assert_eq!(
        render(&picture, 100),
        [
            "Cluster demo          … Provisioning",
            "└─ VPC demo           … Provisioning ███████░░░░░░░░░░░░░  38%",
            "   └─ Workspace demo  … Provisioning ████████░░░░░░░░░░░░  40% 2/5",
            "           • terraform_data.a",
            "           • terraform_data.b",
        ]
    );
    assert!(render(&picture, 30).iter().all(|line| line.chars().count() <= 30));
}

#[test]
fn a_goal_is_reached_when_all_that_was_asked_for_is_ready() {
    assert_eq!(demo().verdict(&picture([])), Verdict::Waiting);
    assert_eq!(demo().verdict(&picture([cluster("False")])), Verdict::Waiting);
    assert_eq!(demo().verdict(&picture([cluster("True")])), Verdict::Reached);
    assert_eq!(Goal::default().verdict(&picture([])), Verdict::Reached);
}

#[test]
fn a_goal_is_out_of_reach_when_what_makes_it_has_stopped() {
    let failed = workspace("Failed", 40, "");
    let going = infrastructure(&json!({ "state": "Provisioning" }));
    // Its parent may still be about to do something.
    let early = picture([cluster("False"), going, apply(), failed.clone()]);
    assert_eq!(demo().verdict(&early), Verdict::Waiting);
    let stopped = infrastructure(&json!({ "state": "Failed" }));
    let late = picture([cluster("False"), stopped.clone(), apply(), failed.clone()]);
    assert_eq!(
        demo().verdict(&late),
        Verdict::Stuck(vec![failed.key, stopped.key])
    );
}

/// The same object under another name.
fn called(mut node: Node, name: &str) -> Node {
    node.key.name = name.to_owned();
    if let Some(parent) = &mut node.parent {
        parent.name = name.to_owned();
    }
    node
}

#[test]
fn who_is_stuck_is_told_from_who_is_still_under_way() {
    let stopped = infrastructure(&json!({ "state": "Failed" }));
    let going = called(infrastructure(&json!({ "state": "Provisioning" })), "other");
    // Of no concern: nobody asked for it.
    let stray = called(workspace("Failed", 40, ""), "stray");
    let picture = picture([
        cluster("False"),
        stopped.clone(),
        called(cluster("False"), "other"),
        going,
        called(cluster("True"), "ready"),
        stray,
    ]);
    let key = |name: &str| NodeKey::new(NodeKind::Cluster, "default", name);
    let goal = Goal::new([key("demo"), key("other"), key("ready")]);
    assert_eq!(goal.verdict(&picture), Verdict::Stuck(vec![stopped.key]));
    assert_eq!(goal.stuck(&picture).collect::<Vec<_>>(), [&key("demo")]);
    assert_eq!(goal.under_way(&picture).collect::<Vec<_>>(), [&key("other")]);
}

#[test]
fn what_waits_for_an_approval_or_is_stalled_needs_a_person_too() {
    let verdict = |status: &Value| demo().verdict(&picture([cluster("False"), infrastructure(status)]));
    let condition = |type_: &str, reason: &str| {
        json!({ "state": "Provisioning", "conditions": [{
            "type": type_, "status": "True", "reason": reason, "message": "", "lastTransitionTime": "2027-01-15T08:00:00Z",
        }] })
    };
    let key = NodeKey::new(NodeKind::Infrastructure, "default", "demo");
    assert_eq!(verdict(&condition("Reconciling", "Creating")), Verdict::Waiting);
    assert_eq!(
        verdict(&condition("Stalled", "BudgetExhausted")),
        Verdict::Stuck(vec![key])
    );
    // It may still end well.
    assert_eq!(verdict(&condition("Stalled", "Overdue")), Verdict::Waiting);
}
