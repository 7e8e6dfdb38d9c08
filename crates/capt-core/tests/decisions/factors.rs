//! What can be different about any object, and about any record.

use std::time::Duration;

use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::State;
use capt_core::object::Object;
use capt_core::record::{OperationKind, Record};
use capt_core::recovery::{ActionKind, RecoveryMode};
use capt_core::revision::Version;

use crate::healing::healing;
use crate::health::looks;
use crate::subject::Subject;
use crate::world::{INPUT, OTHER, absent, at, fault, initialize, operating, tried};

/// One thing that is different.
pub(crate) struct Factor<S> {
    /// What it is.
    pub(crate) name: String,
    /// Makes it so.
    pub(crate) vary: Box<dyn Fn(&mut S)>,
    /// Whether it is tried on every base.
    pub(crate) brief: bool,
}

/// What is tried on every base, of the factors that every kind has.
const BRIEF: [&str; 16] = [
    "version and outputs known",
    "a Secret is missing",
    "paused",
    "no finalizer",
    "asked",
    "another input",
    "recovery off",
    "step failed: Transient",
    "step failed: Invalid",
    "had been ready",
    "next attempt now",
    "operation since 30 min",
    "tried three times before",
    "a person was asked: RecoveryExhausted",
    "look: token expired",
    "look: all is well",
];

pub(crate) fn factor<S>(name: impl Into<String>, vary: impl Fn(&mut S) + 'static) -> Factor<S> {
    let name = name.into();
    Factor {
        brief: BRIEF.contains(&name.as_str()),
        name,
        vary: Box::new(vary),
    }
}

pub(crate) fn of_object<S: Subject>(
    name: impl Into<String>,
    vary: impl Fn(&mut Object) + 'static,
) -> Factor<S> {
    factor(name, move |seen: &mut S| vary(seen.object_mut()))
}

pub(crate) fn of_record<S: Subject>(
    name: impl Into<String>,
    vary: impl Fn(&mut Record) + 'static,
) -> Factor<S> {
    factor(name, move |seen: &mut S| vary(seen.record_mut()))
}

/// What every kind has.
pub(crate) fn common<S: Subject>() -> Vec<Factor<S>> {
    let mut factors = objects();
    factors.extend(faults());
    factors.extend(times());
    factors.extend(records());
    factors.extend(inputs());
    factors.extend(healing());
    factors.extend(looks());
    factors
}

fn objects<S: Subject>() -> Vec<Factor<S>> {
    vec![
        of_object("paused", |it| {
            it.paused = Some("the Cluster is paused".to_owned());
        }),
        of_object("deleted", |it| it.deleting = true),
        of_object("deleted and paused", |it| {
            it.deleting = true;
            it.paused = Some("the Cluster is paused".to_owned());
        }),
        of_object("no finalizer", |it| it.finalized = false),
        of_object("deleted, no finalizer", |it| {
            it.deleting = true;
            it.finalized = false;
        }),
        of_object("asked", |it| it.requested = Some("retry=1".to_owned())),
        of_object("asked and honoured", |it| {
            it.requested = Some("retry=1".to_owned());
            it.record.honoured.clone_from(&it.requested);
        }),
        of_object("request taken back", |it| {
            it.record.honoured = Some("retry=1".to_owned());
        }),
        of_object("another input", |it| OTHER.clone_into(&mut it.input)),
        of_object("another input and asked", |it| {
            OTHER.clone_into(&mut it.input);
            it.requested = Some("retry=1".to_owned());
        }),
        of_object("version and outputs known", |it| {
            it.version = Version::parse("1.31");
            it.outputs = Some("outputs".to_owned());
        }),
        of_object("recovery off", |it| it.policy.recovery.mode = RecoveryMode::Off),
        of_object("recovery observed", |it| {
            it.policy.recovery.mode = RecoveryMode::Observe;
        }),
    ]
}

/// What failed when the last plan was executed.
fn faults<S: Subject>() -> Vec<Factor<S>> {
    let one = FaultClass::ALL.iter().map(|&class| {
        of_object(format!("step failed: {class}"), move |it| {
            it.faults = vec![fault(class)];
        })
    });
    let two = [
        [FaultClass::Transient, FaultClass::Invalid],
        [FaultClass::Conflict, FaultClass::Permission],
        [FaultClass::Quota, FaultClass::Integrity],
    ];
    let two = two.into_iter().map(|[first, second]| {
        of_object(format!("steps failed: {first}, {second}"), move |it| {
            it.faults = vec![fault(first), Fault::new(second, "Bang", "it went wrong too")];
        })
    });
    one.chain(two).collect()
}

