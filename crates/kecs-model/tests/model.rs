//! Types and limits of the model, for every member of every input.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it says")]

#[allow(dead_code, reason = "another test file uses the rest of it")]
mod shapes;

use std::collections::BTreeSet;

use kecs_model::shape::{Kind, Limits, Structure};
use kecs_model::{ErrorCode, Operation, Refusal, Rule, check};
use serde_json::{Value, json};
use shapes::{input, least_at, row, steps};

/// Every way to a member of an input, as the overlay writes it, with what stands there.
fn ways(operation: Operation) -> Vec<(String, Kind, Limits)> {
    let mut ways = Vec::new();
    members(operation.input().unwrap(), "", &mut ways);
    ways
}

fn members(shape: &'static Structure, path: &str, ways: &mut Vec<(String, Kind, Limits)>) {
    for member in shape.members {
        let path = if path.is_empty() {
            member.name.to_owned()
        } else {
            format!("{path}.{}", member.name)
        };
        value(member.kind, &path, member.rules.limits, member.rules.each, ways);
    }
}

fn value(kind: Kind, path: &str, limits: Limits, each: Limits, ways: &mut Vec<(String, Kind, Limits)>) {
    ways.push((path.to_owned(), kind, limits));
    match kind {
        Kind::List(element) => value(*element, &format!("{path}[]"), each, Limits::NONE, ways),
        Kind::Structure(shape) => members(shape(), path, ways),
        _ => {}
    }
}

/// What a value of each JSON type is answered with where `kind` is; nothing where it is accepted as a type.
fn type_error(kind: Kind, value: &Value) -> Option<String> {
    let found = match value {
        Value::Null => return None,
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "list",
        Value::Object(_) => "structure",
    };
    let (fits, wanted) = match kind {
        Kind::Document => return None,
        Kind::String | Kind::Enum(_) => (found == "STRING_VALUE", "a String"),
        Kind::Integer => (found == "NUMBER_VALUE", "an Integer"),
        Kind::Long => (found == "NUMBER_VALUE", "a Long"),
        Kind::Double => (found == "NUMBER_VALUE", "a Double"),
        Kind::Timestamp => (found == "NUMBER_VALUE", "milliseconds since epoch"),
        Kind::Boolean => (
            found.starts_with("TRUE") || found.starts_with("FALSE"),
            "a Boolean",
        ),
        Kind::List(_) => (found == "list", ""),
        Kind::Map(_) | Kind::Structure(_) => (found == "structure", ""),
    };
    if fits {
        return None;
    }
    Some(match found {
        "list" => "Start of list found where not expected".to_owned(),
        "structure" => "Start of structure or map found where not expected".to_owned(),
        _ if wanted.is_empty() => "Unexpected token received from parser".to_owned(),
        scalar => format!("{scalar} can not be converted to {wanted}"),
    })
}

#[test]
fn a_value_of_another_type_is_refused_wherever_it_stands() {
    let mut refused = 0;
    let values = [
        json!(true),
        json!(false),
        json!(7),
        json!("a"),
        json!([]),
        json!({}),
    ];
    for operation in Operation::classic() {
        for (way, kind, _) in ways(operation) {
            for value in &values {
                let Some(message) = type_error(kind, value) else {
                    continue;
                };
                let input = input(operation, &steps(&way), Some(value.clone()));
                let expected = Refusal::new(ErrorCode::SerializationException, message);
                assert_eq!(check(operation, &input), Err(expected), "{operation} {input}");
                refused += 1;
            }
        }
    }
    assert!(refused > 5_000, "{refused} values");
}

#[test]
fn null_is_the_same_as_absent_wherever_nothing_is_required() {
    for operation in Operation::classic() {
        for (way, _, _) in ways(operation) {
            if way.ends_with("[]") {
                continue;
            }
            let null = input(operation, &steps(&way), Some(Value::Null));
            let absent = input(operation, &steps(&way), None);
            assert_eq!(
                check(operation, &null),
                check(operation, &absent),
                "{operation} {way}"
            );
        }
    }
}

