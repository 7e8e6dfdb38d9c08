//! What a script can do to an installation, and what it can see of it.

use std::sync::Arc;
use std::time::Duration;

use capt_terraform::SimulatedCloud;
use jiff::Timestamp;
use kube::Api;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube_sim::{ApiServer, Clock, Counters};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use crate::manifest::{self, Target};
use crate::moment::{Moment, Weight};
use crate::operator::{self, Process, Settings};
use crate::recorder::{self, Recorder, SCRIPT};

mod definitions;

/// When every scenario begins.
const EPOCH: &str = "2026-01-01T00:00:00Z";

/// Longer than any delay between two attempts, so that whoever is silent for so long stays silent.
const QUIET: Duration = Duration::from_mins(11);

/// After this long a script that waits for silence fails.
const RESTLESS: Duration = Duration::from_hours(12);

/// An installation under a script.
pub struct Scenario {
    server: ApiServer,
    recorder: Arc<Recorder>,
    cloud: SimulatedCloud,
    client: kube::Client,
    settings: Settings,
    operator: Option<Process>,
    _stand_in: Process,
}

impl Drop for Scenario {
    fn drop(&mut self) {
        // The server holds the recorder, and the recorder the server.
        self.server.set_hooks(None);
    }
}

impl Scenario {
    /// An installation in which everything runs and nothing is to be done.
    pub async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    /// An installation with other settings.
    pub async fn with(settings: Settings) -> Self {
        Self::over(settings, SimulatedCloud::comparable()).await
    }

    /// An installation like this one, with the same operator and a cloud that behaves the same but never fails, in
    /// which there is nothing yet.
    pub async fn afresh(&self) -> Self {
        Self::over(self.settings.clone(), self.cloud.afresh()).await
    }

    async fn over(settings: Settings, cloud: SimulatedCloud) -> Self {
        let epoch: Timestamp = EPOCH.parse().unwrap();
        let server = ApiServer::new(Clock::virtual_since(epoch));
        server.record(true);
        let recorder = Recorder::new(cloud.clone(), epoch);
        let client = operator::client(&server, SCRIPT);
        let definitions = Api::all(client.clone());
        for definition in capt_api::all_crds().into_iter().chain([capt_api::cluster_crd()]) {
            definitions
                .create(&PostParams::default(), &definition)
                .await
                .unwrap();
        }
        recorder.attach(&server);
        let stand_in = operator::start_stand_in(&server);
        let mut scenario = Self {
            server,
            recorder,
            cloud,
            client,
            settings,
            operator: None,
            _stand_in: stand_in,
        };
        scenario.start_operator();
        // Until the caches are filled.
        scenario.pass(Duration::from_secs(1)).await;
        scenario
    }

    /// Writes a line into the transcript, to tell its parts.
    pub fn heading(&self, text: &str) {
        self.recorder.heading(text);
    }

    /// Applies the objects of a YAML file, as `kubectl apply --server-side` does.
    pub async fn apply(&self, yaml: &str) {
        for object in manifest::read(yaml) {
            self.apply_one(&object).await.unwrap();
        }
    }

    /// As [`apply`](Self::apply), for what the server may refuse: up to the first object that it does.
    pub async fn try_apply(&self, yaml: &str) -> Result<(), kube::Error> {
        for object in manifest::read(yaml) {
            self.apply_one(&object).await?;
        }
        Ok(())
    }

    async fn apply_one(&self, object: &DynamicObject) -> Result<(), kube::Error> {
        let target = target_of(object);
        let params = PatchParams::apply("kubectl").force();
        self.api(&target)
            .patch(&target.name, &params, &Patch::Apply(object))
            .await
            .map(drop)
    }

    /// Changes an object, as `kubectl patch --type merge` does.
    pub async fn patch(&self, object: &str, patch: Value) {
        self.try_patch(object, patch).await.unwrap();
    }

    /// As [`patch`](Self::patch), for what the server may refuse.
    pub async fn try_patch(&self, object: &str, patch: Value) -> Result<(), kube::Error> {
        let target = Target::from(object);
        let patch = Patch::Merge(patch);
        self.api(&target)
            .patch(&target.name, &PatchParams::default(), &patch)
            .await
            .map(drop)
    }

