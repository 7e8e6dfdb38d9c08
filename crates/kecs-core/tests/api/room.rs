//! What tasks take of a container instance.

use kecs_model::Operation::{DescribeContainerInstances, RegisterContainerInstance, RunTask, StopTask};
use serde_json::{Value, json};

use crate::fixture::{blue, define, ec2, with};
use crate::world::World;

/// A world with one machine that has two GPUs and keeps some ports for itself.
fn with_machine() -> (World, String) {
    let mut world = blue();
    let set =
        |name: &str, values: &[&str]| json!({"name": name, "type": "STRINGSET", "stringSetValue": values});
    let number = |name: &str| json!({"name": name, "type": "INTEGER", "integerValue": 8192});
    let input = json!({"cluster": "blue", "platformDevices": [
            {"id": "g1", "type": "GPU"}, {"id": "g2", "type": "GPU"}],
        "totalResources": [number("CPU"), number("MEMORY"), set("PORTS", &["22"]), set("PORTS_UDP", &["161"])]});
    let arn = world.ok(RegisterContainerInstance, input)["containerInstance"]["containerInstanceArn"].clone();
    (world, arn.as_str().unwrap().to_owned())
}

fn left(world: &mut World, arn: &str) -> Vec<Value> {
    let input = json!({"cluster": "blue", "containerInstances": [arn]});
    let shown = world.ok(DescribeContainerInstances, input);
    let all = shown["containerInstances"][0]["remainingResources"]
        .as_array()
        .unwrap()
        .iter();
    all.map(|it| match it["type"].as_str() {
        Some("STRINGSET") => it["stringSetValue"].clone(),
        _ => it["integerValue"].clone(),
    })
    .collect()
}

/// Defines `<family>:1` with these members of its container.
fn container(world: &mut World, family: &str, more: Value) {
    let own = with(ec2()["containerDefinitions"][0].clone(), more);
    define(
        world,
        with(ec2(), json!({"family": family, "containerDefinitions": [own]})),
    );
}

/// Runs a task of a family: why not, or its ARN.
fn run(world: &mut World, family: &str) -> Result<String, String> {
    let input = json!({"cluster": "blue", "taskDefinition": format!("{family}:1")});
    let answer = world.ok(RunTask, input);
    match answer["tasks"][0]["taskArn"].as_str() {
        Some(arn) => Ok(arn.to_owned()),
        None => Err(answer["failures"][0]["reason"].as_str().unwrap().to_owned()),
    }
}

#[test]
fn a_host_port_is_taken_once_of_its_protocol() {
    let (mut world, arn) = with_machine();
    for (family, port, protocol) in [
        ("tcp22", 22, "tcp"),
        ("udp22", 22, "udp"),
        ("tcp161", 161, "tcp"),
        ("udp161", 161, "udp"),
    ] {
        let mapping = json!([{"containerPort": 9, "hostPort": port, "protocol": protocol}]);
        container(&mut world, family, json!({"portMappings": mapping}));
    }
    let taken = Err("RESOURCE:PORTS".to_owned());
    assert_eq!(run(&mut world, "tcp22"), taken);
    assert_eq!(run(&mut world, "udp161"), taken);
    let first = run(&mut world, "udp22").unwrap();
    run(&mut world, "tcp161").unwrap();
    assert_eq!(run(&mut world, "udp22"), taken);
    assert_eq!(run(&mut world, "tcp161"), taken);
    let shown = left(&mut world, &arn);
    assert_eq!(shown[2..4], [json!(["22", "161"]), json!(["22", "161"])]);
    // What is over has given its port back.
    let id = first.rsplit('/').next().unwrap().to_owned();
    crate::fixture::change_task(&mut world, &id, |it| {
        it.task.last_status = Some("STOPPED".to_owned());
    });
    assert_eq!(left(&mut world, &arn)[3], json!(["161"]));
    run(&mut world, "udp22").unwrap();
}

#[test]
fn a_gpu_is_taken_until_its_task_is_over() {
    let (mut world, arn) = with_machine();
    let gpus = |count: &str| json!({"resourceRequirements": [{"type": "GPU", "value": count}]});
    container(&mut world, "one", gpus("1"));
    container(&mut world, "two", gpus("2"));
    assert_eq!(left(&mut world, &arn)[4], json!(["g1", "g2"]));
    let first = run(&mut world, "one").unwrap();
    assert_eq!(left(&mut world, &arn)[4], json!(["g2"]));
    assert_eq!(run(&mut world, "two"), Err("RESOURCE:GPU".to_owned()));
    run(&mut world, "one").unwrap();
    assert_eq!(run(&mut world, "one"), Err("RESOURCE:GPU".to_owned()));
    // Until it is over it has it, even if it is to stop.
    world.ok(StopTask, json!({"cluster": "blue", "task": first}));
    assert_eq!(run(&mut world, "one"), Err("RESOURCE:GPU".to_owned()));
    let id = first.rsplit('/').next().unwrap().to_owned();
    crate::fixture::change_task(&mut world, &id, |it| {
        it.task.last_status = Some("STOPPED".to_owned());
    });
    assert_eq!(left(&mut world, &arn)[4], json!(["g1"]));
    run(&mut world, "one").unwrap();
}

#[test]
fn a_task_takes_its_cpu_and_memory() {
    let (mut world, arn) = with_machine();
    assert_eq!(left(&mut world, &arn)[..2], [json!(8192), json!(8192)]);
    run(&mut world, "web").unwrap();
    assert_eq!(
        left(&mut world, &arn)[..2],
        [json!(8192 - 128), json!(8192 - 256)]
    );
    container(
        &mut world,
        "exact",
        json!({"cpu": 8192 - 128, "memory": 8192 - 256}),
    );
    container(&mut world, "cpu", json!({"cpu": 1, "memory": 0}));
    container(&mut world, "memory", json!({"cpu": 0, "memory": 1}));
    run(&mut world, "exact").unwrap();
    assert_eq!(left(&mut world, &arn)[..2], [json!(0), json!(0)]);
    assert_eq!(run(&mut world, "cpu"), Err("RESOURCE:CPU".to_owned()));
    assert_eq!(run(&mut world, "memory"), Err("RESOURCE:MEMORY".to_owned()));
}
