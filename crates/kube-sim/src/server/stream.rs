//! A watch as a stream of lines.

use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use serde_json::Value;
use tokio::time::Instant;

use super::answer::broken;
use super::bell::Listener;
use super::negotiate::{self, Form};
use super::{ApiServer, BoxError, order};
use crate::table::Column;
use crate::world::{Event, EventType, Watch};

/// How often a watch that asked for bookmarks hears how far it has come.
const BOOKMARK_EVERY: Duration = Duration::from_mins(1);

struct Lines {
    server: ApiServer,
    /// The start of the server to which it belongs.
    run: Option<u64>,
    watch: Watch,
    form: Form,
    columns: Vec<Column>,
    /// Only the first table of a watch carries the definitions of its columns.
    with_headers: bool,
    wake: Listener,
    cuts: Listener,
    deadline: Instant,
    next_bookmark: Instant,
    first: Vec<Event>,
    /// Nothing more is waited for.
    ended: bool,
    /// Nothing more is sent.
    closed: bool,
}

/// A watch that was just opened.
pub(super) struct Opened {
    pub(super) watch: Watch,
    pub(super) first: Vec<Event>,
    pub(super) form: Form,
    /// The columns, when events are tables.
    pub(super) columns: Vec<Column>,
}

/// The lines of a watch, from its first events to its end; an error is a broken connection.
pub(super) fn lines(
    server: &ApiServer,
    opened: Opened,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    let Opened {
        watch,
        first,
        form,
        columns,
    } = opened;
    let wake = server.subscribe(&watch.stored_as);
    let now = Instant::now();
    let state = Lines {
        cuts: server.inner.cuts.listen(),
        server: server.clone(),
        run: server.running(),
        deadline: now + watch.timeout,
        next_bookmark: now + BOOKMARK_EVERY,
        watch,
        form,
        columns,
        with_headers: true,
        wake,
        first,
        ended: false,
        closed: false,
    };
    futures::stream::unfold(state, |mut state| async move {
        let chunk = state.next().await?;
        Some((chunk, state))
    })
}

impl Lines {
    async fn next(&mut self) -> Option<Result<Bytes, BoxError>> {
        let first = std::mem::take(&mut self.first);
        if !first.is_empty() {
            return Some(Ok(self.encode(&first)));
        }
        loop {
            if self.closed {
                return None;
            }
            if self.run.is_none() || self.server.running() != self.run {
                // What was written before the server went down is not delivered: its process is gone.
                self.closed = true;
                return Some(Err(broken()));
            }
            // Seen before the history is read: a write in between wakes us once more.
            self.wake.forget();
            let polled = self.server.state().world.poll_watch(&mut self.watch);
            match polled {
                Ok(events) if events.is_empty() => {}
                Ok(events) => return Some(Ok(self.encode(&events))),
                Err(error) => {
                    self.closed = true;
                    let event = Event {
                        kind: EventType::Error,
                        object: std::sync::Arc::new(error.to_status()),
                    };
                    return Some(Ok(self.encode(&[event])));
                }
            }
            // What was written before the end is still delivered.
            if self.ended {
                return None;
            }
            if let Some(bookmark) = self.wait().await {
                return Some(Ok(self.encode(&[bookmark])));
            }
        }
    }

    /// Waits until there is something to do; a bookmark may be due.
    async fn wait(&mut self) -> Option<Event> {
        tokio::select! {
            biased;
            () = self.cuts.heard() => {
                self.ended = true;
                None
            }
            () = self.wake.heard() => {
                let delay = self.server.watch_delay(&self.watch);
                if !delay.is_zero() {
                    tokio::time::sleep(delay).await;
                }
                None
            }
            () = tokio::time::sleep_until(self.deadline) => {
                self.ended = true;
                self.server.state().world.due_bookmark(&mut self.watch)
            }
            () = tokio::time::sleep_until(self.next_bookmark) => {
                self.next_bookmark += BOOKMARK_EVERY;
                self.server.state().world.due_bookmark(&mut self.watch)
            }
        }
    }

    fn encode(&mut self, events: &[Event]) -> Bytes {
        self.server.state().counters.events += events.len() as u64;
        let mut text = String::new();
        for event in events {
            let object: Value = match event.kind {
                EventType::Error => (*event.object).clone(),
                EventType::Added | EventType::Modified | EventType::Deleted | EventType::Bookmark => {
                    let now = self.server.inner.clock.now();
                    let mut shown = negotiate::object(self.form, &self.columns, now, &event.object);
                    if matches!(self.form, Form::Table(_)) && !std::mem::take(&mut self.with_headers) {
                        shown["columnDefinitions"] = Value::Null;
                    }
                    shown
                }
            };
            text.push_str("{\"type\":\"");
            text.push_str(event.kind.as_str());
            text.push_str("\",\"object\":");
            text.push_str(&order::text(&object));
            text.push('}');
            text.push('\n');
        }
        Bytes::from(text)
    }
}
