//! Every rule of model and overlay that one member breaks alone, and an input that breaks it.

use kecs_model::shape::{Kind, Limits, Member, Structure};
use kecs_model::{Operation, Row, Rule, overlay};
use regex::Regex;
use serde_json::{Map, Value, json};

/// Levels of structures that are gone into. No input of the model is deeper.
const DEPTH: usize = 9;

/// An input with one thing wrong.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) operation: Operation,
    /// The way to what is wrong, as in [`Row::member`].
    pub(crate) member: String,
    /// The rule, or `type`.
    pub(crate) rule: &'static str,
    /// What the rule demands.
    pub(crate) bound: String,
    pub(crate) input: Value,
    /// What stands where it is wrong; null where it is absent.
    pub(crate) given: Value,
    /// The row of the overlay that says what is answered.
    pub(crate) row: Option<&'static Row>,
    /// What is just allowed in that place, and the same input with it.
    pub(crate) edge: Option<(Value, Value)>,
}

/// What is demanded of a member by the model and, before it, by the overlay.
struct Demand {
    rows: Vec<&'static Row>,
    limits: Limits,
    required: bool,
}

impl Demand {
    fn of(operation: Operation, path: &str, limits: Limits, required: bool) -> Self {
        let rows = overlay()
            .iter()
            .filter(|row| row.operation == operation && row.member == path && row.rule != Rule::State);
        Self {
            rows: rows.collect(),
            limits,
            required,
        }
    }

    fn row(&self, rule: Rule) -> Option<&'static Row> {
        self.rows.iter().copied().find(|row| row.rule == rule)
    }

    fn absent(&self) -> Option<&'static Row> {
        self.row(Rule::Required).or_else(|| self.row(Rule::NotEmpty))
    }

    fn must_be(&self) -> bool {
        self.required || self.absent().is_some()
    }

    fn bound(&self, rule: Rule, of_model: Option<i64>) -> Option<i64> {
        let row = self.row(rule).and_then(|row| row.value.as_ref());
        row.and_then(Value::as_f64).map(whole).or(of_model)
    }

    fn pattern(&self) -> Option<(String, Regex)> {
        let row = self.row(Rule::Pattern).and_then(|row| row.value.as_ref());
        let pattern = row.and_then(Value::as_str).or(self.limits.pattern)?;
        Some((
            pattern.to_owned(),
            Regex::new(&format!(r"\A(?:{pattern})\z")).unwrap(),
        ))
    }

    fn words<'w>(&self, of_model: &'w [&'w str]) -> Vec<String> {
        let row = self.row(Rule::Enum).and_then(|row| row.value.as_ref());
        match row.and_then(Value::as_array) {
            Some(words) => words
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            None => of_model.iter().map(|word| (*word).to_owned()).collect(),
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "bounds are small")]
fn whole(number: f64) -> i64 {
    number.ceil() as i64
}

/// Everything that can be wrong with the input of an operation, from one that is right.
pub(crate) fn of(operation: Operation, valid: &Value) -> Vec<Broken> {
    let mut walk = Walk {
        operation,
        valid,
        found: Vec::new(),
    };
    walk.structure(operation.input().unwrap(), &[], 0);
    walk.found
}

struct Walk<'v> {
    operation: Operation,
    valid: &'v Value,
    found: Vec<Broken>,
}

/// A step on the way to a member, with what is put there if nothing stands there yet.
#[derive(Clone)]
enum Step {
    Member(&'static str, Value),
    Element(Value),
    Entry(Value),
}

fn path(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Member(name, _) if path.is_empty() => path.push_str(name),
            Step::Member(name, _) => {
                path.push('.');
                path.push_str(name);
            }
            Step::Element(_) => path.push_str("[]"),
            Step::Entry(_) => path.push_str("{}"),
        }
    }
    path
}

