//! The loop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use capt_core::retry::splitmix64;
use clock::Clock;
use jiff::{SignedDuration, Timestamp};
use kecs_core::key::{Key, Scope};
use kecs_core::plane::{DataPlane, Order, Reports};
use kecs_core::record::Record;
use kecs_core::scheduler::Pace;
use kecs_core::task::is_over;
use kecs_core::task_definition;
use kecs_store::{Fed, Feed, Store, StoreError};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::changed::Changed;
use crate::commit::commit;
use crate::expiry::Expiry;
use crate::orders::{cluster_of, order};
use crate::reports::{Keeper, Places};
use crate::round::round;
use crate::tasks::Tasks;

/// How many services are seen to at the same time.
const AT_ONCE: usize = 16;
/// How many keys are read at a time when it begins.
const CHUNK: usize = 1_000;
/// After how long a round that failed is tried again.
const AGAIN: SignedDuration = SignedDuration::from_secs(1);
/// How often is looked whether a task definition that is being deleted is still in use.
const STILL_USED: SignedDuration = SignedDuration::from_mins(5);

/// What can be set of it.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How long a stopped task can be seen, and a task definition that is being deleted.
    pub stopped_tasks: Duration,
    /// The seed of the ids of tasks that services start.
    pub seed: u64,
    /// How fast services are worked at.
    pub pace: Pace,
}

impl Default for Settings {
    /// Stopped tasks can be seen for an hour, as those of AWS.
    fn default() -> Self {
        Self {
            stopped_tasks: Duration::from_hours(1),
            seed: 0,
            pace: Pace::default(),
        }
    }
}

/// Keeps services and tasks as they should be, for as long as it lives.
pub struct Controller {
    stop: oneshot::Sender<()>,
    work: JoinHandle<()>,
}

impl Controller {
    /// Reads what there is, tells the data plane of it, and goes on from there.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn start(
        store: Arc<dyn Store>,
        plane: Arc<dyn DataPlane>,
        clock: Clock,
        settings: Settings,
    ) -> Result<Self, StoreError> {
        let changed = Arc::new(Changed::default());
        // What changes while it reads is told as well, and the newer of the two is looked at.
        store.feed(changed.clone() as Arc<dyn Feed>)?;
        let places = Arc::new(Places::default());
        let reports: Arc<dyn Reports> = Arc::new(Keeper {
            store: store.clone(),
            clock: clock.clone(),
            places: places.clone(),
        });
        let tasks = Tasks::new(store.clone(), plane.clone(), reports.clone(), clock.clone());
        let mut state = State {
            store,
            clock,
            settings,
            changed,
            read: 0,
            places,
            tasks,
            rounds_begun: 0,
            due: BTreeMap::new(),
            busy: BTreeSet::new(),
            rounds: JoinSet::new(),
            expiry: Expiry::default(),
        };
        let live = state.read()?;
        plane.attach(reports, live).await;
        let (stop, stopped) = oneshot::channel();
        let work = tokio::spawn(state.run(stopped));
        Ok(Self { stop, work })
    }

    /// Ends the rounds that have begun, and no other. Tasks go on.
    pub async fn shutdown(self) {
        // It listens for as long as it works.
        let _ = self.stop.send(());
        if let Err(error) = self.work.await {
            tracing::error!("the controller did not end well: {error}");
        }
    }
}

struct State {
    store: Arc<dyn Store>,
    clock: Clock,
    settings: Settings,
    changed: Arc<Changed>,
    /// Everything up to this commit was read when it began.
    read: u64,
    places: Arc<Places>,
    tasks: Tasks,
    rounds_begun: u64,
    /// When each service is to be seen to.
    due: BTreeMap<Key, Timestamp>,
    /// The services that are being seen to.
    busy: BTreeSet<Key>,
    rounds: JoinSet<(Key, Option<Timestamp>)>,
    expiry: Expiry,
}

