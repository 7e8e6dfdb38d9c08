//! Events over a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use kecs_store::{Logged, Store, StoreError};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::{Since, Subscription};
use crate::listen::stopped;
use crate::metrics::Metrics;

/// How many events are read in one go.
const BATCH: usize = 256;
/// A subscriber that is behind by more events than this is told so.
const LAG: u64 = 1000;
/// How often a quiet connection shows that it is there.
const PING: Duration = Duration::from_secs(30);

/// Why a subscription ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    /// The subscriber is gone.
    #[error("the subscriber is gone")]
    Gone,
    /// Events cannot be read.
    #[error("read events")]
    Store(#[from] StoreError),
}

/// A subscriber.
pub struct Subscriber {
    /// Where events are.
    pub store: Arc<dyn Store>,
    /// What it wants.
    pub subscription: Subscription,
    /// What is measured.
    pub metrics: Metrics,
    /// Says true when the server stops.
    pub stop: watch::Receiver<bool>,
}

impl Subscriber {
    /// Sends events until one of the two sides goes.
    pub async fn follow(mut self, mut socket: WebSocket) {
        self.metrics.subscribed();
        let frame = match self.send_all(&mut socket).await {
            Ok(()) => Some((close_code::AWAY, "the server stops")),
            Err(Ended::Gone) => None,
            Err(Ended::Store(error)) => {
                tracing::error!(error = &error as &dyn std::error::Error, "read events");
                Some((close_code::ERROR, "events cannot be read"))
            }
        };
        self.metrics.unsubscribed();
        if let Some((code, reason)) = frame {
            let reason = Utf8Bytes::from_static(reason);
            // Whoever has gone meanwhile needs no goodbye.
            let _ = socket
                .send(Message::Close(Some(CloseFrame { code, reason })))
                .await;
        }
    }

    async fn send_all(&mut self, socket: &mut WebSocket) -> Result<(), Ended> {
        let mut head = self.store.subscribe();
        let mut position = match self.subscription.since {
            Since::Live => head.borrow_and_update().sequence,
            Since::Sequence(sequence) => sequence,
        };
        // By how much it was behind when it was last told; zero: it was not.
        let mut told = 0;
        let mut ping = interval_at(Instant::now() + PING, PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let newest = head.borrow_and_update().sequence;
            if *self.stop.borrow() {
                return Ok(());
            }
            if position < newest {
                self.tell_lag(socket, newest - position, &mut told).await?;
                position = self.send_some(socket, position).await?;
                continue;
            }
            told = 0;
            tokio::select! {
                biased;
                () = stopped(&mut self.stop) => return Ok(()),
                received = socket.recv() => heard(received.as_ref())?,
                // Without a sender the store is closed: nothing more will come.
                changed = head.changed() => changed.map_err(|_| StoreError::Closed)?,
                _ = ping.tick() => send(socket, Message::Ping(bytes::Bytes::new())).await?,
            }
        }
    }

    /// Tells a subscriber that is far behind by how much: once, and again each time that has doubled.
    async fn tell_lag(&self, socket: &mut WebSocket, lag: u64, told: &mut u64) -> Result<(), Ended> {
        if lag <= LAG {
            *told = 0;
        } else if *told == 0 || lag >= told.saturating_mul(2) {
            *told = lag;
            self.metrics.lagged(lag);
            text(socket, &json!({ "lag": lag })).await?;
        }
        Ok(())
    }

    /// Sends what comes next. Answers with the last event that was looked at.
    async fn send_some(&self, socket: &mut WebSocket, position: u64) -> Result<u64, Ended> {
        let events: Vec<Logged> = match self.store.events_since(position, BATCH) {
            Ok(events) => events,
            Err(StoreError::Forgotten { asked, forgotten }) => {
                let lost = json!({ "lost": { "from": asked + 1, "to": forgotten } });
                text(socket, &lost).await?;
                return Ok(forgotten);
            }
            Err(error) => return Err(error.into()),
        };
        for logged in &events {
            if let Some(message) = self.subscription.render(logged) {
                text(socket, &message).await?;
            }
        }
        Ok(events.last().map_or(position, |last| last.sequence))
    }
}

/// What a subscriber says: nothing that matters, but that it is there, or goes.
fn heard(received: Option<&Result<Message, axum::Error>>) -> Result<(), Ended> {
    match received {
        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(Ended::Gone),
        Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => Ok(()),
    }
}

async fn text(socket: &mut WebSocket, value: &Value) -> Result<(), Ended> {
    send(socket, Message::Text(value.to_string().into())).await
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), Ended> {
    socket.send(message).await.map_err(|_| Ended::Gone)
}
