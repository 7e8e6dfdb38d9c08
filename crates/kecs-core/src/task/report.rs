//! What a report makes of a task.

use jiff::Timestamp;
use kecs_model::Time;
use kecs_model::types::{Connectivity, Container, HealthStatus, ManagedAgent, TaskStopCode};

use super::{ESSENTIAL_EXITED, checks, is_wanted, last_status, passes_checks};
use crate::lifecycle::{self, moved};
use crate::plane::{ContainerReport, Report, Stop, TaskStatus};
use crate::record::{self, status};

/// The task once the report is taken in; nothing if it says nothing new.
///
/// What is reported late, of a status that the task has left behind, says nothing new. A task whose essential container
/// ended is asked to stop: whoever takes the report tells the data plane so. One whose health check fails is not: the
/// scheduler of its service replaces it, and a task of no service goes on (source: `HealthCheck` of the API reference).
pub fn apply(task: &record::Task, report: &Report) -> Option<record::Task> {
    let before = last_status(task);
    if report.status < before || before == TaskStatus::Stopped {
        return None;
    }
    let mut after = task.clone();
    for container in after.task.containers.iter_mut().flatten() {
        let name = container.name.as_deref().unwrap_or_default();
        if let Some(told) = report.containers.get(name) {
            container_told(container, told, report.at);
        }
    }
    if let Some(attachments) = &report.attachments {
        after.task.attachments = Some(attachments.clone());
    }
    if let Some(next) = moved::<lifecycle::task::Lifecycle>(before, report.status.signal()) {
        enter(&mut after, next, report.at);
    }
    if report.status == TaskStatus::Pending {
        after.task.pull_started_at.get_or_insert(Time::from(report.at));
    }
    after.task.health_status = Some(health(&after));
    if is_wanted(task)
        && let Some(stop) = stop(&after, report)
    {
        let shown = &mut after.task;
        shown.desired_status = Some(status::STOPPED.to_owned());
        shown.stop_code = Some(stop.code);
        shown.stopped_reason = Some(stop.reason);
        shown.stopping_at.get_or_insert(Time::from(report.at));
    }
    if after == *task {
        return None;
    }
    after.task.version = Some(task.task.version.unwrap_or(0) + 1);
    Some(after)
}

/// Takes down what is new of a container. What it left behind does not come back.
fn container_told(container: &mut Container, told: &ContainerReport, at: Timestamp) {
    let rank = |status: Option<&str>| match status {
        Some("STOPPED") => 2,
        Some("RUNNING") => 1,
        Some(_) | None => 0,
    };
    let before = rank(container.last_status.as_deref());
    let seen = rank(told.last_status.as_deref());
    if seen < before && told.last_status.is_some() {
        return;
    }
    if seen > before {
        container.last_status.clone_from(&told.last_status);
        for agent in container.managed_agents.iter_mut().flatten() {
            agent_follows(agent, seen, at);
        }
    }
    keep(&mut container.runtime_id, told.runtime_id.as_ref());
    keep(&mut container.image_digest, told.image_digest.as_ref());
    // How a container ended is told once: what is said of it afterwards, as that it was stopped with its task, is late.
    if before < 2 || container.exit_code.is_none() {
        keep(&mut container.exit_code, told.exit_code.as_ref());
        keep(&mut container.reason, told.reason.as_ref());
    }
    keep(&mut container.network_bindings, told.network_bindings.as_ref());
    keep(
        &mut container.network_interfaces,
        told.network_interfaces.as_ref(),
    );
    keep(&mut container.health_status, told.health.as_ref());
}

fn keep<T: Clone>(kept: &mut Option<T>, told: Option<&T>) {
    if let Some(told) = told {
        *kept = Some(told.clone());
    }
}

/// The agent that executes commands runs while its container does.
fn agent_follows(agent: &mut ManagedAgent, rank: u8, at: Timestamp) {
    if rank == 1 {
        agent.last_started_at = Some(Time::from(at));
        agent.last_status = Some(status::RUNNING.to_owned());
    } else {
        agent.last_status = Some(status::STOPPED.to_owned());
    }
}

/// Takes down that a status was entered, and the times that go with those that were passed.
fn enter(task: &mut record::Task, next: TaskStatus, at: Timestamp) {
    let at = Time::from(at);
    let starts = next <= TaskStatus::Running;
    let shown = &mut task.task;
    shown.last_status = Some(next.as_str().to_owned());
    if starts {
        if shown.connectivity.is_none() {
            shown.connectivity = Some(Connectivity::Connected);
            shown.connectivity_at = Some(at);
        }
        shown.pull_started_at.get_or_insert(at);
        if next > TaskStatus::Pending {
            shown.pull_stopped_at.get_or_insert(at);
        }
        if next == TaskStatus::Running {
            shown.started_at.get_or_insert(at);
        }
        return;
    }
    shown.stopping_at.get_or_insert(at);
    if next >= TaskStatus::Deprovisioning {
        if shown.pull_started_at.is_some() {
            shown.pull_stopped_at.get_or_insert(at);
            shown.execution_stopped_at.get_or_insert(at);
        }
        for container in shown.containers.iter_mut().flatten() {
            container.last_status = Some(status::STOPPED.to_owned());
            for agent in container.managed_agents.iter_mut().flatten() {
                agent.last_status = Some(status::STOPPED.to_owned());
            }
        }
    }
    if next == TaskStatus::Stopped {
        shown.desired_status = Some(status::STOPPED.to_owned());
        shown.stopped_at.get_or_insert(at);
    }
}

/// The health of a task, from that of its essential containers: of one without a health check nothing is known.
///
/// Source: `HealthCheck` of the API reference.
fn health(task: &record::Task) -> HealthStatus {
    if checks(task).any(|health| health == HealthStatus::Unhealthy) {
        HealthStatus::Unhealthy
    } else if task.checked.len() == task.essential.len() && passes_checks(task) {
        HealthStatus::Healthy
    } else {
        HealthStatus::Unknown
    }
}

/// Why a task that nobody asked to stop stops.
fn stop(task: &record::Task, report: &Report) -> Option<Stop> {
    if let Some(stop) = &report.stop {
        return Some(stop.clone());
    }
    let containers = || task.task.containers.iter().flatten();
    let is_essential = |it: &Container| it.name.as_ref().is_some_and(|it| task.essential.contains(it));
    let exited =
        |it: &Container| it.exit_code.is_some() && it.last_status.as_deref() == Some(status::STOPPED);
    if containers().any(|it| is_essential(it) && exited(it)) {
        return Some(Stop {
            code: TaskStopCode::EssentialContainerExited,
            reason: ESSENTIAL_EXITED.to_owned(),
        });
    }
    if report.status <= TaskStatus::Running {
        return None;
    }
    let reason = containers().find_map(|it| it.reason.clone());
    Some(if task.task.started_at.is_none() {
        Stop {
            code: TaskStopCode::TaskFailedToStart,
            reason: reason.unwrap_or_else(|| "Task failed to start".to_owned()),
        }
    } else {
        Stop {
            code: TaskStopCode::InfrastructureHealth,
            reason: reason.unwrap_or_else(|| "Task stopped by its host".to_owned()),
        }
    })
}
