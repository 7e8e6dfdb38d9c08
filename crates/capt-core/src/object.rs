//! What the subjects share: how an object is seen, how it follows its child, and how a round is put together.

use jiff::Timestamp;

use crate::advance::{Advance, Assessment, Policy, advance, assess_record, next_look};
use crate::decision::{Decision, Requeue};
use crate::fault::{Fault, FaultClass};
use crate::lifecycle::{Signal, State};
use crate::loss::{Loss, leaving};
use crate::plan::{Checked, Plan};
use crate::progress::Progress;
use crate::record::{OperationKind, Record};
use crate::retry::seed_of;
use crate::wait::{Notice, Wait};

/// What is known about any object that is reconciled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// `Kind/name`, as people write it.
    pub name: String,
    /// Its uid; the seed of its jitter.
    pub uid: String,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether it carries our finalizer.
    pub finalized: bool,
    /// Why it must be left alone, if it must.
    pub paused: Option<String>,
    /// What people ask for by annotation (retry, approve), as one text that changes with each request.
    pub requested: Option<String>,
    /// The digest of everything that it is made from.
    pub input: String,
    /// What was persisted.
    pub record: Record,
    /// How patient it is.
    pub policy: Policy,
    /// What went wrong when the last plan was executed.
    pub faults: Vec<Fault>,
}

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

/// Whether the runtime goes on trying what failed like this, with growing delays.
///
/// A refused permission is among it: an API server refuses everything for a moment after its start, and a role is
/// mended outside without anybody telling us.
pub(crate) fn is_retried(fault: &Fault) -> bool {
    fault.class.passes() || fault.class == FaultClass::Permission
}

