//! Retry and recovery alone, for something that is no control plane: a backup that fails now and then.
//!
//! `cargo run -p capt-core --example backup`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use capt_core::fault::{Fault, FaultClass};
use capt_core::recovery::{Action, Choice, Ledger, Lock, Proof, Rules, Situation, choose};
use capt_core::retry::seed_of;
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
    let seed = seed_of("backup-of-the-books");
    let (rules, mut ledger) = (Rules::default(), Ledger::default());
    let mut now = Timestamp::UNIX_EPOCH;
    for fault in attempts() {
        println!("{:>3} s  {fault}", now.as_second());
        // What is known of the world: here, that whoever held the lock is dead.
        let situation = Situation {
            lock: (fault.class == FaultClass::Locked).then(|| Lock {
                id: "lock-7".to_owned(),
                proof: Some(Proof::ProcessGone),
            }),
            ..Situation::default()
        };
        match choose(&fault, &ledger, &situation, &rules, now) {
            Choice::Do(step) => {
                ledger.begin(&fault, step.action.kind(), &rules, now);
                let wait = if matches!(step.action, Action::Unlock { .. }) {
                    SignedDuration::ZERO
                } else {
                    let pace = rules.retry.for_class(fault.class);
                    SignedDuration::try_from(pace.delay(ledger.attempts(), seed))?
                };
                now += wait;
                println!("       in {} s: {}", wait.as_secs(), step.action);
            }
            Choice::WouldDo(step) => println!("       would: {}", step.action),
            Choice::Pause { until, .. } => now = until,
            Choice::Escalate(why) => {
                ledger.escalate(&fault, why, now);
                println!("       a person is needed: {}", why.name());
                return Ok(());
            }
        }
    }
    ledger.mended();
    println!("{:>3} s  it works", now.as_second());
    Ok(())
}
