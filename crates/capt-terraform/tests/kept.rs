//! What the simulated engine has made outlives its process.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, reason = "it is a test")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use capt_terraform::simulated::KeptError;
use capt_terraform::{
    Engine as _, Operation, RunEnd, RunId, RunSpec, Runs, RunsOptions, Simulated, SimulatedCloud, WorkspaceId,
};
use futures::StreamExt as _;
use jiff::{SignedDuration, Timestamp};

const MODULE: &str = r#"
resource "terraform_data" "first" {
  input = "a"
}

resource "terraform_data" "second" {
  input = terraform_data.first.id
}

resource "terraform_data" "third" {
  input = terraform_data.second.id
}

output "id" {
  value     = terraform_data.third.id
  sensitive = true
}
"#;

fn spec(run: &str) -> RunSpec {
    let files = BTreeMap::from([("main.tf".to_owned(), MODULE.as_bytes().to_vec())]);
    let mut spec = RunSpec::new(workspace(), RunId::new(run), Operation::Apply, files);
    spec.label = "demo".into();
    spec
}

fn workspace() -> WorkspaceId {
    WorkspaceId::new("uid-1")
}

fn runs(cloud: &SimulatedCloud) -> Runs {
    let (epoch, begin) = (Timestamp::UNIX_EPOCH, tokio::time::Instant::now());
    let clock = Arc::new(move || epoch + SignedDuration::try_from(begin.elapsed()).unwrap());
    let engine = Arc::new(Simulated::new(cloud.clone()));
    Runs::new(engine, &RunsOptions::default(), clock)
}

async fn ended(runs: &Runs) -> RunEnd {
    let mut changes = std::pin::pin!(runs.changes());
    loop {
        if let Some(end) = runs.view(&workspace()).and_then(|view| view.end) {
            return end;
        }
        changes.next().await;
    }
}

/// A cloud that is kept, and what is kept of it.
fn kept() -> (SimulatedCloud, Arc<Mutex<Vec<u8>>>) {
    let (cloud, bytes) = (SimulatedCloud::new(), Arc::new(Mutex::new(Vec::new())));
    let held = Arc::clone(&bytes);
    cloud.keep(Arc::new(move |bytes| *held.lock().unwrap() = bytes.to_vec()));
    (cloud, bytes)
}

fn restored(bytes: &Mutex<Vec<u8>>) -> SimulatedCloud {
    SimulatedCloud::restore(&bytes.lock().unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_was_made_is_there_and_nothing_is_made_twice() {
    let (cloud, bytes) = kept();
    let before = runs(&cloud);
    before.start(spec("1")).unwrap();
    let end = ended(&before).await;
    let restored = restored(&bytes);
    assert_eq!(restored.contents(), cloud.contents());
    assert_eq!(restored.resources("demo").len(), 3);
    // The run is found with what it was asked for and how it ended.
    let engine = Simulated::new(restored.clone());
    assert_eq!(engine.recorded_spec(&workspace()).await.unwrap(), Some(spec("1")));
    let after = runs(&restored);
    after.adopt(&workspace(), &RunId::new("1")).unwrap();
    assert_eq!(ended(&after).await, end);
    // Another run with the same inputs has nothing to do.
    let again = runs(&restored);
    again.start(spec("2")).unwrap();
    let RunEnd::Succeeded { changes, .. } = ended(&again).await else {
        unreachable!("the run has failed")
    };
    assert_eq!((changes.add, changes.change, changes.remove), (0, 0, 0));
    assert_eq!(restored.contents(), cloud.contents());
}

#[tokio::test(start_paused = true)]
async fn what_was_made_before_the_end_of_the_process_is_not_made_again() {
    let (cloud, bytes) = kept();
    let before = runs(&cloud);
    before.start(spec("1")).unwrap();
    // One of three, which take two seconds each, is there.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let restored = restored(&bytes);
    assert_eq!(restored.resources("demo").len(), 1);
    let again = runs(&restored);
    again.start(spec("2")).unwrap();
    let RunEnd::Succeeded { changes, .. } = ended(&again).await else {
        unreachable!("the run has failed")
    };
    assert_eq!((changes.add, changes.change, changes.remove), (2, 0, 0));
}

#[test]
fn what_was_not_kept_is_refused() {
    let refused = |text: &str| SimulatedCloud::restore(text.as_bytes()).unwrap_err();
    assert!(matches!(refused("{"), KeptError::Parse(_)));
    let newer = refused(r#"{"format": 2, "more": {}}"#);
    assert_eq!(
        newer.to_string(),
        "what the simulated engine has made is in format 2, and this program reads format 1 only"
    );
}
