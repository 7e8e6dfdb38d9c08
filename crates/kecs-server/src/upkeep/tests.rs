use kecs_core::key::Scope;
use kecs_core::record::Cluster;
use kecs_core::tx::Tx;
use kecs_model::types;
use kecs_store::sqlite::Sqlite;

use super::*;

const NOW: &str = "2026-01-02T03:04:05Z";

async fn create(store: &dyn Store, name: &str, now: Timestamp) {
    let scope = Scope::new("123456789012", "eu-west-1");
    let commit = {
        let view = store.view().unwrap();
        let mut tx = Tx::new(&*view, &scope, now);
        let cluster = types::Cluster {
            cluster_name: Some(name.to_owned()),
            status: Some("ACTIVE".to_owned()),
            ..types::Cluster::default()
        };
        tx.put(scope.cluster(name), Cluster { cluster });
        tx.finish()
    };
    store.commit(commit, now).await.unwrap();
}

#[tokio::test]
async fn a_backup_is_made_and_the_oldest_goes() {
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(directory.path().join("kecs.db")).unwrap();
    let backups = Backups {
        directory: directory.path().join("backups"),
        every: Duration::from_hours(1),
        keep: 2,
    };
    std::fs::create_dir(&backups.directory).unwrap();
    std::fs::write(backups.directory.join("kecs-notes.txt"), "mine").unwrap();
    let mut made = Vec::new();
    for (number, now) in [
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05.5Z",
        "2026-01-03T00:00:00Z",
    ]
    .iter()
    .enumerate()
    {
        let now = now.parse().unwrap();
        create(&store, &format!("c{number}"), now).await;
        made.push(backups.make(&store, now).await.unwrap());
    }
    assert!(
        made[0].ends_with("kecs-20260102T030405000Z.backup"),
        "{}",
        made[0].display()
    );
    assert!(!made[0].exists());
    let mut left: Vec<PathBuf> = std::fs::read_dir(&backups.directory)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    left.sort();
    assert_eq!(
        left,
        [
            made[1].clone(),
            made[2].clone(),
            backups.directory.join("kecs-notes.txt")
        ]
    );
    let restored = directory.path().join("restored.db");
    Sqlite::restore(&made[1], &restored).unwrap();
    assert_eq!(Sqlite::open(&restored).unwrap().subscribe().borrow().revision, 2);
}

#[tokio::test(start_paused = true)]
async fn backups_are_made_in_their_time_and_events_forgotten_in_theirs() {
    let directory = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(directory.path().join("kecs.db")).unwrap());
    let backups = directory.path().join("backups");
    let clock = Clock::virtual_since(NOW.parse().unwrap());
    create(&*store, "a", clock.now()).await;
    let upkeep = Upkeep {
        backups: Some(Backups {
            directory: backups.clone(),
            every: Duration::from_mins(10),
            keep: 7,
        }),
        every: Duration::from_mins(1),
        events: SignedDuration::from_mins(5),
    };
    let metrics = Metrics::new();
    let (stop, stopped) = watch::channel(false);
    let work = tokio::spawn(run(upkeep, Arc::clone(&store), metrics.clone(), clock, stopped));
    let count = || std::fs::read_dir(&backups).map_or(0, Iterator::count);
    // It begins to count when it first runs.
    tokio::task::yield_now().await;
    tokio::time::advance(Duration::from_secs(599)).await;
    tokio::task::yield_now().await;
    assert_eq!(count(), 0);
    tokio::time::advance(Duration::from_secs(2)).await;
    while !metrics
        .render()
        .contains("kecs_backups_total{outcome=\"made\"} 1")
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(count(), 1);
    // The newest events stay, however old they are.
    assert_eq!(store.events_since(0, 10).unwrap().len(), 1);
    stop.send_replace(true);
    work.await.unwrap();
}

#[tokio::test]
async fn a_store_that_cannot_be_copied_is_no_backup() {
    let directory = tempfile::tempdir().unwrap();
    let store = kecs_store::memory::Memory::new(1);
    let backups = Backups {
        directory: directory.path().join("file/backups"),
        every: Duration::from_hours(1),
        keep: 2,
    };
    std::fs::write(directory.path().join("file"), "").unwrap();
    let error = backups.make(&store, NOW.parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, BackupError::Directory { .. }), "{error}");
}

#[tokio::test]
async fn the_newest_backup_stays_even_if_none_is_to_be_kept() {
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(directory.path().join("kecs.db")).unwrap();
    let backups = Backups {
        directory: directory.path().join("deep/backups"),
        every: Duration::from_hours(1),
        keep: 0,
    };
    let mut copies = Vec::new();
    for now in ["2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z"] {
        copies.push(backups.make(&store, now.parse().unwrap()).await.unwrap());
    }
    assert!(!copies[0].exists() && copies[1].exists());
    let mode = {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(&backups.directory)
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!(mode & 0o777, 0o700, "nobody else reads it");
}

#[tokio::test]
async fn what_only_looks_like_a_backup_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let backups = Backups {
        directory: directory.path().to_owned(),
        every: Duration::from_hours(1),
        keep: 1,
    };
    for name in ["kecs-1.backup", "kecs-2", "other-3.backup", "kecs-.backup.gz"] {
        std::fs::write(directory.path().join(name), "").unwrap();
    }
    assert_eq!(backups.list().unwrap(), [directory.path().join("kecs-1.backup")]);
}
