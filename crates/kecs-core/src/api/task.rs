//! Tasks: `RunTask`, `StartTask`, `StopTask`, `DescribeTasks`, `ListTasks`.

use kecs_model::types::{self, TaskField, TaskStopCode};
use kecs_model::{Refusal, refuse};

use super::name;
use crate::call::Call;
use crate::key::Key;
use crate::record::Task;
use crate::task;
use crate::tx::Tx;

mod list;
mod run;
mod start;
mod wanted;

pub(super) use list::list;
pub(super) use run::run;
pub(super) use start::start;

/// What a task that was stopped without a reason says of its end.
const STOPPED_BY_USER: &str = "Task stopped by user";

/// A task that a request names by id or ARN, as long as it is shown.
pub(super) fn find(tx: &Tx<'_>, cluster: &str, named: &str) -> Result<Option<(Key, Task)>, Refusal> {
    let id = name::task_id(tx.scope(), cluster, named)?;
    let key = tx.scope().task(cluster, &id);
    let task = tx.get::<Task>(&key)?;
    let shown = task.filter(|it| task::is_shown(it, tx.now()));
    Ok(shown.map(|it| (key, it)))
}

/// There is no such task.
pub(super) fn not_found() -> Refusal {
    refuse!(InvalidParameterException, "The referenced task was not found.")
}

/// What is told of a task that is not there.
pub(super) fn missing(tx: &Tx<'_>, cluster: &str, named: &str) -> Result<types::Failure, Refusal> {
    let id = name::task_id(tx.scope(), cluster, named)?;
    Ok(name::missing(tx.scope().arn(&format!("task/{cluster}/{id}"))))
}

pub(super) fn stop(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::StopTaskRequest,
) -> Result<types::StopTaskResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let named = request.task.as_deref().unwrap_or_default();
    let (key, record) = find(tx, &cluster, named)?.ok_or_else(not_found)?;
    let reason = request.reason.as_deref().filter(|reason| !reason.is_empty());
    let reason = reason.unwrap_or(STOPPED_BY_USER);
    let mut shown = match task::request_stop(&record, reason, TaskStopCode::UserInitiated, call.now) {
        Some(stopping) => {
            tx.put(key, stopping.clone());
            stopping.task
        }
        None => record.task,
    };
    shown.tags.get_or_insert_default();
    Ok(types::StopTaskResponse { task: Some(shown) })
}

pub(super) fn describe(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::DescribeTasksRequest,
) -> Result<types::DescribeTasksResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let tags = request.include.iter().flatten().any(|it| *it == TaskField::Tags);
    let mut tasks = Vec::new();
    let mut failures = Vec::new();
    for named in request.tasks.iter().flatten() {
        let Some((_, record)) = find(tx, &cluster, named)? else {
            failures.push(missing(tx, &cluster, named)?);
            continue;
        };
        let mut shown = record.task;
        let known = shown.tags.take().filter(|_| tags);
        shown.tags = Some(known.unwrap_or_default());
        tasks.push(shown);
    }
    Ok(types::DescribeTasksResponse {
        tasks: Some(tasks),
        failures: Some(failures),
    })
}
