//! Records that have had their time: tasks that are over, and client tokens.

use jiff::{SignedDuration, Timestamp};
use kecs_core::key::{Key, Scope, Term};
use kecs_core::record::{Record, Task, Token, status};
use kecs_core::tx::Tx;
use kecs_core::view::Page;
use kecs_store::{CommitError, Snapshot, Store};

/// How many terms, and how many records of a term, are looked at in one go.
const BATCH: usize = 500;

/// What is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expiring {
    /// Tasks that are over.
    Tasks,
    /// Client tokens.
    Tokens,
}

/// Removes tasks that were over `stopped_tasks` ago and tokens that have expired. Answers with how many those were.
pub(crate) async fn forget(
    store: &dyn Store,
    now: Timestamp,
    stopped_tasks: SignedDuration,
) -> Result<u64, String> {
    let mut removed = 0;
    let mut after: Option<Term> = None;
    loop {
        let terms = {
            let view = store.view().map_err(|error| error.to_string())?;
            view.terms(after.as_ref(), BATCH).map_err(|error| error.to_string())?
        };
        let Some(last) = terms.last() else {
            return Ok(removed);
        };
        after = Some(last.term.clone());
        for counted in terms {
            if let Some((scope, expiring)) = expiring(&counted.term) {
                let expired = Expired {
                    store,
                    scope: &scope,
                    expiring,
                    now,
                    stopped_tasks,
                };
                removed += expired.forget(&counted.term).await?;
            }
        }
    }
}

/// Whether a term is of records that expire: `account/region/tokens`, or the tasks of a cluster that are to be over.
fn expiring(term: &Term) -> Option<(Scope, Expiring)> {
    let mut parts = term.as_str().split('/');
    let scope = Scope::new(parts.next()?, parts.next()?);
    let rest: Vec<&str> = parts.collect();
    let expiring = match rest.as_slice() {
        ["tokens"] => Expiring::Tokens,
        ["tasks", _, "desired=STOPPED"] => Expiring::Tasks,
        _ => return None,
    };
    Some((scope, expiring))
}

/// What of one term is to go.
struct Expired<'a> {
    store: &'a dyn Store,
    scope: &'a Scope,
    expiring: Expiring,
    now: Timestamp,
    stopped_tasks: SignedDuration,
}

impl Expired<'_> {
    async fn forget(&self, term: &Term) -> Result<u64, String> {
        let mut removed = 0;
        let mut after: Option<Key> = None;
        loop {
            let (commit, last) = {
                let view = self.store.view().map_err(|error| error.to_string())?;
                let (keys, last) = self.expired(&*view, term, after.as_ref())?;
                let mut tx = Tx::new(&*view, self.scope, self.now);
                for key in keys {
                    // What it rests upon is read, so that a record that has changed meanwhile stays.
                    let still = match self.expiring {
                        Expiring::Tasks => tx.get::<Task>(&key).is_ok_and(|it| it.is_some()),
                        Expiring::Tokens => tx.get::<Token>(&key).is_ok_and(|it| it.is_some()),
                    };
                    if still {
                        tx.delete(key);
                    }
                }
                (tx.finish(), last)
            };
            let count = commit.changes.len() as u64;
            if !commit.is_empty() {
                match self.store.commit(commit, self.now).await {
                    Ok(_) => removed += count,
                    // They are looked at again the next time.
                    Err(CommitError::Conflict(_)) => {}
                    Err(CommitError::Failed(error)) => return Err(error.to_string()),
                }
            }
            match last {
                Some(last) => after = Some(last),
                None => return Ok(removed),
            }
        }
    }

    /// The keys that have expired among the next ones, and the last that was looked at, unless that was the end.
    fn expired(
        &self,
        view: &dyn Snapshot,
        term: &Term,
        after: Option<&Key>,
    ) -> Result<(Vec<Key>, Option<Key>), String> {
        let page = Page {
            after,
            limit: BATCH,
            descending: false,
        };
        let entries = view.list(term, page).map_err(|error| error.to_string())?;
        let last = (entries.len() == BATCH).then(|| entries.last().map(|it| it.key.clone())).flatten();
        let gone = entries.iter().filter(|entry| self.has_expired(&entry.record));
        Ok((gone.map(|entry| entry.key.clone()).collect(), last))
    }

    fn has_expired(&self, record: &Record) -> bool {
        match record {
            Record::Token(it) => it.expires <= self.now,
            Record::Task(it) => {
                let over = it.task.last_status.as_deref() == Some(status::STOPPED);
                let at = it.task.stopped_at.map(Timestamp::from);
                over && at.is_some_and(|at| self.now.duration_since(at) >= self.stopped_tasks)
            }
            Record::Cluster(_)
            | Record::Family(_)
            | Record::TaskDefinition(_)
            | Record::Service(_)
            | Record::TaskSet(_)
            | Record::ContainerInstance(_)
            | Record::CapacityProvider(_)
            | Record::AccountSetting(_)
            | Record::ServiceDeployment(_)
            | Record::ServiceRevision(_) => false,
        }
    }
}
