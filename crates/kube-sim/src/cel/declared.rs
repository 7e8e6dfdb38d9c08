//! The types that a schema declares, and how large their values can be.
//!
//! A schema without limits limits its values all the same: no request is larger than three mebibytes.

use std::collections::BTreeMap;

use serde_json::Value;

use super::value_type::Type;

/// The largest request, in bytes.
const MAX_REQUEST: u64 = 3 * 1024 * 1024;
/// The longest string: a request less its quotation marks.
const MAX_STRING: u64 = MAX_REQUEST - 2;

/// What a schema declares of its values.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    form: Form,
    /// How many elements a value has at most: characters, items or entries. 0 where values have no size.
    pub(super) max_elements: u64,
    /// The bytes of the shortest value, as JSON.
    min_bytes: u64,
}

#[derive(Debug, Clone)]
enum Form {
    Simple(Type),
    List(Box<Declared>),
    Map(Box<Declared>),
    Object(BTreeMap<String, Declared>),
}

/// The fields of objects, by the name of their type and their own, as an expression writes it.
pub(super) type Objects = BTreeMap<String, BTreeMap<String, Type>>;

impl Declared {
    /// What a schema declares; `None` where expressions do not see its values.
    ///
    /// A resource, whether at the root or embedded, always has `apiVersion`, `kind`, and a name in its metadata.
    pub(crate) fn of(schema: &Value, resource: bool) -> Option<Self> {
        let flag = |key: &str| schema.get(key).and_then(Value::as_bool).unwrap_or_default();
        let count = |key: &str| {
            schema
                .get(key)
                .and_then(Value::as_i64)
                .map(|it| u64::try_from(it).unwrap_or(0))
        };
        let max_length = count("maxLength");
        if flag("x-kubernetes-int-or-string") {
            let longest = max_length.map_or(MAX_STRING, |length| length.saturating_mul(4));
            return Some(Self::simple(Type::Dyn, longest, 1));
        }
        match schema.get("type").and_then(Value::as_str)? {
            "array" => {
                let item = Self::child(schema.get("items")?)?;
                let fitting = (MAX_REQUEST - 2) / (item.min_bytes + 1);
                Some(Self {
                    max_elements: count("maxItems").unwrap_or(fitting),
                    form: Form::List(Box::new(item)),
                    min_bytes: 2,
                })
            }
            "object" => match schema.get("additionalProperties").filter(|it| it.is_object()) {
                Some(value) => {
                    let value = Self::child(value)?;
                    // Two quotation marks, a colon, a comma, and at least two letters.
                    let fitting = (MAX_REQUEST - 2) / (value.min_bytes + 6);
                    Some(Self {
                        max_elements: count("maxProperties").unwrap_or(fitting),
                        form: Form::Map(Box::new(value)),
                        min_bytes: 2,
                    })
                }
                None => Some(Self::object(schema, resource)),
            },
            "string" => Some(Self::string(schema, max_length)),
            "boolean" => Some(Self::simple(Type::Bool, 0, 4)),
            "number" => Some(Self::simple(Type::Double, 0, 1)),
            "integer" => Some(Self::simple(Type::Int, 0, 1)),
            _ => None,
        }
    }

    fn child(schema: &Value) -> Option<Self> {
        Self::of(schema, schema["x-kubernetes-embedded-resource"] == true)
    }

    fn simple(of: Type, max_elements: u64, min_bytes: u64) -> Self {
        Self {
            form: Form::Simple(of),
            max_elements,
            min_bytes,
        }
    }

    fn string(schema: &Value, max_length: Option<u64>) -> Self {
        // Sizes of times as JSON, with their quotation marks.
        match schema.get("format").and_then(Value::as_str) {
            Some("byte") => Self::simple(Type::Bytes, max_length.unwrap_or(MAX_STRING), 2),
            Some("duration") => Self::simple(Type::Duration, 32, 3),
            Some("date") => Self::simple(Type::Timestamp, 12, 12),
            Some("date-time") => Self::simple(Type::Timestamp, 32, 21),
            Some(_) | None => {
                let options = schema.get("enum").and_then(Value::as_array);
                let longest = match (max_length, options) {
                    // A letter has up to four bytes.
                    (Some(length), _) => length.saturating_mul(4),
                    (None, Some(options)) if !options.is_empty() => options
                        .iter()
                        .filter_map(Value::as_str)
                        .map(|option| option.len() as u64)
                        .max()
                        .unwrap_or_default(),
                    (None, _) => MAX_STRING,
                };
                Self::simple(Type::String, longest, 2)
            }
        }
    }

