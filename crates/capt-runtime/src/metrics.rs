//! What the runtime tells whoever counts.

use std::time::Duration;

use crate::ObjectKey;

/// How a round ended, as far as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoundOutcome {
    /// Everything that was to be done was done.
    Settled,
    /// A step or the observation failed; it is repeated with growing delays.
    Faulted,
    /// The object had changed before its status could be written; the round is repeated.
    Conflicted,
    /// A cache was older than an own write; the round waits for the watch.
    Parked,
    /// The object no longer exists.
    Gone,
}

/// Receives counts from the driver. Every method has an empty default.
///
/// Called inside the driver's loop: it must return at once.
pub trait Metrics: Send + Sync + 'static {
    /// A round of `controller` ended after `took` (tokio's clock).
    fn round(&self, controller: &'static str, outcome: RoundOutcome, took: Duration) {
        let _ = (controller, outcome, took);
    }

    /// `controller` sent a write of its plan to the API server; `verb` is `apply`, `create`, `delete`,
    /// `patch` or `update`.
    fn write(&self, controller: &'static str, verb: &'static str) {
        let _ = (controller, verb);
    }

    /// `controller` sent a status patch.
    fn status_write(&self, controller: &'static str) {
        let _ = controller;
    }

    /// `object` of `kind` is in this state, as its status says; absent once it is gone.
    fn state(&self, kind: &str, object: &ObjectKey, state: Option<&str>) {
        let _ = (kind, object, state);
    }

    /// So many keys are waiting, and so many rounds are running.
    fn queue(&self, waiting: usize, running: usize) {
        let _ = (waiting, running);
    }

    /// The watch of `kind` failed and is tried again.
    fn watch_failed(&self, kind: &str) {
        let _ = kind;
    }

    /// So many objects of `kind` cannot be read and are left out.
    fn unreadable(&self, kind: &str, objects: usize) {
        let _ = (kind, objects);
    }

    /// The cache of `kind` holds so many objects after a complete list.
    fn listed(&self, kind: &str, objects: usize) {
        let _ = (kind, objects);
    }
}

/// Counts nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMetrics;

impl Metrics for NoMetrics {}
