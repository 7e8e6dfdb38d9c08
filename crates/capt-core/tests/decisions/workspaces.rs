//! What is decided for a workspace.

use std::time::Duration;

use capt_core::fault::FaultClass;
use capt_core::lifecycle::State;
use capt_core::progress::Progress;
use capt_core::record::{Record, RunOperation};
use capt_core::recovery::ActionKind;
use capt_core::workspace::{Connection, Deletion, RunEnd, RunSeen, Snapshot};

use crate::factors::{Factor, common, factor};
use crate::health::ill;
use crate::sheet::{Base, Factors, base, further, sheets};
use crate::subject::Subject as _;
use crate::world::{
    OTHER, absent, at, fault, leaving, object, opened, overdue_record, record, tried, updating,
};

/// A workspace with this record and nothing else that is worth a word.
fn workspace(record: Record) -> Snapshot {
    Snapshot {
        connection: Connection::Current,
        ..Snapshot::new(object("TerraformWorkspace/demo", record))
    }
}

/// One whose run `number` is as the runner sees it.
fn with_run(mut seen: Snapshot, operation: RunOperation, run: RunSeen) -> Snapshot {
    opened(seen.record_mut(), run.number, operation);
    seen.run = Some(run);
    seen.has_state = true;
    seen.protected = true;
    seen
}

fn run(number: u32, end: Option<RunEnd>) -> RunSeen {
    RunSeen {
        number,
        progress: Progress {
            percent: 40,
            completed: 2,
            total: 5,
            current: "aws_thing.it".to_owned(),
        },
        unlocked: None,
        changes: true,
        end,
    }
}

fn failed(class: FaultClass) -> Option<RunEnd> {
    Some(RunEnd::Failed(fault(class)))
}

/// What can be different about a workspace.
pub(crate) fn factors() -> Factors<Snapshot> {
    let mut own = runs();
    own.extend(vec![
        factor("connection unwanted", |it: &mut Snapshot| {
            it.connection = Connection::Unwanted;
        }),
        factor("connection stale", |it: &mut Snapshot| {
            it.connection = Connection::Stale;
        }),
        factor("state unprotected", |it: &mut Snapshot| {
            it.has_state = true;
            it.protected = false;
        }),
        factor("no state", |it: &mut Snapshot| {
            it.has_state = false;
            it.protected = false;
        }),
        factor("connection stale, state unprotected", |it: &mut Snapshot| {
            it.connection = Connection::Stale;
            it.has_state = true;
            it.protected = false;
        }),
        factor("needed by others", |it: &mut Snapshot| {
            it.dependents = vec![
                "TerraformWorkspace/a".to_owned(),
                "TerraformWorkspace/b".to_owned(),
            ];
        }),
    ]);
    Factors {
        common: common(),
        own,
    }
}

