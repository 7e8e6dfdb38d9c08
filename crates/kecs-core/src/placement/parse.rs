//! Reads expressions of the cluster query language.

use regex::RegexBuilder;

use super::query::{Comparison, Expression, Pattern, QueryFault, Subject, Test};

/// Parentheses within parentheses: more than anybody writes, and few enough for any stack.
const DEPTH: usize = 64;
/// What a pattern may take once it is compiled, in bytes.
const PATTERN_SIZE: usize = 1 << 16;

/// Reads an expression.
pub(super) fn expression(text: &str) -> Result<Expression, QueryFault> {
    let mut reader = Reader { rest: text, depth: 0 };
    let expression = reader.any()?;
    reader.skip_space();
    if reader.rest.is_empty() {
        Ok(expression)
    } else {
        Err(fault(format!("unexpected {}", reader.rest)))
    }
}

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn any(&mut self) -> Result<Expression, QueryFault> {
        let first = self.all()?;
        let mut parts = vec![first];
        while self.eat_sign("||") || self.eat_word("or") {
            parts.push(self.all()?);
        }
        Ok(alone_or(parts, Expression::Any))
    }

    fn all(&mut self) -> Result<Expression, QueryFault> {
        let first = self.one()?;
        let mut parts = vec![first];
        while self.eat_sign("&&") || self.eat_word("and") {
            parts.push(self.one()?);
        }
        Ok(alone_or(parts, Expression::All))
    }

    fn one(&mut self) -> Result<Expression, QueryFault> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(fault("it is nested too deeply".to_owned()));
        }
        let read = if self.eat_sign("!") || self.eat_word("not") {
            self.one().map(negated)
        } else if self.eat_sign("(") {
            let inner = self.any()?;
            if self.eat_sign(")") {
                Ok(inner)
            } else {
                Err(fault("a parenthesis is not closed".to_owned()))
            }
        } else {
            self.test()
        };
        self.depth -= 1;
        read
    }

    fn test(&mut self) -> Result<Expression, QueryFault> {
        let subject = subject(self.word()?)?;
        let positive = |test| Ok(Expression::Test(subject.clone(), test));
        if self.eat_sign("==") || self.eat_word("equals") {
            return positive(self.compare(Comparison::Equal)?);
        }
        if self.eat_sign("!=") || self.eat_word("not_equals") {
            return positive(self.compare(Comparison::Equal)?).map(negated);
        }
        if self.eat_sign(">=") || self.eat_word("greater_than_equal") {
            return positive(self.compare(Comparison::GreaterOrEqual)?);
        }
        if self.eat_sign("<=") || self.eat_word("less_than_equal") {
            return positive(self.compare(Comparison::LessOrEqual)?);
        }
        if self.eat_sign(">") || self.eat_word("greater_than") {
            return positive(self.compare(Comparison::Greater)?);
        }
        if self.eat_sign("<") || self.eat_word("less_than") {
            return positive(self.compare(Comparison::Less)?);
        }
        if self.eat_sign("=~") || self.eat_word("matches") {
            return positive(self.pattern()?);
        }
        if self.eat_sign("!~") || self.eat_word("not_matches") {
            return positive(self.pattern()?).map(negated);
        }
        if self.eat_word("not_exists") {
            return positive(Test::Exists).map(negated);
        }
        if self.eat_word("not_in") {
            return positive(self.list()?).map(negated);
        }
        let negative = self.eat_sign("!");
        let test = if self.eat_word("exists") {
            Test::Exists
        } else if self.eat_word("in") {
            self.list()?
        } else {
            return Err(fault("an operator is missing".to_owned()));
        };
        let test = positive(test)?;
        Ok(if negative { negated(test) } else { test })
    }

    fn compare(&mut self, comparison: Comparison) -> Result<Test, QueryFault> {
        self.value().map(|value| Test::Compare(comparison, value))
    }

    fn list(&mut self) -> Result<Test, QueryFault> {
        if !self.eat_sign("[") {
            return Err(fault("a list is missing".to_owned()));
        }
        let mut values = vec![self.value()?];
        while self.eat_sign(",") {
            values.push(self.value()?);
        }
        if self.eat_sign("]") {
            Ok(Test::In(values))
        } else {
            Err(fault("a list is not closed".to_owned()))
        }
    }

    /// A pattern: up to the next space, or to a parenthesis that was not opened in it.
    fn pattern(&mut self) -> Result<Test, QueryFault> {
        self.skip_space();
        let text = if self.rest.starts_with(['"', '\'']) {
            self.value()?
        } else {
            let mut open = 0_usize;
            let mut end = self.rest.len();
            for (at, letter) in self.rest.char_indices() {
                match letter {
                    '(' => open += 1,
                    ')' if open > 0 => open -= 1,
                    ')' => {
                        end = at;
                        break;
                    }
                    _ if letter.is_whitespace() => {
                        end = at;
                        break;
                    }
                    _ => {}
                }
            }
            self.take(end).to_owned()
        };
        if text.is_empty() {
            return Err(fault("a pattern is missing".to_owned()));
        }
        let pattern = RegexBuilder::new(&format!("^(?:{text})$"))
            .size_limit(PATTERN_SIZE)
            .build();
        match pattern {
            Ok(pattern) => Ok(Test::Matches(Pattern(pattern))),
            Err(_) => Err(fault(format!("{text} is no pattern"))),
        }
    }

    /// A value: a word, or anything within quotation marks.
    fn value(&mut self) -> Result<String, QueryFault> {
        self.skip_space();
        for mark in ['"', '\''] {
            if let Some(quoted) = self.rest.strip_prefix(mark) {
                let Some(end) = quoted.find(mark) else {
                    return Err(fault("a quotation mark is not closed".to_owned()));
                };
                self.rest = &quoted[end + mark.len_utf8()..];
                return Ok(quoted[..end].to_owned());
            }
        }
        self.word().map(str::to_owned)
    }

    fn word(&mut self) -> Result<&'a str, QueryFault> {
        self.skip_space();
        let end = self.rest.find(is_no_word).unwrap_or(self.rest.len());
        match self.take(end) {
            "" => Err(fault("a word is missing".to_owned())),
            word => Ok(word),
        }
    }

    fn eat_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let end = self.rest.find(is_no_word).unwrap_or(self.rest.len());
        let is_it = &self.rest[..end] == word;
        if is_it {
            self.take(end);
        }
        is_it
    }

    fn eat_sign(&mut self, sign: &str) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, end: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

fn is_no_word(letter: char) -> bool {
    letter.is_whitespace() || "()[],!=<>~&|\"'".contains(letter)
}

fn alone_or(mut parts: Vec<Expression>, of: impl FnOnce(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            of(parts)
        }
        None => of(parts),
    }
}

fn negated(expression: Expression) -> Expression {
    Expression::Not(Box::new(expression))
}

fn subject(word: &str) -> Result<Subject, QueryFault> {
    if let Some(name) = word.strip_prefix("attribute:").filter(|it| !it.is_empty()) {
        return Ok(Subject::Attribute(name.to_owned()));
    }
    match word {
        "agentConnected" => Ok(Subject::AgentConnected),
        "agentVersion" => Ok(Subject::AgentVersion),
        "ec2InstanceId" => Ok(Subject::Ec2InstanceId),
        "registeredAt" => Ok(Subject::RegisteredAt),
        "runningTasksCount" => Ok(Subject::RunningTasksCount),
        "task:group" => Ok(Subject::TaskGroup),
        _ => Err(fault(format!("unknown subject {word}"))),
    }
}

fn fault(what: String) -> QueryFault {
    QueryFault(what)
}
