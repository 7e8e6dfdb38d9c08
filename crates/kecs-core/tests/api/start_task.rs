//! `StartTask`.

use kecs_core::record::ContainerInstance;
use kecs_model::Operation::{self, StartTask};
use serde_json::{Value, json};

use crate::fixture::{blue, define, ec2, fargate, instance_id, invalid, join, with};
use crate::world::World;

fn on(instances: Value) -> Value {
    json!({"cluster": "blue", "taskDefinition": "web:1", "containerInstances": instances})
}

fn change(world: &mut World, number: u32, change: impl FnOnce(&mut ContainerInstance)) {
    let key = world.scope().container_instance("blue", &instance_id(number));
    let mut instance: ContainerInstance = world.get(&key).unwrap();
    change(&mut instance);
    world.put(key, instance);
}

#[test]
fn start_task_starts_one_on_each_instance() {
    let mut world = blue();
    let one = join(&mut world, 1, 1024, 1024);
    let two = join(&mut world, 2, 1024, 1024);
    let request = with(
        on(json!([one, instance_id(2)])),
        json!({"startedBy": "me", "group": "mine"}),
    );
    let answer = world.ok(StartTask, request);
    assert_eq!(answer["failures"], json!([]));
    let tasks = answer["tasks"].as_array().unwrap();
    let places: Vec<&Value> = tasks.iter().map(|task| &task["containerInstanceArn"]).collect();
    assert_eq!(places, [&json!(one), &json!(two)]);
    assert!(
        tasks
            .iter()
            .all(|it| it["launchType"] == "EC2" && it["startedBy"] == "me" && it["group"] == "mine")
    );
    assert!(tasks.iter().all(|it| it["availabilityZone"] == "eu-west-1a"));
}

#[test]
fn start_task_tells_of_instances_that_are_missing_inactive_disconnected_or_full() {
    let mut world = blue();
    let full = join(&mut world, 1, 1024, 255);
    let gone = join(&mut world, 2, 1024, 1024);
    let lost = join(&mut world, 3, 1024, 1024);
    let well = join(&mut world, 4, 1024, 1024);
    change(&mut world, 2, |it| {
        it.instance.status = Some("INACTIVE".to_owned());
    });
    change(&mut world, 3, |it| {
        it.instance.agent_connected = Some(false);
    });
    let missing = world.arn(&format!("container-instance/blue/{}", instance_id(9)));
    let answer = world.ok(StartTask, on(json!([missing, full, gone, lost, well])));
    assert_eq!(
        answer["failures"],
        json!([
            {"arn": missing, "reason": "MISSING"}, {"arn": full, "reason": "RESOURCE:MEMORY"},
            {"arn": gone, "reason": "INACTIVE"}, {"arn": lost, "reason": "AGENT"},
        ])
    );
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(answer["tasks"][0]["containerInstanceArn"], json!(well));
}

#[test]
fn start_task_takes_a_fixed_port_once() {
    let mut world = blue();
    let containers = json!([{
        "name": "app", "image": "nginx", "cpu": 1, "memory": 10,
        "portMappings": [{"containerPort": 80, "hostPort": 8080}],
    }]);
    define(
        &mut world,
        with(
            ec2(),
            json!({"family": "fixed", "containerDefinitions": containers}),
        ),
    );
    let arn = join(&mut world, 1, 1024, 1024);
    let request = with(on(json!([arn])), json!({"taskDefinition": "fixed:1"}));
    assert_eq!(world.ok(StartTask, request.clone())["failures"], json!([]));
    let again = world.ok(StartTask, request);
    assert_eq!(
        again["failures"],
        json!([{"arn": arn, "reason": "RESOURCE:PORTS"}])
    );
    assert_eq!(again["tasks"], json!([]));
}

#[test]
fn start_task_refuses_no_instance_and_more_than_ten() {
    let mut world = blue();
    let (code, _) = world.refused(StartTask, on(json!([])));
    assert_eq!(code, "InvalidParameterException");
    let ids: Vec<String> = (1..=11).map(instance_id).collect();
    let (code, _) = world.refused(StartTask, on(json!(ids)));
    assert_eq!(code, "InvalidParameterException");
    let answer = world.ok(StartTask, on(json!(ids[..10])));
    assert_eq!(answer["failures"].as_array().unwrap().len(), 10);
    assert_eq!(
        world.refused(StartTask, on(json!(["short"]))),
        invalid("containerInstanceId length should be one of [32,36]")
    );
}

#[test]
fn start_task_refuses_what_it_cannot_run() {
    let mut world = blue();
    let arn = join(&mut world, 1, 1024, 1024);
    let more = |more: Value| with(on(json!([arn])), more);
    let (code, _) = world.refused(StartTask, more(json!({"taskDefinition": "none:1"})));
    assert_eq!(code, "ClientException");
    assert_eq!(
        world.refused(StartTask, more(json!({"taskDefinition": "lean:1"}))),
        invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    );
    define(
        &mut world,
        with(
            fargate(),
            json!({"family": "only", "compatibilities": ["FARGATE"]}),
        ),
    );
    assert_eq!(
        world.refused(StartTask, more(json!({"taskDefinition": "only:1"}))),
        invalid("Task definition does not support launch_type EC2.")
    );
    let (code, _) = world.refused(StartTask, more(json!({"cluster": "red"})));
    assert_eq!(code, "ClusterNotFoundException");
}

