//! The one queue of all controllers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

/// How soon a key that is due gets its turn.
///
/// A priority is a head start: a key is served before every key that becomes due later than its head start
/// allows for, whatever the priority of that one. So nothing starves: a key waits at most for what was due
/// before the end of its delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// Somebody changed the object.
    Change,
    /// Something it depends on changed, or its time has come.
    Wake,
    /// Nothing is known to have changed.
    Resync,
}

impl Priority {
    const fn delay(self) -> Duration {
        match self {
            Self::Change => Duration::ZERO,
            Self::Wake => Duration::from_secs(10),
            // One resync period: after that long a resync is as urgent as a change.
            Self::Resync => Duration::from_mins(10),
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Place {
    due: Instant,
    priority: Priority,
    is_ready: bool,
}

impl Place {
    fn turn(&self) -> Instant {
        self.due + self.priority.delay()
    }
}

/// Keys by due time, then by priority with aging, then by themselves. Every operation takes O(log n).
///
/// A key is in the queue at most once; while it is worked on ([`pop`](Self::pop) to
/// [`done`](Self::done)) it is kept aside and comes back afterwards.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    places: BTreeMap<T, Place>,
    /// Not known to be due.
    waiting: BTreeSet<(Instant, T)>,
    /// Due, in the order of their turns.
    ready: BTreeSet<(Instant, T)>,
    running: BTreeMap<T, Option<(Instant, Priority)>>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            places: BTreeMap::new(),
            waiting: BTreeSet::new(),
            ready: BTreeSet::new(),
            running: BTreeMap::new(),
        }
    }
}

impl<T: Ord + Clone> Queue<T> {
    /// Adds `key`, or makes it due earlier or more urgent if it is there already.
    pub(crate) fn add(&mut self, key: &T, due: Instant, priority: Priority) {
        if let Some(again) = self.running.get_mut(key) {
            let (old_due, old_priority) = again.unwrap_or((due, priority));
            *again = Some((old_due.min(due), old_priority.min(priority)));
            return;
        }
        let mut place = Place {
            due,
            priority,
            is_ready: false,
        };
        if let Some(old) = self.take(key) {
            place.due = old.due.min(due);
            place.priority = old.priority.min(priority);
        }
        self.waiting.insert((place.due, key.clone()));
        self.places.insert(key.clone(), place);
    }

    /// Adds `key` in place of whatever was planned for it.
    pub(crate) fn set(&mut self, key: &T, due: Instant, priority: Priority) {
        self.take(key);
        self.add(key, due, priority);
    }

    /// Takes out the key whose turn it is at `now`; it counts as running until [`done`](Self::done).
    pub(crate) fn pop(&mut self, now: Instant) -> Option<T> {
        while let Some((due, _)) = self.waiting.first()
            && *due <= now
            && let Some((_, key)) = self.waiting.pop_first()
        {
            if let Some(place) = self.places.get_mut(&key) {
                place.is_ready = true;
                self.ready.insert((place.turn(), key));
            }
        }
        let (_, key) = self.ready.pop_first()?;
        self.places.remove(&key);
        self.running.insert(key.clone(), None);
        Some(key)
    }

    /// The work on `key` has ended. Says what was added meanwhile, and forgets it.
    pub(crate) fn done(&mut self, key: &T) -> Option<(Instant, Priority)> {
        self.running.remove(key).flatten()
    }

