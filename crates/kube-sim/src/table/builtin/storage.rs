//! The columns of nodes, volumes and their classes.

use serde_json::Value;

use super::super::Column;
use super::{at, builtin_description, framed, list, string, string_or, text, wide};

/// The columns of nodes, volumes and their classes, if it is one of them.
pub(super) fn columns(api_version: &str, kind: &str) -> Option<Vec<Column>> {
    let of =
        |part: &str, property: &str| builtin_description(&format!("io.k8s.api.core.v1.{part}"), property);
    let class = |property: &str| builtin_description("io.k8s.api.storage.v1.StorageClass", property);
    Some(match (api_version, kind) {
        ("v1", "Node") => nodes(),
        ("v1", "PersistentVolume") => framed_volumes(),
        ("v1", "PersistentVolumeClaim") => framed(
            vec![
                text(
                    "Status",
                    of("PersistentVolumeClaimStatus", "phase"),
                    |object, _| phase(object),
                ),
                text(
                    "Volume",
                    of("PersistentVolumeClaimSpec", "volumeName"),
                    |object, _| at(object, "/spec/volumeName"),
                ),
                text(
                    "Capacity",
                    of("PersistentVolumeClaimStatus", "capacity"),
                    |object, _| at(object, "/status/capacity/storage"),
                ),
                text(
                    "Access Modes",
                    of("PersistentVolumeClaimStatus", "accessModes"),
                    |object, _| modes(object, "/status/accessModes"),
                ),
                text("StorageClass", "StorageClass of the pvc", |object, _| {
                    at(object, "/spec/storageClassName")
                }),
                text(
                    "VolumeAttributesClass",
                    "VolumeAttributesClass of the pvc",
                    |object, _| Value::from(string_or(object, "/spec/volumeAttributesClassName", "<unset>")),
                ),
            ],
            vec![wide(
                "VolumeMode",
                of("PersistentVolumeClaimSpec", "volumeMode"),
                |object, _| Value::from(string_or(object, "/spec/volumeMode", "<unset>")),
            )],
        ),
        ("storage.k8s.io/v1", "StorageClass") => framed(
            vec![
                text("Provisioner", class("provisioner"), |object, _| {
                    at(object, "/provisioner")
                }),
                text("ReclaimPolicy", class("reclaimPolicy"), |object, _| {
                    Value::from(string_or(object, "/reclaimPolicy", "Delete"))
                }),
                text("VolumeBindingMode", class("volumeBindingMode"), |object, _| {
                    Value::from(string_or(object, "/volumeBindingMode", "Immediate"))
                }),
                text(
                    "AllowVolumeExpansion",
                    class("allowVolumeExpansion"),
                    |object, _| Value::from(object["allowVolumeExpansion"] == true),
                ),
            ],
            Vec::new(),
        ),
        _ => return None,
    })
}

fn framed_volumes() -> Vec<Column> {
    let spec = |property: &str| builtin_description("io.k8s.api.core.v1.PersistentVolumeSpec", property);
    let status = |property: &str| builtin_description("io.k8s.api.core.v1.PersistentVolumeStatus", property);
    framed(
        vec![
            text("Capacity", spec("capacity"), |object, _| {
                at(object, "/spec/capacity/storage")
            }),
            text("Access Modes", spec("accessModes"), |object, _| {
                modes(object, "/spec/accessModes")
            }),
            text(
                "Reclaim Policy",
                spec("persistentVolumeReclaimPolicy"),
                |object, _| at(object, "/spec/persistentVolumeReclaimPolicy"),
            ),
            text("Status", status("phase"), |object, _| phase(object)),
            text("Claim", spec("claimRef"), |object, _| {
                let name = string(object, "/spec/claimRef/name");
                Value::from(if name.is_empty() {
                    String::new()
                } else {
                    format!("{}/{name}", string(object, "/spec/claimRef/namespace"))
                })
            }),
            text("StorageClass", "StorageClass of the pv", |object, _| {
                at(object, "/spec/storageClassName")
            }),
            text(
                "VolumeAttributesClass",
                "VolumeAttributesClass of the pv",
                |object, _| Value::from(string_or(object, "/spec/volumeAttributesClassName", "<unset>")),
            ),
            text("Reason", status("reason"), |object, _| {
                at(object, "/status/reason")
            }),
        ],
        vec![wide("VolumeMode", spec("volumeMode"), |object, _| {
            Value::from(string_or(object, "/spec/volumeMode", "<unset>"))
        })],
    )
}

fn phase(object: &Value) -> Value {
    if string(object, "/metadata/deletionTimestamp").is_empty() {
        at(object, "/status/phase")
    } else {
        Value::from("Terminating")
    }
}

fn modes(object: &Value, path: &str) -> Value {
    let short: Vec<&str> = list(object, path)
        .filter_map(Value::as_str)
        .map(|mode| match mode {
            "ReadWriteOnce" => "RWO",
            "ReadOnlyMany" => "ROX",
            "ReadWriteMany" => "RWX",
            "ReadWriteOncePod" => "RWOP",
            other => other,
        })
        .collect();
    Value::from(short.join(","))
}

fn nodes() -> Vec<Column> {
    let info = |property: &str| builtin_description("io.k8s.api.core.v1.NodeSystemInfo", property);
    let addresses = builtin_description("io.k8s.api.core.v1.NodeStatus", "addresses");
    framed(
        vec![
            text("Status", "The status of the node", |object, _| {
                let ready = list(object, "/status/conditions").find(|c| c["type"] == "Ready");
                let mut status = match ready.map(|condition| condition["status"] == "True") {
                    Some(true) => "Ready".to_owned(),
                    Some(false) => "NotReady".to_owned(),
                    None => "Unknown".to_owned(),
                };
                if object["spec"]["unschedulable"] == true {
                    status.push_str(",SchedulingDisabled");
                }
                Value::from(status)
            }),
            text("Roles", "The roles of the node", |object, _| {
                let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
                let roles: Vec<&str> = labels
                    .into_iter()
                    .flatten()
                    .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"))
                    .filter(|role| !role.is_empty())
                    .collect();
                Value::from(if roles.is_empty() {
                    "<none>".to_owned()
                } else {
                    roles.join(",")
                })
            }),
        ],
        vec![
            text("Version", info("kubeletVersion"), |object, _| {
                at(object, "/status/nodeInfo/kubeletVersion")
            }),
            wide("Internal-IP", addresses, |object, _| {
                address(object, "InternalIP")
            }),
            wide("External-IP", addresses, |object, _| {
                address(object, "ExternalIP")
            }),
            wide("OS-Image", info("osImage"), |object, _| {
                Value::from(string_or(object, "/status/nodeInfo/osImage", "<unknown>"))
            }),
            wide("Kernel-Version", info("kernelVersion"), |object, _| {
                Value::from(string_or(object, "/status/nodeInfo/kernelVersion", "<unknown>"))
            }),
            wide(
                "Container-Runtime",
                info("containerRuntimeVersion"),
                |object, _| {
                    Value::from(string_or(
                        object,
                        "/status/nodeInfo/containerRuntimeVersion",
                        "<unknown>",
                    ))
                },
            ),
        ],
    )
}

fn address(object: &Value, kind: &str) -> Value {
    let found = list(object, "/status/addresses").find(|address| address["type"] == kind);
    Value::from(found.map_or("<none>", |address| string(address, "/address")))
}
