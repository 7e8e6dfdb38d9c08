//! Which tasks are stopped of those that may be.
//!
//! Source: `UpdateService` of the API reference: from the availability zone with the most tasks of the service, there
//! from the container instance with the most. What does not run healthily goes before what does; of equals the
//! youngest goes.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::round::Round;
use crate::record;
use crate::task;

/// So many of these tasks, or fewer if there are not as many that may be stopped. Those that are protected are let be;
/// as many as were passed over for that are added to `held`.
pub(super) fn to_stop(round: &mut Round<'_>, places: &[usize], count: usize, held: &mut usize) -> Vec<usize> {
    if count == 0 {
        return Vec::new();
    }
    let now = round.now;
    let (protected, mut free): (Vec<usize>, Vec<usize>) = places
        .iter()
        .partition(|nth| task::is_protected(&round.tasks[**nth], now));
    let missing = count.saturating_sub(free.len()).min(protected.len());
    *held += missing;
    if missing > 0 {
        let ends: Vec<_> = protected
            .iter()
            .filter_map(|nth| round.tasks[*nth].protected_until)
            .collect();
        for at in ends {
            round.look_at(at);
        }
    }
    let mut zones = tally(round, |it| it.task.availability_zone.clone());
    let mut instances = tally(round, |it| it.task.container_instance_arn.clone());
    let mut chosen = Vec::new();
    while chosen.len() < count && !free.is_empty() {
        let rank = |nth: &usize| {
            let it = &round.tasks[*nth];
            (
                task::is_healthy(it),
                Reverse(zones.get(&it.task.availability_zone).copied().unwrap_or(0)),
                Reverse(
                    instances
                        .get(&it.task.container_instance_arn)
                        .copied()
                        .unwrap_or(0),
                ),
                Reverse(it.task.created_at),
                it.task.task_arn.clone(),
            )
        };
        let best = (0..free.len()).min_by_key(|at| rank(&free[*at])).unwrap_or(0);
        let nth = free.swap_remove(best);
        let it = &round.tasks[nth].task;
        for (counts, of) in [
            (&mut zones, &it.availability_zone),
            (&mut instances, &it.container_instance_arn),
        ] {
            if let Some(count) = counts.get_mut(of) {
                *count -= 1;
            }
        }
        chosen.push(nth);
    }
    chosen
}

/// How many tasks that are to run there are of each.
fn tally(round: &Round<'_>, of: impl Fn(&record::Task) -> Option<String>) -> BTreeMap<Option<String>, usize> {
    let mut counts = BTreeMap::new();
    for task in round.tasks.iter().filter(|it| task::is_wanted(it)) {
        *counts.entry(of(task)).or_insert(0) += 1;
    }
    counts
}
