//! The part of `status` that every reconciled kind shares.

mod health;
mod progress;
mod recovery;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::policy::{
    RecoveryAction, RecoveryActionType, RecoveryMode, RecoverySpec, RetryPolicy, Timeouts,
};
pub use health::{
    Availability, CheckSeverity, CheckStatus, Health, HealthCheck, Performance, ResourceCounts,
};
pub use progress::{OperationOutcome, OperationRecord, Progress};
pub use recovery::{Incident, Recovery, RecoveryOutcome, RecoveryRecord};

/// Where the work on an object stands.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum State {
    /// Nothing has begun: an owner is missing, or the object is paused.
    #[default]
    Pending,
    /// Inputs and dependencies are being checked.
    Validating,
    /// Terraform is creating or changing resources.
    Provisioning,
    /// Endpoint, outputs and secrets are being published.
    Configuring,
    /// All is as specified.
    Ready,
    /// It was ready, and a health check fails.
    Degraded,
    /// Nothing more is done until something changes.
    Failed,
    /// A recovery action is at work.
    Recovering,
}

impl State {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Validating,
        Self::Provisioning,
        Self::Configuring,
        Self::Ready,
        Self::Degraded,
        Self::Failed,
        Self::Recovering,
    ];

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Validating => "Validating",
            Self::Provisioning => "Provisioning",
            Self::Configuring => "Configuring",
            Self::Ready => "Ready",
            Self::Degraded => "Degraded",
            Self::Failed => "Failed",
            Self::Recovering => "Recovering",
        }
    }
}

/// The three words of the Go implementation. After the first `Ready` an update is still `Ready`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Phase {
    /// On the way to the first `Ready`.
    Creating,
    /// It has been ready and has not failed since.
    Ready,
    /// It failed.
    Failed,
}

impl Phase {
    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Ready => "Ready",
            Self::Failed => "Failed",
        }
    }
}

/// The failure that stands in the way at present.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FaultStatus {
    /// The child, as `Kind/name`, whose fault it is; absent for a fault of the object's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Its class, which decides what is done about it (`Transient`, `Dependency`, `Invalid`, ...).
    pub class: String,
    /// A word for programs (`VpcLimitExceeded`).
    pub code: String,
    /// What it happened to: a Terraform address, an object, a field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What happened, for a person.
    pub message: String,
    /// Where in a text that a person wrote, as `field:line,column`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
}

/// One reason why nothing (more) happens.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Wait {
    /// What is waited for.
    #[serde(rename = "for")]
    pub on: String,
    /// A word for programs (`SecretMissing`).
    pub reason: String,
    /// The sentence for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Since when, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
}

/// The last revision that was ready.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastKnownGood {
    /// The name of the revision object that keeps its rendered input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Its Kubernetes version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The digest of its input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_digest: Option<String>,
    /// The digest of the outputs that it had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs_digest: Option<String>,
    /// When it became ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
}

/// What every reconciled kind says about itself. Part of each `status`, at its top level.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Lifecycle {
    /// The generation of the spec that this status was computed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where the work stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// When that state was entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state_since: Option<Time>,
    /// Whether it is ready now. The same truth as the condition `Ready`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    /// A digest of everything that decides what is applied: spec, template, referenced Secrets,
    /// dependencies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_digest: Option<String>,
    /// The digest of the input that was last applied whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_input_digest: Option<String>,
    /// The request annotations (retry, approve) that were last honoured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_request: Option<String>,
    /// How far the present operation is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// The present failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FaultStatus>,
    /// Why nothing (more) happens at present.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub waits: Vec<Wait>,
    /// How it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Health>,
    /// What was done about failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<Recovery>,
    /// The last revision that was ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_known_good: Option<LastKnownGood>,
    /// The standard conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

impl Lifecycle {
    /// The condition of this type.
    pub fn condition(&self, type_: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.type_ == type_)
    }
}

/// What is known of a workspace that an object has made through a template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceTemplateStatus {
    /// Whether it is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<bool>,
    /// Its state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The name of the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace_name: Option<String>,
    /// When it was applied last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied_time: Option<Time>,
    /// What was applied last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied_revision: Option<String>,
    /// What failed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failed_revision: Option<String>,
    /// How it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure_message: Option<String>,
    /// Its outputs that are not sensitive.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub outputs: std::collections::BTreeMap<String, String>,
}
