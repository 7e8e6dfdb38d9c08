//! File lengths, markers that were left behind, machine paths, and allowances without a reason.

use super::{Findings, has_extension};

/// Lines from which a file should be split by what it is about.
const LONG: usize = 400;
/// Lines from which it must be.
const TOO_LONG: usize = 500;

/// Marks of unfinished work. Put together here, so that this file does not find itself.
const MARKERS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X:")];

/// Paths that exist on one machine only.
const MACHINE_PATHS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/tmp/", "brief"),
    concat!("shared/", "facts"),
    concat!("shared/", "seeds"),
    concat!("shared/", "design"),
];

pub(crate) fn check(path: &str, text: &str, findings: &mut Findings) {
    if is_written_by_hand(path) {
        for (number, line) in text.lines().enumerate() {
            let number = number + 1;
            for marker in MARKERS {
                if contains_word(line, marker) {
                    findings.error(format!("{path}:{number}: {marker}"));
                }
            }
            for machine in MACHINE_PATHS {
                if line.contains(machine) {
                    findings.error(format!("{path}:{number}: the path {machine} is of one machine"));
                }
            }
        }
    }
    if has_extension(path, "rs") {
        check_length(path, text, findings);
        check_allowances(path, text, findings);
    }
}

/// Licences, lock files and recorded data say what they say.
fn is_written_by_hand(path: &str) -> bool {
    let recorded = path.contains("/data/") || path.contains("/snapshots/") || path.contains("/transcripts/");
    !recorded && !matches!(path, "Cargo.lock" | "LICENSE")
}

fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        let part_of_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        !part_of_word(before) && !part_of_word(after)
    })
}

fn check_length(path: &str, text: &str, findings: &mut Findings) {
    let is_test = path.contains("/tests/") || path.starts_with("tests/") || path.ends_with("tests.rs");
    if is_test {
        return;
    }
    // The tests at the end of a file are no part of what has to be read to use it.
    let lines = text
        .lines()
        .position(|line| line.trim() == "#[cfg(test)]" && text_after_is_module(text, line))
        .unwrap_or_else(|| text.lines().count());
    if lines > TOO_LONG {
        findings.error(format!("{path}: {lines} lines, {TOO_LONG} are allowed"));
    } else if lines > LONG {
        findings.warning(format!("{path}: {lines} lines; split it by what it is about"));
    }
}

/// Whether the marked item is a module with a body, and not `mod tests;`.
fn text_after_is_module(text: &str, marker: &str) -> bool {
    let mut lines = text.lines().skip_while(|line| *line != marker).skip(1);
    lines
        .next()
        .is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
}

/// `allow` and `expect` say why.
fn check_allowances(path: &str, text: &str, findings: &mut Findings) {
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let opens = ["#[allow(", "#![allow(", "#[expect(", "#![expect("]
            .iter()
            .any(|opening| line.trim_start().starts_with(opening));
        if !opens {
            continue;
        }
        let attribute: Vec<&str> = lines[index..]
            .iter()
            .scan(false, |ended, line| {
                if *ended {
                    return None;
                }
                *ended = line.trim_end().ends_with(")]");
                Some(*line)
            })
            .collect();
        if !attribute.join(" ").contains("reason =") {
            findings.error(format!("{path}:{}: an allowance without a reason", index + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(path: &str, text: &str) -> Vec<String> {
        let mut findings = Findings::default();
        check(path, text, &mut findings);
        findings.errors
    }

    #[test]
    fn markers_are_words() {
        let marker = MARKERS[0];
        assert_eq!(
            errors("a.rs", &format!("// {marker}: later")),
            [format!("a.rs:1: {marker}")]
        );
        assert!(errors("a.rs", &format!("let {marker}_LIST = 1;")).is_empty());
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        let text = format!("see {}main", MACHINE_PATHS[0]);
        assert_eq!(errors("README.md", &text).len(), 1);
        assert!(errors("tests/data/log.txt", &text).is_empty());
    }

    #[test]
    fn allowances_need_a_reason() {
        let bare = "#[allow(dead_code)]\nfn f() {}\n";
        assert_eq!(errors("a.rs", bare), ["a.rs:1: an allowance without a reason"]);
        let split = "#[allow(\n    dead_code,\n    reason = \"because\"\n)]\nfn f() {}\n";
        assert!(errors("a.rs", split).is_empty());
    }

    #[test]
    fn long_files_fail_and_tests_at_their_end_do_not_count() {
        let long = "//\n".repeat(TOO_LONG + 1);
        assert_eq!(errors("a.rs", &long).len(), 1);
        assert!(errors("tests/a.rs", &long).is_empty());
        let tests = format!("//\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
        assert!(errors("a.rs", &tests).is_empty());
    }
}
