//! A service with a count of tasks: how many come and go in a round.
//!
//! Tasks of the newest deployment come as far as the maximum percent lets them. Tasks of others, and those on instances
//! that drain, go as healthy ones take their place, or to make room where there is none, as far as the minimum percent
//! lets them.

use std::collections::BTreeSet;

use super::round::Round;
use super::{choose, launch, message};
use crate::lifecycle::deployment::RolloutState;
use crate::plane::TaskStatus;
use crate::record;
use crate::task;

/// The percent of the desired count that is to stay healthy, where the service does not say.
pub(super) const MINIMUM_PERCENT: i32 = 100;
/// The percent of the desired count that may be there, where the service does not say.
pub(super) const MAXIMUM_PERCENT: i32 = 200;

/// Between which counts a service is to stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    /// So many tasks are to be healthy.
    pub(super) lower: usize,
    /// So many tasks may run or be on their way.
    pub(super) upper: usize,
}

/// Why tasks of a deployment are stopped.
pub(super) fn scaling(deployment: &str) -> String {
    format!("Scaling activity initiated by (deployment {deployment})")
}

/// The bounds of the service around a count.
pub(super) fn bounds(round: &Round<'_>, desired: usize, minimum: i32, maximum: i32) -> Bounds {
    let configuration = round.service.service.deployment_configuration.as_ref();
    let percent = |given: Option<i32>, default: i32| usize::try_from(given.unwrap_or(default)).unwrap_or(0);
    let minimum = percent(configuration.and_then(|it| it.minimum_healthy_percent), minimum);
    let maximum = percent(configuration.and_then(|it| it.maximum_percent), maximum);
    Bounds {
        lower: desired.saturating_mul(minimum).div_ceil(100),
        upper: desired.saturating_mul(maximum) / 100,
    }
}

/// Whether a task counts against the maximum: it runs or is on its way, asked to stop or not.
pub(super) fn is_active(task: &record::Task) -> bool {
    task::last_status(task) <= TaskStatus::Running
}

/// The places of tasks, by what is to become of them.
struct Standing {
    /// Of the newest deployment, to run, and not found unhealthy.
    sound: Vec<usize>,
    /// Of the newest deployment, to run, and found unhealthy.
    unhealthy: Vec<usize>,
    /// To run, but to be replaced: of other deployments, or on instances that drain.
    old: Vec<usize>,
}

impl Standing {
    fn of(round: &Round<'_>, id: &str) -> Self {
        let stays = |it: &record::Task| it.task.started_by.as_deref() == Some(id) && !round.is_displaced(it);
        let sick = |it: &record::Task| task::is_unhealthy(it, round.now);
        Self {
            sound: round.places(|it| task::is_wanted(it) && stays(it) && !sick(it)),
            unhealthy: round.places(|it| task::is_wanted(it) && stays(it) && sick(it)),
            old: round.places(|it| task::is_wanted(it) && !stays(it)),
        }
    }
}

/// What a round has to work with.
struct Numbers {
    desired: usize,
    bounds: Bounds,
    /// How many of the tasks that the newest deployment is missing may come now.
    room: usize,
    /// How many of the others wait for room that nobody makes yet.
    short: usize,
    /// How many tasks that run or are on their way were asked to stop.
    leaving: usize,
    /// How many tasks run or are on their way.
    active: usize,
    /// Whether nothing may be started, because the deployment was given up or tasks failed a moment ago.
    holds: bool,
}

impl Numbers {
    fn of(round: &mut Round<'_>, standing: &Standing) -> Self {
        let desired = usize::try_from(round.desired()).unwrap_or(usize::MAX);
        let bounds = bounds(round, desired, MINIMUM_PERCENT, MAXIMUM_PERCENT);
        let missing = desired.saturating_sub(standing.sound.len());
        let active = round.places(is_active).len();
        let room = bounds.upper.saturating_sub(active).min(missing);
        let leaving = round.places(|it| is_active(it) && !task::is_wanted(it)).len();
        let holds = waits(round) || round.rollout_state() == Some(RolloutState::Failed);
        Self {
            desired,
            bounds,
            room,
            short: if holds {
                0
            } else {
                (missing - room).saturating_sub(leaving)
            },
            leaving,
            active,
            holds,
        }
    }
}

/// Stops tasks of the newest deployment that are unhealthy: once others stand in for them, or one by one where there is
/// no room for others. This comes before failures are counted, so that they are among them.
pub(super) fn clear_unhealthy(round: &mut Round<'_>) {
    let Some(id) = round.primary().and_then(|it| it.id.clone()) else {
        return;
    };
    let standing = Standing::of(round, &id);
    let numbers = Numbers::of(round, &standing);
    let unhealthy = standing.unhealthy.len();
    let healthy = round
        .places(|it| task::is_wanted(it) && task::is_healthy(it))
        .len();
    let replaced = (healthy + unhealthy).saturating_sub(numbers.desired);
    let cleared = usize::from(numbers.short > 0 && numbers.leaving == 0);
    let count = replaced.max(cleared).min(unhealthy);
    let stops = standing.unhealthy.into_iter().take(count);
    let stops = stops.map(|nth| (nth, task::UNHEALTHY.to_owned())).collect();
    carry_out(round, stops);
}

