use jiff::Timestamp;
use kecs_core::event::Event;
use serde_json::json;

use super::*;

const TIME: &str = "2026-01-02T03:04:05.678Z";

fn logged(kind: EventType, resource: &str, data: Value) -> Logged {
    let timestamp: Timestamp = TIME.parse().unwrap();
    Logged {
        sequence: 7,
        id: "an-id".to_owned(),
        revision: 5,
        at: timestamp,
        event: Event {
            kind,
            timestamp,
            resource: format!("arn:aws:ecs:eu-west-1:123456789012:{resource}"),
            data,
        },
    }
}

fn parse(query: &str) -> Result<Subscription, String> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    Subscription::parse(pairs).map_err(|refusal| refusal.message)
}

#[test]
fn a_query_says_what_is_wanted() {
    assert_eq!(parse(""), Ok(Subscription::default()));
    assert_eq!(
        parse("types=task.started,cluster.created&resource=a*&since=12&format=eventbridge&X-Amz-Date=1"),
        Ok(Subscription {
            types: vec![EventType::TaskStarted, EventType::ClusterCreated],
            resource: Some("a*".to_owned()),
            scope: None,
            since: Since::Sequence(12),
            format: Format::EventBridge,
        })
    );
    assert_eq!(
        parse("types=&resource=&since=live&format=plain"),
        Ok(Subscription::default())
    );
    for name in EventType::ALL {
        assert_eq!(parse(&format!("types={}", name.name())).unwrap().types, [*name]);
    }
    assert!(parse("since=-1").is_err());
}

#[test]
fn only_what_is_of_the_account_and_region_is_wanted_where_they_are_said() {
    let wants = |account: &str, region: &str| {
        let subscription = Subscription {
            scope: Some(Scope::new(account, region)),
            ..Subscription::default()
        };
        subscription.wants(&logged(EventType::ClusterCreated, "cluster/a", json!({})))
    };
    assert!(wants("123456789012", "eu-west-1"));
    assert!(!wants("123456789012", "eu-west-2"));
    assert!(!wants("123456789013", "eu-west-1"));
}

fn bridged(kind: EventType, resource: &str, data: Value) -> Option<Value> {
    let subscription = Subscription {
        format: Format::EventBridge,
        ..Subscription::default()
    };
    subscription.render(&logged(kind, resource, data))
}

fn envelope(detail_type: &str, resource: &str, detail: &Value) -> Value {
    json!({
        "version": "0", "id": "an-id", "detail-type": detail_type, "source": "aws.ecs", "account": "123456789012",
        "time": "2026-01-02T03:04:05Z", "region": "eu-west-1",
        "resources": [format!("arn:aws:ecs:eu-west-1:123456789012:{resource}")], "detail": detail,
    })
}

#[test]
fn a_change_of_a_task_is_one_event_with_times_as_text() {
    let data = json!({
        "taskArn": "t", "lastStatus": "RUNNING", "createdAt": 1_767_323_045.5, "version": 3, "tags": [],
        "containers": [{"name": "a", "managedAgents": [{"lastStartedAt": 1_767_323_045}]}],
    });
    let detail = json!({
        "taskArn": "t", "lastStatus": "RUNNING", "createdAt": "2026-01-02T03:04:05.500Z", "version": 3,
        "containers": [{"name": "a", "managedAgents": [{"lastStartedAt": "2026-01-02T03:04:05.000Z"}]}],
        "updatedAt": "2026-01-02T03:04:05.678Z",
    });
    assert_eq!(
        bridged(EventType::TaskStatusChanged, "task/a/t", data.clone()),
        Some(envelope("ECS Task State Change", "task/a/t", &detail))
    );
    for kind in [EventType::TaskStarted, EventType::TaskStopped] {
        assert_eq!(bridged(kind, "task/a/t", data.clone()), None, "{kind:?}");
    }
}

#[test]
fn a_deployment_says_how_far_it_is() {
    let data = json!({"id": "ecs-svc/1", "rolloutStateReason": "in words"});
    for (kind, level, name) in [
        (
            EventType::DeploymentStarted,
            "INFO",
            "SERVICE_DEPLOYMENT_IN_PROGRESS",
        ),
        (
            EventType::DeploymentComplete,
            "INFO",
            "SERVICE_DEPLOYMENT_COMPLETED",
        ),
        (EventType::DeploymentFailed, "ERROR", "SERVICE_DEPLOYMENT_FAILED"),
    ] {
        let detail = json!({
            "eventType": level, "eventName": name, "deploymentId": "ecs-svc/1",
            "updatedAt": "2026-01-02T03:04:05.678Z", "reason": "in words",
        });
        let expected = envelope("ECS Deployment State Change", "service/a/s", &detail);
        assert_eq!(bridged(kind, "service/a/s", data.clone()), Some(expected));
    }
}

#[test]
fn a_service_acts_when_its_newest_message_says_so() {
    let acts = |message: &str, created: &str| {
        let created: Timestamp = created.parse().unwrap();
        let created = serde_json::to_value(kecs_model::Time::from(created)).unwrap();
        let data = json!({"clusterArn": "c", "events": [{"message": message, "createdAt": created}]});
        let event = bridged(EventType::ServiceUpdated, "service/a/s", data)?;
        assert_eq!(event["detail-type"], "ECS Service Action");
        Some(event["detail"].clone())
    };
    let steady = json!({
        "eventType": "INFO", "eventName": "SERVICE_STEADY_STATE", "clusterArn": "c",
        "createdAt": "2026-01-02T03:04:05.678Z",
    });
    assert_eq!(
        acts("(service s) has reached a steady state.", TIME),
        Some(steady)
    );
    assert_eq!(
        acts(
            "(service s) has reached a steady state.",
            "2026-01-02T03:04:05.677Z"
        ),
        None
    );
    assert_eq!(acts("(service s) has started 2 tasks: (task t).", TIME), None);
    let unplaced =
        "(service s) was unable to place a task because no container instance met all of its requirements.";
    assert_eq!(
        acts(unplaced, TIME),
        Some(json!({
            "eventType": "ERROR", "eventName": "SERVICE_TASK_PLACEMENT_FAILURE", "clusterArn": "c",
            "createdAt": "2026-01-02T03:04:05.678Z", "reason": unplaced,
        }))
    );
    let impaired = acts(
        "(service s) is unable to consistently start tasks successfully.",
        TIME,
    )
    .unwrap();
    assert_eq!(
        (&impaired["eventType"], &impaired["eventName"]),
        (&json!("WARN"), &json!("SERVICE_TASK_START_IMPAIRED"))
    );
}

#[test]
fn clusters_are_nothing_to_eventbridge() {
    for kind in [
        EventType::ClusterCreated,
        EventType::ClusterUpdated,
        EventType::ClusterDeleted,
    ] {
        assert_eq!(bridged(kind, "cluster/a", json!({})), None, "{kind:?}");
    }
}
