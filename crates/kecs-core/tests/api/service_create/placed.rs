//! Counts, roles and zones of a new service.

use kecs_model::Operation::{self, CreateService, DeleteService};
use serde_json::{Value, json};

use super::{LINKED, REGISTRY, balancer, lean, refused};
use crate::fixture::{blue, serve, service, with, without};

#[test]
fn create_service_balances_zones_where_nothing_is_against_it() {
    let zone = "attribute:ecs.availability-zone";
    let spread = |field: &str| json!({"type": "spread", "field": field});
    let expression = |text: &str| json!([{"type": "memberOf", "expression": text}]);
    let maximum = |percent: i32| json!({"maximumPercent": percent, "minimumHealthyPercent": 50});
    let rows = [
        (json!({}), true),
        (json!({"placementStrategy": [spread(zone)]}), true),
        (
            json!({"placementStrategy": [spread(zone), spread("instanceId")]}),
            true,
        ),
        (
            json!({"placementStrategy": [spread("instanceId"), spread(zone)]}),
            false,
        ),
        (
            json!({"placementStrategy": [{"type": "binpack", "field": "cpu"}]}),
            false,
        ),
        (
            json!({"placementConstraints": expression("attribute:stack exists")}),
            true,
        ),
        (
            json!({"placementConstraints": expression(&format!("{zone} == eu-west-1a"))}),
            false,
        ),
        (json!({"deploymentConfiguration": maximum(101)}), true),
        (json!({"deploymentConfiguration": maximum(100)}), false),
        (json!({"loadBalancers": [balancer(json!({}))]}), true),
        (json!({"launchType": "EXTERNAL"}), false),
    ];
    for (more, balanced) in rows {
        let word = if balanced { "ENABLED" } else { "DISABLED" };
        let made = blue().ok(CreateService, service(more.clone()))["service"].clone();
        assert_eq!(made["availabilityZoneRebalancing"], word, "{more}");
        let asked = with(
            service(more.clone()),
            json!({"availabilityZoneRebalancing": "ENABLED"}),
        );
        assert_eq!(blue().answer(CreateService, asked).is_ok(), balanced, "{more}");
    }
}

#[test]
fn create_service_wants_a_count_from_zero_on() {
    let mut world = blue();
    assert_eq!(
        refused(&mut world, service(json!({"desiredCount": -1}))),
        "DesiredCount can not be lesser than 0"
    );
    assert_eq!(
        refused(&mut world, without(service(json!({})), "desiredCount")),
        "DesiredCount is missing"
    );
    world.ok(CreateService, service(json!({"desiredCount": 0})));
}

#[test]
fn create_service_takes_a_role_by_name_or_by_arn() {
    let classic = json!({"loadBalancerName": "classic", "containerName": "app", "containerPort": 80});
    let arn = "arn:aws:iam::123456789012:role/path/mine";
    for (given, shown) in [("mine", "arn:aws:iam::123456789012:role/mine"), (arn, arn)] {
        let request = service(json!({"loadBalancers": [classic], "role": given}));
        assert_eq!(blue().ok(CreateService, request)["service"]["roleArn"], shown);
    }
}

#[test]
fn create_service_wants_the_arn_of_a_registry() {
    let mut world = blue();
    let of = |arn: &str| {
        let registry: Value = json!({"registryArn": arn, "containerName": "app", "containerPort": 80});
        service(json!({"serviceRegistries": [registry]}))
    };
    for wrong in [
        REGISTRY.replace("arn:", "urn:"),
        REGISTRY.replace("servicediscovery:", "ecs:"),
        REGISTRY.replace(":service/", ":namespace/"),
    ] {
        let message = refused(&mut world, of(&wrong));
        assert_eq!(message, format!("Invalid registry ARN: {wrong}"));
    }
    world.ok(CreateService, of(REGISTRY));
}

#[test]
fn delete_service_needs_no_force_where_its_task_sets_are_scaled_to_zero() {
    let mut world = blue();
    let external = json!({"deploymentController": {"type": "EXTERNAL"}, "desiredCount": 0});
    world.ok(CreateService, without(service(external), "taskDefinition"));
    let web = json!({"cluster": "blue", "service": "web"});
    let set = with(
        web.clone(),
        json!({"taskDefinition": "web:1", "scale": {"value": 0.0, "unit": "PERCENT"}}),
    );
    world.ok(Operation::CreateTaskSet, set);
    assert_eq!(world.ok(DeleteService, web)["service"]["status"], "DRAINING");
}

