//! Events in the shape in which Amazon `EventBridge` delivers those of ECS.
//!
//! Source: Amazon ECS developer guide, "Amazon ECS events".

use jiff::Timestamp;
use kecs_core::arn::Arn;
use kecs_core::event::{Event, EventType};
use kecs_model::Time;
use kecs_store::Logged;
use serde_json::{Map, Value, json};

/// The event as `EventBridge` would deliver it; `None` for what ECS tells `EventBridge` nothing of.
///
/// Changes of a task are one event there, whatever its new status; services tell what their newest message says.
pub fn render(logged: &Logged) -> Option<Value> {
    let event = &logged.event;
    let (detail_type, detail) = match event.kind {
        EventType::TaskStatusChanged => ("ECS Task State Change", task(event)),
        EventType::DeploymentStarted => deployment(event, "INFO", "SERVICE_DEPLOYMENT_IN_PROGRESS"),
        EventType::DeploymentComplete => deployment(event, "INFO", "SERVICE_DEPLOYMENT_COMPLETED"),
        EventType::DeploymentFailed => deployment(event, "ERROR", "SERVICE_DEPLOYMENT_FAILED"),
        EventType::ServiceCreated | EventType::ServiceUpdated | EventType::ServiceDeleted => {
            ("ECS Service Action", service(event)?)
        }
        EventType::TaskStarted
        | EventType::TaskStopped
        | EventType::ClusterCreated
        | EventType::ClusterUpdated
        | EventType::ClusterDeleted => return None,
    };
    let arn: Option<Arn> = event.resource.parse().ok();
    Some(json!({
        "version": "0",
        "id": logged.id,
        "detail-type": detail_type,
        "source": "aws.ecs",
        "account": arn.as_ref().map(|arn| arn.account.as_str()),
        "time": seconds(event.timestamp),
        "region": arn.as_ref().map(|arn| arn.region.as_str()),
        "resources": [event.resource],
        "detail": detail,
    }))
}

fn task(event: &Event) -> Value {
    let mut detail = with_times(&event.data);
    if let Some(detail) = detail.as_object_mut() {
        detail.insert("updatedAt".to_owned(), millis(event.timestamp));
        // EventBridge has tags of a task nowhere.
        detail.remove("tags");
    }
    detail
}

fn deployment(event: &Event, kind: &str, name: &str) -> (&'static str, Value) {
    let detail = json!({
        "eventType": kind,
        "eventName": name,
        "deploymentId": event.data["id"],
        "updatedAt": millis(event.timestamp),
        "reason": event.data["rolloutStateReason"],
    });
    ("ECS Deployment State Change", detail)
}

/// What the newest message of a service says, if it came with this event and `EventBridge` knows its like.
fn service(event: &Event) -> Option<Value> {
    let newest = event.data["events"].get(0)?;
    let created: Time = serde_json::from_value(newest["createdAt"].clone()).ok()?;
    if serde_json::to_value(created).ok() != serde_json::to_value(Time::from(event.timestamp)).ok() {
        return None;
    }
    let message = newest["message"].as_str()?;
    let known = [
        ("has reached a steady state", "INFO", "SERVICE_STEADY_STATE"),
        (
            "is unable to consistently start tasks",
            "WARN",
            "SERVICE_TASK_START_IMPAIRED",
        ),
        (
            "was unable to place a task",
            "ERROR",
            "SERVICE_TASK_PLACEMENT_FAILURE",
        ),
    ];
    let (_, kind, name) = known.into_iter().find(|(words, ..)| message.contains(words))?;
    let mut detail = Map::new();
    detail.insert("eventType".to_owned(), kind.into());
    detail.insert("eventName".to_owned(), name.into());
    detail.insert("clusterArn".to_owned(), event.data["clusterArn"].clone());
    detail.insert("createdAt".to_owned(), millis(event.timestamp));
    if kind == "ERROR" {
        detail.insert("reason".to_owned(), message.into());
    }
    Some(Value::Object(detail))
}

/// The same with times as text: members that end in `At` are times throughout the API.
fn with_times(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let time = name.ends_with("At").then(|| time(value)).flatten();
                (name.clone(), time.unwrap_or_else(|| with_times(value)))
            });
            Value::Object(members.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(with_times).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn time(value: &Value) -> Option<Value> {
    let time: Time = serde_json::from_value(value.clone()).ok()?;
    Some(millis(Timestamp::from(time)))
}

fn millis(time: Timestamp) -> Value {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string().into()
}

fn seconds(time: Timestamp) -> Value {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into()
}
