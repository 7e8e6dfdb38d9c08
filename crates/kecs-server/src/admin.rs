//! The admin port: whether it lives, whether it is ready, what it measures and what it is doing.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use clock::Clock;
use http::{StatusCode, header};
use kecs_core::key::{Key, Scope};
use kecs_core::record::Token;
use kecs_core::tx::Tx;
use kecs_store::Store;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use crate::audit::Audit;
use crate::metrics::Metrics;
use crate::profile;

/// The media type of the `OpenMetrics` text format.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// For how long a test write counts.
const WRITE_COUNTS: Duration = Duration::from_secs(5);
/// How long a test write may take.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);

/// What the admin port tells of.
pub struct Admin {
    /// The store.
    pub store: Arc<dyn Store>,
    /// What is measured.
    pub metrics: Metrics,
    /// The audit log, if there is one.
    pub audit: Option<Arc<Audit>>,
    /// The time of day.
    pub clock: Clock,
    /// Says true when the server stops.
    pub stop: watch::Receiver<bool>,
    /// The last test write and what came of it.
    pub written: Mutex<Option<(Instant, Result<(), String>)>>,
    /// What is measured just before it is told.
    pub refresh: Box<dyn Fn(&Metrics) + Send + Sync>,
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admin")
    }
}

/// The routes: `/healthz`, `/readyz`, `/metrics`, `/debug/runtime` and `/debug/pprof/profile`.
pub fn router(admin: Arc<Admin>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/debug/runtime", get(runtime))
        .route("/debug/pprof/profile", get(cpu_profile))
        .with_state(admin)
}

async fn readyz(State(admin): State<Arc<Admin>>) -> Response {
    match admin.ready().await {
        Ok(()) => "ok".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason).into_response(),
    }
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Response {
    if let Some(audit) = &admin.audit {
        admin.metrics.audit_lost(audit.lost());
    }
    (admin.refresh)(&admin.metrics);
    ([(header::CONTENT_TYPE, OPEN_METRICS)], admin.metrics.render()).into_response()
}

async fn runtime(State(admin): State<Arc<Admin>>) -> Response {
    match admin.store.stats() {
        Ok(stats) => axum_json(&profile::runtime(&stats)),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

fn axum_json(value: &serde_json::Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

async fn cpu_profile(RawQuery(query): RawQuery) -> Response {
    let seconds = query.as_deref().and_then(|query| query.strip_prefix("seconds="));
    let seconds = seconds.map_or(Ok(10), str::parse::<u64>);
    let Some(seconds) = seconds.ok().filter(|seconds| (1..=60).contains(seconds)) else {
        let message = "seconds is a number from 1 to 60";
        return (StatusCode::BAD_REQUEST, message).into_response();
    };
    match profile::cpu(Duration::from_secs(seconds)).await {
        Ok(stacks) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], stacks).into_response(),
        Err(error) => (StatusCode::CONFLICT, error.to_string()).into_response(),
    }
}

impl Admin {
    /// Whether requests can be taken: the server is not stopping, and the store takes a write.
    pub async fn ready(&self) -> Result<(), String> {
        if *self.stop.borrow() {
            return Err("the server stops".to_owned());
        }
        // One writes, and those who ask meanwhile hear of that.
        let mut written = self.written.lock().await;
        if let Some((at, outcome)) = &*written
            && at.elapsed() < WRITE_COUNTS
        {
            return outcome.clone();
        }
        let outcome = tokio::time::timeout(WRITE_TIMEOUT, self.write()).await;
        let outcome = outcome.unwrap_or_else(|_| Err("the store does not take writes in time".to_owned()));
        *written = Some((Instant::now(), outcome.clone()));
        outcome
    }

    /// Writes a record of its own, where no account can be.
    async fn write(&self) -> Result<(), String> {
        let now = self.clock.now();
        let commit = {
            let scope = Scope::new("readiness", "local");
            let view = self.store.view().map_err(|error| error.to_string())?;
            let mut tx = Tx::new(&*view, &scope, now);
            let key: Key = scope.token("readyz", "probe");
            // Others may be asked at the same time, so nothing is expected of what was there.
            tx.put(
                key,
                Token {
                    fingerprint: String::new(),
                    resources: Vec::new(),
                    expires: now,
                },
            );
            tx.finish()
        };
        match self.store.commit(commit, now).await {
            // Somebody else has just written it.
            Ok(_) | Err(kecs_store::CommitError::Conflict(_)) => Ok(()),
            Err(kecs_store::CommitError::Failed(error)) => Err(format!("the store takes no writes: {error}")),
        }
    }
}
