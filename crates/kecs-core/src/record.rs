//! What is kept, a record for each thing that the API has.
//!
//! A record holds the thing in the API's own shape, without what is counted anew for each answer, and beside it what
//! decisions need and no client sees. [`Record::terms`] says by what it is found.

use jiff::Timestamp;
use kecs_model::types;
use serde::{Deserialize, Serialize};

use crate::key::{Scope, Term};

mod rollout;
mod terms;

pub use rollout::Rollout;
pub use terms::status;

/// Anything that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Record {
    /// A cluster.
    Cluster(Cluster),
    /// A family of task definitions.
    Family(Family),
    /// A revision of a task definition.
    TaskDefinition(TaskDefinition),
    /// A service.
    Service(Box<Service>),
    /// A task.
    Task(Box<Task>),
    /// A task set of a service with an external controller.
    TaskSet(TaskSet),
    /// A container instance.
    ContainerInstance(ContainerInstance),
    /// A capacity provider.
    CapacityProvider(CapacityProvider),
    /// An account setting.
    AccountSetting(AccountSetting),
    /// A deployment of a service, as `DescribeServiceDeployments` tells of it.
    ServiceDeployment(ServiceDeployment),
    /// A revision of a service: all that its tasks are made from.
    ServiceRevision(ServiceRevision),
    /// What was answered to a client token.
    Token(Token),
}

/// A cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// As the API shows it, without counts; tags are in it.
    pub cluster: types::Cluster,
}

/// A family of task definitions: the last number that was given out stays when its revisions go.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// Its name.
    pub family: String,
    /// The last revision that was registered.
    pub last_revision: i32,
    /// How many of its revisions are ACTIVE.
    pub active: u32,
    /// How many of its revisions have been deleted and are no more.
    #[serde(default)]
    pub deleted: u32,
}

/// A revision of a task definition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskDefinition {
    /// As the API shows it.
    pub definition: types::TaskDefinition,
    /// Its tags, which the API shows beside it.
    pub tags: Vec<types::Tag>,
}

/// A service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// As the API shows it, with its deployments and events, the newest first; without counts, which come of its
    /// tasks. Tags are in it.
    pub service: types::Service,
    /// What the scheduler remembers of each of its deployments, in the order of these.
    pub rollouts: Vec<Rollout>,
    /// The input it was created with: an identical one is answered with the same service.
    pub created_with: String,
    /// The launch type it was created with, to which it goes back without a strategy.
    #[serde(default)]
    pub created_launch_type: Option<types::LaunchType>,
}

/// A task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// As the API shows it; tags are in it.
    pub task: types::Task,
    /// The service that it belongs to.
    pub service: Option<String>,
    /// The task set that it belongs to.
    pub task_set: Option<String>,
    /// Until when it is not to be stopped by a scheduler.
    pub protected_until: Option<Timestamp>,
    /// Seconds for which failing health checks count for nothing after its start.
    pub grace_seconds: Option<i32>,
    /// Its essential containers by name: the first of them that ends ends the task.
    #[serde(default)]
    pub essential: Vec<String>,
    /// Those of them that have a health check: as long as one does not pass, the task is not healthy.
    #[serde(default)]
    pub checked: Vec<String>,
}

/// A task set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskSet {
    /// As the API shows it, without counts; tags are in it.
    pub task_set: types::TaskSet,
    /// The service that it belongs to.
    pub service: String,
    /// The cluster of that.
    pub cluster: String,
    /// What the scheduler remembers of it.
    pub rollout: Rollout,
}

/// A container instance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ContainerInstance {
    /// As the API shows it, without counts and remaining resources; attributes and tags are in it.
    pub instance: types::ContainerInstance,
    /// The name of its cluster.
    pub cluster: String,
}

/// A capacity provider.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CapacityProvider {
    /// As the API shows it; tags are in it.
    pub provider: types::CapacityProvider,
}

/// An account setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountSetting {
    /// Which one, as the API names it.
    pub name: String,
    /// Its value.
    pub value: String,
    /// The ARN of whom it holds for; empty for the default of the account.
    pub principal: String,
}

/// A deployment of a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceDeployment {
    /// As the API shows it.
    pub deployment: types::ServiceDeployment,
    /// The name of its service.
    pub service: String,
    /// The name of the cluster.
    pub cluster: String,
}

/// A revision of a service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceRevision {
    /// As the API shows it.
    pub revision: types::ServiceRevision,
    /// The name of its service.
    pub service: String,
    /// The name of the cluster.
    pub cluster: String,
}

/// What was answered to a client token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// A digest of the input: another input under the same token is a conflict.
    pub fingerprint: String,
    /// The ARNs of what was made.
    pub resources: Vec<String>,
    /// When it may be forgotten.
    pub expires: Timestamp,
}

/// A kind of record.
pub trait Kind: Clone + Sized {
    /// The record that holds it.
    fn into_record(self) -> Record;
    /// What the record holds, if it is of this kind.
    fn of(record: &Record) -> Option<&Self>;
}

macro_rules! kinds {
    ($($kind:ident),*) => { $(
        impl Kind for $kind {
            fn into_record(self) -> Record {
                Record::$kind(self.into())
            }
            fn of(record: &Record) -> Option<&Self> {
                match record {
                    Record::$kind(it) => Some(it),
                    _ => None,
                }
            }
        }
    )* };
}

kinds!(
    Cluster,
    Family,
    TaskDefinition,
    Service,
    Task,
    TaskSet,
    ContainerInstance,
    CapacityProvider,
    AccountSetting,
    ServiceDeployment,
    ServiceRevision,
    Token
);

impl Record {
    /// The terms that it is found by, within the scope of its key.
    pub fn terms(&self, scope: &Scope) -> Vec<Term> {
        terms::of(self, scope)
    }
}