    /// When the next key becomes or became due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        if let Some((_, key)) = self.ready.first() {
            return self.places.get(key).map(|place| place.due);
        }
        self.waiting.first().map(|(due, _)| *due)
    }

    /// How many keys wait for their turn.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    fn take(&mut self, key: &T) -> Option<Place> {
        let place = self.places.remove(key)?;
        if place.is_ready {
            self.ready.remove(&(place.turn(), key.clone()));
        } else {
            self.waiting.remove(&(place.due, key.clone()));
        }
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drain(queue: &mut Queue<u32>, now: Instant) -> Vec<u32> {
        std::iter::from_fn(|| {
            let key = queue.pop(now)?;
            assert_eq!(queue.done(&key), None);
            Some(key)
        })
        .collect()
    }

    fn priority() -> impl Strategy<Value = Priority> {
        prop_oneof![
            Just(Priority::Change),
            Just(Priority::Wake),
            Just(Priority::Resync)
        ]
    }

    #[tokio::test(start_paused = true)]
    async fn keys_come_by_due_time_priority_and_themselves() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add(&5, now, Priority::Resync);
        queue.add(&4, now, Priority::Wake);
        queue.add(&3, now, Priority::Change);
        queue.add(&2, now, Priority::Change);
        queue.add(&1, now + Duration::from_secs(1), Priority::Change);
        assert_eq!(drain(&mut queue, now), [2, 3, 4, 5]);
        assert_eq!(queue.next_due(), Some(now + Duration::from_secs(1)));
        assert_eq!(drain(&mut queue, now + Duration::from_secs(1)), [1]);
        assert_eq!(queue.next_due(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_added_while_it_runs_comes_back_once() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add(&1, now, Priority::Wake);
        assert_eq!(queue.pop(now), Some(1));
        queue.add(&1, now, Priority::Resync);
        queue.add(&1, now, Priority::Wake);
        assert_eq!(queue.pop(now), None, "never twice at once");
        assert_eq!(queue.done(&1), Some((now, Priority::Wake)));
        assert_eq!(queue.pop(now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn adding_again_only_hastens_and_setting_replaces() {
        let now = Instant::now();
        let later = now + Duration::from_mins(1);
        let mut queue = Queue::default();
        queue.add(&1, now, Priority::Change);
        queue.add(&1, later, Priority::Resync);
        assert_eq!((queue.len(), queue.next_due()), (1, Some(now)));
        queue.set(&1, later, Priority::Wake);
        assert_eq!((queue.len(), queue.next_due()), (1, Some(later)));
        assert_eq!(queue.pop(now), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_is_served_before_a_hundred_thousand_resyncs() {
        let now = Instant::now();
        let mut queue = Queue::default();
        for key in 0..100_000 {
            queue.add(&key, now, Priority::Resync);
        }
        let later = now + Duration::from_mins(5);
        assert_eq!(queue.pop(later), Some(0));
        queue.add(&77_777, later, Priority::Change);
        assert_eq!(queue.pop(later), Some(77_777));
    }

    #[tokio::test(start_paused = true)]
    async fn a_resync_is_served_in_spite_of_endless_changes() {
        let mut now = Instant::now();
        let mut queue = Queue::default();
        queue.add(&0, now, Priority::Resync);
        let mut served_after = None;
        for n in 1..2000 {
            queue.add(&n, now, Priority::Change);
            let key = queue.pop(now).unwrap();
            queue.done(&key);
            if key == 0 {
                served_after = Some(n);
                break;
            }
            now += Duration::from_secs(1);
        }
        assert!(served_after.is_some_and(|n| n <= 601), "{served_after:?}");
    }

    proptest! {
        /// The wait is bounded: nothing that becomes due after a key's delay is served before it, so it is
        /// served after at most as many keys as were due by then.
        #[test]
        fn nothing_starves(keys in proptest::collection::vec((0u64..2000, priority()), 1..200)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let start = runtime.block_on(async { Instant::now() });
            let mut queue = Queue::default();
            for (key, (due, priority)) in (0u32..).zip(&keys) {
                queue.add(&key, start + Duration::from_secs(*due), *priority);
            }
            let served = drain(&mut queue, start + Duration::from_secs(4000));
            prop_assert_eq!(served.len(), keys.len());
            for (position, key) in served.iter().enumerate() {
                let (due, priority) = keys[*key as usize];
                let end = due + priority.delay().as_secs();
                let due_by_then = keys.iter().filter(|(due, _)| *due <= end).count();
                prop_assert!(position < due_by_then);
            }
        }

        /// Whatever is added, each key comes out exactly once and never before it is due.
        #[test]
        fn keys_come_out_once_and_not_early(
            adds in proptest::collection::vec((0u32..20, 0u64..100, priority()), 1..100),
            now in 0u64..100,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let start = runtime.block_on(async { Instant::now() });
            let mut queue = Queue::default();
            let mut earliest = BTreeMap::new();
            for (key, due, priority) in adds {
                queue.add(&key, start + Duration::from_secs(due), priority);
                let least = earliest.entry(key).or_insert(due);
                *least = due.min(*least);
            }
            let mut served = drain(&mut queue, start + Duration::from_secs(now));
            served.sort_unstable();
            let expected: Vec<u32> = earliest
                .iter()
                .filter(|(_, due)| **due <= now)
                .map(|(key, _)| *key)
                .collect();
            prop_assert_eq!(served, expected);
            prop_assert_eq!(queue.len(), earliest.values().filter(|due| **due > now).count());
        }
    }
}
