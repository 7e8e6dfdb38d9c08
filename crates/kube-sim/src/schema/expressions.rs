//! What the rules of a schema may say, and what they may cost.
//!
//! The server's order: all that is wrong with the form of rules first, then what is wrong with their expressions, then
//! their sum. Rules whose form is wrong, and those of the nodes around them, are not compiled.

use serde_json::{Value, json};

use super::Cause;
use super::compile::{member, step};
use super::rules::{KEYWORD, REASONS};
use crate::cel::{self, Checked, Declared, Refusal, Wanted};

/// What one rule may cost.
const RULE_LIMIT: u64 = 10_000_000;
/// What all rules of a schema may cost.
const TOTAL_LIMIT: u64 = 100_000_000;
/// How many rules are named when the sum is too much.
const MOST_NAMED: usize = 4;

/// All faults of the rules of a schema that is structural; `at` is the schema's own path.
pub(super) fn check(schema: &Value, at: &str) -> Vec<Cause> {
    let mut walk = Walk {
        at,
        total: 0,
        dear: Vec::new(),
        forms: Vec::new(),
        expressions: Vec::new(),
    };
    let root = Position {
        resource: true,
        cardinality: Some(1),
        uncorrelated: None,
    };
    walk.node(schema, "", &root);
    walk.finish()
}

/// Where a node stands in its schema.
#[derive(Debug, Clone)]
struct Position {
    /// Whether it describes a whole resource.
    resource: bool,
    /// How often it is in an object at most; `None` if nothing says so.
    cardinality: Option<u64>,
    /// The list or map around it whose old and new elements cannot be told to belong together.
    uncorrelated: Option<String>,
}

struct Walk<'a> {
    at: &'a str,
    /// The cost of all rules so far.
    total: u64,
    /// The rules that cost much, dearest first.
    dear: Vec<(u64, String)>,
    forms: Vec<Cause>,
    expressions: Vec<Cause>,
}

