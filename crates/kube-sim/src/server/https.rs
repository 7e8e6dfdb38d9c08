//! The server on a socket: TLS by a certificate authority of its own, and a token that every request must carry.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::answer::respond;
use super::{ApiServer, BoxError, ResponseBody};
use crate::world::StatusError;

/// The largest body that is read, as the real server has it.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// Why the server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The certificates could not be made.
    #[error("making the serving certificate")]
    Certificate(#[from] rcgen::Error),
    /// The certificates were not accepted.
    #[error("setting up TLS")]
    Tls(#[from] rustls::Error),
    /// The operating system gave no random bytes for the token.
    #[error("reading random bytes for the token")]
    Random,
    /// The address could not be listened on.
    #[error("listening on {addr}")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// A server that listens. It stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    /// A kubeconfig with the certificate authority and the token: whoever has it may do everything.
    pub kubeconfig: String,
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    /// Stops listening and closes all connections.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(());
        // The task ends by itself; that it was aborted or panicked changes nothing for the caller.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves over HTTPS on an address, port 0 for any free one. The certificate authority, the certificate and the token
/// are made anew.
pub async fn serve_https(server: ApiServer, addr: SocketAddr) -> Result<Running, ServeError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let token = random_token(&provider)?;
    let (authority, config) = certificates(provider, addr)?;
    let listener = TcpListener::bind(addr)
        .await
        .map_err(|source| ServeError::Listen { addr, source })?;
    let addr = listener
        .local_addr()
        .map_err(|source| ServeError::Listen { addr, source })?;
    let kubeconfig = kubeconfig(addr, &authority, &token);
    let (stop, stopped) = watch::channel(());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let task = tokio::spawn(accept(listener, acceptor, server, Arc::from(token), stopped));
    Ok(Running {
        addr,
        kubeconfig,
        stop,
        task,
    })
}

/// Writes a kubeconfig that only its owner can read, in one step: a reader sees the old file or the new one.
pub fn write_kubeconfig(path: &Path, kubeconfig: &str) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let name = path
        .file_name()
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut beside = std::ffi::OsString::from(".");
    beside.push(name);
    beside.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(beside);
    let written = (|| {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(kubeconfig.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    })();
    if written
        .as_ref()
        .is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists)
    {
        // Best effort: the error that is reported is the one that matters.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

fn random_token(provider: &CryptoProvider) -> Result<String, ServeError> {
    let mut bytes = [0_u8; 32];
    provider
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| ServeError::Random)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The certificate authority as PEM, and a configuration with a certificate signed by it.
fn certificates(
    provider: Arc<CryptoProvider>,
    addr: SocketAddr,
) -> Result<(String, ServerConfig), ServeError> {
    let mut authority = CertificateParams::default();
    authority
        .distinguished_name
        .push(DnType::CommonName, "kube-sim-ca");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate()?;
    let certificate = authority.self_signed(&authority_key)?;
    let pem = certificate.pem();

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
    let issuer = Issuer::new(authority, authority_key);
    let signed = serving.signed_by(&serving_key, &issuer)?;

    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(serving_key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![signed.der().clone()], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((pem, config))
}

fn kubeconfig(addr: SocketAddr, authority: &str, token: &str) -> String {
    let host = if addr.ip().is_unspecified() {
        SocketAddr::from(([127, 0, 0, 1], addr.port()))
    } else {
        addr
    };
    let authority = STANDARD.encode(authority);
    format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: kube-sim\n  cluster:\n    server: https://{host}\n    \
         certificate-authority-data: {authority}\nusers:\n- name: kube-sim\n  user:\n    token: {token}\ncontexts:\n\
         - name: kube-sim\n  context:\n    cluster: kube-sim\n    user: kube-sim\n    namespace: default\n\
         current-context: kube-sim\n"
    )
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    server: ApiServer,
    token: Arc<str>,
    mut stopped: watch::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = stopped.changed() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, acceptor.clone(), server.clone(), Arc::clone(&token)));
                }
                Err(error) => {
                    tracing::warn!(%error, "accepting a connection");
                    // Out of file descriptors, most likely: try again a little later.
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            },
        }
    }
    connections.shutdown().await;
}

async fn connection(stream: TcpStream, acceptor: TlsAcceptor, server: ApiServer, token: Arc<str>) {
    // Watch events are small and should not wait for more.
    let _ = stream.set_nodelay(true);
    let tls = match acceptor.accept(stream).await {
        Ok(tls) => tls,
        Err(error) => {
            tracing::debug!(%error, "TLS handshake");
            return;
        }
    };
    let service = service_fn(move |request| answer(server.clone(), Arc::clone(&token), request));
    let outcome = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(tls), service)
        .await;
    if let Err(error) = outcome {
        tracing::debug!(%error, "connection");
    }
}

async fn answer(
    server: ApiServer,
    token: Arc<str>,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, BoxError> {
    let (parts, body) = request.into_parts();
    if !is_authorized(&parts.headers, &token) {
        return respond(
            &server,
            StatusError::new(401, "Unauthorized", "Unauthorized").into(),
        );
    }
    let body: Bytes = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("Request entity too large: limit is {BODY_LIMIT}");
            return respond(
                &server,
                StatusError::new(413, "RequestEntityTooLarge", message).into(),
            );
        }
        Err(error) => return Err(error),
    };
    server.answer(&parts, &body).await
}

/// Compares without telling by its duration how much was right.
fn is_authorized(headers: &HeaderMap, token: &str) -> bool {
    let sent = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    let difference = sent
        .bytes()
        .zip(token.bytes())
        .fold(0, |all, (a, b)| all | (a ^ b));
    sent.len() == token.len() && difference == 0
}
