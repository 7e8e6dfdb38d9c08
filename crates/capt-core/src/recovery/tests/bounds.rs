//! The bounds of it all: windows, the breaker, and what counts as one incident.

use super::*;
use crate::recovery::breaker::{COOL_DOWN, THRESHOLD};

#[test]
fn the_breaker_opens_after_three_and_lets_one_try_after_an_hour() {
    let mut breaker = Breaker::default();
    for second in 1..=THRESHOLD {
        assert_eq!(breaker.closed_again(at(NOW)), None);
        breaker.failed(at(NOW + i64::from(second)));
    }
    let last = NOW + i64::from(THRESHOLD);
    let hour = i64::try_from(COOL_DOWN.as_secs()).unwrap();
    assert_eq!(breaker.closed_again(at(last)), Some(at(last + hour)));
    assert_eq!(breaker.closed_again(at(last + hour - 1)), Some(at(last + hour)));
    assert_eq!(breaker.closed_again(at(last + hour)), None);
    assert_eq!(breaker.closed_again(at(last - 1)), None, "the clock was set back");
    let ledger = Ledger {
        breaker: breaker.clone(),
        ..Ledger::default()
    };
    let choice = |now| {
        choose(
            &fault(FaultClass::Transient),
            &ledger,
            &everything(),
            &Rules::default(),
            at(now),
        )
    };
    let paused = Choice::Pause {
        until: at(last + hour),
        because: Paused::BreakerOpen,
    };
    assert_eq!(choice(last), paused);
    assert!(matches!(choice(last + hour), Choice::Do(_)));
    breaker.failed(at(last + hour));
    assert!(
        breaker.closed_again(at(last + hour + 1)).is_some(),
        "one failure is enough now"
    );
    breaker.succeeded();
    assert_eq!(breaker, Breaker::default());
}

#[test]
fn a_window_that_is_used_up_waits_for_its_end() {
    let rules = Rules {
        per_window: 2,
        window: Duration::from_secs(100),
        ..Rules::default()
    };
    let wrong = fault(FaultClass::Transient);
    let choice =
        |ledger: &Ledger, rules: &Rules, second| choose(&wrong, ledger, &everything(), rules, at(second));
    let until = |end| Choice::Pause {
        until: end,
        because: Paused::WindowUsedUp,
    };
    let mut ledger = Ledger::default();
    ledger.begin(&wrong, ActionKind::RetryApply, &rules, at(NOW));
    assert!(matches!(choice(&ledger, &rules, NOW + 1), Choice::Do(_)));
    ledger.begin(&wrong, ActionKind::RetryApply, &rules, at(NOW + 60));
    assert_eq!(choice(&ledger, &rules, NOW + 60), until(at(NOW + 100)));
    assert_eq!(choice(&ledger, &rules, NOW + 99), until(at(NOW + 100)));
    assert!(matches!(choice(&ledger, &rules, NOW + 100), Choice::Do(_)));
    assert!(
        matches!(choice(&ledger, &rules, NOW - 1), Choice::Do(_)),
        "the clock was set back"
    );
    ledger.begin(&wrong, ActionKind::RetryApply, &rules, at(NOW + 100));
    assert_eq!(
        ledger.spent,
        Spent {
            since: Some(at(NOW + 100)),
            actions: 1
        }
    );
    ledger.close();
    assert_eq!(ledger.attempts(), 0);
    assert_eq!(ledger.spent.actions, 1, "a window is over all incidents");
    let never = Rules {
        per_window: 0,
        ..rules
    };
    assert_eq!(choice(&Ledger::default(), &never, NOW), until(Timestamp::MAX));
}

#[test]
fn an_incident_in_which_something_was_tried_counts_for_the_breaker() {
    let wrong = fault(FaultClass::Transient);
    let mut ledger = Ledger::default();
    ledger.escalate(&wrong, Escalation::NothingApplies, at(1));
    assert_eq!(ledger.breaker, Breaker::default());
    ledger.begin(&wrong, ActionKind::RetryApply, &Rules::default(), at(2));
    assert_eq!(ledger.tried(ActionKind::RetryApply), 1);
    assert_eq!(ledger.tried(ActionKind::Replan), 0);
    let incident = ledger.incident.clone().unwrap();
    assert_eq!(incident.started_at, at(1), "it is one incident");
    assert_eq!(incident.doing, Some(ActionKind::RetryApply));
    ledger.escalate(&wrong, Escalation::LadderExhausted, at(3));
    let incident = ledger.incident.clone().unwrap();
    assert_eq!(
        (incident.doing, incident.escalated),
        (None, Some(Escalation::LadderExhausted))
    );
    assert_eq!(
        (ledger.breaker.failures, ledger.breaker.last_failure),
        (1, Some(at(3)))
    );
    ledger.close();
    assert_eq!((ledger.incident.is_none(), ledger.breaker.failures), (true, 1));
    ledger.mended();
    assert_eq!(ledger.breaker, Breaker::default());
}

