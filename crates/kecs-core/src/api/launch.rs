//! On what tasks are to run: launch type or capacity providers, platform, network, placement.
//!
//! `RunTask`, `CreateService`, `UpdateService` and `CreateTaskSet` take the same members for it.

use kecs_model::types::{CapacityProviderStrategyItem, LaunchType};
use kecs_model::{Refusal, refuse, types};

use crate::record;
use crate::tx::Tx;

mod network;
mod placement;
mod strategy;

pub(in crate::api) use network::network;
pub(in crate::api) use placement::placement;
pub(in crate::api) use strategy::shares;

/// The platform version that `LATEST` stands for on Linux.
///
/// Source: Amazon ECS developer guide, "Fargate platform versions for Amazon ECS".
const LINUX_LATEST: &str = "1.4.0";

/// The platform version that `LATEST` stands for on Windows.
const WINDOWS_LATEST: &str = "1.0.0";

/// What a client may ask for besides `LATEST`.
const LINUX_VERSIONS: &[&str] = &["1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0"];

/// What a request says of it.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::api) struct Wanted<'a> {
    /// The launch type.
    pub(in crate::api) launch_type: Option<LaunchType>,
    /// The capacity providers.
    pub(in crate::api) strategy: Option<&'a [CapacityProviderStrategyItem]>,
    /// The platform version.
    pub(in crate::api) platform_version: Option<&'a str>,
    /// Whether commands are to be executed in the tasks.
    pub(in crate::api) execute: bool,
}

/// On what tasks are to run.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::api) struct Compute {
    /// The launch type, unless capacity providers are named.
    pub(in crate::api) launch_type: Option<LaunchType>,
    /// The capacity providers; none where a launch type is named.
    pub(in crate::api) strategy: Option<Vec<CapacityProviderStrategyItem>>,
    /// The platform version as it was asked for: `LATEST` where nothing was. Nothing outside Fargate.
    pub(in crate::api) asked_version: Option<String>,
    /// The platform version that this means now.
    pub(in crate::api) platform_version: Option<String>,
    /// `Linux`, or the family of Windows. Nothing outside Fargate.
    pub(in crate::api) platform_family: Option<String>,
    /// On what the tasks run in the end.
    pub(in crate::api) runs_on: LaunchType,
}

impl Compute {
    /// Whether the tasks run on Fargate.
    pub(in crate::api) fn is_fargate(&self) -> bool {
        self.runs_on == LaunchType::Fargate
    }
}

/// On what tasks of `definition` run in `cluster`: as the request says, else as the cluster does, else on EC2.
pub(in crate::api) fn resolve(
    tx: &Tx<'_>,
    cluster: &record::Cluster,
    definition: &types::TaskDefinition,
    wanted: Wanted<'_>,
) -> Result<Compute, Refusal> {
    let asked = wanted.strategy.filter(|strategy| !strategy.is_empty());
    if wanted.launch_type.is_some() && asked.is_some() {
        return Err(refuse!(
            InvalidParameterException,
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try \
             again."
        ));
    }
    let default = cluster.cluster.default_capacity_provider_strategy.as_deref();
    let default = default.filter(|default| wanted.launch_type.is_none() && !default.is_empty());
    let (launch_type, strategy, runs_on) = match (wanted.launch_type, asked.or(default)) {
        (Some(LaunchType::ManagedInstances), _) => {
            return Err(refuse!(
                InvalidParameterException,
                "The MANAGED_INSTANCES launch type cannot be specified. Use a capacity provider strategy instead."
            ));
        }
        (Some(launch_type), _) => (Some(launch_type), None, launch_type),
        (None, Some(items)) => {
            if asked.is_none() {
                strategy::weighted(items)?;
            }
            let (items, runs_on) = strategy::resolved(tx, cluster, items)?;
            (None, Some(items), runs_on)
        }
        (None, None) => (Some(LaunchType::Ec2), None, LaunchType::Ec2),
    };
    compatible(definition, runs_on)?;
    let (asked_version, platform_version) = platform(definition, runs_on, wanted)?;
    let family = (runs_on == LaunchType::Fargate).then(|| family(definition));
    Ok(Compute {
        launch_type,
        strategy,
        asked_version,
        platform_version,
        platform_family: family,
        runs_on,
    })
}

