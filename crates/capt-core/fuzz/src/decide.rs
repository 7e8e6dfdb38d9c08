//! Every subject through one moment after another, in each of them to where nothing more is written.

use std::time::Duration;

use capt_core::advance::{self, ABLE, Assessment};
use capt_core::condition;
use capt_core::decision::{Decision, Requeue};
use capt_core::fault::Disposition;
use capt_core::lifecycle::{Lifecycle, Signal, State};
use capt_core::machine::{Machine as _, Move};
use capt_core::object::Object;
use capt_core::progress::Progress;
use capt_core::record::{HISTORY, Record};
use capt_core::recovery::RecoveryMode;
use capt_core::{cluster, control_plane, template_apply, workspace};
use jiff::Timestamp;

use super::seen::Seen;

/// More rounds than anything takes while nothing around it changes, with delays of no length.
const ROUNDS: usize = 400;

/// How long the breaker stays open, and how long a probe waits.
const HOUR: Duration = Duration::from_hours(1);

/// Takes every subject through these moments.
pub fn check(moments: &[Seen]) {
    live(moments.iter().map(|seen| (seen.workspace(), seen.now())));
    live(moments.iter().map(|seen| (seen.template_apply(), seen.now())));
    live(moments.iter().map(|seen| (seen.cluster(), seen.now())));
    live(moments.iter().map(|seen| (seen.control_plane(), seen.now())));
}

/// A snapshot of one of the subjects.
trait Subject {
    type Command: PartialEq + std::fmt::Debug;

    fn object(&mut self) -> &mut Object;
    fn assess(&self, now: Timestamp) -> Assessment;
    fn decide(&self, now: Timestamp) -> Decision<Record, Self::Command>;
    fn progress(&self, record: &Record) -> Progress;
}

macro_rules! subject {
    ($module:ident) => {
        impl Subject for $module::Snapshot {
            type Command = $module::Command;

            fn object(&mut self) -> &mut Object {
                &mut self.object
            }

            fn assess(&self, now: Timestamp) -> Assessment {
                $module::assess(self, now)
            }

            fn decide(&self, now: Timestamp) -> Decision<Record, Self::Command> {
                $module::decide(self, self.assess(now), now)
            }

            fn progress(&self, record: &Record) -> Progress {
                $module::progress(self, record)
            }
        }
    };
}

subject!(workspace);
subject!(template_apply);
subject!(cluster);
subject!(control_plane);

fn live<S: Subject>(moments: impl Iterator<Item = (S, Timestamp)>) {
    let mut record: Option<Record> = None;
    for (mut seen, now) in moments {
        if let Some(record) = record.take() {
            seen.object().record = record;
        }
        record = Some(settle(seen, now));
    }
}

/// Round after round at one moment, until nothing more is written.
fn settle<S: Subject>(mut seen: S, now: Timestamp) -> Record {
    let mut way = Vec::new();
    for _ in 0..ROUNDS {
        let assessment = seen.assess(now);
        let decision = seen.decide(now);
        assert_eq!(seen.decide(now), decision);
        let shown = seen.progress(&decision.record).percent;
        let object = seen.object();
        check_round(object, &assessment, &decision, now);
        check_percent(&object.record, &decision.record, shown);
        check_recovery(object, &decision.record, now);
        let record = Record {
            percent: shown,
            ..decision.record
        };
        // What fails, fails again as long as it is tried.
        let tried = !decision.plan.is_empty() || object.faults.is_empty();
        if decision.plan.is_empty() {
            object.faults.clear();
        }
        // What takes no time at all may be tried for ever.
        let delay = object.policy.recovery.retry.max_delay;
        if tried && record == object.record || advance::after(now, delay) <= now {
            return record;
        }
        way.push((object.record.state, assessment.signals));
        object.record = record;
    }
    let circle = &way[ROUNDS - 10..];
    panic!("it does not come to rest: {circle:?}: {:?}", seen.object());
}

fn check_round<C>(object: &Object, assessment: &Assessment, decision: &Decision<Record, C>, now: Timestamp) {
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
        // A destroy that failed is tried again at once where no delay is wanted.
        let retry = object.policy.recovery.retry;
        let at_once = advance::after(now, retry.base_delay.min(retry.max_delay)) == now;
        assert!(at > now || at_once && at == now);
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
        Move::Back => is_origin(before, to),
        Move::Stay | Move::Illegal => false,
    };
    assessment.signals.iter().any(goes)
}

/// Whether a recovery leads back there. Where a record names a state that it cannot have come from, that is the
/// beginning of its work.
fn is_origin(record: &Record, to: State) -> bool {
    let work = [State::Validating, State::Provisioning, State::Configuring];
    let origin = record.origin.filter(|origin| work.contains(origin));
    origin.map_or(work[..2].contains(&to), |origin| to == origin)
}

/// Percent never goes back within an operation, and is 100 only at its end.
fn check_percent(before: &Record, after: &Record, shown: u8) {
    assert!(shown <= 100);
    if after.operation.is_some() {
        assert!(shown < 100);
        if before.operation == after.operation {
            assert!(shown >= before.percent);
        }
    } else if after.state == State::Ready {
        assert_eq!(shown, 100);
    }
}

/// No delay is longer than the longest, and nothing is tried beyond its bounds.
fn check_recovery(object: &Object, record: &Record, now: Timestamp) {
    let before = &object.record;
    let rules = &object.policy.recovery;
    let ledger = &record.recovery.ledger;
    let doing = ledger.incident.as_ref().and_then(|incident| incident.doing);
    if let Some(at) = record
        .next_attempt
        .filter(|_| record.next_attempt != before.next_attempt)
    {
        let asked = record
            .fault
            .as_ref()
            .and_then(|fault| fault.retry_after)
            .unwrap_or_default();
        let longest = match record.state {
            State::Recovering if rules.per_window == 0 && doing.is_none() => Duration::MAX,
            State::Recovering if doing.is_none() => rules.window.max(HOUR),
            State::Failed if !object.deleting => (HOUR / 2).max(asked),
            State::Pending
            | State::Validating
            | State::Provisioning
            | State::Configuring
            | State::Ready
            | State::Degraded
            | State::Failed
            | State::Recovering => rules.retry.max_delay.max(asked),
        };
        assert!(
            at <= advance::after(now, longest),
            "{at} is later than {longest:?} after {now}"
        );
    }
    if ledger.attempts() > before.recovery.ledger.attempts() && !object.deleting {
        assert!(ledger.attempts() <= rules.retry.max_retries);
        assert!(ledger.spent.actions <= rules.per_window);
        assert!(doing.is_some_and(|action| ABLE.contains(&action)));
        let class = record.fault.as_ref().map(|fault| fault.class.disposition());
        assert!(rules.mode == RecoveryMode::Act || class == Some(Disposition::Resume));
    }
}
