//! A round of the scheduler, and the laws that it can break.

use kecs_core::call::Ids;
use kecs_core::scheduler::{Decision, ServiceView, decide};
use kecs_model::types::{DeploymentRolloutState, ServiceDeploymentStatus, TaskStopCode};

use crate::action::trip;
use crate::law::Law;
use crate::mistake::Mistake;
use crate::view::{NOW, kept, number, task_arn, view};
use crate::world::{Breaker, Deployment, End, Health, Phase, State, Status, Task, Told, World};

/// The world after a round, with the law that it broke.
pub(crate) fn round(before: &World, mistake: Option<Mistake>) -> World {
    let shown = view(before);
    let decision = wrong(&shown, mistake);
    let mut after = carry_out(before, &decision);
    judge_health(before, &mut after);
    after.broken = broken(before, &after, &shown, &decision, mistake);
    // What was seen needs no place any more.
    after.tasks.retain(Task::is_active);
    let kept_deployments: Vec<u8> = after.deployments.iter().map(|it| it.id).collect();
    for task in &mut after.tasks {
        task.ran_at = 0;
        task.ended_at = 0;
        if !kept_deployments.contains(&task.deployment) {
            task.deployment = 0;
        }
    }
    after.unseen = 0;
    settle_truth(before, &mut after);
    after
}

/// Takes down which revision is complete, and begins anew with another deployment.
fn settle_truth(before: &World, after: &mut World) {
    let Some(newest) = after.newest().copied() else {
        return;
    };
    if newest.state == State::Completed {
        after.truth.complete = newest.revision;
    }
    if before.newest().map(|it| it.id) != Some(newest.id) {
        after.truth.row = 0;
        after.truth.tripped = false;
        after.truth.asked = false;
    }
    if newest.state != State::InProgress {
        // Nothing rests upon these any more.
        after.truth.row = 0;
        after.truth.tripped = false;
        after.truth.asked = false;
    }
}

/// What is decided, with a mistake planted.
fn wrong(shown: &ServiceView, mistake: Option<Mistake>) -> Decision {
    let mut seen = shown.clone();
    if let Some(mistake) = mistake {
        mistake.misleads(&mut seen);
    }
    let mut decision = decide(&seen, NOW, &Ids::new(1));
    if let Some(mistake) = mistake {
        mistake.spoils(shown, &mut decision);
    }
    decision
}

/// Keeps what was decided.
fn carry_out(before: &World, decision: &Decision) -> World {
    let mut after = before.clone();
    for stop in &decision.stops {
        let arn = stop.task.task_arn.as_deref().unwrap_or_default();
        if let Some(task) = number(arn).and_then(|nth| after.tasks.get_mut(usize::from(nth))) {
            task.wanted = false;
            let reason = stop.task.stopped_reason.as_deref();
            let sick = stop.task.stop_code == Some(TaskStopCode::ServiceSchedulerInitiated)
                && reason == Some(kecs_core::task::UNHEALTHY);
            task.end = if sick { End::Sick } else { End::Scaled };
        }
    }
    let rollouts = &decision.service.rollouts;
    let shown = decision
        .service
        .service
        .deployments
        .as_deref()
        .unwrap_or_default();
    let of =
        |(rollout, deployment): (&kecs_core::record::Rollout, &kecs_model::types::Deployment)| Deployment {
            id: number(&rollout.id).unwrap_or(before.next),
            revision: number(&rollout.revision).unwrap_or(0),
            told: number(&rollout.service_deployment).unwrap_or(0),
            state: match deployment.rollout_state {
                Some(DeploymentRolloutState::Completed) => State::Completed,
                Some(DeploymentRolloutState::Failed) => State::Failed,
                Some(DeploymentRolloutState::InProgress) | None => State::InProgress,
            },
            failures: u8::try_from(rollout.consecutive_failures).unwrap_or(u8::MAX),
            setbacks: u8::try_from(rollout.setbacks.min(2)).unwrap_or(2),
            held: rollout.resume_at.is_some_and(|at| at > NOW),
            completed: rollout.completed,
            goes_back: rollout.is_rollback,
        };
    after.deployments = rollouts.iter().zip(shown).map(of).collect();
    if after.deployments.iter().any(|it| it.id == before.next) {
        after.next += 1;
    }
    for (nth, task) in after.tasks.iter_mut().enumerate() {
        let arn = task_arn(nth);
        let own = rollouts.iter().find(|it| number(&it.id) == Some(task.deployment));
        task.counted = own.is_some_and(|it| it.counted.contains(&arn));
        task.seen_healthy = own.is_some_and(|it| it.healthy.contains(&arn));
    }
    for start in &decision.starts {
        let by = start.task.task.started_by.as_deref().unwrap_or_default();
        after.tasks.push(Task {
            deployment: number(by).unwrap_or(before.next),
            phase: Phase::Coming,
            wanted: true,
            health: Health::Unknown,
            seen_healthy: false,
            counted: false,
            end: End::None,
            ran_at: 0,
            ended_at: 0,
        });
    }
    for changed in &decision.deployments {
        let arn = changed
            .deployment
            .service_deployment_arn
            .as_deref()
            .unwrap_or_default();
        let nth = number(arn).map_or(0, usize::from);
        let finished = finished(&after);
        if let Some(known) = nth.checked_sub(1).and_then(|nth| after.told.get_mut(nth)) {
            *known = told(*known, &changed.deployment, finished);
        }
    }
    after
}

