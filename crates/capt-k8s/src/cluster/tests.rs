use capt_api::{CAPTCluster, WorkspaceTemplateApply, keys};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::render::{input, validate, vpc_apply, vpc_apply_name};

fn read<K: DeserializeOwned>(yaml: &str) -> K {
    serde_json::from_value(serde_saphyr::from_str(yaml).unwrap()).unwrap()
}

fn cluster() -> CAPTCluster {
    read(
        r"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: CAPTCluster
metadata: {name: demo, namespace: default, uid: u-1}
spec:
  region: ap-northeast-1
  vpcTemplateRef: {name: vpc-template, namespace: default}
  retainVpcOnDelete: false
",
    )
}

#[test]
fn the_apply_of_a_vpc_is_that_of_the_go_implementation() {
    let mut apply = vpc_apply(&cluster(), "demo").unwrap();
    apply.metadata.annotations = None;
    let wanted: WorkspaceTemplateApply = read(
        r"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplateApply
metadata:
  name: demo-vpc
  namespace: default
  labels: {cluster.x-k8s.io/cluster-name: demo}
  ownerReferences:
  - {apiVersion: infrastructure.cluster.x-k8s.io/v1beta1, kind: CAPTCluster, name: demo, uid: u-1, controller: true, blockOwnerDeletion: true}
spec:
  templateRef: {name: vpc-template, namespace: default}
  variables: {cluster_name: demo, vpc_name: demo-vpc, environment: production, region: ap-northeast-1}
",
    );
    assert_eq!(apply, wanted);
}

#[test]
fn what_people_say_about_the_vpc_reaches_its_apply() {
    let mut object = cluster();
    object.spec.vpc_config = Some(serde_json::from_value(json!({ "name": "mine" })).unwrap());
    object.spec.retain_vpc_on_delete = Some(true);
    object.spec.workspace_template_apply_name = Some("old-name".to_owned());
    object.spec.timeouts = Some(serde_json::from_value(json!({ "vpc": "20m" })).unwrap());
    object.metadata.annotations = Some([(keys::APPROVE.to_owned(), "d".to_owned())].into());
    let apply = vpc_apply(&object, "other").unwrap();
    assert_eq!(vpc_apply_name(&object), "old-name");
    assert_eq!(apply.metadata.name.as_deref(), Some("old-name"));
    assert_eq!(apply.metadata.annotations.unwrap()[keys::APPROVE], "d");
    assert_eq!(apply.spec.variables["vpc_name"], "mine");
    assert_eq!(apply.spec.variables["cluster_name"], "other");
    assert_eq!(apply.spec.retain_workspace_on_delete, Some(true));
    assert_eq!(
        apply.spec.timeouts.unwrap().workspace,
        Some(capt_api::Duration::from_mins(20))
    );
}

#[test]
fn exactly_one_vpc_is_named() {
    assert_eq!(validate(&cluster()), Ok(()));
    let mut two = cluster();
    two.spec.existing_vpc_id = Some("vpc-1".to_owned());
    assert_eq!(validate(&two).unwrap_err().code, "InvalidVPCConfig");
    let mut existing = two.clone();
    existing.spec.vpc_template_ref = None;
    assert_eq!(validate(&existing), Ok(()));
    assert_eq!(vpc_apply(&existing, "demo"), None);
    existing.spec.retain_vpc_on_delete = Some(true);
    assert_eq!(validate(&existing).unwrap_err().subject, "spec.retainVpcOnDelete");
    existing.spec.existing_vpc_id = Some(String::new());
    assert_eq!(validate(&existing).unwrap_err().subject, "spec");
}

#[test]
fn the_input_is_what_the_vpc_is_made_from() {
    let of = |object: &CAPTCluster| {
        input(
            object,
            vpc_apply(object, "demo").as_ref(),
            validate(object).err().as_ref(),
        )
    };
    let mut same = cluster();
    same.metadata.uid = Some("moved".to_owned());
    same.spec.control_plane_endpoint = Some(capt_api::reference::ApiEndpoint::new("a", 1));
    let mut other = cluster();
    other.spec.region = "eu-west-1".to_owned();
    assert_ne!(of(&cluster()), of(&other));
    // The digest that is stamped on the apply does not know the owner either.
    assert_eq!(of(&cluster()), of(&same));
}
