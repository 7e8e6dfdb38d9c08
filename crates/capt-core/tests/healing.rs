//! Recovery and health in the rounds of a subject: what is tried, when a person is asked, and what is written down.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test the line of the panic is the best report"
)]

use std::time::Duration;

use capt_core::absence::Absences;
use capt_core::advance::attempts;
use capt_core::decision::{Decision, Requeue};
use capt_core::fault::{Fault, FaultClass};
use capt_core::health::{Api, Facts, Look, Verdict};
use capt_core::lifecycle::{Phase, State};
use capt_core::object::Object;
use capt_core::progress::Progress;
use capt_core::record::{Record, RecoveryOutcome};
use capt_core::recovery::{ActionKind, Escalation, RecoveryMode};
use capt_core::workspace::{Command, RunEnd, RunSeen, Snapshot, assess, decide};
use jiff::{SignedDuration, Timestamp};

const START: Timestamp = Timestamp::UNIX_EPOCH;

/// A workspace, the clock, and how its runs end.
struct World {
    seen: Snapshot,
    now: Timestamp,
    ends: RunEnd,
}

impl World {
    fn new(ends: RunEnd) -> Self {
        let mut seen = Snapshot::new(Object::new("TerraformWorkspace/demo", "uid"));
        "one".clone_into(&mut seen.object.input);
        Self {
            seen,
            now: START,
            ends,
        }
    }

    fn failing(class: FaultClass) -> Self {
        Self::new(RunEnd::Failed(Fault::new(class, "Boom", "it is wrong")))
    }

    fn record(&self) -> &Record {
        &self.seen.object.record
    }

    fn round(&mut self) -> Decision<Record, Command> {
        let decision = decide(&self.seen, assess(&self.seen, self.now), self.now);
        self.seen.object.record = decision.record.clone();
        for step in decision.plan.steps() {
            match &step.command {
                Command::AddFinalizer => self.seen.object.finalized = true,
                Command::ProtectState => self.seen.protected = true,
                Command::StartRun { number, .. } => {
                    self.seen.has_state = true;
                    self.seen.run = Some(RunSeen {
                        number: *number,
                        progress: Progress::default(),
                        unlocked: None,
                        changes: true,
                        end: Some(self.ends.clone()),
                    });
                }
                other => panic!("{other:?}"),
            }
        }
        decision
    }

    /// Rounds until nothing changes any more without time passing.
    fn settle(&mut self) -> Decision<Record, Command> {
        for _ in 0..32 {
            let before = self.record().clone();
            let decision = self.round();
            if decision.plan.is_empty() && *self.record() == before {
                return decision;
            }
        }
        panic!("it does not come to rest: {:?}", self.record());
    }

    /// Rounds, and the time that they ask for, until nothing is asked for any more.
    fn live(&mut self) {
        for _ in 0..200 {
            match self.settle().requeue {
                Requeue::At(at) if self.record().state != State::Failed => self.now = at,
                Requeue::At(_) | Requeue::OnChange => return,
            }
        }
        panic!("it goes on for ever: {:?}", self.record());
    }

    fn pass(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
    }

    fn outcomes(&self) -> Vec<(Option<ActionKind>, RecoveryOutcome)> {
        let history = self.record().recovery.history.iter();
        history.map(|it| (it.action, it.finished.unwrap().1)).collect()
    }

    fn looks(&mut self, silent: bool) {
        let api = if silent {
            Api::Silent("no route".to_owned())
        } else {
            Api::Answered
        };
        self.seen.object.look = Some(Look {
            at: self.now,
            facts: Facts {
                api: Some(api),
                ..Facts::default()
            },
        });
    }

    fn says_unsynced(&mut self, synced: bool) {
        self.seen.object.look = Some(Look {
            at: self.now,
            facts: Facts {
                synced: Some(synced),
                ..Facts::default()
            },
        });
    }
}

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
fn what_is_interrupted_again_and_again_is_given_up_however_short_the_delays_are() {
    let mut world = World::failing(FaultClass::Interrupted);
    world.seen.object.policy.recovery.retry.max_delay = Duration::ZERO;
    for _ in 0..100 {
        world.round();
    }
    assert_eq!(world.record().state, State::Failed);
    assert_eq!(world.record().recovery.attempts, 11);
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
