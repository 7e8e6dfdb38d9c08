//! Who still needs a workspace that is being deleted.

use std::collections::BTreeSet;

use capt_api::{CAPTCluster, TerraformWorkspace, WorkspaceTemplateApply};
use capt_runtime::View;
use capt_status::{controller_of, may_use};
use kube::ResourceExt;

/// The workspaces that were made after waiting for `workspace`, and the clusters that live in what it made, as far as
/// they still exist. Those of namespaces that may not use it, by `allowed`, do not count.
///
/// An apply without a workspace needs nobody. Two that wait for each other would never have been made in that
/// order, so neither holds up the other.
pub(crate) fn dependents(
    workspace: &TerraformWorkspace,
    view: &View,
    allowed: &BTreeSet<String>,
) -> Vec<String> {
    let namespace = workspace.namespace().unwrap_or_default();
    let name = workspace.name_any();
    let applies = view.list::<WorkspaceTemplateApply>("");
    let owner = controller_of(&workspace.metadata).map(|(_, uid)| uid.to_owned());
    let own = applies
        .iter()
        .find(|apply| apply.uid().is_some() && apply.uid() == owner);
    let named = |kind: &str, object: &str, theirs: &str| {
        if theirs == namespace {
            format!("{kind}/{object}")
        } else {
            format!("{kind}/{object} in namespace {theirs}")
        }
    };
    let workspaces = applies
        .iter()
        .filter(|apply| apply.uid() != owner && waits_for(apply, &namespace, &name))
        .filter_map(|apply| {
            let from = apply.namespace().unwrap_or_default();
            let theirs = workspace_of(apply);
            let mutual = own.is_some_and(|own| waits_for(own, &from, &theirs));
            let exists = !mutual && view.get::<TerraformWorkspace>(&from, &theirs).is_some();
            let counts = exists && may_use(&from, &namespace, allowed);
            counts.then(|| named("TerraformWorkspace", &theirs, &from))
        });
    let workspaces: Vec<String> = workspaces.collect();
    let Some(own) = own else {
        return workspaces;
    };
    let clusters = view.list::<CAPTCluster>("");
    let clusters = clusters
        .iter()
        .filter(|cluster| lives_in(cluster, &namespace, &own.name_any()))
        .map(|cluster| (cluster.namespace().unwrap_or_default(), cluster.name_any()))
        .filter(|(from, _)| may_use(from, &namespace, allowed))
        .map(|(from, cluster)| named("CAPTCluster", &cluster, &from));
    workspaces.into_iter().chain(clusters).collect()
}

/// Whether the network of a cluster is the one that the apply `name` makes for many.
fn lives_in(cluster: &CAPTCluster, namespace: &str, name: &str) -> bool {
    cluster.spec.vpc_workspace_ref.as_ref().is_some_and(|reference| {
        let theirs = reference
            .namespace
            .clone()
            .filter(|it| !it.is_empty())
            .or_else(|| cluster.namespace());
        reference.name == name && theirs.as_deref() == Some(namespace)
    })
}

fn waits_for(apply: &WorkspaceTemplateApply, namespace: &str, name: &str) -> bool {
    apply.spec.wait_for_workspaces.iter().any(|reference| {
        let theirs = reference
            .namespace
            .clone()
            .filter(|it| !it.is_empty())
            .or_else(|| apply.namespace());
        reference.name == name && theirs.as_deref() == Some(namespace)
    })
}

/// The workspace of an apply: as it says itself, or as it would be named.
fn workspace_of(apply: &WorkspaceTemplateApply) -> String {
    let said = apply
        .status
        .as_ref()
        .and_then(|status| status.workspace_name.clone());
    said.unwrap_or_else(|| {
        let name = apply.name_any();
        name.strip_suffix("-apply")
            .map_or_else(|| name.clone(), ToOwned::to_owned)
    })
}
