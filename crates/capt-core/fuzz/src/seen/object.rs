//! What every object has, and what was recorded of it.

use arbitrary::Arbitrary;
use capt_core::absence::Absences;
use capt_core::advance::Policy;
use capt_core::fault::FaultClass;
use capt_core::health::{CheckKind, Checkup, Judgement, Verdict};
use capt_core::lifecycle::State;
use capt_core::object::Object;
use capt_core::record::{
    Ending, Operation, OperationKind, Record, Recovery, RecoveryAttempt, RecoveryOutcome, Run, RunOperation,
};
use capt_core::recovery::ActionKind;
use capt_core::revision::{LastGood, Version};
use jiff::Timestamp;

use super::failure::{AnyLedger, AnyLook, AnyRules};
use super::{AnyFault, bit, digest, duration, pick, time};

#[derive(Debug, Arbitrary)]
pub(super) struct AnyObject {
    bits: u8,
    requested: Option<u8>,
    input: u8,
    record: AnyRecord,
    rules: AnyRules,
    delays: [u64; 3],
    faults: Vec<AnyFault>,
    absences: Vec<(i64, i64)>,
    look: Option<AnyLook>,
    version: Option<u8>,
}

#[derive(Debug, Arbitrary)]
pub(super) struct AnyRecord {
    state: u8,
    origin: Option<u8>,
    times: [Option<i64>; 4],
    inputs: [Option<u8>; 2],
    bits: u8,
    ledger: AnyLedger,
    checkup: Vec<(u8, u8, u32)>,
    last_good: bool,
    fault: Option<AnyFault>,
    blamed: Option<u8>,
    honoured: Option<u8>,
    run: Option<(u32, bool, u8)>,
    operation: Option<u8>,
    history: u8,
    attempts: u8,
    open: bool,
    counts: [u32; 2],
    percent: u8,
}

impl AnyRecord {
    fn record(&self) -> Record {
        let [since, next_attempt, last, opened] = self.times.map(|at| at.map(time));
        let kinds = [
            OperationKind::Creating,
            OperationKind::Updating,
            OperationKind::Deleting,
        ];
        let at = opened.unwrap_or(Timestamp::UNIX_EPOCH);
        let operation = |kind, finished| Operation {
            kind,
            started_at: at,
            finished,
        };
        let attempt = |finished| RecoveryAttempt {
            time: at,
            trigger: "Code".to_owned(),
            class: self.origin.map(|class| pick(FaultClass::ALL, class)),
            action: Some(ActionKind::RetryApply),
            finished,
        };
        let ended = Some((at, RecoveryOutcome::Failed));
        let mut attempts: Vec<RecoveryAttempt> = (0..self.attempts % 40).map(|_| attempt(ended)).collect();
        attempts.extend(self.open.then(|| attempt(None)));
        let ended = Some((since.unwrap_or(at), Ending::Succeeded));
        Record {
            state: pick(State::ALL, self.state),
            since,
            origin: self.origin.map(|origin| pick(State::ALL, origin)),
            input: self.inputs[0].map(digest),
            applied: self.inputs[1].map(digest),
            ready: bit(self.bits, 0),
            initialized: bit(self.bits, 1),
            gave_up: bit(self.bits, 2),
            next_attempt,
            fault: self
                .fault
                .as_ref()
                .map(|fault| if self.open { fault.wrong() } else { fault.fault() }),
            blamed: self.blamed.map(|child| format!("Child/{}", child % 3)),
            honoured: self.honoured.map(|request| request.to_string()),
            run: self.run.map(|(number, destroy, input)| Run {
                number,
                operation: if destroy {
                    RunOperation::Destroy
                } else {
                    RunOperation::Apply
                },
                input: digest(input),
                opened: at,
            }),
            operation: self.operation.map(|kind| operation(pick(&kinds, kind), None)),
            history: (0..self.history % 40)
                .map(|kind| operation(pick(&kinds, kind), ended))
                .collect(),
            recovery: Recovery {
                ledger: self.ledger.ledger(),
                last_attempt: last,
                attempts: self.counts[0],
                successes: self.counts[1],
                history: attempts,
            },
            checkup: self.checkup(),
            last_good: self.last_good.then(|| LastGood {
                revision: None,
                version: None,
                input: digest(0),
                outputs: None,
                time: at,
            }),
            // 100 is never shown while something is being done.
            percent: self.percent % if self.operation.is_some() { 100 } else { 101 },
        }
    }

    fn checkup(&self) -> Checkup {
        let verdicts = [Verdict::Unknown, Verdict::Passing, Verdict::Failing];
        let judged = self.checkup.iter().take(9);
        let judgements = judged.map(|(kind, verdict, against)| {
            let judgement = Judgement {
                verdict: pick(&verdicts, *verdict),
                against: *against,
                ..Judgement::default()
            };
            (pick(CheckKind::ALL, *kind), judgement)
        });
        Checkup {
            judgements: judgements.collect(),
            looked: None,
        }
    }
}

impl AnyObject {
    pub(super) fn object(&self) -> Object {
        let mut absences = Absences::default();
        for (from, until) in self.absences.iter().take(8) {
            absences.note(time(*from), time(*until));
        }
        Object {
            deleting: bit(self.bits, 0),
            finalized: bit(self.bits, 1),
            paused: bit(self.bits, 2).then(|| "paused".to_owned()),
            requested: self.requested.map(|request| request.to_string()),
            input: digest(self.input),
            record: self.record.record(),
            policy: Policy {
                recovery: self.rules.rules(),
                dependencies: duration(self.delays[0]),
                work: duration(self.delays[1]),
                usually: duration(self.delays[2]),
            },
            faults: self.faults.iter().take(3).map(AnyFault::fault).collect(),
            absences,
            look: self.look.as_ref().map(AnyLook::look),
            version: self.version.map(|minor| Version {
                major: 1,
                minor: u32::from(minor),
            }),
            outputs: self.version.map(digest),
            ..Object::new("Kind/name", "uid")
        }
    }
}
