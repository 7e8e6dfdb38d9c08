//! What is told of a change: the twelve types of events, out of what was and what is.

use jiff::Timestamp;
use kecs_model::types;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::record::{Kind, Record, Service, Task, status};

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum EventType {
    /// A cluster was made, or came back.
    #[serde(rename = "cluster.created")]
    ClusterCreated,
    /// Something of a cluster was changed.
    #[serde(rename = "cluster.updated")]
    ClusterUpdated,
    /// A cluster is INACTIVE.
    #[serde(rename = "cluster.deleted")]
    ClusterDeleted,
    /// A service was made.
    #[serde(rename = "service.created")]
    ServiceCreated,
    /// Something of a service was changed.
    #[serde(rename = "service.updated")]
    ServiceUpdated,
    /// A service is INACTIVE.
    #[serde(rename = "service.deleted")]
    ServiceDeleted,
    /// A task runs.
    #[serde(rename = "task.started")]
    TaskStarted,
    /// A task is over.
    #[serde(rename = "task.stopped")]
    TaskStopped,
    /// A task went from one status to another.
    #[serde(rename = "task.status_changed")]
    TaskStatusChanged,
    /// A deployment was begun.
    #[serde(rename = "deployment.started")]
    DeploymentStarted,
    /// A deployment is in its steady state.
    #[serde(rename = "deployment.complete")]
    DeploymentComplete,
    /// A deployment was given up.
    #[serde(rename = "deployment.failed")]
    DeploymentFailed,
}

/// Something that has happened, before it is committed: its number and id come with the commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// What.
    #[serde(rename = "type")]
    pub kind: EventType,
    /// When it was decided.
    pub timestamp: Timestamp,
    /// The ARN of what it happened to.
    pub resource: String,
    /// What it is now, in the API's shape.
    pub data: Value,
}

impl EventType {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::ClusterCreated,
        Self::ClusterUpdated,
        Self::ClusterDeleted,
        Self::ServiceCreated,
        Self::ServiceUpdated,
        Self::ServiceDeleted,
        Self::TaskStarted,
        Self::TaskStopped,
        Self::TaskStatusChanged,
        Self::DeploymentStarted,
        Self::DeploymentComplete,
        Self::DeploymentFailed,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClusterCreated => "cluster.created",
            Self::ClusterUpdated => "cluster.updated",
            Self::ClusterDeleted => "cluster.deleted",
            Self::ServiceCreated => "service.created",
            Self::ServiceUpdated => "service.updated",
            Self::ServiceDeleted => "service.deleted",
            Self::TaskStarted => "task.started",
            Self::TaskStopped => "task.stopped",
            Self::TaskStatusChanged => "task.status_changed",
            Self::DeploymentStarted => "deployment.started",
            Self::DeploymentComplete => "deployment.complete",
            Self::DeploymentFailed => "deployment.failed",
        }
    }
}

/// What is told of a record that was `before` and is `after`.
pub fn of(before: Option<&Record>, after: Option<&Record>, now: Timestamp) -> Vec<Event> {
    let kinds = match after {
        Some(Record::Cluster(it)) => {
            let was = before.and_then(crate::record::Cluster::of);
            cluster(was.map(|it| &it.cluster), &it.cluster)
        }
        Some(Record::Service(it)) => return service(before.and_then(Service::of), it, now),
        Some(Record::Task(it)) => task(before.and_then(Task::of), it),
        Some(
            Record::Family(_)
            | Record::TaskDefinition(_)
            | Record::TaskSet(_)
            | Record::ContainerInstance(_)
            | Record::CapacityProvider(_)
            | Record::AccountSetting(_)
            | Record::ServiceDeployment(_)
            | Record::ServiceRevision(_)
            | Record::Token(_),
        )
        | None => Vec::new(),
    };
    let shown = match after {
        Some(Record::Cluster(it)) => (it.cluster.cluster_arn.clone(), json(&it.cluster)),
        Some(Record::Task(it)) => (it.task.task_arn.clone(), json(&it.task)),
        Some(_) | None => return Vec::new(),
    };
    let event = |kind| Event {
        kind,
        timestamp: now,
        resource: shown.0.clone().unwrap_or_default(),
        data: shown.1.clone(),
    };
    kinds.into_iter().map(event).collect()
}

