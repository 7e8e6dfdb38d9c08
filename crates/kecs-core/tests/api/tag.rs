//! Tags.

use kecs_core::record::{self, Service};
use kecs_model::{Operation, types};
use serde_json::{Value, json};

use crate::fixture::{blue, invalid, serve, task_of};
use crate::world::World;

fn tags(world: &mut World, arn: &str) -> Value {
    world.ok(Operation::ListTagsForResource, json!({"resourceArn": arn}))["tags"].clone()
}

/// A resource of every kind that has tags, by ARN.
fn resources(world: &mut World) -> Vec<String> {
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    world.ok(
        Operation::CreateCapacityProvider,
        crate::capacity_provider::group("mine", "one"),
    );
    let arns: Vec<String> = [
        "cluster/blue",
        "capacity-provider/mine",
        "service/blue/web",
        "task/blue/0af3",
        "container-instance/blue/9b1c",
        "task-set/blue/web/ecs-svc/123",
        "task-definition/web:1",
    ]
    .map(|resource| world.arn(resource))
    .into();
    let cluster = Some(arns[0].clone());
    let service = types::Service {
        service_arn: Some(arns[2].clone()),
        cluster_arn: cluster.clone(),
        status: Some("ACTIVE".to_owned()),
        ..types::Service::default()
    };
    let key = world.scope().service("blue", "web");
    world.put(
        key,
        Service {
            service,
            ..Service::default()
        },
    );
    let task = types::Task {
        task_arn: Some(arns[3].clone()),
        cluster_arn: cluster,
        ..types::Task::default()
    };
    let key = world.scope().task("blue", "0af3");
    world.put(
        key,
        record::Task {
            task,
            ..record::Task::default()
        },
    );
    let instance = types::ContainerInstance {
        container_instance_arn: Some(arns[4].clone()),
        status: Some("ACTIVE".to_owned()),
        ..types::ContainerInstance::default()
    };
    let key = world.scope().container_instance("blue", "9b1c");
    world.put(
        key,
        record::ContainerInstance {
            instance,
            cluster: "blue".to_owned(),
        },
    );
    let task_set = types::TaskSet {
        task_set_arn: Some(arns[5].clone()),
        ..types::TaskSet::default()
    };
    let key = world.scope().task_set("blue", "web", "123");
    world.put(
        key,
        record::TaskSet {
            task_set,
            ..record::TaskSet::default()
        },
    );
    let key = world.scope().task_definition("web", 1);
    world.put(key, record::TaskDefinition::default());
    arns
}

