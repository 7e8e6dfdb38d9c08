//! The components of the built-in kinds, as `k8s-openapi` describes them.

use std::collections::BTreeMap;

use k8s_openapi::api::{
    apps::v1 as apps, authentication::v1 as authentication, authorization::v1 as authorization, autoscaling,
    batch::v1 as batch, coordination::v1 as coordination, core::v1 as core, discovery::v1 as discovery,
    events::v1 as events, networking::v1 as networking, policy::v1 as policy, rbac::v1 as rbac,
    scheduling::v1 as scheduling, storage::v1 as storage,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as apiextensions;
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

/// Every kind that has a schema: the API version, the package of its components, the kinds.
const KINDS: &[(&str, &str, &[&str])] = &[
    (
        "v1",
        "io.k8s.api.core.v1",
        &[
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "Namespace",
            "Node",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    (
        "apiextensions.k8s.io/v1",
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
        &["CustomResourceDefinition"],
    ),
    (
        "apps/v1",
        "io.k8s.api.apps.v1",
        &["DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"],
    ),
    (
        "authentication.k8s.io/v1",
        "io.k8s.api.authentication.v1",
        &["SelfSubjectReview", "TokenRequest", "TokenReview"],
    ),
    (
        "authorization.k8s.io/v1",
        "io.k8s.api.authorization.v1",
        &[
            "LocalSubjectAccessReview",
            "SelfSubjectAccessReview",
            "SelfSubjectRulesReview",
            "SubjectAccessReview",
        ],
    ),
    ("autoscaling/v1", "io.k8s.api.autoscaling.v1", &["Scale"]),
    (
        "autoscaling/v2",
        "io.k8s.api.autoscaling.v2",
        &["HorizontalPodAutoscaler"],
    ),
    ("batch/v1", "io.k8s.api.batch.v1", &["CronJob", "Job"]),
    ("coordination.k8s.io/v1", "io.k8s.api.coordination.v1", &["Lease"]),
    (
        "discovery.k8s.io/v1",
        "io.k8s.api.discovery.v1",
        &["EndpointSlice"],
    ),
    ("events.k8s.io/v1", "io.k8s.api.events.v1", &["Event"]),
    (
        "networking.k8s.io/v1",
        "io.k8s.api.networking.v1",
        &["Ingress", "IngressClass", "NetworkPolicy"],
    ),
    ("policy/v1", "io.k8s.api.policy.v1", &["PodDisruptionBudget"]),
    (
        "rbac.authorization.k8s.io/v1",
        "io.k8s.api.rbac.v1",
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    ),
    (
        "scheduling.k8s.io/v1",
        "io.k8s.api.scheduling.v1",
        &["PriorityClass"],
    ),
    ("storage.k8s.io/v1", "io.k8s.api.storage.v1", &["StorageClass"]),
];

/// Every kind that has a schema: its API version, its name and its component.
pub(super) fn kinds() -> impl Iterator<Item = (&'static str, &'static str, String)> {
    KINDS.iter().flat_map(|(api_version, package, kinds)| {
        kinds
            .iter()
            .map(move |kind| (*api_version, *kind, format!("{package}.{kind}")))
    })
}

/// Describes a type, and with it everything that it holds.
type Describe = fn(&mut SchemaGenerator);

fn describe<T: JsonSchema>(generator: &mut SchemaGenerator) {
    generator.subschema_for::<T>();
}

const TYPES: &[Describe] = &[
    describe::<core::ConfigMap>,
    describe::<core::Endpoints>,
    describe::<core::Event>,
    describe::<core::LimitRange>,
    describe::<core::Namespace>,
    describe::<core::Node>,
    describe::<core::PersistentVolume>,
    describe::<core::PersistentVolumeClaim>,
    describe::<core::Pod>,
    describe::<core::ReplicationController>,
    describe::<core::ResourceQuota>,
    describe::<core::Secret>,
    describe::<core::Service>,
    describe::<core::ServiceAccount>,
    describe::<apiextensions::CustomResourceDefinition>,
    describe::<apps::DaemonSet>,
    describe::<apps::Deployment>,
    describe::<apps::ReplicaSet>,
    describe::<apps::StatefulSet>,
    describe::<authentication::SelfSubjectReview>,
    describe::<authentication::TokenRequest>,
    describe::<authentication::TokenReview>,
    describe::<authorization::LocalSubjectAccessReview>,
    describe::<authorization::SelfSubjectAccessReview>,
    describe::<authorization::SelfSubjectRulesReview>,
    describe::<authorization::SubjectAccessReview>,
    describe::<autoscaling::v1::Scale>,
    describe::<autoscaling::v2::HorizontalPodAutoscaler>,
    describe::<batch::CronJob>,
    describe::<batch::Job>,
    describe::<coordination::Lease>,
    describe::<discovery::EndpointSlice>,
    describe::<events::Event>,
    describe::<networking::Ingress>,
    describe::<networking::IngressClass>,
    describe::<networking::NetworkPolicy>,
    describe::<policy::PodDisruptionBudget>,
    describe::<rbac::ClusterRole>,
    describe::<rbac::ClusterRoleBinding>,
    describe::<rbac::Role>,
    describe::<rbac::RoleBinding>,
    describe::<scheduling::PriorityClass>,
    describe::<storage::StorageClass>,
    describe::<meta::DeleteOptions>,
    describe::<meta::ListMeta>,
    describe::<meta::Patch>,
    describe::<meta::Status>,
];

/// Every component by its name, references as `$ref`.
pub(super) fn components() -> BTreeMap<String, Value> {
    let mut generator = SchemaSettings::openapi3().into_generator();
    for describe in TYPES {
        describe(&mut generator);
    }
    generator.take_definitions(false).into_iter().collect()
}

/// What an integer-or-string may be; a quantity may be any number.
pub(super) fn alternatives(members: &Map<String, Value>) -> Value {
    let is_quantity = members
        .get("description")
        .and_then(Value::as_str)
        .is_some_and(|description| description.starts_with("Quantity"));
    if is_quantity {
        json!([{"type": "string"}, {"type": "number"}])
    } else {
        json!([{"type": "integer"}, {"type": "string"}])
    }
}

/// Components that hold any JSON, or so much of it that they are kept as they come.
pub(super) fn is_open(component: &str) -> bool {
    matches!(
        component.rsplit('.').next(),
        Some("JSONSchemaProps" | "FieldsV1" | "RawExtension")
    )
}
