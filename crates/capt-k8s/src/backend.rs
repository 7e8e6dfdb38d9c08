//! What makes workspaces out of rendered templates.

mod native;

use std::collections::BTreeMap;
use std::fmt::Debug;

use async_trait::async_trait;
use capt_api::terraform_workspace::TerraformWorkspaceSpec;
use capt_core::fault::Fault;
use capt_core::object::Child;
use capt_runtime::{DriverBuilder, ObjectKey, View, Writer};
use capt_status::Identity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta, Time};
use serde_json::Value;

pub use native::Native;

/// One way to run a workspace: which kind of object is written, and how such an object is read.
#[async_trait]
pub trait WorkspaceBackend: Debug + Send + Sync + 'static {
    /// Adds the watches that [`observe`](Self::observe) needs.
    fn watch(&self, driver: DriverBuilder) -> DriverBuilder;

    /// The workspace `key` as `follower`, which makes it, sees it, if there is one. Nobody follows it where whose it
    /// is does not matter.
    ///
    /// Where it is not known what the workspace should be (`wanted` is `None`), it is taken for what it should
    /// be.
    fn observe(
        &self,
        view: &View,
        key: &ObjectKey,
        follower: Option<&Identity>,
        wanted: Option<&WantedWorkspace>,
    ) -> Option<Workspace>;

    /// Makes the workspace what it should be: the one that was `seen`, or one where there was none, and never another.
    async fn ensure(
        &self,
        wanted: &WantedWorkspace,
        seen: Option<&Workspace>,
        writer: &Writer,
    ) -> Result<(), Fault>;

    /// Deletes the workspace and with it what it made.
    async fn delete(&self, workspace: &Workspace, writer: &Writer) -> Result<(), Fault>;

    /// Takes the object with the uid `follower` from the owners of the workspace, which then stays.
    async fn release(&self, workspace: &Workspace, follower: &str, writer: &Writer) -> Result<(), Fault>;
}

/// What a workspace should be.
#[derive(Debug, Clone, PartialEq)]
pub struct WantedWorkspace {
    /// Its name, namespace, labels, annotations and owner.
    pub metadata: ObjectMeta,
    /// What it runs, everything filled in.
    pub spec: TerraformWorkspaceSpec,
}

/// A workspace as it is.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Its name and namespace.
    pub key: ObjectKey,
    /// Its metadata.
    pub metadata: ObjectMeta,
    /// How whoever made it sees it.
    pub child: Child,
    /// Its conditions.
    pub conditions: Vec<Condition>,
    /// Its outputs that are not sensitive.
    pub outputs: BTreeMap<String, Value>,
    /// A digest of the configuration that was applied.
    pub checksum: Option<String>,
    /// A digest of all its outputs.
    pub outputs_digest: Option<String>,
    /// The Secret that holds all its outputs.
    pub connection: Option<ObjectKey>,
    /// When it was applied last.
    pub last_applied: Option<Time>,
}

impl Workspace {
    /// An output that is not sensitive, as a text.
    pub fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name)?.as_str().filter(|value| !value.is_empty())
    }
}
