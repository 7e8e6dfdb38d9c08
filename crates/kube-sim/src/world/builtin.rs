//! The kinds that the server knows by itself.

mod kinds;

use std::sync::{Arc, LazyLock};

use rpds::RedBlackTreeMapSync;

use super::admission::Shape;
use super::identity::GroupResource;
use super::kind::{Kind, KindVersion, ScalePaths, api_version};
use crate::table::builtin_columns;

/// The group of custom resource definitions.
pub(crate) const APIEXTENSIONS: &str = "apiextensions.k8s.io";

/// `customresourcedefinitions.apiextensions.k8s.io`.
pub(crate) fn definitions() -> GroupResource {
    GroupResource::new(APIEXTENSIONS, "customresourcedefinitions")
}

/// `namespaces`.
pub(crate) fn namespaces() -> GroupResource {
    GroupResource::new("", "namespaces")
}

/// `serviceaccounts`.
pub(crate) fn service_accounts() -> GroupResource {
    GroupResource::new("", "serviceaccounts")
}

/// The built-in kinds as a world holds them.
pub(crate) fn served() -> RedBlackTreeMapSync<GroupResource, Arc<Kind>> {
    /// The same for every world, and not cheap to make.
    static SERVED: LazyLock<RedBlackTreeMapSync<GroupResource, Arc<Kind>>> = LazyLock::new(|| {
        let mut served = RedBlackTreeMapSync::new_sync();
        for kind in kinds::KINDS.iter().map(build) {
            served.insert_mut(kind.resource.clone(), Arc::new(kind));
        }
        served
    });
    SERVED.clone()
}

fn build(builtin: &kinds::Builtin) -> Kind {
    let resource = GroupResource::new(builtin.group, builtin.plural);
    // Events have one store and two views; the core view is what is stored.
    let stored_as = if builtin.plural == "events" {
        GroupResource::new("", "events")
    } else {
        resource.clone()
    };
    let api_version = api_version(builtin.group, builtin.version);
    let version = KindVersion {
        name: builtin.version.to_owned(),
        served: true,
        deprecation: None,
        shape: Shape::builtin(&api_version, builtin.kind),
        has_status: builtin.status,
        scale: builtin.scale.then(|| ScalePaths {
            spec_replicas: ".spec.replicas".to_owned(),
            status_replicas: ".status.replicas".to_owned(),
            label_selector: None,
        }),
        columns: builtin_columns(&api_version, builtin.kind),
        openapi: None,
        selectable: builtin.selectable.iter().map(|s| (*s).to_owned()).collect(),
    };
    Kind {
        resource,
        stored_as,
        kind: builtin.kind.to_owned(),
        list_kind: format!("{}List", builtin.kind),
        singular: builtin.kind.to_lowercase(),
        short_names: builtin.short.iter().map(|s| (*s).to_owned()).collect(),
        categories: builtin.categories.iter().map(|s| (*s).to_owned()).collect(),
        namespaced: builtin.namespaced,
        versions: vec![version],
        storage_version: builtin.version.to_owned(),
        rules: builtin.rules,
        terminating: false,
        converts_by_webhook: false,
    }
}
