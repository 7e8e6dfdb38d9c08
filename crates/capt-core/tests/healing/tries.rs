//! What is tried about a failure, how often, and when a person is asked.

use std::time::Duration;

use capt_core::advance::attempts;
use capt_core::decision::Requeue;
use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::State;
use capt_core::record::RecoveryOutcome;
use capt_core::recovery::{ActionKind, Escalation, RecoveryMode};
use capt_core::workspace::RunEnd;
use jiff::{SignedDuration, Timestamp};

use crate::world::{START, World};

#[test]
fn each_class_is_tried_as_often_as_its_ladder_says_and_then_a_person_is_asked() {
    for &class in FaultClass::ALL {
        let mut world = World::failing(class);
        world.seen.object.policy.recovery.retry.max_retries = u32::MAX;
        world.live();
        assert_eq!(world.record().state, State::Failed, "{class}");
        let tries = match class {
            FaultClass::Permission
            | FaultClass::Quota
            | FaultClass::Conflict
            | FaultClass::Invalid
            | FaultClass::Integrity => 0,
            // The first is taken up again at no cost.
            FaultClass::Interrupted => 21,
            FaultClass::Transient
            | FaultClass::Dependency
            | FaultClass::Locked
            | FaultClass::Credentials
            | FaultClass::Environment
            | FaultClass::Unknown => attempts(class),
        };
        assert_eq!(world.record().recovery.attempts, tries, "{class}");
        assert_eq!(world.record().run.as_ref().unwrap().number, tries + 1, "{class}");
        let incident = world.record().recovery.ledger.incident.as_ref();
        let asked = incident.and_then(|incident| incident.escalated);
        assert_eq!(
            asked,
            (tries > 0).then_some(Escalation::LadderExhausted),
            "{class}"
        );
    }
}

#[test]
fn the_ladder_of_an_unknown_fault_is_climbed_as_far_as_a_run_can() {
    let mut world = World::failing(FaultClass::Unknown);
    world.live();
    let failed = |action| (Some(action), RecoveryOutcome::Failed);
    assert_eq!(
        world.outcomes(),
        [
            failed(ActionKind::RetryApply),
            failed(ActionKind::RetryApply),
            failed(ActionKind::Replan),
            (None, RecoveryOutcome::Escalated)
        ]
    );
    assert_eq!(world.record().recovery.ledger.breaker.failures, 1);
}

#[test]
fn who_only_observes_writes_down_what_would_have_been_done() {
    let mut world = World::failing(FaultClass::Transient);
    world.seen.object.policy.recovery.mode = RecoveryMode::Observe;
    let mut told = Vec::new();
    while world.record().state != State::Failed {
        told.extend(world.round().notices);
    }
    let observed = (Some(ActionKind::RetryApply), RecoveryOutcome::Observed);
    assert_eq!(world.outcomes(), [observed]);
    assert_eq!(world.record().recovery.attempts, 0);
    let last = told.last().unwrap();
    assert_eq!(
        (&*last.reason, &*last.message),
        (
            "RecoveryObserved",
            "recovery would apply the same input again, and may only observe"
        )
    );
    world.seen.object.policy.recovery.mode = RecoveryMode::Off;
    world.seen.object.requested = Some("retry=1".to_owned());
    world.live();
    assert_eq!(
        world.outcomes().len(),
        1,
        "nothing is written down where nothing is wanted"
    );
    assert_eq!(world.record().run.as_ref().unwrap().number, 2);
}

#[test]
fn a_mode_that_is_taken_back_while_it_recovers_ends_the_recovery_at_the_next_failure() {
    let mut world = World::failing(FaultClass::Transient);
    while world.record().state != State::Recovering {
        world.round();
    }
    world.seen.object.policy.recovery.mode = RecoveryMode::Observe;
    world.live();
    assert_eq!(world.record().state, State::Failed);
    let (tried, observed) = (RecoveryOutcome::Failed, RecoveryOutcome::Observed);
    let retry = Some(ActionKind::RetryApply);
    assert_eq!(world.outcomes(), [(retry, tried), (retry, observed)]);
}

