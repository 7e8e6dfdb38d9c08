//! Everything that matters for one control plane.

use std::sync::Arc;

use capt_api::{CAPTCluster, CAPTControlPlane, Cluster, WorkspaceTemplateApply, keys};
use capt_core::control_plane::{Kubeconfig, Secret as Standing, Snapshot};
use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::State;
use capt_core::object::{Child, Object};
use capt_core::plan::Report;
use capt_core::record::Record;
use capt_core::revision::Version;
use capt_core::wait::Wait;
use capt_runtime::{ObjectKey, View};
use capt_status::{Identity, Kind, foreign_secret, identity, policy, read_phase, read_record};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;

use super::endpoint::Authority;
use super::infrastructure::{CLUSTER_KIND, no_infrastructure};
use super::render::{self, Surroundings};
use super::sources::{KUBECONFIG_REF, PUBLISHED, endpoint, kubeconfig_template};
use super::{Seen, secrets};
use crate::apply::workspace_name;
use crate::backend::Workspace;
use crate::cluster::{is_vpc_owned, vpc_apply_name};
use crate::follow::{faults, hands_down, see_apply, workspace_of};
use crate::manifest::cluster_label;
use crate::outputs::{Outputs, missing, wrong};
use crate::{Options, owner, template};

pub(super) const KIND: &str = "CAPTControlPlane";

/// The output that holds the certificate of the API server's authority.
const CA: &str = "cluster_certificate_authority_data";

/// The output that holds the kubeconfig.
const KUBECONFIG: &str = "kubeconfig";

/// No URL of an API server is longer; what is, was meant to be something else.
const LONGEST_ENDPOINT: usize = 512;

/// The annotation on a Cluster that names its region (that of the Go implementation).
const REGION: &str = "cluster.x-k8s.io/region";

/// One look at one control plane.
struct Look<'a> {
    object: &'a CAPTControlPlane,
    state: State,
    key: &'a ObjectKey,
    identity: &'a Identity,
    cluster: &'a str,
    view: &'a View,
    options: &'a Options,
}

pub(super) async fn observe(
    object: Arc<CAPTControlPlane>,
    view: &View,
    last: Option<&Report>,
    options: &Options,
) -> Result<Seen, Fault> {
    let key = ObjectKey::of(&*object);
    let owners = owner::owners(view, &object.metadata, |cluster| means(cluster, &key.name));
    let cluster = owners.first();
    let mut identity = identity(KIND, &object.metadata, keys::CONTROL_PLANE_FINALIZER);
    identity.paused = identity.paused.or_else(|| owners.paused());
    let cluster_name = cluster_name(cluster.as_deref(), &object);
    let record = recorded(&object);
    let look = Look {
        object: &object,
        state: record.state,
        key: &key,
        identity: &identity,
        cluster: &cluster_name,
        view,
        options,
    };

    let Inputs {
        surroundings,
        wanted,
        missing,
        invalid,
    } = look.inputs(cluster.as_deref());
    let kubeconfig_live = look.secret(&secrets::kubeconfig_name(&cluster_name)).await?;
    let ca_live = look.secret(&secrets::ca_name(&object)).await?;
    let foreign_secret = [(&kubeconfig_live, keys::SECRET_TYPE), (&ca_live, keys::OPAQUE)]
        .into_iter()
        .filter_map(|(live, type_)| Some((live.as_ref()?, type_)))
        .find_map(|(secret, type_)| foreign_secret(secret, type_, &identity, &cluster_name));

    let Applied {
        child,
        apply,
        workspace,
    } = look.applied(wanted.as_ref());
    let outputs = Outputs::in_secret(&key.namespace, &render::connection_name(&object), view)
        .await?
        .with_public(workspace.as_ref());

    let template = format!("WorkspaceTemplate/{}", object.spec.workspace_template_ref.name);
    let endpoint_output = outputs.identifier("cluster_endpoint", LONGEST_ENDPOINT, &template);
    let annotations = object.metadata.annotations.as_ref();
    let (endpoint, authority) = endpoint(
        object.spec.control_plane_endpoint.as_ref(),
        annotations
            .and_then(|annotations| annotations.get(PUBLISHED))
            .map(String::as_str),
        match &endpoint_output {
            Ok(output) => output.as_deref().map(Authority::parse),
            Err(fault) => Some(Err(fault.clone())),
        },
    );
    let ca_output = outputs.text(CA);
    let ca = look.ca(&outputs, ca_output.as_deref(), ca_live.as_deref());
    let source = look
        .kubeconfig(
            identity.deleting,
            surroundings.as_ref(),
            &outputs,
            endpoint_output
                .ok()
                .flatten()
                .zip(Some(ca_output.unwrap_or_default())),
            kubeconfig_live.as_deref(),
        )
        .await?;

    let invalid = owners.conflict().or(invalid).or(foreign_secret);
    let invalid = invalid.or_else(|| child.as_ref()?.foreign.clone());
    let invalid = invalid.or_else(|| source.foreign());
    let input = capt_status::digest(&render::input(&object, wanted.as_ref(), invalid.as_ref()));
    let (timeouts, recovery) = (render::timeouts(&object), object.spec.recovery.as_ref());
    let policy = policy(Kind::ControlPlane, timeouts.as_ref(), recovery);
    Ok(Seen {
        core: Snapshot {
            owned: cluster.is_some(),
            missing,
            invalid,
            apply: child,
            held: owners.hold(),
            endpoint,
            kubeconfig: source.standing,
            ca: ca.standing,
            wrong_output: ca.wrong.or(source.wrong),
            object: Object {
                version: Version::parse(&object.spec.version),
                outputs: workspace.as_ref().and_then(|it| it.outputs_digest.clone()),
                ..identity.into_object(input, record, policy, faults(last))
            },
        },
        wanted,
        apply,
        workspace,
        kubeconfig_wanted: source.wanted,
        kubeconfig_apply: source.apply,
        endpoint: authority,
        kubeconfig: source.secret,
        kubeconfig_live,
        ca: ca.secret,
        ca_live,
        object,
    })
}

