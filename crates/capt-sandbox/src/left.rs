//! What a sandbox leaves behind: runs that go on, and what was made and not destroyed.

use std::time::Duration;

use capt_api::TerraformWorkspace;
use capt_runtime::ObjectKey;
use capt_terraform::{Operation, Runs, Stage, WorkspaceId};
use futures::StreamExt as _;
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt};

/// What is left of a sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// Runs that are under way.
    pub running: Vec<LeftRun>,
    /// Workspaces that have made something which was not destroyed.
    pub made: Vec<ObjectKey>,
}

/// A run that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftRun {
    /// The workspace that it is a run of.
    pub workspace: ObjectKey,
    /// Under this name it has its working directory.
    pub id: WorkspaceId,
    /// What it brings about.
    pub operation: Operation,
    /// Where it is.
    pub stage: Stage,
    /// How many of its resources are done, and how many there are.
    pub steps: (u32, u32),
}

impl Left {
    /// Whether nothing is.
    pub fn is_nothing(&self) -> bool {
        self.running.is_empty() && self.made.is_empty()
    }
}

/// Looks at all workspaces; `runs` are those of the operator in the sandbox.
pub(crate) async fn look(client: &Client, runs: Option<&Runs>) -> Left {
    let mut left = Left::default();
    for workspace in workspaces(client).await {
        let key = ObjectKey::of(&workspace);
        let run = runs.and_then(|runs| running(&workspace, runs));
        let status = workspace.status.as_ref();
        let was_applied = status.is_some_and(|status| status.last_applied_time.is_some());
        let is_applying = run.as_ref().is_some_and(|run| run.stage == Stage::Applying);
        if was_applied || is_applying {
            left.made.push(key);
        }
        left.running.extend(run);
    }
    left
}

/// Asks all runs to stop and waits for them, for as long as `grace`.
pub(crate) async fn stop(client: &Client, runs: &Runs, grace: Duration) {
    let workspaces = workspaces(client).await;
    let active = || workspaces.iter().filter_map(|it| running(it, runs));
    let mut changes = std::pin::pin!(runs.changes());
    for run in active() {
        runs.cancel(&run.id);
    }
    let all_ended = async { while active().next().is_some() && changes.next().await.is_some() {} };
    // What has not stopped by then is named.
    let _ = tokio::time::timeout(grace, all_ended).await;
}

async fn workspaces(client: &Client) -> Vec<TerraformWorkspace> {
    let api = Api::<TerraformWorkspace>::all(client.clone());
    let listed = api.list(&ListParams::default()).await;
    listed.map(|list| list.items).unwrap_or_default()
}

fn running(workspace: &TerraformWorkspace, runs: &Runs) -> Option<LeftRun> {
    let id = WorkspaceId::new(workspace.uid().unwrap_or_default());
    let view = runs.view(&id).filter(|view| view.stage != Stage::Ended)?;
    Some(LeftRun {
        workspace: ObjectKey::of(workspace),
        id,
        operation: view.operation,
        stage: view.stage,
        steps: (view.progress.completed, view.progress.total),
    })
}
