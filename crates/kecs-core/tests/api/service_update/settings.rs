//! What `UpdateService` leaves as it was, and what it refuses by who deploys the service.

use kecs_model::Operation::{DeleteService, DescribeServices, UpdateService};
use serde_json::{Value, json};

use super::{of, refused, served, update};
use crate::fixture::{blue, invalid, network, serve};
use crate::world::World;

const GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1";

#[test]
fn update_service_keeps_of_the_deployment_configuration_what_it_does_not_name() {
    let mut world = blue();
    let mut kept = json!({
        "deploymentCircuitBreaker": {"enable": true, "rollback": true, "resetOnHealthyTask": false,
            "thresholdConfiguration": {"type": "COUNT", "value": 7}},
        "maximumPercent": 150, "minimumHealthyPercent": 50,
        "alarms": {"alarmNames": ["high"], "rollback": true, "enable": true},
        "strategy": "ROLLING", "bakeTimeInMinutes": 3, "lifecycleHooks": [],
        "earlySuccessCriteria": {"enable": true, "healthyPercent": 90},
    });
    let made = serve(&mut world, json!({"deploymentConfiguration": kept}));
    assert_eq!(made["deploymentConfiguration"], kept);
    let mut change = |more: Value| {
        update(&mut world, json!({"deploymentConfiguration": more}))["deploymentConfiguration"].clone()
    };
    assert_eq!(change(json!({})), kept);
    for (member, value) in [
        ("maximumPercent", json!(160)),
        ("minimumHealthyPercent", json!(60)),
        (
            "alarms",
            json!({"alarmNames": ["low", "high"], "rollback": false, "enable": true}),
        ),
        ("bakeTimeInMinutes", json!(1440)),
        ("bakeTimeInMinutes", json!(0)),
        (
            "earlySuccessCriteria",
            json!({"enable": false, "healthyPercent": 80}),
        ),
        ("strategy", json!("ROLLING")),
    ] {
        kept[member] = value.clone();
        assert_eq!(change(json!({member: value})), kept, "{member}");
    }
    for (member, value) in [
        ("enable", json!(false)),
        ("rollback", json!(false)),
        ("resetOnHealthyTask", json!(true)),
        (
            "thresholdConfiguration",
            json!({"type": "BOUNDED_PERCENT", "value": 1}),
        ),
    ] {
        kept["deploymentCircuitBreaker"][member] = value.clone();
        // Whether there is one, and whether it goes back, is said each time.
        let breaker = &kept["deploymentCircuitBreaker"];
        let said = json!({"enable": breaker["enable"], "rollback": breaker["rollback"], member: value});
        assert_eq!(
            change(json!({"deploymentCircuitBreaker": said})),
            kept,
            "{member}"
        );
    }
}

