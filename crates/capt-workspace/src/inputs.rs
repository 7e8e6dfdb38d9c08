//! What a workspace is made from beside its own spec: keys of Secrets and `ConfigMap`s.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use capt_api::reference::KeyReference;
use capt_api::terraform_workspace::{EnvironmentVariable, TerraformWorkspaceSpec, VarFile, VarFileSource};
use capt_core::fault::Fault;
use capt_core::wait::Wait;
use capt_runtime::View;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};

use crate::kept::Kept;

/// The kinds of object that hold values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holder {
    Secret,
    ConfigMap,
}

impl Holder {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }

    /// The kind of this name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Secret, Self::ConfigMap]
            .into_iter()
            .find(|holder| holder.name() == name)
    }

    const fn missing(self) -> &'static str {
        match self {
            Self::Secret => "SecretMissing",
            Self::ConfigMap => "ConfigMapMissing",
        }
    }
}

/// One key of an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source {
    pub(crate) holder: Holder,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) key: String,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}[{}]",
            self.holder.name(),
            self.namespace,
            self.name,
            self.key
        )
    }
}

/// The credentials that `providerConfigRef` stands for.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// It is not set.
    #[default]
    Unnamed,
    /// There is no Secret of that name; the environment of the operator is used.
    Absent(String),
    /// The Secret.
    Found {
        /// Its name.
        name: String,
        /// Its content.
        data: BTreeMap<String, Vec<u8>>,
    },
}

/// Everything that was read. It has no `Debug`: it holds secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Inputs {
    /// The values that are there.
    pub(crate) values: BTreeMap<Source, Vec<u8>>,
    /// What is not there.
    pub(crate) missing: Vec<Wait>,
    /// The credentials.
    pub(crate) credentials: Credentials,
    /// What is not there any more and was taken from what the last apply got, as `Secret/name`.
    pub(crate) restored: BTreeSet<String>,
}

/// No shorter word of a Secret is looked for in what a run says: `true`, `10` and the like are everywhere.
const SHORTEST_SECRET: usize = 6;

impl Inputs {
    /// The words of the Secrets that were read: whole values, and what stands in them between quotes, white space
    /// and the signs that variable and credentials files are made of.
    pub(crate) fn secret_words(&self) -> Vec<String> {
        let values = self
            .values
            .iter()
            .filter(|(source, _)| source.holder == Holder::Secret)
            .map(|(_, value)| value);
        let credentials = match &self.credentials {
            Credentials::Found { data, .. } => data.values().collect(),
            Credentials::Unnamed | Credentials::Absent(_) => Vec::new(),
        };
        let mut words = BTreeSet::new();
        for value in values.chain(credentials) {
            let Ok(text) = std::str::from_utf8(value) else {
                continue;
            };
            words.insert(text.trim().to_owned());
            words_of(text, &mut words);
        }
        // The longer ones first, so that no part of one is left over when a shorter one is taken out of it.
        let mut words: Vec<_> = words
            .into_iter()
            .filter(|word| word.trim().len() >= SHORTEST_SECRET)
            .collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words
    }
}

/// The values in a text that may be JSON, or lines of `name = value`; the names are no secrets.
fn words_of(text: &str, words: &mut BTreeSet<String>) {
    if let Ok(json) = serde_json::from_str(text) {
        return leaves(&json, words);
    }
    for line in text.lines() {
        let value = line.split_once('=').map_or(line, |(_, value)| value);
        let between = |letter: char| letter.is_whitespace() || "\"=,:[]{}".contains(letter);
        words.extend(value.split('"').map(str::to_owned));
        words.extend(value.split(between).map(str::to_owned));
    }
}

