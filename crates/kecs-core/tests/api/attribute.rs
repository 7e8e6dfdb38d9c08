//! Attributes of container instances.

use kecs_model::Operation;
use serde_json::{Value, json};

use crate::container_instance::{describe, join, machine, world};
use crate::world::World;

fn put(world: &mut World, attributes: impl Into<Value>) -> Value {
    let input = json!({"cluster": "blue", "attributes": attributes.into()});
    world.ok(Operation::PutAttributes, input)["attributes"].clone()
}

fn list(world: &mut World, more: Value) -> Vec<(String, String)> {
    let base = json!({"cluster": "blue", "targetType": "container-instance"});
    let answer = world.ok(Operation::ListAttributes, crate::fixture::with(base, more));
    pairs(&answer)
}

fn pairs(answer: &Value) -> Vec<(String, String)> {
    let text = |it: &Value, member: &str| it[member].as_str().unwrap_or_default().to_owned();
    let all = answer["attributes"].as_array().unwrap().iter();
    all.map(|it| (text(it, "targetId"), text(it, "name"))).collect()
}

#[test]
fn put_attributes_sets_and_replaces_them() {
    let mut world = world();
    let arn = join(&mut world, json!({"cluster": "blue"}));
    let id = arn.rsplit('/').next().unwrap();
    let answer = put(
        &mut world,
        json!([{"name": "stack", "value": "test", "targetType": "container-instance", "targetId": id},
            {"name": "rack", "targetId": arn}]),
    );
    assert_eq!(
        answer,
        json!([{"name": "stack", "value": "test", "targetId": arn}, {"name": "rack", "targetId": arn}])
    );
    put(
        &mut world,
        json!([{"name": "stack", "value": "prod", "targetId": arn}]),
    );
    assert_eq!(
        describe(&mut world, &arn)["attributes"],
        json!([{"name": "rack"}, {"name": "stack", "value": "prod"}])
    );
    assert_eq!(describe(&mut world, &arn)["version"], 4);
}

#[test]
fn put_attributes_beyond_ten_is_attribute_limit_exceeded() {
    let mut world = world();
    let arn = join(&mut world, machine());
    let of = |range: std::ops::Range<i32>| -> Value {
        range
            .map(|number| json!({"name": format!("a{number}"), "targetId": arn}))
            .collect()
    };
    put(&mut world, of(0..10));
    put(&mut world, of(9..10));
    assert_eq!(
        world.refused(
            Operation::PutAttributes,
            json!({"cluster": "blue", "attributes": of(10..11)})
        ),
        (
            "AttributeLimitExceededException",
            "You can apply up to 10 custom attributes for each resource.".to_owned()
        )
    );
}

#[test]
fn attributes_want_a_target_that_is_there() {
    let mut world = world();
    let gone = "0".repeat(32);
    let arn = join(&mut world, machine());
    for operation in [Operation::PutAttributes, Operation::DeleteAttributes] {
        let mut refused = |attribute: Value| {
            world.refused(operation, json!({"cluster": "blue", "attributes": [attribute]}))
        };
        assert_eq!(
            refused(json!({"name": "a", "targetId": gone})),
            (
                "TargetNotFoundException",
                "The specified target was not found.".to_owned()
            )
        );
        assert_eq!(
            refused(json!({"name": "a"})),
            (
                "InvalidParameterException",
                "Attribute target can not be blank.".to_owned()
            )
        );
        for name in ["ecs.instance-type", "com.amazonaws.ecs.capability.x"] {
            assert_eq!(
                refused(json!({"name": name, "targetId": arn})),
                (
                    "InvalidParameterException",
                    format!("The attribute {name} is set by the service and cannot be changed.")
                )
            );
        }
    }
    world.ok(
        Operation::DeregisterContainerInstance,
        json!({"cluster": "blue", "containerInstance": arn}),
    );
    let input = json!({"cluster": "blue", "attributes": [{"name": "a", "targetId": arn}]});
    assert_eq!(
        world.refused(Operation::PutAttributes, input).0,
        "TargetNotFoundException"
    );
}

#[test]
fn delete_attributes_answers_with_what_was_there() {
    let mut world = world();
    let arn = join(&mut world, json!({"cluster": "blue"}));
    put(
        &mut world,
        json!([{"name": "a", "value": "1", "targetId": arn}, {"name": "b", "targetId": arn}]),
    );
    let input = json!({"cluster": "blue",
        "attributes": [{"name": "a", "targetId": arn}, {"name": "c", "targetId": arn}]});
    let answer = world.ok(Operation::DeleteAttributes, input);
    assert_eq!(
        answer["attributes"],
        json!([{"name": "a", "value": "1", "targetId": arn}])
    );
    assert_eq!(describe(&mut world, &arn)["attributes"], json!([{"name": "b"}]));
}

