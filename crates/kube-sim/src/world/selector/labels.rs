//! Label selectors: `app=web,tier in (a,b),!old`, read as the server reads them and refused in its words.

use serde_json::Value;

use super::super::failure::quoted;
use super::super::validation;

/// What is asked of one label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
    Greater(i64),
    Less(i64),
}

/// A key and what is asked of its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Requirement {
    pub(super) key: String,
    pub(super) test: Test,
}

impl Requirement {
    pub(super) fn matches(&self, object: &Value) -> bool {
        let value = object["metadata"]["labels"]
            .get(&self.key)
            .and_then(Value::as_str);
        let number = || value.and_then(|v| v.parse::<i64>().ok());
        match &self.test {
            Test::In(values) => value.is_some_and(|v| values.iter().any(|w| w == v)),
            Test::NotIn(values) => !value.is_some_and(|v| values.iter().any(|w| w == v)),
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
            Test::Greater(than) => number().is_some_and(|v| v > *than),
            Test::Less(than) => number().is_some_and(|v| v < *than),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    End,
    Identifier,
    Comma,
    Open,
    Close,
    Not,
    Equals,
    NotEquals,
    Greater,
    Less,
    In,
    NotIn,
}

/// Whether `in` and `notin` are operators or words like others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    Values,
    Operator,
}

struct Parser {
    tokens: Vec<(Token, String)>,
    at: usize,
}

/// Reads a selector.
///
/// # Errors
/// Why it cannot be read, in the server's words.
pub(super) fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut parser = Parser {
        tokens: tokens(text),
        at: 0,
    };
    let mut out = Vec::new();
    loop {
        let (token, literal) = parser.lookahead(Context::Values);
        match token {
            Token::Identifier | Token::Not => {
                out.push(
                    parser
                        .requirement()
                        .map_err(|why| format!("unable to parse requirement: {why}"))?,
                );
                let (token, literal) = parser.consume(Context::Values);
                match token {
                    Token::End => return Ok(out),
                    Token::Comma => {
                        let (next, literal) = parser.lookahead(Context::Values);
                        if !matches!(next, Token::Identifier | Token::Not) {
                            return Err(format!("found '{literal}', expected: identifier after ','"));
                        }
                    }
                    _ => return Err(format!("found '{literal}', expected: ',' or 'end of string'")),
                }
            }
            Token::End => return Ok(out),
            _ => {
                return Err(format!(
                    "found '{literal}', expected: !, identifier, or 'end of string'"
                ));
            }
        }
    }
}

fn is_symbol(letter: char) -> bool {
    matches!(letter, '=' | '!' | '(' | ')' | ',' | '>' | '<')
}

fn tokens(text: &str) -> Vec<(Token, String)> {
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let Some(first) = rest.chars().next() else {
            out.push((Token::End, String::new()));
            return out;
        };
        let (token, length) = if is_symbol(first) {
            match (first, rest[1..].chars().next()) {
                ('=', Some('=')) => (Token::Equals, 2),
                ('=', _) => (Token::Equals, 1),
                ('!', Some('=')) => (Token::NotEquals, 2),
                ('!', _) => (Token::Not, 1),
                ('(', _) => (Token::Open, 1),
                (')', _) => (Token::Close, 1),
                (',', _) => (Token::Comma, 1),
                ('>', _) => (Token::Greater, 1),
                _ => (Token::Less, 1),
            }
        } else {
            let end = rest
                .find(|c: char| is_symbol(c) || matches!(c, ' ' | '\t' | '\r' | '\n'))
                .unwrap_or(rest.len());
            let token = match &rest[..end] {
                "in" => Token::In,
                "notin" => Token::NotIn,
                _ => Token::Identifier,
            };
            (token, end)
        };
        out.push((token, rest[..length].to_owned()));
        rest = &rest[length..];
    }
}

impl Parser {
    fn lookahead(&self, context: Context) -> (Token, String) {
        let (token, literal) = self
            .tokens
            .get(self.at)
            .cloned()
            .unwrap_or((Token::End, String::new()));
        let is_word = matches!(token, Token::In | Token::NotIn) && context == Context::Values;
        (if is_word { Token::Identifier } else { token }, literal)
    }

