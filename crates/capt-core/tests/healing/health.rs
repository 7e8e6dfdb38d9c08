//! What a look at its health means for an object in use.

use capt_core::decision::Requeue;
use capt_core::fault::FaultClass;
use capt_core::health::{Facts, Look, Verdict};
use capt_core::lifecycle::State;
use capt_core::record::RecoveryOutcome;
use capt_core::recovery::{ActionKind, RecoveryMode};
use capt_core::workspace::{RunEnd, assess, decide};
use jiff::SignedDuration;

use crate::world::World;

#[test]
fn what_is_silent_three_times_is_degraded_and_twice_healthy_ready_again() {
    let mut world = World::new(RunEnd::Succeeded);
    world.live();
    assert_eq!(world.record().state, State::Ready);
    world.pass(30);
    world.looks(false);
    world.settle();
    for _ in 0..2 {
        world.pass(30);
        world.looks(true);
        world.settle();
        assert_eq!(world.record().state, State::Ready);
    }
    world.settle();
    assert_eq!(world.record().state, State::Ready, "the same look counts once");
    world.pass(30);
    world.looks(true);
    world.settle();
    assert_eq!(world.record().state, State::Degraded);
    assert!(!world.record().ready);
    let fault = world.record().fault.clone().unwrap();
    assert_eq!(
        (&*fault.code, fault.class),
        ("ApiServerFailing", FaultClass::Transient)
    );
    assert_eq!(
        fault.to_string(),
        "check ApiServer: the API server does not answer: no route"
    );
    for state in [State::Degraded, State::Ready] {
        world.pass(30);
        world.looks(false);
        world.settle();
        assert_eq!(world.record().state, state);
    }
    assert_eq!(world.record().fault, None);
    let before = world.record().clone();
    world.pass(30);
    world.looks(false);
    world.settle();
    assert_eq!(
        *world.record(),
        before,
        "a look that finds nothing new writes nothing"
    );
}

#[test]
fn what_stays_ill_however_often_it_is_applied_is_left_to_a_person() {
    let mut world = World::new(RunEnd::Succeeded);
    world.live();
    for attempt in 1..=4_u32 {
        world.pass(60);
        world.says_unsynced(false);
        world.live();
        if attempt < 4 {
            assert_eq!(world.record().state, State::Ready);
            assert!(!world.record().ready, "nobody has looked again");
            assert_eq!(world.record().run.as_ref().unwrap().number, attempt + 1);
        }
    }
    assert_eq!(world.record().state, State::Degraded);
    assert!(world.record().gave_up);
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
    assert_eq!(world.record().run.as_ref().unwrap().number, 4);
    world.pass(60);
    world.says_unsynced(true);
    world.live();
    assert_eq!(world.record().state, State::Ready);
    let judgements = &world.record().checkup.judgements;
    assert!(judgements.values().all(|it| it.verdict == Verdict::Passing));
    assert_eq!(world.record().recovery.ledger.incident, None);
}

#[test]
fn what_is_applied_again_is_ready_once_a_look_has_found_it_healthy() {
    let mut world = World::new(RunEnd::Succeeded);
    world.live();
    world.pass(60);
    world.says_unsynced(false);
    world.live();
    assert!(!world.record().ready);
    world.pass(60);
    world.says_unsynced(true);
    let told = world.round().notices;
    assert_eq!(told.iter().map(|it| &*it.reason).collect::<Vec<_>>(), ["Ready"]);
    assert!(world.record().ready);
    assert_eq!(world.record().fault, None);
    assert_eq!(world.record().recovery.ledger.incident, None);
    let mended = (Some(ActionKind::RetryApply), RecoveryOutcome::Succeeded);
    assert_eq!(world.outcomes(), [mended]);
    assert_eq!(world.record().recovery.successes, 1);
}

#[test]
fn what_is_ill_is_left_alone_where_nothing_may_be_done() {
    for (mode, said) in [(RecoveryMode::Off, 0), (RecoveryMode::Observe, 1)] {
        let mut world = World::new(RunEnd::Succeeded);
        world.seen.object.policy.recovery.mode = mode;
        world.live();
        world.pass(60);
        world.says_unsynced(false);
        world.live();
        assert_eq!(world.record().state, State::Degraded);
        assert!(!world.record().gave_up);
        assert_eq!(world.record().run.as_ref().unwrap().number, 1);
        assert_eq!(world.outcomes().len(), said);
    }
}

#[test]
fn what_is_applied_and_not_in_order_is_not_what_was_good_last() {
    let mut world = World::new(RunEnd::Succeeded);
    world.live();
    world.pass(60);
    world.says_unsynced(false);
    world.settle();
    world.seen.object.input = "two".to_owned();
    world.live();
    assert_eq!(world.record().applied.as_deref(), Some("two"));
    assert_eq!(world.record().last_good.as_ref().unwrap().input, "one");
    world.pass(60);
    world.says_unsynced(true);
    world.live();
    assert_eq!(world.record().last_good.as_ref().unwrap().input, "two");
}

#[test]
fn a_look_of_the_second_in_which_it_became_ready_says_nothing_about_it() {
    let mut world = World::new(RunEnd::Succeeded);
    world.live();
    let ready = world.record().since.unwrap();
    world.now = ready + SignedDuration::from_millis(900);
    world.says_unsynced(false);
    world.settle();
    assert_eq!(world.record().state, State::Ready);
    world.now = ready + SignedDuration::from_secs(1);
    world.says_unsynced(false);
    world.round();
    assert_eq!(world.record().state, State::Degraded);
}

#[test]
fn a_check_that_passes_again_in_the_middle_of_the_work_does_not_end_it() {
    let mut world = World::new(RunEnd::Succeeded);
    world.live();
    world.pass(60);
    world.says_unsynced(false);
    while world.record().state != State::Provisioning {
        let Requeue::At(at) = world.round().requeue else {
            continue;
        };
        world.now = at;
    }
    world.seen.run = None;
    world.pass(1);
    world.says_unsynced(true);
    let decision = decide(&world.seen, assess(&world.seen, world.now), world.now);
    assert!(!decision.record.ready);
    assert!(decision.notices.is_empty());
    assert!(
        decision
            .record
            .recovery
            .history
            .last()
            .unwrap()
            .finished
            .is_none()
    );
    world.live();
    assert_eq!(world.record().state, State::Ready);
}

#[test]
fn a_recovery_ends_when_a_look_has_found_it_healthy() {
    let mut world = World::new(RunEnd::Succeeded);
    world.live();
    world.pass(60);
    world.says_unsynced(false);
    world.live();
    world.pass(60);
    world.says_unsynced(true);
    world.round();
    let (end, _) = world.record().recovery.history[0].finished.unwrap();
    assert_eq!(end, world.now);
}

#[test]
fn of_several_checks_that_fail_the_one_that_can_be_mended_is_mended() {
    let mut world = World::new(RunEnd::Succeeded);
    world.live();
    for _ in 0..3 {
        world.pass(60);
        world.seen.object.look = Some(Look {
            at: world.now,
            facts: Facts {
                broken_dependencies: Some(vec!["CAPTCluster/demo".to_owned()]),
                synced: Some(false),
                ..Facts::default()
            },
        });
        world.round();
    }
    world.live();
    assert_eq!(world.record().run.as_ref().unwrap().number, 2);
}
