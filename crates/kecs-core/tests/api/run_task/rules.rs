//! What does not go together in a request to `RunTask`.

use kecs_model::Operation::{self, RunTask};
use serde_json::{Value, json};

use super::{lean, web};
use crate::fixture::{blue, define, ec2, fargate, instance_id, invalid, join, network, with, without};

#[test]
fn run_task_refuses_launch_type_and_strategy_together() {
    let mut world = blue();
    let strategy = json!({"capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]});
    assert_eq!(
        world.refused(RunTask, lean(strategy)),
        invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."
        )
    );
    let (_, message) = world.refused(RunTask, lean(json!({"launchType": "MANAGED_INSTANCES"})));
    assert!(message.contains("MANAGED_INSTANCES"), "{message}");
}

#[test]
fn run_task_spreads_over_capacity_providers_by_base_and_weight() {
    let mut world = blue();
    let strategy = json!([
        {"capacityProvider": "FARGATE", "base": 2, "weight": 1}, {"capacityProvider": "FARGATE_SPOT", "weight": 3},
    ]);
    let request = without(
        lean(json!({"capacityProviderStrategy": strategy, "count": 7})),
        "launchType",
    );
    let answer = world.ok(RunTask, request);
    let names: Vec<&str> = answer["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["capacityProviderName"].as_str().unwrap())
        .collect();
    let spot = "FARGATE_SPOT";
    assert_eq!(names, ["FARGATE", "FARGATE", spot, spot, "FARGATE", spot, spot]);
    assert!(
        answer["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["launchType"] == "FARGATE")
    );
}

#[test]
fn run_task_without_launch_type_takes_the_strategy_of_the_cluster() {
    let mut world = blue();
    let default = json!({
        "cluster": "blue", "capacityProviders": ["FARGATE_SPOT"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}],
    });
    world.ok(Operation::PutClusterCapacityProviders, default);
    let answer = world.ok(RunTask, without(lean(json!({})), "launchType"));
    assert_eq!(answer["tasks"][0]["capacityProviderName"], "FARGATE_SPOT");
    // A launch type goes before it.
    let answer = world.ok(RunTask, lean(json!({})));
    assert!(answer["tasks"][0].get("capacityProviderName").is_none());
}

#[test]
fn run_task_refuses_capacity_providers_that_are_unknown_not_associated_or_weightless() {
    let mut world = blue();
    let mut refused = |strategy: Value| {
        let request = without(lean(json!({"capacityProviderStrategy": strategy})), "launchType");
        world.refused(RunTask, request).1
    };
    assert_eq!(
        refused(json!([{"capacityProvider": "mine"}])),
        "The specified capacity provider 'mine' was not found. Specify a valid name or ARN and try again."
    );
    let two = |first: Value, second: Value| {
        json!([
            with(json!({"capacityProvider": "FARGATE"}), first),
            with(json!({"capacityProvider": "FARGATE_SPOT"}), second),
        ])
    };
    let weightless = refused(two(json!({}), json!({"weight": 0})));
    assert!(
        weightless.contains("weight value greater than zero"),
        "{weightless}"
    );
    let based = refused(two(
        json!({"base": 1, "weight": 1}),
        json!({"base": 1, "weight": 1}),
    ));
    assert!(based.contains("base"), "{based}");
    let twice =
        json!([{"capacityProvider": "FARGATE", "weight": 1}, {"capacityProvider": "FARGATE", "weight": 1}]);
    assert!(refused(twice).contains("more than once"));
    world.ok(
        Operation::PutClusterCapacityProviders,
        json!({"cluster": "blue", "capacityProviders": [], "defaultCapacityProviderStrategy": []}),
    );
    let one = json!({"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]});
    assert_eq!(
        world.refused(RunTask, without(lean(one), "launchType")),
        invalid(
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with \
             the cluster. Associate the capacity provider with the cluster or specify a valid capacity provider and \
             try again."
        )
    );
}

#[test]
fn run_task_takes_one_capacity_provider_without_a_weight() {
    let mut world = blue();
    let one = json!({"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT"}], "count": 2});
    let answer = world.ok(RunTask, without(lean(one), "launchType"));
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 2);
}

#[test]
fn run_task_does_not_run_by_a_default_strategy_without_a_weight() {
    let mut world = blue();
    let put = |item: Value| json!({"cluster": "blue", "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": [item]});
    let by_default = without(lean(json!({})), "launchType");
    world.ok(
        Operation::PutClusterCapacityProviders,
        put(json!({"capacityProvider": "FARGATE", "base": 1})),
    );
    assert_eq!(
        world.refused(RunTask, by_default.clone()),
        invalid(
            "There are no capacity providers with a weight value greater than zero defined in the default capacity \
             provider strategy. At least one capacity provider must have a weight value greater than zero specified. \
             Update the cluster's default capacity provider strategy or specify a valid capacity provider strategy \
             and try again."
        )
    );
    world.ok(RunTask, lean(json!({})));
    world.ok(
        Operation::PutClusterCapacityProviders,
        put(json!({"capacityProvider": "FARGATE", "weight": 1})),
    );
    world.ok(RunTask, by_default);
}

#[test]
fn run_task_refuses_a_network_configuration_that_does_not_fit() {
    let mut world = blue();
    join(&mut world, 1, 4096, 4096);
    let missing = invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
    assert_eq!(
        world.refused(RunTask, without(lean(json!({})), "networkConfiguration")),
        missing
    );
    assert_eq!(
        world.refused(RunTask, web(json!({"networkConfiguration": network()}))),
        invalid("Network Configuration is not valid for the given networkMode of this task definition.")
    );
    let vpc = |vpc: Value| lean(json!({"networkConfiguration": {"awsvpcConfiguration": vpc}}));
    assert_eq!(
        world.refused(RunTask, vpc(json!({"subnets": []}))),
        invalid("subnets can not be empty.")
    );
    let many = |count: usize| -> Vec<String> { (0..count).map(|it| format!("x-{it}")).collect() };
    world.ok(
        RunTask,
        vpc(json!({"subnets": many(16), "securityGroups": many(5)})),
    );
    assert_eq!(
        world.refused(RunTask, vpc(json!({"subnets": many(17)}))),
        invalid("subnets can have at most 16 items.")
    );
    assert_eq!(
        world.refused(
            RunTask,
            vpc(json!({"subnets": many(1), "securityGroups": many(6)}))
        ),
        invalid("securityGroups can have at most 5 items.")
    );
    let public = json!({"subnets": ["subnet-1"], "assignPublicIp": "ENABLED"});
    world.ok(RunTask, vpc(public.clone()));
    let on_ec2 = with(vpc(public), json!({"launchType": "EC2"}));
    assert_eq!(
        world.refused(RunTask, on_ec2),
        invalid("Assign public IP is not supported for this launch type.")
    );
}

#[test]
fn run_task_refuses_a_launch_type_that_the_definition_does_not_support() {
    let mut world = blue();
    assert_eq!(
        world.refused(RunTask, web(json!({"launchType": "FARGATE"}))),
        invalid("Task definition does not support launch_type FARGATE.")
    );
    assert_eq!(
        world.refused(RunTask, lean(json!({"launchType": "EXTERNAL"}))),
        invalid("Task definition does not support launch_type EXTERNAL.")
    );
}

#[test]
fn run_task_refuses_platform_versions() {
    let mut world = blue();
    join(&mut world, 1, 4096, 4096);
    for (asked, shown) in [("LATEST", "1.4.0"), ("1.4.0", "1.4.0"), ("1.3.0", "1.3.0")] {
        let answer = world.ok(RunTask, lean(json!({"platformVersion": asked})));
        assert_eq!(answer["tasks"][0]["platformVersion"], shown, "{asked}");
    }
    assert_eq!(
        world.refused(RunTask, lean(json!({"platformVersion": "1.5.0"}))),
        (
            "PlatformUnknownException",
            "The specified platform does not exist.".to_owned()
        )
    );
    assert_eq!(
        world.refused(RunTask, web(json!({"platformVersion": "1.4.0"}))),
        invalid("The platform version must be null when specifying an EC2 launch type.")
    );
    let larger = json!({"family": "large", "ephemeralStorage": {"sizeInGiB": 50}});
    define(&mut world, with(fargate(), larger));
    let old = json!({"taskDefinition": "large:1", "platformVersion": "1.3.0"});
    assert_eq!(
        world.refused(RunTask, lean(old)),
        (
            "PlatformTaskDefinitionIncompatibilityException",
            "The specified platform does not satisfy the required capabilities of the task definition."
                .to_owned()
        )
    );
    world.ok(
        RunTask,
        lean(json!({"taskDefinition": "large:1", "platformVersion": "1.4.0"})),
    );
}

#[test]
fn run_task_refuses_placement_on_fargate_and_wrong_placement() {
    let mut world = blue();
    join(&mut world, 1, 4096, 4096);
    for (placement, message) in [
        (
            json!({"placementConstraints": [{"type": "distinctInstance"}]}),
            "Placement constraints are not supported with FARGATE launch type.",
        ),
        (
            json!({"placementStrategy": [{"type": "random"}]}),
            "Placement strategies are not supported with FARGATE launch type.",
        ),
    ] {
        assert_eq!(world.refused(RunTask, lean(placement)), invalid(message));
    }
    let mut wrong = |member: &str, item: Value| world.refused(RunTask, web(json!({member: [item]}))).1;
    let constraint = "placementConstraints";
    assert_eq!(
        wrong(constraint, json!({"type": "memberOf"})),
        "The memberOf constraint must have an expression."
    );
    assert_eq!(
        wrong(
            constraint,
            json!({"type": "distinctInstance", "expression": "true"})
        ),
        "distinctInstance expression should not be specified."
    );
    let unread = wrong(
        constraint,
        json!({"type": "memberOf", "expression": "attribute:zone =="}),
    );
    assert_eq!(unread, "Invalid placement constraint expression.");
    let strategy = "placementStrategy";
    assert_eq!(
        wrong(strategy, json!({"type": "random", "field": "cpu"})),
        "random field should not be specified."
    );
    assert_eq!(
        wrong(strategy, json!({"type": "spread"})),
        "A field must be specified for the spread placement strategy."
    );
    for (kind, field) in [("binpack", "disk"), ("spread", "cpu"), ("spread", "attribute:")] {
        let message = wrong(strategy, json!({"type": kind, "field": field}));
        assert_eq!(message, format!("{kind} field '{field}' is invalid."));
    }
    for item in [
        json!({"type": "binpack", "field": "memory"}),
        json!({"type": "binpack", "field": "CPU"}),
        json!({"type": "spread", "field": "instanceId"}),
        json!({"type": "spread", "field": "host"}),
        json!({"type": "spread", "field": "attribute:ecs.availability-zone"}),
    ] {
        world.ok(RunTask, web(json!({"placementStrategy": [item]})));
    }
}

#[test]
fn run_task_takes_ten_constraints_with_those_of_the_definition() {
    let mut world = blue();
    join(&mut world, 1, 4096, 4096);
    let member = json!({"type": "memberOf", "expression": "attribute:ecs.availability-zone == eu-west-1a"});
    let own = json!({"family": "picky", "placementConstraints": [member.clone()]});
    define(&mut world, with(ec2(), own));
    let of = |count: usize| json!({"taskDefinition": "picky:1", "placementConstraints": vec![member.clone(); count]});
    world.ok(RunTask, web(of(9)));
    assert_eq!(
        world.refused(RunTask, web(of(10))),
        invalid("placementConstraints can have at most 10 items.")
    );
}

#[test]
fn run_task_refuses_wrong_overrides() {
    let mut world = blue();
    let mut refused = |over: Value| world.refused(RunTask, lean(json!({"overrides": over}))).1;
    let container = |more: Value| json!({"containerOverrides": [more]});
    assert_eq!(
        refused(container(json!({"name": "other"}))),
        "Override for container named other is not a container in the TaskDefinition."
    );
    assert_eq!(
        refused(container(json!({"command": ["a"]}))),
        "Container override name cannot be empty."
    );
    let memory = refused(container(
        json!({"name": "app", "memory": 100, "memoryReservation": 101}),
    ));
    assert!(memory.contains("memoryReservation"), "{memory}");
    let equal = container(json!({"name": "app", "memory": 100, "memoryReservation": 100}));
    world.ok(RunTask, lean(json!({"overrides": equal})));
    let mut refused = |over: Value| world.refused(RunTask, lean(json!({"overrides": over}))).1;
    let long = |letters: usize| container(json!({"name": "app", "command": ["x".repeat(letters)]}));
    let around = serde_json::to_string(&long(0)).unwrap().len();
    assert_eq!(
        refused(long(8193 - around)),
        "Container Overrides length must be at most 8192"
    );
    let answer = world.ok(RunTask, lean(json!({"overrides": long(8192 - around)})));
    let over = &answer["tasks"][0]["overrides"]["containerOverrides"][0];
    assert_eq!(over["command"][0].as_str().unwrap().len(), 8192 - around);
}

#[test]
fn run_task_overrides_the_size_of_a_task() {
    let mut world = blue();
    let larger = world.ok(
        RunTask,
        lean(json!({"overrides": {"cpu": "1 vCPU", "memory": "2 GB"}})),
    );
    let task = &larger["tasks"][0];
    assert_eq!((&task["cpu"], &task["memory"]), (&json!("1024"), &json!("2048")));
    assert_eq!(
        (&task["overrides"]["cpu"], &task["overrides"]["memory"]),
        (&json!("1024"), &json!("2048"))
    );
    // On Fargate there are certain combinations only, also with what the definition says.
    for size in [
        json!({"cpu": "1024"}),
        json!({"memory": "600"}),
        json!({"cpu": "512", "memory": "512"}),
    ] {
        let (code, message) = world.refused(RunTask, lean(json!({"overrides": size})));
        assert_eq!(code, "ClientException");
        assert!(
            message.starts_with("No Fargate configuration exists for given values"),
            "{message}"
        );
    }
    world.ok(RunTask, lean(json!({"overrides": {"memory": "1024"}})));
    assert_eq!(
        world.refused(RunTask, lean(json!({"overrides": {"cpu": "much"}}))),
        invalid("Invalid 'cpu' setting for task.")
    );
}

#[test]
fn run_task_refuses_groups_tags_and_exec_that_it_cannot_give() {
    let mut world = blue();
    for group in ["service:web", "family:web"] {
        assert_eq!(
            world.refused(RunTask, lean(json!({"group": group}))),
            invalid("Invalid namespace for group.")
        );
    }
    world.ok(RunTask, lean(json!({"group": "family:lean"})));
    let (code, _) = world.refused(RunTask, lean(json!({"propagateTags": "SERVICE"})));
    assert_eq!(code, "InvalidParameterException");
    define(
        &mut world,
        without(with(fargate(), json!({"family": "plain"})), "taskRoleArn"),
    );
    let execute = json!({"taskDefinition": "plain:1", "enableExecuteCommand": true});
    let (code, message) = world.refused(RunTask, lean(execute.clone()));
    assert_eq!(code, "InvalidParameterException");
    assert!(message.contains("valid taskRoleArn"), "{message}");
    let role = json!({"overrides": {"taskRoleArn": "arn:aws:iam::123456789012:role/own"}});
    let answer = world.ok(RunTask, with(lean(execute), role));
    assert_eq!(answer["tasks"][0]["enableExecuteCommand"], true);
    let tagged = world.ok(RunTask, lean(json!({"tags": [{"key": "team", "value": "red"}]})));
    assert_eq!(
        tagged["tasks"][0]["tags"],
        json!([{"key": "team", "value": "red"}])
    );
    let (code, _) = world.refused(RunTask, lean(json!({"tags": [{"key": "aws:x", "value": "y"}]})));
    assert_eq!(code, "InvalidParameterException");
}

#[test]
fn run_task_holds_overrides_of_memory_against_the_definition() {
    let mut world = blue();
    let mut containers = fargate()["containerDefinitions"].clone();
    containers[0]["memoryReservation"] = json!(200);
    define(
        &mut world,
        with(
            fargate(),
            json!({"family": "held", "containerDefinitions": containers}),
        ),
    );
    // 256 MiB, of which 200 are reserved.
    for (more, right) in [
        (json!({"memory": 200}), true),
        (json!({"memory": 199}), false),
        (json!({"memoryReservation": 256}), true),
        (json!({"memoryReservation": 257}), false),
        (json!({"memory": 300, "memoryReservation": 300}), true),
    ] {
        let over = json!({"containerOverrides": [with(json!({"name": "app"}), more.clone())]});
        let request = lean(json!({"taskDefinition": "held:1", "overrides": over}));
        assert_eq!(world.answer(RunTask, request).is_ok(), right, "{more}");
    }
}

#[test]
fn run_task_overrides_the_size_of_a_task_on_machines_freely() {
    let mut world = blue();
    join(&mut world, 1, 4096, 4096);
    let answer = world.ok(RunTask, web(json!({"overrides": {"cpu": "77", "memory": "99"}})));
    let task = &answer["tasks"][0];
    assert_eq!((&task["cpu"], &task["memory"]), (&json!("77"), &json!("99")));
    // What changes nothing of the size is not held against the sizes of Fargate.
    let odd = json!({"family": "odd", "cpu": "300", "memory": "700"});
    define(&mut world, with(fargate(), odd));
    let role = json!({"taskDefinition": "odd:1", "overrides": {"taskRoleArn": "arn:aws:iam::123456789012:role/own"}});
    world.ok(RunTask, lean(role));
}

#[test]
fn run_task_takes_five_strategies_and_ten_subnets() {
    let mut world = blue();
    join(&mut world, 1, 4096, 4096);
    let random = |count: usize| web(json!({"placementStrategy": vec![json!({"type": "random"}); count]}));
    world.ok(RunTask, random(5));
    assert_eq!(
        world.refused(RunTask, random(6)),
        invalid("Maximum number of strategies is 5.")
    );
    let vpc = |subnets: usize, groups: usize| {
        let named = |kind: &str, count: usize| -> Vec<String> {
            (0..count).map(|it| format!("{kind}-{it}")).collect()
        };
        lean(json!({"networkConfiguration": {"awsvpcConfiguration": {
            "subnets": named("subnet", subnets), "securityGroups": named("sg", groups)}}}))
    };
    for (subnets, groups) in [(1, 0), (16, 5)] {
        world.ok(RunTask, vpc(subnets, groups));
    }
    for (subnets, groups, message) in [
        (0, 1, "subnets can not be empty."),
        (17, 1, "subnets can have at most 16 items."),
        (1, 6, "securityGroups can have at most 5 items."),
    ] {
        assert_eq!(world.refused(RunTask, vpc(subnets, groups)), invalid(message));
    }
}

#[test]
fn run_task_on_machines_finds_none_of_its_kind() {
    let mut world = blue();
    join(&mut world, 1, 4096, 4096);
    let key = world.scope().container_instance("blue", &instance_id(1));
    let mut record: kecs_core::record::ContainerInstance = world.get(&key).unwrap();
    record.instance.ec2_instance_id = Some("mi-1".to_owned());
    world.put(key, record);
    let arn = world.arn("cluster/blue");
    assert_eq!(
        world.ok(RunTask, web(json!({}))),
        json!({"tasks": [], "failures": [{"arn": arn, "reason": "NO ACTIVE INSTANCES"}]})
    );
}

#[test]
fn run_task_again_under_its_token_shows_the_tags() {
    let mut world = blue();
    for tags in [json!([]), json!([{"key": "team", "value": "red"}])] {
        let token = format!("t{}", tags.as_array().unwrap().len());
        let request = lean(json!({"clientToken": token, "tags": tags}));
        let first = world.ok(RunTask, request.clone());
        assert_eq!(first["tasks"][0]["tags"], tags);
        assert_eq!(world.ok(RunTask, request), first);
    }
}
