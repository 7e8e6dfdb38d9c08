//! Lists of ten thousand: each is whole and without repeats while others come and go, and its last page costs no more
//! than its first.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test the line of the panic is the best report"
)]

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use kecs_core::api;
use kecs_core::call::{Call, Ids};
use kecs_core::key::{Key, Scope};
use kecs_core::record;
use kecs_core::tx::Tx;
use kecs_core::view::{Page, View as _};
use kecs_model::{Operation, check};
use kecs_store::memory::Memory;
use kecs_store::sqlite::Sqlite;
use kecs_store::{Snapshot as _, Store};
use serde_json::{Value, json};

/// How many of a kind stay.
const STAY: usize = 10_000;
/// Operations in one commit while a world is filled.
const BATCH: usize = 100;
/// On a page.
const PAGE: usize = 100;

/// Records of one account and region.
struct World {
    store: Arc<dyn Store>,
    scope: Scope,
    turn: Cell<u64>,
}

/// A list, and who is on it.
struct List {
    operation: &'static str,
    input: Value,
    /// The member of the output that holds the list.
    result: &'static str,
    /// Makes the one with this number.
    come: fn(usize) -> (&'static str, Value),
    /// Takes away the one with this number, whose place in the list this is.
    go: fn(usize, &str) -> (&'static str, Value),
}

impl World {
    fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            scope: Scope::new("123456789012", "eu-west-1"),
            turn: Cell::new(1),
        }
    }

    /// A moment later, and ids of its own.
    fn next(&self) -> (Timestamp, Ids) {
        let turn = self.turn.get();
        self.turn.set(turn + 1);
        let now = Timestamp::from_millisecond(1_700_000_000_000 + i64::try_from(turn).unwrap()).unwrap();
        (now, Ids::new(turn))
    }

    /// Answers operations within one commit. Also says how many rows were read.
    async fn all(&self, operations: &[(&str, Value)]) -> (Vec<Value>, u64) {
        let (now, ids) = self.next();
        let view = self.store.view().unwrap();
        let call = Call {
            scope: &self.scope,
            now,
            principal: "arn:aws:iam::123456789012:root",
            endpoint: "http://127.0.0.1:5373",
            ids,
        };
        let mut tx = Tx::new(&*view, &self.scope, now);
        let mut outputs = Vec::new();
        for (name, input) in operations {
            let operation = Operation::from_name(name).unwrap();
            let answer = check(operation, input).and_then(|()| api::answer(operation, &mut tx, &call, input.clone()));
            outputs.push(answer.unwrap_or_else(|refusal| panic!("{name} {input}: {refusal}")).output);
        }
        let commit = tx.finish();
        let rows = view.rows_read();
        drop(view);
        self.store.commit(commit, now).await.unwrap();
        (outputs, rows)
    }

    async fn call(&self, operation: &str, input: Value) -> Value {
        self.all(&[(operation, input)]).await.0.remove(0)
    }

    /// Makes everyone who stays.
    async fn fill(&self, list: &List, each: usize) -> BTreeSet<String> {
        let numbers: Vec<usize> = (0..STAY / each).collect();
        for numbers in numbers.chunks(BATCH) {
            let operations: Vec<(&str, Value)> = numbers.iter().map(|number| (list.come)(*number)).collect();
            self.all(&operations).await;
        }
        let (listed, _) = self.pages(list, false).await;
        let stayers: BTreeSet<String> = listed.iter().cloned().collect();
        assert_eq!(listed.len(), STAY, "{}", list.operation);
        assert_eq!(stayers.len(), STAY, "{}", list.operation);
        stayers
    }

