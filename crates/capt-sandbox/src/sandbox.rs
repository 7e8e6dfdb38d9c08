//! The sandbox itself: an API server, the stand-in, and the operator if it is wanted.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use capt_api::{TerraformWorkspace, all_crds, cluster_crd};
use capt_core::retry::seed_of;
use capt_k8s::Operator;
use capt_runtime::{Clock, Driver, ObjectKey};
use capt_terraform::{Engine, Runs, RunsOptions, Stage, WorkspaceId};
use futures::StreamExt as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, ResourceExt};
use kube_sim::{ApiServer, Running, ServeError, serve_https, write_kubeconfig};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::convert;
use crate::counted::{Counted, EngineCounts};
use crate::manifests::{self, Manifest, ManifestError};
use crate::picture::NodeKey;
use crate::stand_in;

/// The namespace of whatever names none.
pub const NAMESPACE: &str = "default";

/// What kubeconfigs of sandboxes have in common.
const KUBECONFIG_MARK: &str = "name: kube-sim";

/// How a sandbox is made.
#[derive(Clone)]
pub struct Options {
    /// Where the API server listens; port 0 for any free one.
    pub listen: SocketAddr,
    /// Where the kubeconfig is written.
    pub kubeconfig: PathBuf,
    /// What runs workspaces; without it there is no operator in the sandbox.
    pub engine: Option<Arc<dyn Engine>>,
    /// The namespaces that others may refer to.
    pub allow_namespaces: BTreeSet<String>,
    /// The time of day.
    pub clock: Clock,
}

/// Why a sandbox could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The API server cannot be reached over HTTPS.
    #[error("serve the API")]
    Serve(#[from] ServeError),
    /// There is a file in the place of the kubeconfig that no sandbox has written.
    #[error("{} is there already and not a sandbox's: name another file, or remove it", .0.display())]
    KubeconfigTaken(PathBuf),
    /// The kubeconfig cannot be written.
    #[error("write the kubeconfig {}", .path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A definition was refused.
    #[error("install the definition {name}")]
    Definition {
        /// Its name.
        name: String,
        /// Why.
        source: Box<kube::Error>,
    },
}

/// A running sandbox.
pub struct Sandbox {
    server: ApiServer,
    https: Running,
    client: Client,
    kubeconfig: PathBuf,
    runs: Option<Runs>,
    engine: Option<Arc<EngineCounts>>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// What a sandbox has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Gets and lists that were answered.
    pub reads: u64,
    /// Creates, updates, patches and deletes.
    pub writes: u64,
    /// Those of them that changed something.
    pub changes: u64,
    /// Watches that were opened.
    pub watches: u64,
    /// Terraform runs.
    pub runs: u64,
    /// Steps of these runs, each of which is a process where the engine is a program.
    pub processes: u64,
}

impl Sandbox {
    /// Starts everything. The API server answers and the definitions are installed when this returns.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        check_kubeconfig(&options.kubeconfig)?;
        let clock = options.clock.clone();
        let server = ApiServer::new(kube_sim::Clock::new(move || clock.now()));
        server.with_world(|world, now| {
            convert::register(world);
            // Working directories outlive a sandbox and are found by uid.
            world.seed_uids(seed_of(&format!("{now} {}", std::process::id())));
        });
        let client = server.client(NAMESPACE);
        install_definitions(&client).await?;

        let https = serve_https(server.clone(), options.listen).await?;
        let kubeconfig = std::path::absolute(&options.kubeconfig).unwrap_or(options.kubeconfig);
        write_kubeconfig(&kubeconfig, &https.kubeconfig).map_err(|source| StartError::Kubeconfig {
            path: kubeconfig.clone(),
            source,
        })?;

