//! Records in memory, and requests to them.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use kecs_core::api::{self, Answer};
use kecs_core::call::{Call, Ids};
use kecs_core::event::Event;
use kecs_core::key::{Key, Scope, Term};
use kecs_core::record::{Kind, Record};
use kecs_core::scheduler::{self, Pace};
use kecs_core::tx::{Commit, Expect, Tx};
use kecs_core::view::{Entry, Page, Unreadable, View};
use kecs_model::{ErrorCode, Operation, Refusal, overlay};
use serde_json::Value;

/// The account that everything belongs to.
pub(crate) const ACCOUNT: &str = "123456789012";
/// The region that everything lies in.
pub(crate) const REGION: &str = "eu-west-1";
/// Who asks.
pub(crate) const USER: &str = "arn:aws:iam::123456789012:user/alice";

/// What is kept, a clock that stands still until it is moved, and who asks.
pub(crate) struct World {
    scope: Scope,
    pub(crate) now: Timestamp,
    pub(crate) principal: String,
    pub(crate) events: Vec<Event>,
    /// What the last commit rested upon.
    pub(crate) expects: Vec<Expect>,
    kept: Kept,
    requests: u64,
}

#[derive(Default)]
struct Kept {
    entries: BTreeMap<Key, Entry>,
    /// The generation that a deleted key had.
    gone: BTreeMap<Key, u64>,
    terms: BTreeMap<Term, BTreeSet<Key>>,
    of: BTreeMap<Key, Vec<Term>>,
    revision: u64,
    /// How many records were read out of lists.
    rows: Cell<usize>,
}

impl View for Kept {
    fn get(&self, key: &Key) -> Result<Option<Entry>, Unreadable> {
        Ok(self.entries.get(key).cloned())
    }

    fn list(&self, term: &Term, page: Page<'_>) -> Result<Vec<Entry>, Unreadable> {
        let keys = self.terms.get(term).into_iter().flatten();
        let entry = |key: &Key| self.entries[key].clone();
        let entries: Vec<Entry> = if page.descending {
            let behind = |key: &&Key| page.after.is_none_or(|after| *key < after);
            keys.rev().filter(behind).take(page.limit).map(entry).collect()
        } else {
            let behind = |key: &&Key| page.after.is_none_or(|after| *key > after);
            keys.filter(behind).take(page.limit).map(entry).collect()
        };
        self.rows.set(self.rows.get() + entries.len());
        Ok(entries)
    }

    fn count(&self, term: &Term) -> Result<u64, Unreadable> {
        Ok(self.terms.get(term).map_or(0, |keys| keys.len() as u64))
    }
}

impl Kept {
    fn generation(&self, key: &Key) -> u64 {
        self.entries.get(key).map_or(0, |entry| entry.generation)
    }

    /// Keeps a commit; its expectations must hold, since nobody else writes.
    fn commit(&mut self, commit: &Commit) {
        for expect in &commit.expects {
            match expect {
                Expect::Generation(key, generation) => assert_eq!(self.generation(key), *generation, "{key}"),
                Expect::Count(term, count) => assert_eq!(self.count(term), Ok(*count), "{term}"),
            }
        }
        self.revision += 1;
        for change in &commit.changes {
            for term in self.of.remove(&change.key).unwrap_or_default() {
                self.terms.entry(term).or_default().remove(&change.key);
            }
            let before = self.entries.remove(&change.key).map(|entry| entry.generation);
            let before = before.or(self.gone.get(&change.key).copied()).unwrap_or(0);
            let Some(record) = &change.record else {
                self.gone.insert(change.key.clone(), before);
                continue;
            };
            for term in &change.terms {
                self.terms
                    .entry(term.clone())
                    .or_default()
                    .insert(change.key.clone());
            }
            self.of.insert(change.key.clone(), change.terms.clone());
            let entry = Entry {
                key: change.key.clone(),
                generation: before + 1,
                revision: self.revision,
                record: survives_writing(record),
            };
            self.entries.insert(change.key.clone(), entry);
        }
    }
}

/// Every record goes through JSON, as it does in a file.
fn survives_writing(record: &Arc<Record>) -> Arc<Record> {
    let text = serde_json::to_string(&**record).unwrap();
    let read: Record = serde_json::from_str(&text).unwrap();
    assert_eq!(read, **record);
    Arc::new(read)
}

