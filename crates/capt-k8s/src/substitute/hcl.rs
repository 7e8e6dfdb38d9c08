//! Filling in a module in Terraform's native language.
//!
//! Only as much of the language is read as decides what a `${` is: comments, quoted templates, heredocs, and
//! the expressions that are nested in both.

use std::fmt::Write as _;

use super::{Names, Unfit};

/// The part of the language that the present character stands in.
#[derive(Debug)]
enum Context {
    /// Outside of any text: blocks, attributes, expressions. Holds how many braces are open.
    Code { braces: usize },
    /// Between double quotes.
    Quoted,
    /// Between `<<MARKER` and the line `MARKER`.
    Heredoc { marker: String },
    /// A template without delimiters: the whole text.
    Template,
}

/// Fills in a module.
pub(super) fn module(source: &str, names: &Names<'_>) -> Result<String, Unfit> {
    Scanner::new(source, names, Context::Code { braces: 0 }).run()
}

/// Fills in a text that is one template, as the strings of a JSON module are.
pub(super) fn template(source: &str, names: &Names<'_>) -> Result<String, Unfit> {
    Scanner::new(source, names, Context::Template).run()
}

/// Whether a value may stand outside of a text: an identifier (`true` and `false` are), or a number.
pub(super) fn is_bare(value: &str) -> bool {
    is_identifier(value) || is_number(value)
}

fn is_identifier(value: &str) -> bool {
    let mut bytes = value.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// `-?digits(.digits)?([eE][+-]?digits)?`
fn is_number(value: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = value.strip_prefix('-').unwrap_or(value);
    let (mantissa, exponent) = match value.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (value, None),
    };
    let exponent = exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)));
    let mantissa = match mantissa.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => digits(mantissa),
    };
    mantissa && exponent
}

/// The value as it is written between double quotes.
///
/// A `$` or `%` that could begin a sequence together with what follows it, in the value or behind it, is
/// written as an expression of its own, and so is a `{` that could end one: that separates it from both
/// sides, which `$${` and code points do not where several values meet.
fn quoted(value: &str) -> String {
    let mut written = String::with_capacity(value.len());
    let mut characters = value.chars().enumerate().peekable();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            '$' | '%' if matches!(characters.peek(), None | Some((_, '$' | '%' | '{'))) => {
                push_apart(&mut written, character);
            }
            '{' if index == 0 => push_apart(&mut written, character),
            control if control.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(written, "\\u{:04x}", u32::from(control));
            }
            other => written.push(other),
        }
    }
    written
}

fn push_apart(written: &mut String, character: char) {
    written.push_str("${\"");
    written.push(character);
    written.push_str("\"}");
}

/// Whether a value stays what it is in a template without escapes, wherever it stands.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && !value.starts_with('{')
        && !value
            .chars()
            .any(|character| matches!(character, '$' | '%') || character.is_control())
}

struct Scanner<'a> {
    source: &'a str,
    position: usize,
    names: &'a Names<'a>,
    written: String,
    /// Never empty: the outermost context is never left.
    stack: Vec<Context>,
}

impl<'a> Scanner<'a> {
    fn new(source: &'a str, names: &'a Names<'a>, outermost: Context) -> Self {
        Self {
            source,
            position: 0,
            names,
            written: String::with_capacity(source.len()),
            stack: vec![outermost],
        }
    }

    fn run(mut self) -> Result<String, Unfit> {
        while self.position < self.source.len() {
            match self.stack.last() {
                Some(Context::Code { .. }) | None => self.code()?,
                Some(Context::Quoted) => self.quoted(),
                Some(Context::Heredoc { .. } | Context::Template) => self.text(),
            }
        }
        Ok(self.written)
    }

