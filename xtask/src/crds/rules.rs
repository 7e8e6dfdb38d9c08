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

#[test]
fn names_fit_into_labels() {
    let mut object = json!({ "metadata": { "name": "a".repeat(63) },
        "spec": { "region": "r", "existingVpcId": "vpc-1" } });
    let schema = schema("CAPTCluster");
    assert!(kube_cel::validate(&schema, &object, None).is_ok());
    object["metadata"]["name"] = "a".repeat(64).into();
    assert!(kube_cel::validate(&schema, &object, None).is_err());
}
