//! The variables of a workspace, as the values that Terraform reads from a JSON file.
//!
//! Crossplane hands `vars` to Terraform as `-var name=text`, and Terraform takes such a text for an
//! expression where the module declares the variable with a type that is not primitive. A text in a JSON file
//! is always a text, so the same reading is done here.

use std::collections::BTreeMap;

use capt_api::terraform_workspace::{FileFormat, ForProvider};
use capt_core::fault::{Fault, FaultClass};
use hcl::expr::Expression;
use serde_json::{Map, Value};

/// All variables: `varmap`, and over it `vars`.
///
/// Fails with class `Invalid` where `varmap` is no object or a text is no value of its variable's type. The
/// fault names the variable, never the value.
pub(crate) fn variables(spec: &ForProvider) -> Result<Map<String, Value>, Fault> {
    let mut values = match &spec.varmap {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(values)) => values.clone(),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            let message = "varmap must be an object: names and their values";
            return Err(
                Fault::new(FaultClass::Invalid, "InvalidVariables", message).on("spec.forProvider.varmap")
            );
        }
    };
    let readings = readings(spec);
    for variable in &spec.vars {
        let value = match readings.get(&variable.key) {
            Some(Reading::Expression) => expression(&variable.key, &variable.value)?,
            Some(Reading::Text) | None => Value::String(variable.value.clone()),
        };
        values.insert(variable.key.clone(), value);
    }
    Ok(values)
}

/// How Terraform reads a text that is given for a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// As it stands.
    Text,
    /// As an expression without references.
    Expression,
}

fn expression(name: &str, text: &str) -> Result<Value, Fault> {
    let parsed = hcl::from_str::<Value>(&format!("value = {text}\n")).ok();
    let value = parsed.and_then(|mut parsed| parsed.get_mut("value").map(Value::take));
    // A reference is kept as the text `${name}`: Terraform refuses it here as well.
    value.filter(|value| !refers(value)).ok_or_else(|| {
        let message = format!("the value of {name} is no literal of the type that the module declares");
        Fault::new(FaultClass::Invalid, "InvalidVariable", message)
            .on(format!("spec.forProvider.vars[{name}]"))
    })
}

fn refers(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.contains("${") && !text.contains("$${"),
        Value::Array(values) => values.iter().any(refers),
        Value::Object(values) => values.values().any(refers),
    }
}

/// The declared variables of an inline module. A module that cannot be read declares none here: Terraform
/// itself says best what is wrong with it.
fn readings(spec: &ForProvider) -> BTreeMap<String, Reading> {
    match spec.inline_format.unwrap_or_default() {
        FileFormat::HCL => of_hcl(&spec.module),
        FileFormat::JSON => of_json(&spec.module),
    }
}

fn of_hcl(module: &str) -> BTreeMap<String, Reading> {
    let Ok(body) = hcl::parse(module) else {
        return BTreeMap::new();
    };
    body.blocks()
        .filter(|block| block.identifier() == "variable")
        .filter_map(|block| {
            let name = block.labels().first()?.as_str().to_owned();
            let declared = block
                .body()
                .attributes()
                .find(|attribute| attribute.key() == "type");
            Some((
                name,
                declared.map_or(Reading::Text, |attribute| reading(attribute.expr())),
            ))
        })
        .collect()
}

fn of_json(module: &str) -> BTreeMap<String, Reading> {
    let module: Value = serde_json::from_str(module).unwrap_or_default();
    let declared = module.get("variable").and_then(Value::as_object);
    declared
        .into_iter()
        .flatten()
        .map(|(name, variable)| {
            let kind = variable.get("type").and_then(Value::as_str);
            (name.clone(), kind.map_or(Reading::Text, reading_of_word))
        })
        .collect()
}

fn reading(kind: &Expression) -> Reading {
    match kind {
        Expression::Variable(variable) => reading_of_word(variable),
        // The quoted form of old modules.
        Expression::String(word) => reading_of_word(word),
        _ => Reading::Expression,
    }
}

fn reading_of_word(kind: &str) -> Reading {
    match kind.trim() {
        "string" | "number" | "bool" => Reading::Text,
        _ => Reading::Expression,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MODULE: &str = r#"
variable "name" { type = string }
variable "size" { type = number }
variable "subnets" { type = list(string) }
variable "tags" {
  type    = map(string)
  default = {}
}
variable "old" { type = "string" }
variable "anything" { type = any }
variable "untyped" {}
"#;

    fn spec(vars: &[(&str, &str)]) -> ForProvider {
        ForProvider {
            module: MODULE.to_owned(),
            vars: vars
                .iter()
                .map(|&(key, value)| capt_api::terraform_workspace::Variable {
                    key: key.to_owned(),
                    value: value.to_owned(),
                })
                .collect(),
            ..ForProvider::default()
        }
    }

    #[test]
    fn texts_are_read_as_terraform_reads_them_on_its_command_line() {
        let values = variables(&spec(&[
            ("name", "[demo]"),
            ("size", "3"),
            ("subnets", r#"["a", "b"]"#),
            ("tags", r#"{ team = "x" }"#),
            ("old", "{}"),
            ("anything", "true"),
            ("untyped", "[1]"),
            ("undeclared", "[2]"),
        ]))
        .unwrap();
        assert_eq!(
            Value::Object(values),
            json!({
                "name": "[demo]", "size": "3", "subnets": ["a", "b"], "tags": {"team": "x"}, "old": "{}",
                "anything": true, "untyped": "[1]", "undeclared": "[2]",
            })
        );
    }

    #[test]
    fn a_text_that_is_no_value_is_refused_without_being_shown() {
        for text in ["hunter2 hunter2", "hunter2", "file(hunter2)"] {
            let fault = variables(&spec(&[("subnets", text)])).unwrap_err();
            assert_eq!(
                (fault.class, &*fault.code),
                (FaultClass::Invalid, "InvalidVariable")
            );
            assert!(
                fault.to_string().contains("subnets") && !fault.to_string().contains("hunter2"),
                "{fault}"
            );
        }
    }

    #[test]
    fn vars_win_over_the_map() {
        let mut spec = spec(&[("name", "from vars")]);
        spec.varmap = Some(json!({"name": "from the map", "size": 3, "nested": {"a": [true]}}));
        let values = variables(&spec).unwrap();
        assert_eq!(
            Value::Object(values),
            json!({"name": "from vars", "size": 3, "nested": {"a": [true]}})
        );
        spec.varmap = Some(json!("text"));
        assert_eq!(variables(&spec).unwrap_err().code, "InvalidVariables");
    }

    #[test]
    fn modules_in_json_declare_too() {
        let spec = ForProvider {
            module: json!({"variable": {"ids": {"type": "list(string)"}, "name": {"type": "string"}}})
                .to_string(),
            inline_format: Some(FileFormat::JSON),
            vars: spec(&[("ids", "[]"), ("name", "[]")]).vars,
            ..ForProvider::default()
        };
        assert_eq!(
            Value::Object(variables(&spec).unwrap()),
            json!({"ids": [], "name": "[]"})
        );
    }
}
