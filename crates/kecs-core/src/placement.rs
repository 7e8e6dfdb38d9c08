//! Where tasks go that run on container instances.
//!
//! An instance takes a task if it is ACTIVE, its agent is connected, it has the attributes that the task needs, meets
//! the constraints, and has room. Of those that do, the strategies choose.
//!
//! Source: Amazon ECS developer guide, "How Amazon ECS places tasks on container instances", and "API failure reasons".

use std::collections::BTreeMap;

use kecs_model::types::{ContainerInstance, Failure, Resource};

use crate::record;
use crate::task::Host;

mod compare;
mod need;
mod observe;
mod parse;
mod query;
mod resources;
mod strategy;
#[cfg(test)]
mod tests;

pub use need::Need;
pub use query::{Query, QueryFault};
pub use resources::Resources;

/// The attribute that says in which availability zone an instance is.
pub(crate) const ZONE: &str = "ecs.availability-zone";
/// How the attributes begin that say what an agent can do.
const CAPABILITY: [&str; 2] = ["com.amazonaws.ecs.capability.", "ecs.capability."];
/// How the ids of instances outside of EC2 begin.
const OUTSIDE: &str = "mi-";

/// The container instances of a cluster, with what is left of each. What is placed is taken off.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fleet {
    instances: BTreeMap<String, Instance>,
}

/// A container instance, as far as placement looks at it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Instance {
    pub(crate) shown: ContainerInstance,
    pub(crate) attributes: BTreeMap<String, Option<String>>,
    pub(crate) left: Resources,
    /// The groups of its tasks that are to run, one entry for each task.
    pub(crate) groups: Vec<String>,
    /// The groups of its tasks that are to stop and have not yet.
    pub(crate) leaving: Vec<String>,
    /// How many of its tasks run.
    pub(crate) running: usize,
}

/// What keeps an instance from taking a task. In the order in which it is looked at: the last one is the closest to a
/// match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lack {
    /// It is of another capacity provider, or not of the launch type.
    Elsewhere,
    /// It is not ACTIVE.
    Inactive,
    /// Its agent is not connected.
    Agent,
    /// It has not an attribute that the task needs.
    Attribute,
    /// It is no member of what a constraint asks for.
    MemberOf,
    /// It has a task of the same group.
    DistinctInstance,
    /// It has not the CPU units.
    Cpu,
    /// It has not the memory.
    Memory,
    /// A port of it is taken.
    Ports,
    /// It has not the GPUs.
    Gpu,
}

/// No instance takes a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unplaced {
    /// What each instance lacks, by ARN.
    pub lacks: BTreeMap<String, Lack>,
}

impl Lack {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Elsewhere,
        Self::Inactive,
        Self::Agent,
        Self::Attribute,
        Self::MemberOf,
        Self::DistinctInstance,
        Self::Cpu,
        Self::Memory,
        Self::Ports,
        Self::Gpu,
    ];

    /// The reason of a failure, in the word of the API.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Elsewhere => "LOCATION",
            Self::Inactive => "INACTIVE",
            Self::Agent => "AGENT",
            Self::Attribute => "ATTRIBUTE",
            Self::MemberOf => "MemberOf placement constraint unsatisfied.",
            Self::DistinctInstance => "DistinctInstance placement constraint unsatisfied.",
            Self::Cpu => "RESOURCE:CPU",
            Self::Memory => "RESOURCE:MEMORY",
            Self::Ports => "RESOURCE:PORTS",
            Self::Gpu => "RESOURCE:GPU",
        }
    }

    /// What is said of it in a message of a service.
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Elsewhere => "encountered error \"LOCATION\"",
            Self::Inactive => "encountered error \"INACTIVE\"",
            Self::Agent => "encountered error \"AGENT\"",
            Self::Attribute => "is missing an attribute required by your task",
            Self::MemberOf => "encountered error \"MemberOf placement constraint unsatisfied.\"",
            Self::DistinctInstance => {
                "encountered error \"DistinctInstance placement constraint unsatisfied.\""
            }
            Self::Cpu => "has insufficient CPU units available",
            Self::Memory => "has insufficient memory available",
            Self::Ports => "is already using a port required by your task",
            Self::Gpu => "has insufficient GPU resource available",
        }
    }
}

