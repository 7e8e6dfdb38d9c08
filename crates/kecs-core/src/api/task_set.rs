//! Task sets of services that are deployed by others: `CreateTaskSet`, `UpdateTaskSet`, `DeleteTaskSet`,
//! `DescribeTaskSets`, `UpdateServicePrimaryTaskSet`.

use kecs_model::types::{
    self, DeploymentControllerType, Scale, ScaleUnit, ServiceRevision, StabilityStatus, TaskSetField,
};
use kecs_model::{Refusal, refuse};

use super::launch::{self, Wanted};
use super::service::{self, with_task_counts};
use super::{name, tags, task_definition, token};
use crate::call::Call;
use crate::key::Key;
use crate::record::{Rollout, Service, TaskSet, status};
use crate::scheduler::computed_count;
use crate::tx::Tx;

/// Task sets that a service has at most.
///
/// Source: Amazon ECS service quotas.
const MOST: usize = 5;

/// How the ids of task sets begin.
const PREFIX: &str = "ecs-svc/";

pub(super) fn create(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::CreateTaskSetRequest,
) -> Result<types::CreateTaskSetResponse, Refusal> {
    let (cluster, of_cluster) = name::active_cluster(tx, request.cluster.as_deref())?;
    let named = request.service.as_deref().unwrap_or_default();
    let (key, record) = service::active(tx, &cluster, named)?;
    let name = key.last().to_owned();
    external(&record.service)?;
    let of = format!("{cluster}/{name}");
    if let Some(token) = request.client_token.as_deref() {
        match token::seen(tx, &of, token, &request)? {
            token::Seen::Same(made) => {
                let arn = made.first().map(String::as_str).unwrap_or_default();
                if let Some((_, known)) = find(tx, &cluster, &name, arn)? {
                    return answer(tx, &cluster, known.task_set);
                }
            }
            token::Seen::Other(_) => {
                return Err(refuse!(
                    InvalidParameterException,
                    "Creation of task set was not idempotent."
                ));
            }
            token::Seen::New => {}
        }
    }
    let definition = task_definition::usable(tx, request.task_definition.as_deref().unwrap_or_default())?;
    let definition = &definition.definition;
    let wanted = Wanted {
        launch_type: request.launch_type,
        strategy: request.capacity_provider_strategy.as_deref(),
        platform_version: request.platform_version.as_deref(),
        execute: record.service.enable_execute_command == Some(true),
    };
    let launch = launch::resolve(tx, &of_cluster, definition, wanted)?;
    let network = launch::network(definition, &launch, request.network_configuration.as_ref())?;
    let balancers = request.load_balancers.clone().unwrap_or_default();
    service::containers_of_balancers(definition, launch.runs_on, &balancers)?;
    let registries = request.service_registries.clone().unwrap_or_default();
    service::containers_of_registries(definition, &registries)?;
    let scale = checked_scale(request.scale.as_ref())?;
    let count = tx.guarded_count(&tx.scope().term_in("task-sets", &cluster).and("service", &name))?;
    if usize::try_from(count).unwrap_or(usize::MAX) >= MOST {
        return Err(refuse!(
            InvalidParameterException,
            "5 deployments exist on the service. Unable to create new TaskSet since this exceeds the maximum limit."
        ));
    }
    let made = ServiceRevision {
        task_definition: definition.task_definition_arn.clone(),
        capacity_provider_strategy: launch.strategy.clone(),
        launch_type: launch.launch_type,
        platform_version: launch.platform_version.clone(),
        platform_family: launch.platform_family.clone(),
        load_balancers: Some(balancers),
        service_registries: Some(registries),
        network_configuration: network,
        ..ServiceRevision::default()
    };
    let mut set = new(call, &record, made, status::ACTIVE, scale);
    set.external_id.clone_from(&request.external_id);
    set.tags = tags::shown(tags::checked(request.tags.clone())?);
    if let Some(token) = request.client_token.as_deref() {
        let made = set.task_set_arn.clone().into_iter().collect();
        token::keep(tx, &of, token, &request, made)?;
    }
    keep(tx, &cluster, &name, set.clone());
    answer(tx, &cluster, set)
}