impl Walk<'_> {
    fn structure(&mut self, shape: &'static Structure, steps: &[Step], depth: usize) {
        for member in shape.members {
            self.member(member, steps, depth);
        }
    }

    fn member(&mut self, member: &'static Member, steps: &[Step], depth: usize) {
        let sample = Step::Member(member.name, Value::Null);
        let name = path(&[steps, &[sample]].concat());
        let demand = Demand::of(self.operation, &name, member.rules.limits, member.rules.required);
        let sample = sample_of(
            self.operation,
            member.kind,
            &name,
            &demand,
            member.rules.each,
            depth,
        );
        let here = [steps, &[Step::Member(member.name, sample)]].concat();
        if demand.must_be() {
            self.add(&here, "required", String::new(), None, demand.absent(), None);
        }
        self.value(member.kind, &demand, member.rules.each, &here, depth);
    }

    /// What can be wrong with a value, and with what is in it.
    fn value(&mut self, kind: Kind, demand: &Demand, each: Limits, here: &[Step], depth: usize) {
        let wrong = match kind {
            Kind::List(_) | Kind::Map(_) | Kind::Structure(_) => json!("text"),
            Kind::String | Kind::Enum(_) | Kind::Integer | Kind::Long | Kind::Double => json!({}),
            Kind::Boolean | Kind::Timestamp => json!([]),
            Kind::Document => Value::Null,
        };
        if !wrong.is_null() {
            self.add(here, "type", String::new(), Some(wrong), None, None);
        }
        match kind {
            Kind::String => self.text(demand, here),
            Kind::Enum(words) => {
                self.not_empty(demand, here, json!(""));
                let edge = demand.words(words).last().map(|word| json!(word));
                let all = words.join(",");
                self.add(
                    here,
                    "enum",
                    all,
                    Some(json!("NO_SUCH_WORD")),
                    demand.row(Rule::Enum),
                    edge,
                );
            }
            Kind::Integer | Kind::Long | Kind::Double => self.number(demand, here),
            Kind::Boolean | Kind::Timestamp | Kind::Document => {}
            Kind::List(element) => {
                self.size(*element, demand, each, here, depth);
                let sample = element_sample(self.operation, *element, &path(here), each, depth);
                let inside = [here, &[Step::Element(sample)]].concat();
                let demand = Demand::of(self.operation, &path(&inside), each, false);
                self.inside(*element, &demand, &inside, depth);
            }
            Kind::Map(element) => {
                let inside = [here, &[Step::Entry(json!("a"))]].concat();
                let demand = Demand::of(self.operation, &path(&inside), Limits::NONE, false);
                self.inside(*element, &demand, &inside, depth);
            }
            Kind::Structure(shape) => self.deeper(shape(), here, depth),
        }
    }

    fn inside(&mut self, kind: Kind, demand: &Demand, here: &[Step], depth: usize) {
        match kind {
            Kind::Structure(shape) => self.deeper(shape(), here, depth),
            other => self.value(other, demand, Limits::NONE, here, depth + 1),
        }
    }

    fn deeper(&mut self, shape: &'static Structure, here: &[Step], depth: usize) {
        if depth < DEPTH {
            self.structure(shape, here, depth + 1);
        }
    }

    fn not_empty(&mut self, demand: &Demand, here: &[Step], empty: Value) {
        if let Some(row) = demand.row(Rule::NotEmpty) {
            self.add(here, "not-empty", String::new(), Some(empty), Some(row), None);
        }
    }

    fn text(&mut self, demand: &Demand, here: &[Step]) {
        self.not_empty(demand, here, json!(" "));
        if let Some(row) = demand.row(Rule::Enum) {
            let words = demand.words(&[]);
            let edge = words.last().map(|word| json!(word));
            self.add(
                here,
                "enum",
                words.join(","),
                Some(json!("NO_SUCH_WORD")),
                Some(row),
                edge,
            );
        }
        let long = |length: i64| json!("a".repeat(usize::try_from(length).unwrap_or_default()));
        let empty_is_told = demand.row(Rule::NotEmpty).is_some();
        if let Some(min) = demand
            .bound(Rule::MinLength, demand.limits.min)
            .filter(|min| *min > 0)
            && !(min == 1 && empty_is_told)
        {
            let row = demand.row(Rule::MinLength);
            self.add(
                here,
                "min-length",
                min.to_string(),
                Some(long(min - 1)),
                row,
                Some(long(min)),
            );
        }
        if let Some(max) = demand.bound(Rule::MaxLength, demand.limits.max) {
            let row = demand.row(Rule::MaxLength);
            self.add(
                here,
                "max-length",
                max.to_string(),
                Some(long(max + 1)),
                row,
                Some(long(max)),
            );
        }
        if let Some((text, pattern)) = demand.pattern() {
            let row = demand.row(Rule::Pattern);
            let strange = ["no \u{1F980} !", "\u{0}", "%"]
                .into_iter()
                .find(|text| !pattern.is_match(text));
            let strange = strange.expect("no pattern matches all of these");
            self.add(here, "pattern", text, Some(json!(strange)), row, None);
        }
    }

    fn number(&mut self, demand: &Demand, here: &[Step]) {
        if let Some(min) = demand.bound(Rule::Min, demand.limits.min) {
            let row = demand.row(Rule::Min);
            self.add(
                here,
                "min",
                min.to_string(),
                Some(json!(min - 1)),
                row,
                Some(json!(min)),
            );
        }
        if let Some(max) = demand
            .bound(Rule::Max, demand.limits.max)
            .filter(|max| *max < i64::from(i32::MAX))
        {
            let row = demand.row(Rule::Max);
            self.add(
                here,
                "max",
                max.to_string(),
                Some(json!(max + 1)),
                row,
                Some(json!(max)),
            );
        }
    }

    fn size(&mut self, element: Kind, demand: &Demand, each: Limits, here: &[Step], depth: usize) {
        self.not_empty(demand, here, json!([]));
        let sample = element_sample(self.operation, element, &path(here), each, depth);
        let of = |size: i64| json!(vec![sample.clone(); usize::try_from(size).unwrap_or_default()]);
        let min = demand
            .bound(Rule::MinSize, demand.limits.min)
            .filter(|min| *min > 0);
        if let Some(min) = min.filter(|min| !(*min == 1 && demand.row(Rule::NotEmpty).is_some())) {
            let row = demand.row(Rule::MinSize);
            self.add(
                here,
                "min-size",
                min.to_string(),
                Some(of(min - 1)),
                row,
                Some(of(min)),
            );
        }
        if let Some(max) = demand.bound(Rule::MaxSize, demand.limits.max) {
            let row = demand.row(Rule::MaxSize);
            self.add(
                here,
                "max-size",
                max.to_string(),
                Some(of(max + 1)),
                row,
                Some(of(max)),
            );
        }
    }

    fn add(
        &mut self,
        here: &[Step],
        rule: &'static str,
        bound: String,
        given: Option<Value>,
        row: Option<&'static Row>,
        edge: Option<Value>,
    ) {
        let with = |value: Option<Value>| {
            let mut input = self.valid.clone();
            set(&mut input, here, value);
            input
        };
        self.found.push(Broken {
            operation: self.operation,
            member: path(here),
            rule,
            bound,
            input: with(given.clone()),
            given: given.unwrap_or_default(),
            row,
            edge: edge.map(|edge| (edge.clone(), with(Some(edge)))),
        });
    }
}

