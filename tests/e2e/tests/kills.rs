//! Operators and Terraform processes that are killed in the middle of their work.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Place, Running, has, run};

/// A sandbox without an operator, whose resources each leave a line when they are made.
struct World {
    place: Place,
    sandbox: Running,
    kubeconfig: PathBuf,
    made: PathBuf,
}

impl World {
    fn start() -> Self {
        let place = Place::new();
        let made = place.file("made", "");
        let kubeconfig = place.path("kubeconfig");
        let mut command = place.command("capt");
        command
            .args(["sandbox", "--no-operator", "--kubeconfig"])
            .arg(&kubeconfig);
        for (number, (_, manifest)) in capt_sandbox::demo::MANIFESTS.into_iter().enumerate() {
            let traced = manifest.replace("\"sleep ", &format!("\"echo made >> {}; sleep ", made.display()));
            command
                .arg("-f")
                .arg(place.file(&format!("{number}.yaml"), &traced));
        }
        let mut sandbox = Running::start(&mut command);
        assert_eq!(Path::new(&sandbox.line()), kubeconfig);
        Self {
            place,
            sandbox,
            kubeconfig,
            made,
        }
    }

    fn operator(&self) -> Running {
        let mut command = self.place.command("capt-operator");
        command
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .arg("--work-dir")
            .arg(self.place.path("work"));
        Running::start(command.args(["--engine", "terraform", "--log", "off"]))
    }

    fn kubectl(&self, arguments: &[&str]) -> String {
        let ended = run(Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(arguments));
        ended.check(ended.status.success(), &arguments.join(" "));
        ended.stdout.clone()
    }

    fn made(&self) -> usize {
        std::fs::read_to_string(&self.made).unwrap().lines().count()
    }

    /// The Terraform process that works for the operator; the leader of its group.
    fn terraform(&self) -> Pid {
        let work = self.place.path("work");
        let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let found = entries.into_iter().find(|entry| {
            let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            let cwd = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            name.trim() == "terraform" && cwd.starts_with(&work)
        });
        let entry = found.expect("terraform works for the operator");
        Pid::from_raw(entry.file_name().to_string_lossy().parse().unwrap()).unwrap()
    }

    /// Who holds locks of Terraform states.
    fn locks(&self) -> String {
        let holders = "jsonpath={.items[*].spec.holderIdentity}";
        self.kubectl(&["get", "leases", "-A", "-l", "tfstate=true", "-o", holders])
    }
}

fn has_all() -> bool {
    has("terraform") && has("kubectl")
}

#[test]
fn a_terraform_that_is_killed_in_its_apply_leaves_no_lock() {
    if !has_all() {
        return;
    }
    let mut world = World::start();
    let operator = world.operator();
    world.sandbox.hear(" 2/6 applying terraform_data.cluster");
    kill_process(world.terraform(), Signal::KILL).unwrap();
    world.sandbox.hear(" Cluster/demo Available");
    assert_eq!(world.locks(), "");
    let history = world.kubectl(&[
        "get",
        "tfws",
        "demo-eks-controlplane",
        "-o",
        "jsonpath={.status.recovery.history[*].action}",
    ]);
    assert!(history.contains("Unlock"), "{history}");
    // Terraform stores its state every twenty seconds: what it made since is made once more, and nothing else.
    let made = world.made();
    assert!((5 + 6 + 1..=5 + 6 + 3).contains(&made), "{made} were made");
    drop(operator);
}

#[test]
fn operator_and_terraform_that_are_killed_together_leave_no_lock() {
    if !has_all() {
        return;
    }
    let mut world = World::start();
    let operator = world.operator();
    world.sandbox.hear(" 2/6 applying terraform_data.cluster");
    let terraform = world.terraform();
    operator.signal(Signal::KILL);
    kill_process(terraform, Signal::KILL).unwrap();
    drop(operator.end());
    let operator = world.operator();
    world.sandbox.hear(" Cluster/demo Available");
    assert_eq!(world.locks(), "");
    drop(operator);
}

#[test]
fn operators_that_are_stopped_and_killed_lose_nothing_on_the_way_in_and_out() {
    if !has_all() {
        return;
    }
    let mut world = World::start();
    let operator = world.operator();
    world.sandbox.hear(" TerraformWorkspace/demo-vpc Provisioning");
    operator.signal(Signal::TERM);
    let ended = operator.end();
    ended.check(ended.status.success(), "it did not end well");

    let operator = world.operator();
    world.sandbox.hear(" 1/6 ");
    operator.signal(Signal::TERM);
    drop(operator.end());

    let operator = world.operator();
    world.sandbox.hear(" Cluster/demo Available");
    assert_eq!(world.made(), 5 + 6, "each once");
    // What the destroy would read goes first.
    world.kubectl(&["delete", "secrets", "--all", "--wait=false"]);
    world.kubectl(&["delete", "workspacetemplates", "--all"]);
    world.kubectl(&["delete", "cluster", "demo", "--wait=false"]);
    world
        .sandbox
        .hear(" TerraformWorkspace/demo-eks-controlplane Deleting");
    operator.signal(Signal::KILL);
    drop(operator.end());

    let operator = world.operator();
    world.sandbox.hear(" CAPTCluster/demo gone");
    let kinds = "cluster,captcluster,captcontrolplane,wtapply,tfws,secrets,leases";
    assert_eq!(world.kubectl(&["get", kinds, "-A", "-o", "name"]), "");
    drop(operator);
}

#[test]
fn the_namespace_of_a_ready_cluster_ends() {
    if !has_all() {
        return;
    }
    let place = Place::new();
    let team = |manifest: &str| manifest.replace("namespace: default", "namespace: team");
    let mut command = place.command("capt");
    command.args(["sandbox", "--engine", "terraform"]);
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n";
    command.arg("-f").arg(place.file("0.yaml", namespace));
    for (number, (_, manifest)) in capt_sandbox::demo::MANIFESTS.into_iter().enumerate() {
        let name = format!("{}.yaml", number + 1);
        command.arg("-f").arg(place.file(&name, &team(manifest)));
    }
    let mut sandbox = Running::start(&mut command);
    let kubeconfig = sandbox.line();
    sandbox.hear(" Cluster/team/demo Available");
    let ended = run(Command::new("kubectl").args(["--kubeconfig", &kubeconfig]).args([
        "delete",
        "namespace",
        "team",
        "--timeout=150s",
    ]));
    ended.check(ended.status.success(), "the namespace does not end");
}