impl State {
    /// Everything there is: what the data plane is to run comes back.
    fn read(&mut self) -> Result<Vec<Order>, StoreError> {
        let view = self.store.view()?;
        self.read = view.head().revision;
        let mut live = Vec::new();
        let mut after = None;
        loop {
            let chunk = view.stored(after.as_ref(), CHUNK)?;
            let Some(last) = chunk.last() else { break };
            after = Some(last.key.clone());
            for stored in chunk {
                let Some(record) = stored.record else { continue };
                if let Record::Task(task) = &*record
                    && !is_over(task)
                    && let Some(scope) = Scope::of(&stored.key)
                    && let Ok(Some(order)) = order(&*view, &scope, &stored.key, task)
                {
                    self.tasks.is_known(stored.key.clone(), task);
                    live.push(order);
                }
                self.see(&stored.key, &record);
            }
        }
        Ok(live)
    }

    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        loop {
            self.begin_rounds();
            let next = self.next();
            let wait =
                next.map(|at| Duration::try_from(at.duration_since(self.clock.now())).unwrap_or_default());
            let changed = self.changed.clone();
            tokio::select! {
                biased;
                _ = &mut stopped => break,
                Some(ended) = self.rounds.join_next(), if !self.rounds.is_empty() => self.ended(ended),
                () = changed.wait() => self.look(),
                () = tokio::time::sleep(wait.unwrap_or_default()), if wait.is_some() => self.expire().await,
            }
        }
        while let Some(ended) = self.rounds.join_next().await {
            self.ended(ended);
        }
    }

    /// When something is due that is not being seen to.
    fn next(&self) -> Option<Timestamp> {
        let services = self
            .due
            .iter()
            .filter(|(key, _)| !self.busy.contains(*key))
            .map(|(_, at)| *at);
        let services = services.min().filter(|_| self.busy.len() < AT_ONCE);
        services
            .into_iter()
            .chain(self.expiry.next())
            .min()
            .filter(|at| *at < Timestamp::MAX)
    }

    fn look(&mut self) {
        for (key, fed) in self.changed.take(self.read) {
            let Fed { entry, .. } = fed;
            match entry {
                Some(entry) => self.see(&key, &entry.record),
                None => self.tasks.gone(&key),
            }
        }
    }

    /// Sees what a record asks for.
    fn see(&mut self, key: &Key, record: &Record) {
        let now = self.clock.now();
        let Some(scope) = Scope::of(key) else { return };
        let of_service = |service: &str| cluster_of(key).map(|cluster| scope.service(cluster, service));
        match record {
            Record::Service(_) => self.wake(key.clone(), now),
            Record::Task(task) => {
                if let Some(service) = task.service.as_deref().and_then(of_service) {
                    self.wake(service, now);
                }
                let arn = task.task.task_arn.as_deref().unwrap_or_default();
                if is_over(task) {
                    self.places.forget(arn);
                    let stopped = task.task.stopped_at.map_or(now, Timestamp::from);
                    self.keep_from(stopped, key);
                } else {
                    self.places.note(arn, key);
                }
                self.tasks.changed(key, task);
            }
            Record::TaskSet(set) => {
                if let Some(service) = of_service(&set.service) {
                    self.wake(service, now);
                }
            }
            // Where there is room, or none any more, every service of the cluster may have something to do.
            Record::ContainerInstance(_) => {
                let prefix = cluster_of(key).map(|cluster| scope.service(cluster, ""));
                let services: Vec<Key> = match prefix {
                    Some(prefix) => {
                        let of_cluster = self
                            .due
                            .keys()
                            .filter(|it| it.as_str().starts_with(prefix.as_str()));
                        of_cluster.cloned().collect()
                    }
                    None => Vec::new(),
                };
                for service in services {
                    self.wake(service, now);
                }
            }
            // Whoever asks for its end changes nothing else.
            Record::ServiceDeployment(it) => self.wake(scope.service(&it.cluster, &it.service), now),
            Record::Token(token) => self.expiry.note(token.expires, key.clone()),
            Record::TaskDefinition(it) if task_definition::is_going(it) => {
                let requested = it.definition.delete_requested_at;
                self.keep_from(requested.map_or(now, Timestamp::from), key);
            }
            Record::Cluster(_)
            | Record::Family(_)
            | Record::TaskDefinition(_)
            | Record::CapacityProvider(_)
            | Record::AccountSetting(_)
            | Record::ServiceRevision(_) => {}
        }
    }

    /// What ended then is kept for a while.
    fn keep_from(&mut self, ended: Timestamp, key: &Key) {
        let kept = SignedDuration::try_from(self.settings.stopped_tasks).unwrap_or(SignedDuration::MAX);
        let until = ended.checked_add(kept).unwrap_or(Timestamp::MAX);
        self.expiry.note(until, key.clone());
    }

    fn wake(&mut self, service: Key, at: Timestamp) {
        let due = self.due.entry(service).or_insert(at);
        *due = (*due).min(at);
    }

    fn begin_rounds(&mut self) {
        let now = self.clock.now();
        let due = self
            .due
            .iter()
            .filter(|(key, at)| **at <= now && !self.busy.contains(*key));
        let room = AT_ONCE.saturating_sub(self.busy.len());
        let due: Vec<Key> = due.map(|(key, _)| key.clone()).take(room).collect();
        for key in due {
            // What changes from now on wakes it again.
            self.due.insert(key.clone(), Timestamp::MAX);
            self.busy.insert(key.clone());
            let (store, clock) = (self.store.clone(), self.clock.clone());
            let pace = self.settings.pace;
            self.rounds_begun += 1;
            let seed = splitmix64(self.settings.seed ^ self.rounds_begun.rotate_left(32));
            self.rounds.spawn(async move {
                let next = match round(&*store, &key, pace, clock.now(), seed).await {
                    Ok(next) => next,
                    Err(refusal) => {
                        tracing::error!(service = key.as_str(), "a round has failed: {refusal}");
                        clock.now().checked_add(AGAIN).ok()
                    }
                };
                (key, next)
            });
        }
    }

    fn ended(&mut self, ended: Result<(Key, Option<Timestamp>), tokio::task::JoinError>) {
        match ended {
            Ok((key, next)) => {
                self.busy.remove(&key);
                if let Some(next) = next {
                    self.wake(key, next);
                }
            }
            Err(error) => {
                // Which one it was is not known: all that were under way are seen to again.
                tracing::error!("a round did not end well: {error}");
                let now = self.clock.now();
                for key in std::mem::take(&mut self.busy) {
                    self.wake(key, now);
                }
            }
        }
    }

    async fn expire(&mut self) {
        let now = self.clock.now();
        for key in self.expiry.due(now) {
            let Some(scope) = Scope::of(&key) else { continue };
            let kept = self.settings.stopped_tasks;
            let gone = commit(&*self.store, &scope, now, |tx| {
                crate::expiry::forget(tx, &key, kept)
            });
            let again = match gone.await {
                Ok(false) => continue,
                Ok(true) => STILL_USED,
                Err(refusal) => {
                    tracing::error!(
                        key = key.as_str(),
                        "what is over could not be forgotten: {refusal}"
                    );
                    AGAIN
                }
            };
            self.expiry.note(now.checked_add(again).unwrap_or(now), key);
        }
    }
}
