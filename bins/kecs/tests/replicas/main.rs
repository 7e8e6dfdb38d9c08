//! Several servers upon one `PostgreSQL` database: each answers, one leads, and another takes over when that is gone.
//! Where there is no `PostgreSQL` it says that nothing was run.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a test"
)]

#[allow(dead_code, reason = "the tests of the store need more of it")]
#[path = "../../../../crates/kecs-store/tests/conformance/cluster.rs"]
mod cluster;
mod replica;

use std::fs;
use std::path::Path;

use clients::wire::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::replica::{Replica, program, until};

/// The address of a database, as a setting.
fn store(database: &str) -> String {
    cluster::sql("postgres", &format!("CREATE DATABASE {database}"));
    format!("postgres:///{database}?host={}&user=kecs", cluster::sockets())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_servers_upon_one_database() {
    let Some(_cluster) = cluster::start() else { return };
    let store_url = store("kecs");
    let first = Replica::start(&store_url);
    first.says("leading").await;
    let mut second = Replica::start(&store_url);
    second.says("waiting to lead").await;

    let tasks = either_is_asked(&first, &second).await;
    first.signal(Signal::KILL);
    drop(first);
    another_takes_over(&second, &tasks).await;
    who_waits_can_be_stopped(&store_url).await;
    let third = who_freezes_has_lost(&store_url, &mut second).await;
    the_store_is_looked_after(&store_url);
    leaving_in_order_lets_the_next_lead(&store_url, third).await;
}

async fn steady(connection: &mut Connection, tasks: u64) {
    let asked = json!({"cluster": "blue", "services": ["web"]});
    until("a steady service", async || {
        let told = connection.ok("DescribeServices", &asked).await.unwrap();
        let service = &told["services"][0];
        service["runningCount"] == tasks
            && service["pendingCount"] == 0
            && service["deployments"].as_array().unwrap().len() == 1
            && service["deployments"][0]["rolloutState"] == "COMPLETED"
    })
    .await;
}

async fn tasks(connection: &mut Connection) -> Vec<Value> {
    let asked = json!({"cluster": "blue", "desiredStatus": "RUNNING"});
    let told = connection.ok("ListTasks", &asked).await.unwrap();
    told["taskArns"].as_array().unwrap().clone()
}

/// What the one that waits is asked for, the one that leads does, and both tell of it.
async fn either_is_asked(leads: &Replica, waits: &Replica) -> Vec<Value> {
    let mut asked = waits.connect().await;
    let ready = waits.admin("/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200 "), "{ready}");
    let container = json!({"name": "web", "image": "nginx:1", "memory": 128, "essential": true});
    for (operation, input) in [
        ("CreateCluster", json!({"clusterName": "blue"})),
        (
            "RegisterTaskDefinition",
            json!({
                "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
                "memory": "512", "containerDefinitions": [container]
            }),
        ),
        (
            "CreateService",
            json!({
                "cluster": "blue", "serviceName": "web", "taskDefinition": "web", "desiredCount": 2,
                "launchType": "FARGATE",
                "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"]}}
            }),
        ),
    ] {
        asked.ok(operation, &input).await.unwrap();
    }
    let mut other = leads.connect().await;
    steady(&mut other, 2).await;
    let listed = tasks(&mut other).await;
    assert_eq!(listed.len(), 2);
    assert_eq!(tasks(&mut asked).await, listed);
    for (replica, gauge) in [(leads, "\nkecs_leading 1\n"), (waits, "\nkecs_leading 0\n")] {
        let metrics = replica.admin("/metrics").await;
        assert!(metrics.contains(gauge), "{metrics}");
    }
    assert!(!waits.has_said("leading"));
    listed
}

/// The tasks that there were go on, and a new one runs.
async fn another_takes_over(next: &Replica, before: &[Value]) {
    next.says("leading").await;
    let mut asked = next.connect().await;
    let input = json!({"cluster": "blue", "service": "web", "desiredCount": 3});
    asked.ok("UpdateService", &input).await.unwrap();
    steady(&mut asked, 3).await;
    let listed = tasks(&mut asked).await;
    assert_eq!(listed.len(), 3);
    assert!(
        before.iter().all(|arn| listed.contains(arn)),
        "{listed:?} lack some of {before:?}"
    );
}

async fn who_waits_can_be_stopped(store_url: &str) {
    let mut waits = Replica::start(store_url);
    waits.says("waiting to lead").await;
    waits.signal(Signal::TERM);
    assert_eq!(waits.ends().await.code(), Some(0));
    assert!(waits.has_said("stopped"), "{}", waits.log());
    assert!(!waits.has_said("leading"));
}

/// The database takes the lead from a server that it hears nothing of, and that one ends as soon as it can.
async fn who_freezes_has_lost(store_url: &str, leads: &mut Replica) -> Replica {
    let next = Replica::start(store_url);
    next.says("waiting to lead").await;
    leads.signal(Signal::STOP);
    next.says("leading").await;
    leads.signal(Signal::CONT);
    assert_eq!(leads.ends().await.code(), Some(1));
    let log = leads.log();
    assert!(log.contains("\nerror: this server no longer leads\n"), "{log}");
    steady(&mut next.connect().await, 3).await;
    next
}

async fn leaving_in_order_lets_the_next_lead(store_url: &str, mut leads: Replica) {
    let next = Replica::start(store_url);
    next.says("waiting to lead").await;
    leads.signal(Signal::TERM);
    assert_eq!(leads.ends().await.code(), Some(0));
    next.says("leading").await;
    steady(&mut next.connect().await, 3).await;
}

/// Runs a command of the store: whether it succeeded, and what it printed.
fn run(verb: &str, store_url: &str, file: Option<&Path>) -> (bool, String) {
    let mut command = program();
    command.args(["store", verb, "--store", store_url]).args(file);
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// The commands of the store, while servers are at work upon it.
fn the_store_is_looked_after(store_url: &str) {
    let place = TempDir::new().unwrap();
    let (sound, said) = run("check", store_url, None);
    assert!(sound && said.starts_with("nothing is wrong: "), "{said}");
    let (one, two) = (place.path().join("one"), place.path().join("two"));
    let (exported, said) = run("export", store_url, Some(&one));
    assert!(exported, "{said}");

    let another = store("another");
    let absent = (
        false,
        "error: there is no store in the database another\n".to_owned(),
    );
    assert_eq!(run("check", &another, None), absent);
    let (imported, told) = run("import", &another, Some(&one));
    assert!(imported, "{told}");
    assert_eq!(told.replace("imported", "exported"), said);
    assert_eq!(run("export", &another, Some(&two)), (true, said));
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());

    let three = place.path().join("three");
    let refused = |why: &str| (false, format!("error: {why}\n"));
    assert_eq!(
        run("backup", store_url, Some(&three)),
        refused("`backup` copies the file of the store `sqlite`: use `export` or pg_dump for PostgreSQL")
    );
    assert_eq!(
        run("restore", store_url, Some(&one)),
        refused(
            "`restore` brings back the file of the store `sqlite`: use `import` or pg_restore for PostgreSQL"
        )
    );
    assert!(!three.exists());
}
