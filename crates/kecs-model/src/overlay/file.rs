//! The overlay as it is written, and how a line of it becomes rows.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::{Overlay, Row, Rule};
use crate::error::ErrorCode;
use crate::operation::Operation;

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    rules: Vec<Line>,
    defaults: Vec<DefaultLine>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    operation: Names,
    member: Names,
    rule: LineRule,
    #[serde(default)]
    value: Option<Value>,
    code: ErrorCode,
    message: String,
    #[serde(default)]
    when: Option<String>,
}

/// A rule, or two bounds in one line: then the value is a list of both.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum LineRule {
    One(Rule),
    Both(Bounds),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Bounds {
    /// The least and the greatest number.
    Range,
    /// The least and the greatest number of characters.
    Length,
    /// The least and the greatest number of elements.
    Size,
}

impl Line {
    /// Each rule of the line with its value.
    fn rules(&self) -> Vec<(Rule, Option<Value>)> {
        let (least, most) = match self.rule {
            LineRule::One(rule) => return vec![(rule, self.value.clone())],
            LineRule::Both(Bounds::Range) => (Rule::Min, Rule::Max),
            LineRule::Both(Bounds::Length) => (Rule::MinLength, Rule::MaxLength),
            LineRule::Both(Bounds::Size) => (Rule::MinSize, Rule::MaxSize),
        };
        let bound = |index: usize| self.value.as_ref().and_then(|value| value.get(index)).cloned();
        vec![(least, bound(0)), (most, bound(1))]
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultLine {
    operation: Names,
    member: Names,
    value: Value,
}

/// One name or several. As the operation, `*` is every classic one whose input has the member.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl Names {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }

    fn is_any(&self) -> bool {
        self.as_slice().iter().any(|name| name == "*")
    }

    fn operations(&self, member: &str) -> Vec<Operation> {
        if self.is_any() {
            return Operation::classic()
                .filter(|operation| has(*operation, member))
                .collect();
        }
        self.as_slice()
            .iter()
            .filter_map(|name| Operation::from_name(name))
            .collect()
    }
}

fn has(operation: Operation, member: &str) -> bool {
    operation
        .input()
        .is_some_and(|input| input.kind_at(member).is_some())
}

impl File {
    /// A row for each operation and member of a line. A line that names its operation goes before one for all.
    pub(super) fn expand(&self) -> Overlay {
        let named = self.named();
        let mut rows = Vec::new();
        for line in &self.rules {
            for member in line.member.as_slice() {
                for operation in line.operation.operations(member) {
                    for (rule, value) in line.rules() {
                        if line.operation.is_any() && named.contains(&(operation, member.as_str(), rule)) {
                            continue;
                        }
                        rows.push(Row {
                            operation,
                            member: member.clone(),
                            rule,
                            value,
                            code: line.code,
                            message: line.message.clone(),
                            when: line.when.clone(),
                        });
                    }
                }
            }
        }
        let mut defaults = BTreeMap::new();
        for line in &self.defaults {
            for member in line.member.as_slice() {
                for operation in line.operation.operations(member) {
                    defaults.insert((operation, member.clone()), line.value.clone());
                }
            }
        }
        Overlay { rows, defaults }
    }

