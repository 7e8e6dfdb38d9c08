//! An engine that floods its output, and one that is none.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "it is a test")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use capt_core::fault::FaultClass;
use capt_terraform::{Cli, CliOptions, Operation, RunId, RunSpec, Runs, RunsOptions, WorkspaceId};
use futures::StreamExt;
use jiff::Timestamp;

/// Says what `terraform` would say to a plan without changes, after 128 MiB without a line end.
const FLOODING: &str = r#"#!/bin/sh
case "$1" in
  version) echo "Terraform v1.11.4" ;;
  plan) head -c 134217728 /dev/zero; echo; echo '{"type":"version"}' ;;
  show) echo '{"resource_changes":[],"applyable":false}' ;;
  output) echo '{"a":{"sensitive":false,"type":"string","value":"x"}}' ;;
esac
"#;

fn binary(dir: &Path, script: &str) -> PathBuf {
    let path = dir.join("engine");
    std::fs::write(&path, script).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// The most memory that this process has had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// One after the other: a script that is being written while another test forks cannot be run.
#[tokio::test]
async fn an_engine_may_flood_but_it_must_be_one() {
    a_flood_is_read_in_little_memory().await;
    a_binary_that_is_no_engine_is_refused().await;
}

async fn a_flood_is_read_in_little_memory() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = CliOptions::new(binary(dir.path(), FLOODING), dir.path().join("runs"), |name| {
        std::env::var_os(name)
    });
    options.poll = Duration::from_millis(20);
    let engine = Cli::probe(options).await.unwrap();
    let runs = Runs::new(
        Arc::new(engine),
        &RunsOptions::default(),
        Arc::new(|| Timestamp::UNIX_EPOCH),
    );
    let workspace = WorkspaceId::new("w");
    let before = peak();
    let files = BTreeMap::from([("main.tf".to_owned(), Vec::new())]);
    let mut changes = std::pin::pin!(runs.changes());
    runs.start(RunSpec::new(
        workspace.clone(),
        RunId::new("r"),
        Operation::Apply,
        files,
    ))
    .unwrap();
    let end = loop {
        if let Some(end) = runs.view(&workspace).and_then(|view| view.end) {
            break end;
        }
        changes.next().await;
    };
    assert!(end.is_success(), "{end:?}");
    let grown = peak() - before;
    assert!(grown < 24 * 1024, "{grown} KiB");
}

async fn a_binary_that_is_no_engine_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for script in ["#!/bin/sh\necho hello\n", "#!/bin/sh\nexit 1\n"] {
        let options = CliOptions::new(binary(dir.path(), script), dir.path().join("runs"), |_| None);
        assert_eq!(
            Cli::probe(options).await.unwrap_err().class,
            FaultClass::Environment
        );
    }
    let missing = CliOptions::new(dir.path().join("nowhere"), dir.path().join("runs"), |_| None);
    assert_eq!(Cli::probe(missing).await.unwrap_err().code, "EngineUnusable");
}
