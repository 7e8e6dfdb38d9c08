//! What services are attached to: load balancers, registries, Service Connect, VPC Lattice and volumes.

use serde_json::{Value, json};

use super::place::Place;
use super::{Case, case, with};
use crate::valid::{fargate, network};

const GROUP: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/0123456789abcdef";
const REGISTRY: &str = "arn:aws:servicediscovery:us-east-1:123456789012:service/srv-0123456789abcdef";

/// The operations that make the tasks of services, and those that run tasks.
const MAKES: [&str; 3] = ["CreateService", "UpdateService", "CreateTaskSet"];
const SERVES: [&str; 2] = ["CreateService", "UpdateService"];
const RUNS: [&str; 2] = ["RunTask", "StartTask"];

/// Of each network mode, `open` listens at the port `http`, and `stored` has a volume besides.
async fn set_up(place: &mut Place) {
    for mode in ["bridge", "host", "awsvpc"] {
        let open = json!({"name": "app", "image": "app:1", "memory": 64, "portMappings": [
            {"containerPort": 80, "name": "http"}, {"containerPort": 81, "name": "admin"},
        ]});
        let family = format!("open-{mode}");
        let open = json!({"family": family, "networkMode": mode, "containerDefinitions": [open]});
        place.ok("RegisterTaskDefinition", open).await;
    }
    for family in ["plain-stored", "stored"] {
        let on_fargate = family == "stored";
        let volume = json!({"volumes": [{"name": "data", "configuredAtLaunch": true}]});
        let plain = json!({"family": family, "containerDefinitions": [{"name": "app", "image": "app:1", "memory": 64}]});
        let definition = if on_fargate { fargate(family) } else { plain };
        place.ok("RegisterTaskDefinition", with(definition, volume)).await;
    }
    place.machine("machine", "default", None).await;
    for (name, mode) in [("flat", "bridge"), ("stiff", "host"), ("own", "awsvpc")] {
        place.ok("CreateService", base("CreateService", name, mode)).await;
    }
    place.ok("CreateService", external()).await;
}

fn external() -> Value {
    json!({"serviceName": "sets", "desiredCount": 0, "deploymentController": {"type": "EXTERNAL"}})
}

/// An input that is right, on a machine and in this network mode.
fn base(operation: &str, name: &str, mode: &str) -> Value {
    let own = if mode == "awsvpc" { network() } else { Value::Null };
    let tasks = json!({"taskDefinition": format!("open-{mode}"), "launchType": "EC2"});
    // A network that is null is none.
    let tasks = with(tasks, json!({"networkConfiguration": own}));
    match operation {
        "CreateService" => with(tasks, json!({"serviceName": name, "desiredCount": 0})),
        "UpdateService" => {
            json!({"service": match mode { "host" => "stiff", "awsvpc" => "own", _ => "flat" }})
        }
        _ => with(tasks, json!({"service": "sets", "cluster": "default"})),
    }
}

fn balanced(operation: &'static str) -> Vec<Case> {
    let broken = |member, when, mode: &str, balancers: Value| {
        let input = with(base(operation, "new", mode), json!({"loadBalancers": balancers}));
        case(operation, member, when, input)
    };
    let right = json!({"targetGroupArn": GROUP, "containerName": "app", "containerPort": 80});
    let other = |more: Value| with(right.clone(), more);
    let classic = other(json!({"targetGroupArn": null, "loadBalancerName": "classic"}));
    let on_fargate =
        json!({"taskDefinition": "app", "launchType": "FARGATE", "networkConfiguration": network()});
    let mut cases = vec![
        broken(
            "loadBalancers",
            "a Classic Load Balancer",
            "bridge",
            json!([classic, right]),
        ),
        broken(
            "loadBalancers[].loadBalancerName",
            "the network mode is awsvpc",
            "awsvpc",
            json!([classic]),
        ),
        broken(
            "loadBalancers[]",
            "or neither",
            "bridge",
            json!([other(json!({"targetGroupArn": null}))]),
        ),
        broken(
            "loadBalancers[].targetGroupArn",
            "of no target group",
            "bridge",
            json!([other(json!({"targetGroupArn": "web"}))]),
        )
        .says("value", "web"),
        broken(
            "loadBalancers[].containerName",
            "no container is named",
            "bridge",
            json!([other(json!({"containerName": null}))]),
        ),
        broken(
            "loadBalancers[].containerPort",
            "no port is named",
            "bridge",
            json!([other(json!({"containerPort": null}))]),
        ),
    ];
    let run = match operation {
        "UpdateService" => json!({"service": "lean"}),
        _ => with(base(operation, "new", "awsvpc"), on_fargate),
    };
    cases.push(case(
        operation,
        "loadBalancers[].loadBalancerName",
        "run on Fargate",
        with(run, json!({"loadBalancers": [classic]})),
    ));
    cases
}

