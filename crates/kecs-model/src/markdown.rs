//! The operations and what they refuse, as a page.

use std::fmt::Write as _;

use crate::operation::Operation;
use crate::overlay::{self, Row, Rule};

/// What every operation refuses, by model and overlay: a Markdown page with a table for each classic operation.
///
/// What the model alone demands (types, words, lengths without a row of the overlay) is answered in general words and
/// is not listed row by row.
pub fn operations_markdown() -> String {
    let mut page = String::from("# Operations\n\n");
    for operation in Operation::classic() {
        // Writing to a String cannot fail.
        let _ = writeln!(page, "## {operation}\n");
        required(&mut page, operation);
        defaults(&mut page, operation);
        let rows: Vec<&Row> = overlay::overlay()
            .iter()
            .filter(|row| row.operation == operation)
            .collect();
        if !rows.is_empty() {
            page.push_str("| member | rule | code | message |\n|---|---|---|---|\n");
            for row in rows {
                let member = if row.member.is_empty() {
                    ""
                } else {
                    &format!("`{}`", row.member)
                };
                let _ = writeln!(
                    page,
                    "| {member} | {} | {} | {} |",
                    rule(row),
                    row.code,
                    cell(&row.message)
                );
            }
            page.push('\n');
        }
        let errors: Vec<&str> = operation.errors().iter().map(|code| code.name()).collect();
        let _ = writeln!(page, "Exceptions of the model: {}.\n", errors.join(", "));
    }
    page.push_str("## Not supported\n\n");
    for operation in Operation::ALL.iter().filter(|operation| !operation.is_classic()) {
        let _ = writeln!(page, "- {operation}");
    }
    page
}

fn required(page: &mut String, operation: Operation) {
    let members = operation.input().map_or(&[][..], |input| input.members);
    let required: Vec<String> = members
        .iter()
        .filter(|member| member.rules.required)
        .map(|member| format!("`{}`", member.name))
        .collect();
    if !required.is_empty() {
        let _ = writeln!(page, "Required: {}.\n", required.join(", "));
    }
}

fn defaults(page: &mut String, operation: Operation) {
    let defaults: Vec<String> = overlay::defaults()
        .filter(|(of, _, _)| *of == operation)
        .map(|(_, member, value)| format!("`{member}` = `{value}`"))
        .collect();
    if !defaults.is_empty() {
        let _ = writeln!(page, "Defaults: {}.\n", defaults.join(", "));
    }
}

/// The rule and its value, or when it is broken.
fn rule(row: &Row) -> String {
    match (row.rule, &row.when, &row.value) {
        (Rule::State, Some(when), _) => cell(when),
        (rule, _, Some(value)) => format!("{} `{}`", rule.name(), cell(&value.to_string())),
        (rule, _, None) => rule.name().to_owned(),
    }
}

/// Text that does not end its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
