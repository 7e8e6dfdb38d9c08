//! A text that errors show parts of, as a terminal can show it.
//!
//! What a person hands in may be anything: a program, a line of a hundred kilobytes, the escape sequences of a
//! terminal. It is shown so that each character takes one place and no line is longer than a person reads; lines and
//! columns are told as they are in the text itself.

use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

/// How many characters of a line are shown.
const WIDTH: usize = 160;

/// How many of them stand before what the error points at.
const BEFORE: usize = 60;

/// Stands for what is cut off of a line.
const CUT: char = '…';

/// A text that errors show parts of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    name: String,
    /// What is shown.
    text: String,
    lines: Vec<Line>,
}

/// How a line of the text is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// Where it begins in the text.
    start: usize,
    /// Where the part of it that is shown begins in the text.
    kept: usize,
    /// Where it begins in what is shown.
    shown: usize,
    /// How many characters are cut off in front.
    skipped: usize,
    /// The bytes of the mark for that.
    mark: usize,
}

impl Excerpt {
    /// `text`, called `name`, as it is shown to who is to look at these parts of it.
    pub fn new(name: &str, text: &str, parts: &[Range<usize>]) -> Self {
        let mut excerpt = Self {
            name: visible(name),
            text: String::with_capacity(text.len()),
            lines: Vec::new(),
        };
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let whole = start..start + line.len();
            let part = parts.iter().find(|part| whole.contains(&part.start));
            excerpt.add(line, start, part.map_or(0, |part| part.start - start));
            start = whole.end;
        }
        excerpt
    }

    /// Adds a line of which the byte `at` is to be seen.
    fn add(&mut self, line: &str, start: usize, at: usize) {
        let content = line.trim_end_matches(['\n', '\r']);
        let length = content.chars().count();
        let before = content.get(..at).unwrap_or(content).chars().count();
        let skipped = if length > WIDTH {
            before.saturating_sub(BEFORE).min(length - WIDTH)
        } else {
            0
        };
        let offset_of = |character: usize| {
            let mut offsets = content.char_indices().map(|(offset, _)| offset);
            offsets.nth(character).unwrap_or(content.len())
        };
        let kept = offset_of(skipped)..offset_of(skipped + WIDTH);
        self.lines.push(Line {
            start,
            kept: start + kept.start,
            shown: self.text.len(),
            skipped,
            mark: if skipped > 0 { CUT.len_utf8() } else { 0 },
        });
        if skipped > 0 {
            self.text.push(CUT);
        }
        let shown = content.get(kept.clone()).unwrap_or_default();
        self.text.extend(shown.chars().map(visible_character));
        if kept.end < content.len() {
            self.text.push(CUT);
        }
        if line.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Where a part of the text is in what is shown; what is cut off begins or ends at the mark for it.
    pub fn span(&self, part: &Range<usize>, text: &str) -> SourceSpan {
        let from = self.offset(part.start, text);
        let to = self.offset(part.end, text).max(from);
        SourceSpan::new(from.into(), to - from)
    }

    fn offset(&self, at: usize, text: &str) -> usize {
        let next = self.lines.partition_point(|line| line.start <= at);
        let Some(line) = next.checked_sub(1).and_then(|index| self.lines.get(index)) else {
            return 0;
        };
        let end = self.lines.get(next).map_or(self.text.len(), |line| line.shown);
        if at < line.kept {
            return line.shown;
        }
        let before = text.get(line.kept..at).unwrap_or_default();
        let before = before.trim_end_matches('\n').chars().map(visible_character);
        let offset = line.shown + line.mark + before.map(char::len_utf8).sum::<usize>();
        let content = self.text.get(..end).unwrap_or_default().trim_end_matches('\n');
        offset.min(content.len())
    }

    /// The column of a place in what is shown, from 0, as it is in the text.
    fn column(&self, offset: usize) -> usize {
        let next = self.lines.partition_point(|line| line.shown <= offset);
        let Some(line) = next.checked_sub(1).and_then(|index| self.lines.get(index)) else {
            return 0;
        };
        let before = self.text.get(line.shown + line.mark..offset).unwrap_or_default();
        line.skipped + before.chars().count()
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let read = self.text.as_str().read_span(span, before, after)?;
        // With lines before it, what is read begins with a line.
        let column = if before == 0 {
            self.column(read.span().offset())
        } else {
            read.column()
        };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            read.data(),
            *read.span(),
            read.line(),
            column,
            read.line_count(),
        )))
    }
}

