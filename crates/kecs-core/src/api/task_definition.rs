//! Task definitions.

use kecs_model::types::{self, TaskDefinitionFamilyStatus, TaskDefinitionField, TaskDefinitionStatus};
use kecs_model::{ErrorCode, Refusal, refuse, types::SortOrder};

use super::page::{Paging, Pick};
use super::{name, tags};
use crate::call::Call;
use crate::key::{Key, Scope};
use crate::record::{Family, Kind as _, TaskDefinition};
use crate::tx::Tx;

mod capability;
mod container;
mod dependency;
mod external;
mod fargate;
mod filled;
mod network;
mod reference;
mod register;
mod size;
mod volume;

pub(super) use fargate::sized;
pub use reference::{resolve, usable};
pub(super) use size::{cpu, memory};

use reference::exact;

/// Revisions that a family has at most, over all its time.
///
/// Source: Amazon ECS developer guide, "Amazon ECS service quotas".
const MOST_REVISIONS: i32 = 1_000_000;

/// Task definitions and families on a page where the request does not say.
const PAGE: usize = 100;

pub(super) fn register(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    mut request: types::RegisterTaskDefinitionRequest,
) -> Result<types::RegisterTaskDefinitionResponse, Refusal> {
    if request.tags.as_ref().is_some_and(Vec::is_empty) {
        return Err(refuse!(ClientException, "Tags can not be empty."));
    }
    let tags = tags::checked(request.tags.take())?;
    let family = request.family.clone().unwrap_or_default();
    if !name::is_plain(&family) {
        return Err(refuse!(ClientException, "Family contains invalid characters."));
    }
    let mut definition = register::checked(request)?;
    let key = tx.scope().family(&family);
    let mut known = tx.get::<Family>(&key)?.unwrap_or_else(|| Family {
        family: family.clone(),
        ..Family::default()
    });
    if known.last_revision >= MOST_REVISIONS {
        return Err(refuse!(
            LimitExceededException,
            "The limit of revisions for the task definition family has been exceeded."
        ));
    }
    known.last_revision += 1;
    known.active += 1;
    let revision = known.last_revision;
    definition.task_definition_arn = Some(arn(tx.scope(), &family, revision));
    definition.revision = Some(revision);
    definition.status = Some(TaskDefinitionStatus::Active);
    definition.registered_at = Some(call.time());
    definition.registered_by = Some(call.principal.to_owned());
    let record = TaskDefinition {
        definition: definition.clone(),
        tags: tags.clone(),
    };
    tx.put(key, known);
    tx.create(tx.scope().task_definition(&family, revision), record);
    Ok(types::RegisterTaskDefinitionResponse {
        task_definition: Some(definition),
        tags: tags::shown(tags),
    })
}

pub(super) fn deregister(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::DeregisterTaskDefinitionRequest,
) -> Result<types::DeregisterTaskDefinitionResponse, Refusal> {
    let named = request.task_definition.unwrap_or_default();
    let found = exact(tx, &named)?;
    let (key, mut record) = found.ok_or_else(not_there)?;
    if record.definition.status == Some(TaskDefinitionStatus::DeleteInProgress) {
        return Err(refuse!(
            ClientException,
            "The task definition could not be deregistered because it is in the process of being deleted."
        ));
    }
    let mut shown = record.definition.clone();
    shown.status = Some(TaskDefinitionStatus::Inactive);
    // What is INACTIVE already stays as it is.
    if record.definition.status == Some(TaskDefinitionStatus::Active) {
        record.definition.status = Some(TaskDefinitionStatus::Inactive);
        record.definition.deregistered_at = Some(call.time());
        let family = tx
            .scope()
            .family(record.definition.family.as_deref().unwrap_or_default());
        if let Some(mut known) = tx.get::<Family>(&family)? {
            known.active = known.active.saturating_sub(1);
            tx.put(family, known);
        }
        tx.put(key, record);
    }
    // The answer has it as it was, but for its status: when it was deregistered is told by those that come after.
    Ok(types::DeregisterTaskDefinitionResponse {
        task_definition: Some(shown),
    })
}

