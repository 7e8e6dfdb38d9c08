//! The stand-in against a simulated API server, in virtual time.

use std::time::Duration;

use capt_api::{CAPTCluster, CAPTControlPlane, Cluster, all_crds, cluster_crd, keys};
use capt_runtime::{Clock, Driver};
use jiff::Timestamp;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt};
use kube_sim::ApiServer;
use serde_json::{Value, json};

use super::{FINALIZER, install};

mod claims;

/// An API server with the definitions, and the stand-in running against it.
struct Bench {
    server: ApiServer,
    clusters: Api<Cluster>,
    infrastructure: Api<CAPTCluster>,
    control_planes: Api<CAPTControlPlane>,
}

async fn bench() -> Bench {
    let epoch = Timestamp::from_second(1_800_000_000).unwrap();
    let server = ApiServer::new(kube_sim::Clock::virtual_since(epoch));
    server.with_world(|world, _| crate::convert::register(world));
    let client = server.client("default");
    let definitions = Api::<CustomResourceDefinition>::all(client.clone());
    for definition in all_crds().iter().chain([&cluster_crd()]) {
        definitions
            .create(&PostParams::default(), definition)
            .await
            .unwrap();
    }
    let driver = install(Driver::builder(client.clone(), Clock::virtual_since(epoch)));
    tokio::spawn(driver.build().run(std::future::pending()));
    Bench::over(server, &client)
}

impl Bench {
    fn over(server: ApiServer, client: &Client) -> Self {
        Self {
            server,
            clusters: Api::namespaced(client.clone(), "default"),
            infrastructure: Api::namespaced(client.clone(), "default"),
            control_planes: Api::namespaced(client.clone(), "default"),
        }
    }

    /// A Cluster with both its objects, as the demo has them.
    async fn demo(&self) {
        let (_, manifest) = crate::demo::MANIFESTS[2];
        let documents: Vec<Value> = serde_saphyr::from_multiple(manifest).unwrap();
        let of = |kind: &str| documents.iter().find(|it| it["kind"] == kind).unwrap().clone();
        let params = PostParams::default();
        self.clusters.create(&params, &from(of("Cluster"))).await.unwrap();
        self.infrastructure
            .create(&params, &from(of("CAPTCluster")))
            .await
            .unwrap();
        self.control_planes
            .create(&params, &from(of("CAPTControlPlane")))
            .await
            .unwrap();
        settle().await;
    }

    async fn cluster(&self) -> Cluster {
        self.clusters.get("demo").await.unwrap()
    }

    /// What the providers would write.
    async fn infrastructure_says(&self, status: Value) {
        let patch = Patch::Merge(json!({ "status": status }));
        self.infrastructure
            .patch_status("demo", &PatchParams::default(), &patch)
            .await
            .unwrap();
        settle().await;
    }

    async fn control_plane_says(&self, spec: Value, status: Value) {
        let patch = Patch::Merge(json!({ "spec": spec }));
        self.control_planes
            .patch("demo", &PatchParams::default(), &patch)
            .await
            .unwrap();
        let patch = Patch::Merge(json!({ "status": status }));
        self.control_planes
            .patch_status("demo", &PatchParams::default(), &patch)
            .await
            .unwrap();
        settle().await;
    }

    /// Until infrastructure and control plane are complete.
    async fn provisioned(&self) {
        self.infrastructure_says(json!({
            "initialization": { "provisioned": true },
            "failureDomains": [{ "name": "b" }, { "name": "a" }],
            "conditions": [condition("Ready", "True", "Ready", "")],
        }))
        .await;
        self.control_plane_says(
            json!({ "controlPlaneEndpoint": { "host": "api.example", "port": 443 } }),
            json!({
                "initialization": { "controlPlaneInitialized": true },
                "versions": [{ "version": "v1.31.0" }],
                "conditions": [condition("Available", "True", "Available", "")],
            }),
        )
        .await;
    }

    /// Writes since the last call.
    fn writes(&self) -> Vec<String> {
        let transcript = self.server.transcript();
        self.server.record(true);
        let is_write = |verb: &str| matches!(verb, "create" | "update" | "patch" | "delete");
        transcript
            .iter()
            .filter(|it| is_write(it.call.verb))
            .map(|it| format!("{} {}", it.call.verb, it.call.path))
            .collect()
    }
}

