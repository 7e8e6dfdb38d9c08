//! What is kept of an object, and what is learned from it.

use capt_core::absence::Absences;
use capt_core::decision::Requeue;
use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::{Phase, State};
use capt_core::record::Record;
use capt_core::workspace::RunEnd;
use jiff::SignedDuration;

use crate::world::{START, World};

#[test]
fn time_in_which_nobody_was_there_does_not_count() {
    let wait = capt_core::wait::Wait::new("Secret/a", "SecretMissing", "waiting for a");
    for away in [false, true] {
        let mut world = World::failing(FaultClass::Transient);
        world.seen.missing = vec![wait.clone()];
        world.settle();
        world.pass(16 * 60);
        if away {
            let mut absences = Absences::default();
            absences.note(START, START + SignedDuration::from_mins(2));
            world.seen.object.absences = absences;
        }
        world.settle();
        let state = if away {
            State::Validating
        } else {
            State::Recovering
        };
        assert_eq!(world.record().state, state);
    }
}

#[test]
fn what_was_ready_is_kept_as_what_was_good_last() {
    let mut world = World::new(RunEnd::Succeeded);
    world.seen.object.version = capt_core::revision::Version::parse("1.31");
    world.seen.object.outputs = Some("digest".to_owned());
    world.live();
    let good = world.record().last_good.clone().unwrap();
    assert_eq!((&*good.input, good.outputs.as_deref()), ("one", Some("digest")));
    assert_eq!(
        (good.version.unwrap().to_string(), good.time),
        ("1.31".to_owned(), world.now)
    );
    world.seen.object.input = "two".to_owned();
    world.ends = RunEnd::Failed(Fault::new(FaultClass::Invalid, "Boom", "it is wrong"));
    world.live();
    assert_eq!(world.record().state, State::Failed);
    assert_eq!(world.record().last_good, Some(good), "what failed is not good");
}

#[test]
fn the_expected_end_is_learned_from_the_operations_before() {
    let mut world = World::new(RunEnd::Succeeded);
    let policy = world.seen.object.policy.clone();
    let expected = |world: &World| capt_core::advance::expected_end(world.record(), &policy, world.now);
    world.round();
    let usually = START + SignedDuration::from_mins(10);
    assert_eq!(expected(&world), Some(usually));
    world.live();
    assert_eq!(expected(&world), None, "nothing goes on");
    for (number, seconds) in [(2, 100), (3, 200), (4, 300)] {
        world.seen.object.input = number.to_string();
        world.round();
        world.pass(seconds);
        world.live();
    }
    world.seen.object.input = "five".to_owned();
    world.round();
    assert_eq!(expected(&world), Some(world.now + SignedDuration::from_secs(200)));
    world.pass(200);
    assert_eq!(expected(&world), Some(world.now + SignedDuration::from_secs(100)));
    world.pass(100);
    assert_eq!(expected(&world), None);
}

#[test]
fn an_incident_says_that_faults_of_its_class_come_more_often() {
    let mut world = World::new(RunEnd::Succeeded);
    world.live();
    world.pass(2 * 24 * 3600);
    let mut warnings = Vec::new();
    for (number, day) in [(2, 0), (3, 0), (4, 0), (5, 24 * 3600)] {
        world.pass(day);
        world.seen.object.input = number.to_string();
        world.ends = RunEnd::Failed(Fault::new(FaultClass::Transient, "Boom", "it is wrong"));
        while world.record().state != State::Recovering {
            let notices = world.round().notices;
            warnings.extend(notices.into_iter().filter(|it| it.reason == "FaultsRising"));
        }
        world.ends = RunEnd::Succeeded;
        world.live();
        assert_eq!(world.record().state, State::Ready);
    }
    let said: Vec<&str> = warnings.iter().map(|it| it.message.as_str()).collect();
    assert_eq!(
        said,
        ["3 faults of class Transient in the last 24 h, 0 in those before"]
    );
}

/// Its attempts are faults that are counted, and no news.
#[test]
fn an_incident_says_once_that_there_are_more() {
    let mut world = World::new(RunEnd::Succeeded);
    world.live();
    world.pass(2 * 24 * 3600);
    world.seen.object.input = "two".to_owned();
    world.ends = RunEnd::Failed(Fault::new(FaultClass::Transient, "Boom", "it is wrong"));
    let mut told = Vec::new();
    while world.record().state != State::Degraded {
        told.extend(world.round().notices);
        if world.record().state == State::Recovering {
            world.now = world.record().next_attempt.unwrap_or(world.now);
        }
    }
    assert_eq!(world.record().recovery.attempts, 10);
    assert!(told.iter().all(|it| it.reason != "FaultsRising"), "{told:?}");
}

