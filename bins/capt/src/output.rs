//! What is said on standard output.

use std::io::{self, IsTerminal, Write as _};
use std::os::fd::AsFd;

use anyhow::{Context, Result};

/// Writes a text, which ends a line, to standard output.
///
/// A reader that has gone (`| head`) is no error: there is nobody left to tell.
pub(crate) fn print(text: &str) -> Result<()> {
    tolerate(
        io::stdout()
            .write_all(text.as_bytes())
            .and_then(|()| io::stdout().flush()),
    )
}

/// Writes a text to standard error.
pub(crate) fn note(text: &str) -> Result<()> {
    tolerate(io::stderr().write_all(text.as_bytes()))
}

/// Whether colours may be used on a stream: on a terminal that knows them, unless `NO_COLOR` says otherwise.
pub(crate) fn is_colored(stream: &impl IsTerminal) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    stream.is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

/// How many columns the terminal at a stream has; none if it is no terminal, or does not say.
pub(crate) fn width(stream: &(impl IsTerminal + AsFd)) -> Option<usize> {
    if !stream.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(stream).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

fn tolerate(result: io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("write the output"),
    }
}

/// Holds a text against a file of this package. With `CAPT_BLESS` set, the file becomes the text.
#[cfg(test)]
pub(crate) fn golden(file: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    if std::env::var_os("CAPT_BLESS").is_some() && without_ids(text) != without_ids(&wanted) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        return;
    }
    assert!(
        without_ids(text) == without_ids(&wanted),
        "{file} differs; CAPT_BLESS=1 takes this over:\n{text}"
    );
}

/// A text without the ids that a simulated cloud makes up: what they are is its own business.
#[cfg(test)]
fn without_ids(text: &str) -> String {
    const SHORTEST: usize = 8;
    let mut masked = String::with_capacity(text.len());
    let mut word = String::new();
    for character in text.chars().chain(['\n']) {
        if character.is_ascii_alphanumeric() {
            word.push(character);
            continue;
        }
        let is_id = word.len() >= SHORTEST
            && word.contains(|it: char| it.is_ascii_digit())
            && word
                .chars()
                .all(|it| it.is_ascii_digit() || ('a'..='f').contains(&it));
        masked.push_str(if is_id { "#" } else { &word });
        masked.push(character);
        word.clear();
    }
    masked
}

/// Holds a text against a part of a page of the documentation, which stands between two comments of this name. With
/// `CAPT_BLESS` set, the part becomes the text.
#[cfg(test)]
pub(crate) fn golden_block(file: &str, name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let page = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let (before, rest) = page.split_once(&begin).expect("the page has the part");
    let (there, after) = rest.split_once(&end).expect("the part has an end");
    if without_ids(there) == without_ids(text) {
        return;
    }
    assert!(
        std::env::var_os("CAPT_BLESS").is_some(),
        "{file} shows something else as {name}; CAPT_BLESS=1 takes this over:\n{text}"
    );
    std::fs::write(&path, format!("{before}{begin}{text}{end}{after}")).unwrap();
}
