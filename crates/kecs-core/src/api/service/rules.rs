//! What load balancers, registries, Service Connect, volumes and VPC Lattice need of the task definition.

use std::collections::BTreeSet;

use kecs_model::types::{self, ContainerDefinition, LaunchType, NetworkMode, TaskDefinition};
use kecs_model::{Refusal, refuse};

use super::MadeFrom;
use crate::api::cluster::is_namespace;

/// Target groups of a service at most.
///
/// Source: Amazon ECS developer guide, "Registering multiple target groups with an Amazon ECS service".
const TARGET_GROUPS: usize = 5;

/// Whether what a revision names is there in its definition.
pub(super) fn check(
    made: &MadeFrom,
    definition: &TaskDefinition,
    runs_on: LaunchType,
) -> Result<(), Refusal> {
    let balancers = made.load_balancers.as_deref().unwrap_or_default();
    containers_of_balancers(definition, runs_on, balancers)?;
    let registries = made.service_registries.as_deref().unwrap_or_default();
    containers_of_registries(definition, registries)?;
    if let Some(connect) = &made.service_connect_configuration {
        service_connect(connect, definition)?;
    }
    volumes(
        made.volume_configurations.as_deref().unwrap_or_default(),
        definition,
    )?;
    for lattice in made.vpc_lattice_configurations.iter().flatten() {
        port_name(definition, lattice.port_name.as_deref().unwrap_or_default())?;
    }
    Ok(())
}

fn container<'d>(definition: &'d TaskDefinition, name: &str) -> Result<&'d ContainerDefinition, Refusal> {
    let mut containers = definition.container_definitions.iter().flatten();
    containers
        .find(|container| container.name.as_deref() == Some(name))
        .ok_or_else(|| {
            refuse!(
                InvalidParameterException,
                "The container {name} does not exist in the task definition."
            )
        })
}

fn port(definition: &TaskDefinition, name: &str, port: i32) -> Result<(), Refusal> {
    let container = container(definition, name)?;
    let mut ports = container.port_mappings.iter().flatten();
    let within = |range: &str| {
        let (first, last) = range.split_once('-')?;
        let (first, last): (i32, i32) = (first.parse().ok()?, last.parse().ok()?);
        Some((first..=last).contains(&port))
    };
    let has = |mapping: &types::PortMapping| {
        let range = mapping.container_port_range.as_deref();
        mapping.container_port == Some(port) || range.and_then(within).unwrap_or(false)
    };
    if ports.any(has) {
        return Ok(());
    }
    Err(refuse!(
        InvalidParameterException,
        "The container {name} did not have a container port {port} defined."
    ))
}

/// Load balancers lead to ports that containers have.
pub(in crate::api) fn containers_of_balancers(
    definition: &TaskDefinition,
    runs_on: LaunchType,
    balancers: &[types::LoadBalancer],
) -> Result<(), Refusal> {
    if balancers.len() > TARGET_GROUPS {
        return Err(refuse!(
            InvalidParameterException,
            "load balancers can have at most 5 items."
        ));
    }
    let classic = balancers
        .iter()
        .filter(|it| it.load_balancer_name.is_some())
        .count();
    if classic > 0 && balancers.len() > 1 {
        return Err(refuse!(
            InvalidParameterException,
            "A service can use only one Classic Load Balancer, and no target groups beside it."
        ));
    }
    for balancer in balancers {
        if balancer.load_balancer_name.is_some() == balancer.target_group_arn.is_some() {
            return Err(refuse!(
                InvalidParameterException,
                "loadBalancerName and targetGroupArn cannot both be specified. You must specify either a \
                 loadBalancerName or a targetGroupArn in all loadBalancer entries"
            ));
        }
        if balancer.load_balancer_name.is_some() && runs_on == LaunchType::Fargate {
            return Err(refuse!(
                InvalidParameterException,
                "Classic Load Balancers are not supported with Fargate."
            ));
        }
        let own = definition.network_mode == Some(NetworkMode::Awsvpc);
        if balancer.load_balancer_name.is_some() && own {
            return Err(refuse!(
                InvalidParameterException,
                "Classic Load Balancers are not supported with the awsvpc network mode. Specify a target group."
            ));
        }
        if let Some(group) = &balancer.target_group_arn
            && !(group.starts_with("arn:") && group.contains(":targetgroup/"))
        {
            return Err(refuse!(
                InvalidParameterException,
                "Invalid target group ARN: {value}",
                value = group
            ));
        }
        let name = balancer.container_name.as_deref().unwrap_or_default();
        if name.is_empty() {
            return Err(refuse!(
                InvalidParameterException,
                "Load balancer container name cannot be empty."
            ));
        }
        let Some(number) = balancer.container_port else {
            return Err(refuse!(
                InvalidParameterException,
                "Load balancer container port cannot be empty."
            ));
        };
        port(definition, name, number)?;
    }
    Ok(())
}

