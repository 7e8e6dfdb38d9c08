//! Sixty-four clients at once, and whether what they saw could have been so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use kecs_core::call::Ids;
use kecs_core::event::{Event, EventType};
use kecs_core::key::{Key, Scope, Term};
use kecs_core::record::{AccountSetting, Kind as _};
use kecs_core::tx::{Change, Commit, Expect};
use kecs_core::view::{Entry, Page};
use kecs_store::history::{self, Asked, Heard, Operation, Outcome, Seen, Version, Write};
use kecs_store::{CommitError, Store};

const CLIENTS: u64 = 64;
const OPERATIONS: u64 = 40;
/// So few that clients meet.
pub(crate) const KEYS: u64 = 12;

fn key(number: u64) -> Key {
    Scope::new("1", "eu-west-1").account_setting(&format!("k{number:02}"), "")
}

fn term() -> Term {
    Scope::new("1", "eu-west-1").term("account-settings")
}

/// One client and its own part of the history.
struct Client {
    store: Arc<dyn Store>,
    clock: Arc<AtomicU64>,
    ids: Ids,
    name: u64,
    done: Vec<Operation>,
}

impl Client {
    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn record(&mut self, invoked: u64, what: Asked) {
        let returned = Some(self.tick());
        self.done.push(Operation {
            invoked,
            returned,
            what,
        });
    }

    async fn run(mut self) -> Vec<Operation> {
        for number in 0..OPERATIONS {
            let invoked = self.tick();
            let what = match self.ids.number() % 10 {
                0..=2 => self.read(),
                3 => self.list(),
                4 => self.hear(),
                _ => self.write(number).await,
            };
            self.record(invoked, what);
            tokio::task::yield_now().await;
        }
        self.done
    }

    fn read(&self) -> Asked {
        let view = self.store.view().unwrap();
        let keys = (0..3).map(|_| key(self.ids.number() % KEYS));
        let seen = keys.map(|key| seen(&key, view.get(&key).unwrap().as_ref()));
        Asked::Read(seen.collect())
    }

    fn list(&self) -> Asked {
        let entries = self.store.view().unwrap().list(&term(), Page::ALL).unwrap();
        Asked::List {
            term: term(),
            keys: entries.into_iter().map(|entry| entry.key).collect(),
        }
    }

    fn hear(&self) -> Asked {
        let newest = self.store.subscribe().borrow().sequence;
        let after = newest.saturating_sub(self.ids.number() % 20);
        let log = self.store.events_since(after, 30).unwrap();
        Asked::Hear {
            after,
            limit: 30,
            events: log
                .into_iter()
                .map(|logged| Heard {
                    sequence: logged.sequence,
                    id: logged.id,
                    revision: logged.revision,
                    text: logged.event.resource,
                })
                .collect(),
        }
    }

    /// Reads, and writes upon what it read, as operations do; sometimes upon the number of records, sometimes blindly.
    async fn write(&mut self, number: u64) -> Asked {
        let view = self.store.view().unwrap();
        let mut keys = vec![key(self.ids.number() % KEYS), key(self.ids.number() % KEYS)];
        keys.sort();
        keys.dedup();
        let mut expects = Vec::new();
        for key in &keys {
            if !self.ids.number().is_multiple_of(4) {
                let entry = view.get(key).unwrap();
                let generation = entry.map_or(0, |entry| entry.generation);
                expects.push(Expect::Generation(key.clone(), generation));
            }
        }
        if self.ids.number().is_multiple_of(8) {
            expects.push(Expect::Count(term(), view.count(&term()).unwrap()));
        }
        drop(view);
        // Others come in between.
        tokio::task::yield_now().await;
        let mut writes = Vec::new();
        let mut changes = Vec::new();
        for key in keys {
            let value = (!self.ids.number().is_multiple_of(4)).then(|| format!("{}-{number}", self.name));
            let record = value.as_ref().map(|value| {
                let setting = AccountSetting {
                    name: key.as_str().to_owned(),
                    value: value.clone(),
                    principal: String::new(),
                };
                Arc::new(setting.into_record())
            });
            let scope = Scope::new("1", "eu-west-1");
            let terms = record
                .as_ref()
                .map(|record| record.terms(&scope))
                .unwrap_or_default();
            writes.push(Write {
                key: key.clone(),
                value,
                terms: terms.clone(),
            });
            changes.push(Change { key, record, terms });
        }
        let texts: Vec<String> = (0..self.ids.number() % 3)
            .map(|at| format!("{}-{number}-{at}", self.name))
            .collect();
        let commit = Commit {
            expects: expects.clone(),
            changes,
            events: texts.iter().map(|text| event(text)).collect(),
        };
        let outcome = match self.store.commit(commit, Timestamp::UNIX_EPOCH).await {
            Ok(committed) => Outcome::Committed(committed),
            Err(CommitError::Conflict(expect)) => Outcome::Refused(expect),
            Err(CommitError::Failed(error)) => panic!("{error}"),
        };
        Asked::Write {
            expects,
            writes,
            events: texts,
            outcome,
        }
    }
}

fn event(text: &str) -> Event {
    Event {
        kind: EventType::TaskStatusChanged,
        timestamp: Timestamp::UNIX_EPOCH,
        resource: text.to_owned(),
        data: serde_json::Value::Null,
    }
}

fn seen(key: &Key, entry: Option<&Entry>) -> Seen {
    let version = entry.map(|entry| Version {
        generation: entry.generation,
        revision: entry.revision,
        value: AccountSetting::of(&entry.record).unwrap().value.clone(),
    });
    Seen {
        key: key.clone(),
        version,
    }
}

/// Runs the clients, each at one of the servers, and answers with what they recorded.
fn run(servers: &[Arc<dyn Store>]) -> Vec<Operation> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(8)
        .build()
        .unwrap();
    let clock = Arc::new(AtomicU64::new(1));
    let clients: Vec<_> = (0..CLIENTS)
        .zip(servers.iter().cycle())
        .map(|(name, store)| {
            let client = Client {
                store: Arc::clone(store),
                clock: Arc::clone(&clock),
                ids: Ids::new(name),
                name,
                done: Vec::new(),
            };
            runtime.spawn(client.run())
        })
        .collect();
    let done = clients
        .into_iter()
        .flat_map(|client| runtime.block_on(client).unwrap());
    done.collect()
}

/// What the clients of these servers upon one store see could have been so.
pub(crate) fn clean(servers: &[Arc<dyn Store>]) {
    let history = run(servers);
    assert_eq!(history.len() as u64, CLIENTS * OPERATIONS);
    assert_eq!(history::check(&history), []);
    let outcomes = |is: fn(&Outcome) -> bool| {
        let of =
            |operation: &&Operation| matches!(&operation.what, Asked::Write { outcome, .. } if is(outcome));
        history.iter().filter(of).count()
    };
    let committed = outcomes(|outcome| matches!(outcome, Outcome::Committed(_)));
    let refused = outcomes(|outcome| matches!(outcome, Outcome::Refused(_)));
    for store in servers {
        assert_eq!(store.check().unwrap(), []);
        assert_eq!(store.view().unwrap().head().revision, committed as u64);
    }
    assert!(
        committed > 100 && refused > 10,
        "{committed} committed, {refused} refused"
    );
}
