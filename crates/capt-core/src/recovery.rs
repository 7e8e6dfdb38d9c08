//! What to do about a failure: actions as data, a ladder of them for each class, and the bounds of it all.
//!
//! [`choose`] looks at a fault, at what was tried before in the same [`Incident`] and at what is known of the
//! world, and gives the next [`Step`] or says why a person is needed. It does nothing itself, and it promises
//! nothing that it could not keep: an action is chosen only if what it works on is known (a lock whose holder is
//! proven dead, a resource that our own intent names, a revision that is there).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::advance::RecoveryMode;
use crate::fault::{Fault, FaultClass};

mod action;
mod breaker;
mod ladder;
#[cfg(test)]
mod tests;

pub use action::{Action, ActionKind, Proof, Step, Touches};
pub use breaker::Breaker;
pub use ladder::{Rung, ladder, render_markdown};

/// What an owner says about recovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How much may be done.
    pub mode: RecoveryMode,
    /// What to try, in this order, each with its own time if it has one. Empty: the ladder of the class.
    pub actions: Vec<(ActionKind, Option<Duration>)>,
    /// Actions that may destroy something and are permitted all the same.
    pub allow: BTreeSet<ActionKind>,
    /// Actions in one incident, whatever the ladder says.
    pub per_incident: u32,
    /// Actions within `window`, over all incidents.
    pub per_window: u32,
    /// The length of that window.
    pub window: Duration,
}

impl Default for Rules {
    /// Twenty actions in an incident, forty in a day: more than any fault needs that passes by itself, and few
    /// enough that nothing is tried for weeks without anybody knowing.
    fn default() -> Self {
        Self {
            mode: RecoveryMode::Act,
            actions: Vec::new(),
            allow: BTreeSet::new(),
            per_incident: 20,
            per_window: 40,
            window: Duration::from_hours(24),
        }
    }
}

/// A failure that is being mended, from the first fault until it is healthy again or a person is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// When it began.
    pub started_at: Timestamp,
    /// The class of the fault that it began with.
    pub class: FaultClass,
    /// The code of that fault.
    pub trigger: String,
    /// How often each action was tried.
    pub tried: BTreeMap<ActionKind, u32>,
    /// Why a person was asked, if one was.
    pub escalated: Option<Escalation>,
}

impl Incident {
    /// The incident that begins with a fault.
    pub fn of(fault: &Fault, now: Timestamp) -> Self {
        Self {
            started_at: now,
            class: fault.class,
            trigger: fault.code.clone(),
            tried: BTreeMap::new(),
            escalated: None,
        }
    }

    /// Actions so far.
    pub fn attempts(&self) -> u32 {
        self.tried
            .values()
            .fold(0, |sum, times| sum.saturating_add(*times))
    }

    /// Writes down that an action is begun.
    pub fn begin(&mut self, action: ActionKind) {
        let times = self.tried.entry(action).or_default();
        *times = times.saturating_add(1);
    }
}

/// What is known of the world while something is wrong. What is not known is left empty, and nothing is done
/// about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Situation {
    /// What it depends on and is not ready, the root cause first.
    pub dependencies: Vec<Dependency>,
    /// The lock that stands in the way.
    pub lock: Option<Lock>,
    /// Resources that the last run left marked for replacement and that are found healthy.
    pub tainted: Vec<String>,
    /// Resources that our own intent names and that exist, but that the state does not have: address and id.
    pub unrecorded: Vec<(String, String)>,
    /// Whether the state is there and can be read.
    pub state: StateKnown,
    /// Whether every resource that the last good revision had is found in the live world, so that a lost state can
    /// be written anew without creating anything.
    pub live_complete: bool,
    /// The revision that can be gone back to: the last that was ready, if the present input is another one.
    pub last_good: Option<String>,
}

/// Something that is depended upon and is not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// `Kind/name`.
    pub name: String,
    /// Whether it has failed and whoever keeps it lets itself be asked to try again.
    pub repairable: bool,
}

/// The lock of a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Its id.
    pub id: String,
    /// What proves that its holder is dead, if anything does.
    pub proof: Option<Proof>,
}

/// What is known of a Terraform state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StateKnown {
    /// It is there, or there is nothing that it should hold.
    #[default]
    Whole,
    /// It should be there and is not, or cannot be read.
    Lost,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Do this.
    Do(Step),
    /// This would be done, and the mode is [`RecoveryMode::Observe`].
    WouldDo(Step),
    /// Nothing before this moment: too much was tried lately.
    Pause {
        /// When to choose again.
        until: Timestamp,
        /// Why.
        because: Paused,
    },
    /// A person is needed.
    Escalate(Escalation),
}

/// Why nothing is tried for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Paused {
    /// The actions of this window are used up.
    WindowUsedUp,
    /// Incident after incident ended with a person.
    BreakerOpen,
}

/// Why a person is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Escalation {
    /// The mode is [`RecoveryMode::Off`].
    RecoveryOff,
    /// Everything on the ladder was tried, as often as it may be.
    LadderExhausted,
    /// The actions of one incident are used up.
    IncidentExhausted,
    /// What would help may destroy something, and is not permitted.
    NotPermitted,
    /// Nothing that is known could help.
    NothingApplies,
}

impl Escalation {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::RecoveryOff,
        Self::LadderExhausted,
        Self::IncidentExhausted,
        Self::NotPermitted,
        Self::NothingApplies,
    ];

    /// A word for programs, fit to be the reason of a condition.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RecoveryOff => "RecoveryOff",
            Self::LadderExhausted => "RecoveryExhausted",
            Self::IncidentExhausted => "RecoveryBudgetExhausted",
            Self::NotPermitted => "RecoveryNotPermitted",
            Self::NothingApplies => "ActionRequired",
        }
    }
}

