use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use kecs_core::event::{Event, EventType};
use kecs_core::key::{Key, Scope};
use kecs_core::record::{AccountSetting, Kind as _};
use kecs_core::tx::Change;
use tempfile::TempDir;

use super::*;

fn place() -> (TempDir, PathBuf) {
    let place = TempDir::new().unwrap();
    let folder = place.path().join("one/two");
    (place, folder)
}

fn key(name: &str) -> Key {
    Scope::new("1", "eu-west-1").account_setting(name, "")
}

fn set(name: &str, value: &str) -> Commit {
    let record = AccountSetting {
        name: name.to_owned(),
        value: value.to_owned(),
        principal: String::new(),
    }
    .into_record();
    Commit {
        changes: vec![Change {
            key: key(name),
            terms: record.terms(&Scope::new("1", "eu-west-1")),
            record: Some(Arc::new(record)),
        }],
        events: vec![Event {
            kind: EventType::TaskStarted,
            timestamp: Timestamp::UNIX_EPOCH,
            resource: name.to_owned(),
            data: serde_json::Value::Null,
        }],
        ..Commit::default()
    }
}

fn delete(name: &str) -> Commit {
    Commit {
        changes: vec![Change {
            key: key(name),
            terms: Vec::new(),
            record: None,
        }],
        ..Commit::default()
    }
}

