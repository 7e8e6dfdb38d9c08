//! What the model does not say: the rows of `model/overlay.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use crate::error::ErrorCode;
use crate::operation::Operation;
use crate::shape::{Kind, Structure};

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The member is there and not null.
    Required,
    /// The member is there, and is neither a blank text nor an empty list.
    NotEmpty,
    /// The text is one of these words; without a value, of those of the model.
    Enum,
    /// The text has at least so many characters.
    MinLength,
    /// The text has at most so many characters.
    MaxLength,
    /// The list has at least so many elements.
    MinSize,
    /// The list has at most so many elements.
    MaxSize,
    /// The number is at least this.
    Min,
    /// The number is at most this.
    Max,
    /// The whole text matches this regular expression.
    Pattern,
    /// Needs more than one member, or what is stored; not checked here.
    State,
}

impl Rule {
    /// Every rule, in the order in which they are checked.
    pub const ALL: &'static [Self] = &[
        Self::Required,
        Self::NotEmpty,
        Self::Enum,
        Self::MinLength,
        Self::MaxLength,
        Self::MinSize,
        Self::MaxSize,
        Self::Min,
        Self::Max,
        Self::Pattern,
        Self::State,
    ];

    /// Its name in the overlay.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::NotEmpty => "not-empty",
            Self::Enum => "enum",
            Self::MinLength => "min-length",
            Self::MaxLength => "max-length",
            Self::MinSize => "min-size",
            Self::MaxSize => "max-size",
            Self::Min => "min",
            Self::Max => "max",
            Self::Pattern => "pattern",
            Self::State => "state",
        }
    }
}

/// A rule for a member of the input of one operation, and the answer where it is broken.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The operation.
    pub operation: Operation,
    /// The way to the member: names with dots between, `[]` for the elements of a list, `{}` for the values of a
    /// map. Empty where the rule is of the whole input.
    pub member: String,
    /// What is demanded.
    pub rule: Rule,
    /// The bound, the pattern or the words. Without one, what the model says counts and the row gives the answer.
    pub value: Option<Value>,
    /// The code of the answer.
    pub code: ErrorCode,
    /// The message of the answer. `{value}` stands for what was given; other braces are for whoever keeps a rule of
    /// the kind [`Rule::State`].
    pub message: String,
    /// Of a rule of the kind [`Rule::State`]: when it is broken.
    pub when: Option<String>,
}

impl Row {
    pub(crate) fn bound(&self) -> Option<i64> {
        self.value.as_ref().and_then(Value::as_i64)
    }

    pub(crate) fn text(&self) -> Option<&str> {
        self.value.as_ref().and_then(Value::as_str)
    }

    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        let words = self.value.as_ref().and_then(Value::as_array);
        words.into_iter().flatten().filter_map(Value::as_str)
    }
}

/// Every row of the overlay, one for each operation that it is for, in the order of the overlay.
pub fn overlay() -> &'static [Row] {
    &OVERLAY.rows
}

/// What a member is taken for where it is absent, if that is a plain value: page sizes, counts, states.
///
/// The member is named as in [`Row::member`].
pub fn default_value(operation: Operation, member: &str) -> Option<&'static Value> {
    OVERLAY.defaults.get(&(operation, member.to_owned()))
}

/// The defaults of every operation, as [`default_value`] answers them.
pub fn defaults() -> impl Iterator<Item = (Operation, &'static str, &'static Value)> {
    OVERLAY
        .defaults
        .iter()
        .map(|((operation, member), value)| (*operation, member.as_str(), value))
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rules: Vec<Line>,
    defaults: Vec<DefaultLine>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    operation: Names,
    member: Names,
    rule: Rule,
    #[serde(default)]
    value: Option<Value>,
    code: ErrorCode,
    message: String,
    #[serde(default)]
    when: Option<String>,
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

#[derive(Debug)]
struct Overlay {
    rows: Vec<Row>,
    defaults: BTreeMap<(Operation, String), Value>,
}

static OVERLAY: LazyLock<Overlay> = LazyLock::new(|| {
    let text = include_str!("../model/overlay.json");
    let file: File = serde_json::from_str(text).expect("the overlay is read by the tests of this crate");
    expand(&file)
});

/// A row for each operation and member of a line. A line that names its operation goes before one for all.
fn expand(file: &File) -> Overlay {
    let named = |operation: Operation, member: &str, rule: Rule| {
        let names_it = |line: &&Line| {
            line.rule == rule
                && line
                    .operation
                    .as_slice()
                    .iter()
                    .any(|name| name == operation.name())
                && line.member.as_slice().iter().any(|name| name == member)
        };
        rule != Rule::State && file.rules.iter().any(|line| names_it(&line))
    };
    let mut rows = Vec::new();
    for line in &file.rules {
        for member in line.member.as_slice() {
            for operation in line.operation.operations(member) {
                if line.operation.is_any() && named(operation, member, line.rule) {
                    continue;
                }
                rows.push(Row {
                    operation,
                    member: member.clone(),
                    rule: line.rule,
                    value: line.value.clone(),
                    code: line.code,
                    message: line.message.clone(),
                    when: line.when.clone(),
                });
            }
        }
    }
    let mut defaults = BTreeMap::new();
    for line in &file.defaults {
        for member in line.member.as_slice() {
            for operation in line.operation.operations(member) {
                defaults.insert((operation, member.clone()), line.value.clone());
            }
        }
    }
    Overlay { rows, defaults }
}

/// The rows of an operation, arranged as its input is.
#[derive(Debug, Default)]
pub(crate) struct Node {
    rows: Vec<&'static Row>,
    children: BTreeMap<&'static str, Node>,
    element: Option<Box<Node>>,
}

impl Node {
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.get(name)
    }

    pub(crate) fn element(&self) -> Option<&Self> {
        self.element.as_deref()
    }

    pub(crate) fn row(&self, rule: Rule) -> Option<&'static Row> {
        self.rows.iter().copied().find(|row| row.rule == rule)
    }
}

