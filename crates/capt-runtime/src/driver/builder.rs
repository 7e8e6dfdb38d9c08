//! Putting a driver together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use capt_core::retry::RetryStrategy;
use futures::stream::{BoxStream, FuturesUnordered, SelectAll, Stream, StreamExt};
use kube::Client;
use tokio::time::Instant;

use super::{Driver, Settings};
use crate::cache::{Caches, KindCache};
use crate::events::Events;
use crate::queue::Queue;
use crate::round::{Controller, Reconciler};
use crate::watch::{Changes, WatchContext, kind_name, watch};
use crate::{Clock, Health, Kind, Metrics, NoMetrics, ObjectKey, Subject, Writer};

/// The API is asked again soon, because most of its faults pass in seconds; a subject's own recovery policy
/// comes on top.
const RETRY: RetryStrategy = RetryStrategy {
    base_delay: Duration::from_secs(1),
    max_delay: Duration::from_mins(5),
    max_retries: u32::MAX,
    backoff_factor_percent: 200,
    success_threshold: 1,
};

type StartWatch = Box<dyn FnOnce(WatchContext) -> Changes + Send>;
type Register = fn(&mut Caches) -> Option<(String, StartWatch)>;
type MakeController = Box<dyn FnOnce(&WatchContext) -> Option<Arc<dyn Controller>> + Send>;

/// Puts a [`Driver`] together.
#[must_use = "a builder does nothing until it is built"]
pub struct DriverBuilder {
    client: Client,
    clock: Clock,
    settings: Settings,
    namespace: Option<String>,
    metrics: Arc<dyn Metrics>,
    full: Vec<Register>,
    metadata: Vec<Register>,
    controllers: Vec<MakeController>,
    wakes: SelectAll<BoxStream<'static, (&'static str, ObjectKey)>>,
}

impl DriverBuilder {
    pub(super) fn new(client: Client, clock: Clock) -> Self {
        Self {
            client,
            clock,
            settings: Settings {
                workers: 16,
                resync: Duration::from_mins(10),
                seed: 0,
                retry: RETRY,
                patience: Duration::from_secs(5),
                grace: Duration::from_secs(20),
            },
            namespace: None,
            metrics: Arc::new(NoMetrics),
            full: Vec::new(),
            metadata: Vec::new(),
            controllers: Vec::new(),
            wakes: SelectAll::new(),
        }
    }

    /// At most so many rounds run together (default 16, at least 1).
    pub fn workers(mut self, workers: usize) -> Self {
        self.settings.workers = workers.max(1);
        self
    }

    /// How often every key is looked at although nothing has changed (default 10 minutes).
    pub fn resync(mut self, every: Duration) -> Self {
        self.settings.resync = every.max(Duration::from_secs(1));
        self
    }

    /// Watches one namespace only; `None` (the default) watches all.
    pub fn namespace(mut self, namespace: Option<String>) -> Self {
        self.namespace = namespace;
        self
    }

    /// The seed of every jitter (default 0). Give each replica of a deployment its own.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// The delays between rounds of a key that fails (default 1 s doubling to 5 minutes). A round is
    /// retried for ever; `max_retries` does not count.
    pub fn retry(mut self, retry: RetryStrategy) -> Self {
        self.settings.retry = retry;
        self
    }

    /// How long a round waits for the watch to catch up with an own write before it asks the API server
    /// (default 5 s).
    pub fn patience(mut self, patience: Duration) -> Self {
        self.settings.patience = patience;
        self
    }

    /// How long running rounds may take to end after the shutdown (default 20 s).
    pub fn grace(mut self, grace: Duration) -> Self {
        self.settings.grace = grace;
        self
    }

    /// Receives the counts.
    pub fn metrics(mut self, metrics: impl Metrics) -> Self {
        self.metrics = Arc::new(metrics);
        self
    }

    /// Watches `K` and keeps whole objects. Takes precedence over [`watch_metadata`](Self::watch_metadata)
    /// of the same kind.
    pub fn watch<K: Kind>(mut self) -> Self {
        self.full.push(register::<K, true>);
        self
    }

    /// Watches `K` and keeps only metadata: for kinds with many or secret contents, of which few are read.
    pub fn watch_metadata<K: Kind>(mut self) -> Self {
        self.metadata.push(register::<K, false>);
        self
    }

    /// Adds a controller; its kind is watched with its content.
    pub fn subject<S: Subject>(self, subject: S) -> Self {
        let mut builder = self.watch::<S::Object>();
        builder.controllers.push(Box::new(move |context| {
            let caches = Arc::clone(&context.caches);
            let metrics = Arc::clone(&context.metrics);
            let writer = Writer::new(Arc::clone(&caches), context.client.clone(), S::NAME, metrics);
            let events = Events::new(context.client.clone(), writer.field_manager().to_owned());
            let reconciler = Reconciler {
                subject,
                cache: caches.of::<S::Object>()?,
                caches,
                client: context.client.clone(),
                clock: context.clock.clone(),
                writer,
                events,
                metrics: Arc::clone(&context.metrics),
            };
            let controller: Arc<dyn Controller> = Arc::new(reconciler);
            Some(controller)
        }));
        builder
    }

    /// Wakes a key whenever `stream` yields the name of its controller and it.
    pub fn wake(mut self, stream: impl Stream<Item = (&'static str, ObjectKey)> + Send + 'static) -> Self {
        self.wakes.push(stream.boxed());
        self
    }

    /// The driver. Nothing is requested before it runs.
    pub fn build(self) -> Driver {
        let mut caches = Caches::default();
        let registers = self.full.into_iter().chain(self.metadata);
        let starts: Vec<_> = registers.filter_map(|register| register(&mut caches)).collect();
        let health = Health::default();
        let context = WatchContext {
            caches: Arc::new(caches),
            client: self.client,
            clock: self.clock,
            health: health.clone(),
            metrics: self.metrics,
            namespace: self.namespace,
            seed: self.settings.seed,
        };
        let mut watches = SelectAll::new();
        for (name, start) in starts {
            health.update_kind(&name, |_| ());
            watches.push(start(context.clone()));
        }
        let controllers = self.controllers.into_iter();
        let controllers = controllers.filter_map(|make| make(&context)).collect();
        Driver {
            controllers,
            caches: context.caches,
            clock: context.clock,
            health,
            metrics: context.metrics,
            next_resync: Instant::now(),
            settings: self.settings,
            watches,
            wakes: self.wakes,
            queue: Queue::default(),
            states: BTreeMap::new(),
            running: FuturesUnordered::new(),
            is_synced: false,
        }
    }
}

fn register<K: Kind, const FULL: bool>(caches: &mut Caches) -> Option<(String, StartWatch)> {
    let make = if FULL {
        KindCache::<K>::full
    } else {
        KindCache::<K>::metadata
    };
    let cache = caches.add(make)?;
    Some((kind_name::<K>(), Box::new(move |context| watch(cache, context))))
}
