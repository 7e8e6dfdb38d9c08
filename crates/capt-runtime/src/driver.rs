//! The loop that runs every controller.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use capt_core::decision::Requeue;
use capt_core::retry::{RetryStrategy, seed_of};
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{BoxStream, FuturesUnordered, SelectAll, StreamExt};
use tokio::time::{Instant, sleep_until, timeout};

use crate::cache::{Caches, Change};
use crate::interest::{Item, KindId};
use crate::queue::{Priority, Queue};
use crate::round::{Controller, Memory, RoundEnd, RoundInput, Verdict};
use crate::store::Extent;
use crate::watch::{Batch, Changes};
use crate::{Clock, Health, Metrics, ObjectKey, RoundOutcome};

mod builder;

pub use builder::DriverBuilder;

/// A requeue is never sooner than this, whatever moment it names: the moment may have passed already.
const MIN_REQUEUE: Duration = Duration::from_millis(100);

/// The loop takes a turn at least this often, so that a probe can tell idle from wedged.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// So many changes seen during a round are told apart; with more, the round is simply repeated.
const MAX_DIRTY: usize = 32;

/// Runs all controllers of a process: one queue, one cache per kind, one loop.
///
/// # Flow
///
/// The first round starts when the caches of all kinds are filled. A key is due when its object or anything
/// it has read changes, when its last round asked for it, when a backoff ends, and at every resync. Rounds
/// are polled in the task that calls [`run`](Self::run).
///
/// # Guarantees
///
/// A key is never worked on twice at once. A key that failed comes back with growing, seeded delays; a
/// change of its object by somebody else, or of anything it has read, comes before the end of the delay, and so does
/// the end of an outage of the API server.
pub struct Driver {
    controllers: Vec<Arc<dyn Controller>>,
    caches: Arc<Caches>,
    clock: Clock,
    health: Health,
    metrics: Arc<dyn Metrics>,
    settings: Settings,
    watches: SelectAll<Changes>,
    wakes: SelectAll<BoxStream<'static, (&'static str, ObjectKey)>>,
    queue: Queue<Item>,
    states: BTreeMap<Item, KeyState>,
    running: FuturesUnordered<BoxFuture<'static, Finished>>,
    is_synced: bool,
    next_resync: Instant,
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    workers: usize,
    resync: Duration,
    seed: u64,
    retry: RetryStrategy,
    patience: Duration,
    grace: Duration,
}

/// What the driver knows of a key between its rounds.
#[derive(Debug, Default)]
struct KeyState {
    memory: Memory,
    /// Rounds in a row that failed.
    attempts: u32,
    is_backing_off: bool,
    parked_since: Option<Instant>,
    is_running: bool,
    /// What changed during the running round.
    dirty: Vec<Change>,
}

struct Finished {
    item: Item,
    end: RoundEnd,
    took: Duration,
}

impl Driver {
    /// Starts to put a driver together that talks through `client` and takes the time from `clock`.
    pub fn builder(client: kube::Client, clock: Clock) -> DriverBuilder {
        DriverBuilder::new(client, clock)
    }

