//! The native backend: a `TerraformWorkspace`, which the operator runs itself.

use async_trait::async_trait;
use capt_api::TerraformWorkspace;
use capt_core::fault::Fault;
use capt_runtime::{DriverBuilder, ObjectKey, View, Writer};
use capt_status::Identity;
use serde_json::json;

use super::{WantedWorkspace, Workspace, WorkspaceBackend};
use crate::manifest;

/// Writes `TerraformWorkspace`s.
#[derive(Debug, Clone, Copy, Default)]
pub struct Native;

fn manifest(wanted: &WantedWorkspace) -> TerraformWorkspace {
    let mut workspace = TerraformWorkspace::new("", wanted.spec.clone());
    workspace.metadata = wanted.metadata.clone();
    manifest::stamp(&mut workspace);
    workspace
}

#[async_trait]
impl WorkspaceBackend for Native {
    fn watch(&self, driver: DriverBuilder) -> DriverBuilder {
        driver.watch::<TerraformWorkspace>()
    }

    fn observe(
        &self,
        view: &View,
        key: &ObjectKey,
        follower: Option<&Identity>,
        wanted: Option<&WantedWorkspace>,
    ) -> Option<Workspace> {
        let live = view.get::<TerraformWorkspace>(&key.namespace, &key.name)?;
        let status = live.status.as_ref();
        let matches = wanted.is_none_or(|wanted| manifest::matches(&manifest(wanted), &live));
        let lifecycle = status.map(|status| &status.lifecycle);
        let child = capt_status::child("TerraformWorkspace", &live.metadata, follower, lifecycle, matches);
        let at_provider = status.and_then(|status| status.at_provider.as_ref());
        let written = status
            .and_then(|status| status.connection_secret.as_ref())
            .map(|secret| ObjectKey::new(&*secret.namespace, &*secret.name));
        let specified = || {
            let reference = live.spec.write_connection_secret_to_ref.as_ref()?;
            let namespace = reference.namespace.as_deref().unwrap_or(&key.namespace);
            Some(ObjectKey::new(namespace, &*reference.name))
        };
        Some(Workspace {
            key: key.clone(),
            metadata: live.metadata.clone(),
            child,
            conditions: lifecycle
                .map(|lifecycle| lifecycle.conditions.clone())
                .unwrap_or_default(),
            outputs: at_provider.map(|it| it.outputs.clone()).unwrap_or_default(),
            checksum: at_provider.and_then(|it| it.checksum.clone()),
            outputs_digest: status.and_then(|status| status.outputs_digest.clone()),
            connection: written.or_else(specified),
            last_applied: status.and_then(|status| status.last_applied_time.clone()),
        })
    }

    async fn ensure(
        &self,
        wanted: &WantedWorkspace,
        seen: Option<&Workspace>,
        writer: &Writer,
    ) -> Result<(), Fault> {
        let uid = seen.and_then(|workspace| workspace.metadata.uid.as_deref());
        writer.apply_over(&manifest(wanted), uid).await?;
        Ok(())
    }

    async fn delete(&self, workspace: &Workspace, writer: &Writer) -> Result<(), Fault> {
        if workspace.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        let uid = workspace.metadata.uid.as_deref().unwrap_or_default();
        writer.delete::<TerraformWorkspace>(&workspace.key, uid).await
    }

    async fn release(&self, workspace: &Workspace, follower: &str, writer: &Writer) -> Result<(), Fault> {
        let owners: Vec<_> = workspace
            .metadata
            .owner_references
            .iter()
            .flatten()
            .filter(|owner| owner.uid != follower)
            .collect();
        if owners.len() == workspace.metadata.owner_references.iter().flatten().count() {
            return Ok(());
        }
        let patch = json!({ "metadata": {
            "ownerReferences": (!owners.is_empty()).then_some(owners),
            "annotations": { manifest::RENDERED: null },
        } });
        let version = workspace.metadata.resource_version.as_deref();
        writer
            .merge_patch::<TerraformWorkspace>(&workspace.key, &patch, version)
            .await?;
        Ok(())
    }
}