/// Where both hold, the limit is what counts.
#[test]
fn what_is_overdue_is_not_only_unusually_long() {
    let mut world = World::new(RunEnd::Succeeded);
    world.live();
    for number in 2..=6 {
        world.seen.object.input = number.to_string();
        world.round();
        world.pass(100);
        world.live();
    }
    world.seen.object.input = "seven".to_owned();
    world.round();
    let reason = |world: &World| {
        let conditions = capt_core::condition::standard(&world.seen.object, world.record(), &[], world.now);
        let of = |kind| conditions.iter().find(|it| it.kind == kind);
        of("Reconciling").or(of("Stalled")).unwrap().reason.clone()
    };
    world.pass(101);
    assert_eq!(reason(&world), "UnusuallyLong");
    world.pass(30 * 60);
    assert_eq!(reason(&world), "Overdue");
}

#[test]
fn work_that_takes_longer_than_it_ever_did_says_so() {
    let mut world = World::new(RunEnd::Succeeded);
    world.live();
    for number in 2..=6 {
        world.seen.object.input = number.to_string();
        world.round();
        world.pass(100);
        world.live();
    }
    world.seen.object.input = "seven".to_owned();
    world.seen.missing = vec![capt_core::wait::Wait::new(
        "Secret/a",
        "SecretMissing",
        "waiting for a",
    )];
    let began = world.now;
    world.settle();
    let reason = |world: &World| {
        let conditions = capt_core::condition::standard(&world.seen.object, world.record(), &[], world.now);
        let reconciling = conditions
            .into_iter()
            .find(|it| it.kind == "Reconciling")
            .unwrap();
        (reconciling.reason, reconciling.message)
    };
    world.now = began + SignedDuration::from_secs(100);
    assert_ne!(reason(&world).0, "UnusuallyLong");
    let next = began + SignedDuration::from_secs(101);
    assert_eq!(world.settle().requeue, Requeue::At(next));
    world.now = next;
    assert_eq!(
        reason(&world),
        (
            "UnusuallyLong".to_owned(),
            "it takes longer than 95 of 100 did (at most 2 min, known of 5)".to_owned()
        )
    );
}

#[test]
fn who_was_kept_by_a_phase_alone_stays_ready_while_it_is_looked_at() {
    for (phase, initialized, ready, was) in [
        (Phase::Ready, false, true, true),
        (Phase::Failed, true, false, true),
        (Phase::Failed, false, false, false),
        (Phase::Creating, false, false, false),
        (Phase::Creating, true, false, true),
    ] {
        let mut world = World::new(RunEnd::Succeeded);
        world.seen.object.record = Record::of_phase(phase, initialized);
        assert_eq!(world.record().initialized, was);
        while world.record().state != State::Ready {
            assert_eq!(world.record().ready, ready);
            world.round();
        }
        assert_eq!(world.record().phase(), Phase::Ready);
        let kind = world.record().history[0].kind.name();
        assert_eq!(kind, if was { "Updating" } else { "Creating" });
    }
}

#[test]
fn a_record_that_was_lost_in_part_goes_on() {
    let own = Fault::new(FaultClass::Transient, "Boom", "it is wrong");
    for (fault, origin) in [
        (Some(own.clone()), Some(State::Provisioning)),
        (Some(own), None),
        (None, Some(State::Provisioning)),
        (None, Some(State::Recovering)),
        (None, None),
    ] {
        let mut world = World::new(RunEnd::Succeeded);
        world.seen.object.record = Record {
            state: State::Recovering,
            since: Some(START),
            fault,
            origin,
            ..Record::default()
        };
        world.live();
        assert_eq!(world.record().state, State::Ready, "{origin:?}");
    }
    let mut world = World::new(RunEnd::Succeeded);
    world.seen.object.record = serde_json::from_str(r#"{"state":"Provisioning"}"#).unwrap();
    world.live();
    assert_eq!(world.record().state, State::Ready);
}

#[test]
fn what_was_never_applied_is_not_ready_because_its_state_says_so() {
    let mut world = World::new(RunEnd::Succeeded);
    world.seen.object.record = Record {
        state: State::Ready,
        since: Some(START),
        ..Record::default()
    };
    world.round();
    assert!(!world.record().ready);
}
