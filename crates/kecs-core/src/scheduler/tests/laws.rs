//! What holds whatever happens.

use kecs_model::types::HealthStatus;
use proptest::prelude::*;

use super::fleet::{enter, instance, on_instances};
use super::world::{SECOND, World};
use crate::plane::TaskStatus;
use crate::scheduler::decide;
use crate::task;

/// Something that happens between two rounds.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Runs(usize),
    Fails(usize),
    Ends(usize),
    Sickens(usize),
    Deploys,
    Scales(i32),
    Passes(i64),
    /// An instance drains, or does so no more.
    Drains(usize),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => any::<usize>().prop_map(Happening::Runs),
        2 => any::<usize>().prop_map(Happening::Fails),
        4 => any::<usize>().prop_map(Happening::Ends),
        1 => any::<usize>().prop_map(Happening::Sickens),
        1 => Just(Happening::Deploys),
        1 => (0..8_i32).prop_map(Happening::Scales),
        2 => (1..40_i64).prop_map(Happening::Passes),
        1 => any::<usize>().prop_map(Happening::Drains),
    ]
}

fn happens(world: &mut World, happening: Happening) {
    let pick =
        |places: Vec<usize>, number: usize| (!places.is_empty()).then(|| places[number % places.len()]);
    let live = |world: &World| world.places(|it| !task::is_over(it));
    match happening {
        Happening::Runs(number) => {
            let coming = world.places(|it| task::last_status(it) < TaskStatus::Running);
            if let Some(nth) = pick(coming, number) {
                world.run(nth);
            }
        }
        Happening::Fails(number) => {
            let coming = world.places(|it| task::last_status(it) < TaskStatus::Running);
            if let Some(nth) = pick(coming, number) {
                world.fail(nth);
            }
        }
        Happening::Ends(number) => {
            let leaving = world.leaving();
            let of = if number % 4 == 0 || leaving.is_empty() {
                live(world)
            } else {
                leaving
            };
            if let Some(nth) = pick(of, number / 4) {
                world.end(nth);
            }
        }
        Happening::Sickens(number) => {
            let health = match number % 3 {
                0 => HealthStatus::Unhealthy,
                1 => HealthStatus::Healthy,
                _ => HealthStatus::Unknown,
            };
            let running = world.places(|it| task::last_status(it) == TaskStatus::Running);
            if let Some(nth) = pick(running, number / 3) {
                world.found(nth, health);
            }
        }
        Happening::Deploys => {
            let next = world.view.revisions.len() % 9 + 1;
            world.deploy(i32::try_from(next).unwrap());
        }
        Happening::Scales(desired) => world.scale(desired),
        Happening::Passes(seconds) => world.pass(SECOND * i32::try_from(seconds).unwrap()),
        Happening::Drains(_) => {}
    }
}

fn count(world: &World, is: impl Fn(&crate::record::Task) -> bool) -> usize {
    world.view.tasks.iter().filter(|it| is(it)).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn bounds_are_kept_and_nothing_is_decided_twice(
        desired in 0..8_i32,
        percents in prop_oneof![Just((100, 200)), Just((50, 100)), Just((0, 100)), Just((50, 150)), Just((100, 125))],
        breaker in any::<Option<bool>>(),
        checked in any::<bool>(),
        of_instances in any::<bool>(),
        happenings in prop::collection::vec(happening(), 0..60),
    ) {
        let mut world = World::new(desired, percents.0, percents.1);
        if let Some(rollback) = breaker {
            world = world.with_breaker(rollback);
        }
        if checked {
            world = world.with_checks();
        }
        let mut instances = [instance("a", 65_536), instance("b", 65_536)];
        if of_instances {
            world = on_instances(world);
        }
        for it in happenings {
            happens(&mut world, it);
            if let Happening::Drains(number) = it {
                let status = if number % 4 < 2 { "DRAINING" } else { "ACTIVE" };
                instances[number % 2].instance.status = Some(status.to_owned());
            }
            if of_instances {
                enter(&mut world, &instances);
            }
            let desired = usize::try_from(world.view.service.service.desired_count.unwrap()).unwrap();
            let upper = desired * usize::try_from(percents.1).unwrap() / 100;
            let lower = (desired * usize::try_from(percents.0).unwrap()).div_ceil(100);
            let active = count(&world, |it| task::last_status(it) <= TaskStatus::Running);
            let healthy = count(&world, |it| task::is_wanted(it) && task::is_healthy(it));
            let decision = world.round();
            let started = decision.starts.len();
            prop_assert!(started == 0 || active + started <= upper, "{active} and {started} above {upper}");
            let left = count(&world, |it| task::is_wanted(it) && task::is_healthy(it));
            prop_assert!(left == healthy || left >= lower, "{left} of {healthy} below {lower}");
            let again = decide(&world.view, world.now, &world.ids);
            let before = format!("{:#?}", world.view.service);
            let after = format!("{:#?}", again.service);
            let new = after.lines().zip(before.lines()).find(|(left, right)| left != right);
            prop_assert!(again.is_nothing(&world.view), "decided twice: {new:#?} {:#?}", again.deployments);
        }
    }

    #[test]
    fn whatever_has_happened_a_service_settles(
        desired in 0..6_i32,
        percents in prop_oneof![Just((100, 200)), Just((50, 100)), Just((0, 100)), Just((50, 150))],
        breaker in any::<bool>(),
        happenings in prop::collection::vec(happening(), 0..40),
    ) {
        // A count of one leaves no room between one half and one and a half.
        prop_assume!(!(percents == (50, 150) || percents == (50, 100)) || desired != 1);
        let mut world = World::new(desired, percents.0, percents.1);
        if breaker {
            world = world.with_breaker(true);
        }
        for it in happenings {
            if !matches!(it, Happening::Scales(_)) {
                happens(&mut world, it);
            }
            world.round();
        }
        world.deploy(9);
        world.pass(SECOND * 3600);
        world.settle();
        prop_assert_eq!(world.running(9).len(), usize::try_from(desired).unwrap());
        prop_assert_eq!(world.view.service.rollouts.len(), 1);
        prop_assert_eq!(world.deployments(), [format!("web:9 PRIMARY desired {desired} COMPLETED failed 0")]);
    }
}

#[test]
fn a_task_that_comes_to_run_ends_a_pause_for_an_unhealthy_one_as_well() {
    use Happening::{Fails, Runs, Sickens};
    let mut world = World::new(4, 50, 100).with_checks();
    // Two fail, which makes a pause; one is found unhealthy meanwhile, and another healthy.
    for it in [
        Runs(0),
        Fails(0),
        Fails(0),
        Runs(0),
        Sickens(0),
        Runs(0),
        Sickens(4),
    ] {
        happens(&mut world, it);
        world.round();
        let again = decide(&world.view, world.now, &world.ids);
        assert!(again.is_nothing(&world.view), "{it:?}");
    }
    let stopped = world.places(|it| !task::is_wanted(it) && !task::is_over(it));
    assert_eq!(stopped.len(), 1);
    assert_eq!(
        world.view.tasks[stopped[0]].task.stopped_reason.as_deref(),
        Some(task::UNHEALTHY)
    );
}
