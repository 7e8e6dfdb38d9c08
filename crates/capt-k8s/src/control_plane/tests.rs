use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capt_api::reference::{ApiEndpoint, TemplateReference};
use capt_api::{CAPTControlPlane, WorkspaceTemplateApply, keys};
use capt_core::control_plane::{Endpoint, Secret as Standing};
use capt_core::fault::FaultClass;
use k8s_openapi::api::core::v1::Secret;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::endpoint::Authority;
use super::render::{Surroundings, apply, input, kubeconfig_apply, timeouts};
use super::secrets;
use super::sources::endpoint;

fn read<K: DeserializeOwned>(yaml: &str) -> K {
    serde_json::from_value(serde_saphyr::from_str(yaml).unwrap()).unwrap()
}

fn control_plane() -> CAPTControlPlane {
    read(
        r#"
apiVersion: controlplane.cluster.x-k8s.io/v1beta1
kind: CAPTControlPlane
metadata: {name: demo, namespace: default, uid: u-2}
spec:
  version: "1.31"
  workspaceTemplateRef: {name: eks-controlplane-template, namespace: default}
  controlPlaneConfig:
    region: ap-northeast-1
    endpointAccess: {public: true, private: true}
  additionalTags: {Environment: dev, ManagedBy: capt}
"#,
    )
}

fn surroundings() -> Surroundings {
    Surroundings {
        cluster: "demo".to_owned(),
        region: "ap-northeast-1".to_owned(),
        vpc_workspace: Some("demo-vpc".to_owned()),
    }
}

const META: &str = r"
  namespace: default
  labels: {cluster.x-k8s.io/cluster-name: demo}
  ownerReferences:
  - {apiVersion: controlplane.cluster.x-k8s.io/v1beta1, kind: CAPTControlPlane, name: demo, uid: u-2, controller: true, blockOwnerDeletion: true}
";

#[test]
fn the_apply_of_a_control_plane_is_that_of_the_go_implementation() {
    let mut made = apply(&control_plane(), &surroundings()).unwrap();
    made.metadata.annotations = None;
    let wanted: WorkspaceTemplateApply = read(&format!(
        r#"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplateApply
metadata:
  name: demo-eks-controlplane-apply{META}
spec:
  templateRef: {{name: eks-controlplane-template, namespace: default}}
  variables:
    cluster_name: demo
    kubernetes_version: "1.31"
    region: ap-northeast-1
    endpoint_public_access: "true"
    endpoint_private_access: "true"
    tags_Environment: dev
    tags_ManagedBy: capt
  writeConnectionSecretToRef: {{name: demo-eks-connection, namespace: default}}
  waitForWorkspaces: [{{name: demo-vpc}}]
"#
    ));
    assert_eq!(made, wanted);
}

