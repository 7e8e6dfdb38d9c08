//! `ExecuteCommand`: whether and where a command can be executed. The session is the data plane's to open.

use kecs_model::types::{self, Container};
use kecs_model::{Refusal, refuse};

use super::{Answer, Effect, Output, name, read, task};
use crate::call::Call;
use crate::plane::{Execute, TaskStatus};
use crate::record::status;
use crate::task::{is_wanted, last_status};
use crate::tx::Tx;

pub(super) fn execute(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    input: &serde_json::Value,
) -> Result<Answer, Refusal> {
    let request: types::ExecuteCommandRequest = read(input)?;
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let command = request.command.filter(|command| !command.is_empty());
    let command = command.ok_or_else(|| refuse!(InvalidParameterException, "Command can not be blank."))?;
    if request.interactive != Some(true) {
        return Err(refuse!(
            InvalidParameterException,
            "Interactive is the only mode supported currently."
        ));
    }
    let named = request.task.as_deref().unwrap_or_default();
    let (_, record) = task::find(tx, &cluster, named)?.ok_or_else(not_found)?;
    if record.task.enable_execute_command != Some(true) {
        return Err(not_enabled());
    }
    if !is_wanted(&record) || last_status(&record) != TaskStatus::Running {
        return Err(not_connected());
    }
    let containers = record.task.containers.as_deref().unwrap_or_default();
    let container = container(containers, request.container.as_deref())?;
    let agents = container.managed_agents.iter().flatten();
    let mut states = agents.map(|agent| agent.last_status.as_deref());
    let agent_runs = states.all(|state| state.is_none_or(|state| state == status::RUNNING));
    if container.last_status.as_deref() != Some(status::RUNNING) {
        return Err(not_connected());
    }
    if !agent_runs {
        return Err(not_enabled());
    }
    let output = types::ExecuteCommandResponse {
        cluster_arn: record.task.cluster_arn.clone(),
        container_arn: container.container_arn.clone(),
        container_name: container.name.clone(),
        interactive: Some(true),
        session: None,
        task_arn: record.task.task_arn.clone(),
    };
    Ok(Answer {
        output: Output::of(&output)?,
        effect: Some(Effect::Execute(Execute {
            task_arn: record.task.task_arn.clone().unwrap_or_default(),
            container: container.name.clone().unwrap_or_default(),
            command,
        })),
    })
}

/// The container that is named, or the only one.
fn container<'c>(containers: &'c [Container], named: Option<&str>) -> Result<&'c Container, Refusal> {
    match (named.filter(|name| !name.is_empty()), containers) {
        (Some(name), _) => containers
            .iter()
            .find(|it| it.name.as_deref() == Some(name))
            .ok_or_else(|| {
                refuse!(
                    InvalidParameterException,
                    "The container {value} does not exist in the task.",
                    value = name
                )
            }),
        (None, [only]) => Ok(only),
        (None, _) => Err(refuse!(
            InvalidParameterException,
            "The execute command failed because the container name was not specified. The task has more than one \
             container."
        )),
    }
}

fn not_found() -> Refusal {
    refuse!(
        InvalidParameterException,
        "The specified task was not found. Specify a valid task ID and try again."
    )
}

/// The container is not reached.
fn not_connected() -> Refusal {
    refuse!(
        TargetNotConnectedException,
        "The execute command failed due to an internal error. Try again later."
    )
}

/// Commands are not executed in this task, or not yet.
fn not_enabled() -> Refusal {
    refuse!(
        InvalidParameterException,
        "The execute command failed because execute command was not enabled when the task was run or the execute \
         command agent isn’t running. Wait and try again or run a new task with execute command enabled and try \
         again."
    )
}
