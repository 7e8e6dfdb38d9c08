use std::path::Path;

use kecs_core::key::Scope;
use kecs_model::Operation;
use serde_json::{Value, json};

use super::*;

fn parse(text: &str) -> Result<KeyRing, String> {
    KeyRing::parse(text, Path::new("keys.yaml")).map_err(|error| error.to_string())
}

#[test]
fn keys_are_read_with_all_that_is_said_of_them() {
    let ring = parse(
        "keys:
  - access_key_id: A
    secret_access_key: s
  - access_key_id: B
    secret_access_key: t
    session_token: u
    account: '123456789012'
    principal: arn:aws:iam::123456789012:user/b
    allow: [{operations: [RunTask], resources: [x]}]
    deny: [{operations: ['*']}]
",
    )
    .unwrap();
    assert_eq!(ring.len(), 2);
    assert!(!ring.is_empty());
    let open = ring.get("A").unwrap();
    assert!(open.policy.is_open());
    assert_eq!(
        (&open.session_token, &open.account, &open.principal),
        (&None, &None, &None)
    );
    let key = ring.get("B").unwrap();
    assert_eq!(key.account.as_deref(), Some("123456789012"));
    assert_eq!(key.policy.deny[0].resources, ["*"]);
    assert_eq!(key.policy.allow.as_ref().unwrap()[0].resources, ["x"]);
    assert_eq!(ring.get("C"), None);
    let shown = format!("{ring:?}");
    assert!(!shown.contains("\"t\"") && !shown.contains("\"u\""), "{shown}");
}

#[test]
fn operations_of_statements_may_be_any_that_there_are() {
    let known = "[runtask, 'ecs:Delete*', '*', FollowEvents, CreateDaemon, 'List?lusters']";
    let text = format!("keys: [{{access_key_id: A, secret_access_key: s, deny: [{{operations: {known}}}]}}]");
    assert_eq!(parse(&text).unwrap().len(), 1);
}

#[test]
fn keys_that_cannot_be_are_named() {
    for (text, message) in [
        (
            "keys: []",
            "keys.yaml: there is no key: nobody could sign anything",
        ),
        (
            "keys: [{access_key_id: A, secret_access_key: s}, {access_key_id: A, secret_access_key: t}]",
            "keys.yaml: the key A is there twice",
        ),
        (
            "keys: [{access_key_id: A, secret_access_key: ''}]",
            "keys.yaml: the key A has an empty secret",
        ),
        (
            "keys: [{access_key_id: A/B, secret_access_key: s}]",
            "keys.yaml: `A/B` cannot be an access key id",
        ),
        (
            "keys: [{access_key_id: A, secret_access_key: s, account: '12345678901'}]",
            "keys.yaml: the account of the key A is not twelve digits",
        ),
        (
            "keys: [{access_key_id: A, secret_access_key: s, allow: [{operations: [RunTask, RunTsk]}]}]",
            "keys.yaml: the key A names the operation `RunTsk`, which there is not",
        ),
        (
            "keys: [{access_key_id: A, secret_access_key: s, deny: [{operations: ['ecs:Remove*']}]}]",
            "keys.yaml: the key A names the operation `ecs:Remove*`, which there is not",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err(), message);
    }
    for text in ["", "keys: 1", "keys: [{access_key_id: A, secret: s}]", "key: []"] {
        let error = parse(text).unwrap_err();
        assert!(error.starts_with("understand the keys of keys.yaml: "), "{error}");
    }
    let missing = KeyRing::read(Path::new("/missing.yaml")).unwrap_err();
    assert_eq!(missing.to_string(), "read the keys of /missing.yaml");
}

fn of(operation: Operation, input: &Value) -> Vec<String> {
    let scope = Scope::new("123456789012", "eu-west-1");
    let own = "arn:aws:ecs:eu-west-1:123456789012:";
    let found = resources(operation, input, &scope).into_iter();
    found
        .map(|arn| arn.strip_prefix(own).map_or(arn.clone(), str::to_owned))
        .collect()
}