/// What is recorded of a control plane.
fn recorded(object: &CAPTControlPlane) -> Record {
    let Some(status) = &object.status else {
        return Record::default();
    };
    // The Go implementation keeps no more than a phase.
    match status.phase.filter(|_| status.lifecycle.state.is_none()) {
        Some(phase) => {
            let endpoint = object.spec.control_plane_endpoint.as_ref();
            let published = endpoint.and_then(|endpoint| endpoint.host.as_deref());
            let initialized = published.is_some_and(|host| !host.is_empty());
            Record::of_phase(read_phase(phase), initialized)
        }
        None => read_record(&status.lifecycle, None),
    }
}

/// The name of the Cluster of a control plane: of the one that is known, else of the one that is named.
fn cluster_name(cluster: Option<&Cluster>, object: &CAPTControlPlane) -> String {
    if let Some(cluster) = cluster {
        return cluster.name_any();
    }
    let owner = owner::names(&object.metadata).first().copied();
    let name = owner.or_else(|| cluster_label(&object.metadata));
    name.map_or_else(|| object.name_any(), ToOwned::to_owned)
}

/// Whether a Cluster that is named like a control plane, and does not own it, is nevertheless its Cluster.
fn means(cluster: &Cluster, name: &str) -> bool {
    match &cluster.spec.control_plane_ref {
        Some(reference) => reference.kind == KIND && reference.name == name,
        None => true,
    }
}

fn no_region() -> Fault {
    let message = format!(
        "the region is not known; set it here, in the CAPTCluster's spec.region, or in the annotation {REGION} of \
         the Cluster"
    );
    Fault::new(FaultClass::Invalid, "RegionUnknown", message).on("spec.controlPlaneConfig.region")
}

/// Where the kubeconfig comes from, with what is needed to write it.
struct Source {
    standing: Kubeconfig,
    wanted: Option<WorkspaceTemplateApply>,
    apply: Option<Arc<WorkspaceTemplateApply>>,
    secret: Option<Secret>,
    /// What is wrong with the output.
    wrong: Option<Fault>,
}

impl Source {
    /// Why the apply that makes the kubeconfig is not ours, if it is not.
    fn foreign(&self) -> Option<Fault> {
        match &self.standing {
            Kubeconfig::Template { apply, .. } => apply.as_ref()?.foreign.clone(),
            Kubeconfig::Output(_) | Kubeconfig::Nowhere(_) => None,
        }
    }
}

/// The CA secret.
struct Authorities {
    standing: Standing,
    /// What it should be.
    secret: Option<Secret>,
    /// What is wrong with the output.
    wrong: Option<Fault>,
}

/// What the control plane is made from.
struct Inputs {
    surroundings: Option<Surroundings>,
    wanted: Option<WorkspaceTemplateApply>,
    missing: Vec<Wait>,
    invalid: Option<Fault>,
}

