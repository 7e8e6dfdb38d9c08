//! What is counted anew for each answer.

use kecs_model::{Refusal, types};

use crate::record::{Rollout, Service, status};
use crate::tx::Tx;

/// How many tasks run, and how many are on their way there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::api) struct Counts {
    pub(in crate::api) running: i32,
    pub(in crate::api) pending: i32,
}

/// The service as it is shown: with the counts of its tasks, of its deployments and task sets.
pub(in crate::api) fn with_counts(
    tx: &Tx<'_>,
    cluster: &str,
    record: &Service,
) -> Result<types::Service, Refusal> {
    let mut service = record.service.clone();
    let name = service.service_name.clone().unwrap_or_default();
    let all = of(tx, cluster, "service", &name)?;
    service.running_count = Some(all.running);
    service.pending_count = Some(all.pending);
    let mut revisions = Vec::new();
    for deployment in service.deployments.iter_mut().flatten() {
        let id = deployment.id.clone().unwrap_or_default();
        let counts = of(tx, cluster, "started-by", &id)?;
        deployment.running_count = Some(counts.running);
        deployment.pending_count = Some(counts.pending);
        let of_it = |rollout: &&Rollout| rollout.id == id;
        if let Some(rollout) = record.rollouts.iter().find(of_it) {
            revisions.push(types::ServiceCurrentRevisionSummary {
                arn: Some(rollout.revision.clone()),
                requested_task_count: deployment.desired_count,
                running_task_count: Some(counts.running),
                pending_task_count: Some(counts.pending),
            });
        }
    }
    service.current_service_revisions = (!revisions.is_empty()).then_some(revisions);
    let mut sets = Vec::new();
    for (_, set) in super::task_sets(tx, cluster, &name)? {
        let mut set = with_task_counts(tx, cluster, set.task_set)?;
        set.tags = None;
        sets.push(set);
    }
    service.task_sets = (!sets.is_empty()).then_some(sets);
    Ok(service)
}

/// The task set as it is shown.
pub(in crate::api) fn with_task_counts(
    tx: &Tx<'_>,
    cluster: &str,
    mut set: types::TaskSet,
) -> Result<types::TaskSet, Refusal> {
    let counts = of(tx, cluster, "started-by", set.id.as_deref().unwrap_or_default())?;
    set.running_count = Some(counts.running);
    set.pending_count = Some(counts.pending);
    Ok(set)
}

/// The tasks in `cluster` that have this.
pub(in crate::api) fn of(tx: &Tx<'_>, cluster: &str, name: &str, value: &str) -> Result<Counts, Refusal> {
    let term = tx.scope().term_in("tasks", cluster).and(name, value);
    let count = |last| {
        let count = tx.count(&term.and("last", last))?;
        Ok::<i32, Refusal>(i32::try_from(count).unwrap_or(i32::MAX))
    };
    Ok(Counts {
        running: count(status::RUNNING)?,
        pending: count(status::PENDING)?,
    })
}
