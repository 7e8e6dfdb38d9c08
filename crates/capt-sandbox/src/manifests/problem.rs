//! What is wrong with manifests, and where.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, SourceCode};

use super::excerpt::{Excerpt, visible};

/// How long a text may be that stands below a line of a file.
const LABEL: usize = 60;

/// A text with manifests, and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file, or where else it comes from.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// A part of a file that a problem points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) at: Range<usize>,
    pub(super) text: String,
}

/// One thing that is wrong.
#[derive(Debug, Clone)]
pub struct Problem {
    message: String,
    source: Option<Arc<Source>>,
    /// For the reports: the same text, as a terminal can show it.
    excerpt: Option<Excerpt>,
    labels: Vec<Label>,
    help: Option<String>,
}

/// Everything that is wrong with what was to be applied. Nothing of it was.
#[derive(Debug, Clone)]
pub struct Problems(Vec<Problem>);

impl Problem {
    /// A problem that has no place in a file.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: visible(&message.into()),
            source: None,
            excerpt: None,
            labels: Vec::new(),
            help: None,
        }
    }

    /// Where it is.
    pub(super) fn at(mut self, source: &Arc<Source>, labels: impl IntoIterator<Item = Label>) -> Self {
        self.labels.extend(labels);
        let parts: Vec<Range<usize>> = self.labels.iter().map(|label| label.at.clone()).collect();
        self.excerpt = Some(Excerpt::new(&source.name, &source.text, &parts));
        self.source = Some(Arc::clone(source));
        self
    }

    /// What to do about it.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(visible(&help.into()));
        self
    }

    /// Its file and the byte at which it is there.
    pub(super) fn position(&self) -> (Option<&str>, usize) {
        let start = self.labels.first().map_or(0, |label| label.at.start);
        (self.source.as_ref().map(|source| source.name.as_str()), start)
    }

    /// The file, line and column of it, the latter two from 1, as far as they are known: `a.yaml:3:7`.
    pub fn place(&self) -> Option<String> {
        let source = self.source.as_ref()?;
        let Some(label) = self.labels.first() else {
            return Some(visible(&source.name));
        };
        let before = source.text.get(..label.at.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Some(format!("{}:{line}:{column}", visible(&source.name)))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place() {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        let excerpt = self.excerpt.as_ref().filter(|_| !self.labels.is_empty())?;
        Some(excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (excerpt, source) = (self.excerpt.as_ref()?, self.source.as_ref()?);
        if self.labels.is_empty() {
            return None;
        }
        Some(Box::new(self.labels.iter().map(|label| {
            let at = excerpt.span(&label.at, &source.text);
            LabeledSpan::new_with_span(Some(short(&label.text)), at)
        })))
    }
}

/// The beginning of a text that would not fit below a line; the message has all of it.
fn short(text: &str) -> String {
    let text = visible(text);
    if text.chars().count() <= LABEL {
        return text;
    }
    let kept: String = text.chars().take(LABEL - 1).collect();
    format!("{}…", kept.trim_end())
}

impl Problems {
    /// These, or none if there are none.
    pub(super) fn of(all: Vec<Problem>) -> Result<(), Self> {
        if all.is_empty() { Ok(()) } else { Err(Self(all)) }
    }

    /// One by one, in the order of the files.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => one.fmt(f),
            all => write!(
                f,
                "there are {} problems with the manifests, and nothing was applied",
                all.len()
            ),
        }
    }
}

impl std::error::Error for Problems {}

impl Diagnostic for Problems {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        match self.0.as_slice() {
            [one] => Diagnostic::help(one),
            _ => None,
        }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        match self.0.as_slice() {
            [one] => one.source_code(),
            _ => None,
        }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        match self.0.as_slice() {
            [one] => one.labels(),
            _ => None,
        }
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        match self.0.as_slice() {
            [_] => None,
            all => Some(Box::new(all.iter().map(|problem| problem as &dyn Diagnostic))),
        }
    }
}
