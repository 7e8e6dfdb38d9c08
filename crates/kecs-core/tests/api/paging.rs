//! Pages of lists.

use kecs_model::Operation;
use serde_json::{Value, json};

use crate::world::World;

fn world(clusters: usize) -> World {
    let mut world = World::new();
    for number in 0..clusters {
        let input = json!({"clusterName": format!("c{number:03}")});
        world.ok(Operation::CreateCluster, input);
    }
    world
}

fn names(page: &Value) -> Vec<String> {
    let arns = page["clusterArns"].as_array().unwrap();
    let name = |arn: &Value| arn.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    arns.iter().map(name).collect()
}

fn page(world: &mut World, size: usize, token: &Value) -> Value {
    let input = json!({"maxResults": size, "nextToken": token});
    world.ok(Operation::ListClusters, input)
}

#[test]
fn a_list_is_whole_and_each_is_in_it_once() {
    for count in [0, 1, 2, 3, 4, 6, 7] {
        let mut world = world(count);
        let mut all = Vec::new();
        let mut pages = 0;
        let mut token = Value::Null;
        loop {
            let page = page(&mut world, 3, &token);
            pages += 1;
            all.extend(names(&page));
            token = page["nextToken"].clone();
            if token.is_null() {
                break;
            }
        }
        let expected: Vec<String> = (0..count).map(|number| format!("c{number:03}")).collect();
        assert_eq!(all, expected);
        assert_eq!(
            pages,
            count.div_ceil(3).max(1),
            "no page is empty that is not the only one"
        );
    }
}

#[test]
fn a_list_has_a_hundred_on_a_page_where_nothing_is_said() {
    let mut world = world(101);
    let first = world.ok(Operation::ListClusters, json!({}));
    assert_eq!(names(&first).len(), 100);
    let last = world.ok(Operation::ListClusters, json!({"nextToken": first["nextToken"]}));
    assert_eq!(names(&last), ["c100"]);
    assert_eq!(last.get("nextToken"), None);
}

#[test]
fn a_list_goes_on_where_it_was_while_others_come_and_go() {
    let mut world = world(6);
    let first = page(&mut world, 2, &Value::Null);
    assert_eq!(names(&first), ["c000", "c001"]);
    // The one that the token names goes, one comes before it and one behind it.
    world.ok(Operation::DeleteCluster, json!({"cluster": "c001"}));
    world.ok(Operation::CreateCluster, json!({"clusterName": "b"}));
    world.ok(Operation::CreateCluster, json!({"clusterName": "c002a"}));
    let second = page(&mut world, 2, &first["nextToken"]);
    assert_eq!(names(&second), ["c002", "c002a"]);
    let third = page(&mut world, 9, &second["nextToken"]);
    assert_eq!(names(&third), ["c003", "c004", "c005"]);
    assert_eq!(third.get("nextToken"), None);
}

