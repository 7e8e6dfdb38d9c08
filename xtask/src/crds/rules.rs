//! What the rules of the definitions refuse, said by an evaluator of the language they are written in.

use kube_cel::compile_schema;
use serde_json::{Value, json};

/// The schema of a kind.
fn schema(kind: &str) -> Value {
    let crd = capt_api::all_crds()
        .into_iter()
        .find(|crd| crd.spec.names.kind == kind)
        .unwrap();
    let definition = serde_json::to_value(&crd.spec.versions[0]).unwrap();
    definition["schema"]["openAPIV3Schema"].clone()
}

/// Why an object of `kind` with this spec is refused; empty if it is not.
fn refusal(kind: &str, spec: &Value) -> String {
    let object = json!({ "metadata": { "name": "demo" }, "spec": spec });
    match kube_cel::validate(&schema(kind), &object, None) {
        Ok(()) => String::new(),
        Err(errors) => errors
            .as_slice()
            .iter()
            .map(|error| error.message.clone())
            .collect::<Vec<_>>()
            .join("; "),
    }
}

#[test]
fn every_rule_compiles() {
    fn walk(path: &str, schema: &Value, rules: &mut usize) {
        let compiled = compile_schema(schema);
        assert!(
            !compiled.has_errors(),
            "{path}: {:?}",
            compiled.compilation_errors()
        );
        *rules += schema["x-kubernetes-validations"].as_array().map_or(0, Vec::len);
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            walk(&format!("{path}.{name}"), property, rules);
        }
        if schema["items"].is_object() {
            walk(&format!("{path}[]"), &schema["items"], rules);
        }
    }
    let mut rules = 0;
    for crd in capt_api::all_crds() {
        let kind = &crd.spec.names.kind;
        walk(kind, &schema(kind), &mut rules);
    }
    assert!(rules > 20, "{rules} rules were compiled");
}

#[test]
fn a_cluster_has_exactly_one_vpc() {
    let one = "exactly one of vpcTemplateRef, existingVpcId and vpcWorkspaceRef must be set";
    let template = json!({ "name": "vpc" });
    for (spec, why) in [
        (json!({ "region": "r", "vpcTemplateRef": template }), ""),
        (json!({ "region": "r", "existingVpcId": "vpc-1" }), ""),
        (json!({ "region": "r", "vpcWorkspaceRef": template }), ""),
        (
            json!({ "region": "r", "vpcTemplateRef": template, "existingVpcId": "" }),
            "",
        ),
        (json!({ "region": "r" }), one),
        (json!({ "region": "r", "existingVpcId": "" }), one),
        (
            json!({ "region": "r", "vpcTemplateRef": template, "existingVpcId": "vpc-1" }),
            one,
        ),
        (
            json!({ "region": "r", "vpcWorkspaceRef": template, "existingVpcId": "vpc-1" }),
            one,
        ),
        (
            json!({ "region": "r", "vpcTemplateRef": template, "retainVpcOnDelete": true }),
            "",
        ),
        (
            json!({ "region": "r", "existingVpcId": "vpc-1", "retainVpcOnDelete": false }),
            "",
        ),
        (
            json!({ "region": "r", "existingVpcId": "vpc-1", "retainVpcOnDelete": true }),
            "retainVpcOnDelete needs vpcTemplateRef: any other VPC is never deleted",
        ),
    ] {
        assert_eq!(refusal("CAPTCluster", &spec), why, "{spec}");
    }
}

#[test]
fn durations_are_positive_and_delays_grow() {
    let spec = |timeouts: Value, retry: Value| {
        json!({ "version": "1.31", "workspaceTemplateRef": { "name": "eks" },
            "timeouts": timeouts, "recovery": { "retry": retry } })
    };
    let ok = spec(
        json!({ "vpc": "15m" }),
        json!({ "baseDelay": "10s", "maxDelay": "10m" }),
    );
    assert_eq!(refusal("CAPTControlPlane", &ok), "");
    let nothing = spec(json!({ "vpc": "0s" }), json!({}));
    assert_eq!(
        refusal("CAPTControlPlane", &nothing),
        "must be longer than nothing"
    );
    let shrinking = spec(json!({}), json!({ "baseDelay": "1h", "maxDelay": "10m" }));
    assert_eq!(
        refusal("CAPTControlPlane", &shrinking),
        "baseDelay must not be longer than maxDelay"
    );
}

#[test]
fn a_variable_file_has_the_source_that_it_names() {
    let spec =
        |file: Value| json!({ "forProvider": { "source": "Inline", "module": "m", "varFiles": [file] } });
    let key = json!({ "namespace": "default", "name": "a", "key": "b" });
    let good = spec(json!({ "source": "SecretKey", "secretKeyRef": key }));
    assert_eq!(refusal("TerraformWorkspace", &good), "");
    let bad = spec(json!({ "source": "SecretKey", "configMapKeyRef": key }));
    assert_eq!(
        refusal("TerraformWorkspace", &bad),
        "source SecretKey needs secretKeyRef"
    );
}

/// Why an update of an object of `kind` is refused; empty if it is not.
fn refused_update(kind: &str, new: &Value, old: &Value) -> String {
    match kube_cel::validate(&schema(kind), new, Some(old)) {
        Ok(()) => String::new(),
        Err(errors) => errors
            .as_slice()
            .iter()
            .map(|error| error.message.clone())
            .collect::<Vec<_>>()
            .join("; "),
    }
}

