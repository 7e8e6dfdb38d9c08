//! A YAML document as a value, and where each part of it stands in its file.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Location, MessageFormatter as _, Spanned, UserMessageFormatter};

/// One step of a path into a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Segment {
    /// A key of a mapping.
    Key(String),
    /// A place in a list, from 0.
    Index(usize),
}

/// Where the parts of a document stand, in bytes of its file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Spans(BTreeMap<Vec<Segment>, Span>);

/// Where one part stands.
#[derive(Debug, Clone, PartialEq)]
struct Span {
    /// The key, where it has one.
    key: Option<Range<usize>>,
    /// What belongs to it; a mapping or a list begins where its first part does.
    value: Range<usize>,
    is_scalar: bool,
}

/// What is wrong with a text that is no YAML.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mistake {
    pub(super) message: String,
    pub(super) at: Option<Range<usize>>,
}

/// Reads the document in `range` of a file.
pub(super) fn read(text: &str, range: Range<usize>) -> Result<(Value, Spans), Mistake> {
    let document = &text[range.clone()];
    let tree: Tree = serde_saphyr::from_str(document).map_err(|error| {
        let error = error.without_snippet();
        let message = UserMessageFormatter.format_message(error);
        Mistake {
            message: message.trim_end().to_owned(),
            at: error.location().and_then(|at| span(at, text, &range)),
        }
    })?;
    let mut spans = Spans::default();
    let whole = first_content(document, range.start);
    let file = File { text, range: &range };
    let value = tree.take_apart(&mut Vec::new(), None, file, &mut spans.0);
    spans.0.entry(Vec::new()).or_insert(Span {
        key: None,
        value: whole,
        is_scalar: false,
    });
    Ok((value, spans))
}

impl Spans {
    /// The spans of a part of this document, as if it were a document of its own.
    pub(super) fn below(&self, path: &[Segment]) -> Self {
        let below = self.0.range(path.to_vec()..);
        let below = below.take_while(|(it, _)| it.starts_with(path));
        Self(
            below
                .map(|(it, span)| (it[path.len()..].to_vec(), span.clone()))
                .collect(),
        )
    }

    /// Where the field of this path stands; the nearest part above it that there is, if it is not there itself.
    pub(super) fn find(&self, path: &[Segment]) -> Option<Range<usize>> {
        if let Some(span) = self.0.get(path) {
            return Some(if span.is_scalar {
                span.value.clone()
            } else {
                span.key.clone().unwrap_or_else(|| span.value.clone())
            });
        }
        let above = (0..path.len())
            .rev()
            .find_map(|length| self.0.get(&path[..length]))?;
        Some(above.key.clone().unwrap_or_else(|| above.value.clone()))
    }

    /// Where the key of this path stands, if it is there.
    pub(super) fn find_key(&self, path: &[Segment]) -> Option<Range<usize>> {
        self.0.get(path)?.key.clone()
    }
}

/// A path as the API server writes it: `spec.rules[0].labels[app.kubernetes.io/name]`, with or without a dot in front.
pub(super) fn path(text: &str) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut rest = text.trim_start_matches('.');
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (index, after) = inside.split_once(']').unwrap_or((inside, ""));
            let index = index.trim_matches(['"', '\'']);
            segments.push(match index.parse() {
                Ok(number) => Segment::Index(number),
                Err(_) => Segment::Key(index.to_owned()),
            });
            rest = after.trim_start_matches('.');
            continue;
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        segments.push(Segment::Key(rest[..end].to_owned()));
        rest = rest[end..].strip_prefix('.').unwrap_or(&rest[end..]);
    }
    segments
}

/// A value and where it stands.
struct Tree(Spanned<Part>);

enum Part {
    Scalar(Value),
    List(Vec<Tree>),
    Mapping(Vec<(Spanned<String>, Tree)>),
}

impl Tree {
    fn take_apart(
        self,
        path: &mut Vec<Segment>,
        key: Option<Range<usize>>,
        file: File<'_>,
        spans: &mut BTreeMap<Vec<Segment>, Span>,
    ) -> Value {
        let at = span(self.0.referenced, file.text, file.range);
        let is_scalar = matches!(self.0.value, Part::Scalar(_));
        if let Some(value) = at.or_else(|| key.clone()) {
            spans.insert(
                path.clone(),
                Span {
                    key,
                    value,
                    is_scalar,
                },
            );
        }
        match self.0.value {
            Part::Scalar(value) => value,
            Part::List(items) => {
                let mut values = Vec::new();
                for (index, item) in items.into_iter().enumerate() {
                    path.push(Segment::Index(index));
                    values.push(item.take_apart(path, None, file, spans));
                    path.pop();
                }
                Value::Array(values)
            }
            Part::Mapping(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    let at = span(key.referenced, file.text, file.range);
                    path.push(Segment::Key(key.value.clone()));
                    map.insert(key.value, value.take_apart(path, at, file, spans));
                    path.pop();
                }
                Value::Object(map)
            }
        }
    }
}

/// A file and the bytes of one document of it.
#[derive(Clone, Copy)]
struct File<'a> {
    text: &'a str,
    range: &'a Range<usize>,
}

