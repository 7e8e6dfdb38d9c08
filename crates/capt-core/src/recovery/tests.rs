//! What `choose` promises, whatever it is given, and the ladders as people read them.

use proptest::prelude::*;

use super::*;

mod bounds;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

const NOW: i64 = 1_000_000;

fn fault(class: FaultClass) -> Fault {
    Fault::new(class, "Code", "it is wrong")
}

/// A world in which every action has something to work on, but for a lost state.
fn everything() -> Situation {
    Situation {
        able: None,
        dependencies: vec![
            Dependency {
                name: "A/waits".to_owned(),
                repairable: false,
            },
            Dependency {
                name: "A/failed".to_owned(),
                repairable: true,
            },
        ],
        lock: Some(Lock {
            id: "lock-1".to_owned(),
            proof: Some(Proof::ProcessGone),
        }),
        tainted: vec!["a.b".to_owned()],
        unrecorded: vec![("c.d".to_owned(), "id-1".to_owned())],
        state: StateKnown::Whole,
        live_complete: true,
        last_good: Some("rev-3".to_owned()),
    }
}

fn choose_first(class: FaultClass, ledger: &Ledger, situation: &Situation, rules: &Rules) -> Choice {
    choose(&fault(class), ledger, situation, rules, at(NOW))
}

/// Rules that set no bound of their own to an incident.
fn patient() -> Rules {
    Rules {
        retry: RetryStrategy {
            max_retries: u32::MAX,
            ..RetryStrategy::default()
        },
        per_window: u32::MAX,
        ..Rules::default()
    }
}

