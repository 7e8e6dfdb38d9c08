//! Client tokens.

use kecs_model::Operation;
use serde_json::{Value, json};

use crate::fixture;
use crate::world::World;

fn run(world: &mut World, cluster: &str) -> Value {
    let input = json!({"cluster": cluster, "taskDefinition": "lean", "launchType": "FARGATE", "clientToken": "once",
        "networkConfiguration": fixture::network()});
    world.ok(Operation::RunTask, input)["tasks"][0]["taskArn"].clone()
}

#[test]
fn a_token_is_remembered_for_a_day() {
    let mut world = fixture::blue();
    let first = run(&mut world, "blue");
    world.pass(24 * 3600 - 1);
    assert_eq!(run(&mut world, "blue"), first);
    world.pass(1);
    let second = run(&mut world, "blue");
    assert_ne!(second, first);
    // It is remembered anew from then on.
    world.pass(24 * 3600 - 1);
    assert_eq!(run(&mut world, "blue"), second);
}

#[test]
fn a_token_is_of_one_cluster() {
    let mut world = fixture::blue();
    world.ok(Operation::CreateCluster, json!({"clusterName": "green"}));
    let first = run(&mut world, "blue");
    assert_ne!(run(&mut world, "green"), first);
    assert_eq!(run(&mut world, "blue"), first);
}