/// What the runner says.
fn runs() -> Vec<Factor<Snapshot>> {
    let of_run = |name: &str, vary: fn(&mut RunSeen)| {
        factor(name, move |it: &mut Snapshot| {
            if let Some(run) = &mut it.run {
                vary(run);
            }
        })
    };
    let mut factors = vec![
        factor("run unknown to the runner", |it: &mut Snapshot| it.run = None),
        factor("no run recorded", |it: &mut Snapshot| it.object.record.run = None),
        factor("no run at all, no state", |it: &mut Snapshot| {
            it.object.record.run = None;
            it.run = None;
            it.has_state = false;
        }),
        factor("run has another number", |it: &mut Snapshot| {
            if let Some(run) = &mut it.object.record.run {
                run.number += 1;
            }
        }),
        factor("run was for another input", |it: &mut Snapshot| {
            if let Some(run) = &mut it.object.record.run {
                OTHER.clone_into(&mut run.input);
            }
        }),
        factor("run was a destroy", |it: &mut Snapshot| {
            if let Some(run) = &mut it.object.record.run {
                run.operation = RunOperation::Destroy;
            }
        }),
        of_run("run goes on", |run| run.end = None),
        factor("run goes on, another input", |it: &mut Snapshot| {
            OTHER.clone_into(&mut it.object.input);
            if let Some(run) = &mut it.run {
                run.end = None;
            }
        }),
        factor(
            "run goes on, nothing changed, another input",
            |it: &mut Snapshot| {
                OTHER.clone_into(&mut it.object.input);
                if let Some(run) = &mut it.run {
                    run.end = None;
                    run.changes = false;
                }
            },
        ),
        factor("run goes on, step failed: Invalid", |it: &mut Snapshot| {
            it.object.faults = vec![fault(FaultClass::Invalid)];
            if let Some(run) = &mut it.run {
                run.end = None;
            }
        }),
        of_run("run has changed nothing", |run| run.changes = false),
        of_run("run succeeded", |run| run.end = Some(RunEnd::Succeeded)),
        of_run("run took a lock away", |run| {
            run.unlocked = Some((at(-30), "ci@host".to_owned()));
        }),
        of_run("run is at 0 %", |run| run.progress = Progress::default()),
        of_run("run is at 100 %", |run| run.progress = Progress::finished()),
    ];
    factors.extend(FaultClass::ALL.iter().map(|&class| {
        factor(format!("run failed: {class}"), move |it: &mut Snapshot| {
            if let Some(run) = &mut it.run {
                run.end = failed(class);
            }
        })
    }));
    for (class, secs) in [
        (FaultClass::Transient, 5),
        (FaultClass::Transient, 300),
        (FaultClass::Interrupted, 40),
    ] {
        factors.push(factor(
            format!("run failed: {class}, not before {secs} s"),
            move |it: &mut Snapshot| {
                if let Some(run) = &mut it.run {
                    run.end = Some(RunEnd::Failed(
                        fault(class).retry_after(Duration::from_secs(secs)),
                    ));
                }
            },
        ));
    }
    for (word, seconds) in [("20 min less 1 s", -1_199), ("20 min", -1_200)] {
        factors.push(factor(
            format!("run failed: Interrupted, and {word} before that"),
            move |it: &mut Snapshot| {
                if let Some(run) = &mut it.run {
                    run.end = failed(FaultClass::Interrupted);
                    it.object.record.recovery.last_attempt = Some(at(seconds));
                }
            },
        ));
    }
    factors.extend(ladders());
    factors
}

/// A run that failed after so many attempts, at the edges of the ladder of its class and of what is allowed.
fn ladders() -> Vec<Factor<Snapshot>> {
    let mut factors = Vec::new();
    for (class, kind, most, allowed) in [
        (FaultClass::Transient, ActionKind::RetryApply, 10, 30),
        (FaultClass::Transient, ActionKind::RetryApply, 3, 3),
        (FaultClass::Dependency, ActionKind::RetryApply, 20, 30),
        (FaultClass::Locked, ActionKind::RetryApply, 20, 30),
        (FaultClass::Interrupted, ActionKind::RetryApply, 20, 30),
        (FaultClass::Credentials, ActionKind::RetryApply, 3, 30),
        (FaultClass::Environment, ActionKind::Replan, 2, 30),
        (FaultClass::Unknown, ActionKind::RetryApply, 2, 30),
        (FaultClass::Unknown, ActionKind::Replan, 1, 30),
    ] {
        for times in [most - 1, most] {
            let name = format!("run failed: {class}, after {times} times {kind:?}, {allowed} are allowed");
            factors.push(factor(name, move |it: &mut Snapshot| {
                if let Some(run) = &mut it.run {
                    run.end = failed(class);
                    it.object.policy.recovery.retry.max_retries = allowed;
                    it.object.record.recovery.last_attempt = Some(at(-2));
                    tried(&mut it.object.record, kind, times);
                }
            }));
        }
    }
    factors
}

fn applying(record: Record, run: RunSeen) -> Snapshot {
    with_run(workspace(record), RunOperation::Apply, run)
}

fn succeeded() -> RunSeen {
    run(1, Some(RunEnd::Succeeded))
}

fn destroying_with(end: Option<RunEnd>) -> Snapshot {
    let mut seen = with_run(
        workspace(leaving(State::Ready)),
        RunOperation::Destroy,
        run(2, end),
    );
    seen.object.deleting = true;
    seen
}

fn pending() -> Vec<Base<Snapshot>> {
    vec![base("Pending", workspace(record(State::Pending)))]
}