impl Unplaced {
    /// A failure for each instance that was looked at, in the order of their ARNs.
    pub fn failures(&self) -> Vec<Failure> {
        let looked_at = self.lacks.iter().filter(|(_, lack)| **lack != Lack::Elsewhere);
        looked_at
            .map(|(arn, lack)| Failure {
                arn: Some(arn.clone()),
                reason: Some(lack.reason().to_owned()),
                detail: None,
            })
            .collect()
    }

    /// The id of the instance that comes closest to a match, and what is said of it.
    pub fn closest(&self) -> Option<(String, &'static str)> {
        let looked_at = self.lacks.iter().filter(|(_, lack)| **lack != Lack::Elsewhere);
        // Of equals the first.
        let (arn, lack) = looked_at.rev().max_by_key(|(_, lack)| **lack)?;
        let id = arn.rsplit('/').next().unwrap_or_default();
        Some((id.to_owned(), lack.phrase()))
    }
}

impl Fleet {
    /// Instances and the tasks on them that are not over, each with the definition that it is made from.
    pub fn new<'a>(
        instances: impl IntoIterator<Item = &'a record::ContainerInstance>,
        live: impl IntoIterator<Item = (&'a record::Task, Option<&'a record::TaskDefinition>)>,
    ) -> Self {
        let mut fleet = Self::default();
        for it in instances {
            let shown = it.instance.clone();
            let arn = shown.container_instance_arn.clone().unwrap_or_default();
            fleet.instances.insert(arn, Instance::new(shown));
        }
        for (task, definition) in live {
            let arn = task.task.container_instance_arn.as_deref().unwrap_or_default();
            if let Some(instance) = fleet.instances.get_mut(arn) {
                instance.enter(task, definition.map(|it| &it.definition));
            }
        }
        fleet
    }

    /// The ARNs of its instances.
    pub fn instances(&self) -> impl Iterator<Item = String> {
        self.instances.keys().cloned()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.instances.is_empty()
    }

    /// Whether tasks of services are to leave an instance.
    pub fn is_draining(&self, arn: &str) -> bool {
        let instance = self.instances.get(arn);
        instance.is_some_and(|it| it.shown.status.as_deref() == Some(record::status::DRAINING))
    }

    /// What is left of an instance, in the shape of the API.
    pub fn remaining(&self, arn: &str) -> Option<Vec<Resource>> {
        let instance = self.instances.get(arn)?;
        let registered = instance.shown.registered_resources.as_deref().unwrap_or_default();
        Some(instance.left.shown(registered))
    }

    /// Whether an instance is such that it takes the task if it has room: its state, attributes and constraints. What
    /// it has of the group of the task already does not count: that would have a daemon's own task speak against it.
    pub fn takes(&self, need: &Need, arn: &str) -> bool {
        self.instances.get(arn).is_some_and(|it| {
            let others = it.without(&need.group);
            others.refuses(need).is_none() && others.breaks(need).is_none()
        })
    }

    /// Whether an instance has room for the task.
    pub fn fits(&self, need: &Need, arn: &str) -> bool {
        self.instances
            .get(arn)
            .is_some_and(|it| it.left.lacks(need).is_none())
    }

    /// Whether an instance meets an expression. One that is not there does not.
    pub fn meets(&self, query: &Query, arn: &str) -> bool {
        self.instances.get(arn).is_some_and(|it| query.holds(it))
    }

    /// Places a task on the instance that the strategies choose. `seed` is chance's part in it.
    pub fn place(&mut self, need: &Need, seed: u64) -> Result<Host, Unplaced> {
        let lacks = |it: &Instance| {
            it.refuses(need)
                .or_else(|| it.breaks(need))
                .or_else(|| it.left.lacks(need))
        };
        let (mut able, mut lacking) = (Vec::new(), BTreeMap::new());
        for (arn, instance) in &self.instances {
            match lacks(instance) {
                None => able.push(arn.clone()),
                Some(lack) => {
                    lacking.insert(arn.clone(), lack);
                }
            }
        }
        let chosen = strategy::choose(&self.instances, &able, need, seed).map(str::to_owned);
        match chosen {
            Some(arn) => Ok(self.take(need, &arn)),
            None => Err(Unplaced { lacks: lacking }),
        }
    }

    /// Places a task on this instance, whatever the constraints say. An instance that is not there is
    /// not among the lacks.
    pub fn place_on(&mut self, need: &Need, arn: &str) -> Result<Host, Unplaced> {
        let lack = match self.instances.get(arn) {
            None => return Err(Unplaced::default()),
            Some(it) => it.refuses(need).or_else(|| it.left.lacks(need)),
        };
        match lack {
            None => Ok(self.take(need, arn)),
            Some(lack) => Err(Unplaced {
                lacks: BTreeMap::from([(arn.to_owned(), lack)]),
            }),
        }
    }

    /// Takes off what the task needs.
    fn take(&mut self, need: &Need, arn: &str) -> Host {
        let Some(instance) = self.instances.get_mut(arn) else {
            return Host::default();
        };
        instance.groups.push(need.group.clone());
        Host {
            instance: Some(arn.to_owned()),
            zone: instance.attribute(ZONE).map(str::to_owned),
            subnet: None,
            gpus: instance.left.take(need),
        }
    }
}

