use kecs_core::key::Scope;
use kecs_core::record::{Service, Task};
use kecs_core::tx::Tx;
use kecs_model::types;
use kecs_store::memory::Memory;

use super::*;

struct World {
    store: Memory,
    scope: Scope,
}

impl World {
    fn new() -> Self {
        Self {
            store: Memory::new(1),
            scope: Scope::new("123456789012", "eu-west-1"),
        }
    }

    async fn commit(&self, write: impl FnOnce(&mut Tx<'_>, &Scope)) {
        let now = "2026-01-02T03:04:05Z".parse().unwrap();
        let commit = {
            let view = self.store.view().unwrap();
            let mut tx = Tx::new(&*view, &self.scope, now);
            write(&mut tx, &self.scope);
            tx.finish()
        };
        self.store.commit(commit, now).await.unwrap();
    }

    async fn task(&self, id: &str, last: &str) {
        let task = types::Task {
            cluster_arn: Some(self.scope.arn("cluster/blue")),
            last_status: Some(last.to_owned()),
            desired_status: Some("RUNNING".to_owned()),
            ..types::Task::default()
        };
        self.commit(|tx, scope| {
            tx.put(
                scope.task("blue", id),
                Task {
                    task,
                    ..Task::default()
                },
            );
        })
        .await;
    }

    async fn service(&self, cluster: &str, name: &str, status: &str) {
        let service = types::Service {
            cluster_arn: Some(self.scope.arn(&format!("cluster/{cluster}"))),
            status: Some(status.to_owned()),
            ..types::Service::default()
        };
        self.commit(|tx, scope| {
            tx.put(
                scope.service(cluster, name),
                Service {
                    service,
                    ..Service::default()
                },
            );
        })
        .await;
    }
}

fn lines(metrics: &Metrics, prefix: &str) -> Vec<String> {
    let text = metrics.render();
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with(prefix))
        .map(str::to_owned)
        .collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn tasks_are_followed_from_status_to_status() {
    let world = World::new();
    world.task("old", "RUNNING").await;
    world.task("over", "STOPPED").await;
    let metrics = Metrics::new();
    Meter::start(&world.store, metrics.clone()).unwrap();
    let transitions = || lines(&metrics, "kecs_task_state_transitions_total");
    assert_eq!(
        transitions(),
        Vec::<String>::new(),
        "what was there before went nowhere"
    );
    world.task("old", "STOPPED").await;
    for last in ["PROVISIONING", "PENDING", "PENDING", "STOPPED", "STOPPED"] {
        world.task("new", last).await;
    }
    assert_eq!(
        transitions(),
        [
            "kecs_task_state_transitions_total{from_state=\"PENDING\",to_state=\"STOPPED\"} 1",
            "kecs_task_state_transitions_total{from_state=\"PROVISIONING\",to_state=\"PENDING\"} 1",
            "kecs_task_state_transitions_total{from_state=\"RUNNING\",to_state=\"STOPPED\"} 1",
        ]
    );
    world
        .commit(|tx, scope| tx.delete(scope.task("blue", "new")))
        .await;
    assert_eq!(transitions().len(), 3);
    let revision = world.store.subscribe().borrow().revision;
    assert_eq!(
        lines(&metrics, "kecs_store_revision"),
        [format!("kecs_store_revision {revision}")]
    );
}

#[tokio::test]
async fn active_services_are_counted_by_cluster() {
    let world = World::new();
    world.service("blue", "a", "ACTIVE").await;
    world.service("blue", "b", "DRAINING").await;
    let metrics = Metrics::new();
    Meter::start(&world.store, metrics.clone()).unwrap();
    let active = || lines(&metrics, "kecs_active_services");
    assert_eq!(active(), ["kecs_active_services{cluster=\"blue\"} 1"]);
    world.service("blue", "c", "ACTIVE").await;
    world.service("blue", "c", "ACTIVE").await;
    world.service("green", "a", "ACTIVE").await;
    let both = [
        "kecs_active_services{cluster=\"blue\"} 2",
        "kecs_active_services{cluster=\"green\"} 1",
    ];
    assert_eq!(active(), both);
    world.service("blue", "a", "DRAINING").await;
    world.service("green", "a", "INACTIVE").await;
    world.service("blue", "b", "ACTIVE").await;
    let after = [
        "kecs_active_services{cluster=\"blue\"} 2",
        "kecs_active_services{cluster=\"green\"} 0",
    ];
    assert_eq!(active(), after);
    world
        .commit(|tx, scope| tx.delete(scope.service("blue", "b")))
        .await;
    assert_eq!(active()[0], "kecs_active_services{cluster=\"blue\"} 1");
}

#[tokio::test]
async fn what_is_told_twice_or_late_is_counted_once() {
    let metrics = Metrics::new();
    let mut seen = Seen::default();
    let scope = Scope::new("123456789012", "eu-west-1");
    let (task, service) = (scope.task("blue", "t"), scope.service("blue", "s"));
    seen.task(&task, 5, "RUNNING", When::Now, &metrics);
    // What was there before is older than what was told of meanwhile.
    seen.task(&task, 4, "PENDING", When::Before, &metrics);
    seen.task(&task, 5, "STOPPED", When::Now, &metrics);
    seen.task(&task, 6, "STOPPED", When::Now, &metrics);
    assert_eq!(
        lines(&metrics, "kecs_task_state_transitions_total"),
        ["kecs_task_state_transitions_total{from_state=\"RUNNING\",to_state=\"STOPPED\"} 1"]
    );
    seen.service(&service, 5, None, &metrics);
    seen.service(&service, 4, Some("blue"), &metrics);
    seen.service(&service, 5, Some("blue"), &metrics);
    assert_eq!(lines(&metrics, "kecs_active_services"), Vec::<String>::new());
    seen.service(&service, 6, Some("blue"), &metrics);
    seen.service(&service, 7, Some("green"), &metrics);
    assert_eq!(
        lines(&metrics, "kecs_active_services"),
        [
            "kecs_active_services{cluster=\"blue\"} 0",
            "kecs_active_services{cluster=\"green\"} 1",
        ]
    );
}

#[tokio::test]
async fn what_has_gone_is_remembered_until_all_that_was_there_is_taken_in() {
    let metrics = Metrics::new();
    let mut seen = Seen::default();
    let key = Scope::new("123456789012", "eu-west-1").service("blue", "s");
    seen.take(&key, 5, None, When::Now, &metrics);
    // It was there before, and has gone since.
    seen.service(&key, 4, Some("blue"), &metrics);
    assert_eq!(lines(&metrics, "kecs_active_services"), Vec::<String>::new());
    seen.settle();
    assert!(seen.services.is_empty() && seen.tasks.is_empty());
    seen.service(&key, 6, Some("blue"), &metrics);
    assert_eq!(
        lines(&metrics, "kecs_active_services"),
        ["kecs_active_services{cluster=\"blue\"} 1"]
    );
    seen.take(&key, 7, None, When::Now, &metrics);
    assert!(seen.services.is_empty() && seen.tasks.is_empty());
}
