//! `CAPTCluster`: the infrastructure of a cluster, which is its VPC. Cluster API's `InfraCluster`.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::{RecoverySpec, Timeouts};
use crate::reference::{ApiEndpoint, ObjectReference, TemplateReference};
use crate::status::{Lifecycle, WorkspaceTemplateStatus};

/// How the VPC is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VpcConfig {
    /// Its name. Default `<cluster>-vpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub name: Option<String>,
}

/// Which VPC a cluster lives in.
#[derive(Debug, Clone, Default, PartialEq, CustomResource, KubeSchema, Serialize, Deserialize)]
#[kube(
    group = "infrastructure.cluster.x-k8s.io",
    version = "v1beta1",
    kind = "CAPTCluster",
    plural = "captclusters",
    namespaced,
    status = "CAPTClusterStatus",
    derive = "PartialEq",
    category = "cluster-api",
    category = "capt",
    label("cluster.x-k8s.io/v1beta2", "v1beta1"),
    label("cluster.x-k8s.io/provider", "infrastructure-capt"),
    doc = "The infrastructure of a cluster: its VPC.",
    validation = Rule::new("size(self.metadata.name) <= 63").message("the name must have at most 63 characters: it becomes a label value"),
    printcolumn(name = "VPC-ID", type_ = "string", json_path = ".status.vpcId"),
    printcolumn(name = "READY", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "STATE", type_ = "string", json_path = ".status.state"),
    printcolumn(name = "ENDPOINT", type_ = "string", json_path = ".status.endpoint"),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "CLUSTER", type_ = "string", json_path = r".metadata.labels.cluster\.x-k8s\.io/cluster-name", priority = 1),
    printcolumn(name = "PROGRESS", type_ = "integer", json_path = ".status.progress.percentComplete", priority = 1),
    printcolumn(name = "REGION", type_ = "string", json_path = ".spec.region", priority = 1),
    printcolumn(name = "REASON", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#, priority = 1),
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(has(self.vpcTemplateRef) ? 1 : 0) + (has(self.existingVpcId) && self.existingVpcId != '' ? 1 : 0) + (has(self.vpcWorkspaceRef) ? 1 : 0) == 1").message("exactly one of vpcTemplateRef, existingVpcId and vpcWorkspaceRef must be set"),
    validation = Rule::new("!has(self.retainVpcOnDelete) || !self.retainVpcOnDelete || has(self.vpcTemplateRef)").message("retainVpcOnDelete needs vpcTemplateRef: any other VPC is never deleted"),
)]
pub struct CAPTClusterSpec {
    /// The region of the cloud.
    #[schemars(
        length(min = 1, max = 64),
        regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    )]
    pub region: String,
    /// The template that the VPC is made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_template_ref: Option<TemplateReference>,
    /// A VPC that exists, by its id in the cloud. What such an id looks like is the cloud's matter: it has no spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253), regex(pattern = r"^\S*$"))]
    pub existing_vpc_id: Option<String>,
    /// A `WorkspaceTemplateApply` that makes a VPC for several clusters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_workspace_ref: Option<ObjectReference>,
    /// Whether the VPC stays when this object is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retain_vpc_on_delete: Option<bool>,
    /// How the VPC is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_config: Option<VpcConfig>,
    /// The `WorkspaceTemplateApply` of the VPC. Old objects carry it; it is respected and never written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub workspace_template_apply_name: Option<String>,
    /// Where the API server answers. The control plane owns it; here it is only for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("has(self.host) && self.host != '' && has(self.port) && self.port > 0").message("an endpoint needs a host and a port"))]
    pub control_plane_endpoint: Option<ApiEndpoint>,
    /// How long the work may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
    /// What is done about failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<RecoverySpec>,
}

/// What Cluster API latches. Never taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InfrastructureInitialization {
    /// Whether the infrastructure was ever complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<bool>,
}

/// A place that fails as a whole: an availability zone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureDomain {
    /// Its name.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// Whether control plane machines may run there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<bool>,
    /// Whatever else is known of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, String>,
}

/// What is known of the infrastructure of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CAPTClusterStatus {
    /// What every reconciled kind says about itself.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// What Cluster API latches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<InfrastructureInitialization>,
    /// The VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// The workspace of the VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_workspace_name: Option<String>,
    /// The zones of the VPC.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub failure_domains: Vec<FailureDomain>,
    /// `host:port` of the API server, as the Cluster has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The code of the present failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// The present failure, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_message: Option<String>,
    /// What is known of the workspace of the VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_template_status: Option<WorkspaceTemplateStatus>,
}

/// Labels and annotations of the objects that are made from a template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateObjectMeta {
    /// Labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// What a `CAPTCluster` made from a template is like.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CAPTClusterTemplateResource {
    /// Its labels and annotations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<TemplateObjectMeta>,
    /// Its spec.
    pub spec: CAPTClusterSpec,
}

/// A template for the `CAPTCluster`s of a `ClusterClass`.
#[derive(Debug, Clone, Default, PartialEq, CustomResource, KubeSchema, Serialize, Deserialize)]
#[kube(
    group = "infrastructure.cluster.x-k8s.io",
    version = "v1beta1",
    kind = "CAPTClusterTemplate",
    plural = "captclustertemplates",
    namespaced,
    derive = "PartialEq",
    category = "cluster-api",
    category = "capt",
    label("cluster.x-k8s.io/v1beta2", "v1beta1"),
    label("cluster.x-k8s.io/provider", "infrastructure-capt"),
    doc = "A template for the CAPTClusters of a ClusterClass.",
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct CAPTClusterTemplateSpec {
    /// What a `CAPTCluster` made from it is like.
    pub template: CAPTClusterTemplateResource,
}
