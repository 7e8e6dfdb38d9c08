//! The one life that all four reconciled kinds share: eight states and the signals that move between them.
//!
//! For a `CAPTCluster` "provisioning" is the VPC, for an apply and a workspace the Terraform run;
//! "configuring" is outputs and secrets. Deletion and pause are orthogonal: the state stays.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::machine::{Machine, Move};

/// Where an object is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum State {
    /// Seen, and not begun.
    #[default]
    Pending,
    /// Inputs and dependencies are being checked.
    Validating,
    /// The Terraform run makes resources.
    Provisioning,
    /// Outputs become secrets and endpoints.
    Configuring,
    /// Applied for the present input, and in order.
    Ready,
    /// It was ready, and part of it is not in order.
    Degraded,
    /// It needs a person or a new input.
    Failed,
    /// It heals itself.
    Recovering,
}

/// One classified fact that can move a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Signal {
    /// The input digest is no longer the one that the present work is for.
    InputChanged,
    /// A person asked for a retry, or the probe that the fault's class declares is due.
    RetryRequested,
    /// Something failed that waiting cannot mend.
    TerminalFault,
    /// Something failed that another attempt may mend.
    RetryableFault,
    /// A dependency was waited for longer than its limit.
    TimedOut,
    /// The attempts are used up, and it has never been ready.
    GaveUp,
    /// The attempts are used up, and it had been ready before.
    GaveUpAfterReady,
    /// A health check failed often enough.
    Unhealthy,
    /// Every health check passes again.
    Healthy,
    /// The recovery policy has an action for what is wrong.
    Recoverable,
    /// The recovery action succeeded.
    Recovered,
    /// The owner is present and nothing is paused.
    Admitted,
    /// Inputs are valid, the graph has no cycle, and dependencies are ready.
    InputsValid,
    /// The workspace is applied for this input.
    Applied,
    /// The endpoint is valid and the secrets are written.
    Configured,
}

/// The state machine of section "States" of the reference.
#[derive(Debug)]
pub enum Lifecycle {}

impl Machine for Lifecycle {
    type State = State;
    type Signal = Signal;
    const TITLE: &'static str = "Lifecycle";
    const STATES: &'static [State] = State::ALL;
    const SIGNALS: &'static [Signal] = Signal::ALL;

    #[allow(clippy::too_many_lines, reason = "one table in one place, every pair by name")]
    fn next(state: State, signal: Signal) -> Move<State> {
        use Move::{Back, Illegal, Stay, To};
        use Signal as On;
        match state {
            State::Pending => match signal {
                On::Admitted => To(State::Validating),
                On::InputChanged | On::RetryRequested => Stay,
                On::TerminalFault
                | On::RetryableFault
                | On::TimedOut
                | On::GaveUp
                | On::GaveUpAfterReady
                | On::Unhealthy
                | On::Healthy
                | On::Recoverable
                | On::Recovered
                | On::InputsValid
                | On::Applied
                | On::Configured => Illegal,
            },
            State::Validating => match signal {
                On::InputsValid => To(State::Provisioning),
                On::TerminalFault => To(State::Failed),
                On::RetryableFault | On::TimedOut => To(State::Recovering),
                On::InputChanged | On::RetryRequested | On::Admitted => Stay,
                On::GaveUp
                | On::GaveUpAfterReady
                | On::Unhealthy
                | On::Healthy
                | On::Recoverable
                | On::Recovered
                | On::Applied
                | On::Configured => Illegal,
            },
            State::Provisioning => match signal {
                On::InputChanged => To(State::Validating),
                On::Applied => To(State::Configuring),
                On::TerminalFault => To(State::Failed),
                On::RetryableFault => To(State::Recovering),
                On::RetryRequested | On::TimedOut | On::Admitted | On::InputsValid => Stay,
                On::GaveUp
                | On::GaveUpAfterReady
                | On::Unhealthy
                | On::Healthy
                | On::Recoverable
                | On::Recovered
                | On::Configured => Illegal,
            },
            State::Configuring => match signal {
                On::InputChanged => To(State::Validating),
                On::Configured => To(State::Ready),
                On::TerminalFault => To(State::Failed),
                On::RetryableFault => To(State::Recovering),
                On::RetryRequested | On::TimedOut | On::Admitted | On::InputsValid | On::Applied => Stay,
                On::GaveUp
                | On::GaveUpAfterReady
                | On::Unhealthy
                | On::Healthy
                | On::Recoverable
                | On::Recovered => Illegal,
            },
            State::Ready => match signal {
                On::InputChanged => To(State::Validating),
                On::Unhealthy => To(State::Degraded),
                On::RetryRequested
                | On::Healthy
                | On::Admitted
                | On::InputsValid
                | On::Applied
                | On::Configured
                | On::TimedOut => Stay,
                On::TerminalFault
                | On::RetryableFault
                | On::GaveUp
                | On::GaveUpAfterReady
                | On::Recoverable
                | On::Recovered => Illegal,
            },
            State::Degraded => match signal {
                On::InputChanged | On::RetryRequested => To(State::Validating),
                On::Healthy => To(State::Ready),
                On::Recoverable => To(State::Recovering),
                On::Unhealthy
                | On::TerminalFault
                | On::RetryableFault
                | On::TimedOut
                | On::Admitted
                | On::InputsValid
                | On::Applied
                | On::Configured => Stay,
                On::GaveUp | On::GaveUpAfterReady | On::Recovered => Illegal,
            },
            State::Failed => match signal {
                On::InputChanged | On::RetryRequested => To(State::Validating),
                On::TerminalFault
                | On::RetryableFault
                | On::TimedOut
                | On::Admitted
                | On::InputsValid
                | On::Applied
                | On::Configured
                | On::Unhealthy
                | On::Healthy => Stay,
                On::GaveUp | On::GaveUpAfterReady | On::Recoverable | On::Recovered => Illegal,
            },
            State::Recovering => match signal {
                On::InputChanged | On::RetryRequested => To(State::Validating),
                On::TerminalFault | On::GaveUp => To(State::Failed),
                On::GaveUpAfterReady => To(State::Degraded),
                On::Recovered => Back,
                On::RetryableFault
                | On::TimedOut
                | On::Unhealthy
                | On::Healthy
                | On::Admitted
                | On::InputsValid
                | On::Applied
                | On::Configured
                | On::Recoverable => Stay,
            },
        }
    }