        let (stop, stopped) = watch::channel(false);
        let stand_in = stand_in::install(Driver::builder(client.clone(), options.clock.clone())).build();
        let mut tasks = vec![tokio::spawn(stand_in.run(wait_for(stopped.clone())))];
        let (mut runs, mut engine) = (None, None);
        if let Some(chosen) = options.engine {
            let (counted, counts) = Counted::new(chosen);
            let clock = options.clock.clone();
            let now = Arc::new(move || clock.now());
            let all = Runs::new(Arc::new(counted), &RunsOptions::default(), now);
            let workspaces = capt_workspace::Options {
                config_path: Some(kubeconfig.display().to_string()),
                allow_namespaces: options.allow_namespaces.clone(),
                ..capt_workspace::Options::new(all.clone())
            };
            let operator = Operator::builder(client.clone(), options.clock)
                .options(capt_k8s::Options {
                    allow_namespaces: options.allow_namespaces,
                    ..capt_k8s::Options::default()
                })
                .with(|driver| capt_workspace::install(driver, workspaces))
                .build();
            tasks.push(tokio::spawn(operator.run(wait_for(stopped))));
            (runs, engine) = (Some(all), Some(counts));
        }
        Ok(Self {
            server,
            https,
            client,
            kubeconfig,
            runs,
            engine,
            stop,
            tasks,
        })
    }

    /// Applies manifests, in an order that works; returns the objects that can become ready.
    pub async fn apply(&self, mut all: Vec<Manifest>) -> Result<Vec<NodeKey>, ManifestError> {
        manifests::sort(&mut all);
        manifests::apply(&self.client, &all, NAMESPACE).await
    }

    /// A client of the API server, in process.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Where the kubeconfig is.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Where the API server listens.
    pub fn address(&self) -> SocketAddr {
        self.https.addr
    }

    /// What was done so far.
    pub fn stats(&self) -> Stats {
        let counters = self.server.counters();
        Stats {
            reads: counters.reads(),
            writes: counters.writes(),
            changes: counters.changes,
            watches: counters.watches(),
            runs: self.engine.as_ref().map_or(0, |engine| engine.runs()),
            processes: self.engine.as_ref().map_or(0, |engine| engine.processes()),
        }
    }

    /// Stops the controllers, asks the runs that go on to stop, waits for them, and stops the API server, with
    /// which their state goes. Returns the workspaces whose run has not stopped within `grace`.
    pub async fn shutdown(self, grace: Duration) -> Vec<String> {
        self.stop.send_replace(true);
        for task in self.tasks {
            // A controller that panicked has said so; the others are stopped all the same.
            let _ = tokio::time::timeout(Duration::from_secs(5), task).await;
        }
        let left = match &self.runs {
            Some(runs) => stop_runs(&self.client, runs, grace).await,
            None => Vec::new(),
        };
        self.https.shutdown().await;
        left
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("kubeconfig", &self.kubeconfig)
            .finish_non_exhaustive()
    }
}

/// Asks all runs to stop and waits for them; returns the workspaces whose run goes on.
async fn stop_runs(client: &Client, runs: &Runs, grace: Duration) -> Vec<String> {
    let listed = Api::<TerraformWorkspace>::all(client.clone())
        .list(&ListParams::default())
        .await;
    let workspaces = listed.map(|list| list.items).unwrap_or_default();
    let active = || {
        workspaces.iter().filter(|workspace| {
            let view = runs.view(&WorkspaceId::new(workspace.uid().unwrap_or_default()));
            view.is_some_and(|view| view.stage != Stage::Ended)
        })
    };
    let mut changes = std::pin::pin!(runs.changes());
    for workspace in active() {
        runs.cancel(&WorkspaceId::new(workspace.uid().unwrap_or_default()));
    }
    let all_ended = async { while active().next().is_some() && changes.next().await.is_some() {} };
    // What has not stopped by then is named.
    let _ = tokio::time::timeout(grace, all_ended).await;
    active()
        .map(|workspace| ObjectKey::of(workspace).to_string())
        .collect()
}

/// A kubeconfig of somebody else is never replaced.
fn check_kubeconfig(path: &Path) -> Result<(), StartError> {
    match std::fs::read_to_string(path) {
        Ok(text) if !text.contains(KUBECONFIG_MARK) => Err(StartError::KubeconfigTaken(path.to_owned())),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(StartError::Kubeconfig {
            path: path.to_owned(),
            source,
        }),
    }
}

async fn install_definitions(client: &Client) -> Result<(), StartError> {
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    for definition in all_crds().iter().chain([&cluster_crd()]) {
        let created = api.create(&PostParams::default(), definition).await;
        created.map_err(|source| StartError::Definition {
            name: definition.name_any(),
            source: Box::new(source),
        })?;
    }
    Ok(())
}

async fn wait_for(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone asks for the same.
    let _ = stopped.wait_for(|stop| *stop).await;
}
