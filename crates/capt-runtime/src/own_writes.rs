//! What this process has written itself, so that no round decides on a state older than that.

use std::collections::{BTreeMap, VecDeque};

use crate::ObjectKey;
use crate::interest::KindId;

/// Identity and version of an object as the API server counts them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) uid: String,
    pub(crate) resource_version: String,
}

impl Version {
    pub(crate) fn of<K: kube::ResourceExt>(object: &K) -> Self {
        Self {
            uid: object.uid().unwrap_or_default(),
            resource_version: object.resource_version().unwrap_or_default(),
        }
    }
}

/// Whether `seen` is `wanted` or came after it; `None` when that cannot be told.
///
/// Resource versions of one resource are ordered numbers in recent Kubernetes, which promises it; where they
/// are anything else, only equality means something.
pub(crate) fn reached(seen: &str, wanted: &str) -> Option<bool> {
    if seen == wanted {
        return Some(true);
    }
    match (seen.parse::<u64>(), wanted.parse::<u64>()) {
        (Ok(seen), Ok(wanted)) => Some(seen >= wanted),
        _ => None,
    }
}

/// What a cache must show before it is as new as our own last write of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// This version or a later one.
    Written(Version),
    /// That the object with this uid is gone.
    Deleted { uid: String },
    /// Nobody knows whether the write took effect; only the API server can tell.
    Unknown,
}

/// What a cache shows of one object.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// The object, if there is one.
    pub(crate) version: Option<Version>,
    /// The highest resource version seen in the watch, where versions are numbers.
    pub(crate) high_water: Option<u64>,
}

impl Expected {
    fn is_met(&self, shown: &Shown) -> bool {
        match (self, &shown.version) {
            (Self::Written(own), Some(version)) => {
                reached(&version.resource_version, &own.resource_version).unwrap_or(false)
            }
            // A watch is ordered: once it is past our write and does not show the object, it was deleted since.
            (Self::Written(own), None) => own
                .resource_version
                .parse()
                .is_ok_and(|own: u64| shown.high_water.is_some_and(|high| high >= own)),
            (Self::Deleted { uid }, Some(version)) => version.uid != *uid,
            (Self::Deleted { .. }, None) => true,
            (Self::Unknown, _) => false,
        }
    }
}

/// So many of our last versions of one object are remembered to tell an echo from a foreign change.
const ECHOES: usize = 4;

#[derive(Debug)]
struct Entry {
    expected: Expected,
    echoes: VecDeque<String>,
}

/// The last own write of every object that still exists.
#[derive(Debug, Default)]
pub(crate) struct OwnWrites {
    entries: BTreeMap<(KindId, ObjectKey), Entry>,
}

impl OwnWrites {
    /// Records a write that has ended.
    pub(crate) fn record(&mut self, kind: KindId, key: &ObjectKey, expected: Expected) {
        let entry = self.entries.entry((kind, key.clone())).or_insert_with(|| Entry {
            expected: Expected::Unknown,
            echoes: VecDeque::new(),
        });
        if let Expected::Written(version) = &expected {
            if let Expected::Written(last) = &entry.expected
                && last.uid == version.uid
                && reached(&last.resource_version, &version.resource_version) == Some(true)
            {
                return; // a write that changed nothing, or an answer overtaken by a later one
            }
            if entry.echoes.len() == ECHOES {
                entry.echoes.pop_front();
            }
            entry.echoes.push_back(version.resource_version.clone());
        }
        entry.expected = expected;
    }

    /// Whether a watch event with this version is the echo of an own write.
    pub(crate) fn is_echo(&self, kind: KindId, key: &ObjectKey, resource_version: &str) -> bool {
        self.entries
            .get(&(kind, key.clone()))
            .is_some_and(|entry| entry.echoes.iter().any(|own| own == resource_version))
    }

    /// Whether what a cache shows of `key` is as new as our own last write.
    pub(crate) fn is_met(&self, kind: KindId, key: &ObjectKey, shown: &Shown) -> bool {
        self.entries
            .get(&(kind, key.clone()))
            .is_none_or(|entry| entry.expected.is_met(shown))
    }