/// Starts and stops what a service with a count needs.
pub(super) fn plan(round: &mut Round<'_>) {
    let Some(id) = round.primary().and_then(|it| it.id.clone()) else {
        return;
    };
    let stranded = stranded(round, |_| true).into_iter();
    let stops = stranded.map(|nth| (nth, scaling(&id))).collect();
    carry_out(round, stops);
    let standing = Standing::of(round, &id);
    let mut numbers = Numbers::of(round, &standing);
    let within_bounds = numbers.short;
    let mut started = 0;
    if !numbers.holds {
        let batch = usize::try_from(round.view.pace.batch).unwrap_or(usize::MAX);
        let asked = numbers.room.min(batch);
        started = launch::launch(round, 0, asked);
        if numbers.room > asked && started == asked {
            round.look_again();
        }
        // What leaves an instance makes room there without another task being stopped.
        let leaving = round
            .places(|it| !task::is_over(it) && !task::is_wanted(it))
            .len();
        numbers.short += (asked - started).saturating_sub(leaving);
    }
    let unplaced = numbers.short > within_bounds;
    let mut stopped = stop(round, &standing, &id, &numbers, started);
    if unplaced && stopped == 0 && numbers.leaving == 0 {
        stopped = clear_for_room(round, &standing);
    }
    watch_grace(round);
    if numbers.short > 0 && started == 0 && stopped == 0 && is_stuck(round, &numbers) {
        let message = message::stuck(&round.name());
        round.tell_once(message);
    }
}

/// Those of these tasks that do not run yet, on instances that drain. They go at once: nobody misses them.
pub(super) fn stranded(round: &Round<'_>, is: impl Fn(&record::Task) -> bool) -> Vec<usize> {
    let is_coming = |it: &record::Task| task::is_wanted(it) && task::last_status(it) < TaskStatus::Running;
    round.places(|it| is(it) && is_coming(it) && round.is_displaced(it))
}

/// Whether nothing may be started yet, because tasks failed one after the other.
pub(super) fn waits(round: &mut Round<'_>) -> bool {
    let resume = round.service.rollouts.first().and_then(|it| it.resume_at);
    match resume.filter(|at| *at > round.now) {
        Some(at) => {
            round.look_at(at);
            true
        }
        None => false,
    }
}

/// Stops an unhealthy task where no instance has room and it takes some. Returns how many.
fn clear_for_room(round: &mut Round<'_>, standing: &Standing) -> usize {
    let unhealthy = standing.unhealthy.iter().take(1);
    let stops: Vec<_> = unhealthy.map(|nth| (*nth, task::UNHEALTHY.to_owned())).collect();
    let count = stops.len();
    carry_out(round, stops);
    count
}

/// Stops what is too many or replaced. Returns how many.
fn stop(round: &mut Round<'_>, standing: &Standing, id: &str, numbers: &Numbers, started: usize) -> usize {
    let Numbers {
        desired,
        bounds,
        short,
        ..
    } = *numbers;
    let given_up = round.rollout_state() == Some(RolloutState::Failed);
    let mut held = 0;
    // Too many of the newest deployment: it was scaled in.
    let over = standing.sound.len().saturating_sub(desired);
    let mut stops = choose::to_stop(round, &standing.sound, over, &mut held);
    let own = standing.sound.iter().chain(&standing.unhealthy);
    let going: BTreeSet<usize> = stops.iter().copied().collect();
    let staying = own.chain(&standing.old).filter(|nth| !going.contains(nth));
    let total = staying.clone().count() + started;
    let healthy = staying
        .filter(|nth| task::is_healthy(&round.tasks[**nth]))
        .count();
    // The others go as they are replaced, or to make room.
    let quota = if given_up {
        total.saturating_sub(bounds.upper.max(desired))
    } else {
        total.saturating_sub(desired).max(short)
    };
    let spare = healthy.saturating_sub(bounds.lower.max(desired));
    let ceded = if given_up { quota } else { short }.min(healthy.saturating_sub(bounds.lower));
    let (fit, unfit): (Vec<usize>, Vec<usize>) = standing
        .old
        .iter()
        .partition(|nth| task::is_healthy(&round.tasks[**nth]));
    let first = choose::to_stop(round, &unfit, quota, &mut held);
    let then = (quota - first.len()).min(spare.max(ceded));
    let second = choose::to_stop(round, &fit, then, &mut held);
    stops.extend(first.into_iter().chain(second));
    let count = stops.len();
    carry_out(round, stops.into_iter().map(|nth| (nth, scaling(id))).collect());
    if held > 0 {
        let message = message::protected(&round.name(), held);
        round.tell_once(message);
    }
    count
}

/// Asks these tasks to stop, and tells of it.
pub(super) fn carry_out(round: &mut Round<'_>, stops: Vec<(usize, String)>) {
    let name = round.name();
    let mut ids = Vec::new();
    for (nth, reason) in stops {
        let id = super::round::id_of(&round.tasks[nth]).to_owned();
        if reason == task::UNHEALTHY {
            let message = message::unhealthy(&name, &id);
            round.tell(message);
        }
        round.stop(nth, &reason);
        ids.push(id);
    }
    if !ids.is_empty() {
        let message = message::stopped(&name, ids.iter().map(String::as_str));
        round.tell(message);
    }
}

/// Looks again when failing health checks begin to count.
pub(super) fn watch_grace(round: &mut Round<'_>) {
    let ends: Vec<_> = round
        .tasks
        .iter()
        .filter(|it| task::is_wanted(it))
        .filter(|it| it.task.health_status == Some(kecs_model::types::HealthStatus::Unhealthy))
        .filter_map(task::grace_ends)
        .collect();
    for at in ends {
        round.look_at(at);
    }
}

/// Whether nothing that is under way can make room: the percents alone stand in the way.
fn is_stuck(round: &Round<'_>, numbers: &Numbers) -> bool {
    let settled = |it: &record::Task| task::is_over(it) || task::is_wanted(it) && task::is_healthy(it);
    numbers.active >= numbers.bounds.upper && round.tasks.iter().all(settled)
}
