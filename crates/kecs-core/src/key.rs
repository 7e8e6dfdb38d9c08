//! Under which keys records are kept, and under which terms they are found.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose records: every key and term begins with it, so that accounts and regions never meet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The partition of ARNs: `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// The twelve digits.
    pub account: String,
    /// The region that the signature names.
    pub region: String,
}

/// The key of a record. Keys order as their text does; numbers in them are padded so that they order as numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

/// What a record is found by: a record has any number of terms, and a term any number of records, in the order of
/// their keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Term(String);

impl Key {
    /// A key that was written down before.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the last slash.
    pub fn last(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

impl Term {
    /// A term that was written down before.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The records of this term that have this besides.
    #[must_use]
    pub fn and(&self, name: &str, value: &str) -> Self {
        Self(format!("{}/{name}={value}", self.0))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Scope {
    /// The partition that a region lies in.
    pub fn new(account: impl Into<String>, region: impl Into<String>) -> Self {
        let region = region.into();
        let partition = match region.split('-').next() {
            Some("cn") => "aws-cn",
            Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
            Some(_) | None => "aws",
        };
        Self {
            partition: partition.to_owned(),
            account: account.into(),
            region,
        }
    }

    /// The scope that a key lies in.
    pub fn of(key: &Key) -> Option<Self> {
        let mut parts = key.0.splitn(3, '/');
        let (account, region) = (parts.next()?, parts.next()?);
        parts.next().map(|_| Self::new(account, region))
    }

    fn path(&self, rest: &str) -> String {
        format!("{}/{}/{rest}", self.account, self.region)
    }

    /// The key of a cluster.
    pub fn cluster(&self, name: &str) -> Key {
        Key(self.path(&format!("cluster/{name}")))
    }

    /// The key of a family of task definitions.
    pub fn family(&self, family: &str) -> Key {
        Key(self.path(&format!("family/{family}")))
    }

    /// The key of a task definition. Families order as their names do, for which what ends a name comes before all
    /// that a name may have, and revisions as numbers.
    pub fn task_definition(&self, family: &str, revision: i32) -> Key {
        Key(self.path(&format!("task-definition/{family}!/{revision:010}")))
    }

    /// The key of a service.
    pub fn service(&self, cluster: &str, name: &str) -> Key {
        Key(self.path(&format!("service/{cluster}/{name}")))
    }

    /// The key of a task.
    pub fn task(&self, cluster: &str, id: &str) -> Key {
        Key(self.path(&format!("task/{cluster}/{id}")))
    }

    /// The key of a task set.
    pub fn task_set(&self, cluster: &str, service: &str, id: &str) -> Key {
        Key(self.path(&format!("task-set/{cluster}/{service}/{id}")))
    }

    /// The key of a container instance.
    pub fn container_instance(&self, cluster: &str, id: &str) -> Key {
        Key(self.path(&format!("container-instance/{cluster}/{id}")))
    }

    /// The key of an attribute of a container instance. Names of attributes may have slashes, so the name is last.
    pub fn attribute(&self, cluster: &str, instance: &str, name: &str) -> Key {
        Key(self.path(&format!("attribute/{cluster}/{instance}/{name}")))
    }

    /// The key of a capacity provider.
    pub fn capacity_provider(&self, name: &str) -> Key {
        Key(self.path(&format!("capacity-provider/{name}")))
    }

    /// The key of an account setting: of one principal, or of the account where that is empty.
    pub fn account_setting(&self, name: &str, principal: &str) -> Key {
        Key(self.path(&format!("account-setting/{name}/{principal}")))
    }

    /// The key of a deployment of a service.
    pub fn service_deployment(&self, cluster: &str, service: &str, id: &str) -> Key {
        Key(self.path(&format!("service-deployment/{cluster}/{service}/{id}")))
    }

    /// The key of a revision of a service.
    pub fn service_revision(&self, cluster: &str, service: &str, id: &str) -> Key {
        Key(self.path(&format!("service-revision/{cluster}/{service}/{id}")))
    }

    /// The key of what was answered to a client token of an operation.
    pub fn token(&self, operation: &str, token: &str) -> Key {
        Key(self.path(&format!("token/{operation}/{token}")))
    }

    /// A term of this scope: `kind` and what is named besides.
    pub fn term(&self, kind: &str) -> Term {
        Term(self.path(kind))
    }

    /// A term of this scope, within a cluster.
    pub fn term_in(&self, kind: &str, cluster: &str) -> Term {
        Term(self.path(&format!("{kind}/{cluster}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_order_as_numbers() {
        let scope = Scope::new("123456789012", "eu-west-1");
        assert!(scope.task_definition("web", 9) < scope.task_definition("web", 10));
        assert_eq!(
            scope.task_definition("web", 10).as_str(),
            "123456789012/eu-west-1/task-definition/web!/0000000010"
        );
        assert!(scope.task_definition("web", 10) < scope.task_definition("web-api", 1));
        assert_eq!(scope.task("blue", "0af3").last(), "0af3");
        assert_eq!(Scope::of(&scope.task("blue", "0af3")), Some(scope));
        assert_eq!(Scope::of(&Key::from_text("1/eu-west-1")), None);
    }

    #[test]
    fn a_region_names_its_partition() {
        let partition = |region| Scope::new("1", region).partition;
        assert_eq!(partition("us-east-1"), "aws");
        assert_eq!(partition("us-gov-west-1"), "aws-us-gov");
        assert_eq!(partition("cn-north-1"), "aws-cn");
    }

    #[test]
    fn a_term_grows_by_what_is_asked_for() {
        let term = Scope::new("1", "eu-west-1").term_in("tasks", "blue");
        assert_eq!(
            term.and("desired", "RUNNING").as_str(),
            "1/eu-west-1/tasks/blue/desired=RUNNING"
        );
    }
}
