//! Changes in flight, with the real terraform.

use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use crate::harness::{Ended, Place, Running, has, run};

const EKS: &str = "tfws/demo-eks-controlplane";
const VPC: &str = "tfws/demo-vpc";
const CONTROL_PLANE: &str = "captcontrolplane/demo";

/// A sandbox with the demo, whose control plane is being applied by terraform.
struct Applying {
    sandbox: Running,
    kubeconfig: PathBuf,
    /// Dropped last: everything that the programs keep.
    _place: Place,
}

impl Applying {
    fn start() -> Option<Self> {
        if !has("kubectl") || !has("terraform") {
            return None;
        }
        let place = Place::new();
        let mut sandbox = Running::start(place.command("capt").args(["sandbox", "--engine", "terraform"]));
        let world = Self {
            kubeconfig: PathBuf::from(sandbox.line()),
            sandbox,
            _place: place,
        };
        world.kubectl(&["wait", "--for=create", "--timeout=120s", EKS]);
        world.wait("jsonpath={.status.run.stage}=Applying", EKS);
        Some(world)
    }

    fn kubectl(&self, arguments: &[&str]) -> Ended {
        let ended = run(Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(arguments));
        ended.check(ended.status.success(), &arguments.join(" "));
        ended
    }

    fn wait(&self, what: &str, object: &str) {
        self.kubectl(&["wait", &format!("--for={what}"), "--timeout=120s", object]);
    }

    fn at(&self, object: &str, path: &str) -> String {
        self.kubectl(&["get", object, "-o", &format!("jsonpath={{{path}}}")])
            .stdout
    }

    fn end(self) {
        self.sandbox.signal(Signal::INT);
        let _ = self.sandbox.end();
    }
}

#[test]
fn a_version_bump_while_creating_is_one_more_apply() {
    let Some(world) = Applying::start() else { return };
    let raised = r#"{"spec":{"version":"1.32"}}"#;
    world.kubectl(&["patch", CONTROL_PLANE, "--type=merge", "-p", raised]);
    world.wait("jsonpath={.status.version}=v1.32", CONTROL_PLANE);
    world.wait("condition=UpToDate", CONTROL_PLANE);
    world.wait("condition=Ready", CONTROL_PLANE);
    // The apply that had begun, and the one for the new version.
    assert_eq!(world.at(EKS, ".status.run.id"), "2");
    assert_eq!(world.at(VPC, ".status.run.id"), "1");
    assert_eq!(
        world.at(EKS, ".status.appliedInputDigest"),
        world.at(EKS, ".status.inputDigest")
    );
    world.end();
}

#[test]
fn a_deletion_while_creating_leaves_nothing() {
    let Some(world) = Applying::start() else { return };
    world.kubectl(&["delete", "clusters.cluster.x-k8s.io", "demo", "--timeout=180s"]);
    for kind in ["captclusters", "captcontrolplanes", "wtapply", "tfws", "leases"] {
        let left = world.kubectl(&["get", kind, "-o", "name"]);
        left.check(left.stdout.is_empty(), kind);
    }
    let secrets = world.kubectl(&["get", "secrets", "-o", "name"]);
    secrets.check(!secrets.stdout.contains("tfstate"), "a state is left");
    world.end();
}