#[test]
fn a_request_is_about_the_resources_that_it_names() {
    let cluster_arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/c";
    let other = "arn:aws:ecs:us-east-1:999999999999:task/c/t";
    for (operation, input, expected) in [
        (Operation::CreateCluster, json!({}), vec!["cluster/default"]),
        (
            Operation::CreateCluster,
            json!({"clusterName": "c"}),
            vec!["cluster/c"],
        ),
        (
            Operation::DeleteCluster,
            json!({"cluster": cluster_arn}),
            vec!["cluster/c"],
        ),
        (Operation::DescribeClusters, json!({}), vec!["cluster/default"]),
        (
            Operation::DescribeClusters,
            json!({"clusters": ["a", "b"]}),
            vec!["cluster/a", "cluster/b"],
        ),
        (Operation::ListClusters, json!({}), vec!["*"]),
        (
            Operation::RegisterTaskDefinition,
            json!({"family": "f"}),
            vec!["task-definition/f:*"],
        ),
        (
            Operation::RunTask,
            json!({"taskDefinition": "f:3"}),
            vec!["task-definition/f:3"],
        ),
        (
            Operation::StartTask,
            json!({"taskDefinition": "f"}),
            vec!["task-definition/f:*"],
        ),
        (
            Operation::DeleteTaskDefinitions,
            json!({"taskDefinitions": ["f:1"]}),
            vec!["task-definition/f:1"],
        ),
        (
            Operation::StopTask,
            json!({"cluster": cluster_arn, "task": "t"}),
            vec!["task/c/t"],
        ),
        (Operation::StopTask, json!({"task": other}), vec![other]),
        (
            Operation::DescribeTasks,
            json!({"tasks": ["t", "u"]}),
            vec!["task/default/t", "task/default/u"],
        ),
        (Operation::DescribeTasks, json!({"tasks": []}), vec!["*"]),
        (
            Operation::CreateService,
            json!({"serviceName": "s"}),
            vec!["service/default/s"],
        ),
        (
            Operation::UpdateService,
            json!({"service": "s", "cluster": "c"}),
            vec!["service/c/s"],
        ),
        (
            Operation::DescribeServices,
            json!({"services": ["s"]}),
            vec!["service/default/s"],
        ),
        (
            Operation::CreateTaskSet,
            json!({"service": "s", "cluster": "c"}),
            vec!["task-set/c/s/*"],
        ),
        (
            Operation::DeleteTaskSet,
            json!({"service": "arn:aws:ecs:eu-west-1:123456789012:service/c/s", "cluster": "c", "taskSet": "ecs-svc/1"}),
            vec!["task-set/c/s/ecs-svc/1"],
        ),
        (Operation::ListTasks, json!({}), vec!["*"]),
        (
            Operation::ListTasks,
            json!({"containerInstance": "i"}),
            vec!["container-instance/default/i"],
        ),
        (
            Operation::PutAttributes,
            json!({"attributes": [{"name": "a", "targetId": "i"}, {"name": "b", "targetId": "i"}]}),
            vec!["container-instance/default/i"],
        ),
        (Operation::TagResource, json!({"resourceArn": other}), vec![other]),
        (
            Operation::CreateCapacityProvider,
            json!({"name": "p"}),
            vec!["capacity-provider/p"],
        ),
        (
            Operation::StopServiceDeployment,
            json!({"serviceDeploymentArn": other}),
            vec![other],
        ),
        (Operation::PutAccountSetting, json!({"name": "x"}), vec!["*"]),
    ] {
        assert_eq!(of(operation, &input), expected, "{operation} {input}");
    }
}

#[test]
fn every_operation_is_about_something_whatever_its_input() {
    for operation in Operation::ALL {
        for input in [
            json!({}),
            json!({"cluster": 1, "tasks": {}, "attributes": [1, {}]}),
        ] {
            assert!(!of(*operation, &input).is_empty(), "{operation}");
        }
    }
}

#[test]
fn without_a_signature_home_counts() {
    let home = Home {
        account: "123456789012".to_owned(),
        region: "us-gov-west-1".to_owned(),
    };
    let headers = http::HeaderMap::new();
    let request = SignedRequest {
        method: "POST",
        path: "/",
        query: "",
        headers: &headers,
        body: b"",
    };
    let now = "2026-01-02T03:04:05Z".parse().unwrap();
    let caller = Access::Open.caller(&request, &home, now).unwrap();
    assert_eq!(caller.principal, "arn:aws-us-gov:iam::123456789012:root");
    assert_eq!(caller.scope, Scope::new("123456789012", "us-gov-west-1"));
    assert!(caller.policy.is_open());
}

#[test]
fn what_a_caller_may_not_do_is_told_with_the_first_such_resource() {
    let policy = serde_saphyr::from_str(
        "allow: [{operations: ['Describe*'], resources: ['arn:a', 'arn:b', 'arn:c']}]
deny: [{operations: [DescribeTasks], resources: ['arn:c']}]",
    )
    .unwrap();
    let caller = Caller {
        scope: Scope::new("123456789012", "eu-west-1"),
        principal: "arn:aws:iam::123456789012:user/ci".to_owned(),
        policy,
    };
    let said = |operation: &str, resources: &[&str]| {
        let resources: Vec<String> = resources.iter().map(|&it| it.to_owned()).collect();
        let refused = caller.authorize(operation, &resources);
        refused.map_err(|refusal| (refusal.code, refusal.message))
    };
    let denied = |operation: &str, resource: &str, because: &str| {
        Err((
            ErrorCode::AccessDeniedException,
            format!(
                "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecs:{operation} on resource: \
                 {resource} {because}"
            ),
        ))
    };
    let not_allowed =
        |operation: &str| format!("because no identity-based policy allows the ecs:{operation} action");
    let explicit = "with an explicit deny in an identity-based policy";
    assert_eq!(said("DescribeTasks", &["arn:a", "arn:b"]), Ok(()));
    assert_eq!(said("DescribeClusters", &["arn:c"]), Ok(()));
    assert_eq!(
        said("DescribeTasks", &["arn:a", "arn:c", "arn:d"]),
        denied("DescribeTasks", "arn:c", explicit)
    );
    assert_eq!(
        said("DescribeTasks", &["arn:d", "arn:c"]),
        denied("DescribeTasks", "arn:d", &not_allowed("DescribeTasks"))
    );
    assert_eq!(
        said("RunTask", &["arn:a"]),
        denied("RunTask", "arn:a", &not_allowed("RunTask"))
    );
}

#[test]
fn accounts_and_ids_of_keys_have_their_form() {
    let refused = |key: &str| parse(&format!("keys: [{{secret_access_key: s, {key}}}]")).is_err();
    for id in ["A,B", "A=B", "A B", "A/B", ""] {
        assert!(refused(&format!("access_key_id: '{id}'")), "{id}");
    }
    for (account, wrong) in [
        ("123456789012", false),
        ("1234567890123", true),
        ("12345678901a", true),
        ("", true),
    ] {
        let key = format!("access_key_id: A, account: '{account}'");
        assert_eq!(refused(&key), wrong, "{account}");
    }
}
