//! The columns of what runs.

use jiff::Timestamp;
use serde_json::Value;

use super::super::{Column, age};
use super::{
    at, builtin_description, count, framed, labels, list, number, selector, since, string, string_or, text,
    wide,
};

/// The columns of a kind that runs something, if it is one.
pub(super) fn columns(api_version: &str, kind: &str) -> Option<Vec<Column>> {
    let of = |part: &str, property: &str| match api_version {
        "v1" => builtin_description(&format!("io.k8s.api.core.v1.{part}"), property),
        _ => builtin_description(
            &format!("io.k8s.api.{}.{part}", api_version.replace('/', ".")),
            property,
        ),
    };
    Some(match (api_version, kind) {
        ("v1", "Pod") => pods(),
        ("v1", "ReplicationController") | ("apps/v1", "ReplicaSet") => framed(
            vec![
                count("Desired", of(&format!("{kind}Spec"), "replicas"), |object, _| {
                    Value::from(number(object, "/spec/replicas"))
                }),
                count(
                    "Current",
                    of(&format!("{kind}Status"), "replicas"),
                    |object, _| Value::from(number(object, "/status/replicas")),
                ),
                count(
                    "Ready",
                    of(&format!("{kind}Status"), "readyReplicas"),
                    |object, _| Value::from(number(object, "/status/readyReplicas")),
                ),
            ],
            template(Some((of(&format!("{kind}Spec"), "selector"), |object, _| {
                Value::from(if object["kind"] == "ReplicationController" {
                    labels(object, "/spec/selector")
                } else {
                    selector(object, "/spec/selector")
                })
            }))),
        ),
        ("apps/v1", "Deployment") => framed(
            vec![
                text("Ready", "Number of the pod with ready state", ready_of_desired),
                text(
                    "Up-to-date",
                    of("DeploymentStatus", "updatedReplicas"),
                    |object, _| Value::from(number(object, "/status/updatedReplicas")),
                ),
                text(
                    "Available",
                    of("DeploymentStatus", "availableReplicas"),
                    |object, _| Value::from(number(object, "/status/availableReplicas")),
                ),
            ],
            template(Some((of("DeploymentSpec", "selector"), selected))),
        ),
        ("apps/v1", "StatefulSet") => framed(
            vec![text(
                "Ready",
                "Number of the pod with ready state",
                ready_of_desired,
            )],
            template(None),
        ),
        ("apps/v1", "DaemonSet") => daemon_sets(&of),
        ("batch/v1", "Job") => framed(
            vec![
                text("Status", "Status of the job.", |object, _| {
                    Value::from(job_status(object))
                }),
                text("Completions", of("JobStatus", "succeeded"), completions),
                text("Duration", "Time required to complete the job.", duration),
            ],
            template(Some((of("JobSpec", "selector"), selected))),
        ),
        ("batch/v1", "CronJob") => cron_jobs(&of),
        ("autoscaling/v2", "HorizontalPodAutoscaler") => autoscalers(&of),
        ("policy/v1", "PodDisruptionBudget") => framed(
            vec![
                text(
                    "Min Available",
                    "The minimum number of pods that must be available.",
                    |object, _| int_or_string(object, "/spec/minAvailable"),
                ),
                text(
                    "Max Unavailable",
                    "The maximum number of pods that may be unavailable.",
                    |object, _| int_or_string(object, "/spec/maxUnavailable"),
                ),
                count(
                    "Allowed Disruptions",
                    "Calculated number of pods that may be disrupted at this time.",
                    |object, _| Value::from(number(object, "/status/disruptionsAllowed")),
                ),
            ],
            Vec::new(),
        ),
        _ => return None,
    })
}

fn daemon_sets(of: &dyn Fn(&str, &str) -> &'static str) -> Vec<Column> {
    let status = |property: &str| of("DaemonSetStatus", property);
    framed(
        vec![
            count("Desired", status("desiredNumberScheduled"), |object, _| {
                Value::from(number(object, "/status/desiredNumberScheduled"))
            }),
            count("Current", status("currentNumberScheduled"), |object, _| {
                Value::from(number(object, "/status/currentNumberScheduled"))
            }),
            count("Ready", status("numberReady"), |object, _| {
                Value::from(number(object, "/status/numberReady"))
            }),
            count("Up-to-date", status("updatedNumberScheduled"), |object, _| {
                Value::from(number(object, "/status/updatedNumberScheduled"))
            }),
            count("Available", status("numberAvailable"), |object, _| {
                Value::from(number(object, "/status/numberAvailable"))
            }),
            text(
                "Node Selector",
                builtin_description("io.k8s.api.core.v1.PodSpec", "nodeSelector"),
                |object, _| Value::from(labels(object, "/spec/template/spec/nodeSelector")),
            ),
        ],
        template(Some((of("DaemonSetSpec", "selector"), selected))),
    )
}