#[test]
fn no_attempts_are_made_where_none_are_allowed() {
    let mut world = World::failing(FaultClass::Transient);
    world.seen.object.policy.recovery.retry.max_retries = 0;
    world.live();
    assert_eq!(world.outcomes(), [(None, RecoveryOutcome::Escalated)]);
    let incident = world.record().recovery.ledger.incident.as_ref().unwrap();
    assert_eq!(incident.escalated, Some(Escalation::IncidentExhausted));
    assert_eq!(
        world.record().recovery.ledger.breaker.failures,
        0,
        "nothing was tried"
    );
}

#[test]
fn a_window_that_is_used_up_is_waited_for_and_said() {
    let mut world = World::failing(FaultClass::Transient);
    world.seen.object.policy.recovery.per_window = 1;
    world.seen.object.policy.recovery.window = Duration::from_hours(6);
    world.settle();
    let Requeue::At(first) = world.settle().requeue else {
        panic!("nothing is tried");
    };
    assert!((10..12).contains(&first.as_second()), "{first}");
    world.now = first;
    let decision = world.settle();
    assert_eq!(world.record().state, State::Recovering);
    let end = START + SignedDuration::from_hours(6);
    assert_eq!(world.record().next_attempt, Some(end));
    assert_eq!(
        decision.waits[0].message,
        "nothing is tried before 1970-01-01T06:00:00Z: as many attempts were made as are allowed for a while"
    );
    assert_eq!(decision.waits[0].reason, "RecoveryWindowUsedUp");
    assert_eq!(world.record().recovery.attempts, 1);
    world.now = end;
    world.round();
    assert_eq!(world.record().recovery.attempts, 2, "the next one is chosen");
    assert!(
        world.record().next_attempt.unwrap() > end,
        "and waits for its delay"
    );
}

#[test]
fn after_three_incidents_in_vain_nothing_is_tried_for_an_hour() {
    let mut world = World::failing(FaultClass::Environment);
    for time in 1..=3_u32 {
        world.seen.object.requested = Some(format!("retry={time}"));
        world.live();
        assert_eq!(world.record().recovery.ledger.breaker.failures, time);
    }
    let asked = world.now;
    world.seen.object.requested = Some("retry=4".to_owned());
    let decision = world.settle();
    assert_eq!(world.record().state, State::Recovering);
    assert_eq!(decision.waits[0].reason, "RecoveryBreakerOpen");
    let last = world.record().recovery.ledger.breaker.last_failure.unwrap();
    let until = last + SignedDuration::from_hours(1);
    assert_eq!(
        decision.requeue,
        Requeue::At(until.min(asked + SignedDuration::from_mins(10)))
    );
    world.ends = RunEnd::Succeeded;
    world.now = until;
    world.live();
    assert_eq!(world.record().state, State::Ready);
    assert_eq!(world.record().recovery.ledger, {
        let mut ledger = world.record().recovery.ledger.clone();
        ledger.mended();
        ledger
    });
    assert_eq!(world.record().recovery.ledger.breaker.failures, 0);
}

#[test]
fn an_attempt_does_not_wait_for_longer_because_the_clock_was_set_back() {
    let mut world = World::failing(FaultClass::Transient);
    world.pass(7200);
    world.settle();
    assert_eq!(world.record().state, State::Recovering);
    world.pass(-7200);
    world.round();
    assert_eq!(world.record().state, State::Provisioning);
}

#[test]
fn a_pause_ends_as_soon_as_nothing_asks_for_it_any_more() {
    for (window, mode, outcome) in [
        (40, RecoveryMode::Act, None),
        (0, RecoveryMode::Observe, Some(RecoveryOutcome::Escalated)),
    ] {
        let mut world = World::failing(FaultClass::Transient);
        world.seen.object.policy.recovery.per_window = 0;
        let decision = world.settle();
        assert_eq!(world.record().state, State::Recovering);
        assert_eq!(world.record().next_attempt, None);
        let said = "nothing is tried: as many attempts were made as are allowed for a while";
        assert_eq!(decision.waits[0].message, said);
        world.seen.object.policy.recovery.per_window = window;
        world.seen.object.policy.recovery.mode = mode;
        world.round();
        let last = world.record().recovery.history.last().cloned();
        match outcome {
            None => assert_eq!(last.unwrap().action, Some(ActionKind::RetryApply)),
            Some(_) => assert_eq!(last, None, "the window holds, whatever the mode"),
        }
    }
}

