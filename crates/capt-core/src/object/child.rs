//! How an object follows the one that it made.

use super::Object;
use crate::advance::Assessment;
use crate::fault::{Fault, FaultClass};
use crate::lifecycle::{Signal, State};
use crate::loss::leaving;
use crate::progress::Progress;
use crate::wait::Wait;

/// An object that another one made and follows.
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, each read on its own"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// `Kind/name`.
    pub name: String,
    /// Why it is not that of the one who follows it, if it is not: then it is neither changed nor deleted.
    pub foreign: Option<Fault>,
    /// Whether its spec is what is wanted now.
    pub matches: bool,
    /// Whether its own controller has seen that spec and the requests on it.
    pub observed: bool,
    /// Where it is in its life.
    pub state: State,
    /// Whether it is ready.
    pub ready: bool,
    /// Whether it was ever applied whole.
    pub made: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// What is wrong with it.
    pub fault: Option<Fault>,
    /// What it waits for.
    pub waits: Vec<Wait>,
    /// How far it is.
    pub progress: Progress,
}

impl Child {
    /// A child that is what is wanted, seen by its own controller, and in this state.
    pub fn new(name: impl Into<String>, state: State) -> Self {
        Self {
            name: name.into(),
            foreign: None,
            matches: true,
            observed: true,
            state,
            ready: state == State::Ready,
            made: state == State::Ready,
            deleting: false,
            fault: None,
            waits: Vec::new(),
            progress: Progress::default(),
        }
    }

    /// Whether it is applied for what is wanted now.
    pub fn is_current(&self) -> bool {
        self.foreign.is_none()
            && self.matches
            && self.observed
            && !self.deleting
            && self.ready
            && self.state == State::Ready
    }

    /// Whether its controller is at work.
    pub(crate) fn is_working(&self) -> bool {
        match self.state {
            State::Pending | State::Validating | State::Provisioning | State::Configuring => true,
            State::Ready | State::Degraded | State::Failed | State::Recovering => false,
        }
    }

    /// Whether it is in order, or on its way there without any fault so far.
    fn is_mended(&self) -> bool {
        self.is_working() || self.state == State::Ready
    }

    /// Why it is not current, where whoever made it goes on without it.
    pub(crate) fn trouble(&self) -> Option<Wait> {
        if self.is_current() {
            return None;
        }
        if self.deleting && self.foreign.is_none() {
            return Some(leaving(self));
        }
        let fault = self.foreign.as_ref().or(self.fault.as_ref());
        Some(match fault {
            Some(fault) => Wait::new(&*self.name, &*fault.code, fault.to_string()),
            None => working(self),
        })
    }

    /// Its fault, or words for a fault that it does not explain.
    fn fault(&self) -> Fault {
        self.fault.clone().unwrap_or_else(|| {
            Fault::new(
                FaultClass::Unknown,
                "ChildFailed",
                format!("{} is {}", self.name, self.state.name()),
            )
        })
    }
}

impl Object {
    /// What the state of a child means for the one who follows it.
    ///
    /// A child heals itself: while it recovers, so does the parent, without counting attempts of its own.
    pub fn follow(&self, child: Option<&Child>, assessment: &mut Assessment) {
        let state = self.record.state;
        let Some(child) = child else {
            match state {
                State::Configuring | State::Ready | State::Degraded => {
                    assessment.signals.insert(Signal::InputChanged);
                }
                State::Failed | State::Recovering if self.record.blamed.is_some() => {
                    assessment.signals.insert(Signal::RetryRequested);
                }
                State::Pending
                | State::Validating
                | State::Provisioning
                | State::Failed
                | State::Recovering => {}
            }
            return;
        };
        assessment.behind |= !child.is_current();
        if let Some(fault) = child.foreign.clone() {
            match state {
                State::Ready => {
                    assessment.signals.insert(Signal::Unhealthy);
                    assessment.fault = Some(fault);
                }
                State::Provisioning | State::Configuring => self.fail(fault, assessment),
                State::Recovering if self.record.blamed.is_some() => {
                    assessment.signals.insert(Signal::Recovered);
                }
                State::Pending | State::Validating | State::Degraded | State::Failed | State::Recovering => {}
            }
        } else if child.deleting {
            let wait = leaving(child);
            if state == State::Ready {
                let fault = Fault::new(FaultClass::Dependency, &*wait.reason, &*wait.message);
                assessment.signals.insert(Signal::Unhealthy);
                assessment.fault = Some(fault);
                assessment.blamed = Some(child.name.clone());
            }
            assessment.waits.push(wait);
        } else if !child.matches {
            match state {
                State::Configuring | State::Ready | State::Degraded => {
                    assessment.signals.insert(Signal::InputChanged);
                }
                // On to where it is made what it should be: as it is, nobody knows what it recovers to. That is not in
                // Configuring, where what differs now may not even count.
                State::Recovering if self.record.blamed.is_some() => {
                    let configured = self.record.origin == Some(State::Configuring);
                    assessment.signals.insert(if configured {
                        Signal::InputChanged
                    } else {
                        Signal::Recovered
                    });
                }
                // It is at fault no more, and can be made what it should be.
                State::Failed if self.blames(child) && child.is_mended() => {
                    assessment.signals.insert(Signal::RetryRequested);
                }
                State::Pending
                | State::Validating
                | State::Provisioning
                | State::Failed
                | State::Recovering => {}
            }
        } else if !child.observed {
            assessment.waits.push(working(child));
        } else {
            if child.is_working() || child.state == State::Recovering {
                assessment.waits.push(working(child));
            } else if child.state == State::Ready {
                // It may be applied, and not be in order all the same.
                assessment.waits.extend(child.trouble());
            }
            self.mirror(child, assessment);
        }
    }

