//! Locks of states in a Kubernetes cluster, with a real `terraform` that is killed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use capt_core::fault::{Fault, FaultClass};
use capt_terraform::cli::{Cli, CliOptions, locate};
use capt_terraform::run::RunView;
use capt_terraform::{Backend, Operation, RunEnd, RunId, RunSpec, Runs, RunsOptions, Stage, WorkspaceId};
use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube_sim::{ApiServer, Clock, Running, serve_https};
use rustix::process::{Pid, Signal};
use serde_json::json;

const LEASE: &str = "lock-tfstate-default-demo";
const LOCK_INFO: &str = "app.terraform.io/lock-info";

/// Makes one thing at once and one slowly, and leaves a line for each of them.
fn module(made: &Path, seconds: u32) -> String {
    let made = made.display();
    format!(
        r#"
resource "terraform_data" "quick" {{
  provisioner "local-exec" {{ command = "echo quick >> {made}" }}
}}
resource "terraform_data" "slow" {{
  depends_on = [terraform_data.quick]
  provisioner "local-exec" {{ command = "sleep {seconds}; echo slow >> {made}" }}
}}
output "id" {{ value = terraform_data.slow.id }}
"#
    )
}

/// Takes Terraform some seconds to plan.
const LONG_PLAN: &str = r#"
locals {
  many = flatten([for a in range(1000) : [for b in range(1000) : sha256("${a}-${b}")]])
}
output "sum" { value = length(distinct(local.many)) }
"#;

struct World {
    dir: tempfile::TempDir,
    server: ApiServer,
    _running: Running,
    options: CliOptions,
}

impl World {
    /// Absent where there is no terraform, unless it is required.
    async fn start() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
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
        #[allow(clippy::disallowed_methods, reason = "a real process asks it in real time")]
        let server = ApiServer::new(Clock::new(Timestamp::now));
        let running = serve_https(server.clone(), "127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        std::fs::write(dir.path().join("kubeconfig"), &running.kubeconfig).unwrap();
        let mut options = CliOptions::new(binary, dir.path().join("runs"), |name| std::env::var_os(name));
        options.poll = Duration::from_millis(50);
        options.grace = Duration::from_mins(1);
        Some(Self {
            dir,
            server,
            _running: running,
            options,
        })
    }

    async fn runs(&self) -> Runs {
        let engine = Cli::probe(self.options.clone()).await.unwrap();
        #[allow(clippy::disallowed_methods, reason = "a real process runs in real time")]
        Runs::new(
            Arc::new(engine),
            &RunsOptions::default(),
            Arc::new(Timestamp::now),
        )
    }

    fn made(&self) -> std::path::PathBuf {
        self.dir.path().join("made")
    }

    /// What was made so far, one word each.
    fn what_was_made(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.made()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn spec(&self, run: &str, operation: Operation, module: &str) -> RunSpec {
        let files = BTreeMap::from([("main.tf".to_owned(), module.as_bytes().to_vec())]);
        let mut spec = RunSpec::new(WorkspaceId::new("w"), RunId::new(run), operation, files);
        spec.input_digest = format!("digest of {run}");
        spec.backend = Backend::Kubernetes {
            namespace: "default".into(),
            secret_suffix: "demo".into(),
            config_path: Some(self.dir.path().join("kubeconfig").display().to_string()),
        };
        spec
    }

    fn apply(&self, run: &str, seconds: u32) -> RunSpec {
        self.spec(run, Operation::Apply, &module(&self.made(), seconds))
    }

    /// Who holds the lock, by its id.
    async fn holder(&self) -> Option<String> {
        let leases: Api<Lease> = Api::default_namespaced(self.server.client("default"));
        let lease = leases.get_opt(LEASE).await.unwrap()?;
        lease.spec?.holder_identity
    }

    /// Locks the state in the name of somebody else.
    async fn lock(&self, id: &str, who: &str) {
        let leases: Api<Lease> = Api::default_namespaced(self.server.client("default"));
        let info = json!({
            "ID": id, "Operation": "OperationTypeApply", "Info": "", "Who": who, "Version": "1.11.4",
            "Created": "2026-01-01T10:00:00.5Z", "Path": "",
        });
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": LEASE, "annotations": {LOCK_INFO: info.to_string()}},
            "spec": {"holderIdentity": id},
        });
        let params = PatchParams::apply("laptop").force();
        leases.patch(LEASE, &params, &Patch::Apply(&lease)).await.unwrap();
    }

    /// The process in the record of the run.
    fn process(&self) -> Pid {
        let text = std::fs::read(self.options.root.join("w/run.json")).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let pid = record["step"]["process"]["pid"]
            .as_i64()
            .expect("a process is recorded");
        Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()
    }

    fn kill(&self) {
        rustix::process::kill_process(self.process(), Signal::KILL).unwrap();
    }
}