    /// Sets an annotation, or takes it away.
    pub async fn annotate(&self, object: &str, key: &str, value: Option<&str>) {
        self.patch(object, json!({ "metadata": { "annotations": { key: value } } }))
            .await;
    }

    /// Takes the whole status of an object away, as a move to another management cluster does.
    pub async fn wipe_status(&self, object: &str) {
        let target = Target::from(object);
        let mut wiped: DynamicObject = self.api(&target).get(&target.name).await.unwrap();
        wiped.data.as_object_mut().unwrap().remove("status");
        self.recorder.expect_loss(&target);
        self.api(&target)
            .replace_status(&target.name, &PostParams::default(), &wiped)
            .await
            .unwrap();
    }

    /// Deletes an object, as `kubectl delete --wait=false` does.
    pub async fn delete(&self, object: &str) {
        let target = Target::from(object);
        self.api(&target)
            .delete(&target.name, &DeleteParams::background())
            .await
            .unwrap();
    }

    /// What the engine has made, and how to make it fail.
    pub fn cloud(&self) -> &SimulatedCloud {
        &self.cloud
    }

    /// The API server.
    pub fn server(&self) -> &ApiServer {
        &self.server
    }

    /// Starts an operator. There must be none.
    pub fn start_operator(&mut self) {
        assert!(
            self.operator.as_ref().is_none_or(Process::is_over),
            "there is an operator"
        );
        self.operator = Some(operator::start(&self.recorder, &self.cloud, &self.settings));
    }

    /// Asks the operator to end and waits until it has.
    pub async fn stop_operator(&mut self) {
        self.recorder.heading("the operator is stopped");
        self.operator.take().expect("there is an operator").stop().await;
    }

    /// Kills the operator. Terraform processes that it started go on.
    pub async fn kill_operator(&mut self) {
        self.recorder.heading("the operator is killed");
        self.operator.take().expect("there is an operator").kill().await;
    }

    /// Kills the operator right after the `nth` of its writes, counted from one, that is a milestone: one that makes
    /// or removes an object, or changes a state, a run, a finalizer or a deletion.
    pub fn crash_at_milestone(&self, nth: u32) {
        self.crash(nth, Weight::Milestone);
    }

    /// As [`crash_at_milestone`](Self::crash_at_milestone), where the stages of a run count as well.
    pub fn crash_at_step(&self, nth: u32) {
        self.crash(nth, Weight::Stage);
    }

    fn crash(&self, nth: u32, least: Weight) {
        let operator = self.operator.as_ref().expect("there is an operator").handle();
        self.recorder.set_moment(Some(Moment::kill(nth, least, operator)));
    }

    /// Waits until the operator has come to its `nth` step from now (see [`crash_at_step`](Self::crash_at_step)), and
    /// holds it there until time passes. False if it does not come so far.
    pub async fn at_step(&self, nth: u32) -> bool {
        self.recorder.set_moment(Some(Moment::hold(nth, Weight::Stage)));
        let mut changes = self.recorder.subscribe();
        while !self.recorder.is_at_moment() {
            if tokio::time::timeout(QUIET, changes.changed()).await.is_err() {
                self.recorder.set_moment(None);
                return false;
            }
        }
        true
    }

    /// Whether the operator is gone.
    pub fn is_crashed(&self) -> bool {
        self.operator.as_ref().is_none_or(Process::is_over)
    }

