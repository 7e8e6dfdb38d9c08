//! The messages that are read: field numbers, names and contents.

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holds {
    Text,
    Texts,
    Bool,
    Int,
    /// `Time` or `MicroTime`, with this many decimals.
    Time(u8),
    /// `FieldsV1`: JSON as bytes.
    Json,
    TextMap,
    BytesMap,
    One(Message),
    Many(Message),
}

/// Field number, JSON name and content of every field that is read.
pub(super) type Message = &'static [(u64, &'static str, Holds)];

const OWNER: Message = &[
    (1, "kind", Holds::Text),
    (3, "name", Holds::Text),
    (4, "uid", Holds::Text),
    (5, "apiVersion", Holds::Text),
    (6, "controller", Holds::Bool),
    (7, "blockOwnerDeletion", Holds::Bool),
];

const MANAGED: Message = &[
    (1, "manager", Holds::Text),
    (2, "operation", Holds::Text),
    (3, "apiVersion", Holds::Text),
    (4, "time", Holds::Time(0)),
    (6, "fieldsType", Holds::Text),
    (7, "fieldsV1", Holds::Json),
    (8, "subresource", Holds::Text),
];

const METADATA: Message = &[
    (1, "name", Holds::Text),
    (2, "generateName", Holds::Text),
    (3, "namespace", Holds::Text),
    (5, "uid", Holds::Text),
    (6, "resourceVersion", Holds::Text),
    (11, "labels", Holds::TextMap),
    (12, "annotations", Holds::TextMap),
    (13, "ownerReferences", Holds::Many(OWNER)),
    (14, "finalizers", Holds::Texts),
    (17, "managedFields", Holds::Many(MANAGED)),
];

const REFERENCE: Message = &[
    (1, "kind", Holds::Text),
    (2, "namespace", Holds::Text),
    (3, "name", Holds::Text),
    (4, "uid", Holds::Text),
    (5, "apiVersion", Holds::Text),
    (6, "resourceVersion", Holds::Text),
    (7, "fieldPath", Holds::Text),
];

const SERIES: Message = &[(1, "count", Holds::Int), (2, "lastObservedTime", Holds::Time(6))];

const SOURCE: Message = &[(1, "component", Holds::Text), (2, "host", Holds::Text)];

const CONFIG_MAP: Message = &[
    (1, "metadata", Holds::One(METADATA)),
    (2, "data", Holds::TextMap),
    (3, "binaryData", Holds::BytesMap),
    (4, "immutable", Holds::Bool),
];

const SECRET: Message = &[
    (1, "metadata", Holds::One(METADATA)),
    (2, "data", Holds::BytesMap),
    (3, "type", Holds::Text),
    (4, "stringData", Holds::TextMap),
    (5, "immutable", Holds::Bool),
];

const NAMESPACE: Message = &[
    (1, "metadata", Holds::One(METADATA)),
    (2, "spec", Holds::One(&[(1, "finalizers", Holds::Texts)])),
    (3, "status", Holds::One(&[(1, "phase", Holds::Text)])),
];

const SERVICE_ACCOUNT: Message = &[
    (1, "metadata", Holds::One(METADATA)),
    (2, "secrets", Holds::Many(REFERENCE)),
    (3, "imagePullSecrets", Holds::Many(&[(1, "name", Holds::Text)])),
    (4, "automountServiceAccountToken", Holds::Bool),
];

const CORE_EVENT: Message = &[
    (1, "metadata", Holds::One(METADATA)),
    (2, "involvedObject", Holds::One(REFERENCE)),
    (3, "reason", Holds::Text),
    (4, "message", Holds::Text),
    (5, "source", Holds::One(SOURCE)),
    (6, "firstTimestamp", Holds::Time(0)),
    (7, "lastTimestamp", Holds::Time(0)),
    (8, "count", Holds::Int),
    (9, "type", Holds::Text),
    (10, "eventTime", Holds::Time(6)),
    (11, "series", Holds::One(SERIES)),
    (12, "action", Holds::Text),
    (13, "related", Holds::One(REFERENCE)),
    (14, "reportingComponent", Holds::Text),
    (15, "reportingInstance", Holds::Text),
];

