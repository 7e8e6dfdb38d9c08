//! `CreateService`.

use kecs_core::event::EventType;
use kecs_core::record;
use kecs_model::Operation::{self, CreateService};
use serde_json::{Value, json};

use crate::fixture::{blue, define, ec2, invalid, network, serve, service, with, without};
use crate::world::{USER, World};

mod placed;
mod references;
mod shown;

const GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef";
const REGISTRY: &str = "arn:aws:servicediscovery:eu-west-1:123456789012:service/srv-1";
const LINKED: &str = "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";

fn lean(more: Value) -> Value {
    let on_fargate =
        json!({"taskDefinition": "lean:1", "launchType": "FARGATE", "networkConfiguration": network()});
    service(with(on_fargate, more))
}

fn balancer(more: Value) -> Value {
    with(
        json!({"targetGroupArn": GROUP, "containerName": "app", "containerPort": 80}),
        more,
    )
}

#[track_caller]
fn refused(world: &mut World, request: Value) -> String {
    let (code, message) = world.refused(CreateService, request);
    assert_eq!(code, "InvalidParameterException", "{message}");
    message
}

#[test]
fn create_service_fills_in_what_is_left_out() {
    let mut world = blue();
    let made = serve(&mut world, json!({}));
    let deployment = &made["deployments"][0];
    let id = deployment["id"].as_str().unwrap();
    let now = world.now.as_second();
    assert_eq!(id.strip_prefix("ecs-svc/").map(str::len), Some(19));
    let definition = world.arn("task-definition/web:1");
    assert_eq!(
        made,
        json!({
            "serviceArn": world.arn("service/blue/web"), "serviceName": "web", "clusterArn": world.arn("cluster/blue"),
            "status": "ACTIVE", "desiredCount": 1, "runningCount": 0, "pendingCount": 0, "launchType": "EC2",
            "taskDefinition": definition, "loadBalancers": [], "serviceRegistries": [], "events": [],
            "placementConstraints": [], "placementStrategy": [], "schedulingStrategy": "REPLICA",
            "deploymentController": {"type": "ECS"}, "createdAt": now, "createdBy": USER,
            "enableECSManagedTags": false, "propagateTags": "NONE", "enableExecuteCommand": false,
            "availabilityZoneRebalancing": "ENABLED", "resourceManagementType": "CUSTOMER",
            "healthCheckGracePeriodSeconds": 0,
            "deploymentConfiguration": {
                "maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0,
                "deploymentCircuitBreaker": {
                    "enable": false, "rollback": false, "resetOnHealthyTask": true,
                    "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50},
                },
            },
            "deployments": [{
                "id": id, "status": "PRIMARY", "taskDefinition": definition, "desiredCount": 1, "runningCount": 0,
                "pendingCount": 0, "failedTasks": 0, "createdAt": now, "updatedAt": now, "launchType": "EC2",
                "rolloutState": "IN_PROGRESS", "rolloutStateReason": format!("ECS deployment {id} in progress."),
            }],
            "currentServiceDeployment": made["currentServiceDeployment"],
            "currentServiceRevisions": [{
                "arn": world.arn(&format!("service-revision/blue/web/{}", &id[8..])), "requestedTaskCount": 1, "runningTaskCount": 0,
                "pendingTaskCount": 0,
            }],
        })
    );
    let kinds: Vec<EventType> = world.events.iter().rev().take(2).map(|it| it.kind).collect();
    assert_eq!(kinds, [EventType::DeploymentStarted, EventType::ServiceCreated]);
}

