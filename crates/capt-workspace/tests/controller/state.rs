//! The objects of the Terraform state, written by an engine that keeps them where Terraform does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use capt_api::{TerraformWorkspace, keys};
use capt_core::fault::Fault;
use capt_terraform::classify::LockInfo;
use capt_terraform::engine::{Failure, Job, Planned, Resumption};
use capt_terraform::{
    Backend, Changes, Engine, EngineKind, Output, RunEnd, RunSpec, Simulated, SimulatedCloud, WorkspaceId,
};
use capt_workspace::default_secret_suffix;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::harness::{Harness, workspace};

/// The simulated engine under the name of Terraform. Each apply leaves a state in two parts, and a lock.
struct Stateful {
    inner: Simulated,
    client: Client,
}

impl Stateful {
    async fn put<K>(&self, namespace: &str, value: Value)
    where
        K: kube::Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
            + serde::Serialize
            + serde::de::DeserializeOwned
            + Clone
            + std::fmt::Debug,
    {
        let object: K = serde_json::from_value(value).unwrap();
        match Api::<K>::namespaced(self.client.clone(), namespace)
            .create(&PostParams::default(), &object)
            .await
        {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {}
            Err(error) => panic!("{error}"),
        }
    }

    async fn store(&self, spec: &RunSpec) {
        let Backend::Kubernetes {
            namespace,
            secret_suffix,
            ..
        } = &spec.backend
        else {
            return;
        };
        let name = format!("tfstate-default-{secret_suffix}");
        for part in ["", "-part-1"] {
            let labels = json!({"tfstate": "true", "tfstateSecretSuffix": secret_suffix});
            let metadata = json!({"name": format!("{name}{part}"), "labels": labels});
            self.put::<Secret>(
                namespace,
                json!({"metadata": metadata, "stringData": {"tfstate": "gzip"}}),
            )
            .await;
        }
        self.put::<Lease>(
            namespace,
            json!({"metadata": {"name": format!("lock-{name}")}, "spec": {}}),
        )
        .await;
    }
}

#[async_trait]
impl Engine for Stateful {
    fn kind(&self) -> EngineKind {
        EngineKind::Terraform
    }
    async fn version(&self) -> Result<String, Fault> {
        self.inner.version().await
    }
    async fn resume(&self, workspace: &WorkspaceId) -> Result<Option<Resumption>, Fault> {
        self.inner.resume(workspace).await
    }
    async fn recorded_spec(&self, workspace: &WorkspaceId) -> Result<Option<RunSpec>, Fault> {
        self.inner.recorded_spec(workspace).await
    }
    async fn settle(&self, job: &Job) -> Result<(), Failure> {
        self.inner.settle(job).await
    }
    async fn prepare(&self, job: &Job) -> Result<(), Failure> {
        self.inner.prepare(job).await
    }
    async fn init(&self, job: &Job) -> Result<(), Failure> {
        self.inner.init(job).await
    }
    async fn state_is_missing(&self, job: &Job) -> Result<bool, Failure> {
        self.inner.state_is_missing(job).await
    }
    async fn has_nothing(&self, job: &Job) -> Result<bool, Failure> {
        self.inner.has_nothing(job).await
    }

    async fn plan(&self, job: &Job) -> Result<Planned, Failure> {
        self.inner.plan(job).await
    }
    async fn apply(&self, job: &Job, attempt: u32) -> Result<Changes, Failure> {
        let applied = self.inner.apply(job, attempt).await;
        self.store(&job.spec).await;
        applied
    }
    async fn outputs(&self, job: &Job) -> Result<BTreeMap<String, Output>, Failure> {
        self.inner.outputs(job).await
    }
    async fn abandoned_lock(&self, job: &Job, failure: &Failure) -> Result<Option<LockInfo>, Fault> {
        self.inner.abandoned_lock(job, failure).await
    }

    async fn unlock(&self, job: &Job, lock_id: &str) -> Result<(), Failure> {
        self.inner.unlock(job, lock_id).await
    }
    async fn conclude(&self, job: &Job, end: &RunEnd) -> Result<(), Fault> {
        self.inner.conclude(job, end).await
    }
    fn forget(&self, workspace: &WorkspaceId) -> Result<(), Fault> {
        self.inner.forget(workspace)
    }
}

fn stateful(cloud: SimulatedCloud, client: Client) -> Arc<dyn Engine> {
    Arc::new(Stateful {
        inner: Simulated::new(cloud),
        client,
    })
}

/// The objects of the state that exist, with whether they carry the finalizer.
async fn objects(harness: &Harness) -> Vec<(String, bool)> {
    let protected = |finalizers: &[String]| finalizers.iter().any(|it| it == keys::STATE_FINALIZER);
    let secrets = harness
        .of::<Secret>("default")
        .list(&ListParams::default())
        .await
        .unwrap();
    let leases = harness
        .of::<Lease>("default")
        .list(&ListParams::default())
        .await
        .unwrap();
    let secrets = secrets
        .iter()
        .map(|it| (it.name_any(), protected(it.finalizers())));
    let leases = leases
        .iter()
        .map(|it| (it.name_any(), protected(it.finalizers())));
    secrets
        .chain(leases)
        .filter(|(name, _)| name.contains("tfstate"))
        .collect()
}

