//! `CAPTControlPlane`: a managed Kubernetes control plane. Cluster API's `ControlPlane`.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::capt_cluster::TemplateObjectMeta;
use crate::crd::{any_object, tags};
use crate::policy::{RecoverySpec, Timeouts};
use crate::reference::{ApiEndpoint, TemplateReference};
use crate::status::{Lifecycle, Phase, WorkspaceTemplateStatus};

/// From where the API server can be reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointAccess {
    /// From the internet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// From inside the VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// The only networks of the internet from which it can be reached.
    #[serde(default, rename = "publicCIDRs", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    pub public_cidrs: Vec<String>,
}

/// One add-on of the managed control plane.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Addon {
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Its version. Left out: the one that fits the control plane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its configuration, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration_values: Option<String>,
}

/// Time limits as the Go implementation writes them, in minutes. `spec.timeouts` wins over them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ControlPlaneTimeouts {
    /// Minutes for the control plane. Default 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10080))]
    pub control_plane_timeout: Option<i32>,
    /// Minutes for the VPC. Default 15.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10080))]
    pub vpc_ready_timeout: Option<i32>,
}

/// What the control plane is like.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ControlPlaneConfig {
    /// The region of the cloud.
    #[schemars(length(max = 64), regex(pattern = r"^[a-z]{2,4}(-[a-z]+){1,3}-[0-9]{1,2}$"))]
    pub region: String,
    /// From where the API server can be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_access: Option<EndpointAccess>,
    /// Add-ons.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub addons: Vec<Addon>,
    /// Time limits in minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<ControlPlaneTimeouts>,
}

/// Which control plane is wanted.
#[derive(Debug, Clone, Default, PartialEq, CustomResource, KubeSchema, Serialize, Deserialize)]
#[kube(
    group = "controlplane.cluster.x-k8s.io",
    version = "v1beta1",
    kind = "CAPTControlPlane",
    plural = "captcontrolplanes",
    namespaced,
    status = "CAPTControlPlaneStatus",
    derive = "PartialEq",
    category = "cluster-api",
    category = "capt",
    label("cluster.x-k8s.io/v1beta2", "v1beta1"),
    label("cluster.x-k8s.io/provider", "control-plane-capt"),
    doc = "A managed Kubernetes control plane.",
    validation = Rule::new("!has(oldSelf.status) || !has(oldSelf.status.version) || self.spec.version == oldSelf.spec.version || !self.spec.version.contains('.') || !oldSelf.spec.version.contains('.') || !oldSelf.status.version.matches('^v?[0-9]{1,3}[.][0-9]{1,3}') || (self.spec.version.find('[0-9]+') == oldSelf.status.version.find('[0-9]+') && int(self.spec.version.find('[.][0-9]+').substring(1)) >= int(oldSelf.status.version.find('[.][0-9]+').substring(1)) - 1 && (int(self.spec.version.find('[.][0-9]+').substring(1)) - int(oldSelf.status.version.find('[.][0-9]+').substring(1)) <= 1 || int(self.spec.version.find('[.][0-9]+').substring(1)) - int(oldSelf.spec.version.find('[.][0-9]+').substring(1)) <= 1))").message(Message::Expression("'the control plane runs ' + oldSelf.status.version + ', and a control plane goes up, or back, by one minor version at a time: set the one next to it first'".to_owned())).field_path(".spec.version"),
    validation = Rule::new("size(self.metadata.name) <= 63").message("the name must have at most 63 characters: it becomes a label value"),
    printcolumn(name = "READY", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "PHASE", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "STATE", type_ = "string", json_path = ".status.state"),
    printcolumn(name = "PROGRESS", type_ = "integer", json_path = ".status.progress.percentComplete"),
    printcolumn(name = "VERSION", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "ENDPOINT", type_ = "string", json_path = ".status.endpoint"),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "CLUSTER", type_ = "string", json_path = r".metadata.labels.cluster\.x-k8s\.io/cluster-name", priority = 1),
    printcolumn(name = "AVAILABLE", type_ = "string", json_path = r#".status.conditions[?(@.type=="Available")].status"#, priority = 1),
    printcolumn(name = "OPERATION", type_ = "string", json_path = ".status.progress.currentOperation", priority = 1),
    printcolumn(name = "REASON", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].reason"#, priority = 1),
)]
#[serde(rename_all = "camelCase")]
pub struct CAPTControlPlaneSpec {
    /// The Kubernetes version: `1.31`, `v1.31` or `1.31.4`. No part of it has leading zeros.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(validation = Rule::new("self.matches('^v?[1-9][0-9]{0,2}[.](0|[1-9][0-9]{0,2})([.](0|[1-9][0-9]{0,4}))?([-+][0-9A-Za-z.+-]+)?$')").message(Message::Expression("'\"' + self + '\" is no version of Kubernetes: write it as in 1.31, v1.31 or 1.31.4'".to_owned())))]
    pub version: String,
    /// The template that the control plane is made from.
    pub workspace_template_ref: TemplateReference,
    /// What the control plane is like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane_config: Option<ControlPlaneConfig>,
    /// Tags for everything that is made. Each becomes a variable `tags_<key>` of the template.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "tags")]
    #[x_kube(
        validation = Rule::new("self.all(key, size(key) >= 1 && size(key) <= 128)").message("a key must have from 1 to 128 characters"),
        validation = Rule::new("self.all(key, !key.contains('}') && !key.contains('$'))").message("a key must hold neither $ nor }: it becomes the name of the variable tags_<key>"),
        validation = Rule::new("self.all(key, !key.startsWith('aws:'))").message("keys that begin with aws: are reserved by AWS"),
    )]
    pub additional_tags: BTreeMap<String, String>,
    /// Where the API server answers. Written once by the controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane_endpoint: Option<ApiEndpoint>,
    /// The `WorkspaceTemplateApply` of the control plane. Old objects carry it; it is respected and never
    /// written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub workspace_template_apply_name: Option<String>,
    /// The template that makes the kubeconfig where the control plane's own template has no such output.
    /// Default `eks-kubeconfig-template`, in the object's own namespace, then in `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig_template_ref: Option<TemplateReference>,
    /// How long the work may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
    /// What is done about failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<RecoverySpec>,
}

