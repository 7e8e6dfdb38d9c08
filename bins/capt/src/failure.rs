//! What can go wrong between this program and a cluster, in words that say what to do.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use capt_sandbox::manifests::Excerpt;
use miette::{Diagnostic, SourceSpan};
use thiserror::Error;

/// Which server was meant, and how it came to be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Server {
    /// Its address.
    pub(crate) address: String,
    /// The context; empty without a kubeconfig.
    pub(crate) context: String,
    /// The kubeconfig files; empty in a pod.
    pub(crate) kubeconfig: String,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kubeconfig.is_empty() {
            write!(f, "{} (the service account of this pod)", self.address)
        } else {
            let Self {
                address,
                context,
                kubeconfig,
            } = self;
            write!(f, "{address} (context {context} of {kubeconfig})")
        }
    }
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// The verb of the right that it needs.
    pub(crate) verb: &'static str,
    /// The resource with its group, as kubectl writes it.
    pub(crate) resource: String,
    /// The namespace; empty for all.
    pub(crate) namespace: String,
}

impl Request {
    /// The command that says whether one may.
    fn can_i(&self) -> String {
        let scope = if self.namespace.is_empty() {
            "-A".to_owned()
        } else {
            format!("-n {}", self.namespace)
        };
        format!("kubectl auth can-i {} {} {scope}", self.verb, self.resource)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if self.namespace.is_empty() {
            f.write_str(" in all namespaces")
        } else {
            write!(f, " in namespace {}", self.namespace)
        }
    }
}

/// What can go wrong between this program and a cluster.
#[derive(Debug, Error, Diagnostic)]
pub(crate) enum Failure {
    #[error("there is no kubeconfig: {}", paths(.looked))]
    #[diagnostic(help(
        "name one with --kubeconfig or KUBECONFIG; `capt sandbox` prints the path of its own"
    ))]
    NoKubeconfig {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },

    #[error("cannot read the kubeconfig {}", .path.display())]
    UnreadableKubeconfig {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },

    #[error("the kubeconfig {} cannot be understood", .path.display())]
    #[diagnostic(help("correct the file, or name another one with --kubeconfig"))]
    BrokenKubeconfig {
        path: PathBuf,
        /// What is wrong.
        reason: String,
        #[source_code]
        text: Arc<Excerpt>,
        #[label("{reason}")]
        at: Option<SourceSpan>,
    },

    #[error("the kubeconfig {files} has no context {name}")]
    #[diagnostic(help("{}", contexts(.known)))]
    NoSuchContext {
        name: String,
        files: String,
        known: Vec<String>,
    },

    #[error("the kubeconfig {files} has no current context")]
    #[diagnostic(help("{}", contexts(.known)))]
    NoCurrentContext { files: String, known: Vec<String> },

    #[error("the context {context} of {files} cannot be used: {reason}")]
    UnusableContext {
        context: String,
        files: String,
        reason: String,
    },

    #[error("cannot reach the API server {server}: {reason}")]
    #[diagnostic(help(
        "see that the server runs and that the address is right; another cluster is chosen with --context or \
         --kubeconfig"
    ))]
    Unreachable { server: Box<Server>, reason: String },

    #[error("the API server {server} has not answered within {}s ({request})", .after.as_secs())]
    #[diagnostic(help("give it longer with --request-timeout"))]
    TimedOut {
        server: Box<Server>,
        request: Box<Request>,
        after: Duration,
    },

    #[error("the API server {server} does not accept the credentials: {reason}")]
    #[diagnostic(help("renew the credentials of the context's user"))]
    Unauthorized { server: Box<Server>, reason: String },

    #[error("the right to {request} is missing on {server}: {reason}")]
    #[diagnostic(help("ask for it; whether it is there says: {}", .request.can_i()))]
    Forbidden {
        server: Box<Server>,
        request: Box<Request>,
        reason: String,
    },

    #[error("{what} is not installed in this cluster: {server}")]
    #[diagnostic(help("{help}"))]
    NotInstalled {
        what: &'static str,
        server: Box<Server>,
        help: &'static str,
    },

    #[error("there is no Cluster {name} in namespace {namespace}")]
    #[diagnostic(help("{help}"))]
    NoSuchCluster {
        name: String,
        namespace: String,
        help: String,
    },

    #[error("{server} refused to {request}: {reason}")]
    Refused {
        server: Box<Server>,
        request: Box<Request>,
        reason: String,
    },

    #[error("there is no {wanted} in this graph")]
    #[diagnostic(help("{help}"))]
    NoSuchNode { wanted: String, help: String },
}

impl Failure {
    /// What an error of the client means.
    pub(crate) fn of(error: kube::Error, server: &Server, request: Request) -> Self {
        let (server, request) = (Box::new(server.clone()), Box::new(request));
        match error {
            kube::Error::Api(status) => {
                let reason = if status.message.is_empty() {
                    format!("status {}", status.code)
                } else {
                    status.message.clone()
                };
                match status.code {
                    401 => Self::Unauthorized { server, reason },
                    403 => Self::Forbidden {
                        server,
                        request,
                        reason,
                    },
                    _ => Self::Refused {
                        server,
                        request,
                        reason,
                    },
                }
            }
            kube::Error::Auth(error) => Self::Unauthorized {
                server,
                reason: innermost(&error),
            },
            error @ (kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_)) => {
                Self::Unreachable {
                    server,
                    reason: innermost(&error),
                }
            }
            kube::Error::SerdeError(error) => Self::Refused {
                server,
                request,
                reason: format!("its answer cannot be understood: {error}"),
            },
            // Errors of a foreign library, which may have more of them tomorrow.
            error => Self::Refused {
                server,
                request,
                reason: innermost(&error),
            },
        }
    }
}

/// What lies at the bottom of an error: what is above it repeats it, or says that something failed.
pub(crate) fn innermost(error: &dyn StdError) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

fn paths(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    if paths.is_empty() {
        "nothing says where one could be".to_owned()
    } else {
        format!("{} does not exist", paths.join(", "))
    }
}

fn contexts(known: &[String]) -> String {
    if known.is_empty() {
        "it has no context at all; name another file with --kubeconfig".to_owned()
    } else {
        format!("name one with --context: {}", known.join(", "))
    }
}
