//! What was tried about a failure, between the record of the core and the status of a custom resource.

use std::collections::BTreeMap;

use capt_api::status::{Incident, Lifecycle, Recovery, RecoveryActionType, RecoveryOutcome, RecoveryRecord};
use capt_core::fault::FaultClass;
use capt_core::record::{Record, RecoveryAttempt};
use capt_core::recovery::{ActionKind, Breaker, Escalation, Ledger, Rules, Spent};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::read::time;
use crate::write::{count, write_state};

/// The action of the wire as the action of the core. Secrets are always written again; nobody chooses to.
pub const fn read_action(action: RecoveryActionType) -> Option<ActionKind> {
    use RecoveryActionType as Wire;
    Some(match action {
        Wire::Reapply => ActionKind::RetryApply,
        Wire::Reinitialize => ActionKind::Replan,
        Wire::Refresh => ActionKind::Refresh,
        Wire::WaitForDependency => ActionKind::WaitForDependency,
        Wire::RepairDependencies => ActionKind::RepairDependency,
        Wire::Unlock => ActionKind::Unlock,
        Wire::Untaint => ActionKind::Untaint,
        Wire::Import => ActionKind::Import,
        Wire::Rollback => ActionKind::RollBack,
        Wire::Reconstruct => ActionKind::Reconstruct,
        Wire::RecreateWorkspace => ActionKind::RecreateWorkspace,
        Wire::RewriteSecrets => return None,
    })
}

/// The action of the core as the action of the wire.
pub const fn write_action(action: ActionKind) -> RecoveryActionType {
    use RecoveryActionType as Wire;
    match action {
        ActionKind::RetryApply => Wire::Reapply,
        ActionKind::Replan => Wire::Reinitialize,
        ActionKind::Refresh => Wire::Refresh,
        ActionKind::WaitForDependency => Wire::WaitForDependency,
        ActionKind::RepairDependency => Wire::RepairDependencies,
        ActionKind::Unlock => Wire::Unlock,
        ActionKind::Untaint => Wire::Untaint,
        ActionKind::Import => Wire::Import,
        ActionKind::RollBack => Wire::Rollback,
        ActionKind::Reconstruct => Wire::Reconstruct,
        ActionKind::RecreateWorkspace => Wire::RecreateWorkspace,
    }
}

fn number(count: Option<i32>) -> u32 {
    count.and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
}

pub(crate) fn read_recovery(status: &Lifecycle) -> capt_core::record::Recovery {
    let Some(recovery) = &status.recovery else {
        return capt_core::record::Recovery::default();
    };
    capt_core::record::Recovery {
        ledger: Ledger {
            incident: read_incident(status, recovery),
            breaker: Breaker {
                failures: number(recovery.escalations),
                last_failure: time(recovery.last_escalation.as_ref()),
            },
            spent: Spent {
                since: time(recovery.window_start.as_ref()),
                actions: number(recovery.window_actions),
            },
        },
        last_attempt: time(recovery.last_attempt.as_ref()),
        attempts: number(recovery.attempts),
        successes: number(recovery.successes),
        history: recovery.history.iter().map(read_attempt).collect(),
    }
}

fn read_incident(status: &Lifecycle, recovery: &Recovery) -> Option<capt_core::recovery::Incident> {
    let Some(incident) = &recovery.incident else {
        // Attempts that were counted before incidents were written down.
        let failed = number(recovery.failed_attempts);
        let fault = status
            .fault
            .as_ref()
            .filter(|fault| failed > 0 && fault.source.is_none())?;
        return Some(capt_core::recovery::Incident {
            started_at: time(status.state_since.as_ref())?,
            class: class_of(&fault.class).unwrap_or(FaultClass::Unknown),
            trigger: fault.code.clone(),
            tried: BTreeMap::from([(ActionKind::RetryApply, failed)]),
            doing: recovery.next_attempt.as_ref().map(|_| ActionKind::RetryApply),
            escalated: (recovery.exhausted == Some(true)).then_some(Escalation::LadderExhausted),
        });
    };
    let escalated = incident.escalated == Some(true);
    let reason = incident.reason.as_deref();
    let known = Escalation::ALL.iter().copied();
    Some(capt_core::recovery::Incident {
        started_at: incident.started_at.0,
        class: class_of(&incident.class).unwrap_or(FaultClass::Unknown),
        trigger: incident.trigger.clone(),
        tried: incident
            .tried
            .iter()
            .filter_map(|(name, times)| Some((action_of(name)?, number(Some(*times)))))
            .collect(),
        doing: incident.action.and_then(read_action),
        escalated: escalated.then(|| {
            let found = known.into_iter().find(|why| Some(why.name()) == reason);
            found.unwrap_or(Escalation::LadderExhausted)
        }),
    })
}