/// As which one the next service deployment is finished.
fn finished(world: &World) -> u8 {
    world.told.iter().map(|it| it.finished).max().unwrap_or(0) + 1
}

fn told(before: Told, it: &kecs_model::types::ServiceDeployment, finished: u8) -> Told {
    let back = it
        .rollback
        .as_ref()
        .and_then(|it| it.service_revision_arn.as_deref());
    Told {
        status: match it.status {
            Some(ServiceDeploymentStatus::InProgress) => Status::InProgress,
            Some(ServiceDeploymentStatus::StopRequested) => Status::StopRequested,
            Some(ServiceDeploymentStatus::RollbackRequested) => Status::RollbackRequested,
            Some(ServiceDeploymentStatus::RollbackInProgress) => Status::RollbackInProgress,
            Some(ServiceDeploymentStatus::Successful) => Status::Successful,
            Some(ServiceDeploymentStatus::Stopped) => Status::Stopped,
            Some(ServiceDeploymentStatus::RollbackSuccessful) => Status::RollbackSuccessful,
            Some(ServiceDeploymentStatus::RollbackFailed) => Status::RollbackFailed,
            Some(ServiceDeploymentStatus::Pending) | None => Status::Pending,
        },
        back_to: back.and_then(number).unwrap_or(0),
        finished: match (before.finished, it.finished_at) {
            (0, Some(_)) => finished,
            (known, _) => known,
        },
    }
}

/// Takes down what health checks mean for the row of failures: they count when the scheduler acts on them.
fn judge_health(before: &World, after: &mut World) {
    if !before.setup.checked {
        return;
    }
    let newest = before.newest().map(|it| it.id);
    let pairs = before.tasks.iter().zip(&after.tasks);
    let own: Vec<_> = pairs.filter(|(was, _)| Some(was.deployment) == newest).collect();
    // What could not start is dated; that a task was found healthy is known from this round on.
    let sick = own
        .iter()
        .filter(|(was, is)| was.wanted && is.end == End::Sick)
        .count();
    let healed = own
        .iter()
        .any(|(was, _)| was.health == Health::Healthy && !was.seen_healthy);
    let row = usize::from(after.truth.row) + sick;
    after.truth.row = u8::try_from(row).unwrap_or(u8::MAX);
    // The deployment that was judged may be given up by now.
    let judged = after.deployments.clone();
    after.deployments.clone_from(&before.deployments);
    trip(after);
    after.deployments = judged;
    if healed {
        after.truth.row = 0;
    }
}

/// The law that a round broke.
fn broken(
    before: &World,
    after: &World,
    shown: &ServiceView,
    decision: &Decision,
    mistake: Option<Mistake>,
) -> Option<Law> {
    let started = decision.starts.len();
    let healthy = |world: &World| world.count(|it| it.is_healthy(world.setup));
    let active = before.count(Task::is_active);
    let laws = [
        (Law::Maximum, started > 0 && active + started > before.upper()),
        (
            Law::Minimum,
            healthy(after) < healthy(before) && healthy(after) < before.lower(),
        ),
        (Law::Held, started > 0 && holds(before)),
        (Law::Breaker, is_wrongly_judged(before, after)),
        (Law::Back, goes_astray(before, after)),
        (Law::Complete, is_wrongly_complete(before, after)),
        (Law::Sound, stops_sound(before, after)),
        (Law::Kept, is_wrongly_kept(after)),
    ];
    let found = laws
        .into_iter()
        .find(|(_, is_broken)| *is_broken)
        .map(|(law, _)| law);
    // A spoiled decision is never decided once: that is looked at where it is what is to be found.
    let looks_twice = mistake.is_none_or(|it| it.breaks().contains(&Law::Once));
    found.or_else(|| {
        if !looks_twice {
            return None;
        }
        let next = kept(shown, decision);
        let again = wrong(&next, mistake);
        (!again.is_nothing(&next)).then_some(Law::Once)
    })
}

