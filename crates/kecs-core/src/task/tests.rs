//! A task from its begin to its end.

use jiff::{SignedDuration, Timestamp};
use kecs_model::types::{
    Attachment, AwsVpcConfiguration, ContainerDefinition, ContainerOverride, HealthCheck, HealthStatus,
    KeyValuePair, LaunchType, NetworkConfiguration, NetworkMode, PropagateTags, ResourceRequirement,
    ResourceType, Service, Tag, TaskDefinition, TaskOverride, TaskStopCode,
};

use super::{Blueprint, Host, apply, is_shown, new_task, request_stop};
use crate::call::Ids;
use crate::key::Scope;
use crate::plane::{ContainerReport, Report, Stop, TaskStatus};
use crate::record;

mod made;
mod reported;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn scope() -> Scope {
    Scope::new("123456789012", "eu-west-1")
}

fn tag(key: &str, value: &str) -> Tag {
    Tag {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    }
}

fn container(name: &str, essential: bool, checked: bool) -> ContainerDefinition {
    ContainerDefinition {
        name: Some(name.to_owned()),
        image: Some(format!("{name}:1")),
        essential: Some(essential),
        cpu: Some(100),
        memory: Some(200),
        health_check: checked.then(HealthCheck::default),
        ..ContainerDefinition::default()
    }
}

fn definition(containers: Vec<ContainerDefinition>) -> record::TaskDefinition {
    record::TaskDefinition {
        definition: TaskDefinition {
            task_definition_arn: Some("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:3".to_owned()),
            family: Some("web".to_owned()),
            container_definitions: Some(containers),
            ..TaskDefinition::default()
        },
        tags: vec![tag("from", "definition"), tag("kept", "definition")],
    }
}

fn blueprint(containers: Vec<ContainerDefinition>) -> Blueprint {
    Blueprint {
        definition: definition(containers),
        cluster: "blue".to_owned(),
        launch_type: Some(LaunchType::Ec2),
        ..Blueprint::default()
    }
}

/// A task of the essential container `app` and of `side`, which is not.
fn task(checked: bool) -> record::Task {
    let containers = vec![container("app", true, checked), container("side", false, true)];
    new_task(&scope(), &blueprint(containers), &Ids::new(1), at(0))
}

fn report(second: i64, status: TaskStatus, containers: &[(&str, ContainerReport)]) -> Report {
    Report {
        task_arn: "arn".to_owned(),
        at: at(second),
        status,
        containers: containers
            .iter()
            .map(|(name, it)| ((*name).to_owned(), it.clone()))
            .collect(),
        attachments: None,
        stop: None,
    }
}

fn last(status: &str) -> ContainerReport {
    ContainerReport {
        last_status: Some(status.to_owned()),
        ..ContainerReport::default()
    }
}

fn health(health: HealthStatus) -> ContainerReport {
    ContainerReport {
        last_status: Some("RUNNING".to_owned()),
        health: Some(health),
        ..ContainerReport::default()
    }
}
