//! Applies that stand alone.

use std::time::Duration;

use capt_api::{TerraformWorkspace, WorkspaceTemplate, WorkspaceTemplateApply};
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};

use crate::harness::{Harness, condition, outputs};
use crate::player::Script;

const TEMPLATE: &str = r#"
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: WorkspaceTemplate
metadata: {name: plain, namespace: default}
spec:
  template:
    spec:
      forProvider:
        source: Inline
        vars: [{key: name, value: "${name}"}]
        module: "locals { a = \"${name}\" }"
"#;

async fn apply(harness: &Harness, name: &str, spec: Value) {
    let mut object = json!({
        "apiVersion": "infrastructure.cluster.x-k8s.io/v1beta1",
        "kind": "WorkspaceTemplateApply",
        "metadata": { "name": name, "namespace": "default" },
        "spec": { "templateRef": { "name": "plain" }, "variables": { "name": "n" } },
    });
    for (field, value) in spec.as_object().unwrap() {
        object["spec"][field] = value.clone();
    }
    harness.apply(&object.to_string()).await;
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_named_is_waited_for() {
    let harness = Harness::start(Script::default()).await;
    let waits = json!({ "waitForSecrets": [{ "name": "late" }], "waitForWorkspaces": [{ "name": "first" }] });
    apply(&harness, "second-apply", waits).await;
    let reasons = |object: &Value| -> Vec<Value> {
        let waits = object["status"]["waits"].as_array().cloned().unwrap_or_default();
        waits.iter().map(|wait| wait["reason"].clone()).collect()
    };
    let all = [
        json!("WorkspaceTemplateNotFound"),
        json!("SecretMissing"),
        json!("WorkspaceNotReady"),
    ];
    harness
        .until::<WorkspaceTemplateApply>("second-apply", "waiting for all", |it| reasons(it) == all)
        .await;
    harness.apply(TEMPLATE).await;
    harness
        .until::<WorkspaceTemplateApply>("second-apply", "waiting for two", |it| reasons(it) == all[1..])
        .await;
    harness
        .apply("apiVersion: v1\nkind: Secret\nmetadata: {name: late, namespace: default}")
        .await;
    harness
        .until::<WorkspaceTemplateApply>("second-apply", "waiting for one", |it| reasons(it) == all[2..])
        .await;
    assert!(harness.log().is_empty());
    apply(&harness, "first", json!({})).await;
    harness
        .until_state::<WorkspaceTemplateApply>("second-apply", "Ready")
        .await;
    assert_eq!(harness.log(), ["apply first", "apply second"]);

    // Nothing that vanishes later tears down what runs.
    harness.delete::<Secret>("late").await;
    harness.delete::<WorkspaceTemplateApply>("first").await;
    harness.delete::<WorkspaceTemplate>("plain").await;
    harness.pass(Duration::from_mins(30)).await;
    let apply = harness.see::<WorkspaceTemplateApply>("second-apply").await;
    assert_eq!(apply["status"]["state"], "Ready");
    assert_eq!(condition(&apply, "Ready")["status"], "True");
}

#[tokio::test(start_paused = true)]
async fn applies_that_wait_for_each_other_name_the_way() {
    let harness = Harness::start(Script::default()).await;
    harness.apply(TEMPLATE).await;
    apply(
        &harness,
        "a-apply",
        json!({ "waitForWorkspaces": [{ "name": "b" }] }),
    )
    .await;
    apply(&harness, "b", json!({ "waitForWorkspaces": [{ "name": "a" }] })).await;
    let failed = harness
        .until_state::<WorkspaceTemplateApply>("a-apply", "Failed")
        .await;
    assert_eq!(failed["status"]["fault"]["code"], "DependencyCycle");
    let message = failed["status"]["fault"]["message"].as_str().unwrap();
    assert!(
        message.contains("default/a -> default/b -> default/a"),
        "{message}"
    );
    harness.until_state::<WorkspaceTemplateApply>("b", "Failed").await;
    apply(&harness, "b", json!({ "waitForWorkspaces": [] })).await;
    harness
        .until_state::<WorkspaceTemplateApply>("a-apply", "Ready")
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_undefined_variable_fails_until_it_is_defined() {
    let harness = Harness::start(Script::default()).await;
    harness.apply(TEMPLATE).await;
    apply(&harness, "a", json!({ "variables": {} })).await;
    let failed = harness.until_state::<WorkspaceTemplateApply>("a", "Failed").await;
    let fault = &failed["status"]["fault"];
    assert_eq!(fault["code"], "UndefinedVariable");
    assert_eq!(fault["subject"], "spec.template.spec.forProvider.vars[0].value");
    apply(&harness, "a", json!({ "variables": { "name": "n" } })).await;
    harness.until_state::<WorkspaceTemplateApply>("a", "Ready").await;
}

#[tokio::test(start_paused = true)]
async fn a_template_of_another_namespace_must_be_open() {
    let harness = Harness::start(Script::default()).await;
    apply(
        &harness,
        "a",
        json!({ "templateRef": { "name": "plain", "namespace": "other" } }),
    )
    .await;
    let failed = harness.until_state::<WorkspaceTemplateApply>("a", "Failed").await;
    assert_eq!(failed["status"]["fault"]["code"], "NamespaceNotAllowed");
    assert_eq!(failed["status"]["fault"]["subject"], "spec.templateRef.namespace");
}

#[tokio::test(start_paused = true)]
async fn a_workspace_that_was_made_for_the_apply_is_adopted_and_another_is_not() {
    let harness = Harness::start(outputs()).await;
    harness.apply(TEMPLATE).await;
    let owner = capt_api::keys::OWNER;
    for (name, metadata) in [
        (
            "free",
            format!("annotations: {{{owner}: WorkspaceTemplateApply/free}}"),
        ),
        ("nobodys", "labels: {app: mine}".to_owned()),
        (
            "other",
            format!("annotations: {{{owner}: WorkspaceTemplateApply/free}}"),
        ),
        (
            "taken",
            "ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: x, uid: u, controller: true}]"
                .to_owned(),
        ),
    ] {
        harness.api.set_controllers(false);
        harness
            .apply(&format!(
                "apiVersion: infrastructure.cluster.x-k8s.io/v1beta1\nkind: TerraformWorkspace\n\
                 metadata: {{name: {name}, namespace: default, {metadata}}}\n\
                 spec: {{forProvider: {{source: Inline, module: old}}}}"
            ))
            .await;
        apply(&harness, name, json!({})).await;
    }
    harness
        .until_state::<WorkspaceTemplateApply>("free", "Ready")
        .await;
    let adopted = harness.see::<TerraformWorkspace>("free").await;
    assert_eq!(adopted["metadata"]["ownerReferences"][0]["name"], "free");
    assert_eq!(adopted["spec"]["forProvider"]["module"], "locals { a = \"n\" }");
    for name in ["nobodys", "other", "taken"] {
        let failed = harness
            .until_state::<WorkspaceTemplateApply>(name, "Failed")
            .await;
        assert_eq!(failed["status"]["fault"]["code"], "ForeignObject");
        let before = harness.see::<TerraformWorkspace>(name).await;
        assert_eq!(before["spec"]["forProvider"]["module"], "old");
        harness.delete::<WorkspaceTemplateApply>(name).await;
        harness.pass(Duration::from_mins(1)).await;
        let after = harness.see::<TerraformWorkspace>(name).await;
        assert_eq!(before["metadata"], after["metadata"], "{name}");
    }
}
