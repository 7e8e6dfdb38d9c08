//! Objects as nodes.

use capt_api::cluster::ClusterPhase;
use capt_api::status::Lifecycle;
use capt_api::terraform_workspace::TerraformWorkspaceSpec;
use capt_api::{CAPTCluster, CAPTControlPlane, Cluster, TerraformWorkspace, WorkspaceTemplateApply, keys};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{Resource, ResourceExt};

use super::{Failure, Node, NodeKey, NodeKind, Said, Waiting};

impl From<&Cluster> for Node {
    fn from(object: &Cluster) -> Self {
        let mut node = node(NodeKind::Cluster, object);
        let spec = &object.spec;
        for reference in [&spec.infrastructure_ref, &spec.control_plane_ref]
            .into_iter()
            .flatten()
        {
            if let Some(kind) = NodeKind::of(&reference.kind) {
                node.needs
                    .push(NodeKey::new(kind, &*node.key.namespace, &*reference.name));
            }
        }
        node.paused = (spec.paused == Some(true))
            .then(|| "spec.paused is true".to_owned())
            .or(node.paused);
        let endpoint = spec.control_plane_endpoint.as_ref();
        node.endpoint = endpoint.and_then(|it| Some(format!("{}:{}", it.host.as_deref()?, it.port?)));
        let Some(status) = &object.status else {
            return node;
        };
        status
            .phase
            .map(phase)
            .unwrap_or_default()
            .clone_into(&mut node.state);
        node.conditions = said(&status.conditions);
        node.ready = is_true(&node, "Available");
        let versions = status.control_plane.as_ref().map(|it| &it.versions);
        node.version = versions.and_then(|it| Some(it.first()?.version.clone()));
        node
    }
}

impl From<&CAPTCluster> for Node {
    fn from(object: &CAPTCluster) -> Self {
        let mut node = node(NodeKind::Infrastructure, object);
        if let Some(shared) = &object.spec.vpc_workspace_ref {
            let namespace = shared.namespace.as_deref().unwrap_or(&node.key.namespace);
            node.needs
                .push(NodeKey::new(NodeKind::Apply, namespace, &*shared.name));
        }
        let Some(status) = &object.status else {
            return node;
        };
        node.id.clone_from(&status.vpc_id);
        node.endpoint.clone_from(&status.endpoint);
        with_lifecycle(node, &status.lifecycle)
    }
}

impl From<&CAPTControlPlane> for Node {
    fn from(object: &CAPTControlPlane) -> Self {
        let mut node = node(NodeKind::ControlPlane, object);
        node.version = Some(object.spec.version.clone());
        let Some(status) = &object.status else {
            return node;
        };
        node.endpoint.clone_from(&status.endpoint);
        node.version = status.version.clone().or(node.version);
        with_lifecycle(node, &status.lifecycle)
    }
}

impl From<&WorkspaceTemplateApply> for Node {
    fn from(object: &WorkspaceTemplateApply) -> Self {
        let mut node = node(NodeKind::Apply, object);
        for workspace in &object.spec.wait_for_workspaces {
            let namespace = workspace.namespace.as_deref().unwrap_or(&node.key.namespace);
            node.needs
                .push(NodeKey::new(NodeKind::Workspace, namespace, &*workspace.name));
        }
        match &object.status {
            Some(status) => with_lifecycle(node, &status.lifecycle),
            None => node,
        }
    }
}

impl From<&TerraformWorkspace> for Node {
    fn from(object: &TerraformWorkspace) -> Self {
        let mut node = node(NodeKind::Workspace, object);
        let namespace = node.key.namespace.clone();
        node.reads = secrets(&object.spec, &namespace);
        let target = object.spec.write_connection_secret_to_ref.as_ref();
        node.writes = target.map(|it| (it.namespace.clone().unwrap_or(namespace), it.name.clone()));
        let Some(status) = &object.status else {
            return node;
        };
        node.approvals.clone_from(&status.pending_approval);
        with_lifecycle(node, &status.lifecycle)
    }
}

/// The Secrets that a workspace reads its inputs from.
fn secrets(spec: &TerraformWorkspaceSpec, own: &str) -> Vec<(String, String)> {
    let inputs = &spec.for_provider;
    let files = inputs
        .var_files
        .iter()
        .filter_map(|it| it.secret_key_ref.as_ref());
    let env = inputs.env.iter().filter_map(|it| it.secret_key_ref.as_ref());
    files
        .chain(env)
        .map(|it| {
            (
                it.namespace.clone().unwrap_or_else(|| own.to_owned()),
                it.name.clone(),
            )
        })
        .collect()
}

/// What the metadata says.
fn node<K: Resource<DynamicType = ()>>(kind: NodeKind, object: &K) -> Node {
    let namespace = object.namespace().unwrap_or_default();
    let owner = object.owner_references().iter().find_map(|owner| {
        let kind = NodeKind::of(&owner.kind)?;
        Some(NodeKey::new(kind, &*namespace, &*owner.name))
    });
    let is_paused = object.annotations().contains_key(keys::PAUSED);
    Node {
        parent: owner,
        cluster: object.labels().get(keys::CLUSTER_NAME).cloned(),
        needs: Vec::new(),
        state: String::new(),
        ready: false,
        deleting: object.meta().deletion_timestamp.is_some(),
        paused: is_paused.then(|| format!("it has the annotation {}", keys::PAUSED)),
        operation: None,
        current: None,
        percent: None,
        steps: None,
        expected_at: None,
        since: None,
        waits: Vec::new(),
        fault: None,
        approvals: Vec::new(),
        input_digest: None,
        conditions: Vec::new(),
        endpoint: None,
        version: None,
        id: None,
        writes: None,
        reads: Vec::new(),
        key: NodeKey::new(kind, namespace, object.name_any()),
    }
}

/// What every reconciled kind says about itself.
fn with_lifecycle(mut node: Node, lifecycle: &Lifecycle) -> Node {
    node.conditions = said(&lifecycle.conditions);
    node.ready = is_true(&node, "Ready");
    node.state = lifecycle
        .state
        .map(|state| state.name().to_owned())
        .unwrap_or_default();
    node.since = lifecycle.state_since.as_ref().map(|it| it.0);
    node.input_digest.clone_from(&lifecycle.input_digest);
    let paused = node
        .conditions
        .iter()
        .find(|it| it.kind == "Paused" && it.status == "True");
    node.paused = paused.map(|it| it.message.clone()).or(node.paused);
    if let Some(progress) = &lifecycle.progress {
        node.operation.clone_from(&progress.operation);
        node.current = progress.current_operation.clone().filter(|it| !it.is_empty());
        node.percent = progress.percent_complete;
        node.steps = match (progress.completed_steps, progress.total_steps) {
            (done, Some(total)) if total > 0 => Some((done.unwrap_or(0), total)),
            _ => None,
        };
        node.expected_at = progress.estimated_completion_time.as_ref().map(|it| it.0);
    }
    let waits = lifecycle.waits.iter().map(|wait| Waiting {
        on: wait.on.clone(),
        reason: wait.reason.clone(),
        message: wait.message.clone().unwrap_or_default(),
    });
    node.waits = waits.collect();
    node.fault = lifecycle.fault.as_ref().map(|fault| Failure {
        class: fault.class.clone(),
        code: fault.code.clone(),
        subject: fault.subject.clone().unwrap_or_default(),
        message: fault.message.clone(),
    });
    node
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

fn is_true(node: &Node, condition: &str) -> bool {
    node.conditions
        .iter()
        .any(|it| it.kind == condition && it.status == "True")
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
