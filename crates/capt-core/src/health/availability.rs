//! For how much of the last hour, day and month something was available.
//!
//! The record is bounded, and says since when it has observed: a share is of the time that was observed, never of
//! time about which nothing is known.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many changes are kept. When there are more, the oldest go, and with them what was observed before.
pub(super) const CHANGES: usize = 64;

/// When something was available, when not, and when nobody looked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Availability {
    /// Each change, oldest first: from then on it was this; `None` when nobody looked.
    changes: Vec<(Timestamp, Option<bool>)>,
}

/// The share of a window in which something was available.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Whole percent of the time observed, rounded down: 100 only if it was available throughout.
    pub percent: u8,
    /// How much of the window was observed.
    pub observed: Duration,
}

impl Availability {
    /// Notes what is so from `now` on; `None` when nobody can tell. True if that is a change.
    ///
    /// After the clock was set back, what was recorded of the time that is now to come is forgotten.
    pub fn note(&mut self, available: Option<bool>, now: Timestamp) -> bool {
        let before = self.changes.len();
        while self.changes.pop_if(|(at, _)| *at > now).is_some() {}
        let cut = self.changes.len() < before;
        let last = self.changes.last().map(|(_, available)| *available);
        if last == Some(available) || last.is_none() && available.is_none() {
            return cut;
        }
        self.changes.pop_if(|(at, _)| *at == now);
        self.changes.push((now, available));
        if self.changes.len() > CHANGES {
            self.changes.remove(0);
        }
        true
    }

    /// Since when it was observed, with pauses.
    pub fn observed_since(&self) -> Option<Timestamp> {
        self.changes.first().map(|(at, _)| *at)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    /// The share of the time from `window` before `now` until `now`. `None` if nothing of it was observed.
    pub fn share(&self, window: Duration, now: Timestamp) -> Option<Share> {
        let from = before(now, window);
        let mut observed = 0_u128;
        let mut available = 0_u128;
        let ends = self.changes.iter().skip(1).map(|(at, _)| *at).chain([now]);
        for ((start, was), end) in self.changes.iter().zip(ends) {
            let (start, end) = ((*start).max(from), end.min(now));
            let Some(was) = was.filter(|_| start < end) else {
                continue;
            };
            let length = end.duration_since(start).unsigned_abs().as_millis();
            observed += length;
            if was {
                available += length;
            }
        }
        let percent = (available * 100).checked_div(observed)?;
        Some(Share {
            percent: u8::try_from(percent).unwrap_or(100),
            observed: Duration::from_millis(u64::try_from(observed).unwrap_or(u64::MAX)),
        })
    }
}

fn before(time: Timestamp, duration: Duration) -> Timestamp {
    jiff::SignedDuration::try_from(duration)
        .ok()
        .and_then(|duration| time.checked_sub(duration).ok())
        .unwrap_or(Timestamp::MIN)
}
