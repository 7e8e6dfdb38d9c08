//! Manifests, and the names by which a script refers to objects.

use std::fmt;

use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube_sim::GroupResource;
use serde_json::Value;

/// What a script may name, with the group and version by which it is asked for.
const KINDS: [(&str, &str, &str); 13] = [
    ("Cluster", "cluster.x-k8s.io", "v1beta2"),
    ("CAPTCluster", "infrastructure.cluster.x-k8s.io", "v1beta1"),
    ("CAPTControlPlane", "controlplane.cluster.x-k8s.io", "v1beta1"),
    ("WorkspaceTemplate", "infrastructure.cluster.x-k8s.io", "v1beta1"),
    (
        "WorkspaceTemplateApply",
        "infrastructure.cluster.x-k8s.io",
        "v1beta1",
    ),
    ("TerraformWorkspace", "infrastructure.cluster.x-k8s.io", "v1beta1"),
    (
        "CAPTClusterTemplate",
        "infrastructure.cluster.x-k8s.io",
        "v1beta1",
    ),
    (
        "CAPTControlPlaneTemplate",
        "controlplane.cluster.x-k8s.io",
        "v1beta1",
    ),
    ("Secret", "", "v1"),
    ("ConfigMap", "", "v1"),
    ("Namespace", "", "v1"),
    ("Event", "", "v1"),
    ("Lease", "coordination.k8s.io", "v1"),
];

/// An object as a script names it: `Kind/name`, or `namespace/Kind/name` outside of `default`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The namespace.
    pub namespace: String,
    /// The kind.
    pub kind: String,
    /// The name.
    pub name: String,
}

impl Target {
    /// The object of this name.
    pub fn new(namespace: &str, kind: &str, name: &str) -> Self {
        Self {
            namespace: namespace.to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Where the server keeps it.
    pub fn resource(&self) -> GroupResource {
        let resource = api_resource(&self.kind);
        GroupResource::new(&resource.group, &resource.plural)
    }
}

impl From<&str> for Target {
    fn from(text: &str) -> Self {
        match text.split('/').collect::<Vec<_>>()[..] {
            [kind, name] => Self::new("default", kind, name),
            [namespace, kind, name] => Self::new(namespace, kind, name),
            _ => panic!("{text:?} is neither Kind/name nor namespace/Kind/name"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace != "default" && !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// How a kind is asked for.
pub(crate) fn api_resource(kind: &str) -> ApiResource {
    let found = KINDS.iter().find(|(known, ..)| *known == kind);
    let (kind, group, version) = found.unwrap_or_else(|| panic!("{kind} is no kind that scenarios know"));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

/// The objects of a YAML file with one or more documents.
pub(crate) fn read(yaml: &str) -> Vec<DynamicObject> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap();
    let objects = documents.into_iter().filter(|document| !document.is_null());
    objects
        .map(|object| serde_json::from_value(object).unwrap())
        .collect()
}
