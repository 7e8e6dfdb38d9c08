//! What is chosen about any fault in any situation, and how any facts are judged.

use std::time::Duration;

use capt_core::health::{Availability, examine};
use capt_core::recovery::{Action, Choice, Lock, RecoveryMode, Rules, Situation, StateKnown, Step, choose};
use jiff::Timestamp;

use super::seen::Seen;

/// Chooses and judges.
pub fn check(seen: &Seen) {
    let now = seen.now();
    let object = seen.object();
    let (rules, ledger) = (&object.policy.recovery, &object.record.recovery.ledger);
    let situation = seen.situation();
    for fault in &object.faults {
        match choose(fault, ledger, &situation, rules, now) {
            Choice::Do(step) => {
                assert!(rules.mode == RecoveryMode::Act || fault.class.passes());
                check_step(&step, &situation, rules);
            }
            Choice::WouldDo(step) => {
                assert_eq!(rules.mode, RecoveryMode::Observe);
                check_step(&step, &situation, rules);
            }
            Choice::Pause { until, .. } => assert!(until > now || until == Timestamp::MAX),
            Choice::Escalate(why) => assert!(!why.name().is_empty()),
        }
    }
    if let Some(look) = &object.look {
        let mut checkup = object.record.checkup.clone();
        let mut availability = Availability::default();
        checkup.take(examine(&look.facts, look.at), rules, look.at);
        let once = checkup.clone();
        checkup.take(examine(&look.facts, look.at), rules, look.at);
        assert_eq!(checkup, once);
        availability.note(checkup.summary().available, look.at);
        assert!(!availability.note(checkup.summary().available, look.at));
        for window in [Duration::ZERO, Duration::from_hours(24), Duration::MAX] {
            let share = availability.share(window, now);
            assert!(share.is_none_or(|share| share.percent <= 100 && share.observed <= window));
        }
    }
}

/// What is done has something to work on, and what destroys is permitted.
fn check_step(step: &Step, situation: &Situation, rules: &Rules) {
    assert!(
        situation
            .able
            .is_none_or(|able| able.contains(&step.action.kind()))
    );
    let whole = situation.state == StateKnown::Whole;
    let depends = |on: &str| situation.dependencies.iter().find(|it| it.name == on);
    assert!(match &step.action {
        Action::RetryApply | Action::Replan | Action::Refresh => whole,
        Action::WaitForDependency { on } => depends(on).is_some(),
        Action::RepairDependency { on } => depends(on).is_some_and(|it| it.repairable),
        Action::Unlock { lock, proof } => {
            let dead = Lock {
                id: lock.clone(),
                proof: Some(*proof),
            };
            situation.lock == Some(dead)
        }
        Action::Untaint { address } => whole && situation.tainted.contains(address),
        Action::Import { address, id } => {
            whole && situation.unrecorded.contains(&(address.clone(), id.clone()))
        }
        Action::RollBack { revision } => whole && situation.last_good.as_ref() == Some(revision),
        Action::Reconstruct => !whole && situation.live_complete,
        Action::RecreateWorkspace => whole && rules.allow.contains(&step.action.kind()),
        action => panic!("nothing is known of {action}"),
    });
}