#[test]
fn the_apply_of_a_kubeconfig_is_that_of_the_go_implementation() {
    let template = TemplateReference {
        name: "eks-kubeconfig-template".to_owned(),
        namespace: Some("default".to_owned()),
    };
    let mut made = kubeconfig_apply(
        &control_plane(),
        &surroundings(),
        template,
        "https://abc".to_owned(),
        "Q0E=".to_owned(),
    );
    made.metadata.annotations = None;
    let wanted: WorkspaceTemplateApply = read(&format!(
        r"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplateApply
metadata:
  name: demo-kubeconfig-apply{META}
spec:
  templateRef: {{name: eks-kubeconfig-template, namespace: default}}
  variables: {{cluster_name: demo, region: ap-northeast-1, cluster_endpoint: https://abc, cluster_certificate_authority_data: Q0E=}}
  writeConnectionSecretToRef: {{name: demo-outputs-kubeconfig, namespace: default}}
  waitForWorkspaces: [{{name: demo-eks-controlplane}}]
"
    ));
    assert_eq!(made, wanted);
}

#[test]
fn what_people_say_about_the_control_plane_reaches_its_apply() {
    let mut object = control_plane();
    object.spec.version = "v1.32.4".to_owned();
    object.spec.control_plane_config = Some(
        serde_json::from_value(json!({
            "region": "eu-west-1",
            "endpointAccess": { "private": true, "publicCIDRs": ["10.0.0.0/8"] },
            "addons": [{ "name": "coredns", "version": "v1.11.1" }],
            "timeouts": { "controlPlaneTimeout": 45 },
        }))
        .unwrap(),
    );
    object.spec.workspace_template_apply_name = Some("old-apply".to_owned());
    let made = apply(&object, &surroundings()).unwrap();
    assert_eq!(made.metadata.name.as_deref(), Some("old-apply"));
    let variables = made.spec.variables;
    assert_eq!(variables["kubernetes_version"], "1.32");
    assert_eq!(variables["endpoint_public_access"], "true");
    assert_eq!(variables["endpoint_public_access_cidrs"], r#"["10.0.0.0/8"]"#);
    assert_eq!(
        variables["cluster_addons"],
        r#"[{"name":"coredns","version":"v1.11.1"}]"#
    );
    let minutes = capt_api::Duration::from_mins(45);
    assert_eq!(made.spec.timeouts.unwrap().workspace, Some(minutes));
    assert_eq!(timeouts(&object).unwrap().control_plane, Some(minutes));
}

#[test]
fn an_api_server_that_nobody_can_reach_is_refused() {
    let mut object = control_plane();
    object.spec.control_plane_config.as_mut().unwrap().endpoint_access =
        Some(serde_json::from_value(json!({ "public": false, "private": false })).unwrap());
    let fault = apply(&object, &surroundings()).unwrap_err();
    assert_eq!(fault.class, FaultClass::Invalid);
    assert_eq!(fault.subject, "spec.controlPlaneConfig.endpointAccess");
}

#[test]
fn only_what_reaches_terraform_is_input() {
    let of = |object: &CAPTControlPlane| input(object, apply(object, &surroundings()).ok().as_ref(), None);
    let mut same = control_plane();
    same.spec.control_plane_endpoint = Some(ApiEndpoint::new("abc", 443));
    same.spec.version = "v1.31.4".to_owned();
    assert_eq!(of(&same), of(&control_plane()));
    let mut upgraded = control_plane();
    upgraded.spec.version = "1.32".to_owned();
    assert_ne!(of(&upgraded), of(&control_plane()));
}

#[test]
fn an_endpoint_that_somebody_set_wins() {
    let output = |text: &str| Some(Authority::parse(text));
    let set = |host: &str| ApiEndpoint::new(host, 443);
    let state =
        |spec: Option<&ApiEndpoint>, published: Option<&str>, output| endpoint(spec, published, output).0;
    assert_eq!(state(None, None, None), Endpoint::Unknown);
    assert_eq!(state(None, None, output("https://abc")), Endpoint::Found);
    assert_eq!(state(Some(&set("abc")), None, output("abc")), Endpoint::Published);
    // Somebody else's.
    assert_eq!(state(Some(&set("vip")), None, output("abc")), Endpoint::Published);
    assert_eq!(
        state(Some(&set("vip")), Some("abc:443"), output("new")),
        Endpoint::Published
    );
    // Ours, and the control plane was made anew.
    assert_eq!(
        state(Some(&set("abc")), Some("abc:443"), output("new")),
        Endpoint::Found
    );
    assert_eq!(
        state(Some(&set("abc")), Some("abc:443"), None),
        Endpoint::Published
    );
    // The Go implementation stores the whole URL, and an endpoint that is not set as an empty one.
    assert_eq!(
        state(Some(&set("https://abc")), None, output("https://abc")),
        Endpoint::Found
    );
    assert_eq!(
        state(Some(&ApiEndpoint::new("", 0)), None, output("abc")),
        Endpoint::Found
    );
    assert!(matches!(
        state(None, None, output("http://abc/x")),
        Endpoint::Invalid(_)
    ));
}

const PEM: &str = "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n";

#[test]
fn the_secrets_are_those_of_the_contract() {
    let object = control_plane();
    let kubeconfig = secrets::kubeconfig(&object, "demo", b"config");
    assert_eq!(
        serde_json::to_value(&kubeconfig).unwrap(),
        json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "cluster.x-k8s.io/secret",
            "metadata": {
                "name": "demo-kubeconfig",
                "namespace": "default",
                "labels": { keys::CLUSTER_NAME: "demo" },
                "ownerReferences": [{
                    "apiVersion": "controlplane.cluster.x-k8s.io/v1beta1",
                    "kind": "CAPTControlPlane",
                    "name": "demo",
                    "uid": "u-2",
                    "controller": true,
                    "blockOwnerDeletion": true,
                }],
            },
            "data": { "value": "Y29uZmln" },
        })
    );
    for output in [PEM.to_owned(), STANDARD.encode(PEM)] {
        let ca = secrets::ca(&object, "demo", &output).unwrap();
        let data: BTreeMap<_, _> = ca.data.unwrap();
        assert_eq!(data.keys().collect::<Vec<_>>(), ["ca.crt", "tls.crt"]);
        assert!(data.values().all(|value| value.0 == PEM.as_bytes()));
        assert_eq!(ca.metadata.name.as_deref(), Some("demo-ca"));
    }
    let fault = secrets::ca(&object, "demo", "c2VjcmV0").unwrap_err();
    assert_eq!(fault.code, "InvalidCertificateAuthority");
    assert!(!fault.to_string().contains("c2VjcmV0"));
}

#[test]
fn a_secret_is_written_where_it_differs() {
    let wanted = secrets::kubeconfig(&control_plane(), "demo", b"config");
    assert_eq!(secrets::standing(None, &wanted), Standing::Stale);
    let mut live = wanted.clone();
    live.metadata.resource_version = Some("1".to_owned());
    assert_eq!(secrets::standing(Some(&live), &wanted), Standing::Current);
    let other = secrets::kubeconfig(&control_plane(), "demo", b"other");
    assert_eq!(secrets::standing(Some(&other), &wanted), Standing::Stale);
    live.metadata.labels = None;
    assert_eq!(secrets::standing(Some(&live), &wanted), Standing::Stale);
}

#[test]
fn a_secret_of_somebody_else_is_left_alone() {
    let ours = secrets::kubeconfig(&control_plane(), "demo", b"config");
    let object = control_plane();
    let maker = capt_status::identity(
        "CAPTControlPlane",
        &object.metadata,
        keys::CONTROL_PLANE_FINALIZER,
    );
    let conflict = |secret: &Secret| {
        capt_status::foreign_secret(secret, keys::SECRET_TYPE, &maker, "demo").map(|fault| fault.code)
    };
    assert_eq!(conflict(&ours), None);
    let mut labelled = ours.clone();
    labelled.metadata.owner_references = None;
    assert_eq!(conflict(&labelled), None);
    let mut unlabelled = labelled.clone();
    unlabelled.metadata.labels = None;
    assert_eq!(conflict(&unlabelled).as_deref(), Some("ForeignSecret"));
    let mut controlled = ours.clone();
    controlled.metadata.owner_references.as_mut().unwrap()[0].uid = "u-9".to_owned();
    assert_eq!(conflict(&controlled).as_deref(), Some("ForeignSecret"));
}
