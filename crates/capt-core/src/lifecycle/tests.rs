use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::*;
use crate::machine::{render_markdown, render_matrix, render_mermaid};

/// Every pair, as a golden table: a changed arm shows as a changed cell.
#[test]
fn every_pair_of_state_and_signal() {
    let mut text = String::new();
    for &state in State::ALL {
        for &signal in Signal::ALL {
            let cell = match Lifecycle::next(state, signal) {
                Move::Stay => "-".to_owned(),
                Move::To(to) => to.to_string(),
                Move::Back => "(back)".to_owned(),
                Move::Illegal => "x".to_owned(),
            };
            writeln!(text, "{state:<12} {:<17} {cell}", signal.name()).unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_table_documents_itself() {
    insta::assert_snapshot!(format!(
        "{}\n{}",
        render_markdown::<Lifecycle>(),
        render_mermaid::<Lifecycle>()
    ));
}

#[test]
fn the_matrix_has_every_pair() {
    insta::assert_snapshot!(render_matrix::<Lifecycle>());
}

#[test]
fn what_is_settled_stays_until_something_outside_changes() {
    let settled: Vec<&str> = State::ALL
        .iter()
        .filter(|state| state.is_settled())
        .map(|state| state.name())
        .collect();
    assert_eq!(settled, ["Ready", "Degraded", "Failed"]);
}

#[test]
fn phases_are_named_as_they_are_known() {
    let names: Vec<&str> = Phase::ALL.iter().map(|phase| phase.name()).collect();
    assert_eq!(names, ["Creating", "Ready", "Failed"]);
}

#[test]
fn lists_hold_every_variant_once() {
    assert_eq!(State::ALL.iter().collect::<BTreeSet<_>>().len(), 8);
    assert_eq!(Signal::ALL.iter().collect::<BTreeSet<_>>().len(), 15);
}

/// From every state some signals lead to Ready, and some lead out of every state where work has stopped.
#[test]
fn ready_can_be_reached_from_everywhere() {
    let mut reaches: BTreeSet<State> = [State::Ready].into();
    loop {
        let before = reaches.len();
        for &state in State::ALL {
            let leads = Signal::ALL
                .iter()
                .any(|&signal| match Lifecycle::next(state, signal) {
                    Move::To(to) => reaches.contains(&to),
                    Move::Back | Move::Stay | Move::Illegal => false,
                });
            if leads {
                reaches.insert(state);
            }
        }
        if reaches.len() == before {
            break;
        }
    }
    assert_eq!(reaches.len(), State::ALL.len());
}

#[test]
fn a_new_input_leads_out_of_every_state_but_the_first_two() {
    for &state in State::ALL {
        let moved = Lifecycle::next(state, Signal::InputChanged);
        match state {
            State::Pending | State::Validating => assert_eq!(moved, Move::Stay),
            State::Provisioning
            | State::Configuring
            | State::Ready
            | State::Degraded
            | State::Failed
            | State::Recovering => assert_eq!(moved, Move::To(State::Validating)),
        }
    }
}
