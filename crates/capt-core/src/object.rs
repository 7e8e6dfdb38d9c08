//! What the subjects share: how an object is seen, how it follows its child, and how a round is put together.

use jiff::Timestamp;

use crate::absence::Absences;
use crate::advance::{
    ABLE, Advance, Assessment, Context, Policy, advance, assess_record, heal, next_look, pause,
};
use crate::decision::{Decision, Requeue};
use crate::fault::{Fault, FaultClass, deciding};
use crate::health::{Look, examine};
use crate::lifecycle::{Signal, State};
use crate::loss::Loss;
use crate::plan::{Checked, Plan};
use crate::record::{OperationKind, Record};
use crate::recovery::RecoveryMode;
use crate::retry::seed_of;
use crate::revision::{LastGood, Version};
use crate::wait::{Notice, Wait};

mod child;

pub use child::Child;

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
    /// The time that does not count for its limits.
    pub absences: Absences,
    /// What the last look at its health saw; `None` where nobody looks.
    pub look: Option<Look>,
    /// The version that it has now, where it has one and it is known.
    pub version: Option<Version>,
    /// The digest of the outputs that it has now, where they are known.
    pub outputs: Option<String>,
}

/// Whether the runtime goes on trying what failed like this, with growing delays.
///
/// A refused permission is among it: an API server refuses everything for a moment after its start, and a role is
/// mended outside without anybody telling us.
pub(crate) fn is_retried(fault: &Fault) -> bool {
    fault.class.passes() || fault.class == FaultClass::Permission
}

