//! What the service scheduler remembers of one deployment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the service scheduler remembers of one deployment or task set, beside what the API shows of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// The id of the deployment: `ecs-svc/` and digits.
    pub id: String,
    /// The ARN of the service revision that its tasks are made from.
    pub revision: String,
    /// The ARN of the service deployment that tells of it.
    pub service_deployment: String,
    /// Tasks that failed one after the other, without one that ran in between.
    pub consecutive_failures: u32,
    /// How many rounds saw a failure, one after the other, without a task that ran in between.
    #[serde(default)]
    pub setbacks: u32,
    /// Nothing is started before this moment, because tasks failed one after the other.
    pub resume_at: Option<Timestamp>,
    /// Tasks whose failure was counted: they are kept for a while, and count once.
    pub counted: Vec<String>,
    /// Tasks that were seen to be healthy: each ends a row of failures once.
    #[serde(default)]
    pub healthy: Vec<String>,
    /// Whether it ever reached its desired count.
    pub completed: bool,
    /// Whether it was made to go back to an earlier revision.
    pub is_rollback: bool,
}
