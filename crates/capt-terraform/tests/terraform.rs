//! Runs through a real `terraform`, offline: only its built-in provider.
#![cfg(feature = "engine")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "it is a test"
)]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use capt_core::fault::{Fault, FaultClass};
use capt_terraform::cli::{Cli, CliOptions, locate};
use capt_terraform::run::RunView;
use capt_terraform::{Operation, RunEnd, RunId, RunSpec, Runs, RunsOptions, Stage, WorkspaceId};
use futures::StreamExt;
use jiff::Timestamp;

const MODULE: &str = r#"
variable "name" { type = string }
variable "password" {
  type      = string
  sensitive = true
  default   = "hunter2hunter2"
}
resource "terraform_data" "step" {
  count = 5
  input = "${var.name}-${count.index}"
  provisioner "local-exec" { command = "sleep ${count.index * 0.5}" }
}
output "names" { value = terraform_data.step[*].output }
output "secret" {
  value     = var.password
  sensitive = true
}
"#;

fn slow(seconds: u32) -> String {
    format!(
        "resource \"terraform_data\" \"slow\" {{\n  provisioner \"local-exec\" {{ command = \"sleep {seconds}\" }}\n}}\noutput \"id\" {{ value = terraform_data.slow.id }}\n"
    )
}

/// The binary, or the reason why the test does not run. Its absence fails where it is required.
fn options(root: &Path) -> Option<CliOptions> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(binary) = locate("terraform", &path) else {
        let required = std::env::var("CAPT_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|tool| tool == "terraform"),
            "terraform is required and not on PATH"
        );
        println!("not run: terraform is not on PATH");
        return None;
    };
    let mut options = CliOptions::new(binary, root.join("runs"), |name| std::env::var_os(name));
    options.poll = Duration::from_millis(50);
    options.grace = Duration::from_mins(1);
    Some(options)
}

async fn runs(options: &CliOptions) -> Runs {
    let engine = Cli::probe(options.clone())
        .await
        .expect("terraform says its version");
    #[allow(clippy::disallowed_methods, reason = "a real process runs in real time")]
    Runs::new(
        Arc::new(engine),
        &RunsOptions::default(),
        Arc::new(Timestamp::now),
    )
}

