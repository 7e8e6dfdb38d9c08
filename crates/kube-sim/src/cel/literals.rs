//! What can be known of literals: that they are times, patterns, and of one type.

use jiff::Timestamp;
use regex::Regex;

use super::template;
use super::typed::{Part, Typed};

/// Where lists of different types are taken: what they fill in tells them apart.
pub(super) const FORMAT: &str = "format";

/// What is wrong with the literals of an expression: the part that each is about, and what it says.
pub(super) fn faults(typed: &Typed) -> Vec<(u64, String)> {
    let mut faults = Vec::new();
    read_by_functions(typed, &mut faults);
    collections(typed, &mut faults);
    template::add_faults(typed, &mut faults);
    faults
}

/// Literals that a function reads.
fn read_by_functions(typed: &Typed, faults: &mut Vec<(u64, String)>) {
    if let Part::Call {
        function, arguments, ..
    } = &typed.part
        && let Some(first) = arguments.first()
        && let Part::Text(text) = &first.part
    {
        let valid = match function.as_str() {
            "duration" => is_duration(text),
            "timestamp" => text.parse::<Timestamp>().is_ok(),
            "matches" => is_pattern(text),
            _ => true,
        };
        if !valid {
            faults.push((first.id, format!("invalid {function} argument")));
        }
    }
    for child in typed.children() {
        read_by_functions(child, faults);
    }
}

/// Lists and maps whose elements are of one type only where one knows nothing of it.
fn collections(typed: &Typed, faults: &mut Vec<(u64, String)>) {
    match &typed.part {
        Part::Call { function, target, .. } if function == FORMAT && target.is_some() => return,
        Part::List { items, optional } => {
            let items = items.iter().enumerate();
            let others = others(items.map(|(at, item)| (item, optional.contains(&at))));
            // Of a list the first is told.
            faults.extend(others.into_iter().take(1));
        }
        Part::Map(entries) => {
            faults.extend(others(entries.iter().map(|entry| (&entry.key, false))));
            faults.extend(others(entries.iter().map(|entry| (&entry.value, entry.optional))));
        }
        Part::Text(_)
        | Part::Bytes(_)
        | Part::Number(_)
        | Part::Scalar(_)
        | Part::Name(_)
        | Part::Select { .. }
        | Part::Call { .. }
        | Part::Message(_)
        | Part::Loop(_) => {}
    }
    for child in typed.children() {
        collections(child, faults);
    }
}

/// The elements that are of another type than the first.
fn others<'a>(elements: impl Iterator<Item = (&'a Typed, bool)>) -> Vec<(u64, String)> {
    let mut elements = elements.map(|(element, optional)| {
        let of = element.of.clone();
        (element.id, if optional { of.unwrapped().0 } else { of })
    });
    let Some((_, wanted)) = elements.next() else {
        return Vec::new();
    };
    elements
        .filter(|(_, of)| *of != wanted)
        .map(|(id, of)| (id, format!("expected type '{wanted}' but found '{of}'")))
        .collect()
}

/// Whether Go reads a text as a duration: signed decimal numbers, each with a unit.
fn is_duration(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    if text == "0" {
        return true;
    }
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len()
            - rest
                .trim_start_matches(|it: char| it.is_ascii_digit() || it == '.')
                .len();
        let (number, unit) = rest.split_at(digits);
        if number.matches('.').count() > 1 || !number.contains(|it: char| it.is_ascii_digit()) {
            return false;
        }
        let units = ["ns", "us", "\u{b5}s", "\u{3bc}s", "ms", "s", "m", "h"];
        let Some(after) = units.iter().find_map(|it| unit.strip_prefix(it)) else {
            return false;
        };
        rest = after;
    }
    !text.is_empty()
}

/// Whether a text is a pattern, as far as one can tell: a few forms are known to Go alone.
fn is_pattern(text: &str) -> bool {
    Regex::new(text).is_ok() || text.contains("\\Q") || text.contains("\\C")
}
