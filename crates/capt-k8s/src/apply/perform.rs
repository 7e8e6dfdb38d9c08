//! The effects of an apply.

use capt_api::keys;
use capt_core::fault::{Fault, FaultClass};
use capt_core::template_apply::Command;
use capt_runtime::Writer;

use super::Seen;
use crate::backend::WorkspaceBackend;

pub(super) async fn perform(
    command: &Command,
    seen: &Seen,
    backend: &dyn WorkspaceBackend,
    writer: &Writer,
) -> Result<(), Fault> {
    let apply = &*seen.apply;
    match command {
        Command::AddFinalizer => writer.add_finalizer(apply, keys::APPLY_FINALIZER).await,
        Command::EnsureWorkspace => {
            let Some(wanted) = &seen.wanted else {
                let message =
                    "the template is gone, so the workspace cannot be made; create the template again";
                let fault = Fault::new(FaultClass::Dependency, "WorkspaceTemplateNotFound", message);
                return Err(fault.on("spec.templateRef"));
            };
            backend.ensure(wanted, seen.workspace.as_ref(), writer).await
        }
        Command::DeleteWorkspace => match &seen.workspace {
            Some(workspace) => backend.delete(workspace, writer).await,
            None => Ok(()),
        },
        Command::ReleaseWorkspace => match &seen.workspace {
            Some(workspace) => backend.release(workspace, &seen.core.object.uid, writer).await,
            None => Ok(()),
        },
        Command::RemoveFinalizer => writer.remove_finalizer(apply, keys::APPLY_FINALIZER).await,
    }
}
