//! What records are found by.

use kecs_core::key::Scope;
use kecs_core::record::{Family, Record, Service, ServiceDeployment, Task, TaskSet, Token};
use serde_json::{Value, json};

use crate::fixture::with;
use crate::world::{ACCOUNT, REGION};

/// The terms of a record in the order of their texts, without account and region.
fn terms(record: &Record) -> Vec<String> {
    let scope = Scope::new(ACCOUNT, REGION);
    let within = format!("{ACCOUNT}/{REGION}/");
    let text = |term: &kecs_core::key::Term| term.to_string().strip_prefix(&within).unwrap().to_owned();
    let mut terms: Vec<String> = record.terms(&scope).iter().map(text).collect();
    terms.sort();
    terms
}

/// A record of this kind as it is written.
fn read(kind: &str, value: Value) -> Record {
    serde_json::from_value(with(value, json!({"kind": kind}))).unwrap()
}

fn arn(rest: &str) -> String {
    format!("arn:aws:ecs:{REGION}:{ACCOUNT}:{rest}")
}

fn task(value: Value, of: Task) -> Vec<String> {
    let task = serde_json::from_value(with(json!({"clusterArn": arn("cluster/blue")}), value)).unwrap();
    terms(&Record::Task(Box::new(Task { task, ..of })))
}

#[test]
fn a_task_is_found_by_what_it_is_to_be_and_what_it_is() {
    let whole = json!({
        "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "startedBy": "ecs-svc/1", "launchType": "EC2",
        "containerInstanceArn": arn("container-instance/blue/9b1c"), "capacityProviderName": "mine",
        "taskDefinitionArn": arn("task-definition/web:3"),
    });
    let of = || Task {
        service: Some("web".to_owned()),
        task_set: Some("ecs-svc/7".to_owned()),
        ..Task::default()
    };
    let wanted = |desired: &str| {
        let desired = format!("tasks/blue/desired={desired}");
        let more = [
            "family=web",
            "instance=9b1c",
            "launch=EC2",
            "service=web",
            "started-by=ecs-svc/1",
        ];
        let mut all = vec![desired.clone()];
        all.extend(more.map(|it| format!("{desired}/{it}")));
        all
    };
    let counted = |last: &str| {
        vec![
            format!("tasks/blue/last={last}"),
            format!("tasks/blue/last={last}/launch=EC2"),
            format!("tasks/blue/live-on=9b1c/last={last}"),
            format!("tasks/blue/service=web/last={last}"),
            format!("tasks/blue/started-by=ecs-svc/1/last={last}"),
        ]
    };
    let always = [
        "tasks/blue",
        "tasks/blue/service=web",
        "tasks/blue/task-set=ecs-svc/7",
    ];
    let live = [
        "live-tasks",
        "live-tasks/blue",
        "tasks/blue/live-on=9b1c",
        "tasks/blue/live-with=mine",
    ];
    let all = |parts: &[&[String]]| {
        let mut all = parts.concat();
        all.sort();
        all
    };
    let (always, live) = (always.map(str::to_owned), live.map(str::to_owned));
    for (last, counts) in [
        ("PROVISIONING", Some("PENDING")),
        ("PENDING", Some("PENDING")),
        ("ACTIVATING", Some("PENDING")),
        ("RUNNING", Some("RUNNING")),
        ("DEACTIVATING", None),
        ("STOPPING", None),
        ("DEPROVISIONING", None),
    ] {
        let found = task(with(whole.clone(), json!({"lastStatus": last})), of());
        let counts = counts.map(counted).unwrap_or_default();
        assert_eq!(
            found,
            all(&[&wanted("RUNNING"), &counts, &always, &live]),
            "{last}"
        );
    }
    let over = json!({"lastStatus": "STOPPED", "desiredStatus": "STOPPED"});
    assert_eq!(
        task(with(whole, over), of()),
        all(&[&wanted("STOPPED"), &always]),
        "what is over is neither counted nor live"
    );
    // A task of nobody is not counted by who has started it.
    let alone = json!({"lastStatus": "RUNNING", "desiredStatus": "RUNNING", "startedBy": "me"});
    assert_eq!(
        task(alone, Task::default()),
        [
            "live-tasks",
            "live-tasks/blue",
            "tasks/blue",
            "tasks/blue/desired=RUNNING",
            "tasks/blue/desired=RUNNING/started-by=me",
            "tasks/blue/last=RUNNING",
        ]
    );
}

