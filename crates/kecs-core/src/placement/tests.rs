//! Instances, what tasks need, and where they go.

use kecs_model::types::{
    Attribute, ContainerDefinition, ContainerInstance, LaunchType, NetworkMode, PlacementConstraint,
    PlacementConstraintType, PlacementStrategy, PlacementStrategyType, PortMapping, Resource,
    ResourceRequirement, ResourceType, TaskDefinition, TransportProtocol, VersionInfo,
};

use super::{Fleet, Lack, Need};
use crate::record;

mod laws;
mod places;
mod queries;

fn attribute(name: &str, value: Option<&str>) -> Attribute {
    Attribute {
        name: Some(name.to_owned()),
        value: value.map(str::to_owned),
        ..Attribute::default()
    }
}

fn number(name: &str, value: i32) -> Resource {
    Resource {
        name: Some(name.to_owned()),
        r#type: Some("INTEGER".to_owned()),
        integer_value: Some(value),
        ..Resource::default()
    }
}

fn set(name: &str, values: &[&str]) -> Resource {
    Resource {
        name: Some(name.to_owned()),
        r#type: Some("STRINGSET".to_owned()),
        string_set_value: Some(values.iter().map(|it| (*it).to_owned()).collect()),
        ..Resource::default()
    }
}

/// An instance with 1000 CPU units, 2000 MiB and two GPUs, which keeps port 22 for itself.
fn instance(name: &str, zone: &str) -> record::ContainerInstance {
    record::ContainerInstance {
        instance: ContainerInstance {
            container_instance_arn: Some(arn(name)),
            ec2_instance_id: Some(format!("i-{name}")),
            status: Some("ACTIVE".to_owned()),
            agent_connected: Some(true),
            version_info: Some(VersionInfo {
                agent_version: Some("1.80.0".to_owned()),
                ..VersionInfo::default()
            }),
            registered_at: kecs_model::Time::from_seconds(1_700_000_000.0),
            attributes: Some(vec![
                attribute("ecs.availability-zone", Some(zone)),
                attribute("ecs.instance-type", Some("t3.large")),
                attribute("stack", None),
            ]),
            registered_resources: Some(vec![
                number("CPU", 1000),
                number("MEMORY", 2000),
                set("PORTS", &["22"]),
                set("PORTS_UDP", &[]),
                set("GPU", &["g1", "g2"]),
            ]),
            ..ContainerInstance::default()
        },
        cluster: "blue".to_owned(),
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:ecs:eu-west-1:123456789012:container-instance/blue/{name}")
}

fn fleet(instances: &[record::ContainerInstance]) -> Fleet {
    Fleet::new(instances, [])
}

/// A task of this size.
fn sized(cpu: i32, memory: i32) -> TaskDefinition {
    TaskDefinition {
        container_definitions: Some(vec![ContainerDefinition {
            name: Some("app".to_owned()),
            cpu: Some(cpu),
            memory: Some(memory),
            ..ContainerDefinition::default()
        }]),
        ..TaskDefinition::default()
    }
}

fn need(cpu: i32, memory: i32) -> Need {
    Need::of(&sized(cpu, memory), None, "service:web")
}

fn strategy(kind: PlacementStrategyType, field: &str) -> PlacementStrategy {
    PlacementStrategy {
        r#type: Some(kind),
        field: Some(field.to_owned()),
    }
}

fn member_of(expression: &str) -> PlacementConstraint {
    PlacementConstraint {
        r#type: Some(PlacementConstraintType::MemberOf),
        expression: Some(expression.to_owned()),
    }
}

fn distinct() -> PlacementConstraint {
    PlacementConstraint {
        r#type: Some(PlacementConstraintType::DistinctInstance),
        expression: None,
    }
}

/// A task of a group on an instance, of the size 100 and 200.
fn on(name: &str, group: &str, desired: &str, last: &str) -> record::Task {
    record::Task {
        task: kecs_model::types::Task {
            container_instance_arn: Some(arn(name)),
            group: Some(group.to_owned()),
            desired_status: Some(desired.to_owned()),
            last_status: Some(last.to_owned()),
            cpu: Some("100".to_owned()),
            memory: Some("200".to_owned()),
            ..kecs_model::types::Task::default()
        },
        ..record::Task::default()
    }
}

/// The ids of the instances that tasks go to, one after the other, until there is no room.
fn placed(fleet: &mut Fleet, need: &Need, count: usize) -> Vec<String> {
    let one = |_| fleet.place(need, 7).ok()?.instance;
    let arns = (0..count).map_while(one);
    arns.map(|it| it.rsplit('/').next().unwrap().to_owned()).collect()
}

/// Why an instance does not take a task.
fn lack(instance: record::ContainerInstance, need: &Need) -> Lack {
    let unplaced = fleet(&[instance]).place(need, 1).unwrap_err();
    *unplaced.lacks.values().next().unwrap()
}