fn spec(run: &str, module: &str) -> RunSpec {
    let files = BTreeMap::from([
        ("main.tf".to_owned(), module.as_bytes().to_vec()),
        ("in.auto.tfvars.json".to_owned(), br#"{"name":"demo"}"#.to_vec()),
    ]);
    let mut spec = RunSpec::new(WorkspaceId::new("w"), RunId::new(run), Operation::Apply, files);
    spec.input_digest = "digest".into();
    spec
}

fn view(runs: &Runs) -> RunView {
    runs.view(&WorkspaceId::new("w")).expect("the run is known")
}

/// Follows the changes of the view until `done`.
async fn until(runs: &Runs, mut done: impl FnMut(&RunView) -> bool) {
    let mut changes = std::pin::pin!(runs.changes());
    while !done(&view(runs)) {
        changes.next().await;
    }
}

async fn apply(runs: &Runs, spec: RunSpec) -> RunEnd {
    runs.start(spec).unwrap();
    until(runs, |view| view.end.is_some()).await;
    view(runs).end.unwrap()
}

fn faults(end: RunEnd) -> Vec<Fault> {
    match end {
        RunEnd::Failed { faults, .. } => faults,
        other => panic!("not a failure: {other:?}"),
    }
}

/// The process id in the record of the run.
fn recorded_pid(options: &CliOptions) -> i32 {
    let text = std::fs::read(options.root.join("w/run.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&text).unwrap();
    i32::try_from(
        record["step"]["process"]["pid"]
            .as_i64()
            .expect("a process is recorded"),
    )
    .unwrap()
}

#[tokio::test]
async fn apply_again_update_and_destroy() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    let mut percents = vec![];
    runs.start(spec("r1", MODULE)).unwrap();
    until(&runs, |view| {
        percents.push(view.progress.percent);
        view.end.is_some()
    })
    .await;
    let RunEnd::Succeeded { outputs, changes, .. } = view(&runs).end.unwrap() else {
        panic!("{:?}", view(&runs))
    };
    assert_eq!((changes.add, changes.total()), (5, 5));
    assert_eq!(outputs["names"].value[4], "demo-4");
    assert!(outputs["secret"].sensitive);
    percents.dedup();
    assert!(
        percents.is_sorted() && percents.iter().all(|percent| percent % 20 == 0),
        "{percents:?}"
    );
    assert!(percents.len() >= 5 && percents.ends_with(&[100]), "{percents:?}");

    // Nothing is left that anybody else could read.
    for file in ["run.json", "result.json", "module/main.tf", "logs/apply-0.stdout"] {
        let mode = std::fs::metadata(options.root.join("w").join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    // Inputs, plan and outputs go with the run.
    for file in ["module/in.auto.tfvars.json", "plan.out", "logs/output.stdout"] {
        assert!(!options.root.join("w").join(file).exists(), "{file}");
    }

    let RunEnd::Succeeded { changes, outputs, .. } = apply(&runs, spec("r2", MODULE)).await else {
        panic!()
    };
    assert_eq!((changes.total(), outputs.len()), (0, 2));
    assert!(!format!("{outputs:?}").contains("hunter2"));

    // Another process reads the verdict and does nothing again.
    let later = self::runs(&options).await;
    later.adopt(&WorkspaceId::new("w"), &RunId::new("r2")).unwrap();
    until(&later, |view| view.end.is_some()).await;
    assert_eq!(view(&later).end, view(&runs).end);

    let mut destroy = spec("r3", MODULE);
    destroy.operation = Operation::Destroy;
    let RunEnd::Succeeded { changes, .. } = apply(&runs, destroy).await else {
        panic!()
    };
    assert_eq!((changes.remove, changes.total()), (5, 5));
    runs.forget(&WorkspaceId::new("w")).unwrap();
    assert!(!options.root.join("w").exists());
}

#[tokio::test]
async fn an_output_that_changes_alone_is_applied() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    apply(&runs, spec("r1", "output \"a\" { value = 1 }")).await;
    let RunEnd::Succeeded { outputs, .. } = apply(&runs, spec("r2", "output \"a\" { value = 2 }")).await
    else {
        panic!()
    };
    assert_eq!(outputs["a"].value, 2);
}

#[tokio::test]
async fn a_failing_resource_says_why_without_its_command_and_is_guarded_when_tainted() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    let module = slow(0).replace("sleep 0", "echo no route to host; exit 3");
    let plain = faults(apply(&runs, spec("r0", &module)).await);
    assert!(
        plain[0]
            .message
            .ends_with("exit status 3; it printed: no route to host"),
        "{}",
        plain[0].message
    );
    // What Terraform itself holds back is not told either.
    let sensitive = "variable \"token\" {\n  sensitive = true\n  default = \"s3cr3t-word\"\n}\n";
    let module = slow(0).replace("sleep 0", "echo ${var.token}; exit 3");
    let faults = faults(apply(&runs, spec("r1", &format!("{module}{sensitive}"))).await);
    assert_eq!(faults[0].subject, "terraform_data.slow");
    assert!(
        faults[0].message.contains("exit status 3"),
        "{}",
        faults[0].message
    );
    assert!(faults[0].position.starts_with("main.tf:2,"), "{}", faults[0]);
    assert!(
        !faults[0].message.contains("s3cr3t-word"),
        "{}",
        faults[0].message
    );

    let mut guarded = spec("r2", &slow(0));
    guarded.protected = vec!["terraform_data".into()];
    match apply(&runs, guarded).await {
        RunEnd::NeedsApproval { changes, .. } => {
            assert_eq!(changes, ["replace terraform_data.slow (tainted)"]);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn mistakes_in_the_configuration_are_the_writers() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    let cases = [
        (
            "resource \"terraform_data\" \"a\" {",
            "Unclosed configuration block",
        ),
        ("variable \"missing\" {}", "No value for required variable"),
        (
            "output \"a\" { value = var.nowhere }",
            "Reference to undeclared input variable",
        ),
        ("output \"a b\" { value = 1 }", "Invalid output name"),
        (
            "resource \"terraform_data\" \"a\" { colour = 1 }",
            "Unsupported argument",
        ),
        (
            "output \"a\" { value = cidrsubnet(\"10.0.0.0/16\", 20, 1) }",
            "Error in function call",
        ),
    ];
    for (number, (module, summary)) in cases.into_iter().enumerate() {
        let faults = faults(apply(&runs, spec(&format!("r{number}"), module)).await);
        assert_eq!(faults[0].class, FaultClass::Invalid, "{faults:?}");
        assert!(faults[0].message.contains(summary), "{faults:?}");
        assert!(faults[0].position.starts_with("main.tf:1,"), "{faults:?}");
    }
}

#[tokio::test]
async fn a_secret_input_that_a_message_echoes_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    let module = r#"
variable "password" {
  type = string
  validation {
    condition     = length(var.password) > 100
    error_message = "The password ${var.password} (${jsonencode(var.password)}) is too short."
  }
}
"#;
    let mut echoing = spec("r1", module);
    let secret = "pass<\"word\">-1";
    let values = serde_json::json!({ "password": secret });
    echoing
        .files
        .insert("in.auto.tfvars.json".into(), values.to_string().into_bytes());
    echoing.redact = vec![secret.into()];
    let faults = faults(apply(&runs, echoing).await);
    assert!(
        faults[0]
            .message
            .contains("The password (redacted) (\"(redacted)\") is too short."),
        "{faults:?}"
    );
    for kept in ["run.json", "result.json"] {
        let text = std::fs::read_to_string(options.root.join("w").join(kept)).unwrap();
        assert!(!text.contains("pass<"), "{kept}: {text}");
    }
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

#[tokio::test]
async fn a_state_that_was_lost_or_not_stored_is_not_planned_over() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    let mut lost = spec("r1", &slow(0));
    lost.expect_state = true;
    let found = faults(apply(&runs, lost).await);
    assert_eq!(
        (found[0].class, found[0].code.as_str()),
        (FaultClass::Integrity, "StateMissing")
    );

    assert!(apply(&runs, spec("r2", &slow(0))).await.is_success());
    let state = std::fs::read(options.root.join("w/terraform.tfstate")).unwrap();
    std::fs::write(options.root.join("w/module/errored.tfstate"), &state).unwrap();
    std::fs::remove_file(options.root.join("w/terraform.tfstate")).unwrap();
    assert_eq!(
        runs.forget(&WorkspaceId::new("w")).unwrap_err().code,
        "UnstoredState"
    );
    let mut again = spec("r3", &slow(0));
    again.expect_state = true;
    let end = apply(&runs, again).await;
    assert!(
        matches!(&end, RunEnd::Succeeded { changes, .. } if changes.total() == 0),
        "{end:?}"
    );
    assert!(!options.root.join("w/module/errored.tfstate").exists());
}

#[tokio::test]
async fn the_environment_is_only_what_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    let module = slow(0).replace("sleep 0", "env > $${SEEN}");
    let seen = dir.path().join("seen");
    let mut given = spec("r1", &module.replace("$${SEEN}", "$SEEN"));
    given.env = BTreeMap::from([
        ("SEEN".into(), seen.display().to_string()),
        ("AWS_PROFILE".into(), "p".into()),
    ]);
    assert!(apply(&runs, given).await.is_success(), "{:?}", view(&runs));
    let seen = std::fs::read_to_string(seen).unwrap();
    let names: Vec<_> = seen
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    assert!(
        names.contains(&"AWS_PROFILE") && names.contains(&"PATH"),
        "{names:?}"
    );
    assert!(
        !names
            .iter()
            .any(|name| name.starts_with("CARGO") || *name == "TF_CLI_CONFIG_FILE"),
        "{names:?}"
    );
}

#[tokio::test]
async fn a_destroy_of_what_could_never_be_applied_needs_no_mending() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    let broken = "resource \"terraform_data\" \"a\" {";
    assert!(!apply(&runs, spec("r1", broken)).await.is_success());
    let destroy = |run: &str| {
        let mut destroy = spec(run, broken);
        destroy.operation = Operation::Destroy;
        destroy
    };
    let end = apply(&runs, destroy("r2")).await;
    assert!(
        matches!(&end, RunEnd::Succeeded { changes, .. } if changes.total() == 0),
        "{end:?}"
    );

    // Where something was made, it must be read how.
    assert!(apply(&runs, spec("r3", &slow(0))).await.is_success());
    let faults = faults(apply(&runs, destroy("r4")).await);
    assert_eq!(faults[0].class, FaultClass::Invalid, "{faults:?}");
    std::fs::remove_file(options.root.join("w/terraform.tfstate")).unwrap();
    // A state that was lost is no proof that there was nothing.
    let mut lost = destroy("r5");
    lost.expect_state = true;
    assert!(!apply(&runs, lost).await.is_success());
}
