//! The watch of one kind, which never ends and tells what has changed.

use std::sync::Arc;
use std::time::Duration;

use capt_core::retry::{RetryStrategy, seed_of};
use futures::stream::{self, BoxStream, StreamExt};
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client};

use crate::cache::{Caches, Change, Kept, KindCache};
use crate::own_writes::Version;
use crate::store::{Difference, Store};
use crate::unreadable::Unreadable;
use crate::{Clock, Health, Kind, Metrics, ObjectKey};

/// A watch is tried again soon, because every controller is blind meanwhile; and for ever.
const BACKOFF: RetryStrategy = RetryStrategy {
    base_delay: Duration::from_millis(800),
    max_delay: Duration::from_secs(30),
    max_retries: u32::MAX,
    backoff_factor_percent: 200,
    success_threshold: 1,
};

/// After so many failures in a row the watch is started from nothing: whatever version it holds on to, the
/// server may no longer have it.
const RESTART_AFTER: u32 = 3;

/// What every watch needs.
#[derive(Clone)]
pub(crate) struct WatchContext {
    pub(crate) caches: Arc<Caches>,
    pub(crate) client: Client,
    pub(crate) clock: Clock,
    pub(crate) health: Health,
    pub(crate) metrics: Arc<dyn Metrics>,
    pub(crate) namespace: Option<String>,
    pub(crate) seed: u64,
}

/// So many failures in a row are more than a connection that broke: the API server was away.
const OUTAGE: u32 = 2;

/// What a watch has shown. One without changes is a sign of life.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) changes: Vec<Change>,
    /// Whether it is the first answer of the API server after an outage.
    pub(crate) ends_outage: bool,
}

/// The changes of one kind, batch by batch.
pub(crate) type Changes = BoxStream<'static, Batch>;

/// Watches `K` and keeps its cache.
pub(crate) fn watch<K: Kind>(cache: Arc<KindCache<K>>, context: WatchContext) -> Changes {
    match &cache.kept {
        Kept::Full(_) => follow::<K, K>(cache, context, |cache| match &cache.kept {
            Kept::Full(store) => Some(store),
            Kept::Metadata { .. } => None,
        }),
        Kept::Metadata { .. } => {
            follow::<K, PartialObjectMeta<K>>(cache, context, |cache| match &cache.kept {
                Kept::Full(_) => None,
                Kept::Metadata { store, .. } => Some(store),
            })
        }
    }
}

/// The name of `K` in messages and metrics: `plural.group`, or `plural` for the core group.
pub(crate) fn kind_name<K: Kind>() -> String {
    let (plural, group) = (K::plural(&()), K::group(&()));
    if group.is_empty() {
        plural.into_owned()
    } else {
        format!("{plural}.{group}")
    }
}

/// Objects that the type cannot read do not break off the watch: they come as what can be read of them.
type Events<T> = BoxStream<'static, Result<Event<DeserializeGuard<T>>, watcher::Error>>;

struct Follower<K, T> {
    cache: Arc<KindCache<K>>,
    store: fn(&KindCache<K>) -> Option<&Store<T>>,
    context: WatchContext,
    name: String,
    events: Events<T>,
    unreadable: Unreadable,
    failures: u32,
}

fn follow<K, T>(
    cache: Arc<KindCache<K>>,
    context: WatchContext,
    store: fn(&KindCache<K>) -> Option<&Store<T>>,
) -> Changes
where
    K: Kind,
    T: Kind,
{
    let name = kind_name::<K>();
    let follower = Follower {
        events: start::<T>(&context),
        unreadable: Unreadable::default(),
        cache,
        store,
        context,
        name,
        failures: 0,
    };
    stream::unfold(follower, |mut follower| async {
        let batch = follower.next().await?;
        Some((batch, follower))
    })
    .boxed()
}

fn start<T: Kind>(context: &WatchContext) -> Events<T> {
    let client = context.client.clone();
    let api = match &context.namespace {
        Some(namespace) => Api::<DeserializeGuard<T>>::namespaced(client, namespace),
        None => Api::<DeserializeGuard<T>>::all(client),
    };
    watcher::watcher(api, watcher::Config::default()).boxed()
}

