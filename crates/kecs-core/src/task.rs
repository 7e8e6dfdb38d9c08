//! A task: made from its definition, moved by what is reported of it, and asked to stop.

use jiff::{SignedDuration, Timestamp};
use kecs_model::Time;
use kecs_model::types::{HealthStatus, TaskStopCode};

use crate::plane::TaskStatus;
use crate::record::{self, status};

mod new;
mod report;
#[cfg(test)]
mod tests;

pub use new::{Blueprint, Host, new_task};
pub use report::apply;

/// How long a task that is over is shown.
///
/// Source: Amazon ECS developer guide, "Viewing stopped task errors": stopped tasks are kept for an hour.
pub const SHOWN_AFTER_ITS_END: SignedDuration = SignedDuration::from_hours(1);

/// Why a task with a failing health check ends.
pub const UNHEALTHY: &str = "Task failed container health checks";

/// Why a task ends when a container does that it cannot be without.
pub const ESSENTIAL_EXITED: &str = "Essential container in task exited";

/// How far a task is.
pub fn last_status(task: &record::Task) -> TaskStatus {
    let word = task.task.last_status.as_deref().unwrap_or_default();
    TaskStatus::from_word(word).unwrap_or(TaskStatus::Provisioning)
}

/// Whether it is over.
pub fn is_over(task: &record::Task) -> bool {
    last_status(task) == TaskStatus::Stopped
}

/// Whether it is to run: nobody has asked it to stop, and it is not over.
pub fn is_wanted(task: &record::Task) -> bool {
    task.task.desired_status.as_deref() != Some(status::STOPPED) && !is_over(task)
}

/// What the health checks of its essential containers say, as far as these have one.
fn checks(task: &record::Task) -> impl Iterator<Item = HealthStatus> {
    task.checked.iter().map(|name| {
        let mut containers = task.task.containers.iter().flatten();
        let container = containers.find(|it| it.name.as_ref() == Some(name));
        let health = container.and_then(|it| it.health_status);
        health.unwrap_or(HealthStatus::Unknown)
    })
}

/// Whether its health checks, if it has any, say that it is healthy.
pub fn passes_checks(task: &record::Task) -> bool {
    checks(task).all(|health| health == HealthStatus::Healthy)
}

/// Whether it runs, and its health checks, if it has any, say that it is healthy.
pub fn is_healthy(task: &record::Task) -> bool {
    last_status(task) == TaskStatus::Running && passes_checks(task)
}

/// Until when its failing health checks count for nothing; only a task that has started has such a moment.
pub fn grace_ends(task: &record::Task) -> Option<Timestamp> {
    let started = task.task.started_at?.timestamp();
    let grace = SignedDuration::from_secs(i64::from(task.grace_seconds.unwrap_or(0).max(0)));
    Some(started.checked_add(grace).unwrap_or(Timestamp::MAX))
}

/// Whether its health checks have failed, and count.
pub fn is_unhealthy(task: &record::Task, now: Timestamp) -> bool {
    task.task.health_status == Some(HealthStatus::Unhealthy)
        && last_status(task) == TaskStatus::Running
        && grace_ends(task).is_none_or(|ends| now >= ends)
}

/// Whether a scheduler has to let it be.
pub fn is_protected(task: &record::Task, now: Timestamp) -> bool {
    task.protected_until.is_some_and(|until| now < until)
}

/// From when on it is not shown any more.
pub fn forgotten_at(task: &record::Task) -> Option<Timestamp> {
    let stopped = task.task.stopped_at.filter(|_| is_over(task))?.timestamp();
    Some(stopped.checked_add(SHOWN_AFTER_ITS_END).unwrap_or(Timestamp::MAX))
}

/// Whether it is shown.
pub fn is_shown(task: &record::Task, now: Timestamp) -> bool {
    forgotten_at(task).is_none_or(|at| now < at)
}

/// The task once it was asked to stop; nothing if it was asked before or is over.
pub fn request_stop(
    task: &record::Task,
    reason: &str,
    code: TaskStopCode,
    now: Timestamp,
) -> Option<record::Task> {
    if !is_wanted(task) {
        return None;
    }
    let mut stopping = task.clone();
    let shown = &mut stopping.task;
    shown.desired_status = Some(status::STOPPED.to_owned());
    shown.stop_code = Some(code);
    shown.stopped_reason = Some(reason.to_owned());
    shown.stopping_at = Some(Time::from(now));
    shown.version = Some(shown.version.unwrap_or(0) + 1);
    Some(stopping)
}
