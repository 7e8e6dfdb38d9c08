//! What the specs of objects name.

use capt_api::capt_cluster::CAPTClusterSpec;
use capt_api::cluster::ClusterSpec;
use capt_api::control_plane::CAPTControlPlaneSpec;
use capt_api::reference::TemplateReference;
use capt_api::template_apply::WorkspaceTemplateApplySpec;
use capt_api::terraform_workspace::TerraformWorkspaceSpec;

use crate::node::Reference;
use crate::{Node, NodeKey, NodeKind};

pub(super) fn of_cluster(node: &mut Node, spec: &ClusterSpec) {
    for (field, reference) in [
        ("spec.infrastructureRef", &spec.infrastructure_ref),
        ("spec.controlPlaneRef", &spec.control_plane_ref),
    ] {
        let Some(reference) = reference else { continue };
        match NodeKind::of(&reference.kind) {
            Some(kind) => name(node, field, kind, None, &reference.name),
            None => node.notes.push(format!(
                "{field} names {}/{}, which is not of CAPT",
                reference.kind, reference.name
            )),
        }
    }
}

pub(super) fn of_infrastructure(node: &mut Node, spec: &CAPTClusterSpec) {
    if let Some(template) = &spec.vpc_template_ref {
        template_ref(node, "spec.vpcTemplateRef", template);
    }
    if let Some(shared) = &spec.vpc_workspace_ref {
        let namespace = own_or(node, shared.namespace.as_deref());
        let apply = |name: String| NodeKey::new(NodeKind::Apply, &*namespace, name);
        // The workspace may be named instead of its apply.
        node.needs.push(Reference {
            field: "spec.vpcWorkspaceRef".to_owned(),
            key: apply(shared.name.clone()),
            or: Some(apply(format!("{}-apply", shared.name))),
        });
        node.notes.push(format!(
            "its VPC is that of WorkspaceTemplateApply/{namespace}/{}, which other clusters may share: it is never \
             deleted with this one",
            shared.name
        ));
    }
}

pub(super) fn of_control_plane(node: &mut Node, spec: &CAPTControlPlaneSpec) {
    template_ref(node, "spec.workspaceTemplateRef", &spec.workspace_template_ref);
    if let Some(template) = &spec.kubeconfig_template_ref {
        template_ref(node, "spec.kubeconfigTemplateRef", template);
    }
    // The names that Cluster API gives them.
    if let Some(cluster) = node.cluster.clone().or_else(|| {
        let parent = node
            .parent
            .as_ref()
            .filter(|parent| parent.kind == NodeKind::Cluster);
        parent.map(|parent| parent.name.clone())
    }) {
        for end in ["kubeconfig", "ca"] {
            let key = NodeKey::new(NodeKind::Secret, &*node.key.namespace, format!("{cluster}-{end}"));
            node.writes.push(key);
        }
    }
}

pub(super) fn of_apply(node: &mut Node, spec: &WorkspaceTemplateApplySpec) {
    template_ref(node, "spec.templateRef", &spec.template_ref);
    let secrets = spec.wait_for_secrets.iter();
    let secrets = secrets.map(|it| (it.namespace.as_deref(), it.name.as_str()));
    list(node, "spec.waitForSecrets", NodeKind::Secret, secrets);
    let workspaces = spec.wait_for_workspaces.iter();
    let workspaces = workspaces.map(|it| (it.namespace.as_deref(), it.name.as_str()));
    list(node, "spec.waitForWorkspaces", NodeKind::Workspace, workspaces);
}

pub(super) fn of_workspace(node: &mut Node, spec: &TerraformWorkspaceSpec) {
    let inputs = &spec.for_provider;
    for (index, file) in inputs.var_files.iter().enumerate() {
        if let Some(key) = &file.secret_key_ref {
            let field = format!("spec.forProvider.varFiles[{index}].secretKeyRef");
            name(
                node,
                &field,
                NodeKind::Secret,
                key.namespace.as_deref(),
                &key.name,
            );
        }
    }
    for variable in &inputs.env {
        if let Some(key) = &variable.secret_key_ref {
            let field = format!("spec.forProvider.env[{}].secretKeyRef", variable.name);
            name(
                node,
                &field,
                NodeKind::Secret,
                key.namespace.as_deref(),
                &key.name,
            );
        }
    }
    if let Some(target) = &spec.write_connection_secret_to_ref {
        let namespace = own_or(node, target.namespace.as_deref());
        node.writes
            .push(NodeKey::new(NodeKind::Secret, namespace, &*target.name));
    }
}

fn template_ref(node: &mut Node, field: &str, template: &TemplateReference) {
    name(
        node,
        field,
        NodeKind::Template,
        template.namespace.as_deref(),
        &template.name,
    );
}

/// What the items of a list name, each by namespace and name.
fn list<'a>(
    node: &mut Node,
    field: &str,
    kind: NodeKind,
    items: impl Iterator<Item = (Option<&'a str>, &'a str)>,
) {
    for (index, (namespace, item)) in items.enumerate() {
        name(node, &format!("{field}[{index}]"), kind, namespace, item);
    }
}

fn name(node: &mut Node, field: &str, kind: NodeKind, namespace: Option<&str>, name: &str) {
    let key = NodeKey::new(kind, own_or(node, namespace), name);
    node.needs.push(Reference::new(field, key));
}

fn own_or(node: &Node, namespace: Option<&str>) -> String {
    let named = namespace.filter(|named| !named.is_empty());
    named.unwrap_or(&node.key.namespace).to_owned()
}
