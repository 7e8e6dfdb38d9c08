//! What is said on standard output.

use std::io::{self, Write as _};

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
    if std::env::var_os("CAPT_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        text == wanted,
        "{file} differs; CAPT_BLESS=1 takes this over:\n{text}"
    );
}
