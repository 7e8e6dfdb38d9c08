//! What a machine must be able to do to run a task definition.
//!
//! Source: Amazon ECS developer guide, "Amazon ECS container agent attributes" and the task definitions it shows.

use std::collections::BTreeSet;

use kecs_model::types::{
    Attribute, ContainerDefinition, FirelensConfigurationType, LogDriver, NetworkMode, TaskDefinition,
};

use super::container::all;
use super::fargate::is_of_ecr;

/// The attributes that a container instance must have, by name.
pub(super) fn required(definition: &TaskDefinition) -> Vec<Attribute> {
    let mut names = BTreeSet::new();
    let role = definition.execution_role_arn.is_some();
    for container in all(definition) {
        of_container(container, role, &mut names);
    }
    if definition.network_mode == Some(NetworkMode::Awsvpc) {
        names.extend([
            "ecs.capability.task-eni",
            "com.amazonaws.ecs.capability.docker-remote-api.1.18",
        ]);
    }
    if definition.task_role_arn.is_some() {
        names.extend([
            "com.amazonaws.ecs.capability.task-iam-role",
            "com.amazonaws.ecs.capability.docker-remote-api.1.17",
        ]);
        if definition.network_mode == Some(NetworkMode::Host) {
            names.insert("com.amazonaws.ecs.capability.task-iam-role-network-host");
        }
    }
    if definition.pid_mode.is_some() || definition.ipc_mode.is_some() {
        names.insert("ecs.capability.pid-ipc-namespace-sharing");
    }
    if definition.proxy_configuration.is_some() {
        names.insert("ecs.capability.aws-appmesh");
    }
    for volume in definition.volumes.iter().flatten() {
        if let Some(efs) = &volume.efs_volume_configuration {
            names.insert("ecs.capability.efs");
            if efs.authorization_config.is_some() {
                names.insert("ecs.capability.efsAuth");
            }
        }
        if let Some(docker) = &volume.docker_volume_configuration
            && docker.driver.as_deref() == Some("local")
        {
            names.insert("ecs.capability.docker-plugin.local");
        }
        if volume.fsx_windows_file_server_volume_configuration.is_some() {
            names.insert("ecs.capability.fsxWindowsFileServer");
        }
    }
    let attribute = |name: &str| Attribute {
        name: Some(name.to_owned()),
        ..Attribute::default()
    };
    names.into_iter().map(attribute).collect()
}

fn of_container(container: &ContainerDefinition, role: bool, names: &mut BTreeSet<&'static str>) {
    if container.privileged == Some(true) {
        names.insert("com.amazonaws.ecs.capability.privileged-container");
    }
    if container.memory_reservation.is_some() {
        names.insert("com.amazonaws.ecs.capability.docker-remote-api.1.21");
    }
    if container.health_check.is_some() {
        names.extend([
            "ecs.capability.container-health-check",
            "com.amazonaws.ecs.capability.docker-remote-api.1.24",
        ]);
    }
    if container
        .image
        .as_deref()
        .is_some_and(|image| image.contains('@'))
    {
        // An image that is named by its digest.
        names.insert("com.amazonaws.ecs.capability.docker-remote-api.1.21");
    }
    let waits = container.depends_on.iter().flatten().count() > 0;
    if waits || container.start_timeout.is_some() || container.stop_timeout.is_some() {
        names.insert("ecs.capability.container-ordering");
    }
    if container.environment_files.iter().flatten().count() > 0 {
        names.insert("ecs.capability.env-files.s3");
    }
    if container.repository_credentials.is_some() {
        names.insert("ecs.capability.private-registry-authentication.secretsmanager");
    }
    if is_of_ecr(container.image.as_deref().unwrap_or_default()) {
        names.insert("com.amazonaws.ecs.capability.ecr-auth");
        if role {
            names.insert("ecs.capability.execution-role-ecr-pull");
        }
    }
    for secret in container.secrets.iter().flatten() {
        let from = secret.value_from.as_deref().unwrap_or_default();
        names.insert(if from.contains(":secretsmanager:") {
            "ecs.capability.secrets.asm.environment-variables"
        } else {
            "ecs.capability.secrets.ssm.environment-variables"
        });
    }
    if let Some(firelens) = &container.firelens_configuration {
        match firelens.r#type {
            Some(FirelensConfigurationType::Fluentd) => names.insert("ecs.capability.firelens.fluentd"),
            Some(FirelensConfigurationType::Fluentbit) | None => {
                names.insert("ecs.capability.firelens.fluentbit")
            }
        };
    }
    let driver = container
        .log_configuration
        .as_ref()
        .and_then(|log| log.log_driver);
    names.extend(driver.map(|driver| match driver {
        LogDriver::JsonFile => "com.amazonaws.ecs.capability.logging-driver.json-file",
        LogDriver::Syslog => "com.amazonaws.ecs.capability.logging-driver.syslog",
        LogDriver::Journald => "com.amazonaws.ecs.capability.logging-driver.journald",
        LogDriver::Gelf => "com.amazonaws.ecs.capability.logging-driver.gelf",
        LogDriver::Fluentd => "com.amazonaws.ecs.capability.logging-driver.fluentd",
        LogDriver::Awslogs => "com.amazonaws.ecs.capability.logging-driver.awslogs",
        LogDriver::Splunk => "com.amazonaws.ecs.capability.logging-driver.splunk",
        LogDriver::Awsfirelens => "com.amazonaws.ecs.capability.logging-driver.awsfirelens",
    }));
    if driver == Some(LogDriver::Awslogs) {
        names.insert("com.amazonaws.ecs.capability.docker-remote-api.1.19");
        if role {
            names.insert("ecs.capability.execution-role-awslogs");
        }
    }
}
