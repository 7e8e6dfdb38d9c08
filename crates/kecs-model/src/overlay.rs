//! What the model does not say: the rows of `model/overlay.json`.

mod file;
mod said;
mod tree;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

use self::file::File;
#[doc(hidden)]
pub use self::said::is_said;
pub(crate) use self::tree::{Node, matches, tree};
use crate::error::ErrorCode;
use crate::operation::Operation;

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
    /// The message of the answer. `{value}` stands for what was given and `{container}` for the name of the
    /// container that it is part of; other braces are for whoever keeps a rule of the kind [`Rule::State`].
    pub message: String,
    /// Of a rule of the kind [`Rule::State`]: when it is broken.
    pub when: Option<String>,
}

impl Row {
    pub(crate) fn bound(&self) -> Option<i64> {
        self.value.as_ref().and_then(Value::as_i64)
    }

    /// The bound of a number that may have a fraction.
    pub(crate) fn fractional_bound(&self) -> Option<f64> {
        self.value.as_ref().and_then(Value::as_f64)
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

#[derive(Debug)]
struct Overlay {
    rows: Vec<Row>,
    defaults: BTreeMap<(Operation, String), Value>,
}

static OVERLAY: LazyLock<Overlay> = LazyLock::new(|| {
    let text = include_str!("../model/overlay.json");
    let file: File = serde_json::from_str(text).expect("the overlay is read by the tests of this crate");
    file.expand()
});
