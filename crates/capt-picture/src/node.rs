//! One object, as far as it is shown.

use std::fmt;

use jiff::Timestamp;

use crate::{NodeKey, NodeKind};

/// One object.
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, each read on its own"
)]
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Which one it is.
    pub key: NodeKey,
    /// Whether it is there; an object that others refer to may be missing.
    pub exists: bool,
    /// The object that it was made for.
    pub parent: Option<NodeKey>,
    /// The Cluster that it is labelled with.
    pub cluster: Option<String>,
    /// The `ClusterClass` that a Cluster is made from.
    pub topology: Option<String>,
    /// What its spec refers to.
    pub needs: Vec<Reference>,
    /// The Secrets that it writes.
    pub writes: Vec<NodeKey>,
    /// What else is worth knowing about it, one sentence each.
    pub notes: Vec<String>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Whether somebody has looked at the present spec.
    pub observed: bool,
    /// The state, the phase of a Cluster; empty while nothing was said.
    pub state: String,
    /// Since when it is in this state.
    pub since: Option<Timestamp>,
    /// Whether all is as wanted.
    pub ready: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Since when it is being deleted.
    pub deleting_since: Option<Timestamp>,
    /// What keeps it from going once it is deleted.
    pub finalizers: Vec<String>,
    /// Why nobody touches it, if so.
    pub paused: Option<Pause>,
    /// What is being done (`Creating`).
    pub operation: Option<String>,
    /// What of it just now.
    pub current: Option<String>,
    /// How far it is.
    pub percent: Option<i32>,
    /// Steps that are done, and how many there are.
    pub steps: Option<(i32, i32)>,
    /// When the operation began.
    pub started_at: Option<Timestamp>,
    /// When it is expected to be done.
    pub expected_at: Option<Timestamp>,
    /// Whether it takes longer than its limit.
    pub overdue: bool,
    /// What was done before, oldest first.
    pub history: Vec<Operation>,
    /// The Terraform run that is under way, or the last one.
    pub run: Option<Run>,
    /// What it waits for.
    pub waits: Vec<Waiting>,
    /// What is wrong.
    pub fault: Option<Failure>,
    /// How often that was tried, and when it is tried again.
    pub attempts: Attempts,
    /// What waits for an approval.
    pub approvals: Vec<String>,
    /// The digest of the present input.
    pub input_digest: Option<String>,
    /// Its conditions.
    pub conditions: Vec<Said>,
    /// `host:port` of the API server.
    pub endpoint: Option<String>,
    /// The Kubernetes version that runs.
    pub version: Option<String>,
    /// The Kubernetes version that the spec asks for.
    pub wanted_version: Option<String>,
    /// What it is called where it was made: the id of the VPC.
    pub id: Option<String>,
}

impl Node {
    /// An object of which nothing is known but that it is there.
    pub fn new(key: NodeKey) -> Self {
        Self {
            key,
            exists: true,
            parent: None,
            cluster: None,
            topology: None,
            needs: Vec::new(),
            writes: Vec::new(),
            notes: Vec::new(),
            created: None,
            observed: true,
            state: String::new(),
            since: None,
            ready: false,
            deleting: false,
            deleting_since: None,
            finalizers: Vec::new(),
            paused: None,
            operation: None,
            current: None,
            percent: None,
            steps: None,
            started_at: None,
            expected_at: None,
            overdue: false,
            history: Vec::new(),
            run: None,
            waits: Vec::new(),
            fault: None,
            attempts: Attempts::default(),
            approvals: Vec::new(),
            input_digest: None,
            conditions: Vec::new(),
            endpoint: None,
            version: None,
            wanted_version: None,
            id: None,
        }
    }

    /// An object that somebody refers to and that is not there.
    pub fn missing(key: NodeKey) -> Self {
        Self {
            exists: false,
            ..Self::new(key)
        }
    }

    /// The condition of this type.
    pub fn condition(&self, kind: &str) -> Option<&Said> {
        self.conditions.iter().find(|said| said.kind == kind)
    }

    /// Whether a condition of this type holds.
    pub fn is_true(&self, kind: &str) -> bool {
        self.condition(kind).is_some_and(|said| said.status == "True")
    }

    /// Whether nothing more happens by itself.
    pub fn is_stopped(&self) -> bool {
        let is_stalled = |said: &Said| said.status == "True" && said.reason != "Overdue";
        self.state == "Failed" || self.condition("Stalled").is_some_and(is_stalled) || self.is_refused()
    }

    /// Whether a Cluster has come upon objects that are another one's.
    fn is_refused(&self) -> bool {
        let is_refused = |said: &Said| said.status == "False" && said.reason == OWNED_BY_ANOTHER;
        self.key.kind == NodeKind::Cluster && !self.deleting && self.conditions.iter().any(is_refused)
    }
}

/// The reason by which a Cluster, or an object in deletion, says that another Cluster owns an object.
pub(crate) const OWNED_BY_ANOTHER: &str = "OwnedByAnotherCluster";

/// That one object names another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The field that names it (`spec.vpcTemplateRef`).
    pub field: String,
    /// What it names.
    pub key: NodeKey,
    /// What else it may mean, where that is not there.
    pub or: Option<NodeKey>,
}

impl Reference {
    /// What `field` names.
    pub fn new(field: impl Into<String>, key: NodeKey) -> Self {
        Self {
            field: field.into(),
            key,
            or: None,
        }
    }
}

/// Why nobody touches an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pause {
    /// The field `spec.paused` of the Cluster.
    Spec,
    /// An annotation of the object itself.
    Annotation,
    /// Something else, in the words of whoever keeps to it.
    Other(String),
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spec => f.write_str("spec.paused is true"),
            Self::Annotation => write!(f, "it has the annotation {}", capt_api::keys::PAUSED),
            Self::Other(why) => f.write_str(why),
        }
    }
}

/// What an object waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// For what.
    pub on: String,
    /// The word for programs.
    pub reason: String,
    /// The sentence for a person; may be empty.
    pub message: String,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// What is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The child, as `Kind/name`, whose fault it is.
    pub source: Option<String>,
    /// The class.
    pub class: String,
    /// The code.
    pub code: String,
    /// What it happened to: a Terraform address, a field, an object; may be empty.
    pub subject: String,
    /// What happened.
    pub message: String,
    /// Where in a text that a person wrote, as `field:line,column`; may be empty.
    pub position: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): ", self.code, self.class)?;
        if !self.subject.is_empty() {
            write!(f, "{}: ", self.subject)?;
        }
        f.write_str(&self.message)?;
        if !self.position.is_empty() {
            write!(f, " ({})", self.position)?;
        }
        Ok(())
    }
}

/// How often something was tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Attempts that have failed in a row.
    pub failed: i32,
    /// When something was tried last.
    pub last: Option<Timestamp>,
    /// When something is tried next.
    pub next: Option<Timestamp>,
    /// Whether the attempts are used up.
    pub exhausted: bool,
}

/// One operation that has ended, or was left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Which one (`Creating`).
    pub name: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// How it ended (`Succeeded`).
    pub outcome: Option<String>,
}

/// A Terraform run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: String,
    /// `Apply` or `Destroy`.
    pub operation: String,
    /// How far it is.
    pub stage: Option<String>,
    /// Which program runs it.
    pub engine: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The type.
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// The word for programs.
    pub reason: String,
    /// The sentence for a person.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
}
