//! The outputs of a workspace, from its connection secret and its status.

use std::collections::BTreeMap;
use std::sync::Arc;

use capt_core::fault::Fault;
use capt_runtime::View;
use k8s_openapi::api::core::v1::Secret;

use crate::Options;
use crate::backend::Workspace;

/// The outputs of one workspace. Deliberately without `Debug`: it holds secrets.
#[derive(Default, Clone)]
pub(crate) struct Outputs {
    secret: Option<Arc<Secret>>,
    public: BTreeMap<String, serde_json::Value>,
}

impl Outputs {
    /// The outputs of `workspace`, as far as an object in the namespace `own` may see them.
    pub(crate) async fn of(
        workspace: Option<&Workspace>,
        own: &str,
        view: &View,
        options: &Options,
    ) -> Result<Self, Fault> {
        let Some(workspace) = workspace else {
            return Ok(Self::default());
        };
        let secret = match &workspace.connection {
            // A workspace may be told to write anywhere; that must not open other namespaces for reading.
            Some(key) if options.allows(own, &key.namespace) => view.read(&key.namespace, &key.name).await?,
            Some(_) | None => None,
        };
        Ok(Self {
            secret,
            public: workspace.outputs.clone(),
        })
    }

    /// The outputs in a Secret.
    pub(crate) async fn in_secret(namespace: &str, name: &str, view: &View) -> Result<Self, Fault> {
        Ok(Self {
            secret: view.read(namespace, name).await?,
            public: BTreeMap::new(),
        })
    }

    /// Adds the outputs that are not sensitive, for names that the Secret does not have.
    pub(crate) fn with_public(mut self, workspace: Option<&Workspace>) -> Self {
        self.public = workspace
            .map(|workspace| workspace.outputs.clone())
            .unwrap_or_default();
        self
    }

    /// Whether there is a Secret, so that what is not in it does not exist.
    pub(crate) fn is_written(&self) -> bool {
        self.secret.is_some()
    }

    /// The bytes of an output in the Secret; nothing if it is empty.
    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        let value = self.secret.as_ref()?.data.as_ref()?.get(name)?;
        Some(value.0.as_slice()).filter(|value| !value.is_empty())
    }

    /// An output as a text, from the Secret or from what is not sensitive.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        let secret = self
            .bytes(name)
            .and_then(|value| std::str::from_utf8(value).ok())
            .map(|value| value.trim().to_owned());
        let public = || self.public.get(name)?.as_str().map(ToOwned::to_owned);
        secret.or_else(public).filter(|value| !value.is_empty())
    }
}
