//! Each planted mistake is found by the law that it breaks.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use model::law::Law;
use model::mistake::Mistake;
use model::{Bound, explore};

#[test]
fn each_mistake_is_found_by_the_law_that_it_breaks() {
    let mut missed = String::new();
    for mistake in Mistake::ALL {
        let law = mistake.breaks();
        let bound = Bound {
            manner: mistake.manner(),
            ..Bound::all(mistake.needs())
        };
        let found = explore(bound, Some(mistake));
        let broken: Vec<Law> = found.broken.keys().copied().collect();
        println!("{mistake:?}: {broken:?} after {} worlds", found.worlds);
        if !broken.contains(&law) {
            let _ = writeln!(
                missed,
                "{mistake:?} should break {law:?}, but {broken:?} was found broken"
            );
        }
    }
    assert!(missed.is_empty(), "{missed}");
}

#[test]
fn each_law_is_broken_by_a_mistake() {
    let broken: BTreeSet<Law> = Mistake::ALL.into_iter().map(Mistake::breaks).collect();
    let unbroken: Vec<Law> = Law::ALL.into_iter().filter(|law| !broken.contains(law)).collect();
    assert_eq!(unbroken, []);
}
