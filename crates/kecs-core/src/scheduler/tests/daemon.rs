//! Daemons: one task on each container instance that takes it.

use jiff::SignedDuration;
use kecs_model::types::{HealthStatus, SchedulingStrategy};

use super::fleet::{enter, instance, on_instances};
use super::world::{SECOND, World};
use crate::record;
use crate::scheduler::Decision;
use crate::task;

/// A daemon of which this percent is to stay healthy, on instances of these names with room for two tasks each.
struct Daemon {
    world: World,
    instances: Vec<record::ContainerInstance>,
}

impl Daemon {
    fn new(minimum: i32, names: &[&str]) -> Self {
        let mut world = on_instances(World::new(0, minimum, 100));
        world.view.service.service.scheduling_strategy = Some(SchedulingStrategy::Daemon);
        Self {
            world,
            instances: names.iter().map(|name| instance(name, 1024)).collect(),
        }
    }

    fn round(&mut self) -> Decision {
        enter(&mut self.world, &self.instances);
        self.world.round()
    }

    /// Lets what comes run and what leaves end until nothing is decided.
    fn settle(&mut self) {
        for _ in 0..20 {
            let before = self.world.view.clone();
            if self.round().is_nothing(&before) {
                return;
            }
            for nth in self.world.leaving() {
                self.world.end(nth);
            }
            for nth in self.coming() {
                self.world.run(nth);
                if !self.world.view.tasks[nth].checked.is_empty() {
                    self.world.found(nth, HealthStatus::Healthy);
                }
            }
        }
        panic!("it does not settle: {:#?}", self.world.messages());
    }

    fn coming(&self) -> Vec<usize> {
        let revisions = 1..=2;
        revisions.flat_map(|it| self.world.coming(it)).collect()
    }

    fn set(&mut self, name: &str, status: &str) {
        let ending = format!("/{name}");
        let is = |it: &&mut record::ContainerInstance| {
            it.instance
                .container_instance_arn
                .as_deref()
                .unwrap()
                .ends_with(&ending)
        };
        let found = self.instances.iter_mut().find(is).unwrap();
        found.instance.status = Some(status.to_owned());
    }

    /// The instance of a task.
    fn on(&self, nth: usize) -> String {
        let arn = self.world.view.tasks[nth]
            .task
            .container_instance_arn
            .clone()
            .unwrap();
        arn.rsplit('/').next().unwrap().to_owned()
    }

    /// The task that is to run on an instance.
    fn of(&self, name: &str) -> usize {
        let wanted = self.world.places(task::is_wanted);
        wanted.into_iter().find(|nth| self.on(*nth) == name).unwrap()
    }

    /// The instances that have a task that is to run, one for each task.
    fn shown(&self) -> String {
        let wanted = self.world.places(task::is_wanted);
        let mut names: Vec<String> = wanted.into_iter().map(|nth| self.on(nth)).collect();
        names.sort();
        names.concat()
    }
}

/// The instances of the tasks that are asked to stop, and why.
fn stops(decision: &Decision) -> Vec<(String, String)> {
    let all = decision.stops.iter().map(|it| {
        let arn = it.task.container_instance_arn.clone().unwrap();
        (
            arn.rsplit('/').next().unwrap().to_owned(),
            it.task.stopped_reason.clone().unwrap(),
        )
    });
    let mut all: Vec<_> = all.collect();
    all.sort();
    all
}

#[test]
fn it_has_one_task_on_each_instance_that_takes_it() {
    let mut daemon = Daemon::new(0, &["a", "b", "d"]);
    daemon.instances.push(instance("c", 100));
    daemon.set("b", "DRAINING");
    daemon.settle();
    assert_eq!(daemon.shown(), "ad");
    assert_eq!(daemon.world.view.service.service.desired_count, Some(2));
    assert_eq!(
        daemon.world.deployments(),
        ["web:1 PRIMARY desired 2 COMPLETED failed 0"]
    );
    daemon.set("b", "ACTIVE");
    daemon.set("a", "DRAINING");
    let id = daemon.world.view.service.rollouts[0].id.clone();
    let decision = daemon.round();
    let reason = format!("Scaling activity initiated by (deployment {id})");
    assert_eq!(stops(&decision), [("a".to_owned(), reason)]);
    daemon.settle();
    assert_eq!(daemon.shown(), "bd");
    daemon.world.deploy(2);
    daemon.settle();
    assert_eq!(daemon.shown(), "bd");
    assert_eq!(daemon.world.running(2).len(), 2);
    assert_eq!(
        daemon.world.deployments(),
        ["web:2 PRIMARY desired 2 COMPLETED failed 0"]
    );
}

#[test]
fn what_is_done_is_told() {
    let mut daemon = Daemon::new(0, &["a", "b"]);
    let decision = daemon.round();
    let id = |nth: usize| {
        let arn = decision.starts[nth].task.task.task_arn.clone().unwrap();
        arn.rsplit('/').next().unwrap().to_owned()
    };
    let started = format!(
        "(service web) has started 2 tasks: (task {}) (task {}).",
        id(0),
        id(1)
    );
    assert_eq!(daemon.world.messages(), std::slice::from_ref(&started));
    assert!(daemon.round().starts.is_empty(), "they are on their way");
    assert_eq!(daemon.world.messages(), [started]);
    daemon.settle();
    daemon.set("b", "DRAINING");
    daemon.round();
    let stopped = format!("(service web) has stopped 1 running tasks: (task {}).", id(1));
    assert_eq!(daemon.world.messages().last(), Some(&stopped));
}

