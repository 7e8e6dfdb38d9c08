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
    let (protected, free): (Vec<usize>, Vec<usize>) = places
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
    // Of those that are alike but for their age, one is looked at a time, so that a thousand cost no million looks.
    let mut alike: BTreeMap<(bool, Option<String>, Option<String>), Vec<usize>> = BTreeMap::new();
    for nth in free {
        let it = &round.tasks[nth];
        let (zone, instance) = (&it.task.availability_zone, &it.task.container_instance_arn);
        let kind = (task::is_healthy(it), zone.clone(), instance.clone());
        alike.entry(kind).or_default().push(nth);
    }
    let age = |nth: usize| {
        let it = &round.tasks[nth].task;
        (Reverse(it.created_at), it.task_arn.as_deref())
    };
    for places in alike.values_mut() {
        places.sort_by_key(|nth| Reverse(age(*nth)));
    }
    let mut chosen = Vec::new();
    while chosen.len() < count {
        let rank = |((healthy, zone, instance), places): &(&(bool, _, _), &mut Vec<usize>)| {
            let crowd = |counts: &BTreeMap<_, usize>, of| Reverse(counts.get(of).copied().unwrap_or(0));
            let first = places.last().copied().map(age);
            (*healthy, crowd(&zones, zone), crowd(&instances, instance), first)
        };
        let best = alike
            .iter_mut()
            .filter(|(_, places)| !places.is_empty())
            .min_by_key(rank);
        let Some(((_, zone, instance), places)) = best else {
            break;
        };
        chosen.extend(places.pop());
        for (counts, of) in [(&mut zones, zone), (&mut instances, instance)] {
            if let Some(count) = counts.get_mut(of) {
                *count -= 1;
            }
        }
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
