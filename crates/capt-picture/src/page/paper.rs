//! Lines that fit: wrapped to a width, indented, and in colours where there are any.

use anstyle::{AnsiColor, Style};
use textwrap::{Options, WordSeparator, WordSplitter, wrap};

use super::Look;
use crate::words::printable;

/// What a text wants to say by its colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Tone {
    /// Nothing.
    #[default]
    Plain,
    /// All is well.
    Good,
    /// Something is under way.
    Busy,
    /// Somebody has to look.
    Bad,
    /// A heading.
    Strong,
    /// Less important.
    Faint,
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Busy => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default(),
            Self::Strong => Style::new().bold(),
            Self::Faint => Style::new().dimmed(),
        }
    }
}

/// No text is squeezed into fewer columns than these, however narrow the terminal is.
const NARROW: usize = 24;

/// How many lines of one message are shown.
const LINES: usize = 12;

/// How many characters of one line of a message are shown.
const LONG: usize = 1200;

/// What is being written.
pub(super) struct Paper {
    look: Look,
    text: String,
}

impl Paper {
    pub(super) const fn new(look: Look) -> Self {
        Self {
            look,
            text: String::new(),
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    /// How wide a text is on a terminal.
    pub(super) fn width_of(text: &str) -> usize {
        textwrap::core::display_width(text)
    }

    /// How many columns there are.
    pub(super) const fn columns(&self) -> Option<usize> {
        self.look.width
    }

    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A heading, after a blank line.
    pub(super) fn heading(&mut self, text: &str, aside: &str) {
        self.blank();
        self.toned(text, Tone::Strong);
        self.text.push_str(aside);
        self.blank();
    }

    /// A line as it is: a command, which must not be broken.
    pub(super) fn verbatim(&mut self, indent: &str, text: &str) {
        self.text.push_str(indent);
        self.text.push_str(text);
        self.blank();
    }

    /// A text of one or more lines, the first after `first`, all others after `rest`.
    pub(super) fn paragraph(&mut self, first: &str, rest: &str, text: &str, tone: Tone) {
        let mut lead = first;
        for line in self.lines(text, Self::width_of(rest).max(Self::width_of(first))) {
            let line = line.trim_end();
            let lead_in = if line.is_empty() { lead.trim_end() } else { lead };
            self.text.push_str(lead_in);
            self.toned(line, tone);
            self.blank();
            lead = rest;
        }
    }

    /// A message of others: [`paragraph`](Self::paragraph), of bounded length. `whole` says where all of it is.
    pub(super) fn message(&mut self, indent: &str, text: &str, whole: &str) {
        let text = printable(text);
        let mut lines: Vec<String> = text.trim_end().lines().map(cut).collect();
        let hidden = lines.len().saturating_sub(LINES);
        lines.truncate(LINES);
        if hidden > 0 {
            lines.push(format!("… {hidden} more lines: {whole}"));
        }
        self.paragraph(indent, indent, &lines.join("\n"), Tone::Plain);
    }

    /// Columns that are as wide as what is in them, below a row of headings; where those are too wide for the
    /// terminal, a row is a sentence.
    pub(super) fn table<const N: usize>(&mut self, rows: &[[String; N]]) {
        let widths: Vec<usize> = (0..N)
            .map(|column| {
                let widths = rows.iter().map(|row| Self::width_of(&row[column]));
                widths.max().unwrap_or_default()
            })
            .collect();
        let is_too_wide = |columns: usize| widths.iter().sum::<usize>() + 2 * N > columns;
        if self.look.width.is_some_and(is_too_wide) {
            for row in rows.iter().skip(1) {
                self.paragraph("  ", "      ", &row.join("  "), Tone::Plain);
            }
            return;
        }
        for row in rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| {
                let padding = " ".repeat(width.saturating_sub(Self::width_of(cell)));
                format!("{cell}{padding}")
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            self.verbatim("  ", line.trim_end());
        }
    }

    fn lines(&self, text: &str, indent: usize) -> Vec<String> {
        let Some(width) = self.look.width else {
            return if text.is_empty() {
                vec![String::new()]
            } else {
                text.lines().map(str::to_owned).collect()
            };
        };
        let width = width.saturating_sub(indent).max(NARROW);
        // Names have hyphens, and are copied.
        let options = Options::new(width)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        wrap(text, options).into_iter().map(String::from).collect()
    }

    fn toned(&mut self, text: &str, tone: Tone) {
        use std::fmt::Write as _;
        if !self.look.color || tone == Tone::Plain || text.is_empty() {
            self.text.push_str(text);
            return;
        }
        let style = tone.style();
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{style}{text}{style:#}");
    }
}

fn cut(line: &str) -> String {
    let line = line.trim_end();
    if line.chars().count() <= LONG {
        return line.to_owned();
    }
    let kept: String = line.chars().take(LONG).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn narrow(color: bool) -> Paper {
        Paper::new(Look {
            width: Some(30),
            color,
            all_conditions: false,
        })
    }

    #[test]
    fn texts_are_wrapped_behind_their_indent() {
        let mut paper = narrow(false);
        paper.paragraph("- ", "  ", "one two three four five six seven", Tone::Plain);
        assert_eq!(paper.finish(), "- one two three four five six\n  seven\n");
    }

    #[test]
    fn without_a_width_lines_stay_whole() {
        let mut paper = Paper::new(Look::default());
        let long = "word ".repeat(100);
        paper.paragraph("", "", long.trim(), Tone::Bad);
        assert_eq!(paper.finish().lines().count(), 1);
    }

    #[test]
    fn colours_are_used_where_they_may_be() {
        let mut paper = narrow(true);
        paper.paragraph("", "", "bad", Tone::Bad);
        assert_eq!(paper.finish(), "\u{1b}[31mbad\u{1b}[0m\n");
    }

    #[test]
    fn messages_are_bounded_and_obey_nothing() {
        let mut paper = Paper::new(Look::default());
        let lines: Vec<String> = (0..20)
            .map(|number| format!("\u{1b}[1mline {number}\r"))
            .collect();
        paper.message("  ", &lines.join("\n"), "see there");
        let text = paper.finish();
        assert_eq!(text.lines().count(), LINES + 1);
        assert!(text.ends_with("  … 8 more lines: see there\n"), "{text}");
        assert!(!text.contains(['\u{1b}', '\r']));
    }
}
