//! The effects of a `CAPTCluster`.

use capt_api::{WorkspaceTemplateApply, keys};
use capt_core::cluster::Command;
use capt_core::fault::Fault;
use capt_runtime::{ObjectKey, Writer};
use serde_json::json;

use super::Seen;
use crate::follow::{delete_apply, ensure_apply};

pub(super) async fn perform(command: &Command, seen: &Seen, writer: &Writer) -> Result<(), Fault> {
    let object = &*seen.object;
    match command {
        Command::AddFinalizer => writer.add_finalizer(object, keys::CLUSTER_FINALIZER).await,
        Command::EnsureVpc => match &seen.wanted {
            Some(wanted) => ensure_apply(wanted, seen.apply.as_deref(), writer).await,
            None => Ok(()),
        },
        Command::DeleteVpc { retain } => {
            if *retain {
                retain_workspace(seen, writer).await?;
            }
            delete_apply(seen.apply.as_deref(), writer).await
        }
        Command::RemoveFinalizer => writer.remove_finalizer(object, keys::CLUSTER_FINALIZER).await,
    }
}

/// Says on the apply that what it made stays, before anything is deleted.
async fn retain_workspace(seen: &Seen, writer: &Writer) -> Result<(), Fault> {
    let Some(apply) = seen.apply.as_deref() else {
        return Ok(());
    };
    if apply.spec.retain_workspace_on_delete == Some(true) {
        return Ok(());
    }
    let patch = json!({ "spec": { "retainWorkspaceOnDelete": true } });
    let version = apply.metadata.resource_version.as_deref();
    writer
        .merge_patch::<WorkspaceTemplateApply>(&ObjectKey::of(apply), &patch, version)
        .await
        .map(drop)
}
