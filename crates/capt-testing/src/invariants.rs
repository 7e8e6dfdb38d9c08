//! What must hold whatever happens, checked after every write and before every run of Terraform.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use capt_api::keys;
use capt_core::lifecycle::{Lifecycle, Signal, State};
use capt_core::machine::{Machine as _, Move};
use capt_terraform::RunSpec;
use jiff::Timestamp;
use kube_sim::World;
use serde_json::Value;

use crate::kstatus;
use crate::manifest::Target;

mod generic;

/// No object may grow beyond this: etcd refuses more than 1.5 MiB, and watches carry every version.
const MAX_SIZE: usize = 256 * 1024;

/// The kinds that the operator reconciles.
const RECONCILED: [&str; 4] = [
    "CAPTCluster",
    "CAPTControlPlane",
    "WorkspaceTemplateApply",
    "TerraformWorkspace",
];

/// What is once reached is never taken back.
const LATCHES: [&str; 5] = [
    "/status/initialized",
    "/status/initialization/provisioned",
    "/status/initialization/controlPlaneInitialized",
    "/status/initialization/infrastructureProvisioned",
    "/status/externalManagedControlPlane",
];

/// Who has made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The operator.
    Operator,
    /// The script, which may do what a person may.
    Script,
    /// What stands for the core of Cluster API, or the server itself.
    Others,
}

/// What a change happens in.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Values that must not be seen.
    pub secrets: &'a [String],
    /// All there is, after the change.
    pub world: &'a BTreeMap<Target, Arc<Value>>,
    /// When it happens.
    pub now: Timestamp,
    /// Who has made it.
    pub by: By,
}

/// The violations in one change of an object.
pub fn check(
    target: &Target,
    before: Option<&Value>,
    after: Option<&Value>,
    around: &Around<'_>,
) -> Vec<String> {
    let Around {
        secrets,
        world,
        now,
        by,
    } = *around;
    let mut found = Vec::new();
    let Some(after) = after else {
        return found;
    };
    if target.kind != "Secret" {
        bounded(after, &mut found);
        discreet(after, secrets, &mut found);
    }
    if RECONCILED.contains(&target.kind.as_str()) {
        generation(after, &mut found);
        if let Some(before) = before.filter(|before| uid(before) == uid(after)) {
            transition(before, after, &mut found);
            finalizers(before, after, &mut found);
            request(before, after, &mut found);
        }
        honest(target, before, after, world, &mut found);
        let before = before.filter(|before| uid(before) == uid(after));
        // Whoever makes an object, it has to be taken for one that is not there yet.
        if by == By::Operator || before.is_none() {
            generic::check(before, after, target, world, now, &mut found);
        }
    }
    if let Some(before) = before.filter(|before| uid(before) == uid(after)) {
        if by != By::Script {
            latches(before, after, &mut found);
        }
        conditions(before, after, &mut found);
    }
    found
        .into_iter()
        .map(|violation| format!("{target}: {violation}"))
        .collect()
}

fn uid(object: &Value) -> &Value {
    &object["metadata"]["uid"]
}

/// Histories are rings, messages have limits.
fn bounded(after: &Value, found: &mut Vec<String>) {
    let size = after.to_string().len();
    if size > MAX_SIZE {
        found.push(format!("it has grown to {size} bytes"));
    }
}

/// Nothing secret outside of Secrets.
fn discreet(after: &Value, secrets: &[String], found: &mut Vec<String>) {
    let mut object = after.clone();
    // Templates and variables are the user's own text.
    if let Some(object) = object.as_object_mut() {
        object.remove("spec");
    }
    let text = object.to_string();
    let shown = |secret: &&String| {
        let quoted = Value::from(secret.as_str()).to_string();
        text.contains(quoted.trim_matches('"'))
    };
    if secrets.iter().any(|secret| shown(&secret)) {
        found.push("a sensitive value is shown".to_owned());
    }
}

/// The status never claims a generation that is not there.
fn generation(after: &Value, found: &mut Vec<String>) {
    let seen = after["status"]["observedGeneration"].as_i64();
    if seen > after["metadata"]["generation"].as_i64() {
        found.push("observedGeneration is ahead of generation".to_owned());
    }
}

/// The state moves along the table, one step with each write.
fn transition(before: &Value, after: &Value, found: &mut Vec<String>) {
    let state = |object: &Value| {
        let name = object["status"]["state"].as_str().unwrap_or("Pending").to_owned();
        State::ALL.iter().copied().find(|state| state.name() == name)
    };
    let (Some(from), Some(to)) = (state(before), state(after)) else {
        found.push("a state that there is not".to_owned());
        return;
    };
    let leads = |signal: &Signal| match Lifecycle::next(from, *signal) {
        Move::To(there) => there == to,
        // Back to where the work was.
        Move::Back => matches!(
            to,
            State::Validating | State::Provisioning | State::Configuring | State::Degraded | State::Ready
        ),
        Move::Stay | Move::Illegal => false,
    };
    if from != to && !Signal::ALL.iter().any(leads) {
        found.push(format!("no signal leads from {} to {}", from.name(), to.name()));
    }
    if before["status"]["observedGeneration"].as_i64() > after["status"]["observedGeneration"].as_i64() {
        found.push("observedGeneration has fallen".to_owned());
    }
}

