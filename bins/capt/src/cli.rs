//! The command line.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use capt_operator::{EngineArgs, LogArgs};
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Kubernetes control planes through Terraform, for Cluster API.
#[derive(Debug, Clone, Parser)]
#[command(name = "capt", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be done.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    /// See CAPT at work: an API server, what Cluster API does, the operator and a demo, in this process
    Sandbox(SandboxArgs),
    /// Say how a cluster stands, why, and what to do next
    #[command(subcommand)]
    Describe(Described),
    /// Draw what depends on what
    #[command(subcommand)]
    Graph(Drawn),
}

/// The arguments of `capt sandbox`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SandboxArgs {
    /// Apply these manifests instead of the demo; - is standard input
    #[arg(short, long = "file", value_name = "FILE")]
    pub(crate) files: Vec<String>,

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

    /// Where the kubeconfig is written. Default: in a directory of its own, which goes with the sandbox
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

/// What can be described.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Described {
    /// A Cluster and everything that makes it
    Cluster(DescribeArgs),
}

/// What can be drawn.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Drawn {
    /// A Cluster and everything that makes it
    Cluster(GraphArgs),
}

/// Which cluster, and where it is.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClusterArgs {
    /// The Cluster's name
    pub(crate) name: String,

    /// The Cluster's namespace. Default: that of the context
    #[arg(short, long, value_name = "NS")]
    pub(crate) namespace: Option<String>,

    /// The kubeconfig file. Default: KUBECONFIG, else ~/.kube/config
    #[arg(long, value_name = "PATH")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig. Default: its current one
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

/// The arguments of `capt describe cluster`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DescribeArgs {
    /// Which cluster.
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,

    /// Show all conditions, not only those that say that something is not as wanted
    #[arg(long)]
    pub(crate) show_conditions: bool,
}

/// The arguments of `capt graph cluster`.
#[derive(Debug, Clone, Args)]
pub(crate) struct GraphArgs {
    /// Which cluster.
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,

    /// In which form
    #[arg(short, long, value_enum, default_value_t = GraphFormat::Text, value_name = "FORMAT")]
    pub(crate) output: GraphFormat,
}

/// The forms of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// A tree of lines.
    Text,
    /// A Mermaid flowchart.
    Mermaid,
    /// The DOT language of Graphviz.
    Dot,
    /// Nodes and edges.
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn help(path: &[&str]) -> String {
        let mut command = Cli::command().term_width(100);
        command.build();
        let mut command = &mut command;
        for name in path {
            command = command.find_subcommand_mut(name).unwrap();
        }
        command.render_long_help().to_string()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_says_what_there_is() {
        let pages = [
            &[][..],
            &["sandbox"],
            &["describe", "cluster"],
            &["graph", "cluster"],
        ];
        let page = |path: &&[&str]| {
            format!(
                "$ {} --help\n{}",
                [&["capt"], *path].concat().join(" "),
                help(path)
            )
        };
        let text: Vec<String> = pages.iter().map(page).collect();
        crate::output::golden("tests/golden/help.txt", &text.join("\n"));
    }
}
