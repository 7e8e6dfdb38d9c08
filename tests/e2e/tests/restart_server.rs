//! An API server that is killed in the middle of everything, and started again with what it has kept.

use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::harness::{Place, Running, has, run};

/// The demo, with a line in `log` for every resource that Terraform makes.
fn traced_demo(place: &Place, log: &Path) -> Vec<PathBuf> {
    let manifests = capt_sandbox::demo::MANIFESTS.into_iter().enumerate();
    manifests
        .map(|(number, (_, manifest))| {
            let traced = manifest.replace("\"sleep ", &format!("\"echo made >> {}; sleep ", log.display()));
            place.file(&format!("{number}.yaml"), &traced)
        })
        .collect()
}

fn kubectl(kubeconfig: &Path, arguments: &[&str]) -> String {
    let ended = run(Command::new("kubectl")
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(arguments));
    ended.check(ended.status.success(), &arguments.join(" "));
    ended.stdout
}

/// The uids of what is there.
fn uids(kubeconfig: &Path) -> String {
    let path = "-o=jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.uid}{\"\\n\"}{end}";
    kubectl(
        kubeconfig,
        &["get", "cluster,captcluster,captcontrolplane,wtapply,tfws", path],
    )
}

/// Waits until the Terraform that works below a directory has ended.
fn outwait_terraform(directory: &Path) {
    let processes = std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let read = |name: &str| std::fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        let cwd = std::fs::read_link(entry.path().join("cwd"));
        cwd.is_ok_and(|cwd| cwd.starts_with(directory)) && read("comm").trim() == "terraform"
    });
    let pids: Vec<String> = processes
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert!(!pids.is_empty(), "terraform died with the API server");
    for pid in pids {
        // It ends with the process that it is told of.
        run(Command::new("tail").args(["-f", "/dev/null", "--pid", &pid]));
    }
}

fn made(log: &Path) -> usize {
    std::fs::read_to_string(log).unwrap().lines().count()
}

/// The locks of Terraform that are held.
fn locks(kubeconfig: &Path) -> String {
    kubectl(
        kubeconfig,
        &[
            "get",
            "leases",
            "-A",
            "-o=jsonpath={.items[*].spec.holderIdentity}",
        ],
    )
}

#[test]
fn a_killed_api_server_comes_back_with_its_world_while_operator_and_terraform_go_on() {
    if !has("terraform") || !has("kubectl") {
        return;
    }
    let place = Place::new();
    let log = place.file("made", "");
    let manifests = traced_demo(&place, &log);
    let data = place.path("data");
    let sandbox = |files: &[PathBuf]| {
        let mut command = place.command("capt");
        command
            .args(["sandbox", "--no-operator", "--data-dir"])
            .arg(&data);
        for file in files {
            command.arg("-f").arg(file);
        }
        Running::start(&mut command)
    };
    let mut first = sandbox(&manifests);
    let kubeconfig = PathBuf::from(first.line());
    assert_eq!(kubeconfig, data.join("kubeconfig"));
    let credentials = std::fs::read_to_string(&kubeconfig).unwrap();
    let work = place.path("work");
    let mut command = place.command("capt-operator");
    command
        .arg("--kubeconfig")
        .arg(&kubeconfig)
        .arg("--work-dir")
        .arg(&work);
    let operator = Running::start(command.args(["--engine", "terraform", "--log", "off"]));
    // Two of six resources are made, the third is under way.
    first.hear(" 2/6 applying terraform_data.cluster");
    let before = uids(&kubeconfig);
    first.signal(Signal::KILL);
    drop(first.end());
    // Terraform comes to its end in the meantime, and nobody is there to take its state or its lock.
    outwait_terraform(&work);
    assert_eq!(made(&log), 5 + 6);

    let mut second = sandbox(&[]);
    assert_eq!(Path::new(&second.line()), kubeconfig);
    second.hear("it goes on where it was, at resourceVersion ");
    let after = std::fs::read_to_string(&kubeconfig).unwrap();
    let without_process = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        without_process(&after),
        without_process(&credentials),
        "the same address, authority and token"
    );
    second.hear(" Cluster/demo Available");
    assert_eq!(uids(&kubeconfig), before, "the same objects");
    assert_eq!(
        made(&log),
        5 + 6,
        "five resources of the VPC and six of the control plane, each once"
    );
    assert_eq!(locks(&kubeconfig).trim(), "", "a lock is left");
    operator.signal(Signal::TERM);
    let ended = operator.end();
    ended.check(ended.status.success(), "the operator did not end well");
}

