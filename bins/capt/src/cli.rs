//! The command line.

mod connection;
mod sandbox;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(crate) use connection::ConnectionArgs;
pub(crate) use sandbox::SandboxArgs;

/// Kubernetes control planes through Terraform, for Cluster API.
#[derive(Debug, Clone, Parser)]
#[command(name = "capt", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Where the management cluster is; may stand before the command, too.
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

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
    Describe(Describe),
    /// Draw what depends on what, or say what a change would touch
    Graph(Graph),
    /// See what happens to clusters while it happens
    Watch(Watch),
    /// Print a script that completes commands in a shell
    Completion(CompletionArgs),
    /// Print the manual, or write one page for each command
    Man(ManArgs),
    /// Complete a command line for kubectl: what `kubectl_complete-capt` calls
    #[command(name = "__complete", hide = true)]
    Complete(CompleteArgs),
}

/// `capt describe`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Describe {
    /// Where the management cluster is.
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

    /// What to describe.
    #[command(subcommand)]
    pub(crate) what: Described,
}

/// What can be described.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Described {
    /// A Cluster and everything that makes it
    Cluster(DescribeArgs),
}

/// `capt graph`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Graph {
    /// Where the management cluster is.
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

    /// What to draw.
    #[command(subcommand)]
    pub(crate) what: Drawn,
}

/// What can be drawn.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Drawn {
    /// A Cluster and everything that makes it
    Cluster(GraphArgs),
}

/// `capt watch`.
#[derive(Debug, Clone, Args)]
pub(crate) struct Watch {
    /// Where the management cluster is.
    #[command(flatten)]
    pub(crate) connection: ConnectionArgs,

    /// Watch all namespaces
    #[arg(short = 'A', long, global = true)]
    pub(crate) all_namespaces: bool,

    /// What to watch. Default: all clusters of the namespace
    #[command(subcommand)]
    pub(crate) what: Option<Watched>,
}

/// What can be watched.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Watched {
    /// A Cluster and everything that makes it
    Cluster(WatchArgs),
}

/// The arguments of `capt describe cluster`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DescribeArgs {
    /// The Cluster's name
    pub(crate) name: String,

    /// In which form
    #[arg(short, long, value_enum, default_value_t = PageFormat::Text, value_name = "FORMAT")]
    pub(crate) output: PageFormat,

    /// Show all conditions, not only those that say that something is not as wanted
    #[arg(long)]
    pub(crate) show_conditions: bool,
}

/// The forms of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PageFormat {
    /// For people.
    Text,
    /// For programs, of a stable shape.
    Json,
    /// The same as YAML.
    Yaml,
}

/// The arguments of `capt graph cluster`.
#[derive(Debug, Clone, Args)]
pub(crate) struct GraphArgs {
    /// The Cluster's name
    pub(crate) name: String,

    /// In which form
    #[arg(short, long, value_enum, default_value_t = GraphFormat::Text, value_name = "FORMAT")]
    pub(crate) output: GraphFormat,

    /// Show only what is touched if this object changes or goes: KIND/NAME, or KIND/NAMESPACE/NAME
    #[arg(long, value_name = "KIND/NAME")]
    pub(crate) impact: Option<String>,
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
    /// A picture.
    Svg,
}

/// The arguments of `capt watch cluster`.
#[derive(Debug, Clone, Args)]
pub(crate) struct WatchArgs {
    /// The Cluster's name
    pub(crate) name: String,

    /// End once the cluster is so; with an error and the reason once it cannot become so by itself
    #[arg(long = "for", value_enum, value_name = "STATE")]
    pub(crate) until: Option<Until>,
}

/// What `capt watch` can wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Until {
    /// Infrastructure and control plane are ready.
    Ready,
    /// The Cluster is gone.
    Deleted,
}

/// The arguments of `capt completion`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CompletionArgs {
    /// For which shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// The arguments of `capt man`.
#[derive(Debug, Clone, Args)]
pub(crate) struct ManArgs {
    /// Write one page for each command into this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// The arguments of `capt __complete`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CompleteArgs {
    /// The words of the line so far; the last one is to be completed
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<String>,
}

/// The definition of the command line, for `program`: `capt`, or `kubectl capt` as a plugin of kubectl.
pub(crate) fn definition(program: &str) -> clap::Command {
    let mut command = Cli::command().bin_name(program);
    // Before the command they belong to nobody yet; each command that connects takes them over, and has them in
    // its own help.
    for argument in ConnectionArgs::NAMES {
        command = command.mut_arg(argument, |argument| argument.global(false));
    }
    command
}
