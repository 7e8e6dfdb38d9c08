//! What the agents on machines ask and tell.

use std::collections::BTreeMap;

use kecs_model::types::{self, ContainerStateChange, ManagedAgentStateChange, TaskStopCode};
use kecs_model::{Refusal, refuse};

use super::name;
use crate::call::Call;
use crate::key::Key;
use crate::plane::{ContainerReport, Report, Stop, TaskStatus};
use crate::record::{Task, status};
use crate::task;
use crate::tx::Tx;

/// What is answered to what is told.
const HEARD: &str = "ACK";

/// What an attachment can be.
///
/// Source: Amazon ECS API reference, `Attachment`, `status`.
const ATTACHMENT_STATUSES: [&str; 8] = [
    "PRECREATED",
    "CREATED",
    "ATTACHING",
    "ATTACHED",
    "DETACHING",
    "DETACHED",
    "DELETED",
    "FAILED",
];

#[allow(clippy::unnecessary_wraps, reason = "every operation may refuse")]
pub(super) fn discover_poll_endpoint(
    _tx: &mut Tx<'_>,
    call: &Call<'_>,
    _request: types::DiscoverPollEndpointRequest,
) -> Result<types::DiscoverPollEndpointResponse, Refusal> {
    Ok(types::DiscoverPollEndpointResponse {
        endpoint: Some(call.endpoint.to_owned()),
        telemetry_endpoint: Some(call.endpoint.to_owned()),
        service_connect_endpoint: Some(call.endpoint.to_owned()),
    })
}

pub(super) fn submit_task(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::SubmitTaskStateChangeRequest,
) -> Result<types::SubmitTaskStateChangeResponse, Refusal> {
    let (key, known) = told_of(tx, request.cluster.as_deref(), request.task.as_deref())?;
    let word = request.status.unwrap_or_default();
    let status = TaskStatus::from_word(&word).ok_or_else(|| {
        refuse!(
            InvalidParameterException,
            "Invalid task status: {value}",
            value = word
        )
    })?;
    let mut containers = BTreeMap::new();
    for change in request.containers.unwrap_or_default() {
        let name = container_of(&known, change.container_name.as_deref())?;
        containers.insert(name, report_of(change));
    }
    let attachments = request.attachments.unwrap_or_default();
    let attachments = (!attachments.is_empty())
        .then(|| changed(&known, &attachments))
        .transpose()?;
    let reason = request.reason.filter(|reason| !reason.is_empty());
    let ends = status > TaskStatus::Running;
    let report = Report {
        task_arn: known.task.task_arn.clone().unwrap_or_default(),
        at: call.now,
        status,
        stop: reason.filter(|_| ends).map(|reason| Stop {
            code: code(&known, &containers),
            reason,
        }),
        containers,
        attachments,
    };
    // What the agent has measured itself counts more than when it is told.
    let mut timed = known.clone();
    let shown = &mut timed.task;
    shown.pull_started_at = request.pull_started_at.or(shown.pull_started_at);
    shown.pull_stopped_at = request.pull_stopped_at.or(shown.pull_stopped_at);
    shown.execution_stopped_at = request.execution_stopped_at.or(shown.execution_stopped_at);
    agents(&mut timed, &request.managed_agents.unwrap_or_default());
    keep(tx, key, &known, timed, &report);
    Ok(types::SubmitTaskStateChangeResponse {
        acknowledgment: Some(HEARD.to_owned()),
    })
}

pub(super) fn submit_container(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::SubmitContainerStateChangeRequest,
) -> Result<types::SubmitContainerStateChangeResponse, Refusal> {
    let (key, known) = told_of(tx, request.cluster.as_deref(), request.task.as_deref())?;
    let name = container_of(&known, request.container_name.as_deref())?;
    let change = ContainerStateChange {
        container_name: request.container_name,
        runtime_id: request.runtime_id,
        status: request.status,
        exit_code: request.exit_code,
        reason: request.reason,
        network_bindings: request.network_bindings,
        ..ContainerStateChange::default()
    };
    let report = Report {
        containers: BTreeMap::from([(name, report_of(change))]),
        ..unmoved(&known, call)
    };
    keep(tx, key, &known, known.clone(), &report);
    Ok(types::SubmitContainerStateChangeResponse {
        acknowledgment: Some(HEARD.to_owned()),
    })
}

pub(super) fn submit_attachments(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::SubmitAttachmentStateChangesRequest,
) -> Result<types::SubmitAttachmentStateChangesResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let live = tx.all::<Task>(&tx.scope().term_in("live-tasks", &cluster))?;
    for change in request.attachments.unwrap_or_default() {
        let id = id_of(change.attachment_arn.as_deref());
        let has = |task: &Task| attachments(task).iter().any(|it| it.id.as_deref() == Some(id));
        let found = live.iter().find(|(_, task)| has(task)).map(|(key, _)| key);
        let known = found.map(|key| tx.get::<Task>(key)).transpose()?.flatten();
        let (Some(key), Some(known)) = (found, known) else {
            return Err(refuse!(
                InvalidParameterException,
                "The referenced attachment was not found."
            ));
        };
        let report = Report {
            attachments: Some(changed(&known, std::slice::from_ref(&change))?),
            ..unmoved(&known, call)
        };
        keep(tx, key.clone(), &known, known.clone(), &report);
    }
    Ok(types::SubmitAttachmentStateChangesResponse {
        acknowledgment: Some(HEARD.to_owned()),
    })
}

