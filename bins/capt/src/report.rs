//! How errors are told: as pictures on a terminal, as plain sentences elsewhere.

use std::error::Error as StdError;
use std::fmt::{self, Write as _};
use std::io::{IsTerminal as _, stderr};
use std::process::ExitCode;

use capt_sandbox::manifests::Problems;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use crate::failure::Failure;
use crate::output;

/// Prints an error with what led to it, where it lies and what helps, and gives the exit code for it.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let plain = Plain::of(error);
    let diagnostic: &dyn Diagnostic = match diagnostic_in(error) {
        Some(diagnostic) => diagnostic,
        None => &plain,
    };
    let text = if stderr().is_terminal() {
        graphical(diagnostic)
    } else {
        narrated(diagnostic)
    };
    // With stderr closed there is nobody to tell.
    let _ = output::note(&text);
    ExitCode::FAILURE
}

/// What is known of an error beside its words.
fn diagnostic_in(error: &anyhow::Error) -> Option<&dyn Diagnostic> {
    let failure = error.downcast_ref::<Failure>().map(|it| it as &dyn Diagnostic);
    failure.or_else(|| error.downcast_ref::<Problems>().map(|it| it as &dyn Diagnostic))
}

fn graphical(diagnostic: &dyn Diagnostic) -> String {
    let is_colored = output::is_colored(&stderr());
    let theme = if is_colored {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(output::width(&stderr()).unwrap_or(100))
        .with_links(false);
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = handler.render_report(&mut text, diagnostic);
    text
}

/// An error in sentences.
pub(crate) fn narrated(diagnostic: &dyn Diagnostic) -> String {
    // Writing to a String cannot fail.
    let mut text = format!("error: {diagnostic}\n");
    let mut told = diagnostic.to_string();
    let mut cause = diagnostic.source();
    while let Some(error) = cause {
        let words = error.to_string();
        // Some libraries repeat their source in their own text.
        if !told.contains(&words) {
            let _ = writeln!(text, "  caused by: {words}");
        }
        told = words;
        cause = error.source();
    }
    for place in places(diagnostic) {
        let _ = writeln!(text, "  {place}");
    }
    for related in diagnostic.related().into_iter().flatten() {
        for line in narrated(related).lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    if let Some(help) = diagnostic.help() {
        let _ = writeln!(text, "  help: {help}");
    }
    text
}

/// Where it lies: file, line and column with what is said about it, and the line itself.
fn places(diagnostic: &dyn Diagnostic) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(source) = diagnostic.source_code() else {
        return lines;
    };
    let words = diagnostic.to_string();
    for label in diagnostic.labels().into_iter().flatten() {
        let Ok(shown) = source.read_span(label.inner(), 0, 0) else {
            continue;
        };
        let text = String::from_utf8_lossy(shown.data());
        // What is shown may begin before the label.
        let before = label.offset().saturating_sub(shown.span().offset());
        let column = shown.column() + text.get(..before).map_or(0, |it| it.chars().count()) + 1;
        let place = format!(
            "{}:{}:{column}",
            shown.name().unwrap_or("input"),
            shown.line() + 1
        );
        let said = label.label().unwrap_or_default();
        // Many errors begin with their place, or with what the label says.
        match (words.contains(&place), said.is_empty() || words.contains(said)) {
            (true, true) => {}
            (true, false) => lines.push(said.to_owned()),
            (false, true) => lines.push(format!("at {place}")),
            (false, false) => lines.push(format!("at {place}: {said}")),
        }
        if let Some(line) = text.lines().next().filter(|line| !line.trim().is_empty()) {
            lines.push(format!("    {}", line.trim_end()));
        }
    }
    lines
}

/// An error of which nothing is known but its words and what led to it.
struct Plain {
    words: String,
    source: Option<Box<Plain>>,
}

impl Plain {
    fn of(error: &anyhow::Error) -> Self {
        let mut chain: Vec<String> = Vec::new();
        for cause in error.chain() {
            let words = cause.to_string();
            if !chain.last().is_some_and(|above| above.contains(&words)) {
                chain.push(words);
            }
        }
        let innermost = chain.pop().unwrap_or_default();
        let start = Self {
            words: innermost,
            source: None,
        };
        chain.into_iter().rev().fold(start, |source, words| Self {
            words,
            source: Some(Box::new(source)),
        })
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl StdError for Plain {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

impl Diagnostic for Plain {}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn what_led_to_an_error_is_told_once() {
        let error = std::io::Error::other("disk is full");
        let error = anyhow::Error::new(error)
            .context("write the page")
            .context("write the page");
        assert_eq!(
            narrated(&Plain::of(&error)),
            "error: write the page\n  caused by: disk is full\n"
        );
    }

    #[test]
    fn a_failure_is_found_below_its_context() {
        let failure = Failure::NoSuchNode {
            wanted: "x".to_owned(),
            help: "try y".to_owned(),
        };
        let error = Err::<(), _>(failure).context("draw").unwrap_err();
        let found = diagnostic_in(&error).unwrap();
        assert_eq!(
            narrated(found),
            "error: there is no x in this graph\n  help: try y\n"
        );
    }
}
