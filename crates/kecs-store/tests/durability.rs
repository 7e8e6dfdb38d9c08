//! What was acknowledged is there after the process was killed.
//!
//! The test starts itself once more as a writer, which says each number that was acknowledged on its output, kills it
//! in the midst of that, and opens the file.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a test"
)]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use jiff::Timestamp;
use kecs_core::event::{Event, EventType};
use kecs_core::key::{Key, Scope};
use kecs_core::record::{AccountSetting, Kind as _};
use kecs_core::tx::{Change, Commit};
use kecs_store::Store;
use kecs_store::sqlite::Sqlite;

const CLIENTS: usize = 16;
/// The argument that makes it the writer; the engine and the place follow.
const WRITER: &str = "--writer-into";

/// How a store is opened.
type Open = fn(&Path) -> Arc<dyn Store>;

/// The engines that keep records in files of their own.
const ENGINES: &[(&str, Open)] = &[
    ("sqlite", |path| Arc::new(Sqlite::open(path).unwrap())),
    #[cfg(feature = "duckdb")]
    ("duckdb", |path| {
        Arc::new(kecs_store::duckdb::DuckDb::open(path).unwrap())
    }),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, engine, path] = &*arguments
        && flag == WRITER
    {
        let (_, open) = ENGINES.iter().find(|(name, _)| name == engine).unwrap();
        return write_until_killed(&open(Path::new(path)));
    }
    for (engine, open) in ENGINES {
        let place = tempfile::TempDir::new().unwrap();
        let path = place.path().join("kecs.db");
        let mut known = BTreeMap::new();
        // Each time upon what the last one left, and killed at another moment.
        for acknowledged in [1, 150, 400] {
            round(engine, *open, &path, acknowledged, &mut known);
        }
        println!(
            "durability of {engine}: {} commits were acknowledged, and all are there",
            known.len()
        );
    }
}

fn key(name: &str) -> Key {
    Scope::new("1", "eu-west-1").account_setting(name, "")
}

fn write_until_killed(store: &Arc<dyn Store>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let round = store.view().unwrap().head().revision;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let store = Arc::clone(store);
            runtime.spawn(async move {
                for number in 0_u64.. {
                    let name = format!("{round}-{client}-{number}");
                    let committed = store.commit(commit(&name), Timestamp::UNIX_EPOCH).await.unwrap();
                    let line = format!("{name} {} {}\n", committed.revision, committed.sequence);
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
            })
        })
        .collect();
    for client in clients {
        runtime.block_on(client).unwrap();
    }
}

/// Two records and an event, so that a commit could be there in part.
fn commit(name: &str) -> Commit {
    let scope = Scope::new("1", "eu-west-1");
    let change = |name: &str| {
        let setting = AccountSetting {
            name: name.to_owned(),
            value: "on".to_owned(),
            principal: String::new(),
        };
        let record = setting.into_record();
        Change {
            key: key(name),
            terms: record.terms(&scope),
            record: Some(Arc::new(record)),
        }
    };
    Commit {
        expects: Vec::new(),
        changes: vec![change(name), change(&format!("{name}-twin"))],
        events: vec![Event {
            kind: EventType::TaskStarted,
            timestamp: Timestamp::UNIX_EPOCH,
            resource: name.to_owned(),
            data: serde_json::Value::Null,
        }],
    }
}

fn round(
    engine: &str,
    open: Open,
    path: &Path,
    acknowledged: usize,
    known: &mut BTreeMap<String, (u64, u64)>,
) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([WRITER, engine, path.to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut heard: Vec<String> = lines.by_ref().take(acknowledged).map(Result::unwrap).collect();
    child.kill().unwrap();
    // What it still said before it died was acknowledged as well.
    heard.extend(lines.map(Result::unwrap));
    child.wait().unwrap();
    assert!(heard.len() >= acknowledged, "the writer ended by itself");
    for line in heard {
        let mut words = line.split(' ');
        let name = words.next().unwrap().to_owned();
        // The last line may be cut off by the kill.
        if let (Some(Ok(revision)), Some(Ok(sequence))) =
            (words.next().map(str::parse), words.next().map(str::parse))
        {
            known.insert(name, (revision, sequence));
        }
    }
    let store = open(path);
    assert_eq!(store.check().unwrap(), []);
    let view = store.view().unwrap();
    for (name, (revision, sequence)) in &*known {
        for name in [name.clone(), format!("{name}-twin")] {
            let entry = view.get(&key(&name)).unwrap();
            let entry = entry.unwrap_or_else(|| panic!("{name} was acknowledged, and is not there"));
            assert_eq!((entry.revision, entry.generation), (*revision, 1));
        }
        let logged = view.events(sequence - 1, 1).unwrap();
        assert_eq!(
            (logged[0].event.resource.as_str(), logged[0].revision),
            (name.as_str(), *revision)
        );
    }
    // Beyond that there may be what was written and could not be said any more: one commit of each client, per round.
    let last = view.head();
    let said = known.len() as u64;
    assert!(
        (said..=said + 3 * CLIENTS as u64).contains(&last.revision),
        "{last:?} after {said}"
    );
    assert_eq!(last.revision, last.sequence);
}
