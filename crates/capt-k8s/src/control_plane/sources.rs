//! Where endpoint and kubeconfig come from.

use capt_api::reference::{ApiEndpoint, TemplateReference};
use capt_api::{CAPTControlPlane, WorkspaceTemplate};
use capt_core::control_plane::Endpoint;
use capt_core::fault::Fault;
use capt_core::wait::Wait;
use capt_runtime::View;

use super::endpoint::Authority;
use crate::{Options, template};

/// The annotation that says which endpoint we have written, so that one that somebody else set is left alone.
///
/// In metadata and not in the status, because a `clusterctl move` does not restore a status.
pub(super) const PUBLISHED: &str = "capt.infrastructure.cluster.x-k8s.io/published-endpoint";

/// The field that names the kubeconfig template.
pub(super) const KUBECONFIG_REF: &str = "spec.kubeconfigTemplateRef";

/// The name of the kubeconfig template where the spec names none.
const KUBECONFIG_TEMPLATE: &str = "eks-kubeconfig-template";

/// The endpoint of the spec against that of the outputs, and the one that the spec has or should have.
pub(super) fn endpoint(
    spec: Option<&ApiEndpoint>,
    published: Option<&str>,
    output: Option<Result<Authority, Fault>>,
) -> (Endpoint, Option<Authority>) {
    let set = Authority::of(spec);
    let is_bare = spec
        .and_then(|endpoint| endpoint.host.as_deref())
        .is_some_and(|host| !host.contains("://"));
    let is_ours = |set: &Authority| !is_bare || published == Some(set.to_string().as_str());
    match (set, output) {
        (Some(set), Some(Ok(output))) if is_bare && set == output => (Endpoint::Published, Some(set)),
        (Some(set), Some(_) | None) if !is_ours(&set) => (Endpoint::Published, Some(set)),
        (_, Some(Ok(output))) => (Endpoint::Found, Some(output)),
        (set, Some(Err(fault))) => (Endpoint::Invalid(fault), set),
        (Some(set), None) => (Endpoint::Published, Some(set)),
        (None, None) => (Endpoint::Unknown, None),
    }
}

/// The template of the kubeconfig, or what is looked for in vain.
pub(super) fn kubeconfig_template(
    object: &CAPTControlPlane,
    namespace: &str,
    view: &View,
    options: &Options,
) -> Result<TemplateReference, Wait> {
    let nowhere = |name: &str, message: String| {
        Wait::new(
            format!("WorkspaceTemplate/{name}"),
            "KubeconfigSourceMissing",
            message,
        )
    };
    if let Some(reference) = &object.spec.kubeconfig_template_ref {
        return match template::find(reference, KUBECONFIG_REF, namespace, view, options) {
            Ok(Ok(_)) => Ok(reference.clone()),
            Ok(Err(wait)) => Err(nowhere(&reference.name, wait.message)),
            Err(fault) => Err(nowhere(&reference.name, fault.to_string())),
        };
    }
    let exists = |namespace: &str, name: &str| view.get::<WorkspaceTemplate>(namespace, name).is_some();
    let open = ["default"]
        .into_iter()
        .filter(|open| *open != namespace && options.allows(namespace, open));
    for candidate in std::iter::once(namespace).chain(open) {
        if exists(candidate, KUBECONFIG_TEMPLATE) {
            return Ok(TemplateReference {
                name: KUBECONFIG_TEMPLATE.to_owned(),
                namespace: Some(candidate.to_owned()),
            });
        }
    }
    let message = format!(
        "nothing makes the kubeconfig: let the control plane's template have an output named kubeconfig, or create \
         the WorkspaceTemplate {KUBECONFIG_TEMPLATE} in namespace {namespace}"
    );
    Err(nowhere(KUBECONFIG_TEMPLATE, message))
}