#[test]
fn what_was_interrupted_is_taken_up_whatever_is_allowed() {
    let mut world = World::failing(FaultClass::Interrupted);
    let rules = &mut world.seen.object.policy.recovery;
    rules.per_window = 0;
    rules.retry.max_retries = 0;
    rules.mode = RecoveryMode::Off;
    rules.actions = vec![(ActionKind::Replan, None)];
    while world.record().state != State::Recovering {
        world.round();
    }
    assert_eq!(world.record().next_attempt, Some(world.now));
    world.ends = RunEnd::Succeeded;
    world.live();
    assert_eq!(world.record().state, State::Ready);
    assert_eq!(world.record().recovery.ledger.spent.actions, 0);
}

#[test]
fn a_person_is_asked_once_in_an_incident_however_often_it_is_said() {
    let fault = Fault::new(FaultClass::Transient, "Boom", "it is wrong");
    let mut ledger = capt_core::recovery::Ledger::default();
    let rules = capt_core::recovery::Rules::default();
    ledger.begin(&fault, ActionKind::RetryApply, &rules, START);
    ledger.escalate(&fault, Escalation::LadderExhausted, START);
    ledger.escalate(&fault, Escalation::RecoveryOff, START);
    assert_eq!(ledger.breaker.failures, 1);
}

#[test]
fn what_is_interrupted_again_and_again_is_given_up_however_short_the_delays_are() {
    let mut world = World::failing(FaultClass::Interrupted);
    world.seen.object.policy.recovery.retry.max_delay = Duration::ZERO;
    for _ in 0..100 {
        world.round();
    }
    assert_eq!(world.record().state, State::Failed);
    assert_eq!(world.record().recovery.attempts, 11);
}

/// The longest delay of an owner may be longer than what counts as long: it must have worked for longer than that.
#[test]
fn what_waited_for_long_has_not_worked_for_long() {
    let mut world = World::failing(FaultClass::Interrupted);
    world.seen.object.policy.recovery.retry.max_delay = Duration::from_hours(1);
    world.settle();
    let attempts = |world: &World| world.record().recovery.ledger.attempts();
    assert_eq!((world.record().recovery.attempts, attempts(&world)), (2, 1));
    let before = world.record().recovery.last_attempt.unwrap();
    world.now = before + SignedDuration::from_mins(119);
    world.settle();
    assert_eq!(attempts(&world), 2, "that was an attempt");
    world.now = world.record().recovery.last_attempt.unwrap() + SignedDuration::from_hours(2);
    world.settle();
    assert_eq!(world.record().recovery.attempts, 5);
    assert_eq!(attempts(&world), 3, "one costs nothing");
}

/// Whoever asks for more time than a probe takes is given it.
#[test]
fn nothing_is_looked_at_again_before_the_other_side_has_said() {
    for class in [FaultClass::Permission, FaultClass::Quota] {
        for (asked, minutes) in [(10, 30), (120, 120)] {
            let fault = Fault::new(class, "Boom", "it is wrong").retry_after(Duration::from_mins(asked));
            let mut world = World::new(RunEnd::Failed(fault));
            let due = START + SignedDuration::from_mins(minutes);
            assert_eq!(world.settle().requeue, Requeue::At(due), "{class}");
            assert_eq!(world.record().state, State::Failed);
            world.now = due - SignedDuration::from_secs(1);
            world.settle();
            assert_eq!(world.record().run.as_ref().unwrap().number, 1, "{class}");
            world.now = due;
            world.settle();
            assert_eq!(world.record().run.as_ref().unwrap().number, 2, "{class}");
        }
    }
}

/// The clock that dated the last attempt was wrong: that is forgotten, and what is to be kept is kept meanwhile.
#[test]
fn a_pause_rests_although_another_clock_has_dated_the_last_attempt() {
    let mut world = World::failing(FaultClass::Transient);
    world.seen.object.policy.recovery.per_window = 0;
    world.seen.object.record.recovery.last_attempt = Some(Timestamp::MAX);
    while world.record().state != State::Recovering {
        world.round();
    }
    assert_eq!(world.record().recovery.last_attempt, None);
    world.seen.object.finalized = false;
    assert!(!world.round().plan.is_empty());
    assert!(world.seen.object.finalized);
}