#[test]
fn an_unhealthy_task_goes_at_once_and_another_comes_once_it_is_over() {
    let mut daemon = Daemon::new(100, &["a", "b"]);
    daemon.world = daemon.world.with_checks();
    daemon.settle();
    let nth = daemon.of("a");
    daemon.world.found(nth, HealthStatus::Unhealthy);
    let decision = daemon.round();
    let reason = "Task failed container health checks".to_owned();
    assert_eq!(stops(&decision), [("a".to_owned(), reason)]);
    assert_eq!(daemon.world.view.service.rollouts[0].consecutive_failures, 1);
    assert!(daemon.round().starts.is_empty(), "it is not over yet");
    daemon.world.end(nth);
    let decision = daemon.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (1, 0));
    assert_eq!(daemon.shown(), "ab");
}

#[test]
fn old_tasks_go_as_far_as_the_minimum_lets_them() {
    for (minimum, stopped) in [(0, 4), (25, 3), (50, 2), (51, 1), (75, 1), (76, 0), (100, 0)] {
        let mut daemon = Daemon::new(minimum, &["a", "b", "c", "d"]);
        daemon.settle();
        daemon.world.deploy(2);
        let decision = daemon.round();
        assert!(decision.starts.is_empty(), "their instances are taken");
        assert_eq!(decision.stops.len(), stopped, "{minimum} % of four");
    }
}

#[test]
fn old_tasks_that_do_not_run_cost_nothing_and_protected_ones_stay() {
    let mut daemon = Daemon::new(75, &["a", "b", "c"]);
    daemon.settle();
    daemon.instances.push(instance("d", 1024));
    daemon.round();
    daemon.world.deploy(2);
    let decision = daemon.round();
    let names: Vec<String> = stops(&decision).into_iter().map(|(on, _)| on).collect();
    assert_eq!(names, ["d"], "three of four are to stay healthy");

    let mut daemon = Daemon::new(0, &["a", "b"]);
    daemon.settle();
    let nth = daemon.of("a");
    let until = daemon
        .world
        .now
        .checked_add(SignedDuration::from_mins(5))
        .unwrap();
    daemon.world.view.tasks[nth].protected_until = Some(until);
    daemon.world.deploy(2);
    let stopped =
        |decision: &Decision| -> Vec<String> { stops(decision).into_iter().map(|(on, _)| on).collect() };
    assert_eq!(stopped(&daemon.round()), ["b"]);
    daemon.world.now = until;
    assert_eq!(stopped(&daemon.round()), ["a"]);
}

#[test]
fn nothing_comes_and_nothing_is_replaced_while_it_waits_or_was_given_up() {
    let mut daemon = Daemon::new(0, &["a", "b"]);
    daemon.settle();
    daemon.world.deploy(2);
    daemon.round();
    for nth in daemon.world.leaving() {
        daemon.world.end(nth);
    }
    for _ in 0..2 {
        daemon.round();
        let nth = daemon.coming()[0];
        daemon.world.fail(nth);
    }
    let decision = daemon.round();
    let resume = daemon.world.view.service.rollouts[0].resume_at.unwrap();
    assert!(decision.starts.is_empty());
    assert_eq!(decision.next_look, Some(resume));
    daemon.world.now = resume;
    assert_eq!(daemon.round().starts.len(), 1);

    let mut daemon = Daemon::new(0, &["a", "b"]);
    daemon.world = daemon.world.with_breaker(false);
    daemon.settle();
    daemon.set("b", "DRAINING");
    daemon.settle();
    daemon.set("b", "ACTIVE");
    daemon.world.deploy(2);
    let nth = daemon.of("a");
    let until = daemon
        .world
        .now
        .checked_add(SignedDuration::from_hours(1))
        .unwrap();
    daemon.world.view.tasks[nth].protected_until = Some(until);
    for _ in 0..3 {
        daemon.world.pass(SECOND * 10);
        daemon.round();
        let nth = daemon.coming()[0];
        daemon.world.fail(nth);
    }
    daemon.round();
    assert!(
        daemon.world.deployments()[0].starts_with("web:2 PRIMARY desired 2 FAILED"),
        "{:?}",
        daemon.world.deployments()
    );
    daemon.world.now = until;
    let decision = daemon.round();
    assert_eq!((decision.starts.len(), decision.stops.len()), (0, 0));
    assert_eq!(daemon.shown(), "a", "what ran goes on");
}

#[test]
fn a_second_task_on_an_instance_goes() {
    let mut daemon = Daemon::new(0, &["a"]);
    daemon.settle();
    let mut second = daemon.world.view.tasks[0].clone();
    second.task.task_arn = Some(daemon.world.view.scope.arn("task/blue/second"));
    daemon.world.view.tasks.push(second);
    let decision = daemon.round();
    assert_eq!(decision.stops.len(), 1);
    assert_eq!(
        decision.stops[0].task.task_arn,
        daemon.world.view.tasks[1].task.task_arn
    );
}

#[test]
fn what_goes_with_its_instance_is_not_among_those_that_stay_healthy() {
    let mut daemon = Daemon::new(50, &["a", "b", "c", "d"]);
    daemon.settle();
    daemon.world.deploy(2);
    daemon.set("d", "DRAINING");
    let names: Vec<String> = stops(&daemon.round()).into_iter().map(|(on, _)| on).collect();
    assert_eq!(names.len(), 2, "two of three are to stay healthy: {names:?}");
    assert_eq!(names[1], "d");
}
