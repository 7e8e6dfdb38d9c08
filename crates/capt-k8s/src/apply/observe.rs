//! Everything that matters for one apply.

use std::fmt;
use std::sync::Arc;

use capt_api::{WorkspaceTemplate, WorkspaceTemplateApply, keys};
use capt_core::fault::{Fault, FaultClass};
use capt_core::graph::{DependencyGraph, NodeKey};
use capt_core::plan::Report;
use capt_core::template_apply::Snapshot;
use capt_core::wait::Wait;
use capt_runtime::{ObjectKey, View};
use capt_status::{Kind, identity, policy, read_record};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;

use super::Seen;
use super::render::{input, workspace, workspace_name};
use crate::backend::Workspace;
use crate::follow::faults;
use crate::{Options, owner};

pub(super) fn observe(
    apply: Arc<WorkspaceTemplateApply>,
    view: &View,
    last: Option<&Report>,
    options: &Options,
) -> Seen {
    let key = ObjectKey::of(&*apply);
    let mut identity = identity("WorkspaceTemplateApply", &apply.metadata, keys::APPLY_FINALIZER);
    let cluster = owner::labelled_cluster(view, &apply.metadata);
    identity.paused = identity.paused.or_else(|| owner::paused(cluster.as_deref()));

    let before = apply.status.clone().unwrap_or_default();
    let record = read_record(&before.lifecycle, None);
    let mut missing = Vec::new();
    let mut invalid = None;
    let template = template(&apply, &key, view, options, &mut missing).unwrap_or_else(|fault| {
        invalid = Some(fault);
        None
    });
    let wanted = template
        .as_deref()
        .map(|template| workspace(&apply, template))
        .transpose()
        .unwrap_or_else(|fault| {
            invalid = Some(fault);
            None
        });

    let name = ObjectKey::new(&*key.namespace, workspace_name(&key.name));
    let live = options
        .backend
        .observe(view, &name, &identity.uid, wanted.as_ref());
    let begun = record.initialized || live.as_ref().is_some_and(|live| is_ours(live, &identity.uid));
    let waits = Waits {
        apply: &apply,
        key: &key,
        view,
        options,
    };
    if !identity.deleting && invalid.is_none() {
        invalid = waits.look(begun, &mut missing).err();
    }

    // Without its template nobody can tell whether the input changed, unless somebody edited the apply.
    let unchanged = template.is_none()
        && invalid.is_none()
        && before.lifecycle.observed_generation == apply.metadata.generation;
    let input = record.input.clone().filter(|_| unchanged).unwrap_or_else(|| {
        capt_status::digest(&input(
            &apply,
            template.as_deref(),
            wanted.as_ref(),
            invalid.as_ref(),
        ))
    });
    let policy = policy(
        Kind::Apply,
        apply.spec.timeouts.as_ref(),
        apply.spec.recovery.as_ref(),
    );
    Seen {
        core: Snapshot {
            object: identity.into_object(input, record, policy, faults(last)),
            missing,
            invalid,
            workspace: live.as_ref().map(|live| live.child.clone()),
            retain: apply.spec.retain_workspace_on_delete == Some(true),
        },
        apply,
        wanted,
        workspace: live,
    }
}

fn is_ours(workspace: &Workspace, uid: &str) -> bool {
    capt_status::controller_of(&workspace.metadata).is_some_and(|(_, controller)| controller == uid)
}

/// The template, or a wait for it.
fn template(
    apply: &WorkspaceTemplateApply,
    key: &ObjectKey,
    view: &View,
    options: &Options,
    missing: &mut Vec<Wait>,
) -> Result<Option<Arc<WorkspaceTemplate>>, Fault> {
    let reference = &apply.spec.template_ref;
    let namespace = options.resolve(&key.namespace, reference.namespace.as_deref(), "spec.templateRef")?;
    let template = view.get::<WorkspaceTemplate>(namespace, &reference.name);
    if template.is_none() {
        let message = format!(
            "there is no WorkspaceTemplate {} in namespace {namespace}; create it, or correct spec.templateRef",
            reference.name
        );
        let on = format!("WorkspaceTemplate/{}", reference.name);
        missing.push(Wait::new(on, "WorkspaceTemplateNotFound", message));
    }
    Ok(template)
}