    fn blames(&self, child: &Child) -> bool {
        self.record.blamed.as_deref() == Some(child.name.as_str())
    }

    /// [`Object::follow`] for a child that works on what is wanted.
    fn mirror(&self, child: &Child, assessment: &mut Assessment) {
        let blamed = self.blames(child);
        let (signal, fault) = match self.record.state {
            State::Pending | State::Validating => return,
            State::Provisioning | State::Configuring => match child.state {
                State::Ready => (Signal::Applied, false),
                State::Failed | State::Degraded => (Signal::TerminalFault, true),
                State::Recovering => (Signal::RetryableFault, true),
                State::Pending | State::Validating | State::Provisioning | State::Configuring => return,
            },
            State::Recovering => {
                if !blamed {
                    return;
                }
                for own in [Signal::Recovered, Signal::GaveUp, Signal::GaveUpAfterReady] {
                    assessment.signals.remove(&own);
                }
                match child.state {
                    State::Recovering => return,
                    State::Failed | State::Degraded if self.record.initialized => {
                        (Signal::GaveUpAfterReady, true)
                    }
                    State::Failed | State::Degraded => (Signal::GaveUp, true),
                    State::Pending
                    | State::Validating
                    | State::Provisioning
                    | State::Configuring
                    | State::Ready => (Signal::Recovered, false),
                }
            }
            State::Ready => match child.state {
                State::Ready => return,
                State::Degraded | State::Failed | State::Recovering => (Signal::Unhealthy, true),
                State::Pending | State::Validating | State::Provisioning | State::Configuring => {
                    (Signal::InputChanged, false)
                }
            },
            State::Degraded => match child.state {
                State::Ready if child.ready && assessment.checkup.summary().ready => {
                    // What was given up on the way to it was never made for this input.
                    let there = !self.record.gave_up;
                    let signal = if there {
                        Signal::Healthy
                    } else {
                        Signal::InputChanged
                    };
                    (signal, false)
                }
                State::Pending | State::Validating | State::Provisioning | State::Configuring => {
                    (Signal::InputChanged, false)
                }
                State::Ready | State::Degraded | State::Failed | State::Recovering => return,
            },
            State::Failed => {
                if blamed && !self.is_asked() {
                    assessment.signals.remove(&Signal::RetryRequested);
                }
                if blamed && child.is_mended() {
                    (Signal::RetryRequested, false)
                } else {
                    return;
                }
            }
        };
        let stops = matches!(signal, Signal::TerminalFault | Signal::RetryableFault);
        if stops {
            return assessment.stop(signal, child.fault(), Some(child.name.clone()));
        }
        assessment.signals.insert(signal);
        if fault {
            assessment.fault = Some(child.fault());
            assessment.blamed = Some(child.name.clone());
        }
    }
}

fn working(child: &Child) -> Wait {
    match child.waits.first() {
        Some(wait) => wait.clone(),
        None if child.progress.current.is_empty() => Wait::new(
            &*child.name,
            child.state.name(),
            format!("{} is {}", child.name, child.state.name()),
        ),
        None => Wait::new(&*child.name, child.state.name(), child.progress.current.clone()),
    }
}
