//! A world with one operator in it, in virtual time.

use std::fmt::Debug;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use capt_api::terraform_workspace::TerraformWorkspaceStatus;
use capt_api::{TerraformWorkspace, all_crds, cluster_crd};
use capt_runtime::{Clock, Driver};
use capt_terraform::{Engine, Runs, RunsOptions, Simulated, SimulatedCloud};
use capt_workspace::{Options, install};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use kube_sim::{ApiServer, World};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

pub(crate) const NAMESPACE: &str = "default";

/// Two resources of a few seconds, and outputs of every sort.
pub(crate) const MODULE: &str = r#"
variable "name" {
  type    = string
  default = "demo"
}

variable "cidr" {
  type    = string
  default = "10.0.0.0/16"
}

resource "terraform_data" "vpc" {
  input = "${var.name} ${var.cidr}"
}

resource "terraform_data" "subnet" {
  input = terraform_data.vpc.output
}

output "vpc" {
  value = terraform_data.vpc.output
}

output "subnets" {
  value = ["a", "b"]
}

output "token" {
  value     = "hunter2-${var.name}"
  sensitive = true
}
"#;

/// How the engine of an operator is made.
pub(crate) type EngineOf = fn(SimulatedCloud, Client) -> Arc<dyn Engine>;

pub(crate) struct Harness {
    pub(crate) api: ApiServer,
    pub(crate) client: Client,
    pub(crate) cloud: SimulatedCloud,
    clock: Clock,
    operator: Option<JoinHandle<()>>,
    pub(crate) allow: Vec<String>,
    engine: EngineOf,
}

/// A world with the definitions in it. Their schemas are compiled once for all tests.
async fn world(epoch: Timestamp) -> World {
    static WORLD: OnceLock<World> = OnceLock::new();
    if let Some(world) = WORLD.get() {
        return world.clone();
    }
    let api = ApiServer::new(kube_sim::Clock::virtual_since(epoch));
    let definitions = Api::all(api.client(NAMESPACE));
    for definition in all_crds().into_iter().chain([cluster_crd()]) {
        definitions
            .create(&PostParams::default(), &definition)
            .await
            .unwrap();
    }
    WORLD.get_or_init(|| api.world()).clone()
}

impl Harness {
    /// A world with the definitions in it, and an operator.
    pub(crate) async fn start() -> Self {
        let mut harness = Self::without_operator().await;
        harness.start_operator();
        harness
    }

    pub(crate) async fn without_operator() -> Self {
        let epoch: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let clock = Clock::virtual_since(epoch);
        let world = world(epoch).await;
        let api = ApiServer::from_world(world, kube_sim::Clock::virtual_since(epoch));
        let client = api.client(NAMESPACE);
        Self {
            api,
            client,
            cloud: SimulatedCloud::new(),
            clock,
            operator: None,
            allow: Vec::new(),
            engine: |cloud, _| Arc::new(Simulated::new(cloud)),
        }
    }

    /// A world whose operator runs this engine.
    pub(crate) async fn start_with(engine: EngineOf) -> Self {
        let mut harness = Self::without_operator().await;
        harness.engine = engine;
        harness.start_operator();
        harness
    }

    pub(crate) fn start_operator(&mut self) {
        let clock = self.clock.clone();
        let now = Arc::new(move || clock.now());
        let engine = (self.engine)(self.cloud.clone(), self.client.clone());
        let runs = Runs::new(engine, &RunsOptions::default(), now);
        let mut options = Options::new(runs);
        options.allow_namespaces.extend(self.allow.iter().cloned());
        let builder = Driver::builder(self.api.client(NAMESPACE), self.clock.clone());
        let driver = install(builder, options).build();
        self.operator = Some(tokio::spawn(driver.run(std::future::pending())));
    }

    /// Ends the operator as a crash would: nothing is tidied up.
    pub(crate) async fn kill_operator(&mut self) {
        let operator = self.operator.take().expect("an operator runs");
        operator.abort();
        assert!(operator.await.unwrap_err().is_cancelled());
    }

    pub(crate) fn of<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    pub(crate) async fn create<K>(&self, value: Value) -> K
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Serialize
            + DeserializeOwned
            + Clone
            + Debug,
    {
        let namespace = value
            .pointer("/metadata/namespace")
            .and_then(Value::as_str)
            .unwrap_or(NAMESPACE)
            .to_owned();
        let object: K = serde_json::from_value(value).unwrap();
        self.of::<K>(&namespace)
            .create(&PostParams::default(), &object)
            .await
            .unwrap()
    }

