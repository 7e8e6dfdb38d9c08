//! When what is over is forgotten.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use kecs_core::key::Key;
use kecs_core::record::{Task, TaskDefinition, Token};
use kecs_core::task::is_over;
use kecs_core::task_definition;
use kecs_core::tx::Tx;
use kecs_model::Refusal;

/// Keys and when they are to go, the next first.
#[derive(Debug, Default)]
pub(crate) struct Expiry(BTreeSet<(Timestamp, Key)>);

impl Expiry {
    /// `key` is to go at that time.
    pub(crate) fn note(&mut self, at: Timestamp, key: Key) {
        self.0.insert((at, key));
    }

    /// When the next goes.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Those whose time has come.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<Key> {
        let mut due = Vec::new();
        while self.next().is_some_and(|at| at <= now) {
            due.extend(self.0.pop_first().map(|(_, key)| key));
        }
        due
    }
}

/// Forgets what is under `key`, if it is still over and its time has come: a key may have been written anew. Answers
/// whether to look again, since something needs it still.
pub(crate) fn forget(tx: &mut Tx<'_>, key: &Key, kept: Duration) -> Result<bool, Refusal> {
    if let Some(definition) = tx.get::<TaskDefinition>(key)? {
        let requested = definition.definition.delete_requested_at;
        let requested = requested.map_or(tx.now(), Timestamp::from);
        let due = tx.now().duration_since(requested).unsigned_abs() >= kept;
        if !due || !task_definition::is_going(&definition) {
            return Ok(false);
        }
        if task_definition::is_in_use(tx, &definition)? {
            return Ok(true);
        }
        task_definition::forget(tx, key.clone(), &definition)?;
        return Ok(false);
    }
    let over = if let Some(task) = tx.get::<Task>(key)? {
        let stopped = task.task.stopped_at.map_or(tx.now(), Timestamp::from);
        is_over(&task) && tx.now().duration_since(stopped).unsigned_abs() >= kept
    } else if let Some(token) = tx.get::<Token>(key)? {
        token.expires <= tx.now()
    } else {
        false
    };
    if over {
        tx.delete(key.clone());
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_goes_in_order_and_once() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let key = |text: &str| Key::from_text(text);
        let mut expiry = Expiry::default();
        expiry.note(at(3), key("c"));
        expiry.note(at(1), key("a"));
        expiry.note(at(2), key("b"));
        assert_eq!(expiry.next(), Some(at(1)));
        assert_eq!(expiry.due(at(2)), [key("a"), key("b")]);
        assert_eq!(expiry.due(at(2)), []);
        assert_eq!(expiry.next(), Some(at(3)));
    }
}
