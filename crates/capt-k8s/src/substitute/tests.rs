use capt_api::terraform_workspace::{ForProvider, Variable};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn fill(module: &str, pairs: &[(&str, &str)]) -> Result<String, Unfit> {
    let variables = variables(pairs);
    let values = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    hcl::module(module, &Names::new(values.collect()))
}

fn fill_json(module: &str, pairs: &[(&str, &str)]) -> Result<String, Unfit> {
    let variables = variables(pairs);
    let values = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    json::module(module, &Names::new(values.collect()))
}

/// The value of the attribute `x`, as Terraform's language reads it.
fn evaluate(module: &str) -> String {
    use ::hcl::eval::{Context, Evaluate};
    let body = ::hcl::parse(module).unwrap_or_else(|error| panic!("{error}\n{module}"));
    let attribute = body
        .attributes()
        .find(|attribute| attribute.key() == "x")
        .unwrap();
    let value = attribute.expr().evaluate(&Context::new()).unwrap();
    value.as_str().unwrap().to_owned()
}

fn workspace(spec: Value) -> TerraformWorkspaceSpec {
    serde_json::from_value(spec).unwrap()
}

#[test]
fn every_text_is_filled_in_once() {
    let spec = workspace(json!({
        "providerConfigRef": { "name": "aws-provider-config" },
        "writeConnectionSecretToRef": { "name": "${WORKSPACE_NAME}-vpc-connection", "namespace": "default" },
        "forProvider": {
            "source": "Inline",
            "module": "variable \"name\" { type = string }\nlocals { full = \"${var.name}-${cluster_name}\" }\n",
            "vars": [{ "key": "name", "value": "${vpc_name}" }, { "key": "literal", "value": "$${vpc_name} $5" }],
            "varmap": { "deep": [{ "er": "${cluster_name}" }], "number": 3 },
        },
    }));
    let filled = substitute(
        &spec,
        &variables(&[("vpc_name", "${cluster_name}"), ("cluster_name", "demo")]),
        "demo-vpc",
    )
    .unwrap();
    assert_eq!(
        serde_json::to_value(filled).unwrap(),
        json!({
            "providerConfigRef": { "name": "aws-provider-config" },
            "writeConnectionSecretToRef": { "name": "demo-vpc-vpc-connection", "namespace": "default" },
            "forProvider": {
                "source": "Inline",
                "module": "variable \"name\" { type = string }\nlocals { full = \"${var.name}-demo\" }\n",
                // A value is not looked at again.
                "vars": [{ "key": "name", "value": "${cluster_name}" }, { "key": "literal", "value": "${vpc_name} $5" }],
                "varmap": { "deep": [{ "er": "demo" }], "number": 3 },
            },
        })
    );
}

#[test]
fn an_undefined_name_is_named_with_its_field_and_what_to_do() {
    let spec = TerraformWorkspaceSpec {
        for_provider: ForProvider {
            module: "x = 1".to_owned(),
            vars: vec![Variable {
                key: "zone".to_owned(),
                value: "${zone}".to_owned(),
            }],
            ..ForProvider::default()
        },
        ..TerraformWorkspaceSpec::default()
    };
    let fault = substitute(&spec, &variables(&[("region", "secret-value")]), "w").unwrap_err();
    assert_eq!(fault.class, FaultClass::Invalid);
    assert_eq!(fault.code, "UndefinedVariable");
    assert_eq!(fault.subject, "spec.template.spec.forProvider.vars[0].value");
    assert_eq!(
        fault.message,
        "the variable zone is not defined; add it to spec.variables of the WorkspaceTemplateApply, or write \
         $${zone} for the text ${zone} (defined: WORKSPACE_NAME, region)"
    );
}

#[test]
fn an_unclosed_name_is_a_fault() {
    let spec = workspace(json!({
        "writeConnectionSecretToRef": { "name": "${WORKSPACE_NAME" },
        "forProvider": { "source": "Inline", "module": "x = 1" },
    }));
    let fault = substitute(&spec, &BTreeMap::new(), "w").unwrap_err();
    assert_eq!(fault.code, "UnclosedVariable");
    assert_eq!(
        fault.subject,
        "spec.template.spec.writeConnectionSecretToRef.name"
    );
}

#[test]
fn the_address_of_a_remote_module_is_no_configuration() {
    let spec = workspace(
        json!({ "forProvider": { "source": "Remote", "module": "git::https://host/m?ref=${tag}" } }),
    );
    let filled = substitute(&spec, &variables(&[("tag", "v1")]), "w").unwrap();
    assert_eq!(filled.for_provider.module, "git::https://host/m?ref=v1");
    let fault = substitute(&spec, &BTreeMap::new(), "w").unwrap_err();
    assert_eq!(fault.subject, "spec.template.spec.forProvider.module");
}

#[test]
fn a_variable_that_cannot_stand_there_is_named_with_its_line() {
    let spec = workspace(json!({ "forProvider": { "source": "Inline", "module": "# one\nx = ${list}\n" } }));
    let fault = substitute(&spec, &variables(&[("list", "[1, 2]")]), "w").unwrap_err();
    assert_eq!(fault.subject, "spec.template.spec.forProvider.module");
    assert_eq!(
        fault.message,
        "line 2: the value of the variable list stands outside of a quoted text, where only an identifier, a \
         number, true or false can stand; put quotes around ${list} or change the value"
    );
}

