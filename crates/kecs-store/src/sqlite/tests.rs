use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;

use kecs_core::key::Scope;
use kecs_core::record::{AccountSetting, Kind as _};
use kecs_core::tx::{Change, Expect};
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::files::beside;

fn place() -> (TempDir, PathBuf) {
    let place = TempDir::new().unwrap();
    let path = place.path().join("one/two/kecs.db");
    (place, path)
}

fn set(name: &str) -> Commit {
    let scope = Scope::new("1", "eu-west-1");
    let record = AccountSetting {
        name: name.to_owned(),
        value: "on".to_owned(),
        principal: String::new(),
    }
    .into_record();
    Commit {
        changes: vec![Change {
            key: scope.account_setting(name, ""),
            terms: record.terms(&scope),
            record: Some(Arc::new(record)),
        }],
        ..Commit::default()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[tokio::test]
async fn files_and_directories_are_for_their_owner_alone() {
    let (place, path) = place();
    let store = Sqlite::open(&path).unwrap();
    store.commit(set("a"), Timestamp::UNIX_EPOCH).await.unwrap();
    drop(store.view().unwrap());
    for folder in ["one", "one/two"] {
        assert_eq!(mode(&place.path().join(folder)), 0o700, "{folder}");
    }
    for ending in ["", "-wal", "-shm", ".lock"] {
        assert_eq!(mode(&beside(&path, ending)), 0o600, "{ending}");
    }
    let copy = place.path().join("copy.db");
    store.backup(&copy).await.unwrap();
    assert_eq!(mode(&copy), 0o600);
    drop(store);
    // Opening restricts a file that was opened up; the directory is its owner's affair.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(place.path().join("one"), fs::Permissions::from_mode(0o755)).unwrap();
    let _store = Sqlite::open(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&place.path().join("one")), 0o755);
}

#[tokio::test]
async fn a_commit_is_on_the_disk_when_it_is_acknowledged() {
    let (_place, path) = place();
    let store = Sqlite::open(&path).unwrap();
    let pragma = |name: &'static str| {
        store.writer.between(move |writer| {
            let value = writer
                .connection
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
            value.map_err(failed("reading"))
        })
    };
    // 2 is FULL: the log is synced at every commit.
    assert_eq!(
        pragma("synchronous").await.unwrap(),
        rusqlite::types::Value::Integer(2)
    );
    assert_eq!(
        pragma("journal_mode").await.unwrap(),
        rusqlite::types::Value::Text("wal".to_owned())
    );
}

#[test]
fn a_file_is_open_once() {
    let (_place, path) = place();
    let first = Sqlite::open(&path).unwrap();
    let second = Sqlite::open(&path).err().unwrap();
    assert!(matches!(second, StoreError::InUse { .. }), "{second}");
    // A view keeps it, as it still reads.
    let view = first.view().unwrap();
    drop(first);
    assert!(matches!(Sqlite::open(&path), Err(StoreError::InUse { .. })));
    drop(view);
    Sqlite::open(&path).unwrap();
}