fn validating() -> Vec<Base<Snapshot>> {
    vec![
        base(
            "Validating, the first input",
            workspace(record(State::Validating)),
        ),
        base(
            "Validating, a Secret is missing",
            workspace(record(State::Validating)).with(|it| it.missing = vec![absent("a")]),
        ),
        further(
            "Validating, a new input",
            applying(updating(State::Validating), succeeded()),
        ),
    ]
}

fn provisioning() -> Vec<Base<Snapshot>> {
    let begun = applying(record(State::Provisioning), run(1, None)).with(|it| {
        it.run = None;
        it.has_state = false;
        it.protected = false;
    });
    vec![
        base("Provisioning, the run is not there yet", begun),
        further(
            "Provisioning, the run goes on",
            applying(record(State::Provisioning), run(1, None)),
        ),
        base(
            "Provisioning, an update has failed",
            applying(
                updating(State::Provisioning),
                run(2, failed(FaultClass::Transient)),
            ),
        ),
    ]
}

fn configuring() -> Vec<Base<Snapshot>> {
    let unwritten = applying(record(State::Configuring), succeeded()).with(|it| {
        it.connection = Connection::Stale;
        it.protected = false;
    });
    vec![
        further("Configuring, nothing is written yet", unwritten),
        base(
            "Configuring, all is written",
            applying(record(State::Configuring), succeeded()),
        ),
    ]
}

fn ready() -> Vec<Base<Snapshot>> {
    vec![base("Ready", applying(record(State::Ready), succeeded()))]
}

fn degraded() -> Vec<Base<Snapshot>> {
    vec![
        base(
            "Degraded, gave up",
            applying(record(State::Degraded), run(4, failed(FaultClass::Transient))),
        ),
        base(
            "Degraded, a health check fails",
            applying(record(State::Ready), succeeded()).with(|it| ill(it.object_mut())),
        ),
    ]
}

fn failing() -> Vec<Base<Snapshot>> {
    let probed = applying(record(State::Failed), run(1, failed(FaultClass::Quota))).with(|it| {
        it.object.record.fault = Some(fault(FaultClass::Quota));
        it.object.record.next_attempt = Some(at(600));
    });
    vec![
        further(
            "Failed, a person is needed",
            applying(record(State::Failed), run(1, failed(FaultClass::Invalid))),
        ),
        base("Failed, it is looked at again", probed),
    ]
}

fn recovering() -> Vec<Base<Snapshot>> {
    vec![
        base(
            "Recovering from a run that failed",
            applying(record(State::Recovering), run(1, failed(FaultClass::Transient))),
        ),
        base(
            "Recovering from a wait that lasts too long",
            workspace(overdue_record()).with(|it| it.missing = vec![absent("a")]),
        ),
    ]
}

fn deleting() -> Vec<Base<Snapshot>> {
    vec![
        base(
            "Ready, deleted",
            applying(record(State::Ready), succeeded()).with(|it| it.object.deleting = true),
        ),
        further(
            "Provisioning, deleted while the run goes on",
            applying(leaving(State::Provisioning), run(1, None)).with(|it| it.object.deleting = true),
        ),
        further(
            "Ready, deleted, and everything stays",
            applying(leaving(State::Ready), succeeded()).with(|it| {
                it.object.deleting = true;
                it.deletion = Deletion::Orphan;
            }),
        ),
    ]
}

fn destroying() -> Vec<Base<Snapshot>> {
    let waiting = destroying_with(failed(FaultClass::Dependency)).with(|it| {
        tried(it.record_mut(), ActionKind::RetryApply, 1);
        it.object.record.next_attempt = Some(at(8));
        it.object.record.fault = Some(fault(FaultClass::Dependency));
    });
    vec![
        further(
            "Ready, the destroy is not there yet",
            destroying_with(None).with(|it| it.run = None),
        ),
        further("Ready, the destroy goes on", destroying_with(None)),
        further(
            "Ready, the destroy has failed",
            destroying_with(failed(FaultClass::Dependency)),
        ),
        base("Ready, the destroy has failed and is tried again later", waiting),
        further(
            "Ready, the destroy has succeeded",
            destroying_with(Some(RunEnd::Succeeded)),
        ),
    ]
}

sheets!(
    "workspace": pending,
    validating,
    provisioning,
    configuring,
    ready,
    degraded,
    failing,
    recovering,
    deleting,
    destroying,
);
