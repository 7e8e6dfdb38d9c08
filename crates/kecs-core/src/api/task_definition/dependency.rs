//! What the containers of a task definition have to do with each other: `dependsOn`, `links`, `volumesFrom`.

use std::collections::{BTreeMap, BTreeSet};

use kecs_model::types::{ContainerCondition, ContainerDefinition, NetworkMode, TaskDefinition};
use kecs_model::{Refusal, refuse};

use super::container::{all, is_essential, named};

pub(super) fn check(definition: &TaskDefinition) -> Result<(), Refusal> {
    let containers = all(definition);
    let by_name: BTreeMap<&str, &ContainerDefinition> = containers.iter().map(|it| (named(it), it)).collect();
    let mut waits: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut links: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for container in containers {
        let name = named(container);
        for dependency in container.depends_on.iter().flatten() {
            let on = dependency.container_name.as_deref().unwrap_or_default();
            let other = by_name.get(on).ok_or_else(|| {
                refuse!(
                    ClientException,
                    "Cannot depend on container + '{name}' because it does not exist",
                    name = on
                )
            })?;
            condition(dependency.condition, other)?;
            waits.entry(name).or_default().push(on);
        }
        for link in container.links.iter().flatten() {
            let on = link.split(':').next().unwrap_or_default();
            exists(&by_name, name, on)?;
            links.entry(name).or_default().push(on);
        }
        for source in container.volumes_from.iter().flatten() {
            let on = source.source_container.as_deref().unwrap_or_default();
            if on == name || !by_name.contains_key(on) {
                return Err(refuse!(ClientException, "Unknown volume '{name}'.", name = on));
            }
        }
    }
    if let Some(mode) = definition
        .network_mode
        .filter(|mode| *mode != NetworkMode::Bridge)
        && !links.is_empty()
    {
        return Err(refuse!(
            ClientException,
            "Links are not supported when networkMode={mode}."
        ));
    }
    if has_cycle(&waits) {
        return Err(refuse!(ClientException, "Container dependsOn contains a cycle"));
    }
    if has_cycle(&links) {
        return Err(refuse!(
            ClientException,
            "Container links should not have a cycle"
        ));
    }
    Ok(())
}

fn exists(known: &BTreeMap<&str, &ContainerDefinition>, name: &str, on: &str) -> Result<(), Refusal> {
    if known.contains_key(on) {
        return Ok(());
    }
    Err(refuse!(
        ClientException,
        "Invalid 'links' setting for container '{container}'.",
        container = name
    ))
}

fn condition(condition: Option<ContainerCondition>, on: &ContainerDefinition) -> Result<(), Refusal> {
    match condition {
        Some(ContainerCondition::Success | ContainerCondition::Complete) if is_essential(on) => Err(refuse!(
            ClientException,
            "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"
        )),
        Some(ContainerCondition::Healthy) if on.health_check.is_none() => Err(refuse!(
            ClientException,
            "A dependency container with HEALTHY condition must have health check configured"
        )),
        Some(
            ContainerCondition::Success
            | ContainerCondition::Complete
            | ContainerCondition::Healthy
            | ContainerCondition::Start,
        )
        | None => Ok(()),
    }
}

/// Whether one can go round in a circle: what leads nowhere is taken away until nothing is left or nothing goes.
fn has_cycle(edges: &BTreeMap<&str, Vec<&str>>) -> bool {
    let mut left: BTreeSet<&str> = edges.keys().copied().collect();
    loop {
        let leads = |name: &&str| edges[name].iter().any(|on| left.contains(on));
        let next: BTreeSet<&str> = left.iter().copied().filter(|name| leads(name)).collect();
        if next.len() == left.len() {
            return !next.is_empty();
        }
        left = next;
    }
}
