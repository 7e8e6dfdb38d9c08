//! What the workspace of an apply should be.

use capt_api::terraform_workspace::DeletionPolicy;
use capt_api::{WorkspaceTemplate, WorkspaceTemplateApply};
use capt_core::fault::Fault;
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::backend::WantedWorkspace;
use crate::follow::owner;
use crate::manifest::{child_metadata, cluster_label};
use crate::substitute::substitute;

/// The name of the workspace of an apply: that of the apply without a trailing `-apply`.
pub(crate) fn workspace_name(apply_name: &str) -> &str {
    apply_name
        .strip_suffix("-apply")
        .filter(|name| !name.is_empty())
        .unwrap_or(apply_name)
}

/// The workspace that `apply` makes of `template`. Faults are those of the substitution.
pub(super) fn workspace(
    apply: &WorkspaceTemplateApply,
    template: &WorkspaceTemplate,
) -> Result<WantedWorkspace, Fault> {
    let apply_name = apply.name_any();
    let name = workspace_name(&apply_name);
    let mut spec = substitute(&template.spec.template.spec, &apply.spec.variables, name)?;
    if let Some(reference) = &apply.spec.write_connection_secret_to_ref {
        spec.write_connection_secret_to_ref = Some(reference.clone());
    }
    if let Some(timeouts) = &apply.spec.timeouts {
        spec.timeouts = Some(timeouts.clone());
    }
    if let Some(recovery) = &apply.spec.recovery {
        spec.recovery = Some(recovery.clone());
    }
    if apply.spec.retain_workspace_on_delete == Some(true) {
        // Whoever deletes the workspace over our head, as a foreground delete or that of a namespace does.
        spec.deletion_policy = Some(DeletionPolicy::Orphan);
    }
    let cluster = cluster_label(&apply.metadata);
    Ok(WantedWorkspace {
        metadata: child_metadata(name.to_owned(), &apply.metadata, owner(apply), cluster),
        spec,
    })
}

/// Everything that decides what the workspace is; where it cannot be rendered, what it would be made from.
pub(super) fn input(
    apply: &WorkspaceTemplateApply,
    template: Option<&WorkspaceTemplate>,
    wanted: Option<&WantedWorkspace>,
    invalid: Option<&Fault>,
) -> Value {
    let invalid = invalid.map(|fault| json!([fault.code, fault.subject, fault.message]));
    match wanted {
        Some(wanted) => json!({
            "spec": wanted.spec,
            "labels": wanted.metadata.labels,
            "invalid": invalid,
        }),
        None => json!({
            "template": template.map(|template| &template.spec.template.spec),
            "apply": apply.spec,
            "invalid": invalid,
        }),
    }
}
