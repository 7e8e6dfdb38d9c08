//! What happens inside, as metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use capt_core::lifecycle::State;
use capt_runtime::{ObjectKey, RoundOutcome};
use capt_terraform::{Operation, RunEnd, RunId, RunView, Runs, WorkspaceId};
use futures::StreamExt as _;
use telemetry::ObjectLabels;

/// Hands what the driver counts to the metrics of the process.
pub(crate) struct DriverMetrics(pub(crate) telemetry::Metrics);

impl capt_runtime::Metrics for DriverMetrics {
    fn round(&self, controller: &'static str, outcome: RoundOutcome, took: Duration) {
        let result = match outcome {
            RoundOutcome::Settled => "settled",
            RoundOutcome::Faulted => "fault",
            RoundOutcome::Conflicted => "conflict",
            RoundOutcome::Parked => "parked",
            RoundOutcome::Gone => "gone",
        };
        self.0.round(controller, result, took);
    }

    fn queue(&self, waiting: usize, _running: usize) {
        // One queue serves all controllers.
        self.0.queue_depth("all", waiting);
    }

    fn state(&self, kind: &str, object: &ObjectKey, state: Option<&str>) {
        let all: Vec<&str> = State::ALL.iter().map(|state| state.name()).collect();
        let object = ObjectLabels {
            kind,
            namespace: &object.namespace,
            name: &object.name,
        };
        match state {
            Some(state) => self.0.state(object, state, &all),
            None => self.0.forget(object, &all),
        }
    }

    fn unreadable(&self, kind: &str, objects: usize) {
        self.0.unreadable(kind, objects);
    }
}

/// Counts runs as they begin and end, for as long as it is polled.
pub(crate) async fn count_runs(runs: Runs, metrics: telemetry::Metrics) {
    let mut changes = std::pin::pin!(runs.changes());
    let mut seen: BTreeMap<WorkspaceId, (RunId, bool)> = BTreeMap::new();
    while let Some(workspace) = changes.next().await {
        let Some(view) = runs.view(&workspace) else {
            seen.remove(&workspace);
            continue;
        };
        let known = seen
            .get(&workspace)
            .filter(|(id, _)| *id == view.id)
            .map(|(_, ended)| *ended);
        let has_ended = view.end.is_some();
        if known.is_none() {
            metrics.run_started();
        }
        if has_ended && known != Some(true) {
            ended(&view, &metrics);
        }
        seen.insert(workspace, (view.id, has_ended));
    }
}

fn ended(view: &RunView, metrics: &telemetry::Metrics) {
    let Some(end) = &view.end else { return };
    let (outcome, finished_at) = match end {
        RunEnd::Succeeded { finished_at, .. } => ("succeeded", finished_at),
        RunEnd::Failed { finished_at, .. } => ("failed", finished_at),
        RunEnd::NeedsApproval { finished_at, .. } => ("needs_approval", finished_at),
    };
    let operation = match view.operation {
        Operation::Apply => "apply",
        Operation::Destroy => "destroy",
    };
    let took = finished_at.duration_since(view.started_at);
    metrics.run_ended(operation, outcome, Duration::try_from(took).unwrap_or_default());
    if let RunEnd::Failed { faults, .. } = end
        && let Some(fault) = faults.first()
    {
        metrics.workspace_error(fault.class.name());
    }
}
