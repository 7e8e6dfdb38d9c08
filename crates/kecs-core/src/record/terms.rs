//! The terms that records are found by.

use std::collections::BTreeSet;

use kecs_model::types::{CapacityProviderStatus, LaunchType};

use super::{CapacityProvider, ContainerInstance, Record, Service, Task, TaskDefinition};
use crate::key::{Scope, Term};
use crate::plane::TaskStatus;

/// The words of the API that are plain strings in its model.
pub mod status {
    /// In use.
    pub const ACTIVE: &str = "ACTIVE";
    /// Going away.
    pub const DRAINING: &str = "DRAINING";
    /// Gone, and still told of.
    pub const INACTIVE: &str = "INACTIVE";
    /// The newest deployment.
    pub const PRIMARY: &str = "PRIMARY";
    /// A task that is on its way to run.
    pub const PENDING: &str = "PENDING";
    /// A task that runs, or is to run.
    pub const RUNNING: &str = "RUNNING";
    /// A task that is over, or is to be.
    pub const STOPPED: &str = "STOPPED";
}

pub(super) fn of(record: &Record, scope: &Scope) -> Vec<Term> {
    match record {
        Record::Cluster(it) => {
            if it.cluster.status.as_deref() == Some(status::INACTIVE) {
                return Vec::new();
            }
            let all = scope.term("clusters");
            let providers = it.cluster.capacity_providers.iter().flatten();
            let providers = providers.map(|name| all.and("provider", name));
            let default = it.cluster.service_connect_defaults.as_ref();
            let namespace = default.and_then(|default| default.namespace.as_deref());
            let namespace = namespace.map(|it| all.and("namespace", it));
            providers.chain(namespace).chain([all.clone()]).collect()
        }
        // A family without revisions is told of no more.
        Record::Family(it) if i64::from(it.deleted) >= i64::from(it.last_revision) => Vec::new(),
        Record::Family(it) => {
            let families = scope.term("families");
            let state = if it.active > 0 {
                status::ACTIVE
            } else {
                status::INACTIVE
            };
            vec![families.and("status", state), families]
        }
        Record::TaskDefinition(it) => of_task_definition(it, scope),
        Record::Service(it) => of_service(it, scope),
        Record::Task(it) => of_task(it, scope),
        Record::TaskSet(it) => {
            vec![
                scope
                    .term_in("task-sets", &it.cluster)
                    .and("service", &it.service),
            ]
        }
        Record::ContainerInstance(it) => of_instance(it, scope),
        Record::CapacityProvider(it) => of_provider(it, scope),
        Record::AccountSetting(it) => {
            vec![
                scope.term("account-settings"),
                scope.term("account-settings").and("principal", &it.principal),
            ]
        }
        Record::ServiceDeployment(it) => {
            let all = scope
                .term_in("service-deployments", &it.cluster)
                .and("service", &it.service);
            let state = it
                .deployment
                .status
                .map(|state| all.and("status", state.as_str()));
            state.into_iter().chain([all]).collect()
        }
        Record::ServiceRevision(it) => {
            vec![
                scope
                    .term_in("service-revisions", &it.cluster)
                    .and("service", &it.service),
            ]
        }
        Record::Token(_) => vec![scope.term("tokens")],
    }
}

fn of_task_definition(it: &TaskDefinition, scope: &Scope) -> Vec<Term> {
    let Some(state) = it.definition.status else {
        return Vec::new();
    };
    let all = scope.term("task-definitions").and("status", state.as_str());
    let family = it.definition.family.as_deref().unwrap_or_default();
    vec![all.and("family", family), all]
}

fn of_service(it: &Service, scope: &Scope) -> Vec<Term> {
    let service = &it.service;
    if service.status.as_deref() == Some(status::INACTIVE) {
        return Vec::new();
    }
    let cluster = name_of(service.cluster_arn.as_deref());
    let all = scope.term_in("services", cluster);
    let launch = service.launch_type.map(|it| all.and("launch", it.as_str()));
    let strategy = service
        .scheduling_strategy
        .map(|it| all.and("strategy", it.as_str()));
    let state = all.and("status", service.status.as_deref().unwrap_or_default());
    let items = service.capacity_provider_strategy.iter().flatten();
    let providers: BTreeSet<&str> = items.filter_map(|it| it.capacity_provider.as_deref()).collect();
    let fargate = providers.iter().any(|name| name.starts_with("FARGATE"));
    let runs_on = service.launch_type.unwrap_or(if fargate {
        LaunchType::Fargate
    } else {
        LaunchType::Ec2
    });
    let counted = [state.and("launch", runs_on.as_str()), state];
    let providers = providers.into_iter().map(|name| all.and("provider", name));
    let newest = service.deployments.as_ref().and_then(|it| it.first());
    let connect = newest.and_then(|it| it.service_connect_configuration.as_ref());
    let connect = connect.filter(|connect| connect.enabled == Some(true));
    let namespace = connect.and_then(|connect| connect.namespace.as_deref());
    let namespace = namespace.map(|it| scope.term("services").and("namespace", it));
    let names = [launch, strategy, namespace]
        .into_iter()
        .flatten()
        .chain(providers)
        .chain(counted);
    // The scheduler sees to all of them, whatever their cluster.
    let mut terms: Vec<Term> = names.collect();
    terms.extend([all, scope.term("services")]);
    terms
}

