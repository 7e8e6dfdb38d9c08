//! The subset of `JSONPath` that printer columns, selectable fields and scale subresources use.

use serde_json::Value;

/// A path into an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Member(String),
    /// Counted from the end where negative.
    Index(i64),
    All,
    Filter(Filter),
}

/// `?(@.path == value)`, or `?(@.path)` for what is there.
#[derive(Debug, Clone, PartialEq)]
struct Filter {
    path: JsonPath,
    compare: Option<(Comparison, Value)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Longer operators first: `<=` begins with `<`.
const OPERATORS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

impl JsonPath {
    /// Reads `.spec.items[0].name`, `['quoted.name']`, `[*]` and `[?(@.type=="Ready")]`, with or without
    /// braces and a leading `$`; a backslash keeps a dot inside a name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text
            .strip_prefix('{')
            .and_then(|inner| inner.strip_suffix('}'))
            .unwrap_or(text);
        let mut rest = text.strip_prefix('$').unwrap_or(text);
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let end = closing_bracket(inner)?;
                steps.push(bracket(&inner[..end])?);
                rest = &inner[end + 1..];
            } else {
                let (name, tail) = member(rest.strip_prefix('.')?);
                match name.as_str() {
                    "*" => steps.push(Step::All),
                    "" if tail.is_empty() && steps.is_empty() => {}
                    "" if tail.starts_with('[') => {}
                    "" => return None,
                    _ => steps.push(Step::Member(name)),
                }
                rest = tail;
            }
        }
        Some(Self { steps })
    }

    /// All values the path leads to, in order.
    pub(super) fn find<'a>(&self, root: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![root];
        for step in &self.steps {
            found = found.into_iter().flat_map(|value| step.follow(value)).collect();
        }
        found
    }
}

impl Step {
    fn follow<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match self {
            Self::Member(name) => value.get(name).into_iter().collect(),
            Self::Index(index) => {
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let place = if *index < 0 { length + index } else { *index };
                usize::try_from(place)
                    .ok()
                    .and_then(|place| items.get(place))
                    .into_iter()
                    .collect()
            }
            Self::All => match value {
                Value::Array(items) => items.iter().collect(),
                Value::Object(members) => members.values().collect(),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
            },
            Self::Filter(filter) => value
                .as_array()
                .into_iter()
                .flatten()
                .filter(|item| filter.holds(item))
                .collect(),
        }
    }
}

impl Filter {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().strip_prefix('@')?;
        for (sign, comparison) in OPERATORS {
            if let Some((path, literal)) = text.split_once(sign) {
                return Some(Self {
                    path: JsonPath::parse(path.trim())?,
                    compare: Some((comparison, self::literal(literal.trim())?)),
                });
            }
        }
        Some(Self {
            path: JsonPath::parse(text)?,
            compare: None,
        })
    }

    fn holds(&self, item: &Value) -> bool {
        let found = self.path.find(item);
        let Some((comparison, wanted)) = &self.compare else {
            return !found.is_empty();
        };
        found.first().is_some_and(|value| {
            let order = match (value, wanted) {
                (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
                (Value::Number(a), Value::Number(b)) => {
                    a.as_f64().zip(b.as_f64()).and_then(|(a, b)| a.partial_cmp(&b))
                }
                _ => None,
            };
            match comparison {
                Comparison::Equal => *value == wanted,
                Comparison::NotEqual => *value != wanted,
                Comparison::Less => order.is_some_and(std::cmp::Ordering::is_lt),
                Comparison::LessOrEqual => order.is_some_and(std::cmp::Ordering::is_le),
                Comparison::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
                Comparison::GreaterOrEqual => order.is_some_and(std::cmp::Ordering::is_ge),
            }
        })
    }
}

/// A name up to the next dot or bracket, and what follows it.
fn member(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut letters = text.char_indices();
    while let Some((place, letter)) = letters.next() {
        match letter {
            '\\' => name.extend(letters.next().map(|(_, escaped)| escaped)),
            '.' | '[' => return (name, &text[place..]),
            _ => name.push(letter),
        }
    }
    (name, "")
}

/// The place of the bracket that closes `text`, past quotes and inner brackets.
fn closing_bracket(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_u32, None);
    for (place, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, '[') => depth += 1,
            (None, ']') if depth == 0 => return Some(place),
            (None, ']') => depth -= 1,
            (Some(_) | None, _) => {}
        }
    }
    None
}

fn bracket(text: &str) -> Option<Step> {
    let text = text.trim();
    if text == "*" {
        return Some(Step::All);
    }
    if let Some(filter) = text
        .strip_prefix("?(")
        .and_then(|filter| filter.strip_suffix(')'))
    {
        return Filter::parse(filter).map(Step::Filter);
    }
    match literal(text)? {
        Value::String(name) => Some(Step::Member(name)),
        Value::Number(number) => number.as_i64().map(Step::Index),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A quoted string, a number or a boolean.
fn literal(text: &str) -> Option<Value> {
    for quote in ['\'', '"'] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.strip_suffix(quote).map(Value::from);
        }
    }
    let value: Value = serde_json::from_str(text).ok()?;
    (value.is_number() || value.is_boolean()).then_some(value)
}