#[test]
fn counts_do_not_overflow() {
    let mut incident = Incident::of(&fault(FaultClass::Unknown), at(0));
    incident.tried.insert(ActionKind::Replan, u32::MAX);
    incident.begin(ActionKind::Replan);
    incident.begin(ActionKind::Refresh);
    assert_eq!(incident.attempts(), u32::MAX);
    let mut breaker = Breaker {
        failures: u32::MAX,
        last_failure: None,
    };
    breaker.failed(at(0));
    assert_eq!(breaker.failures, u32::MAX);
    let rules = Rules {
        window: Duration::MAX,
        per_window: 1,
        ..Rules::default()
    };
    let mut spent = Spent {
        since: Some(at(0)),
        actions: u32::MAX,
    };
    spent.begin(&rules, at(1));
    assert_eq!(spent.actions, u32::MAX);
    assert_eq!(spent.free_again(&rules, at(1)), Some(Timestamp::MAX));
}

#[test]
fn a_pause_says_why() {
    let said = [Paused::WindowUsedUp, Paused::BreakerOpen].map(|why| (why.name(), why.to_string()));
    let said = said.each_ref().map(|(name, words)| (*name, &**words));
    assert_eq!(
        said,
        [
            (
                "RecoveryWindowUsedUp",
                "as many attempts were made as are allowed for a while"
            ),
            (
                "RecoveryBreakerOpen",
                "several failures in a row could not be mended without a person"
            ),
        ]
    );
}

/// A window is free again at its end and not before, and the last action that it has room for may be begun.
#[test]
fn a_window_has_room_for_as_many_actions_as_it_says() {
    let rules = Rules {
        per_window: 2,
        window: Duration::from_secs(100),
        ..Rules::default()
    };
    let mut spent = Spent::default();
    assert_eq!(spent.free_again(&rules, at(0)), None);
    spent.begin(&rules, at(0));
    assert_eq!(
        spent.free_again(&rules, at(0)),
        None,
        "there is room for one more"
    );
    spent.begin(&rules, at(99));
    assert_eq!(
        (spent.since, spent.actions),
        (Some(at(0)), 2),
        "it is the same window still"
    );
    assert_eq!(spent.free_again(&rules, at(99)), Some(at(100)));
    assert_eq!(spent.free_again(&rules, at(100)), None);
    spent.begin(&rules, at(100));
    assert_eq!((spent.since, spent.actions), (Some(at(100)), 1));
}

#[test]
fn an_incident_is_of_the_fault_that_it_began_with() {
    let mut ledger = Ledger::default();
    ledger.begin(
        &fault(FaultClass::Quota),
        ActionKind::Replan,
        &Rules::default(),
        at(5),
    );
    let later = Fault::new(FaultClass::Transient, "Later", "words");
    ledger.begin(&later, ActionKind::RetryApply, &Rules::default(), at(6));
    let incident = ledger.incident.clone().unwrap();
    assert_eq!(
        (incident.started_at, incident.class, &*incident.trigger),
        (at(5), FaultClass::Quota, "Code")
    );
    assert_eq!(
        (ledger.attempts(), incident.doing),
        (2, Some(ActionKind::RetryApply))
    );
}

#[test]
fn an_incident_counts_once_for_the_breaker_until_it_goes_on() {
    let wrong = fault(FaultClass::Transient);
    let mut ledger = Ledger::default();
    ledger.begin(&wrong, ActionKind::RetryApply, &Rules::default(), at(1));
    ledger.escalate(&wrong, Escalation::LadderExhausted, at(2));
    ledger.escalate(&wrong, Escalation::NothingApplies, at(3));
    let escalated = |ledger: &Ledger| ledger.incident.as_ref().unwrap().escalated;
    assert_eq!(escalated(&ledger), Some(Escalation::NothingApplies));
    assert_eq!(
        (ledger.breaker.failures, ledger.breaker.last_failure),
        (1, Some(at(2)))
    );
    let incident = ledger.incident.as_mut().unwrap();
    incident.resume(ActionKind::Replan);
    assert_eq!(
        (incident.doing, incident.escalated),
        (Some(ActionKind::Replan), None)
    );
    assert_eq!(incident.attempts(), 1, "it costs nothing");
    ledger.escalate(&wrong, Escalation::LadderExhausted, at(4));
    assert_eq!(ledger.breaker.failures, 2);
}

#[test]
fn of_two_pauses_the_breaker_is_named() {
    let rules = Rules {
        per_window: 1,
        ..Rules::default()
    };
    let wrong = fault(FaultClass::Transient);
    let mut ledger = Ledger::default();
    ledger.begin(&wrong, ActionKind::RetryApply, &rules, at(NOW));
    ledger.breaker = Breaker {
        failures: THRESHOLD,
        last_failure: Some(at(NOW)),
    };
    let choice = choose(&wrong, &ledger, &everything(), &rules, at(NOW));
    assert!(
        matches!(
            choice,
            Choice::Pause {
                because: Paused::BreakerOpen,
                ..
            }
        ),
        "{choice:?}"
    );
}

/// The bounds that an owner reads about.
#[test]
fn the_bounds_are_as_they_are_written_down() {
    assert_eq!((THRESHOLD, COOL_DOWN), (3, Duration::from_hours(1)));
    let rules = Rules::default();
    assert_eq!(
        (rules.per_window, rules.window, rules.retry.max_retries),
        (40, Duration::from_hours(24), 10)
    );
}
