//! What `CreateService` names must be there: containers, ports, volumes, namespaces.

use kecs_model::Operation::{self, CreateService};
use serde_json::{Value, json};

use super::{LINKED, REGISTRY, balancer, lean, refused};
use crate::fixture::{blue, define, ec2, fargate, serve, service, with};

#[test]
fn create_service_checks_load_balancers_against_the_definition() {
    let mut world = blue();
    let mut wrong = |more: Value| refused(&mut world, service(json!({"loadBalancers": [balancer(more)]})));
    assert_eq!(
        wrong(json!({"containerName": "other"})),
        "The container other does not exist in the task definition."
    );
    assert_eq!(
        wrong(json!({"containerPort": 81})),
        "The container app did not have a container port 81 defined."
    );
    let both = "loadBalancerName and targetGroupArn cannot both be specified. You must specify either a \
                loadBalancerName or a targetGroupArn in all loadBalancer entries";
    assert_eq!(wrong(json!({"loadBalancerName": "classic"})), both);
    assert_eq!(wrong(json!({"targetGroupArn": null})), both);
    assert!(wrong(json!({"targetGroupArn": "group"})).starts_with("Invalid target group ARN"));
    assert!(wrong(json!({"containerName": null})).contains("container name"));
    assert!(wrong(json!({"containerPort": null})).contains("container port"));
    let six = json!({"loadBalancers": vec![balancer(json!({})); 6]});
    assert_eq!(
        refused(&mut world, service(six)),
        "load balancers can have at most 5 items."
    );
    let made = serve(&mut world, json!({"loadBalancers": vec![balancer(json!({})); 5]}));
    assert_eq!(made["healthCheckGracePeriodSeconds"], 0);
    assert_eq!(made["roleArn"], LINKED);
    assert_eq!(made["loadBalancers"][4], balancer(json!({})));
}

#[test]
fn create_service_takes_one_classic_load_balancer_and_no_zone_rebalancing_with_it() {
    let mut world = blue();
    let classic = json!({"loadBalancerName": "classic", "containerName": "app", "containerPort": 80});
    let beside = json!({"loadBalancers": [classic, balancer(json!({}))]});
    assert!(refused(&mut world, service(beside)).contains("Classic Load Balancer"));
    let on_fargate = lean(json!({"loadBalancers": [classic]}));
    assert_eq!(
        refused(&mut world, on_fargate),
        "Classic Load Balancers are not supported with Fargate."
    );
    let balanced = json!({"loadBalancers": [classic], "role": "ecsServiceRole"});
    let asked = with(
        service(balanced.clone()),
        json!({"availabilityZoneRebalancing": "ENABLED"}),
    );
    refused(&mut world, asked);
    let made = serve(&mut world, balanced);
    assert_eq!(made["roleArn"], "arn:aws:iam::123456789012:role/ecsServiceRole");
    assert_eq!(made["availabilityZoneRebalancing"], "DISABLED");
}

#[test]
fn create_service_refuses_a_role_that_is_not_needed() {
    let mut world = blue();
    assert!(refused(&mut world, service(json!({"role": "r"}))).contains("load balancer"));
    let role = lean(json!({"role": "r", "loadBalancers": [balancer(json!({}))]}));
    assert_eq!(
        refused(&mut world, role),
        "You cannot specify an IAM role for services that require a service linked role."
    );
}

#[test]
fn create_service_refuses_a_grace_period_without_health_checks() {
    let mut world = blue();
    let grace = json!({"healthCheckGracePeriodSeconds": 30});
    assert_eq!(
        refused(&mut world, service(grace.clone())),
        "Health check grace period is only valid for services configured to use load balancers"
    );
    let balanced = with(grace.clone(), json!({"loadBalancers": [balancer(json!({}))]}));
    assert_eq!(serve(&mut world, balanced)["healthCheckGracePeriodSeconds"], 30);
    let mut checked = with(ec2(), json!({"family": "checked"}));
    checked["containerDefinitions"][0]["healthCheck"] = json!({"command": ["CMD", "true"]});
    define(&mut world, checked);
    let request = with(
        grace,
        json!({"serviceName": "checked", "taskDefinition": "checked:1"}),
    );
    assert_eq!(serve(&mut world, request)["healthCheckGracePeriodSeconds"], 30);
}