    fn object(schema: &Value, resource: bool) -> Self {
        let required = |name: &str| {
            let required = schema.get("required").and_then(Value::as_array);
            required.is_some_and(|all| all.iter().any(|it| it == name))
        };
        let mut fields = BTreeMap::new();
        let mut min_bytes = 2;
        let mut declare = |name: &str, declared: Option<Self>, has_default: bool| {
            let Some(declared) = declared else { return };
            if required(name) && !has_default {
                min_bytes += name.len() as u64 + declared.min_bytes + 4;
            }
            if let Some(written) = escape(name) {
                fields.insert(written, declared);
            }
        };
        let properties = schema.get("properties").and_then(Value::as_object);
        let implicit = resource && !is_complete(schema);
        for (name, property) in properties.into_iter().flatten() {
            if implicit && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                continue;
            }
            let has_default = property.get("default").is_some_and(|default| !default.is_null());
            declare(name, Self::child(property), has_default);
        }
        if implicit {
            let text = || Self::simple(Type::String, MAX_STRING, 2);
            let metadata = Self {
                form: Form::Object(
                    ["name", "generateName"]
                        .map(|name| (name.to_owned(), text()))
                        .into(),
                ),
                max_elements: 0,
                min_bytes: 2,
            };
            declare("apiVersion", Some(text()), false);
            declare("kind", Some(text()), false);
            declare("metadata", Some(metadata), false);
        }
        Self {
            form: Form::Object(fields),
            max_elements: 0,
            min_bytes,
        }
    }

    /// How often a value can stand in a request at most.
    pub(crate) fn max_cardinality(&self) -> u64 {
        MAX_REQUEST / (self.min_bytes + 1)
    }

    /// The type in expressions; objects are called after the way to them.
    pub(super) fn value_type(&self, name: &str, objects: &mut Objects) -> Type {
        match &self.form {
            Form::Simple(simple) => simple.clone(),
            Form::List(item) => Type::list(item.value_type(&format!("{name}.@idx"), objects)),
            Form::Map(value) => Type::map(Type::String, value.value_type(&format!("{name}.@elem"), objects)),
            Form::Object(fields) => {
                let fields = fields
                    .iter()
                    .map(|(field, of)| {
                        let of = of.value_type(&format!("{name}.{field}"), objects);
                        (field.clone(), of)
                    })
                    .collect();
                objects.insert(name.to_owned(), fields);
                Type::Object(name.to_owned())
            }
        }
    }

    /// What is declared at the end of a path of fields, `@items`, `@values` and `@keys`.
    pub(super) fn at<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Option<u64> {
        let mut declared = self;
        let mut path = path.into_iter();
        while let Some(step) = path.next() {
            declared = match (&declared.form, step) {
                (Form::List(inner) | Form::Map(inner), "@items" | "@values") => inner,
                // Keys are strings without a limit of their own, and have nothing in them.
                (Form::Map(_), "@keys") => return path.next().is_none().then_some(0),
                (Form::Object(fields), step) => fields.get(step)?,
                (Form::Simple(_) | Form::List(_) | Form::Map(_), _) => return None,
            };
        }
        Some(declared.max_elements)
    }
}

/// Whether a resource's schema declares all that every resource has.
fn is_complete(schema: &Value) -> bool {
    let is = |path: &[&str], wanted: &str| {
        let found = path.iter().fold(schema, |at, name| &at["properties"][*name]);
        found["type"] == wanted
    };
    is(&["apiVersion"], "string")
        && is(&["kind"], "string")
        && is(&["metadata"], "object")
        && is(&["metadata", "name"], "string")
        && is(&["metadata", "generateName"], "string")
}

/// Words that no name in an expression can be.
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Whether a word is reserved.
pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word)
}

/// A property as an expression writes it; `None` where it cannot.
fn escape(name: &str) -> Option<String> {
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    if is_reserved(name) {
        return Some(format!("__{name}__"));
    }
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_-./".contains(letter);
    if !name.chars().all(allowed) {
        return None;
    }
    let (mut out, mut rest) = (String::new(), name);
    while let Some(letter) = rest.chars().next() {
        let (written, length) = match letter {
            '_' if rest.starts_with("__") => ("__underscores__", 2),
            '.' => ("__dot__", 1),
            '-' => ("__dash__", 1),
            '/' => ("__slash__", 1),
            _ => (&rest[..1], 1),
        };
        out.push_str(written);
        rest = &rest[length..];
    }
    Some(out)
}
