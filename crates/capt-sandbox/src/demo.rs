//! What a sandbox shows when nobody says what: a cluster `demo` in the namespace `default`.
//!
//! The manifests are plain ones: a user may take them as a start. Their Terraform uses the built-in provider
//! alone.

/// The manifests, as (name, YAML), in the order in which they are applied.
pub const MANIFESTS: [(&str, &str); 3] = [
    (
        "demo/vpc-template.yaml",
        include_str!("../demo/vpc-template.yaml"),
    ),
    (
        "demo/eks-controlplane-template.yaml",
        include_str!("../demo/eks-controlplane-template.yaml"),
    ),
    ("demo/cluster.yaml", include_str!("../demo/cluster.yaml")),
];

/// Manifests to start from: a whole cluster in one file, with comments.
pub const STARTER: &str = include_str!("../demo/starter.yaml");
