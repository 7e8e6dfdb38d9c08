//! A control plane from nothing to Ready, without Kubernetes: what is decided is done by whoever embeds the crate.
//!
//! `cargo run -p capt-core --example control_plane`

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use capt_core::control_plane::{Command, Endpoint, Kubeconfig, Secret, Snapshot, assess, decide};
use capt_core::lifecycle::State;
use capt_core::object::{Child, Object};
use jiff::{SignedDuration, Timestamp};

fn main() {
    let mut now = Timestamp::UNIX_EPOCH;
    let mut seen = Snapshot::new(Object::new("ControlPlane/demo", "uid-1"));
    seen.owned = true;
    while seen.object.record.state != State::Ready {
        let decision = decide(&seen, assess(&seen, now), now);
        println!("{:>2} s  {}", now.as_second(), decision.record.state);
        // What is decided is kept before anything is done about it.
        seen.object.record = decision.record;
        for step in decision.plan.steps() {
            println!("      {:?}", step.command);
            match &step.command {
                Command::AddFinalizer => seen.object.finalized = true,
                // Here Terraform would run for a quarter of an hour.
                Command::EnsureApply => {
                    seen.apply = Some(Child::new("Apply/demo", State::Ready));
                    seen.endpoint = Endpoint::Found;
                    seen.kubeconfig = Kubeconfig::Output(Secret::Stale);
                    seen.ca = Secret::Stale;
                }
                Command::PublishEndpoint => seen.endpoint = Endpoint::Published,
                Command::WriteKubeconfig => seen.kubeconfig = Kubeconfig::Output(Secret::Current),
                Command::WriteCa => seen.ca = Secret::Current,
                other => println!("      nothing to do for {other:?}"),
            }
        }
        now += SignedDuration::from_secs(1);
    }
    println!("ready after {} rounds", now.as_second());
}
