//! Manifests as a user could have written them.

/// The template of a VPC: three resources of the built-in provider, with the outputs that a control plane needs.
pub const VPC_TEMPLATE: &str = include_str!("../fixtures/vpc-template.yaml");
/// The template of a control plane that takes the outputs of the VPC from its connection secret.
pub const EKS_TEMPLATE: &str = include_str!("../fixtures/eks-controlplane-template.yaml");
/// The template that makes a kubeconfig out of the outputs of a control plane.
pub const KUBECONFIG_TEMPLATE: &str = include_str!("../fixtures/eks-kubeconfig-template.yaml");
/// Cluster, `CAPTCluster` and `CAPTControlPlane`, all `demo` in the namespace `default`.
pub const CLUSTER: &str = include_str!("../fixtures/cluster.yaml");

/// The three templates in one file.
pub fn templates() -> String {
    [VPC_TEMPLATE, EKS_TEMPLATE, KUBECONFIG_TEMPLATE].join("---\n")
}