/// Whether nothing may be started: the newest deployment was given up, or is held and not gone back from.
fn holds(before: &World) -> bool {
    let goes_back = before.truth.tripped && before.setup.breaker == Breaker::GoesBack || before.truth.asked;
    before
        .newest()
        .is_some_and(|it| it.state == State::Failed || it.held && !goes_back && !heals(before))
}

/// Whether a task of the newest deployment came to be healthy, so that it is not held any more.
fn heals(before: &World) -> bool {
    let newest = before.newest().map(|it| it.id);
    let came = |it: &Task| {
        if before.setup.checked {
            it.health == Health::Healthy
        } else {
            matches!(it.phase, Phase::Running | Phase::Over)
        }
    };
    before.count(|it| Some(it.deployment) == newest && !it.seen_healthy && came(it)) > 0
}

/// Whether the newest deployment was given up though it should not have been, or the other way round.
fn is_wrongly_judged(before: &World, after: &World) -> bool {
    let Some(was) = before.newest() else {
        return false;
    };
    if was.state != State::InProgress {
        return false;
    }
    let is = after.deployments.iter().find(|it| it.id == was.id);
    let failed = is.is_some_and(|it| it.state == State::Failed);
    let tripped = match before.setup.breaker {
        Breaker::Off => false,
        Breaker::GivesUp | Breaker::GoesBack => after.truth.tripped,
    };
    failed != (tripped || before.truth.asked)
}

/// Whether it goes back to another revision than the one that was complete last, or goes back from going back.
fn goes_astray(before: &World, after: &World) -> bool {
    let (Some(was), Some(is)) = (before.newest(), after.newest()) else {
        return false;
    };
    let asked_back = before
        .told
        .last()
        .is_some_and(|it| it.status == Status::RollbackRequested);
    let asked_to_stay = before
        .told
        .last()
        .is_some_and(|it| it.status == Status::StopRequested);
    let tripped = after.truth.tripped && before.setup.breaker == Breaker::GoesBack && !asked_to_stay;
    let gives_up = was.state == State::InProgress && (tripped || asked_back);
    let has_target = before.truth.complete != 0 && before.truth.complete != was.revision;
    let goes_back = gives_up && has_target && !was.goes_back;
    let went_back = is.id != was.id;
    went_back != goes_back || went_back && (is.revision != before.truth.complete || !is.goes_back)
}

/// Whether the newest deployment is said to be complete and is not, or the other way round.
fn is_wrongly_complete(before: &World, after: &World) -> bool {
    let Some(is) = after.newest() else {
        return true;
    };
    let was = before.deployments.iter().find(|it| it.id == is.id);
    let under_way = is.state != State::Failed && was.is_none_or(|it| it.state == State::InProgress);
    let healthy = after.count(|it| it.deployment == is.id && it.is_healthy(after.setup));
    let live = after.count(Task::is_active);
    let complete = healthy == usize::from(after.desired) && live == healthy;
    under_way && complete != (is.state == State::Completed)
}

/// Whether sound tasks of the newest deployment are stopped, more than are too many.
fn stops_sound(before: &World, after: &World) -> bool {
    let Some(newest) = after.newest() else {
        return false;
    };
    let is_sound = |it: &Task| {
        let sick = it.phase == Phase::Running && it.health == Health::Unhealthy;
        it.deployment == newest.id && it.wanted && !sick && it.is_active()
    };
    let were = before.count(is_sound);
    let pairs = before.tasks.iter().zip(&after.tasks);
    let stopped = pairs.filter(|(was, is)| is_sound(was) && !is.wanted).count();
    stopped > were.saturating_sub(usize::from(before.desired))
}

/// Whether a deployment with tasks was forgotten, or one without them is still shown, except where it was given up for
/// one that goes back and is under way.
fn is_wrongly_kept(after: &World) -> bool {
    let has_tasks = |id: u8| after.count(|it| it.deployment == id && it.is_active()) > 0;
    let shown = |id: u8| after.deployments.iter().any(|it| it.id == id);
    let forgotten = after
        .tasks
        .iter()
        .any(|it| it.is_active() && !shown(it.deployment));
    let goes_back = after
        .newest()
        .is_some_and(|it| it.goes_back && it.state == State::InProgress);
    let stays = after
        .deployments
        .iter()
        .skip(1)
        .any(|it| !(has_tasks(it.id) || goes_back && it.state == State::Failed));
    forgotten || stays
}