impl Walk<'_> {
    /// Looks at a node and at all below it; whether the form of all rules there is right.
    fn node(&mut self, schema: &Value, path: &str, position: &Position) -> bool {
        let before = self.forms.len();
        if let Some(inner) = schema.get("additionalProperties").filter(|it| it.is_object()) {
            let position = position.below(schema, inner, None);
            self.node(inner, &step(path, "additionalProperties"), &position);
        }
        let atomic = schema["x-kubernetes-map-type"] == "atomic";
        let around = atomic.then(|| self.full(path));
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, inner) in properties.into_iter().flatten() {
            let position = position.below(schema, inner, around.clone());
            self.node(inner, &member(path, name), &position);
        }
        if let Some(inner) = schema.get("items").filter(|it| it.is_object()) {
            let by_key = schema["x-kubernetes-list-type"] == "map";
            let around = (!by_key).then(|| self.full(path));
            let position = position.below(schema, inner, around);
            self.node(inner, &step(path, "items"), &position);
        }
        let rules = schema
            .get(KEYWORD)
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        for (index, rule) in rules.iter().enumerate() {
            check_form(rule, schema, &at_rule(path, index), &mut self.forms);
        }
        let well_formed = self.forms.len() == before;
        if well_formed && !rules.is_empty() {
            self.compile(rules, schema, path, position);
        }
        well_formed
    }

    fn full(&self, path: &str) -> String {
        if path.is_empty() {
            self.at.to_owned()
        } else {
            format!("{}.{path}", self.at)
        }
    }

    fn compile(&mut self, rules: &[Value], schema: &Value, path: &str, position: &Position) {
        let Some(declared) = Declared::of(schema, position.resource) else {
            self.expressions.push(Cause::internal(
                &step(path, KEYWORD),
                "internal error: failed to construct type information for x-kubernetes-validations rules: unable to \
                 convert structural schema to CEL declarations",
            ));
            return;
        };
        let times = position.cardinality.unwrap_or_else(|| declared.max_cardinality());
        for (index, rule) in rules.iter().enumerate() {
            self.rule(rule, &at_rule(path, index), &declared, times, position);
        }
    }

    fn rule(&mut self, rule: &Value, field: &str, declared: &Declared, times: u64, position: &Position) {
        let optional = rule["optionalOldSelf"] == true;
        let text = rule["rule"].as_str().unwrap_or_default();
        let mut uses_old_self = false;
        match cel::check(text, declared, optional, Wanted::Bool) {
            Ok(checked) => {
                uses_old_self = checked.uses_old_self;
                let cost = checked.cost.saturating_mul(times);
                self.charge(cost, &format!("{field}.rule"), "estimated rule cost");
                self.message(rule, field, declared, optional);
            }
            Err(refusal) => {
                self.charge(0, &format!("{field}.rule"), "");
                let why = match refusal {
                    Refusal::Compilation(why) => format!("compilation failed: {why}"),
                    Refusal::Output => "cel expression must evaluate to a bool".to_owned(),
                };
                self.expressions
                    .push(refused(rule, &format!("{field}.rule"), &why));
            }
        }
        if uses_old_self {
            if let Some(around) = &position.uncorrelated {
                let why = format!(
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within {around}"
                );
                self.expressions
                    .push(Cause::invalid(&format!("{field}.rule"), &json!(text), &why));
            }
        } else if let Some(set) = rule.get("optionalOldSelf").filter(|it| !it.is_null()) {
            let why = "may not be set if oldSelf is not used in rule";
            self.expressions
                .push(Cause::invalid(&format!("{field}.optionalOldSelf"), set, why));
        }
    }

    fn message(&mut self, rule: &Value, field: &str, declared: &Declared, optional: bool) {
        let Some(text) = rule["messageExpression"].as_str().filter(|text| !text.is_empty()) else {
            return;
        };
        let field = format!("{field}.messageExpression");
        match cel::check(text, declared, optional, Wanted::String) {
            Ok(Checked { cost, .. }) => self.charge(cost, &field, "estimated messageExpression cost"),
            Err(Refusal::Compilation(why)) => {
                let why = format!("messageExpression compilation failed: {why}");
                self.expressions.push(refused(rule, &field, &why));
            }
            Err(Refusal::Output) => {
                let why = "messageExpression must evaluate to a string";
                self.expressions.push(refused(rule, &field, why));
            }
        }
    }

    /// Adds what an expression costs, and refuses it if that is too much.
    fn charge(&mut self, cost: u64, field: &str, what: &str) {
        if cost > RULE_LIMIT {
            self.expressions
                .push(Cause::forbidden(field, &exceeds(what, cost, RULE_LIMIT)));
        }
        self.total = self.total.saturating_add(cost);
        if cost >= TOTAL_LIMIT / 100 {
            self.dear.push((cost, field.to_owned()));
            self.dear.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
            self.dear.truncate(MOST_NAMED);
        }
    }

    fn finish(self) -> Vec<Cause> {
        let mut causes = self.forms;
        causes.extend(self.expressions);
        if self.total > TOTAL_LIMIT {
            let why =
                "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
            causes.extend(self.dear.iter().map(|(_, field)| Cause::forbidden(field, why)));
            let what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
            causes.push(Cause::forbidden("", &exceeds(what, self.total, TOTAL_LIMIT)));
        }
        causes
    }
}

impl Position {
    /// The position of a node below another.
    fn below(&self, outer: &Value, inner: &Value, uncorrelated: Option<String>) -> Self {
        let count = |key: &str| {
            outer
                .get(key)
                .and_then(Value::as_i64)
                .map(|it| u64::try_from(it).unwrap_or(0))
        };
        let times = match outer.get("type").and_then(Value::as_str) {
            Some("array") => count("maxItems"),
            Some("object") if outer.get("additionalProperties").is_some() => count("maxProperties"),
            Some(_) | None => Some(1),
        };
        Self {
            resource: inner["x-kubernetes-embedded-resource"] == true,
            cardinality: self
                .cardinality
                .zip(times)
                .map(|(held, times)| held.saturating_mul(times)),
            uncorrelated: self.uncorrelated.clone().or(uncorrelated),
        }
    }
}

fn at_rule(path: &str, index: usize) -> String {
    format!("{}[{index}]", step(path, KEYWORD))
}

