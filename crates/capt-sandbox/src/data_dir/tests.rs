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

/// What is written down about the kubeconfig.
fn written(directory: &std::path::Path) -> String {
    let text = std::fs::read_to_string(directory.join("sandbox.json")).unwrap();
    let settings: serde_json::Value = serde_json::from_str(&text).unwrap();
    settings["kubeconfig"].as_str().unwrap().to_owned()
}

#[test]
fn a_directory_that_is_moved_or_copied_has_a_kubeconfig_of_its_own() {
    let place = TempDir::new().unwrap();
    let (first, second) = (place.path().join("first"), place.path().join("second"));
    let mut data = DataDir::open(&first).unwrap();
    let own = Settings::new(Credentials::generate().unwrap(), 4711, data.kubeconfig());
    data.set_settings(own.clone()).unwrap();
    assert_eq!(written(&first), "kubeconfig");
    assert_eq!(data.kubeconfig(), first.join("kubeconfig"));
    drop(data);
    std::fs::rename(&first, &second).unwrap();
    assert_eq!(
        DataDir::open(&second).unwrap().kubeconfig(),
        second.join("kubeconfig")
    );
    // One that somebody has put elsewhere inside goes along as well, and one outside stays.
    let mut data = DataDir::open(&second).unwrap();
    for named in ["deep/config", "/elsewhere/kubeconfigs/x"] {
        let kubeconfig = second.join(named);
        data.set_settings(Settings {
            kubeconfig: kubeconfig.clone(),
            ..own.clone()
        })
        .unwrap();
        assert_eq!(written(&second), named);
        assert_eq!(data.kubeconfig(), kubeconfig);
    }
}

#[test]
fn the_whole_paths_that_earlier_versions_wrote_are_understood() {
    let place = TempDir::new().unwrap();
    let own = place.path().join("own");
    let other = place.path().join("other");
    let mut data = DataDir::open(&own).unwrap();
    data.set_settings(settings()).unwrap();
    drop(data);
    DataDir::open(&other).unwrap().set_settings(settings()).unwrap();
    std::fs::create_dir(place.path().join("elsewhere")).unwrap();
    for (path, expected) in [
        // Where it is still.
        (own.join("kubeconfig"), own.join("kubeconfig")),
        // It was moved from a place that is gone, and copied from one that is there.
        (place.path().join("gone/kubeconfig"), own.join("kubeconfig")),
        (other.join("kubeconfig"), own.join("kubeconfig")),
        // Somebody has named these.
        (
            place.path().join("elsewhere/kubeconfig"),
            place.path().join("elsewhere/kubeconfig"),
        ),
        (other.join("for-me"), other.join("for-me")),
    ] {
        let file = own.join("sandbox.json");
        let text = std::fs::read_to_string(&file).unwrap();
        let mut settings: serde_json::Value = serde_json::from_str(&text).unwrap();
        settings["kubeconfig"] = path.to_str().unwrap().into();
        std::fs::write(&file, settings.to_string()).unwrap();
        assert_eq!(
            DataDir::open(&own).unwrap().kubeconfig(),
            expected,
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_path_is_told_without_detours() {
    let place = TempDir::new().unwrap();
    let base = place.path().canonicalize().unwrap();
    let data = DataDir::open(&base.join("not-there/../data")).unwrap();
    assert_eq!(data.path(), base.join("data"));
    assert!(!base.join("not-there").exists());
    // What is behind a link is beside what it leads to.
    std::fs::create_dir_all(base.join("deep/inside")).unwrap();
    std::os::unix::fs::symlink(base.join("deep/inside"), base.join("link")).unwrap();
    let data = DataDir::open(&base.join("link/../beside")).unwrap();
    assert_eq!(data.path(), base.join("deep/beside"));
}
