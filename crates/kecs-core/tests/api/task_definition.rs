//! Task definitions.

use kecs_core::record::Family;
use kecs_model::Operation;
use serde_json::{Value, json};

use crate::world::{USER, World};

mod end;
mod rules;

/// The least that can be registered: one container on a machine of one's own.
pub(crate) fn minimal(family: &str) -> Value {
    json!({"family": family, "containerDefinitions": [{"name": "app", "image": "nginx", "memory": 128}]})
}

/// The least that can be registered for Fargate.
pub(crate) fn fargate(family: &str) -> Value {
    json!({"family": family, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "256", "memory": "512", "containerDefinitions": [{"name": "app", "image": "nginx"}]})
}

pub(crate) fn register(world: &mut World, input: Value) -> Value {
    world.ok(Operation::RegisterTaskDefinition, input)["taskDefinition"].clone()
}

fn list(world: &mut World, filter: Value) -> Vec<String> {
    let answer = world.ok(Operation::ListTaskDefinitions, filter);
    names(&answer["taskDefinitionArns"])
}

/// What stands behind the last slash.
fn names(arns: &Value) -> Vec<String> {
    let name = |arn: &Value| arn.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    arns.as_array().unwrap().iter().map(name).collect()
}

fn families(world: &mut World, filter: Value) -> Vec<String> {
    names(&world.ok(Operation::ListTaskDefinitionFamilies, filter)["families"])
}

fn deregister(world: &mut World, named: &str) -> Value {
    let input = json!({"taskDefinition": named});
    world.ok(Operation::DeregisterTaskDefinition, input)["taskDefinition"].clone()
}

fn describe(world: &mut World, named: &str) -> Value {
    let input = json!({"taskDefinition": named});
    world.ok(Operation::DescribeTaskDefinition, input)["taskDefinition"].clone()
}

#[test]
fn register_task_definition_fills_in_what_is_not_said() {
    let mut world = World::new();
    let mut input = minimal("web");
    input["taskRoleArn"] = json!("");
    input["containerDefinitions"][0]["portMappings"] = json!([{"containerPort": 80}]);
    input["containerDefinitions"][0]["healthCheck"] = json!({"command": ["CMD", "true"]});
    input["volumes"] = json!([{"name": "data"}]);
    assert_eq!(
        world.ok(Operation::RegisterTaskDefinition, input),
        json!({"taskDefinition": {
            "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:1",
            "family": "web",
            "revision": 1,
            "status": "ACTIVE",
            "registeredAt": 1_795_262_400,
            "registeredBy": USER,
            "containerDefinitions": [{"name": "app", "image": "nginx", "memory": 128, "cpu": 0, "essential": true,
                "environment": [], "mountPoints": [], "volumesFrom": [], "systemControls": [],
                "portMappings": [{"containerPort": 80, "hostPort": 0, "protocol": "tcp"}],
                "healthCheck": {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3}}],
            "volumes": [{"name": "data", "host": {}}],
            "placementConstraints": [],
            "compatibilities": ["EXTERNAL", "EC2"],
            "requiresAttributes": [
                {"name": "com.amazonaws.ecs.capability.docker-remote-api.1.24"},
                {"name": "ecs.capability.container-health-check"}],
        }})
    );
}