#[test]
fn thresholds_and_bake_times_have_their_ranges() {
    let mut world = served();
    let mut taken = |configuration: Value| {
        let request = of(json!({"deploymentConfiguration": configuration}));
        world.answer(UpdateService, request).is_ok()
    };
    let threshold = |kind: &str, value: Value| {
        json!({"deploymentCircuitBreaker": {"enable": true, "rollback": false,
            "thresholdConfiguration": {"type": kind, "value": value}}})
    };
    for (kind, values, right) in [
        ("COUNT", &[1, 2, 101][..], true),
        ("COUNT", &[0, -1], false),
        ("UNBOUNDED_PERCENT", &[1, 101], true),
        ("UNBOUNDED_PERCENT", &[0], false),
        ("BOUNDED_PERCENT", &[1, 100], true),
        ("BOUNDED_PERCENT", &[0, 101], false),
    ] {
        for value in values {
            assert_eq!(taken(threshold(kind, json!(value))), right, "{kind} {value}");
        }
    }
    for (minutes, right) in [(-1, false), (0, true), (1440, true), (1441, false)] {
        assert_eq!(taken(json!({"bakeTimeInMinutes": minutes})), right, "{minutes}");
    }
    let hook = json!({"hookTargetArn": "arn:aws:lambda:eu-west-1:1:function:f",
        "roleArn": "arn:aws:iam::1:role/r", "lifecycleStages": ["POST_SCALE_UP"]});
    for (configuration, right) in [
        (json!({"lifecycleHooks": []}), true),
        (json!({"lifecycleHooks": [hook]}), false),
        (
            json!({"linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 1}}),
            false,
        ),
        (
            json!({"canaryConfiguration": {"canaryPercent": 50.0, "canaryBakeTimeInMinutes": 1}}),
            false,
        ),
        (
            json!({"alarms": {"alarmNames": [], "rollback": false, "enable": false}}),
            true,
        ),
        (
            json!({"alarms": {"alarmNames": [], "rollback": false, "enable": true}}),
            false,
        ),
    ] {
        assert_eq!(taken(configuration.clone()), right, "{configuration}");
    }
}

#[test]
fn update_service_names_what_another_controller_changes() {
    let mut world = blue();
    let balancers = json!([{"targetGroupArn": GROUP, "containerName": "app", "containerPort": 80}]);
    serve(
        &mut world,
        json!({"deploymentController": {"type": "CODE_DEPLOY"}, "loadBalancers": balancers}),
    );
    for (member, value, what) in [
        // It is not even looked for.
        ("taskDefinition", json!("none:9"), "task definition"),
        ("networkConfiguration", network(), "network parameters"),
        ("platformVersion", json!("LATEST"), "platform version"),
        ("loadBalancers", balancers, "load balancers"),
        ("serviceRegistries", json!([]), "service registries"),
        (
            "capacityProviderStrategy",
            json!([]),
            "capacity provider strategy",
        ),
        (
            "serviceConnectConfiguration",
            json!({"enabled": false}),
            "Service Connect configuration",
        ),
        ("volumeConfigurations", json!([]), "volume configurations"),
        (
            "vpcLatticeConfigurations",
            json!([]),
            "VPC Lattice configurations",
        ),
    ] {
        assert_eq!(
            refused(&mut world, json!({member: value})),
            format!(
                "Unable to update {what} on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy \
                 to trigger a new deployment."
            )
        );
    }
    let same = json!({"deploymentController": {"type": "CODE_DEPLOY"}, "forceNewDeployment": false});
    update(&mut world, same);
    assert_eq!(
        refused(&mut world, json!({"deploymentController": {"type": "EXTERNAL"}})),
        "The deployment controller of the service is CODE_DEPLOY and cannot be changed."
    );
}

#[test]
fn update_service_takes_the_controller_that_it_has() {
    let mut world = served();
    update(&mut world, json!({"deploymentController": {"type": "ECS"}}));
    update(&mut world, json!({"gatewayConnectors": []}));
    assert_eq!(
        refused(
            &mut world,
            json!({"deploymentController": {"type": "CODE_DEPLOY"}})
        ),
        "The deployment controller of the service is ECS and cannot be changed."
    );
}

#[test]
fn update_service_to_the_same_count_changes_no_time() {
    let mut world = served();
    let times = |service: &Value| service["deployments"][0]["updatedAt"].as_i64().unwrap();
    let before = update(&mut world, json!({}));
    assert_eq!(times(&before), world.now.as_second() - 60);
    assert_eq!(
        times(&update(&mut world, json!({"desiredCount": 1}))),
        times(&before)
    );
    assert_eq!(
        times(&update(&mut world, json!({"desiredCount": 0}))),
        world.now.as_second()
    );
}

#[test]
fn update_service_keeps_what_watches_its_tasks_unless_it_is_named() {
    let mut world = served();
    let of = |seconds: i32| json!({"metricConfigurations": [{"metricNames": ["CPUUtilization"], "resolutionSeconds": seconds}]});
    let arn = |service: &Value| service["currentServiceRevisions"][0]["arn"].clone();
    let first = update(&mut world, json!({"monitoring": of(20)}));
    assert_eq!(first["deployments"].as_array().unwrap().len(), 2);
    let same = update(&mut world, json!({"monitoring": of(20)}));
    assert_eq!(arn(&same), arn(&first), "it has that already");
    let kept = update(&mut world, json!({"taskDefinition": "web:2"}));
    assert_ne!(arn(&kept), arn(&first));
    let input = json!({"serviceRevisionArns": [arn(&kept)]});
    let shown = world.ok(kecs_model::Operation::DescribeServiceRevisions, input);
    assert_eq!(shown["serviceRevisions"][0]["monitoring"], of(20));
    let changed = update(&mut world, json!({"monitoring": of(60)}));
    assert_ne!(arn(&changed), arn(&kept));
}

#[test]
fn delete_service_says_when_and_shows_no_tags() {
    let mut world = blue();
    serve(&mut world, json!({"tags": [{"key": "a", "value": "b"}]}));
    let delete = |world: &mut World| {
        world.pass(10);
        world.ok(DeleteService, of(json!({"force": true})))["service"].clone()
    };
    let gone = delete(&mut world);
    let now = world.now.as_second();
    assert_eq!(gone.get("tags"), None);
    let seen = |service: &Value| {
        (
            service["status"].clone(),
            service["deployments"][0]["desiredCount"].clone(),
            service["deployments"][0]["updatedAt"].as_i64(),
        )
    };
    let drained = (json!("DRAINING"), json!(0), Some(now));
    assert_eq!(seen(&gone), drained);
    assert_eq!(seen(&delete(&mut world)), drained, "it is on its way already");
    let input = json!({"cluster": "blue", "services": ["web"], "include": ["TAGS"]});
    assert_eq!(
        world.ok(DescribeServices, input)["services"][0]["tags"],
        json!([{"key": "a", "value": "b"}])
    );
}

#[test]
fn update_service_of_a_daemon_takes_an_empty_strategy() {
    let mut world = blue();
    let daemon = json!({"schedulingStrategy": "DAEMON", "desiredCount": null});
    serve(&mut world, daemon);
    let updated = update(
        &mut world,
        json!({"capacityProviderStrategy": [], "placementStrategy": []}),
    );
    assert_eq!(updated["launchType"], "EC2");
    let asked = json!([{"capacityProvider": "FARGATE"}]);
    assert_eq!(
        world.refused(UpdateService, of(json!({"capacityProviderStrategy": asked}))),
        invalid(
            "Specifying a capacity provider strategy is not supported for a service that uses the DAEMON scheduling \
             strategy."
        )
    );
    let spread = json!([{"type": "random"}]);
    assert_eq!(
        refused(&mut world, json!({"placementStrategy": spread})),
        "The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and \
         try again"
    );
}

#[test]
fn update_service_leaves_the_providers_of_machines_for_ec2() {
    let mut world = blue();
    world.ok(
        kecs_model::Operation::CreateCapacityProvider,
        crate::capacity_provider::group("mine", "one"),
    );
    world.ok(
        kecs_model::Operation::PutClusterCapacityProviders,
        json!({"cluster": "blue", "capacityProviders": ["mine"], "defaultCapacityProviderStrategy": []}),
    );
    serve(&mut world, json!({}));
    let strategy = json!([{"capacityProvider": "mine", "weight": 1}]);
    let there = json!({"capacityProviderStrategy": strategy, "forceNewDeployment": true});
    assert_eq!(update(&mut world, there).get("launchType"), None);
    let back = json!({"capacityProviderStrategy": [], "forceNewDeployment": true});
    let updated = update(&mut world, back);
    assert_eq!(updated["launchType"], "EC2");
    assert_eq!(updated.get("platformVersion"), None);
}

#[test]
fn update_service_of_an_external_one_says_who_deploys_it() {
    let mut world = blue();
    let external = crate::fixture::service(json!({"deploymentController": {"type": "EXTERNAL"}}));
    world.ok(
        kecs_model::Operation::CreateService,
        crate::fixture::without(external, "taskDefinition"),
    );
    assert_eq!(
        refused(&mut world, json!({"forceNewDeployment": true})),
        "Cannot force a new deployment on services with a EXTERNAL deployment controller. Create a task set to \
         trigger a new deployment."
    );
}

#[test]
fn update_service_scales_the_newest_deployment_alone() {
    let mut world = served();
    update(&mut world, json!({"taskDefinition": "web:2"}));
    world.pass(5);
    let updated = update(&mut world, json!({"desiredCount": 8}));
    let counts = [0, 1].map(|at| updated["deployments"][at]["desiredCount"].as_i64().unwrap());
    assert_eq!(counts, [8, 1]);
}

#[test]
fn update_service_shows_what_its_tasks_are_reached_by() {
    let mut world = served();
    let registries = json!([{"registryArn": "arn:aws:servicediscovery:eu-west-1:123456789012:service/srv-1",
        "containerName": "app", "containerPort": 80}]);
    let balancers = json!([{"targetGroupArn": GROUP, "containerName": "app", "containerPort": 80}]);
    let updated = update(&mut world, json!({"serviceRegistries": registries}));
    assert_eq!(updated["serviceRegistries"], registries);
    let updated = update(&mut world, json!({"loadBalancers": balancers}));
    assert_eq!(
        (&updated["serviceRegistries"], &updated["loadBalancers"]),
        (&registries, &balancers)
    );
    let updated = update(&mut world, json!({"serviceRegistries": []}));
    assert_eq!(
        (&updated["serviceRegistries"], &updated["loadBalancers"]),
        (&json!([]), &balancers)
    );
}