pub(super) fn delete(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::DeleteTaskDefinitionsRequest,
) -> Result<types::DeleteTaskDefinitionsResponse, Refusal> {
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for named in request.task_definitions.unwrap_or_default() {
        // What could not be deleted is told of as it was named.
        let failure = |reason: &str| types::Failure {
            arn: Some(named.clone()),
            reason: Some(reason.to_owned()),
            detail: None,
        };
        let found = match exact(tx, &named) {
            Ok(found) => found,
            Err(refusal) if refusal.code == ErrorCode::InvalidParameterException => {
                failures.push(failure(NO_IDENTIFIER));
                continue;
            }
            Err(refusal) => return Err(refusal),
        };
        let Some((key, mut record)) = found else {
            failures.push(failure(&not_there().message));
            continue;
        };
        match record.definition.status {
            Some(TaskDefinitionStatus::Inactive) => {
                record.definition.status = Some(TaskDefinitionStatus::DeleteInProgress);
                record.definition.delete_requested_at = Some(call.time());
                tx.put(key, record.clone());
                deleted.push(record.definition);
            }
            Some(TaskDefinitionStatus::DeleteInProgress) => deleted.push(record.definition),
            Some(TaskDefinitionStatus::Active) | None => failures.push(failure(
                "The specified task definition is still in ACTIVE status. Please deregister the target and try again.",
            )),
        }
    }
    Ok(types::DeleteTaskDefinitionsResponse {
        task_definitions: Some(deleted),
        failures: Some(failures),
    })
}

pub(super) fn describe(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::DescribeTaskDefinitionRequest,
) -> Result<types::DescribeTaskDefinitionResponse, Refusal> {
    let named = request.task_definition.unwrap_or_default();
    let found = resolve(tx, &named)?;
    let (_, record) = found.ok_or_else(|| refuse!(ClientException, "Unable to describe task definition."))?;
    let include = request.include.unwrap_or_default();
    Ok(types::DescribeTaskDefinitionResponse {
        task_definition: Some(record.definition),
        // There without being asked for, and then empty.
        tags: Some(if include.contains(&TaskDefinitionField::Tags) {
            record.tags
        } else {
            Vec::new()
        }),
    })
}

pub(super) fn list(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::ListTaskDefinitionsRequest,
) -> Result<types::ListTaskDefinitionsResponse, Refusal> {
    let descending = request.sort == Some(SortOrder::Desc);
    let paging = Paging::of(tx.scope(), &request, PAGE)?.descending(descending);
    let status = request.status.unwrap_or(TaskDefinitionStatus::Active);
    let mut term = tx.scope().term("task-definitions").and("status", status.as_str());
    if let Some(family) = request.family_prefix.filter(|family| !family.is_empty()) {
        // It is called a prefix, and is the whole name of a family.
        term = term.and("family", &family);
    }
    let listed = paging.select(tx, &term, |entry| {
        let record = TaskDefinition::of(&entry.record);
        let arn = record.and_then(|it| it.definition.task_definition_arn.clone());
        Ok(arn.map_or(Pick::Skip, Pick::Take))
    })?;
    Ok(types::ListTaskDefinitionsResponse {
        task_definition_arns: Some(listed.items),
        next_token: listed.next_token,
    })
}

pub(super) fn list_families(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::ListTaskDefinitionFamiliesRequest,
) -> Result<types::ListTaskDefinitionFamiliesResponse, Refusal> {
    let mut paging = Paging::of(tx.scope(), &request, PAGE)?;
    let all = tx.scope().term("families");
    let term = match request.status {
        Some(TaskDefinitionFamilyStatus::Active) => all.and("status", "ACTIVE"),
        Some(TaskDefinitionFamilyStatus::Inactive) => all.and("status", "INACTIVE"),
        Some(TaskDefinitionFamilyStatus::All) | None => all,
    };
    let prefix = request.family_prefix.unwrap_or_default();
    if let Some(key) = before(tx.scope(), &prefix) {
        paging = paging.from(key);
    }
    let listed = paging.select(tx, &term, |entry| {
        let family = Family::of(&entry.record).map(|it| it.family.clone());
        Ok(match family {
            Some(family) if family.starts_with(&prefix) => Pick::Take(family),
            // The keys are in the order of the names, so none behind it begins so.
            Some(family) if family > prefix => Pick::Stop,
            Some(_) | None => Pick::Skip,
        })
    })?;
    Ok(types::ListTaskDefinitionFamiliesResponse {
        families: Some(listed.items),
        next_token: listed.next_token,
    })
}

/// A key behind which every family with this prefix comes, and before which none does: that of a name whose last
/// letter is the one before, and that goes on with what no name has.
fn before(scope: &Scope, prefix: &str) -> Option<Key> {
    if !name::is_plain(prefix) {
        return None;
    }
    let (rest, last) = prefix.split_at(prefix.len() - 1);
    let last = char::from(last.bytes().next()?.saturating_sub(1));
    Some(scope.family(&format!("{rest}{last}~")))
}

fn not_there() -> Refusal {
    refuse!(
        ClientException,
        "The specified task definition does not exist. Specify a valid account, family, revision and try again."
    )
}

const NO_IDENTIFIER: &str =
    "The specified task definition identifier is invalid. Specify a valid name or ARN and try again.";

fn arn(scope: &Scope, family: &str, revision: i32) -> String {
    scope.arn(&format!("task-definition/{family}:{revision}"))
}
