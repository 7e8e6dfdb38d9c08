//! Retry and recovery alone, for something that is no control plane: a backup that fails now and then.
//!
//! `cargo run -p capt-core --example backup`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use capt_core::fault::{Fault, FaultClass};
use capt_core::recovery::{Action, Breaker, Choice, Incident, Lock, Proof, Rules, Situation, choose};
use capt_core::retry::{RetryStrategy, seed_of};
use jiff::{SignedDuration, Timestamp};

/// What becomes of the attempts, in order; after them it works.
fn attempts() -> Vec<Fault> {
    vec![
        Fault::new(FaultClass::Transient, "Timeout", "the store does not answer"),
        Fault::new(FaultClass::Transient, "Timeout", "the store does not answer"),
        Fault::new(FaultClass::Locked, "Locked", "another backup holds the lock"),
    ]
}

fn main() -> Result<(), jiff::Error> {
    let retry = RetryStrategy::default();
    let seed = seed_of("backup-of-the-ledger");
    let (rules, mut breaker) = (Rules::default(), Breaker::default());
    let mut now = Timestamp::UNIX_EPOCH;
    let mut begun = Vec::new();
    let mut incident: Option<Incident> = None;
    for fault in attempts() {
        println!("{:>3} s  {fault}", now.as_second());
        let incident = incident.get_or_insert_with(|| Incident::of(&fault, now));
        // What is known of the world: here, that whoever held the lock is dead.
        let situation = Situation {
            lock: (fault.class == FaultClass::Locked).then(|| Lock {
                id: "lock-7".to_owned(),
                proof: Some(Proof::ProcessGone),
            }),
            ..Situation::default()
        };
        match choose(&fault, incident, &situation, &rules, &breaker, &begun, now) {
            Choice::Do(step) => {
                let wait = match step.action {
                    Action::Unlock { .. } => SignedDuration::ZERO,
                    _ => SignedDuration::try_from(retry.delay(incident.attempts() + 1, seed))?,
                };
                now += wait;
                println!("       in {} s: {}", wait.as_secs(), step.action);
                incident.begin(step.action.kind());
                begun.push(now);
            }
            Choice::WouldDo(step) => println!("       would: {}", step.action),
            Choice::Pause { until, .. } => now = until,
            Choice::Escalate(why) => {
                breaker.failed(now);
                println!("       a person is needed: {}", why.name());
                return Ok(());
            }
        }
    }
    breaker.succeeded();
    println!("{:>3} s  it works", now.as_second());
    Ok(())
}