#[test]
fn list_attributes_filters_by_name_and_value() {
    let mut world = world();
    let mut arns: Vec<String> = (0..2)
        .map(|_| join(&mut world, json!({"cluster": "blue"})))
        .collect();
    arns.sort();
    put(
        &mut world,
        json!([{"name": "stack", "value": "prod", "targetId": arns[0]}]),
    );
    put(
        &mut world,
        json!([{"name": "stack", "value": "test", "targetId": arns[1]}]),
    );
    put(
        &mut world,
        json!([{"name": "rack", "value": "prod", "targetId": arns[1]}]),
    );
    let pair = |arn: &String, name: &str| (arn.clone(), name.to_owned());
    let (zero, one) = (&arns[0], &arns[1]);
    assert_eq!(
        list(&mut world, json!({})),
        [pair(zero, "stack"), pair(one, "rack"), pair(one, "stack")]
    );
    let named = json!({"attributeName": "stack"});
    assert_eq!(list(&mut world, named), [pair(zero, "stack"), pair(one, "stack")]);
    let valued = json!({"attributeName": "stack", "attributeValue": "prod"});
    assert_eq!(list(&mut world, valued), [pair(zero, "stack")]);
    let input = json!({"cluster": "blue", "targetType": "container-instance", "attributeValue": "prod"});
    assert_eq!(
        world.refused(Operation::ListAttributes, input).0,
        "InvalidParameterException"
    );
}

#[test]
fn list_attributes_pages_through_instances_and_their_attributes() {
    let mut world = world();
    let mut expected = Vec::new();
    for number in 0..45 {
        let arn = join(&mut world, json!({"cluster": "blue"}));
        // One in three has none.
        for name in ["a/x", "a", "b"].into_iter().filter(|_| number % 3 != 0) {
            put(&mut world, json!([{"name": name, "targetId": arn}]));
            expected.push((arn.clone(), name.to_owned()));
        }
    }
    expected.sort();
    for size in [1, 2, 3, 7, 89, 90, 100] {
        let mut all = Vec::new();
        let mut token = Value::Null;
        loop {
            let input = json!({"cluster": "blue", "targetType": "container-instance", "maxResults": size,
                "nextToken": token});
            let page = world.ok(Operation::ListAttributes, input);
            all.extend(pairs(&page));
            token = page["nextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        assert_eq!(all, expected, "{size}");
    }
}

#[test]
fn delete_attributes_counts_what_goes_and_nothing_else() {
    let mut world = world();
    let arn = join(&mut world, machine());
    put(
        &mut world,
        json!([{"name": "a", "value": "1", "targetId": arn}, {"name": "b", "targetId": arn}]),
    );
    let mut version = |name: &str| {
        let attribute = json!({"name": name, "targetId": arn});
        let input = json!({"cluster": "blue", "attributes": [attribute]});
        let gone = world.ok(Operation::DeleteAttributes, input)["attributes"].clone();
        (gone, describe(&mut world, &arn)["version"].as_i64().unwrap())
    };
    let none = json!([]);
    assert_eq!(version("c"), (none.clone(), 3));
    assert_eq!(
        version("a"),
        (json!([{"name": "a", "value": "1", "targetId": arn}]), 4)
    );
    assert_eq!(version("a"), (none, 4));
}

#[test]
fn list_attributes_goes_on_within_an_instance_and_beyond_those_that_are_read_at_once() {
    let mut world = world();
    let mut expected = Vec::new();
    for _ in 0..25 {
        let arn = join(&mut world, json!({"cluster": "blue"}));
        put(
            &mut world,
            json!([{"name": "x/y", "targetId": arn}, {"name": "x", "targetId": arn}, {"name": "z", "targetId": arn}]),
        );
        expected.extend(["x", "x/y", "z"].map(|name| (arn.clone(), name.to_owned())));
    }
    expected.sort();
    for size in [1, 2, 20, 74, 75, 76] {
        let mut all = Vec::new();
        let mut pages = Vec::new();
        let mut token = Value::Null;
        loop {
            let input = json!({"cluster": "blue", "targetType": "container-instance", "maxResults": size,
                "nextToken": token});
            let (rows, page) = world.rows(Operation::ListAttributes, input);
            assert!(rows <= 20 + size, "{rows} instances for a page of {size}");
            let found = pairs(&page);
            pages.push(found.len());
            all.extend(found);
            token = page["nextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        assert_eq!(all, expected, "{size}");
        assert_eq!(pages.len(), 75_usize.div_ceil(size), "{pages:?}");
    }
}
