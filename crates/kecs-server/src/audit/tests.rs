use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn settings(path: PathBuf) -> Settings {
    Settings {
        path,
        sync: Sync::Second,
        max_bytes: 1 << 20,
        keep: 2,
    }
}

fn entry<'a>(id: u128, operation: &'a str, resources: &'a [String]) -> Entry<'a> {
    Entry {
        time: "2026-01-02T03:04:05Z".parse().unwrap(),
        request_id: Uuid::from_u128(id),
        principal: Some("arn:aws:iam::123456789012:user/ci"),
        account: Some("123456789012"),
        region: Some("eu-west-1"),
        operation,
        resources,
        outcome: "OK",
    }
}

#[tokio::test]
async fn each_request_is_a_line_behind_what_was_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    std::fs::write(&path, "before\n").unwrap();
    let (audit, written) = Audit::open(settings(path.clone())).unwrap();
    audit.write(&entry(1, "RunTask", &["arn:a".to_owned()])).await;
    audit.write(&entry(2, "ListTasks", &[])).await;
    drop(audit);
    written.await.unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        concat!(
            "before\n",
            r#"{"time":"2026-01-02T03:04:05Z","requestId":"00000000-0000-0000-0000-000000000001","principal":"#,
            r#""arn:aws:iam::123456789012:user/ci","account":"123456789012","region":"eu-west-1","operation":"RunTask","#,
            r#""resources":["arn:a"],"outcome":"OK"}"#,
            "\n",
            r#"{"time":"2026-01-02T03:04:05Z","requestId":"00000000-0000-0000-0000-000000000002","principal":"#,
            r#""arn:aws:iam::123456789012:user/ci","account":"123456789012","region":"eu-west-1","operation":"ListTasks","#,
            r#""resources":[],"outcome":"OK"}"#,
            "\n",
        )
    );
}

#[tokio::test]
async fn a_full_file_moves_on_and_the_oldest_goes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let line = serde_json::to_vec(&entry(1, "RunTask", &[])).unwrap().len() as u64 + 1;
    for sync in Sync::ALL {
        let (audit, written) = Audit::open(Settings {
            // Two lines fill a file to its last byte.
            max_bytes: 2 * line,
            sync: *sync,
            ..settings(path.clone())
        })
        .unwrap();
        for id in 1..=9 {
            audit.write(&entry(id, "RunTask", &[])).await;
        }
        drop(audit);
        written.await.unwrap();
        let ids = |name: &str| -> Vec<String> {
            let text = std::fs::read_to_string(directory.path().join(name)).unwrap();
            let id = |line: &str| {
                serde_json::from_str::<serde_json::Value>(line).unwrap()["requestId"].to_string()
            };
            text.lines()
                .map(|line| id(line).trim_matches('"')[35..].to_owned())
                .collect()
        };
        assert_eq!(ids("audit.jsonl"), ["9"], "{sync:?}");
        assert_eq!(ids("audit.jsonl.1"), ["7", "8"]);
        assert_eq!(ids("audit.jsonl.2"), ["5", "6"]);
        assert!(!directory.path().join("audit.jsonl.3").exists());
        for name in ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"] {
            std::fs::remove_file(directory.path().join(name)).unwrap();
        }
    }
}

#[tokio::test]
async fn nobody_else_reads_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let (audit, written) = Audit::open(settings(path.clone())).unwrap();
    drop(audit);
    written.await.unwrap();
    assert_eq!(
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let error = Audit::open(settings(directory.path().join("missing/audit.jsonl"))).unwrap_err();
    assert!(
        error.to_string().starts_with("cannot open the audit log "),
        "{error}"
    );
}

#[tokio::test]
async fn lines_that_cannot_be_written_are_counted() {
    // Everything that is written there fails for want of space.
    let full = PathBuf::from("/dev/full");
    let (audit, written) = Audit::open(Settings {
        max_bytes: u64::MAX,
        ..settings(full)
    })
    .unwrap();
    audit.write(&entry(1, "RunTask", &[])).await;
    let lost = Arc::clone(&audit.lost);
    drop(audit);
    written.await.unwrap();
    assert_eq!(lost.load(Ordering::Relaxed), 1);
}

/// The numbers of the requests in a file, or nothing where there is none.
fn ids(path: &Path) -> Option<Vec<u128>> {
    let text = std::fs::read_to_string(path).ok()?;
    let id = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        Uuid::parse_str(line["requestId"].as_str().unwrap())
            .unwrap()
            .as_u128()
    };
    Some(text.lines().map(id).collect())
}

#[tokio::test]
async fn a_line_that_is_longer_than_a_file_has_one_of_its_own() {
    for (keep, older) in [(0, None), (1, Some(vec![2]))] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        let (audit, written) = Audit::open(Settings {
            max_bytes: 1,
            keep,
            ..settings(path.clone())
        })
        .unwrap();
        for id in 1..=3 {
            audit.write(&entry(id, "RunTask", &[])).await;
        }
        drop(audit);
        written.await.unwrap();
        assert_eq!(ids(&path), Some(vec![3]), "{keep}");
        assert_eq!(ids(&directory.path().join("audit.jsonl.1")), older);
        assert_eq!(ids(&directory.path().join("audit.jsonl.2")), None);
    }
}

#[tokio::test]
async fn what_was_in_the_file_counts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let line = serde_json::to_vec(&entry(1, "RunTask", &[])).unwrap().len() as u64 + 1;
    for id in 1..=5 {
        let (audit, written) = Audit::open(Settings {
            max_bytes: 2 * line,
            ..settings(path.clone())
        })
        .unwrap();
        audit.write(&entry(id, "RunTask", &[])).await;
        assert_eq!(audit.lost(), 0);
        drop(audit);
        written.await.unwrap();
    }
    let of = |name: &str| ids(&directory.path().join(name));
    assert_eq!(of("audit.jsonl"), Some(vec![5]));
    assert_eq!(of("audit.jsonl.1"), Some(vec![3, 4]));
    assert_eq!(of("audit.jsonl.2"), Some(vec![1, 2]));
}
