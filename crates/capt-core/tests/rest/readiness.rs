//! What is shown as Ready.

use crate::world::{NOW, child, control_plane, round_of_control_plane};
use capt_core::control_plane::{Endpoint, Kubeconfig, Secret, Snapshot};
use capt_core::lifecycle::State;
use capt_core::object::Child;

/// A control plane in order, which was not shown as Ready while something it rests on was away.
fn back(applied: Option<&str>) -> Snapshot {
    let mut seen = control_plane(State::Ready);
    seen.endpoint = Endpoint::Published;
    seen.kubeconfig = Kubeconfig::Output(Secret::Current);
    seen.ca = Secret::Current;
    seen.object.record.initialized = true;
    seen.object.record.applied = applied.map(str::to_owned);
    seen
}

#[test]
fn what_was_away_for_a_moment_is_ready_again_if_it_was_applied() {
    for (applied, ready) in [(Some("one"), true), (Some("two"), false), (None, false)] {
        let mut seen = back(applied);
        round_of_control_plane(&mut seen, NOW);
        let record = &seen.object.record;
        assert_eq!((record.state, record.ready), (State::Ready, ready), "{applied:?}");
    }
}

#[test]
fn what_was_away_is_not_ready_before_its_child_is_in_order() {
    let current = child(State::Ready);
    let behind = [
        Child {
            matches: false,
            ..current.clone()
        },
        Child {
            observed: false,
            ..current.clone()
        },
        Child {
            ready: false,
            ..current
        },
    ];
    for apply in behind {
        let mut seen = back(Some("one"));
        seen.apply = Some(apply.clone());
        round_of_control_plane(&mut seen, NOW);
        assert!(!seen.object.record.ready, "{apply:?}");
    }
}
