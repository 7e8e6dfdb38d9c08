//! The steps of one run, in a row.

use std::collections::BTreeMap;
use std::sync::Arc;

use capt_core::fault::{Fault, FaultClass};
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::Shared;
use crate::engine::{Cancelled, EventSink, Failure, Job, Planned, ResumeAt, Resumption, Step};
use crate::run::{Changes, Operation, RunEnd, RunId, RunSpec, Stage, WorkspaceId};
use crate::secrets::Secrets;
use crate::stream::Event;

/// How often a plan may turn out stale within one run.
const MAX_APPLY_ATTEMPTS: u32 = 2;

/// The code of a fault that says that the saved plan no longer fits the state.
pub(crate) const STALE_PLAN: &str = "StalePlan";

/// Where the run is taken up.
#[derive(Debug, Clone, Copy)]
enum From {
    Preparing,
    /// An apply that was begun before; whether it is alive or dead, the engine knows its verdict.
    Applying(u32),
    Outputs,
}

/// Everything about a run that its steps share.
struct Run {
    shared: Arc<Shared>,
    workspace: WorkspaceId,
    id: RunId,
    cancelled: Cancelled,
    withdrawn: Cancelled,
}

/// What may be asked of a run while it goes on.
pub(super) struct Requests {
    /// To stop.
    pub(super) cancelled: watch::Receiver<bool>,
    /// To end before it changes anything.
    pub(super) withdrawn: watch::Receiver<bool>,
}

/// Runs a run to its end and keeps its view up to date.
pub(super) async fn run(
    shared: Arc<Shared>,
    workspace: WorkspaceId,
    id: RunId,
    spec: Option<RunSpec>,
    requests: Requests,
) {
    let run = Run {
        shared,
        workspace,
        id,
        cancelled: Cancelled(requests.cancelled),
        withdrawn: Cancelled(requests.withdrawn),
    };
    match run.resumption(spec.as_ref()).await {
        Ok(Some(Resumption {
            at: ResumeAt::Ended(end),
            started_at,
            operation,
            ..
        })) => {
            run.show(|view| {
                view.started_at = started_at;
                view.operation = operation;
            });
            run.end(end);
        }
        Ok(left) => run.work(spec, left).await,
        Err(fault) => run.fail(fault.into()),
    }
}

impl Run {
    /// What an earlier process left of this very run: of this id, and over the input of `spec` if there is one.
    async fn resumption(&self, spec: Option<&RunSpec>) -> Result<Option<Resumption>, Fault> {
        let engine = &self.shared.engine;
        let left = engine.resume(&self.workspace).await?;
        let Some(left) = left.filter(|left| left.id == self.id) else {
            return Ok(None);
        };
        let recorded = engine.recorded_spec(&self.workspace).await?;
        let Some(recorded) = recorded.filter(|recorded| recorded.id == self.id) else {
            return Ok(None);
        };
        let board = &self.shared.board;
        match spec {
            Some(spec) if spec.input_digest != recorded.input_digest => return Ok(None),
            Some(_) => {}
            None => board.learn_input(&self.workspace, &self.id, &recorded.input_digest),
        }
        Ok(Some(left))
    }

    async fn work(&self, spec: Option<RunSpec>, left: Option<Resumption>) {
        let spec = match spec {
            Some(spec) => spec,
            None => match self.shared.engine.recorded_spec(&self.workspace).await {
                Ok(Some(spec)) if spec.id == self.id => spec,
                Ok(_) => return self.fail(nothing_left(&self.id).into()),
                Err(fault) => return self.fail(fault.into()),
            },
        };
        let (from, alive) = match left.as_ref().map(|left| &left.at) {
            Some(ResumeAt::Step {
                step: Step::Apply,
                attempt,
                alive,
            }) => (From::Applying(*attempt), *alive),
            Some(ResumeAt::Step {
                step: Step::Outputs, ..
            }) => (From::Outputs, false),
            Some(
                ResumeAt::Step {
                    step: Step::Init | Step::Plan,
                    ..
                }
                | ResumeAt::Ended(_),
            )
            | None => (From::Preparing, false),
        };
        let started_at = left.map_or_else(|| (self.shared.clock)(), |left| left.started_at);
        let job = Job {
            events: self.sink(),
            spec: Arc::new(spec),
            started_at,
            cancelled: self.cancelled.clone(),
            clock: self.shared.clock.clone(),
        };
        self.show(|view| {
            view.operation = job.spec.operation;
            view.started_at = started_at;
        });
        let place = match self.place(alive).await {
            Ok(place) => place,
            Err(fault) => return self.conclude(&job, Err(fault.into())).await,
        };
        let mut verdict = self.steps(&job, from).await;
        if let Err(failure) = &verdict {
            match self.free(&job, failure).await {
                // Once in a run: a second lock is that of somebody who is there.
                Ok(true) => verdict = self.steps(&job, From::Preparing).await,
                Ok(false) => {}
                Err(failure) => verdict = Err(failure),
            }
        }
        if let Err(failure) = &verdict
            && self.has_nothing(&job, failure).await
        {
            verdict = Ok(RunEnd::Succeeded {
                outputs: BTreeMap::new(),
                changes: Changes::default(),
                finished_at: (self.shared.clock)(),
            });
        }
        self.conclude(&job, verdict).await;
        drop(place);
    }

