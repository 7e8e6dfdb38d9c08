//! The scheduler over what is kept: reads a view of a service, decides, and writes what was decided.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kecs_model::Refusal;
use kecs_model::types::{CapacityProviderStrategyItem, LaunchType};

use super::{Pace, ServiceView, Start, decide, launch};
use crate::call::Ids;
use crate::deployment;
use crate::key::Key;
use crate::placement::Fleet;
use crate::record::{self, Service};
use crate::tx::Tx;

/// What is to be done once a decision is kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// The tasks to run.
    pub starts: Vec<Start>,
    /// The ARNs of the tasks to stop.
    pub stops: Vec<String>,
    /// When to decide again even if nothing happens.
    pub next_look: Option<Timestamp>,
}

/// Decides for the service under this key and writes what is decided. Nothing is done for a service that is not there.
///
/// The caller commits, and only then does what the outcome says. On a conflict it begins anew with a fresh view.
pub fn run(tx: &mut Tx<'_>, key: &Key, pace: Pace, ids: &Ids) -> Result<Outcome, Refusal> {
    let Some(service) = tx.get::<Service>(key)? else {
        return Ok(Outcome::default());
    };
    let view = observe(tx, service, pace)?;
    let now = tx.now();
    let decision = decide(&view, now, ids);
    let (cluster, name) = deployment::names(&view.service);
    let scope = tx.scope();
    if decision.service != view.service {
        tx.put(key.clone(), decision.service);
    }
    for instance in decision
        .starts
        .iter()
        .filter_map(|it| it.task.task.container_instance_arn.as_deref())
    {
        Fleet::guard(tx, &cluster, instance)?;
    }
    for start in &decision.starts {
        tx.create(
            scope.task(&cluster, last(start.task.task.task_arn.as_deref())),
            start.task.clone(),
        );
    }
    let mut stops = Vec::new();
    for task in decision.stops {
        let arn = task.task.task_arn.clone().unwrap_or_default();
        tx.put(scope.task(&cluster, last(Some(&arn))), task);
        stops.push(arn);
    }
    for deployment in decision.deployments {
        let id = last(deployment.deployment.service_deployment_arn.as_deref()).to_owned();
        tx.put(scope.service_deployment(&cluster, &name, &id), deployment);
    }
    for set in decision.task_sets {
        let id = last(set.task_set.id.as_deref()).to_owned();
        tx.put(scope.task_set(&cluster, &name, &id), set);
    }
    for id in decision.removed_task_sets {
        tx.delete(scope.task_set(&cluster, &name, last(Some(&id))));
    }
    Ok(Outcome {
        starts: decision.starts,
        stops,
        next_look: decision.next_look,
    })
}

/// All that is known of a service.
fn observe(tx: &Tx<'_>, service: Service, pace: Pace) -> Result<ServiceView, Refusal> {
    let scope = tx.scope();
    let (cluster, name) = deployment::names(&service);
    let of_service = |kind| scope.term_in(kind, &cluster).and("service", &name);
    let records = |all: Vec<(Key, record::Task)>| all.into_iter().map(|(_, it)| it).collect();
    let tasks: Vec<record::Task> = records(tx.all(&of_service("tasks"))?);
    let task_sets: Vec<record::TaskSet> = tx
        .all(&of_service("task-sets"))?
        .into_iter()
        .map(|(_, it)| it)
        .collect();
    let deployments: Vec<record::ServiceDeployment> = tx
        .all(&of_service("service-deployments"))?
        .into_iter()
        .map(|(_, it)| it)
        .collect();
    let revisions = tx.all::<record::ServiceRevision>(&of_service("service-revisions"))?;
    let by_arn = |(_, it): (Key, record::ServiceRevision)| {
        (it.revision.service_revision_arn.clone().unwrap_or_default(), it)
    };
    let revisions: BTreeMap<String, record::ServiceRevision> = revisions.into_iter().map(by_arn).collect();
    let of_deployments = service.service.deployments.iter().flatten();
    let named = of_deployments
        .filter_map(|it| it.task_definition.clone())
        .chain(
            revisions
                .values()
                .filter_map(|it| it.revision.task_definition.clone()),
        )
        .chain(
            task_sets
                .iter()
                .filter_map(|it| it.task_set.task_definition.clone()),
        );
    let mut definitions = BTreeMap::new();
    for arn in named {
        if !definitions.contains_key(&arn)
            && let Some(definition) = definition(tx, &arn)?
        {
            definitions.insert(arn, definition);
        }
    }
    let fleet = if needs_instances(&service, &task_sets) {
        Fleet::observe(tx, &cluster)?
    } else {
        Fleet::default()
    };
    Ok(ServiceView {
        scope: scope.clone(),
        service,
        tasks,
        task_sets,
        definitions,
        revisions,
        deployments,
        fleet,
        pace,
    })
}

/// Whether tasks of the service may go to container instances.
fn needs_instances(service: &Service, sets: &[record::TaskSet]) -> bool {
    let needs = |launch_type: Option<LaunchType>, strategy: Option<&Vec<CapacityProviderStrategyItem>>| {
        let names = strategy.into_iter().flatten();
        let mut names = names.filter_map(|it| it.capacity_provider.as_deref()).peekable();
        if names.peek().is_some() {
            return names.any(|it| !launch::is_fargate(it));
        }
        launch_type != Some(LaunchType::Fargate)
    };
    let of_deployments = service.service.deployments.iter().flatten();
    let of_sets = sets.iter().map(|it| &it.task_set);
    of_deployments
        .map(|it| needs(it.launch_type, it.capacity_provider_strategy.as_ref()))
        .chain(of_sets.map(|it| needs(it.launch_type, it.capacity_provider_strategy.as_ref())))
        .any(|it| it)
}

/// The task definition of an ARN.
fn definition(tx: &Tx<'_>, arn: &str) -> Result<Option<record::TaskDefinition>, Refusal> {
    let Some((family, revision)) = last(Some(arn)).rsplit_once(':') else {
        return Ok(None);
    };
    let Ok(revision) = revision.parse() else {
        return Ok(None);
    };
    tx.get(&tx.scope().task_definition(family, revision))
}

/// What stands behind the last slash.
fn last(text: Option<&str>) -> &str {
    text.and_then(|it| it.rsplit('/').next()).unwrap_or_default()
}
