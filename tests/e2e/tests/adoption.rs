//! An operator that is killed in the middle of its work.

use std::path::Path;

use rustix::process::Signal;

use crate::harness::{Place, Running, has};

/// The processes that work below a directory.
fn processes_below(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let works_there = |entry: &std::fs::DirEntry| {
        let is_process = entry.file_name().to_string_lossy().parse::<u32>().is_ok();
        is_process && std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(directory))
    };
    let mut names: Vec<String> = entries
        .filter(works_there)
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_killed_operator_finds_its_terraform_again_and_applies_nothing_twice() {
    if !has("terraform") {
        return;
    }
    let place = Place::new();
    // Every resource that is made leaves a line.
    let log = place.file("made", "");
    let mut command = place.command("capt");
    let kubeconfig = place.path("kubeconfig");
    command
        .args(["sandbox", "--no-operator", "--kubeconfig"])
        .arg(&kubeconfig);
    for (number, (_, manifest)) in capt_sandbox::demo::MANIFESTS.into_iter().enumerate() {
        let traced = manifest.replace("\"sleep ", &format!("\"echo made >> {}; sleep ", log.display()));
        command
            .arg("-f")
            .arg(place.file(&format!("{number}.yaml"), &traced));
    }
    let mut sandbox = Running::start(&mut command);
    assert_eq!(Path::new(&sandbox.line()), kubeconfig);

    let work_dir = place.path("work");
    let operator = || {
        let mut command = place.command("capt-operator");
        command
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .arg("--work-dir")
            .arg(&work_dir);
        Running::start(command.args(["--engine", "terraform", "--log", "off"]))
    };
    let first = operator();
    // Two of six resources are made, the third is under way.
    sandbox.hear(" 2/6 applying terraform_data.cluster");
    first.signal(Signal::KILL);
    drop(first.end());
    let alive = processes_below(&work_dir);
    assert!(
        alive.iter().any(|name| name == "terraform"),
        "terraform died with the operator: {alive:?}"
    );

    let second = operator();
    sandbox.hear(" Cluster/demo Available");
    let made = std::fs::read_to_string(&log).unwrap().lines().count();
    assert_eq!(
        made,
        5 + 6,
        "five resources of the VPC and six of the control plane, each once"
    );
    second.signal(Signal::TERM);
    let ended = second.end();
    ended.check(ended.status.success(), "the operator did not end well");
}
