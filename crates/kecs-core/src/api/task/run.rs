//! `RunTask`.

use kecs_model::types::{self, CapacityProviderStrategyItem, Failure, LaunchType, RunTaskRequest};
use kecs_model::{Refusal, refuse};

use super::wanted::{Wanted, keep};
use crate::api::launch::{self, Compute};
use crate::api::{name, task_definition, token};
use crate::call::Call;
use crate::placement::{Fleet, Need};
use crate::record::Task;
use crate::task::{Blueprint, Host};
use crate::tx::Tx;

/// Tasks that one request starts at most.
const MOST: i32 = 10;

/// The letters of the zones that a region is taken to have; subnets are taken to lie in them in their order.
const ZONES: [char; 3] = ['a', 'b', 'c'];

pub(in crate::api) fn run(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: RunTaskRequest,
) -> Result<types::RunTaskResponse, Refusal> {
    let (cluster, of_cluster) = name::active_cluster(tx, request.cluster.as_deref())?;
    if let Some(token) = request.client_token.as_deref()
        && let Some(tasks) = known(tx, &cluster, token, &request)?
    {
        return Ok(types::RunTaskResponse {
            tasks: Some(tasks),
            failures: Some(Vec::new()),
        });
    }
    let count = request.count.unwrap_or(1);
    if !(1..=MOST).contains(&count) {
        return Err(refuse!(
            InvalidParameterException,
            "count must be between 1 and 10."
        ));
    }
    let named = request.task_definition.as_deref().unwrap_or_default();
    let definition = task_definition::usable(tx, named)?;
    let wanted = launch::Wanted {
        launch_type: request.launch_type,
        strategy: request.capacity_provider_strategy.as_deref(),
        platform_version: request.platform_version.as_deref(),
        execute: request.enable_execute_command == Some(true),
    };
    let launch = launch::resolve(tx, &of_cluster, &definition.definition, wanted)?;
    let constraints = request.placement_constraints.as_deref().unwrap_or_default();
    let strategies = request.placement_strategy.as_deref().unwrap_or_default();
    launch::placement(&definition.definition, &launch, constraints, strategies)?;
    let blueprint = of_request(&request).blueprint(&cluster, &definition, &launch)?;
    let mut places = Places::observe(tx, &cluster, &launch)?;
    let providers = providers(&launch, count);
    let mut tasks = Vec::new();
    let mut failures = Vec::new();
    for nth in 0..usize::try_from(count).unwrap_or(0) {
        let provider = providers.get(nth).cloned();
        let need = need(&blueprint, &launch, provider.as_deref()).under(constraints, strategies);
        let host = match places.next(call, &blueprint, &need) {
            Ok(host) => host,
            Err(unplaced) if unplaced.is_empty() => {
                failures.push(nowhere(tx, &cluster, provider.as_deref()));
                break;
            }
            Err(unplaced) => {
                failures.extend(unplaced);
                break;
            }
        };
        if let Some(instance) = host.instance.as_deref() {
            Fleet::guard(tx, &cluster, instance)?;
        }
        let blueprint = Blueprint {
            capacity_provider: provider,
            host,
            ..blueprint.clone()
        };
        tasks.push(keep(tx, call, &blueprint)?);
    }
    if let Some(token) = request.client_token.as_deref()
        && !tasks.is_empty()
    {
        let made = tasks.iter().filter_map(|task| task.task_arn.clone()).collect();
        token::keep(tx, &cluster, token, &request, made)?;
    }
    Ok(types::RunTaskResponse {
        tasks: Some(tasks),
        failures: Some(failures),
    })
}

/// The tasks that the same request has started before under its token.
fn known(
    tx: &Tx<'_>,
    cluster: &str,
    token: &str,
    request: &RunTaskRequest,
) -> Result<Option<Vec<types::Task>>, Refusal> {
    match token::seen(tx, cluster, token, request)? {
        token::Seen::New => Ok(None),
        token::Seen::Other(made) => Err(refuse!(
            ConflictException,
            "The RunTask request could not be processed due to conflicts. The provided clientToken is already in \
             use with a different request."
        )
        .with("resourceIds", made)),
        token::Seen::Same(made) => {
            let mut tasks = Vec::new();
            for arn in made {
                let id = arn.rsplit('/').next().unwrap_or_default();
                if let Some(record) = tx.get::<Task>(&tx.scope().task(cluster, id))? {
                    let mut shown = record.task;
                    shown.tags.get_or_insert_default();
                    tasks.push(shown);
                }
            }
            Ok(Some(tasks))
        }
    }
}

