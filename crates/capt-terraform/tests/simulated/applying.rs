//! What an apply makes, and what it leaves alone.

use capt_core::fault::FaultClass;
use capt_terraform::run::ResourceStatus;
use capt_terraform::{Operation, RunEnd, SimulatedCloud, Stage};
use futures::StreamExt;

use crate::demo::{MODULE, apply, changes, first_fault, runs, spec, view};

#[tokio::test(start_paused = true)]
async fn an_apply_makes_everything_and_reads_the_outputs() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    let end = apply(&runs, spec("r1", MODULE, r#"{"name":"demo"}"#)).await;
    assert_eq!(changes(&end), (4, 0, 0));
    let RunEnd::Succeeded {
        outputs, finished_at, ..
    } = end
    else {
        unreachable!()
    };
    assert_eq!(outputs["name"].value, "demo");
    assert!(
        outputs["cluster_endpoint"]
            .value
            .as_str()
            .unwrap()
            .starts_with("https://")
    );
    assert!(outputs["cluster_certificate_authority_data"].sensitive);
    assert!(outputs["subnets"].value.as_str().unwrap().ends_with("-1"));
    // 0.5 s init, 0.5 s plan, 2 s vpc, 2 s subnets, 30 s cluster.
    assert_eq!(finished_at.as_second(), 35);
    let view = view(&runs);
    assert_eq!(
        (view.stage, view.progress.percent, view.progress.completed),
        (Stage::Ended, 100, 4)
    );
    assert!(
        view.progress
            .resources
            .iter()
            .all(|resource| resource.status == ResourceStatus::Complete)
    );
}

#[tokio::test(start_paused = true)]
async fn progress_follows_the_events_and_never_goes_back() {
    let runs = runs(&SimulatedCloud::new());
    runs.start(spec("r1", MODULE, r#"{"name":"demo"}"#)).unwrap();
    let mut changes = std::pin::pin!(runs.changes());
    let mut seen = vec![];
    while view(&runs).end.is_none() {
        changes.next().await;
        seen.push(view(&runs).progress);
    }
    assert!(
        seen.windows(2).all(|pair| pair[0].percent <= pair[1].percent),
        "{seen:?}"
    );
    assert!(
        seen.iter()
            .any(|progress| progress.current == ["aws_eks_cluster.this"])
    );
    let mut values: Vec<_> = seen.iter().map(|progress| progress.percent).collect();
    values.dedup();
    assert!(values.len() >= 5, "{values:?}");
}

#[tokio::test(start_paused = true)]
async fn the_same_again_changes_nothing_and_another_input_updates() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    apply(&runs, spec("r1", MODULE, r#"{"name":"demo"}"#)).await;
    let again = apply(&runs, spec("r2", MODULE, r#"{"name":"demo"}"#)).await;
    assert_eq!(changes(&again), (0, 0, 0));
    assert_eq!(cloud.counters("demo").applies, 1);
    let other = apply(&runs, spec("r3", MODULE, r#"{"name":"other"}"#)).await;
    assert_eq!(changes(&other), (0, 2, 0));
    let mut destroy = spec("r4", MODULE, r#"{"name":"other"}"#);
    destroy.operation = Operation::Destroy;
    assert_eq!(changes(&apply(&runs, destroy).await), (0, 0, 4));
    assert_eq!(cloud.resources("demo"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_stale_plan_is_made_again_once() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    let stale = || capt_core::fault::Fault::new(FaultClass::Transient, "StalePlan", "Saved plan is stale");
    cloud.fail("demo", stale(), 1);
    assert_eq!(
        changes(&apply(&runs, spec("r1", MODULE, r#"{"name":"demo"}"#)).await),
        (4, 0, 0)
    );
    assert_eq!(cloud.counters("demo").plans, 2);
    cloud.fail("demo", stale(), 2);
    let fault = first_fault(apply(&runs, spec("r2", MODULE, r#"{"name":"x"}"#)).await);
    assert_eq!(fault.code, "StalePlan");
}