#[test]
fn null_is_no_element_of_a_list() {
    assert_eq!(
        check(Operation::DescribeTasks, &json!({"tasks": ["a", null]})),
        Err(Refusal::invalid(
            "1 validation error detected: Value null at 'tasks.2.member' failed to satisfy constraint: Member must not be null"
        ))
    );
    let labels = json!({"family": "f", "containerDefinitions": [
        {"name": "a", "image": "i", "dockerLabels": {"x": null}}
    ]});
    assert_eq!(
        check(Operation::RegisterTaskDefinition, &labels),
        Err(Refusal::invalid(
            "1 validation error detected: Value null at 'containerDefinitions.1.member.dockerLabels.x.value' failed to satisfy constraint: Member must not be null"
        ))
    );
}

#[test]
fn whole_numbers_are_whole_and_fit() {
    let count = |count: Value| {
        check(
            Operation::CreateService,
            &json!({"serviceName": "s", "desiredCount": count}),
        )
    };
    let refused = Refusal::new(
        ErrorCode::SerializationException,
        "NUMBER_VALUE can not be converted to an Integer",
    );
    assert_eq!(count(json!(i32::MAX)), Ok(()));
    for value in [
        json!(i64::from(i32::MAX) + 1),
        json!(1.5),
        json!(1.0),
        json!(u64::MAX),
        json!(-3e9),
    ] {
        assert_eq!(count(value.clone()), Err(refused.clone()), "{value}");
    }
}

#[test]
fn times_are_numbers_that_can_be_kept() {
    let after = |time: Value| {
        check(
            Operation::ListServiceDeployments,
            &json!({"service": "s", "createdAt": {"after": time}}),
        )
    };
    let refused = Refusal::new(
        ErrorCode::SerializationException,
        "NUMBER_VALUE can not be converted to milliseconds since epoch",
    );
    for value in [
        json!(0),
        json!(-1.5),
        json!(1_700_000_000.123),
        json!(253_402_207_200_i64),
    ] {
        assert_eq!(after(value.clone()), Ok(()), "{value}");
    }
    for value in [
        json!(253_402_300_800_i64),
        json!(1e18),
        json!(-1e300),
        json!(i64::MIN),
    ] {
        assert_eq!(after(value.clone()), Err(refused.clone()), "{value}");
    }
}

#[test]
fn limits_of_the_model_without_a_row_are_answered_in_general_words() {
    let mut seen = BTreeSet::new();
    for operation in Operation::classic() {
        for (way, kind, limits) in ways(operation) {
            let (least, most, verb) = match kind {
                Kind::String => (Rule::MinLength, Rule::MaxLength, "have length"),
                Kind::List(_) => (Rule::MinSize, Rule::MaxSize, "have length"),
                _ => (Rule::Min, Rule::Max, "have value"),
            };
            let edges = [
                (least, limits.min, -1, "greater than or equal to"),
                (most, limits.max, 1, "less than or equal to"),
            ];
            for (rule, bound, step, words) in edges {
                let Some(bound) = bound.filter(|_| row(operation, &way, rule).is_none()) else {
                    continue;
                };
                let below_empty = bound + step < 0 && !matches!(kind, Kind::Integer | Kind::Long);
                let beyond_kind = i32::try_from(bound + step).is_err();
                if below_empty || beyond_kind || row(operation, &way, Rule::NotEmpty).is_some() {
                    continue;
                }
                let at = |size: i64| of_size(operation, &way, kind, size);
                let accepted = input(operation, &steps(&way), Some(at(bound)));
                assert_eq!(check(operation, &accepted), Ok(()), "{operation} {accepted}");
                let given = at(bound + step);
                let told = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
                let refused = input(operation, &steps(&way), Some(given));
                let place = way.replace("[]", ".1.member");
                assert_eq!(
                    check(operation, &refused),
                    Err(Refusal::invalid(format!(
                        "1 validation error detected: Value '{told}' at '{place}' failed to satisfy constraint: Member must {verb} {words} {bound}"
                    )))
                );
                seen.insert(format!("{way} {}", rule.name()));
            }
        }
    }
    assert!(seen.len() > 20, "{seen:?}");
}

