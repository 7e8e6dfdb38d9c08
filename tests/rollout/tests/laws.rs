//! No law is broken within these bounds.

use rollout::explore;
use rollout::world::{Breaker, Left, Setup};

const PLAIN: Setup = Setup {
    desired: 2,
    minimum: 100,
    maximum: 200,
    breaker: Breaker::GoesBack,
    checked: false,
};

fn holds(setup: Setup, left: Left) {
    let found = explore(setup, left, None);
    assert!(found.broken.is_empty(), "{:#?}", found.broken);
    assert!(found.worlds > 100, "{}", found.worlds);
}

#[test]
fn an_update_whose_tasks_fail() {
    let left = Left {
        fails: 4,
        updates: 1,
        ..Left::NOTHING
    };
    for breaker in [Breaker::Off, Breaker::GivesUp, Breaker::GoesBack] {
        holds(Setup { breaker, ..PLAIN }, left);
    }
}

#[test]
fn updates_on_top_of_each_other() {
    let left = Left {
        fails: 2,
        updates: 2,
        ..Left::NOTHING
    };
    holds(Setup { desired: 1, ..PLAIN }, left);
    let tight = Setup {
        minimum: 50,
        maximum: 100,
        ..PLAIN
    };
    holds(tight, left);
}

#[test]
fn tasks_that_sicken() {
    let left = Left {
        sickens: 2,
        fails: 1,
        updates: 1,
        ..Left::NOTHING
    };
    holds(
        Setup {
            checked: true,
            desired: 1,
            ..PLAIN
        },
        left,
    );
    let tight = Setup {
        minimum: 50,
        maximum: 100,
        checked: true,
        ..PLAIN
    };
    holds(
        tight,
        Left {
            sickens: 2,
            ..Left::NOTHING
        },
    );
}

#[test]
fn tasks_that_end_and_counts_that_change() {
    let left = Left {
        exits: 1,
        scales: 1,
        updates: 1,
        ..Left::NOTHING
    };
    let loose = Setup {
        minimum: 0,
        maximum: 150,
        ..PLAIN
    };
    holds(PLAIN, left);
    holds(loose, left);
}

#[test]
fn somebody_stops_a_deployment() {
    let left = Left {
        requests: 1,
        updates: 1,
        fails: 1,
        ..Left::NOTHING
    };
    holds(PLAIN, left);
}
