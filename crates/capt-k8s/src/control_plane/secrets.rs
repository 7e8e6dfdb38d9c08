//! The Secrets that a control plane writes, and whether they may be written.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use capt_api::{CAPTControlPlane, keys};
use capt_core::control_plane::Secret as Standing;
use capt_core::fault::Fault;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use kube::config::Kubeconfig;

use crate::follow::owner;
use crate::manifest::matches;

/// The name of the kubeconfig secret of the Cluster API contract.
pub(super) fn kubeconfig_name(cluster: &str) -> String {
    format!("{cluster}-kubeconfig")
}

/// The name of the CA secret (that of the Go implementation).
pub(super) fn ca_name(object: &CAPTControlPlane) -> String {
    format!("{}-ca", object.name_any())
}

/// What the kubeconfig secret should be.
pub(super) fn kubeconfig(object: &CAPTControlPlane, cluster: &str, value: &[u8]) -> Secret {
    let data = BTreeMap::from([("value".to_owned(), ByteString(value.to_vec()))]);
    Secret {
        type_: Some(keys::SECRET_TYPE.to_owned()),
        ..secret(object, kubeconfig_name(cluster), cluster, data)
    }
}

/// Refuses an output that no client could use as a kubeconfig. What is in it is not shown.
pub(super) fn check_kubeconfig(value: &[u8], template: &str) -> Result<(), Fault> {
    let refused = |why: &str| {
        let message = format!(
            "{why}; let the template {template} output the text of a kubeconfig, as with yamlencode({{...}})"
        );
        Err(Fault::of_output("kubeconfig", "InvalidKubeconfig", message))
    };
    if value.is_empty() {
        return refused("it is empty");
    }
    let Ok(text) = std::str::from_utf8(value) else {
        return refused("it is no UTF-8 text");
    };
    match Kubeconfig::from_yaml(text) {
        Ok(_) => Ok(()),
        // What the error says may repeat the text.
        Err(_) => refused("it is no kubeconfig"),
    }
}

/// What the CA secret should be, from the output that holds the certificate: PEM, or PEM in base64.
pub(super) fn ca(object: &CAPTControlPlane, cluster: &str, output: &str) -> Result<Secret, Fault> {
    let pem = certificate(output).ok_or_else(|| {
        let message = "the output is no PEM certificate, nor one in base64; let the template output \
                       certificate_authority[0].data of the EKS cluster";
        Fault::of_output(
            "cluster_certificate_authority_data",
            "InvalidCertificateAuthority",
            message,
        )
    })?;
    let data = ["tls.crt", "ca.crt"].map(|key| (key.to_owned(), ByteString(pem.clone())));
    Ok(secret(object, ca_name(object), cluster, data.into()))
}

fn certificate(output: &str) -> Option<Vec<u8>> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    if output.contains(BEGIN) {
        return Some(output.as_bytes().to_vec());
    }
    let text: String = output.split_whitespace().collect();
    let decoded = STANDARD.decode(text).ok()?;
    let is_pem = std::str::from_utf8(&decoded).is_ok_and(|text| text.contains(BEGIN));
    is_pem.then_some(decoded)
}

fn secret(
    object: &CAPTControlPlane,
    name: String,
    cluster: &str,
    data: BTreeMap<String, ByteString>,
) -> Secret {
    Secret {
        metadata: ObjectMeta {
            name: Some(name),
            namespace: object.namespace(),
            labels: Some([(keys::CLUSTER_NAME.to_owned(), cluster.to_owned())].into()),
            owner_references: owner(object).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        data: Some(data),
        ..Secret::default()
    }
}

/// A Secret against what it should be.
pub(super) fn standing(live: Option<&Secret>, wanted: &Secret) -> Standing {
    if live.is_some_and(|live| matches(wanted, live)) {
        Standing::Current
    } else {
        Standing::Stale
    }
}
