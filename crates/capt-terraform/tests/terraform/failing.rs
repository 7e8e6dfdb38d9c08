//! What fails, what is said of it, and what is not.

use capt_core::fault::FaultClass;
use capt_terraform::{Operation, RunEnd, WorkspaceId};

use crate::demo::{apply, faults, options, runs, slow, spec};

#[tokio::test]
async fn a_failing_resource_says_why_without_its_command_and_is_guarded_when_tainted() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    let module = slow(0).replace("sleep 0", "echo no route to host; exit 3");
    let plain = faults(apply(&runs, spec("r0", &module)).await);
    assert!(
        plain[0]
            .message
            .ends_with("exit status 3; it printed: no route to host"),
        "{}",
        plain[0].message
    );
    // What Terraform itself holds back is not told either.
    let sensitive = "variable \"token\" {\n  sensitive = true\n  default = \"s3cr3t-word\"\n}\n";
    let module = slow(0).replace("sleep 0", "echo ${var.token}; exit 3");
    let faults = faults(apply(&runs, spec("r1", &format!("{module}{sensitive}"))).await);
    assert_eq!(faults[0].subject, "terraform_data.slow");
    assert!(
        faults[0].message.contains("exit status 3"),
        "{}",
        faults[0].message
    );
    assert!(faults[0].position.starts_with("main.tf:2,"), "{}", faults[0]);
    assert!(
        !faults[0].message.contains("s3cr3t-word"),
        "{}",
        faults[0].message
    );

    let mut guarded = spec("r2", &slow(0));
    guarded.protected = vec!["terraform_data".into()];
    match apply(&runs, guarded).await {
        RunEnd::NeedsApproval { changes, .. } => {
            assert_eq!(changes, ["replace terraform_data.slow (tainted)"]);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn mistakes_in_the_configuration_are_the_writers() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    let precondition = "resource \"terraform_data\" \"a\" {\n  lifecycle {\n    precondition {\n      \
                        condition     = var.name != \"demo\"\n      error_message = \"no demo\"\n    }\n  }\n}\n\
                        variable \"name\" {}\n";
    let cases = [
        (
            "resource \"terraform_data\" \"a\" {",
            "Unclosed configuration block",
            "terraform_data.a",
        ),
        (
            "variable \"missing\" {}",
            "No value for required variable",
            "var.missing",
        ),
        (
            "output \"a\" { value = var.nowhere }",
            "Reference to undeclared input variable",
            "output.a",
        ),
        ("output \"a b\" { value = 1 }", "Invalid output name", ""),
        (
            "resource \"terraform_data\" \"a\" { colour = 1 }",
            "Unsupported argument",
            "terraform_data.a",
        ),
        (
            "output \"a\" { value = cidrsubnet(\"10.0.0.0/16\", 20, 1) }",
            "Error in function call",
            "output.a",
        ),
        (
            precondition,
            "Resource precondition failed: no demo",
            "terraform_data.a",
        ),
    ];
    for (number, (module, summary, subject)) in cases.into_iter().enumerate() {
        let faults = faults(apply(&runs, spec(&format!("r{number}"), module)).await);
        assert_eq!(faults[0].class, FaultClass::Invalid, "{faults:?}");
        assert!(faults[0].message.contains(summary), "{faults:?}");
        assert_eq!(faults[0].subject, subject, "{faults:?}");
        let line = if module == precondition { 4 } else { 1 };
        let place = format!("main.tf:{line},");
        assert!(faults[0].position.starts_with(&place), "{faults:?}");
    }
}

#[tokio::test]
async fn a_secret_input_that_a_message_echoes_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    let module = r#"
variable "password" {
  type = string
  validation {
    condition     = length(var.password) > 100
    error_message = "The password ${var.password} (${jsonencode(var.password)}) is too short."
  }
}
"#;
    let mut echoing = spec("r1", module);
    let secret = "pass<\"word\">-1";
    let values = serde_json::json!({ "password": secret });
    echoing
        .files
        .insert("in.auto.tfvars.json".into(), values.to_string().into_bytes());
    echoing.redact = vec![secret.into()];
    let faults = faults(apply(&runs, echoing).await);
    assert!(
        faults[0]
            .message
            .contains("The password (redacted) (\"(redacted)\") is too short."),
        "{faults:?}"
    );
    for kept in ["run.json", "result.json"] {
        let text = std::fs::read_to_string(options.root.join("w").join(kept)).unwrap();
        assert!(!text.contains("pass<"), "{kept}: {text}");
    }
}

#[tokio::test]
async fn a_state_that_was_lost_or_not_stored_is_not_planned_over() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    let mut lost = spec("r1", &slow(0));
    lost.expect_state = true;
    let found = faults(apply(&runs, lost).await);
    assert_eq!(
        (found[0].class, found[0].code.as_str()),
        (FaultClass::Integrity, "StateMissing")
    );

    assert!(apply(&runs, spec("r2", &slow(0))).await.is_success());
    let state = std::fs::read(options.root.join("w/terraform.tfstate")).unwrap();
    std::fs::write(options.root.join("w/module/errored.tfstate"), &state).unwrap();
    std::fs::remove_file(options.root.join("w/terraform.tfstate")).unwrap();
    assert_eq!(
        runs.forget(&WorkspaceId::new("w")).unwrap_err().code,
        "UnstoredState"
    );
    let mut again = spec("r3", &slow(0));
    again.expect_state = true;
    let end = apply(&runs, again).await;
    assert!(
        matches!(&end, RunEnd::Succeeded { changes, .. } if changes.total() == 0),
        "{end:?}"
    );
    assert!(!options.root.join("w/module/errored.tfstate").exists());
}

#[tokio::test]
async fn a_destroy_of_what_could_never_be_applied_needs_no_mending() {
    let dir = tempfile::tempdir().unwrap();
    let Some(options) = options(dir.path()) else {
        return;
    };
    let runs = runs(&options).await;
    let broken = "resource \"terraform_data\" \"a\" {";
    assert!(!apply(&runs, spec("r1", broken)).await.is_success());
    let destroy = |run: &str| {
        let mut destroy = spec(run, broken);
        destroy.operation = Operation::Destroy;
        destroy
    };
    let end = apply(&runs, destroy("r2")).await;
    assert!(
        matches!(&end, RunEnd::Succeeded { changes, .. } if changes.total() == 0),
        "{end:?}"
    );

    // Where something was made, it must be read how.
    assert!(apply(&runs, spec("r3", &slow(0))).await.is_success());
    let faults = faults(apply(&runs, destroy("r4")).await);
    assert_eq!(faults[0].class, FaultClass::Invalid, "{faults:?}");
    std::fs::remove_file(options.root.join("w/terraform.tfstate")).unwrap();
    // A state that was lost is no proof that there was nothing.
    let mut lost = destroy("r5");
    lost.expect_state = true;
    assert!(!apply(&runs, lost).await.is_success());
}
