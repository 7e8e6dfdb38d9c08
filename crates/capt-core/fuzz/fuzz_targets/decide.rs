//! Every subject, in any state it could be read in: nothing panics, and what is decided keeps to its promises.
#![no_main]

mod seen;

use capt_core::advance::Assessment;
use capt_core::condition;
use capt_core::decision::{Decision, Requeue};
use capt_core::lifecycle::{Lifecycle, Signal, State};
use capt_core::machine::{Machine, Move};
use capt_core::object::Object;
use capt_core::record::{HISTORY, Record};
use capt_core::{cluster, control_plane, template_apply, workspace};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use seen::Seen;

fuzz_target!(|seen: Seen| {
    let now = seen.now();
    let snapshot = seen.workspace();
    let assessment = workspace::assess(&snapshot, now);
    let decide = || workspace::decide(&snapshot, workspace::assess(&snapshot, now), now);
    check(&snapshot.object, &assessment, &decide(), now);
    assert_eq!(decide(), decide());
    assert!(workspace::progress(&snapshot, &decide().record).percent <= 100);

    let snapshot = seen.template_apply();
    let assessment = template_apply::assess(&snapshot, now);
    let decide = || template_apply::decide(&snapshot, template_apply::assess(&snapshot, now), now);
    check(&snapshot.object, &assessment, &decide(), now);
    assert_eq!(decide(), decide());
    assert!(template_apply::progress(&snapshot, &decide().record).percent <= 100);

    let snapshot = seen.cluster();
    let assessment = cluster::assess(&snapshot, now);
    let decide = || cluster::decide(&snapshot, cluster::assess(&snapshot, now), now);
    check(&snapshot.object, &assessment, &decide(), now);
    assert_eq!(decide(), decide());
    assert!(cluster::progress(&snapshot, &decide().record).percent <= 100);

    let snapshot = seen.control_plane();
    let assessment = control_plane::assess(&snapshot, now);
    let decide = || control_plane::decide(&snapshot, control_plane::assess(&snapshot, now), now);
    check(&snapshot.object, &assessment, &decide(), now);
    assert_eq!(decide(), decide());
    assert!(control_plane::progress(&snapshot, &decide().record).percent <= 100);
});

fn check<C>(object: &Object, assessment: &Assessment, decision: &Decision<Record, C>, now: Timestamp) {
    let (before, after) = (&object.record, &decision.record);
    if before.state != after.state {
        // Intent is durable before its effect.
        assert!(decision.plan.is_empty());
        assert!(leads(before, after.state, assessment));
    }
    assert!(!before.initialized || after.initialized);
    if object.paused.is_some() {
        assert!(decision.plan.is_empty());
        assert_eq!(before, after);
    }
    if let Requeue::At(at) = decision.requeue {
        assert!(at > now);
    }
    assert!(after.history.len() <= before.history.len().max(HISTORY));
    assert!(after.recovery.history.len() <= before.recovery.history.len().max(HISTORY));
    for condition in condition::standard(object, after, &decision.waits, now) {
        assert!(!condition.reason.is_empty());
    }
}

/// Whether a signal that was assessed leads there.
fn leads(before: &Record, to: State, assessment: &Assessment) -> bool {
    let goes = |signal: &Signal| match Lifecycle::next(before.state, *signal) {
        Move::To(there) => there == to,
        Move::Back => before.origin.unwrap_or(State::Validating) == to,
        Move::Stay | Move::Illegal => false,
    };
    assessment.signals.iter().any(goes)
}
