//! Ports, links and networks that cannot be registered.

use serde_json::{Value, json};

use super::{accepted, app, refused, two};
use crate::task_definition::minimal;

#[test]
fn register_task_definition_wants_links_in_bridge_mode_without_a_circle() {
    let base = two();
    let links = app("links");
    accepted(&base, &[(&links, json!(["side:proxy"]))]);
    accepted(
        &base,
        &[(&links, json!(["side"])), ("networkMode", json!("bridge"))],
    );
    for mode in ["awsvpc", "host", "none"] {
        assert_eq!(
            refused(&base, &[(&links, json!(["side"])), ("networkMode", json!(mode))]),
            format!("Links are not supported when networkMode={mode}.")
        );
    }
    assert_eq!(
        refused(&base, &[(&links, json!(["gone"]))]),
        "Invalid 'links' setting for container 'app'."
    );
    assert_eq!(
        refused(
            &base,
            &[
                (&links, json!(["side"])),
                ("containerDefinitions.1.links", json!(["app"]))
            ]
        ),
        "Container links should not have a cycle"
    );
}

#[test]
fn register_task_definition_wants_ports_that_fit_the_network() {
    let base = minimal("web");
    let ports = |mapping: Value| (app("portMappings"), json!([mapping]));
    let mode = |mode: &str| ("networkMode", json!(mode));
    let check = |mapping: Value, of: Option<&str>| {
        let (way, value) = ports(mapping);
        let mut members = vec![(way.as_str(), value)];
        members.extend(of.map(mode));
        refused(&base, &members)
    };
    for port in [0, 65_536] {
        assert_eq!(
            check(json!({"containerPort": port}), None),
            "Invalid 'containerPort' setting for container 'app'."
        );
    }
    assert_eq!(
        check(json!({}), None),
        "Invalid 'containerPort' setting for container 'app'."
    );
    assert_eq!(
        check(json!({"containerPort": 80, "hostPort": 65_536}), None),
        "Invalid 'hostPort' setting for container 'app'."
    );
    for of in ["awsvpc", "host"] {
        assert_eq!(
            check(json!({"containerPort": 80, "hostPort": 81}), Some(of)),
            format!("When networkMode={of}, the host ports and container ports in port mappings must match.")
        );
    }
    assert_eq!(
        check(json!({"containerPort": 80}), Some("none")),
        "Port mappings are not supported when networkMode=none."
    );
    for range in ["80", "90-80", "80-80", "0-80", "80-65536", "a-b"] {
        assert_eq!(
            check(json!({"containerPortRange": range}), None),
            "Invalid 'containerPortRange' setting for container 'app'."
        );
    }
    assert_eq!(
        check(json!({"containerPortRange": "80-90", "hostPort": 80}), None),
        "Invalid port mapping for container 'app', cannot specify both single port and port range."
    );
    assert_eq!(
        check(json!({"containerPortRange": "80-90", "containerPort": 80}), None),
        "Invalid port mapping for container 'app', cannot specify both single port and port range."
    );
    let (way, value) = ports(json!({"containerPortRange": "1-65535"}));
    let definition = accepted(&base, &[(&way, value)]);
    assert_eq!(
        definition["containerDefinitions"][0]["portMappings"],
        json!([{"containerPortRange": "1-65535", "protocol": "tcp"}])
    );
}

