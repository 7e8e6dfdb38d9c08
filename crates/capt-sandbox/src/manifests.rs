//! Manifests from files: read, put in an order that works, applied.

use std::fmt;
use std::path::Path;

use kube::api::{Patch, PatchParams};
use kube::core::{DynamicObject, GroupVersionKind};
use kube::discovery::{Scope, pinned_kind};
use kube::{Api, Client, ResourceExt};
use serde_json::{Map, Value};

use crate::picture::{NodeKey, NodeKind};

/// Who applies.
const FIELD_MANAGER: &str = "capt-sandbox";

/// One object of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Where it is written.
    pub place: Place,
    /// Its group, version and kind.
    pub gvk: GroupVersionKind,
    /// The object.
    pub object: Map<String, Value>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: String,
    /// Which document of it, from 1.
    pub document: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, document {}", self.file, self.document)
    }
}

/// Why manifests could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("read {file}")]
    File {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// A document is no YAML.
    #[error("{place}: parse the YAML")]
    Yaml {
        /// Where.
        place: Place,
        /// What is wrong.
        source: Box<serde_saphyr::Error>,
    },
    /// A document is no object of Kubernetes.
    #[error("{place}: {reason}")]
    Shape {
        /// Where.
        place: Place,
        /// What is missing.
        reason: String,
    },
    /// The API server does not know the kind.
    #[error("{place}: find out about {kind}")]
    Kind {
        /// Where.
        place: Place,
        /// `apiVersion, Kind=...`.
        kind: String,
        /// Why.
        source: Box<kube::Error>,
    },
    /// The API server refused the object.
    #[error("{place}: apply {kind} {name}")]
    Refused {
        /// Where.
        place: Place,
        /// The kind.
        kind: String,
        /// The name.
        name: String,
        /// Why.
        source: Box<kube::Error>,
    },
}

/// Reads a file; `-` is standard input.
pub fn read(file: &str) -> Result<Vec<Manifest>, ManifestError> {
    let failed = |source| ManifestError::File {
        file: file.to_owned(),
        source,
    };
    let text = if file == "-" {
        std::io::read_to_string(std::io::stdin()).map_err(failed)?
    } else {
        std::fs::read_to_string(Path::new(file)).map_err(failed)?
    };
    parse(file, &text)
}

/// The objects of a text with one or more YAML documents. Empty documents are left out, lists are taken apart.
pub fn parse(file: &str, text: &str) -> Result<Vec<Manifest>, ManifestError> {
    let mut manifests = Vec::new();
    for (number, document) in documents(text).into_iter().enumerate() {
        let place = Place {
            file: file.to_owned(),
            document: number + 1,
        };
        let value: Value = serde_saphyr::from_str(&document).map_err(|source| ManifestError::Yaml {
            place: place.clone(),
            source: Box::new(source),
        })?;
        collect(value, &place, &mut manifests)?;
    }
    Ok(manifests)
}

/// The documents of a text. A line that starts with `---` is a marker wherever it stands: YAML allows it
/// nowhere else, not even in a block of text.
fn documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        let rest = line
            .strip_prefix("---")
            .filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t']));
        match (rest, documents.last_mut()) {
            (Some(rest), _) => documents.push(format!("{rest}\n")),
            (None, Some(document)) => {
                document.push_str(line);
                document.push('\n');
            }
            (None, None) => {}
        }
    }
    let has_content = |document: &String| {
        let mut lines = document.lines().map(str::trim);
        lines.any(|line| !line.is_empty() && !line.starts_with('#') && line != "...")
    };
    documents.into_iter().filter(has_content).collect()
}

fn collect(value: Value, place: &Place, manifests: &mut Vec<Manifest>) -> Result<(), ManifestError> {
    let shape = |reason: &str| ManifestError::Shape {
        place: place.clone(),
        reason: reason.to_owned(),
    };
    let Value::Object(mut object) = value else {
        return Err(shape("it is not an object"));
    };
    let text =
        |object: &Map<String, Value>, key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    let kind = text(&object, "kind").ok_or_else(|| shape("it has no kind"))?;
    let version = text(&object, "apiVersion").ok_or_else(|| shape("it has no apiVersion"))?;
    if kind == "List" {
        let Some(Value::Array(items)) = object.remove("items") else {
            return Err(shape("the list has no items"));
        };
        return items
            .into_iter()
            .try_for_each(|item| collect(item, place, manifests));
    }
    let has_name = object.get("metadata").is_some_and(|it| it["name"].is_string());
    if !has_name {
        return Err(shape("it has no metadata.name"));
    }
    let (group, version) = version.split_once('/').unwrap_or(("", &version));
    manifests.push(Manifest {
        place: place.clone(),
        gvk: GroupVersionKind::gvk(group, version, &kind),
        object,
    });
    Ok(())
}

/// Puts what others need first; objects of one rank stay in the order in which they were written.
pub fn sort(manifests: &mut [Manifest]) {
    manifests.sort_by_key(|manifest| match manifest.gvk.kind.as_str() {
        "CustomResourceDefinition" | "Namespace" => 0,
        "WorkspaceTemplate" | "CAPTClusterTemplate" | "CAPTControlPlaneTemplate" => 1,
        "Secret" | "ConfigMap" | "ServiceAccount" => 2,
        _ => 3,
    });
}

/// Applies all of them in this order, each in its namespace or in `default_namespace`; returns the objects that
/// can become ready.
pub async fn apply(
    client: &Client,
    manifests: &[Manifest],
    default_namespace: &str,
) -> Result<Vec<NodeKey>, ManifestError> {
    let mut wanted = Vec::new();
    for manifest in manifests {
        let applied = apply_one(client, manifest, default_namespace).await?;
        if let Some(kind) = NodeKind::of(&manifest.gvk.kind).filter(|kind| kind.has_state()) {
            wanted.push(NodeKey::new(
                kind,
                applied.namespace().unwrap_or_default(),
                applied.name_any(),
            ));
        }
    }
    Ok(wanted)
}

async fn apply_one(
    client: &Client,
    manifest: &Manifest,
    default_namespace: &str,
) -> Result<DynamicObject, ManifestError> {
    let (resource, capabilities) =
        pinned_kind(client, &manifest.gvk)
            .await
            .map_err(|source| ManifestError::Kind {
                place: manifest.place.clone(),
                kind: format!("{}, Kind={}", manifest.gvk.api_version(), manifest.gvk.kind),
                source: Box::new(source),
            })?;
    let metadata = &manifest.object["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    let namespace = metadata["namespace"].as_str().unwrap_or(default_namespace);
    let api: Api<DynamicObject> = match capabilities.scope {
        Scope::Namespaced => Api::namespaced_with(client.clone(), namespace, &resource),
        Scope::Cluster => Api::all_with(client.clone(), &resource),
    };
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let patched = api.patch(name, &params, &Patch::Apply(&manifest.object)).await;
    patched.map_err(|source| ManifestError::Refused {
        place: manifest.place.clone(),
        kind: manifest.gvk.kind.clone(),
        name: name.to_owned(),
        source: Box::new(source),
    })
}

#[cfg(test)]
mod tests;
