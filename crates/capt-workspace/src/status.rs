//! What is said about a workspace.

use std::collections::{BTreeMap, BTreeSet};

use capt_api::terraform_workspace::{RunStatus, TerraformWorkspaceStatus, WorkspaceObservation};
use capt_core::condition::{Condition, standard};
use capt_core::decision::Decision;
use capt_core::lifecycle::State;
use capt_core::plan::Report;
use capt_core::record::Record;
use capt_core::workspace::{Command, progress};
use capt_status::{Written, digest, write_lifecycle, write_run};
use capt_terraform::{Output, RunEnd, RunView};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use crate::run;
use crate::subject::Seen;

/// The most bytes of outputs in a status: objects stay under 256 KiB, and parents copy them.
const MOST_OUTPUTS: usize = 64 * 1024;

/// The whole status.
pub(crate) fn render(
    seen: &Seen,
    decision: &Decision<Record, Command>,
    report: &Report,
    now: Timestamp,
) -> Value {
    let default = TerraformWorkspaceStatus::default();
    let before = seen.object.status.as_ref().unwrap_or(&default);
    let record = &decision.record;
    let view = seen.run.as_ref().filter(|view| is_run(view, record));
    let outputs = run::outputs(view, record);
    let shown = outputs.map(|outputs| {
        let (shown, left_out) = public(outputs);
        let input = record.run.as_ref().map(|run| run.input.clone());
        (
            WorkspaceObservation {
                outputs: shown,
                checksum: input,
            },
            left_out,
        )
    });

    let object = &seen.core.object;
    let mut conditions = standard(object, record, &decision.waits, now);
    conditions.push(synced(object.paused.as_deref(), record));
    conditions.extend(truncated(shown.as_ref().map(|(_, left_out)| left_out), before));

    let status = TerraformWorkspaceStatus {
        lifecycle: write_lifecycle(Written {
            object,
            record,
            progress: progress(&seen.core, record),
            waits: &decision.waits,
            conditions,
            generation: seen.object.metadata.generation,
            before: &before.lifecycle,
            now,
        }),
        at_provider: shown
            .map(|(shown, _)| shown)
            .or_else(|| before.at_provider.clone()),
        run: run_status(seen, record, before),
        last_applied_time: outputs
            .and(view)
            .and_then(|view| Some(Time(view.end.as_ref()?.finished_at())))
            .or_else(|| before.last_applied_time.clone()),
        outputs_digest: outputs.map(digest_of).or_else(|| before.outputs_digest.clone()),
        connection_secret: seen.connection.status(
            seen.core.connection,
            before.connection_secret.as_ref(),
            report.is_done("write-connection"),
        ),
        pending_approval: pending(view, record, before),
    };
    serde_json::to_value(status).unwrap_or_default()
}

fn is_run(view: &RunView, record: &Record) -> bool {
    let number = record.run.as_ref().map(|run| run.number.to_string());
    number.as_deref() == Some(view.id.as_str())
}

/// The run of the record with what is known of it: now, or when it was last heard of.
fn run_status(seen: &Seen, record: &Record, before: &TerraformWorkspaceStatus) -> Option<RunStatus> {
    let run = write_run(record.run.as_ref()?);
    let view = seen.run.as_ref().filter(|view| is_run(view, record));
    let known = before.run.as_ref();
    Some(match (view, known.filter(|known| known.id == run.id)) {
        (Some(view), _) => RunStatus {
            stage: Some(run::stage(view).to_owned()),
            finished_at: view.end.as_ref().map(|end| Time(end.finished_at())),
            engine: Some(seen.engine.name().to_owned()),
            ..run
        },
        (None, Some(known)) => RunStatus {
            stage: known.stage.clone(),
            finished_at: known.finished_at.clone(),
            engine: known.engine.clone(),
            ..run
        },
        // Which engine wrote the state is not forgotten over a new run.
        (None, None) => RunStatus {
            engine: known.and_then(|known| known.engine.clone()),
            ..run
        },
    })
}