/// The bytes of a location in the document of this range. What has no length reaches to the end of its line.
fn span(location: Location, text: &str, range: &Range<usize>) -> Option<Range<usize>> {
    let document = text.get(range.clone())?;
    let span = location.span();
    let number = |value: u64| usize::try_from(value).ok();
    let offset = if let Some(offset) = span.byte_offset() {
        number(offset)?
    } else {
        // Some mistakes are found by line and column alone.
        let line = number(location.line())?.checked_sub(1)?;
        let lines = document.split_inclusive('\n').take(line);
        let start = lines.map(str::len).sum::<usize>();
        let column = number(location.column())?.saturating_sub(1);
        let before = document.get(start..)?.chars().take(column);
        start + before.map(char::len_utf8).sum::<usize>()
    };
    let rest = document.get(offset.min(document.len())..)?;
    let length = match span.byte_len().and_then(number) {
        Some(length) if length > 0 => length.min(rest.len()),
        Some(_) | None => rest.lines().next().unwrap_or_default().trim_end().len(),
    };
    let from = range.start + offset.min(document.len());
    Some(from..from + length)
}

/// The first line that says anything.
fn first_content(document: &str, start: usize) -> Range<usize> {
    let mut at = start;
    for line in document.split_inclusive('\n') {
        let text = line.trim();
        if !text.is_empty() && !text.starts_with('#') {
            let indent = line.len() - line.trim_start().len();
            return at + indent..at + indent + text.len();
        }
        at += line.len();
    }
    start..start
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;

        impl<'de> Visitor<'de> for Parts {
            type Value = Part;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value of YAML")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Part, E> {
                Ok(Part::Scalar(value.into()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Part, E> {
                Ok(Part::Scalar(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Part, E> {
                Ok(Part::Scalar(value.into()))
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Part, E> {
                let number = Number::from_f64(value)
                    .ok_or_else(|| E::custom(format!("{value} is a number that JSON does not have")))?;
                Ok(Part::Scalar(Value::Number(number)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Part, E> {
                Ok(Part::Scalar(value.into()))
            }

            fn visit_unit<E>(self) -> Result<Part, E> {
                Ok(Part::Scalar(Value::Null))
            }

            fn visit_none<E>(self) -> Result<Part, E> {
                Ok(Part::Scalar(Value::Null))
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Part, D::Error> {
                Part::deserialize(deserializer)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Part, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                Ok(Part::List(all))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Part, A::Error> {
                let mut all: Vec<(Spanned<String>, Tree)> = Vec::new();
                while let Some((key, value)) = entries.next_entry::<Spanned<String>, Tree>()? {
                    if all.iter().any(|(other, _)| other.value == key.value) {
                        return Err(A::Error::custom(format!(
                            "the key {:?} is there twice",
                            key.value
                        )));
                    }
                    all.push((key, value));
                }
                Ok(Part::Mapping(all))
            }
        }

        deserializer.deserialize_any(Parts)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str = "kind: A\n---\n# größe\nkind: B\nspec:\n  list:\n  - name: \"x\"\n    on: 3\n  flow: {a: [1, 2.5, null, true]}\n  \
                        text: |\n    one\n    two\n";

    fn second() -> (Value, Spans) {
        read(TEXT, TEXT.find("# gr").unwrap()..TEXT.len()).unwrap()
    }

    fn said(spans: &Spans, at: &str) -> &'static str {
        &TEXT[spans.find(&path(at)).unwrap()]
    }

    #[test]
    fn it_reads_what_any_reader_of_yaml_reads() {
        let (value, _) = second();
        assert_eq!(
            value,
            json!({"kind": "B", "spec": {
                "list": [{"name": "x", "on": 3}],
                "flow": {"a": [1, 2.5, null, true]},
                "text": "one\ntwo\n",
            }})
        );
        let document = &TEXT[TEXT.find("# gr").unwrap()..];
        assert_eq!(value, serde_saphyr::from_str::<Value>(document).unwrap());
    }

    #[test]
    fn a_field_is_found_in_the_file_or_else_what_is_above_it() {
        let (_, spans) = second();
        for (path, wanted) in [
            ("kind", "B"),
            ("spec.list[0].name", "\"x\""),
            (".spec.list[0].on", "3"),
            ("spec.flow.a[1]", "2.5"),
            // What is no scalar is shown by its key.
            ("spec.list", "list"),
            ("spec.flow", "flow"),
            ("spec.flow.b", "flow"),
            ("spec.missing.deep[3]", "spec"),
        ] {
            assert_eq!(said(&spans, path), wanted, "{path}");
        }
        assert_eq!(
            &TEXT[spans.find_key(&path("spec.list[0].on")).unwrap()],
            "on",
            "the key itself"
        );
        assert_eq!(spans.find_key(&path("spec.no")), None);
    }

    #[test]
    fn paths_are_read_as_the_server_writes_them() {
        let key = |text: &str| Segment::Key(text.to_owned());
        assert_eq!(
            path("spec.a[0].b"),
            [key("spec"), key("a"), Segment::Index(0), key("b")]
        );
        assert_eq!(
            path("metadata.labels[app.kubernetes.io/name]"),
            [key("metadata"), key("labels"), key("app.kubernetes.io/name")]
        );
        assert_eq!(path(""), []);
    }

    #[test]
    fn mistakes_are_found_where_they_are() {
        let mistake = |text: &str| {
            let mistake = read(text, 0..text.len()).unwrap_err();
            (mistake.message, mistake.at.map(|at| at.start))
        };
        assert_eq!(
            mistake("a: 1\nb: [\n"),
            ("unclosed bracket '['".to_owned(), Some(8))
        );
        let (message, at) = mistake("a: 1\nb: 2\na: 3\n");
        assert!(message.contains('a'), "{message}");
        assert_eq!(at, Some(10), "{message}");
        let (_, at) = mistake("a:\n\t- b\n");
        assert!(at.is_some_and(|at| (2..=5).contains(&at)), "{at:?}");
    }
}
