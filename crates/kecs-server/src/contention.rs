//! Lines in which those stand that write the same.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use kecs_core::tx::Expect;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// How many lines there are. Two keys may share one: that costs time and nothing else.
const LINES: usize = 256;

/// Lines by what is written.
#[derive(Debug)]
pub(crate) struct Queues(Vec<Arc<Mutex<()>>>);

/// A turn: the next in line waits until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    line: usize,
    _held: OwnedMutexGuard<()>,
}

impl Default for Queues {
    fn default() -> Self {
        Self((0..LINES).map(|_| Arc::default()).collect())
    }
}

impl Queues {
    /// Waits for a turn at what was not as it was expected. Who has one there already keeps it; any other is given up
    /// first, so that nobody holds one and waits for another.
    pub(crate) async fn turn(&self, expect: &Expect, held: Option<Turn>) -> Turn {
        let line = line(expect);
        match held {
            Some(turn) if turn.line == line => turn,
            other => {
                drop(other);
                let held = Arc::clone(&self.0[line]).lock_owned().await;
                Turn { line, _held: held }
            }
        }
    }
}

/// The same line for the same text, in every run.
fn line(expect: &Expect) -> usize {
    let text = match expect {
        Expect::Generation(key, _) => key.as_str(),
        Expect::Count(term, _) => term.as_str(),
    };
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(text);
    usize::try_from(hash % LINES as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kecs_core::key::{Scope, Term};

    use super::*;

    fn generation(name: &str) -> Expect {
        Expect::Generation(Scope::new("1", "r").cluster(name), 1)
    }

    #[tokio::test(start_paused = true)]
    async fn who_writes_the_same_waits_until_the_turn_is_over() {
        let queues = Queues::default();
        let first = queues.turn(&generation("a"), None).await;
        let again = Expect::Generation(Scope::new("1", "r").cluster("a"), 7);
        let second = tokio::time::timeout(Duration::from_secs(1), queues.turn(&again, None)).await;
        assert!(second.is_err());
        // Its own turn is kept, not waited for.
        let first = queues.turn(&again, Some(first)).await;
        drop(first);
        queues.turn(&again, None).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_is_given_up_for_another() {
        let queues = Queues::default();
        let other = (0..100)
            .map(|number| Expect::Count(Term::from_text(format!("t{number}")), 0))
            .find(|it| line(it) != line(&generation("a")))
            .unwrap();
        let turn = queues.turn(&generation("a"), None).await;
        let turn = queues.turn(&other, Some(turn)).await;
        queues.turn(&generation("a"), None).await;
        drop(turn);
    }
}