    /// The keys of `kind` that were written, in `namespace` or everywhere.
    pub(crate) fn written(&self, kind: KindId, namespace: Option<&str>) -> Vec<ObjectKey> {
        let from = (kind, ObjectKey::new(namespace.unwrap_or_default(), ""));
        self.entries
            .range(from..)
            .map(|((entry_kind, key), _)| (entry_kind, key))
            .take_while(|(entry_kind, key)| {
                **entry_kind == kind && namespace.is_none_or(|namespace| key.namespace == namespace)
            })
            .map(|(_, key)| key.clone())
            .collect()
    }

    /// The newest version of `key` with this uid that we have written ourselves.
    pub(crate) fn newest(&self, kind: KindId, key: &ObjectKey, uid: &str) -> Option<&str> {
        match &self.entries.get(&(kind, key.clone()))?.expected {
            Expected::Written(version) if version.uid == uid => Some(&version.resource_version),
            Expected::Written(_) | Expected::Deleted { .. } | Expected::Unknown => None,
        }
    }

    /// Whether the last own write was the end of the object with this uid.
    pub(crate) fn is_deleted(&self, kind: KindId, key: &ObjectKey, uid: &str) -> bool {
        let deleted = Expected::Deleted { uid: uid.to_owned() };
        self.entries
            .get(&(kind, key.clone()))
            .is_some_and(|entry| entry.expected == deleted)
    }

    /// Whether the outcome of the last own write is not known.
    pub(crate) fn is_unknown(&self, kind: KindId, key: &ObjectKey) -> bool {
        self.entries
            .get(&(kind, key.clone()))
            .is_some_and(|entry| entry.expected == Expected::Unknown)
    }

    /// The watch has shown the end of the object with this version.
    pub(crate) fn ended(&mut self, kind: KindId, key: &ObjectKey, last: &Version) {
        let at = (kind, key.clone());
        let over = self.entries.get(&at).is_some_and(|entry| match &entry.expected {
            Expected::Written(own) => {
                own.uid == last.uid || reached(&last.resource_version, &own.resource_version) == Some(true)
            }
            Expected::Deleted { uid } => *uid == last.uid,
            Expected::Unknown => false,
        });
        if over {
            self.entries.remove(&at);
        }
    }

    /// The watch has started anew with a complete list; `shown` says what it holds.
    pub(crate) fn relisted(&mut self, kind: KindId, shown: impl Fn(&ObjectKey) -> Shown) {
        for key in self.written(kind, None) {
            let shown = shown(&key);
            let at = (kind, key);
            let over = shown.version.is_none()
                && self
                    .entries
                    .get(&at)
                    .is_some_and(|entry| entry.expected.is_met(&shown));
            if over {
                self.entries.remove(&at);
            }
        }
    }

