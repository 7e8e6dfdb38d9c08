//! What can be different about what was tried, and about the time that counts.

use std::time::Duration;

use capt_core::fault::FaultClass;
use capt_core::lifecycle::State;
use capt_core::record::{OperationKind, Record};
use capt_core::recovery::{ActionKind, Escalation, Incident, RecoveryMode};

use crate::factors::{Factor, of_object, of_record};
use crate::subject::Subject;
use crate::world::{NOW, at, escalated, fault as fault_of, finished, past_attempt};

/// All of it.
pub(crate) fn healing<S: Subject>() -> Vec<Factor<S>> {
    let mut factors = ledgers();
    factors.extend(bounds());
    factors.extend(clocks());
    factors.extend(trends());
    factors
}

/// What was tried in the present incident, and whether a person was asked.
fn ledgers<S: Subject>() -> Vec<Factor<S>> {
    let mut factors = vec![
        of_record("no incident", |it| it.recovery.ledger.incident = None),
        of_record("nothing may be tried", |it| pause(it, 8)),
        of_record("nothing could be tried until now", |it| pause(it, 0)),
    ];
    factors.extend(Escalation::ALL.iter().map(|&why| {
        of_record(format!("a person was asked: {}", why.name()), move |it| {
            escalated(it, why);
        })
    }));
    factors
}

/// What is to be tried is chosen so many seconds from now, where something is tried at all.
fn pause(record: &mut Record, seconds: i64) {
    let recovers = record.state == State::Recovering;
    if let Some(incident) = record.recovery.ledger.incident.as_mut().filter(|_| recovers) {
        incident.doing = None;
        incident.escalated = None;
        record.next_attempt = Some(at(seconds));
    }
}

fn open_breaker(record: &mut Record) {
    record.recovery.ledger.breaker.failures = 3;
    record.recovery.ledger.breaker.last_failure = Some(at(-60));
}

/// An incident about which nothing was begun yet, wherever it is.
fn unbegun(record: &mut Record) {
    let fault = record.fault.clone();
    let fault = fault.unwrap_or_else(|| fault_of(FaultClass::Transient));
    record.recovery.ledger.incident = Some(Incident::of(&fault, at(-300)));
}

/// Breaker and window, at their edges, while something is to be chosen.
fn bounds<S: Subject>() -> Vec<Factor<S>> {
    let breaker = |name: &str, failures: u32, since: i64| {
        of_record(format!("breaker: {name}"), move |it| {
            if it.state != State::Recovering {
                return;
            }
            pause(it, 0);
            it.recovery.ledger.breaker.failures = failures;
            it.recovery.ledger.breaker.last_failure = Some(at(since));
        })
    };
    let window = |name: &str, actions: u32, since: i64| {
        of_record(format!("window: {name}"), move |it| {
            if it.state != State::Recovering {
                return;
            }
            pause(it, 0);
            it.recovery.ledger.spent.actions = actions;
            it.recovery.ledger.spent.since = Some(at(since));
        })
    };
    let day = 24 * 3_600;
    vec![
        breaker("2 failures", 2, -60),
        breaker("3 failures", 3, -60),
        breaker("3 failures, 1 h less 1 s ago", 3, -3_599),
        breaker("3 failures, 1 h ago", 3, -3_600),
        breaker("3 failures, in the future", 3, 1),
        of_record("breaker: open, while an attempt goes on", open_breaker),
        of_record("breaker: open, and nothing was begun", |it| {
            open_breaker(it);
            unbegun(it);
        }),
        of_record(
            "breaker: open, nothing was begun, and a child is to blame",
            |it| {
                open_breaker(it);
                unbegun(it);
                it.blamed = Some("Other/one".to_owned());
            },
        ),
        window("39 actions", 39, -60),
        window("40 actions", 40, -60),
        window("40 actions, since a day less 1 s", 40, 1 - day),
        window("40 actions, since a day", 40, -day),
        window("40 actions, in the future", 40, 1),
        of_object("window of no actions", |it| {
            pause(&mut it.record, 0);
            it.policy.recovery.per_window = 0;
        }),
        of_object("recovery off, and something is to be chosen", |it| {
            pause(&mut it.record, 0);
            it.policy.recovery.mode = RecoveryMode::Off;
        }),
        of_object("recovery observed, and something is to be chosen", |it| {
            pause(&mut it.record, 0);
            it.policy.recovery.mode = RecoveryMode::Observe;
        }),
        of_object("the owner wants a Replan", |it| {
            it.policy.recovery.actions = vec![(ActionKind::Replan, None)];
        }),
        of_object("the owner wants everything built anew", |it| {
            it.policy.recovery.actions = vec![(ActionKind::RecreateWorkspace, None)];
            it.policy.recovery.allow = [ActionKind::RecreateWorkspace].into();
        }),
    ]
}

