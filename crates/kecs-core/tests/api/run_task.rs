//! `RunTask`.

use kecs_core::record;
use kecs_model::Operation::{self, RunTask};
use serde_json::{Value, json};

use crate::fixture::{blue, define, fargate, invalid, join, network, with, without};
use crate::world::World;

mod platform;
mod rules;

fn lean(more: Value) -> Value {
    with(
        json!({
            "cluster": "blue", "taskDefinition": "lean:1", "launchType": "FARGATE", "networkConfiguration": network(),
        }),
        more,
    )
}

fn web(more: Value) -> Value {
    with(json!({"cluster": "blue", "taskDefinition": "web:1"}), more)
}

#[test]
fn run_task_on_fargate_answers_with_the_task() {
    let mut world = blue();
    let answer = world.ok(RunTask, lean(json!({})));
    assert_eq!(answer["failures"], json!([]));
    let task = &answer["tasks"][0];
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(task["lastStatus"], "PROVISIONING");
    assert_eq!(task["desiredStatus"], "RUNNING");
    assert_eq!(task["launchType"], "FARGATE");
    assert_eq!(task["platformVersion"], "1.4.0");
    assert_eq!(task["platformFamily"], "Linux");
    assert_eq!(task["group"], "family:lean");
    assert_eq!(task["version"], 1);
    assert_eq!(task["cpu"], "256");
    assert_eq!(task["memory"], "512");
    assert_eq!(task["availabilityZone"], "eu-west-1a");
    assert_eq!(task["clusterArn"], json!(world.arn("cluster/blue")));
    assert_eq!(
        task["taskDefinitionArn"],
        json!(world.arn("task-definition/lean:1"))
    );
    assert_eq!(task["attachments"][0]["type"], "ElasticNetworkInterface");
    assert_eq!(
        task["attachments"][0]["details"][0],
        json!({"name": "subnetId", "value": "subnet-1"})
    );
    assert_eq!(task["overrides"]["containerOverrides"], json!([{"name": "app"}]));
    assert_eq!(task["tags"], json!([]));
    let arn = task["taskArn"].as_str().unwrap();
    let id = arn.strip_prefix(&world.arn("task/blue/")).unwrap();
    assert_eq!(id.len(), 32);
    let kept: record::Task = world.get(&world.scope().task("blue", id)).unwrap();
    assert_eq!(kept.task.task_arn.as_deref(), Some(arn));
    assert_eq!(kept.service, None);
}

#[test]
fn run_task_starts_up_to_ten_and_spreads_them_over_the_subnets() {
    let mut world = blue();
    let answer = world.ok(
        RunTask,
        lean(json!({"count": 10, "startedBy": "nightly", "group": "batch"})),
    );
    let tasks = answer["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 10);
    let within = |zone: &str| tasks.iter().filter(|it| it["availabilityZone"] == zone).count();
    assert_eq!((within("eu-west-1a"), within("eu-west-1b")), (5, 5));
    assert!(
        tasks
            .iter()
            .all(|it| it["startedBy"] == "nightly" && it["group"] == "batch")
    );
    for count in [0, 11] {
        let (code, _) = world.refused(RunTask, lean(json!({"count": count})));
        assert_eq!(code, "InvalidParameterException", "{count}");
    }
}

#[test]
fn run_task_takes_the_newest_active_revision_of_a_family() {
    let mut world = blue();
    define(&mut world, with(fargate(), json!({"revision": 2})));
    define(
        &mut world,
        with(fargate(), json!({"revision": 3, "status": "INACTIVE"})),
    );
    let answer = world.ok(RunTask, lean(json!({"taskDefinition": "lean"})));
    let newest = world.arn("task-definition/lean:2");
    assert_eq!(answer["tasks"][0]["taskDefinitionArn"], json!(newest));
    let answer = world.ok(RunTask, lean(json!({"taskDefinition": newest})));
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 1);
    let (_, message) = world.refused(RunTask, lean(json!({"taskDefinition": "lean:3"})));
    assert_eq!(message, "TaskDefinition is inactive");
    let (code, message) = world.refused(RunTask, lean(json!({"taskDefinition": "none"})));
    assert_eq!(
        (code, message.as_str()),
        ("ClientException", "TaskDefinition not found.")
    );
}

