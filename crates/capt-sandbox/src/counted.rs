//! An engine that counts what it is asked for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use capt_core::fault::Fault;
use capt_terraform::classify::LockInfo;
use capt_terraform::engine::{Failure, Job, Planned, Resumption};
use capt_terraform::{Changes, Engine, EngineKind, Output, RunEnd, RunSpec, WorkspaceId};

/// How often an engine was asked for what.
#[derive(Debug, Default)]
pub struct EngineCounts {
    runs: AtomicU64,
    steps: AtomicU64,
}

impl EngineCounts {
    /// Runs that were prepared.
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// Steps that start a process of their own: init, plan, apply, outputs and the like.
    pub fn processes(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }
}

/// An engine, counted.
pub(crate) struct Counted {
    engine: Arc<dyn Engine>,
    counts: Arc<EngineCounts>,
}

impl Counted {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> (Self, Arc<EngineCounts>) {
        let counts = Arc::new(EngineCounts::default());
        let counted = Self {
            engine,
            counts: Arc::clone(&counts),
        };
        (counted, counts)
    }

    fn step(&self) {
        self.counts.steps.fetch_add(1, Ordering::Relaxed);
    }
}

#[async_trait]
impl Engine for Counted {
    fn kind(&self) -> EngineKind {
        self.engine.kind()
    }

    async fn version(&self) -> Result<String, Fault> {
        self.engine.version().await
    }

    async fn resume(&self, workspace: &WorkspaceId) -> Result<Option<Resumption>, Fault> {
        self.engine.resume(workspace).await
    }

    async fn recorded_spec(&self, workspace: &WorkspaceId) -> Result<Option<RunSpec>, Fault> {
        self.engine.recorded_spec(workspace).await
    }

    async fn settle(&self, job: &Job) -> Result<(), Failure> {
        self.engine.settle(job).await
    }

    async fn prepare(&self, job: &Job) -> Result<(), Failure> {
        self.counts.runs.fetch_add(1, Ordering::Relaxed);
        self.engine.prepare(job).await
    }

    async fn init(&self, job: &Job) -> Result<(), Failure> {
        self.step();
        self.engine.init(job).await
    }

    async fn state_is_missing(&self, job: &Job) -> Result<bool, Failure> {
        self.step();
        self.engine.state_is_missing(job).await
    }

    async fn has_nothing(&self, job: &Job) -> Result<bool, Failure> {
        self.engine.has_nothing(job).await
    }

    async fn plan(&self, job: &Job) -> Result<Planned, Failure> {
        self.step();
        self.engine.plan(job).await
    }

    async fn apply(&self, job: &Job, attempt: u32) -> Result<Changes, Failure> {
        self.step();
        self.engine.apply(job, attempt).await
    }

    async fn outputs(&self, job: &Job) -> Result<BTreeMap<String, Output>, Failure> {
        self.step();
        self.engine.outputs(job).await
    }

    async fn abandoned_lock(&self, job: &Job, failure: &Failure) -> Result<Option<LockInfo>, Fault> {
        self.engine.abandoned_lock(job, failure).await
    }

    async fn unlock(&self, job: &Job, lock_id: &str) -> Result<(), Failure> {
        self.step();
        self.engine.unlock(job, lock_id).await
    }

    async fn conclude(&self, job: &Job, end: &RunEnd) -> Result<(), Fault> {
        self.engine.conclude(job, end).await
    }

    fn forget(&self, workspace: &WorkspaceId) -> Result<(), Fault> {
        self.engine.forget(workspace)
    }
}
