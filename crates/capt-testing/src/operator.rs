//! The processes of the installation: the operator and the stand-in for Cluster API.

use std::collections::BTreeSet;
use std::sync::Arc;

use capt_runtime::{Clock, Driver};
use capt_terraform::{Runs, RunsOptions, Simulated, SimulatedCloud};
use http::HeaderValue;
use http::header::USER_AGENT;
use jiff::Timestamp;
use kube_sim::ApiServer;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower::util::MapRequestLayer;
use tower::{Layer as _, ServiceExt as _};

use crate::engine::Observed;
use crate::recorder::{OPERATOR, Recorder};

/// A running process.
pub(crate) struct Process {
    task: JoinHandle<()>,
    shutdown: oneshot::Sender<()>,
}

impl Process {
    fn spawn(driver: Driver) -> Self {
        let (shutdown, asked) = oneshot::channel::<()>();
        let task = tokio::spawn(driver.run(async {
            // Whoever let the sender go wants the end as well.
            let _ = asked.await;
        }));
        Self { task, shutdown }
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(self) {
        // It may have ended already.
        let _ = self.shutdown.send(());
        self.task.await.unwrap();
    }

    /// Ends it as `kill -9` does.
    pub(crate) async fn kill(self) {
        self.task.abort();
        // It was cancelled, or it had ended before.
        let _ = self.task.await;
    }

    pub(crate) fn handle(&self) -> tokio::task::AbortHandle {
        self.task.abort_handle()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.task.is_finished()
    }
}

/// A client whose requests can be told from those of others.
pub(crate) fn client(server: &ApiServer, name: &'static str) -> kube::Client {
    let named = MapRequestLayer::new(move |mut request: http::Request<kube::client::Body>| {
        request
            .headers_mut()
            .insert(USER_AGENT, HeaderValue::from_static(name));
        request
    });
    kube::Client::new(
        named.layer(server.clone()).map_err(kube::Error::Service),
        "default",
    )
}

/// What an installation decides.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Namespaces whose objects may be used from every namespace.
    pub allow_namespaces: BTreeSet<String>,
    /// How many rounds run together.
    pub workers: usize,
    /// The seed of every jitter.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow_namespaces: BTreeSet::new(),
            workers: 4,
            seed: 0,
        }
    }
}

pub(crate) fn clock(server: &ApiServer) -> impl Fn() -> Timestamp + Send + Sync + Clone + 'static {
    let clock = server.clock().clone();
    move || clock.now()
}

/// Starts the operator.
pub(crate) fn start(recorder: &Arc<Recorder>, cloud: &SimulatedCloud, settings: &Settings) -> Process {
    let server = recorder.server();
    let engine = Observed {
        inner: Simulated::new(cloud.clone()),
        recorder: recorder.clone(),
    };
    let runs = Runs::new(Arc::new(engine), &RunsOptions::default(), Arc::new(clock(server)));
    let workspaces = capt_workspace::Options {
        allow_namespaces: settings.allow_namespaces.clone(),
        ..capt_workspace::Options::new(runs)
    };
    let options = capt_k8s::Options {
        allow_namespaces: settings.allow_namespaces.clone(),
        ..capt_k8s::Options::default()
    };
    let driver = Driver::builder(client(server, OPERATOR), Clock::new(clock(server)))
        .workers(settings.workers)
        .seed(settings.seed);
    let driver = capt_workspace::install(driver, workspaces);
    Process::spawn(capt_k8s::install(driver, options).build())
}

/// Starts what does to the objects of providers what the core of Cluster API does.
pub(crate) fn start_stand_in(server: &ApiServer) -> Process {
    let driver = Driver::builder(client(server, "cluster-api"), Clock::new(clock(server)));
    Process::spawn(capt_sandbox::stand_in::install(driver).build())
}
