//! Objects that more than one lays claim to.

use super::step::{Step, edit};
use crate::node::{Failure, OWNED_BY_ANOTHER};
use crate::words::one_line;
use crate::{Node, NodeKey, NodeKind};

/// What to do where two Clusters have come upon the same object.
pub(super) fn steps(node: &Node) -> Vec<Step> {
    let title = node.key.title();
    let mut messages: Vec<&str> = Vec::new();
    if node.key.kind == NodeKind::Cluster {
        let conditions = node.conditions.iter().filter(|it| it.reason == OWNED_BY_ANOTHER);
        messages.extend(conditions.map(|it| it.message.as_str()));
    }
    let waits = node.waits.iter().filter(|wait| wait.reason == OWNED_BY_ANOTHER);
    messages.extend(waits.map(|wait| wait.message.as_str()));
    messages.dedup();
    let steps = messages.into_iter().map(|message| {
        let mut step = Step::new(format!("{title}: {}", one_line(message)));
        step.command("to edit it", edit(&node.key));
        step
    });
    steps.collect()
}

/// What to do about an object that is in the way of `node`. Once it is gone, or handed over, it goes on by itself.
pub(super) fn in_the_way(node: &Node, fault: &Failure) -> Option<Step> {
    let title = node.key.title();
    match fault.code.as_str() {
        "ForeignObject" | "ForeignSecret" => {
            let subject = one_line(&fault.subject);
            let (kind, name) = fault.subject.split_once('/')?;
            let key = NodeKey::new(NodeKind::of(kind)?, &*node.key.namespace, name);
            let mut step = Step::new(format!(
                "{title}: {subject} has the name that is needed, and is somebody else's: delete it, or rename one of \
                 the two; it goes on by itself then"
            ));
            let (namespace, resource) = (&key.namespace, key.kind.resource());
            step.command(
                "to see what it is",
                format!("kubectl -n {namespace} describe {resource} {name}"),
            );
            if let Some((verb, mark)) = mark(&fault.message) {
                step.command(
                    "if it may be taken over and overwritten",
                    format!("kubectl -n {namespace} {verb} --overwrite {resource} {name} {mark}"),
                );
            }
            Some(step)
        }
        "SeveralOwners" => {
            let mut step = Step::new(format!(
                "{title}: let one Cluster alone own it: let the others name objects of their own, and take them out \
                 of its metadata.ownerReferences; it goes on by itself then"
            ));
            step.command("to take them out", edit(&node.key));
            Some(step)
        }
        _ => None,
    }
}