/// Whether a refusal is in the words that the overlay has for the operation. What KECS does not serve at all, or cannot
/// read, is refused in words of its own.
fn is_said(operation: Operation, refusal: &Refusal) -> bool {
    let own = !operation.is_classic() || refusal.code == ErrorCode::SerializationException;
    own || overlay()
        .iter()
        .any(|row| row.operation == operation && row.says(refusal))
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            scope: Scope::new(ACCOUNT, REGION),
            now: "2026-11-21T12:00:00Z".parse().unwrap(),
            principal: USER.to_owned(),
            events: Vec::new(),
            expects: Vec::new(),
            kept: Kept::default(),
            requests: 0,
        }
    }

    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }

    /// An ARN of this world: `arn("cluster/blue")`.
    pub(crate) fn arn(&self, resource: &str) -> String {
        self.scope.arn(resource)
    }

    /// What an operation answers, with what the data plane is to do. The input is checked as a server does it.
    pub(crate) fn answer(&mut self, operation: Operation, input: Value) -> Result<Answer, Refusal> {
        kecs_model::check(operation, &input)?;
        self.unchecked(operation, input)
    }

    /// The same without the check that a server does before.
    pub(crate) fn unchecked(&mut self, operation: Operation, input: Value) -> Result<Answer, Refusal> {
        self.requests += 1;
        let scope = self.scope.clone();
        let principal = self.principal.clone();
        let call = Call {
            scope: &scope,
            now: self.now,
            principal: &principal,
            endpoint: "http://127.0.0.1:5373",
            ids: Ids::new(self.requests),
        };
        let mut tx = Tx::new(&self.kept, &scope, self.now);
        let answer = api::answer(operation, &mut tx, &call, &input);
        if let Err(refusal) = &answer {
            assert!(is_said(operation, refusal), "no row says {operation}: {refusal}");
        }
        let answer = answer?;
        let commit = tx.finish();
        self.events.extend(commit.events.iter().cloned());
        self.expects.clone_from(&commit.expects);
        if !commit.is_empty() {
            self.kept.commit(&commit);
        }
        Ok(answer)
    }

    /// What an operation answers; it is not refused.
    #[track_caller]
    pub(crate) fn ok(&mut self, operation: Operation, input: Value) -> Value {
        self.answer(operation, input).unwrap().output.value()
    }

    /// The code and message that an operation is refused with; nothing is kept of it.
    #[track_caller]
    pub(crate) fn refused(&mut self, operation: Operation, input: Value) -> (&'static str, String) {
        let refusal = self.answer(operation, input).unwrap_err();
        (refusal.code.name(), refusal.message)
    }

    /// Keeps a record, as something else than an operation does it.
    pub(crate) fn put<K: Kind>(&mut self, key: Key, record: K) {
        let scope = self.scope.clone();
        let mut tx = Tx::new(&self.kept, &scope, self.now);
        tx.put(key, record);
        let commit = tx.finish();
        self.kept.commit(&commit);
    }

    /// Does something in a transaction, as something else than an operation does it.
    pub(crate) fn within<T>(&mut self, work: impl FnOnce(&mut Tx<'_>) -> T) -> T {
        let scope = self.scope.clone();
        let mut tx = Tx::new(&self.kept, &scope, self.now);
        let done = work(&mut tx);
        self.kept.commit(&tx.finish());
        done
    }

    /// What is kept under a key.
    pub(crate) fn get<K: Kind>(&self, key: &Key) -> Option<K> {
        K::of(&self.kept.entries.get(key)?.record).cloned()
    }

    /// A round of the scheduler for a service.
    pub(crate) fn schedule(&mut self, cluster: &str, service: &str) {
        self.requests += 1;
        let scope = self.scope.clone();
        let key = scope.service(cluster, service);
        let mut tx = Tx::new(&self.kept, &scope, self.now);
        scheduler::run(&mut tx, &key, Pace::default(), &Ids::new(self.requests)).unwrap();
        let commit = tx.finish();
        self.expects.clone_from(&commit.expects);
        if !commit.is_empty() {
            self.kept.commit(&commit);
        }
    }

    /// How many records an operation reads out of lists, and what it answers.
    pub(crate) fn rows(&mut self, operation: Operation, input: Value) -> (usize, Value) {
        self.kept.rows.set(0);
        let output = self.ok(operation, input);
        (self.kept.rows.get(), output)
    }

    /// How often something was kept.
    pub(crate) fn revision(&self) -> u64 {
        self.kept.revision
    }

    /// Moves the clock.
    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now += jiff::SignedDuration::from_secs(seconds);
    }
}
