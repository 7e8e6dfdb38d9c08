//! A module, runs of it by the real program, and how they end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use capt_core::fault::Fault;
use capt_terraform::cli::{Cli, CliOptions, locate};
use capt_terraform::run::RunView;
use capt_terraform::{Operation, RunEnd, RunId, RunSpec, Runs, RunsOptions, WorkspaceId};
use futures::StreamExt;
use jiff::Timestamp;

pub(crate) const MODULE: &str = r#"
variable "name" { type = string }
variable "password" {
  type      = string
  sensitive = true
  default   = "hunter2hunter2"
}
resource "terraform_data" "step" {
  count = 5
  input = "${var.name}-${count.index}"
  provisioner "local-exec" { command = "sleep ${count.index * 0.5}" }
}
output "names" { value = terraform_data.step[*].output }
output "secret" {
  value     = var.password
  sensitive = true
}
"#;

pub(crate) fn slow(seconds: u32) -> String {
    format!(
        "resource \"terraform_data\" \"slow\" {{\n  provisioner \"local-exec\" {{ command = \"sleep {seconds}\" }}\n}}\noutput \"id\" {{ value = terraform_data.slow.id }}\n"
    )
}

/// The binary, or the reason why the test does not run. Its absence fails where it is required.
pub(crate) fn options(root: &Path) -> Option<CliOptions> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(binary) = locate("terraform", &path) else {
        let required = std::env::var("CAPT_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|tool| tool == "terraform"),
            "terraform is required and not on PATH"
        );
        println!("not run: terraform is not on PATH");
        return None;
    };
    let mut options = CliOptions::new(binary, root.join("runs"), |name| std::env::var_os(name));
    options.poll = Duration::from_millis(50);
    options.grace = Duration::from_mins(1);
    Some(options)
}

pub(crate) async fn runs(options: &CliOptions) -> Runs {
    let engine = Cli::probe(options.clone())
        .await
        .expect("terraform says its version");
    #[allow(clippy::disallowed_methods, reason = "a real process runs in real time")]
    Runs::new(
        Arc::new(engine),
        &RunsOptions::default(),
        Arc::new(Timestamp::now),
    )
}

pub(crate) fn spec(run: &str, module: &str) -> RunSpec {
    let files = BTreeMap::from([
        ("main.tf".to_owned(), module.as_bytes().to_vec()),
        ("in.auto.tfvars.json".to_owned(), br#"{"name":"demo"}"#.to_vec()),
    ]);
    let mut spec = RunSpec::new(WorkspaceId::new("w"), RunId::new(run), Operation::Apply, files);
    spec.input_digest = "digest".into();
    spec
}

pub(crate) fn view(runs: &Runs) -> RunView {
    runs.view(&WorkspaceId::new("w")).expect("the run is known")
}

/// Follows the changes of the view until `done`.
pub(crate) async fn until(runs: &Runs, mut done: impl FnMut(&RunView) -> bool) {
    let mut changes = std::pin::pin!(runs.changes());
    while !done(&view(runs)) {
        changes.next().await;
    }
}

pub(crate) async fn apply(runs: &Runs, spec: RunSpec) -> RunEnd {
    runs.start(spec).unwrap();
    until(runs, |view| view.end.is_some()).await;
    view(runs).end.unwrap()
}

pub(crate) fn faults(end: RunEnd) -> Vec<Fault> {
    match end {
        RunEnd::Failed { faults, .. } => faults,
        other => panic!("not a failure: {other:?}"),
    }
}

/// The process id in the record of the run.
pub(crate) fn recorded_pid(options: &CliOptions) -> i32 {
    let text = std::fs::read(options.root.join("w/run.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&text).unwrap();
    i32::try_from(
        record["step"]["process"]["pid"]
            .as_i64()
            .expect("a process is recorded"),
    )
    .unwrap()
}