#[test]
fn a_token_that_was_tampered_with_is_invalid_parameter() {
    let mut world = world(3);
    let token = page(&mut world, 1, &Value::Null)["nextToken"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut wrong = vec![
        "x".to_owned(),
        "!".to_owned(),
        "A".repeat(5000),
        format!("{token}A"),
    ];
    for at in 0..token.len() {
        let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        let mut tampered = token.clone();
        tampered.replace_range(at..=at, other);
        wrong.push(tampered);
    }
    for token in wrong {
        let input = json!({"maxResults": 1, "nextToken": token});
        let (code, message) = world.refused(Operation::ListClusters, input);
        assert_eq!(
            (code, message),
            ("InvalidParameterException", format!("Invalid token {token}"))
        );
    }
}

#[test]
fn a_token_is_of_its_own_filters_and_its_own_operation() {
    let mut world = world(3);
    let token = page(&mut world, 1, &Value::Null)["nextToken"].clone();
    // Another size is no other filter.
    assert_eq!(names(&page(&mut world, 2, &token)), ["c001", "c002"]);
    let (code, message) = world.refused(Operation::DescribeCapacityProviders, json!({"nextToken": token}));
    assert_eq!(
        (code, message.starts_with("Invalid token ")),
        ("InvalidParameterException", true)
    );
    let first = world.ok(
        Operation::ListAccountSettings,
        json!({"effectiveSettings": true, "maxResults": 1}),
    );
    let input = json!({"effectiveSettings": false, "nextToken": first["nextToken"]});
    let (code, message) = world.refused(Operation::ListAccountSettings, input);
    assert_eq!(
        (code, message.starts_with("Invalid token ")),
        ("InvalidParameterException", true)
    );
}

/// The records that each page of a list is read from.
fn rows(world: &mut World, operation: Operation, filters: &Value) -> Vec<usize> {
    let mut all = Vec::new();
    let mut token = Value::Null;
    loop {
        let mut input = filters.clone();
        input["nextToken"] = token;
        let (rows, page) = world.rows(operation, input);
        all.push(rows);
        token = page["nextToken"].clone();
        if token.is_null() {
            return all;
        }
    }
}

#[test]
fn every_page_is_read_from_no_more_than_it_shows_and_one() {
    let mut world = world(25);
    for number in 0..25 {
        let definition = crate::task_definition::minimal(&format!("f{number:02}"));
        world.ok(Operation::RegisterTaskDefinition, definition);
    }
    for (operation, filters) in [
        (Operation::ListClusters, json!({"maxResults": 10})),
        (Operation::ListTaskDefinitions, json!({"maxResults": 10})),
        (
            Operation::ListTaskDefinitions,
            json!({"maxResults": 10, "sort": "DESC"}),
        ),
        (Operation::ListTaskDefinitionFamilies, json!({"maxResults": 10})),
        (
            Operation::ListTaskDefinitionFamilies,
            json!({"maxResults": 10, "familyPrefix": "f"}),
        ),
    ] {
        assert_eq!(rows(&mut world, operation, &filters), [11, 11, 5], "{operation}");
    }
    // What begins otherwise is not read, but for the one that ends the list.
    let filters = json!({"maxResults": 10, "familyPrefix": "f1"});
    assert_eq!(
        rows(&mut world, Operation::ListTaskDefinitionFamilies, &filters),
        [11]
    );
}

/// A world with services of `blue`, of which these are ACTIVE and the others are on their way out.
fn services(active: impl Fn(usize) -> bool, count: usize) -> World {
    let mut world = world(0);
    world.ok(Operation::CreateCluster, json!({"clusterName": "blue"}));
    for number in 0..count {
        let name = format!("s{number:03}");
        let status = if active(number) { "ACTIVE" } else { "DRAINING" };
        let service = json!({"serviceArn": world.arn(&format!("service/blue/{name}")), "serviceName": name,
            "clusterArn": world.arn("cluster/blue"), "status": status});
        let record = kecs_core::record::Service {
            service: serde_json::from_value(service).unwrap(),
            ..kecs_core::record::Service::default()
        };
        world.put(world.scope().service("blue", &name), record);
    }
    world
}

#[test]
fn a_list_goes_on_over_what_is_not_asked_for() {
    for (count, every) in [(250, 249), (250, 50), (120, 7), (9, 3), (3, 1), (1, 2)] {
        let active = |number: usize| number % every == every - 1;
        let mut world = services(active, count);
        let expected: Vec<String> = (0..count)
            .filter(|number| active(*number))
            .map(|number| format!("s{number:03}"))
            .collect();
        for size in [1, 2, 10] {
            let (mut all, mut pages, mut token) = (Vec::new(), 0, Value::Null);
            loop {
                let input = json!({"cluster": "blue", "maxResults": size, "nextToken": token});
                let page = world.ok(Operation::ListServices, input);
                all.extend(names(&json!({"clusterArns": page["serviceArns"]})));
                pages += 1;
                token = page["nextToken"].clone();
                if token.is_null() {
                    break;
                }
            }
            assert_eq!(all, expected, "every {every}, {size} on a page");
            assert_eq!(pages, expected.len().div_ceil(size).max(1), "no page is empty");
        }
    }
}

#[test]
fn what_is_skipped_is_read_in_ever_larger_steps() {
    // Two at first, for the page and the one behind it, then 4, 16, 64 and 100 at once.
    for (first, read) in [(0, 2), (1, 6), (5, 22), (21, 86), (85, 186), (185, 286)] {
        let mut world = services(|number| number >= first, 400);
        let input = json!({"cluster": "blue", "maxResults": 1});
        let (rows, page) = world.rows(Operation::ListServices, input);
        assert_eq!(
            names(&json!({"clusterArns": page["serviceArns"]})),
            [format!("s{first:03}")]
        );
        assert_eq!(rows, read, "{first}");
    }
}

#[test]
fn an_empty_token_is_none() {
    let mut world = world(2);
    let first = page(&mut world, 1, &json!(""));
    assert_eq!(names(&first), ["c000"]);
}