/// The apply that makes the control plane, as far as it is ours.
struct Applied {
    child: Option<Child>,
    apply: Option<Arc<WorkspaceTemplateApply>>,
    workspace: Option<Workspace>,
}

impl Look<'_> {
    fn applied(&self, wanted: Option<&WorkspaceTemplateApply>) -> Applied {
        let name = render::apply_name(self.object);
        let live = self
            .view
            .get::<WorkspaceTemplateApply>(&self.key.namespace, &name);
        let see = |live: &WorkspaceTemplateApply| {
            see_apply(live, Some(self.identity), wanted, hands_down(self.state))
        };
        let child = live.as_deref().map(see);
        // What is not ours has outputs that mean something else.
        let apply = live.filter(|_| child.as_ref().is_some_and(|child| child.foreign.is_none()));
        let workspace = apply
            .as_deref()
            .and_then(|apply| workspace_of(apply, self.view, self.options));
        Applied {
            child,
            apply,
            workspace,
        }
    }

    fn inputs(&self, cluster: Option<&Cluster>) -> Inputs {
        let mut missing = Vec::new();
        let capt_cluster = self.capt_cluster(cluster);
        missing.extend(no_infrastructure(cluster, capt_cluster.as_deref()));
        let surroundings = self.surroundings(cluster, capt_cluster.as_deref());
        let (wanted, invalid) = match (&surroundings, self.no_template()) {
            (Some(_), Err(fault)) => (None, Some(fault)),
            (Some(surroundings), Ok(wait)) => {
                missing.extend(wait);
                match render::apply(self.object, surroundings) {
                    Ok(wanted) => (Some(wanted), None),
                    Err(fault) => (None, Some(fault)),
                }
            }
            // As long as the infrastructure is missing, its region may be, too.
            (None, _) if missing.is_empty() => (None, Some(no_region())),
            (None, _) => (None, None),
        };
        Inputs {
            surroundings,
            wanted,
            missing,
            invalid,
        }
    }

    fn capt_cluster(&self, cluster: Option<&Cluster>) -> Option<Arc<CAPTCluster>> {
        let reference = cluster.and_then(|cluster| cluster.spec.infrastructure_ref.as_ref());
        let name = match reference {
            Some(reference) if reference.kind == CLUSTER_KIND => &reference.name,
            Some(_) => return None,
            None => self.cluster,
        };
        self.view.get::<CAPTCluster>(&self.key.namespace, name)
    }

    fn surroundings(&self, cluster: Option<&Cluster>, capt: Option<&CAPTCluster>) -> Option<Surroundings> {
        let config = self.object.spec.control_plane_config.as_ref();
        let own = config.map(|config| config.region.as_str());
        let of_cluster = || {
            let annotations = cluster?.metadata.annotations.as_ref()?;
            annotations.get(REGION).map(String::as_str)
        };
        let is_set = |region: &&str| !region.is_empty();
        let region = own
            .filter(is_set)
            .or_else(|| capt.map(|capt| capt.spec.region.as_str()).filter(is_set))
            .or_else(|| of_cluster().filter(is_set))?;
        let vpc = capt
            .filter(|capt| is_vpc_owned(capt))
            .map(|capt| workspace_name(&vpc_apply_name(capt)).to_owned());
        Some(Surroundings {
            cluster: self.cluster.to_owned(),
            region: region.to_owned(),
            vpc_workspace: vpc,
        })
    }

    /// The template, if it is not there, and a reference that is not allowed.
    fn no_template(&self) -> Result<Option<Wait>, Fault> {
        let (spec, own) = (&self.object.spec, &*self.key.namespace);
        if let Some(reference) = &spec.kubeconfig_template_ref {
            let named = reference.namespace.as_deref();
            self.options.resolve(own, named, KUBECONFIG_REF)?;
        }
        let field = "spec.workspaceTemplateRef";
        let found = template::find(&spec.workspace_template_ref, field, own, self.view, self.options)?;
        Ok(found.err())
    }

    /// The CA secret against the output that it is made from. A control plane need not have one.
    fn ca(&self, outputs: &Outputs, output: Option<&str>, live: Option<&Secret>) -> Authorities {
        let wanted = match output {
            Some(output) => secrets::ca(self.object, self.cluster, output).map(Some),
            None if outputs.has(CA) => Err(wrong(CA, "it is empty; correct the output in the template")),
            None => Ok(None),
        };
        let (secret, wrong) = match wanted {
            Ok(secret) => (secret, None),
            Err(fault) => (None, Some(fault)),
        };
        let standing = match &secret {
            Some(wanted) => secrets::standing(live, wanted),
            None if outputs.is_complete() && wrong.is_none() => Standing::Unwanted,
            None => Standing::Unknown,
        };
        Authorities {
            standing,
            secret,
            wrong,
        }
    }

    async fn secret(&self, name: &str) -> Result<Option<Arc<Secret>>, Fault> {
        self.view.read::<Secret>(&self.key.namespace, name).await
    }

    async fn kubeconfig(
        &self,
        deleting: bool,
        surroundings: Option<&Surroundings>,
        outputs: &Outputs,
        endpoint_and_ca: Option<(String, String)>,
        live: Option<&Secret>,
    ) -> Result<Source, Fault> {
        let name = render::kubeconfig_apply_name(self.object);
        let apply = self
            .view
            .get::<WorkspaceTemplateApply>(&self.key.namespace, &name);
        if outputs.has(KUBECONFIG) && (!deleting || apply.is_none()) {
            let value = outputs.bytes(KUBECONFIG).unwrap_or_default();
            let template = &self.object.spec.workspace_template_ref.name;
            let (standing, secret, wrong) = match secrets::check_kubeconfig(value, template) {
                Ok(()) => {
                    let secret = secrets::kubeconfig(self.object, self.cluster, value);
                    (secrets::standing(live, &secret), Some(secret), None)
                }
                Err(fault) => (Standing::Unknown, None, Some(fault)),
            };
            return Ok(Source {
                standing: Kubeconfig::Output(standing),
                wanted: None,
                apply,
                secret,
                wrong,
            });
        }
        let template = kubeconfig_template(self.object, &self.key.namespace, self.view, self.options);
        let (wanted, nowhere) = match (template, surroundings, endpoint_and_ca) {
            (Ok(template), Some(surroundings), Some((endpoint, ca))) => {
                let wanted = render::kubeconfig_apply(self.object, surroundings, template, endpoint, ca);
                (Some(wanted), None)
            }
            (Ok(_), _, _) => (None, None),
            (Err(wait), _, _) => (None, Some(wait)),
        };
        // It is written while this object is configured, and gets the requests of people then.
        let requests = self.state != State::Ready;
        let child = apply
            .as_deref()
            .map(|live| see_apply(live, Some(self.identity), wanted.as_ref(), requests));
        if let (None, Some(wait)) = (&child, nowhere) {
            return Ok(Source {
                standing: Kubeconfig::Nowhere(wait),
                wanted: None,
                apply: None,
                secret: None,
                wrong: None,
            });
        }
        let made = self.made(child.as_ref(), apply.as_deref()).await?;
        let (secret, wrong) = match made {
            Ok(secret) => (secret, None),
            Err(fault) => (None, Some(fault)),
        };
        let standing = match (&child, &secret) {
            // So that an apply that is no longer right is written again, also after the first time.
            (Some(child), _) if !child.matches && child.foreign.is_none() => Standing::Stale,
            (_, Some(secret)) => secrets::standing(live, secret),
            (_, None) => Standing::Unknown,
        };
        Ok(Source {
            standing: Kubeconfig::Template {
                apply: child,
                secret: standing,
            },
            wanted,
            apply,
            secret,
            wrong,
        })
    }

    /// What the kubeconfig secret should be, from the outputs of the apply that makes it, once they are those
    /// that are wanted.
    async fn made(
        &self,
        child: Option<&Child>,
        apply: Option<&WorkspaceTemplateApply>,
    ) -> Result<Result<Option<Secret>, Fault>, Fault> {
        let Some(apply) = apply.filter(|_| child.is_some_and(Child::is_current)) else {
            return Ok(Ok(None));
        };
        let name = render::kubeconfig_connection_name(self.cluster);
        let outputs = Outputs::in_secret(&self.key.namespace, &name, self.view).await?;
        if !outputs.is_complete() {
            return Ok(Ok(None));
        }
        let template = &apply.spec.template_ref.name;
        if !outputs.has(KUBECONFIG) {
            return Ok(Err(missing(KUBECONFIG, &format!("WorkspaceTemplate/{template}"))));
        }
        let value = outputs.bytes(KUBECONFIG).unwrap_or_default();
        Ok(secrets::check_kubeconfig(value, template)
            .map(|()| Some(secrets::kubeconfig(self.object, self.cluster, value))))
    }
}