const EVENT: Message = &[
    (1, "metadata", Holds::One(METADATA)),
    (2, "eventTime", Holds::Time(6)),
    (3, "series", Holds::One(SERIES)),
    (4, "reportingController", Holds::Text),
    (5, "reportingInstance", Holds::Text),
    (6, "action", Holds::Text),
    (7, "reason", Holds::Text),
    (8, "regarding", Holds::One(REFERENCE)),
    (9, "related", Holds::One(REFERENCE)),
    (10, "note", Holds::Text),
    (11, "type", Holds::Text),
    (12, "deprecatedSource", Holds::One(SOURCE)),
    (13, "deprecatedFirstTimestamp", Holds::Time(0)),
    (14, "deprecatedLastTimestamp", Holds::Time(0)),
    (15, "deprecatedCount", Holds::Int),
];

const LEASE: Message = &[
    (1, "metadata", Holds::One(METADATA)),
    (
        2,
        "spec",
        Holds::One(&[
            (1, "holderIdentity", Holds::Text),
            (2, "leaseDurationSeconds", Holds::Int),
            (3, "acquireTime", Holds::Time(6)),
            (4, "renewTime", Holds::Time(6)),
            (5, "leaseTransitions", Holds::Int),
            (6, "strategy", Holds::Text),
            (7, "preferredHolder", Holds::Text),
        ]),
    ),
];

const DELETE_OPTIONS: Message = &[
    (1, "gracePeriodSeconds", Holds::Int),
    (
        2,
        "preconditions",
        Holds::One(&[(1, "uid", Holds::Text), (2, "resourceVersion", Holds::Text)]),
    ),
    (3, "orphanDependents", Holds::Bool),
    (4, "propagationPolicy", Holds::Text),
    (5, "dryRun", Holds::Texts),
];

const RESOURCE_ATTRIBUTES: Message = &[
    (1, "namespace", Holds::Text),
    (2, "verb", Holds::Text),
    (3, "group", Holds::Text),
    (4, "version", Holds::Text),
    (5, "resource", Holds::Text),
    (6, "subresource", Holds::Text),
    (7, "name", Holds::Text),
];

const ACCESS_REVIEW: Message = &[
    (1, "metadata", Holds::One(METADATA)),
    (
        2,
        "spec",
        Holds::One(&[
            (1, "resourceAttributes", Holds::One(RESOURCE_ATTRIBUTES)),
            (
                2,
                "nonResourceAttributes",
                Holds::One(&[(1, "path", Holds::Text), (2, "verb", Holds::Text)]),
            ),
        ]),
    ),
];

const RULES_REVIEW: Message = &[
    (1, "metadata", Holds::One(METADATA)),
    (2, "spec", Holds::One(&[(1, "namespace", Holds::Text)])),
];

const SELF_REVIEW: Message = &[(1, "metadata", Holds::One(METADATA))];

/// The message of a kind, when it is known.
pub(super) fn message_of(api_version: &str, kind: &str) -> Option<Message> {
    Some(match (api_version, kind) {
        ("v1", "ConfigMap") => CONFIG_MAP,
        ("v1", "Secret") => SECRET,
        ("v1", "Namespace") => NAMESPACE,
        ("v1", "ServiceAccount") => SERVICE_ACCOUNT,
        ("v1", "Event") => CORE_EVENT,
        ("events.k8s.io/v1", "Event") => EVENT,
        ("coordination.k8s.io/v1", "Lease") => LEASE,
        ("authorization.k8s.io/v1", "SelfSubjectAccessReview") => ACCESS_REVIEW,
        ("authorization.k8s.io/v1", "SelfSubjectRulesReview") => RULES_REVIEW,
        ("authentication.k8s.io/v1", "SelfSubjectReview") => SELF_REVIEW,
        (_, "DeleteOptions") => DELETE_OPTIONS,
        (_, _) => return None,
    })
}