impl Instance {
    fn new(shown: ContainerInstance) -> Self {
        let attributes = shown.attributes.iter().flatten();
        let attributes = attributes.filter_map(|it| Some((it.name.clone()?, it.value.clone())));
        Self {
            attributes: attributes.collect(),
            left: Resources::of(shown.registered_resources.as_deref().unwrap_or_default()),
            groups: Vec::new(),
            leaving: Vec::new(),
            running: 0,
            shown,
        }
    }

    fn enter(&mut self, task: &record::Task, definition: Option<&kecs_model::types::TaskDefinition>) {
        self.left.give_to(&task.task, definition);
        let group = task.task.group.clone().unwrap_or_default();
        if crate::task::is_wanted(task) {
            self.groups.push(group);
        } else {
            self.leaving.push(group);
        }
        if task.task.last_status.as_deref() == Some(record::status::RUNNING) {
            self.running += 1;
        }
    }

    /// As it is without the tasks of a group. They still take their room.
    fn without(&self, group: &str) -> Self {
        let mut others = self.clone();
        others.groups.retain(|it| it != group);
        others.leaving.retain(|it| it != group);
        others
    }

    /// The value of an attribute, if it has the attribute and that has a value.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.as_deref()
    }

    /// What keeps it from taking the task, whatever the constraints and its room.
    fn refuses(&self, need: &Need) -> Option<Lack> {
        let outside = self
            .shown
            .ec2_instance_id
            .as_deref()
            .is_some_and(|it| it.starts_with(OUTSIDE));
        let provider = self.shown.capacity_provider_name.as_deref();
        if outside != need.outside || need.provider.as_deref().is_some_and(|it| Some(it) != provider) {
            return Some(Lack::Elsewhere);
        }
        if self.shown.status.as_deref() != Some(record::status::ACTIVE) {
            return Some(Lack::Inactive);
        }
        if self.shown.agent_connected != Some(true) {
            return Some(Lack::Agent);
        }
        // An agent that does not say what it can do is taken to do everything.
        let is_capability = |name: &String| CAPABILITY.iter().any(|it| name.starts_with(it));
        let tells = self.attributes.keys().any(is_capability);
        let has = |(name, value): &(String, Option<String>)| {
            let silent = !tells && is_capability(name);
            silent
                || self
                    .attributes
                    .get(name)
                    .is_some_and(|it| value.is_none() || it == value)
        };
        (!need.attributes.iter().all(has)).then_some(Lack::Attribute)
    }

    /// The constraint that it does not meet.
    fn breaks(&self, need: &Need) -> Option<Lack> {
        if !need.members.iter().all(|query| query.holds(self)) {
            return Some(Lack::MemberOf);
        }
        let same = |it: &String| *it == need.group;
        let has_one = self.groups.iter().any(same) || self.leaving.iter().any(same);
        (need.distinct && has_one).then_some(Lack::DistinctInstance)
    }
}
