//! Runs beside and after each other: started once, adopted, stopped, queued.

use std::sync::Arc;
use std::time::Duration;

use capt_core::fault::FaultClass;
use capt_terraform::{RunEnd, RunId, Runs, RunsOptions, Simulated, SimulatedCloud, Stage, WorkspaceId};
use jiff::Timestamp;

use crate::demo::{MODULE, apply, changes, ended, first_fault, runs, spec, view};

#[tokio::test(start_paused = true)]
async fn a_run_is_started_once_and_a_workspace_has_one_run() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    runs.start(spec("r1", MODULE, r#"{"name":"demo"}"#)).unwrap();
    runs.start(spec("r1", MODULE, r#"{"name":"demo"}"#)).unwrap();
    let refused = runs.start(spec("r2", MODULE, r#"{"name":"demo"}"#)).unwrap_err();
    assert_eq!(refused.class, FaultClass::Dependency);
    ended(&runs).await;
    runs.start(spec("r1", MODULE, r#"{"name":"demo"}"#)).unwrap();
    assert_eq!(cloud.counters("demo").runs, 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_id_over_another_input_is_another_run() {
    let cloud = SimulatedCloud::new();
    let first = runs(&cloud);
    let over = |name: &str| {
        let mut spec = spec("r1", MODULE, &format!("{{\"name\":\"{name}\"}}"));
        spec.input_digest = name.into();
        spec
    };
    let name = |end: RunEnd| match end {
        RunEnd::Succeeded { outputs, .. } => outputs["name"].value.clone(),
        other => panic!("not a success: {other:?}"),
    };
    first.start(over("one")).unwrap();
    assert_eq!(
        first.start(over("two")).unwrap_err().class,
        FaultClass::Dependency
    );
    assert_eq!(name(ended(&first).await), "one");
    assert_eq!(name(apply(&first, over("two")).await), "two");
    drop(first);

    let adopted = runs(&cloud);
    adopted
        .adopt(&WorkspaceId::new("uid-1"), &RunId::new("r1"))
        .unwrap();
    assert_eq!(name(ended(&adopted).await), "two");
    assert_eq!(name(apply(&adopted, over("three")).await), "three");
    drop(adopted);

    let restarted = runs(&cloud);
    assert_eq!(name(apply(&restarted, over("four")).await), "four");
    assert_eq!(cloud.counters("demo").applies, 4);
    assert_eq!(name(apply(&restarted, over("four")).await), "four");
    assert_eq!(cloud.counters("demo").applies, 4);
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_of_an_apply_adopts_it() {
    let cloud = SimulatedCloud::new();
    let before = runs(&cloud);
    before.start(spec("r1", MODULE, r#"{"name":"demo"}"#)).unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(view(&before).stage, Stage::Applying);
    drop(before);
    let after = runs(&cloud);
    let end = apply(&after, spec("r1", MODULE, r#"{"name":"demo"}"#)).await;
    assert_eq!(changes(&end), (4, 0, 0));
    assert_eq!(
        (cloud.counters("demo").applies, cloud.counters("demo").plans),
        (1, 1)
    );
    // And once more, after the end: the verdict is kept.
    let later = runs(&cloud);
    later
        .adopt(&WorkspaceId::new("uid-1"), &RunId::new("r1"))
        .unwrap();
    assert_eq!(ended(&later).await, end);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_is_interrupted_and_the_next_takes_it_up() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    runs.start(spec("r1", MODULE, r#"{"name":"demo"}"#)).unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    runs.cancel(&WorkspaceId::new("uid-1"));
    assert_eq!(first_fault(ended(&runs).await).class, FaultClass::Interrupted);
    assert_eq!(
        changes(&apply(&runs, spec("r2", MODULE, r#"{"name":"demo"}"#)).await),
        (1, 0, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn all_runs_stop_wherever_they_are() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    runs.stop_all().await;
    // More than may work at a time: the last ones wait for a place.
    let workspaces: Vec<WorkspaceId> = (0..6).map(|n| WorkspaceId::new(format!("uid-{n}"))).collect();
    for workspace in &workspaces {
        let mut spec = spec("r1", MODULE, r#"{"name":"demo"}"#);
        spec.workspace = workspace.clone();
        spec.label = workspace.to_string();
        runs.start(spec).unwrap();
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(runs.under_way(), workspaces);
    runs.stop_all().await;
    assert!(runs.under_way().is_empty());
    for workspace in &workspaces {
        let end = runs.view(workspace).unwrap().end.unwrap();
        assert_eq!(first_fault(end).class, FaultClass::Interrupted, "{workspace}");
    }
    assert!(cloud.locks().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_run_ends_before_it_changes_anything() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    for (id, after) in [("r1", 0), ("r2", 500), ("r3", 700)] {
        runs.start(spec(id, MODULE, r#"{"name":"demo"}"#)).unwrap();
        tokio::time::sleep(Duration::from_millis(after)).await;
        runs.withdraw(&WorkspaceId::new("uid-1"));
        let fault = first_fault(ended(&runs).await);
        assert_eq!(
            (fault.class, &*fault.code),
            (FaultClass::Interrupted, "RunSuperseded")
        );
    }
    assert_eq!(cloud.counters("demo").applies, 0);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_applies_is_not_withdrawn() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    runs.start(spec("r1", MODULE, r#"{"name":"demo"}"#)).unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    runs.withdraw(&WorkspaceId::new("uid-1"));
    assert_eq!(changes(&ended(&runs).await), (4, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn more_runs_than_places_wait_for_their_turn() {
    let cloud = SimulatedCloud::new();
    let engine = Arc::new(Simulated::new(cloud));
    let options = RunsOptions { max_concurrent: 1 };
    let runs = Runs::new(engine, &options, Arc::new(|| Timestamp::UNIX_EPOCH));
    for n in ["a", "b"] {
        let mut spec = spec("r1", MODULE, r#"{"name":"demo"}"#);
        spec.workspace = WorkspaceId::new(n);
        runs.start(spec).unwrap();
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    let stage = |n: &str| runs.view(&WorkspaceId::new(n)).unwrap().stage;
    assert_eq!((stage("a"), stage("b")), (Stage::Applying, Stage::Preparing));
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!((stage("a"), stage("b")), (Stage::Ended, Stage::Applying));
}
