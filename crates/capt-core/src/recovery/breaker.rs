//! The circuit breaker: when incident after incident ends with a person, nothing is tried for a while.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::advance::after;

/// Incidents in a row that ended with a person, after which the breaker opens.
pub(super) const THRESHOLD: u32 = 3;

/// How long it stays open. After that one incident may try; if it ends with a person too, it opens again.
pub(super) const COOL_DOWN: Duration = Duration::from_hours(1);

/// Whether anything is tried at all, for one object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Breaker {
    /// Incidents in a row that ended with a person.
    pub failures: u32,
    /// When the last of them ended.
    pub last_failure: Option<Timestamp>,
}

impl Breaker {
    /// An incident ended with a person.
    pub fn failed(&mut self, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.last_failure = Some(now);
    }

    /// An incident was mended.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// When something may be tried again; `None` if it may be now.
    ///
    /// A failure that a clock which was set back has put into the future does not hold anything up.
    pub fn closed_again(&self, now: Timestamp) -> Option<Timestamp> {
        let last = self.last_failure.filter(|last| *last <= now)?;
        let until = after(last, COOL_DOWN);
        (self.failures >= THRESHOLD && until > now).then_some(until)
    }
}
