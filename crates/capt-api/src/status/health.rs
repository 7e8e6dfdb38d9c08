//! How an object is, as far as the management side can see it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::duration::Duration;

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum CheckStatus {
    /// All is well.
    Passing,
    /// Something is wrong.
    Failing,
    /// It could not be found out.
    Unknown,
}

/// How bad a failing check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum CheckSeverity {
    /// Good to know.
    Info,
    /// Somebody should look.
    Warning,
    /// It makes the object degraded, and it can still be used.
    Error,
    /// Nobody can use the object.
    Critical,
}

/// One health check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// Its name.
    pub name: String,
    /// What it found.
    pub status: CheckStatus,
    /// How bad it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<CheckSeverity>,
    /// What it found, for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Since when it finds this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Looks in a row that found otherwise. It turns once there are enough of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<i32>,
}

/// How much of the time it was available, as far as it was observed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Availability {
    /// Since when it has been available without a break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// Since when it has been observed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_since: Option<Time>,
    /// Percent of the last hour.
    #[serde(default, rename = "percent1h", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub percent_1h: Option<i32>,
    /// Percent of the last 24 hours.
    #[serde(default, rename = "percent24h", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub percent_24h: Option<i32>,
    /// Percent of the last 30 days.
    #[serde(default, rename = "percent30d", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub percent_30d: Option<i32>,
}

/// How long things take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Performance {
    /// The last creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_provision: Option<Duration>,
    /// The last update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update: Option<Duration>,
    /// The median creation of this kind of object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_provision: Option<Duration>,
    /// How fast its API server answered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_latency: Option<Duration>,
}

/// How many resources there are under management.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceCounts {
    /// In the Terraform state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<i32>,
    /// Different from what was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drifted: Option<i32>,
    /// Failed in the last run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<i32>,
}

/// How an object is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// When the last look was taken that changed anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked: Option<Time>,
    /// The health checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub checks: Vec<HealthCheck>,
    /// How much of the time it was available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability: Option<Availability>,
    /// How long things take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performance: Option<Performance>,
    /// How many resources there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceCounts>,
}
