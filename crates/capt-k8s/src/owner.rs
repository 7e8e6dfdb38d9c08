//! The Cluster that an object belongs to.
//!
//! In Cluster API an object belongs to one Cluster. Where two own it, each would have it made for itself, and the
//! deletion of one would destroy what the other stands on: nothing is done before one of them lets it go.

use std::collections::BTreeSet;
use std::sync::Arc;

use capt_api::{Cluster, keys};
use capt_core::fault::{Fault, FaultClass};
use capt_core::wait::Wait;
use capt_runtime::View;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;

use crate::manifest::cluster_label;

/// The Clusters that an object belongs to, the oldest first: none as long as nobody refers to it, and more than one by
/// mistake.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owners(Vec<Arc<Cluster>>);

/// The Cluster of a top object: the one that owns it, else the one of its name that means it.
///
/// Owners are found by kind and group, in any version; one that does not exist is none. `means` says whether a Cluster
/// of the object's own name that does not own it (yet) refers to it, or to nothing.
pub(crate) fn owners(view: &View, metadata: &ObjectMeta, means: impl Fn(&Cluster) -> bool) -> Owners {
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    let get = |name: &str| view.get::<Cluster>(namespace, name);
    let names = names(metadata);
    if names.is_empty() {
        let cluster = get(metadata.name.as_deref().unwrap_or_default());
        return Owners(cluster.into_iter().filter(|cluster| means(cluster)).collect());
    }
    Owners::of(names.into_iter().filter_map(get).collect())
}

/// The names of the Clusters among the owners of an object.
pub(crate) fn names(metadata: &ObjectMeta) -> BTreeSet<&str> {
    let owners = metadata.owner_references.iter().flatten();
    owners
        .filter(|owner| {
            let group = owner.api_version.split_once('/').map(|(group, _)| group);
            owner.kind == "Cluster" && group == Some(keys::CLUSTER_GROUP)
        })
        .map(|owner| owner.name.as_str())
        .collect()
}

impl Owners {
    fn of(mut clusters: Vec<Arc<Cluster>>) -> Self {
        clusters.sort_by_key(|cluster| {
            let created = cluster.creation_timestamp().map(|time| time.0);
            (created, cluster.name_any())
        });
        Self(clusters)
    }

    /// The Cluster; of several the oldest, whose the object was before it was claimed by another one.
    pub(crate) fn first(&self) -> Option<Arc<Cluster>> {
        self.0.first().cloned()
    }

    /// Why everything that belongs to the Cluster is left alone, if it is.
    pub(crate) fn paused(&self) -> Option<String> {
        self.0.iter().find_map(|cluster| paused(Some(cluster)))
    }

    /// What is wrong where there are several.
    pub(crate) fn conflict(&self) -> Option<Fault> {
        if self.0.len() < 2 {
            return None;
        }
        let names: Vec<String> = self.0.iter().map(|cluster| title(cluster)).collect();
        let message = format!(
            "{} own it, and an object belongs to one Cluster; let the others name objects of their own in \
             infrastructureRef and controlPlaneRef, and take them out of metadata.ownerReferences here",
            names.join(" and ")
        );
        Some(Fault::new(FaultClass::Conflict, "SeveralOwners", message).on("metadata.ownerReferences"))
    }

    /// Why nothing that was made for the object is destroyed, although it is being deleted: another Cluster stands on
    /// it.
    pub(crate) fn hold(&self) -> Option<Wait> {
        self.conflict()?;
        let stands = |cluster: &&Arc<Cluster>| cluster.metadata.deletion_timestamp.is_none();
        let name = title(self.0.iter().find(stands)?);
        let message = format!(
            "{name} owns it as well and is not being deleted; nothing is destroyed before {name} is deleted too, or is \
             taken out of metadata.ownerReferences"
        );
        Some(Wait::new(name, "OwnedByAnotherCluster", message))
    }
}

fn title(cluster: &Cluster) -> String {
    format!("Cluster/{}", cluster.name_any())
}