    /// Whether a destroy has failed over its configuration alone and has nothing to destroy: whoever deletes what
    /// could never be applied must not be asked to mend it first.
    async fn has_nothing(&self, job: &Job, failure: &Failure) -> bool {
        let is_mistaken = failure
            .faults
            .first()
            .is_some_and(|fault| fault.class == FaultClass::Invalid);
        let asked = is_mistaken && job.spec.operation == Operation::Destroy && !self.cancelled.is_cancelled();
        // What keeps the state from being read does not make the mistake another one.
        asked && self.shared.engine.has_nothing(job).await.unwrap_or(false)
    }

    /// Waits for its turn. What is already running is followed at once, beyond the limit if need be.
    async fn place(&self, alive: bool) -> Result<Option<OwnedSemaphorePermit>, Fault> {
        let places = self.shared.places.clone();
        if alive {
            return Ok(places.try_acquire_owned().ok());
        }
        let (mut cancel, mut withdraw) = (self.cancelled.clone(), self.withdrawn.clone());
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(cancelled()),
            () = withdraw.cancelled() => Err(withdrawn()),
            place = places.acquire_owned() => Ok(place.ok()),
        }
    }

    /// Takes away the lock that a step has failed over, if a dead process has left it.
    async fn free(&self, job: &Job, failure: &Failure) -> Result<bool, Failure> {
        let engine = &self.shared.engine;
        let Some(lock) = engine.abandoned_lock(job, failure).await? else {
            return Ok(false);
        };
        let holder = lock.holder();
        tracing::warn!(workspace = %self.workspace, run = %self.id, lock = %lock.id, %holder, "a lock that a dead process has left is taken away");
        engine.unlock(job, &lock.id).await?;
        let now = (self.shared.clock)();
        self.show(|view| view.unlocked = Some((now, holder)));
        Ok(true)
    }

    async fn steps(&self, job: &Job, from: From) -> Result<RunEnd, Failure> {
        let engine = &self.shared.engine;
        let mut changes = Changes::default();
        let mut attempt = match from {
            From::Preparing => {
                engine.settle(job).await?;
                self.check_wanted()?;
                engine.prepare(job).await?;
                self.stage(Stage::Initializing);
                engine.init(job).await?;
                self.check_wanted()?;
                0
            }
            From::Applying(attempt) => {
                self.stage(Stage::Applying);
                match engine.apply(job, attempt).await {
                    Ok(done) => return self.read(job, done).await,
                    Err(failure) if is_stale(&failure) && attempt + 1 < MAX_APPLY_ATTEMPTS => attempt + 1,
                    Err(failure) => return Err(failure),
                }
            }
            From::Outputs => return self.read(job, changes).await,
        };
        loop {
            self.stage(Stage::Planning);
            if job.spec.expect_state && attempt == 0 && engine.state_is_missing(job).await? {
                return Err(state_lost().into());
            }
            let planned = engine.plan(job).await?;
            self.check_wanted()?;
            let guarded = guarded(&job.spec, &planned);
            if !guarded.is_empty() {
                return Ok(RunEnd::NeedsApproval {
                    changes: guarded,
                    finished_at: (self.shared.clock)(),
                });
            }
            if planned.applyable {
                self.shared.board.update(&self.workspace, &self.id, |entry| {
                    entry.tracker.plan(&planned.changes);
                    entry.view.progress = entry.tracker.view();
                    true
                });
                let now = (self.shared.clock)();
                if !self.shared.board.begin_apply(&self.workspace, &self.id, now) {
                    return Err(withdrawn().into());
                }
                match engine.apply(job, attempt).await {
                    Ok(done) => changes = done,
                    Err(failure) if is_stale(&failure) && attempt + 1 < MAX_APPLY_ATTEMPTS => {
                        attempt += 1;
                        continue;
                    }
                    Err(failure) => return Err(failure),
                }
            }
            return self.read(job, changes).await;
        }
    }

    /// Reads what the run has made; of what was destroyed nothing is left to read.
    async fn read(&self, job: &Job, changes: Changes) -> Result<RunEnd, Failure> {
        let outputs = match job.spec.operation {
            Operation::Apply => {
                self.stage(Stage::ReadingOutputs);
                self.shared.engine.outputs(job).await?
            }
            Operation::Destroy => BTreeMap::new(),
        };
        Ok(RunEnd::Succeeded {
            outputs,
            changes,
            finished_at: (self.shared.clock)(),
        })
    }

    async fn conclude(&self, job: &Job, verdict: Result<RunEnd, Failure>) {
        let end = verdict.unwrap_or_else(|failure| self.failed(failure));
        let end = Secrets::of(&job.spec).scrub_end(end);
        if let Err(fault) = self.shared.engine.conclude(job, &end).await {
            // The verdict still stands in this process; only a restart would not know it.
            tracing::warn!(workspace = %self.workspace, run = %self.id, %fault, "cannot keep the verdict of a run");
        }
        self.end(end);
    }

    fn fail(&self, failure: Failure) {
        let end = self.failed(failure);
        self.end(end);
    }

    fn failed(&self, failure: Failure) -> RunEnd {
        RunEnd::Failed {
            faults: failure.faults,
            finished_at: (self.shared.clock)(),
        }
    }

    fn end(&self, end: RunEnd) {
        let now = (self.shared.clock)();
        self.shared.board.update(&self.workspace, &self.id, |entry| {
            if end.is_success() {
                entry.tracker.finish();
                entry.view.progress = entry.tracker.view();
            }
            entry.view.stage = Stage::Ended;
            entry.view.last_activity = now;
            entry.view.end = Some(end);
            true
        });
    }

    fn stage(&self, stage: Stage) {
        let now = (self.shared.clock)();
        self.show(|view| {
            view.stage = stage;
            view.last_activity = now;
        });
    }

    fn show(&self, change: impl FnOnce(&mut crate::run::RunView)) {
        self.shared.board.update(&self.workspace, &self.id, |entry| {
            change(entry.view);
            true
        });
    }

    /// Whether the run is still wanted, as long as it has changed nothing.
    fn check_wanted(&self) -> Result<(), Fault> {
        if self.cancelled.is_cancelled() {
            Err(cancelled())
        } else if self.withdrawn.is_cancelled() {
            Err(withdrawn())
        } else {
            Ok(())
        }
    }

    /// Takes the events of the engine into the view. Only what an apply says moves the progress.
    fn sink(&self) -> EventSink {
        let (shared, workspace, id) = (self.shared.clone(), self.workspace.clone(), self.id.clone());
        Arc::new(move |event: &Event| {
            let now = (shared.clock)();
            shared.board.update(&workspace, &id, |entry| {
                entry.view.last_activity = now;
                if entry.view.stage != Stage::Applying || !entry.tracker.on(event) {
                    return false;
                }
                entry.view.progress = entry.tracker.view();
                true
            });
        })
    }
}