/// Registries lead to ports that containers have.
pub(in crate::api) fn containers_of_registries(
    definition: &TaskDefinition,
    registries: &[types::ServiceRegistry],
) -> Result<(), Refusal> {
    if registries.len() > 1 {
        return Err(refuse!(
            InvalidParameterException,
            "service registries can have at most 1 items."
        ));
    }
    for registry in registries {
        let arn = registry.registry_arn.as_deref().unwrap_or_default();
        if !(arn.starts_with("arn:") && arn.contains(":servicediscovery:") && arn.contains(":service/")) {
            return Err(refuse!(
                InvalidParameterException,
                "Invalid registry ARN: {value}",
                value = arn
            ));
        }
        let named = registry.container_name.as_deref().filter(|name| !name.is_empty());
        if registry.port.is_some() && (named.is_some() || registry.container_port.is_some()) {
            return Err(refuse!(
                InvalidParameterException,
                "Specify a value for either 'port' or the 'containerName' and 'containerPort' combination, but not \
                 both"
            ));
        }
        match (named, registry.container_port) {
            (Some(name), Some(number)) => {
                if container(definition, name).is_err() {
                    return Err(refuse!(
                        InvalidParameterException,
                        "The container {name} is not valid. The value for 'containerName' must already be specified \
                         in the task definition. Registry: {arn}"
                    ));
                }
                port(definition, name, number)?;
            }
            (None, None) if definition.network_mode == Some(NetworkMode::Awsvpc) => {}
            (Some(_), None) | (None, Some(_)) if definition.network_mode == Some(NetworkMode::Awsvpc) => {
                return Err(refuse!(
                    InvalidParameterException,
                    "Both a container name and a container port must be specified for a service registry."
                ));
            }
            (None, _) | (_, None) => {
                return Err(refuse!(
                    InvalidParameterException,
                    "When specifying 'host' or 'bridge' for networkMode, values for 'containerName' and \
                     'containerPort' must be specified from the task definition. Registry: {arn}"
                ));
            }
        }
    }
    Ok(())
}

fn port_name(definition: &TaskDefinition, name: &str) -> Result<(), Refusal> {
    let containers = definition.container_definitions.iter().flatten();
    let mut ports = containers.flat_map(|container| container.port_mappings.iter().flatten());
    if ports.any(|mapping| mapping.name.as_deref() == Some(name)) {
        return Ok(());
    }
    Err(refuse!(
        InvalidParameterException,
        "The port name {name} does not exist in the task definition."
    ))
}

