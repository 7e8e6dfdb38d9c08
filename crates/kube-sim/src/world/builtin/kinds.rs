//! The table of built-in kinds.
//!
//! Names, categories, subresources and selectable fields are those of the published discovery documents; what the
//! rules say stands in the strategies of the kinds' registries.

use super::super::kind::{NameRule, Rules};
use super::APIEXTENSIONS;

/// One built-in kind.
pub(super) struct Builtin {
    pub(super) group: &'static str,
    pub(super) version: &'static str,
    pub(super) plural: &'static str,
    pub(super) kind: &'static str,
    pub(super) short: &'static [&'static str],
    pub(super) categories: &'static [&'static str],
    pub(super) namespaced: bool,
    pub(super) status: bool,
    /// Has replicas that can be set through a Scale.
    pub(super) scale: bool,
    pub(super) selectable: &'static [&'static str],
    pub(super) rules: Rules,
}

const PLAIN: Rules = Rules {
    custom: false,
    generation: false,
    unconditional_update: true,
    create_on_update: false,
    any_finalizer: false,
    names: NameRule::Subdomain,
};

const CORE: Builtin = Builtin {
    group: "",
    version: "v1",
    plural: "",
    kind: "",
    short: &[],
    categories: &[],
    namespaced: true,
    status: false,
    scale: false,
    selectable: &[],
    rules: PLAIN,
};

/// A kind whose specification is counted in `metadata.generation`, with a status beside it.
const RECONCILED: Builtin = Builtin {
    status: true,
    rules: Rules {
        generation: true,
        ..PLAIN
    },
    ..CORE
};

/// Kinds that `kubectl get all` shows.
const ALL: &[&str] = &["all"];

const APPS: Builtin = Builtin {
    group: "apps",
    categories: ALL,
    ..RECONCILED
};

const RBAC: Builtin = Builtin {
    group: "rbac.authorization.k8s.io",
    rules: Rules {
        create_on_update: true,
        names: NameRule::PathSegment,
        ..PLAIN
    },
    ..CORE
};

const NETWORKING: Builtin = Builtin {
    group: "networking.k8s.io",
    ..RECONCILED
};

