//! What holds for every decision, whatever the snapshot: any base of the sheets, with any few things different at
//! once.

use capt_core::decision::{Decision, Requeue};
use capt_core::fault::FaultClass;
use capt_core::lifecycle::{Lifecycle, Signal, State};
use capt_core::machine::{Machine as _, Move};
use capt_core::record::Record;
use capt_core::recovery::RecoveryMode;
use capt_core::wait::Notice;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;

use crate::sheet::{Base, Factors};
use crate::subject::Subject;
use crate::world::NOW;

type Law = Result<(), TestCaseError>;

/// After so many rounds in an unchanged world nothing changes any more.
const ROUNDS: usize = 8;

/// A snapshot, by the places of its base and of what is different about it.
fn arbitrary() -> impl Strategy<Value = (Index, Vec<Index>)> {
    (any::<Index>(), proptest::collection::vec(any::<Index>(), 0..6))
}

/// The snapshot that the places stand for, and what is different about it.
fn build<S: Subject>(
    bases: &[Base<S>],
    factors: &Factors<S>,
    (base, different): &(Index, Vec<Index>),
) -> (S, String) {
    let all: Vec<_> = factors.common.iter().chain(&factors.own).collect();
    let base = base.get(bases);
    let chosen: Vec<_> = different.iter().map(|place| place.get(&all)).collect();
    let seen = chosen
        .iter()
        .fold(base.seen.clone(), |seen, factor| seen.with(&factor.vary));
    let names: Vec<_> = chosen.iter().map(|factor| factor.name.as_str()).collect();
    (seen, format!("{}; {}", base.name, names.join("; ")))
}

fn round<S: Subject>(seen: &S) -> Decision<Record, S::Command> {
    seen.decide(seen.assess())
}

/// A move is one of the table, and comes from a signal that was assessed.
fn moves_along_the_table<S: Subject>(seen: &S) -> Law {
    let before = seen.record();
    let after = round(seen).record;
    if after.state == before.state {
        return Ok(());
    }
    let signals = seen.assess().signals;
    let leads = |signal: &Signal| match Lifecycle::next(before.state, *signal) {
        Move::To(to) => to == after.state,
        Move::Back => before.origin.unwrap_or(State::Validating) == after.state,
        Move::Stay | Move::Illegal => false,
    };
    prop_assert!(
        signals.iter().any(leads),
        "{} -> {} on {signals:?}",
        before.state,
        after.state
    );
    prop_assert_eq!(after.since, Some(NOW));
    Ok(())
}

/// Where the state moves nothing is done: intent is durable before its effect.
fn does_nothing_before_it_is_written<S: Subject>(seen: &S) -> Law {
    let decision = round(seen);
    let before = seen.record();
    let opened = decision.record.run != before.run;
    if decision.record.state != before.state || opened {
        prop_assert!(decision.plan.is_empty(), "{:?}", decision.plan);
    }
    Ok(())
}

fn is_deterministic<S: Subject>(seen: &S) -> Law {
    prop_assert_eq!(seen.assess(), seen.assess());
    prop_assert_eq!(round(seen), round(seen));
    Ok(())
}

/// In a world that does not change, and in which nothing is ever executed, it comes to rest.
fn comes_to_rest<S: Subject>(seen: &S) -> Law {
    let mut seen = seen.clone();
    let mut last = round(&seen);
    let mut path = vec![seen.record().state];
    for _ in 0..ROUNDS {
        *seen.record_mut() = last.record.clone();
        path.push(last.record.state);
        let next = round(&seen);
        if next.record == last.record && next.plan == last.plan {
            return Ok(());
        }
        last = next;
    }
    Err(TestCaseError::fail(format!("no rest: {path:?}")))
}

/// Percent does not go back within one operation, and is 100 only in Ready without one.
fn progresses<S: Subject>(seen: &S) -> Law {
    let before = seen.record();
    let after = round(seen).record;
    let percent = seen.progress(&after).percent;
    let same = |record: &Record| {
        record
            .operation
            .as_ref()
            .map(|operation| (operation.kind, operation.started_at))
    };
    if after.operation.is_some() && same(&after) == same(before) {
        prop_assert!(percent >= before.percent, "{percent} after {}", before.percent);
    }
    prop_assert!(percent <= 100);
    let done = after.state == State::Ready && after.operation.is_none();
    prop_assert_eq!(percent == 100, done, "{} % of {:?}", percent, after);
    Ok(())
}