#[allow(clippy::cast_precision_loss, reason = "the server shows a rounded number")]
fn exceeds(what: &str, cost: u64, limit: u64) -> String {
    let by = cost as f64 / limit as f64;
    let factor = if by > 100.0 {
        "more than 100x".to_owned()
    } else if by < 1.5 {
        format!("{by:.6}x")
    } else {
        format!("{by:.1}x")
    };
    format!(
        "{what} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and \
         maxLength where arrays, maps, and strings are declared)"
    )
}

/// A rule that is refused, shown by the names of the server's own fields.
fn refused(rule: &Value, field: &str, why: &str) -> Cause {
    let text = |key: &str| json!(rule[key].as_str().unwrap_or_default());
    let shown = format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{},\"FieldPath\":{},\"OptionalOldSelf\":{}}}",
        text("rule"),
        text("message"),
        text("messageExpression"),
        rule["reason"],
        text("fieldPath"),
        rule["optionalOldSelf"],
    );
    Cause::invalid_shown(field, &escaped(&shown), why)
}

/// JSON as Go writes it: what HTML would read is escaped.
fn escaped(json: &str) -> String {
    json.replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
}

fn check_form(rule: &Value, schema: &Value, field: &str, causes: &mut Vec<Cause>) {
    let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default();
    let breaks = |text: &str| text.contains(['\n', '\r']);
    let (rule_text, message) = (text("rule").trim(), text("message"));
    let mut refuse = |key: &str, value: &str, why: &str| {
        causes.push(Cause::invalid(&format!("{field}.{key}"), &json!(value), why));
    };
    if rule_text.is_empty() {
        causes.push(Cause::required(&format!("{field}.rule"), "rule is not specified"));
    } else if !message.is_empty() && message.trim().is_empty() {
        refuse("message", message, "must be non-empty if specified");
    } else if breaks(message.trim()) {
        refuse("message", message, "must not contain line breaks");
    } else if breaks(rule_text) && message.trim().is_empty() {
        let why = "message must be specified if rule contains line breaks";
        causes.push(Cause::required(&format!("{field}.message"), why));
    }
    let expression = text("messageExpression");
    if !expression.is_empty() && expression.trim().is_empty() {
        let why = "messageExpression must be non-empty if specified";
        causes.push(Cause::required(&format!("{field}.messageExpression"), why));
    }
    if let Some(reason) = rule.get("reason").and_then(Value::as_str)
        && !REASONS.contains(&reason)
    {
        let known = REASONS.map(str::to_owned);
        causes.push(Cause::not_supported(
            &format!("{field}.reason"),
            &json!(reason),
            &known,
        ));
    }
    check_field_path(text("fieldPath"), schema, field, causes);
}

fn check_field_path(path: &str, schema: &Value, field: &str, causes: &mut Vec<Cause>) {
    if path.is_empty() {
        return;
    }
    let mut refuse = |why: &str| {
        causes.push(Cause::invalid(&format!("{field}.fieldPath"), &json!(path), why));
    };
    if path.trim().is_empty() {
        refuse("must be non-empty if specified");
    }
    if path.contains(['\n', '\r']) {
        refuse("must not contain line breaks");
    }
    if !leads_to_field(path, schema) {
        refuse("must be a valid path");
    }
}

/// Whether a path of names (`.spec.colour`, `.labels['a.b']`) leads to something that the schema declares.
fn leads_to_field(path: &str, schema: &Value) -> bool {
    let (mut schema, mut rest) = (schema, path);
    while !rest.is_empty() {
        let name;
        if let Some(after) = rest.strip_prefix("['") {
            let Some((quoted, after)) = after.split_once("']") else {
                return false;
            };
            (name, rest) = (quoted, after);
        } else if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[', ']']).unwrap_or(after.len());
            (name, rest) = after.split_at(end);
        } else {
            return false;
        }
        let inner = match schema.get("properties").and_then(Value::as_object) {
            Some(properties) => properties.get(name),
            None => schema.get("additionalProperties").filter(|it| it.is_object()),
        };
        match inner {
            Some(inner) if !name.is_empty() => schema = inner,
            Some(_) | None => return false,
        }
    }
    true
}