#[test]
fn register_task_definition_maps_a_host_port_once() {
    let base = two();
    let map = |first: Value, second: Value, mode: &str| {
        vec![
            ("containerDefinitions.0.portMappings", json!([first])),
            ("containerDefinitions.1.portMappings", json!([second])),
            ("networkMode", json!(mode)),
        ]
    };
    let same = json!({"containerPort": 80, "hostPort": 8080});
    assert_eq!(
        refused(&base, &map(same.clone(), same.clone(), "bridge")),
        "TCP host port '8080' is mapped multiple times in task."
    );
    accepted(
        &base,
        &map(
            same,
            json!({"containerPort": 80, "hostPort": 8080, "protocol": "udp"}),
            "bridge",
        ),
    );
    let any = json!({"containerPort": 80});
    accepted(&base, &map(any.clone(), any.clone(), "bridge"));
    assert_eq!(
        refused(&base, &map(any.clone(), any.clone(), "host")),
        "TCP host port '80' is mapped multiple times in task."
    );
    assert_eq!(
        refused(&base, &map(any.clone(), any.clone(), "awsvpc")),
        "TCP container port '80' is used multiple times in task when networkMode=awsvpc."
    );
    let udp = |range: &str| json!({"containerPortRange": range, "protocol": "udp"});
    assert_eq!(
        refused(&base, &map(udp("80-85"), udp("85-90"), "awsvpc")),
        "UDP container port '85' is used multiple times in task when networkMode=awsvpc."
    );
    accepted(&base, &map(udp("80-85"), udp("86-90"), "awsvpc"));
    accepted(&base, &map(udp("80-85"), any, "awsvpc"));
    let named = |port: i32| json!({"containerPort": port, "name": "http"});
    assert_eq!(
        refused(&base, &map(named(80), named(81), "bridge")),
        "When networkMode=bridge, port mapping name is already used"
    );
    assert_eq!(
        refused(&base, &map(named(80), named(81), "awsvpc")),
        "When networkMode=awsvpc, port mapping name is already used"
    );
}

#[test]
fn register_task_definition_wants_plain_containers_in_awsvpc() {
    let base = minimal("web");
    for (member, value, what) in [
        ("hostname", json!("web"), "hostname is"),
        ("dnsServers", json!(["10.0.0.1"]), "DNS servers are"),
        ("dnsSearchDomains", json!(["local"]), "DNS search domains are"),
        (
            "extraHosts",
            json!([{"hostname": "a", "ipAddress": "10.0.0.1"}]),
            "Extra hosts are",
        ),
        ("disableNetworking", json!(true), "Disable Networking is"),
    ] {
        accepted(&base, &[(&app(member), value.clone())]);
        assert_eq!(
            refused(&base, &[(&app(member), value), ("networkMode", json!("awsvpc"))]),
            format!("{what} not supported on container when networkMode=awsvpc.")
        );
    }
    let ingress = json!([{"name": "ProxyIngressPort", "value": "15000"}]);
    let proxy = (
        "proxyConfiguration",
        json!({"containerName": "app", "properties": ingress}),
    );
    assert_eq!(
        refused(&base, std::slice::from_ref(&proxy)),
        "APPMESH proxy configuration is only supported in networkMode=awsvpc"
    );
    accepted(&base, &[proxy, ("networkMode", json!("awsvpc"))]);
    assert_eq!(
        refused(
            &base,
            &[
                ("proxyConfiguration", json!({"containerName": "gone"})),
                ("networkMode", json!("awsvpc"))
            ]
        ),
        "Proxy container [gone] does not exist."
    );
    assert_eq!(
        refused(
            &base,
            &[
                ("proxyConfiguration", json!({"containerName": "app"})),
                ("networkMode", json!("awsvpc"))
            ]
        ),
        "Ingress port not found"
    );
}

#[test]
fn register_task_definition_with_awsvpc_takes_the_same_port_on_both_sides() {
    let ports = |host: i32| {
        let mapping = json!([{"containerPort": 80, "hostPort": host}]);
        [
            ("networkMode", json!("awsvpc")),
            ("containerDefinitions.0.portMappings", mapping),
        ]
    };
    let base = minimal("web");
    accepted(&base, &ports(80));
    assert_eq!(
        refused(&base, &ports(81)),
        "When networkMode=awsvpc, the host ports and container ports in port mappings must match."
    );
}

