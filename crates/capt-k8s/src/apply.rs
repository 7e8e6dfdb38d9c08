//! The controller of `WorkspaceTemplateApply`: a template, filled in and made into one workspace.
//!
//! # Flow
//!
//! The template is looked up and filled in; Secrets and workspaces that are named in `waitForSecrets` and
//! `waitForWorkspaces` are waited for; the workspace is written through the backend and followed. A new
//! template, variable or request of a person changes the digest of the input, and the workspace is written
//! again.
//!
//! # Guarantees
//!
//! - Workspaces that are waited for are waited for once, before the workspace exists. Nothing that appears or
//!   vanishes later tears down what runs.
//! - A template that was deleted leaves the workspace as it is.
//! - Applies that wait for each other fail, with the path of the cycle in the message.
//! - With `retainWorkspaceOnDelete` the workspace loses its owner before the apply loses its finalizer: the
//!   garbage collector never sees both.

mod cycle;
mod observe;
mod perform;
mod render;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use capt_api::WorkspaceTemplateApply;
use capt_core::decision::Decision;
use capt_core::fault::Fault;
use capt_core::plan::Report;
use capt_core::record::Record;
use capt_core::template_apply::{self, Command};
use capt_runtime::{Subject, View, Writer};
use jiff::Timestamp;

use crate::Options;
use crate::backend::{WantedWorkspace, Workspace};
use crate::follow::announce;

pub(crate) use render::workspace_name;

/// The controller of `WorkspaceTemplateApply`.
#[derive(Debug)]
pub struct ApplyController {
    options: Options,
}

impl ApplyController {
    /// The controller of an installation.
    pub fn new(options: Options) -> Self {
        Self { options }
    }
}

/// What a round knows about one apply.
#[derive(Debug)]
pub struct Seen {
    core: template_apply::Snapshot,
    apply: Arc<WorkspaceTemplateApply>,
    wanted: Option<WantedWorkspace>,
    workspace: Option<Workspace>,
}

#[async_trait]
impl Subject for ApplyController {
    type Object = WorkspaceTemplateApply;
    type Snapshot = Seen;
    type Record = Record;
    type Command = Command;

    const NAME: &'static str = "template-apply";

    async fn observe(
        &self,
        object: Arc<WorkspaceTemplateApply>,
        view: &View,
        last: Option<&Report>,
    ) -> Result<Seen, Fault> {
        Ok(observe::observe(object, view, last, &self.options))
    }

    fn is_left_alone(&self, object: &Self::Object) -> bool {
        capt_status::is_managed_elsewhere(&object.metadata)
    }

    fn decide(&self, seen: &Seen, now: Timestamp) -> Decision<Record, Command> {
        let assessment = template_apply::assess(&seen.core, now);
        let mut decision = template_apply::decide(&seen.core, assessment, now);
        let before = seen.apply.status.as_ref().map(|status| &status.lifecycle);
        announce(&mut decision, &seen.core.missing, before);
        decision
    }

    async fn perform(&self, command: &Command, seen: &Seen, writer: &Writer) -> Result<(), Fault> {
        perform::perform(command, seen, &*self.options.backend, writer).await
    }

    fn status(
        &self,
        seen: &Seen,
        decision: &Decision<Record, Command>,
        report: &Report,
        now: Timestamp,
    ) -> serde_json::Value {
        serde_json::to_value(status::status(seen, decision, report, now)).unwrap_or_default()
    }
}
