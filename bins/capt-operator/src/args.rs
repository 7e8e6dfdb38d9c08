//! The command line.

#![allow(
    clippy::doc_markdown,
    reason = "these doc comments are the help text, which people read as it is"
)]

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser};
use telemetry::LogFormat;

use crate::engine::EngineArgs;

/// Runs the CAPT controllers against a Kubernetes cluster.
///
/// Without --kubeconfig it takes the service account of the pod that it runs in.
#[derive(Debug, Clone, Parser)]
#[command(name = "capt-operator", version)]
pub struct Args {
    /// The kubeconfig file of the management cluster; its current context counts. Terraform keeps its state
    /// there too
    #[arg(long, value_name = "PATH", env = "KUBECONFIG", hide_env_values = true)]
    pub kubeconfig: Option<PathBuf>,

    /// Work on the objects of this namespace only
    #[arg(long, value_name = "NS")]
    pub namespace: Option<String>,

    /// Namespaces whose templates and Secrets may be used from all others
    #[arg(long, value_name = "NS,...", value_delimiter = ',')]
    pub allow_namespaces: Vec<String>,

    /// How many objects are worked on at the same time
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub workers: usize,

    /// How Terraform is run.
    #[command(flatten)]
    pub engine: EngineArgs,

    /// As the first process of a container, which takes all others along: how long the runs of Terraform get to stop
    /// when the operator is asked to. Less than the terminationGracePeriodSeconds of the pod
    #[arg(long, value_name = "SECONDS", default_value_t = 25)]
    pub stop_grace: u64,

    /// Where /healthz and /readyz answer
    #[arg(long, value_name = "ADDR")]
    pub health_addr: Option<SocketAddr>,

    /// Where /metrics answers
    #[arg(long, value_name = "ADDR")]
    pub metrics_addr: Option<SocketAddr>,

    /// Logs.
    #[command(flatten)]
    pub log: LogArgs,
}

/// How this process logs, on stderr.
#[derive(Debug, Clone, ClapArgs)]
pub struct LogArgs {
    /// What is logged, in the form of RUST_LOG: info,capt_terraform=debug
    #[arg(long, value_name = "FILTER", env = "RUST_LOG", hide_env_values = true)]
    pub log: Option<String>,

    /// The form of a log line: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = str::parse::<LogFormat>)]
    pub log_format: LogFormat,
}
