//! What the program does with its process.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli;

/// Does what the command line says, and gives the exit code for what came of it.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    // It fails only if somebody has chosen before, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let matches = cli::command().get_matches_from(args);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = match runtime.context("start the runtime") {
        Ok(runtime) => {
            let done = runtime.block_on(cli::run(&matches));
            // A profile that is being taken, or a subscriber that reads nothing, is not waited for.
            runtime.shutdown_background();
            done
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

/// Prints an error and what led to it.
fn report(error: &anyhow::Error) -> ExitCode {
    let mut text = format!("error: {error}\n");
    let mut before = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        // Some libraries repeat their source in their own text.
        if !before.contains(&cause) {
            let _ = writeln!(text, "  caused by: {cause}");
        }
        before = cause;
    }
    // With stderr closed there is nobody to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::FAILURE
}

/// Writes to standard output. A reader that has seen enough is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("write to standard output"),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Completes when the process is asked to stop: by SIGTERM, from the terminal, or because the terminal is gone.
pub(crate) fn stop_signal() -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let mut hang_up = signal(SignalKind::hangup()).context("listen for SIGHUP")?;
    Ok(async move {
        tokio::select! {
            biased;
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}
