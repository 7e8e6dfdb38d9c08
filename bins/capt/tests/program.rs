//! The program as a shell sees it: what it prints where, and how it ends.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

use std::process::{Command, Output};

use tempfile::TempDir;

const KUBECONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
    clusters:\n- name: gone\n  cluster: {server: 'https://127.0.0.1:1'}\n\
    contexts:\n- name: here\n  context: {cluster: gone, user: me}\n\
    users:\n- name: me\n  user: {token: hunter2}\n";

fn run(program: &std::path::Path, arguments: &[&str]) -> (Output, String) {
    let output = Command::new(program)
        .args(arguments)
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .env("HOME", "/nonexistent")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, errors)
}

fn capt(arguments: &[&str]) -> (Output, String) {
    run(env!("CARGO_BIN_EXE_capt").as_ref(), arguments)
}

#[test]
fn exit_codes_tell_success_failure_and_misuse_apart() {
    let (output, _) = capt(&["completion", "bash"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stdout).contains("complete -F _capt"));
    let (output, errors) = capt(&["describe", "cluster", "demo"]);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.starts_with("error: there is no kubeconfig"), "{errors}");
    let (output, errors) = capt(&["describe", "cluster"]);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    let (output, errors) = capt(&["--context", "x", "sandbox"]);
    assert_eq!(output.status.code(), Some(2), "{errors}");
}

#[test]
fn a_server_that_is_not_there_is_named_with_the_way_to_it() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("config");
    std::fs::write(&path, KUBECONFIG).unwrap();
    let path = path.to_str().unwrap();
    for command in [
        &["describe", "cluster", "demo"][..],
        &["graph", "cluster", "demo"],
        &["watch"],
    ] {
        let arguments = [&["--kubeconfig", path], command].concat();
        let (output, errors) = capt(&arguments);
        assert_eq!(output.status.code(), Some(1), "{errors}");
        let wanted =
            format!("error: cannot reach the API server https://127.0.0.1:1 (context here of {path}): ");
        assert!(errors.starts_with(&wanted), "{errors}");
        assert!(
            !errors.contains("hunter2") && output.stdout.is_empty(),
            "{errors}"
        );
    }
}

#[test]
fn as_a_plugin_it_is_called_kubectl_capt() {
    let directory = TempDir::new().unwrap();
    let plugin = directory.path().join("kubectl-capt");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_capt"), &plugin).unwrap();
    let (output, errors) = run(&plugin, &["describe", "cluster"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        errors.contains("Usage: kubectl capt describe cluster"),
        "{errors}"
    );
    let (output, _) = run(&plugin, &["__complete", "gra"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "graph\n:4\n");
}
