//! The volumes of a task definition, and where they are mounted.

use std::collections::BTreeSet;

use kecs_model::types::{
    EFSAuthorizationConfigIAM, EFSTransitEncryption, EFSVolumeConfiguration, Scope, TaskDefinition, Volume,
};
use kecs_model::{Refusal, refuse};

use super::container::{all, invalid};
use crate::api::name;

pub(super) fn check(definition: &TaskDefinition) -> Result<(), Refusal> {
    let volumes = definition.volumes.as_deref().unwrap_or_default();
    let mut names = BTreeSet::new();
    for volume in volumes {
        let name = volume.name.as_deref().unwrap_or_default();
        if name.is_empty() {
            return Err(refuse!(
                ClientException,
                "Volume.name should not be null or empty."
            ));
        }
        if !name::is_plain(name) {
            return Err(refuse!(
                ClientException,
                "Volume.name contains invalid characters."
            ));
        }
        if !names.insert(name) {
            return Err(refuse!(ClientException, "Duplicate volume name '{name}'."));
        }
        one_kind(volume, name)?;
        if let Some(efs) = &volume.efs_volume_configuration {
            encrypted(efs)?;
        }
        let docker = volume.docker_volume_configuration.as_ref();
        if docker.is_some_and(|it| it.autoprovision.is_some() && it.scope != Some(Scope::Shared)) {
            return Err(refuse!(
                ClientException,
                "Invalid 'autoprovision' setting for volume '{name}'. It is only valid for the scope shared."
            ));
        }
    }
    if volumes
        .iter()
        .filter(|it| it.configured_at_launch == Some(true))
        .count()
        > 1
    {
        return Err(refuse!(
            ClientException,
            "Only one volume of a task definition can be configured at launch."
        ));
    }
    mounted(definition, &names)
}

fn mounted(definition: &TaskDefinition, names: &BTreeSet<&str>) -> Result<(), Refusal> {
    for container in all(definition) {
        let mut paths = BTreeSet::new();
        for mount in container.mount_points.iter().flatten() {
            let source = mount.source_volume.as_deref().unwrap_or("null");
            if !names.contains(source) {
                return Err(refuse!(
                    ClientException,
                    "Unknown volume '{name}'.",
                    name = source
                ));
            }
            let path = mount.container_path.as_deref().unwrap_or_default();
            if path.is_empty() || !paths.insert(path) {
                return Err(invalid!("mountPoints.containerPath", container));
            }
        }
    }
    Ok(())
}

/// A volume is of one kind.
fn one_kind(volume: &Volume, name: &str) -> Result<(), Refusal> {
    let host = volume
        .host
        .as_ref()
        .is_some_and(|host| host.source_path.is_some());
    let kinds = [
        host,
        volume.docker_volume_configuration.is_some(),
        volume.efs_volume_configuration.is_some(),
        volume.s3files_volume_configuration.is_some(),
        volume.fsx_windows_file_server_volume_configuration.is_some(),
        volume.configured_at_launch == Some(true),
    ];
    if kinds.into_iter().filter(|given| *given).count() > 1 {
        return Err(refuse!(
            ClientException,
            "Only one volume configuration can be specified for volume '{name}'."
        ));
    }
    Ok(())
}

/// Who may use a file system by role or through an access point does so encrypted, and from its root.
fn encrypted(efs: &EFSVolumeConfiguration) -> Result<(), Refusal> {
    let access = efs.authorization_config.as_ref();
    let by_role = access.is_some_and(|it| it.iam == Some(EFSAuthorizationConfigIAM::Enabled));
    let by_point = access.is_some_and(|it| it.access_point_id.is_some());
    let open = efs.transit_encryption != Some(EFSTransitEncryption::Enabled);
    if open && by_role {
        return Err(refuse!(
            ClientException,
            "EFS IAM authorization requires TransitEncryption to be enabled."
        ));
    }
    if open && by_point {
        return Err(refuse!(
            ClientException,
            "EFS access point requires TransitEncryption to be enabled."
        ));
    }
    if open && efs.transit_encryption_port.is_some() {
        return Err(refuse!(
            ClientException,
            "TransitEncryptionPort requires that TransitEncryption is enabled."
        ));
    }
    let at_root = efs.root_directory.as_deref().is_none_or(|path| path == "/");
    if by_point && !at_root {
        return Err(refuse!(
            ClientException,
            "When using an EFS access point, the root directory must either be set to \"/\" or be omitted."
        ));
    }
    Ok(())
}
