//! The server on a socket: TLS by a certificate authority of its own, and a token that every request must carry.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::access;
use super::answer::respond;
use super::credentials::Credentials;
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

/// Serves over HTTPS on an address, port 0 for any free one, with new credentials.
pub async fn serve_https(server: ApiServer, addr: SocketAddr) -> Result<Running, ServeError> {
    serve_https_as(server, addr, &Credentials::generate()?).await
}

/// Serves over HTTPS on an address, port 0 for any free one, with credentials that clients may know already.
pub async fn serve_https_as(
    server: ApiServer,
    addr: SocketAddr,
    credentials: &Credentials,
) -> Result<Running, ServeError> {
    let config = credentials.server_config(addr)?;
    let listener = TcpListener::bind(addr)
        .await
        .map_err(|source| ServeError::Listen { addr, source })?;
    let addr = listener
        .local_addr()
        .map_err(|source| ServeError::Listen { addr, source })?;
    let kubeconfig = kubeconfig(addr, credentials.authority(), credentials.token());
    let token = Arc::from(credentials.token());
    server.sign_with(credentials.token());
    let (stop, stopped) = watch::channel(());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let task = tokio::spawn(accept(listener, acceptor, server, token, stopped));
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
    let (mut parts, body) = request.into_parts();
    let known = {
        let world = server.world();
        access::authenticate(&world, &parts.headers, &token, server.clock().now())
    };
    match known {
        Ok(user) => {
            parts.extensions.insert(user);
        }
        Err(refusal) => return respond(&server, refusal.into()),
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