/// The mark that hands an object over, with the verb that sets it, where the message of the fault names one.
fn mark(message: &str) -> Option<(&'static str, &str)> {
    let (_, rest) = message.split_once("hand it over with the ")?;
    let (place, rest) = rest.split_once(' ')?;
    let (mark, _) = rest.split_once(": ")?;
    let verb = match place {
        "annotation" => "annotate",
        "label" => "label",
        _ => return None,
    };
    Some((verb, mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advice::Verdict;
    use crate::{Picture, advise};

    fn said(fault: &Failure) -> String {
        let node = Node::new(NodeKey::new(NodeKind::Apply, "default", "demo-vpc"));
        in_the_way(&node, fault).map_or_else(String::new, |step| step.to_string())
    }

    fn fault(code: &str, subject: &str, message: &str) -> Failure {
        Failure {
            class: "Conflict".to_owned(),
            code: code.to_owned(),
            subject: subject.to_owned(),
            message: message.to_owned(),
            position: String::new(),
            source: None,
        }
    }

    #[test]
    fn what_is_in_the_way_is_named_with_what_can_be_typed() {
        let foreign = fault(
            "ForeignObject",
            "TerraformWorkspace/demo-vpc",
            "it exists already; delete it, or hand it over with the annotation a/owner=WorkspaceTemplateApply/demo-vpc: \
             it is overwritten then",
        );
        assert_eq!(
            said(&foreign),
            "WorkspaceTemplateApply/demo-vpc: TerraformWorkspace/demo-vpc has the name that is needed, and is \
             somebody else's: delete it, or rename one of the two; it goes on by itself then\n\
             to see what it is: kubectl -n default describe tfws demo-vpc\n\
             if it may be taken over and overwritten: kubectl -n default annotate --overwrite tfws \
             demo-vpc a/owner=WorkspaceTemplateApply/demo-vpc"
        );
        let secret = fault(
            "ForeignSecret",
            "Secret/demo-ca",
            "it exists already; hand it over with the label c/name=demo: it is overwritten then",
        );
        assert!(said(&secret).ends_with("kubectl -n default label --overwrite secret demo-ca c/name=demo"));
        let controlled = fault(
            "ForeignObject",
            "TerraformWorkspace/demo-vpc",
            "it belongs to another",
        );
        assert!(
            !said(&controlled).contains("overwrite"),
            "nothing can hand that over"
        );
        assert!(
            said(&fault("SeveralOwners", "metadata.ownerReferences", "two"))
                .contains("kubectl -n default edit")
        );
        assert_eq!(said(&fault("ConnectionSecretConflict", "Secret/a", "other")), "");
    }

    /// A Cluster that refers to the `CAPTCluster` demo.
    fn cluster(name: &str, conditions: &serde_json::Value) -> Node {
        let reference = serde_json::json!({
            "apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "CAPTCluster", "name": "demo",
        });
        let cluster: capt_api::Cluster = serde_json::from_value(serde_json::json!({
            "metadata": { "name": name, "namespace": "default", "generation": 1 },
            "spec": { "infrastructureRef": reference },
            "status": { "phase": "Provisioning", "observedGeneration": 1, "conditions": conditions },
        }))
        .unwrap();
        Node::from(&cluster)
    }

    /// The `CAPTCluster` demo with these owners, of which it carries the label of the last.
    fn infrastructure(owners: &[&str]) -> Node {
        let references = owners.iter().map(|name| {
            serde_json::json!({
                "apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster", "name": name, "uid": name,
            })
        });
        let object: capt_api::CAPTCluster = serde_json::from_value(serde_json::json!({
            "metadata": {
                "name": "demo", "namespace": "default", "generation": 1,
                "labels": { "cluster.x-k8s.io/cluster-name": owners.last() },
                "ownerReferences": references.collect::<Vec<_>>(),
            },
            "spec": { "region": "r", "existingVpcId": "vpc-1" },
            "status": { "state": "Ready", "observedGeneration": 1 },
        }))
        .unwrap();
        Node::from(&object)
    }

    #[test]
    fn a_cluster_that_refers_to_another_ones_objects_has_to_let_them_go() {
        let conditions = serde_json::json!([{
            "type": "InfrastructureReady", "status": "False", "reason": "OwnedByAnotherCluster",
            "message": "CAPTCluster demo is owned by Cluster demo; let spec.infrastructureRef name another one",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }]);
        let second = cluster("second", &conditions);
        assert!(second.is_stopped(), "nobody waits for it");
        let key = second.key.clone();
        let mut picture = Picture::default();
        picture.set(second.clone());
        picture.set(infrastructure(&["demo"]));
        assert_eq!(
            picture.children(&key),
            Vec::<&Node>::new(),
            "it is not this one's"
        );
        let advice = advise(&picture, &key, "capt", jiff::Timestamp::UNIX_EPOCH);
        assert!(advice.needed);
        assert_eq!(advice.verdict, Verdict::Failed);
        assert_eq!(
            advice.to_string(),
            "Cluster/second: CAPTCluster demo is owned by Cluster demo; let spec.infrastructureRef name another one\n\
             to edit it: kubectl -n default edit cluster second"
        );
        assert_eq!(crate::next_step(&picture, &second).as_ref(), advice.steps.first());
        // As soon as it is its own.
        picture.set(infrastructure(&["gone", "second"]));
        assert_eq!(picture.children(&key).len(), 1);
    }
}