async fn done(store: &DuckDb, commit: Commit) {
    store.commit(commit, Timestamp::UNIX_EPOCH).await.unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

/// Does something to the file behind the store's back.
async fn behind(store: &DuckDb, sql: &'static str) {
    let run = move |writing: &mut Writing| writing.run(sql);
    store.writer.between(run).await.unwrap();
}

#[tokio::test]
async fn files_are_for_their_owner_alone() {
    let (place, folder) = place();
    let store = DuckDb::open(&folder).unwrap();
    done(&store, set("a", "on")).await;
    for made in ["one", "one/two"] {
        assert_eq!(mode(&place.path().join(made)), 0o700, "{made}");
    }
    assert_eq!(mode(&folder.join("kecs.duckdb")), 0o600);
    let copy = place.path().join("copy.duckdb");
    store.backup(&copy).await.unwrap();
    assert_eq!(mode(&copy), 0o600);
    // Nothing is left of how it was made.
    let mut names: Vec<_> = fs::read_dir(place.path())
        .unwrap()
        .map(|it| it.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["copy.duckdb", "one"]);
    drop(store);
    // Opening closes a directory that was opened up.
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    drop(DuckDb::open(&folder).unwrap());
    assert_eq!(mode(&folder), 0o700);
}

#[tokio::test]
async fn a_file_is_open_once() {
    let (_place, folder) = place();
    let first = DuckDb::open(&folder).unwrap();
    done(&first, set("a", "on")).await;
    let second = DuckDb::open(&folder).err().unwrap();
    assert!(matches!(second, StoreError::InUse { .. }), "{second}");
    let view = first.view().unwrap();
    drop(first);
    // A view has all that it shows in memory.
    drop(DuckDb::open(&folder).unwrap());
    assert_eq!(view.get(&key("a")).unwrap().unwrap().revision, 1);
}

#[tokio::test]
async fn a_log_is_put_back_when_the_file_is_closed() {
    let (_place, folder) = place();
    let store = DuckDb::open(&folder).unwrap();
    done(&store, set("a", "on")).await;
    let log = folder.join("kecs.duckdb.wal");
    assert!(log.exists());
    drop(store);
    assert!(!log.exists());
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let (place, folder) = place();
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("kecs.duckdb");
    for text in ["", "This is a letter, and longer than what is looked at."] {
        fs::write(&path, text).unwrap();
        let error = DuckDb::open(&folder).err().unwrap().to_string();
        let told = format!(
            "{} is not a store of this program: it is not a DuckDB file",
            path.display()
        );
        assert_eq!(error, told);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::remove_file(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE theirs (x INTEGER)").unwrap();
    drop(other);
    let error = DuckDb::open(&folder).err().unwrap().to_string();
    assert!(error.ends_with("its tables are something else's"), "{error}");
    let restored = DuckDb::restore(&path, &place.path().join("restored")).unwrap_err();
    assert!(matches!(restored, StoreError::Foreign { .. }), "{restored}");
    assert!(!place.path().join("restored").exists());
}

#[tokio::test]
async fn a_file_is_brought_to_the_version_of_the_program() {
    let (_place, folder) = place();
    let store = DuckDb::open(&folder).unwrap();
    done(&store, set("a", "on")).await;
    let identity = store.identity();
    drop(store);
    let next = [schema::STEPS, &["CREATE TABLE more (x INTEGER)"]].concat();
    // A step that fails changes nothing.
    let broken = [next.as_slice(), &["CREATE TABLE lost (x INTEGER); nonsense"]].concat();
    let failed = DuckDb::open_with(&folder, &broken);
    assert!(matches!(failed, Err(StoreError::Engine { .. })));
    let store = DuckDb::open_with(&folder, &next).unwrap();
    assert_eq!((store.identity(), store.check().unwrap()), (identity, vec![]));
    behind(&store, "INSERT INTO more VALUES (1)").await;
    drop(store);
    let error = DuckDb::open(&folder).err().unwrap();
    let path = folder.join("kecs.duckdb");
    let known = schema::STEPS.len();
    assert_eq!(
        error.to_string(),
        format!(
            "{} has version {}, and this program knows versions up to {known}",
            path.display(),
            known + 1
        )
    );
}

#[tokio::test]
async fn what_is_damaged_is_found() {
    let damages = [
        ("UPDATE head SET revision = 9", "the head is not the same"),
        ("UPDATE head SET floor_generation = 1", "the head is not the same"),
        (
            "UPDATE records SET generation = 7 WHERE key LIKE '%/a/%'",
            "/a/ is not the same",
        ),
        (
            "UPDATE records SET body = replace(body, 'on', 'off')",
            "/a/ is not the same",
        ),
        ("UPDATE records SET terms = '[]'", "/a/ is not the same"),
        ("DELETE FROM records WHERE kind IS NULL", "/b/ is not the same"),
        (
            "INSERT INTO records VALUES (99, 'x', 1, 1, NULL, '[]', NULL)",
            "x is not the same",
        ),
        (
            "INSERT INTO records SELECT number + 90, * EXCLUDE number FROM records",
            "it is there twice",
        ),
        ("UPDATE records SET body = NULL", "it has one of kind and body"),
        ("UPDATE records SET body = '{}'", "missing field"),
        ("UPDATE records SET terms = 'x'", "its terms are \"x\""),
        ("UPDATE events SET committed = 1", "events are not the same"),
        (
            "UPDATE events SET event = 'x'",
            "the record under event 1 cannot be read",
        ),
        ("DELETE FROM events WHERE sequence = 2", "events are not the same"),
    ];
    for (damage, finding) in damages {
        let (_place, folder) = place();
        let store = DuckDb::open(&folder).unwrap();
        for commit in [set("a", "on"), set("b", "on"), delete("b")] {
            done(&store, commit).await;
        }
        assert_eq!(store.integrity().unwrap(), []);
        behind(&store, damage).await;
        let findings = store.integrity().unwrap();
        let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(told[0].contains(finding), "{damage}: {told:?}");
    }
}

#[tokio::test]
async fn a_commit_that_cannot_be_written_leaves_everything_as_it_was() {
    let (_place, folder) = place();
    let store = DuckDb::open(&folder).unwrap();
    done(&store, set("a", "1")).await;
    behind(&store, "ALTER TABLE events RENAME TO elsewhere").await;
    let failed = store.commit(set("a", "2"), Timestamp::UNIX_EPOCH).await;
    assert!(
        matches!(failed, Err(CommitError::Failed(StoreError::Engine { .. }))),
        "{failed:?}"
    );
    assert_eq!(store.view().unwrap().get(&key("a")).unwrap().unwrap().revision, 1);
    // The row that it had deleted is there again, and the next one goes on from it.
    behind(&store, "ALTER TABLE elsewhere RENAME TO events").await;
    done(&store, set("a", "3")).await;
    let entry = store.view().unwrap().get(&key("a")).unwrap().unwrap();
    assert_eq!((entry.revision, entry.generation), (2, 2));
    assert_eq!(store.check().unwrap(), []);
}

#[tokio::test]
async fn after_a_commit_of_unknown_end_nothing_is_written() {
    let (_place, folder) = place();
    let store = DuckDb::open(&folder).unwrap();
    done(&store, set("a", "1")).await;
    // The transaction is ended behind the writer's back, so that its end fails.
    let lost = move |writing: &mut Writing| Ok(writing.lose());
    let lost = store.writer.between(lost).await.unwrap();
    assert!(matches!(lost, Err(StoreError::Uncertain { .. })), "{lost:?}");
    let refused = store.commit(set("b", "1"), Timestamp::UNIX_EPOCH).await;
    let error = refused.unwrap_err().to_string();
    assert!(
        error.starts_with("the store failed at writing to a file whose state is not known: "),
        "{error}"
    );
    // What was acknowledged is still read, and is there when it is opened again.
    assert_eq!(store.view().unwrap().head().revision, 1);
    drop(store);
    let store = DuckDb::open(&folder).unwrap();
    done(&store, set("b", "1")).await;
    assert_eq!(store.view().unwrap().head().revision, 2);
}

#[tokio::test]
async fn times_are_the_same_before_and_after_opening() {
    let (_place, folder) = place();
    let store = DuckDb::open(&folder).unwrap();
    let now = Timestamp::new(1_800_000_000, 123_456_789).unwrap();
    store.commit(set("a", "1"), now).await.unwrap();
    let told = store.events_since(0, 9).unwrap();
    assert_eq!(told[0].at, Timestamp::new(1_800_000_000, 123_000_000).unwrap());
    drop(store);
    assert_eq!(DuckDb::open(&folder).unwrap().events_since(0, 9).unwrap(), told);
}

#[tokio::test]
async fn room_is_given_back() {
    let (_place, folder) = place();
    let store = DuckDb::open(&folder).unwrap();
    let long = "x".repeat(4_000);
    for number in 0..100 {
        let mut commit = Commit::default();
        for name in 0..100 {
            let value = format!("{number}{long}");
            commit.changes.extend(set(&name.to_string(), &value).changes);
        }
        done(&store, commit).await;
    }
    // Forty million bytes were written; the log is put into the file at sixteen, and there little is left of
    // rows that were written over.
    let bytes = store.stats().unwrap().bytes;
    assert!(bytes < 20_000_000, "{bytes}");
    assert!(fs::metadata(folder.join("kecs.duckdb")).unwrap().len() < 3_000_000);
    assert_eq!(store.check().unwrap(), []);
}

#[tokio::test]
async fn a_copy_is_refused_that_is_none_or_damaged() {
    let (place, folder) = place();
    let store = DuckDb::open(&folder).unwrap();
    done(&store, set("a", "on")).await;
    let copy = place.path().join("copy.duckdb");
    store.backup(&copy).await.unwrap();
    let to = place.path().join("restored");
    let missing = DuckDb::restore(&place.path().join("missing"), &to).unwrap_err();
    assert!(
        matches!(missing, StoreError::File { doing: "open", .. }),
        "{missing}"
    );
    let bytes = fs::read(&copy).unwrap();
    let cut = place.path().join("cut");
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let refused = DuckDb::restore(&cut, &to).unwrap_err();
    assert!(matches!(refused, StoreError::Engine { .. }), "{refused}");
    assert!(!to.exists());
    DuckDb::restore(&copy, &to).unwrap();
    assert_eq!(fs::read(&copy).unwrap(), bytes);
    assert_eq!(DuckDb::open(&to).unwrap().view().unwrap().head().revision, 1);
}
