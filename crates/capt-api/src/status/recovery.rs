//! What was done about failures.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::State;
use crate::duration::Duration;
use crate::policy::RecoveryActionType;

/// How a recovery action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum RecoveryOutcome {
    /// It mended the failure.
    Succeeded,
    /// It did not.
    Failed,
    /// It would have been done, and the mode is `Observe`.
    Observed,
    /// A person was asked instead.
    Escalated,
}

/// One recovery action that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryRecord {
    /// When it began.
    pub time: Time,
    /// The code of the fault that it answered.
    pub trigger: String,
    /// The class of that fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// What was done; absent where nothing could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<RecoveryActionType>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<RecoveryOutcome>,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
}

/// The failure that is being mended at present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    /// When it began.
    pub started_at: Time,
    /// The code of its fault.
    pub trigger: String,
    /// The class of its fault.
    pub class: String,
    /// The state to come back to.
    pub from: State,
    /// The attempt that is under way or comes next, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<i32>,
    /// The attempts that it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<i32>,
    /// What is being done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<RecoveryActionType>,
    /// How often each action was tried.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub tried: std::collections::BTreeMap<String, i32>,
    /// Whether a person is needed now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated: Option<bool>,
    /// Why a person is needed (`RecoveryExhausted`, `RecoveryNotPermitted`, ...).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What was done about failures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recovery {
    /// The state from which Recovering was entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<State>,
    /// Attempts that have failed in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_attempts: Option<i32>,
    /// Whether the attempts are used up and a person is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhausted: Option<bool>,
    /// When something was tried last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<Time>,
    /// When something is tried next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt: Option<Time>,
    /// Attempts in the life of the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<i32>,
    /// Those that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub successes: Option<i32>,
    /// Their share in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub success_percent: Option<i32>,
    /// The failure that is being mended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<Incident>,
    /// Failures in a row that ended with a person. From three on nothing is tried for an hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalations: Option<i32>,
    /// When the last of them did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_escalation: Option<Time>,
    /// When the window began in which actions are counted; it is a day long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_start: Option<Time>,
    /// Actions in that window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window_actions: Option<i32>,
    /// The last actions, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub history: Vec<RecoveryRecord>,
}

impl Recovery {
    /// How many actions `history` keeps.
    pub const HISTORY_LIMIT: usize = 16;
}