fn answer(tx: &Tx<'_>, cluster: &str, set: types::TaskSet) -> Result<types::CreateTaskSetResponse, Refusal> {
    let shown = with_task_counts(tx, cluster, set)?;
    Ok(types::CreateTaskSetResponse {
        task_set: Some(shown),
    })
}

/// The first task set of a service that is deployed by `CodeDeploy`: it has all of the tasks.
pub(super) fn first(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    cluster: &str,
    record: &Service,
    made: ServiceRevision,
) {
    let set = new(call, record, made, status::PRIMARY, 100.0);
    let service = record.service.service_name.clone().unwrap_or_default();
    keep(tx, cluster, &service, set);
}

fn new(call: &Call<'_>, record: &Service, made: ServiceRevision, status: &str, scale: f64) -> types::TaskSet {
    let service = &record.service;
    let id = format!("{PREFIX}{}", call.ids.digits());
    let cluster = service.cluster_arn.as_deref().unwrap_or_default();
    let cluster = cluster.rsplit('/').next().unwrap_or_default();
    let name = service.service_name.as_deref().unwrap_or_default();
    let by = match service::controller(service) {
        DeploymentControllerType::CodeDeploy => Some("CODE_DEPLOY".to_owned()),
        DeploymentControllerType::Ecs | DeploymentControllerType::External => None,
    };
    types::TaskSet {
        task_set_arn: Some(call.scope.arn(&format!("task-set/{cluster}/{name}/{id}"))),
        id: Some(id),
        service_arn: service.service_arn.clone(),
        cluster_arn: service.cluster_arn.clone(),
        started_by: by,
        external_id: None,
        status: Some(status.to_owned()),
        task_definition: made.task_definition,
        computed_desired_count: Some(computed_count(service.desired_count.unwrap_or(0), scale)),
        pending_count: Some(0),
        running_count: Some(0),
        created_at: Some(call.time()),
        updated_at: Some(call.time()),
        launch_type: made.launch_type,
        capacity_provider_strategy: made.capacity_provider_strategy,
        platform_version: made.platform_version,
        platform_family: made.platform_family,
        network_configuration: made.network_configuration,
        load_balancers: made.load_balancers,
        service_registries: made.service_registries,
        scale: Some(Scale {
            value: Some(scale),
            unit: Some(ScaleUnit::Percent),
        }),
        stability_status: Some(StabilityStatus::Stabilizing),
        stability_status_at: Some(call.time()),
        tags: None,
        fargate_ephemeral_storage: None,
    }
}

fn keep(tx: &mut Tx<'_>, cluster: &str, service: &str, set: types::TaskSet) {
    let id = set.id.clone().unwrap_or_default();
    let key = key_of(tx, cluster, service, &id);
    let record = TaskSet {
        task_set: set,
        service: service.to_owned(),
        cluster: cluster.to_owned(),
        rollout: Rollout {
            id,
            ..Rollout::default()
        },
    };
    tx.put(key, record);
}

/// The key of a task set: by what stands behind `ecs-svc/` in its id.
fn key_of(tx: &Tx<'_>, cluster: &str, service: &str, id: &str) -> Key {
    let digits = id.strip_prefix(PREFIX).unwrap_or(id);
    tx.scope().task_set(cluster, service, digits)
}

/// Only services that are deployed from outside have task sets that others change.
fn external(service: &types::Service) -> Result<(), Refusal> {
    match service::controller(service) {
        DeploymentControllerType::External => Ok(()),
        DeploymentControllerType::Ecs | DeploymentControllerType::CodeDeploy => Err(refuse!(
            InvalidParameterException,
            "Cannot create a task set for a service that does not use the EXTERNAL deployment controller."
        )),
    }
}

fn checked_scale(scale: Option<&Scale>) -> Result<f64, Refusal> {
    let value = scale.and_then(|scale| scale.value).unwrap_or(0.0);
    if (0.0..=100.0).contains(&value) {
        return Ok(value);
    }
    Err(refuse!(
        InvalidParameterException,
        "Scale value must be between 0 and 100."
    ))
}

