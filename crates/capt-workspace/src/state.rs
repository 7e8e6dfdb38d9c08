//! The objects of the Terraform state: kept from whoever tidies up, until nothing is left to be lost.
//!
//! The finalizer is on the Secret of the state and on the Lease of its lock. The further parts of a large
//! state carry none: Terraform deletes those that it no longer needs, and one that lingers would be read as
//! part of the state.

use std::sync::Arc;

use capt_api::keys;
use capt_core::fault::{Fault, FaultClass};
use capt_runtime::{Kind, ObjectKey, View, Writer};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::core::PartialObjectMeta;
use serde_json::{Value, json};

use crate::backend::Place;
use crate::connection::label_value;

/// How often a write is tried again when somebody else was faster.
const ATTEMPTS: usize = 5;

/// More parts than the largest state that an API server could hold.
const MOST_PARTS: u32 = 4096;

/// Whose state it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) name: String,
    pub(crate) uid: String,
}

/// Whether there is a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existence {
    Present,
    Absent,
}

/// The state as the caches show it.
pub(crate) fn observe(place: &Place, view: &View) -> Option<Arc<PartialObjectMeta<Secret>>> {
    let key = place.state()?;
    view.metadata::<Secret>(&key.namespace, &key.name)
}

/// Whether the state carries the finalizer.
pub(crate) fn is_protected(state: &PartialObjectMeta<Secret>) -> bool {
    state
        .finalizers()
        .iter()
        .any(|finalizer| finalizer == keys::STATE_FINALIZER)
}

/// Refuses the state of another workspace: two of them over one state would destroy each other's resources.
pub(crate) fn check(state: &PartialObjectMeta<Secret>, owner: &Owner) -> Result<(), Fault> {
    match state
        .annotations()
        .get(keys::OWNER_UID)
        .filter(|uid| **uid != owner.uid)
    {
        None => Ok(()),
        Some(uid) => {
            let name = state.name_any();
            let message = format!(
                "the state in Secret/{name} belongs to the workspace with the uid {uid}; name another \
                 spec.backend.kubernetes.secretSuffix, or take the annotation {} from the Secret if that \
                 workspace is gone",
                keys::OWNER_UID
            );
            Err(Fault::new(FaultClass::Conflict, "StateInUse", message).on(format!("Secret/{name}")))
        }
    }
}

/// Puts the finalizer on the state and its lock.
pub(crate) async fn protect(place: &Place, owner: &Owner, writer: &Writer) -> Result<Existence, Fault> {
    let (Some(state), Some(lock)) = (place.state(), place.lock()) else {
        return Ok(Existence::Absent);
    };
    let existence = mark::<Secret>(&state, owner, writer).await?;
    mark::<Lease>(&lock, owner, writer).await?;
    Ok(existence)
}

/// Takes the finalizer from the state and its lock; with `remove` deletes both.
pub(crate) async fn release(
    place: &Place,
    owner: &Owner,
    remove: bool,
    writer: &Writer,
) -> Result<(), Fault> {
    let (Some(state), Some(lock)) = (place.state(), place.lock()) else {
        return Ok(());
    };
    if let Some(found) = writer.get::<Secret>(&state).await?
        && !is_others(&found, owner)
        && remove
    {
        // The first part is what the others are found by, so it goes last.
        remove_parts(place, writer).await?;
    }
    unmark::<Secret>(&state, owner, remove, writer).await?;
    unmark::<Lease>(&lock, owner, remove, writer).await
}

async fn remove_parts(place: &Place, writer: &Writer) -> Result<(), Fault> {
    let mut parts = Vec::new();
    for number in 1..MOST_PARTS {
        let Some(key) = place.part(number) else { break };
        let Some(part) = writer.get::<Secret>(&key).await? else {
            break;
        };
        parts.push((key, part.uid().unwrap_or_default()));
    }
    // From the last to the first, so that an interruption leaves no gap.
    for (key, uid) in parts.iter().rev() {
        writer.delete::<Secret>(key, uid).await?;
    }
    Ok(())
}

async fn mark<K: Kind>(key: &ObjectKey, owner: &Owner, writer: &Writer) -> Result<Existence, Fault> {
    let changed = change::<K>(key, writer, |object| {
        let own = [keys::STATE_FINALIZER.to_owned()];
        let finalizers: Vec<_> = object
            .finalizers()
            .iter()
            .filter(|it| **it != own[0])
            .cloned()
            .chain(own.clone())
            .collect();
        let marked =
            object.finalizers().contains(&own[0]) && object.annotations().contains_key(keys::OWNER_UID);
        (!marked && !is_others(object, owner)).then(|| {
            json!({ "metadata": {
                "finalizers": finalizers,
                "labels": { keys::WORKSPACE: label_value(&owner.name) },
                "annotations": { keys::OWNER_UID: owner.uid },
            }})
        })
    });
    Ok(match changed.await? {
        Some(_) => Existence::Present,
        None => Existence::Absent,
    })
}

/// Takes the finalizer and the mark of the owner from an object, and deletes it with `remove`. That of another owner
/// is left alone.
pub(crate) async fn unmark<K: Kind>(
    key: &ObjectKey,
    owner: &Owner,
    remove: bool,
    writer: &Writer,
) -> Result<(), Fault> {
    let changed = change::<K>(key, writer, |object| {
        let finalizers: Vec<_> = object
            .finalizers()
            .iter()
            .filter(|it| *it != keys::STATE_FINALIZER)
            .collect();
        let marked = finalizers.len() < object.finalizers().len()
            || object.annotations().contains_key(keys::OWNER_UID);
        (marked && !is_others(object, owner)).then(
            || json!({ "metadata": { "finalizers": finalizers, "annotations": { keys::OWNER_UID: null } } }),
        )
    });
    match changed.await? {
        Some(object) if remove && !is_others(&object, owner) => {
            writer.delete::<K>(key, &object.uid().unwrap_or_default()).await
        }
        Some(_) | None => Ok(()),
    }
}

fn is_others<K: Kind>(object: &K, owner: &Owner) -> bool {
    object
        .annotations()
        .get(keys::OWNER_UID)
        .is_some_and(|uid| *uid != owner.uid)
}

/// Applies the merge patch that `patch` derives from the present object, if any. The object afterwards; nothing if
/// there is none. Terraform writes these objects itself, so that a cache may be behind.
async fn change<K: Kind>(
    key: &ObjectKey,
    writer: &Writer,
    patch: impl Fn(&K) -> Option<Value> + Send + Sync,
) -> Result<Option<K>, Fault> {
    let mut lost = None;
    for _ in 0..ATTEMPTS {
        let Some(object) = writer.get::<K>(key).await? else {
            return Ok(None);
        };
        let Some(patch) = patch(&object) else {
            return Ok(Some(object));
        };
        match writer
            .merge_patch::<K>(key, &patch, object.resource_version().as_deref())
            .await
        {
            Ok(object) => return Ok(Some(object)),
            Err(fault) if is_not_found(&fault) => return Ok(None),
            Err(fault) if is_outdated(&fault) => lost = Some(fault),
            Err(fault) => return Err(fault),
        }
    }
    let busy = || {
        Fault::new(
            FaultClass::Transient,
            "Conflict",
            "the object changes all the time",
        )
        .on(key.to_string())
    };
    Err(lost.unwrap_or_else(busy))
}

fn is_not_found(fault: &Fault) -> bool {
    fault.code == "NotFound"
}

fn is_outdated(fault: &Fault) -> bool {
    fault.code == "Conflict"
}
