//! The kinds that the server knows by itself.

use std::sync::Arc;

use rpds::RedBlackTreeMapSync;

use super::admission::Shape;
use super::identity::GroupResource;
use super::kind::{Kind, KindVersion, Rules, api_version};
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

struct Builtin {
    group: &'static str,
    plural: &'static str,
    kind: &'static str,
    singular: &'static str,
    short: &'static [&'static str],
    categories: &'static [&'static str],
    namespaced: bool,
    status: bool,
    selectable: &'static [&'static str],
    rules: Rules,
}

const PLAIN: Rules = Rules {
    custom: false,
    generation: false,
    unconditional_update: true,
    create_on_update: false,
    label_names: false,
};

const EVENT_FIELDS: &[&str] = &[
    ".involvedObject.kind",
    ".involvedObject.namespace",
    ".involvedObject.name",
    ".involvedObject.uid",
    ".involvedObject.apiVersion",
    ".involvedObject.resourceVersion",
    ".involvedObject.fieldPath",
    ".reason",
    ".reportingComponent",
    ".source",
    ".type",
];

const KINDS: &[Builtin] = &[
    Builtin {
        group: "",
        plural: "namespaces",
        kind: "Namespace",
        singular: "namespace",
        short: &["ns"],
        categories: &[],
        namespaced: false,
        status: true,
        selectable: &[".status.phase"],
        rules: Rules {
            label_names: true,
            ..PLAIN
        },
    },
    Builtin {
        group: "",
        plural: "secrets",
        kind: "Secret",
        singular: "secret",
        short: &[],
        categories: &[],
        namespaced: true,
        status: false,
        selectable: &[".type"],
        rules: PLAIN,
    },
    Builtin {
        group: "",
        plural: "configmaps",
        kind: "ConfigMap",
        singular: "configmap",
        short: &["cm"],
        categories: &[],
        namespaced: true,
        status: false,
        selectable: &[],
        rules: PLAIN,
    },
    Builtin {
        group: "",
        plural: "serviceaccounts",
        kind: "ServiceAccount",
        singular: "serviceaccount",
        short: &["sa"],
        categories: &[],
        namespaced: true,
        status: false,
        selectable: &[],
        rules: PLAIN,
    },
    Builtin {
        group: "",
        plural: "events",
        kind: "Event",
        singular: "event",
        short: &["ev"],
        categories: &[],
        namespaced: true,
        status: false,
        selectable: EVENT_FIELDS,
        rules: Rules {
            create_on_update: true,
            ..PLAIN
        },
    },
    Builtin {
        group: "events.k8s.io",
        plural: "events",
        kind: "Event",
        singular: "event",
        short: &["ev"],
        categories: &[],
        namespaced: true,
        status: false,
        selectable: &[
            ".regarding.kind",
            ".regarding.namespace",
            ".regarding.name",
            ".regarding.uid",
            ".reason",
            ".reportingController",
            ".type",
        ],
        rules: Rules {
            create_on_update: true,
            ..PLAIN
        },
    },
    Builtin {
        group: "coordination.k8s.io",
        plural: "leases",
        kind: "Lease",
        singular: "lease",
        short: &[],
        categories: &[],
        namespaced: true,
        status: false,
        selectable: &[],
        rules: Rules {
            unconditional_update: false,
            create_on_update: true,
            ..PLAIN
        },
    },
    Builtin {
        group: APIEXTENSIONS,
        plural: "customresourcedefinitions",
        kind: "CustomResourceDefinition",
        singular: "customresourcedefinition",
        short: &["crd", "crds"],
        categories: &["api-extensions"],
        namespaced: false,
        status: true,
        selectable: &[],
        rules: Rules {
            generation: true,
            unconditional_update: false,
            ..PLAIN
        },
    },
];

/// Every built-in kind.
pub(crate) fn kinds() -> Vec<Kind> {
    KINDS.iter().map(build).collect()
}

/// They as a world holds them.
pub(crate) fn served() -> RedBlackTreeMapSync<GroupResource, Arc<Kind>> {
    let mut served = RedBlackTreeMapSync::new_sync();
    for kind in kinds() {
        served.insert_mut(kind.resource.clone(), Arc::new(kind));
    }
    served
}

fn build(builtin: &Builtin) -> Kind {
    let resource = GroupResource::new(builtin.group, builtin.plural);
    // Events have one store and two views; the core view is what is stored.
    let stored_as = if builtin.plural == "events" {
        GroupResource::new("", "events")
    } else {
        resource.clone()
    };
    let version = KindVersion {
        name: "v1".to_owned(),
        served: true,
        deprecation: None,
        shape: Shape::builtin(&api_version(builtin.group, "v1"), builtin.kind),
        has_status: builtin.status,
        scale: None,
        columns: builtin_columns(&api_version(builtin.group, "v1"), builtin.kind),
        openapi: None,
        selectable: builtin.selectable.iter().map(|s| (*s).to_owned()).collect(),
    };
    Kind {
        resource,
        stored_as,
        kind: builtin.kind.to_owned(),
        list_kind: format!("{}List", builtin.kind),
        singular: builtin.singular.to_owned(),
        short_names: builtin.short.iter().map(|s| (*s).to_owned()).collect(),
        categories: builtin.categories.iter().map(|s| (*s).to_owned()).collect(),
        namespaced: builtin.namespaced,
        versions: vec![version],
        storage_version: "v1".to_owned(),
        rules: builtin.rules,
        terminating: false,
        converts_by_webhook: false,
    }
}
