//! The columns of services and what leads to them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::super::Column;
use super::{
    at, builtin_description, framed, labels, list, number, selector, shortened, string, string_or, text, wide,
};

/// How many endpoints are named.
const SHOWN: usize = 3;

/// The columns of a kind of the network, if it is one.
pub(super) fn columns(api_version: &str, kind: &str) -> Option<Vec<Column>> {
    let spec = |property: &str| builtin_description("io.k8s.api.core.v1.ServiceSpec", property);
    let slice = |property: &str| builtin_description("io.k8s.api.discovery.v1.EndpointSlice", property);
    Some(match (api_version, kind) {
        ("v1", "Service") => framed(
            vec![
                text("Type", spec("type"), |object, _| at(object, "/spec/type")),
                text("Cluster-IP", spec("clusterIP"), |object, _| {
                    Value::from(string_or(object, "/spec/clusterIPs/0", "<none>"))
                }),
                text("External-IP", spec("externalIPs"), |object, _| {
                    Value::from(external_ip(object))
                }),
                text("Port(s)", spec("ports"), ports),
            ],
            vec![wide("Selector", spec("selector"), |object, _| {
                Value::from(labels(object, "/spec/selector"))
            })],
        ),
        ("v1", "Endpoints") => framed(
            vec![text(
                "Endpoints",
                builtin_description("io.k8s.api.core.v1.Endpoints", "subsets"),
                |object, _| Value::from(endpoints(object)),
            )],
            Vec::new(),
        ),
        ("discovery.k8s.io/v1", "EndpointSlice") => framed(
            vec![
                text("AddressType", slice("addressType"), |object, _| {
                    at(object, "/addressType")
                }),
                text("Ports", slice("ports"), |object, _| {
                    let all: Vec<String> = list(object, "/ports")
                        .map(|port| match port["port"].as_i64() {
                            Some(number) => number.to_string(),
                            None => string_or(port, "/name", "*").to_owned(),
                        })
                        .collect();
                    Value::from(shortened(&all, SHOWN))
                }),
                text("Endpoints", slice("endpoints"), |object, _| {
                    let all: Vec<String> = list(object, "/endpoints")
                        .flat_map(|endpoint| list(endpoint, "/addresses"))
                        .filter_map(|address| address.as_str().map(str::to_owned))
                        .collect();
                    Value::from(shortened(&all, SHOWN))
                }),
            ],
            Vec::new(),
        ),
        ("networking.k8s.io/v1", "Ingress") => ingresses(),
        ("networking.k8s.io/v1", "IngressClass") => framed(
            vec![
                text(
                    "Controller",
                    "Controller that is responsible for handling this class",
                    |object, _| at(object, "/spec/controller"),
                ),
                text(
                    "Parameters",
                    "A reference to a resource with additional parameters",
                    parameters,
                ),
            ],
            Vec::new(),
        ),
        ("networking.k8s.io/v1", "NetworkPolicy") => framed(
            vec![text(
                "Pod-Selector",
                builtin_description("io.k8s.api.networking.v1.NetworkPolicySpec", "podSelector"),
                |object, _| Value::from(selector(object, "/spec/podSelector")),
            )],
            Vec::new(),
        ),
        _ => return None,
    })
}

fn ingresses() -> Vec<Column> {
    framed(
        vec![
            text(
                "Class",
                "The name of the IngressClass resource that should be used for additional configuration",
                |object, _| Value::from(string_or(object, "/spec/ingressClassName", "<none>")),
            ),
            text(
                "Hosts",
                "Hosts that incoming requests are matched against before the ingress rule",
                |object, _| {
                    let hosts: Vec<String> = list(object, "/spec/rules")
                        .map(|rule| string(rule, "/host").to_owned())
                        .filter(|host| !host.is_empty())
                        .collect();
                    Value::from(if hosts.is_empty() {
                        "*".to_owned()
                    } else {
                        shortened(&hosts, SHOWN)
                    })
                },
            ),
            text(
                "Address",
                "Address is a list containing ingress points for the load-balancer",
                |object, _| Value::from(load_balancers(object)),
            ),
            text("Ports", "Ports of TLS configurations that open", |object, _| {
                Value::from(if list(object, "/spec/tls").count() > 0 {
                    "80, 443"
                } else {
                    "80"
                })
            }),
        ],
        Vec::new(),
    )
}

fn parameters(object: &Value, _: Timestamp) -> Value {
    let kind = string(object, "/spec/parameters/kind");
    if kind.is_empty() {
        return Value::from("<none>");
    }
    let group = string(object, "/spec/parameters/apiGroup");
    let name = string(object, "/spec/parameters/name");
    Value::from(if group.is_empty() {
        format!("{kind}/{name}")
    } else {
        format!("{kind}.{group}/{name}")
    })
}

fn load_balancers(object: &Value) -> String {
    let all: BTreeSet<&str> = list(object, "/status/loadBalancer/ingress")
        .map(|ingress| string_or(ingress, "/ip", string(ingress, "/hostname")))
        .filter(|address| !address.is_empty())
        .collect();
    all.into_iter().collect::<Vec<_>>().join(",")
}

fn external_ip(object: &Value) -> String {
    let mut own: Vec<String> = list(object, "/spec/externalIPs")
        .filter_map(|ip| ip.as_str().map(str::to_owned))
        .collect();
    match string(object, "/spec/type") {
        "ExternalName" => string(object, "/spec/externalName").to_owned(),
        "LoadBalancer" => {
            let balanced = load_balancers(object);
            if !balanced.is_empty() {
                own.insert(0, balanced);
            }
            if own.is_empty() {
                "<pending>".to_owned()
            } else {
                own.join(",")
            }
        }
        "ClusterIP" | "NodePort" if own.is_empty() => "<none>".to_owned(),
        "ClusterIP" | "NodePort" => own.join(","),
        _ => "<unknown>".to_owned(),
    }
}

fn ports(object: &Value, _: Timestamp) -> Value {
    let all: Vec<String> = list(object, "/spec/ports")
        .map(|port| {
            let (number, node) = (number(port, "/port"), number(port, "/nodePort"));
            let protocol = string_or(port, "/protocol", "TCP");
            if node > 0 {
                format!("{number}:{node}/{protocol}")
            } else {
                format!("{number}/{protocol}")
            }
        })
        .collect();
    Value::from(if all.is_empty() {
        "<none>".to_owned()
    } else {
        all.join(",")
    })
}

fn endpoints(object: &Value) -> String {
    let mut all = Vec::new();
    for subset in list(object, "/subsets") {
        let ports: Vec<i64> = list(subset, "/ports").map(|port| number(port, "/port")).collect();
        for address in list(subset, "/addresses") {
            let ip = string(address, "/ip");
            if ports.is_empty() {
                all.push(ip.to_owned());
            }
            all.extend(ports.iter().map(|port| format!("{ip}:{port}")));
        }
    }
    if all.is_empty() {
        "<none>".to_owned()
    } else {
        shortened(&all, SHOWN)
    }
}