/// On a container instance that the request names, of EC2 or outside of it.
pub(in crate::api) fn on_instance(
    definition: &types::TaskDefinition,
    runs_on: LaunchType,
) -> Result<Compute, Refusal> {
    compatible(definition, runs_on)?;
    Ok(Compute {
        launch_type: Some(runs_on),
        strategy: None,
        asked_version: None,
        platform_version: None,
        platform_family: None,
        runs_on,
    })
}

fn compatible(definition: &types::TaskDefinition, runs_on: LaunchType) -> Result<(), Refusal> {
    let compatibilities = definition.compatibilities.as_deref().unwrap_or_default();
    let needed = match runs_on {
        LaunchType::Ec2 => types::Compatibility::Ec2,
        LaunchType::Fargate => types::Compatibility::Fargate,
        LaunchType::External => types::Compatibility::External,
        LaunchType::ManagedInstances => types::Compatibility::ManagedInstances,
    };
    if compatibilities.is_empty() || compatibilities.contains(&needed) {
        return Ok(());
    }
    Err(refuse!(
        InvalidParameterException,
        "Task definition does not support launch_type {launch_type}.",
        launch_type = runs_on
    ))
}

/// The platform version as it was asked for, and what it means.
fn platform(
    definition: &types::TaskDefinition,
    runs_on: LaunchType,
    wanted: Wanted<'_>,
) -> Result<(Option<String>, Option<String>), Refusal> {
    let asked = wanted.platform_version.filter(|asked| !asked.is_empty());
    if runs_on != LaunchType::Fargate {
        return match asked {
            None => Ok((None, None)),
            Some(_) => Err(refuse!(
                InvalidParameterException,
                "The platform version must be null when specifying an {launch_type} launch type.",
                launch_type = runs_on
            )),
        };
    }
    let windows = is_windows(definition);
    let version = match asked {
        None | Some("LATEST") if windows => WINDOWS_LATEST,
        None | Some("LATEST") => LINUX_LATEST,
        Some(WINDOWS_LATEST) if windows => WINDOWS_LATEST,
        Some(asked) if !windows && LINUX_VERSIONS.contains(&asked) => asked,
        Some(_) => {
            return Err(refuse!(
                PlatformUnknownException,
                "The specified platform does not exist."
            ));
        }
    };
    if !windows && version != LINUX_LATEST && needs_latest(definition, wanted) {
        return Err(refuse!(
            PlatformTaskDefinitionIncompatibilityException,
            "The specified platform does not satisfy the required capabilities of the task definition."
        ));
    }
    Ok((
        Some(asked.unwrap_or("LATEST").to_owned()),
        Some(version.to_owned()),
    ))
}

/// What came with platform version 1.4.0: EFS volumes, more ephemeral storage, ECS Exec, environment files.
fn needs_latest(definition: &types::TaskDefinition, wanted: Wanted<'_>) -> bool {
    let volumes = definition.volumes.iter().flatten();
    let mut containers = definition.container_definitions.iter().flatten();
    wanted.execute
        || definition.ephemeral_storage.is_some()
        || volumes
            .into_iter()
            .any(|volume| volume.efs_volume_configuration.is_some())
        || containers.any(|container| {
            container
                .environment_files
                .as_ref()
                .is_some_and(|files| !files.is_empty())
        })
}

fn system(definition: &types::TaskDefinition) -> Option<types::OSFamily> {
    definition
        .runtime_platform
        .as_ref()
        .and_then(|platform| platform.operating_system_family)
}

fn is_windows(definition: &types::TaskDefinition) -> bool {
    system(definition).is_some_and(|system| system != types::OSFamily::Linux)
}

/// The platform family: `Linux`, `Windows_Server_2022_Core`.
fn family(definition: &types::TaskDefinition) -> String {
    let system = system(definition).unwrap_or(types::OSFamily::Linux);
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        format!("{first}{}", rest.to_lowercase())
    };
    let words: Vec<String> = system.as_str().split('_').map(word).collect();
    words.join("_")
}
