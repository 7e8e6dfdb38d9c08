//! A data plane whose calls belong to the trace of the request that asked for the task.
//!
//! A task is handed to the data plane by another loop than the one that answers the request. What links the two is the
//! ARN of the task: the commit leaves its span here under it, and the call takes it from here.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use kecs_core::plane::{DataPlane, Execute, Order, PlaneFault, Reports};
use kecs_core::record::Record;
use kecs_core::tx::Commit;
use kecs_model::types;
use tracing::{Instrument as _, Span};

/// How many tasks are remembered that were not handed over yet. The oldest goes first.
const REMEMBERED: usize = 10_000;

/// Where tasks come from. Clones share it.
#[derive(Clone, Default)]
pub struct Origins(Arc<Mutex<Remembered>>);

#[derive(Default)]
struct Remembered {
    spans: BTreeMap<String, Span>,
    order: VecDeque<String>,
}

impl fmt::Debug for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origins")
    }
}

impl Origins {
    /// The tasks that a commit makes come from this span. Answers with their ARNs.
    pub(crate) fn remember(&self, commit: &Commit, span: &Span) -> Vec<String> {
        if span.is_disabled() {
            return Vec::new();
        }
        let made: Vec<String> = commit
            .changes
            .iter()
            .filter_map(|it| made(it.record.as_deref()))
            .collect();
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for arn in &made {
            remembered.spans.insert(arn.clone(), span.clone());
            remembered.order.push_back(arn.clone());
            if remembered.order.len() > REMEMBERED
                && let Some(oldest) = remembered.order.pop_front()
            {
                remembered.spans.remove(&oldest);
            }
        }
        made
    }

    /// The commit has failed: there are no such tasks.
    pub(crate) fn forget(&self, arns: &[String]) {
        for arn in arns {
            self.take(arn);
        }
    }

    /// Where a task comes from. A span stays open until it is asked for.
    fn take(&self, arn: &str) -> Option<Span> {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.spans.remove(arn)
    }
}

/// The ARN of a task that has only just begun.
fn made(record: Option<&Record>) -> Option<String> {
    match record {
        Some(Record::Task(it)) if it.task.last_status.as_deref() == Some("PROVISIONING") => {
            it.task.task_arn.clone()
        }
        Some(_) | None => None,
    }
}

/// A data plane, traced.
pub struct Traced {
    plane: Arc<dyn DataPlane>,
    origins: Origins,
}

impl Traced {
    /// Traces the calls of `plane`.
    pub fn new(plane: Arc<dyn DataPlane>, origins: Origins) -> Self {
        Self { plane, origins }
    }
}

#[async_trait]
impl DataPlane for Traced {
    async fn attach(&self, reports: Arc<dyn Reports>, live: Vec<Order>) {
        self.plane.attach(reports, live).await;
    }

    async fn run(&self, order: Order) -> Result<(), PlaneFault> {
        let arn = order.task.task_arn.clone().unwrap_or_default();
        let span = if let Some(origin) = self.origins.take(&arn) {
            tracing::info_span!(parent: &origin, "plane", call = "run", task = arn)
        } else {
            tracing::info_span!("plane", call = "run", task = arn)
        };
        self.plane.run(order).instrument(span).await
    }

    async fn stop(&self, task_arn: &str) -> Result<(), PlaneFault> {
        let span = tracing::info_span!("plane", call = "stop", task = task_arn);
        self.plane.stop(task_arn).instrument(span).await
    }

    async fn execute(&self, request: Execute) -> Result<types::Session, PlaneFault> {
        let span = tracing::info_span!("plane", call = "execute", task = request.task_arn);
        self.plane.execute(request).instrument(span).await
    }
}