/// What Cluster API latches. Never taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ControlPlaneInitialization {
    /// Whether the API server could ever accept requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_plane_initialized: Option<bool>,
}

/// One Kubernetes version that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct StatusVersion {
    /// The version, with a leading `v`.
    #[schemars(length(min = 1, max = 256))]
    pub version: String,
    /// On how many machines, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub replicas: Option<i32>,
}

/// What the workspace of the control plane says. Add-on charts read outputs from here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceStatus {
    /// Whether it is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    /// The reason of its condition `Ready`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Its checksum and its outputs that are not sensitive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_object")]
    pub at_provider: Option<Value>,
}

/// What is known of a control plane.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CAPTControlPlaneStatus {
    /// What every reconciled kind says about itself.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// The state in the three words of the Go implementation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// Whether the API server could ever accept requests. Never taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialized: Option<bool>,
    /// What Cluster API latches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialization: Option<ControlPlaneInitialization>,
    /// Always true: there are no control plane machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_managed_control_plane: Option<bool>,
    /// Whether the kubeconfig and CA secrets are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secrets_ready: Option<bool>,
    /// `host:port` of the API server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The Kubernetes version that runs, with a leading `v`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub version: Option<String>,
    /// The versions that run, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["version".into()]))]
    pub versions: Vec<StatusVersion>,
    /// The code of the present failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_reason: Option<String>,
    /// The present failure, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_message: Option<String>,
    /// What is known of the template of the control plane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_template_status: Option<WorkspaceTemplateStatus>,
    /// What the workspace of the control plane says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_status: Option<WorkspaceStatus>,
}

/// What a `CAPTControlPlane` made from a template is like.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CAPTControlPlaneTemplateResource {
    /// Its labels and annotations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<TemplateObjectMeta>,
    /// Its spec.
    pub spec: CAPTControlPlaneSpec,
}

/// A template for the `CAPTControlPlane`s of a `ClusterClass`.
#[derive(Debug, Clone, Default, PartialEq, CustomResource, KubeSchema, Serialize, Deserialize)]
#[kube(
    group = "controlplane.cluster.x-k8s.io",
    version = "v1beta1",
    kind = "CAPTControlPlaneTemplate",
    plural = "captcontrolplanetemplates",
    namespaced,
    derive = "PartialEq",
    category = "cluster-api",
    category = "capt",
    label("cluster.x-k8s.io/v1beta2", "v1beta1"),
    label("cluster.x-k8s.io/provider", "control-plane-capt"),
    doc = "A template for the CAPTControlPlanes of a ClusterClass.",
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct CAPTControlPlaneTemplateSpec {
    /// What a `CAPTControlPlane` made from it is like.
    pub template: CAPTControlPlaneTemplateResource,
}