/// The task that an agent tells of.
fn told_of(tx: &Tx<'_>, cluster: Option<&str>, task: Option<&str>) -> Result<(Key, Task), Refusal> {
    let (cluster, _) = name::active_cluster(tx, cluster)?;
    let id = name::task_id(tx.scope(), &cluster, task.unwrap_or_default())?;
    let key = tx.scope().task(&cluster, &id);
    let known = tx.get::<Task>(&key)?;
    let known =
        known.ok_or_else(|| refuse!(InvalidParameterException, "The referenced task was not found."))?;
    Ok((key, known))
}

/// Keeps what a report makes of a task, if it makes anything of it. `timed` is the task with what the report cannot
/// say.
fn keep(tx: &mut Tx<'_>, key: Key, known: &Task, timed: Task, report: &Report) {
    let mut after = task::apply(&timed, report).unwrap_or(timed);
    if after == *known {
        return;
    }
    if after.task.version == known.task.version {
        after.task.version = Some(known.task.version.unwrap_or(0) + 1);
    }
    tx.put(key, after);
}

/// A report that the task is as far as it was.
fn unmoved(known: &Task, call: &Call<'_>) -> Report {
    Report {
        task_arn: known.task.task_arn.clone().unwrap_or_default(),
        at: call.now,
        status: task::last_status(known),
        containers: BTreeMap::new(),
        attachments: None,
        stop: None,
    }
}

fn container_of(known: &Task, named: Option<&str>) -> Result<String, Refusal> {
    let name = named.unwrap_or_default();
    let containers = known.task.containers.as_deref().unwrap_or_default();
    if containers.iter().any(|it| it.name.as_deref() == Some(name)) {
        return Ok(name.to_owned());
    }
    Err(refuse!(
        InvalidParameterException,
        "The referenced container was not found: {value}",
        value = name
    ))
}

fn report_of(change: ContainerStateChange) -> ContainerReport {
    // An agent has more steps on the way to a running container than the API has.
    let word = |word: String| match word.as_str() {
        status::RUNNING | status::STOPPED => word,
        _ => status::PENDING.to_owned(),
    };
    ContainerReport {
        last_status: change.status.filter(|word| !word.is_empty()).map(word),
        runtime_id: change.runtime_id,
        image_digest: change.image_digest,
        exit_code: change.exit_code,
        reason: change.reason,
        network_bindings: change.network_bindings,
        ..ContainerReport::default()
    }
}

/// As what the end of a task is classed, whose agent gives a reason for it.
fn code(known: &Task, containers: &BTreeMap<String, ContainerReport>) -> TaskStopCode {
    let exited = containers.values().any(|it| it.exit_code.is_some());
    if exited || known.task.started_at.is_some() {
        TaskStopCode::EssentialContainerExited
    } else {
        TaskStopCode::TaskFailedToStart
    }
}

fn attachments(known: &Task) -> &[types::Attachment] {
    known.task.attachments.as_deref().unwrap_or_default()
}

/// The attachments of a task once they have changed so.
fn changed(
    known: &Task,
    changes: &[types::AttachmentStateChange],
) -> Result<Vec<types::Attachment>, Refusal> {
    let mut all = attachments(known).to_vec();
    for change in changes {
        let status = change.status.as_deref().unwrap_or_default();
        if !ATTACHMENT_STATUSES.contains(&status) {
            return Err(refuse!(
                InvalidParameterException,
                "Invalid attachment status: {value}",
                value = status
            ));
        }
        let id = id_of(change.attachment_arn.as_deref());
        let found = all.iter_mut().find(|it| it.id.as_deref() == Some(id));
        let found = found.ok_or_else(|| {
            refuse!(
                InvalidParameterException,
                "The referenced attachment was not found."
            )
        })?;
        found.status = Some(status.to_owned());
    }
    Ok(all)
}

/// The id that the ARN of an attachment ends with.
fn id_of(arn: Option<&str>) -> &str {
    arn.and_then(|arn| arn.rsplit('/').next()).unwrap_or_default()
}

/// Takes down what has become of the agents beside the containers.
fn agents(task: &mut Task, changes: &[ManagedAgentStateChange]) {
    for change in changes {
        let containers = task.task.containers.iter_mut().flatten();
        let of_it = containers.filter(|it| it.name == change.container_name);
        let agents = of_it.flat_map(|it| it.managed_agents.iter_mut().flatten());
        for agent in agents.filter(|it| it.name == change.managed_agent_name) {
            agent.last_status.clone_from(&change.status);
            agent.reason.clone_from(&change.reason);
        }
    }
}
