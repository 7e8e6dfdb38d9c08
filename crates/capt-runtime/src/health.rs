//! What the driver says of itself, for readiness and liveness probes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;

use crate::cache::lock;

/// How the watch of one kind stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindHealth {
    /// Whether a complete list was ever received.
    pub synced: bool,
    /// When the watch last brought anything, if it ever did.
    pub last_event: Option<Timestamp>,
    /// Why the watch is failing now, and since when.
    pub failing: Option<(Timestamp, String)>,
    /// Objects that cannot be read and are left out, by `namespace/name`, and why.
    pub unreadable: BTreeMap<String, String>,
}

/// How a driver stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// By kind, named `plural.group`.
    pub kinds: BTreeMap<String, KindHealth>,
    /// When the driver's loop last took a turn.
    pub last_turn: Option<Timestamp>,
    /// When a round last ended.
    pub last_round: Option<Timestamp>,
    /// How many rounds are running.
    pub running: usize,
    /// How many keys are waiting, due or not.
    pub waiting: usize,
    /// For how long a key that is due has been waiting for a worker.
    pub overdue: Option<Duration>,
}

impl Standing {
    /// The kinds whose first list has not arrived, with the reason if there is one. Rounds start when this
    /// is empty.
    pub fn unsynced(&self) -> Vec<String> {
        let missing = self.kinds.iter().filter(|(_, health)| !health.synced);
        missing
            .map(|(kind, health)| match &health.failing {
                Some((_, why)) => format!("{kind}: {why}"),
                None => format!("{kind}: not listed yet"),
            })
            .collect()
    }

    /// Why the loop is stuck at `now`, if it is: it has taken no turn for longer than `limit`, or something that is due
    /// has waited for a worker for longer. Before the first turn nothing is stuck.
    pub fn stuck(&self, now: Timestamp, limit: Duration) -> Option<String> {
        let last = self.last_turn?;
        let silent = now.duration_since(last).unsigned_abs();
        if silent > limit {
            return Some(format!("the driver has taken no turn for {} s", silent.as_secs()));
        }
        let overdue = self.overdue.filter(|overdue| *overdue > limit)?;
        let running = self.running;
        Some(format!(
            "{running} rounds are running, and something that is due has been waiting for {} s",
            overdue.as_secs()
        ))
    }

    /// The kinds whose watch has been failing for longer than `limit` at `now`.
    pub fn failing(&self, now: Timestamp, limit: Duration) -> Vec<String> {
        let failing = self.kinds.iter().filter_map(|(kind, health)| {
            let (since, why) = health.failing.as_ref()?;
            (now.duration_since(*since).unsigned_abs() > limit).then(|| format!("{kind}: {why}"))
        });
        failing.collect()
    }
}

/// A handle on the standing of a driver; cheap to clone, readable from anywhere.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<Standing>>);

impl Health {
    /// How the driver stands now.
    pub fn standing(&self) -> Standing {
        lock(&self.0).clone()
    }

    /// Whether the caches of all kinds are filled: the answer for `/readyz`.
    pub fn is_synced(&self) -> bool {
        lock(&self.0).kinds.values().all(|health| health.synced)
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Standing)) {
        change(&mut lock(&self.0));
    }

    /// Changes the standing of `kind`.
    pub(crate) fn update_kind(&self, kind: &str, change: impl FnOnce(&mut KindHealth)) {
        let mut standing = lock(&self.0);
        if let Some(health) = standing.kinds.get_mut(kind) {
            change(health);
        } else {
            change(standing.kinds.entry(kind.to_owned()).or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_names_the_kinds_that_are_missing_and_why() {
        let health = Health::default();
        health.update_kind("clusters.x", |kind| kind.synced = true);
        health.update_kind("secrets.", |_| ());
        assert!(!health.is_synced());
        health.update_kind("workspaces.y", |kind| {
            kind.failing = Some((Timestamp::UNIX_EPOCH, "404 page not found".to_owned()));
        });
        let standing = health.standing();
        assert_eq!(standing.stuck(Timestamp::MAX, Duration::ZERO), None);
        assert_eq!(
            standing.unsynced(),
            ["secrets.: not listed yet", "workspaces.y: 404 page not found"]
        );
        let minute = Duration::from_mins(1);
        let after = |seconds| Timestamp::from_second(seconds).unwrap();
        assert!(standing.failing(after(60), minute).is_empty());
        assert_eq!(
            standing.failing(after(61), minute),
            ["workspaces.y: 404 page not found"]
        );
    }

    #[test]
    fn a_loop_that_stands_still_or_has_no_workers_left_is_stuck() {
        let minute = Duration::from_mins(1);
        let after = |seconds| Timestamp::from_second(seconds).unwrap();
        let mut standing = Standing {
            last_turn: Some(Timestamp::UNIX_EPOCH),
            ..Standing::default()
        };
        assert_eq!(standing.stuck(after(60), minute), None);
        assert_eq!(
            standing.stuck(after(61), minute).unwrap(),
            "the driver has taken no turn for 61 s"
        );
        standing.running = 4;
        standing.overdue = Some(Duration::from_secs(90));
        assert_eq!(
            standing.stuck(after(1), minute).unwrap(),
            "4 rounds are running, and something that is due has been waiting for 90 s"
        );
    }
}
