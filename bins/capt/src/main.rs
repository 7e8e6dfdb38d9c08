//! The capt command line.

mod cli;
mod commands;
mod connect;
mod failure;
mod gather;
mod kubeconfig;
mod output;
mod report;
mod svg;

use std::path::Path;
use std::process::ExitCode;

use clap::FromArgMatches as _;

#[tokio::main]
async fn main() -> ExitCode {
    capt_operator::install_tls();
    let program = program(std::env::args_os().next().as_deref());
    let matches = cli::definition(program).get_matches();
    let cli = cli::Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match commands::run(cli, program).await {
        Ok(code) => code,
        Err(error) => report::report(&error),
    }
}

/// What people type to run this program. kubectl runs a plugin by the name of its file.
fn program(first: Option<&std::ffi::OsStr>) -> &'static str {
    let name = first.and_then(|first| Path::new(first).file_stem());
    if name.is_some_and(|name| name == "kubectl-capt") {
        "kubectl capt"
    } else {
        "capt"
    }
}

#[cfg(test)]
mod tests {
    use super::program;

    #[test]
    fn a_plugin_is_told_by_its_name() {
        for (path, name) in [
            ("/usr/bin/kubectl-capt", "kubectl capt"),
            ("kubectl-capt", "kubectl capt"),
            ("target/debug/capt", "capt"),
            ("other", "capt"),
        ] {
            assert_eq!(program(Some(path.as_ref())), name, "{path}");
        }
        assert_eq!(program(None), "capt");
    }
}
