//! `UpdateService`.

use kecs_core::record;
use kecs_model::Operation::{self, UpdateService};
use serde_json::{Value, json};

use crate::fixture::{blue, define, ec2, fargate, invalid, network, serve, service, with, without};
use crate::world::World;

mod compute;
mod settings;

fn update(world: &mut World, more: Value) -> Value {
    world.ok(UpdateService, of(more))["service"].clone()
}

fn of(more: Value) -> Value {
    with(json!({"cluster": "blue", "service": "web"}), more)
}

#[track_caller]
fn refused(world: &mut World, more: Value) -> String {
    let (code, message) = world.refused(UpdateService, of(more));
    assert_eq!(code, "InvalidParameterException", "{message}");
    message
}

/// A world with the service `web` and a second revision of its definition.
fn served() -> World {
    let mut world = blue();
    define(&mut world, with(ec2(), json!({"revision": 2})));
    serve(&mut world, json!({}));
    world.pass(60);
    world
}

#[test]
fn update_service_of_the_count_alone_begins_no_deployment() {
    let mut world = served();
    let updated = update(&mut world, json!({"desiredCount": 4}));
    assert_eq!(updated["desiredCount"], 4);
    assert_eq!(updated["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(updated["deployments"][0]["desiredCount"], 4);
    assert_eq!(
        updated["deployments"][0]["updatedAt"].as_i64(),
        Some(world.now.as_second())
    );
    assert_eq!(update(&mut world, json!({"desiredCount": 0}))["desiredCount"], 0);
    let (code, _) = world.refused(UpdateService, of(json!({"desiredCount": -1})));
    assert_eq!(code, "InvalidParameterException");
}

#[test]
fn update_service_to_another_definition_begins_a_deployment() {
    let mut world = served();
    let before = update(&mut world, json!({}));
    let updated = update(&mut world, json!({"taskDefinition": "web:2", "desiredCount": 2}));
    let definition = world.arn("task-definition/web:2");
    assert_eq!(updated["taskDefinition"], json!(definition));
    let deployments = updated["deployments"].as_array().unwrap();
    assert_eq!(deployments.len(), 2);
    assert_eq!(deployments[0]["status"], "PRIMARY");
    assert_eq!(deployments[0]["taskDefinition"], json!(definition));
    assert_eq!(deployments[0]["desiredCount"], 2);
    assert_eq!(deployments[0]["rolloutState"], "IN_PROGRESS");
    assert_eq!(deployments[1]["status"], "ACTIVE");
    assert_eq!(deployments[1]["id"], before["deployments"][0]["id"]);
    assert_ne!(
        updated["currentServiceDeployment"],
        before["currentServiceDeployment"]
    );
    let kept: record::Service = world.get(&world.scope().service("blue", "web")).unwrap();
    let rollouts: Vec<Value> = kept.rollouts.iter().map(|it| json!(it.id)).collect();
    assert_eq!(
        rollouts,
        [deployments[0]["id"].clone(), deployments[1]["id"].clone()]
    );
    let arn = &updated["currentServiceDeployment"];
    let described = world.ok(
        Operation::DescribeServiceDeployments,
        json!({"serviceDeploymentArns": [arn]}),
    );
    let deployment = &described["serviceDeployments"][0];
    assert_eq!(
        deployment["sourceServiceRevisions"][0]["arn"],
        before["currentServiceRevisions"][0]["arn"]
    );
    assert_eq!(
        deployment["targetServiceRevision"]["arn"],
        updated["currentServiceRevisions"][0]["arn"]
    );
}

#[test]
fn update_service_to_what_it_has_already_begins_nothing() {
    let mut world = served();
    for same in [
        json!({}),
        json!({"taskDefinition": "web:1"}),
        json!({"loadBalancers": [], "serviceRegistries": []}),
        json!({"forceNewDeployment": false}),
        json!({"deploymentConfiguration": {"maximumPercent": 150}}),
        json!({"placementConstraints": [{"type": "distinctInstance"}]}),
        json!({"placementStrategy": [{"type": "spread", "field": "instanceId"}]}),
        json!({"enableECSManagedTags": true, "propagateTags": "SERVICE"}),
        json!({"enableExecuteCommand": true}),
        json!({"availabilityZoneRebalancing": "DISABLED"}),
    ] {
        let updated = update(&mut world, same.clone());
        assert_eq!(updated["deployments"].as_array().unwrap().len(), 1, "{same}");
    }
    let shown = update(&mut world, json!({}));
    assert_eq!(shown["deploymentConfiguration"]["maximumPercent"], 150);
    assert_eq!(
        shown["placementConstraints"],
        json!([{"type": "distinctInstance"}])
    );
    assert_eq!(
        shown["placementStrategy"],
        json!([{"type": "spread", "field": "instanceId"}])
    );
    assert_eq!(shown["enableECSManagedTags"], true);
    assert_eq!(shown["propagateTags"], "SERVICE");
    assert_eq!(shown["enableExecuteCommand"], true);
    assert_eq!(shown["availabilityZoneRebalancing"], "DISABLED");
    // An empty list takes away what there was.
    let cleared = update(
        &mut world,
        json!({"placementConstraints": [], "placementStrategy": []}),
    );
    assert_eq!(
        (&cleared["placementConstraints"], &cleared["placementStrategy"]),
        (&json!([]), &json!([]))
    );
}

#[test]
fn update_service_by_family_takes_the_newest_revision() {
    let mut world = served();
    let updated = update(&mut world, json!({"taskDefinition": "web"}));
    assert_eq!(
        updated["taskDefinition"],
        json!(world.arn("task-definition/web:2"))
    );
    assert_eq!(updated["deployments"].as_array().unwrap().len(), 2);
}

#[test]
fn update_service_by_force_begins_a_deployment_of_the_same() {
    let mut world = served();
    let updated = update(&mut world, json!({"forceNewDeployment": true}));
    let deployments = updated["deployments"].as_array().unwrap();
    assert_eq!(deployments.len(), 2);
    assert_eq!(deployments[0]["taskDefinition"], deployments[1]["taskDefinition"]);
    assert_ne!(deployments[0]["id"], deployments[1]["id"]);
}

#[test]
fn update_service_begins_a_deployment_for_what_its_tasks_are_made_from() {
    let group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1";
    let registry = "arn:aws:servicediscovery:eu-west-1:123456789012:service/srv-1";
    let connect = json!({"enabled": true, "namespace": "internal", "services": [{"portName": "http"}]});
    let lattice = json!([{
        "roleArn": "arn:aws:iam::123456789012:role/l", "portName": "http",
        "targetGroupArn": "arn:aws:vpc-lattice:eu-west-1:123456789012:targetgroup/tg-1",
    }]);
    let port = json!({"containerName": "app", "containerPort": 80});
    for change in [
        json!({"loadBalancers": [with(port.clone(), json!({"targetGroupArn": group}))]}),
        json!({"serviceRegistries": [with(port, json!({"registryArn": registry}))]}),
        json!({"serviceConnectConfiguration": connect}),
        json!({"vpcLatticeConfigurations": lattice}),
    ] {
        let mut world = served();
        let updated = update(&mut world, change.clone());
        assert_eq!(updated["deployments"].as_array().unwrap().len(), 2, "{change}");
        // It stays as it is from then on.
        let again = update(&mut world, change.clone());
        assert_eq!(again["deployments"].as_array().unwrap().len(), 2, "{change}");
        let kept = update(&mut world, json!({"forceNewDeployment": true}));
        let revision = &kept["currentServiceRevisions"][0]["arn"];
        let answer = world.ok(
            Operation::DescribeServiceRevisions,
            json!({"serviceRevisionArns": [revision]}),
        );
        let (member, value) = change.as_object().unwrap().iter().next().unwrap();
        assert_eq!(&answer["serviceRevisions"][0][member], value);
    }
}

#[test]
fn update_service_on_fargate_follows_network_and_platform() {
    let mut world = blue();
    let on_fargate =
        json!({"taskDefinition": "lean:1", "launchType": "FARGATE", "networkConfiguration": network()});
    serve(&mut world, on_fargate);
    assert_eq!(
        update(&mut world, json!({"networkConfiguration": network()}))["deployments"][0]["status"],
        "PRIMARY"
    );
    let other = json!({"awsvpcConfiguration": {"subnets": ["subnet-9"]}});
    let updated = update(&mut world, json!({"networkConfiguration": other}));
    assert_eq!(updated["deployments"].as_array().unwrap().len(), 2);
    let vpc = &updated["networkConfiguration"]["awsvpcConfiguration"];
    assert_eq!(
        vpc,
        &json!({"subnets": ["subnet-9"], "securityGroups": [], "assignPublicIp": "DISABLED"})
    );
    let updated = update(&mut world, json!({"platformVersion": "1.3.0"}));
    assert_eq!(updated["platformVersion"], "1.3.0");
    assert_eq!(updated["deployments"][0]["platformVersion"], "1.3.0");
    // It stays until another is asked for.
    let updated = update(&mut world, json!({"forceNewDeployment": true}));
    assert_eq!(updated["platformVersion"], "1.3.0");
    let updated = update(&mut world, json!({"platformVersion": "LATEST"}));
    assert_eq!(updated["deployments"][0]["platformVersion"], "1.4.0");
    let (code, _) = world.refused(UpdateService, of(json!({"platformVersion": "0.1"})));
    assert_eq!(code, "PlatformUnknownException");
    // A definition that runs elsewhere does not fit.
    define(
        &mut world,
        with(fargate(), json!({"family": "ec2", "compatibilities": ["EC2"]})),
    );
    assert_eq!(
        refused(&mut world, json!({"taskDefinition": "ec2:1"})),
        "Task definition does not support launch_type FARGATE."
    );
    assert_eq!(
        refused(
            &mut world,
            json!({"placementConstraints": [{"type": "distinctInstance"}]})
        ),
        "Placement constraints are not supported with FARGATE launch type."
    );
}

#[test]
fn update_service_merges_the_deployment_configuration() {
    let mut world = served();
    let threshold = json!({"type": "COUNT", "value": 7});
    let breaker = json!({"enable": true, "rollback": false, "resetOnHealthyTask": false,
        "thresholdConfiguration": threshold});
    update(
        &mut world,
        json!({"deploymentConfiguration": {"deploymentCircuitBreaker": breaker}}),
    );
    // What is left out of the breaker stays.
    let breaker = json!({"enable": true, "rollback": true});
    let updated = update(
        &mut world,
        json!({"deploymentConfiguration": {"deploymentCircuitBreaker": breaker, "minimumHealthyPercent": 50}}),
    );
    let breaker = json!({"enable": true, "rollback": true, "resetOnHealthyTask": false,
        "thresholdConfiguration": threshold});
    let updated = update(
        &mut world,
        json!({"deploymentConfiguration": {"maximumPercent": 100}}),
    )
    .get("deploymentConfiguration")
    .cloned()
    .unwrap_or(updated);
    assert_eq!(updated["deploymentCircuitBreaker"], breaker);
    assert_eq!(
        (&updated["minimumHealthyPercent"], &updated["maximumPercent"]),
        (&json!(50), &json!(100))
    );
}

#[test]
fn update_service_refuses_a_configuration_that_does_not_fit_what_is_kept() {
    let mut world = served();
    assert_eq!(
        refused(
            &mut world,
            json!({"deploymentConfiguration": {"maximumPercent": 100}})
        ),
        "Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments."
    );
    let half = json!({"deploymentConfiguration": {"maximumPercent": 100, "minimumHealthyPercent": 50}});
    let balanced = json!({"availabilityZoneRebalancing": "ENABLED"});
    let narrow =
        "Availability Zone Rebalancing does not support maximumPercent <= 100 % as deployment configuration.";
    assert_eq!(refused(&mut world, with(half.clone(), balanced.clone())), narrow);
    // What was not asked for gives way.
    let updated = update(&mut world, half);
    assert_eq!(updated["availabilityZoneRebalancing"], "DISABLED");
    assert_eq!(refused(&mut world, balanced.clone()), narrow);
    let wide = json!({"deploymentConfiguration": {"maximumPercent": 101}});
    assert_eq!(
        update(&mut world, with(wide, balanced))["availabilityZoneRebalancing"],
        "ENABLED"
    );
}

#[test]
fn update_service_checks_the_new_definition() {
    let mut world = served();
    let bare =
        json!({"family": "bare", "containerDefinitions": [{"name": "app", "image": "nginx", "memory": 10}]});
    define(&mut world, with(ec2(), bare));
    let group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1";
    let balancer = json!([{"targetGroupArn": group, "containerName": "app", "containerPort": 80}]);
    update(&mut world, json!({"loadBalancers": balancer}));
    assert_eq!(
        refused(&mut world, json!({"taskDefinition": "bare:1"})),
        "The container app did not have a container port 80 defined."
    );
    update(
        &mut world,
        json!({"taskDefinition": "bare:1", "loadBalancers": []}),
    );
    assert_eq!(
        refused(&mut world, json!({"taskDefinition": "lean:1"})),
        "Network Configuration must be provided when networkMode 'awsvpc' is specified."
    );
    assert_eq!(
        refused(&mut world, json!({"networkConfiguration": network()})),
        "Network Configuration is not valid for the given networkMode of this task definition."
    );
    let gone = world.refused(UpdateService, of(json!({"taskDefinition": "web:9"})));
    assert_eq!(gone, ("ClientException", "TaskDefinition not found.".to_owned()));
    define(
        &mut world,
        with(ec2(), json!({"revision": 2, "status": "INACTIVE"})),
    );
    let inactive = world.refused(UpdateService, of(json!({"taskDefinition": "web:2"})));
    assert_eq!(
        inactive,
        ("ClientException", "TaskDefinition is inactive".to_owned())
    );
}

#[test]
fn update_service_works_while_its_definition_is_inactive() {
    let mut world = served();
    define(&mut world, with(ec2(), json!({"status": "INACTIVE"})));
    assert_eq!(update(&mut world, json!({"desiredCount": 3}))["desiredCount"], 3);
}

#[test]
fn update_service_checks_grace_period_and_task_role() {
    let mut world = served();
    assert_eq!(
        refused(&mut world, json!({"healthCheckGracePeriodSeconds": 10})),
        "Health check grace period is only valid for services configured to use load balancers"
    );
    let group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1";
    let balancer = json!([{"targetGroupArn": group, "containerName": "app", "containerPort": 80}]);
    let updated = update(
        &mut world,
        json!({"loadBalancers": balancer, "healthCheckGracePeriodSeconds": 10}),
    );
    assert_eq!(updated["healthCheckGracePeriodSeconds"], 10);
    define(
        &mut world,
        without(with(ec2(), json!({"family": "plain"})), "taskRoleArn"),
    );
    assert_eq!(
        refused(
            &mut world,
            json!({"enableExecuteCommand": true, "taskDefinition": "plain:1"})
        ),
        "The service couldn't be updated because a valid taskRoleArn is not being used. Specify a valid task role in \
         your task definition and try again."
    );
}

#[test]
fn update_service_refuses_services_that_are_not_active() {
    let mut world = served();
    let (code, message) = world.refused(UpdateService, json!({"cluster": "blue", "service": "none"}));
    assert_eq!(
        (code, message.as_str()),
        ("ServiceNotFoundException", "Service not found.")
    );
    let (code, _) = world.refused(UpdateService, json!({"cluster": "red", "service": "web"}));
    assert_eq!(code, "ClusterNotFoundException");
    let forced = json!({"cluster": "blue", "service": "web", "force": true});
    world.ok(Operation::DeleteService, forced);
    let (code, message) = world.refused(UpdateService, of(json!({"desiredCount": 1})));
    assert_eq!(
        (code, message.as_str()),
        ("ServiceNotActiveException", "Service was not ACTIVE.")
    );
}

#[test]
fn update_service_of_a_daemon_refuses_a_count() {
    let mut world = blue();
    let daemon = without(service(json!({"schedulingStrategy": "DAEMON"})), "desiredCount");
    world.ok(Operation::CreateService, daemon);
    assert_eq!(
        refused(&mut world, json!({"desiredCount": 1})),
        "The daemon scheduling strategy does not support a desired count for services. Remove the desired count value \
         and try again"
    );
    let strategy = refused(&mut world, json!({"placementStrategy": [{"type": "random"}]}));
    assert!(strategy.starts_with("The daemon scheduling strategy does not support placement strategies."));
    assert_eq!(
        refused(&mut world, json!({"availabilityZoneRebalancing": "ENABLED"})),
        "The service couldn't be updated because Availability Zone Rebalancing does not support DAEMON as scheduling \
         strategy. Update scheduling strategy and try again."
    );
    let provider = json!({"capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}]});
    assert!(refused(&mut world, provider).contains("DAEMON"));
    world.ok(UpdateService, of(json!({"forceNewDeployment": true})));
}

#[test]
fn update_service_of_code_deploy_leaves_deployments_to_it() {
    let mut world = blue();
    let group = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1";
    let balancer = json!([{"targetGroupArn": group, "containerName": "app", "containerPort": 80}]);
    serve(
        &mut world,
        json!({"deploymentController": {"type": "CODE_DEPLOY"}, "loadBalancers": balancer}),
    );
    let instead = "Use AWS CodeDeploy to trigger a new deployment.";
    assert_eq!(
        refused(&mut world, json!({"taskDefinition": "web:1"})),
        format!(
            "Unable to update task definition on services with a CODE_DEPLOY deployment controller. {instead}"
        )
    );
    assert_eq!(
        refused(&mut world, json!({"networkConfiguration": network()})),
        format!(
            "Unable to update network parameters on services with a CODE_DEPLOY deployment controller. {instead}"
        )
    );
    assert_eq!(
        refused(&mut world, json!({"forceNewDeployment": true})),
        format!(
            "Cannot force a new deployment on services with a CODE_DEPLOY deployment controller. {instead}"
        )
    );
    let updated = update(
        &mut world,
        json!({"desiredCount": 4, "healthCheckGracePeriodSeconds": 7}),
    );
    assert_eq!(updated["healthCheckGracePeriodSeconds"], 7);
    assert_eq!(updated["taskSets"][0]["computedDesiredCount"], 4);
    let changed = refused(&mut world, json!({"deploymentController": {"type": "ECS"}}));
    assert!(changed.contains("CODE_DEPLOY"), "{changed}");
}

#[test]
fn update_service_refuses_gateway_connectors() {
    let mut world = served();
    let (code, _) = world.refused(
        UpdateService,
        of(json!({"gatewayConnectors": [{"portName": "http"}]})),
    );
    assert_eq!(code, "UnsupportedFeatureException");
    assert_eq!(
        world.refused(
            UpdateService,
            of(json!({"service": world_arn("service/red/web")}))
        ),
        invalid("Invalid identifier: Identifier is for cluster red. Your cluster is blue")
    );
}

fn world_arn(resource: &str) -> String {
    World::new().arn(resource)
}
