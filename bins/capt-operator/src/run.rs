//! The operator, put together and run until it is asked to stop.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use capt_k8s::Operator;
use capt_runtime::Clock;
use capt_terraform::{Runs, RunsOptions};
use http::HeaderValue;
use http::header::USER_AGENT;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::args::Args;
use crate::engine::{Fallback, choose, default_work_dir};
use crate::{endpoints, metrics, process};

/// What is logged unless somebody says otherwise.
const LOG_FILTER: &str = "info,kube=warn,tower=warn,hyper=warn";

/// Runs the operator until the process is asked to stop.
///
/// Terraform processes that run then are left running: each has a process group and files of its own, and the
/// next start finds it in the working directory and goes on with it. Only where they would die with this process are
/// they asked to stop, so that they store their states and let go of their locks.
pub async fn run(args: Args) -> Result<()> {
    process::install_tls();
    process::init_logs(&args.log, LOG_FILTER)?;
    let stop = process::stop_signal()?;

    let (client, config_path) = connect(args.kubeconfig).await?;
    let env = |name: &str| std::env::var_os(name);
    let work_dir = match &args.engine.work_dir {
        Some(named) => named.clone(),
        None => default_work_dir(env)?,
    };
    // In a directory that was named for it, and in no other: what is simulated for one cluster is not there for another.
    let kept = args.engine.work_dir.as_ref().map(|it| it.join("simulated.json"));
    let chosen = choose(&args.engine, &work_dir, kept.as_deref(), Fallback::Refuse, env).await?;
    tracing::info!(engine = %chosen.title, work_dir = %work_dir.display(), "workspaces are run");

    let clock = Clock::system();
    let now = clock.clone();
    let runs = Runs::new(
        chosen.engine,
        &RunsOptions::default(),
        Arc::new(move || now.now()),
    );
    let allow_namespaces: BTreeSet<String> = args.allow_namespaces.into_iter().collect();
    let workspaces = capt_workspace::Options {
        config_path: config_path.map(|path| path.display().to_string()),
        allow_namespaces: allow_namespaces.clone(),
        ..capt_workspace::Options::new(runs.clone())
    };
    let counts = telemetry::Metrics::new();
    let driver_metrics = metrics::DriverMetrics(counts.clone());
    let operator = Operator::builder(client, clock.clone())
        .namespace(args.namespace)
        .workers(args.workers)
        .options(capt_k8s::Options {
            allow_namespaces,
            ..capt_k8s::Options::default()
        })
        .with(|driver| capt_workspace::install(driver.metrics(driver_metrics), workspaces))
        .build();

    let addresses = [args.health_addr, args.metrics_addr];
    endpoints::serve(
        addresses.into_iter().flatten(),
        &counts,
        &operator.health(),
        &clock,
    )
    .await?;
    let counting = tokio::spawn(metrics::count_runs(runs.clone(), counts));
    operator.run(stop).await;
    counting.abort();
    if process::takes_others_along() {
        stop_runs(&runs, Duration::from_secs(args.stop_grace)).await;
    } else {
        tracing::info!("stopped; Terraform processes that run go on without the operator");
    }
    Ok(())
}

/// Asks all runs to stop and waits for them, for as long as `grace`.
async fn stop_runs(runs: &Runs, grace: Duration) {
    let asked = runs.under_way().len();
    if asked > 0 {
        tracing::info!(
            runs = asked,
            ?grace,
            "runs are asked to stop: they would be killed with this process"
        );
    }
    if tokio::time::timeout(grace, runs.stop_all()).await.is_ok() {
        tracing::info!(runs = asked, "stopped, and every run with it");
        return;
    }
    let workspaces: Vec<String> = runs.under_way().iter().map(ToString::to_string).collect();
    tracing::warn!(
        ?workspaces,
        "runs have not stopped in time and are killed with this process; the next operator completes what is missing"
    );
}

/// A client of the management cluster, and the kubeconfig file that Terraform reaches it with, if it is one.
async fn connect(kubeconfig: Option<PathBuf>) -> Result<(Client, Option<PathBuf>)> {
    let (mut config, path) = if let Some(path) = kubeconfig {
        let path = std::path::absolute(&path).with_context(|| format!("find {}", path.display()))?;
        let read = Kubeconfig::read_from(&path);
        let read = read.with_context(|| format!("read the kubeconfig {}", path.display()))?;
        let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await;
        (
            config.with_context(|| format!("use the kubeconfig {}", path.display()))?,
            Some(path),
        )
    } else {
        let config = Config::incluster();
        (
            config.context("there is no --kubeconfig, and this is no pod with a service account")?,
            None,
        )
    };
    // In the audit log of the server it is told from other clients by this.
    let agent = concat!("capt-operator/", env!("CARGO_PKG_VERSION"));
    config.headers.push((USER_AGENT, HeaderValue::from_static(agent)));
    let client = Client::try_from(config).context("set up the connection to the API server")?;
    Ok((client, path))
}
