//! `WorkspaceTemplateApply`: a template with its variables filled in, applied as one workspace.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::crd::{any_value_map, variables};
use crate::policy::{RecoverySpec, Timeouts};
use crate::reference::{ConnectionSecretReference, ObjectReference, TemplateReference};
use crate::status::Lifecycle;

/// Which template is applied, and with what.
#[derive(Debug, Clone, Default, PartialEq, CustomResource, KubeSchema, Serialize, Deserialize)]
#[kube(
    group = "infrastructure.cluster.x-k8s.io",
    version = "v1beta1",
    kind = "WorkspaceTemplateApply",
    plural = "workspacetemplateapplies",
    namespaced,
    status = "WorkspaceTemplateApplyStatus",
    derive = "PartialEq",
    shortname = "wtapply",
    category = "capt",
    category = "terraform",
    label("cluster.x-k8s.io/v1beta2", "v1beta1"),
    label("cluster.x-k8s.io/provider", "infrastructure-capt"),
    doc = "A WorkspaceTemplate with its variables filled in, applied as one workspace.",
    validation = Rule::new("!has(self.spec.waitForWorkspaces) || !self.spec.waitForWorkspaces.exists(other, !has(other.__namespace__) && (other.name + '-apply' == self.metadata.name || (other.name == self.metadata.name && !self.metadata.name.endsWith('-apply'))))").message("an apply cannot wait for the workspace that it makes itself").field_path(".spec.waitForWorkspaces"),
    printcolumn(name = "WORKSPACE", type_ = "string", json_path = ".status.workspaceName"),
    printcolumn(name = "APPLIED", type_ = "boolean", json_path = ".status.applied"),
    printcolumn(name = "STATE", type_ = "string", json_path = ".status.state"),
    printcolumn(
        name = "PROGRESS",
        type_ = "integer",
        json_path = ".status.progress.percentComplete"
    ),
    printcolumn(
        name = "READY",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
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
pub struct WorkspaceTemplateApplySpec {
    /// The template.
    pub template_ref: TemplateReference,
    /// What `${name}` stands for in the template.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "variables")]
    #[x_kube(validation = Rule::new("self.all(name, size(name) > 0 && !name.contains('}'))").message("a name must not be empty and hold no }: ${name} could never stand for it"))]
    pub variables: BTreeMap<String, String>,
    /// The Secret that all outputs are written to. Wins over the template's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_connection_secret_to_ref: Option<ConnectionSecretReference>,
    /// Secrets that must exist before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub wait_for_secrets: Vec<ObjectReference>,
    /// Workspaces that must be ready before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub wait_for_workspaces: Vec<ObjectReference>,
    /// Whether the workspace stays when this object is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retain_workspace_on_delete: Option<bool>,
    /// How long the work may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
    /// What is done about failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<RecoverySpec>,
}

/// What is known of an apply.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceTemplateApplyStatus {
    /// What every reconciled kind says about itself.
    #[serde(flatten)]
    pub lifecycle: Lifecycle,
    /// The workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_name: Option<String>,
    /// Whether the present input was ever applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<bool>,
    /// When it was applied last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied_time: Option<Time>,
    /// The outputs of the workspace that are not sensitive.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "any_value_map")]
    pub outputs: BTreeMap<String, Value>,
    /// A digest of all its outputs, the sensitive ones included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs_digest: Option<String>,
}
