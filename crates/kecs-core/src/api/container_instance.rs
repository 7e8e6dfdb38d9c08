//! Container instances.

use kecs_model::types::{self, ContainerInstanceField, ContainerInstanceStatus, TaskStopCode};
use kecs_model::{Refusal, refuse};

use super::name;
use super::page::{Paging, Pick};
use crate::call::Call;
use crate::key::{Key, Scope, Term};
use crate::placement::{Fleet, Query};
use crate::record::{ContainerInstance, Kind as _, Task, status};
use crate::task;
use crate::tx::Tx;

mod agent_update;
mod register;
mod shown;

pub(super) use agent_update::update_agent;
pub(super) use register::{merged, register};

use shown::{shown, whole};

/// Container instances on a page where the request does not say.
const PAGE: usize = 100;

/// What is told of a task whose machine was taken away.
const FORCED: &str = "Container instance deregistration forced by user.";

pub(super) fn deregister(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::DeregisterContainerInstanceRequest,
) -> Result<types::DeregisterContainerInstanceResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let named = request.container_instance.unwrap_or_default();
    let (key, mut record) = referenced(tx, &cluster, &named)?;
    let live = live_on(tx.scope(), &cluster, key.last());
    if tx.guarded_count(&live)? > 0 {
        if request.force != Some(true) {
            return Err(refuse!(
                InvalidParameterException,
                "Found running tasks on the instance."
            ));
        }
        for (key, _) in tx.all::<Task>(&live)? {
            let Some(known) = tx.get::<Task>(&key)? else {
                continue;
            };
            if let Some(asked) = task::request_stop(&known, FORCED, TaskStopCode::UserInitiated, call.now) {
                tx.put(key, asked);
            }
        }
    }
    if record.instance.status.as_deref() != Some(status::INACTIVE) {
        record.instance.status = Some(status::INACTIVE.to_owned());
        bump(&mut record);
        tx.put(key, record.clone());
    }
    Ok(types::DeregisterContainerInstanceResponse {
        container_instance: Some(whole(tx, record)?),
    })
}

pub(super) fn describe(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::DescribeContainerInstancesRequest,
) -> Result<types::DescribeContainerInstancesResponse, Refusal> {
    let (cluster, _) = name::cluster(tx, request.cluster.as_deref())?;
    let include = request.include.unwrap_or_default();
    let tags = include.contains(&ContainerInstanceField::Tags);
    let health = include.contains(&ContainerInstanceField::ContainerInstanceHealth);
    let (mut instances, mut failures) = (Vec::new(), Vec::new());
    for named in request.container_instances.unwrap_or_default() {
        match known(tx, &cluster, &named)? {
            Ok((_, record)) => instances.push(shown(tx, record, tags, health)?),
            Err(arn) => failures.push(name::missing(arn)),
        }
    }
    Ok(types::DescribeContainerInstancesResponse {
        container_instances: Some(instances),
        failures: Some(failures),
    })
}

pub(super) fn list(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::ListContainerInstancesRequest,
) -> Result<types::ListContainerInstancesResponse, Refusal> {
    let (cluster, _) = name::cluster(tx, request.cluster.as_deref())?;
    let paging = Paging::of(tx.scope(), &request, PAGE)?;
    let mut term = tx.scope().term_in("container-instances", &cluster);
    if let Some(status) = request.status {
        term = term.and("status", status.as_str());
    }
    let filter = request.filter.filter(|filter| !filter.trim().is_empty());
    let query = filter.map(|filter| Query::parse(&filter)).transpose();
    let query = query.map_err(|fault| refuse!(InvalidParameterException, "Invalid filter: {fault}"))?;
    // What is asked for may be the tasks on it, so the whole fleet is looked at where anything is asked for.
    let fleet = match &query {
        Some(_) => Fleet::observe(tx, &cluster)?,
        None => Fleet::default(),
    };
    let listed = paging.select(tx, &term, |entry| {
        let record = ContainerInstance::of(&entry.record);
        let arn = record.and_then(|it| it.instance.container_instance_arn.clone());
        let meets = |arn: &String| query.as_ref().is_none_or(|query| fleet.meets(query, arn));
        Ok(arn.filter(meets).map_or(Pick::Skip, Pick::Take))
    })?;
    Ok(types::ListContainerInstancesResponse {
        container_instance_arns: Some(listed.items),
        next_token: listed.next_token,
    })
}

pub(super) fn update_state(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::UpdateContainerInstancesStateRequest,
) -> Result<types::UpdateContainerInstancesStateResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let state = request.status;
    let state = state.filter(|it| {
        matches!(
            it,
            ContainerInstanceStatus::Active | ContainerInstanceStatus::Draining
        )
    });
    let state = state.ok_or_else(|| {
        refuse!(
            InvalidParameterException,
            "Container instance status should be one of [ACTIVE,DRAINING]"
        )
    })?;
    let (mut instances, mut failures) = (Vec::new(), Vec::new());
    for named in request.container_instances.unwrap_or_default() {
        let (key, mut record) = match known(tx, &cluster, &named)? {
            Ok(found) => found,
            Err(arn) => {
                failures.push(name::missing(arn));
                continue;
            }
        };
        let before = record.instance.status.as_deref();
        if before == Some(status::INACTIVE) {
            failures.push(types::Failure {
                arn: record.instance.container_instance_arn,
                reason: Some(status::INACTIVE.to_owned()),
                detail: None,
            });
            continue;
        }
        if before != Some(state.as_str()) {
            record.instance.status = Some(state.as_str().to_owned());
            bump(&mut record);
            tx.put(key, record.clone());
        }
        instances.push(whole(tx, record)?);
    }
    Ok(types::UpdateContainerInstancesStateResponse {
        container_instances: Some(instances),
        failures: Some(failures),
    })
}

/// The instance that a request names; its ARN where it is not there.
fn known(
    tx: &Tx<'_>,
    cluster: &str,
    named: &str,
) -> Result<Result<(Key, ContainerInstance), String>, Refusal> {
    let scope = tx.scope();
    let id = name::instance_id(scope, cluster, named)?;
    let key = scope.container_instance(cluster, &id);
    let record = tx.get::<ContainerInstance>(&key)?;
    let arn = || scope.arn(&format!("container-instance/{cluster}/{id}"));
    Ok(record.map(|record| (key, record)).ok_or_else(arn))
}

/// The instance that a request names: it is there, ACTIVE or not.
fn referenced(tx: &Tx<'_>, cluster: &str, named: &str) -> Result<(Key, ContainerInstance), Refusal> {
    known(tx, cluster, named)?.map_err(|_| {
        refuse!(
            InvalidParameterException,
            "Referenced container instance {value} not found.",
            value = named
        )
    })
}

/// The instance that an attribute names as its target: it is there and not INACTIVE.
pub(super) fn target(tx: &Tx<'_>, cluster: &str, named: &str) -> Result<(Key, ContainerInstance), Refusal> {
    let not_found = || refuse!(TargetNotFoundException, "The specified target was not found.");
    let found = known(tx, cluster, named)?.map_err(|_| not_found())?;
    if found.1.instance.status.as_deref() == Some(status::INACTIVE) {
        return Err(not_found());
    }
    Ok(found)
}

/// Every change of an instance counts.
pub(super) fn bump(record: &mut ContainerInstance) {
    let version = record.instance.version.unwrap_or(0);
    record.instance.version = Some(version.saturating_add(1));
}

/// The tasks of an instance that are not over.
fn live_on(scope: &Scope, cluster: &str, id: &str) -> Term {
    scope.term_in("tasks", cluster).and("live-on", id)
}