#[test]
fn a_log_is_put_back_when_the_file_is_closed() {
    let (_place, path) = place();
    let store = Sqlite::open(&path).unwrap();
    drop(store.view().unwrap());
    assert!(beside(&path, "-wal").exists());
    drop(store);
    assert!(!beside(&path, "-wal").exists());
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let (place, _) = place();
    let path = place.path().join("other");
    fs::write(&path, "This is a letter, and longer than what SQLite looks at.").unwrap();
    let error = Sqlite::open(&path).err().unwrap().to_string();
    assert_eq!(
        error,
        format!(
            "{} is not a store of this program: it is not an SQLite file",
            path.display()
        )
    );
    assert!(fs::read_to_string(&path).unwrap().starts_with("This is a letter"));
    assert_ne!(mode(&path), 0o600);

    let path = place.path().join("other.db");
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch("CREATE TABLE theirs (x); PRAGMA user_version = 1")
        .unwrap();
    drop(other);
    let before = fs::read(&path).unwrap();
    let error = Sqlite::open(&path).err().unwrap().to_string();
    assert!(error.ends_with("its application id is 0x00000000"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);

    let folder = place.path().join("folder");
    fs::create_dir(&folder).unwrap();
    assert!(matches!(Sqlite::open(&folder), Err(StoreError::File { .. })));
    let error = Sqlite::open(place.path().join("other/kecs.db")).err().unwrap();
    assert!(
        matches!(
            error,
            StoreError::File {
                doing: "make the directory",
                ..
            }
        ),
        "{error}"
    );
    symlink(place.path().join("nowhere/x"), place.path().join("link")).unwrap();
    assert!(matches!(
        Sqlite::open(place.path().join("link")),
        Err(StoreError::File { .. })
    ));
}

#[test]
fn a_file_of_a_later_version_is_left_alone() {
    let (_place, path) = place();
    drop(Sqlite::open(&path).unwrap());
    let known = u32::try_from(schema::STEPS.len()).unwrap();
    let file = Connection::open(&path).unwrap();
    file.pragma_update(None, "user_version", known + 1).unwrap();
    drop(file);
    let error = Sqlite::open(&path).err().unwrap();
    assert_eq!(
        error.to_string(),
        format!(
            "{} has version {}, and this program knows versions up to {known}",
            path.display(),
            known + 1
        )
    );
}

/// A file of version 1, as the first version of this program wrote it.
const VERSION_1: &str = include_str!("version-1.sql");

#[tokio::test]
async fn a_file_of_version_1_is_opened_and_goes_on() {
    let (place, _) = place();
    let path = place.path().join("kecs.db");
    let file = Connection::open(&path).unwrap();
    file.execute_batch(VERSION_1).unwrap();
    drop(file);
    let store = Sqlite::open(&path).unwrap();
    assert_eq!(store.check().unwrap(), []);
    assert_eq!(store.identity(), 7);
    let scope = Scope::new("1", "eu-west-1");
    let a = store
        .view()
        .unwrap()
        .get(&scope.account_setting("a", ""))
        .unwrap()
        .unwrap();
    assert_eq!((a.generation, a.revision), (2, 2));
    assert_eq!(AccountSetting::of(&a.record).unwrap().value, "off");
    let told = store.events_since(0, 9).unwrap();
    assert_eq!((told.len(), told[0].revision), (1, 2));
    let again = Commit {
        expects: vec![
            Expect::Generation(a.key, 2),
            Expect::Count(scope.term("account-settings"), 1),
        ],
        ..set("a")
    };
    let committed = store.commit(again, Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!((committed.revision, committed.generations), (3, vec![3]));
}

#[tokio::test]
async fn a_file_is_brought_to_the_version_of_the_program_step_by_step() {
    let (_place, path) = place();
    let store = Sqlite::open(&path).unwrap();
    store.commit(set("a"), Timestamp::UNIX_EPOCH).await.unwrap();
    let identity = store.identity();
    drop(store);
    let next = [
        schema::STEPS,
        &["CREATE TABLE more (x)", "ALTER TABLE more ADD COLUMN y"],
    ]
    .concat();
    let store = Sqlite::open_with(&path, &next).unwrap();
    assert_eq!((store.identity(), store.check().unwrap()), (identity, vec![]));
    drop(store);
    let file = Connection::open(&path).unwrap();
    file.prepare("SELECT x, y FROM more").unwrap();
    let version = schema::version(&file).unwrap();
    assert_eq!(version as usize, schema::STEPS.len() + 2);
    drop(file);
    assert!(matches!(Sqlite::open(&path), Err(StoreError::Newer { .. })));
    // A step that fails changes nothing, and the ones before it stay.
    let broken = [
        next.as_slice(),
        &["CREATE TABLE kept (x)", "CREATE TABLE lost (x); nonsense"],
    ]
    .concat();
    assert!(matches!(
        Sqlite::open_with(&path, &broken),
        Err(StoreError::Engine { .. })
    ));
    let file = Connection::open(&path).unwrap();
    assert_eq!(schema::version(&file).unwrap(), version + 1);
    file.prepare("SELECT x FROM kept").unwrap();
    assert!(file.prepare("SELECT x FROM lost").is_err());
}

#[tokio::test]
async fn what_is_damaged_is_found() {
    let damages = [
        (
            "UPDATE records SET revision = 9",
            "was written by revision 9, and the last one is 2",
        ),
        (
            "UPDATE records SET generation = 0 WHERE id = 1",
            "has generation 0",
        ),
        (
            "UPDATE records SET terms = '' WHERE id = 1",
            "is kept with the terms [] and says",
        ),
        ("DELETE FROM members", "lacks [Key("),
        (
            "UPDATE terms SET members = 7 WHERE id = 1",
            "is said to have 7 records and has 2",
        ),
        ("UPDATE events SET sequence = 2", "event 1 is expected where 2 is"),
        ("DELETE FROM events", "event 2 is expected where 1 is"),
        (
            "UPDATE events SET revision = 3",
            "event 1 is of revision 3, and the one before it of 2",
        ),
    ];
    for (damage, expected) in damages {
        let (_place, path) = place();
        let store = Sqlite::open(&path).unwrap();
        store.commit(set("a"), Timestamp::UNIX_EPOCH).await.unwrap();
        let event = kecs_core::event::Event {
            kind: kecs_core::event::EventType::ClusterCreated,
            timestamp: Timestamp::UNIX_EPOCH,
            resource: String::new(),
            data: serde_json::Value::Null,
        };
        let second = Commit {
            events: vec![event],
            ..set("b")
        };
        store.commit(second, Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(store.check().unwrap(), []);
        let file = Connection::open(&path).unwrap();
        file.execute_batch(damage).unwrap();
        let findings = store.check().unwrap();
        let found = findings
            .iter()
            .any(|finding| finding.to_string().contains(expected));
        assert!(found, "{damage}: {findings:?}");
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_told_with_its_key() {
    let (_place, path) = place();
    let store = Sqlite::open(&path).unwrap();
    store.commit(set("a"), Timestamp::UNIX_EPOCH).await.unwrap();
    let file = Connection::open(&path).unwrap();
    file.execute_batch("UPDATE records SET kind = 'planet'").unwrap();
    let key = Scope::new("1", "eu-west-1").account_setting("a", "");
    let error = store.view().unwrap().get(&key).unwrap_err();
    assert_eq!(
        error.0,
        format!("the record under {key} cannot be read: there is no kind of record named \"planet\"")
    );
    // And nothing is written over it.
    let outcome = store.commit(set("a"), Timestamp::UNIX_EPOCH).await;
    assert!(
        matches!(outcome, Err(CommitError::Failed(StoreError::Record { .. }))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_commit_that_cannot_be_written_fails_alone() {
    let (_place, path) = place();
    let store = Arc::new(Sqlite::open(&path).unwrap());
    store.commit(set("broken"), Timestamp::UNIX_EPOCH).await.unwrap();
    let file = Connection::open(&path).unwrap();
    file.execute_batch("UPDATE records SET terms = 'x'").unwrap();
    // The writer is kept busy, so that all three wait for one batch.
    let (open, closed) = std::sync::mpsc::channel::<()>();
    let busy = Arc::clone(&store);
    let busy = tokio::spawn(async move {
        busy.writer
            .between(move |_| {
                let _opened = closed.recv();
                Ok(())
            })
            .await
    });
    tokio::task::yield_now().await;
    let commits = ["a", "broken", "b"].map(|name| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.commit(set(name), Timestamp::UNIX_EPOCH).await })
    });
    tokio::task::yield_now().await;
    open.send(()).unwrap();
    busy.await.unwrap().unwrap();
    let mut outcomes = Vec::new();
    for commit in commits {
        outcomes.push(commit.await.unwrap());
    }
    let revisions: Vec<_> = outcomes
        .iter()
        .map(|it| it.as_ref().ok().map(|it| it.revision))
        .collect();
    assert_eq!(revisions, [Some(2), None, Some(3)]);
    assert_eq!(store.view().unwrap().head().revision, 3);
}

#[tokio::test]
async fn who_goes_away_does_not_undo_a_commit() {
    let (_place, path) = place();
    let store = Sqlite::open(&path).unwrap();
    let mut waiting = store.commit(set("a"), Timestamp::UNIX_EPOCH);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    // Asked for, and not waited for.
    let _first = waiting.as_mut().poll(&mut context);
    drop(waiting);
    let committed = store.commit(set("b"), Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(committed.revision, 2);
}

#[tokio::test]
async fn restoring_refuses_what_is_no_copy() {
    let (place, path) = place();
    let missing = place.path().join("missing");
    assert!(matches!(
        Sqlite::restore(&missing, &path),
        Err(StoreError::File { .. })
    ));
    let letter = place.path().join("letter");
    fs::write(&letter, "This is a letter, and longer than what SQLite looks at.").unwrap();
    let error = Sqlite::restore(&letter, &path).err().unwrap();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    let empty = place.path().join("empty");
    fs::write(&empty, "").unwrap();
    let error = Sqlite::restore(&empty, &path).err().unwrap();
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    // A copy whose pages were damaged.
    let store = Sqlite::open(place.path().join("from.db")).unwrap();
    for number in 0..200 {
        store
            .commit(set(&number.to_string()), Timestamp::UNIX_EPOCH)
            .await
            .unwrap();
    }
    let copy = place.path().join("copy");
    store.backup(&copy).await.unwrap();
    assert!(!beside(&copy, "-wal").exists());
    let mut bytes = fs::read(&copy).unwrap();
    bytes[8_200..20_000].fill(0x55);
    fs::write(&copy, bytes).unwrap();
    Sqlite::restore(&copy, &path).unwrap_err();
    assert!(!path.exists());
}

#[tokio::test]
async fn a_view_shows_what_was_written_since_the_last_one_ended() {
    let (_place, path) = place();
    let store = Sqlite::open(&path).unwrap();
    let read = |name: &str| {
        let key = Scope::new("1", "eu-west-1").account_setting(name, "");
        let view = store.view().unwrap();
        (view.head().revision, view.get(&key).unwrap().is_some())
    };
    assert_eq!(read("a"), (0, false));
    store.commit(set("a"), Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(read("a"), (1, true));
    // The connection waits where it was, and is asked again.
    assert_eq!(read("b"), (1, false));
    store.commit(set("b"), Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!(read("b"), (2, true));
    // What is forgotten changes no record, and is seen all the same.
    let all = Retention {
        events: 0,
        since: None,
        deleted: 0,
    };
    let floor = || store.view().unwrap().floors().unwrap().sequence;
    assert_eq!(floor(), 0);
    let events = store.prune(all).await.unwrap().events;
    assert_eq!(floor(), events);
}

#[tokio::test]
async fn a_view_that_is_used_is_no_other_views() {
    let (_place, path) = place();
    let store = Sqlite::open(&path).unwrap();
    let old = store.view().unwrap();
    store.commit(set("a"), Timestamp::UNIX_EPOCH).await.unwrap();
    let new = store.view().unwrap();
    assert_eq!((old.head().revision, new.head().revision), (0, 1));
    drop(new);
    drop(old);
    // The last that was put back shows the past, and is not what comes next.
    assert_eq!(store.view().unwrap().head().revision, 1);
}

#[tokio::test]
async fn what_waits_for_the_next_view_does_not_keep_the_log_long() {
    let (_place, path) = place();
    let store = Sqlite::open(&path).unwrap();
    store.commit(set("a"), Timestamp::UNIX_EPOCH).await.unwrap();
    drop(store.view().unwrap());
    let other = Connection::open(&path).unwrap();
    let is_busy = || -> bool {
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        other.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    assert!(is_busy());
    let view = store.view().unwrap();
    let pool = &store.shared.pool;
    assert!(pool.without_idle(is_busy));
    // One that ends meanwhile leaves no transaction behind.
    let busy = pool.without_idle(|| {
        drop(view);
        is_busy()
    });
    assert!(!busy);
    assert_eq!(fs::metadata(beside(&path, "-wal")).unwrap().len(), 0);
    assert_eq!(store.view().unwrap().head().revision, 1);
}

#[tokio::test]
async fn a_log_that_is_copied_is_begun_anew_in_its_place() {
    let (_place, path) = place();
    let store = Sqlite::open(&path).unwrap();
    // Each takes more than a MiB: without an end the log would come to more than 40.
    for number in 0..40 {
        // A view that waits for the next one is within its transaction.
        drop(store.view().unwrap());
        let name = format!("{number:02}").repeat(128 << 10);
        store.commit(set(&name), Timestamp::UNIX_EPOCH).await.unwrap();
    }
    let log = fs::metadata(beside(&path, "-wal")).unwrap().len();
    assert!((16 << 20..24 << 20).contains(&log), "{log}");
    assert_eq!(store.view().unwrap().head().revision, 40);
}
