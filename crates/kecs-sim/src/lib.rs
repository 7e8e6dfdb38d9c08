//! A simulated data plane: no container runs, and every task goes through its states as if one did.
//!
//! What becomes of a task is a function of its definition and of [`Durations`]; time is tokio's, so that it can be
//! real or virtual. Docker labels of a container say what it does ([`script`]); without them it starts, runs until it is
//! stopped, and is healthy if it has a health check. Images of the top level domain `invalid`, which no registry can
//! have (RFC 2606), cannot be pulled.

mod attachment;
mod plane;
mod run;
pub mod script;
#[cfg(test)]
mod tests;

pub use plane::SimulatedPlane;
pub use run::Run;

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long each part of a task's life takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durations {
    /// Until what it needs before its containers is there.
    pub provisioning: Duration,
    /// Until the image of a container is pulled.
    pub pulling: Duration,
    /// From the start of its containers until it is RUNNING.
    pub activating: Duration,
    /// From the start of a container until its health check has said something.
    pub health: Duration,
    /// From the word to stop until its containers are told.
    pub deactivating: Duration,
    /// Until its containers are stopped.
    pub stopping: Duration,
    /// Until what it needed before its containers is given back.
    pub deprovisioning: Duration,
}

impl Default for Durations {
    /// About a second to run and half a second to stop: each status can be seen, and nobody waits for it.
    fn default() -> Self {
        Self {
            provisioning: Duration::from_millis(200),
            pulling: Duration::from_millis(400),
            activating: Duration::from_millis(100),
            health: Duration::from_millis(300),
            deactivating: Duration::from_millis(100),
            stopping: Duration::from_millis(200),
            deprovisioning: Duration::from_millis(200),
        }
    }
}

impl Durations {
    /// Every part takes this long.
    pub const fn each(duration: Duration) -> Self {
        Self {
            provisioning: duration,
            pulling: duration,
            activating: duration,
            health: duration,
            deactivating: duration,
            stopping: duration,
            deprovisioning: duration,
        }
    }
}