/// Clocks that were set back, time that does not count, and time that was learned.
fn clocks<S: Subject>() -> Vec<Factor<S>> {
    let mut factors = Vec::new();
    for (word, seconds) in [("60 s", 60), ("61 s", 61)] {
        factors.push(of_record(format!("clock set back by {word}"), move |it| {
            it.since = Some(at(seconds));
            it.recovery.last_attempt = it.recovery.last_attempt.map(|_| at(seconds));
            if let Some(run) = &mut it.run {
                run.opened = at(seconds);
            }
        }));
    }
    for (word, away) in [("10 min", 600), ("1 s", 1)] {
        factors.push(of_object(format!("nobody was there for {word}"), move |it| {
            it.absences.note(at(-30 - away), at(-30));
        }));
        factors.push(of_object(
            format!("here for 15 min, of which nobody was there for {word}"),
            move |it| {
                it.record.since = Some(at(-900));
                it.absences.note(at(-30 - away), at(-30));
            },
        ));
        factors.push(of_object(
            format!("operation since 30 min, of which nobody was there for {word}"),
            move |it| {
                if let Some(operation) = &mut it.record.operation {
                    operation.started_at = at(-1_800);
                }
                it.absences.note(at(-30 - away), at(-30));
            },
        ));
    }
    for kind in [
        OperationKind::Creating,
        OperationKind::Updating,
        OperationKind::Deleting,
    ] {
        factors.push(of_record(
            format!("{} took 5 min three times", kind.name()),
            move |it| {
                for _ in 0..3 {
                    it.history.push(finished(kind, 300));
                }
            },
        ));
    }
    factors.push(of_object("it usually takes 1 min", |it| {
        it.policy.usually = Duration::from_mins(1);
    }));
    factors
}

/// What becomes worse: work that takes longer than it did, and faults that come more often.
fn trends<S: Subject>() -> Vec<Factor<S>> {
    let took = |name: &str, times: usize, less: i64| {
        of_record(name, move |it| {
            if let Some(operation) = it.operation.clone() {
                let so_far = NOW.duration_since(operation.started_at).as_secs();
                let before = finished(operation.kind, so_far - less);
                it.history.extend(vec![before; times]);
            }
        })
    };
    let faults = |today: usize, yesterday: usize, observed: i64| {
        let name = format!("{today} such faults today, {yesterday} yesterday, observed for {observed} h");
        of_record(name, move |it| {
            it.history = vec![finished(OperationKind::Creating, (observed - 1) * 3_600)];
            let fault = |hours: i64| past_attempt(FaultClass::Transient, hours * 3_600);
            let yesterday = vec![fault(24); yesterday];
            it.recovery.history = [yesterday, vec![fault(23); today]].concat();
        })
    };
    vec![
        took("as long as five times before", 5, 0),
        took("1 s longer than five times before", 5, 1),
        took("1 s longer than four times before", 4, 1),
        faults(1, 0, 48),
        faults(2, 0, 48),
        faults(2, 0, 47),
        faults(2, 1, 48),
        faults(2, 2, 48),
        faults(15, 0, 48),
        faults(16, 0, 48),
    ]
}
