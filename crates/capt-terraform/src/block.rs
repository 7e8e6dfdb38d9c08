//! The block of a configuration that a diagnostic speaks of.
//!
//! Terraform gives the address of a resource only with what a provider said about it. Of a precondition that does not
//! hold, or a function that fails, it gives the block in which the expression stands (`snippet.context`, made by
//! `hcled.ContextString` of HCL), or quotes the head of the block itself (`snippet.code`). Of the snippet nothing else
//! is read: the values in it may be secret.

use serde::{Deserialize, Deserializer};

/// The excerpt of the configuration that comes with a diagnostic.
#[derive(Default, Deserialize)]
struct Snippet {
    #[serde(default)]
    context: Option<String>,
    #[serde(default)]
    code: String,
}

/// The address of the block that a snippet stands in.
pub(crate) fn of_snippet<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    // What it looks like in another version is no reason to lose the diagnostic.
    let value = serde_json::Value::deserialize(deserializer)?;
    let snippet = Snippet::deserialize(value).unwrap_or_default();
    let context = snippet.context.as_deref().and_then(of_context);
    Ok(context.or_else(|| of_code(&snippet.code)))
}

/// The address of a block in the words of HCL: `resource "aws_vpc" "main"`, or in a configuration that is JSON,
/// `resource.aws_vpc.main[0].tags`.
pub(crate) fn of_context(context: &str) -> Option<String> {
    if context.contains('"') {
        let (kind, labels) = head(context)?;
        return address(kind, &labels);
    }
    let steps = context.trim_start_matches('.').split('.');
    let steps: Vec<&str> = steps.map(|step| step.split('[').next().unwrap_or(step)).collect();
    let (kind, rest) = steps.split_first()?;
    address(
        kind,
        &rest.iter().map(|step| (*step).to_owned()).collect::<Vec<_>>(),
    )
}

/// The address of the block whose head is the first line of `code`.
fn of_code(code: &str) -> Option<String> {
    let line = code.lines().next()?.trim_end();
    let line = line.strip_suffix("{}").or_else(|| line.strip_suffix('{'))?;
    let (kind, labels) = head(line)?;
    address(kind, &labels)
}

/// The word and the labels of `kind "label" "label"`; none if it is anything else.
fn head(text: &str) -> Option<(&str, Vec<String>)> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(text.len());
    let (kind, mut rest) = text.split_at(end);
    let mut labels = Vec::new();
    while let Some(quoted) = rest.trim_start().strip_prefix('"') {
        let (label, after) = quoted.split_once('"')?;
        labels.push(label.to_owned());
        rest = after;
    }
    rest.trim().is_empty().then_some((kind, labels))
}

/// How the thing that a block declares is called in expressions; none for a block that declares no single thing.
fn address(kind: &str, labels: &[String]) -> Option<String> {
    let is_name = |label: &String| {
        let plain = |c: char| c.is_alphanumeric() || "_-/.".contains(c);
        !label.is_empty() && label.len() <= 200 && label.chars().all(plain)
    };
    let label = |number: usize| labels.get(number).filter(|label| is_name(label));
    let first = label(0)?;
    match kind {
        "resource" => Some(format!("{first}.{}", label(1)?)),
        "data" | "ephemeral" => Some(format!("{kind}.{first}.{}", label(1)?)),
        "variable" => Some(format!("var.{first}")),
        "module" | "output" | "provider" | "check" => Some(format!("{kind}.{first}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_called_as_in_expressions() {
        for (context, expected) in [
            ("resource \"aws_vpc\" \"main\"", Some("aws_vpc.main")),
            ("data \"aws_region\" \"here\"", Some("data.aws_region.here")),
            ("ephemeral \"aws_secret\" \"a\"", Some("ephemeral.aws_secret.a")),
            ("module \"network\"", Some("module.network")),
            ("output \"vpc_id\"", Some("output.vpc_id")),
            ("variable \"nodes\"", Some("var.nodes")),
            ("provider \"aws\"", Some("provider.aws")),
            ("check \"healthy\"", Some("check.healthy")),
            ("locals", None),
            ("terraform", None),
            ("moved", None),
            ("resource \"aws_vpc\"", None),
            ("resource \"aws_vpc\" \"\u{1b}[31m\"", None),
            ("resource \"aws_vpc\" \"main\" and more", None),
            ("resource \"aws_vpc\" \"main", None),
            ("resource.aws_vpc.main[0]", Some("aws_vpc.main")),
            (
                ".resource.aws_vpc.main[0].lifecycle.precondition[1]",
                Some("aws_vpc.main"),
            ),
            ("data.aws_region.here", Some("data.aws_region.here")),
            ("output.x", Some("output.x")),
            ("variable.nodes.validation", Some("var.nodes")),
            ("locals[0].a", None),
            ("", None),
        ] {
            assert_eq!(of_context(context).as_deref(), expected, "{context}");
        }
    }

    #[test]
    fn the_head_of_a_block_names_it_and_other_code_does_not() {
        for (code, expected) in [
            ("variable \"vpc_id\" {", Some("var.vpc_id")),
            ("resource \"aws_vpc\" \"main\" {}\nmore", Some("aws_vpc.main")),
            ("output \"token\" {", Some("output.token")),
            ("  input = \"resource \\\"a\\\" \\\"b\\\" {", None),
            ("{\"nodes\": \"three\"}", None),
            ("moved {", None),
            ("", None),
        ] {
            assert_eq!(of_code(code).as_deref(), expected, "{code}");
        }
    }
}
