//! A workspace whose runs end as a test says, and a clock that goes on as it is asked to.

use capt_core::decision::{Decision, Requeue};
use capt_core::fault::{Fault, FaultClass};
use capt_core::health::{Api, Facts, Look};
use capt_core::lifecycle::State;
use capt_core::object::Object;
use capt_core::progress::Progress;
use capt_core::record::{Record, RecoveryOutcome};
use capt_core::recovery::ActionKind;
use capt_core::workspace::{Command, RunEnd, RunSeen, Snapshot, assess, decide};
use jiff::{SignedDuration, Timestamp};

pub(crate) const START: Timestamp = Timestamp::UNIX_EPOCH;

/// A workspace, the clock, and how its runs end.
pub(crate) struct World {
    pub(crate) seen: Snapshot,
    pub(crate) now: Timestamp,
    pub(crate) ends: RunEnd,
}

impl World {
    pub(crate) fn new(ends: RunEnd) -> Self {
        let mut seen = Snapshot::new(Object::new("TerraformWorkspace/demo", "uid"));
        "one".clone_into(&mut seen.object.input);
        Self {
            seen,
            now: START,
            ends,
        }
    }

    pub(crate) fn failing(class: FaultClass) -> Self {
        Self::new(RunEnd::Failed(Fault::new(class, "Boom", "it is wrong")))
    }

    pub(crate) fn record(&self) -> &Record {
        &self.seen.object.record
    }

    pub(crate) fn round(&mut self) -> Decision<Record, Command> {
        let decision = decide(&self.seen, assess(&self.seen, self.now), self.now);
        self.seen.object.record = decision.record.clone();
        for step in decision.plan.steps() {
            match &step.command {
                Command::AddFinalizer => self.seen.object.finalized = true,
                Command::ProtectState => self.seen.protected = true,
                Command::StartRun { number, .. } => {
                    self.seen.has_state = true;
                    self.seen.run = Some(RunSeen {
                        number: *number,
                        progress: Progress::default(),
                        unlocked: None,
                        changes: true,
                        end: Some(self.ends.clone()),
                    });
                }
                other => panic!("{other:?}"),
            }
        }
        decision
    }

    /// Rounds until nothing changes any more without time passing.
    pub(crate) fn settle(&mut self) -> Decision<Record, Command> {
        for _ in 0..32 {
            let before = self.record().clone();
            let decision = self.round();
            if decision.plan.is_empty() && *self.record() == before {
                return decision;
            }
        }
        panic!("it does not come to rest: {:?}", self.record());
    }

    /// Rounds, and the time that they ask for, until nothing is asked for any more.
    pub(crate) fn live(&mut self) {
        for _ in 0..200 {
            match self.settle().requeue {
                Requeue::At(at) if self.record().state != State::Failed => self.now = at,
                Requeue::At(_) | Requeue::OnChange => return,
            }
        }
        panic!("it goes on for ever: {:?}", self.record());
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    pub(crate) fn outcomes(&self) -> Vec<(Option<ActionKind>, RecoveryOutcome)> {
        let history = self.record().recovery.history.iter();
        history.map(|it| (it.action, it.finished.unwrap().1)).collect()
    }

    pub(crate) fn looks(&mut self, silent: bool) {
        let api = if silent {
            Api::Silent("no route".to_owned())
        } else {
            Api::Answered
        };
        self.seen.object.look = Some(Look {
            at: self.now,
            facts: Facts {
                api: Some(api),
                ..Facts::default()
            },
        });
    }

    pub(crate) fn says_unsynced(&mut self, synced: bool) {
        self.seen.object.look = Some(Look {
            at: self.now,
            facts: Facts {
                synced: Some(synced),
                ..Facts::default()
            },
        });
    }
}
