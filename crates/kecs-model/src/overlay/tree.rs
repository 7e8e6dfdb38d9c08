//! The rows of an operation where the check finds them, and the patterns.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::{Row, Rule, overlay};
use crate::operation::Operation;
use crate::shape::{Kind, Structure};

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
