//! A new task.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kecs_model::Time;
use kecs_model::types::{
    Attachment, Attribute, Connectivity, Container, ContainerDefinition, ContainerOverride, EphemeralStorage,
    HealthStatus, KeyValuePair, LaunchType, ManagedAgent, ManagedAgentName, NetworkConfiguration,
    NetworkMode, PropagateTags, ResourceType, Service, Tag, Task, TaskEphemeralStorage, TaskOverride,
};

use crate::call::Ids;
use crate::key::Scope;
use crate::plane::TaskStatus;
use crate::record::{self, status};

/// The platform version that `LATEST` stands for.
///
/// Source: Amazon ECS developer guide, "Fargate platform versions for Linux".
const LATEST_PLATFORM: &str = "1.4.0";
/// What a Fargate task has of ephemeral storage if it does not say, in GiB.
const EPHEMERAL_STORAGE: i32 = 20;

/// What a task is made from.
#[derive(Debug, Clone, Default)]
pub struct Blueprint {
    /// The task definition and its tags.
    pub definition: record::TaskDefinition,
    /// The name of the cluster.
    pub cluster: String,
    /// How it is launched.
    pub launch_type: Option<LaunchType>,
    /// The capacity provider that it is launched by.
    pub capacity_provider: Option<String>,
    /// The platform version that was asked for.
    pub platform_version: Option<String>,
    /// What is other than in its definition.
    pub overrides: Option<TaskOverride>,
    /// Its group; without one it is of the group of its family.
    pub group: Option<String>,
    /// Who starts it.
    pub started_by: Option<String>,
    /// Its own tags. They win over those that are passed on.
    pub tags: Vec<Tag>,
    /// Whose tags are passed on to it.
    pub propagate_tags: Option<PropagateTags>,
    /// Whether it is tagged with its cluster and service.
    pub managed_tags: bool,
    /// The service that it belongs to.
    pub service: Option<Service>,
    /// The id of the task set that it belongs to.
    pub task_set: Option<String>,
    /// Its subnets and security groups.
    pub network: Option<NetworkConfiguration>,
    /// Whether commands can be executed in it.
    pub execute_command: bool,
    /// Where it is placed.
    pub host: Host,
}

/// Where a task is placed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// The ARN of the container instance, unless it runs on Fargate.
    pub instance: Option<String>,
    /// The availability zone.
    pub zone: Option<String>,
    /// The subnet within that zone.
    pub subnet: Option<String>,
    /// The GPUs of the instance that it gets.
    pub gpus: Vec<String>,
}

/// A task that nothing has been done for yet.
pub fn new_task(scope: &Scope, blueprint: &Blueprint, ids: &Ids, now: Timestamp) -> record::Task {
    let definition = &blueprint.definition.definition;
    let definitions = definition.container_definitions.as_deref().unwrap_or_default();
    let (cluster, id) = (&blueprint.cluster, ids.hex());
    let task_arn = scope.arn(&format!("task/{cluster}/{id}"));
    let fargate = runs_on_fargate(blueprint);
    let overrides = full_overrides(blueprint, definitions);
    let awsvpc = definition.network_mode == Some(NetworkMode::Awsvpc);
    let first = if fargate || awsvpc {
        TaskStatus::Provisioning
    } else {
        TaskStatus::Pending
    };
    let mut gpus = blueprint.host.gpus.iter().cloned();
    let containers = definitions.iter().map(|definition| {
        let arn = scope.arn(&format!("container/{cluster}/{id}/{}", ids.uuid()));
        new_container(blueprint, definition, &overrides, arn, &task_arn, &mut gpus)
    });
    let containers: Vec<Container> = containers.collect();
    let storage = storage(blueprint, &overrides, fargate);
    let task = Task {
        attachments: Some(attachments(blueprint, awsvpc || fargate, ids)),
        attributes: Some(attributes(blueprint, fargate)),
        availability_zone: blueprint.host.zone.clone(),
        capacity_provider_name: blueprint.capacity_provider.clone(),
        cluster_arn: Some(scope.arn(&format!("cluster/{cluster}"))),
        connectivity: (!fargate).then_some(Connectivity::Connected),
        connectivity_at: (!fargate).then(|| Time::from(now)),
        container_instance_arn: blueprint.host.instance.clone(),
        cpu: size(
            overrides.cpu.as_ref(),
            definition.cpu.as_ref(),
            &containers,
            |it| it.cpu.as_deref(),
        ),
        memory: size(
            overrides.memory.as_ref(),
            definition.memory.as_ref(),
            &containers,
            |it| it.memory.as_deref().or(it.memory_reservation.as_deref()),
        ),
        containers: Some(containers),
        created_at: Some(Time::from(now)),
        desired_status: Some(status::RUNNING.to_owned()),
        enable_execute_command: Some(blueprint.execute_command),
        group: Some(group(blueprint)),
        health_status: Some(HealthStatus::Unknown),
        inference_accelerators: Some(definition.inference_accelerators.clone().unwrap_or_default()),
        last_status: Some(first.as_str().to_owned()),
        launch_type: blueprint.launch_type.or(fargate.then_some(LaunchType::Fargate)),
        fargate_ephemeral_storage: storage
            .as_ref()
            .filter(|_| fargate)
            .map(|it| TaskEphemeralStorage {
                size_in_gib: it.size_in_gib,
                kms_key_id: None,
            }),
        ephemeral_storage: storage,
        overrides: Some(overrides),
        platform_version: platform_version(blueprint, fargate),
        platform_family: fargate.then(|| platform_family(blueprint)),
        started_by: blueprint.started_by.clone(),
        tags: Some(tags(blueprint)),
        task_arn: Some(task_arn),
        task_definition_arn: definition.task_definition_arn.clone(),
        version: Some(1),
        ..Task::default()
    };
    let is_essential = |it: &&ContainerDefinition| it.essential.unwrap_or(true);
    let name = |it: &ContainerDefinition| it.name.clone().unwrap_or_default();
    let essential = definitions.iter().filter(is_essential);
    let service = blueprint.service.as_ref();
    record::Task {
        task,
        service: service.and_then(|it| it.service_name.clone()),
        task_set: blueprint.task_set.clone(),
        protected_until: None,
        grace_seconds: service.and_then(|it| it.health_check_grace_period_seconds),
        checked: essential
            .clone()
            .filter(|it| it.health_check.is_some())
            .map(name)
            .collect(),
        essential: essential.map(name).collect(),
    }
}

