//! A service with one task on each container instance that takes it.

use std::collections::BTreeMap;

use super::replica::{bounds, carry_out, scaling, waits, watch_grace};
use super::round::{Round, shown};
use super::{launch, message};
use crate::lifecycle::deployment::RolloutState;
use crate::placement::Need;
use crate::record;
use crate::task;

/// The percent of its instances on which a daemon is to stay healthy, where the service does not say.
const MINIMUM_PERCENT: i32 = 0;
/// One task on each instance, and no second one.
const MAXIMUM_PERCENT: i32 = 100;

/// Stops unhealthy tasks: nothing can stand in for them on their instance. This comes before failures are counted, so
/// that they are among them.
pub(super) fn clear_unhealthy(round: &mut Round<'_>) {
    let places = round.places(|it| task::is_wanted(it) && task::is_unhealthy(it, round.now));
    let stops = places.into_iter().map(|nth| (nth, task::UNHEALTHY.to_owned()));
    carry_out(round, stops.collect());
}

/// Starts and stops what a daemon needs.
pub(super) fn plan(round: &mut Round<'_>) {
    let Some(id) = round.primary().and_then(|it| it.id.clone()) else {
        return;
    };
    let Some(launch) = launch::of_deployment(round, 0) else {
        return;
    };
    let service = &round.service.service;
    let need = Need::of(
        &launch.blueprint.definition.definition,
        None,
        &format!("service:{}", service.service_name.as_deref().unwrap_or_default()),
    )
    .launched(launch.blueprint.launch_type)
    .under(service.placement_constraints.as_deref().unwrap_or_default(), &[]);
    let live = on_instances(round);
    // An instance that has a task of the daemon takes it; any other has to have room.
    let eligible: Vec<String> = round
        .fleet
        .instances()
        .filter(|arn| {
            round.fleet.takes(&need, arn) && (live.contains_key(arn) || round.fleet.fits(&need, arn))
        })
        .collect();
    let desired = eligible.len();
    round.service.service.desired_count = Some(shown(desired));
    round.change_deployment(0, |it| it.desired_count = Some(shown(desired)));
    let bounds = bounds(round, desired, MINIMUM_PERCENT, MAXIMUM_PERCENT);
    let mut started = Vec::new();
    let may_start = round.rollout_state() != Some(RolloutState::Failed) && !waits(round);
    for arn in eligible
        .iter()
        .filter(|arn| may_start && !live.contains_key(*arn))
    {
        started.extend(launch::start(round, &launch, 1, Some(arn)));
    }
    if !started.is_empty() {
        let message = message::started(&round.name(), started.iter().map(String::as_str));
        round.tell(message);
    }
    let stops = stops(round, &live, &eligible, &id, bounds.lower, may_start);
    carry_out(round, stops);
    watch_grace(round);
}

/// The tasks that are not over, by their instance.
fn on_instances(round: &Round<'_>) -> BTreeMap<String, Vec<usize>> {
    let mut all: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for nth in round.places(|it| !task::is_over(it)) {
        let instance = round.tasks[nth].task.container_instance_arn.clone();
        all.entry(instance.unwrap_or_default()).or_default().push(nth);
    }
    all
}

/// What goes: tasks where none is to be, second ones, and those of other deployments as far as the minimum lets them.
fn stops(
    round: &Round<'_>,
    live: &BTreeMap<String, Vec<usize>>,
    eligible: &[String],
    id: &str,
    lower: usize,
    may_start: bool,
) -> Vec<(usize, String)> {
    let wanted = |nth: &&usize| task::is_wanted(&round.tasks[**nth]);
    let own = |it: &record::Task| it.task.started_by.as_deref() == Some(id);
    let mut stops = Vec::new();
    let mut old = Vec::new();
    for (instance, places) in live {
        if !eligible.contains(instance) {
            stops.extend(places.iter().filter(wanted).map(|nth| (*nth, scaling(id))));
            continue;
        }
        let mut kept = false;
        for nth in places.iter().filter(wanted) {
            let it = &round.tasks[*nth];
            if !own(it) {
                old.push(*nth);
            } else if kept {
                stops.push((*nth, scaling(id)));
            } else {
                kept = true;
            }
        }
    }
    let stays = |nth: &usize| !stops.iter().any(|(it, _)| it == nth);
    let all = round.places(task::is_wanted).into_iter();
    let healthy = all
        .filter(|nth| stays(nth) && task::is_healthy(&round.tasks[*nth]))
        .count();
    let mut spare = healthy.saturating_sub(lower);
    for nth in old.into_iter().filter(|_| may_start) {
        let it = &round.tasks[nth];
        let costs = usize::from(task::is_healthy(it));
        if costs <= spare && !task::is_protected(it, round.now) {
            spare -= costs;
            stops.push((nth, scaling(id)));
        }
    }
    stops
}