/// The next step of an incident.
///
/// `lately` are the moments at which actions were begun, of all incidents; those outside the window are passed
/// over, and so are those that a clock which was set back has put into the future.
pub fn choose(
    fault: &Fault,
    incident: &Incident,
    situation: &Situation,
    rules: &Rules,
    breaker: &Breaker,
    lately: &[Timestamp],
    now: Timestamp,
) -> Choice {
    match rules.mode {
        RecoveryMode::Off => return Choice::Escalate(Escalation::RecoveryOff),
        RecoveryMode::Observe | RecoveryMode::Act => {}
    }
    if incident.attempts() >= rules.per_incident {
        return Choice::Escalate(Escalation::IncidentExhausted);
    }
    let step = match next_step(fault, incident, situation, rules) {
        Ok(step) => step,
        Err(why) => return Choice::Escalate(why),
    };
    if let Some(until) = breaker.closed_again(now) {
        return Choice::Pause {
            until,
            because: Paused::BreakerOpen,
        };
    }
    if let Some(until) = window_free(rules, lately, now) {
        return Choice::Pause {
            until,
            because: Paused::WindowUsedUp,
        };
    }
    match rules.mode {
        RecoveryMode::Observe => Choice::WouldDo(step),
        RecoveryMode::Act | RecoveryMode::Off => Choice::Do(step),
    }
}

/// The first rung that is not used up, applies, and is permitted.
fn next_step(
    fault: &Fault,
    incident: &Incident,
    situation: &Situation,
    rules: &Rules,
) -> Result<Step, Escalation> {
    let mut applied = false;
    let mut forbidden = false;
    for (rung, timeout) in rungs(fault.class, rules) {
        let Some(action) = action(rung.kind, situation) else {
            continue;
        };
        if rung.kind.touches() == Touches::Everything && !rules.allow.contains(&rung.kind) {
            forbidden = true;
            continue;
        }
        applied = true;
        if incident.tried.get(&rung.kind).copied().unwrap_or(0) < rung.tries {
            return Ok(Step::new(action, timeout));
        }
    }
    Err(if forbidden {
        Escalation::NotPermitted
    } else if applied {
        Escalation::LadderExhausted
    } else {
        Escalation::NothingApplies
    })
}

/// What there is to try, with the time for each: what the owner wrote, or the ladder of the class.
fn rungs(class: FaultClass, rules: &Rules) -> Vec<(Rung, Duration)> {
    if rules.actions.is_empty() {
        let rungs = ladder(class).iter();
        return rungs.map(|rung| (*rung, rung.kind.timeout())).collect();
    }
    let of_class = |kind| {
        ladder(class)
            .iter()
            .find(|rung| rung.kind == kind)
            .map(|rung| rung.tries)
    };
    let rung = |kind: ActionKind| Rung {
        kind,
        // What the ladder of the class does not have is tried once: nobody has said that more would help.
        tries: of_class(kind).unwrap_or(1),
    };
    let written = rules.actions.iter();
    written
        .map(|(kind, timeout)| (rung(*kind), timeout.unwrap_or(kind.timeout())))
        .collect()
}

/// The action of this kind with what it works on, if that is known.
fn action(kind: ActionKind, situation: &Situation) -> Option<Action> {
    let lost = situation.state == StateKnown::Lost;
    match kind {
        // A run on a lost state would make everything again.
        ActionKind::RetryApply if !lost => Some(Action::RetryApply),
        ActionKind::Replan if !lost => Some(Action::Replan),
        ActionKind::Refresh if !lost => Some(Action::Refresh),
        ActionKind::RollBack if !lost => {
            let revision = situation.last_good.clone()?;
            Some(Action::RollBack { revision })
        }
        ActionKind::RecreateWorkspace if !lost => Some(Action::RecreateWorkspace),
        ActionKind::Untaint if !lost => {
            let address = situation.tainted.first()?.clone();
            Some(Action::Untaint { address })
        }
        ActionKind::Import if !lost => {
            let (address, id) = situation.unrecorded.first()?.clone();
            Some(Action::Import { address, id })
        }
        ActionKind::RetryApply
        | ActionKind::Replan
        | ActionKind::Refresh
        | ActionKind::RollBack
        | ActionKind::RecreateWorkspace
        | ActionKind::Untaint
        | ActionKind::Import => None,
        ActionKind::WaitForDependency => {
            let on = situation.dependencies.first()?.name.clone();
            Some(Action::WaitForDependency { on })
        }
        ActionKind::RepairDependency => {
            let mut dependencies = situation.dependencies.iter();
            let on = dependencies
                .find(|dependency| dependency.repairable)?
                .name
                .clone();
            Some(Action::RepairDependency { on })
        }
        ActionKind::Unlock => {
            let lock = situation.lock.as_ref()?;
            let proof = lock.proof?;
            Some(Action::Unlock {
                lock: lock.id.clone(),
                proof,
            })
        }
        ActionKind::Reconstruct => (lost && situation.live_complete).then_some(Action::Reconstruct),
    }
}

/// When the window has room again; `None` if it has room now.
fn window_free(rules: &Rules, lately: &[Timestamp], now: Timestamp) -> Option<Timestamp> {
    if rules.per_window == 0 {
        return Some(Timestamp::MAX);
    }
    let mut ends: Vec<Timestamp> = lately
        .iter()
        .filter(|at| **at <= now)
        .map(|at| crate::advance::after(*at, rules.window))
        .filter(|end| *end > now)
        .collect();
    let room = usize::try_from(rules.per_window).unwrap_or(usize::MAX);
    let over = ends.len().checked_sub(room)?;
    ends.sort_unstable();
    ends.get(over).copied()
}