fn cron_jobs(of: &dyn Fn(&str, &str) -> &'static str) -> Vec<Column> {
    framed(
        vec![
            text("Schedule", of("CronJobSpec", "schedule"), |object, _| {
                at(object, "/spec/schedule")
            }),
            text("Timezone", of("CronJobSpec", "timeZone"), |object, _| {
                Value::from(string_or(object, "/spec/timeZone", "<none>"))
            }),
            Column::computed(
                "Suspend",
                "boolean",
                0,
                of("CronJobSpec", "suspend"),
                |object, _| {
                    Value::from(match object["spec"]["suspend"].as_bool() {
                        Some(true) => "True",
                        Some(false) => "False",
                        None => "<unset>",
                    })
                },
            ),
            count("Active", of("CronJobStatus", "active"), |object, _| {
                Value::from(list(object, "/status/active").count())
            }),
            text(
                "Last Schedule",
                of("CronJobStatus", "lastScheduleTime"),
                |object, now| {
                    if string(object, "/status/lastScheduleTime").is_empty() {
                        Value::from("<none>")
                    } else {
                        since(object, "/status/lastScheduleTime", now)
                    }
                },
            ),
        ],
        vec![
            wide("Containers", NAMES, |object, _| {
                containers(object, "/spec/jobTemplate/spec/template/spec/containers", "/name")
            }),
            wide("Images", IMAGES, |object, _| {
                containers(
                    object,
                    "/spec/jobTemplate/spec/template/spec/containers",
                    "/image",
                )
            }),
            wide("Selector", of("JobSpec", "selector"), |object, _| {
                Value::from(selector(object, "/spec/jobTemplate/spec/selector"))
            }),
        ],
    )
}

fn autoscalers(of: &dyn Fn(&str, &str) -> &'static str) -> Vec<Column> {
    let spec = |property: &str| of("HorizontalPodAutoscalerSpec", property);
    framed(
        vec![
            text("Reference", spec("scaleTargetRef"), |object, _| {
                Value::from(format!(
                    "{}/{}",
                    string(object, "/spec/scaleTargetRef/kind"),
                    string(object, "/spec/scaleTargetRef/name")
                ))
            }),
            text("Targets", spec("metrics"), |object, _| {
                Value::from(targets(object))
            }),
            text("MinPods", spec("minReplicas"), |object, _| {
                object["spec"]["minReplicas"]
                    .as_i64()
                    .map_or_else(|| Value::from("<unset>"), |count| Value::from(count.to_string()))
            }),
            text("MaxPods", spec("maxReplicas"), |object, _| {
                Value::from(number(object, "/spec/maxReplicas"))
            }),
            text(
                "Replicas",
                of("HorizontalPodAutoscalerStatus", "currentReplicas"),
                |object, _| Value::from(number(object, "/status/currentReplicas")),
            ),
        ],
        Vec::new(),
    )
}

/// What is aimed at; nothing measures here, so what is reached is not known.
fn targets(object: &Value) -> String {
    let all: Vec<String> = list(object, "/spec/metrics")
        .map(|metric| {
            let name = string(metric, "/resource/name");
            match metric["resource"]["target"]["averageUtilization"].as_i64() {
                Some(percent) => format!("{name}: <unknown>/{percent}%"),
                None => format!("{name}: <unknown>/<auto>"),
            }
        })
        .collect();
    match all.as_slice() {
        [] => "<none>".to_owned(),
        [first, second, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second} + {} more...", rest.len())
        }
        _ => all.join(", "),
    }
}

const NAMES: &str = "Names of each container in the template.";
const IMAGES: &str = "Images referenced by each container in the template.";

/// The wide columns of a kind with a pod template.
fn template(selector: Option<(&str, super::Cell)>) -> Vec<Column> {
    let mut out = vec![
        wide("Containers", NAMES, |object, _| {
            containers(object, "/spec/template/spec/containers", "/name")
        }),
        wide("Images", IMAGES, |object, _| {
            containers(object, "/spec/template/spec/containers", "/image")
        }),
    ];
    if let Some((description, cell)) = selector {
        out.push(wide("Selector", description, cell));
    }
    out
}

fn selected(object: &Value, _: Timestamp) -> Value {
    Value::from(selector(object, "/spec/selector"))
}

fn containers(object: &Value, path: &str, member: &str) -> Value {
    let all: Vec<&str> = list(object, path)
        .map(|container| string(container, member))
        .collect();
    Value::from(all.join(","))
}