    /// The API server has answered what `key` is now, which is newer than any expectation.
    pub(crate) fn resolved(&mut self, kind: KindId, key: &ObjectKey, live: Option<&Version>) {
        let at = (kind, key.clone());
        let Some(entry) = self.entries.get_mut(&at) else {
            return;
        };
        match (live, &entry.expected) {
            (Some(version), _) => entry.expected = Expected::Written(version.clone()),
            // A watch that is behind may still show the object for a while: it must not come back to life.
            (None, Expected::Written(own)) => {
                entry.expected = Expected::Deleted { uid: own.uid.clone() };
            }
            (None, Expected::Deleted { .. }) => {}
            (None, Expected::Unknown) => {
                self.entries.remove(&at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: KindId = KindId(0);

    fn key() -> ObjectKey {
        ObjectKey::new("ns", "a")
    }

    fn version(uid: &str, resource_version: &str) -> Version {
        Version {
            uid: uid.to_owned(),
            resource_version: resource_version.to_owned(),
        }
    }

    fn shown(version: Option<Version>, high_water: Option<u64>) -> Shown {
        Shown { version, high_water }
    }

    fn written(uid: &str, resource_version: &str) -> OwnWrites {
        let mut writes = OwnWrites::default();
        writes.record(KIND, &key(), Expected::Written(version(uid, resource_version)));
        writes
    }

    #[test]
    fn versions_are_numbers_where_they_can_be_and_equal_or_not_otherwise() {
        assert_eq!(reached("10", "9"), Some(true));
        assert_eq!(reached("9", "10"), Some(false));
        assert_eq!(reached("a", "a"), Some(true));
        assert_eq!(reached("b", "a"), None);
    }

    #[test]
    fn a_cache_older_than_the_own_write_is_refused() {
        let writes = written("u", "10");
        let met = |shown: Shown| writes.is_met(KIND, &key(), &shown);
        assert!(!met(shown(Some(version("u", "9")), Some(9))));
        assert!(met(shown(Some(version("u", "10")), Some(10))));
        assert!(met(shown(Some(version("u", "11")), Some(11))));
        assert!(!met(shown(None, Some(9))), "the watch has not shown it yet");
        assert!(met(shown(None, Some(12))), "created and deleted since");
        assert!(!met(shown(None, None)));
        let opaque = written("u", "x1");
        assert!(!opaque.is_met(KIND, &key(), &shown(Some(version("u", "x2")), None)));
        assert!(opaque.is_met(KIND, &key(), &shown(Some(version("u", "x1")), None)));
    }

    #[test]
    fn a_deleted_object_is_refused_until_it_is_gone_or_another() {
        let mut writes = written("u", "10");
        writes.record(KIND, &key(), Expected::Deleted { uid: "u".to_owned() });
        let met = |shown: Shown| writes.is_met(KIND, &key(), &shown);
        assert!(!met(shown(Some(version("u", "10")), Some(10))));
        assert!(met(shown(None, Some(10))));
        assert!(met(shown(Some(version("v", "12")), Some(12))));
    }

    #[test]
    fn a_watch_that_travels_back_in_time_is_noticed() {
        let mut writes = written("u", "10");
        writes.relisted(KIND, |_| shown(Some(version("u", "10")), Some(10)));
        writes.relisted(KIND, |_| shown(Some(version("u", "4")), Some(4)));
        assert!(!writes.is_met(KIND, &key(), &shown(Some(version("u", "4")), Some(4))));
    }

    #[test]
    fn an_unknown_outcome_is_settled_by_the_server_alone() {
        let mut writes = OwnWrites::default();
        writes.record(KIND, &key(), Expected::Unknown);
        assert!(!writes.is_met(KIND, &key(), &shown(Some(version("u", "99")), Some(99))));
        writes.resolved(KIND, &key(), Some(&version("u", "5")));
        assert!(writes.is_met(KIND, &key(), &shown(Some(version("u", "5")), Some(5))));
    }

    #[test]
    fn what_the_server_says_is_gone_stays_gone_while_the_watch_is_behind() {
        let mut writes = written("u", "10");
        writes.resolved(KIND, &key(), None);
        assert!(writes.is_met(KIND, &key(), &shown(None, Some(3))));
        assert!(!writes.is_met(KIND, &key(), &shown(Some(version("u", "8")), Some(8))));
        writes.ended(KIND, &key(), &version("u", "12"));
        assert!(writes.written(KIND, None).is_empty());
    }

    #[test]
    fn echoes_of_the_last_writes_are_told_from_foreign_changes() {
        let mut writes = written("u", "1");
        for n in 2..=6 {
            writes.record(KIND, &key(), Expected::Written(version("u", &n.to_string())));
        }
        assert!(writes.is_echo(KIND, &key(), "6") && writes.is_echo(KIND, &key(), "3"));
        assert!(!writes.is_echo(KIND, &key(), "7"));
        assert!(!writes.is_echo(KIND, &key(), "1"), "only the last few are kept");
    }

    #[test]
    fn an_answer_overtaken_by_a_later_write_does_not_lower_the_expectation() {
        let mut writes = written("u", "10");
        writes.record(KIND, &key(), Expected::Written(version("u", "8")));
        assert_eq!(writes.newest(KIND, &key(), "u"), Some("10"));
        assert_eq!(writes.newest(KIND, &key(), "other"), None);
    }

    #[test]
    fn own_writes_are_found_by_namespace() {
        let mut writes = OwnWrites::default();
        for (kind, namespace) in [(0, "a"), (0, "b"), (1, "a")] {
            let key = ObjectKey::new(namespace, "x");
            writes.record(KindId(kind), &key, Expected::Unknown);
        }
        assert_eq!(writes.written(KIND, Some("a")), [ObjectKey::new("a", "x")]);
        assert_eq!(writes.written(KIND, None).len(), 2);
    }
}
