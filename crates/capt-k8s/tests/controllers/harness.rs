//! A world with one operator and the player in it, in virtual time.

use std::fmt::Debug;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Duration;

use capt_api::{all_crds, cluster_crd};
use capt_k8s::{Operator, Options};
use capt_runtime::Clock;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::NamespaceResourceScope;
use kube::{Api, Client, Resource};
use kube_sim::{ApiServer, World};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::player::{Script, Shared, play};

pub(crate) struct Harness {
    pub(crate) api: ApiServer,
    pub(crate) client: Client,
    pub(crate) script: Shared,
}

/// A world with the definitions in it. Their schemas are compiled once for all tests.
async fn world(epoch: Timestamp) -> World {
    static WORLD: OnceLock<World> = OnceLock::new();
    if let Some(world) = WORLD.get() {
        return world.clone();
    }
    let api = ApiServer::new(kube_sim::Clock::virtual_since(epoch));
    let definitions = Api::all(api.client("default"));
    for definition in all_crds().into_iter().chain([cluster_crd()]) {
        definitions
            .create(&PostParams::default(), &definition)
            .await
            .unwrap();
    }
    WORLD.get_or_init(|| api.world()).clone()
}

/// Outputs of a VPC and of a control plane.
pub(crate) fn outputs() -> Script {
    const CA: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCmFiYwo=";
    let pairs = |pairs: &[(&'static str, &str)]| {
        pairs
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect()
    };
    Script {
        outputs: [
            (
                "-vpc",
                pairs(&[("vpc_id", "vpc-1"), ("_vpc_config", "vpc_id = \"vpc-1\"")]),
            ),
            (
                "-eks-controlplane",
                pairs(&[
                    ("cluster_endpoint", "https://ABC.eks.example"),
                    ("_cluster_certificate_authority_data", CA),
                    ("_kubeconfig", "hunter2: kubeconfig"),
                ]),
            ),
            ("-kubeconfig", pairs(&[("_kubeconfig", "hunter2: from template")])),
        ]
        .into(),
        ..Script::default()
    }
}

impl Harness {
    pub(crate) async fn start(script: Script) -> Self {
        Self::start_with(script, Options::default()).await
    }

    pub(crate) async fn start_with(script: Script, options: Options) -> Self {
        let epoch: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let api = ApiServer::from_world(world(epoch).await, kube_sim::Clock::virtual_since(epoch));
        let client = api.client("default");
        let script = Arc::new(std::sync::Mutex::new(script));
        let operator = Operator::builder(api.client("default"), Clock::virtual_since(epoch))
            .options(options)
            .build();
        tokio::spawn(operator.run(std::future::pending()));
        tokio::spawn(play(client.clone(), Arc::clone(&script)));
        Self { api, client, script }
    }

    /// Applies YAML documents.
    pub(crate) async fn apply(&self, yaml: &str) {
        for document in yaml.split("\n---\n") {
            let value: Value = serde_saphyr::from_str(document).unwrap();
            let object: DynamicObject = serde_json::from_value(value.clone()).unwrap();
            let types = object.types.clone().unwrap();
            let resource = kube::core::ApiResource::from_gvk(&(&types).try_into().unwrap());
            let namespace = object.metadata.namespace.clone().unwrap();
            let name = object.metadata.name.clone().unwrap();
            Api::<DynamicObject>::namespaced_with(self.client.clone(), &namespace, &resource)
                .patch(
                    &name,
                    &PatchParams::apply("kubectl").force(),
                    &Patch::Apply(&value),
                )
                .await
                .unwrap();
        }
    }

    pub(crate) fn of<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), "default")
    }

    /// The object as JSON; null if there is none.
    pub(crate) async fn see<K>(&self, name: &str) -> Value
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + DeserializeOwned
            + serde::Serialize
            + Clone
            + Debug,
    {
        let object = self.of::<K>().get_opt(name).await.unwrap();
        object.map_or(Value::Null, |object| json!(object))
    }

    pub(crate) async fn merge<K>(&self, name: &str, patch: Value)
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
    {
        self.of::<K>()
            .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .unwrap();
    }

    pub(crate) async fn delete<K>(&self, name: &str)
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + DeserializeOwned + Clone + Debug,
    {
        self.of::<K>()
            .delete(name, &DeleteParams::default())
            .await
            .unwrap();
    }

    /// Lets virtual time pass until the object is as wanted, at most half an hour.
    pub(crate) async fn until<K>(&self, name: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + DeserializeOwned
            + serde::Serialize
            + Clone
            + Debug,
    {
        for _ in 0..3600 {
            let object = self.see::<K>(name).await;
            if wanted(&object) {
                return object;
            }
            self.pass(Duration::from_millis(500)).await;
        }
        panic!("{name} is never {what}: {:#}", self.see::<K>(name).await);
    }

    /// Until the state is this one for the present generation.
    pub(crate) async fn until_state<K>(&self, name: &str, state: &str) -> Value
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + DeserializeOwned
            + serde::Serialize
            + Clone
            + Debug,
    {
        self.until::<K>(name, state, |object| {
            object["status"]["state"] == state
                && object["status"]["observedGeneration"] == object["metadata"]["generation"]
        })
        .await
    }

    pub(crate) async fn secret(&self, name: &str, key: &str) -> Option<String> {
        let secret = self.of::<Secret>().get_opt(name).await.unwrap()?;
        let value = secret.data?.get(key)?.0.clone();
        Some(String::from_utf8(value).unwrap())
    }

    pub(crate) async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    pub(crate) fn log(&self) -> Vec<String> {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut script.log)
    }

    pub(crate) fn tell(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The status of a condition of an object.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    object["status"]["conditions"]
        .as_array()
        .and_then(|conditions| conditions.iter().find(|condition| condition["type"] == kind))
        .unwrap_or(&Value::Null)
}