#[test]
fn start_task_outside_of_ec2_is_external() {
    let mut world = blue();
    let arn = join(&mut world, 1, 1024, 1024);
    change(&mut world, 1, |it| {
        it.instance.ec2_instance_id = Some("mi-0a1b".to_owned());
    });
    let answer = world.ok(StartTask, on(json!([arn])));
    assert_eq!(answer["tasks"][0]["launchType"], "EXTERNAL");
    let listed = world.ok(
        Operation::ListTasks,
        json!({"cluster": "blue", "launchType": "EXTERNAL"}),
    );
    assert_eq!(listed["taskArns"], json!([answer["tasks"][0]["taskArn"]]));
}

#[test]
fn start_task_gives_managed_tags_and_exec_where_they_are_asked_for() {
    let mut world = blue();
    let one = join(&mut world, 1, 4096, 4096);
    for asked in [true, false] {
        let more = json!({"enableECSManagedTags": asked, "enableExecuteCommand": asked});
        let answer = world.ok(StartTask, with(on(json!([one])), more));
        let task = &answer["tasks"][0];
        assert_eq!(task["enableExecuteCommand"], asked);
        assert_eq!(task["tags"].as_array().unwrap().len(), usize::from(asked));
    }
}

#[test]
fn start_task_makes_the_task_as_it_is_asked_to() {
    let mut world = blue();
    let one = join(&mut world, 1, 4096, 4096);
    let definition = json!({"family": "own", "networkMode": "awsvpc",
        "volumes": [{"name": "data", "configuredAtLaunch": true}]});
    define(&mut world, with(ec2(), definition));
    let ebs =
        json!([{"name": "data", "managedEBSVolume": {"sizeInGiB": 5, "roleArn": "arn:aws:iam::1:role/ebs"}}]);
    let vpc = json!({"awsvpcConfiguration": {"subnets": ["subnet-9"]}});
    let request = with(
        on(json!([one])),
        json!({
            "taskDefinition": "own:1", "networkConfiguration": vpc, "volumeConfigurations": ebs,
            "tags": [{"key": "team", "value": "red"}], "propagateTags": "TASK_DEFINITION", "startedBy": "", "group": "",
            "overrides": {"cpu": "64", "containerOverrides": [{"name": "app", "command": ["run"], "memory": 99}]},
        }),
    );
    let answer = world.ok(StartTask, request.clone());
    let task = &answer["tasks"][0];
    assert_eq!(task["tags"], json!([{"key": "team", "value": "red"}]));
    assert_eq!(
        task["attachments"][0]["details"][0],
        json!({"name": "subnetId", "value": "subnet-9"})
    );
    assert_eq!(
        task["overrides"]["containerOverrides"],
        json!([{"name": "app", "command": ["run"], "memory": 99}])
    );
    assert_eq!(
        (&task["cpu"], &task["group"]),
        (&json!("64"), &json!("family:own"))
    );
    assert_eq!(task.get("startedBy"), None);
    assert_eq!(
        world.refused(
            StartTask,
            with(request.clone(), json!({"volumeConfigurations": null}))
        ),
        invalid(
            "A volume configuration must be specified for the volume data, which is configured at launch."
        )
    );
    assert_eq!(
        world.refused(StartTask, with(request, json!({"propagateTags": "SERVICE"}))),
        invalid("Tags can be propagated from a service only to tasks of the service.")
    );
}

#[test]
fn start_task_gives_the_tags_of_its_definition_where_it_is_asked_to() {
    let mut world = blue();
    let one = join(&mut world, 1, 4096, 4096);
    let arn = world.arn("task-definition/web:1");
    let tagging = json!({"resourceArn": arn, "tags": [{"key": "from", "value": "definition"}]});
    world.ok(Operation::TagResource, tagging);
    for (propagate, tags) in [
        (
            json!("TASK_DEFINITION"),
            json!([{"key": "from", "value": "definition"}]),
        ),
        (json!("NONE"), json!([])),
        (Value::Null, json!([])),
    ] {
        let request = with(on(json!([one])), json!({"propagateTags": propagate}));
        assert_eq!(
            world.ok(StartTask, request)["tasks"][0]["tags"],
            tags,
            "{propagate}"
        );
        let request = json!({"cluster": "blue", "taskDefinition": "web:1", "propagateTags": propagate});
        assert_eq!(
            world.ok(Operation::RunTask, request)["tasks"][0]["tags"],
            tags,
            "{propagate}"
        );
    }
}

#[test]
fn start_task_rests_upon_the_instances_that_it_takes() {
    let mut world = blue();
    let one = join(&mut world, 1, 4096, 4096);
    for operation in [StartTask, Operation::RunTask] {
        let request = match operation {
            StartTask => on(json!([one])),
            _ => json!({"cluster": "blue", "taskDefinition": "web:1"}),
        };
        let before = world.ok(Operation::ListTasks, json!({"cluster": "blue"}))["taskArns"]
            .as_array()
            .unwrap()
            .len();
        world.ok(operation, request);
        let live = world
            .scope()
            .term_in("tasks", "blue")
            .and("live-on", &instance_id(1));
        let count = kecs_core::tx::Expect::Count(live, before as u64);
        assert!(world.expects.contains(&count), "{operation}: {:?}", world.expects);
    }
}