/// Puts a value at the end of a way, or takes away what is there. What is missing on the way is put there.
fn set(at: &mut Value, steps: &[Step], value: Option<Value>) {
    let Some((step, rest)) = steps.split_first() else {
        return;
    };
    let (slot, sample) = match step {
        Step::Member(name, sample) => {
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            if rest.is_empty() && value.is_none() {
                at.as_object_mut().unwrap().remove(*name);
                return;
            }
            (&mut at[*name], sample)
        }
        Step::Element(sample) => {
            let elements = at.as_array_mut().expect("a list is put where one is gone into");
            if elements.is_empty() {
                elements.push(Value::Null);
            }
            (&mut elements[0], sample)
        }
        Step::Entry(sample) => (&mut at["a"], sample),
    };
    if rest.is_empty() {
        *slot = value.unwrap_or_default();
        return;
    }
    if slot.is_null() {
        *slot = sample.clone();
    }
    set(slot, rest, value);
}

fn element_sample(operation: Operation, kind: Kind, list: &str, each: Limits, depth: usize) -> Value {
    let name = format!("{list}[]");
    let demand = Demand::of(operation, &name, each, false);
    sample_of(operation, kind, &name, &demand, Limits::NONE, depth + 1)
}

/// A value that is right.
fn sample_of(
    operation: Operation,
    kind: Kind,
    name: &str,
    demand: &Demand,
    each: Limits,
    depth: usize,
) -> Value {
    match kind {
        Kind::String => json!(text_sample(name, demand)),
        Kind::Enum(words) => json!(demand.words(words)[0]),
        Kind::Integer | Kind::Long | Kind::Double => {
            let min = demand.bound(Rule::Min, demand.limits.min).unwrap_or(1);
            json!(min.max(1))
        }
        Kind::Boolean => json!(true),
        Kind::Timestamp => json!(1_500_000_000),
        Kind::Document => json!({}),
        Kind::List(element) => {
            let size = demand.bound(Rule::MinSize, demand.limits.min).unwrap_or(1).max(1);
            let sample = element_sample(operation, *element, name, each, depth);
            json!(vec![sample; usize::try_from(size).unwrap_or(1)])
        }
        Kind::Map(element) => {
            let name = format!("{name}{{}}");
            let demand = Demand::of(operation, &name, Limits::NONE, false);
            json!({"a": sample_of(operation, *element, &name, &demand, Limits::NONE, depth + 1)})
        }
        Kind::Structure(shape) => {
            let mut members = Map::new();
            for member in shape().members {
                let name = format!("{name}.{}", member.name);
                let demand = Demand::of(operation, &name, member.rules.limits, member.rules.required);
                if demand.must_be() && depth < DEPTH {
                    let value = sample_of(
                        operation,
                        member.kind,
                        &name,
                        &demand,
                        member.rules.each,
                        depth + 1,
                    );
                    members.insert(member.name.to_owned(), value);
                }
            }
            Value::Object(members)
        }
    }
}

fn text_sample(name: &str, demand: &Demand) -> String {
    let words = demand.words(&[]);
    if let Some(word) = words.first() {
        return word.clone();
    }
    let min = demand.bound(Rule::MinLength, demand.limits.min).unwrap_or(0);
    let max = demand
        .bound(Rule::MaxLength, demand.limits.max)
        .unwrap_or(i64::MAX);
    let pattern = demand.pattern();
    let fits = |text: &String| {
        let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
        (min..=max).contains(&length) && pattern.as_ref().is_none_or(|(_, it)| it.is_match(text))
    };
    let long = "a".repeat(usize::try_from(min).unwrap_or_default());
    let candidates = [
        "a",
        "1",
        "80",
        "0-65535",
        "arn:aws:ecs:us-east-1:123456789012:cluster/a",
        &long,
    ];
    let found = candidates.into_iter().map(str::to_owned).find(fits);
    found.unwrap_or_else(|| panic!("no text is right for {name}"))
}
