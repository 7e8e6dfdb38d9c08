//! Errors in a plain text, as commands and versions without `-json` print them.

use crate::block;
use crate::diagnostics::{self, bound};
use crate::stream::{Diagnostic, Position, Range, Severity};

/// How many errors of a text are looked at.
const MAX_ERRORS: usize = 64;

/// The errors in a plain text: summary, resource, place and detail of each. What is quoted of the configuration, and
/// the values that are shown with it, go.
pub(super) fn errors(text: &str) -> Vec<Diagnostic> {
    let lines: Vec<&str> = text.lines().map(unframed).collect();
    let begins = |line: &&str| line.starts_with("Error: ");
    let starts: Vec<usize> = (0..lines.len())
        .filter(|at| lines.get(*at).is_some_and(begins))
        .take(MAX_ERRORS)
        .collect();
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    let of = |(start, end): (&usize, usize)| error(lines.get(*start..end).unwrap_or_default());
    starts.iter().zip(ends).filter_map(of).collect()
}

/// A line without the frame that Terraform draws around an error.
fn unframed(line: &str) -> &str {
    let line = line.trim_end();
    match line.strip_prefix(['│', '╷', '╵', '|']) {
        Some(inner) => inner.strip_prefix(' ').unwrap_or(inner),
        None => line,
    }
}

/// One error: its summary up to the first empty line, where it happened, and the rest.
fn error(lines: &[&str]) -> Option<Diagnostic> {
    let mut lines = lines.iter().copied();
    let first = lines.next()?.strip_prefix("Error: ")?;
    let mut summary = first.to_owned();
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
        summary.push(' ');
        summary.push_str(line.trim());
    }
    let mut diagnostic = Diagnostic {
        severity: Severity::Error,
        summary,
        detail: String::new(),
        address: None,
        range: None,
        block: None,
    };
    let mut lines = lines.skip_while(|line| line.is_empty()).peekable();
    let is_place = |line: &str| line.starts_with("  with ") || line.starts_with("  on ");
    if lines.peek().is_some_and(|line| is_place(line)) {
        // The lines that are quoted and the values in them end with the paragraph.
        for line in lines.by_ref().take_while(|line| !line.is_empty()) {
            place(&mut diagnostic, line.trim_start());
        }
    }
    let mut detail = lines.map(str::trim).collect::<Vec<_>>().join("\n");
    bound(&mut detail, diagnostics::MAX_MESSAGE);
    detail.trim().clone_into(&mut diagnostic.detail);
    Some(diagnostic)
}

/// Reads `with ADDRESS,` and `on FILE line N, in CONTEXT:`.
fn place(diagnostic: &mut Diagnostic, line: &str) {
    if let Some(address) = line.strip_prefix("with ").and_then(|rest| rest.strip_suffix(',')) {
        diagnostic.address = Some(address.to_owned());
        return;
    }
    let said = || {
        let rest = line.strip_prefix("on ")?.strip_suffix(':')?;
        let (filename, rest) = rest.split_once(" line ")?;
        let (number, context) = rest.split_once(", in ").unwrap_or((rest, ""));
        Some((filename, number.parse::<u64>().ok()?, context))
    };
    if let Some((filename, line, context)) = said() {
        let start = Position { line, column: 0 };
        let filename = filename.to_owned();
        diagnostic.range = Some(Box::new(Range { filename, start }));
        diagnostic.block = block::of_context(context);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Terraform 1.11.4 prints them, without a frame and within one.
    const PLAIN: &str = "Initializing the backend...\n\
        \n\
        Error: Terraform encountered problems during initialisation, including problems\n\
        with the configuration, described below.\n\
        \n\
        The Terraform configuration must be valid before initialization so that\n\
        Terraform can determine which modules and providers need to be installed.\n\
        \n\
        \n\
        Error: Invalid default value for variable\n\
        \n\
        \x20 on main.tf line 3, in variable \"nodes\":\n\
        \x20  3:   default = \"three\"\n\
        \n\
        This default value is not compatible with the variable's type constraint: a\n\
        number is required.\n\
        \n\
        Error: Invalid function argument\n\
        \n\
        \x20 with aws_vpc.main[0],\n\
        \x20 on network/main.tf line 6, in resource \"aws_vpc\" \"main\":\n\
        \x20  6:   input = tonumber(var.token)\n\
        \x20   ├────────────────\n\
        \x20   │ while calling tonumber(v)\n\
        \x20   │ var.token is \"s3cr3t\"\n\
        \n\
        Invalid value for \"v\" parameter.\n\
        \n\
        It must be a number.\n";

    fn framed() -> String {
        let lines: Vec<String> = PLAIN.lines().map(|line| format!("│ {line}")).collect();
        format!("╷\n{}\n╵\n", lines.join("\n"))
    }

    #[test]
    fn each_error_of_a_text_is_read_and_what_it_quotes_is_not() {
        for text in [PLAIN.to_owned(), framed()] {
            let found = errors(&text);
            let said: Vec<_> = found
                .iter()
                .map(|it| {
                    let range = it.range.as_ref();
                    let place = range.map(|range| format!("{}:{}", range.filename, range.start.line));
                    (
                        it.summary.as_str(),
                        it.detail.as_str(),
                        it.address.as_deref(),
                        it.block.as_deref(),
                        place,
                    )
                })
                .collect();
            assert_eq!(
                said[1..],
                [
                    (
                        "Invalid default value for variable",
                        "This default value is not compatible with the variable's type constraint: a\n\
                         number is required.",
                        None,
                        Some("var.nodes"),
                        Some("main.tf:3".to_owned()),
                    ),
                    (
                        "Invalid function argument",
                        "Invalid value for \"v\" parameter.\n\nIt must be a number.",
                        Some("aws_vpc.main[0]"),
                        Some("aws_vpc.main"),
                        Some("network/main.tf:6".to_owned()),
                    ),
                ]
            );
            let first = "Terraform encountered problems during initialisation, including problems with the \
                         configuration, described below.";
            assert_eq!((said[0].0, said[0].4.as_ref()), (first, None));
        }
    }

    #[test]
    fn a_text_without_an_error_has_none_and_a_bare_one_is_one() {
        assert!(errors("all is well\n").is_empty());
        let found = errors("Error: no more memory");
        assert_eq!((found.len(), found[0].summary.as_str()), (1, "no more memory"));
        assert_eq!(found[0].detail, "");
    }
}
