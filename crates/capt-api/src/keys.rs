//! Labels, annotations and finalizers.

/// Asks for another attempt; any new value counts as a new request.
pub const RETRY: &str = "capt.infrastructure.cluster.x-k8s.io/retry";
/// Approves a plan that would destroy or replace a protected resource; the value is the input digest shown in status.
pub const APPROVE: &str = "capt.infrastructure.cluster.x-k8s.io/approve";
/// The id of a Terraform lock that a person says is nobody's any more: it is taken away.
pub const UNLOCK: &str = "capt.infrastructure.cluster.x-k8s.io/unlock";
/// The object that a child was made for, as `Kind/name`: by it the child is known where its owner reference was lost.
/// Given to an object that nobody controls, it hands that object over.
pub const OWNER: &str = "capt.infrastructure.cluster.x-k8s.io/owner";
/// The uid of the object that a child was made for, kept where an owner reference cannot be.
pub const OWNER_UID: &str = "capt.infrastructure.cluster.x-k8s.io/owner-uid";
/// Label on what belongs to a workspace (state, lock, connection secret): the workspace's name.
pub const WORKSPACE: &str = "capt.infrastructure.cluster.x-k8s.io/workspace";

/// The label that names the Cluster (Cluster API).
pub const CLUSTER_NAME: &str = "cluster.x-k8s.io/cluster-name";
/// The annotation whose presence pauses an object (Cluster API).
pub const PAUSED: &str = "cluster.x-k8s.io/paused";
/// The label or annotation that says that somebody else manages the object (Cluster API).
pub const MANAGED_BY: &str = "cluster.x-k8s.io/managed-by";
/// The group of the core Cluster API kinds.
pub const CLUSTER_GROUP: &str = "cluster.x-k8s.io";
/// The type of the secrets of the Cluster API contract.
pub const SECRET_TYPE: &str = "cluster.x-k8s.io/secret";

/// The type of a Secret that has no other, in Kubernetes.
pub const OPAQUE: &str = "Opaque";

/// The finalizer of a `CAPTCluster` (that of the Go CAPT).
pub const CLUSTER_FINALIZER: &str = "infrastructure.cluster.x-k8s.io/captcluster";
/// The finalizer of a `CAPTControlPlane` (that of the Go CAPT).
pub const CONTROL_PLANE_FINALIZER: &str = "controlplane.cluster.x-k8s.io/captcontrolplane";
/// The finalizer of a `WorkspaceTemplateApply` (that of the Go CAPT).
pub const APPLY_FINALIZER: &str = "infrastructure.cluster.x-k8s.io/finalizer";
/// The finalizer of a `TerraformWorkspace`.
pub const WORKSPACE_FINALIZER: &str = "infrastructure.cluster.x-k8s.io/terraformworkspace";
/// The finalizer of Terraform state and lock, until their destroy is confirmed.
pub const STATE_FINALIZER: &str = "infrastructure.cluster.x-k8s.io/terraform-state";
