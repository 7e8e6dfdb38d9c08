//! Metrics of what is kept, out of the commits.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use kecs_core::key::{Key, Term};
use kecs_core::record::{Record, status};
use kecs_core::view::Page;
use kecs_store::{Fed, Feed, Store, StoreError};

use crate::metrics::Metrics;

#[cfg(test)]
mod tests;

/// How many terms are looked at in one go.
const TERMS: usize = 1000;

/// Follows tasks and services through the commits.
pub struct Meter {
    metrics: Metrics,
    seen: Mutex<Seen>,
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meter")
    }
}

/// What was last seen. The commit beside it tells what is newer.
#[derive(Default)]
struct Seen {
    /// The status of each task that is not over.
    tasks: HashMap<Key, (u64, Option<String>)>,
    /// The cluster of each service that is ACTIVE.
    services: HashMap<Key, (u64, Option<String>)>,
    /// How many services are ACTIVE, by cluster.
    active: BTreeMap<String, i64>,
    /// Whether all that was there before is taken in: until then, what has gone is remembered, too.
    settled: bool,
}

/// When something became so.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// Before anybody looked.
    Before,
    /// Just now.
    Now,
}

impl Meter {
    /// Measures what is in the store, and what becomes of it from now on.
    pub fn start(store: &dyn Store, metrics: Metrics) -> Result<Arc<Self>, StoreError> {
        let meter = Arc::new(Self {
            metrics,
            seen: Mutex::default(),
        });
        let feed: Arc<dyn Feed> = Arc::clone(&meter) as Arc<dyn Feed>;
        store.feed(feed)?;
        meter.look_around(store)?;
        Ok(meter)
    }

    /// Takes in what was there before. What was told of meanwhile is newer.
    fn look_around(&self, store: &dyn Store) -> Result<(), StoreError> {
        let view = store.view()?;
        let mut after: Option<Term> = None;
        loop {
            let terms = view.terms(after.as_ref(), TERMS)?;
            let Some(last) = terms.last() else {
                break;
            };
            after = Some(last.term.clone());
            for counted in terms {
                // All live tasks of an account and region, and all services: `account/region/kind`.
                let mut parts = counted.term.as_str().split('/').skip(2);
                if !matches!(
                    (parts.next(), parts.next()),
                    (Some("live-tasks" | "services"), None)
                ) {
                    continue;
                }
                let listed = view.list(&counted.term, Page::ALL);
                let listed = listed.map_err(|error| StoreError::Malformed(error.to_string()))?;
                let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                for entry in listed {
                    let record = Some(&*entry.record);
                    seen.take(&entry.key, entry.revision, record, When::Before, &self.metrics);
                }
            }
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).settle();
        Ok(())
    }
}

impl Feed for Meter {
    fn applied(&self, revision: u64, changed: &[Fed]) {
        self.metrics.revision(revision);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for fed in changed {
            let record = fed.entry.as_ref().map(|entry| &*entry.record);
            seen.take(&fed.key, fed.revision, record, When::Now, &self.metrics);
        }
    }
}

impl Seen {
    fn take(&mut self, key: &Key, revision: u64, record: Option<&Record>, when: When, metrics: &Metrics) {
        match record {
            Some(Record::Task(it)) => {
                let last = it.task.last_status.as_deref().unwrap_or_default();
                self.task(key, revision, last, when, metrics);
            }
            Some(Record::Service(it)) => {
                let active = it.service.status.as_deref() == Some(status::ACTIVE);
                let cluster = it.service.cluster_arn.as_deref();
                let cluster = cluster.and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
                self.service(key, revision, active.then_some(cluster), metrics);
            }
            Some(
                Record::Cluster(_)
                | Record::Family(_)
                | Record::TaskDefinition(_)
                | Record::TaskSet(_)
                | Record::ContainerInstance(_)
                | Record::CapacityProvider(_)
                | Record::AccountSetting(_)
                | Record::ServiceDeployment(_)
                | Record::ServiceRevision(_)
                | Record::Token(_),
            ) => {}
            None => {
                remember(&mut self.tasks, key, revision, None, self.settled);
                self.service(key, revision, None, metrics);
            }
        }
    }

    fn task(&mut self, key: &Key, revision: u64, last: &str, when: When, metrics: &Metrics) {
        let before = self.tasks.get(key);
        if before.is_some_and(|(known, _)| *known >= revision) {
            return;
        }
        if let Some((_, Some(from))) = before
            && from != last
            && when == When::Now
        {
            metrics.transition(from, last);
        }
        let live = (last != status::STOPPED).then(|| last.to_owned());
        remember(&mut self.tasks, key, revision, live, self.settled);
    }

    fn service(&mut self, key: &Key, revision: u64, active_in: Option<&str>, metrics: &Metrics) {
        let before = self.services.get(key);
        if before.is_some_and(|(known, _)| *known >= revision) {
            return;
        }
        let before = before.and_then(|(_, cluster)| cluster.clone());
        if before.as_deref() != active_in {
            let changes = [(before.as_deref(), -1), (active_in, 1)];
            for (cluster, change) in changes.into_iter().filter_map(|(it, by)| Some((it?, by))) {
                let services = self.active.entry(cluster.to_owned()).or_default();
                *services += change;
                metrics.active_services(cluster, *services);
            }
        }
        let active_in = active_in.map(str::to_owned);
        remember(&mut self.services, key, revision, active_in, self.settled);
    }

    fn settle(&mut self) {
        self.settled = true;
        self.tasks.retain(|_, (_, live)| live.is_some());
        self.services.retain(|_, (_, active)| active.is_some());
    }
}

fn remember(
    known: &mut HashMap<Key, (u64, Option<String>)>,
    key: &Key,
    revision: u64,
    what: Option<String>,
    settled: bool,
) {
    if what.is_none() && settled {
        known.remove(key);
    } else {
        known.insert(key.clone(), (revision, what));
    }
}