    pub(crate) async fn merge<K>(&self, name: &str, patch: Value) -> K
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
    {
        self.of::<K>(NAMESPACE)
            .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap()
    }

    pub(crate) async fn delete<K>(&self, name: &str)
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
    {
        self.of::<K>(NAMESPACE)
            .delete(name, &DeleteParams::default())
            .await
            .unwrap();
    }

    pub(crate) async fn secret(&self, name: &str) -> Option<Secret> {
        self.of::<Secret>(NAMESPACE).get_opt(name).await.unwrap()
    }

    pub(crate) async fn put_secret(&self, name: &str, key: &str, value: &str) {
        self.create::<Secret>(json!({"metadata": {"name": name}, "stringData": {key: value}}))
            .await;
    }

    pub(crate) async fn put_config_map(&self, name: &str, key: &str, value: &str) {
        self.create::<ConfigMap>(json!({"metadata": {"name": name}, "data": {key: value}}))
            .await;
    }

    pub(crate) async fn workspace(&self, name: &str) -> Option<TerraformWorkspace> {
        self.of::<TerraformWorkspace>(NAMESPACE)
            .get_opt(name)
            .await
            .unwrap()
    }

    pub(crate) async fn status(&self, name: &str) -> TerraformWorkspaceStatus {
        self.workspace(name)
            .await
            .and_then(|workspace| workspace.status)
            .unwrap_or_default()
    }

    /// Lets virtual time pass until the status of a workspace is as wanted, at most an hour.
    pub(crate) async fn until(
        &self,
        name: &str,
        what: &str,
        wanted: impl Fn(&TerraformWorkspaceStatus) -> bool,
    ) -> TerraformWorkspaceStatus {
        for _ in 0..7200 {
            let status = self.status(name).await;
            if wanted(&status) {
                return status;
            }
            self.pass(Duration::from_millis(500)).await;
        }
        panic!("never {what}: {:#?}", self.status(name).await);
    }

    pub(crate) async fn until_state(&self, name: &str, state: &str) -> TerraformWorkspaceStatus {
        self.until(name, state, |status| {
            status
                .lifecycle
                .state
                .is_some_and(|present| present.name() == state)
        })
        .await
    }

    /// Until Terraform applies what was planned for a workspace.
    pub(crate) async fn until_applying(&self, name: &str) -> TerraformWorkspaceStatus {
        self.until(name, "applying", |status| {
            let run = status.run.as_ref();
            run.is_some_and(|run| run.stage.as_deref() == Some("Applying"))
        })
        .await
    }

    /// Until Ready for the present generation.
    pub(crate) async fn until_ready(&self, name: &str) -> TerraformWorkspaceStatus {
        let generation = self.workspace(name).await.unwrap().metadata.generation;
        self.until(name, "ready", |status| {
            status.lifecycle.observed_generation == generation
                && condition(status, "Ready") == Some("True")
                && condition(status, "UpToDate") == Some("True")
        })
        .await
    }

    pub(crate) async fn until_gone(&self, name: &str) {
        for _ in 0..7200 {
            if self.workspace(name).await.is_none() {
                return;
            }
            self.pass(Duration::from_millis(500)).await;
        }
        panic!("never gone: {:#?}", self.workspace(name).await);
    }

    /// Lets virtual time pass.
    pub(crate) async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Writes since the last call, of everybody.
    pub(crate) fn writes(&self) -> u64 {
        let writes = self.api.counters().writes();
        self.api.reset_counters();
        writes
    }
}

pub(crate) fn condition<'a>(status: &'a TerraformWorkspaceStatus, kind: &str) -> Option<&'a str> {
    status
        .lifecycle
        .condition(kind)
        .map(|condition| condition.status.as_str())
}

/// A workspace over [`MODULE`] with a connection secret `<name>-conn`.
pub(crate) fn workspace(name: &str, for_provider: Value) -> Value {
    let mut provider = json!({"source": "Inline", "module": MODULE});
    for (field, value) in for_provider.as_object().unwrap() {
        provider[field] = value.clone();
    }
    json!({
        "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1",
        "kind": "TerraformWorkspace",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "forProvider": provider,
            "writeConnectionSecretToRef": {"name": format!("{name}-conn"), "namespace": NAMESPACE},
        },
    })
}

pub(crate) fn text(secret: &Secret, key: &str) -> String {
    let value = secret.data.as_ref().and_then(|data| data.get(key));
    String::from_utf8(
        value
            .unwrap_or_else(|| panic!("key {key} in {:?}", secret.metadata.name))
            .0
            .clone(),
    )
    .unwrap()
}
