//! What a value of the API looks like: the table that [`crate::check`] walks.
//!
//! The table is made by the same lines that make the types, so that both cannot differ.

use std::collections::BTreeMap;

use crate::time::Time;

/// A structure of the service model.
#[derive(Debug)]
pub struct Structure {
    /// Its name in the model.
    pub name: &'static str,
    /// Its members in the order of the model.
    pub members: &'static [Member],
}

impl Structure {
    /// The member of this name on the wire.
    pub fn member(&self, name: &str) -> Option<&'static Member> {
        self.members.iter().find(|member| member.name == name)
    }
}

/// A member of a structure.
#[derive(Debug)]
pub struct Member {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What the model demands of it.
    pub rules: Rules,
}

/// The kind of a value.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Text.
    String,
    /// One of these words.
    Enum(&'static [&'static str]),
    /// A whole number of 32 bits.
    Integer,
    /// A whole number of 64 bits.
    Long,
    /// A number.
    Double,
    /// `true` or `false`.
    Boolean,
    /// Seconds since 1970, with a fraction.
    Timestamp,
    /// Any JSON.
    Document,
    /// A list of such values.
    List(&'static Self),
    /// A map from text to such values.
    Map(&'static Self),
    /// A structure. A function, so that a structure may hold itself.
    Structure(fn() -> &'static Structure),
}

/// What the model demands of a value, beside its kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rules {
    /// It may not be absent.
    pub required: bool,
    /// Of the value itself: its length, its size, or the number.
    pub limits: Limits,
    /// Of each element of a list.
    pub each: Limits,
}

/// Bounds and pattern of a value. A bound is of the length of a text (in characters), of the size of a list, or of
/// the number itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The least that is allowed.
    pub min: Option<i64>,
    /// The most that is allowed.
    pub max: Option<i64>,
    /// A regular expression that the whole text matches.
    pub pattern: Option<&'static str>,
}

impl Limits {
    /// No limits.
    pub const NONE: Self = Self {
        min: None,
        max: None,
        pattern: None,
    };
}

/// Nothing demanded: where the rules of a generated line begin.
pub(crate) const RULES: Rules = Rules {
    required: false,
    limits: Limits::NONE,
    each: Limits::NONE,
};

impl Rules {
    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn min(mut self, min: i64) -> Self {
        self.limits.min = Some(min);
        self
    }

    pub(crate) const fn max(mut self, max: i64) -> Self {
        self.limits.max = Some(max);
        self
    }

    pub(crate) const fn pattern(mut self, pattern: &'static str) -> Self {
        self.limits.pattern = Some(pattern);
        self
    }

    pub(crate) const fn each_min(mut self, min: i64) -> Self {
        self.each.min = Some(min);
        self
    }

    pub(crate) const fn each_max(mut self, max: i64) -> Self {
        self.each.max = Some(max);
        self
    }

    pub(crate) const fn each_pattern(mut self, pattern: &'static str) -> Self {
        self.each.pattern = Some(pattern);
        self
    }
}

/// A Rust type that stands for a kind of value.
pub(crate) trait Shape {
    /// The kind that it stands for.
    const KIND: Kind;
}

macro_rules! plain {
    ($($type:ty => $kind:ident),*) => {
        $(impl Shape for $type {
            const KIND: Kind = Kind::$kind;
        })*
    };
}

plain!(
    String => String,
    i32 => Integer,
    i64 => Long,
    f64 => Double,
    bool => Boolean,
    Time => Timestamp,
    serde_json::Value => Document
);

impl<T: Shape> Shape for Vec<T> {
    const KIND: Kind = Kind::List(&T::KIND);
}

impl<T: Shape> Shape for BTreeMap<String, T> {
    const KIND: Kind = Kind::Map(&T::KIND);
}

impl<T: Shape> Shape for Box<T> {
    const KIND: Kind = T::KIND;
}
