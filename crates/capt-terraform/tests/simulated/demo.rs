//! A module, runs of it, and how they end.

use std::collections::BTreeMap;
use std::sync::Arc;

use capt_terraform::run::RunView;
use capt_terraform::{
    Operation, RunEnd, RunId, RunSpec, Runs, RunsOptions, Simulated, SimulatedCloud, WorkspaceId,
};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};

pub(crate) const MODULE: &str = r#"
variable "name" {
  type = string
}

variable "size" {
  type    = number
  default = 2
}

locals {
  tags = merge({ Name = var.name }, { size = tostring(var.size) })
}

resource "terraform_data" "vpc" {
  input = local.tags
}

resource "terraform_data" "subnet" {
  count = var.size
  input = "${terraform_data.vpc.id}-${count.index}"
}

resource "aws_eks_cluster" "this" {
  name = var.name
  vpc_config {
    subnet_ids = terraform_data.subnet[*].id
  }
  provisioner "local-exec" {
    command = "echo making; sleep 30"
  }
}

output "name" {
  value = terraform_data.vpc.output.Name
}

output "cluster_endpoint" {
  value = aws_eks_cluster.this.endpoint
}

output "cluster_certificate_authority_data" {
  value     = aws_eks_cluster.this.certificate_authority[0].data
  sensitive = true
}

output "subnets" {
  value = join(",", [for subnet in terraform_data.subnet : subnet.input])
}
"#;

pub(crate) fn spec(run: &str, module: &str, variables: &str) -> RunSpec {
    let files = BTreeMap::from([
        ("main.tf".to_owned(), module.as_bytes().to_vec()),
        (
            "inputs.auto.tfvars.json".to_owned(),
            variables.as_bytes().to_vec(),
        ),
    ]);
    let mut spec = RunSpec::new(
        WorkspaceId::new("uid-1"),
        RunId::new(run),
        Operation::Apply,
        files,
    );
    spec.label = "demo".into();
    spec
}

pub(crate) fn runs(cloud: &SimulatedCloud) -> Runs {
    let (epoch, begin) = (Timestamp::UNIX_EPOCH, tokio::time::Instant::now());
    let clock = Arc::new(move || epoch + SignedDuration::try_from(begin.elapsed()).unwrap());
    Runs::new(
        Arc::new(Simulated::new(cloud.clone())),
        &RunsOptions::default(),
        clock,
    )
}

pub(crate) fn view(runs: &Runs) -> RunView {
    runs.view(&WorkspaceId::new("uid-1")).expect("the run is known")
}

pub(crate) async fn ended(runs: &Runs) -> RunEnd {
    let mut changes = std::pin::pin!(runs.changes());
    loop {
        if let Some(end) = view(runs).end {
            return end;
        }
        changes.next().await;
    }
}

pub(crate) async fn apply(runs: &Runs, spec: RunSpec) -> RunEnd {
    runs.start(spec).unwrap();
    ended(runs).await
}

pub(crate) fn first_fault(end: RunEnd) -> capt_core::fault::Fault {
    match end {
        RunEnd::Failed { faults, .. } => faults.into_iter().next().expect("a failure has a fault"),
        other => panic!("not a failure: {other:?}"),
    }
}

pub(crate) fn changes(end: &RunEnd) -> (u32, u32, u32) {
    match end {
        RunEnd::Succeeded { changes, .. } => (changes.add, changes.change, changes.remove),
        other => panic!("not a success: {other:?}"),
    }
}
