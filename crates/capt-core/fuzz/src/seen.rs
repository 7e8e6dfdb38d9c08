//! Anything that could be observed, from bytes.

use std::time::Duration;

use arbitrary::Arbitrary;
use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::State;
use capt_core::object::{Child, Object};
use capt_core::progress::Progress;
use capt_core::recovery::Situation;
use capt_core::wait::Wait;
use capt_core::{cluster, control_plane, template_apply, workspace};
use jiff::Timestamp;

mod failure;
mod object;

use failure::AnySituation;
use object::AnyObject;

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

/// Mostly few, and now and then as many as can be counted.
fn count(times: u32) -> u32 {
    match times % 16 {
        0 => u32::MAX,
        _ => times / 16 % 24,
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