fn service_connect(
    connect: &types::ServiceConnectConfiguration,
    definition: &TaskDefinition,
) -> Result<(), Refusal> {
    if connect.enabled != Some(true) {
        return Ok(());
    }
    if connect.namespace.as_deref().is_none_or(str::is_empty) {
        return Err(refuse!(InvalidParameterException, "Namespace is missing"));
    }
    is_namespace(connect.namespace.as_deref().unwrap_or_default())?;
    match definition.network_mode {
        Some(NetworkMode::Awsvpc | NetworkMode::Bridge) | None => {}
        Some(mode @ (NetworkMode::Host | NetworkMode::None)) => {
            return Err(refuse!(
                InvalidParameterException,
                "Service Connect does not support the {mode} network mode."
            ));
        }
    }
    let mut names = BTreeSet::new();
    let mut endpoints = BTreeSet::new();
    let mut ingress = BTreeSet::new();
    for service in connect.services.iter().flatten() {
        let port = service.port_name.as_deref().unwrap_or_default();
        port_name(definition, port)?;
        let name = service.discovery_name.as_deref().unwrap_or(port);
        if !is_discovery_name(name) {
            return Err(refuse!(
                InvalidParameterException,
                "Invalid discovery name: {value}",
                value = name
            ));
        }
        if !names.insert(name) {
            return Err(refuse!(
                InvalidParameterException,
                "The discovery name {name} is used more than once."
            ));
        }
        let aliases = service.client_aliases.as_deref().unwrap_or_default();
        if aliases.len() > 1 {
            return Err(refuse!(
                InvalidParameterException,
                "{count} clientAliases exceeds the max limit of 1",
                count = aliases.len()
            ));
        }
        for alias in aliases {
            let dns = alias.dns_name.as_deref().unwrap_or(name);
            if !is_dns_name(dns) {
                return Err(refuse!(
                    InvalidParameterException,
                    "The DNS name that you provided is invalid. The name must be a valid DNS name but doesn’t need \
                     to be fully-qualified. Up to 127 characters are allowed. The characters can include lowercase \
                     letters, numbers, underscores (_), hyphens (-), and periods (.). A hyphen can’t be the first \
                     character."
                ));
            }
            if !endpoints.insert((dns, alias.port)) {
                return Err(refuse!(
                    InvalidParameterException,
                    "The client alias {name}:{port} is used more than once.",
                    name = dns,
                    port = alias.port.unwrap_or(0)
                ));
            }
        }
        if let Some(port) = service.ingress_port_override
            && !ingress.insert(port)
        {
            return Err(refuse!(
                InvalidParameterException,
                "The ingress port override {port} is used more than once."
            ));
        }
    }
    Ok(())
}

/// Up to 64 lower case letters, digits, underscores and hyphens, not beginning with a hyphen.
///
/// Source: `ServiceConnectService` of the Amazon ECS API reference.
fn is_discovery_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && !name.starts_with('-') && name.bytes().all(is_of_name)
}

/// The same with periods, up to 127 of all.
///
/// Source: `ServiceConnectClientAlias` of the Amazon ECS API reference.
fn is_dns_name(name: &str) -> bool {
    let right = |byte: u8| is_of_name(byte) || byte == b'.';
    (1..=127).contains(&name.len()) && !name.starts_with('-') && name.bytes().all(right)
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-'
}

fn volumes(wanted: &[types::ServiceVolumeConfiguration], definition: &TaskDefinition) -> Result<(), Refusal> {
    let names: Vec<&str> = wanted.iter().filter_map(|it| it.name.as_deref()).collect();
    configured_volumes(&names, definition)?;
    for volume in wanted.iter().filter_map(|it| it.managed_ebs_volume.as_ref()) {
        if volume.size_in_gib.is_none() && volume.snapshot_id.is_none() {
            return Err(refuse!(
                InvalidParameterException,
                "Either a size or a snapshot must be specified for an EBS volume."
            ));
        }
    }
    Ok(())
}

/// The volumes that are configured at launch are those that a request configures.
pub(in crate::api) fn configured_volumes(names: &[&str], definition: &TaskDefinition) -> Result<(), Refusal> {
    if names.len() > 1 {
        return Err(refuse!(
            InvalidParameterException,
            "volumeConfigurations can have at most 1 items."
        ));
    }
    let volumes = definition.volumes.iter().flatten();
    let at_launch = volumes.filter(|volume| volume.configured_at_launch == Some(true));
    let at_launch: Vec<&str> = at_launch.filter_map(|volume| volume.name.as_deref()).collect();
    if at_launch.is_empty() && !names.is_empty() {
        return Err(refuse!(
            InvalidParameterException,
            "Volume configuration provided but no matching configuredAtLaunch volume found in task definition."
        ));
    }
    if let Some(name) = names.iter().find(|name| !at_launch.contains(name)) {
        return Err(refuse!(
            InvalidParameterException,
            "The volume name '{name}' in your request does not have a matching volume in your Task Definition that \
             is configurable at launch."
        ));
    }
    if let Some(name) = at_launch.iter().find(|name| !names.contains(name)) {
        return Err(refuse!(
            InvalidParameterException,
            "A volume configuration must be specified for the volume {name}, which is configured at launch."
        ));
    }
    Ok(())
}
