//! How a person, or the system, ends a sandbox.

use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal that ends a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Ctrl-C.
    Interrupt,
    /// What `kill` sends.
    Terminate,
    /// The terminal is gone.
    HangUp,
}

impl Asked {
    /// What a shell says of a process that the signal ended.
    pub(super) const fn code(self) -> i32 {
        128 + match self {
            Self::HangUp => 1,
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }

    /// The same, for the end of `main`.
    pub(super) fn exit_code(self) -> ExitCode {
        ExitCode::from(u8::try_from(self.code()).unwrap_or(u8::MAX))
    }
}

/// The signals that end a sandbox. Once they are listened to, they do nothing else.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self> {
        let listen = |kind, name: &str| signal(kind).with_context(|| format!("listen for {name}"));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt(), "SIGINT")?,
            terminate: listen(SignalKind::terminate(), "SIGTERM")?,
            hang_up: listen(SignalKind::hangup(), "SIGHUP")?,
        })
    }

    /// The next one.
    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Asked::Terminate,
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.hang_up.recv() => Asked::HangUp,
        }
    }
}