#[test]
fn create_service_checks_registries() {
    let mut world = blue();
    let of = |registry: Value| service(json!({"serviceRegistries": [registry]}));
    let registry = |more: Value| with(json!({"registryArn": REGISTRY}), more);
    let mut wrong = |value: Value| refused(&mut world, of(value));
    assert!(wrong(registry(json!({"registryArn": "x"}))).starts_with("Invalid registry ARN"));
    let missing = format!(
        "When specifying 'host' or 'bridge' for networkMode, values for 'containerName' and 'containerPort' must be \
         specified from the task definition. Registry: {REGISTRY}"
    );
    for more in [
        json!({}),
        json!({"containerName": "app"}),
        json!({"containerPort": 80}),
    ] {
        assert_eq!(wrong(registry(more)), missing);
    }
    for more in [
        json!({"containerName": "app", "containerPort": 80}),
        json!({"containerName": "app"}),
    ] {
        assert_eq!(
            wrong(with(registry(more), json!({"port": 80}))),
            "Specify a value for either 'port' or the 'containerName' and 'containerPort' combination, but not both"
        );
    }
    assert_eq!(
        wrong(registry(json!({"containerName": "other", "containerPort": 80}))),
        format!(
            "The container other is not valid. The value for 'containerName' must already be specified in the task \
             definition. Registry: {REGISTRY}"
        )
    );
    assert_eq!(
        wrong(registry(json!({"containerName": "app", "containerPort": 81}))),
        "The container app did not have a container port 81 defined."
    );
    let two =
        json!({"serviceRegistries": vec![registry(json!({"containerName": "app", "containerPort": 80})); 2]});
    assert_eq!(
        refused(&mut world, service(two)),
        "service registries can have at most 1 items."
    );
    let made = serve(
        &mut world,
        json!({"serviceRegistries": [registry(json!({"containerName": "app", "containerPort": 80}))]}),
    );
    assert_eq!(made["roleArn"], LINKED);
    // With awsvpc an address is enough, and half a port is none.
    for half in [json!({"containerName": "app"}), json!({"containerPort": 80})] {
        assert_eq!(
            refused(
                &mut world,
                lean(json!({"serviceName": "half", "serviceRegistries": [registry(half)]}))
            ),
            "Both a container name and a container port must be specified for a service registry."
        );
    }
    world.ok(
        CreateService,
        lean(json!({"serviceName": "b", "serviceRegistries": [registry(json!({}))]})),
    );
}

#[test]
fn create_service_checks_service_connect() {
    let mut world = blue();
    let of = |services: Value| {
        let connect = json!({"enabled": true, "namespace": "internal", "services": services});
        service(json!({"serviceConnectConfiguration": connect}))
    };
    let mut wrong = |services: Value| refused(&mut world, of(services));
    assert_eq!(
        wrong(json!([{"portName": "grpc"}])),
        "The port name grpc does not exist in the task definition."
    );
    for name in ["-web", "Web", "a.b", &"x".repeat(65)] {
        let message = wrong(json!([{"portName": "http", "discoveryName": name}]));
        assert_eq!(message, format!("Invalid discovery name: {name}"));
    }
    assert_eq!(
        wrong(json!([{"portName": "http"}, {"portName": "http"}])),
        "The discovery name http is used more than once."
    );
    let aliases = json!([{"port": 80}, {"port": 81}]);
    assert_eq!(
        wrong(json!([{"portName": "http", "clientAliases": aliases}])),
        "2 clientAliases exceeds the max limit of 1"
    );
    for dns in ["-api", "Api", "a b", "", &"x".repeat(128)] {
        let aliases = json!([{"port": 80, "dnsName": dns}]);
        assert_eq!(
            wrong(json!([{"portName": "http", "clientAliases": aliases}])),
            "The DNS name that you provided is invalid. The name must be a valid DNS name but doesn’t need to be \
             fully-qualified. Up to 127 characters are allowed. The characters can include lowercase letters, numbers, \
             underscores (_), hyphens (-), and periods (.). A hyphen can’t be the first character.",
            "{dns}"
        );
    }
    let alias = |name: &str| {
        json!({
            "portName": "http", "discoveryName": name, "clientAliases": [{"port": 80, "dnsName": "api"}],
            "ingressPortOverride": 15000,
        })
    };
    assert_eq!(
        wrong(json!([alias("a"), alias("b")])),
        "The client alias api:80 is used more than once."
    );
    let ingress =
        |name: &str| json!({"portName": "http", "discoveryName": name, "ingressPortOverride": 15000});
    assert_eq!(
        wrong(json!([ingress("a"), ingress("b")])),
        "The ingress port override 15000 is used more than once."
    );
    let connect = of(json!([alias("a")]));
    let made = world.ok(CreateService, connect.clone())["service"].clone();
    assert_eq!(
        made["deployments"][0]["serviceConnectConfiguration"],
        connect["serviceConnectConfiguration"]
    );
    define(
        &mut world,
        with(ec2(), json!({"family": "host", "networkMode": "host"})),
    );
    let host = with(
        of(json!([])),
        json!({"serviceName": "host", "taskDefinition": "host:1"}),
    );
    assert_eq!(
        refused(&mut world, host),
        "Service Connect does not support the host network mode."
    );
}

