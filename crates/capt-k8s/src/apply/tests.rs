use capt_api::terraform_workspace::DeletionPolicy;
use capt_api::{WorkspaceTemplate, WorkspaceTemplateApply, keys};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::render::{input, workspace, workspace_name};

fn read<K: DeserializeOwned>(yaml: &str) -> K {
    serde_json::from_value(serde_saphyr::from_str(yaml).unwrap()).unwrap()
}

fn template() -> WorkspaceTemplate {
    read(
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
      forProvider:
        source: Inline
        vars:
        - {key: name, value: "${vpc_name}"}
        module: |
          output "vpc_id" { value = "${vpc_name}" }
"#,
    )
}

fn apply() -> WorkspaceTemplateApply {
    read(
        r#"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplateApply
metadata:
  name: demo-vpc-apply
  namespace: default
  uid: u-1
  labels: {cluster.x-k8s.io/cluster-name: demo, team: a}
  annotations: {capt.infrastructure.cluster.x-k8s.io/retry: "1", other: x}
spec:
  templateRef: {name: vpc-template, namespace: default}
  variables: {vpc_name: demo}
"#,
    )
}

#[test]
fn the_name_of_a_workspace() {
    for (apply, workspace) in [
        ("demo-vpc", "demo-vpc"),
        ("demo-eks-controlplane-apply", "demo-eks-controlplane"),
        ("x-apply-apply", "x-apply"),
        ("-apply", "-apply"),
    ] {
        assert_eq!(workspace_name(apply), workspace);
    }
}

#[test]
fn a_template_becomes_a_workspace() {
    let wanted = workspace(&apply(), &template()).unwrap();
    assert_eq!(
        serde_json::to_value(&wanted.metadata).unwrap(),
        json!({
            "name": "demo-vpc",
            "namespace": "default",
            "labels": { keys::CLUSTER_NAME: "demo" },
            "annotations": { keys::OWNER: "WorkspaceTemplateApply/demo-vpc-apply", keys::RETRY: "1" },
            "ownerReferences": [{
                "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1",
                "kind": "WorkspaceTemplateApply",
                "name": "demo-vpc-apply",
                "uid": "u-1",
                "controller": true,
                "blockOwnerDeletion": true,
            }],
        })
    );
    assert_eq!(
        serde_json::to_value(&wanted.spec).unwrap(),
        json!({
            "providerConfigRef": { "name": "aws-provider-config" },
            "writeConnectionSecretToRef": { "name": "demo-vpc-vpc-connection", "namespace": "default" },
            "forProvider": {
                "source": "Inline",
                "vars": [{ "key": "name", "value": "demo" }],
                "module": "output \"vpc_id\" { value = \"demo\" }\n",
            },
        })
    );
}

#[test]
fn the_connection_secret_of_the_apply_wins() {
    let mut apply = apply();
    apply.spec.write_connection_secret_to_ref =
        Some(serde_json::from_value(json!({ "name": "mine" })).unwrap());
    let wanted = workspace(&apply, &template()).unwrap();
    assert_eq!(wanted.spec.write_connection_secret_to_ref.unwrap().name, "mine");
}

#[test]
fn what_is_retained_survives_whoever_deletes_the_workspace() {
    let mut apply = apply();
    apply.spec.retain_workspace_on_delete = Some(true);
    let wanted = workspace(&apply, &template()).unwrap();
    assert_eq!(wanted.spec.deletion_policy, Some(DeletionPolicy::Orphan));
}

#[test]
fn the_input_is_what_the_workspace_is_made_from() {
    let digest = |apply: &WorkspaceTemplateApply| {
        let template = template();
        match workspace(apply, &template) {
            Ok(wanted) => input(apply, Some(&template), Some(&wanted), None),
            Err(fault) => input(apply, Some(&template), None, Some(&fault)),
        }
    };
    let first = digest(&apply());
    let mut same = apply();
    same.metadata.uid = Some("another".to_owned());
    same.spec.variables.insert("unused".to_owned(), "x".to_owned());
    assert_eq!(digest(&same), first);

    let mut changed = apply();
    changed
        .spec
        .variables
        .insert("vpc_name".to_owned(), "other".to_owned());
    assert_ne!(digest(&changed), first);
    let mut retried = apply();
    retried
        .metadata
        .annotations
        .as_mut()
        .unwrap()
        .insert(keys::RETRY.to_owned(), "2".to_owned());
    assert_eq!(digest(&retried), first, "a request is no input");
    let mut broken = apply();
    broken.spec.variables.clear();
    assert_ne!(digest(&broken), first);
}
