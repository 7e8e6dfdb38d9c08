//! What a controller is, as far as the runtime needs to know.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use capt_core::decision::Decision;
use capt_core::fault::Fault;
use capt_core::plan::Report;
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{ObjectKey, View, Writer};

/// A namespaced kind of object that can be watched, read and written. Implemented for all that fit.
pub trait Kind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + DeserializeOwned
    + Serialize
    + Send
    + Sync
    + 'static
{
}

impl<K> Kind for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize
        + Send
        + Sync
        + 'static
{
}

/// A kind of object that is reconciled, in five verbs. The runtime owns the loop around them.
///
/// # Flow
///
/// [`observe`](Self::observe), [`decide`](Self::decide), [`perform`](Self::perform) once per step of the
/// plan, [`status`](Self::status). All of them see one snapshot, so a round is consistent with itself.
///
/// # Assumptions
///
/// `observe` only reads: it may be repeated, and its result thrown away, when it turns out that a cache was
/// behind this process's own writes. `perform` is idempotent: a step whose deadline passed is done again.
#[async_trait]
pub trait Subject: Send + Sync + 'static {
    /// The kind of object that is reconciled, with a status subresource.
    type Object: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize
        + Send
        + Sync
        + 'static;
    /// Everything a round knows about one object.
    type Snapshot: Send + Sync;
    /// What is persisted in the status from round to round.
    type Record: Send + Sync;
    /// One effect.
    type Command: Clone + Debug + Send + Sync;

    /// The name of the controller: in the queue, as field manager `capt-<NAME>`, as source of events.
    const NAME: &'static str;

    /// Reads everything that matters for `object`.
    ///
    /// `last` is the report of the previous round of this object in this process, if there was one. A fault
    /// ends the round; it is repeated with growing delays.
    async fn observe(
        &self,
        object: Arc<Self::Object>,
        view: &View,
        last: Option<&Report>,
    ) -> Result<Self::Snapshot, Fault>;

    /// Decides what to persist and what to do. Pure.
    ///
    /// `requeue` counts when every step of the plan was done; a plan that failed is looked at again after a
    /// growing delay of the runtime's own.
    fn decide(&self, snapshot: &Self::Snapshot, now: Timestamp) -> Decision<Self::Record, Self::Command>;

    /// Carries out one command of the plan. A fault skips the steps that depend on it and no others.
    async fn perform(
        &self,
        command: &Self::Command,
        snapshot: &Self::Snapshot,
        writer: &Writer,
    ) -> Result<(), Fault>;

    /// Renders the whole `.status`. Pure; the same inputs give the same value. It is written only where it
    /// differs from what is there.
    fn status(
        &self,
        snapshot: &Self::Snapshot,
        decision: &Decision<Self::Record, Self::Command>,
        report: &Report,
        now: Timestamp,
    ) -> serde_json::Value;

    /// Whether somebody else takes care of `object`: then it is as if it did not exist, status included.
    fn is_left_alone(&self, object: &Self::Object) -> bool {
        let _ = object;
        false
    }

    /// The object no longer exists. May be called for keys that were never observed, and more than once.
    fn gone(&self, key: &ObjectKey) {
        let _ = key;
    }
}