/// Crossplane's word for whether the last thing that was tried worked.
fn synced(paused: Option<&str>, record: &Record) -> Condition {
    let troubled = match record.state {
        State::Failed | State::Recovering | State::Degraded => true,
        State::Pending | State::Validating | State::Provisioning | State::Configuring | State::Ready => false,
    };
    match (
        paused,
        record
            .fault
            .as_ref()
            .filter(|_| troubled || record.operation.is_some()),
    ) {
        (Some(why), _) => Condition::new("Synced", false, "ReconcilePaused", why),
        (None, Some(fault)) => Condition::new("Synced", false, "ReconcileError", fault.to_string()),
        (None, None) => Condition::new("Synced", true, "ReconcileSuccess", ""),
    }
}

/// Says which outputs did not fit; said until the next apply.
fn truncated(left_out: Option<&BTreeSet<String>>, before: &TerraformWorkspaceStatus) -> Option<Condition> {
    const KIND: &str = "OutputsTruncated";
    let message = match left_out {
        Some(names) if names.is_empty() => return None,
        Some(names) => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            format!(
                "too large for the status, and only in the connection secret: {}",
                names.join(", ")
            )
        }
        None => before.lifecycle.condition(KIND)?.message.clone(),
    };
    Some(Condition::new(KIND, true, "TooLarge", message))
}

fn pending(view: Option<&RunView>, record: &Record, before: &TerraformWorkspaceStatus) -> Vec<String> {
    match view.and_then(|view| view.end.as_ref()) {
        Some(RunEnd::NeedsApproval { changes, .. }) => changes.clone(),
        Some(RunEnd::Succeeded { .. } | RunEnd::Failed { .. }) => Vec::new(),
        None => {
            let waits = record
                .fault
                .as_ref()
                .is_some_and(|fault| fault.code == "ApprovalRequired");
            if waits && view.is_none() {
                before.pending_approval.clone()
            } else {
                Vec::new()
            }
        }
    }
}

/// The outputs that are not sensitive, the largest left out until the rest is small enough; and the names of
/// those left out.
fn public(outputs: &BTreeMap<String, Output>) -> (BTreeMap<String, Value>, BTreeSet<String>) {
    let public = outputs.iter().filter(|(_, output)| !output.sensitive);
    let mut sized: Vec<(usize, &String, &Value)> = public
        .map(|(name, output)| (name.len() + output.value.to_string().len(), name, &output.value))
        .collect();
    sized.sort_by_key(|(size, name, _)| (*size, *name));
    let mut left = MOST_OUTPUTS;
    let mut shown = BTreeMap::new();
    let mut left_out = BTreeSet::new();
    for (size, name, value) in sized {
        match left.checked_sub(size) {
            Some(rest) => {
                left = rest;
                shown.insert(name.clone(), value.clone());
            }
            None => {
                left_out.insert(name.clone());
            }
        }
    }
    (shown, left_out)
}

fn digest_of(outputs: &BTreeMap<String, Output>) -> String {
    let values: BTreeMap<&str, &Value> = outputs
        .iter()
        .map(|(name, output)| (name.as_str(), &output.value))
        .collect();
    digest(&json!(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(value: Value) -> Output {
        Output {
            sensitive: false,
            value,
        }
    }

    #[test]
    fn sensitive_outputs_are_not_shown() {
        let outputs = BTreeMap::from([
            ("vpc_id".to_owned(), output(json!("vpc-1"))),
            (
                "token".to_owned(),
                Output {
                    sensitive: true,
                    value: json!("hunter2"),
                },
            ),
        ]);
        let (shown, left_out) = public(&outputs);
        assert_eq!(json!(shown), json!({"vpc_id": "vpc-1"}));
        assert!(left_out.is_empty());
    }

    #[test]
    fn the_largest_outputs_are_left_out_first() {
        let outputs = BTreeMap::from([
            ("a_large".to_owned(), output(json!("x".repeat(50_000)))),
            ("b_larger".to_owned(), output(json!("x".repeat(60_000)))),
            ("small".to_owned(), output(json!([1, 2]))),
        ]);
        let (shown, left_out) = public(&outputs);
        assert_eq!(shown.keys().collect::<Vec<_>>(), ["a_large", "small"]);
        assert_eq!(left_out, BTreeSet::from(["b_larger".to_owned()]));
    }
}
