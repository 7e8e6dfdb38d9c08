//! The page as data. Its serialized form is documented in `docs/reference/describe.md` and kept stable: fields are
//! added, never renamed or removed, within one `apiVersion`. What is not known is left out.

use jiff::Timestamp;
use serde::Serialize;

/// The page about a cluster.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// `cli.capt.infrastructure.cluster.x-k8s.io/v1`.
    pub api_version: &'static str,
    /// `ClusterDescription`.
    pub kind: &'static str,
    /// When it was made.
    pub described_at: Timestamp,
    /// The cluster as a whole.
    pub cluster: ClusterPart,
    /// The objects that make it, in the order of the tree.
    pub objects: Vec<ObjectPart>,
    /// What is wrong, each where it happened.
    pub failures: Vec<FailurePart>,
    /// The last operations and Terraform runs, newest first.
    pub operations: Vec<OperationPart>,
    /// The templates, Secrets and foreign objects that are used.
    pub uses: Vec<UsePart>,
    /// The last Events of these objects, oldest first.
    pub events: Vec<EventPart>,
    /// What could not be looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<String>,
    /// What a person should do next.
    pub next_step: NextStepPart,
}

/// The cluster as a whole.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterPart {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// One of `Ready`, `Provisioning`, `Updating`, `Recovering`, `Waiting`, `Paused`, `Failed`, `Deleting`.
    pub state: &'static str,
    /// The phase that Cluster API gives it; may be empty.
    pub phase: String,
    /// Whether infrastructure and control plane are ready.
    pub ready: bool,
    /// Whether Cluster API calls it available.
    pub available: bool,
    /// Why nobody touches it, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// Since when it is being deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleting_since: Option<Timestamp>,
    /// The `ClusterClass` that it is made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_class: Option<String>,
    /// The Kubernetes version that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The Kubernetes version that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted_version: Option<String>,
    /// `host:port` of the API server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}

/// One object.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectPart {
    /// Its kind.
    pub kind: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The object above it in the tree, as `Kind/namespace/name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Whether it is there; an object that others refer to may be missing.
    pub exists: bool,
    /// Its state, the phase of a Cluster; empty while nothing was said.
    pub state: String,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Whether all is as wanted.
    pub ready: bool,
    /// Whether its controller has looked at its present spec.
    pub observed: bool,
    /// Since when it is being deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleting_since: Option<Timestamp>,
    /// Why nobody touches it, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// How far it is, while something is being done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<ProgressPart>,
    /// What it waits for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<WaitPart>,
    /// The object whose fault it has, as `Kind/namespace/name`; see `failures`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because_of: Option<String>,
    /// What it is called where it was made: the id of a VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The Kubernetes version that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `host:port` of the API server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// What else is worth knowing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// All conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ConditionPart>,
    /// What its line of the tree says.
    #[serde(skip)]
    pub(super) line: TreeLine,
}

/// What only the text of an object needs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TreeLine {
    pub(super) arms: String,
    pub(super) below: String,
    /// How it stands.
    pub(super) standing: String,
    pub(super) tone: super::paper::Tone,
    /// Which of its waits the tree shows; the others are those of what is above it.
    pub(super) waits: Vec<usize>,
}

/// How far an object is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgressPart {
    /// What is being done (`Creating`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// What of it just now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// How much is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub percent: Option<i32>,
    /// Steps that are done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_steps: Option<i32>,
    /// Steps in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_steps: Option<i32>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it is expected to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected_at: Option<Timestamp>,
    /// Whether it takes longer than its limit.
    pub overdue: bool,
}

/// One thing that is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitPart {
    /// What.
    #[serde(rename = "for")]
    pub on: String,
    /// The word for programs.
    pub reason: String,
    /// The sentence for a person.
    pub message: String,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Whether its message is that of a failure, which stands in a part of its own.
    #[serde(skip)]
    pub(super) repeated: bool,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConditionPart {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The word for programs.
    pub reason: String,
    /// The sentence for a person.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
    /// Whether that is good news.
    pub as_wanted: bool,
    /// What it means, in plain words; left out for types that CAPT does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<&'static str>,
    /// Whether it says something that the rest of the page does not.
    #[serde(skip)]
    pub(super) remarkable: bool,
    /// Whether its message stands on the page already.
    #[serde(skip)]
    pub(super) repeated: bool,
}

/// What is wrong, where it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailurePart {
    /// The object, as `Kind/namespace/name`.
    pub object: String,
    /// The objects that have their fault from it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub affects: Vec<String>,
    /// The class, which decides what CAPT does about it.
    pub class: String,
    /// What the class means.
    pub meaning: String,
    /// The word for programs.
    pub code: String,
    /// What it happened to: a Terraform address, a field, an object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Where in what a person wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<PlacePart>,
    /// What happened, in the words of whoever refused.
    pub message: String,
    /// Attempts.
    pub attempts: AttemptsPart,
    /// The object's title for the text.
    #[serde(skip)]
    pub(super) title: String,
    #[serde(skip)]
    pub(super) affected: Vec<String>,
    /// Whether Terraform said it.
    #[serde(skip)]
    pub(super) by_terraform: bool,
    /// Where all of a message that is cut can be read.
    #[serde(skip)]
    pub(super) whole: String,
}

/// A place in what a person wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlacePart {
    /// The object whose text it is, as `Kind/namespace/name`; left out for a file of a module that was fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The field of that object, or the file.
    pub field: String,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// All of that for the text.
    #[serde(skip)]
    pub(super) words: String,
}

/// How often something was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttemptsPart {
    /// Attempts that have failed in a row.
    pub failed: i32,
    /// When something was tried last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// When something is tried next; left out if it is not tried again by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// Whether the attempts are used up.
    pub exhausted: bool,
}

/// One operation or Terraform run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationPart {
    /// The object, as `Kind/namespace/name`.
    pub object: String,
    /// What was done: `Creating`, `Updating`, `Deleting`, or `Terraform apply`.
    pub operation: String,
    /// The number of a Terraform run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Which program ran it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; left out while it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// How many seconds it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    /// How it ended, or how far it is.
    pub outcome: String,
    #[serde(skip)]
    pub(super) title: String,
}

/// Something that is used and not made for the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsePart {
    /// The object, as `Kind/namespace/name`.
    pub object: String,
    /// Whether it is there; left out where nobody could look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exists: Option<bool>,
    /// How it stands, where it has a state.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub state: String,
    /// Who refers to it, as `Kind/namespace/name`.
    pub used_by: Vec<String>,
    /// Who writes it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub written_by: Vec<String>,
    #[serde(skip)]
    pub(super) title: String,
    #[serde(skip)]
    pub(super) users: Vec<String>,
    #[serde(skip)]
    pub(super) writers: Vec<String>,
}

/// One Event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventPart {
    /// When it happened last.
    pub at: Timestamp,
    /// The object, as `Kind/namespace/name`.
    pub object: String,
    /// `Normal` or `Warning`.
    pub severity: String,
    /// The word for programs.
    pub reason: String,
    /// The sentence for a person.
    pub message: String,
    /// How often it happened.
    pub count: i32,
    #[serde(skip)]
    pub(super) title: String,
}

/// What a person should do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NextStepPart {
    /// Whether it does not go on unless somebody does something.
    pub needed: bool,
    /// What is to be done, the most important first; if nothing is, why not.
    pub steps: Vec<StepPart>,
}

/// One thing that a person can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepPart {
    /// What, in words.
    pub text: String,
    /// What can be typed for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<CommandPart>,
}

/// A command for a shell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandPart {
    /// What it is for.
    pub purpose: String,
    /// The line to type.
    pub command: String,
}