fn is_stale(failure: &Failure) -> bool {
    failure
        .faults
        .first()
        .is_some_and(|fault| fault.code == STALE_PLAN)
}

/// The changes that need an approval, as sentences. A tainted resource counts like any other: what Terraform
/// calls broken may be a cluster that has come up since.
fn guarded(spec: &RunSpec, planned: &Planned) -> Vec<String> {
    if spec.approved || spec.operation == Operation::Destroy {
        return Vec::new();
    }
    let is_protected = |kind: &str| spec.protected.iter().any(|protected| protected == kind);
    planned
        .changes
        .iter()
        .filter(|change| change.action.is_destructive() && is_protected(&change.resource_type))
        .map(|change| match change.reason.as_deref() {
            Some(reason) => format!("{} {} ({reason})", change.action.verb(), change.address),
            None => format!("{} {}", change.action.verb(), change.address),
        })
        .collect()
}

fn cancelled() -> Fault {
    Fault::new(
        FaultClass::Interrupted,
        "RunCancelled",
        "the run was stopped on request before it changed anything",
    )
}

fn withdrawn() -> Fault {
    Fault::new(
        FaultClass::Interrupted,
        "RunSuperseded",
        "the run ended before it changed anything: there is a newer input",
    )
}

fn nothing_left(id: &RunId) -> Fault {
    Fault::new(
        FaultClass::Interrupted,
        "RunLost",
        format!("nothing is left of run {id}"),
    )
}

fn state_lost() -> Fault {
    let message = "the workspace was applied before, but its state is empty; planning from here would make \
                   everything a second time";
    Fault::new(FaultClass::Integrity, "StateMissing", message)
}
