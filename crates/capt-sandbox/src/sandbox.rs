//! The sandbox itself: an API server, the stand-in, and the operator if it is wanted.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use capt_api::{
    CAPTCluster, CAPTControlPlane, Cluster, TerraformWorkspace, WorkspaceTemplateApply, all_crds, cluster_crd,
};
use capt_core::retry::seed_of;
use capt_k8s::Operator;
use capt_picture::{Node, NodeKey, NodeKind, Picture};
use capt_runtime::{Clock, Driver};
use capt_terraform::{Engine, Runs, RunsOptions};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use kube_sim::{
    ApiServer, Credentials, PersistError, Reopened, Running, ServeError, WorldFile, serve_https_as,
};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::convert;
use crate::counted::{Counted, EngineCounts};
use crate::data_dir::{DataDir, DataDirError, Settings, resolve};
use crate::kubeconfig::{Kubeconfig, KubeconfigError};
use crate::left::{self, Left};
use crate::stand_in;

/// The namespace of whatever names none.
pub const NAMESPACE: &str = "default";

/// Who installs the definitions.
const FIELD_MANAGER: &str = "capt-sandbox";

/// How a sandbox is made.
pub struct Options {
    /// Where the API server listens; port 0 for any free one.
    pub listen: SocketAddr,
    /// Where the kubeconfig is written.
    pub kubeconfig: PathBuf,
    /// Where everything is kept; without it a sandbox leaves nothing behind.
    pub data: Option<DataDir>,
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
    /// The kubeconfig cannot be written.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// The directory of the sandbox cannot be used.
    #[error(transparent)]
    Data(#[from] DataDirError),
    /// The objects of the sandbox cannot be kept, or not be taken up.
    #[error(
        "the objects of the sandbox are not as they were written; to begin anew, name another directory, or move this \
         file away together with sandbox.json beside it"
    )]
    World(#[from] PersistError),
    /// A definition was refused.
    #[error("install the definition {name}")]
    Definition {
        /// Its name.
        name: String,
        /// Why.
        source: Box<kube::Error>,
    },
}

/// What is out of the ordinary about the start of a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// It goes on where it was.
    Resumed {
        /// The resourceVersion at which it does.
        revision: u64,
    },
    /// The last record of its file was not complete.
    Dropped {
        /// How many bytes were dropped.
        bytes: u64,
    },
    /// It listens elsewhere than the last time.
    Moved {
        /// Where it was.
        from: u16,
        /// Where it is.
        to: u16,
    },
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Resumed { revision } => write!(f, "it goes on where it was, at resourceVersion {revision}"),
            Self::Dropped { bytes } => write!(
                f,
                "warning: the last {bytes} bytes of its file were never written completely and are dropped: the request \
                 that they belong to was not answered"
            ),
            Self::Moved { from, to } => write!(
                f,
                "warning: port {from} is taken by another program, so the API server listens at {to} now; whoever has \
                 read the kubeconfig before has to read it again"
            ),
        }
    }
}

/// A running sandbox.
pub struct Sandbox {
    server: ApiServer,
    https: Running,
    client: Client,
    kubeconfig: Kubeconfig,
    data: Option<DataDir>,
    remarks: Vec<Remark>,
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
    /// Events that watches have delivered.
    pub events: u64,
    /// Terraform runs.
    pub runs: u64,
    /// Steps of these runs, each of which is a process where the engine is a program.
    pub processes: u64,
}

impl Sandbox {
    /// Starts everything. The API server answers and the definitions are installed when this returns.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let path = resolve(&options.kubeconfig).unwrap_or(options.kubeconfig);
        Kubeconfig::check(&path)?;
        let mut remarks = Vec::new();
        let server = server(&options.clock, options.data.as_ref(), &mut remarks)?;
        let client = server.client(NAMESPACE);
        install_definitions(&client).await?;

