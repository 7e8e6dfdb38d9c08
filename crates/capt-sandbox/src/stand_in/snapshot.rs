//! What the stand-in sees of a Cluster and the objects that it refers to.

use std::sync::Arc;

use capt_api::capt_cluster::FailureDomain;
use capt_api::cluster::ContractVersionedObjectReference;
use capt_api::control_plane::StatusVersion;
use capt_api::reference::ApiEndpoint;
use capt_api::{CAPTCluster, CAPTControlPlane, Cluster, keys};
use capt_runtime::{Kind, ObjectKey, View};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, OwnerReference};
use kube::{Resource, ResourceExt};

/// What an object is to a Cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// `spec.infrastructureRef`.
    Infrastructure,
    /// `spec.controlPlaneRef`.
    ControlPlane,
}

/// Everything that is known of one Cluster at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The Cluster.
    pub cluster: Arc<Cluster>,
    /// Its infrastructure, if it refers to one.
    pub infrastructure: Option<Part>,
    /// Its control plane, if it refers to one.
    pub control_plane: Option<Part>,
}

/// An object that a Cluster refers to.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether the stand-in knows the kind.
    pub known: bool,
    /// The object, if there is one.
    pub found: Option<Found>,
}

/// What the contract says about an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Where it is.
    pub key: ObjectKey,
    /// Its uid.
    pub uid: String,
    /// The version that was read.
    pub resource_version: Option<String>,
    /// Its owners.
    pub owners: Vec<OwnerReference>,
    /// The name of another Cluster that owns it.
    pub other_owner: Option<String>,
    /// Whether it has the label and the owner reference of the Cluster.
    pub adopted: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether it says that it was complete once.
    pub reached: bool,
    /// The condition that the Cluster mirrors.
    pub condition: Option<Condition>,
    /// Its condition `RollingOut`.
    pub rolling_out: Option<Condition>,
    /// Where the API server answers, if it knows.
    pub endpoint: Option<(String, u16)>,
    /// The places that fail as a whole.
    pub failure_domains: Vec<FailureDomain>,
    /// The versions that run, oldest first.
    pub versions: Vec<StatusVersion>,
}

impl Snapshot {
    /// The part of this role.
    pub fn part(&self, role: Role) -> Option<&Part> {
        match role {
            Role::Infrastructure => self.infrastructure.as_ref(),
            Role::ControlPlane => self.control_plane.as_ref(),
        }
    }

    /// The object of this role that is not another Cluster's, and which of the known kinds it is.
    ///
    /// The kind is what counts for a write: somebody may refer to a `CAPTControlPlane` as infrastructure.
    pub(super) fn found(&self, role: Role) -> Option<(Role, &Found)> {
        let part = self.part(role)?;
        Some((kind_of(&part.kind)?, part.own()?))
    }
}

impl Part {
    /// Reads the object that `cluster` refers to.
    pub(super) fn observe(
        role: Role,
        reference: &ContractVersionedObjectReference,
        cluster: &Cluster,
        view: &View,
    ) -> Self {
        let namespace = cluster.namespace().unwrap_or_default();
        let kind = kind_of(&reference.kind).filter(|kind| kind.group() == reference.api_group);
        let found = match kind {
            Some(Role::Infrastructure) => view
                .get::<CAPTCluster>(&namespace, &reference.name)
                .map(|it| infrastructure(&it, cluster, view)),
            Some(Role::ControlPlane) => view
                .get::<CAPTControlPlane>(&namespace, &reference.name)
                .map(|it| control_plane(&it, cluster, view)),
            None => None,
        };
        Self {
            kind: reference.kind.clone(),
            name: reference.name.clone(),
            // An object in the wrong place has none of the fields that the place asks for.
            known: kind == Some(role),
            found,
        }
    }

    /// The object, if it is not another Cluster's: what is, is nothing to this one.
    pub fn own(&self) -> Option<&Found> {
        self.found.as_ref().filter(|found| found.other_owner.is_none())
    }

    /// The other Cluster that owns the object.
    pub(super) fn other_owner(&self) -> Option<&str> {
        self.found.as_ref()?.other_owner.as_deref()
    }

    /// Kind and name, for people.
    pub fn title(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }
}

impl Role {
    fn group(self) -> String {
        match self {
            Self::Infrastructure => CAPTCluster::group(&()).into_owned(),
            Self::ControlPlane => CAPTControlPlane::group(&()).into_owned(),
        }
    }
}

