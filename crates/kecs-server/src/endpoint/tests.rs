use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use clock::Clock;
use http::StatusCode;
use jiff::Timestamp;
use kecs_core::api::{Answer, Effect};
use kecs_core::call::Call;
use kecs_core::key::Key;
use kecs_core::plane::{DataPlane, Execute, Order, PlaneFault, Reports};
use kecs_core::tx::{Commit, Expect, Tx};
use kecs_model::types;
use kecs_store::check::Finding;
use kecs_store::memory::Memory;
use kecs_store::transfer::Transferred;
use kecs_store::{
    CommitError, Committed, Feed, Head, Lead, Pruned, Retention, Snapshot, Stats, Store, StoreError,
};
use serde_json::json;
use tokio::sync::watch;

use super::*;
use crate::measured::Measured;
use crate::meter::Meter;
use crate::traced::Origins;

/// A store that says no to so many commits before it takes one.
struct Reluctant {
    store: Memory,
    refusals: AtomicU32,
    refusal: fn() -> CommitError,
}

#[async_trait]
impl Store for Reluctant {
    fn engine(&self) -> &'static str {
        self.store.engine()
    }

    fn view(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        self.store.view()
    }

    async fn commit(&self, commit: Commit, now: Timestamp) -> Result<Committed, CommitError> {
        let left = self
            .refusals
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match left {
            Ok(_) => Err((self.refusal)()),
            Err(_) => self.store.commit(commit, now).await,
        }
    }

    async fn lead(&self) -> Result<Lead, StoreError> {
        self.store.lead().await
    }

    fn subscribe(&self) -> watch::Receiver<Head> {
        self.store.subscribe()
    }

    fn feed(&self, feed: Arc<dyn Feed>) -> Result<u64, StoreError> {
        self.store.feed(feed)
    }

    async fn prune(&self, retention: Retention) -> Result<Pruned, StoreError> {
        self.store.prune(retention).await
    }

    async fn import(&self, lines: Box<dyn std::io::BufRead + Send>) -> Result<Transferred, StoreError> {
        self.store.import(lines).await
    }

    fn identity(&self) -> u64 {
        self.store.identity()
    }

    async fn backup(&self, path: &std::path::Path) -> Result<(), StoreError> {
        self.store.backup(path).await
    }

    fn integrity(&self) -> Result<Vec<Finding>, StoreError> {
        self.store.integrity()
    }

    fn stats(&self) -> Result<Stats, StoreError> {
        self.store.stats()
    }
}

fn conflict() -> CommitError {
    CommitError::Conflict(Expect::Generation(Key::from_text("k"), 1))
}

fn broken() -> CommitError {
    CommitError::Failed(StoreError::Closed)
}

/// A data plane that opens a session in one task only.
struct Plane;

#[async_trait]
impl DataPlane for Plane {
    async fn attach(&self, _reports: Arc<dyn Reports>, _live: Vec<Order>) {}

    async fn run(&self, _order: Order) -> Result<(), PlaneFault> {
        Ok(())
    }

    async fn stop(&self, _task_arn: &str) -> Result<(), PlaneFault> {
        Ok(())
    }

    async fn execute(&self, request: Execute) -> Result<types::Session, PlaneFault> {
        match request.command.as_str() {
            "sh" => Ok(types::Session {
                session_id: Some("one".to_owned()),
                ..types::Session::default()
            }),
            "away" => Err(PlaneFault::Unreachable("away".to_owned())),
            "none" => Err(PlaneFault::Unsupported("none".to_owned())),
            "full" => Err(PlaneFault::NoRoom("full".to_owned())),
            other => Err(PlaneFault::NotRunning(other.to_owned())),
        }
    }
}

fn endpoint(store: Arc<dyn Store>, operations: Option<crate::api::Operations>) -> Arc<Endpoint> {
    let clock = Clock::new(|| "2026-01-02T03:04:05Z".parse().unwrap());
    let api = Api::new(store, Arc::new(Plane), clock.clone(), "http://x".to_owned());
    Arc::new(Endpoint {
        api: match operations {
            Some(operations) => api.with_operations(operations),
            None => api,
        },
        access: Access::Open,
        home: Home {
            account: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
        },
        fallback: None,
        max_body: 1 << 20,
        audit: None,
        metrics: Metrics::new(),
        clock,
        ids: RequestIds::seeded(1),
    })
}