const EVENT: Builtin = Builtin {
    plural: "events",
    kind: "Event",
    short: &["ev"],
    rules: Rules {
        create_on_update: true,
        ..PLAIN
    },
    ..CORE
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

const NEW_EVENT_FIELDS: &[&str] = &[
    ".regarding.kind",
    ".regarding.namespace",
    ".regarding.name",
    ".regarding.uid",
    ".regarding.apiVersion",
    ".regarding.resourceVersion",
    ".regarding.fieldPath",
    ".reason",
    ".reportingController",
    ".type",
];

const POD_FIELDS: &[&str] = &[
    ".spec.nodeName",
    ".spec.restartPolicy",
    ".spec.schedulerName",
    ".spec.serviceAccountName",
    ".spec.hostNetwork",
    ".status.phase",
    ".status.podIP",
    ".status.podIPs",
    ".status.nominatedNodeName",
];

/// Every built-in kind.
pub(super) const KINDS: &[Builtin] = &[
    Builtin {
        plural: "configmaps",
        kind: "ConfigMap",
        short: &["cm"],
        ..CORE
    },
    Builtin {
        plural: "endpoints",
        kind: "Endpoints",
        short: &["ep"],
        rules: Rules {
            create_on_update: true,
            ..PLAIN
        },
        ..CORE
    },
    Builtin {
        selectable: EVENT_FIELDS,
        ..EVENT
    },
    Builtin {
        plural: "limitranges",
        kind: "LimitRange",
        short: &["limits"],
        rules: Rules {
            create_on_update: true,
            ..PLAIN
        },
        ..CORE
    },
    Builtin {
        plural: "namespaces",
        kind: "Namespace",
        short: &["ns"],
        namespaced: false,
        status: true,
        selectable: &[".status.phase"],
        rules: Rules {
            names: NameRule::Label,
            ..PLAIN
        },
        ..CORE
    },
    Builtin {
        plural: "nodes",
        kind: "Node",
        short: &["no"],
        namespaced: false,
        status: true,
        selectable: &[".spec.unschedulable"],
        ..CORE
    },
    Builtin {
        plural: "persistentvolumeclaims",
        kind: "PersistentVolumeClaim",
        short: &["pvc"],
        status: true,
        ..CORE
    },
    Builtin {
        plural: "persistentvolumes",
        kind: "PersistentVolume",
        short: &["pv"],
        namespaced: false,
        status: true,
        ..CORE
    },
    Builtin {
        plural: "pods",
        kind: "Pod",
        short: &["po"],
        categories: ALL,
        selectable: POD_FIELDS,
        ..RECONCILED
    },
    Builtin {
        plural: "replicationcontrollers",
        kind: "ReplicationController",
        short: &["rc"],
        categories: ALL,
        scale: true,
        selectable: &[".status.replicas"],
        ..RECONCILED
    },
    Builtin {
        plural: "resourcequotas",
        kind: "ResourceQuota",
        short: &["quota"],
        status: true,
        ..CORE
    },
    Builtin {
        plural: "secrets",
        kind: "Secret",
        selectable: &[".type"],
        ..CORE
    },
    Builtin {
        plural: "serviceaccounts",
        kind: "ServiceAccount",
        short: &["sa"],
        ..CORE
    },
    Builtin {
        plural: "services",
        kind: "Service",
        short: &["svc"],
        categories: ALL,
        status: true,
        selectable: &[".spec.clusterIP", ".spec.type"],
        rules: Rules {
            create_on_update: true,
            names: NameRule::ServiceLabel,
            ..PLAIN
        },
        ..CORE
    },
    Builtin {
        plural: "daemonsets",
        kind: "DaemonSet",
        short: &["ds"],
        ..APPS
    },
    Builtin {
        plural: "deployments",
        kind: "Deployment",
        short: &["deploy"],
        scale: true,
        ..APPS
    },
    Builtin {
        plural: "replicasets",
        kind: "ReplicaSet",
        short: &["rs"],
        scale: true,
        selectable: &[".status.replicas"],
        ..APPS
    },
    Builtin {
        plural: "statefulsets",
        kind: "StatefulSet",
        short: &["sts"],
        scale: true,
        ..APPS
    },
    Builtin {
        group: "autoscaling",
        version: "v2",
        plural: "horizontalpodautoscalers",
        kind: "HorizontalPodAutoscaler",
        short: &["hpa"],
        categories: ALL,
        status: true,
        ..CORE
    },
    Builtin {
        group: "batch",
        plural: "cronjobs",
        kind: "CronJob",
        short: &["cj"],
        categories: ALL,
        ..RECONCILED
    },
    Builtin {
        group: "batch",
        plural: "jobs",
        kind: "Job",
        categories: ALL,
        selectable: &[".status.successful"],
        ..RECONCILED
    },
    Builtin {
        group: "coordination.k8s.io",
        plural: "leases",
        kind: "Lease",
        rules: Rules {
            unconditional_update: false,
            create_on_update: true,
            any_finalizer: true,
            ..PLAIN
        },
        ..CORE
    },
    Builtin {
        group: "discovery.k8s.io",
        plural: "endpointslices",
        kind: "EndpointSlice",
        ..CORE
    },
    Builtin {
        group: "events.k8s.io",
        selectable: NEW_EVENT_FIELDS,
        ..EVENT
    },
    Builtin {
        plural: "ingressclasses",
        kind: "IngressClass",
        namespaced: false,
        status: false,
        ..NETWORKING
    },
    Builtin {
        plural: "ingresses",
        kind: "Ingress",
        short: &["ing"],
        ..NETWORKING
    },
    Builtin {
        plural: "networkpolicies",
        kind: "NetworkPolicy",
        short: &["netpol"],
        status: false,
        ..NETWORKING
    },
    Builtin {
        group: "policy",
        plural: "poddisruptionbudgets",
        kind: "PodDisruptionBudget",
        short: &["pdb"],
        ..RECONCILED
    },
    Builtin {
        plural: "clusterrolebindings",
        kind: "ClusterRoleBinding",
        namespaced: false,
        ..RBAC
    },
    Builtin {
        plural: "clusterroles",
        kind: "ClusterRole",
        namespaced: false,
        ..RBAC
    },
    Builtin {
        plural: "rolebindings",
        kind: "RoleBinding",
        ..RBAC
    },
    Builtin {
        plural: "roles",
        kind: "Role",
        ..RBAC
    },
    Builtin {
        group: "scheduling.k8s.io",
        plural: "priorityclasses",
        kind: "PriorityClass",
        short: &["pc"],
        namespaced: false,
        rules: Rules {
            generation: true,
            ..PLAIN
        },
        ..CORE
    },
    Builtin {
        group: "storage.k8s.io",
        plural: "storageclasses",
        kind: "StorageClass",
        short: &["sc"],
        namespaced: false,
        ..CORE
    },
    Builtin {
        group: APIEXTENSIONS,
        plural: "customresourcedefinitions",
        kind: "CustomResourceDefinition",
        short: &["crd", "crds"],
        categories: &["api-extensions"],
        namespaced: false,
        status: true,
        rules: Rules {
            generation: true,
            unconditional_update: false,
            any_finalizer: true,
            ..PLAIN
        },
        ..CORE
    },
];
