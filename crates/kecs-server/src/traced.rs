//! A data plane whose calls belong to the trace of the request that asked for them.
//!
//! A task is handed to the data plane, and stopped there, by another loop than the one that answers the request. What
//! links the two is the ARN of the task: the commit leaves its span here under it, and the call takes it from here.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use kecs_core::plane::{DataPlane, Execute, Order, PlaneFault, Reports};
use kecs_core::record::Record;
use kecs_core::tx::Commit;
use kecs_model::types;
use tracing::{Instrument as _, Span};

/// How many calls are remembered that were not made yet. The oldest goes first.
const REMEMBERED: usize = 10_000;

/// Where the calls of the data plane come from. Clones share it.
#[derive(Clone, Default)]
pub struct Origins(Arc<Mutex<Remembered>>);

#[derive(Default)]
struct Remembered {
    spans: BTreeMap<Awaited, Span>,
    order: VecDeque<Awaited>,
}

/// A call that is to be made for a task, which has this ARN.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Awaited {
    Run(String),
    Stop(String),
}

impl fmt::Debug for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Origins")
    }
}

impl Origins {
    /// The calls that a commit asks for come from this span. Answers with them.
    pub(crate) fn remember(&self, commit: &Commit, span: &Span) -> Vec<Awaited> {
        if span.is_disabled() {
            return Vec::new();
        }
        let is_request = !Span::current().is_none();
        let calls: Vec<Awaited> = commit
            .changes
            .iter()
            .filter_map(|it| awaited(it.record.as_deref(), is_request))
            .collect();
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for call in &calls {
            remembered.spans.insert(call.clone(), span.clone());
            remembered.order.push_back(call.clone());
            if remembered.order.len() > REMEMBERED
                && let Some(oldest) = remembered.order.pop_front()
            {
                remembered.spans.remove(&oldest);
            }
        }
        calls
    }

    /// The commit has failed: nothing is asked for.
    pub(crate) fn forget(&self, calls: &[Awaited]) {
        for call in calls {
            self.take(call);
        }
    }

    /// Where a call comes from. A span stays open until it is asked for.
    fn take(&self, call: &Awaited) -> Option<Span> {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.spans.remove(call)
    }
}

/// What a record asks for: to run a task that has only just begun, or to stop one that a request ends. Where no request
/// asks, the data plane itself may have told of a task that is ending already.
fn awaited(record: Option<&Record>, is_request: bool) -> Option<Awaited> {
    let Some(Record::Task(it)) = record else {
        return None;
    };
    let arn = it.task.task_arn.clone()?;
    match (it.task.last_status.as_deref(), it.task.desired_status.as_deref()) {
        (Some("PROVISIONING" | "PENDING" | "ACTIVATING" | "RUNNING"), Some("STOPPED")) if is_request => {
            Some(Awaited::Stop(arn))
        }
        (Some("PROVISIONING"), Some("RUNNING")) => Some(Awaited::Run(arn)),
        _ => None,
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
        let span = if let Some(origin) = self.origins.take(&Awaited::Run(arn.clone())) {
            tracing::info_span!(parent: &origin, "plane", call = "run", task = arn)
        } else {
            tracing::info_span!("plane", call = "run", task = arn)
        };
        self.plane.run(order).instrument(span).await
    }

    async fn stop(&self, task_arn: &str) -> Result<(), PlaneFault> {
        let span = if let Some(origin) = self.origins.take(&Awaited::Stop(task_arn.to_owned())) {
            tracing::info_span!(parent: &origin, "plane", call = "stop", task = task_arn)
        } else {
            tracing::info_span!("plane", call = "stop", task = task_arn)
        };
        self.plane.stop(task_arn).instrument(span).await
    }

    async fn execute(&self, request: Execute) -> Result<types::Session, PlaneFault> {
        let span = tracing::info_span!("plane", call = "execute", task = request.task_arn);
        self.plane.execute(request).instrument(span).await
    }
}
