//! A connection to a management cluster.

use std::time::Duration;

use kube::{Client, Config};

use crate::cli::ConnectionArgs;
use crate::failure::{Failure, Request, Server, innermost};
use crate::kubeconfig;

/// How long one request may take unless somebody says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A connection, and the namespace that is meant.
#[derive(Clone)]
pub(crate) struct Session {
    /// The client.
    pub(crate) client: Client,
    /// The namespace.
    pub(crate) namespace: String,
    /// Which server it is, for messages.
    pub(crate) server: Server,
    /// How long one request may take; for ever without.
    pub(crate) timeout: Option<Duration>,
}

impl Session {
    /// Sets a connection up as the arguments and the environment have it. No request is made.
    pub(crate) async fn new(args: &ConnectionArgs) -> Result<Self, Failure> {
        let variable = std::env::var_os("KUBECONFIG");
        let home = std::env::home_dir();
        let read = kubeconfig::read(args.kubeconfig.as_deref(), variable.as_deref(), home.clone())?;
        if let Some(read) = read {
            let context = read.context(args.context.as_deref())?;
            let config = read.client_config(&context).await?;
            return Self::with(args, config, context, read.names());
        }
        let Ok(config) = Config::incluster() else {
            let looked = home.map(|home| home.join(".kube/config"));
            return Err(Failure::NoKubeconfig {
                looked: looked.into_iter().collect(),
            });
        };
        Self::with(args, config, String::new(), String::new())
    }

    fn with(
        args: &ConnectionArgs,
        mut config: Config,
        context: String,
        kubeconfig: String,
    ) -> Result<Self, Failure> {
        let timeout = args.request_timeout.unwrap_or(TIMEOUT);
        let timeout = Some(timeout).filter(|timeout| !timeout.is_zero());
        if let Some(timeout) = timeout {
            config.connect_timeout = Some(timeout);
        }
        let server = Server {
            address: config.cluster_url.to_string().trim_end_matches('/').to_owned(),
            context: context.clone(),
            kubeconfig: kubeconfig.clone(),
        };
        let namespace = args.namespace.clone();
        let namespace = namespace.unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).map_err(|error| Failure::UnusableContext {
            context,
            files: kubeconfig,
            reason: innermost(&error),
        })?;
        Ok(Self {
            client,
            namespace,
            server,
            timeout,
        })
    }

    /// Waits for the answer to a request.
    pub(crate) async fn ask<T>(
        &self,
        request: Request,
        answer: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Failure> {
        let answered = match self.timeout {
            Some(after) => match tokio::time::timeout(after, answer).await {
                Ok(answered) => answered,
                Err(_) => {
                    return Err(Failure::TimedOut {
                        server: Box::new(self.server.clone()),
                        request: Box::new(request),
                        after,
                    });
                }
            },
            None => answer.await,
        };
        answered.map_err(|error| Failure::of(error, &self.server, request))
    }
}
