//! What a cluster has, counted anew for each answer.

use kecs_model::{Refusal, types};

use crate::key::Term;
use crate::record::status;
use crate::tx::Tx;

/// What `DescribeClusters` always tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) instances: i32,
    pub(super) running: i32,
    pub(super) pending: i32,
    pub(super) services: i32,
}

pub(super) fn of(tx: &Tx<'_>, cluster: &str) -> Result<Counts, Refusal> {
    let scope = tx.scope();
    let instances = scope.term_in("container-instances", cluster);
    let tasks = scope.term_in("tasks", cluster);
    let services = scope.term_in("services", cluster);
    let registered = [status::ACTIVE, status::DRAINING].map(|it| instances.and("status", it));
    Ok(Counts {
        instances: count(tx, &registered[0])?.saturating_add(count(tx, &registered[1])?),
        running: count(tx, &tasks.and("last", status::RUNNING))?,
        pending: count(tx, &tasks.and("last", "PENDING"))?,
        services: count(tx, &services.and("status", status::ACTIVE))?,
    })
}

/// How many records a term has.
pub(in crate::api) fn count(tx: &Tx<'_>, term: &Term) -> Result<i32, Refusal> {
    Ok(i32::try_from(tx.count(term)?).unwrap_or(i32::MAX))
}

/// What `DescribeClusters` tells with STATISTICS: tasks and services by where they run.
pub(super) fn statistics(tx: &Tx<'_>, cluster: &str) -> Result<Vec<types::KeyValuePair>, Refusal> {
    let tasks = tx.scope().term_in("tasks", cluster);
    let services = tx.scope().term_in("services", cluster);
    // In the order in which AWS tells them: the kinds of machines came one after the other.
    let launches = [
        &[("EC2", "EC2"), ("Fargate", "FARGATE")][..],
        &[("External", "EXTERNAL")],
        &[("ManagedInstances", "MANAGED_INSTANCES")],
    ];
    let of_tasks = [
        ("running", tasks.and("last", status::RUNNING)),
        ("pending", tasks.and("last", status::PENDING)),
    ];
    let of_services = [
        ("active", services.and("status", status::ACTIVE)),
        ("draining", services.and("status", status::DRAINING)),
    ];
    let mut pairs = Vec::new();
    for (what, states) in [("TasksCount", of_tasks), ("ServiceCount", of_services)] {
        for group in launches {
            for (state, term) in &states {
                for (named, launch) in group {
                    let count = tx.count(&term.and("launch", launch))?;
                    pairs.push(types::KeyValuePair {
                        name: Some(format!("{state}{named}{what}")),
                        value: Some(count.to_string()),
                    });
                }
            }
        }
    }
    Ok(pairs)
}
