//! The effects of a control plane.

use capt_api::{CAPTControlPlane, WorkspaceTemplateApply, keys};
use capt_core::control_plane::Command;
use capt_core::fault::{Fault, FaultClass};
use capt_runtime::{ObjectKey, Writer};
use k8s_openapi::api::core::v1::Secret;
use serde_json::json;

use super::Seen;
use super::sources::PUBLISHED;
use crate::follow::{delete_apply, ensure_apply};

pub(super) async fn perform(command: &Command, seen: &Seen, writer: &Writer) -> Result<(), Fault> {
    let object = &*seen.object;
    match command {
        Command::AddFinalizer => writer.add_finalizer(object, keys::CONTROL_PLANE_FINALIZER).await,
        Command::EnsureApply => ensure(seen.wanted.as_ref(), seen.apply.as_deref(), writer).await,
        Command::EnsureKubeconfigApply => {
            let live = seen.kubeconfig_apply.as_deref();
            ensure(seen.kubeconfig_wanted.as_ref(), live, writer).await
        }
        Command::PublishEndpoint => publish(seen, writer).await,
        Command::WriteKubeconfig => match &seen.kubeconfig {
            Some(secret) => write(secret, seen.kubeconfig_live.as_deref(), writer).await,
            // It is made anew at present, and written once that is done.
            None => Ok(()),
        },
        Command::WriteCa => match &seen.ca {
            Some(secret) => write(secret, seen.ca_live.as_deref(), writer).await,
            None => Ok(()),
        },
        Command::DeleteKubeconfigApply => delete_apply(seen.kubeconfig_apply.as_deref(), writer).await,
        Command::DeleteApply => delete_apply(seen.apply.as_deref(), writer).await,
        Command::RemoveFinalizer => {
            writer
                .remove_finalizer(object, keys::CONTROL_PLANE_FINALIZER)
                .await
        }
    }
}

async fn ensure(
    wanted: Option<&WorkspaceTemplateApply>,
    live: Option<&WorkspaceTemplateApply>,
    writer: &Writer,
) -> Result<(), Fault> {
    let Some(wanted) = wanted else {
        let message = "what it would be made from is not known at present";
        return Err(Fault::new(FaultClass::Dependency, "NotRenderable", message).on("WorkspaceTemplateApply"));
    };
    ensure_apply(wanted, live, writer).await
}

/// Writes a Secret: over the one that was looked at, or where there was none.
async fn write(secret: &Secret, live: Option<&Secret>, writer: &Writer) -> Result<(), Fault> {
    let uid = live.and_then(|live| live.metadata.uid.as_deref());
    writer.apply_over(secret, uid).await.map(drop)
}

/// Writes host and port into the spec, if nobody has changed the object since it was looked at.
async fn publish(seen: &Seen, writer: &Writer) -> Result<(), Fault> {
    let Some(endpoint) = &seen.endpoint else {
        return Ok(());
    };
    let patch = json!({
        "metadata": { "annotations": { PUBLISHED: endpoint.to_string() } },
        "spec": { "controlPlaneEndpoint": { "host": endpoint.host, "port": endpoint.port } },
    });
    let version = seen.object.metadata.resource_version.as_deref();
    writer
        .merge_patch::<CAPTControlPlane>(&ObjectKey::of(&*seen.object), &patch, version)
        .await
        .map(drop)
}
