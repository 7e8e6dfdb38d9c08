use std::collections::BTreeSet;

use serde_json::json;

use super::*;

fn spec(value: Value) -> TerraformWorkspaceSpec {
    let mut base = json!({"forProvider": {"source": "Inline", "module": "output \"a\" { value = 1 }"}});
    merge(&mut base, value);
    serde_json::from_value(base).unwrap()
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn full() -> TerraformWorkspaceSpec {
    spec(json!({"forProvider": {
        "vars": [{"key": "name", "value": "demo"}],
        "varmap": {"name": "from the map", "zones": ["a", "b"]},
        "varFiles": [
            {"source": "SecretKey", "secretKeyRef": {"name": "vpc", "key": "vpc_config"}},
            {"source": "ConfigMapKey", "format": "JSON", "configMapKeyRef": {"name": "extra", "key": "vars"}},
        ],
        "env": [
            {"name": "AWS_REGION", "value": "eu-west-1"},
            {"name": "TOKEN", "secretKeyRef": {"name": "token", "key": "t", "namespace": "default"}},
        ],
    }}))
}

fn inputs() -> Inputs {
    let mut inputs = Inputs::default();
    for source in crate::inputs::sources(&full(), "default") {
        let value = format!("content of {}", source.key).into_bytes();
        inputs.values.insert(source, value);
    }
    inputs
}

fn text(rendered: &Rendered, file: &str) -> String {
    String::from_utf8(rendered.files[file].clone()).unwrap()
}

#[test]
fn files_are_named_so_that_terraform_reads_them_in_the_order_of_precedence() {
    let rendered = render(&full(), &inputs(), "default").unwrap();
    let files: Vec<_> = rendered.files.keys().map(String::as_str).collect();
    assert_eq!(
        files,
        [
            "00-varfile.auto.tfvars",
            "01-varfile.auto.tfvars.json",
            "capt.auto.tfvars.json",
            "main.tf"
        ]
    );
    assert_eq!(text(&rendered, "00-varfile.auto.tfvars"), "content of vpc_config");
    assert_eq!(
        text(&rendered, "capt.auto.tfvars.json"),
        r#"{"name":"demo","zones":["a","b"]}"#
    );
    assert_eq!(rendered.env["AWS_REGION"], "eu-west-1");
    assert_eq!(rendered.env["TOKEN"], "content of t");
}

#[test]
fn the_most_variable_files_that_are_allowed_stay_in_order() {
    let files: Vec<Value> = (0..64)
        .map(|index| json!({"source": "SecretKey", "secretKeyRef": {"name": "s", "key": format!("{index}")}}))
        .collect();
    let spec = spec(json!({"forProvider": {"varFiles": files}}));
    let mut inputs = Inputs::default();
    for source in crate::inputs::sources(&spec, "default") {
        inputs.values.insert(source.clone(), source.key.into_bytes());
    }
    let rendered = render(&spec, &inputs, "default").unwrap();
    let order: Vec<_> = rendered
        .files
        .iter()
        .filter(|(name, _)| name.contains("varfile"))
        .map(|(_, key)| key)
        .collect();
    let wanted: Vec<_> = (0..64).map(|index: u32| index.to_string().into_bytes()).collect();
    assert_eq!(order, wanted.iter().collect::<Vec<_>>());
}

#[test]
fn a_module_in_json_gets_the_extension_that_terraform_wants() {
    let rendered = render(
        &spec(json!({"forProvider": {"module": "{}", "inlineFormat": "JSON"}})),
        &Inputs::default(),
        "default",
    );
    assert_eq!(
        rendered.unwrap_or_default().files.keys().collect::<Vec<_>>(),
        ["main.tf.json"]
    );
}

#[test]
fn what_cannot_work_is_refused_with_its_reason() {
    for (value, code) in [
        (json!({"forProvider": {"source": "Remote"}}), "UnsupportedSource"),
        (json!({"forProvider": {"source": "Flux"}}), "UnsupportedSource"),
        (
            json!({"forProvider": {"entrypoint": "sub"}}),
            "UnsupportedEntrypoint",
        ),
        (json!({"forProvider": {"varmap": [1]}}), "InvalidVariables"),
        (
            json!({"forProvider": {"env": [{"name": "TF_CLI_ARGS_plan", "value": "-lock=false"}]}}),
            "InvalidEnvironment",
        ),
        (
            json!({"forProvider": {"env": [{"name": "A B", "value": ""}]}}),
            "InvalidEnvironment",
        ),
        (
            json!({"forProvider": {"env": [{"name": "A", "value": "\u{0}"}]}}),
            "InvalidEnvironment",
        ),
        (
            json!({"forProvider": {"env": [{"name": "A", "value": "x".repeat(128 * 1024)}]}}),
            "InvalidEnvironment",
        ),
        (
            json!({"forProvider": {"varFiles": [{"source": "SecretKey", "configMapKeyRef": {"name": "a", "key": "b"}}]}}),
            "InvalidVarFile",
        ),
    ] {
        let fault = render(&spec(value.clone()), &Inputs::default(), "default")
            .err()
            .unwrap();
        assert_eq!(
            (fault.class, &*fault.code),
            (FaultClass::Invalid, code),
            "{value}"
        );
        assert!(!fault.subject.is_empty(), "{value}");
    }
}

#[test]
fn credentials_become_the_file_and_the_environment_that_aws_reads() {
    let inputs = Inputs {
        credentials: found(&[
            ("credentials".to_owned(), b"[default]".to_vec()),
            ("AWS_ACCESS_KEY_ID".to_owned(), b"id".to_vec()),
            ("AWS_REGION".to_owned(), b"from the secret".to_vec()),
            ("TF_DATA_DIR".to_owned(), b"/elsewhere".to_vec()),
            ("readme.md".to_owned(), b"text".to_vec()),
        ]),
        ..Inputs::default()
    };
    let spec = spec(json!({"forProvider": {"env": [{"name": "AWS_REGION", "value": "from the spec"}]}}));
    let rendered = render(&spec, &inputs, "default").unwrap_or_default();
    assert_eq!(text(&rendered, "aws-credentials"), "[default]");
    assert_eq!(
        json!(rendered.env),
        json!({"AWS_ACCESS_KEY_ID": "id", "AWS_REGION": "from the spec", "AWS_SHARED_CREDENTIALS_FILE": "aws-credentials"})
    );
}

#[test]
fn the_digest_follows_everything_that_decides_what_is_applied() {
    let digest = |spec: &TerraformWorkspaceSpec, inputs: &Inputs| input_digest(spec, inputs, "default", None);
    let before = digest(&full(), &inputs());
    assert_eq!(before, digest(&full(), &inputs()));

    for source in crate::inputs::sources(&full(), "default") {
        let mut changed = inputs();
        changed.values.insert(source.clone(), b"other".to_vec());
        assert_ne!(before, digest(&full(), &changed), "{source}");
    }
    let mut missing = inputs();
    missing.values.pop_first();
    assert_ne!(before, digest(&full(), &missing));
    let mut credentials = inputs();
    credentials.credentials = found(&[("credentials".to_owned(), b"x".to_vec())]);
    assert_ne!(before, digest(&full(), &credentials));

    for change in [
        json!({"forProvider": {"module": "# other"}}),
        json!({"forProvider": {"planArgs": ["-refresh=false"]}}),
        json!({"engine": "tofu"}),
        json!({"backend": {"local": {}}}),
        json!({"protect": []}),
        json!({"approval": "Never"}),
    ] {
        let mut value = serde_json::to_value(full()).unwrap();
        merge(&mut value, change.clone());
        assert_ne!(
            before,
            digest(&serde_json::from_value(value).unwrap(), &inputs()),
            "{change}"
        );
    }
    for same in [
        json!({"deletionPolicy": "Orphan"}),
        json!({"forProvider": {"enableTerraformCLILogging": true, "destroyArgs": ["-refresh=false"], "unknown": 1}}),
        json!({"timeouts": {"workspace": "1h"}, "engine": "auto"}),
    ] {
        let mut value = serde_json::to_value(full()).unwrap();
        merge(&mut value, same.clone());
        assert_eq!(
            before,
            digest(&serde_json::from_value(value).unwrap(), &inputs()),
            "{same}"
        );
    }
}

#[test]
fn what_is_refused_for_another_reason_is_another_input() {
    let digest = |refused: Option<Fault>| input_digest(&full(), &inputs(), "default", refused.as_ref());
    let fault = |code, message| Some(Fault::new(FaultClass::Invalid, code, message).on("spec.engine"));
    let digests = [
        digest(None),
        digest(fault("A", "a")),
        digest(fault("B", "a")),
        digest(fault("A", "b")),
        digest(fault("A", "a").map(|fault| fault.on("spec.protect"))),
    ];
    let different: BTreeSet<&String> = digests.iter().collect();
    assert_eq!(different.len(), digests.len(), "{digests:?}");
    assert_eq!(digests[1], digest(fault("A", "a")));
}

#[test]
fn another_engine_is_refused_by_name() {
    let auto = spec(json!({}));
    let tofu = spec(json!({"engine": "tofu"}));
    assert!(check_engine(&auto, EngineKind::Terraform, None).is_ok());
    assert!(check_engine(&auto, EngineKind::Terraform, Some("terraform")).is_ok());
    assert!(
        check_engine(&tofu, EngineKind::OpenTofu, Some("terraform")).is_ok(),
        "asked for by name"
    );
    let fault = check_engine(&tofu, EngineKind::Terraform, None).unwrap_err();
    assert_eq!(fault.code, "EngineUnavailable");
    assert!(
        fault.message.contains("tofu") && fault.message.contains("there is terraform"),
        "{fault}"
    );
    let fault = check_engine(&auto, EngineKind::Terraform, Some("simulated")).unwrap_err();
    assert!(fault.message.contains("written by simulated"), "{fault}");
}

#[test]
fn policies_that_cannot_be_kept_are_refused() {
    assert!(check_policies(&spec(json!({"managementPolicies": ["*"], "approval": "Never"}))).is_ok());
    assert!(
        check_policies(&spec(
            json!({"managementPolicies": ["Observe", "Create", "Update"]})
        ))
        .is_ok()
    );
    assert!(check_policies(&spec(json!({"managementPolicies": ["Observe"]}))).is_err());
    assert!(check_policies(&spec(json!({"approval": "Always"}))).is_err());
    assert_eq!(protected(&spec(json!({}))), ["aws_eks_cluster", "aws_vpc"]);
    assert!(protected(&spec(json!({"approval": "Never"}))).is_empty());
    assert_eq!(
        protected(&spec(json!({"protect": ["aws_db_instance"]}))),
        ["aws_db_instance"]
    );
}

fn found(data: &[(String, Vec<u8>)]) -> Credentials {
    Credentials::Found {
        name: "aws".to_owned(),
        data: data.iter().cloned().collect(),
    }
}

#[test]
fn variables_that_would_change_as_whom_the_state_is_reached_are_refused() {
    for name in [
        "KUBE_TOKEN",
        "KUBE_CONFIG_PATH",
        "KUBERNETES_SERVICE_HOST",
        "TF_CLI_ARGS_plan",
        "TF_DATA_DIR",
        "TF_WORKSPACE",
        "LD_PRELOAD",
    ] {
        let fault = refuse_variable(name).unwrap_err();
        assert_eq!(fault.class, FaultClass::Invalid, "{name}");
        assert!(fault.to_string().contains(name), "{fault}");
    }
    for name in ["AWS_PROFILE", "TF_VAR_name", "TF_LOG", "KUBECTL"] {
        assert!(refuse_variable(name).is_ok(), "{name}");
    }
}
