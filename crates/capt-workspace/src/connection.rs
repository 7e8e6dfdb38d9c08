//! The connection secret: all outputs of a workspace, for those who work with what it made.
//!
//! It holds what Crossplane would write: text outputs as they are, all others as JSON. Its type is `Opaque`,
//! as nothing that reads it asks for another; one that exists already keeps its type, which cannot change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use capt_api::TerraformWorkspace;
use capt_api::keys;
use capt_api::terraform_workspace::ConnectionSecretStatus;
use capt_core::fault::{Fault, FaultClass};
use capt_core::workspace::Connection;
use capt_runtime::{ObjectKey, View};
use capt_status::{controller_of, digest, digest_bytes};
use capt_terraform::Output;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

/// Annotation on a connection secret: the names of the outputs in it. What others add is none of ours.
const OUTPUTS: &str = "capt.infrastructure.cluster.x-k8s.io/outputs";

/// The most bytes of values in a Secret, as the API server has it (`MaxSecretSize`).
const MOST_BYTES: usize = 1024 * 1024;

/// The connection secret, as it is and as it should be. It has no `Debug`: it holds secrets.
#[derive(Clone)]
pub(crate) struct Seen {
    /// Where it is wanted, if it is.
    pub(crate) target: Option<ObjectKey>,
    /// Whether it may be looked at there.
    permitted: bool,
    /// What is there.
    secret: Option<Arc<Secret>>,
    /// What it should hold, where the outputs are known.
    data: Option<BTreeMap<String, Vec<u8>>>,
}

/// Where the spec of `workspace` wants its connection secret.
pub(crate) fn target(workspace: &TerraformWorkspace) -> Option<ObjectKey> {
    let reference = workspace.spec.write_connection_secret_to_ref.as_ref()?;
    let namespace = reference
        .namespace
        .clone()
        .filter(|namespace| !namespace.is_empty());
    let namespace = namespace.unwrap_or_else(|| workspace.namespace().unwrap_or_default());
    Some(ObjectKey::new(namespace, reference.name.clone()))
}

/// Reads the secret, and compares it with `outputs` where they are known.
pub(crate) async fn observe(
    workspace: &TerraformWorkspace,
    permitted: bool,
    outputs: Option<&BTreeMap<String, Output>>,
    view: &View,
) -> Result<Seen, Fault> {
    let target = target(workspace);
    let secret = match target.as_ref().filter(|_| permitted) {
        Some(key) => view.read::<Secret>(&key.namespace, &key.name).await?,
        None => None,
    };
    Ok(Seen {
        target,
        permitted,
        secret,
        data: outputs.map(data),
    })
}

/// The outputs as they are written into a secret.
fn data(outputs: &BTreeMap<String, Output>) -> BTreeMap<String, Vec<u8>> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone().into_bytes(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string().into_bytes()
        }
    };
    outputs
        .iter()
        .map(|(name, output)| (name.clone(), text(&output.value)))
        .collect()
}

fn digest_of<'a>(data: impl Iterator<Item = (&'a String, &'a [u8])>) -> String {
    let digests: BTreeMap<_, _> = data.map(|(name, value)| (name, digest_bytes(value))).collect();
    digest(&json!(digests))
}

impl Seen {
    /// The secret against what it should hold. `before` is what was written last.
    pub(crate) fn state(
        &self,
        workspace: &TerraformWorkspace,
        before: Option<&ConnectionSecretStatus>,
    ) -> Connection {
        if self.target.is_none() {
            return Connection::Unwanted;
        }
        if !self.permitted && self.same(before).is_some() {
            // Its namespace was closed since: whatever is there, there is nothing to be done about it.
            return Connection::Current;
        }
        let Some(secret) = self
            .secret
            .as_deref()
            .filter(|secret| is_ours(&secret.metadata, workspace))
        else {
            return Connection::Stale;
        };
        let present = present_digest(secret);
        let wanted = self.wanted_digest().or_else(|| self.same(before)?.digest.clone());
        match (present, wanted) {
            (_, None) => Connection::Current,
            (present, wanted) if present == wanted => Connection::Current,
            (_, Some(_)) => Connection::Stale,
        }
    }

    /// Why the secret must not be written, if it must not.
    pub(crate) fn conflict(&self, workspace: &TerraformWorkspace) -> Option<Fault> {
        let secret = self.secret.as_deref()?;
        if is_ours(&secret.metadata, workspace) {
            return None;
        }
        let name = format!("Secret/{}", secret.name_any());
        let owner = controller_of(&secret.metadata).map(|(owner, _)| owner);
        let whose = owner.map_or_else(
            || "was not written by this workspace".to_owned(),
            |owner| format!("belongs to {owner}"),
        );
        let message = format!(
            "{name} in the namespace {} exists already and {whose}; delete it, or name another one in \
             spec.writeConnectionSecretToRef",
            secret.namespace().unwrap_or_default()
        );
        Some(Fault::new(FaultClass::Conflict, "ConnectionSecretConflict", message).on(name))
    }

    /// Why the secret cannot be written, if it cannot: what no Secret holds, the API server would refuse for ever.
    pub(crate) fn too_large(&self) -> Option<Fault> {
        self.target.as_ref()?;
        let data = self.data.as_ref()?;
        let size: usize = data.values().map(Vec::len).sum();
        if size <= MOST_BYTES {
            return None;
        }
        let (name, largest) = data.iter().max_by_key(|(_, value)| value.len())?;
        let message = format!(
            "the outputs take {} KiB, and a Secret holds 1024 KiB; the largest is {name} with {} KiB. Make it smaller, \
             or take it out of the module's outputs",
            size.div_ceil(1024),
            largest.len().div_ceil(1024)
        );
        Some(Fault::new(FaultClass::Invalid, "OutputsTooLarge", message).on(format!("output {name}")))
    }

