//! Plays the controller of `TerraformWorkspace`s and the core of Cluster API.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use capt_api::{CAPTCluster, CAPTControlPlane, Cluster, TerraformWorkspace, keys};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::{Value, json};

const FINALIZER: &str = "test.example/player";

/// What the player is told, and what it tells.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// The outputs of workspaces, by the end of their names; those that begin with `_` are sensitive.
    pub(crate) outputs: BTreeMap<&'static str, BTreeMap<&'static str, String>>,
    /// Workspaces that fail, by the end of their names, with code and class of the fault.
    pub(crate) failing: BTreeMap<&'static str, (&'static str, &'static str)>,
    /// What was applied and destroyed, in order.
    pub(crate) log: Vec<String>,
}

pub(crate) type Shared = Arc<Mutex<Script>>;

fn patch() -> PatchParams {
    PatchParams::default()
}

/// Looks around once a second of virtual time.
pub(crate) async fn play(client: Client, script: Shared) {
    loop {
        for workspace in all::<TerraformWorkspace>(&client).await {
            workspace_turn(&client, &script, &workspace).await;
        }
        for cluster in all::<Cluster>(&client).await {
            cluster_turn(&client, &cluster).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn all<K>(client: &Client) -> Vec<K>
where
    K: Resource<DynamicType = ()> + Clone + serde::de::DeserializeOwned + std::fmt::Debug,
{
    Api::<K>::all(client.clone())
        .list(&ListParams::default())
        .await
        .unwrap()
        .items
}

async fn workspace_turn(client: &Client, script: &Shared, workspace: &TerraformWorkspace) {
    let name = workspace.name_any();
    let namespace = workspace.namespace().unwrap();
    let api = Api::<TerraformWorkspace>::namespaced(client.clone(), &namespace);
    let held = workspace.finalizers().iter().any(|it| it == FINALIZER);
    if workspace.metadata.deletion_timestamp.is_some() {
        if held {
            note(script, format!("destroy {name}"));
            let none = json!({ "metadata": { "finalizers": [] } });
            api.patch(&name, &patch(), &Patch::Merge(&none)).await.unwrap();
        }
        return;
    }
    if !held {
        let ours = json!({ "metadata": { "finalizers": [FINALIZER] } });
        api.patch(&name, &patch(), &Patch::Merge(&ours)).await.unwrap();
        return;
    }
    let requested = capt_status::requested(&workspace.metadata);
    let lifecycle = workspace.status.clone().unwrap_or_default().lifecycle;
    let state = lifecycle.state.map(capt_api::status::State::name);
    let seen = lifecycle.observed_generation == workspace.metadata.generation
        && lifecycle.observed_request == requested;
    let mut status = json!({
        "observedGeneration": workspace.metadata.generation,
        "observedRequest": requested,
    });
    match (seen, state) {
        (true, Some("Ready" | "Failed")) => return,
        (true, Some("Provisioning")) => end(client, script, workspace, &mut status).await,
        (_, _) => {
            status["state"] = json!("Provisioning");
            status["progress"] = json!({ "percentComplete": 50, "currentOperation": "module.vpc" });
        }
    }
    let body = json!({ "status": status });
    api.patch_status(&name, &patch(), &Patch::Merge(&body))
        .await
        .unwrap();
}

async fn end(client: &Client, script: &Shared, workspace: &TerraformWorkspace, status: &mut Value) {
    let name = workspace.name_any();
    let (outputs, failing) = {
        let script = script.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |end: &&str| name.ends_with(*end);
        let outputs = script
            .outputs
            .iter()
            .find(|(end, _)| of(end))
            .map(|it| it.1.clone());
        let failing = script.failing.iter().find(|(end, _)| of(end)).map(|it| *it.1);
        (outputs.unwrap_or_default(), failing)
    };
    if let Some((code, class)) = failing {
        status["state"] = json!("Failed");
        status["ready"] = json!(false);
        status["fault"] = json!({ "class": class, "code": code, "message": "it did not work" });
        return;
    }
    note(script, format!("apply {name}"));
    if let Some(reference) = &workspace.spec.write_connection_secret_to_ref {
        let namespace = reference.namespace.clone().or(workspace.namespace()).unwrap();
        let data: BTreeMap<String, ByteString> = outputs
            .iter()
            .map(|(key, value)| {
                (
                    key.trim_start_matches('_').to_owned(),
                    ByteString(value.clone().into_bytes()),
                )
            })
            .collect();
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": { "name": reference.name, "namespace": namespace },
            "data": data,
        });
        Api::<Secret>::namespaced(client.clone(), &namespace)
            .patch(
                &reference.name,
                &PatchParams::apply("player").force(),
                &Patch::Apply(&secret),
            )
            .await
            .unwrap();
    }
    let public: BTreeMap<_, _> = outputs.iter().filter(|(key, _)| !key.starts_with('_')).collect();
    status["state"] = json!("Ready");
    status["ready"] = json!(true);
    status["appliedInputDigest"] = json!("applied");
    status["fault"] = Value::Null;
    status["progress"] = json!({ "percentComplete": 100 });
    status["atProvider"] = json!({ "outputs": public, "checksum": "c" });
    status["conditions"] = json!([{
        "type": "Ready", "status": "True", "reason": "Available", "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }]);
}

fn note(script: &Shared, line: String) {
    let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
    script.log.push(line);
}

/// What the core of Cluster API does: adopts, latches, copies the endpoint, and deletes in order.
async fn cluster_turn(client: &Client, cluster: &Cluster) {
    let namespace = cluster.namespace().unwrap();
    let name = cluster.name_any();
    let infrastructure = Api::<CAPTCluster>::namespaced(client.clone(), &namespace);
    let control_planes = Api::<CAPTControlPlane>::namespaced(client.clone(), &namespace);
    let reference = |kind| {
        cluster
            .spec
            .infrastructure_ref
            .iter()
            .chain(&cluster.spec.control_plane_ref)
            .find(move |it| it.kind == kind)
    };
    let infra = match reference("CAPTCluster") {
        Some(reference) => infrastructure.get_opt(&reference.name).await.unwrap(),
        None => None,
    };
    let control_plane = match reference("CAPTControlPlane") {
        Some(reference) => control_planes.get_opt(&reference.name).await.unwrap(),
        None => None,
    };
    if cluster.metadata.deletion_timestamp.is_some() {
        let clusters = Api::<Cluster>::namespaced(client.clone(), &namespace);
        match (control_plane, infra) {
            (Some(it), _) => drop(
                control_planes
                    .delete(&it.name_any(), &DeleteParams::default())
                    .await,
            ),
            (None, Some(it)) => drop(
                infrastructure
                    .delete(&it.name_any(), &DeleteParams::default())
                    .await,
            ),
            (None, None) => {
                let none = json!({ "metadata": { "finalizers": null } });
                clusters
                    .patch(&name, &patch(), &Patch::Merge(&none))
                    .await
                    .unwrap();
            }
        }
        return;
    }
    let adopted = json!({ "metadata": {
        "labels": { keys::CLUSTER_NAME: name },
        "ownerReferences": [{
            "apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster", "name": name, "uid": cluster.uid(),
        }],
    } });
    if let Some(infra) = &infra
        && infra.owner_references().is_empty()
    {
        infrastructure
            .patch(&infra.name_any(), &patch(), &Patch::Merge(&adopted))
            .await
            .unwrap();
    }
    if let Some(control_plane) = &control_plane
        && control_plane.owner_references().is_empty()
    {
        control_planes
            .patch(&control_plane.name_any(), &patch(), &Patch::Merge(&adopted))
            .await
            .unwrap();
    }
    let provisioned = infra.and_then(|infra| infra.status?.initialization?.provisioned) == Some(true);
    let before = cluster.status.clone().unwrap_or_default();
    let clusters = Api::<Cluster>::namespaced(client.clone(), &namespace);
    if provisioned && !before.infrastructure_provisioned() {
        let latch = json!({ "status": { "initialization": { "infrastructureProvisioned": true } } });
        clusters
            .patch_status(&name, &patch(), &Patch::Merge(&latch))
            .await
            .unwrap();
    }
    let endpoint = control_plane.and_then(|it| it.spec.control_plane_endpoint);
    if let (Some(endpoint), None) = (endpoint, &cluster.spec.control_plane_endpoint) {
        let copied = json!({ "spec": { "controlPlaneEndpoint": endpoint } });
        clusters
            .patch(&name, &patch(), &Patch::Merge(&copied))
            .await
            .unwrap();
    }
}
