//! A service whose task sets somebody else makes: each has its share of the desired count.

use jiff::Timestamp;
use kecs_model::Time;
use kecs_model::types::StabilityStatus;

use super::round::{Round, id_of, shown};
use super::{breaker, choose, launch, message, replica, tally};
use crate::lifecycle::moved;
use crate::lifecycle::task_set::{Stability, StabilityLifecycle, StabilitySignal, State};
use crate::record;
use crate::task::{self, Blueprint};

/// Starts and stops what the task sets need.
pub(super) fn plan(round: &mut Round<'_>) {
    for nth in 0..round.task_sets.len() {
        see_to(round, nth);
    }
}

fn see_to(round: &mut Round<'_>, nth: usize) {
    let before = round.task_sets[nth].clone();
    let id = before.task_set.id.clone().unwrap_or_default();
    let state = before.task_set.status.as_deref().and_then(State::from_word);
    let drains = state == Some(State::Draining);
    let desired = if drains { 0 } else { share(round, &before) };
    let own = |it: &record::Task| it.task_set.as_deref() == Some(id.as_str());
    let unhealthy = round.places(|it| own(it) && task::is_wanted(it) && task::is_unhealthy(it, round.now));
    let stops = unhealthy.into_iter().map(|it| (it, task::UNHEALTHY.to_owned()));
    carry_out(round, &id, stops.collect());
    count_failures(round, nth);
    let reason = format!("Scaling activity initiated by (taskSet {id})");
    let stranded = replica::stranded(round, own).into_iter();
    let stops = stranded.map(|it| (it, reason.clone())).collect();
    carry_out(round, &id, stops);
    let sound = round.places(|it| own(it) && task::is_wanted(it));
    let (displaced, staying): (Vec<usize>, Vec<usize>) = sound
        .iter()
        .partition(|nth| round.is_displaced(&round.tasks[**nth]));
    let missing = desired.saturating_sub(staying.len());
    let bounds = replica::bounds(round, desired, replica::MINIMUM_PERCENT, replica::MAXIMUM_PERCENT);
    let active = round.places(|it| own(it) && replica::is_active(it));
    let leaving = active
        .iter()
        .filter(|nth| !task::is_wanted(&round.tasks[**nth]))
        .count();
    // As long as some are to be replaced, they and those that replace them are no more than the maximum.
    let room = if displaced.is_empty() {
        missing
    } else {
        missing.min(bounds.upper.saturating_sub(active.len()))
    };
    start(round, nth, room);
    let mut held = 0;
    let over = staying.len().saturating_sub(desired);
    let chosen = if drains {
        sound
    } else {
        let short = (missing - room).saturating_sub(leaving);
        let replaced = replaced(round, (&displaced, &staying), (desired, bounds.lower), short);
        let mut chosen = choose::to_stop(round, &staying, over, &mut held);
        chosen.extend(choose::to_stop(round, &displaced, replaced, &mut held));
        chosen
    };
    let stops = chosen.into_iter().map(|it| (it, reason.clone()));
    carry_out(round, &id, stops.collect());
    settle(round, nth, desired, drains);
}

/// How many tasks on instances that drain go: as healthy ones stand in for them, or, where so many are `short` of room,
/// as far as the minimum lets them.
fn replaced(
    round: &Round<'_>,
    (displaced, staying): (&[usize], &[usize]),
    (desired, lower): (usize, usize),
    short: usize,
) -> usize {
    let healthy = |places: &[usize]| {
        let tasks = places.iter().map(|nth| &round.tasks[*nth]);
        tasks.filter(|it| task::is_healthy(it)).count()
    };
    let fit = healthy(displaced);
    let all = fit + healthy(staying);
    let spare = all.saturating_sub(desired.max(lower));
    let ceded = short.min(all.saturating_sub(lower));
    displaced.len() - fit + spare.max(ceded).min(fit)
}