#[test]
fn run_task_refuses_a_cluster_that_is_not_there_or_inactive() {
    let mut world = blue();
    let not_found = ("ClusterNotFoundException", "Cluster not found.".to_owned());
    assert_eq!(
        world.refused(RunTask, without(lean(json!({})), "cluster")),
        not_found
    );
    assert_eq!(world.refused(RunTask, lean(json!({"cluster": "red"}))), not_found);
    world.ok(Operation::DeleteCluster, json!({"cluster": "blue"}));
    let inactive = (
        "ClusterNotFoundException",
        "The referenced cluster was inactive.".to_owned(),
    );
    assert_eq!(world.refused(RunTask, lean(json!({}))), inactive);
}

#[test]
fn run_task_with_the_same_client_token_starts_nothing_more() {
    let mut world = blue();
    let request = lean(json!({"clientToken": "once", "count": 2}));
    let first = world.ok(RunTask, request.clone());
    let second = world.ok(RunTask, request);
    assert_eq!(second, first);
    let listed = world.ok(Operation::ListTasks, json!({"cluster": "blue"}));
    assert_eq!(listed["taskArns"].as_array().unwrap().len(), 2);
}

#[test]
fn run_task_with_another_request_under_a_client_token_is_a_conflict() {
    let mut world = blue();
    let first = world.ok(RunTask, lean(json!({"clientToken": "once"})));
    let refusal = world
        .answer(RunTask, lean(json!({"clientToken": "once", "count": 2})))
        .unwrap_err();
    assert_eq!(refusal.code.name(), "ConflictException");
    assert_eq!(
        refusal.message,
        "The RunTask request could not be processed due to conflicts. The provided clientToken is already in use with a \
         different request."
    );
    assert_eq!(
        refusal.members["resourceIds"],
        json!([first["tasks"][0]["taskArn"]])
    );
    world.pass(24 * 3600);
    let later = world.ok(RunTask, lean(json!({"clientToken": "once", "count": 2})));
    assert_eq!(later["tasks"].as_array().unwrap().len(), 2);
}

#[test]
fn run_task_with_short_arns_has_no_cluster_in_them_and_no_tags() {
    let mut world = blue();
    world.ok(
        Operation::PutAccountSetting,
        json!({"name": "taskLongArnFormat", "value": "disabled"}),
    );
    let answer = world.ok(RunTask, lean(json!({})));
    let task = &answer["tasks"][0];
    let arn = task["taskArn"].as_str().unwrap();
    let id = arn.strip_prefix(&world.arn("task/")).unwrap();
    assert_eq!(id.len(), 32);
    assert_eq!(task["containers"][0]["taskArn"], json!(arn));
    let described = world.ok(
        Operation::DescribeTasks,
        json!({"cluster": "blue", "tasks": [arn]}),
    );
    assert_eq!(described["tasks"][0]["taskArn"], json!(arn));
    let (_, message) = world.refused(RunTask, lean(json!({"tags": [{"key": "a", "value": "b"}]})));
    assert!(
        message.starts_with("The new ARN and resource ID format must be enabled"),
        "{message}"
    );
}

#[test]
fn run_task_on_ec2_without_instances_is_refused() {
    let mut world = blue();
    assert_eq!(
        world.refused(RunTask, web(json!({}))),
        invalid("No Container Instances were found in your cluster.")
    );
}

