//! `capt completion`: scripts that complete commands in a shell.

use std::process::ExitCode;

use anyhow::Result;
use clap_complete::{Shell, generate};

use crate::cli::{CompletionArgs, definition};
use crate::output;

/// Prints the script.
pub(crate) fn run(args: &CompletionArgs, program: &str) -> Result<ExitCode> {
    output::print(&script(args.shell, program))?;
    Ok(ExitCode::SUCCESS)
}

fn script(shell: Shell, program: &str) -> String {
    let mut script = Vec::new();
    // A shell completes by the name of the file; for a plugin, kubectl asks `kubectl_complete-capt` instead.
    let file = program.replace(' ', "-");
    generate(shell, &mut definition(program), file, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_has_a_script_that_knows_the_commands() {
        for shell in Shell::value_variants() {
            let script = script(*shell, "capt");
            for word in ["describe", "graph", "watch", "sandbox", "show-conditions"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
