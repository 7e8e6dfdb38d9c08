//! What is applied, changed and destroyed, and in which environment.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use capt_terraform::{Operation, RunEnd, RunId, WorkspaceId};

use crate::demo::{MODULE, apply, options, runs, slow, spec, until, view};

#[tokio::test]
async fn apply_again_update_and_destroy() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    let mut percents = vec![];
    runs.start(spec("r1", MODULE)).unwrap();
    until(&runs, |view| {
        percents.push(view.progress.percent);
        view.end.is_some()
    })
    .await;
    let RunEnd::Succeeded { outputs, changes, .. } = view(&runs).end.unwrap() else {
        panic!("{:?}", view(&runs))
    };
    assert_eq!((changes.add, changes.total()), (5, 5));
    assert_eq!(outputs["names"].value[4], "demo-4");
    assert!(outputs["secret"].sensitive);
    percents.dedup();
    assert!(
        percents.is_sorted() && percents.iter().all(|percent| percent % 20 == 0),
        "{percents:?}"
    );
    assert!(percents.len() >= 5 && percents.ends_with(&[100]), "{percents:?}");

    // Nothing is left that anybody else could read.
    for file in ["run.json", "result.json", "module/main.tf", "logs/apply-0.stdout"] {
        let mode = std::fs::metadata(options.root.join("w").join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    // Inputs, plan and outputs go with the run.
    for file in ["module/in.auto.tfvars.json", "plan.out", "logs/output.stdout"] {
        assert!(!options.root.join("w").join(file).exists(), "{file}");
    }

    let RunEnd::Succeeded { changes, outputs, .. } = apply(&runs, spec("r2", MODULE)).await else {
        panic!()
    };
    assert_eq!((changes.total(), outputs.len()), (0, 2));
    assert!(!format!("{outputs:?}").contains("hunter2"));

    // Another process reads the verdict and does nothing again.
    let later = self::runs(&options).await;
    later.adopt(&WorkspaceId::new("w"), &RunId::new("r2")).unwrap();
    until(&later, |view| view.end.is_some()).await;
    assert_eq!(view(&later).end, view(&runs).end);

    let mut destroy = spec("r3", MODULE);
    destroy.operation = Operation::Destroy;
    let RunEnd::Succeeded { changes, .. } = apply(&runs, destroy).await else {
        panic!()
    };
    assert_eq!((changes.remove, changes.total()), (5, 5));
    runs.forget(&WorkspaceId::new("w")).unwrap();
    assert!(!options.root.join("w").exists());
}

#[tokio::test]
async fn an_output_that_changes_alone_is_applied() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    apply(&runs, spec("r1", "output \"a\" { value = 1 }")).await;
    let RunEnd::Succeeded { outputs, .. } = apply(&runs, spec("r2", "output \"a\" { value = 2 }")).await
    else {
        panic!()
    };
    assert_eq!(outputs["a"].value, 2);
}

#[tokio::test]
async fn the_environment_is_only_what_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    let module = slow(0).replace("sleep 0", "env > $${SEEN}");
    let seen = dir.path().join("seen");
    let mut given = spec("r1", &module.replace("$${SEEN}", "$SEEN"));
    given.env = BTreeMap::from([
        ("SEEN".into(), seen.display().to_string()),
        ("AWS_PROFILE".into(), "p".into()),
    ]);
    assert!(apply(&runs, given).await.is_success(), "{:?}", view(&runs));
    let seen = std::fs::read_to_string(seen).unwrap();
    let names: Vec<_> = seen
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    assert!(
        names.contains(&"AWS_PROFILE") && names.contains(&"PATH"),
        "{names:?}"
    );
    assert!(
        !names
            .iter()
            .any(|name| name.starts_with("CARGO") || *name == "TF_CLI_CONFIG_FILE"),
        "{names:?}"
    );
}