/// The class of this name.
pub(crate) fn class_of(name: &str) -> Option<FaultClass> {
    let mut known = FaultClass::ALL.iter().copied();
    known.find(|class| class.name() == name)
}

/// The action that is tried under this name.
fn action_of(name: &str) -> Option<ActionKind> {
    let mut known = ActionKind::ALL.iter().copied();
    known.find(|kind| kind.name() == name)
}

fn read_attempt(entry: &RecoveryRecord) -> RecoveryAttempt {
    use capt_core::record::RecoveryOutcome as Core;
    let how = entry.outcome.map(|outcome| match outcome {
        RecoveryOutcome::Succeeded => Core::Succeeded,
        RecoveryOutcome::Failed => Core::Failed,
        RecoveryOutcome::Observed => Core::Observed,
        RecoveryOutcome::Escalated => Core::Escalated,
    });
    let took = entry
        .duration
        .map_or(std::time::Duration::ZERO, |duration| duration.0);
    RecoveryAttempt {
        time: entry.time.0,
        trigger: entry.trigger.clone(),
        class: entry.class.as_deref().and_then(class_of),
        action: entry.action.and_then(read_action),
        finished: how.map(|how| (capt_core::advance::after(entry.time.0, took), how)),
    }
}

pub(crate) fn write_recovery(record: &Record, rules: &Rules) -> Option<Recovery> {
    let recovery = &record.recovery;
    let ledger = &recovery.ledger;
    let percent = (recovery.attempts > 0).then(|| {
        i32::try_from(u64::from(recovery.successes) * 100 / u64::from(recovery.attempts)).unwrap_or(100)
    });
    let failed = ledger.attempts();
    let written = Recovery {
        from: record.origin.map(write_state),
        failed_attempts: (failed > 0).then(|| count(failed)),
        exhausted: record.gave_up.then_some(true),
        last_attempt: recovery.last_attempt.map(Time),
        next_attempt: record.next_attempt.map(Time),
        attempts: (recovery.attempts > 0).then(|| count(recovery.attempts)),
        successes: (recovery.attempts > 0).then(|| count(recovery.successes)),
        success_percent: percent,
        incident: ledger
            .incident
            .as_ref()
            .map(|incident| write_incident(incident, record, rules)),
        escalations: (ledger.breaker.failures > 0).then(|| count(ledger.breaker.failures)),
        last_escalation: ledger.breaker.last_failure.map(Time),
        window_start: ledger.spent.since.map(Time),
        window_actions: (ledger.spent.actions > 0).then(|| count(ledger.spent.actions)),
        history: recovery.history.iter().map(write_attempt).collect(),
    };
    (written != Recovery::default()).then_some(written)
}

fn write_incident(incident: &capt_core::recovery::Incident, record: &Record, rules: &Rules) -> Incident {
    let tried = incident.tried.iter();
    Incident {
        started_at: Time(incident.started_at),
        trigger: incident.trigger.clone(),
        class: incident.class.name().to_owned(),
        from: write_state(record.origin.unwrap_or(record.state)),
        attempt: (incident.attempts() > 0).then(|| count(incident.attempts())),
        max_attempts: Some(count(rules.retry.max_retries)),
        action: incident.doing.map(write_action),
        tried: tried
            .map(|(kind, times)| (kind.name().to_owned(), count(*times)))
            .collect(),
        escalated: incident.escalated.map(|_| true),
        reason: incident.escalated.map(|why| why.name().to_owned()),
    }
}

fn write_attempt(attempt: &RecoveryAttempt) -> RecoveryRecord {
    use capt_core::record::RecoveryOutcome as Core;
    RecoveryRecord {
        time: Time(attempt.time),
        trigger: attempt.trigger.clone(),
        class: attempt.class.map(|class| class.name().to_owned()),
        action: attempt.action.map(write_action),
        outcome: attempt.finished.map(|(_, how)| match how {
            Core::Succeeded => RecoveryOutcome::Succeeded,
            Core::Failed => RecoveryOutcome::Failed,
            Core::Observed => RecoveryOutcome::Observed,
            Core::Escalated => RecoveryOutcome::Escalated,
        }),
        duration: attempt.finished.map(|(at, _)| {
            let took = at.duration_since(attempt.time);
            let seconds = u64::try_from(took.as_secs()).unwrap_or(0);
            capt_api::Duration::from_secs(seconds)
        }),
    }
}