#[test]
fn a_service_is_found_by_how_it_is_launched_and_connected() {
    let service = |value: Value| {
        let base = json!({"clusterArn": arn("cluster/blue"), "status": "ACTIVE"});
        let service = serde_json::from_value(with(base, value)).unwrap();
        terms(&Record::Service(Box::new(Service {
            service,
            ..Service::default()
        })))
    };
    let connect = |enabled: bool| {
        json!([
            {"serviceConnectConfiguration": {"enabled": enabled, "namespace": "net"}},
            {"serviceConnectConfiguration": {"enabled": true, "namespace": "old"}},
        ])
    };
    assert_eq!(
        service(
            json!({"launchType": "EXTERNAL", "schedulingStrategy": "DAEMON", "deployments": connect(true)})
        ),
        [
            "services",
            "services/blue",
            "services/blue/launch=EXTERNAL",
            "services/blue/status=ACTIVE",
            "services/blue/status=ACTIVE/launch=EXTERNAL",
            "services/blue/strategy=DAEMON",
            "services/namespace=net",
        ]
    );
    let through =
        |names: &[&str]| -> Value { names.iter().map(|it| json!({"capacityProvider": it})).collect() };
    for (names, launch) in [
        (&["FARGATE"][..], "FARGATE"),
        (&["FARGATE_SPOT", "FARGATE"], "FARGATE"),
        (&["mine"], "EC2"),
    ] {
        let found = service(
            json!({"status": "DRAINING", "capacityProviderStrategy": through(names),
            "deployments": connect(false)}),
        );
        let mut expected: Vec<String> = names
            .iter()
            .map(|it| format!("services/blue/provider={it}"))
            .collect();
        expected.extend([
            "services".to_owned(),
            "services/blue".to_owned(),
            "services/blue/status=DRAINING".to_owned(),
            format!("services/blue/status=DRAINING/launch={launch}"),
        ]);
        expected.sort();
        assert_eq!(found, expected, "{names:?}");
    }
    assert_eq!(service(json!({"status": "INACTIVE"})), Vec::<String>::new());
}

#[test]
fn what_is_gone_is_found_no_more() {
    let cluster = |status: &str| {
        let cluster = json!({"status": status, "capacityProviders": ["FARGATE"],
            "serviceConnectDefaults": {"namespace": "net"}});
        terms(&read("cluster", json!({"cluster": cluster})))
    };
    assert_eq!(
        cluster("ACTIVE"),
        ["clusters", "clusters/namespace=net", "clusters/provider=FARGATE"]
    );
    assert_eq!(cluster("INACTIVE"), Vec::<String>::new());
    let provider = |status: &str| {
        let group = json!({"autoScalingGroupArn": "group"});
        let provider = json!({"status": status, "cluster": "blue", "autoScalingGroupProvider": group});
        terms(&read("capacityProvider", json!({"provider": provider})))
    };
    assert_eq!(
        provider("ACTIVE"),
        [
            "capacity-providers",
            "capacity-providers/blue",
            "capacity-providers/group=group"
        ]
    );
    assert_eq!(provider("INACTIVE"), Vec::<String>::new());
    let instance = |status: &str| {
        terms(&read(
            "containerInstance",
            json!({"instance": {"status": status}, "cluster": "blue"}),
        ))
    };
    assert_eq!(
        instance("DRAINING"),
        [
            "container-instances/blue",
            "container-instances/blue/status=DRAINING"
        ]
    );
    // Those that are asked for by their status are told of.
    assert_eq!(instance("INACTIVE"), ["container-instances/blue/status=INACTIVE"]);
    let family = |active: u32, deleted: u32| {
        terms(&Record::Family(Family {
            family: "web".to_owned(),
            last_revision: 3,
            active,
            deleted,
        }))
    };
    assert_eq!(family(1, 2), ["families", "families/status=ACTIVE"]);
    assert_eq!(family(0, 2), ["families", "families/status=INACTIVE"]);
    assert_eq!(family(0, 3), Vec::<String>::new());
}

#[test]
fn what_belongs_to_something_is_found_by_that() {
    let set = TaskSet {
        cluster: "blue".to_owned(),
        service: "web".to_owned(),
        ..TaskSet::default()
    };
    assert_eq!(terms(&Record::TaskSet(set)), ["task-sets/blue/service=web"]);
    let deployment = Record::ServiceDeployment(ServiceDeployment {
        deployment: serde_json::from_value(json!({"status": "STOPPED"})).unwrap(),
        cluster: "blue".to_owned(),
        service: "web".to_owned(),
    });
    assert_eq!(
        terms(&deployment),
        [
            "service-deployments/blue/service=web",
            "service-deployments/blue/service=web/status=STOPPED"
        ]
    );
    let definition = json!({"family": "web", "status": "DELETE_IN_PROGRESS"});
    assert_eq!(
        terms(&read(
            "taskDefinition",
            json!({"definition": definition, "tags": []})
        )),
        [
            "task-definitions/status=DELETE_IN_PROGRESS",
            "task-definitions/status=DELETE_IN_PROGRESS/family=web"
        ]
    );
    let setting = json!({"name": "awsvpcTrunking", "value": "enabled", "principal": "alice"});
    assert_eq!(
        terms(&read("accountSetting", setting)),
        ["account-settings", "account-settings/principal=alice"]
    );
    let token = Token {
        fingerprint: String::new(),
        resources: Vec::new(),
        expires: jiff::Timestamp::UNIX_EPOCH,
    };
    assert_eq!(terms(&Record::Token(token)), ["tokens"]);
}
