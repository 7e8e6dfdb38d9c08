//! Texts of others brought into form, and lengths of time in words.

use jiff::{SignedDuration, Timestamp};

/// A text on one line: white space becomes single spaces, and what a terminal would obey is taken out.
pub(crate) fn one_line(text: &str) -> String {
    let clean = printable(text);
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text on one line of at most `most` characters.
pub(crate) fn short(text: &str, most: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= most {
        return line;
    }
    let kept: String = line.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A text without what a terminal would obey. Line breaks stay, tabs become spaces.
pub(crate) fn printable(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' => clean.push('\n'),
            '\t' => clean.push_str("    "),
            // An escape sequence goes as a whole: `ESC [ ... letter`.
            '\u{1b}' => {
                if characters.next_if_eq(&'[').is_some() {
                    for part in characters.by_ref() {
                        if part.is_ascii_alphabetic() {
                            break;
                        }
                    }
                }
            }
            // Marks that turn the direction of writing hide what follows.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => {}
            plain if plain.is_control() => {}
            plain => clean.push(plain),
        }
    }
    clean
}

/// How long ago a moment was.
pub(crate) fn age(since: Timestamp, now: Timestamp) -> String {
    length(now.duration_since(since))
}

/// A length of time in its two largest units.
pub(crate) fn length(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m{}s", seconds % 60),
        (0, hours, minutes) => format!("{hours}h{minutes}m"),
        (days, hours, _) => format!("{days}d{hours}h"),
    }
}

/// Some names in a sentence: `a`, `a and b`, `a, b and 3 more`.
pub(crate) fn list(names: &[String], most: usize) -> String {
    let shown = names.len().min(most);
    let (shown, rest) = names.split_at(shown);
    match (shown, rest.len()) {
        ([], _) => String::new(),
        ([only], 0) => only.clone(),
        ([init @ .., last], 0) => format!("{} and {last}", init.join(", ")),
        (shown, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_two_units() {
        let of = |seconds| length(SignedDuration::from_secs(seconds));
        assert_eq!(
            [of(-1), of(59), of(61), of(3661), of(90_000)],
            ["0s", "59s", "1m1s", "1h1m", "1d1h"]
        );
    }

    #[test]
    fn what_others_write_stays_on_its_line_and_leaves_the_terminal_alone() {
        assert_eq!(one_line("a\n\tb\r\n  c"), "a b c");
        assert_eq!(one_line("\u{1b}[31mred\u{1b}[0m\u{7}"), "red");
        assert_eq!(one_line("abc\u{202e}fed"), "abcfed");
        assert_eq!(
            printable("Lock Info:\n\tID: 1\u{1b}]0;x"),
            "Lock Info:\n    ID: 1]0;x"
        );
        assert_eq!(short("abcdef", 4), "abc…");
        assert_eq!(short("abcd", 4), "abcd");
    }

    #[test]
    fn names_are_listed_up_to_a_bound() {
        let names: Vec<String> = ["a", "b", "c", "d"].map(String::from).to_vec();
        assert_eq!(list(&names[..0], 3), "");
        assert_eq!(list(&names[..1], 3), "a");
        assert_eq!(list(&names[..3], 3), "a, b and c");
        assert_eq!(list(&names, 3), "a, b, c and 1 more");
    }
}