fn view(runs: &Runs) -> RunView {
    runs.view(&WorkspaceId::new("w")).expect("the run is known")
}

async fn until(runs: &Runs, done: impl Fn(&RunView) -> bool) {
    let mut changes = std::pin::pin!(runs.changes());
    while !done(&view(runs)) {
        changes.next().await;
    }
}

async fn end(runs: &Runs) -> RunEnd {
    until(runs, |view| view.end.is_some()).await;
    view(runs).end.unwrap()
}

async fn run(runs: &Runs, spec: RunSpec) -> RunEnd {
    runs.start(spec).unwrap();
    end(runs).await
}

fn first_fault(end: RunEnd) -> Fault {
    match end {
        RunEnd::Failed { faults, .. } => faults.into_iter().next().unwrap(),
        other => panic!("not a failure: {other:?}"),
    }
}

fn is_making(view: &RunView) -> bool {
    view.progress.current.contains(&"terraform_data.slow".to_owned())
}

#[tokio::test]
async fn the_lock_of_an_apply_that_was_killed_is_taken_away_and_what_it_did_not_record_is_named() {
    let Some(world) = World::start().await else { return };
    let runs = world.runs().await;
    runs.start(world.apply("r1", 600)).unwrap();
    until(&runs, is_making).await;
    let lock = world.holder().await.expect("the apply holds the lock");
    world.kill();
    let fault = first_fault(end(&runs).await);
    assert_eq!(
        (fault.class, &*fault.code),
        (FaultClass::Interrupted, "ProcessLost")
    );
    assert!(
        fault.message.contains("while it made terraform_data.slow"),
        "{fault}"
    );
    // Younger than the last state that was stored.
    assert!(
        fault
            .message
            .contains("it made terraform_data.quick and did not come"),
        "{fault}"
    );
    assert_eq!(world.holder().await, Some(lock), "a Lease has no end of its own");

    let end = run(&runs, world.apply("r2", 0)).await;
    assert!(end.is_success(), "{end:?}");
    assert_eq!(world.holder().await, None);
    let (_, holder) = view(&runs).unlocked.unwrap();
    assert!(holder.contains("(OperationTypeApply)"), "{holder}");
    assert_eq!(world.what_was_made(), ["quick", "quick", "slow"]);

    // The third has nothing to take away.
    let end = run(&runs, world.apply("r3", 0)).await;
    assert!(end.is_success() && view(&runs).unlocked.is_none(), "{end:?}");
}

#[tokio::test]
async fn a_plan_and_a_destroy_that_were_killed_leave_no_lock_either() {
    let Some(world) = World::start().await else { return };
    let runs = world.runs().await;
    runs.start(world.spec("r1", Operation::Apply, LONG_PLAN)).unwrap();
    until(&runs, |view| view.stage == Stage::Planning).await;
    while world.holder().await.is_none() {
        // The lock is made by a request of its own.
        tokio::task::yield_now().await;
    }
    world.kill();
    assert_eq!(first_fault(end(&runs).await).code, "ProcessLost");
    assert!(world.holder().await.is_some());
    let end = run(&runs, world.apply("r2", 0)).await;
    assert!(end.is_success() && view(&runs).unlocked.is_some(), "{end:?}");

    let slowly = module(&world.made(), 0).replace(
        "depends_on",
        "provisioner \"local-exec\" {\n    when = destroy\n    command = \"sleep 600\"\n  }\n  depends_on",
    );
    assert!(
        run(&runs, world.spec("r3", Operation::Apply, &slowly))
            .await
            .is_success()
    );
    runs.start(world.spec("r4", Operation::Destroy, &slowly)).unwrap();
    until(&runs, is_making).await;
    world.kill();
    assert_eq!(first_fault(self::end(&runs).await).code, "ProcessLost");
    let quickly = world.spec("r5", Operation::Destroy, &module(&world.made(), 0));
    let end = run(&runs, quickly).await;
    assert!(
        matches!(&end, RunEnd::Succeeded { changes, .. } if changes.remove == 2),
        "{end:?}"
    );
    assert_eq!(world.holder().await, None);
}

#[tokio::test]
async fn a_lock_is_taken_away_after_operator_and_process_were_killed_together() {
    let Some(world) = World::start().await else { return };
    for (first, then) in [("r1", "r2"), ("r3", "r4")] {
        let before = world.runs().await;
        let taint = world.spec(
            first,
            Operation::Apply,
            &module(&world.made(), 600).replace("quick", first),
        );
        before.start(taint).unwrap();
        until(&before, is_making).await;
        let group = world.process();
        drop(before);
        rustix::process::kill_process_group(group, Signal::KILL).unwrap();
        assert!(world.holder().await.is_some());

        let after = world.runs().await;
        if first == "r1" {
            // The next operator looks at the run that is recorded first,
            let same = world.spec(
                first,
                Operation::Apply,
                &module(&world.made(), 600).replace("quick", first),
            );
            assert_eq!(first_fault(run(&after, same).await).code, "ProcessLost");
        }
        // or something else is wanted by now.
        let end = run(&after, world.apply(then, 0)).await;
        assert!(end.is_success(), "{end:?}");
        assert!(view(&after).unlocked.is_some());
        assert_eq!(world.holder().await, None);
        let destroyed = run(&after, world.spec("gone", Operation::Destroy, "")).await;
        assert!(destroyed.is_success(), "{destroyed:?}");
    }
}

