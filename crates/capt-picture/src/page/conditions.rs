//! What conditions mean, and which of them are good news.

use crate::{Node, NodeKind, Picture, Said, Waiting};

/// Whether a condition says that all is well. Those whose truth is bad news are the ones of kstatus and of
/// Cluster API.
pub(super) fn is_as_wanted(said: &Said) -> bool {
    let is_bad_news = matches!(
        said.kind.as_str(),
        "Stalled"
            | "Reconciling"
            | "Failed"
            | "Creating"
            | "Deleting"
            | "Paused"
            | "RollingOut"
            | "OutputsTruncated"
            | "ScalingUp"
            | "ScalingDown"
            | "Remediating"
    );
    said.status == if is_bad_news { "False" } else { "True" }
}

/// Whether a condition says something that the rest of the page does not.
pub(super) fn is_remarkable(own: &Picture, node: &Node, said: &Said) -> bool {
    let is_part = matches!(
        node.key.kind,
        NodeKind::Cluster | NodeKind::Infrastructure | NodeKind::ControlPlane
    );
    let is_told_already = match said.kind.as_str() {
        // What made it says it again.
        "Ready" => !is_part,
        // The state, what is being done, the fault and the header say the same.
        "Creating" | "Failed" | "Reconciling" | "Initialized" | "Deleting" | "Paused" | "Synced" | "VPCReady"
        // Cluster API's summary, Available, lists them.
        | "InfrastructureReady" | "ControlPlaneInitialized" | "ControlPlaneAvailable" => true,
        // It never was, or something was ready before and is being changed.
        "UpToDate" => !node.ready,
        "Stalled" => is_repeated(own, node, said),
        _ => false,
    };
    !is_told_already && !node.deleting && !is_as_wanted(said)
}

/// Whether the message of a condition is that of a fault or of a wait.
pub(super) fn is_repeated(own: &Picture, node: &Node, said: &Said) -> bool {
    let is_wait = |wait: &Waiting| !wait.message.is_empty() && said.message == wait.message;
    tells_fault(own, &said.message) || node.waits.iter().any(is_wait)
}

/// Whether a text repeats the message of a fault of one of the objects.
pub(super) fn tells_fault(own: &Picture, text: &str) -> bool {
    let mut faults = own.nodes().filter_map(|node| node.fault.as_ref());
    faults.any(|fault| !fault.message.is_empty() && text.contains(&fault.message))
}

/// What a condition means, in plain words.
pub(super) fn meaning(said: &Said) -> Option<&'static str> {
    let holds = match said.status.as_str() {
        "True" => true,
        "False" => false,
        _ => return Some("it is not known yet"),
    };
    Some(match (said.kind.as_str(), holds) {
        ("Ready", true) => "all is as the spec wants it",
        ("Ready", false) => "something is not as the spec wants it",
        ("Available", true) => "its API server can be used",
        ("Available", false) => "its API server cannot be used",
        ("UpToDate", true) => "what runs is what the spec asks for",
        ("UpToDate", false) => "what runs is not what the spec asks for yet",
        ("Initialized", true) => "it has been ready before",
        ("Initialized", false) => "it has never been ready yet",
        ("Creating", true) => "it is on the way to its first Ready",
        ("Creating", false) => "it is past its first Ready, or has failed",
        ("Failed", true) => "it failed, and nothing more is done by itself",
        ("Failed", false) => "it has not failed",
        ("Reconciling", true) => "work is under way",
        ("Reconciling", false) => "no work is under way",
        ("Stalled", true) => "it does not go on as it should",
        ("Stalled", false) => "nothing holds it up",
        ("Deleting", true) => "it is being deleted",
        ("Deleting", false) => "it is not being deleted",
        ("Paused", true) => "nobody may touch it",
        ("Paused", false) => "it is not paused",
        ("Synced", true) => "the last thing that was tried worked",
        ("Synced", false) => "the last thing that was tried did not work",
        ("VPCReady" | "InfrastructureReady", true) => "the network is complete",
        ("VPCReady" | "InfrastructureReady", false) => "the network is not complete",
        ("ControlPlaneInitialized", true) => "the API server has accepted requests",
        ("ControlPlaneInitialized", false) => "the API server has not accepted requests yet",
        ("ControlPlaneAvailable", true) => "the control plane can be used",
        ("ControlPlaneAvailable", false) => "the control plane cannot be used",
        ("RollingOut", true) => "a change is being rolled out",
        ("RollingOut", false) => "no change is being rolled out",
        ("OutputsTruncated", true) => "some outputs are only in the connection secret",
        _ => return None,
    })
}
