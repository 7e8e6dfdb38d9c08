//! The laws that a single round can break.

use capt_core::fault::Disposition;
use capt_core::lifecycle::{Lifecycle, Signal, State};
use capt_core::machine::{Machine as _, Move};
use capt_core::record::{OperationKind, RunOperation};

use crate::choice::Choice;
use crate::law::Law;
use crate::manner::{BASE_DELAY, Manner, WINDOW};
use crate::memo::{Memo, millis};
use crate::round::Command;
use crate::world::{End, Name, Resources, Run, Stage, StateObject, Thing, World};

/// What a round may do, before it does it.
pub(crate) fn intent(world: &mut World, name: Name, choice: &Choice) {
    let Some(thing) = world.get(name) else {
        return;
    };
    let owned = world.around.owner || thing.deleting || !Name::PARENTS.contains(&name);
    let reaches_out = choice.plan.iter().any(|step| is_outside(&step.command));
    if choice.moves && !choice.plan.is_empty() {
        world.breaks(Law::Intent);
    }
    if world.is_paused(name) && !choice.plan.is_empty() || !owned && reaches_out {
        world.breaks(Law::HandsOff);
    }
}

/// Whether a command changes anything but the object itself.
fn is_outside(command: &Command) -> bool {
    use capt_core::{cluster::Command as Cluster, control_plane::Command as Plane};
    match command {
        Command::ControlPlane(command) => match command {
            Plane::AddFinalizer | Plane::RemoveFinalizer | Plane::PublishEndpoint => false,
            Plane::EnsureApply
            | Plane::EnsureKubeconfigApply
            | Plane::WriteKubeconfig
            | Plane::WriteCa
            | Plane::DeleteKubeconfigApply
            | Plane::DeleteApply => true,
        },
        Command::Cluster(command) => match command {
            Cluster::AddFinalizer | Cluster::RemoveFinalizer => false,
            Cluster::EnsureVpc | Cluster::DeleteVpc { .. } => true,
        },
        Command::Workspace(_) => true,
    }
}

/// What a round writes, before it is written. `opened` says that it opens another run.
pub(crate) fn written(world: &mut World, name: Name, after: &Memo, opened: bool) {
    let Some(thing) = world.get(name) else {
        return;
    };
    let before = thing.memo;
    let tries = tries(&before, after);
    let broken = [
        (Law::InitializedStays, before.initialized && !after.initialized),
        (Law::Table, !is_of_table(&before, after)),
        (Law::FailedIsLeft, leaves_failed(world, name, thing, after)),
        (
            Law::Patience,
            is_hasty(&before, after) || tries && thing.held.is_some(),
        ),
        (Law::OperationEnds, is_still_at_it(after)),
        (Law::OneRun, opened && is_working(thing)),
        (
            Law::ReadyIsEarned,
            becomes_ready(&before, after) && !is_earned(world, name, thing, after),
        ),
    ];
    for (law, is_broken) in broken {
        if is_broken {
            world.breaks(law);
        }
    }
    answers(world, name, after, opened);
    counts(world, name, after, opened);
    holds(world, name, after, tries);
    let restarted = after.state == State::Validating
        && before.state != State::Validating
        && (before.state != State::Recovering || before.origin != Some(State::Validating));
    let destroys = opened
        && after
            .run
            .is_some_and(|(operation, _)| operation == RunOperation::Destroy);
    if let Some(thing) = world.get_mut(name)
        && (restarted || destroys || after.state == State::Ready)
    {
        thing.spent = 0;
        thing.exhausted = false;
    }
}

/// Whether anything has failed that a person who asks for another try of the object would mean, seen by its controller
/// or not.
pub(crate) fn has_failed(world: &World, name: Name) -> bool {
    let failed = |name: Name| {
        world.get(name).is_some_and(|thing| {
            let working = matches!(thing.memo.state, State::Provisioning | State::Configuring);
            let ended_badly = |run: Run| run.current && matches!(run.stage, Stage::Ended(End::Badly(_)));
            is_at_fault(thing.memo.state) || working && thing.runner.run.is_some_and(ended_badly)
        })
    };
    failed(name) || name.child().is_some_and(failed)
}