impl<K: Kind, T: Kind> Follower<K, T> {
    async fn next(&mut self) -> Option<Batch> {
        match self.events.next().await? {
            Ok(event) => {
                let failures = self.failures;
                let changes = self.accept(event);
                let ends_outage = failures >= OUTAGE && self.failures == 0;
                for found in self.unreadable.fresh() {
                    found
                        .report::<K>(&self.name, &self.context.client, self.context.clock.now())
                        .await;
                }
                Some(Batch { changes, ends_outage })
            }
            Err(error) => {
                self.fail(&error).await;
                Some(Batch::default())
            }
        }
    }

    fn accept(&mut self, event: Event<DeserializeGuard<T>>) -> Vec<Change> {
        let cache = Arc::clone(&self.cache);
        let Some(store) = (self.store)(&cache) else {
            return Vec::new();
        };
        let differences = match event {
            // Precedes the request and so proves nothing about the server.
            Event::Init => {
                store.begin();
                self.unreadable.begin();
                return Vec::new();
            }
            Event::InitApply(DeserializeGuard(Ok(object))) => {
                store.receive(object);
                return Vec::new();
            }
            Event::InitApply(DeserializeGuard(Err(invalid))) => {
                // Whoever has read it before goes on with that.
                store.receive_again(&ObjectKey::of_meta(&invalid.metadata));
                self.unreadable.receive(invalid);
                return Vec::new();
            }
            Event::InitDone => {
                self.unreadable.complete();
                let differences = store.complete();
                self.context.caches.relisted(cache.id);
                self.context.metrics.listed(&self.name, store.len());
                differences
            }
            Event::Apply(DeserializeGuard(Ok(object))) => {
                self.unreadable.remove(&ObjectKey::of(&object));
                store.apply(object).into_iter().collect()
            }
            Event::Apply(DeserializeGuard(Err(invalid))) => {
                self.unreadable.insert(invalid);
                Vec::new()
            }
            Event::Delete(object) => {
                let (key, version) = (ObjectKey::of(&object), Version::of(&object));
                self.unreadable.remove(&key);
                let difference = store.delete(&key, &version);
                self.context.caches.ended(&cache, &key, &version);
                difference.into_iter().collect()
            }
        };
        self.context.metrics.unreadable(&self.name, self.unreadable.len());
        self.succeed();
        self.changes(differences)
    }

    fn changes(&self, differences: Vec<Difference>) -> Vec<Change> {
        for difference in differences.iter().filter(|it| it.removed) {
            self.cache.keep_content(&difference.key, None);
        }
        let kind = self.cache.id;
        let change = |difference| Change { kind, difference };
        differences.into_iter().map(change).collect()
    }

    fn succeed(&mut self) {
        if self.failures > 0 {
            tracing::info!(kind = self.name, "the watch works again");
        }
        self.failures = 0;
        let now = self.context.clock.now();
        self.context.health.update_kind(&self.name, |kind| {
            kind.synced = true;
            kind.last_event = Some(now);
            kind.failing = None;
            kind.unreadable = self.unreadable.reasons();
        });
    }

    async fn fail(&mut self, error: &watcher::Error) {
        self.failures = self.failures.saturating_add(1);
        let now = self.context.clock.now();
        self.context.metrics.watch_failed(&self.name);
        self.context.health.update_kind(&self.name, |kind| {
            let since = kind.failing.take().map_or(now, |(since, _)| since);
            kind.failing = Some((since, error.to_string()));
        });
        if self.failures == 1 {
            tracing::warn!(kind = self.name, %error, "the watch failed and is tried again");
        } else {
            tracing::debug!(kind = self.name, %error, failures = self.failures, "the watch failed again");
        }
        let seed = self.context.seed ^ seed_of(&self.name);
        tokio::time::sleep(BACKOFF.delay(self.failures, seed)).await;
        if is_gone(error) || self.failures.is_multiple_of(RESTART_AFTER) {
            self.events = start::<T>(&self.context);
        }
    }
}

/// Whether the server no longer has the version the watch would go on from.
fn is_gone(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => status.code == 410,
        watcher::Error::InitialListFailed(_)
        | watcher::Error::WatchStartFailed(_)
        | watcher::Error::WatchFailed(_)
        | watcher::Error::NoResourceVersion => false,
    }
}