    /// Everybody on a list, page by page, and the rows that each page has read. Between the pages others may come and
    /// go: one who was shown, and one who was not there when the list began.
    async fn pages(&self, list: &List, others: bool) -> (Vec<String>, Vec<u64>) {
        let (mut listed, mut rows, mut token) = (Vec::new(), Vec::new(), Value::Null);
        let mut newcomers = 0;
        loop {
            let mut input = list.input.clone();
            if !token.is_null() {
                input["nextToken"] = token;
            }
            let (mut outputs, read) = self.all(&[(list.operation, input)]).await;
            let output = outputs.remove(0);
            listed.extend(output[list.result].as_array().unwrap().iter().map(name));
            rows.push(read);
            token = output["nextToken"].clone();
            if token.is_null() {
                return (listed, rows);
            }
            if others && rows.len() % 3 == 0 {
                // Numbers above those who stay: they come at places all over the list, or at its end.
                let (operation, input) = (list.come)(STAY + newcomers);
                self.call(operation, input).await;
                newcomers += 1;
                if rows.len() % 2 == 0
                    && let Some(shown) = listed.iter().find(|it| it.contains("other")).cloned()
                {
                    let (operation, input) = (list.go)(STAY, &shown);
                    self.call(operation, input).await;
                }
            }
        }
    }

    /// Everything that is held of a list.
    async fn hold(&self, list: &List, each: usize) {
        let stayers = self.fill(list, each).await;
        let (listed, rows) = self.pages(list, true).await;
        let mut times: BTreeMap<&String, usize> = BTreeMap::new();
        for one in &listed {
            *times.entry(one).or_default() += 1;
        }
        let repeated: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(repeated.is_empty(), "{}: {repeated:?}", list.operation);
        let missed = stayers.iter().filter(|one| !times.contains_key(one)).count();
        assert_eq!(missed, 0, "{}", list.operation);
        let (first, last) = (rows[0], rows[rows.len() - 1]);
        assert!(last * 2 <= first * 3, "{}: {last} rows after {first}", list.operation);
        assert!(rows.iter().all(|read| read * 2 <= first * 3), "{}: {rows:?}", list.operation);
        println!("{}: {} pages, {first} rows for the first and {last} for the last", list.operation, rows.len());
    }
}

fn name(item: &Value) -> String {
    match item {
        Value::String(text) => text.clone(),
        other => other["name"].as_str().map_or_else(|| other.to_string(), |name| format!("{name} {}", other["targetId"])),
    }
}

/// A name whose place is anywhere among the others of its kind.
fn named(number: usize) -> String {
    if number < STAY {
        format!("n{number:05}")
    } else {
        format!("n{:05}-other{number}", (number * 7919) % STAY)
    }
}

fn fargate(family: &str) -> Value {
    json!({
        "family": family, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "containerDefinitions": [{"name": "app", "image": "app:1"}],
    })
}

fn network() -> Value {
    json!({"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"]}})
}

fn instance() -> Value {
    json!({"totalResources": [
        {"name": "CPU", "type": "INTEGER", "integerValue": 2048},
        {"name": "MEMORY", "type": "INTEGER", "integerValue": 4096},
    ]})
}

fn last(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or_default().to_owned()
}

async fn memory() -> World {
    let world = World::new(Arc::new(Memory::new(1)));
    world.call("CreateCluster", json!({})).await;
    world.call("RegisterTaskDefinition", fargate("app")).await;
    world
}

const CLUSTERS: fn() -> List = || List {
    operation: "ListClusters",
    input: json!({"maxResults": PAGE}),
    result: "clusterArns",
    come: |number| ("CreateCluster", json!({"clusterName": named(number)})),
    go: |_, arn| ("DeleteCluster", json!({"cluster": last(arn)})),
};

#[tokio::test]
async fn clusters() {
    let world = World::new(Arc::new(Memory::new(1)));
    world.hold(&CLUSTERS(), 1).await;
}

#[tokio::test]
async fn clusters_in_a_file() {
    let place = tempfile::tempdir().unwrap();
    let world = World::new(Arc::new(Sqlite::open(&place.path().join("records.db")).unwrap()));
    world.hold(&CLUSTERS(), 1).await;
}

#[tokio::test]
async fn revisions_of_one_family() {
    let list = List {
        operation: "ListTaskDefinitions",
        input: json!({"familyPrefix": "web", "maxResults": PAGE}),
        result: "taskDefinitionArns",
        come: |_| ("RegisterTaskDefinition", fargate("web")),
        go: |_, arn| ("DeregisterTaskDefinition", json!({"taskDefinition": arn})),
    };
    World::new(Arc::new(Memory::new(1))).hold(&list, 1).await;
}