/// All that is done in one incident until a person is asked.
fn whole_incident(class: FaultClass, situation: &Situation, rules: &Rules) -> (Vec<ActionKind>, Escalation) {
    let mut ledger = Ledger::default();
    let mut done = Vec::new();
    loop {
        match choose_first(class, &ledger, situation, rules) {
            Choice::Do(step) => {
                ledger.begin(&fault(class), step.action.kind(), rules, at(NOW));
                done.push(step.action.kind());
            }
            Choice::Escalate(why) => return (done, why),
            other @ (Choice::WouldDo(_) | Choice::Pause { .. }) => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_ladders() {
    insta::assert_snapshot!(render_markdown());
}

#[test]
fn an_incident_climbs_its_ladder_and_asks_a_person_at_the_end() {
    let mut lines = Vec::new();
    for &class in FaultClass::ALL {
        for (world, situation) in [
            ("all known", everything()),
            ("nothing known", Situation::default()),
        ] {
            let (done, why) = whole_incident(class, &situation, &patient());
            let mut runs: Vec<(ActionKind, u32)> = Vec::new();
            for kind in done {
                match runs.last_mut() {
                    Some((last, times)) if *last == kind => *times += 1,
                    _ => runs.push((kind, 1)),
                }
            }
            let runs: Vec<String> = runs
                .iter()
                .map(|(kind, times)| format!("{times}x {kind}"))
                .collect();
            lines.push(format!("{class}, {world}: {} -> {}", runs.join(", "), why.name()));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn actions_say_what_they_work_on() {
    let actions = [
        Action::RetryApply,
        Action::Replan,
        Action::Refresh,
        Action::WaitForDependency { on: "A/a".to_owned() },
        Action::RepairDependency { on: "A/a".to_owned() },
        Action::Unlock {
            lock: "7".to_owned(),
            proof: Proof::MachineRestarted,
        },
        Action::Unlock {
            lock: "8".to_owned(),
            proof: Proof::PodGone,
        },
        Action::Untaint {
            address: "a.b".to_owned(),
        },
        Action::Import {
            address: "a.b".to_owned(),
            id: "i-1".to_owned(),
        },
        Action::RollBack {
            revision: "rev-1".to_owned(),
        },
        Action::Reconstruct,
        Action::RecreateWorkspace,
    ];
    let words: Vec<String> = actions.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(words.join("\n"), @"
    apply the same input again
    initialise afresh, plan and apply
    read what exists into the state
    wait until A/a is ready
    let A/a be tried again
    take away the lock 7, because the machine of its holder was started anew
    take away the lock 8, because the Pod that held it has ended
    keep a.b, which is healthy
    take i-1 into the state as a.b
    apply rev-1, which was ready
    write the lost state anew from what exists
    destroy everything and build it again
    ");
}

#[test]
fn a_dependency_that_failed_is_asked_and_one_that_is_on_its_way_is_waited_for() {
    let ledger = Ledger::default();
    let mut situation = everything();
    let step = |situation: &Situation| match choose_first(
        FaultClass::Dependency,
        &ledger,
        situation,
        &Rules::default(),
    ) {
        Choice::Do(step) => step.action,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        step(&situation),
        Action::RepairDependency {
            on: "A/failed".to_owned()
        }
    );
    situation.dependencies.pop();
    assert_eq!(
        step(&situation),
        Action::WaitForDependency {
            on: "A/waits".to_owned()
        }
    );
}

#[test]
fn a_lock_is_taken_away_with_proof_alone_and_the_proof_goes_with_the_action() {
    let ledger = Ledger::default();
    let mut situation = everything();
    let choice = choose_first(FaultClass::Locked, &ledger, &situation, &Rules::default());
    let unlock = Action::Unlock {
        lock: "lock-1".to_owned(),
        proof: Proof::ProcessGone,
    };
    let step = Step::new(unlock, Duration::from_mins(1));
    assert_eq!(step.touches, Touches::Lock);
    assert_eq!(choice, Choice::Do(step));
    situation.lock.as_mut().unwrap().proof = None;
    let choice = choose_first(FaultClass::Locked, &ledger, &situation, &Rules::default());
    assert_eq!(
        choice,
        Choice::Do(Step::new(Action::RetryApply, Duration::from_mins(30)))
    );
}

#[test]
fn a_lost_state_is_written_anew_only_if_all_of_it_is_found() {
    let mut situation = Situation {
        state: StateKnown::Lost,
        ..everything()
    };
    let ledger = Ledger::default();
    let choice =
        |situation: &Situation| choose_first(FaultClass::Integrity, &ledger, situation, &Rules::default());
    assert!(matches!(
        choice(&situation),
        Choice::Do(Step {
            action: Action::Reconstruct,
            ..
        })
    ));
    situation.live_complete = false;
    assert_eq!(choice(&situation), Choice::Escalate(Escalation::NothingApplies));
    situation.live_complete = true;
    situation.state = StateKnown::Whole;
    assert_eq!(choice(&situation), Choice::Escalate(Escalation::NothingApplies));
}

#[test]
fn what_destroys_needs_leave() {
    let mut rules = Rules {
        actions: vec![(ActionKind::RecreateWorkspace, Some(Duration::from_secs(7)))],
        ..Rules::default()
    };
    let ledger = Ledger::default();
    let choice = |rules: &Rules| choose_first(FaultClass::Unknown, &ledger, &Situation::default(), rules);
    assert_eq!(choice(&rules), Choice::Escalate(Escalation::NotPermitted));
    rules.allow.insert(ActionKind::RecreateWorkspace);
    let step = Step::new(Action::RecreateWorkspace, Duration::from_secs(7));
    assert_eq!(step.touches, Touches::Everything);
    assert_eq!(choice(&rules), Choice::Do(step));
}

#[test]
fn the_order_of_the_owner_is_kept() {
    let rules = Rules {
        actions: vec![(ActionKind::Replan, None), (ActionKind::RetryApply, None)],
        ..patient()
    };
    let (done, why) = whole_incident(FaultClass::Transient, &everything(), &rules);
    assert_eq!(
        done[0],
        ActionKind::Replan,
        "what the ladder does not have is tried once"
    );
    assert_eq!(
        done[1..],
        [ActionKind::RetryApply; 10],
        "and what it has as often as there"
    );
    assert_eq!(why, Escalation::LadderExhausted);
}

#[test]
fn nothing_is_done_when_it_is_off_and_nothing_but_said_when_it_observes() {
    let ledger = Ledger::default();
    let choice = |mode| {
        let rules = Rules {
            mode,
            ..Rules::default()
        };
        choose_first(FaultClass::Transient, &ledger, &everything(), &rules)
    };
    assert_eq!(
        choice(RecoveryMode::Off),
        Choice::Escalate(Escalation::RecoveryOff)
    );
    let Choice::Do(step) = choice(RecoveryMode::Act) else {
        panic!("nothing is done")
    };
    assert_eq!(choice(RecoveryMode::Observe), Choice::WouldDo(step));
}

#[test]
fn what_nobody_can_do_is_passed_over() {
    let situation = Situation {
        able: Some(&[ActionKind::Replan]),
        ..everything()
    };
    let (done, why) = whole_incident(FaultClass::Unknown, &situation, &patient());
    assert_eq!(
        (done, why),
        (vec![ActionKind::Replan], Escalation::LadderExhausted)
    );
    let (done, why) = whole_incident(FaultClass::Transient, &situation, &patient());
    assert_eq!((done, why), (vec![], Escalation::NothingApplies));
}

#[test]
fn interrupted_work_is_taken_up_in_every_mode_and_nothing_else_is_done_about_it() {
    for mode in [RecoveryMode::Off, RecoveryMode::Observe] {
        let rules = Rules { mode, ..patient() };
        let (done, why) = whole_incident(FaultClass::Interrupted, &everything(), &rules);
        assert_eq!(done, [ActionKind::RetryApply; 20]);
        assert_eq!(why, Escalation::LadderExhausted);
    }
    let (done, _) = whole_incident(FaultClass::Interrupted, &everything(), &patient());
    assert_eq!(done[0], ActionKind::Import);
}

fn class() -> impl Strategy<Value = FaultClass> {
    proptest::sample::select(FaultClass::ALL)
}

fn kind() -> impl Strategy<Value = ActionKind> {
    proptest::sample::select(ActionKind::ALL)
}

fn situation() -> impl Strategy<Value = Situation> {
    (any::<[bool; 8]>(), any::<bool>()).prop_map(|(known, lost)| {
        let all = everything();
        Situation {
            able: None,
            dependencies: all
                .dependencies
                .into_iter()
                .zip(known)
                .filter(|(_, known)| *known)
                .map(|(it, _)| it)
                .collect(),
            lock: all.lock.filter(|_| known[2]).map(|lock| Lock {
                proof: lock.proof.filter(|_| known[3]),
                ..lock
            }),
            tainted: all.tainted.into_iter().filter(|_| known[4]).collect(),
            unrecorded: all.unrecorded.into_iter().filter(|_| known[5]).collect(),
            state: if lost { StateKnown::Lost } else { StateKnown::Whole },
            live_complete: known[6],
            last_good: all.last_good.filter(|_| known[7]),
        }
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    let actions = proptest::collection::vec((kind(), Just(None)), 0..5);
    let allow = proptest::collection::btree_set(kind(), 0..4);
    (actions, allow, 0..30_u32).prop_map(|(actions, allow, max_retries)| Rules {
        actions,
        allow,
        retry: RetryStrategy {
            max_retries,
            ..RetryStrategy::default()
        },
        ..patient()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    /// Whatever goes wrong, a person is asked after a bounded number of actions, and never is anything destroyed
    /// without leave, a lock taken without proof, or anything run on a state that is lost.
    #[test]
    fn every_incident_ends_and_does_no_harm(class in class(), situation in situation(), rules in rules()) {
        let (done, why) = whole_incident(class, &situation, &rules);
        prop_assert!(done.len() <= usize::try_from(rules.retry.max_retries).unwrap());
        if rules.retry.max_retries > done.len().try_into().unwrap() {
            prop_assert_ne!(why, Escalation::IncidentExhausted);
        }
        prop_assert_ne!(why, Escalation::RecoveryOff);
        for kind in done {
            let touches = kind.touches();
            prop_assert!(touches != Touches::Everything || rules.allow.contains(&kind));
            prop_assert!(kind != ActionKind::Unlock || situation.lock.as_ref().unwrap().proof.is_some());
            let runs = touches >= Touches::Resources || touches == Touches::State && kind != ActionKind::Reconstruct;
            prop_assert!(!runs || situation.state == StateKnown::Whole);
            let written = rules.actions.iter().any(|(written, _)| *written == kind);
            let on_ladder = ladder(class).iter().any(|rung| rung.kind == kind);
            prop_assert_eq!(true, if rules.actions.is_empty() { on_ladder } else { written });
        }
    }

    /// An incident that has tried more leaves no more to do.
    #[test]
    fn what_was_tried_is_not_tried_more_often(class in class(), situation in situation(), tried in proptest::collection::btree_map(kind(), 0..25_u32, 0..6)) {
        let incident = Incident { tried, ..Incident::of(&fault(class), at(0)) };
        let ledger = Ledger { incident: Some(incident.clone()), ..Ledger::default() };
        if let Choice::Do(step) = choose_first(class, &ledger, &situation, &patient()) {
            let kind = step.action.kind();
            let rung = ladder(class).iter().find(|rung| rung.kind == kind).unwrap();
            prop_assert!(incident.tried.get(&kind).copied().unwrap_or(0) < rung.tries);
            prop_assert_eq!(step.timeout, kind.timeout());
        }
    }
}

#[test]
fn names_are_words_for_programs() {
    let names: Vec<&str> = Escalation::ALL.iter().map(|why| why.name()).collect();
    assert_eq!(
        names,
        [
            "RecoveryOff",
            "RecoveryExhausted",
            "RecoveryBudgetExhausted",
            "RecoveryNotPermitted",
            "ActionRequired"
        ]
    );
}