#[tokio::test]
async fn the_lock_of_somebody_else_is_kept_until_a_person_names_it() {
    let Some(world) = World::start().await else { return };
    let runs = world.runs().await;
    assert!(run(&runs, world.apply("r1", 0)).await.is_success());
    world.lock("of-ann", "ann@laptop").await;
    let mut impatient = world.apply("r2", 0);
    impatient.plan_args = vec!["-lock-timeout=0s".into()];
    let fault = first_fault(run(&runs, impatient).await);
    assert_eq!(fault.class, FaultClass::Locked);
    assert!(fault.message.contains("ann@laptop"), "{fault}");
    assert_eq!(world.holder().await.as_deref(), Some("of-ann"));

    // Neither does it help that a process of ours was lost: this lock is not its.
    world.lock("", "").await;
    let leases: Api<Lease> = Api::default_namespaced(world.server.client("default"));
    leases
        .delete(LEASE, &kube::api::DeleteParams::default())
        .await
        .unwrap();
    let again = world.spec(
        "r3",
        Operation::Apply,
        &module(&world.made(), 600).replace("quick", "fresh"),
    );
    let again = RunSpec {
        plan_args: vec!["-replace=terraform_data.slow".into()],
        ..again
    };
    runs.start(again).unwrap();
    until(&runs, |view| {
        view.stage == Stage::Applying && !view.progress.current.is_empty()
    })
    .await;
    world.kill();
    end(&runs).await;
    world.lock("of-ann", "ann@laptop").await;
    let fault = first_fault(run(&runs, world.apply("r4", 0)).await);
    assert_eq!(fault.class, FaultClass::Locked, "{fault}");
    assert_eq!(world.holder().await.as_deref(), Some("of-ann"));

    let mut named = world.apply("r5", 0);
    named.unlock = Some("of-ann".into());
    let end = run(&runs, named).await;
    assert!(end.is_success(), "{end:?}");
    assert_eq!(world.holder().await, None);
}

#[tokio::test]
async fn who_says_nothing_is_asked_to_stop_once() {
    let Some(mut world) = World::start().await else {
        return;
    };
    world.options.silence = Duration::from_millis(1500);
    let runs = world.runs().await;
    // Longer than the silence, and shorter than the first sign of life of an apply.
    let module =
        "resource \"terraform_data\" \"a\" {\n  provisioner \"local-exec\" { command = \"sleep 600\" }\n}\n";
    let fault = first_fault(run(&runs, world.spec("r1", Operation::Apply, module)).await);
    assert_eq!(
        (fault.class, &*fault.code),
        (FaultClass::Transient, "NoActivity"),
        "{fault}"
    );
    assert!(fault.message.contains("said nothing for 1 minute"), "{fault}");
    let log = std::fs::read_to_string(world.options.root.join("w/logs/apply-0.stdout")).unwrap();
    assert!(
        log.contains("Interrupt received") && !log.contains("Two interrupts"),
        "{log}"
    );
    assert_eq!(world.holder().await, None, "it has stopped in order");
}

#[tokio::test]
async fn an_apply_in_the_way_of_a_destroy_is_stopped() {
    let Some(world) = World::start().await else { return };
    let before = world.runs().await;
    before.start(world.apply("r1", 600)).unwrap();
    until(&before, is_making).await;
    drop(before);
    // Nobody has told the new one of the run that is going on.
    let after = world.runs().await;
    let end = run(&after, world.spec("r2", Operation::Destroy, "")).await;
    assert!(end.is_success(), "{end:?}");
    assert_eq!(world.what_was_made(), ["quick"]);
    assert_eq!(world.holder().await, None);
}

#[tokio::test]
async fn a_destroy_of_what_could_never_be_applied_ends_also_with_its_state_in_the_cluster() {
    let Some(world) = World::start().await else { return };
    let runs = world.runs().await;
    let broken = "output \"a\" { value = var.nowhere }";
    for (number, operation) in [("r1", Operation::Apply), ("r2", Operation::Destroy)] {
        let end = run(&runs, world.spec(number, operation, broken)).await;
        assert_eq!(end.is_success(), operation == Operation::Destroy, "{end:?}");
    }
    assert_eq!(world.holder().await, None);
}
