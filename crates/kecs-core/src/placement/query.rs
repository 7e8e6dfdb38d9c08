//! The cluster query language.
//!
//! Source: Amazon ECS developer guide, "Create expressions to define container instances for Amazon ECS tasks".

use std::fmt;

use regex::Regex;

use super::compare::order;
use super::{Instance, parse};

/// An expression that container instances meet or do not.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub(super) expression: Expression,
}

/// A text that is no expression of the cluster query language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid expression: {0}")]
pub struct QueryFault(pub(super) String);

/// What holds of an instance or does not.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expression {
    /// All of them.
    All(Vec<Self>),
    /// At least one of them. Of none: never.
    Any(Vec<Self>),
    /// Not that.
    Not(Box<Self>),
    /// A test of a subject.
    Test(Subject, Test),
}

/// What is tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// Whether the agent is connected: `true` or `false`.
    AgentConnected,
    /// The version of the agent.
    AgentVersion,
    /// An attribute by name.
    Attribute(String),
    /// The id of the EC2 instance.
    Ec2InstanceId,
    /// When it was registered.
    RegisteredAt,
    /// How many of its tasks run.
    RunningTasksCount,
    /// The groups of its tasks.
    TaskGroup,
}

/// What is asked of a subject.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// It has a value.
    Exists,
    /// One of its values is to the value as told.
    Compare(Comparison, String),
    /// One of its values is among these.
    In(Vec<String>),
    /// One of its values matches as a whole.
    Matches(Pattern),
}

/// How a value is to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// The same.
    Equal,
    /// Above it.
    Greater,
    /// Above it or the same.
    GreaterOrEqual,
    /// Below it.
    Less,
    /// Below it or the same.
    LessOrEqual,
}

/// A regular expression that a whole value is to match.
#[derive(Clone)]
pub(super) struct Pattern(pub(super) Regex);

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Query {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, QueryFault> {
        parse::expression(text).map(|expression| Self { expression })
    }

    /// What no instance meets.
    pub(super) const fn nothing() -> Self {
        Self {
            expression: Expression::Any(Vec::new()),
        }
    }

    /// Whether an instance meets it.
    pub(super) fn holds(&self, instance: &Instance) -> bool {
        self.expression.holds(instance)
    }
}

impl Expression {
    fn holds(&self, instance: &Instance) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|it| it.holds(instance)),
            Self::Any(parts) => parts.iter().any(|it| it.holds(instance)),
            Self::Not(part) => !part.holds(instance),
            Self::Test(subject, test) => test.holds(&subject.values(instance)),
        }
    }
}

impl Subject {
    /// Its values, and how many: a subject of no value exists if it is there. An attribute may be there without one.
    fn values(&self, instance: &Instance) -> Vec<String> {
        let shown = &instance.shown;
        match self {
            Self::AgentConnected => vec![shown.agent_connected.unwrap_or(false).to_string()],
            Self::AgentVersion => shown
                .version_info
                .iter()
                .filter_map(|it| it.agent_version.clone())
                .collect(),
            Self::Attribute(name) => instance
                .attributes
                .get(name)
                .map(|value| value.clone().unwrap_or_default())
                .into_iter()
                .collect(),
            Self::Ec2InstanceId => shown.ec2_instance_id.iter().cloned().collect(),
            Self::RegisteredAt => shown.registered_at.iter().map(ToString::to_string).collect(),
            Self::RunningTasksCount => vec![instance.running.to_string()],
            Self::TaskGroup => {
                let groups = instance.groups.iter().chain(&instance.leaving);
                groups.cloned().collect()
            }
        }
    }
}

impl Test {
    fn holds(&self, values: &[String]) -> bool {
        match self {
            Self::Exists => !values.is_empty(),
            Self::Compare(comparison, with) => values.iter().any(|it| comparison.holds(it, with)),
            Self::In(list) => values.iter().any(|it| list.contains(it)),
            Self::Matches(pattern) => values.iter().any(|it| pattern.0.is_match(it)),
        }
    }
}

impl Comparison {
    fn holds(self, value: &str, with: &str) -> bool {
        match self {
            Self::Equal => value == with,
            Self::Greater => order(value, with).is_gt(),
            Self::GreaterOrEqual => order(value, with).is_ge(),
            Self::Less => order(value, with).is_lt(),
            Self::LessOrEqual => order(value, with).is_le(),
        }
    }
}