impl Object {
    /// An object of which nothing was recorded yet. `uid` tells it from any other of that name, before and after it.
    pub fn new(name: impl Into<String>, uid: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            uid: uid.into(),
            deleting: false,
            finalized: false,
            paused: None,
            requested: None,
            input: String::new(),
            record: Record::default(),
            policy: Policy::default(),
            faults: Vec::new(),
        }
    }

    /// The signals that every subject has: requests, input, retries, and what could not be executed.
    pub fn assess(&self, now: Timestamp) -> Assessment {
        let mut assessment = assess_record(
            &self.record,
            &self.input,
            self.requested.as_deref(),
            &self.policy,
            now,
        );
        let working = match self.record.state {
            State::Validating | State::Provisioning | State::Configuring => true,
            State::Pending | State::Ready | State::Degraded | State::Failed | State::Recovering => false,
        };
        if let Some(fault) = self
            .faults
            .iter()
            .find(|fault| fault.class.is_terminal() && !is_retried(fault))
            .filter(|_| working)
        {
            assessment.fail(fault.clone(), &self.policy);
        }
        // The runtime tries these again; meanwhile they are why nothing happens.
        for fault in self.faults.iter().filter(|fault| is_retried(fault)) {
            assessment.waits.push(Wait::new(
                self.name.clone(),
                fault.code.clone(),
                fault.to_string(),
            ));
        }
        if let Some(paused) = &self.paused {
            assessment
                .waits
                .push(Wait::new(self.name.clone(), "Paused", paused.clone()));
        }
        assessment
    }

    /// What the inputs mean while they are checked, or while something that is missing is overdue.
    pub fn check_inputs(&self, missing: &[Wait], invalid: Option<&Fault>, assessment: &mut Assessment) {
        assessment.waits.extend(missing.iter().cloned());
        if self.record.state == State::Recovering {
            if missing.is_empty() {
                assessment.signals.insert(Signal::Recovered);
            }
        } else if let Some(fault) = invalid {
            assessment.fail(fault.clone(), &self.policy);
        } else if missing.is_empty() {
            assessment.signals.remove(&Signal::TimedOut);
            assessment.signals.insert(Signal::InputsValid);
        }
    }

    /// Leaves Failed where an output was to blame and no longer is, or no longer in the same way.
    pub fn retry_outputs(&self, wrong: Option<&Fault>, assessment: &mut Assessment) {
        let was = self.record.fault.as_ref().filter(|fault| fault.is_of_output());
        if self.record.state == State::Failed && self.record.blamed.is_none() && was.is_some() && was != wrong
        {
            assessment.signals.insert(Signal::RetryRequested);
        }
    }

    /// The plan that makes a child what it should be, with our finalizer on the parent first.
    pub fn ensure<C>(&self, step: &'static str, ensure: C, add_finalizer: C) -> Plan<C, Checked> {
        if self.finalized {
            return Plan::single(step, ensure);
        }
        let plan =
            Plan::draft()
                .step("add-finalizer", add_finalizer)
                .step_after(step, ensure, &["add-finalizer"]);
        plan.check().unwrap_or_else(|_| Plan::empty())
    }

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
        if let Some(fault) = child.foreign.clone() {
            match state {
                State::Ready => {
                    assessment.signals.insert(Signal::Unhealthy);
                    assessment.fault = Some(fault);
                }
                State::Provisioning | State::Configuring => assessment.fail(fault, &self.policy),
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
                State::Ready if child.ready => (Signal::Healthy, false),
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
        assessment.signals.insert(signal);
        if fault {
            assessment.fault = Some(child.fault());
            assessment.blamed = Some(child.name.clone());
        }
    }

    /// Whether people ask for something that was not honoured yet.
    pub fn is_asked(&self) -> bool {
        self.requested.is_some() && self.requested != self.record.honoured
    }

    /// Puts a round together: the state moves and nothing else happens, or it stays and `plan` says what to do.
    pub fn decide<C>(
        &self,
        assessment: Assessment,
        now: Timestamp,
        moved: impl FnOnce(&mut Record),
        plan: impl FnOnce(&mut Record) -> (Plan<C, Checked>, Requeue),
    ) -> Decision<Record, C> {
        if self.paused.is_some() {
            return Decision {
                waits: assessment.waits,
                ..Decision::hold(self.record.clone())
            };
        }
        match advance(&self.record, &assessment, &self.policy, now, seed_of(&self.uid)) {
            Advance::Moved { mut record, notices } => {
                // Who fails has not answered what came at the same moment: the next round does.
                if !is_setback(record.state) {
                    record.honoured.clone_from(&self.requested);
                }
                record.ready &= assessment.loss.is_none();
                moved(&mut record);
                Decision {
                    notices,
                    waits: assessment.waits,
                    ..Decision::hold(record)
                }
            }
            Advance::Stayed(mut record) => {
                record.honoured.clone_from(&self.requested);
                let (plan, requeue) = plan(&mut record);
                let requeue = requeue.earliest(next_look(&record, &self.policy, now));
                let loss = assessment.loss.filter(|_| record.ready);
                record.ready &= loss.is_none();
                Decision {
                    record,
                    plan,
                    requeue,
                    waits: assessment.waits,
                    notices: loss.iter().filter_map(Loss::notice).collect(),
                }
            }
        }
    }

    /// The plan that puts back the finalizer of an object which has something to clean up, if somebody took it.
    pub fn restore_finalizer<C>(&self, has_something: bool, add: C) -> Plan<C, Checked> {
        if self.finalized || !has_something {
            Plan::empty()
        } else {
            Plan::single("add-finalizer", add)
        }
    }

    /// The decision for an object that is being deleted, as far as it is the same for all: the state stays, the
    /// operation says so. People are told once that it begins, and by `goes` what that means.
    pub fn deleting<C>(&self, now: Timestamp, goes: impl FnOnce() -> String) -> Decision<Record, C> {
        let mut record = self.record.clone();
        record.since = record.since.or(Some(now));
        record.honoured.clone_from(&self.requested);
        let begins = record
            .operation
            .as_ref()
            .is_none_or(|operation| operation.kind != OperationKind::Deleting);
        record.begin(OperationKind::Deleting, now);
        let told = (begins && self.finalized).then(|| Notice::normal("Deleting", goes()));
        Decision {
            notices: told.into_iter().collect(),
            ..Decision::hold(record)
        }
    }
}

/// Whether a move into this state means that something has failed.
const fn is_setback(state: State) -> bool {
    match state {
        State::Degraded | State::Failed | State::Recovering => true,
        State::Pending | State::Validating | State::Provisioning | State::Configuring | State::Ready => false,
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
