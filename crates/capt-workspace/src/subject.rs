//! The controller of `TerraformWorkspace`.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use capt_api::terraform_workspace::{DeletionPolicy, ManagementPolicy, TerraformWorkspaceSpec};
use capt_api::{Cluster, TerraformWorkspace, keys};
use capt_core::decision::Decision;
use capt_core::fault::{Fault, FaultClass};
use capt_core::lifecycle::State;
use capt_core::plan::{Plan, Report};
use capt_core::record::{Record, RunOperation};
use capt_core::wait::{Notice, Wait};
use capt_core::workspace::{self, Command, Deletion};
use capt_runtime::{ObjectKey, Subject, View, Writer};
use capt_status::{Kind, identity, policy, read_record};
use capt_terraform::{EngineKind, Operation, RunId, RunSpec, RunView, Runs, WorkspaceId};
use jiff::Timestamp;
use kube::ResourceExt;

use crate::arguments::{Arguments, arguments};
use crate::backend::Place;
use crate::inputs::{self, Credentials, Inputs};
use crate::kept::{self, Kept};
use crate::render::{Rendered, check_engine, check_policies, input_digest, protected, render};
use crate::run::{self, Memory};
use crate::state::{self, Existence, Owner};
use crate::{connection, dependents, status};

/// How workspaces are run.
#[derive(Clone)]
pub struct Options {
    /// The runs, over the engine that there is.
    pub runs: Runs,
    /// The kubeconfig file through which Terraform reaches its state; absent inside the cluster, where the
    /// service account does.
    pub config_path: Option<String>,
    /// The namespaces that any workspace may refer to, beside its own; `*` stands for all.
    pub allow_namespaces: BTreeSet<String>,
}

impl Options {
    /// Runs over `runs` from inside the cluster, without references to other namespaces.
    pub fn new(runs: Runs) -> Self {
        Self {
            runs,
            config_path: None,
            allow_namespaces: BTreeSet::new(),
        }
    }
}

/// Reconciles `TerraformWorkspace` objects with the runs of an engine.
pub struct WorkspaceSubject {
    options: Options,
    memory: Memory,
}

/// Everything that a round knows about one workspace.
pub struct Seen {
    pub(crate) core: workspace::Snapshot,
    pub(crate) object: Arc<TerraformWorkspace>,
    pub(crate) run: Option<RunView>,
    pub(crate) connection: connection::Seen,
    pub(crate) engine: EngineKind,
    workspace: WorkspaceId,
    place: Place,
    /// What a run would get; the fault says why there can be none.
    rendered: Result<Rendered, Fault>,
    /// What must not be said.
    redact: Vec<String>,
    /// What the spec refers to.
    inputs: Inputs,
    /// What was kept of it for the destroy.
    kept: Kept,
    /// Whether a destroy that succeeded is recorded, so that what it needed may be removed.
    destroyed: bool,
    /// The provider configuration that stands for no credentials.
    ignored: Option<String>,
}

