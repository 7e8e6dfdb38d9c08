//! The inputs of the last apply, kept until everything that it made is destroyed.
//!
//! A destroy needs what the apply got: variables, credentials, the connection secrets of others. By then they may be
//! gone, as whoever deletes a namespace deletes all of them at once. So every apply that reads Secrets or `ConfigMap`s
//! first writes what it read into a Secret of its own, which carries the finalizer of the state. A destroy reads it
//! for what is not there any more; what is still there wins.
//!
//! Values of other namespaces are not kept: who may read Secrets here need not be allowed to read them there.

use std::collections::{BTreeMap, BTreeSet};

use capt_api::{TerraformWorkspace, keys};
use capt_core::fault::Fault;
use capt_runtime::{ObjectKey, View, Writer};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use serde::{Deserialize, Serialize};

use crate::connection::label_value;
use crate::inputs::{Credentials, Holder, Inputs, Source};
use crate::state::{self, Owner};

/// The key that says what the other keys are.
const INDEX: &str = "index.json";

/// Values beyond this are not kept: a Secret holds no more than a mebibyte.
const MOST: usize = 960 * 1024;

/// What was kept. It has no `Debug`: it holds secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    values: BTreeMap<Source, Vec<u8>>,
    /// The name of the Secret with the credentials, and its content.
    credentials: Option<(String, BTreeMap<String, Vec<u8>>)>,
}

/// What a key of the Secret holds.
#[derive(Serialize, Deserialize)]
struct Entry {
    kind: String,
    namespace: String,
    name: String,
    key: String,
    /// Whether it is of the credentials.
    #[serde(default)]
    credentials: bool,
}

impl Kept {
    /// What is to be kept of `inputs` for a workspace in `namespace`.
    fn of(inputs: &Inputs, namespace: &str) -> Self {
        let own = inputs
            .values
            .iter()
            .filter(|(source, _)| source.namespace == namespace);
        Self {
            values: own
                .map(|(source, value)| (source.clone(), value.clone()))
                .collect(),
            credentials: match &inputs.credentials {
                Credentials::Found { name, data } => Some((name.clone(), data.clone())),
                Credentials::Unnamed | Credentials::Absent(_) => None,
            },
        }
    }

    /// The value of a key that is not there any more.
    pub(crate) fn value(&self, source: &Source) -> Option<&Vec<u8>> {
        self.values.get(source)
    }

    /// The content of the credentials Secret of this name, which is not there any more.
    pub(crate) fn credentials(&self, name: &str) -> Option<&BTreeMap<String, Vec<u8>>> {
        let (kept, data) = self.credentials.as_ref()?;
        (kept == name).then_some(data)
    }

    fn size(&self) -> usize {
        let credentials = self.credentials.iter().flat_map(|(_, data)| data.values());
        self.values.values().chain(credentials).map(Vec::len).sum()
    }

    fn data(&self) -> BTreeMap<String, ByteString> {
        let mut index = BTreeMap::new();
        let mut data = BTreeMap::new();
        let mut add = |entry: Entry, value: &[u8]| {
            let key = format!("value-{}", index.len());
            data.insert(key.clone(), ByteString(value.to_vec()));
            index.insert(key, entry);
        };
        for (source, value) in &self.values {
            let entry = Entry {
                kind: source.holder.name().to_owned(),
                namespace: source.namespace.clone(),
                name: source.name.clone(),
                key: source.key.clone(),
                credentials: false,
            };
            add(entry, value);
        }
        if let Some((name, content)) = &self.credentials {
            for (key, value) in content {
                let entry = Entry {
                    kind: Holder::Secret.name().to_owned(),
                    namespace: String::new(),
                    name: name.clone(),
                    key: key.clone(),
                    credentials: true,
                };
                add(entry, value);
            }
        }
        let index = serde_json::to_vec(&index).unwrap_or_default();
        data.insert(INDEX.to_owned(), ByteString(index));
        data
    }

    fn read(data: &BTreeMap<String, ByteString>) -> Option<Self> {
        let index: BTreeMap<String, Entry> = serde_json::from_slice(&data.get(INDEX)?.0).ok()?;
        let mut kept = Self::default();
        for (key, entry) in index {
            let value = data.get(&key)?.0.clone();
            if entry.credentials {
                let (_, content) = kept
                    .credentials
                    .get_or_insert_with(|| (entry.name, BTreeMap::new()));
                content.insert(entry.key, value);
            } else {
                let holder = Holder::from_name(&entry.kind)?;
                let source = Source {
                    holder,
                    namespace: entry.namespace,
                    name: entry.name,
                    key: entry.key,
                };
                kept.values.insert(source, value);
            }
        }
        Some(kept)
    }
}

/// Where the inputs of `workspace` are kept.
fn place(workspace: &TerraformWorkspace) -> ObjectKey {
    let name = format!("capt-inputs-{}", label_value(&workspace.name_any()));
    ObjectKey::new(workspace.namespace().unwrap_or_default(), name)
}