const fn is_at_fault(state: State) -> bool {
    match state {
        State::Failed | State::Degraded | State::Recovering => true,
        State::Pending | State::Validating | State::Provisioning | State::Configuring | State::Ready => false,
    }
}

/// Takes down that the object begins another try, or needs none: whoever asked for it, of the object or of its
/// parent, was answered.
fn answers(world: &mut World, name: Name, after: &Memo, opened: bool) {
    let before = world.get(name).map(|thing| thing.memo.state);
    let begins = after.state == State::Validating && before != Some(State::Validating);
    if begins || opened || after.state == State::Ready && before != Some(State::Ready) {
        settles(world, name);
    }
}

/// Nobody is owed another try of the object any more, nor of its parent.
pub(crate) fn settles(world: &mut World, name: Name) {
    for asked in Name::ALL {
        let means = asked == name || asked.child() == Some(name);
        if let Some(thing) = world.get_mut(asked).filter(|_| means) {
            thing.owed = false;
        }
    }
}

/// Whether an object that has come to rest is still at fault although another try was asked for. What has waited too
/// long for what it rests on, its owner before all, begins the try once that is there: the law of what is mended.
pub(crate) fn is_unanswered(world: &World, name: Name, thing: &Thing) -> bool {
    let paused = world.is_paused(name) || name.child().is_some_and(|child| world.is_paused(child));
    let waits = thing.memo.state == State::Recovering && thing.memo.origin == Some(State::Validating);
    thing.owed && !thing.deleting && !paused && !waits && is_at_fault(thing.memo.state)
}

/// Keeps until when nothing may be tried again: of a window that has room for one attempt, as long as it lasts; a
/// breaker that was open closes with what is in order.
fn holds(world: &mut World, name: Name, after: &Memo, tries: bool) {
    let manner = world.manner;
    let Some(thing) = world.get_mut(name) else {
        return;
    };
    match manner {
        Manner::Window if tries => thing.held = Some(millis(WINDOW)),
        Manner::Tripped if after.state == State::Ready => thing.held = None,
        Manner::Act | Manner::Off | Manner::Observe | Manner::Window | Manner::Tripped | Manner::Written => {}
    }
}

fn is_of_table(before: &Memo, after: &Memo) -> bool {
    let leads = |signal: &Signal| match Lifecycle::next(before.state, *signal) {
        Move::To(to) => to == after.state,
        Move::Back => before.origin.unwrap_or(State::Validating) == after.state,
        Move::Stay | Move::Illegal => false,
    };
    before.state == after.state || Signal::ALL.iter().any(leads)
}

fn leaves_failed(world: &World, name: Name, thing: &Thing, after: &Memo) -> bool {
    let before = &thing.memo;
    if before.state != State::Failed || after.state == State::Failed {
        return false;
    }
    let changed = before
        .input
        .is_some_and(|input| input != world.input(name, thing));
    let asked = thing.requested != before.honoured;
    let due = before.is_due();
    let child = name.child().and_then(|child| world.get(child));
    let forgiven = before.blamed
        && child.is_none_or(|child| match child.memo.state {
            State::Failed | State::Degraded | State::Recovering => false,
            State::Pending | State::Validating | State::Provisioning | State::Configuring | State::Ready => {
                true
            }
        });
    after.state != State::Validating || !(changed || asked || due || forgiven)
}

/// Whether a retry is due sooner than its delay, or is made before it is due.
fn is_hasty(before: &Memo, after: &Memo) -> bool {
    let too_soon = tries(before, after) && after.next_attempt.is_none_or(|next| next < millis(BASE_DELAY));
    let back = before.state == State::Recovering
        && before.origin != Some(State::Validating)
        && before.origin == Some(after.state);
    too_soon || back && !before.blamed && !before.is_due()
}

/// Whether an attempt is begun about a fault of its own; what was only interrupted is taken up.
fn tries(before: &Memo, after: &Memo) -> bool {
    let own = after
        .fault
        .filter(|class| !after.blamed && class.disposition() != Disposition::Resume);
    let is_doing = |memo: &Memo| memo.state == State::Recovering && memo.incident.is_some_and(|it| it.doing);
    own.is_some() && is_doing(after) && !is_doing(before)
}

