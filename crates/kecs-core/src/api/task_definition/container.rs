//! The containers of a task definition, each by itself and their sums.

use std::collections::BTreeSet;

use kecs_model::types::{ContainerDefinition, LogDriver, ResourceType, TaskDefinition};
use kecs_model::{Refusal, refuse};

use super::filled::ROOT;
use super::size::number;
use crate::api::name;

/// The containers of a task definition.
pub(super) fn all(definition: &TaskDefinition) -> &[ContainerDefinition] {
    definition.container_definitions.as_deref().unwrap_or_default()
}

/// The name of a container.
pub(super) fn named(container: &ContainerDefinition) -> &str {
    container.name.as_deref().unwrap_or_default()
}

/// Whether the task ends with this container.
pub(super) fn is_essential(container: &ContainerDefinition) -> bool {
    container.essential.unwrap_or(true)
}

/// A setting of a container that cannot be.
macro_rules! invalid {
    ($member:literal, $container:expr) => {
        kecs_model::refuse!(
            ClientException,
            concat!("Invalid '", $member, "' setting for container '{container}'."),
            container = $crate::api::task_definition::container::named($container)
        )
    };
}
pub(super) use invalid;

/// What is wrong with a container, whatever the others are.
pub(super) fn check(definition: &TaskDefinition) -> Result<(), Refusal> {
    let containers = all(definition);
    if containers.is_empty() {
        return Err(refuse!(ClientException, "Container list cannot be empty."));
    }
    let mut names = BTreeSet::new();
    for container in containers {
        let name = named(container);
        if name.is_empty() {
            return Err(refuse!(
                ClientException,
                "Container.name should not be null or empty."
            ));
        }
        if !name::is_plain(name) {
            return Err(refuse!(
                ClientException,
                "Container.name contains invalid characters."
            ));
        }
        if container
            .image
            .as_deref()
            .is_none_or(|image| image.trim().is_empty())
        {
            return Err(refuse!(
                ClientException,
                "Container.image should not be null or empty."
            ));
        }
        image(container)?;
        if !names.insert(name) {
            return Err(refuse!(
                ClientException,
                "Container names must be unique within a task definition."
            ));
        }
        sizes(container)?;
        variables(definition, container)?;
        limits(container)?;
        accelerators(container)?;
        log(container)?;
    }
    if !containers.iter().any(is_essential) {
        return Err(refuse!(
            ClientException,
            "Task definition doesn't have any essential container."
        ));
    }
    firelens(containers)
}

/// What is before a digest has at most 255 characters, and a digest is one of SHA-256.
///
/// Source: `ContainerDefinition` of the API reference.
fn image(container: &ContainerDefinition) -> Result<(), Refusal> {
    let image = container.image.as_deref().unwrap_or_default();
    let (name, digest) = image
        .split_once('@')
        .map_or((image, None), |(name, it)| (name, Some(it)));
    if name.chars().count() > 255 {
        return Err(refuse!(ClientException, "Container.image longer than 255."));
    }
    let is_digest = |digest: &str| {
        let hash = digest.strip_prefix("sha256:").unwrap_or_default();
        hash.len() == 64 && hash.bytes().all(|it| it.is_ascii_hexdigit())
    };
    if digest.is_some_and(|it| !is_digest(it)) {
        return Err(invalid!("image", container));
    }
    Ok(())
}

fn sizes(container: &ContainerDefinition) -> Result<(), Refusal> {
    if let (Some(memory), Some(reserved)) = (container.memory, container.memory_reservation)
        && memory < reserved
    {
        return Err(refuse!(
            ClientException,
            "Invalid setting for container '{container}'. 'memory' must be greater than or equal to \
             'memoryReservation'.",
            container = named(container)
        ));
    }
    Ok(())
}

fn variables(definition: &TaskDefinition, container: &ContainerDefinition) -> Result<(), Refusal> {
    let mut names = BTreeSet::new();
    for variable in container.environment.iter().flatten() {
        let name = variable.name.as_deref().unwrap_or_default();
        if name.is_empty() {
            return Err(invalid!("environment.name", container));
        }
        names.insert(name);
    }
    for secret in container.secrets.iter().flatten() {
        let name = secret.name.as_deref().unwrap_or_default();
        if name.is_empty() {
            return Err(invalid!("secrets.name", container));
        }
        if secret.value_from.as_deref().unwrap_or_default().is_empty() {
            return Err(invalid!("secrets.valueFrom", container));
        }
        if !names.insert(name) {
            return Err(refuse!(
                ClientException,
                "The secret name must be unique and not shared with any new or existing environment variables set \
                 on the container, such as '{name}'."
            ));
        }
    }
    let secrets = container.secrets.iter().flatten().count();
    let options = container.log_configuration.iter();
    let options = options
        .flat_map(|log| log.secret_options.iter().flatten())
        .count();
    if secrets + options > 0 && definition.execution_role_arn.is_none() {
        return Err(refuse!(
            ClientException,
            "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'."
        ));
    }
    for file in container.environment_files.iter().flatten() {
        let value = file.value.as_deref().unwrap_or_default();
        let in_s3 = value.starts_with("arn:") && value.contains(":s3:::");
        let is_env = std::path::Path::new(value)
            .extension()
            .is_some_and(|extension| extension == "env");
        if !in_s3 {
            return Err(refuse!(ClientException, "Invalid arn syntax."));
        }
        if !is_env {
            return Err(invalid!("environmentFiles.value", container));
        }
    }
    Ok(())
}