#[tokio::test]
async fn families() {
    let list = List {
        operation: "ListTaskDefinitionFamilies",
        input: json!({"familyPrefix": "n", "status": "ACTIVE", "maxResults": PAGE}),
        result: "families",
        come: |number| ("RegisterTaskDefinition", fargate(&named(number))),
        go: |_, family| ("DeregisterTaskDefinition", json!({"taskDefinition": format!("{family}:1")})),
    };
    memory().await.hold(&list, 1).await;
}

#[tokio::test]
async fn task_definitions_of_many_families() {
    let list = List {
        operation: "ListTaskDefinitions",
        input: json!({"sort": "DESC", "maxResults": PAGE}),
        result: "taskDefinitionArns",
        come: |number| ("RegisterTaskDefinition", fargate(&named(number))),
        go: |_, arn| ("DeregisterTaskDefinition", json!({"taskDefinition": arn})),
    };
    World::new(Arc::new(Memory::new(1))).hold(&list, 1).await;
}

#[tokio::test]
async fn services() {
    let list = List {
        operation: "ListServices",
        input: json!({"maxResults": PAGE}),
        result: "serviceArns",
        come: |number| {
            let input = json!({
                "serviceName": named(number), "taskDefinition": "app", "desiredCount": 0, "launchType": "FARGATE",
                "networkConfiguration": network(),
                "serviceConnectConfiguration": {"enabled": true, "namespace": "internal"},
            });
            ("CreateService", input)
        },
        go: |_, arn| ("DeleteService", json!({"service": arn, "force": true})),
    };
    let world = memory().await;
    world.hold(&list, 1).await;
    // The same services by their namespace.
    let by_namespace = List {
        operation: "ListServicesByNamespace",
        input: json!({"namespace": "internal", "maxResults": PAGE}),
        ..list
    };
    let (listed, rows) = world.pages(&by_namespace, false).await;
    let shown: BTreeSet<&String> = listed.iter().collect();
    assert_eq!(shown.len(), listed.len());
    assert!(listed.len() >= STAY, "{}", listed.len());
    assert!(rows[rows.len() - 1] * 2 <= rows[0] * 3, "{rows:?}");
}

#[tokio::test]
async fn tasks() {
    let list = List {
        operation: "ListTasks",
        input: json!({"maxResults": PAGE}),
        result: "taskArns",
        come: |number| {
            // One other at a time; those who stay come ten at once.
            let count = if number < STAY { 10 } else { 1 };
            let input = json!({
                "taskDefinition": "app", "launchType": "FARGATE", "count": count, "networkConfiguration": network(),
            });
            ("RunTask", input)
        },
        go: |_, arn| ("StopTask", json!({"task": arn})),
    };
    memory().await.hold(&list, 10).await;
}

#[tokio::test]
async fn container_instances() {
    let list = List {
        operation: "ListContainerInstances",
        input: json!({"maxResults": PAGE}),
        result: "containerInstanceArns",
        come: |_| ("RegisterContainerInstance", instance()),
        go: |_, arn| ("DeregisterContainerInstance", json!({"containerInstance": arn, "force": true})),
    };
    memory().await.hold(&list, 1).await;
}

#[tokio::test]
async fn capacity_providers() {
    let list = List {
        operation: "DescribeCapacityProviders",
        input: json!({"maxResults": 10}),
        result: "capacityProviders",
        come: |number| {
            let group = "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:\
                         00000000-0000-4000-8000-000000000000:autoScalingGroupName";
            let group = format!("{group}/{}", named(number));
            let input = json!({"name": named(number), "autoScalingGroupProvider": {"autoScalingGroupArn": group}});
            ("CreateCapacityProvider", input)
        },
        go: |_, name| ("DeleteCapacityProvider", json!({"capacityProvider": name.split(' ').next()})),
    };
    memory().await.hold(&list, 1).await;
}