async fn suffix(harness: &Harness, name: &str) -> String {
    default_secret_suffix(name, &harness.workspace(name).await.unwrap().uid().unwrap())
}

#[tokio::test(start_paused = true)]
async fn the_state_is_kept_until_everything_is_destroyed() {
    let harness = Harness::start_with(stateful).await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    harness.until_ready("vpc").await;
    let state = format!("tfstate-default-{}", suffix(&harness, "vpc").await);
    let wanted = [
        (state.clone(), true),
        (format!("{state}-part-1"), false),
        (format!("lock-{state}"), true),
    ];
    assert_eq!(objects(&harness).await, wanted);
    let secret = harness.secret(&state).await.unwrap();
    assert_eq!(secret.labels()[keys::WORKSPACE], "vpc");

    // Somebody tidies up.
    harness.delete::<Secret>(&state).await;
    harness.pass(Duration::from_secs(60)).await;
    assert!(harness.secret(&state).await.unwrap().data.is_some());

    harness.delete::<TerraformWorkspace>("vpc").await;
    harness.until_gone("vpc").await;
    assert_eq!(objects(&harness).await, []);
    assert!(harness.cloud.resources("vpc").is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_state_of_an_orphaned_workspace_stays_and_can_be_taken_up() {
    let harness = Harness::start_with(stateful).await;
    let object = || {
        let mut object = workspace("vpc", json!({}));
        object["spec"]["deletionPolicy"] = json!("Orphan");
        object["spec"]["backend"] = json!({"kubernetes": {"secretSuffix": "shared"}});
        object
    };
    harness.create::<TerraformWorkspace>(object()).await;
    harness.until_ready("vpc").await;
    harness.delete::<TerraformWorkspace>("vpc").await;
    harness.until_gone("vpc").await;
    let state = "tfstate-default-shared";
    let wanted = [
        (state.to_owned(), false),
        (format!("{state}-part-1"), false),
        (format!("lock-{state}"), false),
    ];
    assert_eq!(objects(&harness).await, wanted);

    harness.create::<TerraformWorkspace>(object()).await;
    harness.until_ready("vpc").await;
    assert!(objects(&harness).await[0].1, "protected again");
}

#[tokio::test(start_paused = true)]
async fn the_state_of_another_workspace_is_left_alone() {
    let harness = Harness::start_with(stateful).await;
    let object = |name: &str| {
        let mut object = workspace(name, json!({}));
        object["spec"]["backend"] = json!({"kubernetes": {"secretSuffix": "shared"}});
        object
    };
    harness.create::<TerraformWorkspace>(object("one")).await;
    harness.until_ready("one").await;
    harness.create::<TerraformWorkspace>(object("two")).await;
    let status = harness.until_state("two", "Failed").await;
    assert_eq!(status.lifecycle.fault.unwrap().code, "StateInUse");
    harness.delete::<TerraformWorkspace>("two").await;
    harness.until_gone("two").await;
    assert_eq!(objects(&harness).await.len(), 3);
    assert_eq!(harness.cloud.resources("one").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_workspace_without_a_state_to_protect_becomes_ready_all_the_same() {
    let harness = Harness::start_with(stateful).await;
    let empty = json!({"module": "variable \"unused\" {\n  default = 1\n}\n"});
    harness
        .create::<TerraformWorkspace>(workspace("vpc", empty))
        .await;
    harness.until_ready("vpc").await;
    assert_eq!(
        objects(&harness).await,
        [],
        "nothing was applied, so nothing was stored"
    );
}

#[tokio::test(start_paused = true)]
async fn a_local_state_needs_no_objects() {
    let harness = Harness::start_with(stateful).await;
    let mut object = workspace("vpc", json!({}));
    object["spec"]["backend"] = json!({"local": {}});
    harness.create::<TerraformWorkspace>(object).await;
    harness.until_ready("vpc").await;
    assert_eq!(objects(&harness).await, []);
    harness.delete::<TerraformWorkspace>("vpc").await;
    harness.until_gone("vpc").await;
}

/// The operator dies after the destroy, wherever that leaves the state: nothing is destroyed twice.
#[tokio::test(start_paused = true)]
async fn a_destroy_that_was_recorded_is_not_repeated_over_a_state_that_is_gone() {
    let mut harness = Harness::start_with(stateful).await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", json!({})))
        .await;
    harness.until_ready("vpc").await;
    harness.delete::<TerraformWorkspace>("vpc").await;
    harness
        .until("vpc", "destroying", |status| {
            status
                .run
                .as_ref()
                .is_some_and(|run| run.operation == "Destroy" && run.stage.as_deref() == Some("Applying"))
        })
        .await;
    for step in 0..40_u64 {
        harness.pass(Duration::from_millis(50 + 20 * step)).await;
        harness.kill_operator().await;
        harness.start_operator();
    }
    harness.until_gone("vpc").await;
    assert_eq!(harness.cloud.counters("vpc").destroys, 1);
    assert_eq!(objects(&harness).await, []);
}