#[test]
fn run_task_on_ec2_places_until_there_is_no_room() {
    let mut world = blue();
    let arn = join(&mut world, 1, 300, 4096);
    let answer = world.ok(RunTask, web(json!({"count": 3})));
    let tasks = answer["tasks"].as_array().unwrap();
    assert_eq!(tasks.len(), 2);
    assert!(tasks.iter().all(|it| it["containerInstanceArn"] == json!(arn)));
    assert!(
        tasks
            .iter()
            .all(|it| it["lastStatus"] == "PENDING" && it["launchType"] == "EC2")
    );
    assert_eq!(
        answer["failures"],
        json!([{"arn": arn, "reason": "RESOURCE:CPU"}])
    );
    // What runs is counted the next time.
    let answer = world.ok(RunTask, web(json!({})));
    assert_eq!(answer["tasks"], json!([]));
    assert_eq!(
        answer["failures"],
        json!([{"arn": arn, "reason": "RESOURCE:CPU"}])
    );
}

#[test]
fn run_task_with_nothing_placed_does_not_use_its_token_up() {
    let mut world = blue();
    join(&mut world, 1, 100, 4096);
    let request = web(json!({"clientToken": "again"}));
    assert_eq!(world.ok(RunTask, request.clone())["tasks"], json!([]));
    join(&mut world, 2, 200, 4096);
    assert_eq!(world.ok(RunTask, request)["tasks"].as_array().unwrap().len(), 1);
}

#[test]
fn run_task_through_a_provider_without_instances_is_a_failure() {
    let mut world = blue();
    let provider = json!({
        "name": "asg",
        "autoScalingGroupProvider": {
            "autoScalingGroupArn":
                "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:uuid:autoScalingGroupName/asg",
        },
    });
    world.ok(Operation::CreateCapacityProvider, provider);
    let put = json!({"cluster": "blue", "capacityProviders": ["asg"], "defaultCapacityProviderStrategy": []});
    world.ok(Operation::PutClusterCapacityProviders, put);
    let strategy = json!({"capacityProviderStrategy": [{"capacityProvider": "asg", "weight": 1}]});
    let answer = world.ok(RunTask, web(strategy));
    let arn = world.arn("capacity-provider/asg");
    assert_eq!(answer["tasks"], json!([]));
    assert_eq!(
        answer["failures"],
        json!([{"arn": arn, "reason": "EMPTY CAPACITY PROVIDER"}])
    );
}

#[test]
fn run_task_configures_the_volumes_that_are_configured_at_launch() {
    let mut world = blue();
    define(
        &mut world,
        with(
            fargate(),
            json!({"family": "disk", "volumes": [{"name": "data", "configuredAtLaunch": true}]}),
        ),
    );
    let of = |volumes: Value| lean(json!({"taskDefinition": "disk:1", "volumeConfigurations": volumes}));
    let ebs = |name: &str| json!([{"name": name, "managedEBSVolume": {"sizeInGiB": 5, "roleArn": "arn:aws:iam::123456789012:role/ebs"}}]);
    world.ok(RunTask, of(ebs("data")));
    assert_eq!(
        world.refused(RunTask, of(ebs("other"))),
        invalid(
            "The volume name 'other' in your request does not have a matching volume in your Task Definition that is \
             configurable at launch."
        )
    );
    assert_eq!(
        world.refused(RunTask, lean(json!({"volumeConfigurations": ebs("data")}))),
        invalid(
            "Volume configuration provided but no matching configuredAtLaunch volume found in task definition."
        )
    );
    assert_eq!(
        world.refused(RunTask, of(json!([]))),
        invalid(
            "A volume configuration must be specified for the volume data, which is configured at launch."
        )
    );
}

/// Who runs tasks in a cluster that is being deleted.
#[test]
fn run_task_and_delete_cluster_do_not_both_succeed() {
    let mut world: World = blue();
    world.ok(RunTask, lean(json!({})));
    let (code, _) = world.refused(Operation::DeleteCluster, json!({"cluster": "blue"}));
    assert_eq!(code, "ClusterContainsTasksException");
}

#[test]
fn run_task_starts_one_to_ten() {
    let mut world = blue();
    for count in [0, 11] {
        assert_eq!(
            world.refused(RunTask, lean(json!({"count": count}))),
            invalid("count must be between 1 and 10.")
        );
    }
    let answer = world.ok(RunTask, lean(json!({"count": 10})));
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 10);
}