    /// Lets time pass.
    pub async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
        self.check();
    }

    /// Waits until something is so. Fails with the transcript if it is not within this time.
    pub async fn until(&self, what: &str, within: Duration, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + within;
        let mut changes = self.recorder.subscribe();
        while !is_so(self) {
            let woken = timeout_at(deadline, changes.changed()).await;
            assert!(
                woken.is_ok(),
                "not {what} within {within:?}:\n{}",
                self.transcript()
            );
        }
        self.check();
    }

    /// Waits until an object is in this state.
    pub async fn until_state(&self, object: &str, state: &str, within: Duration) {
        let what = format!("{object} {state}");
        self.until(&what, within, |world| world.state(object) == state)
            .await;
    }

    /// Waits until there is no such object.
    pub async fn until_gone(&self, object: &str, within: Duration) {
        let what = format!("{object} gone");
        self.until(&what, within, |world| world.object(object).is_none())
            .await;
    }

    /// Waits until nothing has changed for so long that nothing will.
    pub async fn until_quiet(&self) {
        let deadline = Instant::now() + RESTLESS;
        let mut changes = self.recorder.subscribe();
        changes.mark_unchanged();
        while tokio::time::timeout(QUIET, changes.changed()).await.is_ok() {
            assert!(
                Instant::now() < deadline,
                "something goes on and on:\n{}",
                self.transcript()
            );
        }
        self.check();
    }

    /// Fails with the transcript if an invariant was violated.
    pub fn check(&self) {
        let violations = self.recorder.violations();
        assert!(
            violations.is_empty(),
            "{}\n\n{}",
            violations.join("\n"),
            self.transcript()
        );
    }

    /// An object as it is stored.
    pub fn object(&self, object: &str) -> Option<Arc<Value>> {
        let target = Target::from(object);
        let namespace = if target.kind == "Namespace" {
            ""
        } else {
            &target.namespace
        };
        self.server
            .world()
            .get(&target.resource(), namespace, &target.name)
    }

    /// The names of all objects of a kind, as `namespace/name`.
    pub fn names(&self, kind: &str) -> Vec<String> {
        let objects = self
            .server
            .world()
            .list(&Target::new("", kind, "").resource(), None);
        let text =
            |object: &Value, field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        objects
            .iter()
            .map(|object| format!("{}/{}", text(object, "namespace"), text(object, "name")))
            .collect()
    }

    /// What is at this JSON pointer of an object; null where there is nothing.
    pub fn at(&self, object: &str, pointer: &str) -> Value {
        let object = self.object(object);
        object
            .and_then(|object| object.pointer(pointer).cloned())
            .unwrap_or_default()
    }

    /// The state of an object; empty where there is none.
    pub fn state(&self, object: &str) -> String {
        self.at(object, "/status/state")
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The condition of this type.
    pub fn condition(&self, object: &str, kind: &str) -> Value {
        let conditions = self.at(object, "/status/conditions");
        let found = conditions
            .as_array()
            .and_then(|list| list.iter().find(|condition| condition["type"] == kind));
        found.cloned().unwrap_or_default()
    }

    /// The value of a key of a Secret, as text; empty where there is none.
    pub fn secret(&self, object: &str, key: &str) -> String {
        use base64::Engine as _;
        let value = self.at(object, "/data");
        let value = value[key].as_str().unwrap_or_default();
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(value).unwrap()).unwrap()
    }

    /// Everything that happened, one line each, with the seconds since the beginning.
    pub fn transcript(&self) -> String {
        self.recorder.flush();
        recorder::text(&self.recorder.lines())
    }

    /// Forgets the transcript so far.
    pub fn clear_transcript(&self) {
        self.recorder.flush();
        self.recorder.clear();
    }

    /// Every request so far, one line each: two runs of one script give the same bytes.
    pub fn request_log(&self) -> String {
        let entries: Vec<_> = self.server.transcript().iter().map(ToString::to_string).collect();
        entries.join("\n")
    }

    /// How many requests there were since the last [`reset_counters`](Self::reset_counters).
    pub fn counters(&self) -> Counters {
        self.server.counters()
    }

    /// Counts requests from zero.
    pub fn reset_counters(&self) {
        self.server.reset_counters();
    }

    /// How many operations Terraform has begun so far: runs, plans, applies and destroys.
    pub fn terraform_operations(&self) -> usize {
        self.cloud.log().len()
    }

    fn api(&self, target: &Target) -> Api<DynamicObject> {
        let resource = manifest::api_resource(&target.kind);
        if target.kind == "Namespace" {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), &target.namespace, &resource)
        }
    }
}

fn target_of(object: &DynamicObject) -> Target {
    let kind = object.types.as_ref().expect("a manifest has a kind").kind.clone();
    let namespace = object.metadata.namespace.as_deref().unwrap_or("default");
    Target::new(
        namespace,
        &kind,
        object.metadata.name.as_deref().expect("a manifest has a name"),
    )
}