impl WorkspaceSubject {
    /// The controller.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            memory: Memory::default(),
        }
    }

    pub(crate) fn memory(&self) -> Memory {
        self.memory.clone()
    }

    /// What makes a run of this workspace impossible, or what it gets.
    fn check(&self, object: &TerraformWorkspace, inputs: &Inputs, place: &Place) -> Result<Rendered, Fault> {
        let spec = &object.spec;
        let namespace = object.namespace().unwrap_or_default();
        let allowed = &self.options.allow_namespaces;
        inputs::refuse_foreign(spec, &namespace, allowed)?;
        if let Some(target) = connection::target(object) {
            let field = "spec.writeConnectionSecretToRef.namespace";
            capt_status::refuse_foreign(&namespace, &target.namespace, field, allowed)?;
        }
        place.check(&namespace, allowed)?;
        check_policies(spec)?;
        let status = object.status.as_ref().filter(|_| was_applied(object));
        let used = status.and_then(|status| status.run.as_ref()?.engine.as_deref());
        check_engine(spec, self.engine(), used)?;
        arguments(&spec.for_provider, RunOperation::Apply)?;
        render(spec, inputs, &namespace)
    }

    fn engine(&self) -> EngineKind {
        self.options.runs.engine().kind()
    }

    /// Whether the state is in objects of the API server that can be protected.
    fn has_objects(&self, place: &Place) -> bool {
        let real = match self.engine() {
            EngineKind::Terraform | EngineKind::OpenTofu => true,
            EngineKind::Simulated => false,
        };
        real && place.state().is_some()
    }

    /// The apply of a workspace that is to be deleted, if an earlier process left it running: it is stopped and not
    /// waited for.
    fn left_apply(&self, object: &TerraformWorkspace, record: &Record) -> Option<RunView> {
        let run = record
            .run
            .as_ref()
            .filter(|run| run.operation == RunOperation::Apply)?;
        object
            .metadata
            .deletion_timestamp
            .as_ref()
            .filter(|_| record.state == State::Provisioning)?;
        let workspace = WorkspaceId::new(object.uid()?);
        self.options
            .runs
            .adopt(&workspace, &RunId::new(run.number.to_string()))
            .ok()?;
        self.options.runs.view(&workspace)
    }

    fn start(&self, seen: &Seen, number: u32, operation: RunOperation) -> Result<(), Fault> {
        if let Some(missing) = seen.core.missing.first() {
            return Err(
                Fault::new(FaultClass::Dependency, &*missing.reason, &*missing.message).on(&*missing.on),
            );
        }
        let Rendered { files, env } = seen.rendered.clone()?;
        let object = &seen.object;
        let Arguments { init, plan, apply } = arguments(&object.spec.for_provider, operation)?;
        let input = &seen.core.object.input;
        self.memory.set_forgotten(&seen.workspace, false);
        self.options.runs.start(RunSpec {
            workspace: seen.workspace.clone(),
            id: RunId::new(number.to_string()),
            operation: match operation {
                RunOperation::Apply => Operation::Apply,
                RunOperation::Destroy => Operation::Destroy,
            },
            files,
            env,
            backend: seen.place.backend(self.options.config_path.as_deref()),
            input_digest: input.clone(),
            expect_state: was_applied(object),
            protected: protected(&object.spec),
            approved: object.annotations().get(keys::APPROVE) == Some(input),
            unlock: object.annotations().get(keys::UNLOCK).cloned(),
            init_args: init,
            plan_args: plan,
            apply_args: apply,
            label: object.name_any(),
            redact: seen.redact.clone(),
        })
    }
}

/// Whether the workspace was ever applied whole, so that there must be a state.
fn was_applied(object: &TerraformWorkspace) -> bool {
    object.status.as_ref().is_some_and(|status| {
        status.lifecycle.applied_input_digest.is_some() || status.last_applied_time.is_some()
    })
}

fn deletion(spec: &TerraformWorkspaceSpec) -> Deletion {
    let policies = &spec.management_policies;
    let may = policies.is_empty()
        || policies.contains(&ManagementPolicy::All)
        || policies.contains(&ManagementPolicy::Delete);
    match spec.deletion_policy.unwrap_or_default() {
        DeletionPolicy::Delete if may => Deletion::Destroy,
        DeletionPolicy::Delete | DeletionPolicy::Orphan => Deletion::Orphan,
    }
}

fn owner(object: &TerraformWorkspace) -> Owner {
    Owner {
        name: object.name_any(),
        uid: object.uid().unwrap_or_default(),
    }
}

/// Why the Cluster of this workspace asks to leave it alone.
fn paused_by_cluster(object: &TerraformWorkspace, view: &View) -> Option<String> {
    let name = object.labels().get(keys::CLUSTER_NAME)?;
    let cluster = view.get::<Cluster>(&object.namespace()?, name)?;
    (cluster.spec.paused == Some(true)).then(|| format!("Cluster/{name} is paused"))
}

#[async_trait]
impl Subject for WorkspaceSubject {
    type Object = TerraformWorkspace;
    type Snapshot = Seen;
    type Record = Record;
    type Command = Command;

    const NAME: &'static str = "workspace";

