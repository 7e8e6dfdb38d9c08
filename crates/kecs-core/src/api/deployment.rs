//! Service deployments and revisions: `ListServiceDeployments`, `DescribeServiceDeployments`,
//! `DescribeServiceRevisions`, `StopServiceDeployment`.

use kecs_model::types::{
    self, ServiceDeploymentBrief, ServiceDeploymentStatus, StopServiceDeploymentStopType as StopType,
};
use kecs_model::{Refusal, refuse};

use super::name;
use super::page::{Paging, Pick};
use super::service;
use crate::call::Call;
use crate::key::{Key, Scope};
use crate::record::{Kind, Service, ServiceDeployment, ServiceRevision};
use crate::tx::Tx;

/// Service deployments on a page where the request does not say.
const PAGE: usize = 20;

pub(super) fn list(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::ListServiceDeploymentsRequest,
) -> Result<types::ListServiceDeploymentsResponse, Refusal> {
    let (cluster, _) = name::active_cluster(tx, request.cluster.as_deref())?;
    let named = request.service.as_deref().unwrap_or_default();
    let (key, record) = service::find(tx, &cluster, named)?.ok_or_else(service::not_found)?;
    let window = request.created_at.clone().unwrap_or_default();
    if let (Some(after), Some(before)) = (window.after, window.before)
        && after > before
    {
        return Err(refuse!(
            InvalidParameterException,
            "createdAt.after cannot be later than createdAt.before."
        ));
    }
    // The newest first: their ids order as the times of their beginnings do.
    let paging = Paging::of(tx.scope(), &request, PAGE)?.descending(true);
    let all = tx
        .scope()
        .term_in("service-deployments", &cluster)
        .and("service", key.last());
    let states = request.status.as_deref().unwrap_or_default();
    let term = match states {
        [state] => all.and("status", state.as_str()),
        _ => all,
    };
    let since = record.service.created_at;
    let listed = paging.select(tx, &term, |entry| {
        let Some(it) = ServiceDeployment::of(&entry.record) else {
            return Ok(Pick::Skip);
        };
        let shown = &it.deployment;
        let state = states.is_empty() || shown.status.is_some_and(|state| states.contains(&state));
        let before = window.before.is_none_or(|before| shown.created_at < Some(before));
        let after = window.after.is_none_or(|after| shown.created_at > Some(after));
        // A service of the same name that was there before is another one. A clock that was set back tells less than that.
        let is_current = shown.service_deployment_arn == record.service.current_service_deployment;
        let own = shown.created_at >= since || is_current;
        Ok(if state && before && after && own {
            Pick::Take(brief(shown))
        } else {
            Pick::Skip
        })
    })?;
    Ok(types::ListServiceDeploymentsResponse {
        service_deployments: Some(listed.items),
        next_token: listed.next_token,
    })
}

fn brief(deployment: &types::ServiceDeployment) -> ServiceDeploymentBrief {
    let target = deployment.target_service_revision.as_ref();
    ServiceDeploymentBrief {
        service_deployment_arn: deployment.service_deployment_arn.clone(),
        service_arn: deployment.service_arn.clone(),
        cluster_arn: deployment.cluster_arn.clone(),
        started_at: deployment.started_at,
        created_at: deployment.created_at,
        finished_at: deployment.finished_at,
        target_service_revision_arn: target.and_then(|target| target.arn.clone()),
        status: deployment.status,
        status_reason: deployment.status_reason.clone(),
    }
}

/// The cluster, service and id that an ARN of this kind names.
fn names<'a>(scope: &Scope, kind: &str, text: &'a str) -> Result<[&'a str; 3], Refusal> {
    let arn = scope.own(text)?;
    let (found, names) = arn.split();
    if found != kind {
        return Err(refuse!(
            InvalidParameterException,
            "Invalid identifier: Identifier is for {kind}. Expected: service-deployment",
            kind = found
        ));
    }
    let wrong = || {
        refuse!(
            InvalidParameterException,
            "Invalid identifier: Unexpected number of separators"
        )
    };
    if names.len() != 3 {
        return Err(wrong());
    }
    let mut parts = text.rsplitn(4, '/');
    let mut next = || parts.next().ok_or_else(wrong);
    let (id, service, cluster) = (next()?, next()?, next()?);
    Ok([cluster, service, id])
}

fn find(tx: &Tx<'_>, arn: &str) -> Result<Option<(Key, ServiceDeployment)>, Refusal> {
    let [cluster, service, id] = names(tx.scope(), "service-deployment", arn)?;
    let key = tx.scope().service_deployment(cluster, service, id);
    Ok(tx.get::<ServiceDeployment>(&key)?.map(|it| (key, it)))
}

