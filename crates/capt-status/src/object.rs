//! How objects are seen by the core.

use capt_api::keys;
use capt_api::status::Lifecycle;
use capt_core::absence::Absences;
use capt_core::fault::Fault;
use capt_core::object::{Child, Object};
use capt_core::progress::Progress;
use capt_core::record::OperationKind;
use capt_core::wait::Wait;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::ownership::foreign_child;
use crate::read::{read_fault, read_state};

/// The parts of an [`Object`] that its metadata says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `Kind/name`.
    pub name: String,
    /// The uid.
    pub uid: String,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Whether it carries the finalizer.
    pub finalized: bool,
    /// Why it is paused, as far as it says so itself.
    pub paused: Option<String>,
    /// What people ask for by annotation.
    pub requested: Option<String>,
}

impl Identity {
    /// The object as the core sees it.
    pub fn into_object(
        self,
        input: String,
        record: capt_core::record::Record,
        policy: capt_core::advance::Policy,
        faults: Vec<Fault>,
    ) -> Object {
        Object {
            name: self.name,
            uid: self.uid,
            deleting: self.deleting,
            finalized: self.finalized,
            paused: self.paused,
            requested: self.requested,
            input,
            record,
            policy,
            faults,
            absences: Absences::default(),
            look: None,
            version: None,
            outputs: None,
        }
    }
}

/// What the metadata of an object of `kind` says.
pub fn identity(kind: &str, metadata: &ObjectMeta, finalizer: &str) -> Identity {
    let paused =
        annotation(metadata, keys::PAUSED).map(|_| format!("the annotation {} is set", keys::PAUSED));
    Identity {
        name: format!("{kind}/{}", metadata.name.as_deref().unwrap_or_default()),
        uid: metadata.uid.clone().unwrap_or_default(),
        deleting: metadata.deletion_timestamp.is_some(),
        finalized: metadata.finalizers.iter().flatten().any(|own| own == finalizer),
        paused,
        requested: requested(metadata),
    }
}

/// What people ask for by annotation (retry, approve, unlock), as one text that changes with each request.
pub fn requested(metadata: &ObjectMeta) -> Option<String> {
    let requests = [
        ("retry", keys::RETRY),
        ("approve", keys::APPROVE),
        ("unlock", keys::UNLOCK),
    ];
    let requests = requests
        .into_iter()
        .filter_map(|(word, key)| Some(format!("{word}={}", annotation(metadata, key)?)));
    let requests: Vec<_> = requests.collect();
    (!requests.is_empty()).then(|| requests.join(","))
}

fn annotation<'a>(metadata: &'a ObjectMeta, key: &str) -> Option<&'a str> {
    metadata.annotations.as_ref()?.get(key).map(String::as_str)
}

/// Whether somebody else manages the object. The contract calls the mark a label in its prose and an annotation in
/// its code; either counts.
pub fn is_managed_elsewhere(metadata: &ObjectMeta) -> bool {
    let labelled = metadata
        .labels
        .as_ref()
        .is_some_and(|labels| labels.contains_key(keys::MANAGED_BY));
    labelled || annotation(metadata, keys::MANAGED_BY).is_some()
}

/// The controller of an object, as `Kind/name` and uid.
pub fn controller_of(metadata: &ObjectMeta) -> Option<(String, &str)> {
    let owner = metadata
        .owner_references
        .iter()
        .flatten()
        .find(|owner| owner.controller == Some(true))?;
    Some((format!("{}/{}", owner.kind, owner.name), &owner.uid))
}

/// How a parent sees its child of `kind`.
///
/// `parent` is nobody where whose it is does not matter. `matches` says whether its spec and requests are what is
/// wanted now.
pub fn child(
    kind: &str,
    metadata: &ObjectMeta,
    parent: Option<&Identity>,
    status: Option<&Lifecycle>,
    matches: bool,
) -> Child {
    let foreign = parent.and_then(|parent| foreign_child(kind, metadata, parent));
    let default = Lifecycle::default();
    let status = status.unwrap_or(&default);
    let observed = status.observed_generation.is_some() && status.observed_generation == metadata.generation;
    let deleting = metadata.deletion_timestamp.is_some();
    // Until its controller has seen the deletion, the progress is still that of the operation before.
    let progress = status.progress.as_ref().filter(|progress| {
        !deleting || progress.operation.as_deref() == Some(OperationKind::Deleting.name())
    });
    let name = format!("{kind}/{}", metadata.name.as_deref().unwrap_or_default());
    Child {
        foreign,
        matches,
        observed: observed && status.observed_request == requested(metadata),
        state: status.state.map(read_state).unwrap_or_default(),
        ready: status.ready == Some(true),
        made: status.applied_input_digest.is_some(),
        deleting,
        fault: status
            .fault
            .as_ref()
            .map(|fault| of_child(read_fault(fault), &name)),
        waits: status.waits.iter().map(read_wait).collect(),
        progress: progress.map(read_progress).unwrap_or_default(),
        name,
    }
}

/// The fault of a child in the words of its parent: a field is one of the child's, unless it says whose it is.
fn of_child(mut fault: Fault, child: &str) -> Fault {
    for place in [&mut fault.subject, &mut fault.position] {
        if place.starts_with("spec.") {
            *place = format!("{child} {place}");
        }
    }
    fault
}

fn read_wait(wait: &capt_api::status::Wait) -> Wait {
    Wait {
        on: wait.on.clone(),
        reason: wait.reason.clone(),
        message: wait.message.clone().unwrap_or_default(),
        since: wait.since.as_ref().map(|since| since.0),
    }
}

fn read_progress(progress: &capt_api::status::Progress) -> Progress {
    let count = |steps: Option<i32>| steps.and_then(|steps| u32::try_from(steps).ok()).unwrap_or(0);
    Progress {
        percent: progress
            .percent_complete
            .and_then(|percent| u8::try_from(percent).ok())
            .unwrap_or(0),
        completed: count(progress.completed_steps),
        total: count(progress.total_steps),
        current: progress.current_operation.clone().unwrap_or_default(),
    }
}
