//! One of the clients: what it asks, and what it keeps of the answers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, ensure};
use capt_core::retry::splitmix64;
use clients::wire::Connection;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::register::What;
use crate::seen::{Revision, Seen};

/// How many clusters there are; a tag of each is a register.
pub(crate) const CLUSTERS: u64 = 16;
/// The family that all of them register.
pub(crate) const FAMILY: &str = "shared";
/// How many of the newest tokens are used again.
const RECENT: u64 = 16;

/// What the clients share: a clock, the next value and token, and tasks that were acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    clock: AtomicU64,
    values: AtomicU64,
    tokens: AtomicU64,
    tasks: Mutex<Vec<(u64, String)>>,
}

impl Shared {
    /// A moment: later than all that were asked for before.
    pub(crate) fn moment(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// The name of a cluster.
pub(crate) fn cluster(number: u64) -> String {
    format!("cluster-{number:02}")
}

fn arn(number: u64) -> String {
    format!(
        "arn:aws:ecs:{}:000000000000:cluster/{}",
        crate::REGION,
        cluster(number)
    )
}

/// A task definition of this family.
pub(crate) fn definition(family: &str) -> Value {
    json!({
        "family": family, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "containerDefinitions": [{"name": "app", "image": "app:1"}],
    })
}

/// What is asked for with a token: always the same.
pub(crate) fn run_task(token: u64) -> Value {
    json!({
        "cluster": cluster(token % CLUSTERS), "taskDefinition": "app:1", "launchType": "FARGATE",
        "count": 1 + token % 3, "clientToken": format!("token-{token}"),
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"]}},
    })
}

/// The ARNs of tasks, sorted.
pub(crate) fn arns(output: &Value) -> Vec<String> {
    let tasks = output["tasks"].as_array().into_iter().flatten();
    let mut arns: Vec<String> = tasks
        .filter_map(|it| it["taskArn"].as_str().map(str::to_owned))
        .collect();
    arns.sort();
    arns
}

/// Asks one thing after the other until `end`, or until the server is gone.
pub(crate) async fn work(address: &str, region: &str, number: u64, shared: &Shared, end: Instant) -> Seen {
    let mut seen = Seen::default();
    let Ok(mut connection) = Connection::open(address, region).await else {
        seen.broken_off += 1;
        return seen;
    };
    let mut state = splitmix64(number);
    while Instant::now() < end {
        state = splitmix64(state);
        let (what, which) = (state % 100, splitmix64(state ^ 1));
        let asked = match what {
            0..40 => read_register(&mut connection, shared, which % CLUSTERS, &mut seen).await,
            40..60 => write_register(&mut connection, shared, which % CLUSTERS, &mut seen).await,
            60..70 => register(&mut connection, shared, &mut seen).await,
            70..85 => run(&mut connection, shared, which, &mut seen).await,
            85..92 => stop(&mut connection, shared, which, &mut seen).await,
            _ => look(&mut connection, shared, which, &mut seen).await,
        };
        seen.requests += 1;
        if asked.is_err() {
            seen.broken_off += 1;
            break;
        }
    }
    seen
}

/// Sends a request. An answer other than 200 is kept as refused, and is null here; an error is a server that is gone.
async fn ask(connection: &mut Connection, operation: &str, input: &Value, seen: &mut Seen) -> Result<Value> {
    let reply = connection.call(operation, input).await?;
    if reply.status == StatusCode::OK {
        return Ok(reply.json());
    }
    seen.refused.push(format!(
        "{operation} {input}: {}",
        String::from_utf8_lossy(&reply.body)
    ));
    Ok(Value::Null)
}

/// Reads a register, in one of two ways.
pub(crate) async fn read_register(
    connection: &mut Connection,
    shared: &Shared,
    number: u64,
    seen: &mut Seen,
) -> Result<()> {
    let begun = shared.moment();
    let tags = if begun.is_multiple_of(3) {
        let input = json!({"clusters": [cluster(number)], "include": ["TAGS"]});
        let output = ask(connection, "DescribeClusters", &input, seen).await?;
        output["clusters"][0]["tags"].clone()
    } else {
        let input = json!({"resourceArn": arn(number)});
        ask(connection, "ListTagsForResource", &input, seen).await?["tags"].clone()
    };
    let value = tags[0]["value"].as_str().unwrap_or("0").parse()?;
    seen.step(number, begun, shared.moment(), What::Read(value));
    Ok(())
}

async fn write_register(
    connection: &mut Connection,
    shared: &Shared,
    number: u64,
    seen: &mut Seen,
) -> Result<()> {
    let value = shared.values.fetch_add(1, Ordering::SeqCst) + 1;
    let input = json!({"resourceArn": arn(number), "tags": [{"key": "value", "value": value.to_string()}]});
    let begun = shared.moment();
    let answer = ask(connection, "TagResource", &input, seen).await;
    let ended = if answer.is_ok() { shared.moment() } else { u64::MAX };
    seen.step(number, begun, ended, What::Write(value));
    answer.map(drop)
}

async fn register(connection: &mut Connection, shared: &Shared, seen: &mut Seen) -> Result<()> {
    let begun = shared.moment();
    let answer = ask(connection, "RegisterTaskDefinition", &definition(FAMILY), seen).await;
    match answer {
        Ok(output) => {
            let revision = output["taskDefinition"]["revision"].as_i64().unwrap_or_default();
            seen.revisions.push(Revision {
                begun,
                ended: shared.moment(),
                number: revision,
            });
            Ok(())
        }
        Err(error) => {
            seen.revisions_unknown += 1;
            Err(error)
        }
    }
}

async fn run(connection: &mut Connection, shared: &Shared, which: u64, seen: &mut Seen) -> Result<()> {
    let newest = shared.tokens.load(Ordering::SeqCst);
    let token = if which.is_multiple_of(2) || newest == 0 {
        shared.tokens.fetch_add(1, Ordering::SeqCst)
    } else {
        newest.saturating_sub(1 + which % RECENT)
    };
    let output = ask(connection, "RunTask", &run_task(token), seen).await?;
    if output.is_null() {
        return Ok(());
    }
    let arns = arns(&output);
    ensure!(output["failures"] == json!([]), "{output}");
    shared
        .tasks
        .lock()
        .unwrap()
        .extend(arns.iter().map(|arn| (token % CLUSTERS, arn.clone())));
    seen.started(token, arns);
    Ok(())
}

fn known(shared: &Shared, which: u64) -> Option<(u64, String)> {
    let tasks = shared.tasks.lock().unwrap();
    let at = which.checked_rem(tasks.len() as u64)?;
    tasks.get(usize::try_from(at).ok()?).cloned()
}

async fn stop(connection: &mut Connection, shared: &Shared, which: u64, seen: &mut Seen) -> Result<()> {
    let Some((number, arn)) = known(shared, which) else {
        return Ok(());
    };
    let input = json!({"cluster": cluster(number), "task": arn});
    let answer = ask(connection, "StopTask", &input, seen).await;
    if answer.is_ok() {
        seen.stopped.insert(arn);
    }
    answer.map(drop)
}

/// Whoever was told of a task finds it.
async fn look(connection: &mut Connection, shared: &Shared, which: u64, seen: &mut Seen) -> Result<()> {
    let Some((number, arn)) = known(shared, which) else {
        return Ok(());
    };
    let input = json!({"cluster": cluster(number), "tasks": [arn]});
    let output = ask(connection, "DescribeTasks", &input, seen).await?;
    if output["tasks"][0]["taskArn"] != json!(arn) {
        seen.refused.push(format!("{arn} is not there: {output}"));
    }
    Ok(())
}
