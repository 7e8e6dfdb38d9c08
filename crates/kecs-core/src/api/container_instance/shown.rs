//! Container instances as they are shown: with what is left of them and how many tasks they have.

use kecs_model::Refusal;
use kecs_model::types::{
    self, ContainerInstanceHealthStatus, InstanceHealthCheckResult, InstanceHealthCheckState,
    InstanceHealthCheckType,
};

use super::live_on;
use crate::api::cluster::count;
use crate::api::task_definition;
use crate::placement::Fleet;
use crate::record::{ContainerInstance, Task, status};
use crate::tx::Tx;

/// An instance as the operations that change it show it.
pub(super) fn whole(tx: &Tx<'_>, record: ContainerInstance) -> Result<types::ContainerInstance, Refusal> {
    shown(tx, record, true, false)
}

/// An instance, with its tags and its health where they are asked for.
pub(super) fn shown(
    tx: &Tx<'_>,
    record: ContainerInstance,
    tags: bool,
    health: bool,
) -> Result<types::ContainerInstance, Refusal> {
    let arn = record.instance.container_instance_arn.clone().unwrap_or_default();
    let id = arn.rsplit('/').next().unwrap_or_default();
    let live = live_on(tx.scope(), &record.cluster, id);
    let mut tasks = Vec::new();
    for (_, task) in tx.all::<Task>(&live)? {
        let made_from = task.task.task_definition_arn.as_deref();
        let definition = made_from
            .map(|arn| task_definition::resolve(tx, arn))
            .transpose()?;
        tasks.push((task, definition.flatten().map(|(_, it)| it)));
    }
    let tasks = tasks.iter().map(|(task, definition)| (task, definition.as_ref()));
    let fleet = Fleet::new([&record], tasks);
    let mut instance = record.instance;
    instance.remaining_resources = fleet.remaining(&arn);
    instance.running_tasks_count = Some(count::count(tx, &live.and("last", status::RUNNING))?);
    instance.pending_tasks_count = Some(count::count(tx, &live.and("last", status::PENDING))?);
    if !tags {
        instance.tags = Some(Vec::new());
    }
    instance.tags.get_or_insert_default();
    instance.attachments.get_or_insert_default();
    instance.health_status = health.then(|| health_of(&instance));
    Ok(instance)
}

/// What is known of the health of a machine: whether its agent is connected.
fn health_of(instance: &types::ContainerInstance) -> ContainerInstanceHealthStatus {
    let state = match instance.agent_connected {
        Some(true) => InstanceHealthCheckState::Ok,
        Some(false) => InstanceHealthCheckState::Impaired,
        None => InstanceHealthCheckState::InsufficientData,
    };
    ContainerInstanceHealthStatus {
        overall_status: Some(state),
        details: Some(vec![InstanceHealthCheckResult {
            r#type: Some(InstanceHealthCheckType::AgentConnectivity),
            status: Some(state),
            last_updated: instance.registered_at,
            last_status_change: instance.registered_at,
            ..InstanceHealthCheckResult::default()
        }]),
    }
}