/// The rows that are checked here, for one operation.
pub(crate) fn tree(operation: Operation) -> Option<&'static Node> {
    TREES.get(&operation)
}

static TREES: LazyLock<BTreeMap<Operation, Node>> = LazyLock::new(|| {
    let mut trees: BTreeMap<Operation, Node> = BTreeMap::new();
    for row in overlay().iter().filter(|row| row.rule != Rule::State) {
        let mut node = trees.entry(row.operation).or_default();
        for step in steps(&row.member) {
            node = match step {
                Step::Member(name) => node.children.entry(name).or_default(),
                Step::Element => node.element.get_or_insert_default(),
            };
        }
        node.rows.push(row);
    }
    trees
});

enum Step<'a> {
    Member(&'a str),
    Element,
}

/// The steps of a way as [`Row::member`] writes it.
fn steps(member: &str) -> impl Iterator<Item = Step<'_>> {
    member
        .split('.')
        .filter(|part| !part.is_empty())
        .flat_map(|part| {
            let name = part.trim_end_matches(['[', ']', '{', '}']);
            let elements = (part.len() - name.len()) / 2;
            std::iter::once(Step::Member(name))
                .chain(std::iter::repeat_n((), elements).map(|()| Step::Element))
        })
}

impl Structure {
    /// The kind of what stands at the end of a way that is written as [`Row::member`] is; the structure itself has
    /// none.
    pub fn kind_at(&self, member: &str) -> Option<Kind> {
        let mut structure = Some(self);
        let mut at = None;
        for step in steps(member) {
            let kind = match (step, at) {
                (Step::Member(name), _) => structure?.member(name)?.kind,
                (Step::Element, Some(Kind::List(element) | Kind::Map(element))) => *element,
                (Step::Element, _) => return None,
            };
            structure = if let Kind::Structure(shape) = kind {
                Some(shape())
            } else {
                None
            };
            at = Some(kind);
        }
        at
    }
}

/// Whether the whole text matches. The pattern is one of the model or of the overlay.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    // A pattern that is none refuses nothing; the tests compile every one.
    PATTERNS.get(pattern).is_none_or(|regex| regex.is_match(text))
}

static PATTERNS: LazyLock<BTreeMap<String, Regex>> = LazyLock::new(|| {
    let of_rows = overlay()
        .iter()
        .filter(|row| row.rule == Rule::Pattern)
        .filter_map(Row::text);
    let mut patterns: Vec<&str> = of_rows.collect();
    for input in Operation::classic().filter_map(Operation::input) {
        collect(input, &mut patterns, 0);
    }
    patterns
        .into_iter()
        .filter_map(|pattern| {
            let regex = Regex::new(&format!(r"\A(?:{pattern})\z")).ok()?;
            Some((pattern.to_owned(), regex))
        })
        .collect()
});

/// No input of the model is nested this deep; a structure that holds itself ends here.
const DEPTH: usize = 16;

fn collect(structure: &'static Structure, patterns: &mut Vec<&'static str>, depth: usize) {
    for member in structure.members {
        patterns.extend(member.rules.limits.pattern);
        patterns.extend(member.rules.each.pattern);
        let mut kind = member.kind;
        while let Kind::List(element) | Kind::Map(element) = kind {
            kind = *element;
        }
        if let Kind::Structure(shape) = kind
            && depth < DEPTH
        {
            collect(shape(), patterns, depth + 1);
        }
    }
}