#[test]
fn create_service_keeps_its_revision_and_its_service_deployment() {
    let mut world = blue();
    let balancers = json!([balancer(json!({}))]);
    let made = serve(&mut world, json!({"loadBalancers": balancers, "desiredCount": 3}));
    let revision = made["currentServiceRevisions"][0]["arn"].as_str().unwrap();
    assert!(
        revision.starts_with(&world.arn("service-revision/blue/web/")),
        "{revision}"
    );
    let answer = world.ok(
        Operation::DescribeServiceRevisions,
        json!({"serviceRevisionArns": [revision]}),
    );
    let revision = &answer["serviceRevisions"][0];
    assert_eq!(
        revision["taskDefinition"],
        json!(world.arn("task-definition/web:1"))
    );
    assert_eq!(revision["loadBalancers"], balancers);
    assert_eq!(revision["launchType"], "EC2");
    assert_eq!(
        revision["containerImages"],
        json!([{"containerName": "app", "image": "nginx"}])
    );
    let arn = made["currentServiceDeployment"].as_str().unwrap();
    let answer = world.ok(
        Operation::DescribeServiceDeployments,
        json!({"serviceDeploymentArns": [arn]}),
    );
    let deployment = &answer["serviceDeployments"][0];
    assert_eq!(deployment["status"], "PENDING");
    assert_eq!(deployment["sourceServiceRevisions"], json!([]));
    assert_eq!(deployment["targetServiceRevision"]["requestedTaskCount"], 3);
    assert_eq!(
        deployment["targetServiceRevision"]["arn"],
        made["currentServiceRevisions"][0]["arn"]
    );
}

#[test]
fn create_service_on_fargate_tells_its_platform() {
    let mut world = blue();
    let made = world.ok(CreateService, lean(json!({})))["service"].clone();
    assert_eq!(made["platformVersion"], "LATEST");
    assert_eq!(made["platformFamily"], "Linux");
    assert_eq!(made["deployments"][0]["platformVersion"], "1.4.0");
    assert_eq!(made["deployments"][0]["platformFamily"], "Linux");
    assert_eq!(made["roleArn"], LINKED);
    let vpc = &made["networkConfiguration"]["awsvpcConfiguration"];
    assert_eq!(vpc["assignPublicIp"], "DISABLED");
    assert_eq!(
        made["deployments"][0]["networkConfiguration"],
        made["networkConfiguration"]
    );
    let (code, _) = world.refused(
        CreateService,
        lean(json!({"serviceName": "b", "platformVersion": "9.9.9"})),
    );
    assert_eq!(code, "PlatformUnknownException");
}

#[test]
fn create_service_twice_with_the_same_input_is_the_same_service() {
    let mut world = blue();
    let made = serve(&mut world, json!({}));
    world.pass(60);
    assert_eq!(serve(&mut world, json!({})), made);
    let with_token = serve(&mut world, json!({"clientToken": "t"}));
    assert_eq!(with_token, made);
    let (code, message) = world.refused(CreateService, service(json!({"desiredCount": 2})));
    assert_eq!(
        (code, message),
        invalid("Creation of service was not idempotent.")
    );
    let listed = world.ok(Operation::ListServices, json!({"cluster": "blue"}));
    assert_eq!(listed["serviceArns"].as_array().unwrap().len(), 1);
}

#[test]
fn create_service_with_a_used_client_token_is_refused() {
    let mut world = blue();
    let made = serve(&mut world, json!({"clientToken": "once"}));
    assert_eq!(serve(&mut world, json!({"clientToken": "once"})), made);
    let other = service(json!({"serviceName": "other", "clientToken": "once"}));
    assert_eq!(
        world.refused(CreateService, other.clone()),
        invalid("Creation of service was not idempotent.")
    );
    // A token of a service that is gone is free.
    change(&mut world, "web", |it| {
        it.service.status = Some("INACTIVE".to_owned());
    });
    world.ok(CreateService, other);
}

fn change(world: &mut World, name: &str, change: impl FnOnce(&mut record::Service)) {
    let key = world.scope().service("blue", name);
    let mut service: record::Service = world.get(&key).unwrap();
    change(&mut service);
    world.put(key, service);
}

