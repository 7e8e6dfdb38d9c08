//! Services: `CreateService`, `UpdateService`, `DeleteService`, `DescribeServices`, `ListServices`,
//! `ListServicesByNamespace`.
//!
//! These change the record only; what follows from it for tasks is the scheduler's.

use kecs_model::types::{self, DeploymentControllerType, SchedulingStrategy, ServiceField};
use kecs_model::{Refusal, refuse};

use super::name;
use super::page::{Paging, Pick};
use crate::call::Call;
use crate::deployment;
use crate::key::{Key, Scope};
use crate::record::{Kind, Service, TaskSet, status};
use crate::tx::Tx;
use crate::view::Page;

mod create;
mod fits;
mod made;
mod read;
mod rules;
mod settings;
mod update;

pub(super) use create::create;
pub(super) use read::{of as task_counts, with_counts, with_task_counts};
pub(super) use rules::{configured_volumes, containers_of_balancers, containers_of_registries};
pub(super) use update::update;

/// All that the tasks of a service are made from: a revision without its name.
type MadeFrom = types::ServiceRevision;

/// Services on a page where the request does not say.
const PAGE: usize = 10;

/// A service that a request names: its key and what is kept, whatever its status.
pub(super) fn find(tx: &Tx<'_>, cluster: &str, named: &str) -> Result<Option<(Key, Service)>, Refusal> {
    let service = name::in_cluster(tx.scope(), "service", cluster, named)?;
    let key = tx.scope().service(cluster, &service);
    Ok(tx.get::<Service>(&key)?.map(|it| (key, it)))
}

/// A service that a request names, as long as it is not INACTIVE.
pub(super) fn there(tx: &Tx<'_>, cluster: &str, named: &str) -> Result<(Key, Service), Refusal> {
    let found = find(tx, cluster, named)?;
    found
        .filter(|(_, it)| !is(it, status::INACTIVE))
        .ok_or_else(not_found)
}

/// A service that a request names; it is ACTIVE.
pub(super) fn active(tx: &Tx<'_>, cluster: &str, named: &str) -> Result<(Key, Service), Refusal> {
    let (key, service) = find(tx, cluster, named)?.ok_or_else(not_found)?;
    if is(&service, status::ACTIVE) {
        return Ok((key, service));
    }
    Err(refuse!(ServiceNotActiveException, "Service was not ACTIVE."))
}

pub(super) fn not_found() -> Refusal {
    refuse!(ServiceNotFoundException, "Service not found.")
}

pub(super) fn is(service: &Service, status: &str) -> bool {
    service.service.status.as_deref() == Some(status)
}

/// Who deploys a service.
pub(super) fn controller(service: &types::Service) -> DeploymentControllerType {
    let controller = service.deployment_controller.as_ref();
    controller
        .and_then(|controller| controller.r#type)
        .unwrap_or(DeploymentControllerType::Ecs)
}

/// The task sets of a service, with their keys.
pub(super) fn task_sets(tx: &Tx<'_>, cluster: &str, service: &str) -> Result<Vec<(Key, TaskSet)>, Refusal> {
    let term = tx.scope().term_in("task-sets", cluster).and("service", service);
    let mut sets = Vec::new();
    for entry in tx.list(&term, Page::ALL)? {
        // By key, so that what this request has written is seen.
        if let Some(set) = tx.get::<TaskSet>(&entry.key)? {
            sets.push((entry.key, set));
        }
    }
    Ok(sets)
}

/// Begins a deployment: the scheduler replaces the tasks of those before it.
fn begin(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    record: &mut Service,
    made: MadeFrom,
    definition: &types::TaskDefinition,
) {
    let opened = deployment::open(tx.scope(), record, made, definition, &call.ids, call.now);
    let last = |arn: &Option<String>| {
        arn.as_deref()
            .and_then(|arn| arn.rsplit('/').next())
            .map(str::to_owned)
    };
    let revision = last(&opened.revision.revision.service_revision_arn).unwrap_or_default();
    let id = last(&opened.deployment.deployment.service_deployment_arn).unwrap_or_default();
    let (cluster, service) = (&opened.deployment.cluster, &opened.deployment.service);
    let deployment = tx.scope().service_deployment(cluster, service, &id);
    let revision = tx.scope().service_revision(cluster, service, &revision);
    tx.create(revision, opened.revision);
    tx.create(deployment, opened.deployment);
}

/// The ARN that a service has where none is kept.
fn arn(scope: &Scope, cluster: &str, name: &str) -> String {
    scope.arn(&format!("service/{cluster}/{name}"))
}

pub(super) fn delete(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::DeleteServiceRequest,
) -> Result<types::DeleteServiceResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let (key, mut record) = there(tx, &cluster, request.service.as_deref().unwrap_or_default())?;
    let sets = task_sets(tx, &cluster, key.last())?;
    let service = &mut record.service;
    if service.status.as_deref() == Some(status::ACTIVE) {
        let replica = service.scheduling_strategy != Some(SchedulingStrategy::Daemon);
        let forced = request.force == Some(true);
        if replica && !forced && service.desired_count.unwrap_or(0) > 0 {
            return Err(refuse!(
                InvalidParameterException,
                "The service cannot be stopped while it is scaled above 0."
            ));
        }
        let scaled = |set: &TaskSet| {
            let scale = set.task_set.scale.as_ref().and_then(|scale| scale.value);
            set.task_set.status.as_deref() != Some(status::DRAINING) && scale.unwrap_or(0.0) > 0.0
        };
        if !forced && sets.iter().any(|(_, set)| scaled(set)) {
            return Err(refuse!(
                InvalidParameterException,
                "The service cannot be stopped while the primary deployment is scaled above 0."
            ));
        }
        service.status = Some(status::DRAINING.to_owned());
        service.desired_count = Some(0);
        for deployment in service.deployments.iter_mut().flatten() {
            deployment.desired_count = Some(0);
            deployment.updated_at = Some(call.time());
        }
        for (key, mut set) in sets {
            set.task_set.status = Some(status::DRAINING.to_owned());
            set.task_set.computed_desired_count = Some(0);
            set.task_set.updated_at = Some(call.time());
            tx.put(key, set);
        }
        tx.put(key, record.clone());
    }
    let mut shown = with_counts(tx, &cluster, &record)?;
    shown.tags = None;
    Ok(types::DeleteServiceResponse { service: Some(shown) })
}