/// The task set that a request names by id or ARN.
fn find(tx: &Tx<'_>, cluster: &str, service: &str, named: &str) -> Result<Option<(Key, TaskSet)>, Refusal> {
    let id = if named.starts_with("arn:") {
        let arn = tx.scope().own(named)?;
        let (kind, parts) = arn.split();
        match (kind, parts.as_slice()) {
            ("task-set", [of_cluster, of_service, prefix, digits]) => {
                if *of_cluster != cluster || *of_service != service {
                    return Ok(None);
                }
                format!("{prefix}/{digits}")
            }
            ("task-set", _) => {
                return Err(refuse!(
                    InvalidParameterException,
                    "Invalid identifier: Unexpected number of separators"
                ));
            }
            (kind, _) => {
                return Err(refuse!(
                    InvalidParameterException,
                    "Invalid identifier: Identifier is for {kind}. Expected: task-set"
                ));
            }
        }
    } else {
        named.to_owned()
    };
    let key = key_of(tx, cluster, service, &id);
    Ok(tx.get::<TaskSet>(&key)?.map(|it| (key, it)))
}

/// The service of a request, its name, and the task set that is named.
fn named(
    tx: &Tx<'_>,
    cluster: &str,
    service: Option<&str>,
    set: Option<&str>,
) -> Result<(Key, Service, Key, TaskSet), Refusal> {
    let (key, record) = service::active(tx, cluster, service.unwrap_or_default())?;
    external(&record.service)?;
    let (of_set, set) = find(tx, cluster, key.last(), set.unwrap_or_default())?
        .ok_or_else(|| refuse!(TaskSetNotFoundException, "The specified task set was not found."))?;
    Ok((key, record, of_set, set))
}

pub(super) fn update(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::UpdateTaskSetRequest,
) -> Result<types::UpdateTaskSetResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let (_, record, key, mut set) = named(
        tx,
        &cluster,
        request.service.as_deref(),
        request.task_set.as_deref(),
    )?;
    let scale = checked_scale(request.scale.as_ref())?;
    let shown = &mut set.task_set;
    if shown.status.as_deref() == Some(status::DRAINING) {
        return Err(refuse!(
            InvalidParameterException,
            "The task set is being deleted and cannot be updated."
        ));
    }
    shown.scale = Some(Scale {
        value: Some(scale),
        unit: Some(ScaleUnit::Percent),
    });
    rescale(call, record.service.desired_count.unwrap_or(0), shown);
    shown.updated_at = Some(call.time());
    tx.put(key, set.clone());
    Ok(types::UpdateTaskSetResponse {
        task_set: Some(with_task_counts(tx, &cluster, without_tags(set.task_set))?),
    })
}

/// The count of a task set follows its scale and the desired count of its service.
pub(super) fn rescale(call: &Call<'_>, desired: i32, set: &mut types::TaskSet) {
    let scale = set.scale.as_ref().and_then(|scale| scale.value).unwrap_or(0.0);
    let count = Some(computed_count(desired, scale));
    if set.computed_desired_count != count {
        set.computed_desired_count = count;
        set.stability_status = Some(StabilityStatus::Stabilizing);
        set.stability_status_at = Some(call.time());
        set.updated_at = Some(call.time());
    }
}

pub(super) fn delete(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::DeleteTaskSetRequest,
) -> Result<types::DeleteTaskSetResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let (_, _, key, mut set) = named(
        tx,
        &cluster,
        request.service.as_deref(),
        request.task_set.as_deref(),
    )?;
    let shown = &mut set.task_set;
    let scale = shown.scale.as_ref().and_then(|scale| scale.value);
    let primary = shown.status.as_deref() == Some(status::PRIMARY);
    if request.force != Some(true) && (primary || scale.unwrap_or(0.0) > 0.0) {
        return Err(refuse!(
            InvalidParameterException,
            "The task set cannot be deleted while it is scaled above 0."
        ));
    }
    if shown.status.as_deref() != Some(status::DRAINING) {
        shown.status = Some(status::DRAINING.to_owned());
        shown.computed_desired_count = Some(0);
        shown.stability_status = Some(StabilityStatus::Stabilizing);
        shown.stability_status_at = Some(call.time());
        shown.updated_at = Some(call.time());
        tx.put(key, set.clone());
    }
    Ok(types::DeleteTaskSetResponse {
        task_set: Some(with_task_counts(tx, &cluster, without_tags(set.task_set))?),
    })
}

