//! A whole server without a wire, in virtual time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clock::Clock;
use jiff::Timestamp;
use kecs_controller::{Controller, Settings, commit};
use kecs_core::api;
use kecs_core::call::{Call, Ids};
use kecs_core::event::EventType;
use kecs_core::key::Scope;
use kecs_model::{Operation, Refusal};
use kecs_sim::{Durations, SimulatedPlane};
use kecs_store::Store;
use kecs_store::memory::Memory;
use serde_json::{Value, json};

/// The store, and what works on it.
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    scope: Scope,
    clock: Clock,
    controller: Option<Controller>,
    seed: AtomicU64,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::upon(Arc::new(Memory::new(7))).await
    }

    pub(crate) async fn upon(store: Arc<dyn Store>) -> Self {
        let mut world = Self {
            store,
            scope: Scope::new("123456789012", "eu-west-1"),
            clock: Clock::virtual_since(Timestamp::from_second(1_700_000_000).unwrap()),
            controller: None,
            seed: AtomicU64::new(1_000),
        };
        world.start().await;
        world
    }

    /// A controller and a data plane that know nothing but what is stored.
    pub(crate) async fn start(&mut self) {
        let plane = Arc::new(SimulatedPlane::new(
            Durations::default(),
            None,
            self.clock.clone(),
        ));
        let seed = self.seed.fetch_add(1, Ordering::Relaxed);
        let settings = Settings {
            seed,
            ..Settings::default()
        };
        let started = Controller::start(self.store.clone(), plane, self.clock.clone(), settings).await;
        self.controller = Some(started.unwrap());
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(controller) = self.controller.take() {
            controller.shutdown().await;
        }
    }

    pub(crate) async fn refused(&self, operation: &str, input: Value) -> Result<Value, Refusal> {
        let operation = Operation::from_name(operation).unwrap();
        kecs_model::check(operation, &input)?;
        let seed = self
            .seed
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let now = self.clock.now();
        let answer = commit(&*self.store, &self.scope, now, |tx| {
            let call = Call {
                scope: &self.scope,
                now,
                principal: "arn:aws:iam::123456789012:root",
                endpoint: "http://127.0.0.1:5373",
                ids: Ids::new(seed),
            };
            api::answer(operation, tx, &call, &input)
        });
        Ok(answer.await?.output.value())
    }

    pub(crate) async fn call(&self, operation: &str, input: Value) -> Value {
        match self.refused(operation, input).await {
            Ok(output) => output,
            Err(refusal) => panic!("{operation}: {refusal:?}"),
        }
    }

    /// Lets so many seconds pass.
    pub(crate) async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    /// A cluster `blue` and two revisions of `web`: one that runs, one whose image is nowhere.
    pub(crate) async fn with_web(&self) {
        self.call("CreateCluster", json!({"clusterName": "blue"})).await;
        for image in ["nginx:1", "registry.invalid/web:2"] {
            let container = json!({"name": "web", "image": image, "memory": 128, "essential": true});
            let input = json!({"family": "web", "containerDefinitions": [container]});
            self.call("RegisterTaskDefinition", input).await;
        }
        let fargate = json!({
            "family": "own", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
            "memory": "512", "containerDefinitions": [{"name": "web", "image": "nginx:1"}]
        });
        self.call("RegisterTaskDefinition", fargate.clone()).await;
        let mut broken = fargate;
        broken["containerDefinitions"][0]["image"] = json!("registry.invalid/web:2");
        self.call("RegisterTaskDefinition", broken).await;
    }

    pub(crate) async fn service(&self, name: &str) -> Value {
        let input = json!({"cluster": "blue", "services": [name]});
        self.call("DescribeServices", input).await["services"][0].clone()
    }

    pub(crate) async fn tasks(&self, desired: &str) -> usize {
        let input = json!({"cluster": "blue", "desiredStatus": desired});
        self.call("ListTasks", input).await["taskArns"]
            .as_array()
            .unwrap()
            .len()
    }

    pub(crate) fn told(&self, kind: EventType) -> usize {
        let events = self.store.events_since(0, usize::MAX).unwrap();
        events.iter().filter(|it| it.event.kind == kind).count()
    }
}
