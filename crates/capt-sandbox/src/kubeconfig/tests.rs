use std::os::unix::fs::PermissionsExt as _;
use std::sync::Barrier;

use tempfile::TempDir;

use super::{Kubeconfig, KubeconfigError};

const TEXT: &str = "apiVersion: v1\nkind: Config\nclusters:\n- name: kube-sim\n";

#[test]
fn it_is_written_for_its_owner_alone_and_removed() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("kubeconfig");
    let kubeconfig = Kubeconfig::write(&path, TEXT).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        text,
        format!("# of the sandbox of process {}\n{TEXT}", std::process::id())
    );
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(place.path().read_dir().unwrap().count(), 1);
    kubeconfig.remove().unwrap();
    assert!(!path.exists());
}

#[test]
fn that_of_a_running_sandbox_is_refused_and_left_alone() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("kubeconfig");
    let first = Kubeconfig::write(&path, TEXT).unwrap();
    for refused in [
        Kubeconfig::check(&path).unwrap_err(),
        Kubeconfig::write(&path, TEXT).unwrap_err(),
    ] {
        let own = std::process::id();
        assert!(
            matches!(refused, KubeconfigError::InUse { pid, .. } if pid == Some(own)),
            "{refused}"
        );
    }
    assert_eq!(place.path().read_dir().unwrap().count(), 1);
    // What a sandbox has left that was killed may be replaced.
    drop(first);
    Kubeconfig::check(&path).unwrap();
    let second = Kubeconfig::write(&path, TEXT).unwrap();
    assert_eq!(second.path(), path);
}

#[test]
fn that_of_somebody_else_is_never_replaced() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("config");
    std::fs::write(&path, "apiVersion: v1\nkind: Config\n").unwrap();
    assert!(matches!(
        Kubeconfig::write(&path, TEXT),
        Err(KubeconfigError::Foreign(_))
    ));
    // Not even if it has come since.
    std::fs::remove_file(&path).unwrap();
    let kubeconfig = Kubeconfig::write(&path, TEXT).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "mine").unwrap();
    kubeconfig.remove().unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn of_many_that_want_it_at_once_one_has_it() {
    for leftover in [false, true] {
        let place = TempDir::new().unwrap();
        let path = place.path().join("kubeconfig");
        if leftover {
            std::fs::write(&path, TEXT).unwrap();
        }
        let start = Barrier::new(8);
        let results: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|number| {
                    let (start, path) = (&start, &path);
                    scope.spawn(move || {
                        let beside = path.with_file_name(format!("beside-{number}"));
                        let file = super::write_locked(&beside, TEXT).unwrap();
                        start.wait();
                        let placed = super::place(&beside, path);
                        let _ = std::fs::remove_file(&beside);
                        placed.map(|()| file)
                    })
                })
                .collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        let placed = results.iter().filter(|it| it.is_ok()).count();
        assert_eq!(placed, 1, "leftover: {leftover}");
    }
}