async fn ask(endpoint: &Arc<Endpoint>, operation: &str, input: Value) -> (StatusCode, Value) {
    let request = http::Request::post("/")
        .header(wire::TARGET, format!("{}.{operation}", wire::TARGET_PREFIX))
        .body(Body::from(input.to_string()))
        .unwrap();
    let answer = Arc::clone(endpoint).answer(request).await;
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

fn reluctant(refusals: u32, refusal: fn() -> CommitError) -> Arc<dyn Store> {
    Arc::new(Reluctant {
        store: Memory::new(1),
        refusals: AtomicU32::new(refusals),
        refusal,
    })
}

#[tokio::test]
async fn a_request_that_ends_in_a_panic_is_answered() {
    fn panics(_: Operation, _: &mut Tx<'_>, _: &Call<'_>, _: &Value) -> Result<Answer, Refusal> {
        panic!("planted")
    }
    let endpoint = endpoint(Arc::new(Memory::new(1)), Some(panics));
    let (status, body) = ask(&endpoint, "ListClusters", json!({})).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    let message = "The request processing has failed because of an internal error.";
    assert_eq!(body, json!({"__type": "InternalFailure", "message": message}));
}

#[tokio::test]
async fn who_was_slower_decides_again_with_the_same_ids() {
    let mut ids = Vec::new();
    for refusals in [0, 1, 63] {
        let endpoint = endpoint(reluctant(refusals, conflict), None);
        let input =
            json!({"family": "f", "containerDefinitions": [{"name": "a", "image": "b", "memory": 8}]});
        let (status, _) = ask(&endpoint, "RegisterTaskDefinition", input).await;
        assert_eq!(status, StatusCode::OK);
        let run = json!({"taskDefinition": "f", "launchType": "EC2"});
        ids.push(ask(&endpoint, "RunTask", run).await.1);
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[0], ids[2]);
}

#[tokio::test]
async fn who_is_always_slower_is_told_to_come_again() {
    let endpoint = endpoint(reluctant(64, conflict), None);
    let (status, body) = ask(&endpoint, "CreateCluster", json!({})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let message = "Rate exceeded: too many requests change the same resource at once.";
    assert_eq!(body, json!({"__type": "ThrottlingException", "message": message}));
}

#[tokio::test]
async fn a_store_that_fails_is_the_fault_of_the_server() {
    let endpoint = endpoint(reluctant(1, broken), None);
    let (status, body) = ask(&endpoint, "CreateCluster", json!({})).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    let message = "The server could not keep what was asked for.";
    assert_eq!(body, json!({"__type": "ServerException", "message": message}));
    assert_eq!(ask(&endpoint, "CreateCluster", json!({})).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_session_comes_from_the_data_plane() {
    #[allow(clippy::unnecessary_wraps, reason = "the signature is that of the operations")]
    fn executes(_: Operation, _: &mut Tx<'_>, _: &Call<'_>, input: &Value) -> Result<Answer, Refusal> {
        let command = input["command"].as_str().unwrap_or_default().to_owned();
        Ok(Answer {
            output: Output::of(&json!({"taskArn": "t"}))?,
            effect: Some(Effect::Execute(Execute {
                task_arn: "t".to_owned(),
                container: "c".to_owned(),
                command,
            })),
        })
    }
    let endpoint = endpoint(Arc::new(Memory::new(1)), Some(executes));
    let run = async |command: &str| {
        ask(
            &endpoint,
            "ExecuteCommand",
            json!({"command": command, "interactive": true, "task": "t"}),
        )
        .await
    };
    assert_eq!(
        run("sh").await,
        (
            StatusCode::OK,
            json!({"taskArn": "t", "session": {"sessionId": "one"}})
        )
    );
    for (command, status, code) in [
        ("gone", 400, "TargetNotConnectedException"),
        ("none", 400, "UnsupportedFeatureException"),
        ("full", 400, "ClientException"),
        ("away", 500, "ServerException"),
    ] {
        let (answered, body) = run(command).await;
        assert_eq!(
            (answered.as_u16(), body["__type"].as_str()),
            (status, Some(code)),
            "{command}"
        );
    }
}

/// The text of the metrics in an order that does not change from run to run: within each metric by its labels.
fn stable(text: &str) -> String {
    let mut blocks: Vec<Vec<&str>> = Vec::new();
    for line in text.lines() {
        if line.starts_with("# HELP") || line == "# EOF" {
            blocks.push(Vec::new());
        }
        blocks.last_mut().unwrap().push(line);
    }
    for block in &mut blocks {
        // Buckets of one series stay in their order.
        block.sort_by_key(|line| {
            let series = line.rsplit_once(' ').map_or(*line, |(series, _)| series);
            let le = series
                .split_once("le=\"")
                .and_then(|(before, rest)| Some((before, rest.split_once("\",")?.1)));
            let (before, after) = le.unwrap_or((series, ""));
            (!line.starts_with('#')).then(|| format!("{before}{after}"))
        });
    }
    blocks.concat().join("\n") + "\n"
}

#[tokio::test(start_paused = true)]
async fn metrics_after_a_fixed_scenario() {
    let metrics = Metrics::new();
    let refusing = reluctant(1, conflict);
    let store: Arc<dyn Store> = Arc::new(Measured::new(refusing, metrics.clone(), Origins::default()));
    Meter::start(&*store, metrics.clone()).unwrap();
    let plain = endpoint(Arc::clone(&store), None);
    let plain = Arc::try_unwrap(plain).unwrap();
    let endpoint = Arc::new(Endpoint {
        metrics: metrics.clone(),
        ..plain
    });
    ask(&endpoint, "CreateCluster", json!({"clusterName": "blue"})).await;
    let definition = json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "containerDefinitions": [{"name": "a", "image": "b"}],
    });
    ask(&endpoint, "RegisterTaskDefinition", definition).await;
    let service = json!({
        "cluster": "blue", "serviceName": "s", "taskDefinition": "web", "desiredCount": 1, "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
    });
    assert_eq!(ask(&endpoint, "CreateService", service).await.0, StatusCode::OK);
    ask(
        &endpoint,
        "DescribeTasks",
        json!({"cluster": "none", "tasks": ["x"]}),
    )
    .await;
    ask(&endpoint, "Nothing", json!({})).await;
    metrics.transition("PENDING", "RUNNING");
    metrics.cache(3, 1);
    metrics.cache(5, 1);
    metrics.subscribed();
    metrics.lagged(1500);
    metrics.audit_lost(2);
    metrics.backup(Some(1_767_323_045));
    metrics.backup(None);
    insta::assert_snapshot!(stable(&metrics.render()));
}
