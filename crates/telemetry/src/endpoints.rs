//! `/metrics`, `/healthz` and `/readyz`.

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::{MethodRouter, get};

use crate::metrics::Metrics;

/// The media type of the `OpenMetrics` text format.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The routes that a cluster and its monitoring ask.
///
/// `/healthz` asks `alive` and `/readyz` asks `ready`, whose errors are the texts of answers with status 503: one that
/// is not alive should be started anew, one that is not ready should be waited for.
pub fn router<A, R>(metrics: Metrics, alive: A, ready: R) -> Router
where
    A: Fn() -> Result<(), String> + Send + Sync + 'static,
    R: Fn() -> Result<(), String> + Send + Sync + 'static,
{
    Router::new()
        .route(
            "/metrics",
            get(move || {
                let text = metrics.render();
                async move { ([(header::CONTENT_TYPE, OPEN_METRICS)], text) }
            }),
        )
        .route("/healthz", probe(alive))
        .route("/readyz", probe(ready))
}

fn probe<P>(ask: P) -> MethodRouter
where
    P: Fn() -> Result<(), String> + Send + Sync + 'static,
{
    let ask = Arc::new(ask);
    get(move || {
        let answer = match ask() {
            Ok(()) => (StatusCode::OK, "ok".to_owned()),
            Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
        };
        async move { answer }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::router;
    use crate::metrics::Metrics;

    async fn ask(router: &axum::Router, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readiness_is_asked_anew_each_time() {
        let synced = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&synced);
        let ready = move || {
            if seen.load(Ordering::SeqCst) {
                Ok(())
            } else {
                Err("caches are not synced".to_owned())
            }
        };
        let router = router(Metrics::new(), || Ok(()), ready);
        let not_yet = (
            StatusCode::SERVICE_UNAVAILABLE,
            "caches are not synced".to_owned(),
        );
        assert_eq!(ask(&router, "/readyz").await, not_yet);
        assert_eq!(ask(&router, "/healthz").await, (StatusCode::OK, "ok".to_owned()));
        synced.store(true, Ordering::SeqCst);
        assert_eq!(ask(&router, "/readyz").await, (StatusCode::OK, "ok".to_owned()));
    }

    #[tokio::test]
    async fn a_driver_that_is_stuck_is_not_healthy() {
        let router = router(Metrics::new(), || Err("stuck".to_owned()), || Ok(()));
        let stuck = (StatusCode::SERVICE_UNAVAILABLE, "stuck".to_owned());
        assert_eq!(ask(&router, "/healthz").await, stuck);
        assert_eq!(ask(&router, "/readyz").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn metrics_are_rendered_when_they_are_asked_for() {
        let metrics = Metrics::new();
        let router = router(metrics.clone(), || Ok(()), || Ok(()));
        metrics.queue_depth("captcluster", 3);
        let (status, text) = ask(&router, "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            text.contains("capt_queue_depth{controller=\"captcluster\"} 3\n"),
            "{text}"
        );
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
