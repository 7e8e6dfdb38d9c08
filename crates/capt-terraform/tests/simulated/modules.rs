//! Configurations as people write them.

use capt_core::fault::FaultClass;
use capt_terraform::{RunEnd, RunId, SimulatedCloud};

use crate::demo::{apply, changes, first_fault, runs, spec};

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
