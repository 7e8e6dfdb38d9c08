//! What was tried about one object, as far as it decides what is tried next.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ActionKind, Breaker, Escalation, Rules};
use crate::advance::after;
use crate::fault::{Fault, FaultClass};

/// What was tried about one object: in the present incident, in the present window, and in the incidents before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ledger {
    /// The failure that is being mended, or that a person was asked about and that is not mended yet.
    pub incident: Option<Incident>,
    /// Whether incident after incident ended with a person.
    pub breaker: Breaker,
    /// The actions of the present window.
    pub spent: Spent,
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
    /// The action that is being done or comes next; nothing while nothing may be tried.
    pub doing: Option<ActionKind>,
    /// Why a person was asked, if one was.
    pub escalated: Option<Escalation>,
}

/// How many actions were begun in one window of time, over all incidents.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spent {
    /// When the first of them was begun, which is when the window began.
    pub since: Option<Timestamp>,
    /// How many.
    pub actions: u32,
}

impl Ledger {
    /// Actions of the present incident so far.
    pub fn attempts(&self) -> u32 {
        self.incident.as_ref().map_or(0, Incident::attempts)
    }

    /// How often an action was tried in the present incident.
    pub fn tried(&self, action: ActionKind) -> u32 {
        let tried = self.incident.as_ref().and_then(|it| it.tried.get(&action));
        tried.copied().unwrap_or(0)
    }

    /// The present incident, which this fault begins if there is none.
    pub fn open(&mut self, fault: &Fault, now: Timestamp) -> &mut Incident {
        self.incident.get_or_insert_with(|| Incident::of(fault, now))
    }

    /// Writes down that an action about this fault is begun.
    pub fn begin(&mut self, fault: &Fault, action: ActionKind, rules: &Rules, now: Timestamp) {
        self.open(fault, now).begin(action);
        self.spent.begin(rules, now);
    }

    /// Writes down that nothing is done about this fault for a while. Nobody is asked before that is over.
    pub fn pause(&mut self, fault: &Fault, now: Timestamp) {
        let incident = self.open(fault, now);
        incident.doing = None;
        incident.escalated = None;
    }

    /// Writes down that a person is asked about this fault, and why.
    ///
    /// The breaker counts incidents in which something was tried and did not help.
    pub fn escalate(&mut self, fault: &Fault, why: Escalation, now: Timestamp) {
        let incident = self.open(fault, now);
        let first = incident.escalated.is_none();
        incident.doing = None;
        incident.escalated = Some(why);
        if first && incident.attempts() > 0 {
            self.breaker.failed(now);
        }
    }

    /// The incident is over because it is healthy again.
    pub fn mended(&mut self) {
        self.incident = None;
        self.breaker.succeeded();
    }

    /// The incident is over because there is something else to do now: a new input, or a person who asks.
    pub fn close(&mut self) {
        self.incident = None;
    }
}

impl Incident {
    /// The incident that begins with a fault.
    pub fn of(fault: &Fault, now: Timestamp) -> Self {
        Self {
            started_at: now,
            class: fault.class,
            trigger: fault.code.clone(),
            tried: BTreeMap::new(),
            doing: None,
            escalated: None,
        }
    }

    /// Actions so far.
    pub fn attempts(&self) -> u32 {
        self.tried
            .values()
            .fold(0, |sum, times| sum.saturating_add(*times))
    }

    /// Writes down that an action goes on that was interrupted. That is no attempt of its own.
    pub fn resume(&mut self, action: ActionKind) {
        self.doing = Some(action);
        self.escalated = None;
    }

    /// Writes down that an action is begun.
    pub fn begin(&mut self, action: ActionKind) {
        let times = self.tried.entry(action).or_default();
        *times = times.saturating_add(1);
        self.resume(action);
    }
}

impl Spent {
    /// Writes down that an action is begun.
    pub fn begin(&mut self, rules: &Rules, now: Timestamp) {
        if self.ends(rules, now).is_none() {
            self.since = Some(now);
            self.actions = 0;
        }
        self.actions = self.actions.saturating_add(1);
    }

    /// When something may be tried again; `None` if it may be now.
    pub fn free_again(&self, rules: &Rules, now: Timestamp) -> Option<Timestamp> {
        if rules.per_window == 0 {
            return Some(Timestamp::MAX);
        }
        self.ends(rules, now).filter(|_| self.actions >= rules.per_window)
    }

    /// When the present window ends; `None` if there is none. One that a clock which was set back has put into the
    /// future is none.
    fn ends(&self, rules: &Rules, now: Timestamp) -> Option<Timestamp> {
        let since = self.since.filter(|since| *since <= now)?;
        Some(after(since, rules.window)).filter(|end| *end > now)
    }
}