/// Every moment that is looked at, at its edge.
fn times<S: Subject>() -> Vec<Factor<S>> {
    let mut factors = vec![
        of_record("came here at an unknown time", |it| it.since = None),
        of_record("here for 15 min less 1 s", |it| it.since = Some(at(-899))),
        of_record("here for 15 min", |it| it.since = Some(at(-900))),
        of_record("next attempt unknown", |it| it.next_attempt = None),
        of_record("next attempt in 1 s", |it| it.next_attempt = Some(at(1))),
        of_record("next attempt now", |it| it.next_attempt = Some(at(0))),
        of_record("next attempt 1 s ago", |it| it.next_attempt = Some(at(-1))),
        of_record("last attempt never", |it| it.recovery.last_attempt = None),
        of_record("no operation", |it| it.operation = None),
    ];
    for (word, started) in [("30 min less 1 s", -1_799), ("30 min", -1_800)] {
        factors.push(of_record(format!("operation since {word}"), move |it| {
            if let Some(operation) = &mut it.operation {
                operation.started_at = at(started);
            }
        }));
    }
    for kind in [
        OperationKind::Creating,
        OperationKind::Updating,
        OperationKind::Deleting,
    ] {
        factors.push(of_record(format!("operation is {}", kind.name()), move |it| {
            operating(it, kind, -120);
        }));
    }
    factors
}

/// What was recorded.
fn records<S: Subject>() -> Vec<Factor<S>> {
    let mut factors = vec![
        of_record("had been ready", |it| {
            if !it.initialized {
                initialize(it);
            }
        }),
        of_record("ready all the time", |it| {
            it.ready = true;
            if !it.initialized {
                initialize(it);
            }
        }),
        of_record("gave up", |it| it.gave_up = true),
        of_record("did not give up", |it| it.gave_up = false),
        of_record("work for no known input", |it| it.input = None),
        of_record("work for another input", |it| it.input = Some(OTHER.to_owned())),
        of_record("applied this input", |it| it.applied = Some(INPUT.to_owned())),
        of_record("no fault recorded", |it| it.fault = None),
        of_record("blames nobody", |it| it.blamed = None),
        of_record("blames a stranger", |it| it.blamed = Some("Other/one".to_owned())),
        of_record("fault of an output", |it| {
            it.fault = Some(Fault::of_output("vpc_id", "OutputInvalid", "it is empty"));
        }),
        of_record("99 % shown", |it| it.percent = 99),
    ];
    for origin in [State::Validating, State::Provisioning, State::Configuring] {
        factors.push(of_record(format!("came from {origin}"), move |it| {
            it.origin = Some(origin);
        }));
    }
    factors.push(of_record("tried three times before", |it| {
        tried(it, ActionKind::RetryApply, 3);
    }));
    factors.push(of_object("retries begin with 1 h", |it| {
        it.policy.recovery.retry.base_delay = Duration::from_hours(1);
        it.policy.recovery.retry.max_delay = Duration::from_hours(2);
    }));
    factors
}

/// What is not there, and what cannot work.
fn inputs<S: Subject>() -> Vec<Factor<S>> {
    vec![
        factor("a Secret is missing", |it: &mut S| {
            *it.missing_mut() = vec![absent("a")];
        }),
        factor("two Secrets are missing", |it: &mut S| {
            *it.missing_mut() = vec![absent("a"), absent("b")];
        }),
        factor("a Secret is missing since 15 min", |it: &mut S| {
            *it.missing_mut() = vec![absent("a")];
            it.record_mut().since = Some(at(-900));
        }),
        factor("invalid", |it: &mut S| {
            *it.invalid_mut() = Some(fault(FaultClass::Invalid));
        }),
        factor("invalid for now", |it: &mut S| {
            *it.invalid_mut() = Some(fault(FaultClass::Dependency));
        }),
        factor("invalid and a Secret is missing", |it: &mut S| {
            *it.invalid_mut() = Some(fault(FaultClass::Invalid));
            *it.missing_mut() = vec![absent("a")];
        }),
    ]
}
