//! Runs over the simulated engine, in virtual time.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use capt_core::fault::FaultClass;
use capt_terraform::run::{ResourceStatus, RunView};
use capt_terraform::{
    Operation, RunEnd, RunId, RunSpec, Runs, RunsOptions, Simulated, SimulatedCloud, Stage, WorkspaceId,
};
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};

const MODULE: &str = r#"
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

fn spec(run: &str, module: &str, variables: &str) -> RunSpec {
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

fn runs(cloud: &SimulatedCloud) -> Runs {
    let (epoch, begin) = (Timestamp::UNIX_EPOCH, tokio::time::Instant::now());
    let clock = Arc::new(move || epoch + SignedDuration::try_from(begin.elapsed()).unwrap());
    Runs::new(
        Arc::new(Simulated::new(cloud.clone())),
        &RunsOptions::default(),
        clock,
    )
}

fn view(runs: &Runs) -> RunView {
    runs.view(&WorkspaceId::new("uid-1")).expect("the run is known")
}

async fn ended(runs: &Runs) -> RunEnd {
    let mut changes = std::pin::pin!(runs.changes());
    loop {
        if let Some(end) = view(runs).end {
            return end;
        }
        changes.next().await;
    }
}

async fn apply(runs: &Runs, spec: RunSpec) -> RunEnd {
    runs.start(spec).unwrap();
    ended(runs).await
}

fn first_fault(end: RunEnd) -> capt_core::fault::Fault {
    match end {
        RunEnd::Failed { faults, .. } => faults.into_iter().next().expect("a failure has a fault"),
        other => panic!("not a failure: {other:?}"),
    }
}

fn changes(end: &RunEnd) -> (u32, u32, u32) {
    match end {
        RunEnd::Succeeded { changes, .. } => (changes.add, changes.change, changes.remove),
        other => panic!("not a success: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_apply_makes_everything_and_reads_the_outputs() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    let end = apply(&runs, spec("r1", MODULE, r#"{"name":"demo"}"#)).await;
    assert_eq!(changes(&end), (4, 0, 0));
    let RunEnd::Succeeded {
        outputs, finished_at, ..
    } = end
    else {
        unreachable!()
    };
    assert_eq!(outputs["name"].value, "demo");
    assert!(
        outputs["cluster_endpoint"]
            .value
            .as_str()
            .unwrap()
            .starts_with("https://")
    );
    assert!(outputs["cluster_certificate_authority_data"].sensitive);
    assert!(outputs["subnets"].value.as_str().unwrap().ends_with("-1"));
    // 0.5 s init, 0.5 s plan, 2 s vpc, 2 s subnets, 30 s cluster.
    assert_eq!(finished_at.as_second(), 35);
    let view = view(&runs);
    assert_eq!(
        (view.stage, view.progress.percent, view.progress.completed),
        (Stage::Ended, 100, 4)
    );
    assert!(
        view.progress
            .resources
            .iter()
            .all(|resource| resource.status == ResourceStatus::Complete)
    );
}

#[tokio::test(start_paused = true)]
async fn progress_follows_the_events_and_never_goes_back() {
    let runs = runs(&SimulatedCloud::new());
    runs.start(spec("r1", MODULE, r#"{"name":"demo"}"#)).unwrap();
    let mut changes = std::pin::pin!(runs.changes());
    let mut seen = vec![];
    while view(&runs).end.is_none() {
        changes.next().await;
        seen.push(view(&runs).progress);
    }
    assert!(
        seen.windows(2).all(|pair| pair[0].percent <= pair[1].percent),
        "{seen:?}"
    );
    assert!(
        seen.iter()
            .any(|progress| progress.current == ["aws_eks_cluster.this"])
    );
    let mut values: Vec<_> = seen.iter().map(|progress| progress.percent).collect();
    values.dedup();
    assert!(values.len() >= 5, "{values:?}");
}

#[tokio::test(start_paused = true)]
async fn the_same_again_changes_nothing_and_another_input_updates() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    apply(&runs, spec("r1", MODULE, r#"{"name":"demo"}"#)).await;
    let again = apply(&runs, spec("r2", MODULE, r#"{"name":"demo"}"#)).await;
    assert_eq!(changes(&again), (0, 0, 0));
    assert_eq!(cloud.counters("demo").applies, 1);
    let other = apply(&runs, spec("r3", MODULE, r#"{"name":"other"}"#)).await;
    assert_eq!(changes(&other), (0, 2, 0));
    let mut destroy = spec("r4", MODULE, r#"{"name":"other"}"#);
    destroy.operation = Operation::Destroy;
    assert_eq!(changes(&apply(&runs, destroy).await), (0, 0, 4));
    assert_eq!(cloud.resources("demo"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_run_is_started_once_and_a_workspace_has_one_run() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    runs.start(spec("r1", MODULE, r#"{"name":"demo"}"#)).unwrap();
    runs.start(spec("r1", MODULE, r#"{"name":"demo"}"#)).unwrap();
    let refused = runs.start(spec("r2", MODULE, r#"{"name":"demo"}"#)).unwrap_err();
    assert_eq!(refused.class, FaultClass::Dependency);
    ended(&runs).await;
    runs.start(spec("r1", MODULE, r#"{"name":"demo"}"#)).unwrap();
    assert_eq!(cloud.counters("demo").runs, 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_id_over_another_input_is_another_run() {
    let cloud = SimulatedCloud::new();
    let first = runs(&cloud);
    let over = |name: &str| {
        let mut spec = spec("r1", MODULE, &format!("{{\"name\":\"{name}\"}}"));
        spec.input_digest = name.into();
        spec
    };
    let name = |end: RunEnd| match end {
        RunEnd::Succeeded { outputs, .. } => outputs["name"].value.clone(),
        other => panic!("not a success: {other:?}"),
    };
    first.start(over("one")).unwrap();
    assert_eq!(
        first.start(over("two")).unwrap_err().class,
        FaultClass::Dependency
    );
    assert_eq!(name(ended(&first).await), "one");
    assert_eq!(name(apply(&first, over("two")).await), "two");
    drop(first);

    let adopted = runs(&cloud);
    adopted
        .adopt(&WorkspaceId::new("uid-1"), &RunId::new("r1"))
        .unwrap();
    assert_eq!(name(ended(&adopted).await), "two");
    assert_eq!(name(apply(&adopted, over("three")).await), "three");
    drop(adopted);

    let restarted = runs(&cloud);
    assert_eq!(name(apply(&restarted, over("four")).await), "four");
    assert_eq!(cloud.counters("demo").applies, 4);
    assert_eq!(name(apply(&restarted, over("four")).await), "four");
    assert_eq!(cloud.counters("demo").applies, 4);
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_of_an_apply_adopts_it() {
    let cloud = SimulatedCloud::new();
    let before = runs(&cloud);
    before.start(spec("r1", MODULE, r#"{"name":"demo"}"#)).unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(view(&before).stage, Stage::Applying);
    drop(before);
    let after = runs(&cloud);
    let end = apply(&after, spec("r1", MODULE, r#"{"name":"demo"}"#)).await;
    assert_eq!(changes(&end), (4, 0, 0));
    assert_eq!(
        (cloud.counters("demo").applies, cloud.counters("demo").plans),
        (1, 1)
    );
    // And once more, after the end: the verdict is kept.
    let later = runs(&cloud);
    later
        .adopt(&WorkspaceId::new("uid-1"), &RunId::new("r1"))
        .unwrap();
    assert_eq!(ended(&later).await, end);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_work_fails_as_terraform_would_say() {
    let cases = [
        (
            r#"resource "terraform_data" "a" {"#,
            "Invalid configuration syntax",
            1,
        ),
        (
            "output \"a\" {\n  value = var.nowhere\n}",
            "Reference to undeclared input variable",
            2,
        ),
        ("variable \"a\" {}", "No value for required variable", 1),
        (
            "output \"a\" {\n  value = terraform_data.b.id\n}",
            "Reference to undeclared resource",
            2,
        ),
        (
            "locals {\n a = local.b\n b = local.a\n}",
            "Cycle: local.a, local.b",
            0,
        ),
        (
            "output \"a\" {\n  value = cidrsubnet(\"10.0.0.0/16\", 20, 1)\n}",
            "insufficient address space",
            0,
        ),
        ("resorce \"a\" \"b\" {}", "Unsupported block type", 1),
    ];
    for (module, summary, line) in cases {
        let fault = first_fault(apply(&runs(&SimulatedCloud::new()), spec("r1", module, "{}")).await);
        assert!(fault.message.contains(summary), "{}", fault.message);
        if line > 0 {
            assert!(
                fault.position.starts_with(&format!("main.tf:{line},")),
                "{}",
                fault.message
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_scripted_failure_happens_as_often_as_it_says() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    cloud.fail(
        "terraform_data.vpc",
        "creating EC2 VPC: VpcLimitExceeded: The maximum number of VPCs has been reached.",
        1,
    );
    let fault = first_fault(apply(&runs, spec("r1", MODULE, r#"{"name":"demo"}"#)).await);
    assert_eq!(fault.subject, "terraform_data.vpc");
    assert_eq!(cloud.resources("demo"), Vec::<String>::new());
    assert_eq!(
        changes(&apply(&runs, spec("r2", MODULE, r#"{"name":"demo"}"#)).await),
        (4, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_failing_provisioner_taints_and_a_protected_replacement_waits_for_approval() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    let failing = MODULE.replace("echo making; sleep 30", "sleep 1; exit 3");
    let fault = first_fault(apply(&runs, spec("r1", &failing, r#"{"name":"demo"}"#)).await);
    assert!(
        fault.message.contains("local-exec provisioner error"),
        "{}",
        fault.message
    );
    let mut guarded = spec("r2", MODULE, r#"{"name":"demo"}"#);
    guarded.protected = vec!["aws_eks_cluster".into()];
    match apply(&runs, guarded.clone()).await {
        RunEnd::NeedsApproval { changes, .. } => {
            assert_eq!(changes, ["replace aws_eks_cluster.this (tainted)"]);
        }
        other => panic!("{other:?}"),
    }
    guarded.id = RunId::new("r3");
    guarded.approved = true;
    assert_eq!(changes(&apply(&runs, guarded).await), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lost_state_stops_everything() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    apply(&runs, spec("r1", MODULE, r#"{"name":"demo"}"#)).await;
    cloud.lose_state("demo");
    let mut again = spec("r2", MODULE, r#"{"name":"demo"}"#);
    again.expect_state = true;
    let fault = first_fault(apply(&runs, again).await);
    assert_eq!(
        (fault.class, fault.code.as_str()),
        (FaultClass::Integrity, "StateMissing")
    );
    assert_eq!(cloud.counters("demo").plans, 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_is_interrupted_and_the_next_takes_it_up() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    runs.start(spec("r1", MODULE, r#"{"name":"demo"}"#)).unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    runs.cancel(&WorkspaceId::new("uid-1"));
    assert_eq!(first_fault(ended(&runs).await).class, FaultClass::Interrupted);
    assert_eq!(
        changes(&apply(&runs, spec("r2", MODULE, r#"{"name":"demo"}"#)).await),
        (1, 0, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn all_runs_stop_wherever_they_are() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    runs.stop_all().await;
    // More than may work at a time: the last ones wait for a place.
    let workspaces: Vec<WorkspaceId> = (0..6).map(|n| WorkspaceId::new(format!("uid-{n}"))).collect();
    for workspace in &workspaces {
        let mut spec = spec("r1", MODULE, r#"{"name":"demo"}"#);
        spec.workspace = workspace.clone();
        spec.label = workspace.to_string();
        runs.start(spec).unwrap();
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(runs.under_way(), workspaces);
    runs.stop_all().await;
    assert!(runs.under_way().is_empty());
    for workspace in &workspaces {
        let end = runs.view(workspace).unwrap().end.unwrap();
        assert_eq!(first_fault(end).class, FaultClass::Interrupted, "{workspace}");
    }
    assert!(cloud.locks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_run_ends_before_it_changes_anything() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    for (id, after) in [("r1", 0), ("r2", 500), ("r3", 700)] {
        runs.start(spec(id, MODULE, r#"{"name":"demo"}"#)).unwrap();
        tokio::time::sleep(Duration::from_millis(after)).await;
        runs.withdraw(&WorkspaceId::new("uid-1"));
        let fault = first_fault(ended(&runs).await);
        assert_eq!(
            (fault.class, &*fault.code),
            (FaultClass::Interrupted, "RunSuperseded")
        );
    }
    assert_eq!(cloud.counters("demo").applies, 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_applies_is_not_withdrawn() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    runs.start(spec("r1", MODULE, r#"{"name":"demo"}"#)).unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    runs.withdraw(&WorkspaceId::new("uid-1"));
    assert_eq!(changes(&ended(&runs).await), (4, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stale_plan_is_made_again_once() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    let stale = || capt_core::fault::Fault::new(FaultClass::Transient, "StalePlan", "Saved plan is stale");
    cloud.fail("demo", stale(), 1);
    assert_eq!(
        changes(&apply(&runs, spec("r1", MODULE, r#"{"name":"demo"}"#)).await),
        (4, 0, 0)
    );
    assert_eq!(cloud.counters("demo").plans, 2);
    cloud.fail("demo", stale(), 2);
    let fault = first_fault(apply(&runs, spec("r2", MODULE, r#"{"name":"x"}"#)).await);
    assert_eq!(fault.code, "StalePlan");
}

#[tokio::test(start_paused = true)]
async fn more_runs_than_places_wait_for_their_turn() {
    let cloud = SimulatedCloud::new();
    let engine = Arc::new(Simulated::new(cloud));
    let options = RunsOptions { max_concurrent: 1 };
    let runs = Runs::new(engine, &options, Arc::new(|| Timestamp::UNIX_EPOCH));
    for n in ["a", "b"] {
        let mut spec = spec("r1", MODULE, r#"{"name":"demo"}"#);
        spec.workspace = WorkspaceId::new(n);
        runs.start(spec).unwrap();
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    let stage = |n: &str| runs.view(&WorkspaceId::new(n)).unwrap().stage;
    assert_eq!((stage("a"), stage("b")), (Stage::Applying, Stage::Preparing));
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!((stage("a"), stage("b")), (Stage::Ended, Stage::Applying));
}

/// A module as people write them for AWS: remote modules, data sources, dynamic blocks, a kubeconfig.
const AWS: &str = r#"
terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = { source = "hashicorp/aws", version = "~> 5.0" }
  }
}

provider "aws" {
  region = var.region
}

variable "region" {
  type    = string
  default = "us-east-1"
  validation {
    condition     = length(var.region) > 3
    error_message = "The region is too short."
  }
}

data "aws_availability_zones" "available" {}
data "aws_caller_identity" "current" {}

module "vpc" {
  source          = "terraform-aws-modules/vpc/aws"
  version         = "5.0.0"
  azs             = slice(data.aws_availability_zones.available.names, 0, 2)
  private_subnets = [for index in range(2) : cidrsubnet("10.0.0.0/16", 8, index)]
}

module "nodes" {
  source     = "./nodes"
  subnet_ids = module.vpc.private_subnets
}

resource "aws_iam_role" "eks" {
  name               = "eks-${data.aws_caller_identity.current.account_id}"
  assume_role_policy = jsonencode({ Statement = [{ Effect = "Allow", Principal = { Service = "eks.amazonaws.com" } }] })
}

resource "aws_eks_cluster" "this" {
  name     = "demo"
  role_arn = aws_iam_role.eks.arn
  vpc_config {
    subnet_ids = module.vpc.private_subnets
  }
  lifecycle {
    ignore_changes = [tags]
  }
  depends_on = [module.nodes]
}

resource "aws_security_group_rule" "each" {
  for_each  = toset(["a", "b"])
  self      = true
  from_port = each.key == "a" ? 80 : 443
}

output "vpc_id" { value = module.vpc.vpc_id }
output "issuer" { value = aws_eks_cluster.this.identity[0].oidc[0].issuer }
output "rules" { value = [for key, rule in aws_security_group_rule.each : "${key}:${rule.from_port}"] }
output "zones" { value = module.nodes.zones }
output "kubeconfig" {
  sensitive = true
  value = yamlencode({
    apiVersion = "v1"
    clusters   = [{ name = "demo", cluster = {
      server                     = aws_eks_cluster.this.endpoint
      certificate-authority-data = aws_eks_cluster.this.certificate_authority.0.data
    } }]
  })
}
"#;

const NODES: &str = r#"
variable "subnet_ids" { type = list(string) }
resource "aws_eks_node_group" "this" {
  subnet_ids = var.subnet_ids
}
output "zones" { value = length(var.subnet_ids) }
"#;

#[tokio::test(start_paused = true)]
async fn a_module_for_aws_comes_to_plausible_values() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    let mut aws = spec("r1", AWS, "{}");
    aws.files.insert("nodes/main.tf".into(), NODES.into());
    let end = apply(&runs, aws.clone()).await;
    assert_eq!(changes(&end), (6, 0, 0));
    let RunEnd::Succeeded { outputs, .. } = &end else {
        unreachable!()
    };
    let text = |name: &str| outputs[name].value.as_str().unwrap_or_default().to_owned();
    assert!(
        text("vpc_id").starts_with("vpc-") && text("issuer").starts_with("https://"),
        "{:?}",
        text("vpc_id")
    );
    assert_eq!(outputs["rules"].value, serde_json::json!(["a:80", "b:443"]));
    assert_eq!(outputs["zones"].value, 3);
    assert!(
        text("kubeconfig").contains("server: https://"),
        "{}",
        text("kubeconfig")
    );
    let log: Vec<_> = cloud.resources("demo");
    assert!(
        log.contains(&"module.nodes.aws_eks_node_group.this".to_owned()),
        "{log:?}"
    );
    assert!(log.contains(&"module.vpc.aws_vpc.this".to_owned()), "{log:?}");
    // The same in another world: the values follow from the inputs alone.
    let other = self::runs(&SimulatedCloud::new());
    assert_eq!(apply(&other, aws.clone()).await, end);
    aws.files
        .insert("in.auto.tfvars".into(), b"region = \"x\"".to_vec());
    aws.id = RunId::new("r2");
    let fault = first_fault(apply(&runs, aws).await);
    assert!(
        fault
            .message
            .starts_with("Invalid value for variable: The region is too short."),
        "{}",
        fault.message
    );
    assert_eq!(fault.class, FaultClass::Invalid);
}

#[tokio::test(start_paused = true)]
async fn a_configuration_in_json_is_read_too() {
    let runs = runs(&SimulatedCloud::new());
    let mut json = spec("r1", "", "{}");
    json.files.remove("main.tf");
    let text = r#"{"resource":{"terraform_data":{"a":{"input":"x","provisioner":{"local-exec":{"command":"sleep 5"}}}}},
        "output":{"a":{"value":"${terraform_data.a.output}!"}}}"#;
    json.files.insert("main.tf.json".into(), text.into());
    let end = apply(&runs, json).await;
    let RunEnd::Succeeded {
        outputs, finished_at, ..
    } = end
    else {
        panic!("{end:?}")
    };
    assert_eq!(
        (outputs["a"].value.as_str(), finished_at.as_second()),
        (Some("x!"), 6)
    );
}