#[test]
fn a_killed_sandbox_goes_on_alone_whatever_was_under_way() {
    let place = Place::new();
    let data = place.path("data");
    let sandbox = |arguments: &[&str]| {
        let mut command = place.command("capt");
        command.args(["sandbox", "--engine", "simulated", "--data-dir"]);
        command.arg(&data).args(arguments);
        Running::start(&mut command)
    };
    for moment in [
        " CAPTControlPlane/demo ",
        " TerraformWorkspace/demo-vpc Provisioning 20% 1/5",
        " CAPTCluster/demo Ready",
        " 3/6 applying terraform_data.oidc_provider",
    ] {
        let mut killed = sandbox(&[]);
        killed.line();
        killed.hear(moment);
        killed.signal(Signal::KILL);
        drop(killed.end());
    }
    let ended = sandbox(&["--until-ready", "--stats"]).end();
    ended.check(ended.status.success(), "it did not become ready");
    let row = ended
        .stdout
        .lines()
        .find(|line| line.starts_with("demo "))
        .unwrap_or_default();
    ended.check(row.contains(" Ready "), "it is not ready");
    // Once it is, there is nothing left to do.
    let again = sandbox(&["--until-ready", "--stats"]).end();
    again.check(
        again.stderr.contains("; 0 Terraform runs in 0 steps"),
        "something was done again",
    );
}

#[test]
fn a_directory_and_a_kubeconfig_belong_to_one_sandbox_at_a_time() {
    let place = Place::new();
    let (data, kubeconfig) = (place.path("data"), place.path("config"));
    let command = |data: Option<&Path>, kubeconfig: Option<&Path>| {
        let mut command = place.command("capt");
        command.args(["sandbox", "--engine", "simulated"]);
        for (flag, path) in [("--data-dir", data), ("--kubeconfig", kubeconfig)] {
            command.args(path.map(|_| flag)).args(path);
        }
        command
    };
    let mut first = Running::start(&mut command(Some(&data), Some(&kubeconfig)));
    assert_eq!(Path::new(&first.line()), kubeconfig);
    let written = std::fs::read_to_string(&kubeconfig).unwrap();
    let pid = std::fs::read_to_string(data.join("lock")).unwrap();
    let pid = format!("(process {})", pid.trim());

    let refused = run(&mut command(Some(&data), None));
    refused.check(refused.status.code() == Some(1), "two have the same directory");
    refused.check(
        refused.stderr.contains(&pid),
        "it is not said whose the directory is",
    );
    let refused = run(&mut command(None, Some(&kubeconfig)));
    refused.check(refused.status.code() == Some(1), "two have the same kubeconfig");
    refused.check(
        refused.stderr.contains(&pid),
        "it is not said whose the kubeconfig is",
    );
    assert_eq!(std::fs::read_to_string(&kubeconfig).unwrap(), written);

    // Beside it there is room for others.
    let mut second = Running::start(&mut command(None, None));
    let other = second.line();
    let server = |text: &str| {
        text.lines()
            .find(|line| line.contains("server:"))
            .map(str::to_owned)
    };
    assert_ne!(
        server(&std::fs::read_to_string(&other).unwrap()),
        server(&written)
    );
    second.signal(Signal::TERM);
    let ended = second.end();
    ended.check(ended.status.code() == Some(143), "SIGTERM is not what ended it");
    first.signal(Signal::INT);
    let ended = first.end();
    ended.check(ended.status.code() == Some(130), "SIGINT is not what ended it");
    let kept = format!("go on with: capt sandbox --data-dir {}", data.display());
    ended.check(ended.stderr.contains(&kept), "it is not said how to go on");
    // The next start finds the kubeconfig where it was put.
    let mut again = Running::start(&mut command(Some(&data), None));
    assert_eq!(Path::new(&again.line()), kubeconfig);
}

#[test]
fn a_file_that_was_changed_is_an_error_and_not_a_new_beginning() {
    let place = Place::new();
    let data = place.path("data");
    let sandbox = || {
        let mut command = place.command("capt");
        command
            .args(["sandbox", "--engine", "simulated", "--data-dir"])
            .arg(&data);
        Running::start(&mut command)
    };
    let mut first = sandbox();
    first.line();
    first.hear(" CAPTControlPlane/demo ");
    first.signal(Signal::KILL);
    drop(first.end());
    let world = data.join("world");
    let mut bytes = std::fs::read(&world).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&world, &bytes).unwrap();
    let refused = sandbox().end();
    refused.check(refused.status.code() == Some(1), "a damaged file was taken");
    refused.check(
        refused.stderr.contains("is damaged: its checksum does not fit"),
        "the cause is not named",
    );
    assert_eq!(std::fs::read(&world).unwrap(), bytes, "it is left as it was");

    // A last record that was cut off is another thing: nobody was told that it was written.
    bytes[middle] ^= 1;
    bytes.truncate(bytes.len() - 7);
    std::fs::write(&world, &bytes).unwrap();
    let mut again = sandbox();
    again.line();
    again.hear("were never written completely and are dropped");
}
