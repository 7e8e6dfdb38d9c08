//! The operator is killed, or asked to stop, at each of its recorded steps. Most steps are passed over
//! unless all are asked for.

use std::time::Duration;

use capt_testing::{Fresh, Scenario, fixture, simulate};
use serde_json::json;
use tokio::time::Instant;

use super::{counts, ended, nothing_is_left, raised, row};
use crate::{CLUSTER, CONTROL_PLANE, EKS, MINUTE, SECOND, ready, remains, stride, with_templates};

/// No life takes longer.
const LONGEST: Duration = Duration::from_mins(2);

/// What a person asks for while operators die.
#[derive(Clone, Copy, Debug)]
enum Life {
    Create,
    Upgrade,
    Delete,
}

/// How an operator ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// By SIGKILL, right after the step.
    Killed,
    /// By SIGTERM, as soon as the step is recorded.
    Stopped,
}

impl Life {
    async fn start(self) -> Scenario {
        match self {
            Self::Create => with_templates().await,
            Self::Upgrade | Self::Delete => ready().await,
        }
    }

    async fn ask(self, world: &Scenario) {
        match self {
            Self::Create => world.apply(fixture::CLUSTER).await,
            Self::Upgrade => {
                let version = json!({ "spec": { "version": "1.32" } });
                world.patch(CONTROL_PLANE, version).await;
            }
            Self::Delete => world.delete(CLUSTER).await,
        }
    }

    async fn fresh(self, world: &Scenario) -> Fresh {
        let templates = fixture::templates();
        match self {
            Self::Create => Fresh::start(world, &[&templates, fixture::CLUSTER]).await,
            Self::Upgrade => Fresh::start(world, &[&templates, &raised()]).await,
            Self::Delete => Fresh::start(world, &[&templates]).await,
        }
    }

    /// How many applies and destroys there are in all, for each workspace.
    const fn begun(self) -> [(u32, u32); 3] {
        match self {
            Self::Create => [(1, 0); 3],
            Self::Upgrade => [(1, 0), (2, 0), (1, 0)],
            Self::Delete => [(1, 1); 3],
        }
    }
}

/// Lets the operator end at the `nth` step of a life, and the next one start at once: what Terraform does is still
/// under way then. False if there are not so many steps.
async fn interrupted(life: Life, end: End, nth: u32, world: &mut Scenario) -> bool {
    match end {
        End::Killed => {
            world.crash_at_step(nth);
            life.ask(world).await;
            let begun = Instant::now();
            while !world.is_crashed() {
                if begun.elapsed() > LONGEST {
                    return false;
                }
                world.pass(SECOND).await;
            }
        }
        End::Stopped => {
            let (reached, ()) = tokio::join!(
                biased;
                world.at_step(nth),
                life.ask(world)
            );
            if !reached {
                return false;
            }
            world.stop_operator().await;
            world.pass(SECOND).await;
        }
    }
    world.start_operator();
    true
}

/// Ends the operator at every `usual`th step (see [`stride`]) from the `first` on, each time in an installation of
/// its own. There are at least `least` steps.
async fn at_steps(life: Life, end: End, (first, usual): (u32, usize), least: u32) {
    let mut fresh = None;
    let mut reached = 0;
    for nth in (first..).step_by(stride(usual)) {
        let mut world = life.start().await;
        if !interrupted(life, end, nth, &mut world).await {
            break;
        }
        reached = nth;
        if fresh.is_none() {
            fresh = Some(life.fresh(&world).await);
        }
        if let Some(fresh) = &fresh {
            ended(&world, fresh, life.begun()).await;
        }
    }
    assert!(reached >= least, "{life:?} ends after step {reached}");
}

/// One moment of each life, as people see it.
fn seen(id: &'static str, situation: &'static str, does: &'static str, life: Life, end: End, nth: u32) {
    row(id, situation, does).play(async |account| {
        let mut world = life.start().await;
        assert!(interrupted(life, end, nth, &mut world).await);
        world.pass(2 * SECOND).await;
        account.sees(&world, CONTROL_PLANE);
        account.sees(&world, EKS);
        world.until_quiet().await;
        assert_eq!(counts(&world), life.begun());
        account.least("as often as without the restart: the next operator goes on with what was recorded");
        let templates = fixture::templates();
        match life {
            Life::Create => {
                account
                    .ends_as_fresh(&world, &[&templates, fixture::CLUSTER])
                    .await;
            }
            Life::Upgrade => account.ends_as_fresh(&world, &[&templates, &raised()]).await,
            Life::Delete => account.ends_as_fresh(&world, &[&templates]).await,
        }
    });
}