/// A text in which every character can be seen; line breaks and tabs stay.
pub(super) fn visible(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' => '\n',
            other => visible_character(other),
        })
        .collect()
}

/// The picture of a character that a terminal would obey.
fn visible_character(character: char) -> char {
    const PICTURES: u32 = 0x2400;
    match character {
        '\t' => '\t',
        '\0'..='\u{1f}' => char::from_u32(PICTURES + u32::from(character)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        // Also the marks that turn the direction of writing, and line ends that are not seen as such.
        '\u{80}'..='\u{9f}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            '\u{fffd}'
        }
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of a part of a text: line, column, and the text itself.
    fn read(text: &str, part: Range<usize>) -> (usize, usize, String) {
        let excerpt = Excerpt::new("a.yaml", text, std::slice::from_ref(&part));
        let span = excerpt.span(&part, text);
        let read = excerpt.read_span(&span, 0, 0).unwrap();
        let data = String::from_utf8(read.data().to_vec()).unwrap();
        (read.line(), read.column(), data)
    }

    #[test]
    fn what_a_terminal_would_obey_is_a_picture_of_it() {
        let text = "a: 1\r\n\u{1b}[31mb\u{0}\u{7f}\u{9b}\u{202e}: \tx\n";
        let excerpt = Excerpt::new("a\u{1b}.yaml", text, &[]);
        assert_eq!(excerpt.text, "a: 1\n␛[31mb␀␡\u{fffd}\u{fffd}: \tx\n");
        assert_eq!(excerpt.name, "a␛.yaml");
        let at = text.find('x').unwrap();
        assert_eq!(read(text, at..at + 1), (1, 13, "x".to_owned()));
        let at = text.find('b').unwrap();
        assert_eq!(read(text, at..at + 1), (1, 5, "b".to_owned()));
    }

    #[test]
    fn a_long_line_is_cut_around_what_matters_and_its_column_stays() {
        let head = "ä".repeat(5000);
        let text = format!("first\n{head}HERE{}\nlast\n", "z".repeat(100_000));
        let at = text.find("HERE").unwrap();
        let excerpt = Excerpt::new("a.yaml", &text, std::slice::from_ref(&(at..at + 4)));
        let lines: Vec<&str> = excerpt.text.lines().collect();
        assert_eq!((lines[0], lines[2]), ("first", "last"));
        assert_eq!(lines[1].chars().count(), WIDTH + 2);
        assert!(lines[1].starts_with(&format!("…{}HEREz", "ä".repeat(BEFORE))));
        assert!(lines[1].ends_with("z…"));
        assert_eq!(read(&text, at..at + 4), (1, 5000, "HERE".to_owned()));
        // All of the line is what is shown of it.
        let line = 6..text.len() - 6;
        let (number, column, shown) = read(&text, line);
        assert_eq!((number, column), (1, 0));
        assert_eq!(shown.trim_end_matches(CUT).chars().count(), WIDTH);
        // What follows it is found all the same.
        let last = text.find("last").unwrap();
        assert_eq!(read(&text, last..last + 4), (2, 0, "last".to_owned()));
    }

    #[test]
    fn the_end_of_a_long_line_and_of_a_text_are_places_too() {
        let text = "x".repeat(1000);
        assert_eq!(read(&text, 999..1000), (0, 999, "x".to_owned()));
        assert_eq!(read(&text, 1000..1000).0, 0);
        assert_eq!(read("", 0..0), (0, 0, String::new()));
        assert_eq!(read("a\n", 1..2).0, 0);
    }

    proptest::proptest! {
        #[test]
        fn lines_and_columns_are_those_of_the_text(text in "[a-zä\u{1b}\t]{0,400}(\n[a-zä\u{1b}]{0,400}){0,3}", at in 0..1000_usize) {
            let at = text.floor_char_boundary(at.min(text.len().saturating_sub(1)));
            let Some(character) = text[at..].chars().next().filter(|it| *it != '\n') else {
                return Ok(());
            };
            let before = &text[..at];
            let line = before.matches('\n').count();
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
            let found = read(&text, at..at + character.len_utf8());
            proptest::prop_assert_eq!(found, (line, column, visible_character(character).to_string()));
        }
    }
}