    async fn observe(
        &self,
        object: Arc<TerraformWorkspace>,
        view: &View,
        last: Option<&Report>,
    ) -> Result<Seen, Fault> {
        let namespace = object.namespace().unwrap_or_default();
        let workspace = WorkspaceId::new(object.uid().unwrap_or_default());
        self.memory.name(&workspace, &ObjectKey::of(&*object));
        let default = capt_api::terraform_workspace::TerraformWorkspaceStatus::default();
        let before = object.status.as_ref().unwrap_or(&default);
        let record = read_record(&before.lifecycle, before.run.as_ref());
        let number = record.run.as_ref().map(|run| run.number);
        let allowed = &self.options.allow_namespaces;

        let deleted = object.metadata.deletion_timestamp.is_some();
        // Wherever a run may start: after a restart also while its outputs are still being written.
        let starts = matches!(
            record.state,
            State::Validating | State::Provisioning | State::Configuring | State::Recovering
        );
        let kept = if deleted || starts {
            kept::read(&object, view).await?
        } else {
            Kept::default()
        };
        let restore = Some(&kept).filter(|_| deleted);
        let inputs = inputs::read(&object.spec, &namespace, allowed, restore, view).await?;
        let place = Place::of(&object);
        let mut rendered = self.check(&object, &inputs, &place);

        let run = self
            .options
            .runs
            .view(&workspace)
            .or_else(|| self.left_apply(&object, &record));
        let outputs = run::outputs(run.as_ref(), &record);
        let permitted = connection::target(&object)
            .is_some_and(|target| capt_status::may_use(&namespace, &target.namespace, allowed));
        let connection = connection::observe(&object, permitted, outputs, view).await?;
        let mut invalid = rendered
            .as_ref()
            .err()
            .cloned()
            .or_else(|| connection.conflict(&object));

        let has_objects = self.has_objects(&place);
        let state = state::observe(&place, view).filter(|_| has_objects);
        if let Some(Err(fault)) = state.as_deref().map(|state| state::check(state, &owner(&object))) {
            // Nothing may run over the state of another workspace, not even a destroy.
            rendered = Err(fault.clone());
            invalid.get_or_insert(fault);
        }
        let protected = !has_objects
            || state.as_deref().is_some_and(state::is_protected)
            || self.memory.has_no_state(&workspace, number);

        let redact = inputs.secret_words();
        // What is in order stays so, whatever would be said of it if it were made now.
        let refused = invalid.as_ref().filter(|_| record.state != State::Ready);
        let input = input_digest(&object.spec, &inputs, &namespace, refused);
        let policy = policy(
            Kind::Workspace,
            object.spec.timeouts.as_ref(),
            object.spec.recovery.as_ref(),
        );
        let faults = last
            .map(|report| report.faults().cloned().collect())
            .unwrap_or_default();
        let mut identity = identity("TerraformWorkspace", &object.metadata, keys::WORKSPACE_FINALIZER);
        identity.paused = identity.paused.or_else(|| paused_by_cluster(&object, view));
        let deleting = identity.deleting;
        let core = workspace::Snapshot {
            missing: inputs.missing.clone(),
            invalid,
            run: run::seen(run.as_ref(), before.run.as_ref(), &record),
            connection: connection.state(&object, before.connection_secret.as_ref()),
            protected,
            has_state: state.is_some(),
            deletion: deletion(&object.spec),
            dependents: if deleting {
                dependents::dependents(&object, view, &self.options.allow_namespaces)
            } else {
                Vec::new()
            },
            object: identity.into_object(input, record, policy, faults),
        };
        Ok(Seen {
            core,
            destroyed: number.is_some_and(|number| run::is_recorded_success(before.run.as_ref(), number)),
            ignored: match &inputs.credentials {
                Credentials::Absent(name) => Some(name.clone()),
                Credentials::Unnamed | Credentials::Found { .. } => None,
            },
            engine: self.engine(),
            object,
            run,
            connection,
            workspace,
            place,
            rendered,
            redact,
            inputs,
            kept,
        })
    }

    fn is_left_alone(&self, object: &Self::Object) -> bool {
        capt_status::is_managed_elsewhere(&object.metadata)
    }