        let settings = options.data.as_ref().and_then(DataDir::settings).cloned();
        let credentials = match &settings {
            Some(settings) => settings.credentials.clone(),
            None => Credentials::generate()?,
        };
        let before = settings.as_ref().map(|settings| settings.port);
        let https = serve(&server, options.listen, before, &credentials).await?;
        if let Some(from) = before.filter(|port| *port != https.addr.port() && options.listen.port() == 0) {
            remarks.push(Remark::Moved {
                from,
                to: https.addr.port(),
            });
        }
        let kubeconfig = Kubeconfig::write(&path, &https.kubeconfig)?;
        let mut data = options.data;
        if let Some(data) = &mut data {
            let mut settings = settings.unwrap_or_else(|| Settings::new(credentials, 0, PathBuf::new()));
            settings.port = https.addr.port();
            settings.kubeconfig.clone_from(&path);
            data.set_settings(settings)?;
        }

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
                config_path: Some(path.display().to_string()),
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
            data,
            remarks,
            runs,
            engine,
            stop,
            tasks,
        })
    }

    /// Remembers that manifests were applied: the next start with the same directory brings none of its own.
    pub fn begin(&mut self) -> Result<(), StartError> {
        if let Some(data) = &mut self.data {
            data.begin()?;
        }
        Ok(())
    }

    /// What is there and can become ready, without what was made for something else and what is being deleted.
    pub async fn present(&self) -> Result<Vec<NodeKey>, kube::Error> {
        let mut picture = Picture::default();
        list::<Cluster>(&self.client, &mut picture).await?;
        list::<CAPTCluster>(&self.client, &mut picture).await?;
        list::<CAPTControlPlane>(&self.client, &mut picture).await?;
        list::<WorkspaceTemplateApply>(&self.client, &mut picture).await?;
        list::<TerraformWorkspace>(&self.client, &mut picture).await?;
        let is_own = |node: &&Node| match node.key.kind {
            NodeKind::Apply | NodeKind::Workspace => node.parent.is_none(),
            NodeKind::Cluster | NodeKind::Infrastructure | NodeKind::ControlPlane => true,
            NodeKind::Template | NodeKind::Secret => false,
        };
        let present = picture.nodes().filter(|node| node.exists && !node.deleting);
        Ok(present.filter(is_own).map(|node| node.key.clone()).collect())
    }

    /// What is out of the ordinary about its start.
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// The API server.
    pub fn server(&self) -> &ApiServer {
        &self.server
    }

    /// The directory that outlives it.
    pub fn data(&self) -> Option<&DataDir> {
        self.data.as_ref()
    }

    /// A client of the API server, in process.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Where the kubeconfig is.
    pub fn kubeconfig(&self) -> &Path {
        self.kubeconfig.path()
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
            events: counters.events,
            runs: self.engine.as_ref().map_or(0, |engine| engine.runs()),
            processes: self.engine.as_ref().map_or(0, |engine| engine.processes()),
        }
    }

    /// What is under way and what was made, for somebody who is about to stop the sandbox.
    pub async fn left(&self) -> Left {
        left::look(&self.client, self.runs.as_ref()).await
    }

    /// Stops the controllers, asks the runs that go on to stop, waits for them, and stops the API server. Without a
    /// directory the state goes with it, and the kubeconfig. Says what is left; runs that have not stopped within
    /// `grace` are still under way.
    pub async fn shutdown(self, grace: Duration) -> Left {
        self.stop.send_replace(true);
        for task in self.tasks {
            // A controller that panicked has said so; the others are stopped all the same.
            let _ = tokio::time::timeout(Duration::from_secs(5), task).await;
        }
        let runs = self.runs.as_ref();
        if let Some(runs) = runs {
            left::stop(&self.client, runs, grace).await;
        }
        let left = left::look(&self.client, runs).await;
        self.https.shutdown().await;
        // The last writes are in the file before anybody hears that it is over.
        self.server.set_journal(None);
        if self.data.is_none() {
            // It points at nothing any more; that it stays behind does no harm.
            let _ = self.kubeconfig.remove();
        }
        left
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("kubeconfig", &self.kubeconfig.path())
            .finish_non_exhaustive()
    }
}

/// The API server with a new world, or with that of the directory.
fn server(clock: &Clock, data: Option<&DataDir>, remarks: &mut Vec<Remark>) -> Result<ApiServer, StartError> {
    let clock = clock.clone();
    let clock = kube_sim::Clock::new(move || clock.now());
    let reopened = data
        .map(|data| WorldFile::open(&data.world()))
        .transpose()?
        .flatten();
    let Some(reopened) = reopened else {
        if let Some(data) = data.filter(|data| data.settings().is_some()) {
            return Err(DataDirError::WorldMissing(data.world()).into());
        }
        let server = ApiServer::new(clock);
        server.with_world(|world, now| {
            convert::register(world);
            // Working directories outlive a sandbox and are found by uid.
            world.seed_uids(seed_of(&format!("{now} {}", std::process::id())));
        });
        if let Some(data) = data {
            let file = WorldFile::create(&data.world(), &server.world())?;
            server.set_journal(Some(Box::new(file)));
        }
        return Ok(server);
    };
    let Reopened {
        mut world,
        file,
        dropped,
    } = reopened;
    convert::register(&mut world);
    remarks.push(Remark::Resumed {
        revision: world.revision(),
    });
    if dropped > 0 {
        remarks.push(Remark::Dropped { bytes: dropped });
    }
    let server = ApiServer::from_world(world, clock);
    server.set_journal(Some(Box::new(file)));
    Ok(server)
}

/// Listens where it did before, if nobody asks for another place and it is free.
async fn serve(
    server: &ApiServer,
    listen: SocketAddr,
    before: Option<u16>,
    credentials: &Credentials,
) -> Result<Running, ServeError> {
    let Some(port) = before.filter(|_| listen.port() == 0) else {
        return serve_https_as(server.clone(), listen, credentials).await;
    };
    let same = SocketAddr::new(listen.ip(), port);
    match serve_https_as(server.clone(), same, credentials).await {
        Err(ServeError::Listen { source, .. }) if source.kind() == ErrorKind::AddrInUse => {
            serve_https_as(server.clone(), listen, credentials).await
        }
        result => result,
    }
}

/// Installs the definitions of this program; those that are there already and the same are not written.
async fn install_definitions(client: &Client) -> Result<(), StartError> {
    let api = Api::<CustomResourceDefinition>::all(client.clone());
    let params = PatchParams::apply(FIELD_MANAGER).force();
    for definition in all_crds().iter().chain([&cluster_crd()]) {
        let name = definition.name_any();
        let applied = api.patch(&name, &params, &Patch::Apply(definition)).await;
        applied.map_err(|source| StartError::Definition {
            name,
            source: Box::new(source),
        })?;
    }
    Ok(())
}

async fn list<K>(client: &Client, picture: &mut Picture) -> Result<(), kube::Error>
where
    K: kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
    for<'a> Node: From<&'a K>,
{
    for object in Api::<K>::all(client.clone()).list(&ListParams::default()).await? {
        picture.set(Node::from(&object));
    }
    Ok(())
}

async fn wait_for(mut stopped: watch::Receiver<bool>) {
    // A sender that is gone asks for the same.
    let _ = stopped.wait_for(|stop| *stop).await;
}
