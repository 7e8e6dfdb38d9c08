//! Classes by the words of a message.

use super::Classified;

/// A text in the forms that rules ask for.
pub(super) struct Text<'a> {
    pub(super) raw: &'a str,
    pub(super) lower: String,
}

impl<'a> Text<'a> {
    pub(super) fn new(raw: &'a str) -> Self {
        Self { raw, lower: raw.to_lowercase() }
    }
}

pub(super) fn by_words(text: &Text<'_>) -> Option<Classified> {
    let _ = (text.raw, &text.lower);
    None
}
