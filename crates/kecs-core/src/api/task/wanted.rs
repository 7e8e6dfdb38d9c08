//! What `RunTask` and `StartTask` have in common: what a task is to be, checked against its definition.

use kecs_model::types::{
    self, NetworkConfiguration, PropagateTags, SettingName, Tag, TaskDefinition, TaskOverride,
    TaskVolumeConfiguration,
};
use kecs_model::{Refusal, refuse};

use crate::api::launch::{self, Compute};
use crate::api::{account_setting, service, tags, task_definition};
use crate::call::Call;
use crate::record;
use crate::task::{self, Blueprint, Host};
use crate::tx::Tx;

/// Letters that overrides have at most, as JSON.
///
/// Source: `RunTask` of the Amazon ECS API reference.
const OVERRIDES: usize = 8192;

/// What both operations say of a task.
pub(super) struct Wanted<'a> {
    pub(super) network: Option<&'a NetworkConfiguration>,
    pub(super) overrides: Option<&'a TaskOverride>,
    pub(super) group: Option<&'a str>,
    pub(super) started_by: Option<&'a str>,
    pub(super) tags: Option<&'a Vec<Tag>>,
    pub(super) propagate: Option<PropagateTags>,
    pub(super) managed_tags: bool,
    pub(super) execute: bool,
    pub(super) volumes: &'a [TaskVolumeConfiguration],
}

impl Wanted<'_> {
    /// What the tasks are made from, but for where they run.
    pub(super) fn blueprint(
        &self,
        cluster: &str,
        definition: &record::TaskDefinition,
        launch: &Compute,
    ) -> Result<Blueprint, Refusal> {
        let shown = &definition.definition;
        let network = launch::network(shown, launch, self.network)?;
        let overrides = match self.overrides {
            Some(overrides) => {
                check_overrides(overrides, shown)?;
                Some(resized(overrides, shown, launch)?)
            }
            None => None,
        };
        let own = format!("family:{}", shown.family.as_deref().unwrap_or_default());
        let reserved = |group: &str| group.starts_with("service:") || group.starts_with("family:");
        if self.group.is_some_and(|group| reserved(group) && group != own) {
            return Err(refuse!(InvalidParameterException, "Invalid namespace for group."));
        }
        if self.propagate == Some(PropagateTags::Service) {
            return Err(refuse!(
                InvalidParameterException,
                "Tags can be propagated from a service only to tasks of the service."
            ));
        }
        let own_role = self.overrides.and_then(|it| it.task_role_arn.as_ref());
        if self.execute && own_role.or(shown.task_role_arn.as_ref()).is_none() {
            return Err(refuse!(
                InvalidParameterException,
                "The task couldn't be run because a valid taskRoleArn is not being used. Specify a valid task role \
                 in your task definition and try again."
            ));
        }
        let volumes: Vec<&str> = self.volumes.iter().filter_map(|it| it.name.as_deref()).collect();
        service::configured_volumes(&volumes, shown)?;
        Ok(Blueprint {
            definition: definition.clone(),
            cluster: cluster.to_owned(),
            launch_type: Some(launch.runs_on),
            capacity_provider: None,
            platform_version: launch.platform_version.clone(),
            overrides,
            group: self.group.filter(|group| !group.is_empty()).map(str::to_owned),
            started_by: self.started_by.filter(|by| !by.is_empty()).map(str::to_owned),
            tags: tags::checked(self.tags.cloned())?,
            propagate_tags: self.propagate,
            managed_tags: self.managed_tags,
            service: None,
            task_set: None,
            network,
            execute_command: self.execute,
            host: Host::default(),
        })
    }
}

/// A task of the blueprint, kept. Its ARN has the name of the cluster unless the caller has opted out of that.
pub(super) fn keep(tx: &mut Tx<'_>, call: &Call<'_>, blueprint: &Blueprint) -> Result<types::Task, Refusal> {
    let mut record = task::new_task(tx.scope(), blueprint, &call.ids, call.now);
    let arn = record.task.task_arn.clone().unwrap_or_default();
    let id = arn.rsplit('/').next().unwrap_or_default();
    let key = tx.scope().task(&blueprint.cluster, id);
    if !account_setting::is_long_arn(tx, call, SettingName::TaskLongArnFormat)? {
        if !blueprint.tags.is_empty() {
            return Err(refuse!(
                InvalidParameterException,
                "The new ARN and resource ID format must be enabled to add tags to the task. Opt in to the new \
                 format and try again."
            ));
        }
        let short = tx.scope().arn(&format!("task/{id}"));
        for container in record.task.containers.iter_mut().flatten() {
            container.task_arn = Some(short.clone());
        }
        record.task.task_arn = Some(short);
    }
    let mut shown = record.task.clone();
    shown.tags.get_or_insert_default();
    tx.create(key, record);
    Ok(shown)
}

/// The overrides with CPU and memory in plain units; on Fargate there is such a combination.
fn resized(
    overrides: &TaskOverride,
    definition: &TaskDefinition,
    launch: &Compute,
) -> Result<TaskOverride, Refusal> {
    let cpu = task_definition::cpu(overrides.cpu.as_deref())?;
    let memory = task_definition::memory(overrides.memory.as_deref())?;
    if launch.is_fargate() && (cpu.is_some() || memory.is_some()) {
        task_definition::sized(&TaskDefinition {
            cpu: cpu.clone().or(definition.cpu.clone()),
            memory: memory.clone().or(definition.memory.clone()),
            ..definition.clone()
        })?;
    }
    Ok(TaskOverride {
        cpu,
        memory,
        ..overrides.clone()
    })
}

fn check_overrides(overrides: &TaskOverride, definition: &TaskDefinition) -> Result<(), Refusal> {
    let written = serde_json::to_string(overrides).unwrap_or_default();
    if written.chars().count() > OVERRIDES {
        return Err(refuse!(
            InvalidParameterException,
            "Container Overrides length must be at most 8192"
        ));
    }
    for container in overrides.container_overrides.iter().flatten() {
        let name = container.name.as_deref().unwrap_or_default();
        if name.is_empty() {
            return Err(refuse!(
                InvalidParameterException,
                "Container override name cannot be empty."
            ));
        }
        let mut known = definition.container_definitions.iter().flatten();
        let Some(known) = known.find(|it| it.name.as_deref() == Some(name)) else {
            return Err(refuse!(
                InvalidParameterException,
                "Override for container named {name} is not a container in the TaskDefinition."
            ));
        };
        let memory = container.memory.or(known.memory);
        let reservation = container.memory_reservation.or(known.memory_reservation);
        if let (Some(memory), Some(reservation)) = (memory, reservation)
            && memory < reservation
        {
            return Err(refuse!(
                InvalidParameterException,
                "Invalid setting for container '{name}'. 'memory' must be greater than or equal to \
                 'memoryReservation'."
            ));
        }
    }
    Ok(())
}