#[test]
fn create_service_of_a_daemon_wants_a_launch_type_where_the_cluster_has_a_strategy() {
    let mut world = blue();
    let strategy = json!([{"capacityProvider": "FARGATE", "weight": 1}]);
    world.ok(
        Operation::PutClusterCapacityProviders,
        json!({"cluster": "blue", "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": strategy}),
    );
    let daemon = json!({"schedulingStrategy": "DAEMON", "desiredCount": null});
    let own = "Specifying a capacity provider strategy is not supported when you create a service using the DAEMON \
               scheduling strategy.";
    assert_eq!(refused(&mut world, service(daemon.clone())), own);
    let on_ec2 = with(daemon, json!({"launchType": "EC2"}));
    assert_eq!(
        refused(
            &mut world,
            service(with(
                on_ec2.clone(),
                json!({"capacityProviderStrategy": strategy})
            ))
        ),
        own
    );
    let empty = json!({"capacityProviderStrategy": [], "placementStrategy": [], "volumeConfigurations": []});
    assert_eq!(serve(&mut world, with(on_ec2, empty))["launchType"], "EC2");
}

#[test]
fn create_service_takes_what_is_empty_for_what_is_left_out() {
    let mut world = blue();
    let empty = json!({"loadBalancers": [], "serviceRegistries": [], "gatewayConnectors": [], "tags": [],
        "vpcLatticeConfigurations": []});
    let made = serve(&mut world, empty.clone());
    assert_eq!((made.get("roleArn"), made.get("tags")), (None, None));
    assert_eq!(
        [&made["loadBalancers"], &made["serviceRegistries"]],
        [&json!([]), &json!([])]
    );
    // What does not reach anything has no health checks.
    let grace = json!({"serviceName": "other", "healthCheckGracePeriodSeconds": 1});
    assert_eq!(
        refused(&mut world, service(with(empty.clone(), grace))),
        "Health check grace period is only valid for services configured to use load balancers"
    );
    let registered = json!({"serviceName": "named", "serviceRegistries": [
        {"registryArn": REGISTRY, "containerName": "app", "containerPort": 80}]});
    let made = serve(&mut world, registered.clone());
    assert_eq!(made["roleArn"], LINKED);
    assert_eq!(made["serviceRegistries"], registered["serviceRegistries"]);
    // A short ARN has no tags, and with none there is nothing against it.
    let setting = json!({"name": "serviceLongArnFormat", "value": "disabled"});
    world.ok(Operation::PutAccountSetting, setting);
    let made = serve(&mut world, with(empty, json!({"serviceName": "short"})));
    assert_eq!(made["serviceArn"], json!(world.arn("service/short")));
}

#[test]
fn create_service_with_lattice_takes_a_grace_period() {
    let mut world = blue();
    let lattice = json!([{"roleArn": "arn:aws:iam::123456789012:role/r", "portName": "http",
        "targetGroupArn": "arn:aws:vpc-lattice:eu-west-1:123456789012:targetgroup/tg-1"}]);
    let made = serve(
        &mut world,
        json!({"vpcLatticeConfigurations": lattice, "healthCheckGracePeriodSeconds": 9}),
    );
    assert_eq!(made["healthCheckGracePeriodSeconds"], 9);
}

#[test]
fn create_service_balances_zones_with_a_constraint_that_names_none() {
    let mut world = blue();
    let of = |name: &str, constraint: Value| json!({"serviceName": name, "placementConstraints": [constraint, {"type": "distinctInstance"}]});
    let by_type = json!({"type": "memberOf", "expression": "attribute:ecs.instance-type == t3.micro"});
    let by_zone = json!({"type": "memberOf", "expression": "attribute:ecs.availability-zone == eu-west-1a"});
    for (name, constraint, rebalancing) in [("type", by_type, "ENABLED"), ("zone", by_zone, "DISABLED")] {
        let made = serve(&mut world, of(name, constraint));
        assert_eq!(made["availabilityZoneRebalancing"], rebalancing, "{name}");
    }
}

#[test]
fn create_service_of_code_deploy_on_fargate_tells_its_platform() {
    let mut world = blue();
    let request = lean(json!({"deploymentController": {"type": "CODE_DEPLOY"},
        "loadBalancers": [balancer(json!({}))]}));
    world.ok(CreateService, request);
    let described = json!({"cluster": "blue", "services": ["web"]});
    let made = world.ok(Operation::DescribeServices, described)["services"][0].clone();
    assert_eq!(
        [
            &made["platformVersion"],
            &made["platformFamily"],
            &made["taskSets"][0]["platformVersion"]
        ],
        [&json!("LATEST"), &json!("Linux"), &json!("1.4.0")]
    );
    assert_eq!(made["taskSets"][0].get("tags"), None);
    for member in [
        "taskDefinition",
        "networkConfiguration",
        "loadBalancers",
        "launchType",
    ] {
        assert_eq!(made[member], made["taskSets"][0][member], "{member}");
    }
    assert_eq!(made["taskDefinition"], json!(world.arn("task-definition/lean:1")));
    let spot = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]);
    let request = lean(
        json!({"deploymentController": {"type": "CODE_DEPLOY"}, "serviceName": "spot",
        "launchType": null, "capacityProviderStrategy": spot, "loadBalancers": [balancer(json!({}))]}),
    );
    let made = world.ok(CreateService, request)["service"].clone();
    assert_eq!(made["capacityProviderStrategy"], spot);
}