/// Nothing is done while it is paused. What a run has done on its own is written down all the same.
fn rests_when_paused<S: Subject>(seen: &S) -> Law {
    let mut seen = seen.clone();
    seen.object_mut().paused = Some("for a reason".to_owned());
    let mut decision = round(&seen);
    let told = |notice: &Notice| notice.reason == "LockRemoved";
    if decision.notices.iter().any(told) {
        decision.notices.retain(|notice| !told(notice));
        decision.record.recovery = seen.record().recovery.clone();
    }
    prop_assert_eq!(&decision.record, seen.record());
    prop_assert!(decision.plan.is_empty(), "{:?}", decision.plan);
    prop_assert_eq!(decision.requeue, Requeue::OnChange);
    prop_assert!(decision.notices.is_empty(), "{:?}", decision.notices);
    prop_assert!(decision.waits.iter().any(|wait| wait.reason == "Paused"));
    Ok(())
}

fn looks_again_in_the_future<S: Subject>(seen: &S) -> Law {
    match round(seen).requeue {
        Requeue::OnChange => {}
        Requeue::At(at) => prop_assert!(at > NOW, "at {at}"),
    }
    Ok(())
}

/// What was once said for good stays said.
fn keeps_its_latches<S: Subject>(seen: &S) -> Law {
    let before = seen.record();
    let after = round(seen).record;
    prop_assert!(after.initialized || !before.initialized);
    prop_assert!(before.ready || !after.ready || after.state == State::Ready);
    if after.state == State::Ready && before.state != State::Ready {
        prop_assert_eq!(&after.applied, &after.input);
        prop_assert!(after.initialized);
    }
    let number = |record: &Record| record.run.as_ref().map_or(0, |run| run.number);
    prop_assert!((number(before)..=number(before) + 1).contains(&number(&after)));
    prop_assert!(after.recovery.attempts >= before.recovery.attempts);
    prop_assert!(after.recovery.successes >= before.recovery.successes);
    Ok(())
}

/// Nothing is begun about a failure that the rules do not allow. A destroy is never given up, and bound by nothing.
fn tries_within_bounds<S: Subject>(seen: &S) -> Law {
    let before = seen.record();
    let after = round(seen).record;
    let tried = |record: &Record| record.recovery.ledger.attempts();
    if after.is_deleting() || tried(&after) <= tried(before) {
        return Ok(());
    }
    let rules = &seen.object().policy.recovery;
    let class = after.fault.as_ref().map(|fault| fault.class);
    prop_assert!(rules.mode == RecoveryMode::Act || class == Some(FaultClass::Interrupted));
    prop_assert_eq!(after.state, State::Recovering);
    prop_assert_eq!(tried(&after), tried(before) + 1);
    prop_assert!(tried(&after) <= rules.retry.max_retries);
    prop_assert_eq!(before.recovery.ledger.breaker.closed_again(NOW), None);
    prop_assert_eq!(before.recovery.ledger.spent.free_again(rules, NOW), None);
    prop_assert!(after.recovery.ledger.spent.actions <= rules.per_window);
    prop_assert!(after.next_attempt.is_some_and(|at| at > NOW));
    Ok(())
}

/// While it is deleted its state stays.
fn keeps_its_state_when_deleted<S: Subject>(seen: &S) -> Law {
    let mut seen = seen.clone();
    seen.object_mut().deleting = true;
    seen.object_mut().paused = None;
    let before = seen.record().state;
    prop_assert_eq!(round(&seen).record.state, before);
    Ok(())
}

/// Every law.
fn obeys<S: Subject>(seen: &S) -> Law {
    moves_along_the_table(seen)?;
    does_nothing_before_it_is_written(seen)?;
    is_deterministic(seen)?;
    comes_to_rest(seen)?;
    progresses(seen)?;
    rests_when_paused(seen)?;
    looks_again_in_the_future(seen)?;
    keeps_its_latches(seen)?;
    tries_within_bounds(seen)?;
    keeps_its_state_when_deleted(seen)
}

fn check<S: Subject>(bases: &[Base<S>], factors: &Factors<S>) {
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(400)
    };
    proptest!(config, |(places in arbitrary())| {
        let (seen, name) = build(bases, factors, &places);
        obeys(&seen).map_err(|broken| TestCaseError::fail(format!("{name}: {broken}")))?;
    });
}

#[test]
fn of_workspaces() {
    check(&crate::workspaces::bases(), &crate::workspaces::factors());
}

#[test]
fn of_applies() {
    check(&crate::applies::bases(), &crate::applies::factors());
}

#[test]
fn of_clusters() {
    check(&crate::clusters::bases(), &crate::clusters::factors());
}

#[test]
fn of_control_planes() {
    check(&crate::control_planes::bases(), &crate::control_planes::factors());
}
