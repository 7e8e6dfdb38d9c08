//! Every row of the overlay, at its edge and one beyond.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

mod shapes;

use kecs_model::shape::Kind;
use kecs_model::{Operation, Refusal, Row, Rule, check, overlay};
use serde_json::{Value, json};
use shapes::{input, least_at, steps};

fn rows(rule: Rule) -> impl Iterator<Item = &'static Row> {
    overlay().iter().filter(move |row| row.rule == rule)
}

fn kind(row: &Row) -> Kind {
    row.operation.input().unwrap().kind_at(&row.member).unwrap()
}

/// What the row answers to this value.
fn expected(row: &Row, given: &Value) -> Refusal {
    // The least container is named "a"; the least override has no name.
    let container = if row.member.starts_with("containerDefinitions") {
        "a"
    } else {
        ""
    };
    let given = match given {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let message = row
        .message
        .replace("{container}", container)
        .replace("{value}", &given);
    Refusal::new(row.code, message)
}

fn accepted(row: &Row, value: Value) {
    let input = input(row.operation, &steps(&row.member), Some(value));
    assert_eq!(check(row.operation, &input), Ok(()), "{row:?}\n{input}");
}

fn refused(row: &Row, value: &Value) {
    let input = input(row.operation, &steps(&row.member), Some(value.clone()));
    assert_eq!(
        check(row.operation, &input),
        Err(expected(row, value)),
        "{row:?}\n{input}"
    );
}

fn whole(row: &Row) -> i64 {
    row.value.as_ref().and_then(Value::as_i64).unwrap_or_else(|| {
        let (_, limits, _) = shapes::find(row.operation.input().unwrap(), &steps(&row.member)).unwrap();
        match row.rule {
            Rule::MinLength | Rule::MinSize | Rule::Min => limits.min.unwrap(),
            _ => limits.max.unwrap(),
        }
    })
}

#[test]
fn the_least_input_of_every_operation_is_accepted() {
    for operation in Operation::classic() {
        let input = shapes::least(operation);
        assert_eq!(check(operation, &input), Ok(()), "{operation} {input}");
    }
}

#[test]
fn what_is_required_is_there_and_not_null() {
    assert!(rows(Rule::Required).count() > 10);
    for row in rows(Rule::Required) {
        accepted(row, least_at(row.operation, &row.member));
        refused(row, &Value::Null);
        let absent = input(row.operation, &steps(&row.member), None);
        assert_eq!(
            check(row.operation, &absent),
            Err(expected(row, &Value::Null)),
            "{row:?}"
        );
    }
}

#[test]
fn what_may_not_be_empty_is_there_and_is_neither_blank_nor_without_elements() {
    assert!(rows(Rule::NotEmpty).count() > 50);
    for row in rows(Rule::NotEmpty) {
        accepted(row, least_at(row.operation, &row.member));
        if matches!(kind(row), Kind::List(_)) {
            refused(row, &json!([]));
        } else {
            refused(row, &json!(""));
            refused(row, &json!(" \t"));
        }
        if !row.member.ends_with("[]") {
            refused(row, &Value::Null);
            let absent = input(row.operation, &steps(&row.member), None);
            assert_eq!(
                check(row.operation, &absent),
                Err(expected(row, &Value::Null)),
                "{row:?}"
            );
        }
    }
}

#[test]
fn only_the_words_of_the_row_or_the_model_are_accepted() {
    for row in rows(Rule::Enum) {
        let of_model: &[&str] = if let Kind::Enum(words) = kind(row) {
            words
        } else {
            &[]
        };
        let of_row = row.value.as_ref().and_then(Value::as_array);
        let allowed: Vec<&str> = of_row.map_or_else(
            || of_model.to_vec(),
            |words| words.iter().filter_map(Value::as_str).collect(),
        );
        for word in &allowed {
            accepted(row, json!(word));
        }
        for word in of_model.iter().filter(|word| !allowed.contains(word)) {
            refused(row, &json!(word));
        }
        refused(row, &json!("nonsense"));
        refused(row, &json!(allowed[0].to_lowercase() + "x"));
    }
}

#[test]
fn lengths_hold_at_their_edge_and_not_beyond() {
    assert!(rows(Rule::MaxLength).count() >= 49);
    for row in rows(Rule::MaxLength) {
        let most = usize::try_from(whole(row)).unwrap();
        accepted(row, json!("a".repeat(most)));
        refused(row, &json!("a".repeat(most + 1)));
    }
    assert_eq!(
        rows(Rule::MinLength).count(),
        0,
        "a row of this rule needs a test"
    );
}

/// Characters are counted, not bytes.
#[test]
fn a_tag_may_have_so_many_characters_whatever_their_bytes() {
    let tagged = |letter: &str| json!({"tags": [{"key": letter.repeat(128), "value": letter.repeat(256)}]});
    assert_eq!(check(Operation::CreateCluster, &tagged("ü")), Ok(()));
    assert_eq!(check(Operation::CreateCluster, &tagged("漢")), Ok(()));
}

#[test]
fn sizes_hold_at_their_edge_and_not_beyond() {
    assert!(rows(Rule::MaxSize).count() > 50);
    for row in rows(Rule::MaxSize) {
        let most = usize::try_from(whole(row)).unwrap();
        let element = least_at(row.operation, &format!("{}[]", row.member));
        accepted(row, json!(vec![element.clone(); most]));
        refused(row, &json!(vec![element; most + 1]));
    }
    assert_eq!(rows(Rule::MinSize).count(), 0, "a row of this rule needs a test");
}

#[test]
fn numbers_hold_at_their_edge_and_not_beyond() {
    assert!(rows(Rule::Min).count() > 50);
    assert!(rows(Rule::Max).count() > 40);
    for (rule, beyond) in [(Rule::Min, -1), (Rule::Max, 1)] {
        for row in rows(rule) {
            let edge = row.value.clone().unwrap();
            accepted(row, edge.clone());
            if matches!(kind(row), Kind::Double) {
                let edge = edge.as_f64().unwrap();
                refused(row, &json!(edge + 0.001 * f64::from(beyond)));
                refused(row, &json!(edge + f64::from(beyond)));
            } else {
                refused(row, &json!(whole(row) + i64::from(beyond)));
            }
        }
    }
}

#[test]
fn patterns_are_of_the_whole_text() {
    assert!(rows(Rule::Pattern).count() > 50);
    for row in rows(Rule::Pattern) {
        accepted(row, json!("a"));
        for wrong in ["\u{1}", "a\u{1}", "\u{1}a", "a\n"] {
            refused(row, &json!(wrong));
        }
    }
}

#[test]
fn names_have_at_most_255_letters_digits_hyphens_and_underscores() {
    let named = |name: &str| check(Operation::CreateCluster, &json!({"clusterName": name}));
    assert_eq!(named("aZ0-_"), Ok(()));
    assert_eq!(named(&"a".repeat(255)), Ok(()));
    for wrong in [&"a".repeat(256), "", "b!!", "a.b", "ä", "a b"] {
        assert_eq!(
            named(wrong),
            Err(Refusal::invalid(format!(
                "Cluster must match ^[a-zA-Z0-9\\-_]{{1,255}}$, but was {wrong}"
            )))
        );
    }
    let by_arn = json!({"cluster": "arn:aws:ecs:us-east-1:123456789012:cluster/a"});
    assert_eq!(check(Operation::ListTasks, &by_arn), Ok(()));
}

/// What is given cannot pass for a placeholder.
#[test]
fn a_value_with_braces_is_repeated_as_it_is() {
    let refusal = check(
        Operation::CreateCluster,
        &json!({"clusterName": "{container}{value}"}),
    )
    .unwrap_err();
    assert_eq!(
        refusal.message,
        "Cluster must match ^[a-zA-Z0-9\\-_]{1,255}$, but was {container}{value}"
    );
}

#[test]
fn the_container_is_named_that_a_rule_is_broken_in() {
    let input = json!({"family": "f", "containerDefinitions": [
        {"name": "web", "image": "i", "portMappings": [{"name": "http", "containerPort": 80}]},
        {"name": "db", "image": "i", "portMappings": [{"name": "sql", "containerPort": 65536}]},
    ]});
    assert_eq!(
        check(Operation::RegisterTaskDefinition, &input),
        Err(Refusal::client(
            "Invalid 'containerPort' setting for container 'db'."
        ))
    );
}