#[test]
fn create_service_with_service_connect_takes_the_namespace_of_its_cluster() {
    let mut world = blue();
    let connect = json!({"serviceConnectConfiguration": {"enabled": true}});
    assert_eq!(
        refused(&mut world, service(connect.clone())),
        "Namespace is missing"
    );
    world.ok(
        Operation::UpdateCluster,
        json!({"cluster": "blue", "serviceConnectDefaults": {"namespace": "internal"}}),
    );
    let made = serve(&mut world, connect.clone());
    // The same once more is the same, although the namespace is not in it.
    assert_eq!(serve(&mut world, connect), made);
    assert_eq!(
        made["deployments"][0]["serviceConnectConfiguration"],
        json!({"enabled": true, "namespace": "internal"})
    );
    let off = json!({"serviceName": "off", "serviceConnectConfiguration": {"enabled": false}});
    serve(&mut world, off);
}

#[test]
fn create_service_checks_volumes_and_lattice() {
    let mut world = blue();
    let role = "arn:aws:iam::123456789012:role/ebs";
    let volume = json!({"family": "disk", "volumes": [{"name": "data", "configuredAtLaunch": true}]});
    define(&mut world, with(fargate(), volume));
    let of = |volumes: Value| lean(json!({"taskDefinition": "disk:1", "volumeConfigurations": volumes}));
    let ebs =
        |more: Value| json!([{"name": "data", "managedEBSVolume": with(json!({"roleArn": role}), more)}]);
    assert!(refused(&mut world, of(ebs(json!({})))).contains("size or a snapshot"));
    assert!(refused(&mut world, of(json!([]))).contains("configured at launch"));
    let made = world.ok(CreateService, of(ebs(json!({"sizeInGiB": 10}))))["service"].clone();
    assert_eq!(
        made["deployments"][0]["volumeConfigurations"],
        ebs(json!({"sizeInGiB": 10}))
    );
    let lattice = |port: &str| {
        let group = "arn:aws:vpc-lattice:eu-west-1:123456789012:targetgroup/tg-1";
        let lattice = json!([{"roleArn": role, "targetGroupArn": group, "portName": port}]);
        service(json!({"serviceName": "lattice", "vpcLatticeConfigurations": lattice}))
    };
    assert_eq!(
        refused(&mut world, lattice("grpc")),
        "The port name grpc does not exist in the task definition."
    );
    let made = world.ok(CreateService, lattice("http"))["service"].clone();
    assert_eq!(
        made["deployments"][0]["vpcLatticeConfigurations"][0]["portName"],
        "http"
    );
}

#[test]
fn create_service_wants_arns_of_target_groups() {
    let mut world = blue();
    for wrong in [
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/1",
        "urn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1",
        "targetgroup/web/1",
    ] {
        let request = service(json!({"loadBalancers": [balancer(json!({"targetGroupArn": wrong}))]}));
        assert_eq!(
            refused(&mut world, request),
            format!("Invalid target group ARN: {wrong}")
        );
    }
}