pub(super) fn describe(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::DescribeTaskSetsRequest,
) -> Result<types::DescribeTaskSetsResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let (key, _) = service::active(tx, &cluster, request.service.as_deref().unwrap_or_default())?;
    let tags = request
        .include
        .iter()
        .flatten()
        .any(|it| *it == TaskSetField::Tags);
    let mut found = Vec::new();
    let mut failures = Vec::new();
    match request.task_sets.filter(|sets| !sets.is_empty()) {
        None => {
            let sets = service::task_sets(tx, &cluster, key.last())?;
            found.extend(sets.into_iter().map(|(_, set)| set));
        }
        Some(sets) => {
            for named in sets {
                match find(tx, &cluster, key.last(), &named)? {
                    Some((_, set)) => found.push(set),
                    None if named.starts_with("arn:") => failures.push(name::missing(named)),
                    None => {
                        let path = format!("task-set/{cluster}/{}/{named}", key.last());
                        failures.push(name::missing(tx.scope().arn(&path)));
                    }
                }
            }
        }
    }
    let mut shown = Vec::new();
    for set in found {
        let mut set = with_task_counts(tx, &cluster, set.task_set)?;
        if !tags {
            set.tags = None;
        }
        shown.push(set);
    }
    Ok(types::DescribeTaskSetsResponse {
        task_sets: Some(shown),
        failures: Some(failures),
    })
}

pub(super) fn make_primary(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::UpdateServicePrimaryTaskSetRequest,
) -> Result<types::UpdateServicePrimaryTaskSetResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let (of_service, mut record, key, mut set) = named(
        tx,
        &cluster,
        request.service.as_deref(),
        request.primary_task_set.as_deref(),
    )?;
    if set.task_set.status.as_deref() == Some(status::DRAINING) {
        return Err(refuse!(
            InvalidParameterException,
            "The task set is being deleted and cannot be the primary task set."
        ));
    }
    for (other, mut before) in service::task_sets(tx, &cluster, of_service.last())? {
        if other != key && before.task_set.status.as_deref() == Some(status::PRIMARY) {
            before.task_set.status = Some(status::ACTIVE.to_owned());
            before.task_set.updated_at = Some(call.time());
            tx.put(other, before);
        }
    }
    let shown = &mut set.task_set;
    if shown.status.as_deref() != Some(status::PRIMARY) {
        shown.status = Some(status::PRIMARY.to_owned());
        shown.updated_at = Some(call.time());
    }
    // What the primary task set is made from is what the service is said to be made from.
    let service = &mut record.service;
    service.task_definition.clone_from(&shown.task_definition);
    service.launch_type = shown.launch_type;
    service
        .capacity_provider_strategy
        .clone_from(&shown.capacity_provider_strategy);
    service.platform_version.clone_from(&shown.platform_version);
    service.platform_family.clone_from(&shown.platform_family);
    service
        .network_configuration
        .clone_from(&shown.network_configuration);
    service.load_balancers.clone_from(&shown.load_balancers);
    service.service_registries.clone_from(&shown.service_registries);
    tx.put(of_service, record);
    tx.put(key, set.clone());
    Ok(types::UpdateServicePrimaryTaskSetResponse {
        task_set: Some(with_task_counts(tx, &cluster, without_tags(set.task_set))?),
    })
}

fn without_tags(mut set: types::TaskSet) -> types::TaskSet {
    set.tags = None;
    set
}

#[cfg(test)]
mod tests {
    use crate::scheduler::computed_count;

    #[test]
    fn a_part_of_the_desired_count_is_rounded_up() {
        let cases = [
            (10, 0.0, 0),
            (10, 100.0, 10),
            (10, 50.0, 5),
            (10, 0.01, 1),
            (3, 33.3, 1),
            (3, 33.34, 2),
            (3, 66.67, 3),
            (0, 100.0, 0),
            (1_000, 1.1, 11),
            (10, 0.000_001, 1),
            (i32::MAX, 100.0, i32::MAX),
        ];
        for (desired, scale, count) in cases {
            assert_eq!(computed_count(desired, scale), count, "{scale} % of {desired}");
        }
    }
}
