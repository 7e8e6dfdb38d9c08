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
use kecs_core::view::Page;
use kecs_model::{Operation, check};
use kecs_store::Store;
use kecs_store::memory::Memory;
use kecs_store::sqlite::Sqlite;
use serde_json::{Value, json};

/// How many of a kind stay.
const STAY: usize = 10_000;
/// Operations in one commit while a world is filled.
const BATCH: usize = 100;
/// How many others are there when a list begins.
const OTHERS: usize = 40;
/// What is on a list although nobody has made it.
const FIXED: [&str; 2] = ["FARGATE", "FARGATE_SPOT"];
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
    come: Box<dyn Fn(usize) -> Act>,
    /// Takes away the one that is listed so.
    go: Box<dyn Fn(&str) -> Act>,
}

/// What makes somebody come or go.
enum Act {
    /// An operation.
    Call(&'static str, Value),
    /// A record is kept: what many operations after another would have made.
    Put(Key, Box<record::ServiceDeployment>),
    /// Nothing is kept under a key.
    Delete(Key),
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

    /// Does all of it within one commit. Also says what was answered and how many rows were read.
    async fn all(&self, acts: Vec<Act>) -> (Vec<Value>, u64) {
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
        for act in acts {
            let (name, input) = match act {
                Act::Call(name, input) => (name, input),
                Act::Put(key, record) => {
                    tx.put(key, *record);
                    continue;
                }
                Act::Delete(key) => {
                    tx.delete(key);
                    continue;
                }
            };
            let operation = Operation::from_name(name).unwrap();
            let answer =
                check(operation, &input).and_then(|()| api::answer(operation, &mut tx, &call, &input));
            outputs.push(
                answer
                    .unwrap_or_else(|refusal| panic!("{name}: {refusal}"))
                    .output
                    .value(),
            );
        }
        let commit = tx.finish();
        let rows = view.rows_read();
        drop(view);
        self.store.commit(commit, now).await.unwrap();
        (outputs, rows)
    }

    async fn call(&self, operation: &'static str, input: Value) -> Value {
        self.all(vec![Act::Call(operation, input)]).await.0.remove(0)
    }

    /// Makes everyone who stays, and answers with them.
    async fn fill(&self, list: &List, each: usize) -> BTreeSet<String> {
        let numbers: Vec<usize> = (0..STAY / each).collect();
        for numbers in numbers.chunks(BATCH) {
            self.all(numbers.iter().map(|number| (list.come)(*number)).collect())
                .await;
        }
        let (listed, _) = self.pages(list, &mut Vec::new(), 0).await;
        let stayers: BTreeSet<String> = listed
            .iter()
            .filter(|it| !FIXED.contains(&it.trim()))
            .cloned()
            .collect();
        assert_eq!(stayers.len(), STAY, "{}", list.operation);
        assert!(listed.len() <= STAY + FIXED.len(), "{}", list.operation);
        stayers
    }

    /// Everybody on a list, page by page, and the rows that each page has read. After every third page one of
    /// `others` goes and one more comes, `newcomers` of them at most.
    async fn pages(
        &self,
        list: &List,
        others: &mut Vec<String>,
        newcomers: usize,
    ) -> (Vec<String>, Vec<u64>) {
        let (mut listed, mut rows, mut token) = (Vec::new(), Vec::new(), Value::Null);
        let mut come = 0;
        loop {
            let mut input = list.input.clone();
            if !token.is_null() {
                input["nextToken"] = token;
            }
            let (mut outputs, read) = self.all(vec![Act::Call(list.operation, input)]).await;
            let output = outputs.remove(0);
            listed.extend(output[list.result].as_array().unwrap().iter().map(name));
            rows.push(read);
            token = output["nextToken"].clone();
            if token.is_null() {
                return (listed, rows);
            }
            if rows.len() % 3 == 0 && come < newcomers {
                self.all(vec![(list.come)(STAY + OTHERS + come)]).await;
                come += 1;
                if let Some(other) = others.pop() {
                    self.all(vec![(list.go)(&other)]).await;
                }
            }
        }
    }

    /// Everything that is held of a list.
    async fn hold(&self, list: &List, each: usize) {
        let stayers = self.fill(list, each).await;
        for number in 0..OTHERS {
            self.all(vec![(list.come)(STAY + number)]).await;
        }
        let (listed, _) = self.pages(list, &mut Vec::new(), 0).await;
        let mut others: Vec<String> = listed.into_iter().filter(|it| !stayers.contains(it)).collect();
        others.retain(|it| !FIXED.contains(&it.trim()));
        assert_eq!(others.len(), OTHERS, "{}", list.operation);
        // Some before where the list is, and some behind.
        others.rotate_left(OTHERS / 2);
        let (listed, rows) = self.pages(list, &mut others, OTHERS).await;
        assert!(
            others.len() <= OTHERS - 30,
            "{}: {} are left",
            list.operation,
            others.len()
        );
        let mut times: BTreeMap<&String, usize> = BTreeMap::new();
        for one in &listed {
            *times.entry(one).or_default() += 1;
        }
        let repeated: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        assert!(repeated.is_empty(), "{}: {repeated:?}", list.operation);
        let missed = stayers.iter().filter(|one| !times.contains_key(one)).count();
        assert_eq!(missed, 0, "{}", list.operation);
        let first = rows[0];
        assert!(
            rows.iter().all(|read| read * 2 <= first * 3),
            "{}: {rows:?}",
            list.operation
        );
    }
}

fn name(item: &Value) -> String {
    match item {
        Value::String(text) => text.clone(),
        other => match (other["name"].as_str(), other["serviceDeploymentArn"].as_str()) {
            (Some(name), _) => format!("{name} {}", other["targetId"].as_str().unwrap_or_default()),
            (None, arn) => arn.unwrap_or_default().to_owned(),
        },
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

fn list_of_clusters() -> List {
    List {
        operation: "ListClusters",
        input: json!({"maxResults": PAGE}),
        result: "clusterArns",
        come: Box::new(|number| Act::Call("CreateCluster", json!({"clusterName": named(number)}))),
        go: Box::new(|arn| Act::Call("DeleteCluster", json!({"cluster": last(arn)}))),
    }
}

#[tokio::test]
async fn clusters() {
    let world = World::new(Arc::new(Memory::new(1)));
    world.hold(&list_of_clusters(), 1).await;
}

#[tokio::test]
async fn clusters_in_a_file() {
    let place = tempfile::tempdir().unwrap();
    let world = World::new(Arc::new(Sqlite::open(place.path().join("records.db")).unwrap()));
    world.hold(&list_of_clusters(), 1).await;
}

#[tokio::test]
async fn revisions_of_one_family() {
    let list = List {
        operation: "ListTaskDefinitions",
        input: json!({"familyPrefix": "web", "maxResults": PAGE}),
        result: "taskDefinitionArns",
        come: Box::new(|_| Act::Call("RegisterTaskDefinition", fargate("web"))),
        go: Box::new(|arn| Act::Call("DeregisterTaskDefinition", json!({"taskDefinition": arn}))),
    };
    World::new(Arc::new(Memory::new(1))).hold(&list, 1).await;
}

#[tokio::test]
async fn families() {
    let list = List {
        operation: "ListTaskDefinitionFamilies",
        input: json!({"familyPrefix": "n", "status": "ACTIVE", "maxResults": PAGE}),
        result: "families",
        come: Box::new(|number| Act::Call("RegisterTaskDefinition", fargate(&named(number)))),
        go: Box::new(|family| {
            Act::Call(
                "DeregisterTaskDefinition",
                json!({"taskDefinition": format!("{family}:1")}),
            )
        }),
    };
    memory().await.hold(&list, 1).await;
}

#[tokio::test]
async fn task_definitions_of_many_families() {
    let list = List {
        operation: "ListTaskDefinitions",
        input: json!({"sort": "DESC", "maxResults": PAGE}),
        result: "taskDefinitionArns",
        come: Box::new(|number| Act::Call("RegisterTaskDefinition", fargate(&named(number)))),
        go: Box::new(|arn| Act::Call("DeregisterTaskDefinition", json!({"taskDefinition": arn}))),
    };
    World::new(Arc::new(Memory::new(1))).hold(&list, 1).await;
}

#[tokio::test]
async fn services() {
    let list = List {
        operation: "ListServices",
        input: json!({"maxResults": PAGE}),
        result: "serviceArns",
        come: Box::new(|number| {
            let input = json!({
                "serviceName": named(number), "taskDefinition": "app", "desiredCount": 0, "launchType": "FARGATE",
                "networkConfiguration": network(),
                "serviceConnectConfiguration": {"enabled": true, "namespace": "internal"},
            });
            Act::Call("CreateService", input)
        }),
        go: Box::new(|arn| Act::Call("DeleteService", json!({"service": arn, "force": true}))),
    };
    let world = memory().await;
    world.hold(&list, 1).await;
    // The same services by their namespace.
    let by_namespace = List {
        operation: "ListServicesByNamespace",
        input: json!({"namespace": "internal", "maxResults": PAGE}),
        ..list
    };
    let (listed, rows) = world.pages(&by_namespace, &mut Vec::new(), 0).await;
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
        come: Box::new(|number| {
            // One other at a time; those who stay come ten at once.
            let count = if number < STAY { 10 } else { 1 };
            let input = json!({
                "taskDefinition": "app", "launchType": "FARGATE", "count": count, "networkConfiguration": network(),
            });
            Act::Call("RunTask", input)
        }),
        go: Box::new(|arn| Act::Call("StopTask", json!({"task": arn}))),
    };
    memory().await.hold(&list, 10).await;
}

#[tokio::test]
async fn container_instances() {
    let list = List {
        operation: "ListContainerInstances",
        input: json!({"maxResults": PAGE}),
        result: "containerInstanceArns",
        come: Box::new(|_| Act::Call("RegisterContainerInstance", instance())),
        go: Box::new(|arn| {
            Act::Call(
                "DeregisterContainerInstance",
                json!({"containerInstance": arn, "force": true}),
            )
        }),
    };
    memory().await.hold(&list, 1).await;
}

#[tokio::test]
async fn capacity_providers() {
    let list = List {
        operation: "DescribeCapacityProviders",
        input: json!({"maxResults": 10}),
        result: "capacityProviders",
        come: Box::new(|number| {
            let group = "arn:aws:autoscaling:eu-west-1:123456789012:autoScalingGroup:\
                         00000000-0000-4000-8000-000000000000:autoScalingGroupName";
            let group = format!("{group}/{}", named(number));
            let input =
                json!({"name": named(number), "autoScalingGroupProvider": {"autoScalingGroupArn": group}});
            Act::Call("CreateCapacityProvider", input)
        }),
        go: Box::new(|name| {
            Act::Call(
                "DeleteCapacityProvider",
                json!({"capacityProvider": name.split(' ').next()}),
            )
        }),
    };
    memory().await.hold(&list, 1).await;
}

#[tokio::test]
async fn attributes() {
    let world = memory().await;
    // Ten of them are on an instance; a hundred instances have none at first.
    let each = 10;
    let mut instances = Vec::new();
    for _ in 0..STAY / each + 100 {
        let registered = world.call("RegisterContainerInstance", instance()).await;
        let arn = registered["containerInstance"]["containerInstanceArn"].as_str();
        instances.push(arn.unwrap().to_owned());
    }
    let list = List {
        operation: "ListAttributes",
        input: json!({"targetType": "container-instance", "maxResults": PAGE}),
        result: "attributes",
        come: Box::new(move |number| {
            let (at, names) = if number < STAY {
                (number, (0..each).map(|it| format!("n{it}")).collect())
            } else {
                (STAY / each + number - STAY, vec![format!("other{number}")])
            };
            let target = &instances[at];
            let attributes: Vec<Value> = names
                .iter()
                .map(|name: &String| json!({"name": name, "value": "v", "targetId": target}))
                .collect();
            Act::Call("PutAttributes", json!({"attributes": attributes}))
        }),
        go: Box::new(|listed| {
            let (name, target) = listed.split_once(' ').unwrap();
            Act::Call(
                "DeleteAttributes",
                json!({"attributes": [{"name": name, "targetId": target}]}),
            )
        }),
    };
    world.hold(&list, each).await;
}

#[tokio::test]
async fn deployments_of_one_service() {
    let world = memory().await;
    let service = json!({
        "serviceName": "web", "taskDefinition": "app", "desiredCount": 0, "launchType": "FARGATE",
        "networkConfiguration": network(),
    });
    world.call("CreateService", service).await;
    let term = world
        .scope
        .term_in("service-deployments", "default")
        .and("service", "web");
    let first = world
        .store
        .view()
        .unwrap()
        .list(&term, Page::ALL)
        .unwrap()
        .remove(0);
    let record::Record::ServiceDeployment(first_record) = &*first.record else {
        panic!("{first:?}");
    };
    let first_record = record::ServiceDeployment::clone(first_record);
    world.all(vec![Act::Delete(first.key)]).await;
    let scope = world.scope.clone();
    let key = move |id: &str| scope.service_deployment("default", "web", id);
    let key_of_the_gone = key.clone();
    let list = List {
        operation: "ListServiceDeployments",
        input: json!({"service": "web", "maxResults": PAGE}),
        result: "serviceDeployments",
        come: Box::new(move |number| {
            let id = named(number);
            let mut record = first_record.clone();
            let arn = format!("arn:aws:ecs:eu-west-1:123456789012:service-deployment/default/web/{id}");
            record.deployment.service_deployment_arn = Some(arn);
            Act::Put(key(&id), Box::new(record))
        }),
        go: Box::new(move |arn| Act::Delete(key_of_the_gone(&last(arn)))),
    };
    world.hold(&list, 1).await;
}
