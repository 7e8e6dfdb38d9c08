//! How much a store takes: `cargo run --release -p kecs-store --example throughput -- [directory] [seconds] [clients] [store]`.
//!
//! Clients work on the tasks of one cluster, each with its terms and an event, as fast as they are answered: 70 of 100
//! only read one and 30 write one; all write; all read one by its key; all read a page of a hundred. In memory, in a
//! file, and in a file with a cache; with the feature `duckdb` in that, too. Each figure is the median of three runs.

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
/// An odd number, so that there is one in the middle.
const RUNS: usize = 3;

/// What the clients do.
#[derive(Debug, Clone, Copy)]
struct Mix {
    name: &'static str,
    /// So many of a hundred write.
    writes: u64,
    /// The others read so many; one is read by its key, and sometimes followed by the ten behind it.
    page: usize,
}

const MIXES: [Mix; 4] = [
    Mix {
        name: "70/30",
        writes: 30,
        page: 1,
    },
    Mix {
        name: "writes",
        writes: 100,
        page: 1,
    },
    Mix {
        name: "reads",
        writes: 0,
        page: 1,
    },
    Mix {
        name: "pages",
        writes: 0,
        page: 100,
    },
];

/// What came of one run: of things a second, and how long a write takes.
#[derive(Debug, Clone, Copy)]
struct Figures {
    rates: [u128; 4],
    waits: [Duration; 2],
}

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
    let mut stores: Vec<(&str, Arc<dyn Store>)> = vec![
        ("memory", Arc::new(Memory::new(1))),
        ("sqlite", Arc::new(file("plain.db")?)),
        ("cached", Arc::new(Cached::new(file("cached.db")?, 10_000, ttl)?)),
    ];
    #[cfg(feature = "duckdb")]
    stores.push((
        "duckdb",
        Arc::new(kecs_store::duckdb::DuckDb::open(folder.join("duckdb"))?),
    ));
    stores.retain(|(name, _)| only.as_ref().is_none_or(|only| only == name));
    for mix in MIXES {
        for (name, store) in &stores {
            let mut runs = Vec::new();
            for _ in 0..RUNS {
                let length = Duration::from_secs(seconds);
                runs.push(runtime.block_on(run(Arc::clone(store), mix, clients, length))?);
            }
            say(&line(name, mix, &runs));
        }
    }
    Ok(())
}

fn line(store: &str, mix: Mix, runs: &[Figures]) -> String {
    let rate = |at: usize| median(runs.iter().map(|run| run.rates[at]));
    let wait = |at: usize| median(runs.iter().map(|run| run.waits[at])).unwrap_or_default();
    let [reads, pages, writes, conflicts] = [0, 1, 2, 3].map(|at| rate(at).unwrap_or_default());
    let name = mix.name;
    let mut line = format!("{name:6} {store:6} {reads:>8} reads/s {pages:>6} pages/s {writes:>6} writes/s");
    if mix.writes > 0 {
        let waits = format!(
            " {conflicts:>4} conflicts/s, a write takes {:?} (p50) {:?} (p99)",
            wait(0),
            wait(1)
        );
        line.push_str(&waits);
    }
    line
}

fn median<T: Ord>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    values.sort();
    let middle = values.len() / 2;
    values.into_iter().nth(middle)
}

#[allow(clippy::print_stdout, reason = "it is what the program is for")]
fn say(line: &str) {
    println!("{line}");
}

async fn run(store: Arc<dyn Store>, mix: Mix, clients: u64, length: Duration) -> Result<Figures, Failure> {
    let counted = Arc::new(Counted::default());
    let begun = Instant::now();
    let clients: Vec<_> = (0..clients)
        .map(|client| {
            tokio::spawn(work(
                Arc::clone(&store),
                Arc::clone(&counted),
                client,
                mix,
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
    Ok(Figures {
        rates: [
            rate(&counted.reads),
            rate(&counted.lists),
            rate(&counted.writes),
            rate(&counted.conflicts),
        ],
        waits: [of(50), of(99)],
    })
}

async fn work(
    store: Arc<dyn Store>,
    counted: Arc<Counted>,
    client: u64,
    mix: Mix,
    until: Instant,
) -> Result<Vec<Duration>, Failure> {
    let scope = Scope::new("123456789012", "eu-west-1");
    let ids = kecs_core::call::Ids::new(client);
    let mut waits = Vec::new();
    while Instant::now() < until {
        let key = scope.task("blue", &format!("{:032x}", ids.number() % TASKS));
        if ids.number() % 100 >= mix.writes {
            let view = store.view()?;
            let page = |limit| Page {
                after: Some(&key),
                limit,
                descending: false,
            };
            let term = scope.term_in("tasks", "blue");
            if mix.page > 1 {
                view.list(&term, page(mix.page))?;
                counted.lists.fetch_add(1, Ordering::Relaxed);
            } else {
                view.get(&key)?;
                counted.reads.fetch_add(1, Ordering::Relaxed);
                if mix.writes > 0 && ids.number().is_multiple_of(10) {
                    view.list(&term, page(10))?;
                    counted.lists.fetch_add(1, Ordering::Relaxed);
                }
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