#[test]
fn create_service_while_the_old_one_drains_is_refused_and_works_once_it_is_inactive() {
    let mut world = blue();
    let first = serve(&mut world, json!({}));
    world.ok(
        Operation::DeleteService,
        json!({"cluster": "blue", "service": "web", "force": true}),
    );
    assert_eq!(
        refused(&mut world, service(json!({}))),
        "Unable to Start a service that is still Draining."
    );
    change(&mut world, "web", |it| {
        it.service.status = Some("INACTIVE".to_owned());
    });
    world.pass(60);
    let second = serve(&mut world, json!({}));
    assert_ne!(second["deployments"][0]["id"], first["deployments"][0]["id"]);
    assert_eq!(second["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(second["createdAt"].as_i64(), Some(world.now.as_second()));
}

#[test]
fn create_service_refuses_clusters_and_definitions_that_are_not_there() {
    let mut world = blue();
    let (code, _) = world.refused(CreateService, service(json!({"cluster": "red"})));
    assert_eq!(code, "ClusterNotFoundException");
    let missing = world.refused(CreateService, service(json!({"taskDefinition": "none"})));
    assert_eq!(
        missing,
        ("ClientException", "TaskDefinition not found.".to_owned())
    );
    define(
        &mut world,
        with(ec2(), json!({"family": "old", "status": "INACTIVE"})),
    );
    let inactive = world.refused(CreateService, service(json!({"taskDefinition": "old:1"})));
    assert_eq!(
        inactive,
        ("ClientException", "TaskDefinition is inactive".to_owned())
    );
    let none = without(service(json!({})), "taskDefinition");
    assert_eq!(refused(&mut world, none), "TaskDefinition can not be blank.");
    let none = without(service(json!({})), "desiredCount");
    assert_eq!(refused(&mut world, none), "DesiredCount is missing");
    assert_eq!(
        refused(&mut world, service(json!({"desiredCount": -1}))),
        "DesiredCount can not be lesser than 0"
    );
    world.ok(CreateService, service(json!({"desiredCount": 0})));
}

#[test]
fn create_service_checks_its_name() {
    let mut world = blue();
    for name in ["", "a b", "a.b", "ä", &"x".repeat(256)] {
        refused(&mut world, service(json!({"serviceName": name})));
    }
    world.ok(CreateService, service(json!({"serviceName": "x".repeat(255)})));
    world.ok(CreateService, service(json!({"serviceName": "A-b_9"})));
}

#[test]
fn create_service_of_a_daemon_has_its_own_rules() {
    let mut world = blue();
    let daemon = |more: Value| {
        without(
            service(with(json!({"schedulingStrategy": "DAEMON"}), more)),
            "desiredCount",
        )
    };
    let made = world.ok(CreateService, daemon(json!({})))["service"].clone();
    assert_eq!(made["schedulingStrategy"], "DAEMON");
    assert_eq!(made["desiredCount"], 0);
    assert_eq!(made["availabilityZoneRebalancing"], "DISABLED");
    let configuration = &made["deploymentConfiguration"];
    assert_eq!(
        (
            &configuration["maximumPercent"],
            &configuration["minimumHealthyPercent"]
        ),
        (&json!(100), &json!(0))
    );
    let mut wrong = |more: Value| refused(&mut world, with(daemon(more), json!({"serviceName": "other"})));
    assert_eq!(
        wrong(json!({"placementStrategy": [{"type": "random"}]})),
        "The daemon scheduling strategy does not support placement strategies. Remove the placement strategy and try \
         again"
    );
    assert_eq!(
        wrong(json!({"capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]})),
        "Specifying a capacity provider strategy is not supported when you create a service using the DAEMON \
         scheduling strategy."
    );
    assert_eq!(
        wrong(json!({"deploymentConfiguration": {"maximumPercent": 101}})),
        "The daemon scheduling strategy does not support values above 100 for maximumPercent on a deployment \
         configuration. Change the maximumPercent value to 100, and try again"
    );
    assert!(wrong(json!({"launchType": "FARGATE"})).contains("FARGATE"));
    assert!(wrong(json!({"deploymentController": {"type": "EXTERNAL"}})).contains("EXTERNAL"));
    assert_eq!(
        wrong(json!({"availabilityZoneRebalancing": "ENABLED"})),
        "The service couldn't be created because Availability Zone Rebalancing does not support DAEMON as scheduling \
         strategy. Update scheduling strategy and try again."
    );
    let counted = service(json!({"serviceName": "other", "schedulingStrategy": "DAEMON"}));
    assert_eq!(
        refused(&mut world, counted),
        "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value \
         and try again"
    );
}

#[test]
fn create_service_checks_the_percents_of_a_deployment() {
    let mut world = blue();
    let of = |maximum: i32, minimum: i32| {
        service(json!({
            "deploymentConfiguration": {"maximumPercent": maximum, "minimumHealthyPercent": minimum},
            "serviceName": format!("s-{maximum}-{minimum}"),
        }))
    };
    assert_eq!(
        refused(&mut world, of(100, 100)),
        "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."
    );
    for (maximum, minimum) in [(101, 100), (100, 99), (100, 0), (200, 0)] {
        world.ok(CreateService, of(maximum, minimum));
    }
    // One alone goes with the default of the other.
    let half =
        service(json!({"serviceName": "half", "deploymentConfiguration": {"minimumHealthyPercent": 50}}));
    let made = world.ok(CreateService, half)["service"].clone();
    assert_eq!(made["deploymentConfiguration"]["maximumPercent"], 200);
}

#[test]
fn create_service_checks_circuit_breaker_alarms_and_strategy() {
    let mut world = blue();
    let breaker = |more: Value| {
        let breaker = with(json!({"enable": true, "rollback": true}), more);
        service(json!({"deploymentConfiguration": {"deploymentCircuitBreaker": breaker}}))
    };
    let threshold =
        |kind: &str, value: i32| breaker(json!({"thresholdConfiguration": {"type": kind, "value": value}}));
    refused(&mut world, threshold("COUNT", 0));
    refused(&mut world, threshold("BOUNDED_PERCENT", 101));
    let made = world.ok(CreateService, threshold("UNBOUNDED_PERCENT", 101))["service"].clone();
    let kept = &made["deploymentConfiguration"]["deploymentCircuitBreaker"];
    assert_eq!(
        kept["thresholdConfiguration"],
        json!({"type": "UNBOUNDED_PERCENT", "value": 101})
    );
    let of = |configuration: Value| {
        service(json!({"serviceName": "other", "deploymentConfiguration": configuration}))
    };
    let alarms = refused(
        &mut world,
        of(json!({"alarms": {"enable": true, "rollback": false, "alarmNames": []}})),
    );
    assert!(alarms.contains("alarm name"), "{alarms}");
    for strategy in ["BLUE_GREEN", "LINEAR", "CANARY"] {
        let (code, message) = world.refused(CreateService, of(json!({"strategy": strategy})));
        assert_eq!(code, "UnsupportedFeatureException");
        assert_eq!(
            message,
            format!("The deployment strategy {strategy} is not supported by KECS.")
        );
    }
    let hooks = json!({"lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}]});
    let (code, _) = world.refused(CreateService, of(hooks));
    assert_eq!(code, "UnsupportedFeatureException");
    let external = with(
        breaker(json!({})),
        json!({"deploymentController": {"type": "EXTERNAL"}}),
    );
    assert_eq!(
        refused(
            &mut world,
            without(with(external, json!({"serviceName": "x"})), "taskDefinition")
        ),
        "Deployment circuit breaker feature can be enabled only with ECS deployment controller."
    );
}

#[test]
fn create_service_with_an_external_controller_has_no_deployment() {
    let mut world = blue();
    let external = without(
        service(json!({"deploymentController": {"type": "EXTERNAL"}})),
        "taskDefinition",
    );
    let made = world.ok(CreateService, external.clone())["service"].clone();
    assert_eq!(made["deployments"], json!([]));
    assert!(made.get("taskDefinition").is_none());
    assert!(made.get("currentServiceDeployment").is_none());
    let other = |more: Value| with(with(external.clone(), json!({"serviceName": "b"})), more);
    for (more, message) in [
        (
            json!({"taskDefinition": "web:1"}),
            "TaskDefinition must be blank.",
        ),
        (
            json!({"networkConfiguration": network()}),
            "NetworkConfiguration must be empty or null.",
        ),
        (
            json!({"platformVersion": "LATEST"}),
            "PlatformVersion must be blank.",
        ),
        (
            json!({"loadBalancers": [balancer(json!({}))]}),
            "LoadBalancers must be empty or null.",
        ),
    ] {
        assert_eq!(refused(&mut world, other(more)), message);
    }
    world.ok(CreateService, other(json!({"loadBalancers": []})));
}

#[test]
fn create_service_with_code_deploy_has_a_primary_task_set() {
    let mut world = blue();
    let code_deploy = json!({"deploymentController": {"type": "CODE_DEPLOY"}, "desiredCount": 3});
    assert_eq!(
        refused(&mut world, service(code_deploy.clone())),
        "When specifying the CODE_DEPLOY deployment controller type, the service requires an Application Load Balancer or \
         Network Load Balancer."
    );
    let balanced = with(code_deploy, json!({"loadBalancers": [balancer(json!({}))]}));
    let made = serve(&mut world, balanced);
    assert_eq!(made["deployments"], json!([]));
    let described = world.ok(
        Operation::DescribeServices,
        json!({"cluster": "blue", "services": ["web"]}),
    );
    let set = &described["services"][0]["taskSets"][0];
    assert_eq!(set["status"], "PRIMARY");
    assert_eq!(set["startedBy"], "CODE_DEPLOY");
    assert_eq!(set["computedDesiredCount"], 3);
    assert_eq!(set["scale"], json!({"value": 100.0, "unit": "PERCENT"}));
}

#[test]
fn create_service_needs_a_task_role_to_execute_commands() {
    let mut world = blue();
    define(
        &mut world,
        without(with(ec2(), json!({"family": "plain"})), "taskRoleArn"),
    );
    let request = json!({"enableExecuteCommand": true, "taskDefinition": "plain:1"});
    assert_eq!(
        refused(&mut world, service(request)),
        "The service couldn't be created because a valid taskRoleArn is not being used. Specify a valid task role in \
         your task definition and try again."
    );
    assert_eq!(
        serve(&mut world, json!({"enableExecuteCommand": true}))["enableExecuteCommand"],
        true
    );
}

#[test]
fn create_service_with_short_arns_has_no_cluster_in_it_and_no_tags() {
    let mut world = blue();
    world.ok(
        Operation::PutAccountSetting,
        json!({"name": "serviceLongArnFormat", "value": "disabled"}),
    );
    let tagged = service(json!({"tags": [{"key": "a", "value": "b"}]}));
    assert_eq!(
        refused(&mut world, tagged),
        "The new ARN and resource ID format must be enabled to add tags to the service. Opt in to the new format and \
         try again."
    );
    let made = serve(&mut world, json!({}));
    assert_eq!(made["serviceArn"], json!(world.arn("service/web")));
    let described = world.ok(
        Operation::DescribeServices,
        json!({"cluster": "blue", "services": [made["serviceArn"]]}),
    );
    assert_eq!(described["services"][0]["serviceName"], "web");
}

#[test]
fn create_service_takes_a_capacity_provider_strategy() {
    let mut world = blue();
    let strategy = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
    let request = without(lean(json!({"capacityProviderStrategy": strategy})), "launchType");
    let made = world.ok(CreateService, request)["service"].clone();
    assert!(made.get("launchType").is_none());
    let filled = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]);
    assert_eq!(made["capacityProviderStrategy"], filled);
    assert_eq!(made["deployments"][0]["capacityProviderStrategy"], filled);
    assert_eq!(made["platformVersion"], "LATEST");
    let both = lean(json!({"serviceName": "b", "capacityProviderStrategy": strategy}));
    assert!(
        refused(&mut world, both).starts_with("Specifying both a launch type and capacity provider strategy")
    );
}

#[test]
fn create_service_refuses_gateway_connectors() {
    let mut world = blue();
    let (code, _) = world.refused(
        CreateService,
        service(json!({"gatewayConnectors": [{"portName": "http"}]})),
    );
    assert_eq!(code, "UnsupportedFeatureException");
}