/// What was kept for `workspace`; nothing where nothing was.
pub(crate) async fn read(workspace: &TerraformWorkspace, view: &View) -> Result<Kept, Fault> {
    let key = place(workspace);
    let secret = view.read::<Secret>(&key.namespace, &key.name).await?;
    let uid = workspace.uid();
    let own = secret.filter(|secret| secret.annotations().get(keys::OWNER_UID) == uid.as_ref());
    Ok(own
        .and_then(|secret| Kept::read(secret.data.as_ref()?))
        .unwrap_or_default())
}

/// Keeps `inputs` for the destroy, if they are not kept already. Of credentials that are gone the last ones stay.
pub(crate) async fn keep(
    workspace: &TerraformWorkspace,
    inputs: &Inputs,
    before: &Kept,
    writer: &Writer,
) -> Result<(), Fault> {
    let namespace = workspace.namespace().unwrap_or_default();
    let mut kept = Kept::of(inputs, &namespace);
    if let Credentials::Absent(name) = &inputs.credentials
        && before.credentials(name).is_some()
    {
        kept.credentials.clone_from(&before.credentials);
    }
    if kept == *before {
        return Ok(());
    }
    if kept.size() > MOST {
        tracing::warn!(workspace = %workspace.name_any(), bytes = kept.size(), "the inputs are too large to be kept for the destroy");
        return Ok(());
    }
    writer.apply(&render(workspace, &kept)).await.map(drop)
}

/// Without an owner: a Secret that its finalizer keeps would only look deleted from then on. One that a workspace of
/// this name has left that lost its own finalizer is taken over.
fn render(workspace: &TerraformWorkspace, kept: &Kept) -> Secret {
    let key = place(workspace);
    let labels = [(keys::WORKSPACE.to_owned(), label_value(&workspace.name_any()))];
    let annotations = [(keys::OWNER_UID.to_owned(), workspace.uid().unwrap_or_default())];
    Secret {
        metadata: ObjectMeta {
            name: Some(key.name),
            namespace: Some(key.namespace),
            labels: Some(labels.into()),
            annotations: Some(annotations.into()),
            finalizers: Some(vec![keys::STATE_FINALIZER.to_owned()]),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".to_owned()),
        data: Some(kept.data()),
        ..Secret::default()
    }
}

/// Lets go what was kept: nothing is left that a destroy would need it for.
pub(crate) async fn release(
    workspace: &TerraformWorkspace,
    owner: &Owner,
    writer: &Writer,
) -> Result<(), Fault> {
    state::unmark::<Secret>(&place(workspace), owner, true, writer).await
}

/// In words, what a destroy gets from what was kept.
pub(crate) fn in_words(restored: &BTreeSet<String>) -> String {
    let names: Vec<&str> = restored.iter().map(String::as_str).collect();
    format!(
        "not there any more: {}. The destroy gets what the last apply got",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(holder: Holder, namespace: &str, key: &str) -> Source {
        Source {
            holder,
            namespace: namespace.to_owned(),
            name: "values".to_owned(),
            key: key.to_owned(),
        }
    }

    fn inputs() -> Inputs {
        Inputs {
            values: BTreeMap::from([
                (source(Holder::Secret, "default", "a"), b"\xff\x00raw".to_vec()),
                (source(Holder::ConfigMap, "default", "a"), b"other".to_vec()),
                (source(Holder::Secret, "elsewhere", "a"), b"foreign".to_vec()),
            ]),
            credentials: Credentials::Found {
                name: "aws".to_owned(),
                data: BTreeMap::from([("credentials".to_owned(), b"[default]".to_vec())]),
            },
            ..Inputs::default()
        }
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let kept = Kept::of(&inputs(), "default");
        let read = Kept::read(&kept.data()).expect("it can be read");
        assert!(read == kept);
        assert_eq!(
            read.value(&source(Holder::Secret, "default", "a")),
            Some(&b"\xff\x00raw".to_vec())
        );
        assert_eq!(
            read.value(&source(Holder::ConfigMap, "default", "a")),
            Some(&b"other".to_vec())
        );
        assert!(read.credentials("aws").is_some() && read.credentials("others").is_none());
    }

    #[test]
    fn values_of_other_namespaces_are_not_kept() {
        let kept = Kept::of(&inputs(), "default");
        assert_eq!(kept.value(&source(Holder::Secret, "elsewhere", "a")), None);
        assert!(!kept.data().values().any(|value| value.0 == b"foreign"));
    }

    #[test]
    fn what_is_damaged_is_as_good_as_absent() {
        let mut data = Kept::of(&inputs(), "default").data();
        data.remove("value-0");
        assert!(Kept::read(&data).is_none());
        assert!(Kept::read(&BTreeMap::new()).is_none());
    }
}
