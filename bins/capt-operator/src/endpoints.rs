//! Where probes and monitoring ask.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use capt_runtime::{Clock, Health};
use jiff::Timestamp;
use tokio::net::TcpListener;

/// Serves `/healthz`, `/readyz` and `/metrics` on each of the addresses until the process ends.
///
/// Fails if one of them cannot be listened on.
pub(crate) async fn serve(
    addresses: impl IntoIterator<Item = SocketAddr>,
    metrics: &telemetry::Metrics,
    health: &Health,
    clock: &Clock,
) -> Result<()> {
    // Both flags may name one address.
    for address in addresses.into_iter().collect::<BTreeSet<_>>() {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("listen on {address}"))?;
        let (live, health) = (health.clone(), health.clone());
        let clock = clock.clone();
        let router = telemetry::router(
            metrics.clone(),
            move || alive(&live, clock.now()),
            move || ready(&health),
        );
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%address, %error, "the endpoints stopped answering");
            }
        });
    }
    Ok(())
}

/// A loop that stands still for so long will not move again. It takes a turn each 30 seconds at least, and no round
/// may take longer than some minutes.
const STUCK: Duration = Duration::from_mins(10);

fn alive(health: &Health, now: Timestamp) -> Result<(), String> {
    match health.standing().stuck(now, STUCK) {
        Some(why) => Err(format!("{why}\n")),
        None => Ok(()),
    }
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