pub(super) fn describe(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::DescribeServicesRequest,
) -> Result<types::DescribeServicesResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let tags = request
        .include
        .iter()
        .flatten()
        .any(|it| *it == ServiceField::Tags);
    let mut services = Vec::new();
    let mut failures = Vec::new();
    for named in request.services.iter().flatten() {
        let Some((_, record)) = find(tx, &cluster, named)? else {
            let name = name::in_cluster(tx.scope(), "service", &cluster, named)?;
            failures.push(name::missing(arn(tx.scope(), &cluster, &name)));
            continue;
        };
        let mut shown = with_counts(tx, &cluster, &record)?;
        if !tags {
            shown.tags = None;
        }
        services.push(shown);
    }
    Ok(types::DescribeServicesResponse {
        services: Some(services),
        failures: Some(failures),
    })
}

pub(super) fn list(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::ListServicesRequest,
) -> Result<types::ListServicesResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let paging = Paging::of(tx.scope(), &request, PAGE)?;
    let term = tx.scope().term_in("services", &cluster);
    let term = match (request.launch_type, request.scheduling_strategy) {
        (Some(launch), _) => term.and("launch", launch.as_str()),
        (None, Some(strategy)) => term.and("strategy", strategy.as_str()),
        (None, None) => term,
    };
    // Nothing is kept of services that ECS manages for others.
    let managed = request.resource_management_type == Some(types::ResourceManagementType::Ecs);
    let listed = paging.select(tx, &term, |entry| {
        let Some(it) = Service::of(&entry.record) else {
            return Ok(Pick::Skip);
        };
        let strategy = request.scheduling_strategy;
        let right = strategy.is_none() || it.service.scheduling_strategy == strategy;
        Ok(if right && !managed && is(it, status::ACTIVE) {
            Pick::Take(it.service.service_arn.clone().unwrap_or_default())
        } else {
            Pick::Skip
        })
    })?;
    Ok(types::ListServicesResponse {
        service_arns: Some(listed.items),
        next_token: listed.next_token,
    })
}

pub(super) fn list_by_namespace(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::ListServicesByNamespaceRequest,
) -> Result<types::ListServicesByNamespaceResponse, Refusal> {
    let paging = Paging::of(tx.scope(), &request, PAGE)?;
    let namespace = request.namespace.as_deref().unwrap_or_default();
    let term = tx.scope().term("services").and("namespace", namespace);
    // Namespaces are another service's: those are known that a cluster or a service names.
    let clusters = tx.scope().term("clusters").and("namespace", namespace);
    if tx.count(&term)? == 0 && tx.count(&clusters)? == 0 {
        return Err(refuse!(
            NamespaceNotFoundException,
            "The specified namespace was not found."
        ));
    }
    let listed = paging.select(tx, &term, |entry| {
        let active = Service::of(&entry.record).filter(|it| is(it, status::ACTIVE));
        let arn = active.and_then(|it| it.service.service_arn.clone());
        Ok(arn.map_or(Pick::Skip, Pick::Take))
    })?;
    Ok(types::ListServicesByNamespaceResponse {
        service_arns: Some(listed.items),
        next_token: listed.next_token,
    })
}