fn of_request(request: &RunTaskRequest) -> Wanted<'_> {
    Wanted {
        network: request.network_configuration.as_ref(),
        overrides: request.overrides.as_ref(),
        group: request.group.as_deref(),
        started_by: request.started_by.as_deref(),
        tags: request.tags.as_ref(),
        propagate: request.propagate_tags,
        managed_tags: request.enable_ecs_managed_tags == Some(true),
        execute: request.enable_execute_command == Some(true),
        volumes: request.volume_configurations.as_deref().unwrap_or_default(),
    }
}

/// The capacity provider of each task, if there are any.
fn providers(launch: &Compute, count: i32) -> Vec<String> {
    let items: &[CapacityProviderStrategyItem] = launch.strategy.as_deref().unwrap_or_default();
    launch::shares(items, u32::try_from(count).unwrap_or(0))
}

/// What a task of the blueprint needs of an instance.
pub(super) fn need(blueprint: &Blueprint, launch: &Compute, provider: Option<&str>) -> Need {
    let definition = &blueprint.definition.definition;
    let family = definition.family.as_deref().unwrap_or_default();
    let group = blueprint
        .group
        .clone()
        .unwrap_or_else(|| format!("family:{family}"));
    Need::of(definition, blueprint.overrides.as_ref(), &group)
        .through(provider)
        .launched(Some(launch.runs_on))
}

/// Where the tasks of one request go.
enum Places {
    /// On Fargate: from this subnet on, in turn.
    Fargate(usize),
    /// On container instances.
    Instances(Fleet),
}

impl Places {
    fn observe(tx: &Tx<'_>, cluster: &str, launch: &Compute) -> Result<Self, Refusal> {
        match launch.runs_on {
            LaunchType::Fargate => Ok(Self::Fargate(0)),
            LaunchType::Ec2 | LaunchType::External | LaunchType::ManagedInstances => {
                let fleet = Fleet::observe(tx, cluster)?;
                if fleet.is_empty() && launch.strategy.is_none() {
                    return Err(refuse!(
                        InvalidParameterException,
                        "No Container Instances were found in your cluster."
                    ));
                }
                Ok(Self::Instances(fleet))
            }
        }
    }

    /// A place for the next task, or why each instance has none.
    fn next(&mut self, call: &Call<'_>, blueprint: &Blueprint, need: &Need) -> Result<Host, Vec<Failure>> {
        match self {
            Self::Instances(fleet) => {
                let placed = fleet.place(need, call.ids.number());
                placed.map_err(|unplaced| unplaced.failures())
            }
            Self::Fargate(next) => {
                let vpc = blueprint.network.as_ref();
                let subnets = vpc.and_then(|it| it.awsvpc_configuration.as_ref());
                let subnets = subnets.and_then(|it| it.subnets.as_deref()).unwrap_or_default();
                let nth = *next % subnets.len().max(1);
                *next += 1;
                let letter = ZONES[nth % ZONES.len()];
                Ok(Host {
                    zone: Some(format!("{}{letter}", call.scope.region)),
                    subnet: subnets.get(nth).cloned(),
                    ..Host::default()
                })
            }
        }
    }
}

/// What is told where there is no instance that could take the task.
fn nowhere(tx: &Tx<'_>, cluster: &str, provider: Option<&str>) -> Failure {
    let scope = tx.scope();
    let (arn, reason) = match provider {
        Some(provider) => (
            scope.arn(&format!("capacity-provider/{provider}")),
            "EMPTY CAPACITY PROVIDER",
        ),
        None => (scope.arn(&format!("cluster/{cluster}")), "NO ACTIVE INSTANCES"),
    };
    Failure {
        arn: Some(arn),
        reason: Some(reason.to_owned()),
        detail: None,
    }
}
