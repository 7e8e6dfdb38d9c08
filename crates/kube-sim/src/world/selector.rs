//! Label and field selectors.

use serde_json::Value;

use super::failure::StatusError;
use super::kind::{Kind, KindVersion};

#[derive(Debug, Clone, PartialEq, Eq)]
enum LabelTest {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Greater(i64),
    Less(i64),
}

/// What a list, watch or collection delete asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    labels: Vec<(String, LabelTest)>,
    /// Path, expected value, and whether it must equal.
    fields: Vec<(String, String, bool)>,
}

impl Selector {
    /// Parses both query parameters; refuses a field that the kind cannot select by.
    pub(crate) fn parse(
        labels: &str,
        fields: &str,
        kind: &Kind,
        version: &KindVersion,
    ) -> Result<Self, StatusError> {
        Ok(Self {
            labels: parse_labels(labels)?,
            fields: parse_fields(fields, kind, version)?,
        })
    }

    /// Whether nothing is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether an object is asked for.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.labels.iter().all(|(key, test)| {
            let value = object["metadata"]["labels"].get(key).and_then(Value::as_str);
            match test {
                LabelTest::In(values) => value.is_some_and(|v| values.iter().any(|w| w == v)),
                LabelTest::NotIn(values) => !value.is_some_and(|v| values.iter().any(|w| w == v)),
                LabelTest::Exists => value.is_some(),
                LabelTest::Absent => value.is_none(),
                LabelTest::Greater(than) => {
                    value.and_then(|v| v.parse().ok()).is_some_and(|v: i64| v > *than)
                }
                LabelTest::Less(than) => value.and_then(|v| v.parse().ok()).is_some_and(|v: i64| v < *than),
            }
        }) && self
            .fields
            .iter()
            .all(|(path, wanted, equal)| (field_value(object, path) == *wanted) == *equal)
    }
}

fn field_value(object: &Value, path: &str) -> String {
    let mut at = object;
    for key in path.split('.') {
        match at.get(key) {
            Some(next) => at = next,
            None => return String::new(),
        }
    }
    match at {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => at.to_string(),
    }
}

fn parse_fields(
    text: &str,
    kind: &Kind,
    version: &KindVersion,
) -> Result<Vec<(String, String, bool)>, StatusError> {
    let mut fields = Vec::new();
    for term in text.split(',').map(str::trim).filter(|t| !t.is_empty()) {
        let (path, value, equal) = if let Some((path, value)) = term.split_once("!=") {
            (path, value, false)
        } else if let Some((path, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
            (path, value, true)
        } else {
            return Err(StatusError::bad_request(format!(
                "invalid selector: '{text}'; can't understand '{term}'"
            )));
        };
        let known = path == "metadata.name"
            || (path == "metadata.namespace" && kind.namespaced)
            || version
                .selectable
                .iter()
                .any(|s| s.trim_start_matches('.') == path);
        if !known {
            return Err(StatusError::bad_request(format!(
                "field label not supported: {path}"
            )));
        }
        fields.push((path.to_owned(), value.to_owned(), equal));
    }
    Ok(fields)
}

fn parse_labels(text: &str) -> Result<Vec<(String, LabelTest)>, StatusError> {
    split_terms(text)
        .into_iter()
        .map(|term| parse_label(term.trim(), text))
        .collect()
}

/// Splits at commas outside parentheses.
fn split_terms(text: &str) -> Vec<&str> {
    let (mut terms, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms.into_iter().filter(|t| !t.trim().is_empty()).collect()
}

fn parse_label(term: &str, whole: &str) -> Result<(String, LabelTest), StatusError> {
    let refuse =
        |why: &str| StatusError::bad_request(format!("unable to parse requirement: {why} in {whole:?}"));
    let (key, test) = if let Some(key) = term.strip_prefix('!') {
        (key.trim(), LabelTest::Absent)
    } else if let Some((key, value)) = term.split_once("!=") {
        (key.trim(), LabelTest::NotIn(vec![value.trim().to_owned()]))
    } else if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        (key.trim(), LabelTest::In(vec![value.trim().to_owned()]))
    } else if let Some((head, values)) = term.strip_suffix(')').and_then(|t| t.split_once('(')) {
        let values: Vec<String> = values.split(',').map(|v| v.trim().to_owned()).collect();
        let mut words = head.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(key), Some("in"), None) => (key, LabelTest::In(values)),
            (Some(key), Some("notin"), None) => (key, LabelTest::NotIn(values)),
            (Some(_) | None, _, _) => return Err(refuse("expected `key in (...)` or `key notin (...)`")),
        }
    } else if let Some((key, value)) = term.split_once('>') {
        (
            key.trim(),
            LabelTest::Greater(
                value
                    .trim()
                    .parse()
                    .map_err(|_| refuse("for 'Gt' the value must be an integer"))?,
            ),
        )
    } else if let Some((key, value)) = term.split_once('<') {
        (
            key.trim(),
            LabelTest::Less(
                value
                    .trim()
                    .parse()
                    .map_err(|_| refuse("for 'Lt' the value must be an integer"))?,
            ),
        )
    } else {
        (term, LabelTest::Exists)
    };
    if key.is_empty() || key.contains(char::is_whitespace) {
        return Err(refuse("key is not a qualified name"));
    }
    Ok((key.to_owned(), test))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse_labels;
    use super::{LabelTest, Selector};

    fn selects(labels: &str, object: &serde_json::Value) -> bool {
        Selector {
            labels: parse_labels(labels).unwrap(),
            fields: Vec::new(),
        }
        .matches(object)
    }

    #[test]
    fn labels_select() {
        let object = json!({"metadata": {"labels": {"app": "web", "tier": "3"}}});
        for (selector, expected) in [
            ("app=web", true),
            ("app==web,tier", true),
            ("app!=web", false),
            ("other!=web", true),
            ("app in (web, db),tier notin (1,2)", true),
            ("!app", false),
            ("!other", true),
            ("tier>2", true),
            ("tier<3", false),
            ("", true),
        ] {
            assert_eq!(selects(selector, &object), expected, "{selector}");
        }
        assert_eq!(
            parse_labels("a=b").unwrap(),
            [("a".to_owned(), LabelTest::In(vec!["b".to_owned()]))]
        );
        assert!(parse_labels("a b").is_err());
    }
}
