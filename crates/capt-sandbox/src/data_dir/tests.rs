use std::os::unix::fs::PermissionsExt as _;

use kube_sim::Credentials;
use tempfile::TempDir;

use super::{DataDir, DataDirError, Settings};

fn settings() -> Settings {
    Settings::new(Credentials::generate().unwrap(), 4711, "/elsewhere/config".into())
}

#[test]
fn what_was_written_down_is_there_the_next_time() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("deep/inside");
    let mut data = DataDir::open(&path).unwrap();
    assert_eq!(data.settings(), None);
    assert_eq!(data.kubeconfig(), path.join("kubeconfig"));
    assert!(!data.has_begun());
    let settings = settings();
    data.set_settings(settings.clone()).unwrap();
    drop(data);

    let mut data = DataDir::open(&path).unwrap();
    assert_eq!(data.settings(), Some(&settings));
    assert_eq!(data.kubeconfig().to_str(), Some("/elsewhere/config"));
    assert!(!data.has_begun());
    data.begin().unwrap();
    drop(data);
    assert!(DataDir::open(&path).unwrap().has_begun());
}

#[test]
fn it_is_for_its_owner_alone() {
    let place = TempDir::new().unwrap();
    let path = place.path().join("data");
    let mut data = DataDir::open(&path).unwrap();
    data.set_settings(settings()).unwrap();
    for (name, mode) in [("", 0o700), ("lock", 0o600), ("sandbox.json", 0o600)] {
        let permissions = path.join(name).metadata().unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, mode, "{name:?}");
    }
}

#[test]
fn two_at_a_time_cannot_have_it() {
    let place = TempDir::new().unwrap();
    let first = DataDir::open(place.path()).unwrap();
    let refused = DataDir::open(place.path()).unwrap_err();
    let own = std::process::id();
    assert!(
        matches!(refused, DataDirError::InUse { pid, .. } if pid == Some(own)),
        "{refused}"
    );
    assert_eq!(
        refused.to_string(),
        format!(
            "the sandbox {} is running already (process {own}): use it, stop it, or name another directory",
            place.path().display()
        )
    );
    drop(first);
    DataDir::open(place.path()).unwrap();
}

#[test]
fn what_is_not_a_sandbox_is_left_alone() {
    let place = TempDir::new().unwrap();
    std::fs::write(place.path().join("letters.txt"), "dear").unwrap();
    let refused = DataDir::open(place.path()).unwrap_err();
    assert!(matches!(refused, DataDirError::Foreign(_)), "{refused}");
    assert_eq!(place.path().read_dir().unwrap().count(), 1);
}

#[test]
fn settings_that_cannot_be_read_are_named() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("sandbox.json");
    drop(DataDir::open(place.path()).unwrap());
    std::fs::write(&file, "{\"format\": 2, \"more\": {}}").unwrap();
    let newer = DataDir::open(place.path()).unwrap_err();
    assert!(matches!(newer, DataDirError::Version { found: 2, .. }), "{newer}");
    std::fs::write(&file, "{\"format\": 1").unwrap();
    let broken = DataDir::open(place.path()).unwrap_err();
    assert_eq!(broken.to_string(), format!("read {}", file.display()));
}
