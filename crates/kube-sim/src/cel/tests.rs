//! The answers of a real server, rule by rule.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::schema::Schema;

/// What is answered to a rule about the specification of a kind.
fn answer(schema: &Value, rule: &Value) -> String {
    let mut spec = schema.clone();
    spec["x-kubernetes-validations"] = json!([rule]);
    let openapi = json!({"type": "object", "properties": {"spec": spec}});
    let causes = Schema::refuse(&openapi, "^");
    if causes.is_empty() {
        return "    taken\n".to_owned();
    }
    let mut told = String::new();
    for cause in causes {
        let cause = cause.under("^").to_string();
        let cause = cause.replace("^.properties[spec].x-kubernetes-validations[0]", "@");
        for line in without_rule(&cause).lines() {
            writeln!(told, "    {line}").expect("a string takes everything");
        }
    }
    told
}

/// A sentence without the rule that it shows.
fn without_rule(sentence: &str) -> String {
    match (sentence.find("{\"Rule\""), sentence.find("}: ")) {
        (Some(from), Some(to)) => format!("{}{{...}}{}", &sentence[..from], &sentence[to + 1..]),
        _ => sentence.to_owned(),
    }
}

#[test]
fn rules_are_answered_as_by_a_server() {
    let recorded = include_str!("answers.txt");
    let mut schema = Value::Null;
    let mut answered = String::new();
    for line in recorded.lines().filter(|line| !line.starts_with("    ")) {
        writeln!(answered, "{line}").expect("a string takes everything");
        if let Some(declared) = line.strip_prefix("== ") {
            schema = serde_json::from_str(declared).expect("the schema is JSON");
        } else if !line.is_empty() && !line.starts_with('#') {
            let rule = serde_json::from_str(line).unwrap_or_else(|_| json!({"rule": line}));
            answered += &answer(
                &schema,
                &if rule.is_object() {
                    rule
                } else {
                    json!({"rule": line})
                },
            );
        }
    }
    let differences: Vec<_> = similar_lines(recorded, &answered);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// The lines of either text that are not in the other at that place.
fn similar_lines(one: &str, other: &str) -> Vec<String> {
    let (mut ones, mut others) = (blocks(one), blocks(other));
    ones.retain(|block| !others.contains(block));
    others.retain(|block| !blocks(one).contains(block));
    let wanted = ones.into_iter().map(|block| format!("server: {block}"));
    wanted
        .chain(others.into_iter().map(|block| format!("here:   {block}")))
        .collect()
}

/// The rules, each with its answer.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    for line in text.lines() {
        match blocks.last_mut() {
            Some(block) if line.starts_with("    ") => {
                block.push('\n');
                block.push_str(line);
            }
            _ => blocks.push(line.to_owned()),
        }
    }
    blocks
}