fn limits(container: &ContainerDefinition) -> Result<(), Refusal> {
    let mut names = BTreeSet::new();
    for limit in container.ulimits.iter().flatten() {
        // -1 is no limit at all.
        let unlimited = |value: Option<i32>| value.filter(|value| *value >= 0).unwrap_or(i32::MAX);
        let crossed = unlimited(limit.soft_limit) > unlimited(limit.hard_limit);
        if crossed || !names.insert(limit.name) {
            return Err(invalid!("ulimits", container));
        }
    }
    if let Some(check) = &container.health_check
        && check.command.as_ref().is_none_or(Vec::is_empty)
    {
        return Err(invalid!("healthCheck.command", container));
    }
    let policy = container.restart_policy.as_ref();
    let off = policy.is_some_and(|policy| policy.enabled != Some(true));
    let has_more = policy
        .is_some_and(|policy| policy.ignored_exit_codes.is_some() || policy.restart_attempt_period.is_some());
    if off && has_more {
        return Err(invalid!("restartPolicy", container));
    }
    Ok(())
}

/// What a container takes of a machine besides CPU and memory: a number of GPUs or Neuron devices. A task can name no
/// inference accelerator any more, so that a container can take none.
fn accelerators(container: &ContainerDefinition) -> Result<(), Refusal> {
    let mut kinds = BTreeSet::new();
    for wanted in container.resource_requirements.iter().flatten() {
        let value = wanted.value.as_deref().unwrap_or_default();
        let is_number = value.parse::<u32>().is_ok_and(|number| number > 0);
        let known = match wanted.r#type {
            Some(ResourceType::Gpu) => kinds.insert(wanted.r#type) && is_number,
            Some(ResourceType::NeuronDevice) => is_number,
            Some(ResourceType::InferenceAccelerator) | None => false,
        };
        if !known {
            return Err(invalid!("resourceRequirements", container));
        }
    }
    Ok(())
}

fn log(container: &ContainerDefinition) -> Result<(), Refusal> {
    let Some(log) = &container.log_configuration else {
        return Ok(());
    };
    if log.log_driver == Some(LogDriver::Awslogs) {
        let has = |option: &&str| log.options.as_ref().is_some_and(|all| all.contains_key(*option));
        let needed = ["awslogs-region", "awslogs-group"];
        let missing: Vec<&str> = needed.into_iter().filter(|option| !has(option)).collect();
        if !missing.is_empty() {
            return Err(refuse!(
                ClientException,
                "Log driver awslogs requires options: {options}",
                options = missing.join(", ")
            ));
        }
    }
    Ok(())
}

/// Logs go through a router if there is one, and there is one at most.
fn firelens(containers: &[ContainerDefinition]) -> Result<(), Refusal> {
    let mut routers = containers.iter().filter(|it| it.firelens_configuration.is_some());
    let router = routers.next();
    if routers.next().is_some() {
        return Err(refuse!(
            ClientException,
            "Only one container of a task definition can have a firelensConfiguration."
        ));
    }
    let routed = |it: &ContainerDefinition| {
        let log = it.log_configuration.as_ref();
        log.is_some_and(|log| log.log_driver == Some(LogDriver::Awsfirelens))
    };
    let Some(router) = router else {
        if containers.iter().any(routed) {
            return Err(refuse!(
                ClientException,
                "When awsfirelens log driver is specified in log configuration, a firelens configuration object must be \
                 configured in one of the containers."
            ));
        }
        return Ok(());
    };
    if !containers.iter().any(routed) {
        return Err(refuse!(
            ClientException,
            "When a firelensConfiguration object is specified, at least one container has to be configured with the \
             awsfirelens log driver."
        ));
    }
    // A user may have a group behind a colon.
    let uid = router.user.as_deref().and_then(|user| user.split(':').next());
    if uid.is_some_and(|uid| uid != ROOT) {
        return Err(refuse!(
            ClientException,
            "If 'user' field is specified on firelens container, then 'UID' has to be '0'."
        ));
    }
    Ok(())
}

/// Where the task has no memory, each of its containers has some.
pub(super) fn has_memory(definition: &TaskDefinition) -> Result<(), Refusal> {
    if definition.memory.is_some() {
        return Ok(());
    }
    let without = |it: &&ContainerDefinition| it.memory.is_none() && it.memory_reservation.is_none();
    match all(definition).iter().find(without) {
        None => Ok(()),
        Some(container) => Err(refuse!(
            ClientException,
            "Invalid setting for container '{container}'. At least one of 'memory' or 'memoryReservation' must be \
             specified.",
            container = named(container)
        )),
    }
}

/// The containers fit into the task.
pub(super) fn fits(definition: &TaskDefinition) -> Result<(), Refusal> {
    let containers = all(definition);
    if let Some(memory) = number(definition.memory.as_deref()) {
        let wants = |it: &&ContainerDefinition| it.memory.is_some_and(|it| i64::from(it) > memory);
        if let Some(container) = containers.iter().find(wants) {
            return Err(refuse!(
                ClientException,
                "The 'memory' setting for container '{container}' is greater than for the task.",
                container = named(container)
            ));
        }
        let reserved = |it: &ContainerDefinition| it.memory_reservation.or(it.memory).map_or(0, i64::from);
        if containers.iter().map(reserved).sum::<i64>() > memory {
            return Err(refuse!(
                ClientException,
                "The sum of all container 'memoryReservation' values cannot be greater than the value of the task \
                 'memory'."
            ));
        }
    }
    let cpu = containers
        .iter()
        .map(|it| it.cpu.map_or(0, i64::from))
        .sum::<i64>();
    if number(definition.cpu.as_deref()).is_some_and(|of_task| cpu > of_task) {
        return Err(refuse!(
            ClientException,
            "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'."
        ));
    }
    Ok(())
}