#[test]
fn register_task_definition_for_fargate_is_compatible_with_it() {
    let mut world = World::new();
    let mut input = fargate("web");
    input["cpu"] = json!(".25 vCPU");
    input["memory"] = json!("0.5 GB");
    input["containerDefinitions"][0]["portMappings"] = json!([{"containerPort": 80, "protocol": "udp"}]);
    input["tags"] = json!([{"key": "a", "value": "b"}]);
    let answer = world.ok(Operation::RegisterTaskDefinition, input);
    let definition = &answer["taskDefinition"];
    assert_eq!(
        (&definition["cpu"], &definition["memory"]),
        (&json!("256"), &json!("512"))
    );
    assert_eq!(
        definition["compatibilities"],
        json!(["EC2", "FARGATE", "MANAGED_INSTANCES"])
    );
    assert_eq!(definition["requiresCompatibilities"], json!(["FARGATE"]));
    assert_eq!(
        definition["containerDefinitions"][0]["portMappings"],
        json!([{"containerPort": 80, "hostPort": 80, "protocol": "udp"}])
    );
    assert_eq!(
        definition["requiresAttributes"],
        json!([{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"}, {"name": "ecs.capability.task-eni"}])
    );
    assert_eq!(answer["tags"], json!([{"key": "a", "value": "b"}]));
}

#[test]
fn register_task_definition_counts_revisions_for_ever() {
    let mut world = World::new();
    for revision in 1..=3 {
        assert_eq!(register(&mut world, minimal("web"))["revision"], revision);
    }
    assert_eq!(register(&mut world, minimal("api"))["revision"], 1);
    for revision in 1..=3 {
        deregister(&mut world, &format!("web:{revision}"));
        let input = json!({"taskDefinitions": [format!("web:{revision}")]});
        world.ok(Operation::DeleteTaskDefinitions, input);
    }
    assert_eq!(register(&mut world, minimal("web"))["revision"], 4);
}

#[test]
fn register_task_definition_beyond_a_million_revisions_is_limit_exceeded() {
    let mut world = World::new();
    let key = world.scope().family("web");
    let family = Family {
        family: "web".to_owned(),
        last_revision: 999_999,
        active: 0,
        deleted: 0,
    };
    world.put(key, family);
    assert_eq!(register(&mut world, minimal("web"))["revision"], 1_000_000);
    assert_eq!(
        world.refused(Operation::RegisterTaskDefinition, minimal("web")),
        (
            "LimitExceededException",
            "The limit of revisions for the task definition family has been exceeded.".to_owned()
        )
    );
}

#[test]
fn register_task_definition_is_compatible_with_what_it_requires() {
    let mut world = World::new();
    let mut input = minimal("web");
    input["requiresCompatibilities"] = json!(["MANAGED_INSTANCES"]);
    assert_eq!(
        register(&mut world, input)["compatibilities"],
        json!(["EXTERNAL", "EC2", "MANAGED_INSTANCES"])
    );
}

#[test]
fn describe_task_definition_takes_the_newest_active_revision_of_a_family() {
    let mut world = World::new();
    for _ in 0..11 {
        register(&mut world, minimal("web"));
    }
    register(&mut world, minimal("web-api"));
    assert_eq!(describe(&mut world, "web")["revision"], 11);
    deregister(&mut world, "web:11");
    assert_eq!(describe(&mut world, "web")["revision"], 10);
    assert_eq!(describe(&mut world, "web:11")["status"], "INACTIVE");
    let arn = world.arn("task-definition/web:3");
    assert_eq!(describe(&mut world, &arn)["revision"], 3);
    let arn = world.arn("task-definition/web");
    assert_eq!(describe(&mut world, &arn)["revision"], 10);
}

#[test]
fn describe_task_definition_shows_tags_where_they_are_asked_for() {
    let mut world = World::new();
    let mut input = minimal("web");
    input["tags"] = json!([{"key": "a", "value": "b"}]);
    register(&mut world, input);
    let input = json!({"taskDefinition": "web:1", "include": ["TAGS"]});
    let answer = world.ok(Operation::DescribeTaskDefinition, input);
    assert_eq!(answer["tags"], json!([{"key": "a", "value": "b"}]));
    let answer = world.ok(
        Operation::DescribeTaskDefinition,
        json!({"taskDefinition": "web:1"}),
    );
    assert_eq!(answer["tags"], json!([]));
}

#[test]
fn describe_task_definition_of_what_is_not_there_is_client_exception() {
    let mut world = World::new();
    register(&mut world, minimal("web"));
    deregister(&mut world, "web:1");
    let unable = (
        "ClientException",
        "Unable to describe task definition.".to_owned(),
    );
    for named in ["web", "web:2", "api", "api:1"] {
        let input = json!({"taskDefinition": named});
        assert_eq!(
            world.refused(Operation::DescribeTaskDefinition, input),
            unable,
            "{named}"
        );
    }
    for revision in ["foo", "0", "-1", "+1", "", "1:2", "99999999999"] {
        let input = json!({"taskDefinition": format!("web:{revision}")});
        assert_eq!(
            world.refused(Operation::DescribeTaskDefinition, input),
            (
                "InvalidParameterException",
                format!("Invalid revision number. Number: {revision}")
            )
        );
    }
    let other = world.arn("cluster/web");
    assert_eq!(
        world.refused(
            Operation::DescribeTaskDefinition,
            json!({"taskDefinition": other})
        ),
        (
            "InvalidParameterException",
            "Invalid identifier: Unsupported resource type: cluster".to_owned()
        )
    );
}

#[test]
fn deregister_task_definition_is_of_one_revision_and_can_be_said_twice() {
    let mut world = World::new();
    register(&mut world, minimal("web"));
    world.pass(60);
    let first = deregister(&mut world, "web:1");
    // When it was is told by those that come after.
    assert_eq!(
        (&first["status"], &first["deregisteredAt"]),
        (&json!("INACTIVE"), &Value::Null)
    );
    world.pass(60);
    let mut second = deregister(&mut world, "web:1");
    assert_eq!(second["deregisteredAt"], json!(1_795_262_460));
    second.as_object_mut().unwrap().remove("deregisteredAt");
    assert_eq!(second, first);
    assert_eq!(families(&mut world, json!({"status": "INACTIVE"})), ["web"]);
    assert_eq!(
        world.refused(
            Operation::DeregisterTaskDefinition,
            json!({"taskDefinition": "web"})
        ),
        ("InvalidParameterException", "Revision is missing".to_owned())
    );
    assert_eq!(
        world.refused(Operation::DeregisterTaskDefinition, json!({"taskDefinition": "web:2"})),
        (
            "ClientException",
            "The specified task definition does not exist. Specify a valid account, family, revision and try again."
                .to_owned()
        )
    );
}

#[test]
fn delete_task_definitions_takes_inactive_ones_and_tells_of_the_others() {
    let mut world = World::new();
    for _ in 0..2 {
        register(&mut world, minimal("web"));
    }
    deregister(&mut world, "web:1");
    let arn = world.arn("task-definition/web:1");
    let world_arn = world.arn("cluster/web");
    let invalid =
        "The specified task definition identifier is invalid. Specify a valid name or ARN and try again.";
    let answer = world.ok(
        Operation::DeleteTaskDefinitions,
        json!({"taskDefinitions": [arn, "web:2", "web:3", "web", "web:x", world_arn]}),
    );
    let deleted = answer["taskDefinitions"].as_array().unwrap();
    assert_eq!(deleted.len(), 1);
    assert_eq!(deleted[0]["status"], "DELETE_IN_PROGRESS");
    assert_eq!(deleted[0]["deleteRequestedAt"], 1_795_262_400);
    assert_eq!(
        answer["failures"],
        json!([
            {"arn": "web:2",
                "reason": "The specified task definition is still in ACTIVE status. Please deregister the target and \
                    try again."},
            {"arn": "web:3",
                "reason": "The specified task definition does not exist. Specify a valid account, family, revision and \
                    try again."},
            {"arn": "web", "reason": invalid},
            {"arn": "web:x", "reason": invalid},
            {"arn": world_arn, "reason": invalid}
        ])
    );
    assert_eq!(
        list(&mut world, json!({"status": "DELETE_IN_PROGRESS"})),
        ["web:1"]
    );
    assert!(list(&mut world, json!({"status": "INACTIVE"})).is_empty());
    let again = world.ok(
        Operation::DeleteTaskDefinitions,
        json!({"taskDefinitions": ["web:1"]}),
    );
    assert_eq!(again["taskDefinitions"][0]["status"], "DELETE_IN_PROGRESS");
    assert_eq!(
        world.refused(
            Operation::DeregisterTaskDefinition,
            json!({"taskDefinition": "web:1"})
        ),
        (
            "ClientException",
            "The task definition could not be deregistered because it is in the process of being deleted."
                .to_owned()
        )
    );
}

#[test]
fn list_task_definitions_orders_by_family_and_number() {
    let mut world = World::new();
    for _ in 0..10 {
        register(&mut world, minimal("web"));
    }
    register(&mut world, minimal("web-api"));
    register(&mut world, minimal("api"));
    deregister(&mut world, "web:5");
    let all = list(&mut world, json!({}));
    let expected = [
        "api:1",
        "web:1",
        "web:2",
        "web:3",
        "web:4",
        "web:6",
        "web:7",
        "web:8",
        "web:9",
        "web:10",
        "web-api:1",
    ];
    assert_eq!(all, expected);
    let mut backwards = list(&mut world, json!({"sort": "DESC"}));
    backwards.reverse();
    assert_eq!(backwards, expected);
    assert_eq!(list(&mut world, json!({"status": "INACTIVE"})), ["web:5"]);
    assert_eq!(
        list(&mut world, json!({"familyPrefix": "web-api"})),
        ["web-api:1"]
    );
    // It is the whole name of a family, whatever it is called.
    assert!(list(&mut world, json!({"familyPrefix": "we"})).is_empty());
    assert_eq!(
        list(
            &mut world,
            json!({"familyPrefix": "web", "sort": "DESC", "maxResults": 2})
        ),
        ["web:10", "web:9"]
    );
    let first = world.ok(
        Operation::ListTaskDefinitions,
        json!({"familyPrefix": "web", "sort": "DESC", "maxResults": 4}),
    );
    let input = json!({"familyPrefix": "web", "sort": "DESC", "nextToken": first["nextToken"]});
    assert_eq!(
        list(&mut world, input),
        ["web:6", "web:4", "web:3", "web:2", "web:1"]
    );
    let turned = json!({"familyPrefix": "web", "sort": "ASC", "nextToken": first["nextToken"]});
    assert_eq!(
        world.refused(Operation::ListTaskDefinitions, turned).0,
        "InvalidParameterException"
    );
}

#[test]
fn list_task_definition_families_goes_by_prefix_and_status() {
    let mut world = World::new();
    for family in ["web", "hpcc", "hpcc-c4", "hpc", "hpcd", "Hpcc", "_x", "-y"] {
        register(&mut world, minimal(family));
    }
    deregister(&mut world, "hpcc-c4:1");
    let all = ["-y", "Hpcc", "_x", "hpc", "hpcc", "hpcc-c4", "hpcd", "web"];
    assert_eq!(families(&mut world, json!({})), all);
    assert_eq!(families(&mut world, json!({"status": "ALL"})), all);
    assert_eq!(
        families(&mut world, json!({"familyPrefix": "hpcc"})),
        ["hpcc", "hpcc-c4"]
    );
    assert_eq!(
        families(&mut world, json!({"familyPrefix": "hpcc", "status": "ACTIVE"})),
        ["hpcc"]
    );
    assert_eq!(
        families(&mut world, json!({"familyPrefix": "hpcc", "status": "INACTIVE"})),
        ["hpcc-c4"]
    );
    assert_eq!(families(&mut world, json!({"familyPrefix": "-"})), ["-y"]);
    assert_eq!(families(&mut world, json!({"familyPrefix": "_"})), ["_x"]);
    assert!(families(&mut world, json!({"familyPrefix": "hpccx"})).is_empty());
    assert_eq!(
        world.refused(
            Operation::ListTaskDefinitionFamilies,
            json!({"familyPrefix": "h c"})
        ),
        (
            "ClientException",
            "Family prefix contains invalid characters.".to_owned()
        )
    );
    let mut paged = Vec::new();
    let mut token = Value::Null;
    loop {
        let input = json!({"familyPrefix": "hpc", "maxResults": 1, "nextToken": token});
        let page = world.ok(Operation::ListTaskDefinitionFamilies, input);
        paged.extend(names(&page["families"]));
        token = page["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(paged, ["hpc", "hpcc", "hpcc-c4", "hpcd"]);
}
