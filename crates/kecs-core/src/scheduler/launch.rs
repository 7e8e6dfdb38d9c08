//! Starting tasks of a deployment: what they are made from, and where they go.

use kecs_model::types::{self, CapacityProviderStrategyItem, LaunchType, NetworkConfiguration, Service};

use super::round::Round;
use super::{Start, message};
use crate::placement::{Need, Unplaced};
use crate::plane::Order;
use crate::record;
use crate::task::{self, Blueprint, Host};

/// All that tasks of a deployment or a task set have in common.
pub(super) struct Launch {
    pub(super) blueprint: Blueprint,
    pub(super) strategy: Vec<CapacityProviderStrategyItem>,
    pub(super) service: Service,
}

/// Starts so many tasks of the deployment at this place, or as many as there is room for. Returns how many.
pub(super) fn launch(round: &mut Round<'_>, nth: usize, count: usize) -> usize {
    if count == 0 {
        return 0;
    }
    let Some(launch) = of_deployment(round, nth) else {
        return 0;
    };
    let started = start(round, &launch, count, None);
    if !started.is_empty() {
        let message = message::started(&round.name(), started.iter().map(String::as_str));
        round.tell(message);
    }
    started.len()
}

/// What tasks of the deployment at this place are made from; nothing, and a word of it, if their definition is gone.
pub(super) fn of_deployment(round: &mut Round<'_>, nth: usize) -> Option<Launch> {
    let service = service_for_tasks(&round.service.service);
    let deployment = service_deployment(round, nth)?;
    let arn = deployment.task_definition.clone().unwrap_or_default();
    let Some(definition) = round.view.definitions.get(&arn).cloned() else {
        let message =
            message::unplaced_because(&round.name(), &format!("Task definition {arn} is not there"));
        round.tell_once(message);
        return None;
    };
    Some(Launch {
        blueprint: Blueprint {
            definition,
            cluster: round.cluster(),
            launch_type: deployment.launch_type,
            platform_version: deployment.platform_version.clone(),
            started_by: deployment.id.clone(),
            network: deployment.network_configuration.clone(),
            ..of_service(&service)
        },
        strategy: deployment.capacity_provider_strategy.unwrap_or_default(),
        service,
    })
}

fn service_deployment(round: &Round<'_>, nth: usize) -> Option<types::Deployment> {
    round.service.service.deployments.as_ref()?.get(nth).cloned()
}

/// What a task takes over from its service.
pub(super) fn of_service(service: &Service) -> Blueprint {
    Blueprint {
        propagate_tags: service.propagate_tags,
        managed_tags: service.enable_ecs_managed_tags.unwrap_or(false),
        execute_command: service.enable_execute_command.unwrap_or(false),
        service: Some(service.clone()),
        ..Blueprint::default()
    }
}

/// The service as the data plane is told of it: without what has been told of it.
pub(super) fn service_for_tasks(service: &Service) -> Service {
    Service {
        events: None,
        ..service.clone()
    }
}

/// Starts so many tasks, or as many as there is room for. Returns their ids.
pub(super) fn start(round: &mut Round<'_>, launch: &Launch, count: usize, on: Option<&str>) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let (launch_type, provider) = provider(round, launch);
        let mut blueprint = Blueprint {
            launch_type,
            capacity_provider: provider,
            ..launch.blueprint.clone()
        };
        match place(round, launch, &blueprint, on) {
            Ok(host) => blueprint.host = host,
            Err(unplaced) => {
                tell_unplaced(round, &unplaced);
                let again = round.now.checked_add(round.view.pace.placement);
                round.look_at(again.unwrap_or(jiff::Timestamp::MAX));
                break;
            }
        }
        let task = task::new_task(&round.view.scope, &blueprint, round.ids, round.now);
        ids.push(super::round::id_of(&task).to_owned());
        let order = Order {
            task: task.task.clone(),
            definition: blueprint.definition.definition,
            service: Some(launch.service.clone()),
        };
        round.starts.push(Start { task, order });
    }
    ids
}