fn cluster(before: Option<&types::Cluster>, after: &types::Cluster) -> Vec<EventType> {
    let gone = |it: &types::Cluster| it.status.as_deref() == Some(status::INACTIVE);
    vec![match (before.is_none_or(gone), gone(after)) {
        (true, true) => return Vec::new(),
        (true, false) => EventType::ClusterCreated,
        (false, true) => EventType::ClusterDeleted,
        (false, false) => EventType::ClusterUpdated,
    }]
}

fn task(before: Option<&Task>, after: &Task) -> Vec<EventType> {
    let was = before.and_then(|it| it.task.last_status.as_deref());
    let is = after.task.last_status.as_deref();
    if was == is {
        return Vec::new();
    }
    let more = match is {
        Some(status::RUNNING) => Some(EventType::TaskStarted),
        Some(status::STOPPED) => Some(EventType::TaskStopped),
        Some(_) | None => None,
    };
    [EventType::TaskStatusChanged].into_iter().chain(more).collect()
}

fn service(before: Option<&Service>, after: &Service, now: Timestamp) -> Vec<Event> {
    let gone = |it: &Service| it.service.status.as_deref() == Some(status::INACTIVE);
    let kind = match (before.is_none_or(gone), gone(after)) {
        (true, true) => return Vec::new(),
        (true, false) => EventType::ServiceCreated,
        (false, true) => EventType::ServiceDeleted,
        (false, false) => EventType::ServiceUpdated,
    };
    let resource = after.service.service_arn.clone().unwrap_or_default();
    let event = |kind, data| Event {
        kind,
        timestamp: now,
        resource: resource.clone(),
        data,
    };
    let mut events = vec![event(kind, json(&with_news(before, after)))];
    for deployment in after.service.deployments.iter().flatten() {
        let known = before
            .into_iter()
            .flat_map(|it| it.service.deployments.iter().flatten());
        let was = known.into_iter().find(|it| it.id == deployment.id);
        if was.is_none() {
            events.push(event(EventType::DeploymentStarted, json(deployment)));
        }
        if was.and_then(|it| it.rollout_state) == deployment.rollout_state {
            continue;
        }
        let kind = match deployment.rollout_state {
            Some(types::DeploymentRolloutState::Completed) => EventType::DeploymentComplete,
            Some(types::DeploymentRolloutState::Failed) => EventType::DeploymentFailed,
            Some(types::DeploymentRolloutState::InProgress) | None => continue,
        };
        events.push(event(kind, json(deployment)));
    }
    events
}

/// The service with the messages that are new. It keeps up to a hundred, and each is told of once.
fn with_news(before: Option<&Service>, after: &Service) -> types::Service {
    let first = |it: &Service| it.service.events.as_ref()?.first()?.id.clone();
    let known = before.and_then(first);
    let is_new = |it: &&types::ServiceEvent| known.is_none() || it.id != known;
    let events = after.service.events.as_ref();
    types::Service {
        events: events.map(|all| all.iter().take_while(is_new).cloned().collect()),
        ..after.service.clone()
    }
}

