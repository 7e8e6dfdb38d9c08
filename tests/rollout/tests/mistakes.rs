//! Each planted mistake is found by a law that it breaks.

use std::fmt::Write as _;

use rollout::explore;
use rollout::law::Law;
use rollout::mistake::Mistake;

#[test]
fn each_mistake_is_found_by_a_law_that_it_breaks() {
    let mut missed = String::new();
    for mistake in Mistake::ALL {
        let (setup, left) = mistake.needs();
        let found = explore(setup, left, Some(mistake));
        let broken: Vec<Law> = found.broken.keys().copied().collect();
        println!("{mistake:?}: {broken:?} after {} worlds", found.worlds);
        if !broken.iter().any(|it| mistake.breaks().contains(it)) {
            let _ = writeln!(
                missed,
                "{mistake:?} should break one of {:?}, not {broken:?}",
                mistake.breaks()
            );
        }
    }
    assert!(missed.is_empty(), "{missed}");
}

#[test]
fn each_law_is_broken_by_a_mistake() {
    for law in Law::ALL {
        assert!(
            Mistake::ALL.iter().any(|it| it.breaks().contains(&law)),
            "{law:?}"
        );
    }
}

#[test]
fn without_a_mistake_nothing_is_found_where_mistakes_are_looked_for() {
    let mut looked_at = Vec::new();
    for mistake in Mistake::ALL {
        let needs = mistake.needs();
        if looked_at.contains(&needs) {
            continue;
        }
        let found = explore(needs.0, needs.1, None);
        assert!(found.broken.is_empty(), "{mistake:?}: {:#?}", found.broken);
        looked_at.push(needs);
    }
}
