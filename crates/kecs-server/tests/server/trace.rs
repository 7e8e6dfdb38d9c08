use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex};

use kecs_controller::{Controller, Settings};
use kecs_server::measured::Measured;
use kecs_server::metrics::Metrics;
use kecs_server::server::Setup;
use kecs_server::traced::{Origins, Traced};
use kecs_store::Store;
use kecs_store::memory::Memory;
use serde_json::json;
use tracing::span::{Attributes, Id};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::support::{NoPlane, Server, setup};

/// The names of all spans by the first span of their trace.
#[derive(Default)]
pub(crate) struct Traces(Mutex<BTreeMap<u64, Vec<&'static str>>>);

/// The spans of all tests: whether a span is wanted is decided once for the whole process.
static TRACES: LazyLock<Arc<Traces>> = LazyLock::new(|| {
    let traces = Arc::new(Traces::default());
    let subscriber = Registry::default().with(Collector(Arc::clone(&traces)));
    tracing::subscriber::set_global_default(subscriber).unwrap();
    traces
});

/// Collects the spans of all tests from now on.
pub(crate) fn collect() -> Arc<Traces> {
    Arc::clone(&TRACES)
}

struct Collector(Arc<Traces>);

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Collector {
    fn on_new_span(&self, _attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let root = span.scope().from_root().next().unwrap();
        let mut traces = self.0.0.lock().unwrap();
        // A closed span's number is given out again.
        if span.parent().is_none() {
            traces.remove(&root.id().into_u64());
        }
        traces.entry(root.id().into_u64()).or_default().push(span.name());
    }
}

#[tokio::test]
async fn one_trace_spans_the_request_the_store_and_the_data_plane() {
    let traces = collect();
    let (metrics, origins) = (Metrics::new(), Origins::default());
    let store: Arc<dyn Store> = Arc::new(Measured::new(
        Arc::new(Memory::new(7)),
        metrics.clone(),
        origins.clone(),
    ));
    let plane = Arc::new(Traced::new(Arc::new(NoPlane), origins));
    let setup = Setup {
        store: Arc::clone(&store),
        plane: plane.clone(),
        metrics,
        ..setup()
    };
    let controller = Controller::start(store, plane, setup.clock.clone(), Settings::default())
        .await
        .unwrap();
    let server = Server::start(setup).await;
    server.ok("CreateCluster", json!({})).await;
    let definition = json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "memory": "512", "containerDefinitions": [{"name": "a", "image": "b"}],
    });
    server.ok("RegisterTaskDefinition", definition).await;
    let run = json!({
        "taskDefinition": "web", "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}},
    });
    let ran = server.ok("RunTask", run).await;
    let whole = |traces: &Traces| -> Vec<BTreeSet<&'static str>> {
        let traces = traces.0.lock().unwrap();
        let reached = traces.values().filter(|names| names.contains(&"plane"));
        reached.map(|names| names.iter().copied().collect()).collect()
    };
    // The task is handed over by another loop, at its own time.
    while whole(&traces).is_empty() {
        tokio::task::yield_now().await;
    }
    server
        .ok("StopTask", json!({"task": ran["tasks"][0]["taskArn"]}))
        .await;
    while whole(&traces).len() < 2 {
        tokio::task::yield_now().await;
    }
    let layers = BTreeSet::from(["commit", "decide", "plane", "request"]);
    assert_eq!(whole(&traces), [layers.clone(), layers]);
    controller.shutdown().await;
}