    /// What has a line of its own. Of a state there may be several, which do not replace each other.
    fn named(&self) -> BTreeSet<(Operation, &str, Rule)> {
        let mut named = BTreeSet::new();
        for line in self.rules.iter().filter(|line| !line.operation.is_any()) {
            for member in line.member.as_slice() {
                for operation in line.operation.operations(member) {
                    for (rule, _) in line.rules() {
                        if rule != Rule::State {
                            named.insert((operation, member.as_str(), rule));
                        }
                    }
                }
            }
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::Kind;

    fn file() -> File {
        serde_json::from_str(include_str!("../../model/overlay.json")).unwrap()
    }

    fn kind(operation: Operation, member: &str) -> Option<Kind> {
        operation.input().unwrap().kind_at(member)
    }

    /// A name that is misspelt would make a row that nobody misses.
    #[test]
    fn every_line_is_of_operations_and_members_that_there_are() {
        let file = file();
        let rules = file.rules.iter().map(|line| (&line.operation, &line.member));
        let defaults = file.defaults.iter().map(|line| (&line.operation, &line.member));
        for (operations, members) in rules.chain(defaults) {
            for member in members.as_slice() {
                if operations.is_any() {
                    assert!(!operations.operations(member).is_empty(), "no input has {member}");
                    continue;
                }
                for name in operations.as_slice() {
                    let operation = Operation::from_name(name).unwrap_or_else(|| panic!("{name}"));
                    // A rule of state may be of the whole input.
                    assert!(
                        member.is_empty() || has(operation, member),
                        "{name} has no {member}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_value_fits_its_rule_and_the_rule_fits_the_member() {
        for row in super::super::overlay() {
            let at = format!("{} {} {:?}", row.operation, row.member, row.rule);
            let kind = kind(row.operation, &row.member);
            let value = row.value.as_ref();
            let (value_fits, member_fits) = match row.rule {
                Rule::Required => (value.is_none(), kind.is_some()),
                Rule::NotEmpty => (
                    value.is_none(),
                    matches!(kind, Some(Kind::String | Kind::List(_))),
                ),
                Rule::Enum => (
                    value.is_none_or(Value::is_array),
                    matches!(kind, Some(Kind::Enum(_))) || (kind.is_some() && value.is_some()),
                ),
                Rule::MinLength | Rule::MaxLength => (
                    value.is_none_or(Value::is_u64),
                    matches!(kind, Some(Kind::String)),
                ),
                Rule::MinSize | Rule::MaxSize => (
                    value.is_none_or(Value::is_u64),
                    matches!(kind, Some(Kind::List(_))),
                ),
                Rule::Min | Rule::Max => (
                    value.is_some_and(|value| value.is_i64() || matches!(kind, Some(Kind::Double))),
                    matches!(kind, Some(Kind::Integer | Kind::Long | Kind::Double)),
                ),
                Rule::Pattern => (
                    value.is_none_or(|value| {
                        value
                            .as_str()
                            .is_some_and(|pattern| regex::Regex::new(pattern).is_ok())
                    }),
                    matches!(kind, Some(Kind::String)),
                ),
                Rule::State => (value.is_none(), row.when.is_some()),
            };
            assert!(value_fits, "the value of {at}");
            assert!(member_fits, "the member of {at}");
            assert!(row.rule == Rule::State || row.when.is_none(), "{at} says when");
        }
    }

    #[test]
    fn words_of_the_overlay_are_words_of_the_model() {
        for row in super::super::overlay()
            .iter()
            .filter(|row| row.rule == Rule::Enum)
        {
            if let Some(Kind::Enum(words)) = kind(row.operation, &row.member) {
                assert!(row.words().all(|word| words.contains(&word)), "{row:?}");
            }
        }
    }

    #[test]
    fn a_rule_that_is_checked_has_one_row_for_each_member() {
        let mut seen = BTreeSet::new();
        for row in super::super::overlay()
            .iter()
            .filter(|row| row.rule != Rule::State)
        {
            assert!(seen.insert((row.operation, &row.member, row.rule)), "{row:?}");
        }
    }

    /// Exceptions that the model does not name for an operation would surprise a client.
    #[test]
    fn codes_are_those_that_the_model_names_for_the_operation() {
        for row in super::super::overlay() {
            assert!(
                row.operation.errors().contains(&row.code),
                "{} does not name {} ({})",
                row.operation,
                row.code,
                row.message
            );
        }
    }

    #[test]
    fn a_line_for_an_operation_goes_before_one_for_all() {
        let file: File = serde_json::from_value(serde_json::json!({
            "rules": [
                {"operation": "*", "member": "startedBy", "rule": "length", "value": [1, 5],
                 "code": "ClientException", "message": "all"},
                {"operation": "RunTask", "member": "startedBy", "rule": "max-length", "value": 9,
                 "code": "ClientException", "message": "one"},
            ],
            "defaults": [],
        }))
        .unwrap();
        let rows: Vec<String> = file
            .expand()
            .rows
            .iter()
            .map(|row| {
                format!(
                    "{} {} {:?} {}",
                    row.operation,
                    row.rule.name(),
                    row.bound(),
                    row.message
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                "ListTasks min-length Some(1) all",
                "ListTasks max-length Some(5) all",
                "RunTask min-length Some(1) all",
                "StartTask min-length Some(1) all",
                "StartTask max-length Some(5) all",
                "RunTask max-length Some(9) one",
            ]
        );
    }
}
