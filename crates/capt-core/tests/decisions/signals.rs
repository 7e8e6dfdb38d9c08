//! The step from one state to the next, signal by signal, apart from any subject.

use std::fmt::Write as _;
use std::time::Duration;

use capt_core::absence::Absences;
use capt_core::advance::{Advance, Assessment, Context, advance};
use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::{Lifecycle, Signal, State};
use capt_core::loss::Loss;
use capt_core::machine::{Machine as _, Move};
use capt_core::record::{OperationKind, Record};
use capt_core::recovery::ActionKind;
use capt_core::wait::{Notice, Severity};

use crate::words::{changes, list};
use crate::world::{NOW, OTHER, absent, at, initialize, operating, policy, record, tried};

const SEED: u64 = 7;

/// Where `signal` alone leads `record`.
fn leads(record: &Record, signal: Signal) -> Option<State> {
    match Lifecycle::next(record.state, signal) {
        Move::To(to) => Some(to),
        Move::Back => Some(record.origin.unwrap_or(State::Validating)),
        Move::Stay | Move::Illegal => None,
    }
}

fn step(record: &Record, assessment: &Assessment) -> Advance {
    let context = Context {
        policy: &policy(),
        absences: &Absences::default(),
        now: NOW,
        seed: SEED,
    };
    advance(record, assessment, &context)
}

fn assessed(signals: impl IntoIterator<Item = Signal>) -> Assessment {
    Assessment {
        signals: signals.into_iter().collect(),
        input: OTHER.to_owned(),
        ..Assessment::default()
    }
}

#[test]
fn of_two_signals_the_more_urgent_one_that_leads_anywhere_is_taken() {
    for &state in State::ALL {
        let record = record(state);
        for (urgency, &one) in Signal::ALL.iter().enumerate() {
            for &other in &Signal::ALL[urgency..] {
                let taken = [one, other]
                    .into_iter()
                    .find(|&signal| leads(&record, signal).is_some());
                let expected = step(&record, &assessed(taken));
                let met = step(&record, &assessed([other, one]));
                assert_eq!(met, expected, "{state}: {one:?} and {other:?}");
                match (met, taken) {
                    (Advance::Moved { record: next, .. }, Some(signal)) => {
                        assert_eq!(Some(next.state), leads(&record, signal), "{state}: {signal:?}");
                        assert_eq!(next.since, Some(NOW));
                    }
                    (Advance::Stayed(next), None) => {
                        let looked_at = Record {
                            since: record.since.or(Some(NOW)),
                            ..record.clone()
                        };
                        assert_eq!(next, looked_at, "{state}: {one:?} and {other:?}");
                    }
                    (met, taken) => panic!("{state}: {taken:?} gives {met:?}"),
                }
            }
        }
    }
}

#[test]
fn whoever_recovers_without_a_known_origin_goes_back_to_the_beginning() {
    let mut lost = record(State::Recovering);
    lost.origin = None;
    let (record, _) = moved(step(&lost, &assessed([Signal::Recovered]))).unwrap();
    assert_eq!(record.state, State::Validating);
}

type Vary = dyn Fn(&mut Record, &mut Assessment);

/// One way in which the record or what was assessed is different.
struct Way {
    name: String,
    vary: Box<Vary>,
}

fn way(name: impl Into<String>, vary: impl Fn(&mut Record, &mut Assessment) + 'static) -> Way {
    Way {
        name: name.into(),
        vary: Box::new(vary),
    }
}

fn ways() -> Vec<Way> {
    let mut ways = of_records();
    ways.extend(of_assessments());
    ways
}

