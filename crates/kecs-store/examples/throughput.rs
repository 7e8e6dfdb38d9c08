//! How much a store takes: `cargo run --release -p kecs-store --example throughput -- [directory] [seconds] [clients] [store]`.
//!
//! Clients read and write tasks of one cluster, each with its terms and an event, as fast as they are answered: 70 of
//! 100 only read one, 30 write one. First in memory, then in a file, then in a file with a cache.

#![allow(clippy::disallowed_methods, reason = "it measures")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kecs_core::event;
use kecs_core::key::Scope;
use kecs_core::record::{Kind as _, Record, Task};
use kecs_core::tx::{Change, Commit, Expect};
use kecs_core::view::Page;
use kecs_store::cached::Cached;
use kecs_store::memory::Memory;
use kecs_store::sqlite::Sqlite;
use kecs_store::{CommitError, Store};
use serde_json::json;

type Failure = Box<dyn Error + Send + Sync>;

const TASKS: u64 = 2_000;

#[derive(Default)]
struct Counted {
    reads: AtomicU64,
    lists: AtomicU64,
    writes: AtomicU64,
    conflicts: AtomicU64,
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| "target/throughput".to_owned()));
    let seconds = arguments.next().map_or(Ok(5), |it| it.parse())?;
    let clients = arguments.next().map_or(Ok(64), |it| it.parse())?;
    let only = arguments.next();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()?;
    let file = |name: &str| Sqlite::open(folder.join(name));
    let ttl = Duration::from_mins(5);
    let stores: [(&str, Arc<dyn Store>); 3] = [
        ("memory", Arc::new(Memory::new(1))),
        ("sqlite", Arc::new(file("plain.db")?)),
        ("cached", Arc::new(Cached::new(file("cached.db")?, 10_000, ttl)?)),
    ];
    for (name, store) in stores {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        for (mix, writes) in [("70/30", 30), ("writes", 100)] {
            let line = runtime.block_on(run(
                Arc::clone(&store),
                writes,
                clients,
                Duration::from_secs(seconds),
            ))?;
            say(&format!("{name:7} {mix:8} {line}"));
        }
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "it is what the program is for")]
fn say(line: &str) {
    println!("{line}");
}

async fn run(store: Arc<dyn Store>, writes: u64, clients: u64, length: Duration) -> Result<String, Failure> {
    let counted = Arc::new(Counted::default());
    let begun = Instant::now();
    let clients: Vec<_> = (0..clients)
        .map(|client| {
            tokio::spawn(work(
                Arc::clone(&store),
                Arc::clone(&counted),
                client,
                writes,
                begun + length,
            ))
        })
        .collect();
    let mut waits = Vec::new();
    for client in clients {
        waits.extend(client.await??);
    }
    let took = begun.elapsed();
    waits.sort_unstable();
    let of = |percent: usize| {
        waits
            .get(waits.len() * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    let rate =
        |count: &AtomicU64| u128::from(count.load(Ordering::Relaxed)) * 1_000 / took.as_millis().max(1);
    Ok(format!(
        "{:>7} reads/s {:>6} lists/s {:>6} writes/s {:>4} conflicts/s, a write takes {:?} (p50) {:?} (p99)",
        rate(&counted.reads),
        rate(&counted.lists),
        rate(&counted.writes),
        rate(&counted.conflicts),
        of(50),
        of(99),
    ))
}

async fn work(
    store: Arc<dyn Store>,
    counted: Arc<Counted>,
    client: u64,
    writes: u64,
    until: Instant,
) -> Result<Vec<Duration>, Failure> {
    let scope = Scope::new("123456789012", "eu-west-1");
    let ids = kecs_core::call::Ids::new(client);
    let mut waits = Vec::new();
    while Instant::now() < until {
        let key = scope.task("blue", &format!("{:032x}", ids.number() % TASKS));
        if ids.number() % 100 >= writes {
            let view = store.view()?;
            view.get(&key)?;
            counted.reads.fetch_add(1, Ordering::Relaxed);
            if ids.number().is_multiple_of(10) {
                let page = Page {
                    after: Some(&key),
                    limit: 10,
                    descending: false,
                };
                view.list(&scope.term_in("tasks", "blue"), page)?;
                counted.lists.fetch_add(1, Ordering::Relaxed);
            }
            drop(view);
            tokio::task::yield_now().await;
            continue;
        }
        let before = store.view()?.get(&key)?;
        let status = ["PENDING", "RUNNING", "STOPPED"][usize::try_from(ids.number() % 3)?];
        let record = task(key.last(), status)?;
        let now = Timestamp::now();
        let was = before.as_ref().map(|entry| &*entry.record);
        let commit = Commit {
            expects: vec![Expect::Generation(
                key.clone(),
                before.as_ref().map_or(0, |entry| entry.generation),
            )],
            events: event::of(was, Some(&record), now),
            changes: vec![Change {
                key,
                terms: record.terms(&scope),
                record: Some(Arc::new(record)),
            }],
        };
        let asked = Instant::now();
        match store.commit(commit, now).await {
            Ok(_) => counted.writes.fetch_add(1, Ordering::Relaxed),
            Err(CommitError::Conflict(_)) => counted.conflicts.fetch_add(1, Ordering::Relaxed),
            Err(CommitError::Failed(error)) => return Err(error.into()),
        };
        waits.push(asked.elapsed());
    }
    Ok(waits)
}

fn task(id: &str, status: &str) -> Result<Record, Failure> {
    let arn = |rest: &str| format!("arn:aws:ecs:eu-west-1:123456789012:{rest}");
    let container = json!({"containerArn": arn("container/x"), "taskArn": arn("task/blue/x"), "name": "web",
        "image": "registry.example/web:1.2.3", "lastStatus": status, "networkInterfaces": [], "cpu": "256",
        "healthStatus": "UNKNOWN", "runtimeId": id});
    let task = serde_json::from_value(json!({
        "taskArn": arn(&format!("task/blue/{id}")), "clusterArn": arn("cluster/blue"), "lastStatus": status,
        "desiredStatus": if status == "STOPPED" { "STOPPED" } else { "RUNNING" }, "launchType": "FARGATE",
        "taskDefinitionArn": arn("task-definition/web:7"), "startedBy": "ecs-svc/1234567890123456789",
        "group": "service:web", "createdAt": 1_800_000_000.5, "cpu": "256", "memory": "512",
        "containers": [container.clone(), container], "version": 3,
        "attachments": [], "tags": [{"key": "team", "value": "blue"}], "overrides": {"containerOverrides": []},
    }))?;
    Ok(Task {
        task,
        service: Some("web".to_owned()),
        ..Task::default()
    }
    .into_record())
}