/// A finalizer is never added to what is on its way out.
fn finalizers(before: &Value, after: &Value, found: &mut Vec<String>) {
    let names = |object: &Value| -> BTreeSet<String> {
        let list = object["metadata"]["finalizers"].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    if is_deleting(before) && !names(after).is_subset(&names(before)) {
        found.push("a finalizer is added during deletion".to_owned());
    }
}

/// A terminal failure ends with a new attempt at something, never by itself.
fn request(before: &Value, after: &Value, found: &mut Vec<String>) {
    let failed = |object: &Value| object["status"]["state"] == "Failed";
    let reason = |object: &Value| object["status"]["failureReason"].clone();
    if failed(before) && failed(after) && !reason(before).is_null() && reason(after).is_null() {
        found.push("failureReason is cleared while it is still Failed".to_owned());
    }
}

/// Ready becomes True only when everything that it promises is there.
fn honest(
    target: &Target,
    before: Option<&Value>,
    after: &Value,
    world: &BTreeMap<Target, Arc<Value>>,
    found: &mut Vec<String>,
) {
    if condition(after, "Ready") != "True"
        || before.is_some_and(|before| condition(before, "Ready") == "True")
    {
        return;
    }
    let status = &after["status"];
    if status["inputDigest"] != status["appliedInputDigest"] || status["inputDigest"].is_null() {
        found.push("Ready without being applied for the present input".to_owned());
    }
    if target.kind == "CAPTControlPlane" {
        let host = after["spec"]["controlPlaneEndpoint"]["host"]
            .as_str()
            .unwrap_or_default();
        if host.is_empty() || host.contains('/') {
            found.push(format!("Ready with the endpoint {host:?}"));
        }
        let cluster = after["metadata"]["labels"][keys::CLUSTER_NAME]
            .as_str()
            .unwrap_or_default();
        let kubeconfig = Target::new(&target.namespace, "Secret", &format!("{cluster}-kubeconfig"));
        let owner = world
            .get(&kubeconfig)
            .map(|secret| secret["metadata"]["ownerReferences"][0]["uid"].clone());
        if owner.as_ref() != Some(uid(after)) {
            found.push(format!("Ready without {kubeconfig} of its own"));
        }
    }
}

fn latches(before: &Value, after: &Value, found: &mut Vec<String>) {
    let is_set = |object: &Value, latch: &str| object.pointer(latch) == Some(&Value::Bool(true));
    for latch in LATCHES {
        if is_set(before, latch) && !is_set(after, latch) {
            found.push(format!("{latch} is taken back"));
        }
    }
    let endpoint = |object: &Value| object["spec"]["controlPlaneEndpoint"].clone();
    let was = endpoint(before);
    let had_host = was["host"].as_str().is_some_and(|host| !host.is_empty());
    // What was made anew has another one; until it is published nothing answers.
    let gone = condition(before, "Available") == "False";
    if had_host && was != endpoint(after) && !gone {
        found.push(format!("the endpoint changes from {was} to {}", endpoint(after)));
    }
}

/// A condition's time moves with its status, forwards, and with nothing else.
fn conditions(before: &Value, after: &Value, found: &mut Vec<String>) {
    for is in after["status"]["conditions"].as_array().into_iter().flatten() {
        let list = before["status"]["conditions"].as_array().into_iter().flatten();
        let Some(was) = list.into_iter().find(|was| was["type"] == is["type"]) else {
            continue;
        };
        let time = |condition: &Value| {
            condition["lastTransitionTime"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        if was["status"] == is["status"] && time(was) != time(is) {
            found.push(format!(
                "lastTransitionTime of {} moves without its status",
                is["type"]
            ));
        }
        if time(is) < time(was) {
            found.push(format!("lastTransitionTime of {} moves back", is["type"]));
        }
    }
}

fn condition(object: &Value, kind: &str) -> String {
    kstatus::condition(object, kind)
        .and_then(|condition| condition["status"].as_str())
        .unwrap_or_default()
        .to_owned()
}

fn is_deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// The violations in beginning this run now: the object must be there, hold on to what is made, know of the run,
/// and must not be paused.
pub fn before_run(world: &World, run: &RunSpec) -> Vec<String> {
    let resource = Target::new("", "TerraformWorkspace", "").resource();
    let objects = world.list(&resource, None);
    let Some(object) = objects
        .iter()
        .find(|object| uid(object) == run.workspace.as_str())
    else {
        return vec![format!("run {} of {} without an object", run.id, run.label)];
    };
    let mut found = Vec::new();
    let finalizers = object["metadata"]["finalizers"].as_array().into_iter().flatten();
    if !finalizers.into_iter().any(|it| it == keys::WORKSPACE_FINALIZER) {
        found.push("before its finalizer is there");
    }
    if object["status"]["run"]["id"] != run.id.as_str() {
        found.push("before it is recorded");
    }
    if object["metadata"]["annotations"].get(keys::PAUSED).is_some() {
        found.push("while the object is paused");
    }
    found
        .into_iter()
        .map(|what| format!("run {} of {} begins {what}", run.id, run.label))
        .collect()
}
