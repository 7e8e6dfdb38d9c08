//! Everything that matters for one apply.

use std::sync::Arc;

use capt_api::{WorkspaceTemplate, WorkspaceTemplateApply, keys};
use capt_core::fault::Fault;
use capt_core::lifecycle::State;
use capt_core::plan::Report;
use capt_core::template_apply::Snapshot;
use capt_core::wait::Wait;
use capt_runtime::{ObjectKey, View};
use capt_status::{Kind, identity, policy, read_record};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;

use super::render::{input, workspace, workspace_name};
use super::{Seen, cycle};
use crate::backend::{WantedWorkspace, Workspace};
use crate::follow::{faults, hands_down};
use crate::manifest::take_requests;
use crate::{Options, owner, template};

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
    let found = template::find(
        &apply.spec.template_ref,
        "spec.templateRef",
        &key.namespace,
        view,
        options,
    );
    let template = match found {
        Ok(Ok(template)) => Some(template),
        Ok(Err(wait)) => {
            missing.push(wait);
            None
        }
        Err(fault) => {
            invalid = Some(fault);
            None
        }
    };
    let wanted = template
        .as_deref()
        .map(|template| workspace(&apply, template))
        .transpose()
        .unwrap_or_else(|fault| {
            invalid = Some(fault);
            None
        });

    let name = ObjectKey::new(&*key.namespace, workspace_name(&key.name));
    let mut live = options.backend.observe(
        view,
        &name,
        Some(&identity),
        looked_for(wanted.as_ref(), record.state).as_ref(),
    );
    if let (Some(live), Some(template)) = (&mut live, &template) {
        let fault = live.child.fault.take();
        live.child.fault = fault.map(|fault| of_template(fault, &live.child.name, template, &apply));
    }
    let foreign = live.as_ref().and_then(|live| live.child.foreign.clone());
    // One that is made anew waits as the first one did: what it stands on may be gone as well.
    let begun = live.as_ref().is_some_and(|live| is_ours(live, &identity.uid));
    invalid = invalid.or(foreign);
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

/// What the workspace is compared with: at an apply that is in order a request of a person is no difference.
fn looked_for(wanted: Option<&WantedWorkspace>, state: State) -> Option<WantedWorkspace> {
    let mut wanted = wanted.cloned()?;
    if !hands_down(state) {
        take_requests(&mut wanted.metadata);
    }
    Some(wanted)
}

/// The fault of the workspace in the words of whoever wrote the template: its spec is that of the template, filled
/// in line by line.
fn of_template(
    mut fault: Fault,
    workspace: &str,
    template: &WorkspaceTemplate,
    apply: &WorkspaceTemplateApply,
) -> Fault {
    let namespace = template
        .namespace()
        .filter(|namespace| Some(namespace) != apply.metadata.namespace.as_ref());
    let is_own = |field: &str| {
        apply.spec.write_connection_secret_to_ref.is_some() && field.starts_with("writeConnectionSecretToRef")
    };
    let name = namespace.map_or_else(
        || template.name_any(),
        |namespace| format!("{namespace}/{}", template.name_any()),
    );
    for place in [&mut fault.subject, &mut fault.position] {
        let field = place
            .strip_prefix(workspace)
            .and_then(|field| field.strip_prefix(" spec."));
        match field {
            Some(field) if is_own(field) => *place = format!("spec.{field}"),
            Some(field) => *place = format!("WorkspaceTemplate/{name} spec.template.spec.{field}"),
            None => {}
        }
    }
    fault
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
                    "there is no Secret {} in namespace {namespace}; create it, or correct {field}",
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
            missing.extend(self.workspace(&ObjectKey::new(namespace, &*reference.name), &field));
        }
        if self.apply.spec.wait_for_workspaces.is_empty() {
            return Ok(());
        }
        let all = self.view.list::<WorkspaceTemplateApply>("");
        cycle::refuse(self.apply, all.iter().map(|apply| &**apply))
    }

    fn namespace<'n>(&'n self, named: Option<&'n str>, field: &str) -> Result<&'n str, Fault> {
        self.options.resolve(&self.key.namespace, named, field)
    }

    fn workspace(&self, key: &ObjectKey, field: &str) -> Option<Wait> {
        let workspace = self.options.backend.observe(self.view, key, None, None);
        let (on, message) = match workspace {
            Some(workspace) if workspace.child.ready && !workspace.child.deleting => return None,
            Some(workspace) => {
                let child = workspace.child;
                let why = match (&child.fault, child.waits.first()) {
                    _ if child.deleting => "which is being deleted".to_owned(),
                    (Some(fault), _) => format!("which is {}: {fault}", child.state),
                    (None, Some(wait)) => format!("which waits: {}", wait.message),
                    (None, None) => format!("which is {}", child.state),
                };
                (child.name, why)
            }
            None => (format!("Workspace/{}", key.name), self.unmade(key, field)),
        };
        let message = format!("waiting for the workspace {key}, {message}");
        Some(Wait::new(on, "WorkspaceNotReady", message))
    }

    /// Why a workspace does not exist.
    fn unmade(&self, key: &ObjectKey, field: &str) -> String {
        let get = |name: &str| self.view.get::<WorkspaceTemplateApply>(&key.namespace, name);
        let with_suffix = format!("{}-apply", key.name);
        let Some(maker) = get(&key.name).or_else(|| get(&with_suffix)) else {
            return format!(
                "which does not exist; create a WorkspaceTemplateApply {} that makes it, or correct {field}",
                key.name
            );
        };
        let name = maker.name_any();
        let lifecycle = maker.status.as_ref().map(|status| &status.lifecycle);
        let fault = lifecycle.and_then(|it| it.fault.as_ref()).map(|it| &it.message);
        let wait = || lifecycle.and_then(|it| it.waits.first()?.message.as_ref());
        match fault.or_else(wait) {
            Some(why) => format!("which WorkspaceTemplateApply/{name} has not made yet: {why}"),
            None => format!("which WorkspaceTemplateApply/{name} has not made yet"),
        }
    }
}
