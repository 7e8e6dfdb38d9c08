//! What a person can do about an object that does not go on by itself.

use capt_api::keys;
use capt_core::fault::FaultClass;

use super::{Node, NodeKind};

/// The next step, if the object needs one: what to mend, and how to have it tried again.
pub fn next_step(node: &Node) -> Option<String> {
    if !node.approvals.is_empty() {
        let digest = node.input_digest.as_deref().unwrap_or_default();
        return Some(format!(
            "look at what would be destroyed or replaced ({}); if that is meant:\n{}",
            node.approvals.join(", "),
            annotate(node, keys::APPROVE, digest),
        ));
    }
    if node.paused.is_some() {
        return Some("take the pause away when the work may go on".to_owned());
    }
    let fault = node.fault.as_ref().filter(|_| is_stopped(node))?;
    let class = FaultClass::ALL.iter().find(|class| class.name() == fault.class);
    let mend = match class.copied().unwrap_or(FaultClass::Unknown) {
        FaultClass::Invalid => "change what is wrong in the spec or the template; that starts it again",
        FaultClass::Credentials => "renew the credentials",
        FaultClass::Permission => "allow what was denied",
        FaultClass::Quota => "raise the limit, or make room",
        FaultClass::Conflict => "remove or rename what is there already",
        FaultClass::Integrity => "find out what happened to the Terraform state before anything else",
        FaultClass::Environment => "look at the machine that runs the operator",
        FaultClass::Dependency => "look at what it depends on",
        FaultClass::Locked => "find out who holds the lock",
        FaultClass::Transient | FaultClass::Interrupted | FaultClass::Unknown => "look at the cause",
    };
    Some(format!(
        "{mend}\nto have it tried again: {}",
        annotate(node, keys::RETRY, "\"$(date +%s)\"")
    ))
}

/// Whether nothing more happens by itself.
fn is_stopped(node: &Node) -> bool {
    let is_stalled = || {
        node.conditions
            .iter()
            .any(|it| it.kind == "Stalled" && it.status == "True")
    };
    node.state == "Failed" || is_stalled()
}

fn annotate(node: &Node, annotation: &str, value: &str) -> String {
    debug_assert!(
        node.key.kind != NodeKind::Cluster,
        "a Cluster has neither fault nor approvals"
    );
    let (namespace, resource, name) = (&node.key.namespace, node.key.kind.resource(), &node.key.name);
    format!("kubectl -n {namespace} annotate --overwrite {resource} {name} {annotation}={value}")
}