    /// A handle on how the driver stands, for probes.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Runs until `shutdown` completes; then starts no new round, and gives those that run a grace period.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        self.next_resync = Instant::now() + self.settings.resync;
        loop {
            self.turn();
            let timer = self.next_timer();
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(finished) = self.running.next() => self.finish(finished),
                Some((controller, key)) = self.wakes.next() => self.wake(controller, key),
                Some(batch) = self.watches.next() => self.shown(batch),
                () = sleep_until(timer) => {}
            }
        }
        let rest = async { while self.running.next().await.is_some() {} };
        if timeout(self.settings.grace, rest).await.is_err() {
            tracing::warn!("rounds were still running at the end of the grace period");
        }
    }

    /// Everything that is due now.
    fn turn(&mut self) {
        let now = Instant::now();
        if !self.is_synced && self.health.is_synced() {
            self.is_synced = true;
            self.next_resync = now + self.settings.resync;
            tracing::info!("all caches are filled");
        }
        if self.is_synced && self.next_resync <= now {
            self.resync(now);
        }
        while self.is_synced
            && self.running.len() < self.settings.workers
            && let Some(item) = self.queue.pop(now)
        {
            self.start(item, now);
        }
        let (waiting, running) = (self.queue.len(), self.running.len());
        self.metrics.queue(waiting, running);
        let overdue = self.queue.next_due().filter(|due| *due < now);
        let turn = self.clock.now();
        self.health.update(|standing| {
            standing.last_turn = Some(turn);
            standing.waiting = waiting;
            standing.running = running;
            standing.overdue = overdue.map(|due| now - due);
        });
    }

    fn next_timer(&self) -> Instant {
        let now = Instant::now();
        let mut timer = now + HEARTBEAT;
        if self.is_synced {
            timer = timer.min(self.next_resync);
            if self.running.len() < self.settings.workers
                && let Some(due) = self.queue.next_due()
            {
                timer = timer.min(due);
            }
        }
        timer
    }

    fn resync(&mut self, now: Instant) {
        self.next_resync = now + self.settings.resync;
        for (index, controller) in self.controllers.iter().enumerate() {
            for key in self.caches.keys(controller.kind()) {
                let item = Item {
                    controller: index,
                    key,
                };
                self.queue.add(&item, now, Priority::Resync);
            }
        }
    }

    fn start(&mut self, item: Item, now: Instant) {
        let Some(controller) = self.controllers.get(item.controller).map(Arc::clone) else {
            return;
        };
        let state = self.states.entry(item.clone()).or_default();
        state.is_running = true;
        state.is_backing_off = false;
        let input = RoundInput {
            item: item.clone(),
            memory: state.memory.clone(),
            is_patience_over: state
                .parked_since
                .is_some_and(|since| since + self.settings.patience <= now),
        };
        self.running.push(
            async move {
                let memory = input.memory.clone();
                let round = AssertUnwindSafe(controller.round(input)).catch_unwind();
                let end = round.await.unwrap_or_else(|panic| {
                    let message = panic_message(&*panic);
                    tracing::error!(controller = controller.name(), object = %item.key, message, "a round panicked");
                    RoundEnd {
                        verdict: Verdict::Faulted { retry_after: None },
                        memory,
                        refreshed: Vec::new(),
                    }
                });
                let took = now.elapsed();
                Finished { item, end, took }
            }
            .boxed(),
        );
    }

    fn finish(&mut self, finished: Finished) {
        let Finished { item, end, took } = finished;
        let now = Instant::now();
        let wakes = self.queue.done(&item);
        let dirty = match self.states.get_mut(&item) {
            Some(state) => {
                state.is_running = false;
                state.memory = end.memory;
                std::mem::take(&mut state.dirty)
            }
            None => Vec::new(),
        };
        let outcome = self.settle(&item, &end.verdict, now);
        if let Some(controller) = self.controllers.get(item.controller) {
            self.metrics.round(controller.name(), outcome, took);
        }
        if let Some((due, priority)) = wakes {
            self.queue.add(&item, due, priority);
        }
        if dirty.len() >= MAX_DIRTY {
            self.queue.add(&item, now, Priority::Wake);
        }
        for change in &dirty {
            self.touch(&item, change, now);
        }
        for (kind, key) in &end.refreshed {
            for reader in self.concerned(*kind, key).into_iter().filter(|it| *it != item) {
                self.queue.add(&reader, now, Priority::Wake);
            }
        }
        let ended = self.clock.now();
        self.health.update(|standing| standing.last_round = Some(ended));
    }

    /// Plans what comes after a round that ended like this.
    fn settle(&mut self, item: &Item, verdict: &Verdict, now: Instant) -> RoundOutcome {
        let Some(state) = self.states.get_mut(item) else {
            return RoundOutcome::Gone;
        };
        if !matches!(verdict, Verdict::Parked) {
            state.parked_since = None;
        }
        match verdict {
            Verdict::Gone => {
                self.states.remove(item);
                self.caches.retain_interests(item, &[].into());
                if let Some(controller) = self.controllers.get(item.controller) {
                    controller.gone(&item.key);
                }
                RoundOutcome::Gone
            }
            Verdict::Parked => {
                let since = *state.parked_since.get_or_insert(now);
                let due = (since + self.settings.patience).max(now);
                self.queue.add(item, due, Priority::Wake);
                RoundOutcome::Parked
            }
            Verdict::Settled { requeue, is_success } => {
                if *is_success {
                    state.attempts = 0;
                }
                if let Requeue::At(moment) = requeue {
                    let delay = moment.duration_since(self.clock.now());
                    let delay = Duration::try_from(delay).unwrap_or_default();
                    let due = now + delay.max(MIN_REQUEUE);
                    self.queue.add(item, due, Priority::Wake);
                }
                RoundOutcome::Settled
            }
            Verdict::Conflicted => {
                state.attempts = state.attempts.saturating_add(1);
                // The change that got in the way is on its way here and may end this delay.
                let due = now + self.settings.delay(item, state.attempts);
                self.queue.add(item, due, Priority::Wake);
                RoundOutcome::Conflicted
            }
            Verdict::Faulted { retry_after } => {
                state.attempts = state.attempts.saturating_add(1);
                state.is_backing_off = true;
                let delay = self.settings.delay(item, state.attempts);
                let due = now + delay.max(retry_after.unwrap_or_default());
                self.queue.set(item, due, Priority::Wake);
                RoundOutcome::Faulted
            }
        }
    }

    fn shown(&mut self, batch: Batch) {
        if batch.ends_outage {
            self.end_delays();
        }
        self.changed(batch.changes);
    }

    /// Whatever failed while the API server was away failed for that, and need not wait any longer. What it says in
    /// the moments after its start is asked for again soon.
    fn end_delays(&mut self) {
        let now = Instant::now();
        for (item, state) in self.states.iter_mut().filter(|(_, state)| state.attempts > 0) {
            state.attempts = 0;
            if !state.is_running {
                state.is_backing_off = false;
                self.queue.add(item, now, Priority::Wake);
            }
        }
    }

    /// A watch has shown changes.
    fn changed(&mut self, changes: Vec<Change>) {
        let now = Instant::now();
        for change in changes {
            for item in self.concerned(change.kind, &change.difference.key) {
                match self.states.get_mut(&item) {
                    Some(state) if state.is_running => {
                        if state.dirty.len() < MAX_DIRTY {
                            state.dirty.push(change.clone());
                        }
                    }
                    _ => self.touch(&item, &change, now),
                }
            }
        }
    }

    /// Whoever has read this object, and those whose object it is.
    fn concerned(&self, kind: KindId, key: &ObjectKey) -> BTreeSet<Item> {
        let own = self.controllers.iter().enumerate();
        let own = own
            .filter(|(_, controller)| controller.kind() == kind)
            .map(|(index, _)| Item {
                controller: index,
                key: key.clone(),
            });
        let mut items = self.caches.readers(kind, key);
        items.extend(own);
        items
    }

    /// Makes `item`, which is not running, due because of `change`.
    fn touch(&mut self, item: &Item, change: &Change, now: Instant) {
        let controller = self.controllers.get(item.controller);
        let is_own =
            controller.is_some_and(|it| it.kind() == change.kind) && item.key == change.difference.key;
        let extent = Some(change.difference.extent).filter(|_| is_own);
        if let Some(state) = self.states.get_mut(item)
            && state.is_backing_off
        {
            // What we wrote ourselves in the round that failed must not repeat it at once; of the object
            // itself, neither must a status that somebody else writes.
            let ends_delay = match extent {
                Some(Extent::Spec) => true,
                Some(Extent::Metadata) | None => !self.caches.is_echo(change),
                Some(Extent::Status) => false,
            };
            if !ends_delay {
                return;
            }
            state.is_backing_off = false;
        }
        let priority = match extent {
            Some(Extent::Spec | Extent::Metadata) => Priority::Change,
            Some(Extent::Status) | None => Priority::Wake,
        };
        self.queue.add(item, now, priority);
    }

    /// Somebody outside asks for a round.
    fn wake(&mut self, controller: &'static str, key: ObjectKey) {
        let index = self.controllers.iter().position(|it| it.name() == controller);
        let Some(index) = index else {
            tracing::warn!(controller, object = %key, "there is no such controller to wake");
            return;
        };
        let item = Item {
            controller: index,
            key,
        };
        self.queue.add(&item, Instant::now(), Priority::Wake);
    }
}

impl Settings {
    fn delay(&self, item: &Item, attempts: u32) -> Duration {
        let seed = self.seed ^ seed_of(&format!("{}/{}", item.controller, item.key));
        self.retry.delay(attempts, seed)
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a message")
}
