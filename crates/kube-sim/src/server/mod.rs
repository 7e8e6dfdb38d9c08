//! The API server: a world, a clock and a way in.

mod access;
mod answer;
mod bell;
mod credentials;
mod discovery;
mod hooks;
mod https;
mod journal;
mod json;
mod negotiate;
mod order;
mod protobuf;
mod reviews;
mod routes;
mod stream;
mod transcript;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use jiff::Timestamp;

pub use self::credentials::Credentials;
pub use self::hooks::{After, Before, Call, Hooks};
pub use self::https::{Running, ServeError, serve_https, serve_https_as, write_kubeconfig};
pub use self::journal::Journal;
pub use self::transcript::{Counters, Entry};

use self::bell::Bell;
use crate::world::{GroupResource, World};

/// The body of every response.
pub type ResponseBody = UnsyncBoxBody<Bytes, BoxError>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Where the server takes the time from.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// A clock that asks a function.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The epoch plus the time that tokio's clock has run since this call; in a paused runtime it is virtual time.
    pub fn virtual_since(epoch: Timestamp) -> Self {
        let start = tokio::time::Instant::now();
        Self::new(move || {
            let elapsed =
                jiff::SignedDuration::try_from(start.elapsed()).unwrap_or(jiff::SignedDuration::MAX);
            epoch.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
        })
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// What changes while the server runs.
struct State {
    world: World,
    /// Wakes the watches of a stored resource; the tone is the revision of its last write.
    wakes: BTreeMap<GroupResource, Bell>,
    hooks: Option<Arc<dyn Hooks>>,
    journal: Option<Box<dyn Journal>>,
    transcript: Option<Vec<Entry>>,
    counters: Counters,
    /// What tokens of service accounts are signed with.
    secret: String,
    /// Nobody answers.
    stopped: bool,
    /// How often the server was started; a request or a watch of an earlier start is broken.
    starts: u64,
}

struct Inner {
    state: Mutex<State>,
    clock: Clock,
    /// Cuts all watches.
    cuts: Bell,
    /// Whether the world's own controllers run after every write.
    settles: std::sync::atomic::AtomicBool,
}

/// A simulated API server. Clones share the same world.
///
/// It is a [`tower::Service`] over HTTP requests and answers them in process: no socket, no thread, and no time but
/// that of its clock. See [`ApiServer::client`].
#[derive(Clone)]
pub struct ApiServer {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for ApiServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiServer").finish_non_exhaustive()
    }
}

impl ApiServer {
    /// A server with a fresh world.
    pub fn new(clock: Clock) -> Self {
        let world = World::new(clock.now());
        Self::from_world(world, clock)
    }

    /// A server that takes a world up where another left it. It has no watches, no hooks and no transcript.
    pub fn from_world(world: World, clock: Clock) -> Self {
        let state = State {
            world,
            wakes: BTreeMap::new(),
            hooks: None,
            journal: None,
            transcript: None,
            counters: Counters::default(),
            secret: String::new(),
            stopped: false,
            starts: 0,
        };
        Self {
            inner: Arc::new(Inner {
                state: Mutex::new(state),
                clock,
                cuts: Bell::default(),
                settles: std::sync::atomic::AtomicBool::new(true),
            }),
        }
    }

    /// A client of this server, in process. Must be called within a tokio runtime.
    pub fn client(&self, default_namespace: &str) -> kube::Client {
        kube::Client::new(self.clone(), default_namespace)
    }

    /// The world as it is now; it stays as it is while the server goes on.
    pub fn world(&self) -> World {
        self.state().world.clone()
    }

    /// The server's clock.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Changes the world from outside, such as to register a conversion or to forget history, and wakes the watches.
    /// Where the journal does not keep what was written, that is logged, and the world is as it was.
    pub fn with_world<T>(&self, change: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let mut state = self.state();
        let before = state.world.clone();
        let result = change(&mut state.world, self.inner.clock.now());
        if let Err(error) = self.after_write(&mut state, before) {
            tracing::error!(%error, "a change of the world was not kept");
        }
        result
    }

