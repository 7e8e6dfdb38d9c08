//! The values of input variables, from the places where Terraform looks for them.

use std::collections::BTreeMap;

use hcl::Value;
use hcl::value::Map;

use super::module::error;
use crate::diagnostics;
use crate::engine::Failure;
use crate::engine::Step;
use crate::run::RunSpec;

/// `TF_VAR_*`, `terraform.tfvars`, `terraform.tfvars.json`, then `*.auto.tfvars` and `*.auto.tfvars.json` in
/// the order of their names; later ones win.
pub(super) fn of(spec: &RunSpec) -> Result<BTreeMap<String, Value>, Failure> {
    let mut values = BTreeMap::new();
    for (name, value) in &spec.env {
        if let Some(name) = name.strip_prefix("TF_VAR_") {
            values.insert(name.to_owned(), Value::from(value.clone()));
        }
    }
    let plain = ["terraform.tfvars", "terraform.tfvars.json"];
    let automatic = spec.files.keys().map(String::as_str);
    let automatic = automatic.filter(|name| {
        !name.contains('/') && (name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json"))
    });
    for name in plain.into_iter().chain(automatic) {
        if let Some(content) = spec.files.get(name) {
            values.extend(file(name, &String::from_utf8_lossy(content))?);
        }
    }
    Ok(values)
}

fn file(name: &str, text: &str) -> Result<Map<String, Value>, Failure> {
    let invalid = |detail: String| {
        diagnostics::fault(
            &error("Invalid variables file", format!("{name}: {detail}")),
            Some(Step::Plan),
        )
    };
    if name.strip_suffix(".json").is_some() {
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|failure| invalid(failure.to_string()))?;
        return match hcl::to_value(value) {
            Ok(Value::Object(values)) => Ok(values),
            Ok(_) => Err(invalid("the root must be an object".into()).into()),
            Err(failure) => Err(invalid(failure.to_string()).into()),
        };
    }
    hcl::from_str(text).map_err(|failure| invalid(failure.to_string()).into())
}
