//! What every program of ours does with its process.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::LogArgs;

/// Prints an error and what led to it, and gives the exit code for it.
pub fn report(error: &anyhow::Error) -> ExitCode {
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

/// Chooses the cryptography of TLS for the whole process; to be called first.
pub fn install_tls() {
    // It fails only if somebody has chosen before, and then there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Sends logs to stderr, by `default` unless the arguments say otherwise.
pub fn init_logs(args: &LogArgs, default: &str) -> Result<()> {
    let filter = args.log.as_deref().unwrap_or(default);
    telemetry::init(filter, args.log_format).context("set up logs")
}

/// Completes when the process is asked to stop: by SIGTERM, from the terminal, or because the terminal is gone.
pub fn stop_signal() -> Result<impl Future<Output = ()>> {
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

/// Whether all other processes are killed when this one ends: it is the first of a container, and the kernel ends what
/// is left of a PID namespace with its first process (`pid_namespaces(7)`).
pub(crate) fn takes_others_along() -> bool {
    std::process::id() == 1
}