fn of_records() -> Vec<Way> {
    let mut ways = vec![
        way("had been ready", |record, _| {
            if !record.initialized {
                initialize(record);
            }
        }),
        way("ready, gave up, blamed and failed before", |record, _| {
            record.ready = true;
            record.gave_up = true;
            record.blamed = Some("Child/one".to_owned());
            record.fault = Some(Fault::new(FaultClass::Unknown, "Before", "it went wrong before"));
            record.next_attempt = Some(at(5));
            record.percent = 55;
            tried(record, ActionKind::RetryApply, 2);
        }),
        way("tried 20 min less 1 s ago", |record, assessment| {
            record.recovery.last_attempt = Some(at(-1_199));
            assessment.fault = Some(new_fault(FaultClass::Interrupted));
        }),
        way("tried 20 min ago", |record, assessment| {
            record.recovery.last_attempt = Some(at(-1_200));
            assessment.fault = Some(new_fault(FaultClass::Interrupted));
        }),
    ];
    for kind in [
        OperationKind::Creating,
        OperationKind::Updating,
        OperationKind::Deleting,
    ] {
        ways.push(way(kind.name(), move |record, _| operating(record, kind, -30)));
    }
    for origin in [State::Validating, State::Configuring, State::Degraded] {
        ways.push(way(format!("came from {origin}"), move |record, _| {
            record.origin = Some(origin);
        }));
    }
    ways
}

fn of_assessments() -> Vec<Way> {
    let mut ways = vec![
        way("a child is to blame", |_, assessment| {
            assessment.fault = Some(new_fault(FaultClass::Quota));
            assessment.blamed = Some("Child/one".to_owned());
        }),
        way("asked not to come back for 5 min", |_, assessment| {
            let fault = new_fault(FaultClass::Transient);
            assessment.fault = Some(fault.retry_after(Duration::from_mins(5)));
        }),
        way("what it rests on is gone", |_, assessment| {
            assessment.loss = Some(Loss::Gone(absent("a")));
        }),
        way("what it rests on is not ready", |_, assessment| {
            assessment.loss = Some(Loss::Unready);
        }),
    ];
    ways.extend(FaultClass::ALL.iter().map(|&class| {
        way(format!("new fault: {class}"), move |_, assessment| {
            assessment.fault = Some(new_fault(class));
        })
    }));
    ways
}

fn new_fault(class: FaultClass) -> Fault {
    Fault::new(class, "New", "it goes wrong")
}

/// What becomes of the record, and what is said.
fn outcome(record: &Record, assessment: &Assessment) -> String {
    let (next, notices) = moved(step(record, assessment)).unwrap();
    let said = notices.iter().map(|notice| match notice.severity {
        Severity::Normal => format!("| {}: {}", notice.reason, notice.message),
        Severity::Warning => format!("| !{}: {}", notice.reason, notice.message),
    });
    let before = Record {
        state: next.state,
        ..record.clone()
    };
    let said: Vec<_> = said.collect();
    format!("{} | {} {}", next.state, changes(&before, &next), said.join(" "))
}

fn moved(advance: Advance) -> Option<(Record, Vec<Notice>)> {
    match advance {
        Advance::Moved { record, notices } => Some((record, notices)),
        Advance::Stayed(_) => None,
    }
}

#[test]
fn what_a_move_does_to_the_record() {
    let ways = ways();
    let mut text = String::new();
    for &state in State::ALL {
        for &signal in Signal::ALL {
            let typical = record(state);
            if leads(&typical, signal).is_none() {
                continue;
            }
            let base = outcome(&typical, &assessed([signal]));
            write!(text, "\n## {state}, {signal:?}\nas it is: {base}\n").unwrap();
            let mut rows: Vec<(String, Vec<String>)> = Vec::new();
            for Way { name, vary } in &ways {
                let (mut record, mut assessment) = (typical.clone(), assessed([signal]));
                vary(&mut record, &mut assessment);
                let met = outcome(&record, &assessment);
                if met == base {
                    continue;
                }
                match rows.iter_mut().find(|(other, _)| *other == met) {
                    Some((_, names)) => names.push(name.clone()),
                    None => rows.push((met, vec![name.clone()])),
                }
            }
            for (met, names) in rows {
                writeln!(text, "{}    {met}", list("-", &names)).unwrap();
            }
        }
    }
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("moves", text);
    });
}
