//! What a workspace is made from.

use std::time::Duration;

use capt_api::TerraformWorkspace;
use capt_terraform::simulated::Counters;
use k8s_openapi::api::core::v1::Secret;
use serde_json::json;

use crate::harness::{Harness, text, workspace};

fn with_file() -> serde_json::Value {
    json!({"varFiles": [{"source": "SecretKey", "secretKeyRef": {"name": "values", "key": "tfvars"}}]})
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_is_waited_for() {
    let harness = Harness::start().await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", with_file()))
        .await;
    let status = harness
        .until("vpc", "waiting", |status| !status.lifecycle.waits.is_empty())
        .await;
    assert_eq!(
        (&*status.lifecycle.waits[0].on, &*status.lifecycle.waits[0].reason),
        ("Secret/values", "SecretMissing")
    );
    assert_eq!(status.lifecycle.fault, None);

    harness.put_secret("values", "other", "x").await;
    let status = harness
        .until("vpc", "waiting for the key", |status| {
            status
                .lifecycle
                .waits
                .first()
                .is_some_and(|wait| wait.reason == "KeyMissing")
        })
        .await;
    assert_eq!(status.lifecycle.fault, None);
    assert_eq!(harness.cloud.counters("vpc"), Counters::default());

    harness
        .merge::<Secret>(
            "values",
            json!({"stringData": {"tfvars": "cidr = \"10.2.0.0/16\""}}),
        )
        .await;
    harness.until_ready("vpc").await;
    assert_eq!(
        text(&harness.secret("vpc-conn").await.unwrap(), "vpc"),
        "demo 10.2.0.0/16"
    );
}

#[tokio::test(start_paused = true)]
async fn an_hour_without_its_secret_is_made_good_when_it_arrives() {
    let harness = Harness::start().await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", with_file()))
        .await;
    harness.pass(Duration::from_secs(3600)).await;
    harness
        .put_secret("values", "tfvars", "cidr = \"10.2.0.0/16\"")
        .await;
    harness.until_ready("vpc").await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_secret_is_applied() {
    let harness = Harness::start().await;
    harness
        .put_secret("values", "tfvars", "cidr = \"10.3.0.0/16\"")
        .await;
    harness
        .create::<TerraformWorkspace>(workspace("vpc", with_file()))
        .await;
    let before = harness.until_ready("vpc").await;
    harness
        .merge::<Secret>(
            "values",
            json!({"stringData": {"tfvars": "cidr = \"10.4.0.0/16\""}}),
        )
        .await;
    let after = harness
        .until("vpc", "applied anew", |status| {
            status.lifecycle.applied_input_digest != before.lifecycle.applied_input_digest
        })
        .await;
    assert_ne!(after.outputs_digest, before.outputs_digest);
    assert_eq!(
        text(&harness.secret("vpc-conn").await.unwrap(), "vpc"),
        "demo 10.4.0.0/16"
    );
    assert_eq!(harness.cloud.counters("vpc").applies, 2);
}

#[tokio::test(start_paused = true)]
async fn the_sources_of_a_variable_have_their_precedence() {
    let harness = Harness::start().await;
    harness
        .put_secret("first", "tfvars", "cidr = \"first\"\nname = \"first\"")
        .await;
    harness
        .put_config_map("second", "tfvars", "{\"cidr\": \"second\"}")
        .await;
    let spec = json!({
        "varFiles": [
            {"source": "SecretKey", "secretKeyRef": {"name": "first", "key": "tfvars"}},
            {"source": "ConfigMapKey", "format": "JSON", "configMapKeyRef": {"name": "second", "key": "tfvars"}},
        ],
        "vars": [{"key": "name", "value": "from vars"}],
        "env": [{"name": "TF_VAR_cidr", "value": "from the environment"}],
    });
    harness.create::<TerraformWorkspace>(workspace("vpc", spec)).await;
    let status = harness.until_ready("vpc").await;
    assert_eq!(status.at_provider.unwrap().outputs["vpc"], "from vars second");
}

#[tokio::test(start_paused = true)]
async fn other_namespaces_are_refused() {
    let harness = Harness::start().await;
    let elsewhere = json!({"env": [{"name": "TOKEN", "secretKeyRef": {"name": "s", "key": "k", "namespace": "kube-system"}}]});
    harness
        .create::<TerraformWorkspace>(workspace("reads", elsewhere))
        .await;
    let mut writes = workspace("writes", json!({}));
    writes["spec"]["writeConnectionSecretToRef"]["namespace"] = json!("kube-system");
    harness.create::<TerraformWorkspace>(writes).await;
    let mut keeps = workspace("keeps", json!({}));
    keeps["spec"]["backend"] = json!({"kubernetes": {"namespace": "kube-system"}});
    harness.create::<TerraformWorkspace>(keeps).await;
    for name in ["reads", "writes", "keeps"] {
        let status = harness.until_state(name, "Failed").await;
        let fault = status.lifecycle.fault.unwrap();
        assert_eq!(
            (&*fault.class, &*fault.code),
            ("Invalid", "NamespaceNotAllowed"),
            "{name}"
        );
        assert!(fault.message.contains("kube-system"), "{}", fault.message);
        assert_eq!(harness.cloud.counters(name), Counters::default());
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_native_backend_cannot_do_is_said() {
    let harness = Harness::start().await;
    let cases = [
        (
            "remote",
            json!({"source": "Remote", "module": "git::https://example.com/m"}),
            json!({}),
            "UnsupportedSource",
        ),
        (
            "locked",
            json!({"planArgs": ["-lock=false"]}),
            json!({}),
            "ArgumentRefused",
        ),
        (
            "engine",
            json!({}),
            json!({"engine": "tofu"}),
            "EngineUnavailable",
        ),
    ];
    for (name, provider, spec, code) in cases {
        let mut object = workspace(name, provider);
        for (field, value) in spec.as_object().unwrap() {
            object["spec"][field] = value.clone();
        }
        harness.create::<TerraformWorkspace>(object).await;
        let status = harness.until_state(name, "Failed").await;
        assert_eq!(status.lifecycle.fault.unwrap().code, code, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_configuration_without_credentials_is_no_failure() {
    let harness = Harness::start().await;
    let mut object = workspace("vpc", json!({}));
    object["spec"]["providerConfigRef"] = json!({"name": "aws-provider"});
    harness.create::<TerraformWorkspace>(object).await;
    let before = harness.until_ready("vpc").await;
    // Credentials that arrive later are used.
    harness
        .put_secret("aws-provider", "credentials", "[default]")
        .await;
    harness
        .until("vpc", "applied with the credentials", |status| {
            status.lifecycle.applied_input_digest != before.lifecycle.applied_input_digest
        })
        .await;
}
