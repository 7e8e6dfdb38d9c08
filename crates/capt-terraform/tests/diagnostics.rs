//! What Terraform 1.11.4 said of mistakes of many kinds, recorded, and the faults that are read from it.
#![cfg(feature = "engine")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "it is a test")]

use std::fmt::Write;

use capt_terraform::diagnostics::{failure, fault};
use capt_terraform::engine::Step;
use capt_terraform::stream::{Diagnostic, Event, parse_line};

const INIT: &str = include_str!("data/diagnostics/init.jsonl");
const PLAN: &str = include_str!("data/diagnostics/plan.jsonl");
const APPLY: &str = include_str!("data/diagnostics/apply.jsonl");

fn read(text: &str) -> Vec<Diagnostic> {
    let diagnostic = |line: &str| match parse_line(line.as_bytes()) {
        Event::Diagnostic(diagnostic) => diagnostic,
        other => panic!("{other:?} of {line}"),
    };
    text.lines().map(diagnostic).collect()
}

/// Each fault on two lines: step, class, code, resource and place; then the message.
fn faults() -> String {
    let mut text = String::new();
    let dash = |text: &str| if text.is_empty() { "-" } else { text }.to_owned();
    for (step, name, lines) in [
        (Step::Init, "init", INIT),
        (Step::Plan, "plan", PLAN),
        (Step::Apply, "apply", APPLY),
    ] {
        for diagnostic in read(lines) {
            let fault = fault(&diagnostic, Some(step));
            let (subject, position) = (dash(&fault.subject), dash(&fault.position));
            let class = fault.class.name();
            let message = fault.message.replace('\n', "\\n");
            writeln!(
                text,
                "{name} {class} {} {subject} {position}\n    {message}",
                fault.code
            )
            .unwrap();
        }
    }
    text
}

/// `CAPT_BLESS=1` writes the file anew.
#[test]
fn the_faults_of_recorded_mistakes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/diagnostics/faults.txt");
    let is = faults();
    if std::env::var_os("CAPT_BLESS").is_some() {
        std::fs::write(path, &is).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap();
    for (is, expected) in is.lines().zip(expected.lines()) {
        assert_eq!(is, expected);
    }
    assert_eq!(is.lines().count(), expected.lines().count());
}

#[test]
fn no_value_that_terraform_shows_beside_an_expression_is_told() {
    let mut seen = 0;
    for line in PLAN.lines().chain(APPLY.lines()) {
        let said: serde_json::Value = serde_json::from_str(line).unwrap();
        let diagnostic = &said["diagnostic"];
        let own = format!("{}{}", diagnostic["summary"], diagnostic["detail"]);
        for value in diagnostic["snippet"]["values"].as_array().into_iter().flatten() {
            let statement = value["statement"].as_str().unwrap();
            // Some of it Terraform says in its own words as well.
            let Some(value) = statement.strip_prefix("is ").filter(|value| !own.contains(value)) else {
                continue;
            };
            let quoted = value.starts_with('"');
            let fault = fault(&read(line)[0], Some(Step::Plan));
            seen += usize::from(quoted);
            assert!(!quoted || !format!("{fault:?}").contains(value), "{fault:?}");
        }
    }
    assert!(seen > 0, "no value to keep back");
}

#[test]
fn what_only_announces_the_errors_is_left_out() {
    let all = read(INIT);
    let announced = |diagnostic: &&Diagnostic| diagnostic.summary.contains("encountered problems");
    assert_eq!(all.iter().filter(announced).count(), 1);
    let found = failure(&all, Some(Step::Init)).unwrap();
    assert!(
        !found
            .faults
            .iter()
            .any(|fault| fault.message.contains("encountered problems"))
    );
    // Where nothing else is said it is better than nothing.
    let alone: Vec<_> = all.iter().filter(announced).cloned().collect();
    assert_eq!(failure(&alone, Some(Step::Init)).unwrap().faults.len(), 1);
}

#[test]
fn a_snippet_of_another_shape_does_not_lose_the_diagnostic() {
    for snippet in [
        "null",
        "3",
        "[]",
        "{\"context\": 7}",
        "{\"code\": null}",
        "{\"context\": null, \"code\": \"\"}",
    ] {
        let line = format!(
            "{{\"type\":\"diagnostic\",\"diagnostic\":{{\"severity\":\"error\",\"summary\":\"x\",\"snippet\":{snippet}}}}}"
        );
        assert_eq!(read(&line)[0].block, None, "{snippet}");
    }
}
