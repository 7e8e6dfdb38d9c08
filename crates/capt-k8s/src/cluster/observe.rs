//! Everything that matters for one `CAPTCluster`.

use std::sync::Arc;

use capt_api::reference::ObjectReference;
use capt_api::{CAPTCluster, CAPTControlPlane, Cluster, WorkspaceTemplateApply, keys};
use capt_core::cluster::{Snapshot, Vpc};
use capt_core::fault::Fault;
use capt_core::object::Child;
use capt_core::plan::Report;
use capt_core::wait::Wait;
use capt_runtime::{ObjectKey, View};
use capt_status::{Kind, identity, policy, read_record};
use kube::ResourceExt;

use super::Seen;
use super::render::{existing_vpc, input, validate, vpc_apply, vpc_apply_name};
use crate::follow::{faults, hands_down, see_apply, workspace_of};
use crate::manifest::cluster_label;
use crate::outputs::Outputs;
use crate::{Options, owner, template};

const KIND: &str = "CAPTCluster";

/// No id of a network is longer; what is, was meant to be something else.
const LONGEST_ID: usize = 253;

pub(super) async fn observe(
    object: Arc<CAPTCluster>,
    view: &View,
    last: Option<&Report>,
    options: &Options,
) -> Result<Seen, Fault> {
    let key = ObjectKey::of(&*object);
    let owners = owner::owners(view, &object.metadata, |cluster| means(cluster, &key.name));
    let cluster = owners.first();
    let cluster_name = cluster.as_ref().map(|cluster| cluster.name_any());
    let mut identity = identity(KIND, &object.metadata, keys::CLUSTER_FINALIZER);
    identity.paused = identity.paused.or_else(|| owners.paused());

    let before = object.status.clone().unwrap_or_default();
    let record = read_record(&before.lifecycle, None);
    let spec = &object.spec;
    let label = cluster_label(&object.metadata).unwrap_or(&key.name);
    let wanted = vpc_apply(&object, cluster_name.as_deref().unwrap_or(label));
    let mut invalid = owners.conflict().or_else(|| validate(&object).err());
    let mut missing = Vec::new();
    if let Some(reference) = &spec.vpc_template_ref {
        match template::find(reference, "spec.vpcTemplateRef", &key.namespace, view, options) {
            Ok(found) => missing.extend(found.err()),
            Err(fault) => invalid = invalid.or(Some(fault)),
        }
    }
    let apply = match &spec.vpc_workspace_ref {
        Some(reference) => shared(reference, &key, view, options).unwrap_or_else(|fault| {
            invalid.get_or_insert(fault);
            None
        }),
        None if wanted.is_some() => {
            view.get::<WorkspaceTemplateApply>(&key.namespace, &vpc_apply_name(&object))
        }
        None => None,
    };
    let vpc = if let Some(reference) = &spec.vpc_workspace_ref {
        if apply.is_none() && invalid.is_none() {
            missing.push(no_shared(reference, &key.namespace));
        }
        Vpc::Shared {
            apply: apply.as_deref().map(see_shared),
        }
    } else if wanted.is_some() {
        Vpc::Owned {
            apply: apply
                .as_deref()
                .map(|live| see_apply(live, Some(&identity), wanted.as_ref(), hands_down(record.state))),
            retain: spec.retain_vpc_on_delete == Some(true),
        }
    } else {
        Vpc::Existing
    };

    invalid = invalid.or(vpc.foreign().cloned());
    // What is not ours has outputs that mean something else.
    let apply = apply.filter(|_| vpc.foreign().is_none());
    let workspace = apply
        .as_deref()
        .and_then(|apply| workspace_of(apply, view, options));
    let vpc_id = match &vpc {
        Vpc::Existing => Ok(existing_vpc(&object).map(ToOwned::to_owned)),
        Vpc::Owned { .. } | Vpc::Shared { .. } => {
            let outputs = Outputs::of(workspace.as_ref(), &key.namespace, view, options).await?;
            let template = apply.as_deref().map(|apply| &*apply.spec.template_ref.name);
            let template = format!("WorkspaceTemplate/{}", template.unwrap_or_default());
            outputs.identifier("vpc_id", LONGEST_ID, &template)
        }
    };
    let (vpc_id, wrong_output) = match vpc_id {
        Ok(id) => (id, None),
        Err(fault) => (None, Some(fault)),
    };
    let dependents = if identity.deleting {
        dependents(&object, cluster_name.as_deref().unwrap_or(label), &key, view)
    } else {
        Vec::new()
    };

    let digest = capt_status::digest(&input(&object, wanted.as_ref(), invalid.as_ref()));
    let policy = policy(Kind::Cluster, spec.timeouts.as_ref(), spec.recovery.as_ref());
    Ok(Seen {
        core: Snapshot {
            object: identity.into_object(digest, record, policy, faults(last)),
            owned: cluster.is_some(),
            vpc,
            missing,
            invalid,
            vpc_id,
            wrong_output,
            held: owners.hold(),
            dependents,
        },
        object,
        cluster,
        wanted,
        apply,
        workspace,
    })
}

/// Whether a Cluster that is named like a `CAPTCluster`, and does not own it, is nevertheless its Cluster.
fn means(cluster: &Cluster, name: &str) -> bool {
    match &cluster.spec.infrastructure_ref {
        Some(reference) => reference.kind == KIND && reference.name == name,
        None => true,
    }
}

/// The stand-alone apply that a reference means: by its own name or by that of its workspace.
fn shared(
    reference: &ObjectReference,
    key: &ObjectKey,
    view: &View,
    options: &Options,
) -> Result<Option<Arc<WorkspaceTemplateApply>>, Fault> {
    let named = reference.namespace.as_deref();
    let namespace = options.resolve(&key.namespace, named, "spec.vpcWorkspaceRef")?;
    let get = |name: &str| view.get::<WorkspaceTemplateApply>(namespace, name);
    Ok(get(&reference.name).or_else(|| get(&format!("{}-apply", reference.name))))
}

fn no_shared(reference: &ObjectReference, own: &str) -> Wait {
    let named = reference.namespace.as_deref().filter(|named| !named.is_empty());
    let message = format!(
        "there is no WorkspaceTemplateApply {} (nor {0}-apply) in namespace {}; create it, or correct \
         spec.vpcWorkspaceRef",
        reference.name,
        named.unwrap_or(own),
    );
    let on = format!("WorkspaceTemplateApply/{}", reference.name);
    Wait::new(on, "VPCWorkspaceNotFound", message)
}

/// Somebody else's apply: whatever it is, is right, and whoever made it, may.
fn see_shared(live: &WorkspaceTemplateApply) -> Child {
    see_apply(live, None, None, false)
}

/// The control planes of the Cluster: they stand in the VPC.
fn dependents(object: &CAPTCluster, cluster: &str, key: &ObjectKey, view: &View) -> Vec<String> {
    view.list::<CAPTControlPlane>(&key.namespace)
        .iter()
        .filter(|control_plane| {
            let owners = owner::names(&control_plane.metadata);
            match cluster_label(&control_plane.metadata) {
                _ if !owners.is_empty() => owners.contains(cluster),
                Some(name) => name == cluster,
                None => [cluster, &object.name_any()].contains(&control_plane.name_any().as_str()),
            }
        })
        .map(|control_plane| format!("CAPTControlPlane/{}", control_plane.name_any()))
        .collect()
}
