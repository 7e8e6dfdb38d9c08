//! Who still needs a workspace that is being deleted.

use capt_api::{TerraformWorkspace, WorkspaceTemplateApply};
use capt_runtime::View;
use capt_status::controller_of;
use kube::ResourceExt;

/// The workspaces that were made after waiting for `workspace`, and that still exist.
///
/// An apply without a workspace needs nobody. Two that wait for each other would never have been made in that
/// order, so neither holds up the other.
pub(crate) fn dependents(workspace: &TerraformWorkspace, view: &View) -> Vec<String> {
    let namespace = workspace.namespace().unwrap_or_default();
    let name = workspace.name_any();
    let applies = view.list::<WorkspaceTemplateApply>("");
    let owner = controller_of(&workspace.metadata).map(|(_, uid)| uid.to_owned());
    let own = applies
        .iter()
        .find(|apply| apply.uid().is_some() && apply.uid() == owner);
    applies
        .iter()
        .filter(|apply| apply.uid() != owner && waits_for(apply, &namespace, &name))
        .filter_map(|apply| {
            let namespace = apply.namespace().unwrap_or_default();
            let theirs = workspace_of(apply);
            let mutual = own.is_some_and(|own| waits_for(own, &namespace, &theirs));
            let exists = !mutual && view.get::<TerraformWorkspace>(&namespace, &theirs).is_some();
            exists.then(|| format!("TerraformWorkspace/{theirs}"))
        })
        .collect()
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