    /// What the status says about the secret. `written` says whether this round wrote it.
    pub(crate) fn status(
        &self,
        state: Connection,
        before: Option<&ConnectionSecretStatus>,
        written: bool,
    ) -> Option<ConnectionSecretStatus> {
        let target = self.target.as_ref()?;
        let known = self
            .wanted_digest()
            .filter(|_| written || state == Connection::Current);
        let Some(digest) = known else {
            return self.same(before).cloned();
        };
        Some(ConnectionSecretStatus {
            name: target.name.clone(),
            namespace: target.namespace.clone(),
            digest: Some(digest),
        })
    }

    /// The secret to write; nothing while none is wanted or the outputs are not known.
    pub(crate) fn render(&self, workspace: &TerraformWorkspace) -> Option<Secret> {
        let target = self.target.as_ref()?;
        let data = self.data.as_ref()?;
        let names: Vec<&str> = data.keys().map(String::as_str).collect();
        let uid = workspace.uid().unwrap_or_default();
        let annotations = [
            (OUTPUTS.to_owned(), names.join(",")),
            (keys::OWNER_UID.to_owned(), uid),
        ];
        let mut labels = BTreeMap::from([(keys::WORKSPACE.to_owned(), label_value(&workspace.name_any()))]);
        if let Some(cluster) = workspace.labels().get(keys::CLUSTER_NAME) {
            labels.insert(keys::CLUSTER_NAME.to_owned(), cluster.clone());
        }
        let same_namespace = workspace.namespace().as_deref() == Some(&target.namespace);
        let kind = self.secret.as_ref().and_then(|secret| secret.type_.clone());
        Some(Secret {
            metadata: ObjectMeta {
                name: Some(target.name.clone()),
                namespace: Some(target.namespace.clone()),
                labels: Some(labels),
                annotations: Some(annotations.into()),
                // An owner in another namespace would look gone to the garbage collector.
                owner_references: same_namespace
                    .then(|| owner_reference(workspace))
                    .flatten()
                    .map(|it| vec![it]),
                ..ObjectMeta::default()
            },
            type_: Some(kind.unwrap_or_else(|| "Opaque".to_owned())),
            data: Some(
                data.iter()
                    .map(|(name, value)| (name.clone(), ByteString(value.clone())))
                    .collect(),
            ),
            ..Secret::default()
        })
    }

    /// The secret that nobody will collect once the workspace is gone: its key and uid.
    pub(crate) fn left_behind(&self, workspace: &TerraformWorkspace) -> Option<(&ObjectKey, String)> {
        let target = self.target.as_ref()?;
        let secret = self.secret.as_ref()?;
        let collected = workspace.namespace().as_deref() == Some(&target.namespace);
        let ours = is_ours(&secret.metadata, workspace);
        (ours && !collected)
            .then(|| Some((target, secret.uid()?)))
            .flatten()
    }

    fn wanted_digest(&self) -> Option<String> {
        let data = self.data.as_ref()?;
        Some(digest_of(
            data.iter().map(|(name, value)| (name, value.as_slice())),
        ))
    }

    fn same<'a>(&self, before: Option<&'a ConnectionSecretStatus>) -> Option<&'a ConnectionSecretStatus> {
        let target = self.target.as_ref()?;
        before.filter(|before| before.name == target.name && before.namespace == target.namespace)
    }
}

/// The digest of our part of a secret.
fn present_digest(secret: &Secret) -> Option<String> {
    let ours: BTreeSet<&str> = secret.annotations().get(OUTPUTS)?.split(',').collect();
    let data = secret.data.iter().flatten();
    Some(digest_of(
        data.filter(|(name, _)| ours.contains(name.as_str()))
            .map(|(name, value)| (name, value.0.as_slice())),
    ))
}

/// Whether a secret may be written by `workspace`: it says so by its uid, or it carries the label of a
/// workspace of this name in the same namespace and nobody controls it.
fn is_ours(metadata: &ObjectMeta, workspace: &TerraformWorkspace) -> bool {
    let uid = workspace.uid().unwrap_or_default();
    if let Some((_, controller)) = controller_of(metadata) {
        return controller == uid;
    }
    let recorded = metadata
        .annotations
        .as_ref()
        .and_then(|annotations| annotations.get(keys::OWNER_UID));
    let labelled = || metadata.labels.as_ref()?.get(keys::WORKSPACE);
    recorded == Some(&uid)
        || (metadata.namespace == workspace.metadata.namespace
            && labelled().is_some_and(|name| *name == label_value(&workspace.name_any())))
}

/// `name`, as far as it fits into the value of a label.
pub(crate) fn label_value(name: &str) -> String {
    if name.len() <= 63 {
        return name.to_owned();
    }
    let start: String = name.chars().take(54).collect();
    format!(
        "{}-{}",
        start.trim_end_matches(['-', '.']),
        &digest_bytes(name.as_bytes())[..8]
    )
}

fn owner_reference(workspace: &TerraformWorkspace) -> Option<OwnerReference> {
    Some(OwnerReference {
        block_owner_deletion: Some(true),
        ..workspace.controller_owner_ref(&())?
    })
}

#[cfg(test)]
mod tests;
