//! The end of a task definition: it goes once nothing is made from it any more.

use kecs_model::Refusal;
use kecs_model::types::TaskDefinitionStatus;

use crate::key::Key;
use crate::record::{Cluster, Family, Service, ServiceRevision, Task, TaskDefinition, TaskSet, status};
use crate::task::is_over;
use crate::tx::Tx;

/// Whether it is being deleted.
pub fn is_going(record: &TaskDefinition) -> bool {
    record.definition.status == Some(TaskDefinitionStatus::DeleteInProgress)
}

/// Forgets a task definition; its number is not given out again.
pub fn forget(tx: &mut Tx<'_>, key: Key, record: &TaskDefinition) -> Result<(), Refusal> {
    let family = record.definition.family.as_deref().unwrap_or_default();
    let of_family = tx.scope().family(family);
    if let Some(mut family) = tx.get::<Family>(&of_family)? {
        family.deleted = family.deleted.saturating_add(1);
        tx.put(of_family, family);
    }
    tx.delete(key);
    Ok(())
}

/// Whether a task is or will be made from it: one that is not over, or one of a service that is not INACTIVE.
///
/// Source: Amazon ECS developer guide, "Amazon ECS task definition states".
pub fn is_in_use(tx: &Tx<'_>, record: &TaskDefinition) -> Result<bool, Refusal> {
    let arn = record.definition.task_definition_arn.as_deref();
    let family = record.definition.family.as_deref().unwrap_or_default();
    for (_, cluster) in tx.all::<Cluster>(&tx.scope().term("clusters"))? {
        let cluster = cluster.cluster.cluster_name.unwrap_or_default();
        let tasks = tx.scope().term_in("tasks", &cluster);
        for desired in [status::RUNNING, status::STOPPED] {
            let of_family = tasks.and("desired", desired).and("family", family);
            let mut tasks = tx.all::<Task>(&of_family)?.into_iter();
            if tasks.any(|(_, it)| it.task.task_definition_arn.as_deref() == arn && !is_over(&it)) {
                return Ok(true);
            }
        }
        for (_, service) in tx.all::<Service>(&tx.scope().term_in("services", &cluster))? {
            if is_of_service(tx, &cluster, &service, arn)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn is_of_service(tx: &Tx<'_>, cluster: &str, service: &Service, arn: Option<&str>) -> Result<bool, Refusal> {
    let shown = &service.service;
    let mut deployments = shown.deployments.iter().flatten();
    if shown.task_definition.as_deref() == arn || deployments.any(|it| it.task_definition.as_deref() == arn) {
        return Ok(true);
    }
    let name = shown.service_name.as_deref().unwrap_or_default();
    let sets = tx.scope().term_in("task-sets", cluster).and("service", name);
    let mut sets = tx.all::<TaskSet>(&sets)?.into_iter();
    if sets.any(|(_, it)| it.task_set.task_definition.as_deref() == arn) {
        return Ok(true);
    }
    if service.rollouts.first().is_none_or(|newest| newest.completed) {
        return Ok(false);
    }
    // It may go back to any revision before.
    let revisions = tx
        .scope()
        .term_in("service-revisions", cluster)
        .and("service", name);
    let mut revisions = tx.all::<ServiceRevision>(&revisions)?.into_iter();
    Ok(revisions.any(|(_, it)| it.revision.task_definition.as_deref() == arn))
}