#[test]
fn only_supplied_names_are_replaced_in_a_module() {
    let known = &[("name", "demo"), ("count", "3"), ("flag", "true")];
    for (module, filled) in [
        (r#"x = "${name}""#, r#"x = "demo""#),
        (r#"x = "${ name }""#, r#"x = "${ name }""#),
        (r#"x = "${var.name}""#, r#"x = "${var.name}""#),
        (r#"x = "$${name}""#, r#"x = "$${name}""#),
        (
            r#"x = "${upper("${name}")}-${name}""#,
            r#"x = "${upper("demo")}-demo""#,
        ),
        (r#"x = "\"${name}\"""#, r#"x = "\"demo\"""#),
        (
            r#"x = "%{ if true }${name}%{ endif }""#,
            r#"x = "%{ if true }demo%{ endif }""#,
        ),
        ("count = ${count}", "count = 3"),
        ("x = ${flag} ? 1 : 0", "x = true ? 1 : 0"),
        (
            "x = { a = \"${{ for k in [] : k => {} }}${name}\" }",
            "x = { a = \"${{ for k in [] : k => {} }}demo\" }",
        ),
        (
            "# ${name}\nx = 1 // ${name} \"\ny = /* ${name}\n\" */ ${count}",
            "# ${name}\nx = 1 // ${name} \"\ny = /* ${name}\n\" */ 3",
        ),
        (
            "x = <<EOT\n\"${name}\" # ${name}\nEOT\ny = ${count}\n",
            "x = <<EOT\n\"demo\" # demo\nEOT\ny = 3\n",
        ),
        (
            "x = <<-EOT\n  ${name}\n  EOT\ny = ${count}\n",
            "x = <<-EOT\n  demo\n  EOT\ny = 3\n",
        ),
        ("x = <<EOT\nEOT\ny = ${count}\n", "x = <<EOT\nEOT\ny = 3\n"),
        ("x = \"broken\ny = ${count}\n", "x = \"broken\ny = 3\n"),
    ] {
        assert_eq!(fill(module, known).as_deref(), Ok(filled), "{module}");
    }
}

#[test]
fn what_stands_alone_is_an_identifier_or_a_number() {
    for good in ["a", "_a-b1", "true", "0", "-1", "1.5", "1e3", "2.5E-7"] {
        assert_eq!(fill("x = ${v}", &[("v", good)]), Ok(format!("x = {good}")));
    }
    for bad in [
        "", "1.", ".5", "a b", "a.b", "1\ny = 2", "\"a\"", "[]", "-", "1e", "${v}",
    ] {
        let unfit = Unfit {
            name: "v".to_owned(),
            line: 1,
        };
        assert_eq!(fill("x = ${v}", &[("v", bad)]), Err(unfit), "{bad:?}");
    }
}

#[test]
fn a_json_module_is_escaped_twice() {
    let module =
        r#"{"locals": {"a": "${v}", "n": ${n}, "t": "\t${upper(\"${v}\")}", "same": "\u0041 ${var.x}"}}"#;
    let value = "say \"${x}\"\\\n";
    let filled = fill_json(module, &[("v", value), ("n", "3")]).unwrap();
    let parsed: Value = serde_json::from_str(&filled).unwrap();
    assert_eq!(parsed["locals"]["n"], 3);
    assert!(filled.contains(r#""same": "\u0041 ${var.x}""#), "{filled}");
    let template = parsed["locals"]["a"].as_str().unwrap();
    // The strings of a JSON module are templates, as heredocs are.
    assert_eq!(
        evaluate(&format!("x = <<E\n{template}\nE\n")),
        format!("{value}\n")
    );
    assert_eq!(
        fill_json("{\n\"n\": ${n}}", &[("n", "[]")]),
        Err(Unfit {
            name: "n".to_owned(),
            line: 2
        })
    );
}

/// Texts that are rich in what has a meaning in the language.
fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![
            Just("$".to_owned()),
            Just("%".to_owned()),
            Just("{".to_owned()),
            Just("}".to_owned()),
            Just("\"".to_owned()),
            Just("\\".to_owned()),
            Just("\n".to_owned()),
            Just("EOT".to_owned()),
            Just("${v}".to_owned()),
            Just("#".to_owned()),
            "[a-zé\u{7f} ]{0,3}",
        ],
        0..8,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    /// Whatever a value holds, Terraform reads just that value, and nothing around it changes.
    #[test]
    fn a_value_is_the_same_text_for_terraform(value in text(), other in text()) {
        let known = &[("v", value.as_str()), ("w", other.as_str())];
        let quoted = fill("x = \"a${v}${w}{b} ${v}${\"c\"}%{ if true }d%{ endif }${w}\"\ny = 1\n", known).unwrap();
        prop_assert_eq!(evaluate(&quoted), format!("a{value}{other}{{b}} {value}cd{other}"));
        let before_brace = fill("x = \"$${v}%${v}{\"\n", known).unwrap();
        prop_assert_eq!(evaluate(&before_brace), format!("${{v}}%{value}{{"));
        let heredoc = fill("x = <<EOT\n${v}\nE${v}${w}OT {${v}{\nEOT\ny = 1\n", known).unwrap();
        prop_assert_eq!(evaluate(&heredoc), format!("{value}\nE{value}{other}OT {{{value}{{\n"));
    }

    #[test]
    fn a_module_without_supplied_names_stays_as_it_is(module in text()) {
        let filled = fill(&module, &[("name", "value")]);
        prop_assert_eq!(filled.as_deref(), Ok(module.as_str()));
        let filled = fill_json(&module, &[("name", "value")]);
        prop_assert_eq!(filled.as_deref(), Ok(module.as_str()));
    }

    #[test]
    fn a_value_in_any_other_text_is_put_in_as_it_is(value in text()) {
        let spec = workspace(json!({ "forProvider": { "source": "Inline", "module": "x", "vars": [{ "key": "k", "value": "<${v}>$${v}" }] } }));
        let filled = substitute(&spec, &variables(&[("v", &value)]), "w").unwrap();
        prop_assert_eq!(&filled.for_provider.vars[0].value, &format!("<{value}>${{v}}"));
    }
}
