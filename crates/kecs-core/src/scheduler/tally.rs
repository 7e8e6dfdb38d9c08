//! Which tasks of a deployment failed, and which came to run: counted once each, in the order in which it happened.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kecs_model::types::TaskStopCode;

use super::round::{Round, shown};
use super::{Pace, breaker, message};
use crate::lifecycle::deployment::RolloutState;
use crate::record::{self, Rollout};
use crate::task;

/// Something that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    /// It never ran.
    FailedToStart,
    /// It ran, and failed its health checks.
    FailedChecks,
    /// It runs, and is healthy.
    CameToRun,
}

/// Counts for every deployment what has happened since the last round.
pub(super) fn tally(round: &mut Round<'_>) {
    let threshold = breaker::threshold(&round.service.service);
    let resets = breaker::resets_on_healthy_task(&round.service.service);
    let in_progress = round.rollout_state() == Some(RolloutState::InProgress);
    let mut rollouts = std::mem::take(&mut round.service.rollouts);
    for (nth, rollout) in rollouts.iter_mut().enumerate() {
        let told = rollout.setbacks;
        let peak = count(rollout, &round.tasks, &round.view.pace, resets, round.now);
        if nth == 0 {
            round.tripped = in_progress && peak >= threshold;
            if told < round.view.pace.throttle_told && rollout.setbacks >= round.view.pace.throttle_told {
                let message = message::throttled(&round.name());
                round.tell(message);
            }
        }
        let failures = shown(usize::try_from(rollout.consecutive_failures).unwrap_or(usize::MAX));
        round.change_deployment(nth, |it| it.failed_tasks = Some(failures));
    }
    round.service.rollouts = rollouts;
}

/// Counts what has happened to the tasks of a deployment or task set. Returns the longest row of failures on the way.
pub(super) fn count(
    rollout: &mut Rollout,
    tasks: &[record::Task],
    pace: &Pace,
    resets: bool,
    now: Timestamp,
) -> u32 {
    let of = |it: &&record::Task| it.task.started_by.as_deref() == Some(rollout.id.as_str());
    let own: Vec<&record::Task> = tasks.iter().filter(of).collect();
    let mut happenings = Vec::new();
    let healthy: BTreeSet<&str> = rollout.healthy.iter().map(String::as_str).collect();
    let counted: BTreeSet<&str> = rollout.counted.iter().map(String::as_str).collect();
    for task in &own {
        let arn = task.task.task_arn.as_deref().unwrap_or_default();
        if let Some(at) = came_to_run(task, now).filter(|_| !healthy.contains(arn)) {
            happenings.push((at, Happening::CameToRun, arn.to_owned()));
        }
        if let Some((at, how)) = failed(task, now).filter(|_| !counted.contains(arn)) {
            happenings.push((at, how, arn.to_owned()));
        }
    }
    happenings.sort();
    let mut peak = rollout.consecutive_failures;
    let mut failed_to_start = None;
    for (at, happening, arn) in happenings {
        match happening {
            Happening::CameToRun => {
                rollout.healthy.push(arn);
                rollout.setbacks = 0;
                rollout.resume_at = None;
                failed_to_start = None;
                if resets {
                    rollout.consecutive_failures = 0;
                }
            }
            Happening::FailedChecks | Happening::FailedToStart => {
                rollout.counted.push(arn);
                rollout.consecutive_failures = rollout.consecutive_failures.saturating_add(1);
                peak = peak.max(rollout.consecutive_failures);
                if happening == Happening::FailedToStart {
                    failed_to_start = Some(at);
                }
            }
        }
    }
    if let Some(at) = failed_to_start {
        rollout.setbacks = rollout.setbacks.saturating_add(1);
        rollout.resume_at = pause(rollout.setbacks, pace).and_then(|pause| at.checked_add(pause).ok());
    }
    let there: BTreeSet<&str> = own.iter().filter_map(|it| it.task.task_arn.as_deref()).collect();
    let is_there = |arn: &String| there.contains(arn.as_str());
    rollout.counted.retain(is_there);
    rollout.healthy.retain(is_there);
    peak
}

/// How long nothing is started after so many rounds of failures.
fn pause(setbacks: u32, pace: &Pace) -> Option<jiff::SignedDuration> {
    let doublings = setbacks.checked_sub(2)?;
    let factor = 1_i32.checked_shl(doublings.min(30)).unwrap_or(i32::MAX);
    Some(
        pace.throttle
            .checked_mul(factor)
            .unwrap_or(pace.throttle_limit)
            .min(pace.throttle_limit),
    )
}

/// When a task came to be healthy, as far as that can be told.
fn came_to_run(task: &record::Task, now: Timestamp) -> Option<Timestamp> {
    let started = task.task.started_at?.timestamp();
    if task.checked.is_empty() {
        return Some(started);
    }
    task::passes_checks(task).then_some(now)
}

/// When and how a task failed, if it did.
///
/// Source: the `failedTasks` of a deployment in the API reference. A task that ran and ended is no failure.
fn failed(task: &record::Task, now: Timestamp) -> Option<(Timestamp, Happening)> {
    if task::is_wanted(task) {
        return None;
    }
    let shown = &task.task;
    let at = shown
        .stopped_at
        .or(shown.stopping_at)
        .map_or(now, kecs_model::Time::timestamp);
    let reason = shown.stopped_reason.as_deref().unwrap_or_default();
    let never_ran = shown.started_at.is_none();
    match shown.stop_code {
        Some(TaskStopCode::TaskFailedToStart | TaskStopCode::EssentialContainerExited) | None => {
            never_ran.then_some((at, Happening::FailedToStart))
        }
        Some(TaskStopCode::ServiceSchedulerInitiated) => {
            // As the scheduler says it of health checks of containers and of load balancers.
            reason
                .starts_with("Task failed ")
                .then_some((at, Happening::FailedChecks))
        }
        Some(
            TaskStopCode::UserInitiated
            | TaskStopCode::SpotInterruption
            | TaskStopCode::TerminationNotice
            | TaskStopCode::InfrastructureHealth,
        ) => None,
    }
}
