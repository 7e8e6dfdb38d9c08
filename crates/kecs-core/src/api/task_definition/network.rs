//! The network of a task definition: its mode, ports and names.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use kecs_model::types::{ContainerDefinition, NetworkMode, PortMapping, TaskDefinition, TransportProtocol};
use kecs_model::{Refusal, refuse};

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
            let protocol = match mapping.protocol {
                Some(TransportProtocol::Udp) => "UDP",
                Some(TransportProtocol::Tcp) | None => "TCP",
            };
            let name = mapping.name.as_deref();
            if name.is_some_and(|name| !names.insert(name)) {
                return Err(refuse!(
                    ClientException,
                    "When networkMode={mode}, port mapping name is already used"
                ));
            }
            if mode == NetworkMode::Awsvpc {
                for port in ports(mapping) {
                    if !taken.insert((protocol, port)) {
                        return Err(refuse!(
                            ClientException,
                            "{protocol} container port '{port}' is used multiple times in task when \
                             networkMode=awsvpc."
                        ));
                    }
                }
                continue;
            }
            let host = mapping.host_port.or(match mode {
                NetworkMode::Host => mapping.container_port,
                NetworkMode::Awsvpc | NetworkMode::Bridge | NetworkMode::None => None,
            });
            if let Some(host) = host.filter(|host| *host != 0)
                && !taken.insert((protocol, host))
            {
                return Err(refuse!(
                    ClientException,
                    "{protocol} host port '{port}' is mapped multiple times in task.",
                    port = host
                ));
            }
        }
    }
    proxy(definition, mode)
}

fn port(mode: NetworkMode, container: &ContainerDefinition, mapping: &PortMapping) -> Result<(), Refusal> {
    if mode == NetworkMode::None {
        return Err(refuse!(
            ClientException,
            "Port mappings are not supported when networkMode=none."
        ));
    }
    if let Some(range) = &mapping.container_port_range {
        if mapping.container_port.is_some() || mapping.host_port.is_some() {
            return Err(refuse!(
                ClientException,
                "Invalid port mapping for container '{container}', cannot specify both single port and port range.",
                container = named(container)
            ));
        }
        return match span(range) {
            Some(_) => Ok(()),
            None => Err(invalid!("containerPortRange", container)),
        };
    }
    let valid = |port: i32, least: i32| (least..=65_535).contains(&port);
    let Some(port) = mapping.container_port.filter(|port| valid(*port, 1)) else {
        return Err(invalid!("containerPort", container));
    };
    let Some(host) = mapping.host_port else {
        return Ok(());
    };
    if !valid(host, 0) {
        return Err(invalid!("hostPort", container));
    }
    match mode {
        NetworkMode::Awsvpc | NetworkMode::Host if host != port => Err(refuse!(
            ClientException,
            "When networkMode={mode}, the host ports and container ports in port mappings must match."
        )),
        NetworkMode::Awsvpc | NetworkMode::Host | NetworkMode::Bridge | NetworkMode::None => Ok(()),
    }
}

/// Two ports with a hyphen between, the first one the smaller.
fn span(range: &str) -> Option<RangeInclusive<i32>> {
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (1 <= first && first < last && last <= 65_535).then_some(first..=last)
}

/// The ports that a mapping takes of its container.
fn ports(mapping: &PortMapping) -> impl Iterator<Item = i32> {
    let range = mapping.container_port_range.as_deref().and_then(span);
    mapping
        .container_port
        .into_iter()
        .chain(range.into_iter().flatten())
}

/// What a container cannot have where the task has its own network interface.
fn plain(container: &ContainerDefinition) -> Result<(), Refusal> {
    let full = |list: Option<&Vec<String>>| list.is_some_and(|list| !list.is_empty());
    let set = [
        (
            "hostname is",
            container.hostname.as_ref().is_some_and(|name| !name.is_empty()),
        ),
        ("DNS servers are", full(container.dns_servers.as_ref())),
        (
            "DNS search domains are",
            full(container.dns_search_domains.as_ref()),
        ),
        (
            "Extra hosts are",
            container.extra_hosts.as_ref().is_some_and(|all| !all.is_empty()),
        ),
        (
            "Disable Networking is",
            container.disable_networking == Some(true),
        ),
    ];
    match set.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((what, _)) => Err(refuse!(
            ClientException,
            "{what} not supported on container when networkMode=awsvpc."
        )),
    }
}

fn proxy(definition: &TaskDefinition, mode: NetworkMode) -> Result<(), Refusal> {
    let Some(proxy) = &definition.proxy_configuration else {
        return Ok(());
    };
    if mode != NetworkMode::Awsvpc {
        return Err(refuse!(
            ClientException,
            "APPMESH proxy configuration is only supported in networkMode=awsvpc"
        ));
    }
    let name = proxy.container_name.as_deref().unwrap_or_default();
    if !all(definition).iter().any(|container| named(container) == name) {
        return Err(refuse!(
            ClientException,
            "Proxy container [{name}] does not exist."
        ));
    }
    let mut properties = proxy.properties.iter().flatten();
    if properties.any(|it| it.name.as_deref() == Some("ProxyIngressPort")) {
        return Ok(());
    }
    Err(refuse!(ClientException, "Ingress port not found"))
}