    fn state_name(state: State) -> &'static str {
        state.name()
    }

    fn signal_name(signal: Signal) -> &'static str {
        signal.name()
    }

    fn signal_meaning(signal: Signal) -> &'static str {
        signal.meaning()
    }
}

/// The three words of the Go implementation, for those who still read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// On the way to the first Ready.
    Creating,
    /// It has been Ready, and has not failed since.
    Ready,
    /// It needs a person.
    Failed,
}

impl Phase {
    /// Every phase.
    pub const ALL: &'static [Self] = &[Self::Creating, Self::Ready, Self::Failed];

    /// The name as people see it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::Ready => "Ready",
            Self::Failed => "Failed",
        }
    }
}

impl State {
    /// Every state, in order of declaration.
    pub const ALL: &'static [Self] = &[
        Self::Pending,
        Self::Validating,
        Self::Provisioning,
        Self::Configuring,
        Self::Ready,
        Self::Degraded,
        Self::Failed,
        Self::Recovering,
    ];

    /// The name as people see it, equal to the name of the variant.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Validating => "Validating",
            Self::Provisioning => "Provisioning",
            Self::Configuring => "Configuring",
            Self::Ready => "Ready",
            Self::Degraded => "Degraded",
            Self::Failed => "Failed",
            Self::Recovering => "Recovering",
        }
    }

    /// Whether nothing is going on: it stays so until something outside changes.
    pub const fn is_settled(self) -> bool {
        match self {
            Self::Ready | Self::Failed | Self::Degraded => true,
            Self::Pending | Self::Validating | Self::Provisioning | Self::Configuring | Self::Recovering => {
                false
            }
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Signal {
    /// Every signal, most urgent first.
    pub const ALL: &'static [Self] = &[
        Self::InputChanged,
        Self::RetryRequested,
        Self::TerminalFault,
        Self::GaveUp,
        Self::GaveUpAfterReady,
        Self::RetryableFault,
        Self::TimedOut,
        Self::Unhealthy,
        Self::Healthy,
        Self::Recoverable,
        Self::Recovered,
        Self::Admitted,
        Self::InputsValid,
        Self::Applied,
        Self::Configured,
    ];

    /// The name as people see it, equal to the name of the variant.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InputChanged => "InputChanged",
            Self::RetryRequested => "RetryRequested",
            Self::TerminalFault => "TerminalFault",
            Self::RetryableFault => "RetryableFault",
            Self::TimedOut => "TimedOut",
            Self::GaveUp => "GaveUp",
            Self::GaveUpAfterReady => "GaveUpAfterReady",
            Self::Unhealthy => "Unhealthy",
            Self::Healthy => "Healthy",
            Self::Recoverable => "Recoverable",
            Self::Recovered => "Recovered",
            Self::Admitted => "Admitted",
            Self::InputsValid => "InputsValid",
            Self::Applied => "Applied",
            Self::Configured => "Configured",
        }
    }

    /// What it means, in a few words.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::InputChanged => "the input digest changed",
            Self::RetryRequested => "the retry annotation, or the probe of the fault's class",
            Self::TerminalFault => "a fault that waiting cannot mend",
            Self::RetryableFault => "a fault that another attempt may mend, after the run has ended",
            Self::TimedOut => "a dependency was waited for longer than its limit",
            Self::GaveUp => "the attempts are used up, never ready before",
            Self::GaveUpAfterReady => "the attempts are used up, ready before",
            Self::Unhealthy => "a health check failed `failureThreshold` times",
            Self::Healthy => "healthy for `successThreshold` checks",
            Self::Recoverable => "the recovery policy has an action",
            Self::Recovered => "the recovery action succeeded",
            Self::Admitted => "the owner is present, nothing is paused",
            Self::InputsValid => "inputs valid, graph acyclic, dependencies ready",
            Self::Applied => "the workspace is applied for this input",
            Self::Configured => "the endpoint is valid, the secrets are written",
        }
    }
}

#[cfg(test)]
mod tests;
