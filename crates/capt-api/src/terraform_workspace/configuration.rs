//! What is applied: the module and its inputs, in the shape of Crossplane's `forProvider`.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::crd::any_object;
use crate::reference::KeyReference;

/// Where a module comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ModuleSource {
    /// `module` is the text of the configuration.
    #[default]
    Inline,
    /// `module` is an address that Terraform can fetch.
    Remote,
    /// `module` names a Flux source.
    Flux,
}

/// The language of an inline module or a variable file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum FileFormat {
    /// The configuration language of Terraform.
    #[default]
    HCL,
    /// JSON.
    JSON,
}

/// One Terraform variable with a text value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Variable {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
    /// Its value.
    pub value: String,
}

/// One environment variable of the Terraform process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(has(self.value) ? 1 : 0) + (has(self.configMapKeyRef) ? 1 : 0) + (has(self.secretKeyRef) ? 1 : 0) <= 1").message("at most one of value, configMapKeyRef and secretKeyRef may be set"))]
pub struct EnvironmentVariable {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The `ConfigMap` key that holds its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<KeyReference>,
    /// The Secret key that holds its value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<KeyReference>,
}

/// Where a variable file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum VarFileSource {
    /// A key of a `ConfigMap`.
    ConfigMapKey,
    /// A key of a Secret.
    SecretKey,
}

/// One file of Terraform variables. A variable in `vars` wins over one of the same name in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.source != 'ConfigMapKey' || has(self.configMapKeyRef)").message("source ConfigMapKey needs configMapKeyRef"),
    validation = Rule::new("self.source != 'SecretKey' || has(self.secretKeyRef)").message("source SecretKey needs secretKeyRef"),
)]
pub struct VarFile {
    /// Where it comes from.
    pub source: VarFileSource,
    /// Its language. Default HCL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<FileFormat>,
    /// The `ConfigMap` key that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<KeyReference>,
    /// The Secret key that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<KeyReference>,
}

/// The configuration and its inputs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForProvider {
    /// Where the module comes from.
    pub source: ModuleSource,
    /// The module: its text, its address or the name of its source.
    #[schemars(length(min = 1))]
    pub module: String,
    /// The language of an inline module. Default HCL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inline_format: Option<FileFormat>,
    /// The directory of the module to run in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entrypoint: Option<String>,
    /// Environment variables of the Terraform process.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub env: Vec<EnvironmentVariable>,
    /// Variables with text values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1024))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["key".into()]))]
    pub vars: Vec<Variable>,
    /// Variables of any shape, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_object")]
    pub varmap: Option<Value>,
    /// Files of variables, in the order in which they are read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub var_files: Vec<VarFile>,
    /// More arguments for `init`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub init_args: Vec<String>,
    /// More arguments for `plan`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan_args: Vec<String>,
    /// More arguments for `apply`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apply_args: Vec<String>,
    /// More arguments for `destroy`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destroy_args: Vec<String>,
    /// Whether Terraform's own output goes to the operator's log.
    #[serde(
        default,
        rename = "enableTerraformCLILogging",
        skip_serializing_if = "Option::is_none"
    )]
    pub enable_terraform_cli_logging: Option<bool>,
    /// Whatever else was written here. Kept, not read.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}