#[test]
fn create_service_does_not_balance_what_others_deploy() {
    let mut world = blue();
    let external = json!({"deploymentController": {"type": "EXTERNAL"}});
    let request = without(
        service(with(external, json!({"serviceName": "a"}))),
        "taskDefinition",
    );
    let made = world.ok(CreateService, request)["service"].clone();
    assert_eq!(made["availabilityZoneRebalancing"], "DISABLED");
    let request = json!({"deploymentController": {"type": "CODE_DEPLOY"}, "serviceName": "b",
        "loadBalancers": [balancer(json!({}))]});
    assert_eq!(
        serve(&mut world, request)["availabilityZoneRebalancing"],
        "DISABLED"
    );
}

#[test]
fn create_service_watches_its_tasks_as_it_is_asked_to() {
    let mut world = blue();
    let monitoring =
        json!({"metricConfigurations": [{"metricNames": ["CPUUtilization"], "resolutionSeconds": 20}]});
    let made = serve(&mut world, json!({"monitoring": monitoring}));
    let input = json!({"serviceRevisionArns": [made["currentServiceRevisions"][0]["arn"]]});
    let shown = world.ok(Operation::DescribeServiceRevisions, input);
    assert_eq!(shown["serviceRevisions"][0]["monitoring"], monitoring);
}

#[test]
fn a_daemon_is_not_on_fargate() {
    let mut world = blue();
    let daemon = json!({"schedulingStrategy": "DAEMON", "desiredCount": null});
    assert_eq!(
        refused(&mut world, lean(daemon)),
        "The daemon scheduling strategy does not support the FARGATE launch type. Change the launch type and try \
         again"
    );
}

#[test]
fn create_service_says_why_zones_are_not_balanced() {
    let mut world = blue();
    let asked = |more: Value| service(with(json!({"availabilityZoneRebalancing": "ENABLED"}), more));
    let other = "Availability Zone rebalancing is not supported for this service: it needs the ECS deployment \
                 controller, no Classic Load Balancer, and no placement that goes against it.";
    let narrow =
        "Availability Zone Rebalancing does not support maximumPercent <= 100 % as deployment configuration.";
    let percents = |maximum: i32| {
        json!({"deploymentConfiguration":
        {"maximumPercent": maximum, "minimumHealthyPercent": 50}})
    };
    let classic = json!({"loadBalancers": [
        {"loadBalancerName": "classic", "containerName": "app", "containerPort": 80}]});
    let packed = json!({"placementStrategy": [{"type": "binpack", "field": "cpu"}]});
    let daemon = json!({"schedulingStrategy": "DAEMON", "desiredCount": null});
    for (more, message) in [
        (classic.clone(), other),
        (packed, other),
        (percents(100), narrow),
        (with(classic, percents(100)), narrow),
        (
            daemon,
            "The service couldn't be created because Availability Zone Rebalancing does not support DAEMON as \
             scheduling strategy. Update scheduling strategy and try again.",
        ),
    ] {
        assert_eq!(refused(&mut world, asked(more)), message);
    }
    let made = world.ok(CreateService, asked(percents(101)))["service"].clone();
    assert_eq!(made["availabilityZoneRebalancing"], "ENABLED");
}

#[test]
fn create_service_holds_what_it_asks_for_against_where_it_runs() {
    let mut world = blue();
    assert_eq!(
        refused(
            &mut world,
            lean(json!({"placementStrategy": [{"type": "random"}]}))
        ),
        "Placement strategies are not supported with FARGATE launch type."
    );
    let old = lean(json!({"platformVersion": "1.3.0", "enableExecuteCommand": true}));
    let (code, _) = world.refused(CreateService, old);
    assert_eq!(code, "PlatformTaskDefinitionIncompatibilityException");
    let own = with(
        crate::fixture::ec2(),
        json!({"family": "own", "networkMode": "awsvpc"}),
    );
    crate::fixture::define(&mut world, own);
    let classic = json!({"taskDefinition": "own:1", "networkConfiguration": crate::fixture::network(),
        "loadBalancers": [{"loadBalancerName": "classic", "containerName": "app", "containerPort": 80}]});
    assert_eq!(
        refused(&mut world, service(classic)),
        "Classic Load Balancers are not supported with the awsvpc network mode. Specify a target group."
    );
    let volumes = json!({"schedulingStrategy": "DAEMON", "desiredCount": null, "volumeConfigurations": [
        {"name": "data", "managedEBSVolume": {"roleArn": "arn:aws:iam::1:role/ebs", "sizeInGiB": 1}}]});
    assert_eq!(
        refused(&mut world, service(volumes)),
        "The daemon scheduling strategy does not support volume configurations."
    );
    let alarms = json!({"deploymentController": {"type": "CODE_DEPLOY"}, "loadBalancers": [balancer(json!({}))],
        "deploymentConfiguration": {"alarms": {"alarmNames": ["a"], "rollback": true, "enable": true}}});
    assert_eq!(
        refused(&mut world, service(alarms)),
        "Deployment alarms can be enabled only with ECS deployment controller."
    );
}
