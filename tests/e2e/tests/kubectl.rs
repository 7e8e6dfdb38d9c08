//! A sandbox as people look at it with kubectl.

use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::harness::{Ended, Place, Running, has, run};

const KINDS: &str = "cluster,captcluster,captcontrolplane,wtapply,tfws";

fn kubectl(kubeconfig: &Path, arguments: &[&str]) -> Ended {
    let ended = run(Command::new("kubectl")
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(arguments));
    ended.check(ended.status.success(), &arguments.join(" "));
    ended
}

#[test]
fn the_columns_are_there_and_a_deletion_leaves_nothing() {
    if !has("kubectl") || !has("terraform") {
        return;
    }
    let place = Place::new();
    let mut sandbox = Running::start(place.command("capt").args(["sandbox", "--engine", "terraform"]));
    let path = sandbox.line();
    let kubeconfig = Path::new(&path);
    sandbox.hear(" Cluster/demo Available");

    let all = kubectl(kubeconfig, &["get", KINDS, "-A"]);
    let headers: Vec<Vec<&str>> = all
        .stdout
        .lines()
        .filter(|line| line.starts_with("NAMESPACE"))
        .map(|line| line.split_whitespace().collect())
        .collect();
    let wanted = [
        vec!["NAMESPACE", "NAME", "VPC-ID", "READY", "STATE", "ENDPOINT", "AGE"],
        vec![
            "NAMESPACE",
            "NAME",
            "READY",
            "PHASE",
            "STATE",
            "PROGRESS",
            "VERSION",
            "ENDPOINT",
            "AGE",
        ],
        vec![
            "NAMESPACE",
            "NAME",
            "WORKSPACE",
            "APPLIED",
            "STATE",
            "PROGRESS",
            "AGE",
        ],
    ];
    for columns in wanted {
        all.check(headers.contains(&columns), &format!("no table with {columns:?}"));
    }
    let described = run(place
        .command("capt")
        .args(["describe", "cluster", "demo", "--kubeconfig"])
        .arg(kubeconfig));
    described.check(
        described.stdout.contains("\nState:      Ready\n")
            && described.stdout.contains("\nAvailable:  yes\n"),
        "it is not described as ready and available",
    );
    let secrets = kubectl(kubeconfig, &["get", "secrets", "-A", "-o", "name"]);
    for name in [
        "demo-kubeconfig",
        "demo-vpc-vpc-connection",
        "demo-eks-connection",
        "tfstate-default-demo-vpc",
    ] {
        secrets.check(secrets.stdout.contains(name), name);
    }

    kubectl(kubeconfig, &["delete", "cluster", "demo", "--timeout=120s"]);
    for line in [
        " CAPTControlPlane/demo gone",
        // What it lived in goes after it.
        " TerraformWorkspace/demo-vpc Deleting",
        " CAPTCluster/demo gone",
    ] {
        sandbox.hear(line);
    }
    let kinds = format!("{KINDS},secrets,leases");
    let left = kubectl(kubeconfig, &["get", &kinds, "-A", "-o", "name"]);
    left.check(left.stdout.is_empty(), "something is left");

    sandbox.signal(Signal::INT);
    let ended = sandbox.end();
    ended.check(ended.status.code() == Some(130), "it is not Ctrl-C that ended it");
    ended.check(
        ended.stdout.is_empty(),
        "there was more than one line on standard output",
    );
    ended.check(!kubeconfig.exists(), "the kubeconfig outlives the sandbox");
}