impl Found {
    /// The owners with `cluster` among them, in the place that it had if it had one.
    ///
    /// Since v1.13 a Cluster is the controller of its objects only if it has a topology.
    pub(super) fn owners_with(&self, cluster: &Cluster) -> Vec<OwnerReference> {
        let uid = cluster.uid().unwrap_or_default();
        let reference = OwnerReference {
            api_version: Cluster::api_version(&()).into_owned(),
            kind: Cluster::kind(&()).into_owned(),
            name: cluster.name_any(),
            uid,
            controller: Some(cluster.spec.topology.is_some()),
            block_owner_deletion: cluster.spec.topology.is_some().then_some(true),
        };
        let mut owners = self.owners.clone();
        let place = owners.iter().position(|owner| is_cluster(owner, cluster));
        owners.retain(|owner| !is_cluster(owner, cluster));
        owners.insert(place.unwrap_or(owners.len()), reference);
        owners
    }
}

fn kind_of(kind: &str) -> Option<Role> {
    if kind == CAPTCluster::kind(&()) {
        Some(Role::Infrastructure)
    } else if kind == CAPTControlPlane::kind(&()) {
        Some(Role::ControlPlane)
    } else {
        None
    }
}

/// Whether an owner reference means a Cluster of this name, in whatever version and of whatever uid.
fn is_cluster(owner: &OwnerReference, cluster: &Cluster) -> bool {
    is_a_cluster(owner) && owner.name == cluster.name_any()
}

fn is_a_cluster(owner: &OwnerReference) -> bool {
    let group = owner.api_version.rsplit_once('/').map_or("", |(group, _)| group);
    group == keys::CLUSTER_GROUP && owner.kind == "Cluster"
}

/// Another Cluster that owns an object and exists. Of several owners the oldest has it, in whatever order they stand.
fn other_owner(owners: &[OwnerReference], cluster: &Cluster, view: &View) -> Option<String> {
    let namespace = cluster.namespace().unwrap_or_default();
    let age = |it: &Cluster| (it.creation_timestamp().map(|time| time.0), it.name_any());
    let claims = owners
        .iter()
        .filter(|owner| is_a_cluster(owner))
        .filter_map(|owner| {
            if is_cluster(owner, cluster) {
                return Some(age(cluster));
            }
            view.get::<Cluster>(&namespace, &owner.name).map(|it| age(&it))
        });
    let (_, first) = claims.min()?;
    (first != cluster.name_any()).then_some(first)
}

fn infrastructure(object: &CAPTCluster, cluster: &Cluster, view: &View) -> Found {
    let status = object.status.clone().unwrap_or_default();
    let initialization = status.initialization.unwrap_or_default();
    Found {
        reached: initialization.provisioned.unwrap_or(false),
        condition: status.lifecycle.condition("Ready").cloned(),
        endpoint: authority(object.spec.control_plane_endpoint.as_ref()),
        failure_domains: status.failure_domains,
        ..found(object, cluster, view)
    }
}

fn control_plane(object: &CAPTControlPlane, cluster: &Cluster, view: &View) -> Found {
    let status = object.status.clone().unwrap_or_default();
    let initialization = status.initialization.unwrap_or_default();
    let mut versions = status.versions;
    if versions.is_empty() {
        let single = status.version.filter(|version| !version.is_empty());
        versions.extend(single.map(|version| StatusVersion {
            version,
            replicas: None,
        }));
    }
    Found {
        reached: initialization.control_plane_initialized.unwrap_or(false),
        condition: status.lifecycle.condition("Available").cloned(),
        rolling_out: status.lifecycle.condition("RollingOut").cloned(),
        endpoint: authority(object.spec.control_plane_endpoint.as_ref()),
        versions,
        ..found(object, cluster, view)
    }
}

/// What every object has.
fn found<K: Kind>(object: &K, cluster: &Cluster, view: &View) -> Found {
    let owners = object.owner_references().to_vec();
    let uid = cluster.uid().unwrap_or_default();
    let current = Cluster::api_version(&());
    let is_owned = owners
        .iter()
        .any(|owner| is_cluster(owner, cluster) && owner.uid == uid && owner.api_version == current);
    let is_labelled = object.labels().get(keys::CLUSTER_NAME) == Some(&cluster.name_any());
    Found {
        key: ObjectKey::of(object),
        uid: object.uid().unwrap_or_default(),
        resource_version: object.resource_version(),
        other_owner: other_owner(&owners, cluster, view),
        owners,
        adopted: is_owned && is_labelled,
        deleting: object.meta().deletion_timestamp.is_some(),
        reached: false,
        condition: None,
        rolling_out: None,
        endpoint: None,
        failure_domains: Vec::new(),
        versions: Vec::new(),
    }
}

fn authority(endpoint: Option<&ApiEndpoint>) -> Option<(String, u16)> {
    let (host, port) = endpoint?.authority()?;
    Some((host.to_owned(), port))
}
