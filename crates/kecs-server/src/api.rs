//! From a call to what is kept: operations run against a view and are committed, again if others were faster.

use std::fmt;
use std::sync::Arc;

use clock::Clock;
use kecs_core::api::{Answer, Effect, Output};
use kecs_core::call::{Call, Ids};
use kecs_core::plane::{DataPlane, PlaneFault};
use kecs_core::tx::{Commit, Tx};
use kecs_model::{ErrorCode, Operation, Refusal};
use kecs_store::{CommitError, Store};
use serde_json::Value;
use uuid::Uuid;

use crate::access::Caller;
use crate::contention::Queues;
use crate::request_id::seed;

/// How often an operation is tried before the caller is told to come again.
const ATTEMPTS: u32 = 64;

/// What answers operations.
pub type Operations = for<'v, 'c> fn(Operation, &mut Tx<'v>, &Call<'c>, &Value) -> Result<Answer, Refusal>;

/// The operations over a store and a data plane.
pub struct Api {
    store: Arc<dyn Store>,
    plane: Arc<dyn DataPlane>,
    operations: Operations,
    clock: Clock,
    endpoint: String,
    queues: Queues,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("store", &self.store.engine())
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// One call of an operation.
#[derive(Debug)]
pub struct Request<'a> {
    /// The id of the request: what it makes at random comes of it.
    pub id: Uuid,
    /// Who asks.
    pub caller: &'a Caller,
    /// What for.
    pub operation: Operation,
    /// The input, checked against the model.
    pub input: Value,
}

impl Api {
    /// The operations of Amazon ECS. `endpoint` is the URL that agents are told to poll.
    pub fn new(store: Arc<dyn Store>, plane: Arc<dyn DataPlane>, clock: Clock, endpoint: String) -> Self {
        Self {
            store,
            plane,
            operations: kecs_core::api::answer,
            clock,
            endpoint,
            queues: Queues::default(),
        }
    }

    /// With other operations.
    #[must_use]
    pub fn with_operations(mut self, operations: Operations) -> Self {
        self.operations = operations;
        self
    }

    /// Answers a request. What it says is durable when this returns.
    pub async fn answer(&self, request: Request<'_>) -> Result<Output, Refusal> {
        let mut turn = None;
        for _ in 0..ATTEMPTS {
            let (answer, commit) = self.decide(&request)?;
            match self.commit(commit).await {
                Ok(()) => return self.finish(answer).await,
                Err(CommitError::Conflict(expect)) => {
                    // Whoever writes the same stands in one line from now on, instead of all trying at once.
                    tracing::debug!(?expect, "another commit was faster");
                    turn = Some(self.queues.turn(&expect, turn.take()).await);
                }
                Err(CommitError::Failed(error)) => {
                    tracing::error!(error = &error as &dyn std::error::Error, "commit");
                    return Err(Refusal::server("The server could not keep what was asked for."));
                }
            }
        }
        Err(Refusal::new(
            ErrorCode::ThrottlingException,
            "Rate exceeded: too many requests change the same resource at once.",
        ))
    }

    fn decide(&self, request: &Request<'_>) -> Result<(Answer, Commit), Refusal> {
        let span = tracing::info_span!("decide", operation = request.operation.name());
        let _entered = span.enter();
        let now = self.clock.now();
        let scope = &request.caller.scope;
        let view = self.store.view().map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "open a view");
            Refusal::server("The server could not read what is kept.")
        })?;
        let call = Call {
            scope,
            now,
            principal: &request.caller.principal,
            endpoint: &self.endpoint,
            // The same at each attempt: a repeated decision makes the same things.
            ids: Ids::new(seed(request.id)),
        };
        let mut tx = Tx::new(&*view, scope, now);
        let answer = (self.operations)(request.operation, &mut tx, &call, &request.input)?;
        Ok((answer, tx.finish()))
    }

    async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        if commit.is_empty() {
            return Ok(());
        }
        self.store.commit(commit, self.clock.now()).await.map(|_| ())
    }

    async fn finish(&self, answer: Answer) -> Result<Output, Refusal> {
        let Answer { output, effect } = answer;
        match effect {
            None => Ok(output),
            Some(Effect::Execute(execute)) => {
                let session = self.plane.execute(execute).await;
                let session = session.map_err(|fault| refused(&fault))?;
                let session = serde_json::to_value(session).unwrap_or_default();
                let mut output = output.value();
                if let Some(output) = output.as_object_mut() {
                    output.insert("session".to_owned(), session);
                }
                Output::of(&output)
            }
        }
    }
}

/// What the caller is told when the data plane could not do it.
fn refused(fault: &PlaneFault) -> Refusal {
    let code = match fault {
        PlaneFault::Unreachable(_) => ErrorCode::ServerException,
        PlaneFault::NotRunning(_) => ErrorCode::TargetNotConnectedException,
        PlaneFault::Unsupported(_) => ErrorCode::UnsupportedFeatureException,
        PlaneFault::NoRoom(_) => ErrorCode::ClientException,
    };
    Refusal::new(code, fault.to_string())
}
