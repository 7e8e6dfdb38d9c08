//! The types of values in an expression, and when one may stand for another.

use std::collections::BTreeMap;
use std::fmt;

/// The name of the type of a value that may be absent.
pub(super) const OPTIONAL: &str = "optional_type";

/// A type of the expression language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    /// Known only when the expression is evaluated.
    Dyn,
    /// Of what has a fault already; nothing more is said of it.
    Error,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Duration,
    Timestamp,
    List(Box<Type>),
    Map(Box<Type>, Box<Type>),
    /// An object with declared fields, by its name.
    Object(String),
    /// A type of which only functions know more, and what it holds.
    Opaque(String, Vec<Type>),
    /// The type of a type (`type(self.a)`, `string`), if it is known which.
    Meta(Option<Box<Type>>),
    /// Any type, yet to be found out.
    Variable(String),
}

impl Type {
    pub(super) fn list(item: Self) -> Self {
        Self::List(Box::new(item))
    }

    pub(super) fn map(key: Self, value: Self) -> Self {
        Self::Map(Box::new(key), Box::new(value))
    }

    pub(super) fn optional(inner: Self) -> Self {
        Self::Opaque(OPTIONAL.to_owned(), vec![inner])
    }

    /// Reads a type as a signature has it: `list(A)`, `map(string, int)`, `kubernetes.Quantity`.
    pub(super) fn parse(text: &str) -> Self {
        let (name, inner) = match text.split_once('(') {
            Some((name, inner)) => (name, inner.strip_suffix(')').unwrap_or(inner)),
            None => (text, ""),
        };
        let mut inner = split(inner).into_iter().map(Self::parse);
        let mut next = || inner.next().unwrap_or(Self::Dyn);
        match name {
            "dyn" => Self::Dyn,
            "null_type" => Self::Null,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "uint" => Self::Uint,
            "double" => Self::Double,
            "string" => Self::String,
            "bytes" => Self::Bytes,
            "duration" | "google.protobuf.Duration" => Self::Duration,
            "timestamp" | "google.protobuf.Timestamp" => Self::Timestamp,
            "list" => Self::list(next()),
            "map" => {
                let key = next();
                Self::map(key, next())
            }
            "type" => Self::Meta(inner.next().map(Box::new)),
            OPTIONAL => Self::optional(next()),
            _ if name.len() == 1 => Self::Variable(name.to_owned()),
            _ if name.starts_with("kubernetes.") => Self::Object(name.to_owned()),
            _ => Self::Opaque(name.to_owned(), inner.collect()),
        }
    }

    /// What an optional value holds, or the type itself; and whether it was optional.
    pub(super) fn unwrapped(self) -> (Self, bool) {
        match self {
            Self::Opaque(name, mut inner) if name == OPTIONAL && !inner.is_empty() => {
                (inner.swap_remove(0), true)
            }
            other => (other, false),
        }
    }

    fn is_dyn_or_error(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error)
    }

    /// Types that were always allowed to be null.
    fn takes_null(&self) -> bool {
        matches!(
            self,
            Self::Null | Self::Object(_) | Self::Opaque(_, _) | Self::Duration | Self::Timestamp
        )
    }

    /// Whether the type says no more than the other.
    fn is_as_general_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dyn | Self::Variable(_), _) | (Self::Meta(_), Self::Meta(_)) => true,
            (_, Self::Dyn | Self::Variable(_)) => false,
            (Self::List(one), Self::List(two)) => one.is_as_general_as(two),
            (Self::Map(key, value), Self::Map(other_key, other_value)) => {
                key.is_as_general_as(other_key) && value.is_as_general_as(other_value)
            }
            (Self::Opaque(one, inner), Self::Opaque(two, other_inner)) => {
                one == two
                    && inner.len() == other_inner.len()
                    && inner.iter().zip(other_inner).all(|(a, b)| a.is_as_general_as(b))
            }
            (one, two) => one == two,
        }
    }

    /// The more general of two types that fit together.
    pub(super) fn most_general(self, other: Self) -> Self {
        if self.is_as_general_as(&other) {
            self
        } else {
            other
        }
    }
}