    /// Consults the hooks around every request from now on; `None` removes them.
    pub fn set_hooks(&self, hooks: Option<Arc<dyn Hooks>>) {
        self.state().hooks = hooks;
    }

    /// Has a journal keep everything that is written from now on; `None` stops it. What was written before is the
    /// caller's to keep.
    pub fn set_journal(&self, journal: Option<Box<dyn Journal>>) {
        self.state().journal = journal;
    }

    /// Starts or stops keeping a transcript of requests; either way what was kept is dropped.
    pub fn record(&self, on: bool) {
        self.state().transcript = on.then(Vec::new);
    }

    /// The requests since recording was started.
    pub fn transcript(&self) -> Vec<Entry> {
        self.state().transcript.clone().unwrap_or_default()
    }

    /// How many requests were made since the server started, or since the last reset.
    pub fn counters(&self) -> Counters {
        self.state().counters.clone()
    }

    /// Sets all counters to zero.
    pub fn reset_counters(&self) {
        self.state().counters = Counters::default();
    }

    /// Ends all open watches, as a restart of the server would.
    pub fn cut_watches(&self) {
        self.inner.cuts.ring_again();
    }

    /// Takes the server down, as if its process were gone: every request fails with a refused connection, requests
    /// that are under way and open watches break. The world stays. Stopping what is stopped does nothing.
    pub fn stop(&self) {
        self.state().stopped = true;
        self.cut_watches();
    }

    /// Brings the server back with the world that it had: the same objects, uids and resourceVersions. History is
    /// forgotten, as a watch cache is with its process: a watch from before the newest write gets 410 and has to
    /// list again. Starting what runs does nothing.
    pub fn start(&self) {
        let mut state = self.state();
        if std::mem::take(&mut state.stopped) {
            state.starts += 1;
            state.world.compact();
        }
    }

    /// Whether the server was taken down.
    pub fn is_stopped(&self) -> bool {
        self.state().stopped
    }

    /// Takes note of a request; says which start of the server it has reached, or that it is down.
    fn arrive(&self) -> Option<u64> {
        let mut state = self.state();
        if state.stopped {
            state.counters.refused += 1;
            return None;
        }
        Some(state.starts)
    }

    /// Which start of the server this is; none while it is down.
    fn running(&self) -> Option<u64> {
        let state = self.state();
        (!state.stopped).then_some(state.starts)
    }

    /// Stops or resumes garbage collection and the other controllers of the world. Resuming catches up at once.
    pub fn set_controllers(&self, on: bool) {
        self.inner.settles.store(on, std::sync::atomic::Ordering::SeqCst);
        self.with_world(|_, _| ());
    }

    /// Signs tokens of service accounts with a secret from now on.
    fn sign_with(&self, secret: &str) {
        secret.clone_into(&mut self.state().secret);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in a test's hook must not hide behind a second one here; every write leaves the world whole.
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the controllers of the world run, has the journal keep what was written since `before`, then wakes the
    /// watches of it. Where it cannot be kept, the world is as it was before.
    fn after_write(&self, state: &mut State, before: World) -> std::io::Result<()> {
        if self.inner.settles.load(std::sync::atomic::Ordering::SeqCst) {
            state.world.settle(self.inner.clock.now());
        }
        if let Some(journal) = &mut state.journal
            && state.world.revision() != before.revision()
            && let Err(error) = journal.commit(before.revision(), &state.world)
        {
            state.world = before;
            return Err(error);
        }
        for (resource, wake) in &state.wakes {
            wake.ring(state.world.last_write(resource));
        }
        Ok(())
    }
}

impl<B> tower::Service<Request<B>> for ApiServer
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let server = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(Into::into)?.to_bytes();
            server.answer(&parts, &body).await
        })
    }
}