/// How many tasks a task set of this scale has: as many as there are in that part of the desired count, rounded up.
pub(crate) fn computed_count(desired: i32, scale: f64) -> i32 {
    // Whole millionths of a percent, so that what a product of fractions is off by makes no task more.
    #[allow(clippy::cast_possible_truncation, reason = "a scale is at most 100")]
    let millionths = (scale.clamp(0.0, 100.0) * 1e6).round() as i64;
    let count = (i64::from(desired.max(0)) * millionths + 99_999_999) / 100_000_000;
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// How many tasks a task set is to have.
fn share(round: &Round<'_>, set: &record::TaskSet) -> usize {
    let percent = set.task_set.scale.as_ref().and_then(|it| it.value).unwrap_or(0.0);
    let count = computed_count(round.service.service.desired_count.unwrap_or(0), percent);
    usize::try_from(count).unwrap_or(0)
}

fn count_failures(round: &mut Round<'_>, nth: usize) {
    let resets = breaker::resets_on_healthy_task(&round.service.service);
    let mut rollout = std::mem::take(&mut round.task_sets[nth].rollout);
    let id = round.task_sets[nth].task_set.id.clone().unwrap_or_default();
    rollout.id = id;
    let told = rollout.setbacks;
    let pace = &round.view.pace;
    tally::count(&mut rollout, &round.tasks, pace, resets, round.now);
    if told < pace.throttle_told && rollout.setbacks >= pace.throttle_told {
        let message = message::throttled(&round.name());
        round.tell(message);
    }
    round.task_sets[nth].rollout = rollout;
}

/// Starts what is missing, unless tasks failed one after the other a moment ago.
fn start(round: &mut Round<'_>, nth: usize, missing: usize) {
    let set = round.task_sets[nth].clone();
    let shown = &set.task_set;
    if let Some(at) = set.rollout.resume_at.filter(|at| *at > round.now) {
        round.look_at(at);
        return;
    }
    let batch = usize::try_from(round.view.pace.batch).unwrap_or(usize::MAX);
    let asked = missing.min(batch);
    let arn = shown.task_definition.clone().unwrap_or_default();
    let Some(definition) = round.view.definitions.get(&arn).cloned().filter(|_| asked > 0) else {
        return;
    };
    let mut service = launch::service_for_tasks(&round.service.service);
    service.load_balancers.clone_from(&shown.load_balancers);
    service.service_registries.clone_from(&shown.service_registries);
    let launch = launch::Launch {
        blueprint: Blueprint {
            definition,
            cluster: round.cluster(),
            launch_type: shown.launch_type,
            platform_version: shown.platform_version.clone(),
            started_by: shown.id.clone(),
            task_set: shown.id.clone(),
            network: shown.network_configuration.clone(),
            ..launch::of_service(&service)
        },
        strategy: shown.capacity_provider_strategy.clone().unwrap_or_default(),
        service,
    };
    let started = launch::start(round, &launch, asked, None);
    if !started.is_empty() {
        let id = shown.id.as_deref().unwrap_or_default();
        let message = message::set_started(&round.name(), id, started.iter().map(String::as_str));
        round.tell(message);
    }
    if missing > asked && started.len() == asked {
        round.look_again();
    }
}

fn carry_out(round: &mut Round<'_>, set: &str, stops: Vec<(usize, String)>) {
    let name = round.name();
    let mut ids = Vec::new();
    for (nth, reason) in stops {
        let id = id_of(&round.tasks[nth]).to_owned();
        if reason == task::UNHEALTHY {
            let message = message::unhealthy(&name, &id);
            round.tell(message);
        }
        round.stop(nth, &reason);
        ids.push(id);
    }
    if !ids.is_empty() {
        let message = message::set_stopped(&name, set, ids.iter().map(String::as_str));
        round.tell(message);
    }
}

/// Takes down what the task set is to have and whether it has it; one that is drained goes.
fn settle(round: &mut Round<'_>, nth: usize, desired: usize, drains: bool) {
    let id = round.task_sets[nth].task_set.id.clone().unwrap_or_default();
    let own = |it: &record::Task| it.task_set.as_deref() == Some(id.as_str());
    let live = round.places(|it| own(it) && !task::is_over(it));
    if drains && live.is_empty() {
        round.removed_task_sets.push(id);
        return;
    }
    let started = round.starts.iter().any(|it| own(&it.task));
    let healthy = |nth: &usize| {
        let it = &round.tasks[*nth];
        task::is_wanted(it) && task::is_healthy(it)
    };
    let met = !started && live.len() == desired && live.iter().all(healthy);
    let signal = if met {
        StabilitySignal::CountMet
    } else {
        StabilitySignal::CountMissed
    };
    let now = round.now;
    let set = &mut round.task_sets[nth].task_set;
    let was = set.clone();
    set.computed_desired_count = Some(shown(desired));
    let became_steady = stabilize(set, signal, now);
    if *set != was {
        set.updated_at = Some(Time::from(now));
    }
    if became_steady {
        let message = message::set_steady(&round.name(), &id);
        round.tell(message);
    }
}

/// Moves the stability of a task set. Returns whether it came to be steady.
fn stabilize(set: &mut kecs_model::types::TaskSet, signal: StabilitySignal, now: Timestamp) -> bool {
    let state = set
        .stability_status
        .map_or(Stability::Stabilizing, Stability::from);
    let next = moved::<StabilityLifecycle>(state, signal);
    if set.stability_status.is_none() || next.is_some() {
        set.stability_status = Some(StabilityStatus::from(next.unwrap_or(state)));
        set.stability_status_at = Some(Time::from(now));
    }
    next == Some(Stability::SteadyState)
}