/// The parts of a list of types, at its commas that stand in no parentheses.
pub(super) fn split(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (at, letter) in list.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(list[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(list[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dyn => "dyn",
            Self::Error => "!error!",
            Self::Null => "null",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Duration => "duration",
            Self::Timestamp => "timestamp",
            Self::List(item) => return write!(f, "list({item})"),
            Self::Map(key, value) => return write!(f, "map({key}, {value})"),
            Self::Object(name) | Self::Variable(name) => name,
            Self::Opaque(name, inner) if inner.is_empty() => name,
            Self::Opaque(name, inner) => {
                let inner: Vec<String> = inner.iter().map(ToString::to_string).collect();
                return write!(f, "{name}({})", inner.join(", "));
            }
            Self::Meta(None) => "type",
            Self::Meta(Some(inner)) => return write!(f, "type({inner})"),
        })
    }
}

/// What has been found out about the variables among the types.
#[derive(Debug, Clone, Default)]
pub(super) struct Substitutions(BTreeMap<String, Type>);

impl Substitutions {
    /// Gives a variable a type.
    pub(super) fn bind(&mut self, variable: &str, to: Type) {
        self.0.insert(variable.to_owned(), to);
    }

    /// Whether a value of one type can be used as one of the other; what that says of variables is kept if it can.
    pub(super) fn assign(&mut self, one: &Type, other: &Type) -> bool {
        self.assign_all(std::slice::from_ref(one), std::slice::from_ref(other))
    }

    /// [`assign`](Self::assign) for parameters, each to each.
    pub(super) fn assign_all(&mut self, ones: &[Type], others: &[Type]) -> bool {
        let mut tried = self.clone();
        let fits = tried.fit_all(ones, others);
        if fits {
            *self = tried;
        }
        fits
    }

    fn fit_all(&mut self, ones: &[Type], others: &[Type]) -> bool {
        ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| self.fit(one, other))
    }

    fn fit(&mut self, one: &Type, other: &Type) -> bool {
        if let Type::Variable(name) = other {
            let (valid, known) = self.stands_for(one, name);
            if valid || known {
                return valid;
            }
        }
        if let Type::Variable(name) = one {
            return self.stands_for(other, name).0;
        }
        if one.is_dyn_or_error() || other.is_dyn_or_error() {
            return true;
        }
        match (one, other) {
            (Type::Null, _) => other.takes_null(),
            (_, Type::Null) => one.takes_null(),
            (Type::List(a), Type::List(b)) => self.fit(a, b),
            (Type::Map(key, value), Type::Map(other_key, other_value)) => {
                self.fit(key, other_key) && self.fit(value, other_value)
            }
            (Type::Opaque(a, inner), Type::Opaque(b, other_inner)) => {
                a == b && self.fit_all(inner, other_inner)
            }
            (Type::Meta(_), Type::Meta(_)) => true,
            (one, other) => one == other,
        }
    }

    /// Whether a type can be that of a variable, and whether the variable had one before.
    fn stands_for(&mut self, one: &Type, variable: &str) -> (bool, bool) {
        if *one == Type::Variable(variable.to_owned()) {
            return (true, true);
        }
        if let Some(known) = self.0.get(variable).cloned() {
            if *one == known {
                return (true, true);
            }
            if !self.fit(one, &known) {
                return (false, true);
            }
            let general = one.clone().most_general(known);
            if !self.occurs(variable, &general) {
                self.bind(variable, general);
            }
            return (true, true);
        }
        if self.occurs(variable, one) {
            return (false, false);
        }
        self.bind(variable, one.clone());
        (true, false)
    }

    fn occurs(&self, variable: &str, within: &Type) -> bool {
        match within {
            Type::Variable(name) => {
                name == variable || self.0.get(name).is_some_and(|known| self.occurs(variable, known))
            }
            Type::List(item) => self.occurs(variable, item),
            Type::Map(key, value) => self.occurs(variable, key) || self.occurs(variable, value),
            Type::Opaque(_, inner) => inner.iter().any(|inner| self.occurs(variable, inner)),
            Type::Meta(inner) => inner.as_deref().is_some_and(|inner| self.occurs(variable, inner)),
            Type::Dyn
            | Type::Error
            | Type::Null
            | Type::Bool
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::String
            | Type::Bytes
            | Type::Duration
            | Type::Timestamp
            | Type::Object(_) => false,
        }
    }

    /// The type with what is known of its variables.
    pub(super) fn apply(&self, to: &Type) -> Type {
        match to {
            Type::Variable(name) => self
                .0
                .get(name)
                .map_or_else(|| to.clone(), |known| self.apply(known)),
            Type::List(item) => Type::list(self.apply(item)),
            Type::Map(key, value) => Type::map(self.apply(key), self.apply(value)),
            Type::Opaque(name, inner) => Type::Opaque(
                name.clone(),
                inner.iter().map(|inner| self.apply(inner)).collect(),
            ),
            Type::Meta(inner) => Type::Meta(inner.as_deref().map(|inner| Box::new(self.apply(inner)))),
            Type::Dyn
            | Type::Error
            | Type::Null
            | Type::Bool
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::String
            | Type::Bytes
            | Type::Duration
            | Type::Timestamp
            | Type::Object(_) => to.clone(),
        }
    }

    /// The type with what is known of its variables; of the others nothing will be known.
    pub(super) fn settle(&self, to: &Type) -> Type {
        let mut open = Self::default();
        let settled = self.apply(to);
        open.bind_rest(&settled);
        open.apply(&settled)
    }

    fn bind_rest(&mut self, within: &Type) {
        match within {
            Type::Variable(name) => self.bind(name, Type::Dyn),
            Type::List(inner) | Type::Meta(Some(inner)) => self.bind_rest(inner),
            Type::Map(key, value) => {
                self.bind_rest(key);
                self.bind_rest(value);
            }
            Type::Opaque(_, inner) => inner.iter().for_each(|inner| self.bind_rest(inner)),
            Type::Dyn
            | Type::Error
            | Type::Null
            | Type::Bool
            | Type::Int
            | Type::Uint
            | Type::Double
            | Type::String
            | Type::Bytes
            | Type::Duration
            | Type::Timestamp
            | Type::Object(_)
            | Type::Meta(None) => {}
        }
    }
}