/// Whether it runs where there are no container instances.
fn runs_on_fargate(blueprint: &Blueprint) -> bool {
    match blueprint.launch_type {
        Some(LaunchType::Fargate) => true,
        Some(LaunchType::Ec2 | LaunchType::External | LaunchType::ManagedInstances) => false,
        None => blueprint
            .capacity_provider
            .as_deref()
            .is_some_and(|it| it == "FARGATE" || it == "FARGATE_SPOT"),
    }
}

/// The overrides as they are shown: with an entry for each container.
fn full_overrides(blueprint: &Blueprint, definitions: &[ContainerDefinition]) -> TaskOverride {
    let mut overrides = blueprint.overrides.clone().unwrap_or_default();
    let mut containers = overrides.container_overrides.take().unwrap_or_default();
    for definition in definitions {
        if !containers.iter().any(|it| it.name == definition.name) {
            containers.push(ContainerOverride {
                name: definition.name.clone(),
                ..ContainerOverride::default()
            });
        }
    }
    overrides.container_overrides = Some(containers);
    overrides.inference_accelerator_overrides.get_or_insert_default();
    overrides
}

fn new_container(
    blueprint: &Blueprint,
    definition: &ContainerDefinition,
    overrides: &TaskOverride,
    arn: String,
    task_arn: &str,
    gpus: &mut impl Iterator<Item = String>,
) -> Container {
    let overridden = overrides
        .container_overrides
        .iter()
        .flatten()
        .find(|it| it.name == definition.name);
    let needs = overridden
        .and_then(|it| it.resource_requirements.as_ref())
        .or(definition.resource_requirements.as_ref());
    let needed = needs
        .into_iter()
        .flatten()
        .filter(|it| it.r#type == Some(ResourceType::Gpu))
        .filter_map(|it| it.value.as_deref()?.parse::<usize>().ok())
        .sum();
    let gpu_ids: Vec<String> = gpus.take(needed).collect();
    let text = |number: Option<i32>| number.map(|it| it.to_string());
    let agent = || ManagedAgent {
        name: Some(ManagedAgentName::ExecuteCommandAgent),
        last_status: Some("PENDING".to_owned()),
        ..ManagedAgent::default()
    };
    Container {
        container_arn: Some(arn),
        task_arn: Some(task_arn.to_owned()),
        name: definition.name.clone(),
        image: definition.image.clone(),
        last_status: Some("PENDING".to_owned()),
        network_interfaces: Some(Vec::new()),
        health_status: Some(HealthStatus::Unknown),
        managed_agents: blueprint.execute_command.then(|| vec![agent()]),
        cpu: text(Some(
            overridden.and_then(|it| it.cpu).or(definition.cpu).unwrap_or(0),
        )),
        memory: text(overridden.and_then(|it| it.memory).or(definition.memory)),
        memory_reservation: text(
            overridden
                .and_then(|it| it.memory_reservation)
                .or(definition.memory_reservation),
        ),
        gpu_ids: (!gpu_ids.is_empty()).then_some(gpu_ids),
        ..Container::default()
    }
}

/// The size of a task: its own, or what its containers have together.
fn size(
    overridden: Option<&String>,
    defined: Option<&String>,
    containers: &[Container],
    of: impl Fn(&Container) -> Option<&str>,
) -> Option<String> {
    overridden.or(defined).cloned().or_else(|| {
        let sum: i64 = containers
            .iter()
            .filter_map(|it| of(it)?.parse::<i64>().ok())
            .sum();
        Some(sum.to_string())
    })
}

fn attachments(blueprint: &Blueprint, has_interface: bool, ids: &Ids) -> Vec<Attachment> {
    let network = blueprint.network.as_ref().filter(|_| has_interface);
    let Some(vpc) = network.and_then(|it| it.awsvpc_configuration.as_ref()) else {
        return Vec::new();
    };
    let first = vpc.subnets.as_ref().and_then(|it| it.first());
    let subnet = blueprint.host.subnet.as_ref().or(first);
    let detail = |subnet: &String| KeyValuePair {
        name: Some("subnetId".to_owned()),
        value: Some(subnet.clone()),
    };
    vec![Attachment {
        id: Some(ids.uuid()),
        r#type: Some("ElasticNetworkInterface".to_owned()),
        status: Some("PRECREATED".to_owned()),
        details: Some(subnet.map(detail).into_iter().collect()),
    }]
}

fn attributes(blueprint: &Blueprint, fargate: bool) -> Vec<Attribute> {
    let platform = blueprint.definition.definition.runtime_platform.as_ref();
    let architecture = platform.and_then(|it| it.cpu_architecture);
    let cpu = Attribute {
        name: Some("ecs.cpu-architecture".to_owned()),
        value: Some(architecture.map_or("x86_64", |it| it.as_str()).to_lowercase()),
        ..Attribute::default()
    };
    fargate.then_some(cpu).into_iter().collect()
}

fn group(blueprint: &Blueprint) -> String {
    let service = blueprint
        .service
        .as_ref()
        .and_then(|it| it.service_name.as_ref())
        .map(|name| format!("service:{name}"));
    let family = blueprint
        .definition
        .definition
        .family
        .as_deref()
        .unwrap_or_default();
    blueprint
        .group
        .clone()
        .or(service)
        .unwrap_or_else(|| format!("family:{family}"))
}

fn platform_version(blueprint: &Blueprint, fargate: bool) -> Option<String> {
    let asked = blueprint.platform_version.as_deref().unwrap_or("LATEST");
    let version = if asked == "LATEST" { LATEST_PLATFORM } else { asked };
    fargate.then(|| version.to_owned())
}

fn platform_family(blueprint: &Blueprint) -> String {
    let platform = blueprint.definition.definition.runtime_platform.as_ref();
    let family = platform.and_then(|it| it.operating_system_family);
    let word = family.map_or("LINUX", |it| it.as_str());
    // Tasks show it as `Linux`, and Windows ones by the word of their definition.
    if word == "LINUX" {
        "Linux".to_owned()
    } else {
        word.to_owned()
    }
}

fn storage(blueprint: &Blueprint, overrides: &TaskOverride, fargate: bool) -> Option<EphemeralStorage> {
    let defined = blueprint.definition.definition.ephemeral_storage.clone();
    overrides.ephemeral_storage.clone().or(defined).or_else(|| {
        fargate.then_some(EphemeralStorage {
            size_in_gib: Some(EPHEMERAL_STORAGE),
        })
    })
}

fn tags(blueprint: &Blueprint) -> Vec<Tag> {
    let service = blueprint.service.as_ref();
    let passed_on = match blueprint.propagate_tags {
        Some(PropagateTags::TaskDefinition) => blueprint.definition.tags.clone(),
        Some(PropagateTags::Service) => service.and_then(|it| it.tags.clone()).unwrap_or_default(),
        Some(PropagateTags::None) | None => Vec::new(),
    };
    let tag = |key: &str, value: String| Tag {
        key: Some(key.to_owned()),
        value: Some(value),
    };
    let mut managed = Vec::new();
    if blueprint.managed_tags {
        managed.push(tag("aws:ecs:clusterName", blueprint.cluster.clone()));
        if let Some(name) = service.and_then(|it| it.service_name.clone()) {
            managed.push(tag("aws:ecs:serviceName", name));
        }
    }
    let all = passed_on
        .into_iter()
        .chain(blueprint.tags.iter().cloned())
        .chain(managed);
    let by_key: BTreeMap<Option<String>, Tag> = all.map(|tag| (tag.key.clone(), tag)).collect();
    by_key.into_values().collect()
}