fn json(shape: &impl Serialize) -> Value {
    serde_json::to_value(shape).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use kecs_model::types::DeploymentRolloutState::{Completed, Failed, InProgress};

    use super::*;
    use crate::record::Family;

    /// A service with this status and these deployments.
    fn service(status: &str, deployments: &[(&str, types::DeploymentRolloutState)]) -> Record {
        let deployment = |(id, state): &(&str, types::DeploymentRolloutState)| types::Deployment {
            id: Some((*id).to_owned()),
            rollout_state: Some(*state),
            ..types::Deployment::default()
        };
        let service = Service {
            service: types::Service {
                service_arn: Some("arn:web".to_owned()),
                status: Some(status.to_owned()),
                deployments: Some(deployments.iter().map(deployment).collect()),
                ..types::Service::default()
            },
            ..Service::default()
        };
        service.into_record()
    }

    /// The names of what is told, each deployment's with its id.
    fn told(before: Option<&Record>, after: Option<&Record>) -> Vec<String> {
        let events = of(before, after, Timestamp::UNIX_EPOCH).into_iter();
        let name = |it: Event| {
            assert_eq!(
                (it.resource.as_str(), it.timestamp),
                ("arn:web", Timestamp::UNIX_EPOCH)
            );
            let id = it.data["id"].as_str().map(|id| format!(" {id}"));
            format!("{}{}", it.kind.name(), id.unwrap_or_default())
        };
        events.map(name).collect()
    }

    #[test]
    fn of_a_service_it_is_told_what_became_of_it_and_of_each_deployment() {
        let rows = vec![
            (
                None,
                Some(service("ACTIVE", &[("1", InProgress)])),
                "service.created, deployment.started 1",
            ),
            (
                Some(service("INACTIVE", &[])),
                Some(service("ACTIVE", &[("1", InProgress)])),
                "service.created, deployment.started 1",
            ),
            (
                Some(service("ACTIVE", &[("1", InProgress)])),
                Some(service("ACTIVE", &[("1", InProgress)])),
                "service.updated",
            ),
            (
                Some(service("ACTIVE", &[("1", InProgress)])),
                Some(service("ACTIVE", &[("1", Completed)])),
                "service.updated, deployment.complete 1",
            ),
            (
                Some(service("ACTIVE", &[("1", Completed)])),
                Some(service("ACTIVE", &[("2", InProgress), ("1", Completed)])),
                "service.updated, deployment.started 2",
            ),
            (
                Some(service("ACTIVE", &[("2", InProgress), ("1", Completed)])),
                Some(service(
                    "ACTIVE",
                    &[("3", InProgress), ("2", Failed), ("1", Completed)],
                )),
                "service.updated, deployment.started 3, deployment.failed 2",
            ),
            (
                Some(service("ACTIVE", &[("1", Completed)])),
                Some(service("DRAINING", &[("1", Completed)])),
                "service.updated",
            ),
            (
                Some(service("DRAINING", &[("1", Completed)])),
                Some(service("INACTIVE", &[])),
                "service.deleted",
            ),
            (Some(service("INACTIVE", &[])), Some(service("INACTIVE", &[])), ""),
            (Some(service("INACTIVE", &[])), None, ""),
            (None, Some(Family::default().into_record()), ""),
        ];
        for (before, after, expected) in rows {
            assert_eq!(told(before.as_ref(), after.as_ref()).join(", "), expected);
        }
    }

    #[test]
    fn each_message_of_a_service_is_told_of_once() {
        let with = |status: &str, ids: &[&str]| {
            let message = |id: &&str| types::ServiceEvent {
                id: Some((*id).to_owned()),
                ..types::ServiceEvent::default()
            };
            let mut it = Service::of(&service(status, &[])).cloned().unwrap();
            it.service.events = Some(ids.iter().map(message).collect());
            it.into_record()
        };
        let told = |before: Option<&Record>, after: &Record| {
            let events = of(before, Some(after), Timestamp::UNIX_EPOCH);
            let all = events[0].data["events"].as_array().unwrap().iter();
            all.map(|it| it["id"].as_str().unwrap().to_owned())
                .collect::<String>()
        };
        let (one, three) = (with("ACTIVE", &["a"]), with("ACTIVE", &["c", "b", "a"]));
        assert_eq!(told(None, &three), "cba");
        assert_eq!(told(Some(&with("ACTIVE", &[])), &three), "cba");
        assert_eq!(told(Some(&one), &three), "cb");
        assert_eq!(told(Some(&three), &three), "");
        // What was known may have gone out of the list since.
        assert_eq!(told(Some(&one), &with("ACTIVE", &["c", "b"])), "cb");
        assert_eq!(
            told(Some(&with("INACTIVE", &["a"])), &with("ACTIVE", &["b"])),
            "b"
        );
    }

    #[test]
    fn each_type_is_written_as_it_is_named() {
        for kind in EventType::ALL {
            assert_eq!(json(kind), kind.name());
        }
    }
}