/// By what the next task is launched: in the proportions of the strategy, if there is one.
fn provider(round: &Round<'_>, launch: &Launch) -> (Option<LaunchType>, Option<String>) {
    if launch.strategy.is_empty() {
        return (launch.blueprint.launch_type.or(Some(LaunchType::Ec2)), None);
    }
    let started = launch.blueprint.started_by.as_deref();
    let own = round.tasks.iter().filter(|it| task::is_wanted(it));
    let new = round.starts.iter().map(|it| &it.task);
    let names: Vec<Option<&str>> = own
        .chain(new)
        .filter(|it| it.task.started_by.as_deref() == started)
        .map(|it| it.task.capacity_provider_name.as_deref())
        .collect();
    let has = |item: &CapacityProviderStrategyItem| {
        let name = item.capacity_provider.as_deref();
        names.iter().filter(|it| **it == name).count()
    };
    let number = |it: Option<i32>| usize::try_from(it.unwrap_or(0)).unwrap_or(0);
    let base = launch.strategy.iter().find(|it| has(it) < number(it.base));
    // The one that is furthest behind its weight: a task more of it leaves it behind the others still. One without
    // weight is behind no other.
    let behind = launch.strategy.iter().min_by(|a, b| {
        let beyond = |it: &CapacityProviderStrategyItem| has(it).saturating_sub(number(it.base)) + 1;
        let left = beyond(a).saturating_mul(number(b.weight));
        left.cmp(&beyond(b).saturating_mul(number(a.weight)))
    });
    let name = base.or(behind).and_then(|it| it.capacity_provider.clone());
    let fargate = name.as_deref().is_some_and(is_fargate);
    let launch_type = if fargate {
        LaunchType::Fargate
    } else {
        LaunchType::Ec2
    };
    (Some(launch_type), name)
}

/// Whether a capacity provider has no container instances.
pub(super) fn is_fargate(provider: &str) -> bool {
    matches!(provider, "FARGATE" | "FARGATE_SPOT")
}

/// A place for the next task.
fn place(
    round: &mut Round<'_>,
    launch: &Launch,
    blueprint: &Blueprint,
    on: Option<&str>,
) -> Result<Host, Unplaced> {
    match blueprint.launch_type {
        Some(LaunchType::Fargate) => Ok(zone(round, blueprint.network.as_ref())),
        Some(LaunchType::Ec2 | LaunchType::External | LaunchType::ManagedInstances) | None => {
            let service = &launch.service;
            let name = service.service_name.as_deref().unwrap_or_default();
            let need = Need::of(
                &blueprint.definition.definition,
                blueprint.overrides.as_ref(),
                &format!("service:{name}"),
            )
            .through(blueprint.capacity_provider.as_deref())
            .launched(blueprint.launch_type)
            .under(
                service.placement_constraints.as_deref().unwrap_or_default(),
                service.placement_strategy.as_deref().unwrap_or_default(),
            );
            match on {
                Some(instance) => round.fleet.place_on(&need, instance),
                None => round.fleet.place(&need, round.ids.number()),
            }
        }
    }
}

/// The zone and subnet with the fewest tasks of the service.
fn zone(round: &Round<'_>, network: Option<&NetworkConfiguration>) -> Host {
    let subnets = network
        .and_then(|it| it.awsvpc_configuration.as_ref())
        .and_then(|it| it.subnets.as_deref())
        .unwrap_or_default();
    let region = &round.view.scope.region;
    let number = subnets.len().clamp(1, ZONES.len());
    let all = ZONES.iter().take(number).enumerate();
    let wanted = round.tasks.iter().filter(|it| task::is_wanted(it));
    let tasks: Vec<&record::Task> = wanted.chain(round.starts.iter().map(|it| &it.task)).collect();
    let best = all.min_by_key(|(nth, letter)| {
        let zone = format!("{region}{letter}");
        let there = |it: &&&record::Task| it.task.availability_zone.as_deref() == Some(zone.as_str());
        (tasks.iter().filter(there).count(), *nth)
    });
    let (nth, letter) = best.unwrap_or((0, &ZONES[0]));
    Host {
        zone: Some(format!("{region}{letter}")),
        subnet: subnets.get(nth).cloned(),
        ..Host::default()
    }
}

/// The letters of the zones that a region is taken to have; subnets are taken to lie in them in their order.
const ZONES: [char; 3] = ['a', 'b', 'c'];

fn tell_unplaced(round: &mut Round<'_>, unplaced: &Unplaced) {
    let closest = unplaced.closest();
    let message = message::unplaced(
        &round.name(),
        closest.as_ref().map(|(id, lacks)| (id.as_str(), *lacks)),
    );
    round.tell_once(message);
}