fn leaves(json: &serde_json::Value, words: &mut BTreeSet<String>) {
    match json {
        serde_json::Value::String(text) => {
            words.insert(text.clone());
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| leaves(item, words)),
        serde_json::Value::Object(fields) => fields.values().for_each(|item| leaves(item, words)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

/// Where the value of an environment variable comes from, if it is not in the spec itself.
pub(crate) fn source_of_variable(variable: &EnvironmentVariable, namespace: &str) -> Option<Source> {
    let (holder, reference) = match (&variable.secret_key_ref, &variable.config_map_key_ref) {
        (Some(reference), _) => (Holder::Secret, reference),
        (None, Some(reference)) => (Holder::ConfigMap, reference),
        (None, None) => return None,
    };
    Some(source(holder, reference, namespace))
}

/// Where a variable file comes from; nothing where its source and its reference do not fit together.
pub(crate) fn source_of_file(file: &VarFile, namespace: &str) -> Option<Source> {
    let (holder, reference) = match file.source {
        VarFileSource::SecretKey => (Holder::Secret, file.secret_key_ref.as_ref()),
        VarFileSource::ConfigMapKey => (Holder::ConfigMap, file.config_map_key_ref.as_ref()),
    };
    Some(source(holder, reference?, namespace))
}

fn source(holder: Holder, reference: &KeyReference, namespace: &str) -> Source {
    let own = || namespace.to_owned();
    Source {
        holder,
        namespace: reference
            .namespace
            .clone()
            .filter(|it| !it.is_empty())
            .unwrap_or_else(own),
        name: reference.name.clone(),
        key: reference.key.clone(),
    }
}

/// Every key that the spec of a workspace in `namespace` refers to.
pub(crate) fn sources(spec: &TerraformWorkspaceSpec, namespace: &str) -> BTreeSet<Source> {
    let variables = spec
        .for_provider
        .env
        .iter()
        .filter_map(|variable| source_of_variable(variable, namespace));
    let files = spec
        .for_provider
        .var_files
        .iter()
        .filter_map(|file| source_of_file(file, namespace));
    variables.chain(files).collect()
}

/// Refuses a reference to another namespace that the operator does not allow: who may write a workspace here need
/// not be allowed to read there.
pub(crate) fn refuse_foreign(
    spec: &TerraformWorkspaceSpec,
    namespace: &str,
    allowed: &BTreeSet<String>,
) -> Result<(), Fault> {
    let check = |source: Option<Source>, field: String| match source {
        Some(source) => {
            let reference = match source.holder {
                Holder::Secret => "secretKeyRef",
                Holder::ConfigMap => "configMapKeyRef",
            };
            let field = format!("{field}.{reference}.namespace");
            capt_status::refuse_foreign(namespace, &source.namespace, &field, allowed)
        }
        None => Ok(()),
    };
    for variable in &spec.for_provider.env {
        let field = format!("spec.forProvider.env[{}]", variable.name);
        check(source_of_variable(variable, namespace), field)?;
    }
    for (index, file) in spec.for_provider.var_files.iter().enumerate() {
        let field = format!("spec.forProvider.varFiles[{index}]");
        check(source_of_file(file, namespace), field)?;
    }
    Ok(())
}

/// Reads everything that `spec` refers to. What is absent is waited for, and every read wakes the workspace
/// when it changes; keys in namespaces that are not `allowed` are not read. What is in `kept` is taken from there
/// where it is absent.
pub(crate) async fn read(
    spec: &TerraformWorkspaceSpec,
    namespace: &str,
    allowed: &BTreeSet<String>,
    kept: Option<&Kept>,
    view: &View,
) -> Result<Inputs, Fault> {
    let mut inputs = Inputs::default();
    for source in sources(spec, namespace) {
        if !capt_status::may_use(namespace, &source.namespace, allowed) {
            continue;
        }
        let found = value(&source, view).await;
        if let (Ok(Found::NoObject | Found::NoKey), Some(value)) =
            (&found, kept.and_then(|kept| kept.value(&source)))
        {
            inputs
                .restored
                .insert(format!("{}/{}", source.holder.name(), source.name));
            inputs.values.insert(source, value.clone());
            continue;
        }
        match found {
            Ok(Found::Value(value)) => {
                inputs.values.insert(source, value);
            }
            Ok(Found::NoObject) => inputs.missing.push(no_object(&source)),
            Ok(Found::NoKey) => inputs.missing.push(no_key(&source)),
            // What the operator may not read is said in the status, not only in its log.
            Err(fault) if fault.class.is_terminal() => inputs.missing.push(unreadable(&source, &fault)),
            Err(fault) => return Err(fault),
        }
    }
    inputs.missing.sort();
    inputs.missing.dedup();
    if let Some(reference) = &spec.provider_config_ref {
        let secret = view.read::<Secret>(namespace, &reference.name).await?;
        let name = reference.name.clone();
        inputs.credentials = match (secret, kept.and_then(|kept| kept.credentials(&name))) {
            (Some(secret), _) => {
                let data = secret.data.iter().flatten();
                let data = data.map(|(key, value)| (key.clone(), value.0.clone())).collect();
                Credentials::Found { name, data }
            }
            (None, Some(data)) => {
                inputs.restored.insert(format!("Secret/{name}"));
                Credentials::Found {
                    name,
                    data: data.clone(),
                }
            }
            (None, None) => Credentials::Absent(name),
        };
    }
    Ok(inputs)
}

enum Found {
    Value(Vec<u8>),
    NoObject,
    NoKey,
}

async fn value(source: &Source, view: &View) -> Result<Found, Fault> {
    let value = match source.holder {
        Holder::Secret => {
            let Some(secret) = view.read::<Secret>(&source.namespace, &source.name).await? else {
                return Ok(Found::NoObject);
            };
            let data = secret.data.as_ref();
            data.and_then(|data| data.get(&source.key))
                .map(|value| value.0.clone())
        }
        Holder::ConfigMap => {
            let Some(map) = view.read::<ConfigMap>(&source.namespace, &source.name).await? else {
                return Ok(Found::NoObject);
            };
            let text = map.data.as_ref().and_then(|data| data.get(&source.key));
            let bytes = || {
                map.binary_data
                    .as_ref()?
                    .get(&source.key)
                    .map(|value| value.0.clone())
            };
            text.map(|text| text.clone().into_bytes()).or_else(bytes)
        }
    };
    Ok(value.map_or(Found::NoKey, Found::Value))
}

fn no_object(source: &Source) -> Wait {
    let on = format!("{}/{}", source.holder.name(), source.name);
    let message = format!("{on} does not exist in the namespace {}", source.namespace);
    Wait::new(on, source.holder.missing(), message)
}

fn unreadable(source: &Source, fault: &Fault) -> Wait {
    let on = format!("{}/{}", source.holder.name(), source.name);
    Wait::new(on, &*fault.code, fault.to_string())
}

fn no_key(source: &Source) -> Wait {
    let on = format!("{}/{}", source.holder.name(), source.name);
    let message = format!(
        "{on} in the namespace {} has no key {}",
        source.namespace, source.key
    );
    Wait::new(on, "KeyMissing", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_secrets_are_known_and_those_of_config_maps_are_not() {
        let source = |holder| Source {
            holder,
            namespace: "default".to_owned(),
            name: "x".to_owned(),
            key: "y".to_owned(),
        };
        let inputs = Inputs {
            values: BTreeMap::from([
                (
                    source(Holder::Secret),
                    b"password = \"hunter2 hunter2\"\nsize = 3\n".to_vec(),
                ),
                (source(Holder::ConfigMap), b"region = \"eu-central-1\"".to_vec()),
            ]),
            credentials: Credentials::Found {
                name: "aws".to_owned(),
                data: BTreeMap::from([(
                    "credentials".to_owned(),
                    b"aws_secret_access_key=abcDEF123".to_vec(),
                )]),
            },
            ..Inputs::default()
        };
        let words = inputs.secret_words();
        for secret in ["hunter2 hunter2", "hunter2", "abcDEF123"] {
            assert!(words.iter().any(|word| word == secret), "{secret}: {words:?}");
        }
        assert!(
            !words
                .iter()
                .any(|word| word == "3" || word.contains("eu-central")),
            "{words:?}"
        );
    }
}