    fn consume(&mut self, context: Context) -> (Token, String) {
        let found = self.lookahead(context);
        self.at += 1;
        found
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let (mut token, mut key) = self.consume(Context::Values);
        let absent = token == Token::Not;
        if absent {
            (token, key) = self.consume(Context::Values);
        }
        if token != Token::Identifier {
            return Err(format!("found '{key}', expected: identifier"));
        }
        if let Some(why) = refused_key(&key) {
            return Err(format!("<nil>: Invalid value: {}: {why}", quoted(&key)));
        }
        let ends = matches!(self.lookahead(Context::Values).0, Token::End | Token::Comma);
        if absent || ends {
            let test = if absent { Test::Absent } else { Test::Exists };
            return Ok(Requirement { key, test });
        }
        let (operator, literal) = self.consume(Context::Operator);
        let values = match operator {
            Token::In | Token::NotIn => self.values()?,
            Token::Equals | Token::NotEquals | Token::Greater | Token::Less => vec![self.exact_value()?],
            _ => {
                return Err(format!(
                    "found '{literal}', expected: in, notin, =, ==, !=, gt, lt"
                ));
            }
        };
        let mut faults = Vec::new();
        let test = match operator {
            Token::NotIn | Token::NotEquals => Test::NotIn(values.clone()),
            Token::Greater | Token::Less => {
                let bound = values.first().and_then(|value| value.parse().ok());
                if bound.is_none() {
                    faults.push(format!(
                        "values[0]: Invalid value: {}: for 'Gt', 'Lt' operators, the value must be an integer",
                        quoted(values.first().map_or("", String::as_str))
                    ));
                }
                let bound = bound.unwrap_or_default();
                if operator == Token::Less {
                    Test::Less(bound)
                } else {
                    Test::Greater(bound)
                }
            }
            _ => Test::In(values.clone()),
        };
        for (at, value) in values.iter().enumerate() {
            let why = validation::label_value_faults(value);
            if !why.is_empty() {
                faults.push(format!(
                    "values[{at}][{key}]: Invalid value: {}: {}",
                    quoted(value),
                    why.join("; ")
                ));
            }
        }
        match faults.as_slice() {
            [] => Ok(Requirement { key, test }),
            [one] => Err(one.clone()),
            many => Err(format!("[{}]", many.join(", "))),
        }
    }

    fn exact_value(&mut self) -> Result<String, String> {
        if matches!(self.lookahead(Context::Values).0, Token::End | Token::Comma) {
            return Ok(String::new());
        }
        match self.consume(Context::Values) {
            (Token::Identifier, value) => Ok(value),
            (_, literal) => Err(format!("found '{literal}', expected: identifier")),
        }
    }

    /// The values of a set, sorted, each once.
    fn values(&mut self) -> Result<Vec<String>, String> {
        let (token, literal) = self.consume(Context::Values);
        if token != Token::Open {
            return Err(format!("found '{literal}' expected: '('"));
        }
        let mut out = std::collections::BTreeSet::new();
        let (first, first_literal) = self.lookahead(Context::Values);
        match first {
            Token::Close => {
                self.at += 1;
                return Ok(vec![String::new()]);
            }
            Token::Identifier | Token::Comma => {}
            _ => {
                return Err(format!(
                    "found '{first_literal}', expected: ',', ')' or identifier"
                ));
            }
        }
        loop {
            let (token, literal) = self.consume(Context::Values);
            let (next, next_literal) = self.lookahead(Context::Values);
            match token {
                Token::Identifier => {
                    out.insert(literal);
                    match next {
                        Token::Comma => {}
                        Token::Close => break,
                        _ => return Err(format!("found '{next_literal}', expected: ',' or ')'")),
                    }
                }
                Token::Comma => {
                    if out.is_empty() || matches!(next, Token::Close | Token::Comma) {
                        out.insert(String::new());
                    }
                    if next == Token::Close {
                        break;
                    }
                }
                _ => return Err(format!("found '{literal}', expected: ',', or identifier")),
            }
        }
        self.at += 1;
        Ok(out.into_iter().collect())
    }
}

fn refused_key(key: &str) -> Option<String> {
    let faults = validation::qualified_name_faults(key);
    (!faults.is_empty()).then(|| faults.join("; "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn labels_select() {
        let object = json!({"metadata": {"labels": {"app": "web", "tier": "3"}}});
        for (selector, expected) in [
            ("app=web", true),
            ("app==web,tier", true),
            ("app!=web", false),
            ("other!=web", true),
            ("app in (web, db),tier notin (1,2)", true),
            ("app notin ()", true),
            ("!app", false),
            ("!other", true),
            ("tier>2", true),
            ("tier<3", false),
            ("in", false),
            ("", true),
        ] {
            let all = parse(selector).unwrap();
            assert_eq!(all.iter().all(|r| r.matches(&object)), expected, "{selector}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_in_the_servers_words() {
        for (selector, why) in [
            (
                "a b",
                "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
            ),
            ("a=b c", "found 'c', expected: ',' or 'end of string'"),
            ("=a", "found '=', expected: !, identifier, or 'end of string'"),
            ("a,", "found '', expected: identifier after ','"),
            ("a in b", "unable to parse requirement: found 'b' expected: '('"),
            (
                "a in (b",
                "unable to parse requirement: found '', expected: ',' or ')'",
            ),
            (
                "a>b",
                "unable to parse requirement: values[0]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be an \
                 integer",
            ),
        ] {
            assert_eq!(parse(selector).unwrap_err(), why, "{selector}");
        }
        assert!(parse("a=-b").unwrap_err().starts_with(
            "unable to parse requirement: values[0][a]: Invalid value: \"-b\": a valid label must be"
        ));
        assert!(parse("-a").unwrap_err().starts_with(
            "unable to parse requirement: <nil>: Invalid value: \"-a\": name part must consist of"
        ));
    }
}
