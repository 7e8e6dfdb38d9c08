//! What the operations write is what the scheduler works on, and what it writes is what they show.

use kecs_core::record::{ContainerInstance, Task};
use kecs_core::tx::Expect;
use kecs_model::Operation::{self, DescribeServices};
use serde_json::{Value, json};

use crate::capacity_provider::group;
use crate::fixture::{blue, change_task, define, ec2, instance_id, join, serve, service, with, without};
use crate::world::World;

fn shown(world: &mut World) -> Value {
    let request = json!({"cluster": "blue", "services": ["web"]});
    world.ok(DescribeServices, request)["services"][0].clone()
}

/// The ids of the tasks of `web` that are to run.
fn running(world: &mut World) -> Vec<String> {
    let request = json!({"cluster": "blue", "serviceName": "web"});
    let listed = world.ok(Operation::ListTasks, request);
    let arns: Vec<String> = serde_json::from_value(listed["taskArns"].clone()).unwrap();
    arns.iter()
        .map(|arn| arn.rsplit('/').next().unwrap().to_owned())
        .collect()
}

/// Every task of `web` is as far as it is to go, in rounds of the scheduler until nothing changes.
fn settle(world: &mut World) {
    for _ in 0..20 {
        world.schedule("blue", "web");
        let now = world.now;
        for status in ["RUNNING", "STOPPED"] {
            let request = json!({"cluster": "blue", "serviceName": "web", "desiredStatus": status});
            let arns: Vec<String> =
                serde_json::from_value(world.ok(Operation::ListTasks, request)["taskArns"].clone()).unwrap();
            for arn in arns {
                change_task(world, arn.rsplit('/').next().unwrap(), |it: &mut Task| {
                    it.task.last_status = Some(status.to_owned());
                    let at = Some(now.into());
                    it.task.started_at = it.task.started_at.or(at);
                    it.task.stopped_at = at.filter(|_| status == "STOPPED");
                });
            }
        }
    }
}

#[test]
fn a_service_gets_its_tasks_and_is_complete() {
    let mut world = blue();
    join(&mut world, 1, 4096, 8192);
    let made = serve(
        &mut world,
        json!({"desiredCount": 3, "enableExecuteCommand": true}),
    );
    world.schedule("blue", "web");
    assert_eq!(shown(&mut world)["pendingCount"], 3);
    settle(&mut world);
    let service = shown(&mut world);
    assert_eq!(
        (&service["runningCount"], &service["pendingCount"]),
        (&json!(3), &json!(0))
    );
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(service["deployments"][0]["id"], made["deployments"][0]["id"]);
    let ids = running(&mut world);
    let described = world.ok(Operation::DescribeTasks, json!({"cluster": "blue", "tasks": ids}));
    for task in described["tasks"].as_array().unwrap() {
        assert_eq!(task["group"], "service:web");
        assert_eq!(task["startedBy"], made["deployments"][0]["id"]);
        assert_eq!(task["enableExecuteCommand"], true);
        assert_eq!(task["taskDefinitionArn"], made["taskDefinition"]);
        let container = &task["containers"][0];
        assert_eq!(
            (&container["name"], &container["cpu"]),
            (&json!("app"), &json!("128"))
        );
    }
    let arn = &made["currentServiceDeployment"];
    let deployment = world.ok(
        Operation::DescribeServiceDeployments,
        json!({"serviceDeploymentArns": [arn]}),
    );
    assert_eq!(deployment["serviceDeployments"][0]["status"], "SUCCESSFUL");
}

#[test]
fn who_places_a_task_rests_upon_what_the_instance_has() {
    let mut world = blue();
    join(&mut world, 1, 4096, 8192);
    let live_on = world
        .scope()
        .term_in("tasks", "blue")
        .and("live-on", &instance_id(1));
    let instance = world.scope().container_instance("blue", &instance_id(1));
    let run = json!({"cluster": "blue", "taskDefinition": "web:1", "launchType": "EC2", "count": 2});
    world.ok(Operation::RunTask, run);
    assert!(world.expects.contains(&Expect::Count(live_on.clone(), 0)));
    assert!(world.expects.contains(&Expect::Generation(instance.clone(), 1)));
    serve(&mut world, json!({}));
    world.schedule("blue", "web");
    assert!(world.expects.contains(&Expect::Count(live_on, 2)));
    assert!(world.expects.contains(&Expect::Generation(instance, 1)));
}

#[test]
fn a_service_of_a_capacity_provider_finds_its_instances() {
    let mut world = blue();
    world.ok(Operation::CreateCapacityProvider, group("mine", "one"));
    let providers =
        json!({"cluster": "blue", "capacityProviders": ["mine"], "defaultCapacityProviderStrategy": []});
    world.ok(Operation::PutClusterCapacityProviders, providers);
    let arn = join(&mut world, 1, 4096, 8192);
    let key = world.scope().container_instance("blue", &instance_id(1));
    let mut kept: ContainerInstance = world.get(&key).unwrap();
    kept.instance.capacity_provider_name = Some("mine".to_owned());
    world.put(key, kept);
    let strategy = json!([{"capacityProvider": "mine", "weight": 1}]);
    serve(&mut world, json!({"capacityProviderStrategy": strategy}));
    world.schedule("blue", "web");
    let ids = running(&mut world);
    let described = world.ok(Operation::DescribeTasks, json!({"cluster": "blue", "tasks": ids}));
    let task = &described["tasks"][0];
    assert_eq!(task["containerInstanceArn"], json!(arn));
    assert_eq!(task["capacityProviderName"], "mine");
}

