//! `TerraformWorkspace`: one Terraform configuration with its state, run by CAPT itself.
//!
//! `spec` has the names of Crossplane's `Workspace` (`tf.upbound.io`), so that the workspace embedded in a
//! template passes one to one; what is ours stands beside them.

mod configuration;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::crd::{any_object, any_value_map};
use crate::duration::Duration;
use crate::policy::{RecoverySpec, Timeouts};
use crate::reference::ConnectionSecretReference;
use crate::status::Lifecycle;

pub use configuration::{
    EnvironmentVariable, FileFormat, ForProvider, ModuleSource, VarFile, VarFileSource, Variable,
};

/// Names the provider configuration of Crossplane. The native backend looks for a credentials Secret of
/// that name, and says so if there is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProviderConfigReference {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its kind, where the group has more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// How Crossplane resolves it. Kept, not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_object")]
    pub policy: Option<Value>,
}

/// What happens to the real resources when the object is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// They are destroyed.
    #[default]
    Delete,
    /// They stay.
    Orphan,
}

/// One thing that may be done to the real resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ManagementPolicy {
    /// Everything.
    #[serde(rename = "*")]
    All,
    /// Look.
    Observe,
    /// Create.
    Create,
    /// Change.
    Update,
    /// Destroy.
    Delete,
    /// Fill in what the real resource defaulted.
    LateInitialize,
}

/// Which program runs the configuration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EngineChoice {
    /// The one that the operator was started with.
    #[default]
    Auto,
    /// Terraform of its makers.
    Terraform,
    /// `OpenTofu`.
    Tofu,
    /// None: the run is simulated.
    Simulated,
}

impl EngineChoice {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Terraform => "terraform",
            Self::Tofu => "tofu",
            Self::Simulated => "simulated",
        }
    }
}

/// The Terraform state in Secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KubernetesBackend {
    /// The namespace of the Secrets. Default: that of the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = crate::reference::NAMESPACE_OR_TEMPLATE)
    )]
    pub namespace: Option<String>,
    /// The end of their names. Default: made from the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 63),
        regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
    )]
    pub secret_suffix: Option<String>,
}

/// The Terraform state in the working directory. It is lost with the operator's disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalBackend {}

/// Where the Terraform state is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!(has(self.kubernetes) && has(self.local))").message("only one of kubernetes and local may be set"))]
pub struct BackendSpec {
    /// In Secrets. The default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesBackend>,
    /// In the working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalBackend>,
}

/// Which plans wait for a person.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ApprovalPolicy {
    /// None.
    Never,
    /// Those that destroy or replace a protected resource.
    #[default]
    Protected,
    /// Every plan that changes anything.
    Always,
}

/// What is done about resources that differ from what was applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum DriftMode {
    /// Nobody looks.
    #[default]
    Ignore,
    /// It is reported.
    Detect,
    /// It is reported and applied away.
    Correct,
}

/// How drift is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DriftSpec {
    /// What is done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<DriftMode>,
    /// How often somebody looks. At least a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1m')").message("must be at least 1m"))]
    pub interval: Option<Duration>,
}

/// One Terraform configuration and how it is run.
#[derive(Debug, Clone, Default, PartialEq, CustomResource, KubeSchema, Serialize, Deserialize)]
#[kube(
    group = "infrastructure.cluster.x-k8s.io",
    version = "v1beta1",
    kind = "TerraformWorkspace",
    plural = "terraformworkspaces",
    namespaced,
    status = "TerraformWorkspaceStatus",
    derive = "PartialEq",
    shortname = "tfws",
    category = "capt",
    label("cluster.x-k8s.io/v1beta2", "v1beta1"),
    label("cluster.x-k8s.io/provider", "infrastructure-capt"),
    doc = "A Terraform configuration with its state, run by CAPT.",
    validation = Rule::new("!has(self.spec.writeConnectionSecretToRef) || !self.spec.writeConnectionSecretToRef.name.contains('${')").message("${...} is filled in only in a WorkspaceTemplate; write the name itself").field_path(".spec.writeConnectionSecretToRef.name"),
    printcolumn(
        name = "READY",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "STATE", type_ = "string", json_path = ".status.state"),
    printcolumn(
        name = "PROGRESS",
        type_ = "integer",
        json_path = ".status.progress.percentComplete"
    ),
    printcolumn(
        name = "OPERATION",
        type_ = "string",
        json_path = ".status.run.operation",
        priority = 1
    ),
    printcolumn(
        name = "ENGINE",
        type_ = "string",
        json_path = ".status.run.engine",
        priority = 1
    ),
    printcolumn(
        name = "REASON",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        priority = 1
    ),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct TerraformWorkspaceSpec {
    /// The configuration and its inputs.
    pub for_provider: ForProvider,
    /// Names a provider configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_config_ref: Option<ProviderConfigReference>,
    /// The Secret that all outputs are written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_connection_secret_to_ref: Option<ConnectionSecretReference>,
    /// What happens to the real resources when the object is deleted. Default `Delete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,
    /// What may be done to the real resources. Default everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub management_policies: Vec<ManagementPolicy>,
    /// Crossplane's external secret stores. Kept, not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_object")]
    pub publish_connection_details_to: Option<Value>,
    /// Which program runs the configuration. Default `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<EngineChoice>,
    /// Where the Terraform state is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<BackendSpec>,
    /// Which plans wait for a person. Default `Protected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalPolicy>,
    /// How drift is looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftSpec>,
    /// The resource types that are protected. Left out: EKS clusters and VPCs. `[]` protects nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub protect: Option<Vec<String>>,
    /// How long the work may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
    /// What is done about failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<RecoverySpec>,
    /// Whatever else was written here. Kept, not read.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// What Terraform says of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceObservation {
    /// The outputs that are not sensitive.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "any_value_map")]
    pub outputs: BTreeMap<String, Value>,
    /// A digest of the configuration that was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}

/// The run that is under way, or the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunStatus {
    /// Its identity.
    pub id: String,
    /// `Apply` or `Destroy`.
    pub operation: String,
    /// How far it is (`Planning`, `Applying`, ...).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// When it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// Which program runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// The digest of its input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_digest: Option<String>,
}

/// What is known of the connection secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionSecretStatus {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// A digest of what was written into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// What is known of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TerraformWorkspaceStatus {
    /// What every reconciled kind says about itself.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// What Terraform says of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_provider: Option<WorkspaceObservation>,
    /// The run that is under way, or the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunStatus>,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied_time: Option<Time>,
    /// A digest of all outputs of that apply, the sensitive ones included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs_digest: Option<String>,
    /// The Secret that the outputs were written to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_secret: Option<ConnectionSecretStatus>,
    /// The changes that wait for approval, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending_approval: Vec<String>,
}
