//! What a task needs of the instance that it is placed on.

use std::collections::BTreeSet;

use kecs_model::types::{
    ContainerDefinition, ContainerOverride, LaunchType, NetworkMode, PlacementConstraint,
    PlacementConstraintType, PlacementStrategy, ResourceType, TaskDefinition, TaskOverride,
    TransportProtocol,
};

use super::Query;
use super::resources::{cpu_units, mebibytes};

/// What a task needs of the instance that it is placed on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Need {
    pub(super) cpu: i64,
    pub(super) memory: i64,
    pub(super) tcp: BTreeSet<i32>,
    pub(super) udp: BTreeSet<i32>,
    pub(super) gpus: usize,
    pub(super) attributes: Vec<(String, Option<String>)>,
    pub(super) group: String,
    pub(super) outside: bool,
    pub(super) provider: Option<String>,
    pub(super) members: Vec<Query>,
    pub(super) distinct: bool,
    pub(super) strategies: Vec<PlacementStrategy>,
}

impl Need {
    /// What a task of this definition and group needs, with what is other for this one.
    pub fn of(definition: &TaskDefinition, overrides: Option<&TaskOverride>, group: &str) -> Self {
        let containers = definition.container_definitions.as_deref().unwrap_or_default();
        let (cpu, memory) = sizes(definition, overrides);
        let (tcp, udp) = host_ports(definition);
        let required = definition.requires_attributes.iter().flatten();
        let constraints = definition.placement_constraints.iter().flatten();
        let expressions = constraints.filter_map(|it| it.expression.as_deref());
        Self {
            cpu,
            memory,
            tcp,
            udp,
            gpus: containers
                .iter()
                .map(|it| gpus(it, overridden(it, overrides)))
                .sum(),
            attributes: required
                .filter_map(|it| Some((it.name.clone()?, it.value.clone())))
                .collect(),
            group: group.to_owned(),
            members: expressions.map(member).collect(),
            ..Self::default()
        }
    }

    /// The same, by the instances of this capacity provider only, if one is named.
    #[must_use]
    pub fn through(self, provider: Option<&str>) -> Self {
        Self {
            provider: provider.map(str::to_owned),
            ..self
        }
    }

    /// The same for this launch type: `EXTERNAL` is for instances outside of EC2, and for no others.
    #[must_use]
    pub fn launched(self, launch_type: Option<LaunchType>) -> Self {
        let outside = match launch_type {
            Some(LaunchType::External) => true,
            Some(LaunchType::Ec2 | LaunchType::Fargate | LaunchType::ManagedInstances) | None => false,
        };
        Self { outside, ..self }
    }

    /// The same under constraints and strategies beside those of the definition.
    #[must_use]
    pub fn under(mut self, constraints: &[PlacementConstraint], strategies: &[PlacementStrategy]) -> Self {
        for constraint in constraints {
            match constraint.r#type {
                Some(PlacementConstraintType::DistinctInstance) => self.distinct = true,
                Some(PlacementConstraintType::MemberOf) => {
                    let expression = constraint.expression.as_deref().unwrap_or_default();
                    self.members.push(member(expression));
                }
                None => {}
            }
        }
        self.strategies = strategies.to_vec();
        self
    }
}

/// The CPU units and the MiB that a task takes of its instance: what is said of the whole task, else the sum of its
/// containers. What one of these has reserved counts, and without a reservation its limit.
///
/// Source: `ContainerDefinition` of the API reference.
pub(super) fn sizes(definition: &TaskDefinition, overrides: Option<&TaskOverride>) -> (i64, i64) {
    let containers = definition.container_definitions.as_deref().unwrap_or_default();
    let cpu = |it: &ContainerDefinition| {
        let over = overridden(it, overrides);
        i64::from(over.and_then(|over| over.cpu).or(it.cpu).unwrap_or(0))
    };
    let memory = |it: &ContainerDefinition| {
        let over = overridden(it, overrides);
        let reserved = over
            .and_then(|over| over.memory_reservation)
            .or(it.memory_reservation);
        let limit = over.and_then(|over| over.memory).or(it.memory);
        i64::from(reserved.or(limit).unwrap_or(0))
    };
    let own_cpu = overrides
        .and_then(|it| it.cpu.as_deref())
        .or(definition.cpu.as_deref());
    let own_memory = overrides
        .and_then(|it| it.memory.as_deref())
        .or(definition.memory.as_deref());
    (
        own_cpu
            .and_then(cpu_units)
            .unwrap_or_else(|| containers.iter().map(cpu).sum()),
        own_memory
            .and_then(mebibytes)
            .unwrap_or_else(|| containers.iter().map(memory).sum()),
    )
}

/// What is other for a container of this task.
fn overridden<'a>(
    container: &ContainerDefinition,
    overrides: Option<&'a TaskOverride>,
) -> Option<&'a ContainerOverride> {
    let all = overrides?.container_overrides.as_ref()?;
    all.iter().find(|over| over.name == container.name)
}

/// A query that is not one has no members; whoever takes an expression in refuses it before.
fn member(expression: &str) -> Query {
    Query::parse(expression).unwrap_or_else(|_| Query::nothing())
}

/// The ports that a task takes of its machine, over TCP and UDP.
pub(super) fn host_ports(definition: &TaskDefinition) -> (BTreeSet<i32>, BTreeSet<i32>) {
    let (mut tcp, mut udp) = (BTreeSet::new(), BTreeSet::new());
    let host_mode = match definition.network_mode {
        Some(NetworkMode::Awsvpc | NetworkMode::None) => return (tcp, udp),
        Some(NetworkMode::Host) => true,
        Some(NetworkMode::Bridge) | None => false,
    };
    let containers = definition.container_definitions.iter().flatten();
    for mapping in containers.flat_map(|it| it.port_mappings.iter().flatten()) {
        let asked = mapping.host_port.filter(|port| *port != 0);
        let port = if host_mode {
            asked.or(mapping.container_port)
        } else {
            asked
        };
        let ports = match mapping.protocol {
            Some(TransportProtocol::Udp) => &mut udp,
            Some(TransportProtocol::Tcp) | None => &mut tcp,
        };
        ports.extend(port);
    }
    (tcp, udp)
}

fn gpus(definition: &ContainerDefinition, overridden: Option<&ContainerOverride>) -> usize {
    let needs = overridden
        .and_then(|it| it.resource_requirements.as_ref())
        .or(definition.resource_requirements.as_ref());
    let gpus = needs
        .into_iter()
        .flatten()
        .filter(|it| it.r#type == Some(ResourceType::Gpu));
    gpus.filter_map(|it| it.value.as_deref()?.parse::<usize>().ok())
        .sum()
}