#[test]
fn tag_resource_knows_every_kind_that_has_tags() {
    let mut world = World::new();
    for arn in resources(&mut world) {
        assert_eq!(tags(&mut world, &arn), json!([]), "{arn}");
        let two = json!([{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]);
        assert_eq!(
            world.ok(Operation::TagResource, json!({"resourceArn": arn, "tags": two})),
            json!({})
        );
        assert_eq!(tags(&mut world, &arn), two);
        let more = json!([{"key": "c", "value": ""}, {"key": "a", "value": "3"}]);
        world.ok(Operation::TagResource, json!({"resourceArn": arn, "tags": more}));
        assert_eq!(
            tags(&mut world, &arn),
            json!([{"key": "a", "value": "3"}, {"key": "b", "value": "2"}, {"key": "c", "value": ""}])
        );
        let input = json!({"resourceArn": arn, "tagKeys": ["a", "z", "c"]});
        assert_eq!(world.ok(Operation::UntagResource, input), json!({}));
        assert_eq!(tags(&mut world, &arn), json!([{"key": "b", "value": "2"}]));
        world.ok(
            Operation::UntagResource,
            json!({"resourceArn": arn, "tagKeys": ["b"]}),
        );
        assert_eq!(tags(&mut world, &arn), json!([]));
    }
}

#[test]
fn tag_resource_of_what_is_not_there_is_not_found() {
    let mut world = World::new();
    for (resource, code) in [
        ("cluster/blue", "ClusterNotFoundException"),
        ("service/blue/web", "ResourceNotFoundException"),
        ("task/blue/0af3", "ResourceNotFoundException"),
        ("task-definition/web:1", "ResourceNotFoundException"),
        ("task-definition/web", "ResourceNotFoundException"),
        ("task-definition/web:x", "ResourceNotFoundException"),
        ("capacity-provider/mine", "ResourceNotFoundException"),
        ("container-instance/blue/9b1c", "ResourceNotFoundException"),
        ("task-set/blue/web/ecs-svc/1", "ResourceNotFoundException"),
    ] {
        let arn = world.arn(resource);
        let tagging = json!({"resourceArn": arn, "tags": [{"key": "a", "value": "b"}]});
        assert_eq!(
            world.refused(Operation::TagResource, tagging).0,
            code,
            "{resource}"
        );
        let untagging = json!({"resourceArn": arn, "tagKeys": ["a"]});
        assert_eq!(
            world.refused(Operation::UntagResource, untagging).0,
            code,
            "{resource}"
        );
        // There is no other code for it there.
        let listed = if resource == "cluster/blue" {
            code
        } else {
            "InvalidParameterException"
        };
        assert_eq!(
            world
                .refused(Operation::ListTagsForResource, json!({"resourceArn": arn}))
                .0,
            listed,
            "{resource}"
        );
    }
}

#[test]
fn tag_resource_wants_long_arns_of_what_can_be_tagged() {
    let mut world = World::new();
    let mut refused = |arn: &str| world.refused(Operation::ListTagsForResource, json!({"resourceArn": arn}));
    let arn = |rest: &str| format!("arn:aws:ecs:eu-west-1:123456789012:{rest}");
    for short in ["service/web", "task/0af3", "container-instance/9b1c"] {
        assert_eq!(
            refused(&arn(short)),
            (
                "InvalidParameterException",
                "Long arn format must be used for tagging operations".to_owned()
            )
        );
    }
    assert_eq!(
        refused(&arn("attachment/1")),
        (
            "InvalidParameterException",
            "The specified ARN is not valid. Check the ARN and try again.".to_owned()
        )
    );
    assert_eq!(refused("blue").0, "InvalidParameterException");
    assert_eq!(
        refused("arn:aws:ecs:eu-west-1:999999999999:cluster/blue").1,
        "The specified ARN is not valid. Check the ARN and try again."
    );
}

#[test]
fn tag_resource_refuses_reserved_and_double_keys_and_too_many() {
    let mut world = World::new();
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    let arn = world.arn("cluster/blue");
    let many = |range: std::ops::Range<i32>| -> Value {
        range
            .map(|number| json!({"key": format!("k{number}"), "value": ""}))
            .collect()
    };
    let refused = |world: &mut World, tags: Value| {
        let (code, message) =
            world.refused(Operation::TagResource, json!({"resourceArn": arn, "tags": tags}));
        assert_eq!(code, "InvalidParameterException");
        message
    };
    for key in ["aws:team", "AWS:team", "Aws:"] {
        assert_eq!(
            refused(&mut world, json!([{"key": key, "value": "x"}])),
            "Tag keys and values cannot start with aws:."
        );
    }
    refused(&mut world, json!([{"key": "a", "value": "aws:x"}]));
    assert_eq!(
        refused(
            &mut world,
            json!([{"key": "a", "value": "1"}, {"key": "a", "value": "2"}])
        ),
        "Duplicate tag keys are not allowed."
    );
    world.ok(
        Operation::TagResource,
        json!({"resourceArn": arn, "tags": many(0..50)}),
    );
    assert_eq!(
        refused(&mut world, many(50..51)),
        "Tags can have at most 50 items."
    );
    world.ok(
        Operation::TagResource,
        json!({"resourceArn": arn, "tags": many(49..50)}),
    );
    assert_eq!(tags(&mut world, &arn).as_array().unwrap().len(), 50);
    let input = json!({"resourceArn": arn, "tagKeys": ["aws:x"]});
    assert_eq!(
        world.refused(Operation::UntagResource, input).0,
        "InvalidParameterException"
    );
}

#[test]
fn tag_resource_of_a_short_arn_is_refused_where_the_long_one_was_not_given_out() {
    let mut world = World::new();
    resources(&mut world);
    let key = world.scope().task("blue", "0af3");
    let mut task: record::Task = world.get(&key).unwrap();
    task.task.task_arn = Some(world.arn("task/0af3"));
    world.put(key, task);
    let arn = world.arn("task/blue/0af3");
    assert_eq!(
        world.refused(Operation::ListTagsForResource, json!({"resourceArn": arn})),
        (
            "InvalidParameterException",
            "The specified resource does not have the longArn format. Only resources created after opting in will \
             have the new format."
                .to_owned()
        )
    );
}

/// What is over has no tags to see or to change.
#[test]
fn tags_of_what_is_over_are_told_so() {
    let mut world = blue();
    serve(&mut world, json!({}));
    let service = world.arn("service/blue/web");
    task_of(&mut world, "web", "ecs-svc/1", 1, "STOPPED");
    let task = world.arn("task/blue/00000000000000000000000000000001");
    let delete = json!({"cluster": "blue", "service": "web", "force": true});
    world.ok(Operation::DeleteService, delete);
    let mut record = world
        .get::<Service>(&world.scope().service("blue", "web"))
        .unwrap();
    record.service.status = Some("INACTIVE".to_owned());
    world.put(world.scope().service("blue", "web"), record);
    world.ok(Operation::DeleteCluster, json!({"cluster": "blue"}));
    for (arn, message) in [
        (
            task,
            "The specified task is stopped. Specify a running task and try again.",
        ),
        (
            service,
            "The specified service is inactive. Specify an active service and try again.",
        ),
        (
            world.arn("cluster/blue"),
            "The specified cluster is inactive. Specify an active cluster and try again.",
        ),
    ] {
        let tagging = json!({"resourceArn": arn, "tags": [{"key": "a", "value": "b"}]});
        assert_eq!(world.refused(Operation::TagResource, tagging), invalid(message));
        let untagging = json!({"resourceArn": arn, "tagKeys": ["a"]});
        assert_eq!(
            world.refused(Operation::UntagResource, untagging),
            invalid(message)
        );
        let listing = json!({"resourceArn": arn});
        assert_eq!(
            world.refused(Operation::ListTagsForResource, listing),
            invalid(message)
        );
    }
}

#[test]
fn a_tag_has_a_value_even_if_it_is_empty() {
    let mut world = blue();
    let arn = world.arn("cluster/blue");
    let tagging = json!({"resourceArn": arn, "tags": [{"key": "a"}]});
    assert_eq!(
        world.refused(Operation::TagResource, tagging),
        invalid("Tag value can not be null.")
    );
}

#[test]
fn what_changes_no_tag_writes_nothing() {
    let mut world = World::new();
    let arns = resources(&mut world);
    for arn in arns {
        let tagging = json!({"resourceArn": arn, "tags": [{"key": "a", "value": "1"}]});
        let untagging = json!({"resourceArn": arn, "tagKeys": ["b"]});
        world.ok(Operation::TagResource, tagging.clone());
        let kept = world.revision();
        world.ok(Operation::TagResource, tagging);
        world.ok(Operation::UntagResource, untagging);
        assert_eq!(tags(&mut world, &arn), json!([{"key": "a", "value": "1"}]));
        assert_eq!(world.revision(), kept, "{arn}");
    }
}

#[test]
fn untag_resource_refuses_reserved_keys_among_others() {
    let mut world = World::new();
    let arn = resources(&mut world).remove(0);
    for keys in [json!(["aws:a"]), json!(["a", "AWS:b"]), json!(["aWs:b", "a"])] {
        let (code, message) = world.refused(
            Operation::UntagResource,
            json!({"resourceArn": arn, "tagKeys": keys}),
        );
        assert_eq!(
            (code, message.as_str()),
            (
                "InvalidParameterException",
                "Tag keys and values cannot start with aws:."
            ),
            "{keys}"
        );
    }
    world.ok(
        Operation::UntagResource,
        json!({"resourceArn": arn, "tagKeys": ["aws", "my:aws:x"]}),
    );
}