#[test]
fn a_version_is_one_without_leading_zeros() {
    let refused = |version: &str| {
        let spec = json!({ "version": version, "workspaceTemplateRef": { "name": "eks" } });
        refusal("CAPTControlPlane", &spec)
    };
    for version in [
        "1.31",
        "v1.31",
        "1.31.4",
        "v1.31.0",
        "1.0",
        "1.31-eks.2",
        "v1.31.4-rc.1+build.5",
    ] {
        assert_eq!(refused(version), "", "{version}");
    }
    for version in [
        "", "1", "latest", "01.31", "1.031", "1.31.04", "0.0", "0.31", "1.32.x", "1.31.", " 1.31", "1.31 ",
    ] {
        let why = format!("\"{version}\" is no version of Kubernetes: write it as in 1.31, v1.31 or 1.31.4");
        assert_eq!(refused(version), why);
    }
}

#[test]
fn a_version_moves_by_one_minor_at_a_time() {
    let object = |spec: &str, status: Option<&str>| {
        let mut object = json!({
            "metadata": { "name": "demo" },
            "spec": { "version": spec, "workspaceTemplateRef": { "name": "eks" } },
            "status": { "observedGeneration": 1 },
        });
        if let Some(status) = status {
            object["status"]["version"] = status.into();
        }
        object
    };
    for (runs, old, new, taken) in [
        (None, "1.31", "1.40", true),
        (None, "1.31", "1.29", true),
        (Some("v1.31"), "1.31", "1.32", true),
        (Some("v1.31"), "1.31", "v1.31.4", true),
        (Some("v1.31.4"), "1.31", "1.32.0", true),
        // Back again, before the new one was applied.
        (Some("v1.31"), "1.32", "1.31", true),
        (Some("v1.31"), "1.31", "1.33", false),
        // A step that is taken back; what cannot follow says so.
        (Some("v1.32"), "1.32", "1.31", true),
        (Some("v1.32"), "1.32", "1.30", false),
        (Some("v1.31"), "1.31", "2.32", false),
        (Some("v1.9"), "1.9", "1.10", true),
        (Some("v1.31"), "1.31", "1.310", false),
        // The next one after the one that is being applied.
        (Some("v1.31"), "1.32", "1.33", true),
        (Some("v1.31"), "1.32", "1.34", false),
        // What was stored before the rule was there can go on, and can be changed otherwise.
        (Some("v1.29"), "1.33", "1.33", true),
        (Some("unknown"), "1.31", "1.33", true),
    ] {
        let refused = refused_update("CAPTControlPlane", &object(new, runs), &object(old, runs));
        assert_eq!(refused.is_empty(), taken, "{runs:?}: {old} -> {new}: {refused}");
        if let (false, Some(runs)) = (taken, runs) {
            assert!(
                refused.starts_with(&format!("the control plane runs {runs}, and a control plane")),
                "{refused}"
            );
        }
    }
}

#[test]
fn tags_and_variables_can_be_named() {
    let control_plane = |key: &str| json!({ "version": "1.31", "workspaceTemplateRef": { "name": "eks" }, "additionalTags": { (key): "x" } });
    for (key, taken) in [
        ("Environment", true),
        ("kubernetes.io/cluster/demo", true),
        ("with space + - = . _ : / @ é", true),
        ("", false),
        ("a}b", false),
        ("a${b", false),
        ("aws:x", false),
        (&"k".repeat(128), true),
        (&"k".repeat(129), false),
    ] {
        let refused = refusal("CAPTControlPlane", &control_plane(key));
        assert_eq!(refused.is_empty(), taken, "{key}: {refused}");
    }
    let apply = |name: &str| json!({ "templateRef": { "name": "t" }, "variables": { (name): "x" } });
    for (name, taken) in [("a.b c", true), ("", false), ("a}", false)] {
        let refused = refusal("WorkspaceTemplateApply", &apply(name));
        assert_eq!(refused.is_empty(), taken, "{name}: {refused}");
    }
}

#[test]
fn an_apply_does_not_wait_for_its_own_workspace() {
    let refused = |own: &str, other: Value| {
        let object = json!({ "metadata": { "name": own },
            "spec": { "templateRef": { "name": "t" }, "waitForWorkspaces": [{ "name": "x" }, other] } });
        kube_cel::validate(&schema("WorkspaceTemplateApply"), &object, None).is_err()
    };
    assert!(refused("a", json!({ "name": "a" })));
    assert!(refused("a-apply", json!({ "name": "a" })));
    assert!(
        !refused("a-apply", json!({ "name": "a-apply" })),
        "that is another workspace"
    );
    assert!(!refused("a", json!({ "name": "b" })));
    // Which namespace is its own is not known to a rule; the controller knows.
    assert!(!refused("a", json!({ "name": "a", "namespace": "other" })));
}

#[test]
fn only_a_template_has_places_for_variables() {
    let spec = |name: &str| json!({ "forProvider": { "source": "Inline", "module": "m" }, "writeConnectionSecretToRef": { "name": name } });
    assert_eq!(refusal("TerraformWorkspace", &spec("demo")), "");
    assert!(refusal("TerraformWorkspace", &spec("${x}-demo")).contains("only in a WorkspaceTemplate"));
}

#[test]
fn names_fit_into_labels() {
    let mut object = json!({ "metadata": { "name": "a".repeat(63) },
        "spec": { "region": "r", "existingVpcId": "vpc-1" } });
    let schema = schema("CAPTCluster");
    assert!(kube_cel::validate(&schema, &object, None).is_ok());
    object["metadata"]["name"] = "a".repeat(64).into();
    assert!(kube_cel::validate(&schema, &object, None).is_err());
}
