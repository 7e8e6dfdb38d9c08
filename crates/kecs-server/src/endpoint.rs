//! The endpoint of the API: one request in, one answer out.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use clock::Clock;
use futures::FutureExt as _;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kecs_core::api::Output;
use kecs_model::{ErrorCode, Operation, Refusal, check};
use serde_json::Value;
use tokio::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::access::{Access, Caller, Home, resources};
use crate::api::{Api, Request};
use crate::audit::{Audit, Entry};
use crate::fallback::Fallback;
use crate::metrics::Metrics;
use crate::request_id::RequestIds;
use crate::sigv4::SignedRequest;
use crate::wire::{self, Elsewhere, Route};

#[cfg(test)]
mod tests;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a body that is not wanted is read.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// What answers requests.
#[derive(Debug)]
pub struct Endpoint {
    /// The operations.
    pub api: Api,
    /// Who may ask.
    pub access: Access,
    /// What holds where a request says nothing.
    pub home: Home,
    /// Where requests for other services go.
    pub fallback: Option<Fallback>,
    /// The largest body that is read, in bytes.
    pub max_body: usize,
    /// Where requests are written down.
    pub audit: Option<Arc<Audit>>,
    /// What is measured.
    pub metrics: Metrics,
    /// The time of day.
    pub clock: Clock,
    /// Ids of requests.
    pub ids: RequestIds,
}

/// What has become of a request for an operation, for those who write it down.
struct Outcome {
    caller: Option<Caller>,
    resources: Vec<String>,
    answer: Result<Output, Refusal>,
}

impl Outcome {
    fn refused(caller: Option<Caller>, refusal: Refusal) -> Self {
        Self {
            caller,
            resources: Vec::new(),
            answer: Err(refusal),
        }
    }
}

impl Endpoint {
    /// Answers a request. Nothing that a request holds ends in anything but an answer.
    pub async fn answer(self: Arc<Self>, request: http::Request<Body>) -> Response {
        let id = self.ids.next();
        let (parts, body) = request.into_parts();
        let answered = AssertUnwindSafe(self.route(id, parts, body)).catch_unwind().await;
        answered.unwrap_or_else(|_| {
            tracing::error!(request_id = %id, "a request ended in a panic");
            let message = "The request processing has failed because of an internal error.";
            wire::refusal(id, &Refusal::new(ErrorCode::InternalFailure, message))
        })
    }

