//! What was tried about a failure, what may be tried, and what is known of the world meanwhile.

use arbitrary::Arbitrary;
use capt_core::fault::{Fault, FaultClass};
use capt_core::health::{Api, Facts, Found, Look};
use capt_core::recovery::{
    ActionKind, Breaker, Dependency, Escalation, Incident, Ledger, Lock, Proof, RecoveryMode, Rules,
    Situation, Spent, StateKnown,
};
use capt_core::retry::RetryStrategy;

use super::{bit, count, duration, pick, time};

#[derive(Debug, Arbitrary)]
pub(super) struct AnyRules {
    mode: u8,
    retry: [u32; 3],
    delays: [u64; 3],
    threshold: Option<u8>,
    actions: Vec<(u8, Option<u64>)>,
    allow: u16,
    per_window: u8,
}

#[derive(Debug, Arbitrary)]
pub(super) struct AnyLook {
    at: i64,
    known: u16,
    good: u16,
    times: [i64; 3],
    every: u64,
}

#[derive(Debug, Arbitrary)]
pub(super) struct AnySituation {
    able: bool,
    bits: u8,
    count: u8,
    proof: Option<u8>,
}

#[derive(Debug, Arbitrary)]
pub(super) struct AnyLedger {
    incident: Option<AnyIncident>,
    failures: u8,
    last_failure: Option<i64>,
    since: Option<i64>,
    actions: u8,
}

#[derive(Debug, Arbitrary)]
pub(super) struct AnyIncident {
    started_at: i64,
    class: u8,
    tried: Vec<(u8, u32)>,
    doing: Option<u8>,
    escalated: Option<u8>,
}

impl AnyIncident {
    pub(super) fn incident(&self) -> Incident {
        let tried = self.tried.iter().take(4);
        Incident {
            tried: tried
                .map(|(kind, times)| (pick(ActionKind::ALL, *kind), count(*times)))
                .collect(),
            doing: self.doing.map(|kind| pick(ActionKind::ALL, kind)),
            escalated: self.escalated.map(|why| pick(Escalation::ALL, why)),
            ..Incident::of(
                &Fault::new(pick(FaultClass::ALL, self.class), "Code", "words"),
                time(self.started_at),
            )
        }
    }
}

impl AnyLedger {
    pub(super) fn ledger(&self) -> Ledger {
        Ledger {
            incident: self.incident.as_ref().map(AnyIncident::incident),
            breaker: Breaker {
                failures: u32::from(self.failures % 6),
                last_failure: self.last_failure.map(time),
            },
            spent: Spent {
                since: self.since.map(time),
                actions: u32::from(self.actions % 24),
            },
        }
    }
}

impl AnyRules {
    pub(super) fn rules(&self) -> Rules {
        let [max_retries, backoff_factor_percent, success_threshold] = self.retry;
        let actions = self.actions.iter().take(6);
        let allow = ActionKind::ALL.iter().enumerate();
        Rules {
            mode: pick(
                &[RecoveryMode::Off, RecoveryMode::Observe, RecoveryMode::Act],
                self.mode,
            ),
            retry: RetryStrategy {
                base_delay: duration(self.delays[0]),
                max_delay: duration(self.delays[1]),
                max_retries: count(max_retries),
                backoff_factor_percent,
                success_threshold,
            },
            failure_threshold: self.threshold.map(u32::from),
            actions: actions
                .map(|(kind, timeout)| (pick(ActionKind::ALL, *kind), timeout.map(duration)))
                .collect(),
            allow: allow
                .filter(|(place, _)| self.allow >> place & 1 == 1)
                .map(|(_, kind)| *kind)
                .collect(),
            per_window: u32::from(self.per_window % 24),
            window: duration(self.delays[2]),
        }
    }
}

impl AnyLook {
    pub(super) fn look(&self) -> Look {
        let known = |place: u16| self.known >> place & 1 == 1;
        let good = |place: u16| self.good >> place & 1 == 1;
        let found = |place| match (good(place), good(place + 8)) {
            (true, _) => Found::Good,
            (false, true) => Found::Missing,
            (false, false) => Found::Wrong("it is another one".to_owned()),
        };
        let [last, certificate, token] = self.times.map(time);
        Look {
            at: time(self.at),
            facts: Facts {
                broken_dependencies: known(0).then(|| {
                    let broken = (!good(0)).then(|| "VPC/demo".to_owned());
                    broken.into_iter().collect()
                }),
                synced: known(1).then(|| good(1)),
                sync: known(2).then(|| (last, duration(self.every))),
                endpoint: known(3).then(|| found(3)),
                api: known(4).then(|| match (good(4), good(12)) {
                    (true, _) => Api::Answered,
                    (false, true) => Api::Silent("refused".to_owned()),
                    (false, false) => Api::NotAsked,
                }),
                kubeconfig: known(5).then(|| found(5)),
                certificate_expires: known(6).then_some(certificate),
                token_expires: known(7).then_some(token),
                drifted: known(8).then(|| u32::from(!good(8))),
            },
        }
    }
}

impl AnySituation {
    pub(super) fn situation(&self) -> Situation {
        let proofs = [Proof::ProcessGone, Proof::MachineRestarted, Proof::PodGone];
        let count = 0..self.count % 3;
        Situation {
            dependencies: count
                .clone()
                .map(|number| Dependency {
                    name: format!("VPC/{number}"),
                    repairable: bit(self.bits, number),
                })
                .collect(),
            lock: bit(self.bits, 3).then(|| Lock {
                id: "lock-1".to_owned(),
                proof: self.proof.map(|proof| pick(&proofs, proof)),
            }),
            tainted: count
                .clone()
                .map(|number| format!("aws_vpc.it[{number}]"))
                .collect(),
            unrecorded: count
                .map(|number| (format!("aws_subnet.it[{number}]"), "subnet-1".to_owned()))
                .collect(),
            state: if bit(self.bits, 4) {
                StateKnown::Lost
            } else {
                StateKnown::Whole
            },
            live_complete: bit(self.bits, 5),
            last_good: bit(self.bits, 6).then(|| "demo-3".to_owned()),
            ..Situation::of(self.able.then_some(capt_core::advance::ABLE))
        }
    }
}
