//! The container instances of a cluster as they are kept.

use std::collections::BTreeMap;

use kecs_model::Refusal;

use super::Fleet;
use crate::key::{Key, Term};
use crate::record::{ContainerInstance, Task, TaskDefinition, status};
use crate::tx::Tx;

impl Fleet {
    /// The instances of a cluster with the tasks on them that are not over; those that are INACTIVE are not among them.
    ///
    /// Lists are not guarded: who places a task on an instance calls [`Fleet::guard`] for it.
    pub fn observe(tx: &Tx<'_>, cluster: &str) -> Result<Self, Refusal> {
        let instances: Vec<(Key, ContainerInstance)> =
            tx.all(&tx.scope().term_in("container-instances", cluster))?;
        let mut live: Vec<Task> = Vec::new();
        let mut definitions: BTreeMap<String, Option<TaskDefinition>> = BTreeMap::new();
        for (_, it) in &instances {
            let arn = it.instance.container_instance_arn.as_deref().unwrap_or_default();
            for (_, task) in tx.all::<Task>(&live_on(tx, cluster, arn))? {
                if let Some(arn) = &task.task.task_definition_arn
                    && !definitions.contains_key(arn)
                {
                    definitions.insert(arn.clone(), definition(tx, arn)?);
                }
                live.push(task);
            }
        }
        let shown = instances
            .iter()
            .map(|(_, it)| it)
            .filter(|it| it.instance.status.as_deref() != Some(status::INACTIVE));
        let of = |task: &Task| {
            let arn = task.task.task_definition_arn.as_ref()?;
            definitions.get(arn)?.as_ref()
        };
        Ok(Self::new(shown, live.iter().map(|it| (it, of(it)))))
    }

    /// Makes a commit fail if tasks have come to or left this instance by then, or if it has changed.
    pub fn guard(tx: &Tx<'_>, cluster: &str, instance: &str) -> Result<(), Refusal> {
        let id = instance.rsplit('/').next().unwrap_or_default();
        tx.get::<ContainerInstance>(&tx.scope().container_instance(cluster, id))?;
        tx.guarded_count(&live_on(tx, cluster, instance))?;
        Ok(())
    }
}

/// The tasks of an instance that are not over.
fn live_on(tx: &Tx<'_>, cluster: &str, instance: &str) -> Term {
    let id = instance.rsplit('/').next().unwrap_or_default();
    tx.scope().term_in("tasks", cluster).and("live-on", id)
}

/// The task definition of an ARN.
fn definition(tx: &Tx<'_>, arn: &str) -> Result<Option<TaskDefinition>, Refusal> {
    let name = arn.rsplit('/').next().unwrap_or_default();
    let Some((family, revision)) = name.rsplit_once(':') else {
        return Ok(None);
    };
    let Ok(revision) = revision.parse() else {
        return Ok(None);
    };
    tx.get(&tx.scope().task_definition(family, revision))
}