    fn decide(&self, seen: &Seen, now: Timestamp) -> Decision<Record, Command> {
        let assessment = workspace::assess(&seen.core, now);
        let mut decision = workspace::decide(&seen.core, assessment, now);
        let plans =
            |wanted: fn(&Command) -> bool| decision.plan.steps().iter().any(|step| wanted(&step.command));
        if plans(|command| matches!(command, Command::ReleaseState { remove: true })) && !seen.destroyed {
            // That everything is destroyed is recorded before what proves it is removed.
            decision.plan = Plan::empty();
            return decision;
        }
        if seen.core.object.deleting && plans(|command| matches!(command, Command::StartRun { .. })) {
            let needed = seen.core.missing.iter().cloned();
            let broken = seen.rendered.as_ref().err();
            let broken =
                broken.map(|fault| Wait::new(&*seen.core.object.name, &*fault.code, fault.to_string()));
            decision.waits.splice(0..0, needed.chain(broken));
            if !seen.inputs.restored.is_empty() {
                let message = kept::in_words(&seen.inputs.restored);
                decision.notices.push(Notice::normal("LastInputsUsed", message));
            }
        }
        let before = seen.object.status.as_ref().map(|status| &*status.lifecycle.waits);
        capt_status::announce(&mut decision, &seen.core.missing, before.unwrap_or_default());
        if let Some(name) = &seen.ignored
            && decision.record.state == State::Provisioning
            && seen.core.object.record.state == State::Validating
        {
            decision.notices.push(Notice::normal(
                "ProviderConfigIgnored",
                format!(
                    "there is no Secret {name} with credentials for providerConfigRef; Terraform uses those of \
                     the operator's environment"
                ),
            ));
        }
        decision
    }

    async fn perform(&self, command: &Command, seen: &Seen, writer: &Writer) -> Result<(), Fault> {
        let object = &*seen.object;
        match command {
            Command::AddFinalizer => writer.add_finalizer(object, keys::WORKSPACE_FINALIZER).await,
            Command::StartRun { number, operation } => {
                if *operation == RunOperation::Apply && seen.core.missing.is_empty() {
                    kept::keep(object, &seen.inputs, &seen.kept, writer).await?;
                }
                self.start(seen, *number, *operation)
            }
            Command::CancelRun => {
                self.options.runs.cancel(&seen.workspace);
                Ok(())
            }
            Command::WithdrawRun => {
                self.options.runs.withdraw(&seen.workspace);
                Ok(())
            }
            Command::WriteConnection => {
                if let Some(fault) = seen
                    .connection
                    .conflict(object)
                    .or_else(|| seen.connection.too_large())
                {
                    return Err(fault);
                }
                match seen.connection.render(object) {
                    Some(secret) => writer.apply(&secret).await.map(drop),
                    None => Ok(()),
                }
            }
            Command::ProtectState => {
                let existence = state::protect(&seen.place, &owner(object), writer).await?;
                let number = seen.core.run.as_ref().map(|run| run.number);
                if let (Existence::Absent, Some(number)) = (existence, number) {
                    self.memory.left_no_state(&seen.workspace, number);
                }
                Ok(())
            }
            Command::ReleaseState { remove } => {
                if self.has_objects(&seen.place) {
                    state::release(&seen.place, &owner(object), *remove, writer).await?;
                }
                kept::release(object, &owner(object), writer).await
            }
            Command::ForgetRun => {
                let keeps_state = seen.core.deletion == Deletion::Orphan && seen.place == Place::Local;
                if !keeps_state && self.memory.set_forgotten(&seen.workspace, true) {
                    self.options.runs.forget(&seen.workspace).inspect_err(|_| {
                        self.memory.set_forgotten(&seen.workspace, false);
                    })?;
                }
                Ok(())
            }
            Command::RemoveFinalizer => {
                if let Some((key, uid)) = seen.connection.left_behind(object) {
                    writer
                        .delete::<k8s_openapi::api::core::v1::Secret>(key, &uid)
                        .await?;
                }
                writer.remove_finalizer(object, keys::WORKSPACE_FINALIZER).await
            }
        }
    }

    fn status(
        &self,
        seen: &Seen,
        decision: &Decision<Record, Command>,
        report: &Report,
        now: Timestamp,
    ) -> serde_json::Value {
        status::render(seen, decision, report, now)
    }

    fn gone(&self, key: &ObjectKey) {
        self.memory.forget(key);
    }
}
