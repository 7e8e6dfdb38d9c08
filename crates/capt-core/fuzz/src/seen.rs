//! Anything that could be observed, from bytes.

use std::time::Duration;

use arbitrary::Arbitrary;
use capt_core::absence::Absences;
use capt_core::advance::Policy;
use capt_core::fault::{Fault, FaultClass};
use capt_core::health::{Api, CheckKind, Checkup, Facts, Found, Judgement, Look, Verdict};
use capt_core::lifecycle::State;
use capt_core::object::{Child, Object};
use capt_core::progress::Progress;
use capt_core::record::{
    Ending, Operation, OperationKind, Record, Recovery, RecoveryAttempt, RecoveryOutcome, Run, RunOperation,
};
use capt_core::recovery::{
    ActionKind, Breaker, Dependency, Escalation, Incident, Ledger, Lock, Proof, RecoveryMode, Rules,
    Situation, Spent, StateKnown,
};
use capt_core::retry::RetryStrategy;
use capt_core::revision::{LastGood, Version};
use capt_core::wait::Wait;
use capt_core::{cluster, control_plane, template_apply, workspace};
use jiff::Timestamp;

/// What all snapshots of one moment are made from.
#[derive(Debug, Arbitrary)]
pub struct Seen {
    now: i64,
    object: AnyObject,
    child: Option<AnyChild>,
    other: Option<AnyChild>,
    missing: Vec<u8>,
    invalid: Option<AnyFault>,
    wrong: Option<AnyFault>,
    held: bool,
    run: Option<AnyRun>,
    bits: u16,
    choice: [u8; 4],
    dependents: u8,
    known: AnySituation,
}

#[derive(Debug, Arbitrary)]
struct AnyObject {
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
struct AnyRules {
    mode: u8,
    retry: [u32; 3],
    delays: [u64; 3],
    threshold: Option<u8>,
    actions: Vec<(u8, Option<u64>)>,
    allow: u16,
    per_window: u8,
}

#[derive(Debug, Arbitrary)]
struct AnyLook {
    at: i64,
    known: u16,
    good: u16,
    times: [i64; 3],
    every: u64,
}

#[derive(Debug, Arbitrary)]
struct AnySituation {
    able: bool,
    bits: u8,
    count: u8,
    proof: Option<u8>,
}

#[derive(Debug, Arbitrary)]
struct AnyLedger {
    incident: Option<AnyIncident>,
    failures: u8,
    last_failure: Option<i64>,
    since: Option<i64>,
    actions: u8,
}

#[derive(Debug, Arbitrary)]
struct AnyIncident {
    started_at: i64,
    class: u8,
    tried: Vec<(u8, u32)>,
    doing: Option<u8>,
    escalated: Option<u8>,
}

#[derive(Debug, Arbitrary)]
struct AnyRecord {
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

#[derive(Debug, Arbitrary, Clone)]
struct AnyFault {
    class: u8,
    words: u8,
    retry_after: Option<u64>,
}

#[derive(Debug, Arbitrary)]
struct AnyChild {
    state: u8,
    bits: u8,
    fault: Option<AnyFault>,
    foreign: Option<AnyFault>,
    waits: u8,
    percent: u8,
}

#[derive(Debug, Arbitrary)]
struct AnyRun {
    number: u32,
    bits: u8,
    percent: u8,
    unlocked: Option<i64>,
    failed: Option<AnyFault>,
}

/// Where Recovering is entered from.
const ORIGINS: [State; 3] = [State::Validating, State::Provisioning, State::Configuring];

fn pick<T: Copy>(all: &[T], choice: u8) -> T {
    all[usize::from(choice) % all.len()]
}

fn bit(bits: u8, place: u8) -> bool {
    bits >> place & 1 == 1
}

/// Mostly near each other, and now and then at the end of time.
fn time(second: i64) -> Timestamp {
    match second % 16 {
        0 => Timestamp::MIN,
        1 => Timestamp::MAX,
        _ => Timestamp::from_second(second % 100_000).unwrap_or(Timestamp::UNIX_EPOCH),
    }
}

fn duration(seconds: u64) -> Duration {
    match seconds % 16 {
        0 => Duration::ZERO,
        1 => Duration::MAX,
        _ => Duration::from_secs(seconds % 10_000),
    }
}

fn digest(input: u8) -> String {
    format!("input-{}", input % 3)
}

fn waits(count: u8) -> Vec<Wait> {
    (0..count % 3)
        .map(|number| {
            Wait::new(
                format!("Secret/{number}"),
                "SecretMissing",
                "it is missing\nand more",
            )
        })
        .collect()
}

impl AnyFault {
    fn fault(&self) -> Fault {
        let class = pick(FaultClass::ALL, self.class);
        let fault = match self.words % 4 {
            0 => Fault::new(class, "Throttled", "slower, please").on("aws_vpc.it"),
            1 => Fault::new(class, "Conflict", ""),
            2 => Fault::new(class, "", "words").on("subject").at("spec.x:1,2"),
            _ => Fault::new(class, "Code", "words"),
        };
        match self.retry_after {
            Some(delay) => fault.retry_after(duration(delay)),
            None => fault,
        }
    }

