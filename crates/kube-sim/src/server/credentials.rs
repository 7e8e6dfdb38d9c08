//! Who the server is and who may come in: a certificate authority of its own, and a token.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};

use super::https::ServeError;

/// What a server and its clients know each other by. With the same credentials a kubeconfig stays good when the server
/// is started anew.
///
/// Whoever has them may do everything; they are serialized in the clear.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credentials {
    /// The certificate of the authority, as PEM.
    authority: String,
    /// Its private key, as PEM.
    authority_key: String,
    /// What every request must carry.
    token: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

impl Credentials {
    /// New ones.
    pub fn generate() -> Result<Self, ServeError> {
        let provider = rustls::crypto::ring::default_provider();
        let key = KeyPair::generate()?;
        let authority = authority_params().self_signed(&key)?;
        Ok(Self {
            authority: authority.pem(),
            authority_key: key.serialize_pem(),
            token: random_token(&provider)?,
        })
    }

    /// The certificate of the authority, as PEM.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// What every request must carry.
    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// A configuration with a certificate for this address, signed by the authority.
    pub(super) fn server_config(&self, addr: std::net::SocketAddr) -> Result<ServerConfig, ServeError> {
        let mut serving = CertificateParams::new(vec!["localhost".to_owned(), "kubernetes".to_owned()])?;
        serving
            .distinguished_name
            .push(DnType::CommonName, "kube-apiserver");
        serving
            .subject_alt_names
            .push(SanType::IpAddress([127, 0, 0, 1].into()));
        if !addr.ip().is_unspecified() && addr.ip() != std::net::Ipv4Addr::LOCALHOST {
            serving.subject_alt_names.push(SanType::IpAddress(addr.ip()));
        }
        serving.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        serving.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        serving.use_authority_key_identifier_extension = true;
        let serving_key = KeyPair::generate()?;
        let issuer = Issuer::new(authority_params(), KeyPair::from_pem(&self.authority_key)?);
        let signed = serving.signed_by(&serving_key, &issuer)?;

        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(serving_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![signed.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// What the certificate of every authority says, beside its key.
fn authority_params() -> CertificateParams {
    let mut authority = CertificateParams::default();
    authority
        .distinguished_name
        .push(DnType::CommonName, "kube-sim-ca");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority
}

fn random_token(provider: &CryptoProvider) -> Result<String, ServeError> {
    let mut bytes = [0_u8; 32];
    provider
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| ServeError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
