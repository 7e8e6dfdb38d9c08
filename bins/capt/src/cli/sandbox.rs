//! The arguments of `capt sandbox`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use capt_operator::{EngineArgs, LogArgs};
use clap::Args;

/// The arguments of `capt sandbox`.
#[derive(Debug, Clone, Args)]
#[allow(clippy::struct_excessive_bools, reason = "they are the flags of the command")]
pub(crate) struct SandboxArgs {
    /// Apply these manifests instead of the demo: files, directories, or - for standard input
    #[arg(short, long = "filename", alias = "file", value_name = "FILE")]
    pub(crate) files: Vec<String>,

    /// With -f: also the directories in directories
    #[arg(short = 'R', long, requires = "files")]
    pub(crate) recursive: bool,

    /// Apply the kustomization in this directory, built by kubectl or kustomize
    #[arg(short = 'k', long, value_name = "DIR")]
    pub(crate) kustomize: Vec<PathBuf>,

    /// Print manifests to start from, and do nothing else
    #[arg(long, exclusive = true)]
    pub(crate) template: bool,

    /// Keep everything here: a sandbox that is started again with it goes on where it was, even if it was killed
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Stop once everything that was applied is ready, or needs a person
    #[arg(long)]
    pub(crate) until_ready: bool,

    /// Leave the operator out: run capt-operator beside it
    #[arg(long)]
    pub(crate) no_operator: bool,

    /// How Terraform is run.
    #[command(flatten)]
    pub(crate) engine: EngineArgs,

    /// Where the API server listens
    #[arg(long, value_name = "ADDR", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))]
    pub(crate) listen: SocketAddr,

    /// Where the kubeconfig is written. Default: in the directory of --data-dir, or in one that goes with the
    /// sandbox
    #[arg(long, value_name = "PATH")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Namespaces whose templates and Secrets may be used from all others
    #[arg(long, value_name = "NS,...", value_delimiter = ',', default_value = "default")]
    pub(crate) allow_namespaces: Vec<String>,

    /// Say in the end how many requests, changes and Terraform runs it took
    #[arg(long)]
    pub(crate) stats: bool,

    /// Logs.
    #[command(flatten)]
    pub(crate) log: LogArgs,
}
