//! Runs: the steps of each run in a row, one run at a time for each workspace.
//!
//! # Guarantees
//!
//! * A run is identified by its [`RunId`] and the digest of its input: starting it again changes nothing, in this
//!   process or after a restart. The same id over another input is a new run.
//! * One workspace has at most one run, and at most [`RunsOptions::max_concurrent`] runs work at the same time;
//!   who waits longest comes first.
//! * Dropping the last handle leaves running processes alone. The next [`Runs`] over the same engine adopts them.

mod board;
mod sequence;

pub(crate) use sequence::STALE_PLAN;

use std::sync::Arc;

use capt_core::fault::{Fault, FaultClass};
use futures::{Stream, StreamExt as _};
use jiff::Timestamp;
use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;

use crate::engine::Engine;
use crate::run::{RunId, RunSpec, RunView, Stage, WorkspaceId};

use board::{Board, Slot};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How runs are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunsOptions {
    /// How many runs work at the same time.
    pub max_concurrent: usize,
}

impl Default for RunsOptions {
    /// Four: a Terraform process with the AWS provider takes some 300 MiB.
    fn default() -> Self {
        Self { max_concurrent: 4 }
    }
}

/// All runs of an engine. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Runs {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.board.abort_all();
    }
}

/// What the task of a run needs; it must not keep [`Inner`] alive.
struct Shared {
    engine: Arc<dyn Engine>,
    clock: Clock,
    places: Arc<Semaphore>,
    board: Board,
}

impl Runs {
    /// Runs over `engine`, which tell the time by `clock`.
    pub fn new(engine: Arc<dyn Engine>, options: &RunsOptions, clock: Clock) -> Self {
        let places = Arc::new(Semaphore::new(options.max_concurrent.max(1)));
        let shared = Arc::new(Shared {
            engine,
            clock,
            places,
            board: Board::default(),
        });
        Self {
            inner: Arc::new(Inner { shared }),
        }
    }

    /// The engine.
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.inner.shared.engine
    }

    /// Starts a run, or takes up the run of this id that was started before: one that ended gives its verdict,
    /// one that is alive is followed, one that died is continued or reported. Of the same id, but over another input, nothing is taken up.
    ///
    /// Must be called inside a tokio runtime. Fails with class [`FaultClass::Invalid`] if the spec cannot work,
    /// and with [`FaultClass::Dependency`] while another run of the workspace is under way.
    pub fn start(&self, spec: RunSpec) -> Result<(), Fault> {
        spec.validate()?;
        let (workspace, id) = (spec.workspace.clone(), spec.id.clone());
        self.launch(&workspace, &id, Some(spec))
    }

    /// Takes up a run that an earlier process started, from what it left behind. Without anything left the run
    /// ends as [`FaultClass::Interrupted`].
    pub fn adopt(&self, workspace: &WorkspaceId, id: &RunId) -> Result<(), Fault> {
        self.launch(workspace, id, None)
    }

    fn launch(&self, workspace: &WorkspaceId, id: &RunId, spec: Option<RunSpec>) -> Result<(), Fault> {
        let shared = &self.inner.shared;
        let now = (shared.clock)();
        let (cancel, cancelled) = watch::channel(false);
        let (withdraw, withdrawn) = watch::channel(false);
        let slot = Slot::new(id.clone(), spec.as_ref(), now, cancel, withdraw);
        if !shared.board.claim(workspace, slot)? {
            return Ok(());
        }
        let task = tokio::spawn(sequence::run(
            shared.clone(),
            workspace.clone(),
            id.clone(),
            spec,
            sequence::Requests { cancelled, withdrawn },
        ));
        shared.board.attach(workspace, id, task.abort_handle());
        Ok(())
    }

    /// The latest run of a workspace as it is now; absent if none was started or adopted here.
    pub fn view(&self, workspace: &WorkspaceId) -> Option<RunView> {
        self.inner.shared.board.view(workspace)
    }

    /// Asks the run of a workspace to stop: once, softly. It ends when the engine has stopped.
    pub fn cancel(&self, workspace: &WorkspaceId) {
        self.inner.shared.board.cancel(workspace);
    }

    /// Asks all runs to stop: each once, softly. Completes when every one of them has ended.
    pub async fn stop_all(&self) {
        let board = &self.inner.shared.board;
        let mut changes = std::pin::pin!(self.changes());
        for workspace in board.under_way() {
            board.cancel(&workspace);
        }
        while !board.under_way().is_empty() && changes.next().await.is_some() {}
    }

    /// The workspaces with a run that is under way.
    pub fn under_way(&self) -> Vec<WorkspaceId> {
        self.inner.shared.board.under_way()
    }

    /// Asks the run of a workspace to end before it changes anything, as [`FaultClass::Interrupted`]. No process is
    /// stopped for it; a run that applies already goes on.
    pub fn withdraw(&self, workspace: &WorkspaceId) {
        self.inner.shared.board.withdraw(workspace);
    }

    /// Forgets a workspace and removes what is kept for it. Refused with [`FaultClass::Dependency`] while a run
    /// is under way, and with [`FaultClass::Integrity`] while it holds a state that was never stored.
    pub fn forget(&self, workspace: &WorkspaceId) -> Result<(), Fault> {
        let shared = &self.inner.shared;
        if shared
            .board
            .view(workspace)
            .is_some_and(|view| view.stage != Stage::Ended)
        {
            return Err(Fault::new(
                FaultClass::Dependency,
                "RunInProgress",
                "a run of this workspace is under way",
            ));
        }
        shared.engine.forget(workspace)?;
        shared.board.remove(workspace);
        Ok(())
    }

    /// The workspaces whose view has changed since they were last yielded, each once however often it changed.
    pub fn changes(&self) -> impl Stream<Item = WorkspaceId> + Send + use<> {
        self.inner.shared.board.subscribe()
    }
}

/// Stops the task of a run when it is let go.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
