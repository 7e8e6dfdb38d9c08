//! What the server sets in pods, services and what holds them. Nothing runs them: they are kept as they are.

use serde_json::{Value, json};

use super::meta;

/// The first service of every cluster, and the first address of the usual service network.
pub(super) const KUBERNETES: &str = "kubernetes";
const NETWORK: [u8; 2] = [10, 96];

/// Fills in what depends on more than one field; what does not stands in the schema.
pub(super) fn prepare(kind: &str, object: &mut Value, live: Option<&Value>) {
    match kind {
        "Pod" => {
            pull_policies(&mut object["spec"]);
            if object["spec"]["enableServiceLinks"].is_null() {
                object["spec"]["enableServiceLinks"] = json!(true);
            }
            if live.is_none() {
                object["status"] = json!({"phase": "Pending", "qosClass": quality(&object["spec"])});
            }
        }
        "HorizontalPodAutoscaler" if object["spec"]["metrics"].is_null() => {
            object["spec"]["metrics"] = json!([{
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
            }]);
        }
        "PodDisruptionBudget" if live.is_none() => {
            object["status"] =
                json!({"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0});
        }
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicationController" => {
            pull_policies(&mut object["spec"]["template"]["spec"]);
            if kind == "Job" {
                job_defaults(&mut object["spec"]);
            }
        }
        "CronJob" => pull_policies(&mut object["spec"]["jobTemplate"]["spec"]["template"]["spec"]),
        "PersistentVolumeClaim" | "PersistentVolume" if live.is_none() => {
            object["status"]["phase"] = json!("Pending");
        }
        "Service" => target_ports(object),
        "RoleBinding" | "ClusterRoleBinding" => subject_groups(object),
        _ => {}
    }
}

/// Gives a service an address in the cluster, unless it has one or wants none.
pub(super) fn assign_address(service: &mut Value, live: Option<&Value>, number: u64) {
    let spec = &mut service["spec"];
    if spec["type"] == "ExternalName" {
        return;
    }
    if meta::text(spec, &["clusterIP"]).is_empty() {
        let held = live.map_or("", |live| meta::text(live, &["spec", "clusterIP"]));
        let address = if held.is_empty() {
            let low = u16::try_from(number % 65_000).unwrap_or_default() + 1;
            let [third, fourth] = low.to_be_bytes();
            format!("{}.{}.{third}.{fourth}", NETWORK[0], NETWORK[1])
        } else {
            held.to_owned()
        };
        spec["clusterIP"] = json!(address);
    }
    if !spec["clusterIPs"].is_array() {
        spec["clusterIPs"] = json!([spec["clusterIP"]]);
    }
}

/// The service by which pods find the API server.
pub(super) fn kubernetes_service(uid: &str, created: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": KUBERNETES, "namespace": "default", "uid": uid, "creationTimestamp": created,
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "clusterIP": format!("{}.{}.0.1", NETWORK[0], NETWORK[1]),
            "clusterIPs": [format!("{}.{}.0.1", NETWORK[0], NETWORK[1])],
            "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
            "sessionAffinity": "None",
            "type": "ClusterIP",
        },
        "status": {"loadBalancer": {}},
    })
}

/// An image without a tag, or with `latest`, is always pulled.
fn pull_policies(pod: &mut Value) {
    for list in ["initContainers", "containers"] {
        for container in pod[list].as_array_mut().into_iter().flatten() {
            if !container.is_object() || !container["imagePullPolicy"].is_null() {
                continue;
            }
            let image = meta::text(container, &["image"]);
            let last = image.rsplit('/').next().unwrap_or(image);
            let latest = !last.contains('@') && last.split_once(':').is_none_or(|(_, tag)| tag == "latest");
            container["imagePullPolicy"] = json!(if latest { "Always" } else { "IfNotPresent" });
        }
        if pod[list].is_null()
            && let Some(members) = pod.as_object_mut()
        {
            members.remove(list);
        }
    }
}

/// What a job has that says nothing; the template of a cron job is left as it is.
fn job_defaults(spec: &mut Value) {
    for (key, value) in [
        ("parallelism", json!(1)),
        ("completions", json!(1)),
        ("backoffLimit", json!(6)),
        ("completionMode", json!("NonIndexed")),
        ("suspend", json!(false)),
        ("podReplacementPolicy", json!("TerminatingOrFailed")),
    ] {
        // With one of the two given, the other is how the job knows that it is done.
        let is_open = key == "completions" && spec["parallelism"] != 1;
        if spec[key].is_null() && !is_open {
            spec[key] = value;
        }
    }
    if spec["completions"].is_null()
        && let Some(members) = spec.as_object_mut()
    {
        members.remove("completions");
    }
}

fn quality(spec: &Value) -> &'static str {
    let containers = spec["containers"].as_array().map_or(&[][..], Vec::as_slice);
    let has = |kind: &str| containers.iter().any(|c| c["resources"][kind].is_object());
    let all_equal = containers.iter().all(|c| {
        c["resources"]["limits"].is_object() && c["resources"]["limits"] == c["resources"]["requests"]
    });
    match (has("limits") || has("requests"), all_equal) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

fn target_ports(service: &mut Value) {
    for port in service["spec"]["ports"].as_array_mut().into_iter().flatten() {
        if port["targetPort"].is_null() && port.is_object() {
            port["targetPort"] = port["port"].clone();
        }
        if port["protocol"].is_null() && port.is_object() {
            port["protocol"] = json!("TCP");
        }
    }
}

/// Users and groups are of the API of roles, service accounts of the core.
fn subject_groups(binding: &mut Value) {
    for subject in binding["subjects"].as_array_mut().into_iter().flatten() {
        if matches!(subject["kind"].as_str(), Some("User" | "Group")) && subject["apiGroup"].is_null() {
            subject["apiGroup"] = json!("rbac.authorization.k8s.io");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{assign_address, prepare};

    #[test]
    fn images_are_pulled_by_their_tags() {
        let mut pod = json!({"spec": {"containers": [
            {"image": "nginx"}, {"image": "r.io:5000/nginx:1"}, {"image": "nginx:latest"}, {"image": "nginx@sha256:0"},
        ]}});
        prepare("Pod", &mut pod, None);
        let policies: Vec<&str> = pod["spec"]["containers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["imagePullPolicy"].as_str().unwrap())
            .collect();
        assert_eq!(policies, ["Always", "IfNotPresent", "Always", "IfNotPresent"]);
        assert_eq!(
            pod["status"],
            json!({"phase": "Pending", "qosClass": "BestEffort"})
        );
        assert!(pod["spec"].get("initContainers").is_none());
    }

    #[test]
    fn a_service_keeps_its_address() {
        let mut made = json!({"spec": {"type": "ClusterIP"}});
        assign_address(&mut made, None, 300);
        assert_eq!(made["spec"]["clusterIP"], "10.96.1.45");
        let mut next = json!({"spec": {"type": "ClusterIP"}});
        assign_address(&mut next, Some(&made), 301);
        assert_eq!(next["spec"]["clusterIPs"], json!(["10.96.1.45"]));
        let mut headless = json!({"spec": {"clusterIP": "None"}});
        assign_address(&mut headless, None, 1);
        assert_eq!(headless["spec"]["clusterIP"], "None");
    }
}