/// A value of so many characters or elements, or the number itself.
fn of_size(operation: Operation, way: &str, kind: Kind, size: i64) -> Value {
    match kind {
        Kind::String => json!("a".repeat(usize::try_from(size).unwrap())),
        Kind::List(_) => json!(vec![
            least_at(operation, &format!("{way}[]"));
            usize::try_from(size).unwrap()
        ]),
        _ => json!(size),
    }
}

#[test]
fn required_members_of_the_model_are_required() {
    for operation in Operation::classic() {
        for member in operation
            .input()
            .unwrap()
            .members
            .iter()
            .filter(|member| member.rules.required)
        {
            let absent = input(operation, &steps(member.name), None);
            let refusal = check(operation, &absent).unwrap_err();
            let row =
                row(operation, member.name, Rule::Required).or(row(operation, member.name, Rule::NotEmpty));
            let expected = row.map_or_else(
                || {
                    Refusal::invalid(format!(
                        "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
                        member.name
                    ))
                },
                |row| Refusal::new(row.code, row.message.clone()),
            );
            assert_eq!(refusal, expected, "{operation}");
        }
    }
}

#[test]
fn words_that_the_model_has_not_are_answered_with_those_that_it_has() {
    assert_eq!(
        check(Operation::DescribeClusters, &json!({"include": ["TAGS", "tags"]})),
        Err(Refusal::invalid(
            "include should be one of [ATTACHMENTS,CONFIGURATIONS,SETTINGS,STATISTICS,TAGS]"
        ))
    );
    assert_eq!(
        check(Operation::ListTaskDefinitions, &json!({"sort": "asc"})),
        Err(Refusal::invalid("sort should be one of [ASC,DESC]"))
    );
}

#[test]
fn unknown_members_are_ignored_wherever_they_stand() {
    for operation in Operation::classic() {
        let mut input = shapes::least(operation);
        input["noSuchMember"] = json!({"a": [1, null]});
        assert_eq!(check(operation, &input), Ok(()));
    }
    let input =
        json!({"family": "f", "containerDefinitions": [{"name": "a", "image": "i", "noSuchMember": 1}]});
    assert_eq!(check(Operation::RegisterTaskDefinition, &input), Ok(()));
}

#[test]
fn an_input_is_an_object() {
    let refused = Refusal::new(
        ErrorCode::SerializationException,
        "Unexpected token received from parser",
    );
    for input in [json!(null), json!(true), json!(1), json!("{}"), json!([])] {
        assert_eq!(
            check(Operation::ListClusters, &input),
            Err(refused.clone()),
            "{input}"
        );
    }
}

/// The type goes before every rule, and the first rule in the order of the model goes before the next.
#[test]
fn the_first_thing_that_is_wrong_is_the_answer() {
    let both = json!({"cluster": "b!!", "tasks": [], "include": ["nonsense"]});
    assert_eq!(
        check(Operation::DescribeTasks, &both).unwrap_err().message,
        "Cluster must match ^[a-zA-Z0-9\\-_]{1,255}$, but was b!!"
    );
    let two = json!({"tasks": [], "include": ["nonsense"]});
    assert_eq!(
        check(Operation::DescribeTasks, &two),
        Err(Refusal::invalid("Tasks cannot be empty."))
    );
    let with_type = json!({"cluster": "b!!", "tasks": [], "include": [1]});
    assert_eq!(
        check(Operation::DescribeTasks, &with_type).unwrap_err().code,
        ErrorCode::SerializationException
    );
}

#[test]
fn newer_operations_are_refused_whatever_their_input() {
    let newer: Vec<Operation> = Operation::ALL
        .iter()
        .copied()
        .filter(|one| !one.is_classic())
        .collect();
    assert_eq!(newer.len(), 28);
    for operation in newer {
        for input in [json!({}), json!(1)] {
            assert_eq!(
                check(operation, &input),
                Err(Refusal::new(
                    ErrorCode::UnsupportedFeatureException,
                    format!("The operation {operation} is not supported.")
                ))
            );
        }
        assert!(operation.input().is_none() && operation.output().is_none());
    }
}
