//! What the sandbox has in it and a real server has not: the stand-in for the controllers of Cluster API.

use std::path::Path;

use capt_runtime::{Clock, Driver};
use capt_sandbox::stand_in;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::runtime::Runtime;

/// Runs until it is dropped.
#[derive(Debug)]
pub(crate) struct StandIn {
    _runtime: Runtime,
}

impl StandIn {
    /// Starts it against the server of a kubeconfig.
    pub(crate) fn start(kubeconfig: &Path) -> Self {
        // Another test may have installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
        runtime.spawn(async {
            let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
                .await
                .unwrap();
            let client = Client::try_from(config).unwrap();
            let driver = stand_in::install(Driver::builder(client, Clock::system())).build();
            driver.run(std::future::pending()).await;
        });
        Self { _runtime: runtime }
    }
}
