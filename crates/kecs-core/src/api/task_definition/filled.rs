//! What a task definition has where nothing is said.

use kecs_model::types::{
    ContainerDefinition, HostVolumeProperties, NetworkMode, Scope, TaskDefinition, TransportProtocol, Volume,
};

/// The user that a container which routes logs runs as.
pub(super) const ROOT: &str = "0";

/// The task definition as it is kept and shown.
pub(super) fn filled(mut definition: TaskDefinition) -> TaskDefinition {
    let mode = definition.network_mode.unwrap_or(NetworkMode::Bridge);
    let containers = definition.container_definitions.take().unwrap_or_default();
    let containers = containers.into_iter().map(|it| container(it, mode)).collect();
    definition.container_definitions = Some(containers);
    let volumes = definition.volumes.take().unwrap_or_default();
    definition.volumes = Some(volumes.into_iter().map(volume).collect());
    definition.placement_constraints.get_or_insert_default();
    definition
}

fn container(mut container: ContainerDefinition, mode: NetworkMode) -> ContainerDefinition {
    container.cpu.get_or_insert(0);
    container.essential.get_or_insert(true);
    container.environment.get_or_insert_default();
    container.mount_points.get_or_insert_default();
    container.volumes_from.get_or_insert_default();
    container.system_controls.get_or_insert_default();
    for mapping in container.port_mappings.get_or_insert_default() {
        mapping.protocol.get_or_insert(TransportProtocol::Tcp);
        if mapping.container_port_range.is_some() {
            continue;
        }
        let host = match mode {
            NetworkMode::Awsvpc | NetworkMode::Host => mapping.container_port,
            // Any port that is free.
            NetworkMode::Bridge | NetworkMode::None => Some(0),
        };
        mapping.host_port = mapping.host_port.or(host);
    }
    if container.firelens_configuration.is_some() {
        container.user.get_or_insert_with(|| ROOT.to_owned());
    }
    if let Some(check) = &mut container.health_check {
        check.interval.get_or_insert(30);
        check.timeout.get_or_insert(5);
        check.retries.get_or_insert(3);
    }
    if let Some(policy) = container
        .restart_policy
        .as_mut()
        .filter(|it| it.enabled == Some(true))
    {
        policy.restart_attempt_period.get_or_insert(300);
    }
    container
}

fn volume(mut volume: Volume) -> Volume {
    if let Some(docker) = &mut volume.docker_volume_configuration {
        docker.scope.get_or_insert(Scope::Task);
        docker.driver.get_or_insert_with(|| "local".to_owned());
    }
    if let Some(efs) = &mut volume.efs_volume_configuration {
        efs.root_directory.get_or_insert_with(|| "/".to_owned());
    }
    let other = volume.docker_volume_configuration.is_some()
        || volume.efs_volume_configuration.is_some()
        || volume.s3files_volume_configuration.is_some()
        || volume.fsx_windows_file_server_volume_configuration.is_some()
        || volume.configured_at_launch == Some(true);
    if !other {
        volume.host.get_or_insert_with(HostVolumeProperties::default);
    }
    volume
}