/// The Cluster that the label of an object names.
pub(crate) fn labelled_cluster(view: &View, metadata: &ObjectMeta) -> Option<Arc<Cluster>> {
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    view.get::<Cluster>(namespace, cluster_label(metadata)?)
}

/// Why everything that belongs to the Cluster is left alone, if it is.
pub(crate) fn paused(cluster: Option<&Cluster>) -> Option<String> {
    let cluster = cluster?;
    (cluster.spec.paused == Some(true)).then(|| format!("Cluster/{} is paused", cluster.name_any()))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{OwnerReference, Time};

    use super::*;

    fn metadata(owners: &[(&str, &str, &str)]) -> ObjectMeta {
        let owner = |(api_version, kind, name): &(&str, &str, &str)| OwnerReference {
            api_version: (*api_version).to_owned(),
            kind: (*kind).to_owned(),
            name: (*name).to_owned(),
            ..OwnerReference::default()
        };
        ObjectMeta {
            owner_references: Some(owners.iter().map(owner).collect()),
            ..ObjectMeta::default()
        }
    }

    #[test]
    fn an_owner_is_a_cluster_of_any_version() {
        for (owners, expected) in [
            (
                &[("cluster.x-k8s.io/v1beta1", "Cluster", "demo")][..],
                &["demo"][..],
            ),
            (&[("cluster.x-k8s.io/v1beta2", "Cluster", "demo")], &["demo"]),
            (&[("cluster.x-k8s.io/v1beta2", "Machine", "demo")], &[]),
            (&[("other.io/v1", "Cluster", "demo")], &[]),
            (
                &[
                    ("cluster.x-k8s.io/v1beta2", "Cluster", "two"),
                    ("other.io/v1", "Cluster", "three"),
                    ("cluster.x-k8s.io/v1beta1", "Cluster", "one"),
                    ("cluster.x-k8s.io/v1beta1", "Cluster", "two"),
                ],
                &["one", "two"],
            ),
        ] {
            let metadata = metadata(owners);
            assert_eq!(names(&metadata).into_iter().collect::<Vec<_>>(), expected);
        }
    }

    fn cluster(name: &str, created: i64, deleted: bool) -> Arc<Cluster> {
        let mut cluster = Cluster::new(name, capt_api::cluster::ClusterSpec::default());
        let time = |second| Some(Time(jiff::Timestamp::from_second(second).unwrap()));
        cluster.metadata.creation_timestamp = time(created);
        cluster.metadata.deletion_timestamp = deleted.then(|| time(created + 1)).flatten();
        Arc::new(cluster)
    }

    #[test]
    fn of_several_owners_the_oldest_is_the_one_and_it_is_told_in_whatever_order_they_stand() {
        let (old, young) = (cluster("z", 1, false), cluster("a", 2, false));
        let owners = Owners::of(vec![young.clone(), old.clone()]);
        assert_eq!(owners.first().unwrap().name_any(), "z");
        let fault = owners.conflict().unwrap();
        assert_eq!(fault.class, FaultClass::Conflict);
        assert!(
            fault.message.starts_with("Cluster/z and Cluster/a own it"),
            "{fault}"
        );
        assert_eq!(Owners::of(vec![old.clone(), young]).conflict(), Some(fault));
        let one = Owners::of(vec![old]);
        assert_eq!((one.conflict(), one.hold()), (None, None));
    }

    #[test]
    fn what_a_cluster_stands_on_is_not_destroyed_with_another_one() {
        let held = |owners| Owners::of(owners).hold().map(|wait| wait.on);
        let one = |deleted| cluster("one", 1, deleted);
        let two = |deleted| cluster("two", 2, deleted);
        assert_eq!(held(vec![one(false), two(true)]).as_deref(), Some("Cluster/one"));
        assert_eq!(held(vec![one(true), two(false)]).as_deref(), Some("Cluster/two"));
        assert_eq!(held(vec![one(true), two(true)]), None);
        assert_eq!(held(vec![one(false)]), None);
    }
}
