//! What cannot be registered, and why.

use kecs_model::Operation;
use serde_json::{Value, json};

use super::minimal;
use crate::world::World;

mod among;
mod capability;
mod container;
mod fargate;
mod network;
mod storage;

/// The message that a request with these members set is refused with; a way to a member has dots and numbers in it.
#[track_caller]
pub(super) fn refused(base: &Value, members: &[(&str, Value)]) -> String {
    let input = with(base, members);
    let (code, message) = World::new().refused(Operation::RegisterTaskDefinition, input);
    assert_eq!(code, "ClientException", "{message}");
    message
}

#[track_caller]
pub(super) fn accepted(base: &Value, members: &[(&str, Value)]) -> Value {
    let input = with(base, members);
    World::new().ok(Operation::RegisterTaskDefinition, input)["taskDefinition"].clone()
}

fn with(base: &Value, members: &[(&str, Value)]) -> Value {
    let mut input = base.clone();
    for (way, value) in members {
        let mut at = &mut input;
        for step in way.split('.') {
            at = match step.parse::<usize>() {
                Ok(index) => {
                    let list = at.as_array_mut().unwrap();
                    while list.len() <= index {
                        list.push(json!({}));
                    }
                    &mut list[index]
                }
                Err(_) => &mut at[step],
            };
        }
        *at = value.clone();
    }
    input
}

/// `app` and a second container `side` that is not essential.
pub(super) fn two() -> Value {
    let mut base = minimal("web");
    base["containerDefinitions"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "side", "image": "envoy", "memory": 64, "essential": false}));
    base
}

const APP: &str = "containerDefinitions.0";

pub(super) fn app(member: &str) -> String {
    format!("{APP}.{member}")
}
