//! What fails, and what is said of it.

use capt_core::fault::FaultClass;
use capt_terraform::{RunEnd, RunId, SimulatedCloud};

use crate::demo::{MODULE, apply, changes, first_fault, runs, spec};

#[tokio::test(start_paused = true)]
async fn what_does_not_work_fails_as_terraform_would_say() {
    let cases = [
        (
            r#"resource "terraform_data" "a" {"#,
            "Invalid configuration syntax",
            "",
            1,
        ),
        (
            "output \"a\" {\n  value = var.nowhere\n}",
            "Reference to undeclared input variable",
            "output.a",
            2,
        ),
        ("variable \"a\" {}", "No value for required variable", "var.a", 1),
        (
            "resource \"terraform_data\" \"a\" {\n  input = terraform_data.b.id\n}",
            "Reference to undeclared resource",
            "terraform_data.a",
            2,
        ),
        (
            "locals {\n a = local.b\n b = local.a\n}",
            "Cycle: local.a, local.b",
            "",
            0,
        ),
        (
            "resource \"terraform_data\" \"a\" {\n  input = cidrsubnet(\"10.0.0.0/16\", 20, 1)\n}",
            "insufficient address space",
            "terraform_data.a",
            0,
        ),
        (
            "locals {\n  a = cidrsubnet(\"10.0.0.0/16\", 20, 1)\n}",
            "insufficient address space",
            "",
            0,
        ),
        ("resorce \"a\" \"b\" {}", "Unsupported block type", "", 1),
    ];
    for (module, summary, subject, line) in cases {
        let fault = first_fault(apply(&runs(&SimulatedCloud::new()), spec("r1", module, "{}")).await);
        assert!(fault.message.contains(summary), "{}", fault.message);
        assert_eq!(fault.subject, subject, "{}", fault.message);
        if line > 0 {
            assert!(
                fault.position.starts_with(&format!("main.tf:{line},")),
                "{}",
                fault.message
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_scripted_failure_happens_as_often_as_it_says() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    cloud.fail(
        "terraform_data.vpc",
        "creating EC2 VPC: VpcLimitExceeded: The maximum number of VPCs has been reached.",
        1,
    );
    let fault = first_fault(apply(&runs, spec("r1", MODULE, r#"{"name":"demo"}"#)).await);
    assert_eq!(fault.subject, "terraform_data.vpc");
    assert_eq!(cloud.resources("demo"), Vec::<String>::new());
    assert_eq!(
        changes(&apply(&runs, spec("r2", MODULE, r#"{"name":"demo"}"#)).await),
        (4, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_failing_provisioner_taints_and_a_protected_replacement_waits_for_approval() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    let failing = MODULE.replace("echo making; sleep 30", "sleep 1; exit 3");
    let fault = first_fault(apply(&runs, spec("r1", &failing, r#"{"name":"demo"}"#)).await);
    assert!(
        fault.message.contains("local-exec provisioner error"),
        "{}",
        fault.message
    );
    let mut guarded = spec("r2", MODULE, r#"{"name":"demo"}"#);
    guarded.protected = vec!["aws_eks_cluster".into()];
    match apply(&runs, guarded.clone()).await {
        RunEnd::NeedsApproval { changes, .. } => {
            assert_eq!(changes, ["replace aws_eks_cluster.this (tainted)"]);
        }
        other => panic!("{other:?}"),
    }
    guarded.id = RunId::new("r3");
    guarded.approved = true;
    assert_eq!(changes(&apply(&runs, guarded).await), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lost_state_stops_everything() {
    let cloud = SimulatedCloud::new();
    let runs = runs(&cloud);
    apply(&runs, spec("r1", MODULE, r#"{"name":"demo"}"#)).await;
    cloud.lose_state("demo");
    let mut again = spec("r2", MODULE, r#"{"name":"demo"}"#);
    again.expect_state = true;
    let fault = first_fault(apply(&runs, again).await);
    assert_eq!(
        (fault.class, fault.code.as_str()),
        (FaultClass::Integrity, "StateMissing")
    );
    assert_eq!(cloud.counters("demo").plans, 1);
}
