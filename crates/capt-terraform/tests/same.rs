//! What the simulated engine says is what a real one says: the same modules through both.
#![cfg(feature = "engine")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a test"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use capt_core::fault::FaultClass;
use capt_terraform::cli::{Cli, CliOptions, locate};
use capt_terraform::{
    Engine, Operation, RunEnd, RunId, RunSpec, Runs, RunsOptions, Simulated, SimulatedCloud, WorkspaceId,
};
use futures::StreamExt;
use jiff::Timestamp;

const MODULE: &str = r#"
variable "name" { type = string }
variable "count_of" {
  type    = number
  default = "2"
}
locals {
  tags   = merge({ a = 1 }, { name = upper(var.name) })
  zones  = [for index in range(3) : format("%s-%02d", var.name, index) if index != 1]
  nested = { list = flatten([["a"], ["b", "c"]]), text = "x${var.count_of}" }
}
resource "terraform_data" "one" {
  input = jsonencode(local.tags)
}
resource "terraform_data" "many" {
  count = var.count_of
  input = "${terraform_data.one.output}/${count.index}"
}
resource "terraform_data" "each" {
  for_each         = toset(local.zones)
  input            = each.value
  triggers_replace = var.name
}
output "one" { value = terraform_data.one.output }
output "many" { value = join("|", terraform_data.many[*].output) }
output "each" { value = { for key, item in terraform_data.each : key => item.output } }
output "lookup" { value = lookup(local.nested, "text", "none") }
output "conditional" { value = length(local.zones) > 1 ? cidrsubnet("10.1.0.0/16", 8, 3) : null }
output "base64" { value = base64encode(sha256(trimspace("  a "))) }
output "replaced" { value = replace(join(",", sort(["b", "a"])), ",", "+") }
"#;

/// How a run ended, without what only one engine can know.
async fn outcome(
    runs: &Runs,
    run: &str,
    operation: Operation,
    name: &str,
    module: &str,
) -> Result<(String, String), (FaultClass, String)> {
    let files = BTreeMap::from([
        ("main.tf".to_owned(), module.as_bytes().to_vec()),
        (
            "in.auto.tfvars.json".to_owned(),
            format!("{{\"name\":\"{name}\"}}").into_bytes(),
        ),
    ]);
    let workspace = WorkspaceId::new("w");
    let mut changes = std::pin::pin!(runs.changes());
    runs.start(RunSpec::new(workspace.clone(), RunId::new(run), operation, files))
        .unwrap();
    loop {
        match runs.view(&workspace).and_then(|view| view.end) {
            Some(RunEnd::Succeeded { outputs, changes, .. }) => {
                let values: BTreeMap<_, _> = outputs
                    .into_iter()
                    .map(|(name, output)| (name, output.value))
                    .collect();
                return Ok((format!("{changes:?}"), serde_json::to_string(&values).unwrap()));
            }
            Some(RunEnd::Failed { faults, .. }) => {
                let summary = faults[0].message.split(':').next().unwrap_or_default().to_owned();
                return Err((faults[0].class, summary));
            }
            Some(other) => panic!("{other:?}"),
            None => changes.next().await,
        };
    }
}

fn real(root: &Path) -> Option<CliOptions> {
    let Some(binary) = locate("terraform", &std::env::var_os("PATH").unwrap_or_default()) else {
        let required = std::env::var("CAPT_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|tool| tool == "terraform"),
            "terraform is required and not on PATH"
        );
        println!("not run: terraform is not on PATH");
        return None;
    };
    let mut options = CliOptions::new(binary, root.join("runs"), |name| std::env::var_os(name));
    options.poll = Duration::from_millis(30);
    Some(options)
}

#[tokio::test]
async fn both_engines_come_to_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = real(dir.path()) else { return };
    let over = |engine: Arc<dyn Engine>| {
        Runs::new(
            engine,
            &RunsOptions::default(),
            Arc::new(|| Timestamp::UNIX_EPOCH),
        )
    };
    let real = over(Arc::new(Cli::probe(options).await.unwrap()));
    let quick = Simulated::new(SimulatedCloud::new()).with_resource_time(Duration::ZERO);
    let simulated = over(Arc::new(quick));
    let steps = [
        (Operation::Apply, "demo", MODULE),
        (Operation::Apply, "demo", MODULE),
        (Operation::Apply, "other", MODULE),
        (
            Operation::Apply,
            "other",
            "variable \"name\" {}\nvariable \"more\" {}",
        ),
        (Operation::Apply, "other", "output \"a\" { value = var.name }"),
        (
            Operation::Apply,
            "other",
            "variable \"name\" {}\noutput \"a\" { value = terraform_data.gone.id }",
        ),
        (
            Operation::Apply,
            "other",
            "variable \"name\" {}\noutput \"a\" { value = cidrsubnet(\"10.0.0.0/16\", 20, 1) }",
        ),
        (Operation::Destroy, "other", MODULE),
        (Operation::Apply, "demo", MODULE),
    ];
    for (number, (operation, name, module)) in steps.into_iter().enumerate() {
        let run = format!("r{number}");
        let expected = outcome(&real, &run, operation, name, module).await;
        assert_eq!(
            outcome(&simulated, &run, operation, name, module).await,
            expected,
            "step {number}"
        );
    }
}
