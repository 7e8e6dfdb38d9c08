//! JSON bodies as the server reads them: a field that stands twice is noticed, its last value counts.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads a body; beside it the paths of the fields that stand twice (`spec.items[0].name`).
///
/// # Errors
/// In the words of Go's decoder.
pub(super) fn parse(bytes: &[u8]) -> Result<(Value, Vec<String>), String> {
    let mut duplicates = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let seed = Reader {
        path: String::new(),
        duplicates: &mut duplicates,
    };
    let value = seed
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| worded(bytes, &error))?;
    Ok((value, duplicates))
}

fn worded(bytes: &[u8], error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    let line = bytes
        .split(|byte| *byte == b'\n')
        .nth(error.line().saturating_sub(1));
    let rest = line.and_then(|line| line.get(error.column().saturating_sub(1)..));
    let text = rest.map(String::from_utf8_lossy).unwrap_or_default();
    match text.chars().next() {
        Some(letter) => format!("invalid character {letter:?} looking for beginning of value"),
        None => error.to_string(),
    }
}

struct Reader<'a> {
    path: String,
    duplicates: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        loop {
            let seed = Reader {
                path: format!("{}[{}]", self.path, out.len()),
                duplicates: &mut *self.duplicates,
            };
            match items.next_element_seed(seed)? {
                Some(item) => out.push(item),
                None => return Ok(Value::Array(out)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let path = if self.path.is_empty() {
                name.clone()
            } else {
                format!("{}.{name}", self.path)
            };
            if out.contains_key(&name) && !self.duplicates.contains(&path) {
                self.duplicates.push(path.clone());
            }
            let seed = Reader {
                path,
                duplicates: &mut *self.duplicates,
            };
            let value = members.next_value_seed(seed)?;
            out.insert(name, value);
        }
        Ok(Value::Object(out))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn what_stands_twice_is_named_and_the_last_counts() {
        let (value, duplicates) =
            parse(br#"{"a": 1, "b": {"c": 1, "c": 2}, "l": [{"x": 1}, {"x": 1, "x": 3}], "a": 2}"#).unwrap();
        assert_eq!(value, json!({"a": 2, "b": {"c": 2}, "l": [{"x": 1}, {"x": 3}]}));
        assert_eq!(duplicates, ["b.c", "l[1].x", "a"]);
    }

    #[test]
    fn what_is_no_json_is_refused_in_gos_words() {
        assert_eq!(parse(b"{").unwrap_err(), "unexpected end of JSON input");
        assert_eq!(
            parse(b"nope").unwrap_err(),
            "invalid character 'o' looking for beginning of value"
        );
        assert_eq!(
            parse(b"[1.5, -2, true, null]").unwrap().0,
            json!([1.5, -2, true, null])
        );
    }
}
