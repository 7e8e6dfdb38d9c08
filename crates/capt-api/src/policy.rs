//! What a user may set about time limits, retries and recovery, on every reconciled kind.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Duration;

/// How long each part of the work may take before it counts as overdue.
///
/// A limit never stops a running apply: it makes the work overdue and opens recovery once the run has
/// ended. What is left out has the operator's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timeouts {
    /// The control plane is ready. Default 30m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) > duration('0s')").message("must be longer than nothing"))]
    pub control_plane: Option<Duration>,
    /// The VPC is ready. Default 15m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) > duration('0s')").message("must be longer than nothing"))]
    pub vpc: Option<Duration>,
    /// The secrets that are waited for are there. Default 5m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) > duration('0s')").message("must be longer than nothing"))]
    pub secret: Option<Duration>,
    /// One workspace is ready. Default 30m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) > duration('0s')").message("must be longer than nothing"))]
    pub workspace: Option<Duration>,
}

/// How much the operator may do by itself about a failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum RecoveryMode {
    /// Nothing: a failure waits for a person. In YAML with quotes (`"Off"`), or it is read as `false`.
    Off,
    /// Says what it would do, and does not.
    Observe,
    /// Does it.
    #[default]
    Act,
}

/// One way to mend a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum RecoveryActionType {
    /// Apply the same input again.
    Reapply,
    /// Read what exists into the Terraform state, without changing anything.
    Refresh,
    /// Start over in a fresh working directory.
    Reinitialize,
    /// Release the lock of a run of ours that is proven dead.
    Unlock,
    /// Write missing kubeconfig, CA and connection secrets again.
    RewriteSecrets,
    /// Mend what the object depends on first.
    RepairDependencies,
    /// Wait until what the object depends on is ready again.
    WaitForDependency,
    /// Keep a healthy resource that a failed run marked for replacement.
    Untaint,
    /// Take over what an interrupted run of ours created but did not record.
    Import,
    /// Write a lost state anew from what exists. Creates nothing.
    Reconstruct,
    /// Apply the last revision that was ready. Never lowers the version.
    Rollback,
    /// Destroy and build again. Only where `allow` names it.
    RecreateWorkspace,
}

/// One step of a recovery, in the order in which they are tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryAction {
    /// What to do.
    #[serde(rename = "type")]
    pub action: RecoveryActionType,
    /// How long it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) > duration('0s')").message("must be longer than nothing"))]
    pub timeout: Option<Duration>,
}

/// When a failed attempt is repeated: `baseDelay * backoffFactor^n`, at most `maxDelay`, with jitter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.baseDelay) || !has(self.maxDelay) || duration(self.baseDelay) <= duration(self.maxDelay)").message("baseDelay must not be longer than maxDelay"))]
pub struct RetryPolicy {
    /// The first delay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) > duration('0s')").message("must be longer than nothing"))]
    pub base_delay: Option<Duration>,
    /// The longest delay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("duration(self) > duration('0s')").message("must be longer than nothing"))]
    pub max_delay: Option<Duration>,
    /// Attempts after the first one. 0 means never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub max_retries: Option<i32>,
    /// By how much the delay grows from one attempt to the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10))]
    pub backoff_factor: Option<i32>,
    /// Healthy looks in a row that end an incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub success_threshold: Option<i32>,
    /// Failed looks in a row that open an incident. Default 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub failure_threshold: Option<i32>,
}

/// What the operator does about failures of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoverySpec {
    /// Whether it acts at all. Default `Act`. Write `"Off"` with quotes: YAML reads it as `false` without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<RecoveryMode>,
    /// How often and how fast it tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryPolicy>,
    /// What it tries, in this order. Left out: what fits the class of the failure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub actions: Vec<RecoveryAction>,
    /// The actions that may destroy something and that are permitted all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub allow: Vec<RecoveryActionType>,
}
