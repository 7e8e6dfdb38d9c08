//! What the applies of a control plane should be.

use std::collections::BTreeMap;

use capt_api::control_plane::EndpointAccess;
use capt_api::reference::{ConnectionSecretReference, ObjectReference, TemplateReference};
use capt_api::status::Timeouts;
use capt_api::template_apply::WorkspaceTemplateApplySpec;
use capt_api::{CAPTControlPlane, Duration, WorkspaceTemplateApply};
use capt_core::fault::{Fault, FaultClass};
use kube::ResourceExt;
use serde_json::{Value, json};

use super::version::Version;
use crate::apply::workspace_name;
use crate::follow::owner;
use crate::manifest::{child_metadata, essence, stamp};

/// What surrounds a control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Surroundings {
    /// The name of the Cluster.
    pub(super) cluster: String,
    /// The region of the cloud.
    pub(super) region: String,
    /// The workspace of the VPC that the `CAPTCluster` makes, if it makes one.
    pub(super) vpc_workspace: Option<String>,
}

/// The name of the apply of the control plane.
pub(super) fn apply_name(object: &CAPTControlPlane) -> String {
    let recorded = object.spec.workspace_template_apply_name.as_deref();
    match recorded.filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => format!("{}-eks-controlplane-apply", object.name_any()),
    }
}

/// The name of the apply of the kubeconfig.
pub(super) fn kubeconfig_apply_name(object: &CAPTControlPlane) -> String {
    format!("{}-kubeconfig-apply", object.name_any())
}

/// The name of the Secret that the control plane's outputs are written to.
pub(super) fn connection_name(object: &CAPTControlPlane) -> String {
    format!("{}-eks-connection", object.name_any())
}

/// The name of the Secret that the kubeconfig's outputs are written to.
pub(super) fn kubeconfig_connection_name(cluster: &str) -> String {
    format!("{cluster}-outputs-kubeconfig")
}

/// The time limits: those of the Go implementation where ours say nothing.
pub(super) fn timeouts(object: &CAPTControlPlane) -> Option<Timeouts> {
    let legacy = object
        .spec
        .control_plane_config
        .as_ref()
        .and_then(|config| config.timeouts.as_ref());
    let minutes = |own: Option<i32>| {
        own.and_then(|minutes| u64::try_from(minutes).ok())
            .map(Duration::from_mins)
    };
    let own = object.spec.timeouts.clone();
    if legacy.is_none() && own.is_none() {
        return None;
    }
    let own = own.unwrap_or_default();
    Some(Timeouts {
        control_plane: own
            .control_plane
            .or_else(|| minutes(legacy?.control_plane_timeout)),
        vpc: own.vpc.or_else(|| minutes(legacy?.vpc_ready_timeout)),
        ..own
    })
}

/// The apply that makes the control plane.
pub(super) fn apply(
    object: &CAPTControlPlane,
    surroundings: &Surroundings,
) -> Result<WorkspaceTemplateApply, Fault> {
    let timeouts = timeouts(object).map(|timeouts| Timeouts {
        workspace: timeouts.workspace.or(timeouts.control_plane),
        ..timeouts
    });
    let spec = WorkspaceTemplateApplySpec {
        template_ref: object.spec.workspace_template_ref.clone(),
        variables: variables(object, surroundings)?,
        write_connection_secret_to_ref: Some(connection(object, connection_name(object))),
        wait_for_workspaces: surroundings
            .vpc_workspace
            .iter()
            .map(|name| ObjectReference {
                name: name.clone(),
                namespace: None,
            })
            .collect(),
        timeouts,
        recovery: object.spec.recovery.clone(),
        ..WorkspaceTemplateApplySpec::default()
    };
    Ok(child(object, apply_name(object), &surroundings.cluster, spec))
}

/// The apply that makes the kubeconfig, from the outputs of the control plane.
pub(super) fn kubeconfig_apply(
    object: &CAPTControlPlane,
    surroundings: &Surroundings,
    template_ref: TemplateReference,
    endpoint: String,
    ca: String,
) -> WorkspaceTemplateApply {
    let Surroundings { cluster, region, .. } = surroundings;
    let variables = [
        ("cluster_name", cluster.clone()),
        ("region", region.clone()),
        ("cluster_endpoint", endpoint),
        ("cluster_certificate_authority_data", ca),
    ];
    let spec = WorkspaceTemplateApplySpec {
        template_ref,
        variables: variables.map(|(name, value)| (name.to_owned(), value)).into(),
        write_connection_secret_to_ref: Some(connection(object, kubeconfig_connection_name(cluster))),
        wait_for_workspaces: vec![ObjectReference {
            name: workspace_name(&apply_name(object)).to_owned(),
            namespace: None,
        }],
        recovery: object.spec.recovery.clone(),
        ..WorkspaceTemplateApplySpec::default()
    };
    child(object, kubeconfig_apply_name(object), cluster, spec)
}

fn child(
    object: &CAPTControlPlane,
    name: String,
    cluster: &str,
    spec: WorkspaceTemplateApplySpec,
) -> WorkspaceTemplateApply {
    let mut apply = WorkspaceTemplateApply::new("", spec);
    apply.metadata = child_metadata(name, &object.metadata, owner(object), Some(cluster));
    stamp(&mut apply);
    apply
}

fn connection(object: &CAPTControlPlane, name: String) -> ConnectionSecretReference {
    ConnectionSecretReference {
        name,
        namespace: object.namespace(),
    }
}

fn variables(
    object: &CAPTControlPlane,
    surroundings: &Surroundings,
) -> Result<BTreeMap<String, String>, Fault> {
    let version = Version::parse(&object.spec.version)?;
    let config = object.spec.control_plane_config.as_ref();
    let access = config.and_then(|config| config.endpoint_access.clone());
    let EndpointAccess {
        public,
        private,
        public_cidrs,
    } = access.unwrap_or_default();
    // What is left out is open: an API server that nobody can reach is never what was meant.
    let (public, private) = (public.unwrap_or(true), private.unwrap_or(true));
    if !public && !private {
        let message = "nobody could reach the API server; set public or private to true";
        let fault = Fault::new(FaultClass::Invalid, "NoEndpointAccess", message);
        return Err(fault.on("spec.controlPlaneConfig.endpointAccess"));
    }
    let mut variables: BTreeMap<String, String> = object
        .spec
        .additional_tags
        .iter()
        .map(|(key, value)| (format!("tags_{key}"), value.clone()))
        .collect();
    let mut set = |name: &str, value: String| variables.insert(name.to_owned(), value);
    set("cluster_name", surroundings.cluster.clone());
    set("kubernetes_version", version.eks());
    set("region", surroundings.region.clone());
    set("endpoint_public_access", public.to_string());
    set("endpoint_private_access", private.to_string());
    if !public_cidrs.is_empty() {
        set("endpoint_public_access_cidrs", json!(public_cidrs).to_string());
    }
    if let Some(addons) = config
        .map(|config| &config.addons)
        .filter(|addons| !addons.is_empty())
    {
        set("cluster_addons", json!(addons).to_string());
    }
    Ok(variables)
}

/// Everything that decides what the control plane is.
pub(super) fn input(
    object: &CAPTControlPlane,
    wanted: Option<&WorkspaceTemplateApply>,
    invalid: Option<&Fault>,
) -> Value {
    json!({
        "apply": wanted.map(essence),
        "kubeconfig": object.spec.kubeconfig_template_ref,
        "invalid": invalid.map(|fault| json!([fault.code, fault.subject, fault.message])),
    })
}
