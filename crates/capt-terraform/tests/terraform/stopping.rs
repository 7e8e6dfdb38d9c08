//! Runs that are interrupted, killed, or outlive who started them.

use capt_core::fault::FaultClass;
use capt_terraform::{RunEnd, Stage, WorkspaceId};

use crate::demo::{apply, faults, options, recorded_pid, runs, slow, spec, until, view};

/// Whether any process of this group still runs.
fn group_has_members(group: i32) -> bool {
    let stats = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    stats
        .filter_map(|stat| stat.rsplit_once(')').map(|(_, rest)| rest.to_owned()))
        .any(|rest| {
            let fields: Vec<_> = rest.split_whitespace().collect();
            fields[0] != "Z" && fields[2] == group.to_string()
        })
}

#[tokio::test]
async fn one_interrupt_stops_it_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    runs.start(spec("r1", &slow(600))).unwrap();
    until(&runs, |view| !view.progress.current.is_empty()).await;
    let pid = recorded_pid(&options);
    runs.cancel(&WorkspaceId::new("w"));
    until(&runs, |view| view.end.is_some()).await;
    let faults = faults(view(&runs).end.unwrap());
    assert_eq!(faults[0].class, FaultClass::Interrupted, "{faults:?}");
    let log = std::fs::read_to_string(options.root.join("w/logs/apply-0.stdout")).unwrap();
    assert!(log.contains("Interrupt received") && !log.contains("Two interrupts"));
    // The state was written, the lock let go, and what the provisioner had started is gone.
    assert!(
        std::fs::read_to_string(options.root.join("w/terraform.tfstate"))
            .unwrap()
            .contains("tainted")
    );
    assert!(!options.root.join("w/.terraform.tfstate.lock.info").exists());
    assert!(!group_has_members(pid), "processes of the run are left");
}

#[tokio::test]
async fn a_restart_adopts_the_running_apply() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let before = runs(&options).await;
    before.start(spec("r1", &slow(3))).unwrap();
    until(&before, |view| !view.progress.current.is_empty()).await;
    let pid = recorded_pid(&options);
    drop(before);
    let after = runs(&options).await;
    after.start(spec("r1", &slow(3))).unwrap();
    until(&after, |view| {
        view.stage == Stage::Applying && view.progress.total == 1
    })
    .await;
    assert_eq!(recorded_pid(&options), pid);
    until(&after, |view| view.end.is_some()).await;
    let end = view(&after).end.unwrap();
    assert!(
        matches!(&end, RunEnd::Succeeded { changes, .. } if changes.add == 1),
        "{end:?}"
    );
    assert!(!options.root.join("w/logs/apply-1.stdout").exists());
}

#[tokio::test]
async fn a_former_verdict_answers_neither_another_run_nor_another_input() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let before = runs(&options).await;
    let first = apply(&before, spec("r1", "output \"a\" { value = 1 }")).await;
    assert!(first.is_success());
    drop(before);
    let after = runs(&options).await;
    let mut other = spec("r1", "output \"a\" { value = 2 }");
    other.input_digest = "another".into();
    let RunEnd::Succeeded { outputs, .. } = apply(&after, other).await else {
        panic!()
    };
    assert_eq!(outputs["a"].value, 2);

    // A run that fails before its apply leaves nothing of the apply before it.
    let failed = apply(&after, spec("r2", "output \"a\" { value = var.b }")).await;
    assert!(!failed.is_success());
    assert!(!options.root.join("w/logs/apply-0.stdout").exists());
    assert!(options.root.join("w/logs/init-0.stdout").exists());
}

#[tokio::test]
async fn a_killed_apply_is_interrupted_and_the_next_run_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    runs.start(spec("r1", &slow(600))).unwrap();
    until(&runs, |view| !view.progress.current.is_empty()).await;
    let pid = recorded_pid(&options);
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    until(&runs, |view| view.end.is_some()).await;
    let faults = faults(view(&runs).end.unwrap());
    assert_eq!(
        (faults[0].class, faults[0].code.as_str()),
        (FaultClass::Interrupted, "ProcessLost")
    );
    assert!(apply(&runs, spec("r2", &slow(0))).await.is_success());
}

#[tokio::test]
async fn an_apply_that_died_with_its_operator_is_found_dead() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let before = runs(&options).await;
    before.start(spec("r1", &slow(600))).unwrap();
    until(&before, |view| !view.progress.current.is_empty()).await;
    let pid = recorded_pid(&options);
    drop(before);
    let group = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process_group(group, rustix::process::Signal::KILL).unwrap();
    let after = runs(&options).await;
    let faults = faults(apply(&after, spec("r1", &slow(600))).await);
    assert_eq!(faults[0].class, FaultClass::Interrupted);
}
