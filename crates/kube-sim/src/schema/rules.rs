//! `x-kubernetes-validations`: rules in CEL.

use kube_cel::{
    CompilationError, CompiledSchema, ErrorKind, ValidationError, compile_schema, validate_compiled,
};
use serde_json::{Value, json};

use super::{Additional, Cause, Node, Schema, join};

/// The rules of one node.
#[derive(Debug)]
pub(super) struct Rules {
    /// Rules about the value alone; not asked where the value has not changed.
    plain: Option<CompiledSchema>,
    /// Rules that also see `oldSelf`, asked where there is one.
    transition: Option<CompiledSchema>,
    /// Rules with `optionalOldSelf`, asked where there is no old value.
    creation: Option<CompiledSchema>,
    /// The texts of all rules, in their order.
    order: Vec<String>,
    /// What the rules say when they fail, in their order; empty where they say nothing of their own.
    messages: Vec<String>,
    /// The node's JSON type, which messages show in place of the value.
    type_name: String,
}

/// The keyword under which the rules of a node stand.
pub(super) const KEYWORD: &str = "x-kubernetes-validations";

/// Reasons a rule may give, sorted; others count as invalid.
pub(super) const REASONS: [&str; 4] = [
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueRequired",
];

impl Rules {
    /// Compiles the rules that stand on a node; the causes' fields are relative to it.
    pub(super) fn compile(schema: &Value) -> Result<Option<Self>, Vec<Cause>> {
        let Some(rules) = schema
            .get(KEYWORD)
            .and_then(Value::as_array)
            .filter(|rules| !rules.is_empty())
        else {
            return Ok(None);
        };
        let shape = without_rules(schema);
        let mut causes = Vec::new();
        let (mut plain, mut transition, mut creation) = (Vec::new(), Vec::new(), Vec::new());
        for (index, rule) in rules.iter().enumerate() {
            let field = format!("{KEYWORD}[{index}]");
            let alone = compile_schema(&json!({ (KEYWORD): [rule] }));
            for result in &alone.validations {
                match result {
                    Ok(compiled) if compiled.is_transition_rule => {
                        if compiled.rule.optional_old_self == Some(true) {
                            transition.push(with_old_self(rule, OLD_SELF));
                            creation.push(with_old_self(rule, NO_OLD_SELF));
                        } else {
                            transition.push(rule.clone());
                        }
                    }
                    Ok(_) => plain.push(rule.clone()),
                    Err(fault) => causes.push(refusal(&field, rule, fault)),
                }
            }
        }
        if !causes.is_empty() {
            return Err(causes);
        }
        let compile = |rules: Vec<Value>| {
            (!rules.is_empty()).then(|| {
                let mut shape = shape.clone();
                if let Some(members) = shape.as_object_mut() {
                    members.insert(KEYWORD.to_owned(), Value::Array(rules));
                }
                compile_schema(&shape)
            })
        };
        Ok(Some(Self {
            plain: compile(plain),
            transition: compile(transition),
            creation: compile(creation),
            order: rules.iter().map(rule_text).collect(),
            messages: rules
                .iter()
                .map(|rule| rule["message"].as_str().unwrap_or_default().trim().to_owned())
                .collect(),
            type_name: schema
                .get("type")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        }))
    }

    fn evaluate(
        &self,
        value: &Value,
        old: Option<&Value>,
        unchanged: bool,
        path: &str,
        causes: &mut Vec<Cause>,
    ) {
        let plain = self.plain.as_ref().filter(|_| !unchanged);
        let transition = if old.is_some() {
            self.transition.as_ref()
        } else {
            self.creation.as_ref()
        };
        let mut found = Vec::new();
        for (rules, old) in plain
            .map(|rules| (rules, None))
            .into_iter()
            .chain(transition.map(|rules| (rules, old)))
        {
            if let Err(errors) = validate_compiled(rules, value, old) {
                found.extend(errors.into_vec());
            }
        }
        found.sort_by_key(|error| {
            self.order
                .iter()
                .position(|rule| *rule == self.original(&error.rule))
        });
        causes.extend(found.iter().map(|error| self.cause(error, path)));
    }

    /// The text a rule was written with.
    fn original(&self, rule: &str) -> String {
        let written = |text: &&String| {
            [OLD_SELF, NO_OLD_SELF]
                .iter()
                .any(|form| replaced(text, form) == rule)
        };
        self.order
            .iter()
            .find(written)
            .cloned()
            .unwrap_or_else(|| rule.to_owned())
    }

    /// What a rule is named by: its message, or else its text.
    fn said(&self, rule: &str) -> String {
        let at = self.order.iter().position(|text| text == rule);
        let message = at
            .and_then(|at| self.messages.get(at))
            .filter(|message| !message.is_empty());
        message.cloned().unwrap_or_else(|| rule.trim().to_owned())
    }

    fn cause(&self, error: &ValidationError, path: &str) -> Cause {
        let suffix = error.field_path.trim_start_matches('.');
        let field = match (suffix.is_empty(), suffix.starts_with('[')) {
            (true, _) if path.is_empty() => "<nil>".to_owned(),
            (true, _) => path.to_owned(),
            (false, true) => format!("{path}{suffix}"),
            (false, false) => join(path, suffix),
        };
        let value = Value::from(self.type_name.as_str());
        let detail = match error.kind {
            ErrorKind::ValidationFailure => error.message.trim().to_owned(),
            _ => format!(
                "{} evaluating rule: {}",
                evaluation_fault(&error.message),
                self.said(&self.original(&error.rule))
            ),
        };
        match error.reason.as_deref() {
            Some("FieldValueRequired") => Cause::required(&field, &detail),
            Some("FieldValueForbidden") => Cause::forbidden(&field, &detail),
            Some("FieldValueDuplicate") => Cause::duplicate(&field, &value),
            _ => Cause::invalid(&field, &value, &detail),
        }
    }
}

