//! Where probes and monitoring ask.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use capt_runtime::Health;
use tokio::net::TcpListener;

/// Serves `/healthz`, `/readyz` and `/metrics` on each of the addresses until the process ends.
///
/// Fails if one of them cannot be listened on.
pub(crate) async fn serve(
    addresses: impl IntoIterator<Item = SocketAddr>,
    metrics: &telemetry::Metrics,
    health: &Health,
) -> Result<()> {
    // Both flags may name one address.
    for address in addresses.into_iter().collect::<BTreeSet<_>>() {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("listen on {address}"))?;
        let health = health.clone();
        let router = telemetry::router(metrics.clone(), move || ready(&health));
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%address, %error, "the endpoints stopped answering");
            }
        });
    }
    Ok(())
}

fn ready(health: &Health) -> Result<(), String> {
    let unsynced = health.standing().unsynced();
    if unsynced.is_empty() {
        Ok(())
    } else {
        Err(format!(
            "these kinds are not listed yet:\n{}\n",
            unsynced.join("\n")
        ))
    }
}