/// The templates of a cluster, as the Go implementation has them.
pub(crate) const TEMPLATES: &str = r#"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplate
metadata: {name: vpc-template, namespace: default}
spec:
  template:
    metadata: {description: "VPC for EKS", version: "1.0.0", tags: {provider: aws}}
    spec:
      providerConfigRef: {name: aws-provider-config}
      writeConnectionSecretToRef: {name: "${WORKSPACE_NAME}-vpc-connection", namespace: default}
      forProvider:
        source: Inline
        vars:
        - {key: name, value: "${vpc_name}"}
        - {key: cluster_name, value: "${cluster_name}"}
        module: |
          variable "name" { type = string }
---
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplate
metadata: {name: eks-controlplane-template, namespace: default}
spec:
  template:
    spec:
      forProvider:
        source: Inline
        vars:
        - {key: version, value: "${kubernetes_version}"}
        - {key: region, value: "${region}"}
        varFiles:
        - {source: SecretKey, secretKeyRef: {namespace: default, name: "${cluster_name}-vpc-vpc-connection", key: vpc_config}}
        module: |
          variable "version" { type = string }
"#;

/// A cluster, as the Go implementation has it.
pub(crate) const CLUSTER: &str = r#"
apiVersion: cluster.x-k8s.io/v1beta2
kind: Cluster
metadata: {name: demo, namespace: default, finalizers: [cluster.cluster.x-k8s.io]}
spec:
  infrastructureRef: {apiGroup: infrastructure.cluster.x-k8s.io, kind: CAPTCluster, name: demo}
  controlPlaneRef: {apiGroup: controlplane.cluster.x-k8s.io, kind: CAPTControlPlane, name: demo}
---
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: CAPTCluster
metadata: {name: demo, namespace: default}
spec:
  region: ap-northeast-1
  vpcTemplateRef: {name: vpc-template, namespace: default}
---
apiVersion: controlplane.cluster.x-k8s.io/v1beta1
kind: CAPTControlPlane
metadata: {name: demo, namespace: default}
spec:
  version: "1.31"
  workspaceTemplateRef: {name: eks-controlplane-template, namespace: default}
  controlPlaneConfig:
    region: ap-northeast-1
    endpointAccess: {public: true, private: true}
  additionalTags: {Environment: dev, ManagedBy: capt}
"#;