fn registered(operation: &'static str) -> Vec<Case> {
    let broken = |member, when, mode: &str, more: Value| {
        let registry = with(json!({"registryArn": REGISTRY}), more);
        let input = with(
            base(operation, "new", mode),
            json!({"serviceRegistries": [registry]}),
        );
        case(operation, member, when, input)
    };
    let (registry, of_host) = ("serviceRegistries[]", "bridge or host");
    let (named, numbered) = (json!({"containerName": "app"}), json!({"containerPort": 80}));
    let nobody = json!({"containerName": "nobody", "containerPort": 80});
    vec![
        broken(
            "serviceRegistries[].registryArn",
            "of no service",
            "awsvpc",
            json!({"registryArn": GROUP}),
        )
        .says("value", GROUP),
        broken(
            "serviceRegistries[].port",
            "named too",
            "awsvpc",
            json!({"port": 80, "containerName": "app", "containerPort": 80}),
        ),
        broken(registry, of_host, "bridge", json!({})).says("arn", REGISTRY),
        broken(registry, of_host, "host", named.clone()).says("arn", REGISTRY),
        broken(registry, of_host, "bridge", numbered.clone()).says("arn", REGISTRY),
        broken(registry, "mode is awsvpc", "awsvpc", named),
        broken(registry, "mode is awsvpc", "awsvpc", numbered),
        broken(
            "serviceRegistries[].containerName",
            "no such container",
            "bridge",
            nobody,
        )
        .says("name", "nobody")
        .says("arn", REGISTRY),
        broken(
            "serviceRegistries[].containerPort",
            "does not map it",
            "bridge",
            json!({"containerName": "app", "containerPort": 82}),
        )
        .says("name", "app")
        .says("port", "82"),
    ]
}