    fn rest(&self) -> &'a str {
        &self.source[self.position..]
    }

    fn copy(&mut self, bytes: usize) {
        let end = self.position + bytes;
        self.written.push_str(&self.source[self.position..end]);
        self.position = end;
    }

    /// Copies a number of characters, as far as there are so many.
    fn copy_characters(&mut self, count: usize) {
        let bytes = self.rest().chars().take(count).map(char::len_utf8).sum();
        self.copy(bytes);
    }

    /// Puts `text` in the place of `${name}`.
    fn replace(&mut self, name: &str, text: &str) {
        self.written.push_str(text);
        self.position += name.len() + "${}".len();
    }

    fn code(&mut self) -> Result<(), Unfit> {
        let rest = self.rest();
        if rest.starts_with('#') || rest.starts_with("//") {
            self.copy(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.copy(rest.find("*/").map_or(rest.len(), |end| end + 2));
        } else if rest.starts_with('"') {
            self.copy(1);
            self.stack.push(Context::Quoted);
        } else if let Some((marker, length)) = heredoc(rest) {
            self.copy(length);
            self.stack.push(Context::Heredoc { marker });
            self.leave_heredoc();
        } else if let Some((name, value)) = self.names.at(rest) {
            if !is_bare(value) {
                let line = self.source[..self.position].matches('\n').count() + 1;
                return Err(Unfit {
                    name: name.to_owned(),
                    line,
                });
            }
            self.replace(name, value);
        } else if rest.starts_with('{') {
            self.copy(1);
            if let Some(Context::Code { braces }) = self.stack.last_mut() {
                *braces += 1;
            }
        } else if rest.starts_with('}') {
            self.copy(1);
            let nested = self.stack.len() > 1;
            match self.stack.last_mut() {
                Some(Context::Code { braces: 0 }) if nested => {
                    self.stack.pop();
                }
                Some(Context::Code { braces }) => *braces = braces.saturating_sub(1),
                Some(Context::Quoted | Context::Heredoc { .. } | Context::Template) | None => {}
            }
        } else {
            self.copy_characters(1);
        }
        Ok(())
    }

    /// The sequences that all templates have. Returns whether there was one.
    fn sequence(&mut self, write: fn(&Self, &str) -> String) -> bool {
        let rest = self.rest();
        if rest.starts_with("$${") || rest.starts_with("%%{") {
            self.copy(3);
        } else if let Some((name, value)) = self.names.at(rest) {
            let text = write(self, value);
            self.replace(name, &text);
        } else if rest.starts_with("${") || rest.starts_with("%{") {
            self.copy(2);
            self.stack.push(Context::Code { braces: 0 });
        } else {
            return false;
        }
        true
    }

    fn quoted(&mut self) {
        let write = |scanner: &Self, value: &str| {
            // Without anything in between, the characters around the variable could become a sequence.
            if value.is_empty() && scanner.written.ends_with(['$', '%']) {
                "${\"\"}".to_owned()
            } else {
                quoted(value)
            }
        };
        if self.sequence(write) {
            return;
        }
        let rest = self.rest();
        if rest.starts_with('\\') {
            self.copy_characters(2);
            return;
        }
        // A quoted text ends on its line; one that does not is an error which Terraform will name.
        if rest.starts_with(['"', '\n']) {
            self.stack.pop();
        }
        self.copy_characters(1);
    }

    fn text(&mut self) {
        // There are no escapes for single characters here, but an expression can be a quoted text.
        let write = |scanner: &Self, value: &str| {
            // A value that completes a line to the marker would end the heredoc.
            let may_end =
                matches!(scanner.stack.last(), Some(Context::Heredoc { marker }) if marker.contains(value));
            if is_plain(value) && !may_end {
                value.to_owned()
            } else {
                format!("${{\"{}\"}}", quoted(value))
            }
        };
        if self.sequence(write) {
            return;
        }
        let ends_line = self.rest().starts_with('\n');
        self.copy_characters(1);
        if ends_line {
            self.leave_heredoc();
        }
    }

    /// At the beginning of a line: if it is the end of the heredoc, copies it and goes back to what is around.
    fn leave_heredoc(&mut self) {
        let line = self.rest().lines().next().unwrap_or_default();
        if let Some(Context::Heredoc { marker }) = self.stack.last()
            && line.trim() == marker
        {
            self.copy(line.len());
            self.stack.pop();
        }
    }
}

/// The marker of a heredoc that begins here, and the length of its first line.
fn heredoc(rest: &str) -> Option<(String, usize)> {
    let after = rest.strip_prefix("<<")?;
    let marker = after.strip_prefix('-').unwrap_or(after);
    let (marker, _) = marker.split_once('\n')?;
    let marker = marker.trim_end_matches('\r');
    let length = rest.find('\n')? + 1;
    is_identifier(marker).then(|| (marker.to_owned(), length))
}