fn of_task(it: &Task, scope: &Scope) -> Vec<Term> {
    let task = &it.task;
    let cluster = name_of(task.cluster_arn.as_deref());
    let all = scope.term_in("tasks", cluster);
    let mut terms = Vec::new();
    let last = task.last_status.as_deref().unwrap_or_default();
    let live = last != status::STOPPED;
    if let Some(desired) = &task.desired_status {
        let desired = all.and("desired", desired);
        terms.extend(
            it.service
                .as_deref()
                .map(|service| desired.and("service", service)),
        );
        terms.extend(task.started_by.as_deref().map(|by| desired.and("started-by", by)));
        terms.extend(
            task.container_instance_arn
                .as_deref()
                .map(|it| desired.and("instance", name_of(Some(it)))),
        );
        terms.extend(
            task.launch_type
                .map(|launch| desired.and("launch", launch.as_str())),
        );
        let family = task.task_definition_arn.as_deref().map(family_of);
        terms.extend(family.map(|family| desired.and("family", family)));
        terms.push(desired);
    }
    terms.extend(it.service.as_deref().map(|service| all.and("service", service)));
    terms.extend(it.task_set.as_deref().map(|set| all.and("task-set", set)));
    if live {
        let instance = task.container_instance_arn.as_deref();
        let instance = instance.map(|arn| all.and("live-on", name_of(Some(arn))));
        if let Some(counted) = counted(last) {
            let service = it.service.as_deref();
            let by = task.started_by.as_deref().filter(|_| service.is_some());
            let of = [
                service.map(|it| all.and("service", it)),
                by.map(|it| all.and("started-by", it)),
                instance.clone(),
            ];
            terms.extend(of.into_iter().flatten().map(|term| term.and("last", counted)));
            let counted = all.and("last", counted);
            terms.extend(task.launch_type.map(|it| counted.and("launch", it.as_str())));
            terms.push(counted);
        }
        let provider = task.capacity_provider_name.as_deref();
        terms.extend(provider.map(|name| all.and("live-with", name)));
        terms.extend(instance);
        // What the end of a cluster waits for, and what the data plane is told of.
        terms.extend([scope.term_in("live-tasks", cluster), scope.term("live-tasks")]);
    }
    terms.push(all);
    terms
}

/// As what a task is counted: as running, or as on its way there. One that is on its way out is neither.
fn counted(last: &str) -> Option<&'static str> {
    match TaskStatus::from_word(last)? {
        TaskStatus::Provisioning | TaskStatus::Pending | TaskStatus::Activating => Some(status::PENDING),
        TaskStatus::Running => Some(status::RUNNING),
        TaskStatus::Deactivating
        | TaskStatus::Stopping
        | TaskStatus::Deprovisioning
        | TaskStatus::Stopped => None,
    }
}

fn of_instance(it: &ContainerInstance, scope: &Scope) -> Vec<Term> {
    let all = scope.term_in("container-instances", &it.cluster);
    let state = it.instance.status.as_deref().unwrap_or_default();
    let shown = (state != status::INACTIVE).then(|| all.clone());
    shown.into_iter().chain([all.and("status", state)]).collect()
}

fn of_provider(it: &CapacityProvider, scope: &Scope) -> Vec<Term> {
    let provider = &it.provider;
    if provider.status == Some(CapacityProviderStatus::Inactive) {
        return Vec::new();
    }
    let own = provider.cluster.as_deref();
    let own = own.map(|cluster| scope.term_in("capacity-providers", cluster));
    let all = scope.term("capacity-providers");
    let group = provider.auto_scaling_group_provider.as_ref();
    let group = group.and_then(|group| group.auto_scaling_group_arn.as_deref());
    let group = group.map(|arn| all.and("group", arn));
    own.into_iter().chain(group).chain([all.clone()]).collect()
}

/// What stands behind the last slash of an ARN.
fn name_of(arn: Option<&str>) -> &str {
    arn.and_then(|arn| arn.rsplit('/').next()).unwrap_or_default()
}

/// The family that the ARN of a task definition names.
fn family_of(arn: &str) -> &str {
    let name = name_of(Some(arn));
    name.rsplit_once(':').map_or(name, |(family, _)| family)
}