fn connected(operation: &'static str) -> Vec<Case> {
    let connect = |more: Value| with(json!({"enabled": true, "namespace": "internal"}), more);
    let of = |mode: &str, more: Value| {
        let more = json!({"serviceConnectConfiguration": connect(more)});
        with(base(operation, "new", mode), more)
    };
    let broken = |member: &'static str, when, services: Value| {
        case(
            operation,
            member,
            when,
            of("bridge", json!({"services": services})),
        )
    };
    let http = |more: Value| with(json!({"portName": "http"}), more);
    let admin = |more: Value| with(json!({"portName": "admin"}), more);
    let port = "serviceConnectConfiguration.services[].portName";
    let name = "serviceConnectConfiguration.services[].discoveryName";
    let alias = "serviceConnectConfiguration.services[].clientAliases[]";
    let dns = "serviceConnectConfiguration.services[].clientAliases[].dnsName";
    let called = |dns: &str| json!([http(json!({"clientAliases": [{"port": 80, "dnsName": dns}]}))]);
    let long = |letters| "a".repeat(letters);
    let two = json!([{"port": 80}, {"port": 81}]);
    let same = json!({"clientAliases": [{"port": 80, "dnsName": "web"}]});
    let lattice = json!({"vpcLatticeConfigurations": [{
        "roleArn": "arn:aws:iam::123456789012:role/lattice", "targetGroupArn": "arn:aws:vpc-lattice:us-east-1:1:tg/a",
        "portName": "nothing",
    }]});
    vec![
        broken(port, "no port", json!([{"portName": "nothing"}])).says("name", "nothing"),
        case(
            operation,
            "vpcLatticeConfigurations[].portName",
            "no port",
            with(base(operation, "new", "bridge"), lattice),
        )
        .says("name", "nothing"),
        case(
            operation,
            "serviceConnectConfiguration.namespace",
            "neither the service nor the cluster",
            of("bridge", json!({"namespace": null})),
        ),
        case(
            operation,
            "serviceConnectConfiguration",
            "host or none",
            of("host", json!({})),
        )
        .says("mode", "host"),
        broken(
            name,
            "other letters",
            json!([http(json!({"discoveryName": "Web"}))]),
        )
        .says("value", "Web"),
        broken(
            name,
            "other letters",
            json!([http(json!({"discoveryName": long(65)}))]),
        )
        .says("value", long(65)),
        broken(
            name,
            "twice",
            json!([
                http(json!({"discoveryName": "web"})),
                admin(json!({"discoveryName": "web"}))
            ]),
        )
        .says("name", "web"),
        broken(
            "serviceConnectConfiguration.services[].clientAliases",
            "more than one",
            json!([http(json!({"clientAliases": two}))]),
        )
        .says("count", "2"),
        broken(dns, "other letters", called("Web")),
        broken(dns, "other letters", called("-web")),
        broken(dns, "other letters", called(&long(128))),
        broken(alias, "twice", json!([http(same.clone()), admin(same)]))
            .says("name", "web")
            .says("port", "80"),
        broken(
            "serviceConnectConfiguration.services[].ingressPortOverride",
            "twice",
            json!([
                http(json!({"ingressPortOverride": 9000})),
                admin(json!({"ingressPortOverride": 9000}))
            ]),
        )
        .says("port", "9000"),
    ]
}

/// Volumes of services, and of tasks that are run alone.
fn stored(operation: &'static str) -> Vec<Case> {
    let volume = |name: &str, size: Value| {
        json!({"name": name, "managedEBSVolume": with(
            json!({"roleArn": "arn:aws:iam::123456789012:role/volumes", "sizeInGiB": 10}),
            size,
        )})
    };
    let right = |name: &str| volume(name, json!({}));
    let of = |definition: &str, volumes: Value| {
        let more = json!({"taskDefinition": definition, "volumeConfigurations": volumes});
        let start = json!({"containerInstances": ["<machine>"]});
        match operation {
            "StartTask" => with(start, more),
            "RunTask" => with(json!({"launchType": "EC2"}), more),
            _ => with(base(operation, "new", "bridge"), more),
        }
    };
    let broken = |member, when, definition: &str, volumes: Value| {
        case(operation, member, when, of(definition, volumes))
    };
    let (volumes, name) = ("volumeConfigurations", "volumeConfigurations[].name");
    let mut cases = vec![
        broken(
            volumes,
            "no volume that is",
            "open-bridge",
            json!([right("data")]),
        ),
        broken(name, "of this name", "plain-stored", json!([right("other")])).says("name", "other"),
        broken(volumes, "is missing", "plain-stored", json!([])).says("name", "data"),
        broken(
            volumes,
            "more than one",
            "plain-stored",
            json!([right("data"), right("other")]),
        ),
    ];
    if SERVES.contains(&operation) {
        cases.push(broken(
            "volumeConfigurations[].managedEBSVolume",
            "neither size nor snapshot",
            "plain-stored",
            json!([volume("data", json!({"sizeInGiB": null}))]),
        ));
    }
    cases
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = MAKES.into_iter().flat_map(balanced).collect();
    cases.extend(MAKES.into_iter().flat_map(registered));
    cases.extend(SERVES.into_iter().flat_map(connected));
    cases.extend(SERVES.into_iter().chain(RUNS).flat_map(stored));
    cases
}

#[tokio::test]
async fn answers() {
    let mut place = Place::with_definitions("eu-attached-1").await;
    set_up(&mut place).await;
    let lean = json!({
        "serviceName": "lean", "taskDefinition": "app", "desiredCount": 0, "launchType": "FARGATE",
        "networkConfiguration": network(),
    });
    place.ok("CreateService", lean).await;
    place.answers(&cases()).await;
}