#[test]
fn killed_while_creating() {
    seen(
        "operator-killed-while-creating",
        "the operator is killed (SIGKILL) while a cluster is being created, at any recorded step",
        "The next operator reads what was recorded and goes on: it follows the Terraform process that runs, and \
         applies nothing twice.",
        Life::Create,
        End::Killed,
        30,
    );
}

#[test]
fn killed_while_upgrading() {
    seen(
        "operator-killed-while-upgrading",
        "the operator is killed (SIGKILL) while a new version is being applied, at any recorded step",
        "The next operator goes on with the one apply of the new version; the cluster stays Ready.",
        Life::Upgrade,
        End::Killed,
        10,
    );
}

#[test]
fn killed_while_deleting() {
    seen(
        "operator-killed-while-deleting",
        "the operator is killed (SIGKILL) while a cluster is being deleted, at any recorded step",
        "The next operator goes on with the deletion; what was destroyed is not destroyed again.",
        Life::Delete,
        End::Killed,
        8,
    );
}

#[test]
fn killed_at_steps_of_a_creation() {
    simulate(at_steps(Life::Create, End::Killed, (1, 8), 40));
}

#[test]
fn killed_at_other_steps_of_a_creation() {
    simulate(at_steps(Life::Create, End::Killed, (5, 8), 40));
}

#[test]
fn killed_at_steps_of_an_upgrade() {
    simulate(at_steps(Life::Upgrade, End::Killed, (2, 3), 11));
}

#[test]
fn killed_at_steps_of_a_deletion() {
    simulate(at_steps(Life::Delete, End::Killed, (1, 5), 20));
}

#[test]
fn stopped_at_steps_of_a_creation() {
    simulate(at_steps(Life::Create, End::Stopped, (3, 9), 40));
}

#[test]
fn stopped_at_steps_of_an_upgrade() {
    simulate(at_steps(Life::Upgrade, End::Stopped, (1, 4), 9));
}

#[test]
fn stopped_at_steps_of_a_deletion() {
    simulate(at_steps(Life::Delete, End::Stopped, (3, 6), 19));
}

#[test]
fn stopped_in_order() {
    row(
        "operator-stopped",
        "the operator is asked to stop (SIGTERM) while Terraform applies, and is back ten minutes later",
        "Leaves Terraform alone; the next operator reads what the apply has come to.",
    )
    .play(async |account| {
        let mut world = with_templates().await;
        world.apply(fixture::CLUSTER).await;
        world
            .until("the apply of EKS", 2 * MINUTE, |world| counts(world)[1].0 == 1)
            .await;
        world.stop_operator().await;
        world.pass(10 * MINUTE).await;
        account.sees(&world, CONTROL_PLANE);
        world.start_operator();
        account.least("the apply went on without the operator");
        let manifests = [&fixture::templates(), fixture::CLUSTER];
        account.ends_as_fresh(&world, &manifests).await;
        assert_eq!(counts(&world), [(1, 0); 3]);
    });
}

#[test]
fn every_operator_dies_at_its_first_step() {
    simulate(async {
        let mut world = with_templates().await;
        world.apply(fixture::CLUSTER).await;
        world.until_quiet().await;
        world.crash_at_milestone(1);
        world.delete(CLUSTER).await;
        let mut crashes = 0;
        while world.object(CLUSTER).is_some() {
            world.until_quiet().await;
            if world.is_crashed() {
                crashes += 1;
                world.start_operator();
                world.crash_at_milestone(1);
            }
        }
        assert!(crashes > 10 && crashes < 200, "{crashes}");
        world.until_quiet().await;
        if world.is_crashed() {
            world.start_operator();
            world.until_quiet().await;
        }
        assert!(remains(&world).is_empty());
        nothing_is_left(&world);
        assert_eq!(counts(&world), [(1, 1); 3]);
    });
}
