//! The table of errors and the page of coverage.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use kecs_model::{Operation, Rule, check, overlay};
use serde_json::Value;

use crate::breaks::Broken;
use crate::states::Tests;

/// The test that breaks the rules of single members.
const OF_MEMBERS: &str = "the_server_answers_so";

/// What is said of a broken rule, without what was given: that may be long, and says nothing of the rule.
pub(crate) fn template(broken: &Broken, message: &str) -> String {
    match (broken.row, &broken.given) {
        (Some(row), _) if broken.rule != "type" => row.message.clone(),
        (_, Value::String(given)) => message.replace(&format!("'{given}'"), "'{value}'"),
        (_, given) => message.replace(&format!("'{given}'"), "'{value}'"),
    }
}

/// A line for each rule of each operation. Types are one line for each operation: all of them are answered alike.
pub(crate) fn errors(all: &[Broken]) -> String {
    let mut text = String::from(
        "# operation -> member: rule -> code -> message -> test. Written by the tests that break each rule over the wire;\n\
         # rules after `state` need more than one member or what is stored. The tests are of the target `errors` of this\n\
         # package, unless a file is named.\n",
    );
    let tests = Tests::all();
    for operation in Operation::classic() {
        let of = all.iter().filter(|it| it.operation == operation);
        let types = of.clone().filter(|it| it.rule == "type").count();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "\n{operation}: {types} members of another type -> SerializationException"
        );
        for broken in of.filter(|it| it.rule != "type") {
            let refusal = check(operation, &broken.input).unwrap_err();
            let message = template(broken, &refusal.message);
            let bound = if broken.bound.is_empty() {
                String::new()
            } else {
                format!(" {}", broken.bound)
            };
            let _ = writeln!(
                text,
                "{operation} -> {}: {}{bound} -> {} -> {message} -> {OF_MEMBERS}",
                broken.member, broken.rule, refusal.code
            );
        }
        for row in overlay()
            .iter()
            .filter(|row| row.operation == operation && row.rule == Rule::State)
        {
            let when = row.when.as_deref().unwrap_or_default();
            let member = if row.member.is_empty() {
                "the input"
            } else {
                &row.member
            };
            let _ = writeln!(
                text,
                "{operation} -> {member}: state: {when} -> {} -> {} -> {}",
                row.code,
                row.message,
                tests.of(row)
            );
        }
    }
    text
}

/// The page for readers: what is served, and how much of it is held against what.
pub(crate) fn coverage(all: &[Broken]) -> String {
    let mut page = String::from(
        "# Coverage\n\n\
         Written by `INSTA_UPDATE=always cargo test -p clients --test errors`; the same test fails when it is out of date.\n\n\
         Every operation below is called with an input that is right, and its answer is held against the service model;\n\
         then each rule is broken over HTTP, and status, code and message are compared. Rules of `state` need more than one\n\
         member or what is stored. `cargo xtask clients` calls every one of the operations with boto3, too.\n\
         All codes and messages, rule by rule, with the test of each, are in [errors.txt](../../tests/clients/golden/errors.txt).\n\n\
         | operation | rules | of state | wrong types | codes of its own |\n|---|---:|---:|---:|---|\n",
    );
    let mut totals = [0; 3];
    for operation in Operation::classic() {
        let of = |typed: bool| {
            all.iter()
                .filter(move |it| it.operation == operation && (it.rule == "type") == typed)
        };
        let states = overlay()
            .iter()
            .filter(|row| row.operation == operation && row.rule == Rule::State);
        let mut codes: BTreeSet<&str> = states.clone().map(|row| row.code.name()).collect();
        for broken in of(false) {
            codes.insert(check(operation, &broken.input).unwrap_err().code.name());
        }
        let codes: Vec<&str> = codes.into_iter().collect();
        let counts = [of(false).count(), states.count(), of(true).count()];
        for (total, count) in totals.iter_mut().zip(counts) {
            *total += count;
        }
        let [rules, states, types] = counts;
        let _ = writeln!(
            page,
            "| {operation} | {rules} | {states} | {types} | {} |",
            codes.join(", ")
        );
    }
    let [rules, states, types] = totals;
    let _ = writeln!(
        page,
        "| all {} | {rules} | {states} | {types} | |",
        Operation::classic().count()
    );
    page.push_str(
        "\n## Not served\n\nThese are answered with `UnsupportedFeatureException`: they are of resources that KECS does not have.\n\n",
    );
    for operation in Operation::ALL.iter().filter(|it| !it.is_classic()) {
        let _ = writeln!(page, "- {operation}");
    }
    page
}
