//! An expression whose types are known.

use super::functions::Signature;
use super::value_type::{Substitutions, Type};

/// A part of an expression, and its type.
#[derive(Debug)]
pub(super) struct Typed {
    /// The number that the parser gave it, by which its place is known.
    pub(super) id: u64,
    pub(super) of: Type,
    pub(super) part: Part,
}

/// The parts of expressions.
#[derive(Debug)]
pub(super) enum Part {
    Text(String),
    /// Bytes, of which only the number matters.
    Bytes(usize),
    Number(i64),
    /// Another scalar; of a boolean its value.
    Scalar(Option<bool>),
    Name(String),
    Select {
        operand: Box<Typed>,
        field: String,
        /// Whether only its presence is asked for.
        test: bool,
    },
    Call {
        function: String,
        target: Option<Box<Typed>>,
        arguments: Vec<Typed>,
        /// All signatures that fit.
        signatures: Vec<&'static Signature>,
    },
    List {
        items: Vec<Typed>,
        /// Which of them are optional.
        optional: Vec<usize>,
    },
    Map(Vec<Entry>),
    /// A message of Protocol Buffers, and the values of its fields.
    Message(Vec<Typed>),
    Loop(Box<Loop>),
}

/// An entry of a map.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: Typed,
    pub(super) value: Typed,
    pub(super) optional: bool,
}

/// What a macro goes through, and what it gathers.
#[derive(Debug)]
pub(super) struct Loop {
    pub(super) range: Typed,
    pub(super) variable: String,
    pub(super) second: Option<String>,
    pub(super) gathered: String,
    pub(super) init: Typed,
    pub(super) condition: Typed,
    pub(super) step: Typed,
    pub(super) result: Typed,
}

impl Typed {
    /// The parts that it is made of.
    pub(super) fn children(&self) -> Vec<&Self> {
        match &self.part {
            Part::Text(_) | Part::Bytes(_) | Part::Number(_) | Part::Scalar(_) | Part::Name(_) => Vec::new(),
            Part::Select { operand, .. } => vec![operand],
            Part::Call {
                target, arguments, ..
            } => target.as_deref().into_iter().chain(arguments).collect(),
            Part::List { items, .. } | Part::Message(items) => items.iter().collect(),
            Part::Map(entries) => entries.iter().flat_map(|it| [&it.key, &it.value]).collect(),
            Part::Loop(it) => vec![&it.range, &it.init, &it.condition, &it.step, &it.result],
        }
    }

    fn children_mut(&mut self) -> Vec<&mut Self> {
        match &mut self.part {
            Part::Text(_) | Part::Bytes(_) | Part::Number(_) | Part::Scalar(_) | Part::Name(_) => Vec::new(),
            Part::Select { operand, .. } => vec![operand],
            Part::Call {
                target, arguments, ..
            } => target.as_deref_mut().into_iter().chain(arguments).collect(),
            Part::List { items, .. } | Part::Message(items) => items.iter_mut().collect(),
            Part::Map(entries) => {
                let parts = entries.iter_mut().flat_map(|it| [&mut it.key, &mut it.value]);
                parts.collect()
            }
            Part::Loop(it) => {
                let Loop {
                    range,
                    init,
                    condition,
                    step,
                    result,
                    ..
                } = &mut **it;
                vec![range, init, condition, step, result]
            }
        }
    }

    /// Gives all parts the types that were found out at the end.
    pub(super) fn settle(&mut self, known: &Substitutions) {
        self.of = known.settle(&self.of);
        for child in self.children_mut() {
            child.settle(known);
        }
    }

    /// Whether a name stands anywhere in it.
    pub(super) fn names(&self, name: &str) -> bool {
        matches!(&self.part, Part::Name(it) if it == name)
            || self.children().into_iter().any(|it| it.names(name))
    }
}
