//! `GetTaskProtection`, `UpdateTaskProtection`.

use jiff::SignedDuration;
use kecs_model::types::{self, ProtectedTask};
use kecs_model::{Refusal, Time, refuse};

use super::{name, task};
use crate::call::Call;
use crate::record::Task;
use crate::task::{is_protected, is_wanted};
use crate::tx::Tx;

/// Minutes of protection where the request does not say.
///
/// Source: `UpdateTaskProtection` of the Amazon ECS API reference.
const MINUTES: i32 = 120;

/// Minutes that a protection lasts.
const RANGE: std::ops::RangeInclusive<i32> = 1..=2880;

pub(super) fn get(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::GetTaskProtectionRequest,
) -> Result<types::GetTaskProtectionResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let mut shown = Vec::new();
    let mut failures = Vec::new();
    for named in request.tasks.iter().flatten() {
        match protectable(tx, &cluster, named)? {
            Ok((_, record)) => shown.push(protection(tx, &record)),
            Err(failure) => failures.push(failure),
        }
    }
    Ok(types::GetTaskProtectionResponse {
        protected_tasks: Some(shown),
        failures: Some(failures),
    })
}

pub(super) fn update(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::UpdateTaskProtectionRequest,
) -> Result<types::UpdateTaskProtectionResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let protect = request.protection_enabled == Some(true);
    let minutes = request.expires_in_minutes.unwrap_or(MINUTES);
    if protect && !RANGE.contains(&minutes) {
        return Err(refuse!(
            InvalidParameterException,
            "expiresInMinutes must be between 1 and 2880."
        ));
    }
    let minutes = SignedDuration::from_mins(i64::from(minutes));
    let until = call.now.checked_add(minutes).unwrap_or(jiff::Timestamp::MAX);
    let mut shown = Vec::new();
    let mut failures = Vec::new();
    for named in request.tasks.iter().flatten() {
        match protectable(tx, &cluster, named)? {
            Ok((key, mut record)) => {
                record.protected_until = protect.then_some(until);
                shown.push(protection(tx, &record));
                tx.put(key, record);
            }
            Err(failure) => failures.push(failure),
        }
    }
    Ok(types::UpdateTaskProtectionResponse {
        protected_tasks: Some(shown),
        failures: Some(failures),
    })
}

/// A task that can be protected: it is of a service, and is to run.
fn protectable(
    tx: &Tx<'_>,
    cluster: &str,
    named: &str,
) -> Result<Result<(crate::key::Key, Task), types::Failure>, Refusal> {
    let Some((key, record)) = task::find(tx, cluster, named)? else {
        return Ok(Err(task::missing(tx, cluster, named)?));
    };
    if record.service.is_some() && is_wanted(&record) {
        return Ok(Ok((key, record)));
    }
    let why = if record.service.is_none() {
        "The task does not belong to a service."
    } else {
        "The task is stopping or has stopped."
    };
    Ok(Err(types::Failure {
        arn: record.task.task_arn,
        reason: Some("TASK_NOT_VALID".to_owned()),
        detail: Some(why.to_owned()),
    }))
}

/// What is told of it: a protection that has run out is none.
fn protection(tx: &Tx<'_>, record: &Task) -> ProtectedTask {
    let protected = is_protected(record, tx.now());
    ProtectedTask {
        task_arn: record.task.task_arn.clone(),
        protection_enabled: Some(protected),
        expiration_date: record.protected_until.filter(|_| protected).map(Time::from),
    }
}