#[test]
fn an_update_replaces_the_tasks() {
    let mut world = blue();
    join(&mut world, 1, 4096, 8192);
    define(&mut world, with(ec2(), json!({"revision": 2})));
    serve(&mut world, json!({"desiredCount": 2}));
    settle(&mut world);
    let before = running(&mut world);
    world.pass(60);
    let update = json!({"cluster": "blue", "service": "web", "taskDefinition": "web:2"});
    world.ok(Operation::UpdateService, update);
    settle(&mut world);
    let after = running(&mut world);
    assert_eq!(after.len(), 2);
    assert!(before.iter().all(|id| !after.contains(id)));
    let service = shown(&mut world);
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
    assert_eq!(
        service["taskDefinition"],
        json!(world.arn("task-definition/web:2"))
    );
}

#[test]
fn a_stopped_deployment_goes_back_to_the_revision_before_it() {
    let mut world = blue();
    join(&mut world, 1, 4096, 8192);
    define(&mut world, with(ec2(), json!({"revision": 2})));
    serve(&mut world, json!({"desiredCount": 1}));
    settle(&mut world);
    world.pass(60);
    let update = json!({"cluster": "blue", "service": "web", "taskDefinition": "web:2"});
    let updated = world.ok(Operation::UpdateService, update)["service"].clone();
    world.schedule("blue", "web");
    let arn = &updated["currentServiceDeployment"];
    world.ok(
        Operation::StopServiceDeployment,
        json!({"serviceDeploymentArn": arn}),
    );
    settle(&mut world);
    let service = shown(&mut world);
    assert_eq!(
        service["taskDefinition"],
        json!(world.arn("task-definition/web:1"))
    );
    let described = world.ok(
        Operation::DescribeServiceDeployments,
        json!({"serviceDeploymentArns": [arn]}),
    );
    assert_eq!(
        described["serviceDeployments"][0]["status"],
        "ROLLBACK_SUCCESSFUL"
    );
    // What is updated next starts from where it went back to.
    let again = json!({"cluster": "blue", "service": "web", "taskDefinition": "web:1"});
    let same = world.ok(Operation::UpdateService, again)["service"].clone();
    assert_eq!(same["deployments"].as_array().unwrap().len(), 1);
}

#[test]
fn a_deleted_service_ends_once_its_tasks_have() {
    let mut world = blue();
    join(&mut world, 1, 4096, 8192);
    serve(&mut world, json!({"desiredCount": 2}));
    settle(&mut world);
    let request = json!({"cluster": "blue", "service": "web", "force": true});
    world.ok(Operation::DeleteService, request);
    settle(&mut world);
    let service = shown(&mut world);
    assert_eq!(service["status"], "INACTIVE");
    assert_eq!(service["runningCount"], 0);
    // Its name is free again.
    let made = serve(&mut world, json!({"desiredCount": 1}));
    assert_eq!(made["status"], "ACTIVE");
}

#[test]
fn a_protected_task_survives_scaling_in() {
    let mut world = blue();
    join(&mut world, 1, 4096, 8192);
    serve(&mut world, json!({"desiredCount": 3}));
    settle(&mut world);
    let kept = running(&mut world)[1].clone();
    let protect = json!({"cluster": "blue", "tasks": [kept], "protectionEnabled": true});
    world.ok(Operation::UpdateTaskProtection, protect);
    let scale = json!({"cluster": "blue", "service": "web", "desiredCount": 1});
    world.ok(Operation::UpdateService, scale);
    settle(&mut world);
    assert_eq!(running(&mut world), [kept]);
}

#[test]
fn task_sets_have_their_share_of_the_tasks() {
    let mut world = blue();
    join(&mut world, 1, 4096, 8192);
    let external = json!({"deploymentController": {"type": "EXTERNAL"}, "desiredCount": 4});
    world.ok(
        Operation::CreateService,
        without(service(external), "taskDefinition"),
    );
    let set = json!({
        "cluster": "blue", "service": "web", "taskDefinition": "web:1", "scale": {"value": 50.0, "unit": "PERCENT"},
    });
    let set = world.ok(Operation::CreateTaskSet, set)["taskSet"].clone();
    settle(&mut world);
    let of = json!({"cluster": "blue", "service": "web"});
    let described = world.ok(Operation::DescribeTaskSets, of.clone())["taskSets"][0].clone();
    assert_eq!(described["id"], set["id"]);
    assert_eq!(
        (&described["runningCount"], &described["pendingCount"]),
        (&json!(2), &json!(0))
    );
    assert_eq!(described["stabilityStatus"], "STEADY_STATE");
    assert_eq!(shown(&mut world)["runningCount"], 2);
    let delete = with(of.clone(), json!({"taskSet": set["id"], "force": true}));
    world.ok(Operation::DeleteTaskSet, delete);
    settle(&mut world);
    assert_eq!(world.ok(Operation::DescribeTaskSets, of)["taskSets"], json!([]));
}