fn is_still_at_it(after: &Memo) -> bool {
    after.state.is_settled()
        && after
            .operation
            .is_some_and(|kind| kind != OperationKind::Deleting)
}

fn is_working(thing: &Thing) -> bool {
    let active = thing.runner.run.is_some_and(Run::is_active);
    active && thing.runner.known
}

fn becomes_ready(before: &Memo, after: &Memo) -> bool {
    after.ready && !before.ready || after.state == State::Ready && before.state != State::Ready
}

fn is_earned(world: &World, name: Name, thing: &Thing, after: &Memo) -> bool {
    let content = thing.content;
    let whole = Resources::Whole(content);
    let applied = after.input == Some(world.input(name, thing));
    applied
        && match name {
            Name::ControlPlane => {
                thing.endpoint
                    && thing.kubeconfig == Some(content)
                    && world.made(Name::Plane).resources == whole
            }
            Name::Cluster => world.made(Name::Network).resources == whole,
            Name::Plane => is_made(world, name, whole) && thing.connection == Some(content),
            Name::Network => is_made(world, name, whole),
        }
}

fn is_made(world: &World, name: Name, whole: Resources) -> bool {
    let made = world.made(name);
    made.resources == whole && made.state == StateObject::Protected
}

/// A new run, before it starts.
pub(crate) fn start(world: &mut World, name: Name, operation: RunOperation) {
    let exhausted = world.get(name).is_some_and(|thing| thing.exhausted);
    if operation == RunOperation::Apply && exhausted {
        world.breaks(Law::Budget);
    }
    stands(world, name, operation);
}

/// A run that begins to change something.
pub(crate) fn applies(world: &mut World, name: Name, operation: RunOperation) {
    stands(world, name, operation);
}

fn stands(world: &mut World, name: Name, operation: RunOperation) {
    let sinks = match (name, operation) {
        (Name::Plane, RunOperation::Apply) => world.made(Name::Network).resources == Resources::None,
        (Name::Network, RunOperation::Destroy) => {
            let plane = world.get(Name::Plane).and_then(|it| it.runner.run);
            world.made(Name::Plane).resources != Resources::None || plane.is_some_and(Run::is_active)
        }
        (Name::Plane, RunOperation::Destroy)
        | (Name::Network, RunOperation::Apply)
        | (Name::ControlPlane | Name::Cluster, _) => false,
    };
    if sinks {
        world.breaks(Law::Ground);
    }
}

/// Counts the attempt of a run whose failure this round has seen and answers, unless it was only interrupted. What
/// nobody sees is no attempt: after a restart a run may fail, and be given up for a fault of taking it up.
fn counts(world: &mut World, name: Name, after: &Memo, opened: bool) {
    let manner = world.manner;
    let is_paused = world.is_paused(name);
    let Some(thing) = world.get_mut(name) else {
        return;
    };
    let before = &thing.memo;
    // What is left of an input that nobody wants any more is no attempt at the new one.
    let wanted = match before.state {
        State::Provisioning | State::Configuring => true,
        State::Pending
        | State::Validating
        | State::Ready
        | State::Degraded
        | State::Failed
        | State::Recovering => false,
    };
    let answered = wanted && !is_paused && (opened || after.state != before.state);
    let seen = thing
        .runner
        .run
        .filter(|run| answered && run.current && thing.runner.known);
    if let Some(Stage::Ended(End::Badly(class))) = seen.map(|run| run.stage)
        && class.disposition() != Disposition::Resume
    {
        let most = u8::try_from(manner.most() + 1).unwrap_or(u8::MAX);
        thing.spent = thing.spent.saturating_add(1).min(most);
        thing.exhausted = u32::from(thing.spent) > manner.attempts(class);
    }
}

/// An endpoint that was there before and is not now.
pub(crate) fn endpoint(had: bool, world: &mut World) {
    if had && !has_endpoint(world) && world.get(Name::ControlPlane).is_some() {
        world.breaks(Law::EndpointStays);
    }
}

pub(crate) fn has_endpoint(world: &World) -> bool {
    world.get(Name::ControlPlane).is_some_and(|it| it.endpoint)
}
