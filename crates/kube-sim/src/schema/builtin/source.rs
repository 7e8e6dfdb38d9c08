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

/// Every kind that has a schema: (apiVersion, kind, component).
pub(super) const KINDS: &[(&str, &str, &str)] = &[
    ("v1", "ConfigMap", "io.k8s.api.core.v1.ConfigMap"),
    ("v1", "Endpoints", "io.k8s.api.core.v1.Endpoints"),
    ("v1", "Event", "io.k8s.api.core.v1.Event"),
    ("v1", "LimitRange", "io.k8s.api.core.v1.LimitRange"),
    ("v1", "Namespace", "io.k8s.api.core.v1.Namespace"),
    ("v1", "Node", "io.k8s.api.core.v1.Node"),
    ("v1", "PersistentVolume", "io.k8s.api.core.v1.PersistentVolume"),
    (
        "v1",
        "PersistentVolumeClaim",
        "io.k8s.api.core.v1.PersistentVolumeClaim",
    ),
    ("v1", "Pod", "io.k8s.api.core.v1.Pod"),
    (
        "v1",
        "ReplicationController",
        "io.k8s.api.core.v1.ReplicationController",
    ),
    ("v1", "ResourceQuota", "io.k8s.api.core.v1.ResourceQuota"),
    ("v1", "Secret", "io.k8s.api.core.v1.Secret"),
    ("v1", "Service", "io.k8s.api.core.v1.Service"),
    ("v1", "ServiceAccount", "io.k8s.api.core.v1.ServiceAccount"),
    (
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
    ),
    ("apps/v1", "DaemonSet", "io.k8s.api.apps.v1.DaemonSet"),
    ("apps/v1", "Deployment", "io.k8s.api.apps.v1.Deployment"),
    ("apps/v1", "ReplicaSet", "io.k8s.api.apps.v1.ReplicaSet"),
    ("apps/v1", "StatefulSet", "io.k8s.api.apps.v1.StatefulSet"),
    (
        "authentication.k8s.io/v1",
        "SelfSubjectReview",
        "io.k8s.api.authentication.v1.SelfSubjectReview",
    ),
    (
        "authentication.k8s.io/v1",
        "TokenRequest",
        "io.k8s.api.authentication.v1.TokenRequest",
    ),
    (
        "authentication.k8s.io/v1",
        "TokenReview",
        "io.k8s.api.authentication.v1.TokenReview",
    ),
    (
        "authorization.k8s.io/v1",
        "LocalSubjectAccessReview",
        "io.k8s.api.authorization.v1.LocalSubjectAccessReview",
    ),
    (
        "authorization.k8s.io/v1",
        "SelfSubjectAccessReview",
        "io.k8s.api.authorization.v1.SelfSubjectAccessReview",
    ),
    (
        "authorization.k8s.io/v1",
        "SelfSubjectRulesReview",
        "io.k8s.api.authorization.v1.SelfSubjectRulesReview",
    ),
    (
        "authorization.k8s.io/v1",
        "SubjectAccessReview",
        "io.k8s.api.authorization.v1.SubjectAccessReview",
    ),
    ("autoscaling/v1", "Scale", "io.k8s.api.autoscaling.v1.Scale"),
    (
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
    ),
    ("batch/v1", "CronJob", "io.k8s.api.batch.v1.CronJob"),
    ("batch/v1", "Job", "io.k8s.api.batch.v1.Job"),
    (
        "coordination.k8s.io/v1",
        "Lease",
        "io.k8s.api.coordination.v1.Lease",
    ),
    (
        "discovery.k8s.io/v1",
        "EndpointSlice",
        "io.k8s.api.discovery.v1.EndpointSlice",
    ),
    ("events.k8s.io/v1", "Event", "io.k8s.api.events.v1.Event"),
    (
        "networking.k8s.io/v1",
        "Ingress",
        "io.k8s.api.networking.v1.Ingress",
    ),
    (
        "networking.k8s.io/v1",
        "IngressClass",
        "io.k8s.api.networking.v1.IngressClass",
    ),
    (
        "networking.k8s.io/v1",
        "NetworkPolicy",
        "io.k8s.api.networking.v1.NetworkPolicy",
    ),
    (
        "policy/v1",
        "PodDisruptionBudget",
        "io.k8s.api.policy.v1.PodDisruptionBudget",
    ),
    (
        "rbac.authorization.k8s.io/v1",
        "ClusterRole",
        "io.k8s.api.rbac.v1.ClusterRole",
    ),
    (
        "rbac.authorization.k8s.io/v1",
        "ClusterRoleBinding",
        "io.k8s.api.rbac.v1.ClusterRoleBinding",
    ),
    ("rbac.authorization.k8s.io/v1", "Role", "io.k8s.api.rbac.v1.Role"),
    (
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "io.k8s.api.rbac.v1.RoleBinding",
    ),
    (
        "scheduling.k8s.io/v1",
        "PriorityClass",
        "io.k8s.api.scheduling.v1.PriorityClass",
    ),
    (
        "storage.k8s.io/v1",
        "StorageClass",
        "io.k8s.api.storage.v1.StorageClass",
    ),
];

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
