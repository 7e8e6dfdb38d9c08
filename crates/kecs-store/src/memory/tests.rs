use std::io::Cursor;

use kecs_core::key::Key;
use kecs_core::record::{AccountSetting, Kind as _};
use kecs_core::tx::Change;

use super::*;
use crate::store::Fed;

fn commit(name: &str) -> Commit {
    let setting = AccountSetting {
        name: name.to_owned(),
        value: String::new(),
        principal: String::new(),
    };
    Commit {
        changes: vec![Change {
            key: Key::from_text(name),
            record: Some(Arc::new(setting.into_record())),
            terms: Vec::new(),
        }],
        ..Commit::default()
    }
}

/// A commit, and what it has changed: each key and the commit that wrote it.
type Heard = (u64, Vec<(String, u64)>);

/// Writes down what it is told.
#[derive(Default)]
struct Told(Mutex<Vec<Heard>>);

impl Feed for Told {
    fn applied(&self, revision: u64, changed: &[Fed]) {
        let changed = changed.iter().map(|it| (it.key.to_string(), it.revision));
        self.0.lock().unwrap().push((revision, changed.collect()));
    }
}

#[tokio::test]
async fn it_says_what_it_is_and_has_no_file() {
    let store = Memory::new(7);
    assert_eq!((store.engine(), store.identity()), ("memory", 7));
    assert_eq!(store.integrity().unwrap(), []);
    let refused = store.backup(Path::new("copy")).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::Unsupported { engine: "memory", .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn who_is_fed_is_told_of_commits_and_of_an_import() {
    let now = Timestamp::UNIX_EPOCH;
    let first = Memory::new(7);
    for name in ["a", "b"] {
        first.commit(commit(name), now).await.unwrap();
    }
    let mut exported = Vec::new();
    first.export(&mut exported).unwrap();
    let second = Memory::default();
    let told = Arc::new(Told::default());
    assert_eq!(second.feed(Arc::clone(&told) as Arc<dyn Feed>).unwrap(), 0);
    let newest = second.subscribe();
    second
        .import(Box::new(Cursor::new(exported.clone())))
        .await
        .unwrap();
    assert_eq!((second.identity(), newest.borrow().revision), (7, 2));
    second.commit(commit("c"), now).await.unwrap();
    let of = |name: &str, revision: u64| (name.to_owned(), revision);
    assert_eq!(
        *told.0.lock().unwrap(),
        [(2, vec![of("a", 1), of("b", 2)]), (3, vec![of("c", 3)])]
    );
    let late = Arc::new(Told::default());
    assert_eq!(second.feed(late).unwrap(), 3);
    // It has come further than to nothing.
    let refused = second.import(Box::new(Cursor::new(exported))).await.unwrap_err();
    assert!(
        matches!(refused, StoreError::NotEmpty { revision: 3 }),
        "{refused}"
    );
}

#[tokio::test]
async fn who_watches_is_told_where_something_has_changed() {
    let store = Memory::default();
    let mut newest = store.subscribe();
    newest.mark_unchanged();
    store
        .commit(Commit::default(), Timestamp::UNIX_EPOCH)
        .await
        .unwrap();
    assert!(!newest.has_changed().unwrap());
    store.commit(commit("a"), Timestamp::UNIX_EPOCH).await.unwrap();
    assert!(newest.has_changed().unwrap());
    assert_eq!(newest.borrow_and_update().revision, 1);
}
