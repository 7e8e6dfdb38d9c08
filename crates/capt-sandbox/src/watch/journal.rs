//! What changes, one line for each change.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Change;
use crate::picture::{NodeKey, status_text};

/// Remembers what was said of each object, and says only what is new.
#[derive(Debug, Default)]
pub struct Journal {
    said: BTreeMap<NodeKey, String>,
}

impl Journal {
    /// The line for a change, `elapsed` after the start; none if it looks like before.
    pub fn note(&mut self, change: &Change, elapsed: Duration) -> Option<String> {
        let (key, text) = match change {
            Change::Set(node) => (&node.key, status_text(node)),
            Change::Gone(key) => {
                self.said.remove(key)?;
                return Some(format!("{} {} gone", clock(elapsed), key.title()));
            }
            Change::Synced(_) | Change::Lost(..) => return None,
        };
        if self.said.get(key) == Some(&text) {
            return None;
        }
        let line = format!("{} {} {text}", clock(elapsed), key.title());
        self.said.insert(key.clone(), text);
        Some(line)
    }
}

/// A length of time as `mm:ss`, with more minutes where need be.
pub fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    format!("{:02}:{:02}", seconds / 60, seconds % 60)
}
