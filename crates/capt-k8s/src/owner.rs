//! The Cluster that an object belongs to.

use std::sync::Arc;

use capt_api::{Cluster, keys};
use capt_runtime::View;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;

use crate::manifest::cluster_label;

/// The Cluster of a top object: the one that owns it, else the one of its name that means it.
///
/// The owner is found by kind and group, in any version. `means` says whether a Cluster of the object's own
/// name that does not own it (yet) refers to it, or to nothing.
pub(crate) fn cluster_of(
    view: &View,
    metadata: &ObjectMeta,
    means: impl Fn(&Cluster) -> bool,
) -> Option<Arc<Cluster>> {
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    if let Some(owner) = owner_name(metadata) {
        return view.get::<Cluster>(namespace, owner);
    }
    let cluster = view.get::<Cluster>(namespace, metadata.name.as_deref().unwrap_or_default())?;
    means(&cluster).then_some(cluster)
}

/// The name of the Cluster among the owners of an object.
pub(crate) fn owner_name(metadata: &ObjectMeta) -> Option<&str> {
    let owner = metadata.owner_references.iter().flatten().find(|owner| {
        let group = owner.api_version.split_once('/').map(|(group, _)| group);
        owner.kind == "Cluster" && group == Some(keys::CLUSTER_GROUP)
    })?;
    Some(&owner.name)
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
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

    use super::*;

    #[test]
    fn the_owner_is_a_cluster_of_any_version() {
        let owners = |api_version: &str, kind: &str| ObjectMeta {
            owner_references: Some(vec![OwnerReference {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                name: "demo".to_owned(),
                ..OwnerReference::default()
            }]),
            ..ObjectMeta::default()
        };
        assert_eq!(
            owner_name(&owners("cluster.x-k8s.io/v1beta1", "Cluster")),
            Some("demo")
        );
        assert_eq!(
            owner_name(&owners("cluster.x-k8s.io/v1beta2", "Cluster")),
            Some("demo")
        );
        assert_eq!(owner_name(&owners("cluster.x-k8s.io/v1beta2", "Machine")), None);
        assert_eq!(owner_name(&owners("other.io/v1", "Cluster")), None);
    }
}