#[test]
fn register_task_definition_takes_ports_from_1_to_65535_and_any_host_port_from_0_on() {
    let base = minimal("web");
    let taken = |mapping: Value| {
        let input = super::with(&base, &[(&app("portMappings"), json!([mapping]))]);
        crate::world::World::new()
            .answer(kecs_model::Operation::RegisterTaskDefinition, input)
            .is_ok()
    };
    for (port, right) in [
        (-1, false),
        (0, false),
        (1, true),
        (65_535, true),
        (65_536, false),
    ] {
        assert_eq!(taken(json!({"containerPort": port})), right, "{port}");
        let host = json!({"containerPort": 80, "hostPort": port});
        assert_eq!(taken(host), right || port == 0, "host {port}");
    }
    for (range, right) in [
        ("1-2", true),
        ("0-2", false),
        ("2-2", false),
        ("3-2", false),
        ("65534-65535", true),
        ("65534-65536", false),
        ("80", false),
        ("a-b", false),
    ] {
        assert_eq!(taken(json!({"containerPortRange": range})), right, "{range}");
    }
    assert!(!taken(json!({"containerPortRange": "1-2", "hostPort": 1})));
    assert!(!taken(json!({"containerPortRange": "1-2", "containerPort": 1})));
}

#[test]
fn register_task_definition_names_a_port_once_and_lets_free_host_ports_be() {
    let base = two();
    let side = "containerDefinitions.1.portMappings";
    let port = |number: i32, more: Value| {
        let mut mapping = json!({"containerPort": number});
        mapping
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        mapping
    };
    let both = |one: Value, other: Value| {
        [
            (app("portMappings"), json!([one])),
            (side.to_owned(), json!([other])),
        ]
    };
    let check = |pair: [(String, Value); 2]| {
        let input = super::with(
            &base,
            &[(&pair[0].0, pair[0].1.clone()), (&pair[1].0, pair[1].1.clone())],
        );
        crate::world::World::new()
            .answer(kecs_model::Operation::RegisterTaskDefinition, input)
            .map_err(|refusal| refusal.message)
            .map(|_| ())
    };
    let named = |name: &str| json!({"name": name});
    assert_eq!(check(both(port(80, named("a")), port(81, named("b")))), Ok(()));
    assert_eq!(
        check(both(port(80, named("a")), port(81, named("a")))),
        Err("When networkMode=bridge, port mapping name is already used".to_owned())
    );
    let host = |number: i32| json!({"hostPort": number});
    assert_eq!(check(both(port(80, host(0)), port(80, host(0)))), Ok(()));
    assert_eq!(check(both(port(80, json!({})), port(80, json!({})))), Ok(()));
    assert_eq!(
        check(both(port(80, host(1)), port(81, host(1)))),
        Err("TCP host port '1' is mapped multiple times in task.".to_owned())
    );
}

#[test]
fn register_task_definition_takes_a_proxy_that_is_there_with_its_port_among_others() {
    let base = crate::task_definition::fargate("web");
    let proxy = |container: &str, names: &[&str]| {
        let properties: Vec<Value> = names
            .iter()
            .map(|name| json!({"name": name, "value": "1"}))
            .collect();
        [(
            "proxyConfiguration",
            json!({"containerName": container, "properties": properties}),
        )]
    };
    let side = json!({"name": "side", "image": "envoy"});
    let base = super::with(&base, &[("containerDefinitions.1", side)]);
    for container in ["app", "side"] {
        accepted(
            &base,
            &proxy(container, &["AppPorts", "ProxyIngressPort", "IgnoredUID"]),
        );
    }
    assert_eq!(
        refused(&base, &proxy("none", &["ProxyIngressPort"])),
        "Proxy container [none] does not exist."
    );
    assert_eq!(
        refused(&base, &proxy("app", &["AppPorts"])),
        "Ingress port not found"
    );
    // What is empty is not there.
    for member in ["hostname", "dnsServers", "dnsSearchDomains", "extraHosts"] {
        let empty = if member == "hostname" {
            json!("")
        } else {
            json!([])
        };
        accepted(&base, &[(&app(member), empty)]);
    }
}
