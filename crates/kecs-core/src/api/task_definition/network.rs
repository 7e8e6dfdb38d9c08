//! The network of a task definition: its mode, ports and names.

use std::collections::BTreeSet;

use kecs_model::Refusal;
use kecs_model::types::{ContainerDefinition, NetworkMode, PortMapping, TaskDefinition, TransportProtocol};

use super::container::{all, invalid, named};

pub(super) fn check(definition: &TaskDefinition) -> Result<(), Refusal> {
    let mode = definition.network_mode.unwrap_or(NetworkMode::Bridge);
    let mut names = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for container in all(definition) {
        if mode == NetworkMode::Awsvpc {
            plain(container)?;
        }
        for mapping in container.port_mappings.iter().flatten() {
            port(mode, container, mapping)?;
            let name = mapping.name.as_deref();
            if name.is_some_and(|name| !names.insert(name)) {
                return Err(invalid("portMappings.name", container));
            }
            let host = mapping.host_port.or(match mode {
                NetworkMode::Awsvpc | NetworkMode::Host => mapping.container_port,
                NetworkMode::Bridge | NetworkMode::None => None,
            });
            let protocol = mapping.protocol.unwrap_or(TransportProtocol::Tcp);
            if let Some(host) = host.filter(|host| *host != 0)
                && !taken.insert((protocol, host))
            {
                return Err(Refusal::client(format!(
                    "{protocol} host port '{host}' is mapped multiple times in task."
                )));
            }
        }
    }
    proxy(definition, mode)
}

fn port(mode: NetworkMode, container: &ContainerDefinition, mapping: &PortMapping) -> Result<(), Refusal> {
    if mode == NetworkMode::None {
        return Err(Refusal::client(
            "Port mappings are not supported when networkMode=none.",
        ));
    }
    if let Some(range) = &mapping.container_port_range {
        let alone = mapping.container_port.is_none() && mapping.host_port.is_none();
        if !alone || !is_range(range) {
            return Err(invalid("containerPortRange", container));
        }
        return Ok(());
    }
    let valid = |port: i32, least: i32| (least..=65_535).contains(&port);
    let Some(port) = mapping.container_port.filter(|port| valid(*port, 1)) else {
        return Err(invalid("containerPort", container));
    };
    let Some(host) = mapping.host_port else {
        return Ok(());
    };
    if !valid(host, 0) {
        return Err(invalid("hostPort", container));
    }
    match mode {
        NetworkMode::Awsvpc | NetworkMode::Host if host != port => Err(Refusal::client(format!(
            "When networkMode={mode}, the host ports and container ports in port mappings must match."
        ))),
        NetworkMode::Awsvpc | NetworkMode::Host | NetworkMode::Bridge | NetworkMode::None => Ok(()),
    }
}

/// Two ports with a hyphen between, the first one the smaller.
fn is_range(range: &str) -> bool {
    let ports = range
        .split_once('-')
        .map(|(first, last)| (first.parse(), last.parse()));
    matches!(ports, Some((Ok(first), Ok(last))) if 1 <= first && first < last && last <= 65_535)
}

/// What a container cannot have where the task has its own network interface.
fn plain(container: &ContainerDefinition) -> Result<(), Refusal> {
    let full = |list: Option<&Vec<String>>| list.is_some_and(|list| !list.is_empty());
    let set = [
        (
            "hostname",
            container.hostname.as_ref().is_some_and(|name| !name.is_empty()),
        ),
        ("dnsServers", full(container.dns_servers.as_ref())),
        ("dnsSearchDomains", full(container.dns_search_domains.as_ref())),
        (
            "extraHosts",
            container.extra_hosts.as_ref().is_some_and(|all| !all.is_empty()),
        ),
        ("disableNetworking", container.disable_networking == Some(true)),
    ];
    match set.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((member, _)) => Err(Refusal::client(format!(
            "{member} is not supported on container when networkMode=awsvpc."
        ))),
    }
}

fn proxy(definition: &TaskDefinition, mode: NetworkMode) -> Result<(), Refusal> {
    let Some(proxy) = &definition.proxy_configuration else {
        return Ok(());
    };
    if mode != NetworkMode::Awsvpc {
        return Err(Refusal::client("proxyConfiguration requires networkMode awsvpc."));
    }
    let name = proxy.container_name.as_deref().unwrap_or_default();
    if all(definition).iter().any(|container| named(container) == name) {
        return Ok(());
    }
    Err(Refusal::client(format!(
        "proxyConfiguration names a container that does not exist: '{name}'."
    )))
}