    async fn route(&self, id: Uuid, parts: Parts, body: Body) -> Response {
        let started = Instant::now();
        let has_body = !body.is_end_stream();
        let (name, mut response) = match wire::route(&parts) {
            Route::Operation(operation) => {
                let span = tracing::info_span!(
                    "request",
                    operation = operation.name(),
                    request_id = %id,
                    cluster = tracing::field::Empty,
                    service = tracing::field::Empty,
                    task = tracing::field::Empty,
                    "error.type" = tracing::field::Empty,
                );
                let response = self.operation(id, operation, &parts, body).instrument(span).await;
                (operation.name(), response)
            }
            Route::Unknown(name) => {
                let message = format!("{TARGET} has no operation {name}", TARGET = wire::TARGET_PREFIX);
                let refusal = Refusal::new(ErrorCode::UnknownOperationException, message);
                discard(body).await;
                ("Unknown", wire::refusal(id, &refusal))
            }
            Route::Elsewhere(elsewhere) => (
                "Elsewhere",
                self.elsewhere(id, parts.clone(), body, &elsewhere).await,
            ),
        };
        let status = response.status();
        let is_read = match name {
            "Unknown" => false,
            "Elsewhere" => self.fallback.is_some(),
            _ => !matches!(
                status,
                StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT
            ),
        };
        if has_body && !is_read {
            // What is left of the body would be taken for the next request.
            let headers = response.headers_mut();
            headers.insert(http::header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.metrics
            .request(&parts.method, name, status.as_u16(), started.elapsed());
        response
    }

    async fn elsewhere(&self, id: Uuid, parts: Parts, body: Body, elsewhere: &Elsewhere) -> Response {
        let Some(fallback) = &self.fallback else {
            discard(body).await;
            return wire::nowhere(id, &parts, elsewhere);
        };
        match fallback.pass(http::Request::from_parts(parts, body)).await {
            Ok(mut response) => {
                wire::stamp(id, response.headers_mut());
                response
            }
            Err(error) => {
                tracing::warn!(request_id = %id, error = &error as &dyn std::error::Error, "pass a request on");
                let refusal = Refusal::new(ErrorCode::ServiceUnavailableException, error.to_string());
                wire::refusal(id, &refusal)
            }
        }
    }

    async fn operation(&self, id: Uuid, operation: Operation, parts: &Parts, body: Body) -> Response {
        // Nobody reads more than milliseconds.
        let received = self.clock.now();
        let received = received.round(jiff::Unit::Millisecond).unwrap_or(received);
        let outcome = match read(body, self.max_body).await {
            Ok(body) => self.outcome(id, operation, parts, &body).await,
            Err(refusal) => Outcome::refused(None, refusal),
        };
        if let Err(refusal) = &outcome.answer {
            tracing::debug!(code = refusal.code.name(), reason = refusal.message, "refused");
            tracing::Span::current().record("error.type", refusal.code.name());
        }
        if let Some(audit) = &self.audit {
            let caller = outcome.caller.as_ref();
            let entry = Entry {
                time: received,
                request_id: id,
                principal: caller.map(|it| it.principal.as_str()),
                account: caller.map(|it| it.scope.account.as_str()),
                region: caller.map(|it| it.scope.region.as_str()),
                operation: operation.name(),
                resources: &outcome.resources,
                outcome: outcome.answer.as_ref().map_or_else(|it| it.code.name(), |_| "OK"),
            };
            audit.write(&entry).await;
        }
        match outcome.answer {
            Ok(output) => wire::output(id, output),
            Err(refusal) => wire::refusal(id, &refusal),
        }
    }

    async fn outcome(&self, id: Uuid, operation: Operation, parts: &Parts, body: &Bytes) -> Outcome {
        let signed = SignedRequest {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &parts.headers,
            body,
        };
        let caller = match self.access.caller(&signed, &self.home, self.clock.now()) {
            Ok(caller) => caller,
            Err(fault) => return Outcome::refused(None, fault.into()),
        };
        let input = match wire::input(body).and_then(|input| check(operation, &input).map(|()| input)) {
            Ok(input) => input,
            Err(refusal) => return Outcome::refused(Some(caller), refusal),
        };
        name_in_span(&input);
        let resources = if self.audit.is_some() || !caller.policy.is_open() {
            resources(operation, &input, &caller.scope)
        } else {
            Vec::new()
        };
        let answer = match caller.authorize(operation.name(), &resources) {
            Ok(()) => {
                let request = Request {
                    id,
                    caller: &caller,
                    operation,
                    input,
                };
                self.api.answer(request).await
            }
            Err(refusal) => Err(refusal),
        };
        Outcome {
            caller: Some(caller),
            resources,
            answer,
        }
    }
}

/// What log lines within this request say of it besides.
fn name_in_span(input: &Value) {
    let span = tracing::Span::current();
    for name in ["cluster", "service", "task"] {
        if let Some(value) = input.get(name).and_then(Value::as_str) {
            span.record(name, value);
        }
    }
}

/// The whole body, if it is no larger than `limit` bytes and comes in time.
async fn read(mut body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let too_large = || {
        Refusal::new(
            ErrorCode::RequestEntityTooLargeException,
            format!("The request body is larger than {limit} bytes."),
        )
    };
    // What is said to be too large is not kept.
    if usize::try_from(body.size_hint().lower()).is_ok_and(|told| told > limit) {
        discard(body).await;
        return Err(too_large());
    }
    let collected = tokio::time::timeout(BODY_TIMEOUT, Limited::new(&mut body, limit).collect()).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            discard(body).await;
            Err(too_large())
        }
        Ok(Err(_)) => Err(Refusal::new(
            ErrorCode::SerializationException,
            "The request body could not be read to its end.",
        )),
        Err(_) => Err(Refusal::new(
            ErrorCode::RequestTimeoutException,
            format!(
                "The request body did not arrive within {} seconds.",
                BODY_TIMEOUT.as_secs()
            ),
        )),
    }
}

/// Reads what still comes for a moment: whoever is sending when the connection ends does not see the answer.
pub(crate) async fn discard(mut body: Body) {
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    if tokio::time::timeout(DISCARD_TIMEOUT, rest).await.is_err() {
        tracing::debug!("a body that is not wanted was not read to its end");
    }
}