impl Schema {
    /// What the schema's rules refuse.
    ///
    /// With `old`, transition rules are asked too, and rules about values that have not changed are not
    /// (ratcheting). Lists correlate by their map keys; items of other lists have no `oldSelf`.
    pub(crate) fn validate_rules(&self, object: &Value, old: Option<&Value>) -> Vec<Cause> {
        let mut causes = Vec::new();
        walk(&self.root, object, old, false, "", &mut causes);
        causes
    }

    pub(super) fn has_rules(&self) -> bool {
        has_rules(&self.root)
    }
}

fn has_rules(node: &Node) -> bool {
    node.rules.is_some()
        || node.properties.values().any(has_rules)
        || node.items.as_deref().is_some_and(has_rules)
        || matches!(&node.additional, Some(Additional::Of(child)) if has_rules(child))
}

fn walk(node: &Node, value: &Value, old: Option<&Value>, settled: bool, path: &str, causes: &mut Vec<Cause>) {
    if value.is_null() {
        return;
    }
    let unchanged = settled || old == Some(value);
    if let Some(rules) = &node.rules {
        rules.evaluate(value, old.filter(|old| !old.is_null()), unchanged, path, causes);
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let Some(child) = node.child(name) else { continue };
                let inner = if node.properties.contains_key(name) {
                    join(path, name)
                } else {
                    format!("{path}[{name}]")
                };
                let old_member = if node.atomic_map {
                    None
                } else {
                    old.and_then(|old| old.get(name))
                };
                walk(child, member, old_member, unchanged, &inner, causes);
            }
        }
        Value::Array(items) => {
            let Some(child) = node.items.as_deref() else {
                return;
            };
            for (index, item) in items.iter().enumerate() {
                let old_item = node.correlate(item, old);
                walk(
                    child,
                    item,
                    old_item,
                    unchanged,
                    &format!("{path}[{index}]"),
                    causes,
                );
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Null => {}
    }
}

/// Why a rule could not be evaluated, in the words of Go's implementation where they are known.
fn evaluation_fault(message: &str) -> String {
    let message = message.trim_start_matches("rule evaluation error: ");
    for (function, wanted) in [("duration", "Duration"), ("timestamp", "Timestamp")] {
        if message.starts_with(&format!("Error executing function '{function}'")) {
            return format!("type conversion error from 'string' to 'google.protobuf.{wanted}'");
        }
    }
    match message.split_once("No such key: ") {
        Some((_, key)) => format!("no such key: {key}"),
        None => message.to_owned(),
    }
}

fn refusal(field: &str, rule: &Value, fault: &CompilationError) -> Cause {
    let place = match fault {
        CompilationError::MessageExpressionParse { .. } => "messageExpression",
        _ => "rule",
    };
    Cause::invalid(
        &format!("{field}.{place}"),
        rule,
        &format!("compilation failed: {fault}"),
    )
}

/// `oldSelf` where there is an old value and the rule takes it as an optional.
const OLD_SELF: &str = "optional.of(oldSelf)";
/// `oldSelf` where there is none.
const NO_OLD_SELF: &str = "optional.none()";

/// A rule with `optionalOldSelf`, written for one of the two cases: the library binds the bare old value, or
/// null, where the API server binds an optional.
fn with_old_self(rule: &Value, form: &str) -> Value {
    let mut out = rule.clone();
    let Some(members) = out.as_object_mut() else {
        return out;
    };
    members.remove("optionalOldSelf");
    if !members.contains_key("message") {
        members.insert(
            "message".to_owned(),
            Value::from(format!("failed rule: {}", rule_text(rule).trim())),
        );
    }
    for key in ["rule", "messageExpression"] {
        if let Some(Value::String(text)) = members.get_mut(key) {
            *text = replaced(text, form);
        }
    }
    out
}

fn rule_text(rule: &Value) -> String {
    rule.get("rule")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// `text` with the identifier `oldSelf` replaced, string literals left alone.
fn replaced(text: &str, form: &str) -> String {
    let mut out = String::new();
    let (mut word, mut quote, mut escaped) = (String::new(), None, false);
    let end_word = |word: &mut String, out: &mut String| {
        out.push_str(if word == "oldSelf" { form } else { word });
        word.clear();
    };
    for letter in text.chars() {
        if quote.is_none() && (letter.is_ascii_alphanumeric() || letter == '_') {
            word.push(letter);
            continue;
        }
        end_word(&mut word, &mut out);
        match quote {
            Some(open) if open == letter && !escaped => quote = None,
            None if matches!(letter, '\'' | '"') => quote = Some(letter),
            Some(_) | None => {}
        }
        escaped = letter == '\\' && !escaped;
        out.push(letter);
    }
    end_word(&mut word, &mut out);
    out
}

/// The schema's shape, which CEL needs to read a value, without rules and defaults.
fn without_rules(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .filter(|(key, _)| {
                    !matches!(
                        key.as_str(),
                        KEYWORD | "default" | "allOf" | "anyOf" | "oneOf" | "not"
                    )
                })
                .map(|(key, value)| {
                    let value = if key == "properties" {
                        properties_without_rules(value)
                    } else {
                        without_rules(value)
                    };
                    (key.clone(), value)
                })
                .collect(),
        ),
        other => other.clone(),
    }
}

/// Property names are data: a property may be called `default`.
fn properties_without_rules(properties: &Value) -> Value {
    match properties {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| (name.clone(), without_rules(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}