#[test]
fn create_service_takes_one_registry_and_one_volume() {
    let mut world = blue();
    let registry = json!({"registryArn": REGISTRY, "containerName": "app", "containerPort": 80});
    assert_eq!(
        refused(
            &mut world,
            service(json!({"serviceRegistries": [registry, registry]}))
        ),
        "service registries can have at most 1 items."
    );
    let volumes =
        json!([{"name": "one", "configuredAtLaunch": true}, {"name": "two", "configuredAtLaunch": true}]);
    define(
        &mut world,
        with(fargate(), json!({"family": "disks", "volumes": volumes})),
    );
    let volume = |name: &str| json!({"name": name, "managedEBSVolume": {"roleArn": "arn:aws:iam::123456789012:role/ebs", "sizeInGiB": 1}});
    let request =
        lean(json!({"taskDefinition": "disks:1", "volumeConfigurations": [volume("one"), volume("two")]}));
    assert_eq!(
        refused(&mut world, request),
        "volumeConfigurations can have at most 1 items."
    );
}

#[test]
fn create_service_finds_ports_of_every_container_by_name_and_number() {
    let mut world = blue();
    let port = |number: i32, name: &str| json!({"containerPort": number, "name": name, "protocol": "tcp"});
    let mut two = with(ec2(), json!({"family": "two"}));
    two["containerDefinitions"][0]["portMappings"] = json!([port(80, "http"), port(81, "admin")]);
    let side = json!({"name": "side", "image": "side", "memory": 64,
        "portMappings": [port(90, "metrics"), {"containerPortRange": "100-102"}]});
    two["containerDefinitions"].as_array_mut().unwrap().push(side);
    define(&mut world, two);
    let mut number = 0;
    let mut made = |more: Value| {
        number += 1;
        let request = with(
            service(json!({"serviceName": format!("s{number}"), "taskDefinition": "two:1"})),
            more,
        );
        world.answer(CreateService, request).is_ok()
    };
    for (name, right) in [
        ("http", true),
        ("admin", true),
        ("metrics", true),
        ("none", false),
    ] {
        let connect = json!({"enabled": true, "namespace": "net", "services": [{"portName": name}]});
        assert_eq!(
            made(json!({"serviceConnectConfiguration": connect})),
            right,
            "{name}"
        );
    }
    for (container, port, right) in [
        ("app", 81, true),
        ("app", 90, false),
        ("side", 90, true),
        ("side", 99, false),
        ("side", 100, true),
        ("side", 102, true),
        ("side", 103, false),
    ] {
        let balancer = balancer(json!({"containerName": container, "containerPort": port}));
        assert_eq!(
            made(json!({"loadBalancers": [balancer]})),
            right,
            "{container} {port}"
        );
    }
}

#[test]
fn create_service_wants_a_namespace_that_can_be_one() {
    let mut world = blue();
    world.ok(
        Operation::UpdateCluster,
        json!({"cluster": "blue", "serviceConnectDefaults": {"namespace": "internal"}}),
    );
    let connect = |name: &str, namespace: &str| {
        service(json!({"serviceName": name,
            "serviceConnectConfiguration": {"enabled": true, "namespace": namespace}}))
    };
    assert_eq!(
        world.refused(CreateService, connect("a", "arn:aws:s3:::bucket")),
        (
            "NamespaceNotFoundException",
            "The specified namespace was not found.".to_owned()
        )
    );
    let arn = "arn:aws:servicediscovery:eu-west-1:123456789012:namespace/ns-1";
    for (name, namespace, kept) in [("b", arn, arn), ("c", "", "internal"), ("d", "own", "own")] {
        let made = world.ok(CreateService, connect(name, namespace))["service"].clone();
        assert_eq!(
            made["deployments"][0]["serviceConnectConfiguration"]["namespace"], kept,
            "{name}"
        );
    }
}

#[test]
fn a_health_check_of_any_container_allows_a_grace_period() {
    let mut world = blue();
    let mut two = with(ec2(), json!({"family": "two"}));
    let side =
        json!({"name": "side", "image": "side", "memory": 64, "healthCheck": {"command": ["CMD", "true"]}});
    two["containerDefinitions"].as_array_mut().unwrap().push(side);
    define(&mut world, two);
    let request = json!({"taskDefinition": "two:1", "healthCheckGracePeriodSeconds": 30});
    assert_eq!(serve(&mut world, request)["healthCheckGracePeriodSeconds"], 30);
}
