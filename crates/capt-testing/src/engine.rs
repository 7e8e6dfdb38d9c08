//! The simulated engine, watched.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use capt_core::fault::Fault;
use capt_terraform::classify::LockInfo;
use capt_terraform::engine::{Failure, Job, Planned, ResumeAt, Resumption};
use capt_terraform::stream::Action;
use capt_terraform::{
    Changes, Engine, EngineKind, Operation, Output, RunEnd, RunSpec, Simulated, WorkspaceId,
};

use crate::invariants;
use crate::recorder::Recorder;

/// Writes down each operation when it begins and when it ends, and checks what must hold before one may begin.
pub(crate) struct Observed {
    pub(crate) inner: Simulated,
    pub(crate) recorder: Arc<Recorder>,
}

impl Observed {
    fn say(&self, job: &Job, text: &str) {
        self.recorder.say(&subject(&job.spec), text);
    }

    fn ended<T>(&self, job: &Job, result: &Result<T, Failure>, what: &str, words: impl FnOnce(&T) -> String) {
        self.recorder.flush();
        match result {
            Ok(value) => self.say(job, &format!("{what} {}: {}", job.spec.id, words(value))),
            Err(failure) => {
                let faults: Vec<_> = failure.faults.iter().map(ToString::to_string).collect();
                self.say(
                    job,
                    &format!("{what} {} failed: {}", job.spec.id, faults.join("; ")),
                );
            }
        }
    }
}

fn subject(spec: &RunSpec) -> String {
    format!("terraform {}", spec.label)
}

#[async_trait]
impl Engine for Observed {
    fn kind(&self) -> EngineKind {
        self.inner.kind()
    }

    async fn version(&self) -> Result<String, Fault> {
        self.inner.version().await
    }

    async fn resume(&self, workspace: &WorkspaceId) -> Result<Option<Resumption>, Fault> {
        self.inner.resume(workspace).await
    }

    async fn recorded_spec(&self, workspace: &WorkspaceId) -> Result<Option<RunSpec>, Fault> {
        self.inner.recorded_spec(workspace).await
    }

    async fn settle(&self, job: &Job) -> Result<(), Failure> {
        self.inner.settle(job).await
    }

    async fn prepare(&self, job: &Job) -> Result<(), Failure> {
        let left = self.inner.resume(&job.spec.workspace).await;
        if let Ok(Some(Resumption {
            at: ResumeAt::Step { alive: true, .. },
            id,
            ..
        })) = left
        {
            self.recorder.violate(format!(
                "{}: run {} begins while run {id} is alive",
                job.spec.label, job.spec.id
            ));
        }
        for violation in invariants::before_run(&self.recorder.server().world(), &job.spec) {
            self.recorder.violate(violation);
        }
        let prepared = self.inner.prepare(job).await;
        self.recorder.flush();
        prepared
    }

    async fn init(&self, job: &Job) -> Result<(), Failure> {
        let result = self.inner.init(job).await;
        if result.is_err() {
            self.ended(job, &result, "init", |()| String::new());
        }
        result
    }

    async fn state_is_missing(&self, job: &Job) -> Result<bool, Failure> {
        self.inner.state_is_missing(job).await
    }

    async fn has_nothing(&self, job: &Job) -> Result<bool, Failure> {
        self.inner.has_nothing(job).await
    }

    async fn plan(&self, job: &Job) -> Result<Planned, Failure> {
        let result = self.inner.plan(job).await;
        // That it began stands in the log of the cloud; what it found says as much.
        self.ended(job, &result, "plan", planned);
        result
    }

    async fn apply(&self, job: &Job, attempt: u32) -> Result<Changes, Failure> {
        let mut apply = self.inner.apply(job, attempt);
        let first = futures::poll!(&mut apply);
        if !self.recorder.flush() {
            self.say(job, &format!("{} {} followed", verb(&job.spec), job.spec.id));
        }
        let result = match first {
            std::task::Poll::Ready(result) => result,
            std::task::Poll::Pending => apply.await,
        };
        self.ended(job, &result, verb(&job.spec), |changes| {
            format!(
                "done, {} added, {} changed, {} removed",
                changes.add, changes.change, changes.remove
            )
        });
        result
    }

    async fn outputs(&self, job: &Job) -> Result<BTreeMap<String, Output>, Failure> {
        let outputs = self.inner.outputs(job).await?;
        for output in outputs.values().filter(|output| output.sensitive) {
            let text = output
                .value
                .as_str()
                .map_or_else(|| output.value.to_string(), str::to_owned);
            self.recorder.keep_secret(&text);
        }
        Ok(outputs)
    }

    async fn abandoned_lock(&self, job: &Job, failure: &Failure) -> Result<Option<LockInfo>, Fault> {
        self.inner.abandoned_lock(job, failure).await
    }

    async fn unlock(&self, job: &Job, lock_id: &str) -> Result<(), Failure> {
        self.inner.unlock(job, lock_id).await
    }

    async fn conclude(&self, job: &Job, end: &RunEnd) -> Result<(), Fault> {
        self.inner.conclude(job, end).await
    }

    fn forget(&self, workspace: &WorkspaceId) -> Result<(), Fault> {
        self.inner.forget(workspace)
    }
}

fn verb(spec: &RunSpec) -> &'static str {
    match spec.operation {
        Operation::Apply => "apply",
        Operation::Destroy => "destroy",
    }
}

fn planned(planned: &Planned) -> String {
    let count = |wanted: &[Action]| {
        planned
            .changes
            .iter()
            .filter(|change| wanted.contains(&change.action))
            .count()
    };
    let words = [
        (count(&[Action::Create]), "to add"),
        (count(&[Action::Update]), "to change"),
        (count(&[Action::Replace]), "to replace"),
        (count(&[Action::Delete]), "to destroy"),
    ];
    let words: Vec<_> = words
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    match (words.is_empty(), planned.applyable) {
        (true, true) => "only outputs".to_owned(),
        (true, false) => "no changes".to_owned(),
        (false, _) => words.join(", "),
    }
}