pub(super) fn describe(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::DescribeServiceDeploymentsRequest,
) -> Result<types::DescribeServiceDeploymentsResponse, Refusal> {
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for arn in request.service_deployment_arns.iter().flatten() {
        match find(tx, arn)? {
            Some((_, it)) => found.push(counted(tx, &it)?),
            None => failures.push(name::missing(arn)),
        }
    }
    Ok(types::DescribeServiceDeploymentsResponse {
        service_deployments: Some(found),
        failures: Some(failures),
    })
}

/// The service deployment with the tasks that its revisions have now.
fn counted(tx: &Tx<'_>, it: &ServiceDeployment) -> Result<types::ServiceDeployment, Refusal> {
    let mut shown = it.deployment.clone();
    let service = tx.get::<Service>(&tx.scope().service(&it.cluster, &it.service))?;
    let rollouts = service.map(|service| service.rollouts).unwrap_or_default();
    let sources = shown.source_service_revisions.iter_mut().flatten();
    for summary in sources.chain(shown.target_service_revision.iter_mut()) {
        let of_it = |revision: &&str| Some(*revision) == summary.arn.as_deref();
        let (mut running, mut pending) = (0, 0);
        for rollout in &rollouts {
            if of_it(&rollout.revision.as_str()) {
                let counts = service::task_counts(tx, &it.cluster, "started-by", &rollout.id)?;
                running += counts.running;
                pending += counts.pending;
            }
        }
        summary.running_task_count = Some(running);
        summary.pending_task_count = Some(pending);
    }
    Ok(shown)
}

pub(super) fn describe_revisions(
    tx: &mut Tx<'_>,
    _call: &Call<'_>,
    request: types::DescribeServiceRevisionsRequest,
) -> Result<types::DescribeServiceRevisionsResponse, Refusal> {
    let mut found = Vec::new();
    let mut failures = Vec::new();
    let mut named = Vec::new();
    for arn in request.service_revision_arns.iter().flatten() {
        if !arn.starts_with("arn:") {
            return Err(refuse!(
                InvalidParameterException,
                "The Service ARN provided is invalid."
            ));
        }
        let wrong = || refuse!(InvalidParameterException, "The ServiceRevision ARN is invalid.");
        let [cluster, service, id] = names(tx.scope(), "service-revision", arn).map_err(|_| wrong())?;
        if !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        named.push((arn, cluster, service, id));
    }
    let same = |pair: &[(&String, &str, &str, &str)]| (pair[0].1, pair[0].2) == (pair[1].1, pair[1].2);
    if !named.windows(2).all(same) {
        return Err(refuse!(
            InvalidParameterException,
            "Cross service requests are not allowed. All requested service revisions must be for a single service"
        ));
    }
    if let Some((_, cluster, service, _)) = named.first() {
        let (cluster, _) = name::active_cluster(tx, Some(*cluster))?;
        service::find(tx, &cluster, service)?.ok_or_else(service::not_found)?;
    }
    for (arn, cluster, service, id) in named {
        let key = tx.scope().service_revision(cluster, service, id);
        match tx.get::<ServiceRevision>(&key)? {
            Some(it) => found.push(it.revision),
            None => failures.push(name::missing(arn)),
        }
    }
    Ok(types::DescribeServiceRevisionsResponse {
        service_revisions: Some(found),
        failures: Some(failures),
    })
}

pub(super) fn stop(
    tx: &mut Tx<'_>,
    call: &Call<'_>,
    request: types::StopServiceDeploymentRequest,
) -> Result<types::StopServiceDeploymentResponse, Refusal> {
    let arn = request.service_deployment_arn.as_deref().unwrap_or_default();
    let (key, mut it) = find(tx, arn)?.ok_or_else(|| {
        refuse!(
            ServiceDeploymentNotFoundException,
            "The specified service deployment was not found."
        )
    })?;
    let shown = &mut it.deployment;
    let asked = match request.stop_type.unwrap_or(StopType::Rollback) {
        StopType::Rollback => ServiceDeploymentStatus::RollbackRequested,
        StopType::Abort => ServiceDeploymentStatus::StopRequested,
    };
    match shown.status.unwrap_or(ServiceDeploymentStatus::Pending) {
        // Asked for once more: it is on its way.
        state if state == asked => {}
        ServiceDeploymentStatus::Pending | ServiceDeploymentStatus::InProgress => {
            shown.status = Some(asked);
            shown.updated_at = Some(call.time());
            tx.put(key, it.clone());
        }
        ServiceDeploymentStatus::Successful
        | ServiceDeploymentStatus::Stopped
        | ServiceDeploymentStatus::StopRequested
        | ServiceDeploymentStatus::RollbackRequested
        | ServiceDeploymentStatus::RollbackInProgress
        | ServiceDeploymentStatus::RollbackSuccessful
        | ServiceDeploymentStatus::RollbackFailed => {
            return Err(refuse!(
                ConflictException,
                "The service deployment is not in a state that can be stopped."
            )
            .with("resourceIds", vec![arn.to_owned()]));
        }
    }
    Ok(types::StopServiceDeploymentResponse {
        service_deployment_arn: Some(arn.to_owned()),
    })
}
