//! What the apply of a VPC should be.

use capt_api::CAPTCluster;
use capt_api::WorkspaceTemplateApply;
use capt_api::status::Timeouts;
use capt_api::template_apply::WorkspaceTemplateApplySpec;
use capt_core::fault::{Fault, FaultClass};
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::follow::owner;
use crate::manifest::{child_metadata, essence, stamp};

/// Whether the VPC is made for this object and goes with it.
pub(crate) fn is_vpc_owned(object: &CAPTCluster) -> bool {
    object.spec.vpc_template_ref.is_some()
}

/// The name of the apply of the VPC.
pub(crate) fn vpc_apply_name(object: &CAPTCluster) -> String {
    let recorded = object.spec.workspace_template_apply_name.as_deref();
    match recorded.filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => format!("{}-vpc", object.name_any()),
    }
}

/// The id of a VPC that exists.
pub(super) fn existing_vpc(object: &CAPTCluster) -> Option<&str> {
    let id = object.spec.existing_vpc_id.as_deref();
    id.filter(|id| !id.is_empty())
}

/// What cannot work. The schema refuses it as well, but old objects may have it.
pub(super) fn validate(object: &CAPTCluster) -> Result<(), Fault> {
    let spec = &object.spec;
    let sources = [
        spec.vpc_template_ref.is_some(),
        existing_vpc(object).is_some(),
        spec.vpc_workspace_ref.is_some(),
    ];
    if sources.iter().filter(|set| **set).count() != 1 {
        let message = "exactly one of spec.vpcTemplateRef, spec.existingVpcId and spec.vpcWorkspaceRef must be \
                       set; set one and remove the others";
        return Err(Fault::new(FaultClass::Invalid, "InvalidVPCConfig", message).on("spec"));
    }
    if spec.retain_vpc_on_delete == Some(true) && spec.vpc_template_ref.is_none() {
        let message = "it needs spec.vpcTemplateRef, because any other VPC is never deleted; remove it";
        return Err(Fault::new(FaultClass::Invalid, "InvalidVPCConfig", message).on("spec.retainVpcOnDelete"));
    }
    Ok(())
}

/// The apply of the VPC of `object`, which belongs to the Cluster of that name; nothing if the VPC is not ours.
pub(super) fn vpc_apply(object: &CAPTCluster, cluster: &str) -> Option<WorkspaceTemplateApply> {
    let spec = &object.spec;
    let template_ref = spec.vpc_template_ref.clone()?;
    let name = object.name_any();
    let vpc_name = spec.vpc_config.as_ref().and_then(|config| config.name.clone());
    let vpc_name = vpc_name
        .filter(|vpc| !vpc.is_empty())
        .unwrap_or_else(|| format!("{name}-vpc"));
    let variables = [
        ("cluster_name", cluster.to_owned()),
        ("vpc_name", vpc_name),
        ("environment", "production".to_owned()),
        ("region", spec.region.clone()),
    ];
    let timeouts = spec.timeouts.clone().map(|timeouts| Timeouts {
        workspace: timeouts.workspace.or(timeouts.vpc),
        ..timeouts
    });
    let mut apply = WorkspaceTemplateApply::new(
        "",
        WorkspaceTemplateApplySpec {
            template_ref,
            variables: variables.map(|(name, value)| (name.to_owned(), value)).into(),
            // Left out where the VPC is not to stay: whoever set it on the apply keeps it.
            retain_workspace_on_delete: spec.retain_vpc_on_delete.filter(|retain| *retain),
            timeouts,
            recovery: spec.recovery.clone(),
            ..WorkspaceTemplateApplySpec::default()
        },
    );
    apply.metadata = child_metadata(
        vpc_apply_name(object),
        &object.metadata,
        owner(object),
        Some(cluster),
    );
    stamp(&mut apply);
    Some(apply)
}

/// Everything that decides what the network is.
pub(super) fn input(
    object: &CAPTCluster,
    wanted: Option<&WorkspaceTemplateApply>,
    invalid: Option<&Fault>,
) -> Value {
    json!({
        "apply": wanted.map(essence),
        "existing": object.spec.existing_vpc_id,
        "shared": object.spec.vpc_workspace_ref,
        "invalid": invalid.map(|fault| json!([fault.code, fault.subject, fault.message])),
    })
}
