//! What a task definition for machines outside of AWS may have.

use kecs_model::types::{ContainerDefinition, NetworkMode, ResourceType, TaskDefinition};
use kecs_model::{Refusal, refuse};

use super::container::all;

pub(super) fn check(definition: &TaskDefinition) -> Result<(), Refusal> {
    let gpu = |it: &ContainerDefinition| {
        let wanted = it.resource_requirements.iter().flatten();
        wanted.into_iter().any(|it| it.r#type != Some(ResourceType::Gpu))
    };
    let efs = definition
        .volumes
        .iter()
        .flatten()
        .any(|it| it.efs_volume_configuration.is_some());
    let member = if definition.network_mode == Some(NetworkMode::Awsvpc) {
        "networkMode awsvpc"
    } else if efs {
        "efsVolumeConfiguration"
    } else if definition.ephemeral_storage.is_some() {
        "ephemeralStorage"
    } else if all(definition).iter().any(gpu) {
        "resourceRequirements"
    } else {
        return Ok(());
    };
    Err(refuse!(
        ClientException,
        "External compatible task definitions do not support {member}"
    ))
}