fn ready_of_desired(object: &Value, _: Timestamp) -> Value {
    Value::from(format!(
        "{}/{}",
        number(object, "/status/readyReplicas"),
        number(object, "/spec/replicas")
    ))
}

fn int_or_string(object: &Value, path: &str) -> Value {
    match object.pointer(path) {
        Some(Value::String(text)) => Value::from(text.as_str()),
        Some(Value::Number(whole)) => Value::from(whole.to_string()),
        _ => Value::from("N/A"),
    }
}

fn has_condition(object: &Value, kind: &str) -> bool {
    list(object, "/status/conditions").any(|c| c["type"] == kind && c["status"] == "True")
}

fn job_status(object: &Value) -> &'static str {
    if has_condition(object, "Complete") {
        "Complete"
    } else if has_condition(object, "Failed") {
        "Failed"
    } else if !string(object, "/metadata/deletionTimestamp").is_empty() {
        "Terminating"
    } else if has_condition(object, "Suspended") {
        "Suspended"
    } else if has_condition(object, "FailureTarget") {
        "FailureTarget"
    } else if has_condition(object, "SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    }
}

fn completions(object: &Value, _: Timestamp) -> Value {
    let succeeded = number(object, "/status/succeeded");
    Value::from(match object["spec"]["completions"].as_i64() {
        Some(wanted) => format!("{succeeded}/{wanted}"),
        None if number(object, "/spec/parallelism") > 1 => {
            format!("{succeeded}/1 of {}", number(object, "/spec/parallelism"))
        }
        None => format!("{succeeded}/1"),
    })
}

fn duration(object: &Value, now: Timestamp) -> Value {
    let start = string(object, "/status/startTime");
    if start.is_empty() {
        return Value::from("");
    }
    let end = string(object, "/status/completionTime").parse().unwrap_or(now);
    Value::from(age::since(start, end))
}

fn pods() -> Vec<Column> {
    let spec = |property: &str| builtin_description("io.k8s.api.core.v1.PodSpec", property);
    let status = |property: &str| builtin_description("io.k8s.api.core.v1.PodStatus", property);
    framed(
        vec![
            text(
                "Ready",
                "The aggregate readiness state of this pod for accepting traffic.",
                |object, _| {
                    let ready = list(object, "/status/containerStatuses").filter(|s| s["ready"] == true);
                    Value::from(format!(
                        "{}/{}",
                        ready.count(),
                        list(object, "/spec/containers").count()
                    ))
                },
            ),
            text(
                "Status",
                "The aggregate status of the containers in this pod.",
                |object, _| Value::from(pod_status(object)),
            ),
            text(
                "Restarts",
                "The number of times the containers in this pod have been restarted and when the last container in this \
                 pod has restarted.",
                |object, _| {
                    let restarts: i64 = list(object, "/status/containerStatuses")
                        .map(|status| number(status, "/restartCount"))
                        .sum();
                    Value::from(restarts.to_string())
                },
            ),
        ],
        vec![
            wide("IP", status("podIP"), |object, _| {
                Value::from(string_or(object, "/status/podIP", "<none>"))
            }),
            wide("Node", spec("nodeName"), |object, _| {
                Value::from(string_or(object, "/spec/nodeName", "<none>"))
            }),
            wide("Nominated Node", status("nominatedNodeName"), |object, _| {
                Value::from(string_or(object, "/status/nominatedNodeName", "<none>"))
            }),
            wide("Readiness Gates", spec("readinessGates"), |object, _| {
                let gates = list(object, "/spec/readinessGates").count();
                Value::from(if gates == 0 {
                    "<none>".to_owned()
                } else {
                    let open = list(object, "/spec/readinessGates")
                        .filter(|gate| has_condition(object, string(gate, "/conditionType")));
                    format!("{}/{gates}", open.count())
                })
            }),
        ],
    )
}

/// The phase, unless a container or the deletion says something better.
fn pod_status(object: &Value) -> String {
    let phase = string(object, "/status/phase");
    let mut status = string_or(object, "/status/reason", phase).to_owned();
    for container in list(object, "/status/containerStatuses").rev() {
        let waiting = string(container, "/state/waiting/reason");
        let terminated = string(container, "/state/terminated/reason");
        if !waiting.is_empty() {
            waiting.clone_into(&mut status);
        } else if !terminated.is_empty() {
            terminated.clone_into(&mut status);
        } else if container["state"]["terminated"].is_object() {
            status = format!("ExitCode:{}", number(container, "/state/terminated/exitCode"));
        }
    }
    let is_deleting = !string(object, "/metadata/deletionTimestamp").is_empty();
    if is_deleting && !matches!(phase, "Succeeded" | "Failed") {
        "Terminating".clone_into(&mut status);
    }
    status
}
