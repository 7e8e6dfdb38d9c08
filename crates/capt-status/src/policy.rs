//! How patient an object is: what its spec says, over the defaults of its kind.

use std::collections::BTreeSet;
use std::time::Duration;

use capt_api::status::{RecoverySpec, Timeouts};
use capt_core::advance::Policy;
use capt_core::recovery::{RecoveryMode, Rules};
use capt_core::retry::RetryStrategy;

use crate::recovery::read_action;

/// The kinds whose defaults differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A `CAPTControlPlane`: EKS takes 10 to 20 minutes.
    ControlPlane,
    /// A `CAPTCluster`: a VPC takes a few minutes.
    Cluster,
    /// A `WorkspaceTemplateApply`.
    Apply,
    /// A `TerraformWorkspace`.
    Workspace,
}

const MINUTE: Duration = Duration::from_mins(1);

/// The policy of an object of `kind`.
pub fn policy(kind: Kind, timeouts: Option<&Timeouts>, recovery: Option<&RecoverySpec>) -> Policy {
    let limit = |own: fn(&Timeouts) -> Option<capt_api::Duration>, default: Duration| {
        timeouts.and_then(own).map_or(default, |limit| limit.0)
    };
    let secret = limit(|timeouts| timeouts.secret, 5 * MINUTE);
    let vpc = limit(|timeouts| timeouts.vpc, 15 * MINUTE);
    let control_plane = limit(|timeouts| timeouts.control_plane, 30 * MINUTE);
    let workspace = limit(|timeouts| timeouts.workspace, 30 * MINUTE);
    let (dependencies, work) = match kind {
        Kind::ControlPlane => (vpc, control_plane),
        Kind::Cluster => (secret, vpc),
        // An apply may wait for another workspace.
        Kind::Apply => (workspace.max(secret), workspace),
        Kind::Workspace => (secret, workspace),
    };
    let usually = match kind {
        Kind::ControlPlane | Kind::Apply | Kind::Workspace => 12 * MINUTE,
        Kind::Cluster => 4 * MINUTE,
    };
    Policy {
        recovery: rules(recovery),
        dependencies,
        work,
        usually: usually.min(work),
    }
}

fn rules(recovery: Option<&RecoverySpec>) -> Rules {
    let failure_threshold = recovery
        .and_then(|recovery| recovery.retry.as_ref()?.failure_threshold)
        .and_then(|threshold| u32::try_from(threshold).ok());
    let actions = recovery.iter().flat_map(|recovery| &recovery.actions);
    let allow = recovery.iter().flat_map(|recovery| &recovery.allow);
    Rules {
        mode: mode(recovery),
        retry: retry(recovery),
        failure_threshold,
        actions: actions
            .filter_map(|step| Some((read_action(step.action)?, step.timeout.map(|timeout| timeout.0))))
            .collect(),
        allow: allow
            .filter_map(|action| read_action(*action))
            .collect::<BTreeSet<_>>(),
        ..Rules::default()
    }
}

fn mode(recovery: Option<&RecoverySpec>) -> RecoveryMode {
    use capt_api::status::RecoveryMode as Wire;
    match recovery.and_then(|recovery| recovery.mode).unwrap_or_default() {
        Wire::Off => RecoveryMode::Off,
        Wire::Observe => RecoveryMode::Observe,
        Wire::Act => RecoveryMode::Act,
    }
}

fn retry(recovery: Option<&RecoverySpec>) -> RetryStrategy {
    let default = RetryStrategy::default();
    let Some(retry) = recovery.and_then(|recovery| recovery.retry.as_ref()) else {
        return default;
    };
    let count = |own: Option<i32>| own.and_then(|own| u32::try_from(own).ok());
    RetryStrategy {
        base_delay: retry.base_delay.map_or(default.base_delay, |delay| delay.0),
        max_delay: retry.max_delay.map_or(default.max_delay, |delay| delay.0),
        max_retries: count(retry.max_retries).unwrap_or(default.max_retries),
        backoff_factor_percent: count(retry.backoff_factor)
            .map_or(default.backoff_factor_percent, |factor| {
                factor.saturating_mul(100)
            }),
        success_threshold: count(retry.success_threshold).unwrap_or(default.success_threshold),
    }
}