/// What an apply waits for.
struct Waits<'a> {
    apply: &'a WorkspaceTemplateApply,
    key: &'a ObjectKey,
    view: &'a View,
    options: &'a Options,
}

impl Waits<'_> {
    /// Adds what is not there yet. `begun` says that the workspace was made already.
    fn look(&self, begun: bool, missing: &mut Vec<Wait>) -> Result<(), Fault> {
        for (index, reference) in self.apply.spec.wait_for_secrets.iter().enumerate() {
            let field = format!("spec.waitForSecrets[{index}]");
            let namespace = self.namespace(reference.namespace.as_deref(), &field)?;
            if self.view.metadata::<Secret>(namespace, &reference.name).is_none() {
                let message = format!(
                    "waiting for the Secret {} in namespace {namespace}",
                    reference.name
                );
                let on = format!("Secret/{}", reference.name);
                missing.push(Wait::new(on, "SecretMissing", message));
            }
        }
        if begun {
            return Ok(());
        }
        for (index, reference) in self.apply.spec.wait_for_workspaces.iter().enumerate() {
            let field = format!("spec.waitForWorkspaces[{index}]");
            let namespace = self.namespace(reference.namespace.as_deref(), &field)?;
            missing.extend(self.workspace(&ObjectKey::new(namespace, &*reference.name)));
        }
        self.cycle()
    }

    fn namespace<'n>(&'n self, named: Option<&'n str>, field: &str) -> Result<&'n str, Fault> {
        self.options.resolve(&self.key.namespace, named, field)
    }

    fn workspace(&self, key: &ObjectKey) -> Option<Wait> {
        let workspace = self.options.backend.observe(self.view, key, "", None);
        let message = match &workspace {
            Some(workspace) if workspace.child.ready => return None,
            Some(workspace) => match workspace.child.waits.first() {
                Some(wait) => format!("waiting for the workspace {key}: {}", wait.message),
                None => format!(
                    "waiting for the workspace {key}, which is {}",
                    workspace.child.state
                ),
            },
            None => format!("waiting for the workspace {key}, which does not exist yet"),
        };
        let on = workspace.map_or_else(|| format!("Workspace/{}", key.name), |it| it.child.name);
        Some(Wait::new(on, "WorkspaceNotReady", message))
    }

    /// Refuses an apply that, through others of its namespace, waits for itself.
    fn cycle(&self) -> Result<(), Fault> {
        if self.apply.spec.wait_for_workspaces.is_empty() {
            return Ok(());
        }
        let mut graph = DependencyGraph::new();
        let others = self.view.list::<WorkspaceTemplateApply>(&self.key.namespace);
        // Our own edges come last: an edge that closes a cycle is refused, and only ours are our fault.
        let others = others.iter().filter(|other| other.name_any() != self.key.name);
        for other in others {
            for (dependent, dependency) in edges(other) {
                // A cycle among others is told to them.
                let _ = graph.try_add_edge(dependent, dependency);
            }
        }
        for (dependent, dependency) in edges(self.apply) {
            if let Err(cycle) = graph.try_add_edge(dependent, dependency) {
                let message = format!(
                    "the workspaces wait for each other: {cycle}; remove one of the waits from the \
                     spec.waitForWorkspaces of their applies"
                );
                let fault = Fault::new(FaultClass::Invalid, "DependencyCycle", message);
                return Err(fault.on("spec.waitForWorkspaces"));
            }
        }
        Ok(())
    }
}

/// A workspace, as a node of what waits for what.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct WorkspaceNode(ObjectKey);

impl NodeKey for WorkspaceNode {}

impl fmt::Display for WorkspaceNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn edges(apply: &WorkspaceTemplateApply) -> impl Iterator<Item = (WorkspaceNode, WorkspaceNode)> {
    let key = ObjectKey::of(apply);
    let own = ObjectKey::new(&*key.namespace, workspace_name(&key.name));
    apply.spec.wait_for_workspaces.iter().map(move |reference| {
        let namespace = reference.namespace.as_deref().filter(|named| !named.is_empty());
        let dependency = ObjectKey::new(namespace.unwrap_or(&key.namespace), &*reference.name);
        (WorkspaceNode(own.clone()), WorkspaceNode(dependency))
    })
}