/// Lets everything happen that is under way; time passes only while nothing is.
async fn settle() {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

fn from<K: serde::de::DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap()
}

fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": type_, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2027-01-15T08:00:00Z",
    })
}

fn said(cluster: &Cluster, type_: &str) -> (String, String, String) {
    let conditions = &cluster.status.as_ref().unwrap().conditions;
    let found = conditions.iter().find(|it| it.type_ == type_).unwrap();
    (found.status.clone(), found.reason.clone(), found.message.clone())
}

fn phase(cluster: &Cluster) -> Value {
    serde_json::to_value(cluster.status.as_ref().unwrap().phase).unwrap()
}

#[tokio::test(start_paused = true)]
async fn objects_are_adopted_without_being_controlled() {
    let bench = bench().await;
    bench.demo().await;
    let cluster = bench.cluster().await;
    assert_eq!(cluster.finalizers(), [FINALIZER]);
    assert_eq!(phase(&cluster), "Provisioning");
    let infrastructure = bench.infrastructure.get("demo").await.unwrap();
    let control_plane = bench.control_planes.get("demo").await.unwrap();
    for (labels, owners) in [
        (infrastructure.labels(), infrastructure.owner_references()),
        (control_plane.labels(), control_plane.owner_references()),
    ] {
        assert_eq!(labels.get(keys::CLUSTER_NAME).map(String::as_str), Some("demo"));
        let [owner] = owners else { panic!("{owners:?}") };
        assert_eq!(owner.api_version, "cluster.x-k8s.io/v1beta2");
        assert_eq!(Some(owner.uid.clone()), cluster.uid());
        assert_eq!(owner.controller, Some(false));
    }
    let (status, _, message) = said(&cluster, "Available");
    assert_eq!(status, "False");
    assert_eq!(
        message,
        "* InfrastructureReady: CAPTCluster status.initialization.provisioned is false\n\
         * ControlPlaneAvailable: CAPTControlPlane status.initialization.controlPlaneInitialized is false"
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_objects_reach_is_latched_and_mirrored() {
    let bench = bench().await;
    bench.demo().await;
    bench.provisioned().await;
    let cluster = bench.cluster().await;
    assert_eq!(phase(&cluster), "Provisioned");
    let status = cluster.status.clone().unwrap();
    assert!(status.infrastructure_provisioned() && status.control_plane_initialized());
    let domains: Vec<_> = status.failure_domains.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(domains, ["a", "b"]);
    assert_eq!(status.control_plane.unwrap().versions[0].version, "v1.31.0");
    let endpoint = cluster.spec.control_plane_endpoint.clone().unwrap();
    assert_eq!(
        (endpoint.host.as_deref(), endpoint.port),
        (Some("api.example"), Some(443))
    );
    assert_eq!(said(&cluster, "Available").0, "True");

    // What goes wrong later is seen, and takes nothing back.
    bench
        .infrastructure_says(json!({
            "initialization": { "provisioned": false },
            "conditions": [condition("Ready", "False", "Locked", "the state is locked\nby somebody")],
        }))
        .await;
    let other = json!({ "controlPlaneEndpoint": { "host": "other.example", "port": 443 } });
    bench.control_plane_says(other, json!({})).await;
    let cluster = bench.cluster().await;
    assert!(cluster.status.clone().unwrap().infrastructure_provisioned());
    assert_eq!(phase(&cluster), "Provisioned");
    assert_eq!(
        said(&cluster, "InfrastructureReady"),
        (
            "False".into(),
            "Locked".into(),
            "the state is locked\nby somebody".into()
        )
    );
    assert_eq!(
        said(&cluster, "Available").2,
        "* InfrastructureReady: the state is locked\n  by somebody"
    );
    let endpoint = cluster.spec.control_plane_endpoint.unwrap();
    assert_eq!(endpoint.host.as_deref(), Some("api.example"));
}

#[tokio::test(start_paused = true)]
async fn a_cluster_to_which_nothing_happens_is_not_written() {
    let bench = bench().await;
    bench.demo().await;
    bench.provisioned().await;
    bench.server.record(true);
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert_eq!(bench.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_control_plane_goes_first_and_the_cluster_last() {
    let bench = bench().await;
    bench.demo().await;
    bench.provisioned().await;
    let hold = |on: bool| {
        let finalizers = if on {
            json!(["test.example/hold"])
        } else {
            json!([])
        };
        Patch::Merge(json!({ "metadata": { "finalizers": finalizers } }))
    };
    let params = PatchParams::default();
    bench
        .infrastructure
        .patch("demo", &params, &hold(true))
        .await
        .unwrap();
    bench
        .control_planes
        .patch("demo", &params, &hold(true))
        .await
        .unwrap();

    bench
        .clusters
        .delete("demo", &DeleteParams::default())
        .await
        .unwrap();
    settle().await;
    let cluster = bench.cluster().await;
    assert_eq!(phase(&cluster), "Deleting");
    assert_eq!(said(&cluster, "Deleting").1, "WaitingForControlPlaneDeletion");
    assert!(
        bench
            .control_planes
            .get("demo")
            .await
            .unwrap()
            .meta()
            .deletion_timestamp
            .is_some()
    );
    assert!(
        bench
            .infrastructure
            .get("demo")
            .await
            .unwrap()
            .meta()
            .deletion_timestamp
            .is_none()
    );

    bench
        .control_planes
        .patch("demo", &params, &hold(false))
        .await
        .unwrap();
    settle().await;
    assert_eq!(
        said(&bench.cluster().await, "Deleting").1,
        "WaitingForInfrastructureDeletion"
    );
    assert!(bench.control_planes.get_opt("demo").await.unwrap().is_none());
    assert!(
        bench
            .infrastructure
            .get("demo")
            .await
            .unwrap()
            .meta()
            .deletion_timestamp
            .is_some()
    );

    bench
        .infrastructure
        .patch("demo", &params, &hold(false))
        .await
        .unwrap();
    settle().await;
    assert!(bench.infrastructure.get_opt("demo").await.unwrap().is_none());
    assert!(bench.clusters.get_opt("demo").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_paused_cluster_is_left_alone_even_while_it_is_being_deleted() {
    let bench = bench().await;
    bench.demo().await;
    let pause = |on: bool| Patch::Merge(json!({ "spec": { "paused": on } }));
    let params = PatchParams::default();
    bench.clusters.patch("demo", &params, &pause(true)).await.unwrap();
    settle().await;
    let paused = said(&bench.cluster().await, "Paused");
    assert_eq!(
        paused,
        (
            "True".into(),
            "Paused".into(),
            "Cluster spec.paused is set to true".into()
        )
    );
    bench.provisioned().await;
    bench
        .clusters
        .delete("demo", &DeleteParams::default())
        .await
        .unwrap();
    settle().await;
    assert!(!bench.cluster().await.status.unwrap().infrastructure_provisioned());
    assert!(
        bench
            .control_planes
            .get("demo")
            .await
            .unwrap()
            .meta()
            .deletion_timestamp
            .is_none()
    );

    bench
        .clusters
        .patch("demo", &params, &pause(false))
        .await
        .unwrap();
    settle().await;
    assert!(bench.clusters.get_opt("demo").await.unwrap().is_none());
    assert!(bench.control_planes.get_opt("demo").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_cluster_written_as_v1beta1_is_worked_on_like_any_other() {
    let bench = bench().await;
    bench.demo().await;
    let old = json!({
        "apiVersion": "cluster.x-k8s.io/v1beta1", "kind": "Cluster",
        "metadata": { "name": "old", "namespace": "default" },
        "spec": { "controlPlaneRef": {
            "apiVersion": "controlplane.cluster.x-k8s.io/v1beta1", "kind": "CAPTControlPlane", "name": "missing",
        } },
    });
    let client = bench.server.client("default");
    let olds = Api::<capt_api::cluster::v1beta1::Cluster>::namespaced(client, "default");
    olds.create(&PostParams::default(), &from(old)).await.unwrap();
    settle().await;
    let stored = bench.clusters.get("old").await.unwrap();
    assert_eq!(
        stored.spec.control_plane_ref.as_ref().unwrap().api_group,
        "controlplane.cluster.x-k8s.io"
    );
    assert_eq!(
        said(&stored, "ControlPlaneAvailable"),
        (
            "False".into(),
            "ObjectDoesNotExist".into(),
            "CAPTControlPlane missing does not exist".into()
        )
    );
    let seen = olds.get("old").await.unwrap();
    let reference = seen.spec.control_plane_ref.unwrap();
    assert_eq!(
        reference.api_version.as_deref(),
        Some("controlplane.cluster.x-k8s.io/v1beta1")
    );
}
