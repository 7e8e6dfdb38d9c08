//! Objects as nodes.

mod references;

use capt_api::cluster::ClusterPhase;
use capt_api::status::{Lifecycle, OperationOutcome, Recovery};
use capt_api::terraform_workspace::RunStatus;
use capt_api::{
    CAPTCluster, CAPTControlPlane, Cluster, TerraformWorkspace, WorkspaceTemplate, WorkspaceTemplateApply,
    keys,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{Resource, ResourceExt};

use crate::node::{Attempts, Failure, Operation, Pause, Run, Said, Waiting};
use crate::{Node, NodeKey, NodeKind};

impl From<&Cluster> for Node {
    fn from(object: &Cluster) -> Self {
        let mut node = node(NodeKind::Cluster, object);
        let spec = &object.spec;
        references::of_cluster(&mut node, spec);
        node.topology = spec.topology.as_ref().map(|topology| {
            let class = topology.pointer("/classRef/name").or(topology.get("class"));
            class
                .and_then(|name| name.as_str())
                .unwrap_or_default()
                .to_owned()
        });
        if spec.paused == Some(true) {
            node.paused = Some(Pause::Spec);
        }
        let endpoint = spec.control_plane_endpoint.as_ref();
        node.endpoint = endpoint.and_then(|it| Some(format!("{}:{}", it.host.as_deref()?, it.port?)));
        let Some(status) = &object.status else {
            node.observed = false;
            return node;
        };
        node.observed = is_observed(object, status.observed_generation);
        status
            .phase
            .map(phase)
            .unwrap_or_default()
            .clone_into(&mut node.state);
        node.conditions = said(&status.conditions);
        node.ready = node.is_true("Available");
        let versions = status.control_plane.as_ref().map(|it| &it.versions);
        node.version = versions.and_then(|it| Some(it.first()?.version.clone()));
        node
    }
}

impl From<&CAPTCluster> for Node {
    fn from(object: &CAPTCluster) -> Self {
        let mut node = node(NodeKind::Infrastructure, object);
        references::of_infrastructure(&mut node, &object.spec);
        if let Some(id) = object.spec.existing_vpc_id.as_deref().filter(|id| !id.is_empty()) {
            node.id = Some(id.to_owned());
            node.notes.push(format!(
                "uses the VPC {id}, which exists already: CAPT neither changes nor deletes it"
            ));
        }
        if object.spec.retain_vpc_on_delete == Some(true) {
            node.notes
                .push("its VPC stays when it is deleted (spec.retainVpcOnDelete)".to_owned());
        }
        let Some(status) = &object.status else {
            return unseen(node);
        };
        node.id = status.vpc_id.clone().or(node.id);
        node.endpoint.clone_from(&status.endpoint);
        with_lifecycle(node, object, &status.lifecycle)
    }
}

impl From<&CAPTControlPlane> for Node {
    fn from(object: &CAPTControlPlane) -> Self {
        let mut node = node(NodeKind::ControlPlane, object);
        references::of_control_plane(&mut node, &object.spec);
        let version = &object.spec.version;
        let version = version.strip_prefix('v').unwrap_or(version);
        node.wanted_version = Some(format!("v{version}"));
        let Some(status) = &object.status else {
            return unseen(node);
        };
        node.endpoint.clone_from(&status.endpoint);
        node.version.clone_from(&status.version);
        with_lifecycle(node, object, &status.lifecycle)
    }
}

impl From<&WorkspaceTemplateApply> for Node {
    fn from(object: &WorkspaceTemplateApply) -> Self {
        let mut node = node(NodeKind::Apply, object);
        references::of_apply(&mut node, &object.spec);
        if object.spec.retain_workspace_on_delete == Some(true) {
            node.notes
                .push("what it made stays when it is deleted (spec.retainWorkspaceOnDelete)".to_owned());
        }
        match &object.status {
            Some(status) => with_lifecycle(node, object, &status.lifecycle),
            None => unseen(node),
        }
    }
}

impl From<&TerraformWorkspace> for Node {
    fn from(object: &TerraformWorkspace) -> Self {
        let mut node = node(NodeKind::Workspace, object);
        references::of_workspace(&mut node, &object.spec);
        let Some(status) = &object.status else {
            return unseen(node);
        };
        node.approvals.clone_from(&status.pending_approval);
        node.run = status.run.as_ref().map(run);
        with_lifecycle(node, object, &status.lifecycle)
    }
}

impl From<&WorkspaceTemplate> for Node {
    fn from(object: &WorkspaceTemplate) -> Self {
        node(NodeKind::Template, object)
    }
}

/// What the metadata says.
fn node<K: Resource<DynamicType = ()>>(kind: NodeKind, object: &K) -> Node {
    let namespace = object.namespace().unwrap_or_default();
    let mut node = Node::new(NodeKey::new(kind, &*namespace, object.name_any()));
    node.cluster = object.labels().get(keys::CLUSTER_NAME).cloned();
    let mut owners = object.owner_references().iter().filter_map(|owner| {
        let kind = NodeKind::of(&owner.kind)?;
        Some(NodeKey::new(kind, &*namespace, &*owner.name))
    });
    // Of several Clusters it is that of the label, if that is one of them.
    let is_labelled =
        |owner: &NodeKey| owner.kind == NodeKind::Cluster && node.cluster.as_ref() == Some(&owner.name);
    let labelled = owners.clone().find(is_labelled);
    node.parent = labelled.or_else(|| owners.next());
    node.created = object.meta().creation_timestamp.as_ref().map(time);
    node.deleting_since = object.meta().deletion_timestamp.as_ref().map(time);
    node.deleting = node.deleting_since.is_some();
    node.finalizers = object.finalizers().to_vec();
    if object.annotations().contains_key(keys::PAUSED) {
        node.paused = Some(Pause::Annotation);
    }
    node
}

/// An object that no controller has said anything about.
fn unseen(mut node: Node) -> Node {
    node.observed = false;
    node
}

const fn time(time: &Time) -> jiff::Timestamp {
    time.0
}

/// Whether the generation that a status speaks of is that of the spec.
fn is_observed<K: Resource<DynamicType = ()>>(object: &K, observed: Option<i64>) -> bool {
    match (observed, object.meta().generation) {
        (Some(observed), Some(generation)) => observed >= generation,
        (None, Some(_)) => false,
        (_, None) => true,
    }
}

/// What every reconciled kind says about itself.
fn with_lifecycle<K: Resource<DynamicType = ()>>(mut node: Node, object: &K, lifecycle: &Lifecycle) -> Node {
    node.observed = is_observed(object, lifecycle.observed_generation);
    node.conditions = said(&lifecycle.conditions);
    node.ready = node.is_true("Ready");
    node.state = lifecycle
        .state
        .map(|state| state.name().to_owned())
        .unwrap_or_default();
    node.since = lifecycle.state_since.as_ref().map(time);
    node.input_digest.clone_from(&lifecycle.input_digest);
    if node.paused.is_none() {
        let paused = node.condition("Paused").filter(|it| it.status == "True");
        node.paused = paused.map(|it| Pause::Other(it.message.clone()));
    }
    if let Some(progress) = &lifecycle.progress {
        node.operation.clone_from(&progress.operation);
        node.current = progress.current_operation.clone().filter(|it| !it.is_empty());
        node.percent = progress.percent_complete;
        node.steps = match (progress.completed_steps, progress.total_steps) {
            (done, Some(total)) if total > 0 => Some((done.unwrap_or(0), total)),
            _ => None,
        };
        node.started_at = progress.started_at.as_ref().map(time);
        node.expected_at = progress.estimated_completion_time.as_ref().map(time);
        node.overdue = progress.overdue == Some(true);
        let history = progress.history.iter().map(|it| Operation {
            name: it.operation.clone(),
            started_at: it.started_at.0,
            finished_at: it.finished_at.as_ref().map(time),
            outcome: it.outcome.map(|outcome| outcome_name(outcome).to_owned()),
        });
        node.history = history.collect();
    }
    let waits = lifecycle.waits.iter().map(|wait| Waiting {
        on: wait.on.clone(),
        reason: wait.reason.clone(),
        message: wait.message.clone().unwrap_or_default(),
        since: wait.since.as_ref().map(time),
    });
    node.waits = waits.collect();
    node.fault = lifecycle.fault.as_ref().map(|fault| Failure {
        source: fault.source.clone(),
        class: fault.class.clone(),
        code: fault.code.clone(),
        subject: fault.subject.clone().unwrap_or_default(),
        message: fault.message.clone(),
        position: fault.position.clone().unwrap_or_default(),
    });
    node.attempts = lifecycle.recovery.as_ref().map(attempts).unwrap_or_default();
    node
}

fn attempts(recovery: &Recovery) -> Attempts {
    Attempts {
        failed: recovery.failed_attempts.unwrap_or(0),
        last: recovery.last_attempt.as_ref().map(time),
        next: recovery.next_attempt.as_ref().map(time),
        exhausted: recovery.exhausted == Some(true),
    }
}

fn run(run: &RunStatus) -> Run {
    Run {
        id: run.id.clone(),
        operation: run.operation.clone(),
        stage: run.stage.clone(),
        engine: run.engine.clone(),
        started_at: run.started_at.as_ref().map(time),
        finished_at: run.finished_at.as_ref().map(time),
    }
}

fn said(conditions: &[Condition]) -> Vec<Said> {
    let said = conditions.iter().map(|it| Said {
        kind: it.type_.clone(),
        status: it.status.clone(),
        reason: it.reason.clone(),
        message: it.message.clone(),
        since: it.last_transition_time.0,
    });
    said.collect()
}

const fn outcome_name(outcome: OperationOutcome) -> &'static str {
    match outcome {
        OperationOutcome::Succeeded => "Succeeded",
        OperationOutcome::Failed => "Failed",
        OperationOutcome::Cancelled => "Cancelled",
        OperationOutcome::Superseded => "Superseded",
    }
}

const fn phase(phase: ClusterPhase) -> &'static str {
    match phase {
        ClusterPhase::Pending => "Pending",
        ClusterPhase::Provisioning => "Provisioning",
        ClusterPhase::Provisioned => "Provisioned",
        ClusterPhase::Deleting => "Deleting",
        ClusterPhase::Failed => "Failed",
        ClusterPhase::Unknown => "Unknown",
    }
}