/// Whether a move into this state answers nobody who asked: a request that came with the failure is still open.
const fn is_setback(state: State) -> bool {
    match state {
        State::Degraded | State::Failed | State::Recovering => true,
        State::Pending | State::Validating | State::Provisioning | State::Configuring | State::Ready => false,
    }
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
            absences: Absences::default(),
            look: None,
            version: None,
            outputs: None,
        }
    }

    /// The signals that every subject has: requests, input, retries, and what could not be executed.
    pub fn assess(&self, now: Timestamp) -> Assessment {
        let context = self.context(now);
        let mut assessment = assess_record(&self.record, &self.input, self.requested.as_deref(), &context);
        self.check_health(&mut assessment);
        let working = match self.record.state {
            State::Validating | State::Provisioning | State::Configuring => true,
            State::Pending | State::Ready | State::Degraded | State::Failed | State::Recovering => false,
        };
        let lasting = self.faults.iter();
        let lasting = lasting.filter(|fault| working && fault.class.is_terminal() && !is_retried(fault));
        if let Some(fault) = deciding(lasting) {
            self.fail(fault.clone(), &mut assessment);
        }
        // The runtime tries these again; meanwhile they are why nothing happens.
        for fault in self.faults.iter().filter(|fault| is_retried(fault)) {
            assessment.waits.push(Wait::new(
                self.name.clone(),
                fault.code.clone(),
                fault.to_string(),
            ));
        }
        if let Some((why, until)) = pause(&self.record, &context) {
            let message = if until == Timestamp::MAX {
                format!("nothing is tried: {why}")
            } else {
                format!("nothing is tried before {until}: {why}")
            };
            assessment
                .waits
                .push(Wait::new(self.name.clone(), why.name(), message));
        }
        if let Some(paused) = &self.paused {
            assessment
                .waits
                .push(Wait::new(self.name.clone(), "Paused", paused.clone()));
        }
        assessment
    }

    /// The moment, and what holds for this object then.
    pub(crate) fn context(&self, now: Timestamp) -> Context<'_> {
        Context {
            policy: &self.policy,
            absences: &self.absences,
            now,
            seed: seed_of(&self.uid),
        }
    }

    /// Takes down a fault that its work has stopped for.
    pub(crate) fn fail(&self, fault: Fault, assessment: &mut Assessment) {
        assessment.fail(fault, &self.record, &self.policy);
    }

    /// Judges the last look at its health, and says what that means for an object that is in use.
    fn check_health(&self, assessment: &mut Assessment) {
        let record = &self.record;
        let mut checkup = record.checkup.clone();
        if let Some(look) = &self.look {
            checkup.take(examine(&look.facts, look.at), &self.policy.recovery, look.at);
        }
        let summary = checkup.summary();
        let of_check = record.blamed.is_none() && record.fault.as_ref().is_some_and(Fault::is_of_check);
        match record.state {
            // What was seen before it was applied says nothing about it now.
            State::Ready if !summary.ready && self.is_seen_since(record.since) => {
                assessment.signals.insert(Signal::Unhealthy);
                assessment.fault = summary.failing.first().map(|kind| checkup.fault(*kind));
            }
            State::Degraded if of_check && summary.ready => {
                assessment.signals.insert(Signal::Healthy);
            }
            State::Degraded if of_check && !record.gave_up => {
                // Only what runs something can be applied again; the others have nothing to repeat.
                let acts = self.policy.recovery.mode == RecoveryMode::Act && record.run.is_some();
                if let Some(kind) = summary.mendable(ABLE).filter(|_| acts) {
                    assessment.signals.insert(Signal::Recoverable);
                    assessment.fault = Some(checkup.fault(kind));
                }
            }
            State::Pending
            | State::Validating
            | State::Provisioning
            | State::Configuring
            | State::Ready
            | State::Degraded
            | State::Failed
            | State::Recovering => {}
        }
        assessment.checkup = checkup;
    }

    /// Whether the last look was taken after `since`, which is kept in whole seconds.
    fn is_seen_since(&self, since: Option<Timestamp>) -> bool {
        let look = self.look.as_ref().map(|look| look.at.as_second());
        look.is_some_and(|look| since.is_none_or(|since| look > since.as_second()))
    }

    /// What the inputs mean while they are checked, or while something that is missing is overdue.
    pub fn check_inputs(&self, missing: &[Wait], invalid: Option<&Fault>, assessment: &mut Assessment) {
        assessment.waits.extend(missing.iter().cloned());
        if self.record.state == State::Recovering {
            // What is invalid waits for its delay like any other fault.
            if missing.is_empty() && invalid.is_none() {
                assessment.signals.insert(Signal::Recovered);
            }
        } else if let Some(fault) = invalid {
            self.fail(fault.clone(), assessment);
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
        let context = self.context(now);
        match advance(&self.record, &assessment, &context) {
            Advance::Moved { mut record, notices } => {
                if !is_setback(record.state) {
                    record.honoured.clone_from(&self.requested);
                }
                record.ready &= assessment.loss.is_none();
                record.checkup = assessment.checkup;
                moved(&mut record);
                if record.state == State::Ready && record.ready && self.record.state == State::Configuring {
                    self.keep_good(&mut record, now);
                }
                Decision {
                    notices,
                    waits: assessment.waits,
                    ..Decision::hold(record)
                }
            }
            Advance::Stayed(mut record) => {
                // What is asked for here is not handed down, and a child that is at work may have failed by then without
                // anybody knowing: how it ends answers it.
                if record.state != State::Configuring || !assessment.behind {
                    record.honoured.clone_from(&self.requested);
                }
                record.checkup = assessment.checkup;
                let healed = heal(&mut record, now);
                // What it rests on was away for a moment, and nothing was lost.
                let whole = record.state == State::Ready && record.fault.is_none() && record.initialized;
                let applied = record.applied.as_deref() == Some(self.input.as_str());
                record.ready |= whole && applied && assessment.loss.is_none() && !assessment.behind;
                if healed.is_some() {
                    self.keep_good(&mut record, now);
                }
                let (plan, requeue) = plan(&mut record);
                let requeue = requeue.earliest(next_look(&record, &context));
                let loss = assessment.loss.filter(|_| record.ready);
                record.ready &= loss.is_none();
                let said = loss.as_ref().and_then(Loss::notice);
                Decision {
                    record,
                    plan,
                    requeue,
                    waits: assessment.waits,
                    notices: healed.into_iter().chain(said).collect(),
                }
            }
        }
    }

    /// Keeps what has just become Ready as what was good last.
    fn keep_good(&self, record: &mut Record, now: Timestamp) {
        record.last_good = Some(LastGood {
            revision: None,
            version: self.version,
            input: self.input.clone(),
            outputs: self.outputs.clone(),
            time: now,
        });
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
        let begins = !record.is_deleting();
        record.begin(OperationKind::Deleting, now);
        let requeue = next_look(&record, &self.context(now));
        let told = (begins && self.finalized).then(|| Notice::normal("Deleting", goes()));
        Decision {
            notices: told.into_iter().collect(),
            requeue,
            ..Decision::hold(record)
        }
    }
}
