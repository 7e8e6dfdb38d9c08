//! The network of task definitions: ports, links, proxies.

use serde_json::{Value, json};

use super::definitions::{container, containers, one, ports, task};
use super::place::Place;
use super::{Case, case, with};

fn mapped() -> Vec<Case> {
    let broken = |member, when, input| case("RegisterTaskDefinition", member, when, input);
    let mapping = "containerDefinitions[].portMappings[]";
    let host = "containerDefinitions[].portMappings[].hostPort";
    let range = "containerDefinitions[].portMappings[].containerPortRange";
    let other = json!([{"containerPort": 80, "hostPort": 81}]);
    vec![
        broken(
            mapping,
            "has neither",
            ports("bridge", &json!([{"hostPort": 80}])),
        )
        .says("container", "app"),
        broken(host, "awsvpc or host", ports("awsvpc", &other)).says("mode", "awsvpc"),
        broken(host, "awsvpc or host", ports("host", &other)).says("mode", "host"),
        broken(
            host,
            "mapped twice",
            ports(
                "bridge",
                &json!([
                    {"containerPort": 80, "hostPort": 8080}, {"containerPort": 81, "hostPort": 8080},
                ]),
            ),
        )
        .says("protocol", "TCP")
        .says("port", "8080"),
        broken(
            host,
            "mapped twice",
            ports(
                "host",
                &json!([
                    {"containerPort": 53, "protocol": "udp"}, {"containerPort": 53, "protocol": "udp"},
                ]),
            ),
        )
        .says("protocol", "UDP")
        .says("port", "53"),
        broken(
            "containerDefinitions[].portMappings[].containerPort",
            "is used twice",
            ports("awsvpc", &json!([{"containerPort": 80}, {"containerPort": 80}])),
        )
        .says("protocol", "TCP")
        .says("port", "80"),
        broken(
            "containerDefinitions[].portMappings[].containerPort",
            "is used twice",
            ports(
                "awsvpc",
                &json!([{"containerPortRange": "80-85"}, {"containerPortRange": "85-90"}]),
            ),
        )
        .says("protocol", "TCP")
        .says("port", "85"),
        broken(
            range,
            "is no range",
            ports("bridge", &json!([{"containerPortRange": "80-80"}])),
        )
        .says("container", "app"),
        broken(
            range,
            "given together",
            ports(
                "bridge",
                &json!([
                    {"containerPort": 80, "containerPortRange": "80-81"},
                ]),
            ),
        )
        .says("container", "app"),
    ]
}

fn linked() -> Vec<Case> {
    let broken = |member, when, input| case("RegisterTaskDefinition", member, when, input);
    let links = "containerDefinitions[].links";
    let to = |name: &str, on: &str| container(json!({"name": name, "links": [on]}));
    let chain = containers(&json!([to("web", "app"), container(json!({}))]));
    let circle = containers(&json!([to("web", "app"), to("app", "web:alias")]));
    let twice = json!([{"containerPort": 80, "name": "http"}, {"containerPort": 81, "name": "http"}]);
    let own = |more: Value| with(one(more), json!({"networkMode": "awsvpc"}));
    let bridged = |what: &'static str, more: Value| {
        broken("containerDefinitions[]", "what only a bridge has", own(more)).says("what", what)
    };
    vec![
        broken(
            links,
            "another than bridge",
            with(chain, json!({"networkMode": "host"})),
        )
        .says("mode", "host"),
        broken(links, "in a circle", circle),
        broken(links, "is not there", one(json!({"links": ["nobody"]}))).says("container", "app"),
        broken(
            "containerDefinitions[].portMappings",
            "mode is none",
            ports("none", &json!([{"containerPort": 80}])),
        ),
        broken(
            "containerDefinitions[].portMappings[].name",
            "the same name",
            ports("bridge", &twice),
        )
        .says("mode", "bridge"),
        bridged("hostname is", json!({"hostname": "web"})),
        bridged("DNS servers are", json!({"dnsServers": ["10.0.0.2"]})),
        bridged(
            "DNS search domains are",
            json!({"dnsSearchDomains": ["internal"]}),
        ),
        bridged(
            "Extra hosts are",
            json!({"extraHosts": [{"hostname": "db", "ipAddress": "10.0.0.3"}]}),
        ),
        bridged("Disable Networking is", json!({"disableNetworking": true})),
        broken(
            "proxyConfiguration",
            "another than awsvpc",
            task(json!({
                "proxyConfiguration": {"containerName": "app"},
            })),
        ),
        broken(
            "proxyConfiguration.containerName",
            "no such container",
            task(json!({
                "networkMode": "awsvpc", "proxyConfiguration": {"containerName": "nobody"},
            })),
        )
        .says("name", "nobody"),
        broken(
            "proxyConfiguration.properties",
            "ProxyIngressPort",
            task(json!({
                "networkMode": "awsvpc", "proxyConfiguration": {
                    "containerName": "app", "properties": [{"name": "ProxyEgressPort", "value": "15001"}],
                },
            })),
        ),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = mapped();
    cases.extend(linked());
    cases
}

#[tokio::test]
async fn answers() {
    let mut place = Place::open("eu-networks-1").await;
    place.answers(&cases()).await;
}
