//! The manifests of the Go implementation are read without losing anything that was written in them.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

use capt_api::{CAPTCluster, CAPTControlPlane, WorkspaceTemplate, WorkspaceTemplateApply};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads `yaml` as a `K` and says that writing it again gives every field back.
fn lossless<K: DeserializeOwned + Serialize>(yaml: &str) -> K {
    let written: Value = serde_saphyr::from_str(yaml).unwrap();
    let object: K = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(serde_json::to_value(&object).unwrap(), written);
    object
}

#[test]
fn a_template_with_an_embedded_workspace() {
    let template: WorkspaceTemplate = lossless(
        r#"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplate
metadata: {name: vpc-template, namespace: default}
spec:
  template:
    metadata: {description: "VPC for EKS", version: "1.0.0", tags: {provider: aws}}
    spec:
      providerConfigRef: {name: aws-provider-config}
      writeConnectionSecretToRef: {name: "${WORKSPACE_NAME}-vpc-connection", namespace: default}
      deletionPolicy: Delete
      managementPolicies: ["*"]
      publishConnectionDetailsTo: {name: store, configRef: {name: vault}}
      forProvider:
        source: Inline
        inlineFormat: HCL
        remotePullPolicy: Always
        vars:
        - {key: name, value: "${vpc_name}"}
        - {key: cluster_name, value: "${cluster_name}"}
        varmap: {zones: 3, nested: {deep: [1, null]}}
        env:
        - {name: AWS_REGION, value: "${region}"}
        - {name: TOKEN, secretKeyRef: {namespace: default, name: aws, key: token}}
        varFiles:
        - {source: SecretKey, format: HCL, secretKeyRef: {namespace: default, name: "${cluster_name}-vpc-vpc-connection", key: vpc_config}}
        planArgs: ["-refresh=false"]
        enableTerraformCLILogging: true
        module: |
          variable "name" { type = string }
  writeConnectionSecretToRef: {name: never-read, namespace: default}
"#,
    );
    let workspace = template.spec.template.spec;
    assert_eq!(workspace.for_provider.vars[0].value, "${vpc_name}");
    assert_eq!(workspace.for_provider.enable_terraform_cli_logging, Some(true));
    assert_eq!(workspace.for_provider.other["remotePullPolicy"], "Always");
}

#[test]
fn an_apply() {
    let apply: WorkspaceTemplateApply = lossless(
        r"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplateApply
metadata: {name: demo-nodegroup-apply, namespace: default}
spec:
  templateRef: {name: eks-node-template, namespace: default}
  variables: {cluster_name: demo}
  waitForSecrets: [{name: demo-eks-connection, namespace: default}]
  waitForWorkspaces: [{name: demo-eks-controlplane}]
  retainWorkspaceOnDelete: false
",
    );
    assert_eq!(apply.spec.wait_for_workspaces[0].namespace, None);
}

#[test]
fn a_cluster() {
    let cluster: CAPTCluster = lossless(
        r"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: CAPTCluster
metadata: {name: demo, namespace: default}
spec:
  region: ap-northeast-1
  vpcTemplateRef: {name: vpc-template, namespace: default}
  retainVpcOnDelete: false
  vpcConfig: {name: demo-vpc}
  workspaceTemplateApplyName: demo-vpc
",
    );
    assert_eq!(cluster.spec.retain_vpc_on_delete, Some(false));
}

#[test]
fn a_control_plane() {
    let control_plane: CAPTControlPlane = lossless(
        r#"
apiVersion: controlplane.cluster.x-k8s.io/v1beta1
kind: CAPTControlPlane
metadata: {name: demo, namespace: default}
spec:
  version: "1.31"
  workspaceTemplateRef: {name: eks-controlplane-template, namespace: default}
  controlPlaneConfig:
    region: ap-northeast-1
    endpointAccess: {public: true, private: true, publicCIDRs: [10.0.0.0/8]}
    addons: [{name: coredns, version: v1.11.1, configurationValues: "{}"}]
    timeouts: {controlPlaneTimeout: 45, vpcReadyTimeout: 20}
  additionalTags: {Environment: dev, ManagedBy: capt}
  controlPlaneEndpoint: {host: "", port: 0}
  workspaceTemplateApplyName: demo-eks-controlplane-apply
status:
  ready: true
  initialized: true
  secretsReady: true
  phase: Ready
  workspaceTemplateStatus: {ready: true, lastAppliedRevision: "2024-11-01 10:00:00 +0000 UTC", outputs: {a: b}}
  workspaceStatus: {ready: true, state: Available, atProvider: {checksum: abc, outputs: {karpenter: {queue: q}}}}
  conditions:
  - {type: Ready, status: "True", lastTransitionTime: "2024-11-01T10:00:00Z", reason: Ready, message: ""}
"#,
    );
    // The Go implementation stores an endpoint that is not set this way.
    assert_eq!(
        control_plane.spec.control_plane_endpoint.unwrap().authority(),
        None
    );
}
