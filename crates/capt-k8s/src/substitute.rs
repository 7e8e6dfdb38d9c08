//! What `${name}` stands for in a template.
//!
//! # Flow
//!
//! The embedded workspace is taken apart into the texts of its JSON form. Each is gone through once, from
//! left to right; what was put in is never looked at again, so a value that looks like `${other}` stays as it
//! is. There are two kinds of text:
//!
//! - **An inline module** is Terraform's language, in which `${...}` has a meaning of its own. Only names that
//!   were supplied are replaced, and only where `${name}` is written exactly so; everything else, `$${`
//!   included, is Terraform's. Inside a quoted template or a heredoc the value becomes the same text for
//!   Terraform, whatever it holds (`hcl`). Elsewhere a value can only be an identifier, a number, `true` or
//!   `false`. Comments are left alone. In a JSON module the value is escaped for JSON as well (`json`).
//! - **All other texts** (variables, environment, secret names, the address of a remote module) are ours:
//!   `${name}` must be known, `$${` writes `${`.
//!
//! `WORKSPACE_NAME` is always known: the name of the workspace.
//!
//! # Errors
//!
//! A [`Fault`] of the class `Invalid` that names the variable, the field, and what to do. It never holds the
//! value of a variable.

mod hcl;
mod json;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use capt_api::terraform_workspace::{FileFormat, ModuleSource, TerraformWorkspaceSpec};
use capt_core::fault::{Fault, FaultClass};
use serde_json::Value;

/// The variable that every template may use: the name of the workspace.
pub const WORKSPACE_NAME: &str = "WORKSPACE_NAME";

/// Where a module stands in the workspace, and the workspace in the template.
const TEMPLATE_SPEC: &str = "spec.template.spec";
const MODULE: &str = "forProvider.module";

/// The embedded workspace `spec` with everything filled in.
pub fn substitute(
    spec: &TerraformWorkspaceSpec,
    variables: &BTreeMap<String, String>,
    workspace_name: &str,
) -> Result<TerraformWorkspaceSpec, Fault> {
    let mut known: BTreeMap<&str, &str> = variables
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    known.insert(WORKSPACE_NAME, workspace_name);
    let names = Names::new(known);

    let mut value = serde_json::to_value(spec).map_err(|error| unreadable(&error))?;
    let module = match spec.for_provider.source {
        ModuleSource::Inline => Some(inline(spec, &names)?),
        // A name or an address, no configuration.
        ModuleSource::Remote | ModuleSource::Flux => None,
    };
    leaves(&mut value, &mut String::new(), module.is_some(), &names)?;
    if let Some(module) = module {
        value["forProvider"]["module"] = Value::String(module);
    }
    serde_json::from_value(value).map_err(|error| unreadable(&error))
}

fn inline(spec: &TerraformWorkspaceSpec, names: &Names<'_>) -> Result<String, Fault> {
    let module = &spec.for_provider.module;
    let rendered = match spec.for_provider.inline_format.unwrap_or_default() {
        FileFormat::HCL => hcl::module(module, names),
        FileFormat::JSON => json::module(module, names),
    };
    rendered.map_err(|unfit| {
        let message = format!(
            "line {}: the value of the variable {} stands outside of a quoted text, where only an identifier, a \
             number, true or false can stand; put quotes around ${{{}}} or change the value",
            unfit.line, unfit.name, unfit.name
        );
        fault("VariableNotAllowed", message).on(format!("{TEMPLATE_SPEC}.{MODULE}"))
    })
}

/// Fills in every text of `value`; `path` is where it stands.
fn leaves(value: &mut Value, path: &mut String, skip_module: bool, names: &Names<'_>) -> Result<(), Fault> {
    let length = path.len();
    match value {
        Value::String(text) => {
            if text.contains("${") && !(skip_module && path == MODULE) {
                *text = leaf(text, names)
                    .map_err(|error| error.into_fault(names).on(format!("{TEMPLATE_SPEC}.{path}")))?;
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                // Writing to a String cannot fail.
                let _ = write!(path, "[{index}]");
                leaves(item, path, skip_module, names)?;
                path.truncate(length);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
                leaves(field, path, skip_module, names)?;
                path.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

/// Fills in a text that has no language of its own.
fn leaf(text: &str, names: &Names<'_>) -> Result<String, LeafError> {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        written.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$${") {
            written.push_str("${");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            let (name, after) = after.split_once('}').ok_or(LeafError::Unclosed)?;
            let value = names
                .get(name)
                .ok_or_else(|| LeafError::Undefined(name.to_owned()))?;
            written.push_str(value);
            rest = after;
        } else {
            written.push('$');
            rest = &rest[1..];
        }
    }
    written.push_str(rest);
    Ok(written)
}

/// What is wrong with a text that has no language of its own.
enum LeafError {
    Unclosed,
    Undefined(String),
}

impl LeafError {
    fn into_fault(self, names: &Names<'_>) -> Fault {
        match self {
            Self::Unclosed => fault(
                "UnclosedVariable",
                "${ is not closed: add the closing }, or write $${ for the text ${",
            ),
            Self::Undefined(name) => fault(
                "UndefinedVariable",
                format!(
                    "the variable {name} is not defined; add it to spec.variables of the WorkspaceTemplateApply, \
                     or write $${{{name}}} for the text ${{{name}}} (defined: {})",
                    names.listed()
                ),
            ),
        }
    }
}

fn fault(code: &str, message: impl Into<String>) -> Fault {
    Fault::new(FaultClass::Invalid, code, message)
}

fn unreadable(error: &serde_json::Error) -> Fault {
    let message = format!("the filled in template is no workspace: {error}; correct the template");
    fault("UnreadableTemplate", message).on(TEMPLATE_SPEC)
}

/// A value that cannot stand where its variable stands.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unfit {
    name: String,
    /// Counted from 1, in the module as the template has it.
    line: usize,
}

/// The supplied names and their values.
#[derive(Debug)]
struct Names<'a> {
    values: BTreeMap<&'a str, &'a str>,
    longest: usize,
}

impl<'a> Names<'a> {
    fn new(values: BTreeMap<&'a str, &'a str>) -> Self {
        let longest = values.keys().map(|name| name.len()).max().unwrap_or(0);
        Self { values, longest }
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.values.get(name).copied()
    }

    /// The supplied variable that `rest`, which begins with `${`, names exactly, with its value.
    fn at(&self, rest: &str) -> Option<(&'a str, &'a str)> {
        let rest = rest.strip_prefix("${")?;
        // No name is longer, so nothing beyond is looked at.
        let end = rest
            .bytes()
            .take(self.longest + 1)
            .position(|byte| byte == b'}')?;
        let (name, value) = self.values.get_key_value(&rest[..end])?;
        Some((name, value))
    }

    fn listed(&self) -> String {
        let names: Vec<&str> = self.values.keys().copied().collect();
        names.join(", ")
    }
}
