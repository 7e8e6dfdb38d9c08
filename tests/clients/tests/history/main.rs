//! Sixty-four clients at once: what each of them saw could have been so, nothing is done twice, and nothing that was
//! acknowledged is gone when the server is killed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test the line of the panic is the best report"
)]

mod client;
mod events;
mod register;
mod seen;

use std::sync::Arc;
use std::time::Duration;

use clients::server::{Access, Server, Store};
use clients::wire::Connection;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::client::{CLUSTERS, FAMILY, Shared, cluster, run_task};
use crate::seen::Seen;

const CLIENTS: u64 = 64;
const REGION: &str = "eu-history-1";

/// For how long there is load before the server is killed; `KECS_SOAK` has the seconds of a long run.
fn time() -> Duration {
    let soak = std::env::var("KECS_SOAK").ok().and_then(|it| it.parse().ok());
    Duration::from_secs(soak.unwrap_or(3))
}

async fn connect(server: &Server) -> Connection {
    Connection::open(&server.address, REGION).await.unwrap()
}

/// Sets clients to work until `end`, or until the server is gone.
fn load(server: &Server, shared: &Arc<Shared>, end: Instant) -> JoinSet<Seen> {
    let mut workers = JoinSet::new();
    for number in 0..CLIENTS {
        let (address, shared) = (server.address.clone(), Arc::clone(shared));
        workers.spawn(async move { client::work(&address, REGION, number, &shared, end).await });
    }
    workers
}

async fn gather(mut workers: JoinSet<Seen>, seen: &mut Seen) {
    while let Some(one) = workers.join_next().await {
        seen.add(one.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_clients_and_a_loss_of_power() {
    let mut server = Server::start(Access::Open, Store::Sqlite);
    let follower = events::Follower::start(&server.address);
    let mut connection = connect(&server).await;
    for number in 0..CLUSTERS {
        connection
            .ok("CreateCluster", &json!({"clusterName": cluster(number)}))
            .await
            .unwrap();
    }
    connection
        .ok("RegisterTaskDefinition", &client::definition("app"))
        .await
        .unwrap();
    let shared = Arc::new(Shared::default());
    let mut seen = Seen::default();

    gather(load(&server, &shared, Instant::now() + time()), &mut seen).await;
    assert_eq!(seen.refused, Vec::<String>::new());
    assert_eq!(seen.broken_off, 0);
    // The server does not keep a connection for as long as nothing was said on the first one.
    let mut connection = connect(&server).await;
    counts_are_those_of_the_tasks(&mut connection, &seen).await;

    // The same again, and in the middle of it the server is killed.
    let workers = load(&server, &shared, Instant::now() + time());
    tokio::time::sleep(time() / 2).await;
    server.kill_and_restart();
    follower.go_on_at(&server.address);
    gather(workers, &mut seen).await;
    assert_eq!(seen.refused, Vec::<String>::new());
    assert!(seen.broken_off > 0);

    let mut connection = connect(&server).await;
    everything_acknowledged_is_there(&mut connection, &shared, &mut seen).await;
    let wrong = seen.wrong();
    assert_eq!(wrong, Vec::<String>::new());

    connection
        .ok("CreateCluster", &json!({"clusterName": "the-last"}))
        .await
        .unwrap();
    let told = follower.until("cluster/the-last").await;
    assert_eq!(events::gaps(&told), Vec::<String>::new());
    let untold: Vec<&String> = seen
        .started
        .values()
        .flatten()
        .filter(|arn| !told.iter().any(|it| it.resource == **arn))
        .collect();
    assert_eq!(untold, Vec::<&String>::new());
    println!(
        "{} requests, {} writes of {CLUSTERS} registers, {} revisions, {} tasks by {} tokens, {} events",
        seen.requests,
        seen.writes(),
        seen.revisions.len(),
        seen.started.values().map(Vec::len).sum::<usize>(),
        seen.started.len(),
        told.len(),
    );
}

/// The counts of each cluster are those of the tasks that were acknowledged and not stopped.
async fn counts_are_those_of_the_tasks(connection: &mut Connection, seen: &Seen) {
    for number in 0..CLUSTERS {
        let expected = seen.alive(&cluster(number));
        let input = json!({"clusters": [cluster(number)]});
        let counted = |it: &Value| {
            let it = &it["clusters"][0];
            (
                it["runningTasksCount"].as_u64().unwrap(),
                it["pendingTasksCount"].as_u64().unwrap(),
            )
        };
        let mut counts = (0, 0);
        for _ in 0..600 {
            counts = counted(&connection.ok("DescribeClusters", &input).await.unwrap());
            if counts == (expected, 0) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(counts, (expected, 0), "{}", cluster(number));
        assert_eq!(
            listed(connection, &cluster(number)).await,
            expected,
            "{}",
            cluster(number)
        );
    }
}

/// How many tasks a list has, page by page.
async fn listed(connection: &mut Connection, cluster: &str) -> u64 {
    let (mut count, mut token) = (0, Value::Null);
    loop {
        let mut input = json!({"cluster": cluster});
        if !token.is_null() {
            input["nextToken"] = token;
        }
        let page = connection.ok("ListTasks", &input).await.unwrap();
        count += page["taskArns"].as_array().unwrap().len() as u64;
        token = page["nextToken"].clone();
        if token.is_null() {
            return count;
        }
    }
}

/// Reads back whatever was acknowledged, and once more asks for what was asked for by a token.
async fn everything_acknowledged_is_there(connection: &mut Connection, shared: &Shared, seen: &mut Seen) {
    for number in 0..CLUSTERS {
        client::read_register(connection, shared, number, seen)
            .await
            .unwrap();
    }
    let revisions: Vec<i64> = seen.revisions.iter().map(|it| it.number).collect();
    for revision in revisions {
        let name = format!("{FAMILY}:{revision}");
        let described = connection
            .ok("DescribeTaskDefinition", &json!({"taskDefinition": name}))
            .await
            .unwrap();
        assert_eq!(described["taskDefinition"]["revision"], revision);
    }
    for (token, arns) in seen.started.clone() {
        let described = json!({"cluster": cluster(token % CLUSTERS), "tasks": arns});
        let described = connection.ok("DescribeTasks", &described).await.unwrap();
        assert_eq!(described["failures"], json!([]), "{arns:?}");
        let again = connection.ok("RunTask", &run_task(token)).await.unwrap();
        assert_eq!(client::arns(&again), arns, "token {token}");
    }
}