    /// Of an output, which nothing else is said of.
    fn wrong(&self) -> Fault {
        let names = ["vpc_id", "cluster_endpoint", "kubeconfig"];
        Fault::of_output(pick(&names, self.words), "InvalidOutput", "it is none")
    }
}

impl AnyChild {
    fn child(&self, name: &str) -> Child {
        Child {
            foreign: self.foreign.as_ref().map(AnyFault::fault),
            matches: bit(self.bits, 0),
            observed: bit(self.bits, 1),
            ready: bit(self.bits, 2),
            made: bit(self.bits, 3),
            deleting: bit(self.bits, 4),
            fault: self.fault.as_ref().map(AnyFault::fault),
            waits: waits(self.waits),
            progress: Progress {
                percent: self.percent,
                ..Progress::default()
            },
            ..Child::new(name, pick(State::ALL, self.state))
        }
    }
}

impl AnyIncident {
    fn incident(&self) -> Incident {
        let tried = self.tried.iter().take(4);
        Incident {
            tried: tried
                .map(|(kind, times)| (pick(ActionKind::ALL, *kind), *times))
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
    fn ledger(&self) -> Ledger {
        Ledger {
            incident: self.incident.as_ref().map(AnyIncident::incident),
            breaker: Breaker {
                failures: u32::from(self.failures),
                last_failure: self.last_failure.map(time),
            },
            spent: Spent {
                since: self.since.map(time),
                actions: u32::from(self.actions),
            },
        }
    }
}

impl AnyRules {
    fn rules(&self) -> Rules {
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
                max_retries,
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
            per_window: u32::from(self.per_window),
            window: duration(self.delays[2]),
        }
    }
}

impl AnyLook {
    fn look(&self) -> Look {
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
    fn situation(&self) -> Situation {
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
            origin: self.origin.map(|origin| pick(&ORIGINS, origin)),
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
    fn object(&self) -> Object {
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

impl Seen {
    /// When it is.
    pub fn now(&self) -> Timestamp {
        time(self.now)
    }

    /// What every object has.
    pub fn object(&self) -> Object {
        self.object.object()
    }

    /// What is known of the world of something that has failed.
    pub fn situation(&self) -> Situation {
        self.known.situation()
    }

    fn bit(&self, place: u8) -> bool {
        self.bits >> place & 1 == 1
    }

    fn missing(&self) -> Vec<Wait> {
        waits(self.missing.first().copied().unwrap_or(0))
    }

    fn child(&self) -> Option<Child> {
        self.child.as_ref().map(|child| child.child("Child/0"))
    }

    fn fault(&self, fault: &Option<AnyFault>) -> Option<Fault> {
        fault.as_ref().map(AnyFault::fault)
    }

    fn wrong(&self) -> Option<Fault> {
        self.wrong.as_ref().map(AnyFault::wrong)
    }

    fn held(&self) -> Option<Wait> {
        self.held
            .then(|| Wait::new("Cluster/other", "Held", "it is held"))
    }

    fn names(&self) -> Vec<String> {
        (0..self.dependents % 3)
            .map(|number| format!("Dependent/{number}"))
            .collect()
    }

    /// A workspace.
    pub fn workspace(&self) -> workspace::Snapshot {
        use workspace::{Connection, Deletion, RunEnd, RunSeen};
        workspace::Snapshot {
            missing: self.missing(),
            invalid: self.fault(&self.invalid),
            run: self.run.as_ref().map(|run| RunSeen {
                number: run.number,
                progress: Progress {
                    percent: run.percent,
                    ..Progress::default()
                },
                unlocked: run.unlocked.map(|at| (time(at), "somebody".to_owned())),
                changes: bit(run.bits, 0),
                end: match &run.failed {
                    Some(fault) => Some(RunEnd::Failed(fault.fault())),
                    None => bit(run.bits, 1).then_some(RunEnd::Succeeded),
                },
            }),
            connection: pick(
                &[Connection::Unwanted, Connection::Current, Connection::Stale],
                self.choice[0],
            ),
            protected: self.bit(0),
            has_state: self.bit(1),
            deletion: pick(&[Deletion::Destroy, Deletion::Orphan], self.choice[1]),
            dependents: self.names(),
            ..workspace::Snapshot::new(self.object())
        }
    }

    /// A template apply.
    pub fn template_apply(&self) -> template_apply::Snapshot {
        template_apply::Snapshot {
            missing: self.missing(),
            invalid: self.fault(&self.invalid),
            workspace: self.child(),
            retain: self.bit(0),
            ..template_apply::Snapshot::new(self.object())
        }
    }

    /// A cluster.
    pub fn cluster(&self) -> cluster::Snapshot {
        use cluster::Vpc;
        cluster::Snapshot {
            owned: self.bit(0),
            vpc: match self.choice[0] % 3 {
                0 => Vpc::Owned {
                    apply: self.child(),
                    retain: self.bit(1),
                },
                1 => Vpc::Existing,
                _ => Vpc::Shared { apply: self.child() },
            },
            missing: self.missing(),
            invalid: self.fault(&self.invalid),
            vpc_id: self.bit(2).then(|| "vpc-1".to_owned()),
            wrong_output: self.wrong(),
            held: self.held(),
            dependents: self.names(),
            ..cluster::Snapshot::new(self.object())
        }
    }

    /// A control plane.
    pub fn control_plane(&self) -> control_plane::Snapshot {
        use control_plane::{Endpoint, Kubeconfig, Secret};
        let secrets = [Secret::Unknown, Secret::Unwanted, Secret::Current, Secret::Stale];
        let secret = pick(&secrets, self.choice[1]);
        control_plane::Snapshot {
            owned: self.bit(0),
            missing: self.missing(),
            invalid: self.fault(&self.invalid),
            apply: self.child(),
            held: self.held(),
            endpoint: match (self.choice[0] % 4, self.wrong()) {
                (0, _) => Endpoint::Unknown,
                (1, _) => Endpoint::Published,
                (2, _) | (_, None) => Endpoint::Found,
                (_, Some(fault)) => Endpoint::Invalid(fault),
            },
            kubeconfig: match self.choice[3] % 3 {
                0 => Kubeconfig::Output(secret),
                1 => Kubeconfig::Template {
                    apply: self.other.as_ref().map(|child| child.child("Child/1")),
                    secret,
                },
                _ => Kubeconfig::Nowhere(Wait::new("kubeconfig", "Nowhere", "there is none")),
            },
            ca: pick(&secrets, self.choice[2]),
            wrong_output: self.wrong(),
            ..control_plane::Snapshot::new(self.object())
        }
    }
}
