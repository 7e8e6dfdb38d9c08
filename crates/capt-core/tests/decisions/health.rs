//! What can be different about how an object is.

use capt_core::health::{Api, CheckKind, Facts, Found, Judgement, Look, Verdict};
use capt_core::lifecycle::State;
use capt_core::object::Object;
use capt_core::recovery::RecoveryMode;

use crate::factors::{Factor, of_object};
use crate::subject::Subject;
use crate::world::at;

/// How its health was judged before, and what the last look saw. Most of it is tried only where it is in use.
pub(crate) fn looks<S: Subject>() -> Vec<Factor<S>> {
    let looks = seen().into_iter().chain(judged_before());
    looks
        .map(|factor| if factor.brief { factor } else { in_use(factor) })
        .collect()
}

fn in_use<S: Subject>(factor: Factor<S>) -> Factor<S> {
    let vary = factor.vary;
    Factor {
        vary: Box::new(move |seen: &mut S| match seen.record().state {
            State::Ready | State::Degraded => vary(seen),
            State::Pending
            | State::Validating
            | State::Provisioning
            | State::Configuring
            | State::Failed
            | State::Recovering => {}
        }),
        ..factor
    }
}

/// What one look saw, of an object that nobody has looked at before.
fn seen<S: Subject>() -> Vec<Factor<S>> {
    let wrong = Found::Wrong("it names no server".to_owned());
    [
        ("all is well", all_well()),
        ("nothing could be asked", Facts::default()),
        (
            "no endpoint",
            Facts {
                endpoint: Some(Found::Missing),
                ..all_well()
            },
        ),
        (
            "wrong kubeconfig",
            Facts {
                kubeconfig: Some(wrong),
                ..all_well()
            },
        ),
        ("token expired", expired()),
        (
            "certificate expires soon",
            Facts {
                certificate_expires: Some(at(3_600)),
                ..all_well()
            },
        ),
        (
            "3 resources drifted",
            Facts {
                drifted: Some(3),
                ..all_well()
            },
        ),
        ("silent for the first time", silent()),
    ]
    .map(|(name, facts)| of_object(format!("look: {name}"), move |it| look(it, &facts)))
    .into()
}

/// What one look saw, of an object that was looked at before.
fn judged_before<S: Subject>() -> Vec<Factor<S>> {
    vec![
        of_object("look: silent for the second time", |it| {
            judged(it, CheckKind::ApiServer, Verdict::Passing, 1);
            look(it, &silent());
        }),
        of_object("look: silent for the third time", |it| {
            judged(it, CheckKind::ApiServer, Verdict::Passing, 2);
            look(it, &silent());
        }),
        of_object("look: silent for the third time, taken in before", |it| {
            judged(it, CheckKind::ApiServer, Verdict::Passing, 2);
            look(it, &silent());
            it.record.checkup.looked = Some(at(-10));
        }),
        of_object("look: silent for the first time, which is enough", |it| {
            it.policy.recovery.failure_threshold = Some(1);
            look(it, &silent());
        }),
        of_object("look: silent still", |it| {
            judged(it, CheckKind::ApiServer, Verdict::Failing, 0);
            look(it, &silent());
        }),
        of_object("look: answers for the first time", |it| {
            judged(it, CheckKind::ApiServer, Verdict::Failing, 0);
            look(it, &all_well());
        }),
        of_object("look: answers for the second time", |it| {
            judged(it, CheckKind::ApiServer, Verdict::Failing, 1);
            look(it, &all_well());
        }),
        of_object("look: cannot be asked any more", |it| {
            judged(it, CheckKind::ApiServer, Verdict::Failing, 0);
            let api = Some(Api::NotAsked);
            look(it, &Facts { api, ..all_well() });
        }),
        of_object("look: token expired, and recovery is off", |it| {
            it.policy.recovery.mode = RecoveryMode::Off;
            look(it, &expired());
        }),
        of_object("look: token expired, and recovery is observed", |it| {
            it.policy.recovery.mode = RecoveryMode::Observe;
            look(it, &expired());
        }),
        of_object("look: dependency broken for the third time", |it| {
            judged(it, CheckKind::Dependencies, Verdict::Passing, 2);
            let broken_dependencies = Some(vec!["CAPTCluster/demo".to_owned()]);
            look(
                it,
                &Facts {
                    broken_dependencies,
                    ..all_well()
                },
            );
        }),
        of_object("judged ill before, and nobody looks", |it| {
            judged(it, CheckKind::TokenExpiry, Verdict::Failing, 0);
            it.look = None;
        }),
    ]
}

fn look(object: &mut Object, facts: &Facts) {
    object.look = Some(Look {
        at: at(-10),
        facts: facts.clone(),
    });
}

fn all_well() -> Facts {
    Facts {
        endpoint: Some(Found::Good),
        api: Some(Api::Answered),
        kubeconfig: Some(Found::Good),
        ..Facts::default()
    }
}

fn silent() -> Facts {
    Facts {
        api: Some(Api::Silent("timed out".to_owned())),
        ..all_well()
    }
}

fn expired() -> Facts {
    Facts {
        token_expires: Some(at(-1)),
        ..all_well()
    }
}

/// How a check was judged a minute ago.
fn judged(object: &mut Object, kind: CheckKind, verdict: Verdict, against: u32) {
    let message = match verdict {
        Verdict::Failing => "it was not in order",
        Verdict::Passing | Verdict::Unknown => "",
    };
    let judgement = Judgement {
        verdict,
        since: Some(at(-60)),
        against,
        message: message.to_owned(),
    };
    object.record.checkup.judgements.insert(kind, judgement);
}

/// Makes what is Ready Degraded by a check that fails still, and that applying again may mend.
pub(crate) fn ill(object: &mut Object) {
    judged(object, CheckKind::TokenExpiry, Verdict::Failing, 0);
    object.record.state = State::Degraded;
    object.record.ready = false;
    object.record.fault = Some(CheckKind::TokenExpiry.fault("it was not in order"));
    look(object, &expired());
}
