//! What to do about a failure: actions as data, a ladder of them for each class, and the bounds of it all.
//!
//! [`choose`] looks at a fault, at what was tried before in the same [`Incident`] and at what is known of the
//! world, and gives the next [`Step`] or says why a person is needed. It does nothing itself, and it promises
//! nothing that it could not keep: an action is chosen only if what it works on is known (a lock whose holder is
//! proven dead, a resource that our own intent names, a revision that is there).

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fault::{Disposition, Fault, FaultClass};
use crate::retry::RetryStrategy;

mod action;
mod breaker;
mod ladder;
mod ledger;
#[cfg(test)]
mod tests;

pub use action::{Action, ActionKind, Proof, Step, Touches};
pub use breaker::Breaker;
pub use ladder::{Rung, ladder, render_markdown};
pub use ledger::{Incident, Ledger, Spent};

/// How much may be done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecoveryMode {
    /// Nothing: a person is asked at once.
    Off,
    /// Nothing, and what would have been done is written down.
    Observe,
    /// What the ladder says.
    #[default]
    Act,
}

/// What an owner says about recovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// How much may be done.
    pub mode: RecoveryMode,
    /// How attempts are spaced, and after how many of them in one incident a person is asked, whatever the ladder says.
    pub retry: RetryStrategy,
    /// Looks in a row that make a health check fail; `None`: as each check says.
    pub failure_threshold: Option<u32>,
    /// What to try, in this order, each with its own time if it has one. Empty: the ladder of the class.
    pub actions: Vec<(ActionKind, Option<Duration>)>,
    /// Actions that may destroy something and are permitted all the same.
    pub allow: BTreeSet<ActionKind>,
    /// Actions within `window`, over all incidents.
    pub per_window: u32,
    /// The length of that window.
    pub window: Duration,
}

impl Default for Rules {
    /// Retries as [`RetryStrategy::default`] has them, and forty actions in a day: more than any fault needs that
    /// passes by itself, and few enough that nothing is tried for weeks without anybody knowing.
    fn default() -> Self {
        Self {
            mode: RecoveryMode::Act,
            retry: RetryStrategy::default(),
            failure_threshold: None,
            actions: Vec::new(),
            allow: BTreeSet::new(),
            per_window: 40,
            window: Duration::from_hours(24),
        }
    }
}

/// What is known of the world while something is wrong. What is not known is left empty, and nothing is done
/// about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Situation {
    /// The actions that whoever carries them out is able to do; `None`: all of them.
    pub able: Option<&'static [ActionKind]>,
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

impl Situation {
    /// A world of which nothing is known but what can be done in it.
    pub const fn of(able: Option<&'static [ActionKind]>) -> Self {
        Self {
            able,
            dependencies: Vec::new(),
            lock: None,
            tainted: Vec::new(),
            unrecorded: Vec::new(),
            state: StateKnown::Whole,
            live_complete: false,
            last_good: None,
        }
    }
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

impl Paused {
    /// A word for programs, fit to be the reason of a wait.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WindowUsedUp => "RecoveryWindowUsedUp",
            Self::BreakerOpen => "RecoveryBreakerOpen",
        }
    }
}

impl fmt::Display for Paused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WindowUsedUp => "as many attempts were made as are allowed for a while",
            Self::BreakerOpen => "several failures in a row could not be mended without a person",
        })
    }
}

/// The next step about a fault, after what `ledger` says was done before.
///
/// Work that was interrupted is taken up again in every mode: nothing has failed there.
pub fn choose(
    fault: &Fault,
    ledger: &Ledger,
    situation: &Situation,
    rules: &Rules,
    now: Timestamp,
) -> Choice {
    let mode = mode(fault, rules);
    if mode == RecoveryMode::Off {
        return Choice::Escalate(Escalation::RecoveryOff);
    }
    let step = match next_step(fault, ledger, situation, rules) {
        Ok(step) => step,
        Err(why) => return Choice::Escalate(why),
    };
    if let Some(until) = ledger.breaker.closed_again(now) {
        return Choice::Pause {
            until,
            because: Paused::BreakerOpen,
        };
    }
    if let Some(until) = ledger.spent.free_again(rules, now) {
        return Choice::Pause {
            until,
            because: Paused::WindowUsedUp,
        };
    }
    match mode {
        RecoveryMode::Observe => Choice::WouldDo(step),
        RecoveryMode::Act | RecoveryMode::Off => Choice::Do(step),
    }
}

/// How much may be done about this fault.
fn mode(fault: &Fault, rules: &Rules) -> RecoveryMode {
    match fault.class.disposition() {
        Disposition::Resume => RecoveryMode::Act,
        Disposition::Retry | Disposition::Probe { .. } | Disposition::Stop => rules.mode,
    }
}

/// What would be done about a fault if it were done now: the first rung of the ladder that is not used up, has
/// something to work on, and is permitted.
///
/// # Errors
///
/// Why a person is needed, if there is none.
pub fn next_step(
    fault: &Fault,
    ledger: &Ledger,
    situation: &Situation,
    rules: &Rules,
) -> Result<Step, Escalation> {
    if ledger.attempts() >= rules.retry.max_retries {
        return Err(Escalation::IncidentExhausted);
    }
    let mut applied = false;
    let mut forbidden = false;
    for (rung, timeout) in rungs(fault.class, rules) {
        if situation.able.is_some_and(|able| !able.contains(&rung.kind)) {
            continue;
        }
        // Nobody has permitted more than to take the work up again.
        if rules.mode != RecoveryMode::Act
            && mode(fault, rules) == RecoveryMode::Act
            && rung.kind != ActionKind::RetryApply
        {
            continue;
        }
        let Some(action) = action(rung.kind, situation) else {
            continue;
        };
        if rung.kind.touches() == Touches::Everything && !rules.allow.contains(&rung.kind) {
            forbidden = true;
            continue;
        }
        applied = true;
        if ledger.tried(rung.kind) < rung.tries {
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
