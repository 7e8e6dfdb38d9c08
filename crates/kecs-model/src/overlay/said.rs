//! What the overlay lets anybody say, known when the program is compiled: [`refuse!`](crate::refuse).

#![allow(
    long_running_const_eval,
    reason = "the overlay is long, and is looked through when this is compiled"
)]

use super::Row;
use crate::error::{ErrorCode, Refusal};

const TEXT: &[u8] = include_bytes!("../../model/overlay.json");

/// How a line of the overlay ends: `"code": "...", "message": "..."}`.
const CODE: &[u8] = b"\"code\": \"";
const MESSAGE: &[u8] = b"\", \"message\": \"";

/// Where the code of each line begins, and where its message does.
const PLACES: &[(usize, usize)] = &places();

/// Where `part` begins next, if it does before the end.
const fn find(part: &[u8], mut from: usize) -> Option<usize> {
    while from + part.len() <= TEXT.len() {
        let mut at = 0;
        while at < part.len() && TEXT[from + at] == part[at] {
            at += 1;
        }
        if at == part.len() {
            return Some(from);
        }
        from += 1;
    }
    None
}

const fn count() -> usize {
    let (mut count, mut from) = (0, 0);
    while let Some(at) = find(CODE, from) {
        count += 1;
        from = at + CODE.len();
    }
    count
}

const fn places() -> [(usize, usize); count()] {
    let mut places = [(0, 0); count()];
    let (mut nth, mut from) = (0, 0);
    while let Some(at) = find(CODE, from) {
        let code = at + CODE.len();
        let Some(message) = find(MESSAGE, code) else {
            break;
        };
        places[nth] = (code, message + MESSAGE.len());
        nth += 1;
        from = message;
    }
    places
}

/// Whether a row has this code and this message, which is written as for `format!`: braces of its own are doubled.
#[doc(hidden)]
pub const fn is_said(code: ErrorCode, message: &str) -> bool {
    let (code, message) = (code.name().as_bytes(), message.as_bytes());
    let mut nth = 0;
    while nth < PLACES.len() {
        let (of_code, of_message) = PLACES[nth];
        if is_text(of_message, message, true) && is_text(of_code, code, false) {
            return true;
        }
        nth += 1;
    }
    false
}

/// Whether this stands here, up to the quotation mark behind it.
const fn is_text(mut at: usize, text: &[u8], braces: bool) -> bool {
    let mut nth = 0;
    while nth < text.len() {
        // What JSON escapes here is itself behind the backslash: quotation marks and backslashes.
        if TEXT[at] == b'\\' {
            at += 1;
        } else if TEXT[at] == b'"' {
            return false;
        }
        if TEXT[at] != text[nth] {
            return false;
        }
        let brace = text[nth] == b'{' || text[nth] == b'}';
        if braces && brace && nth + 1 < text.len() && text[nth + 1] == text[nth] {
            nth += 1;
        }
        nth += 1;
        at += 1;
    }
    TEXT[at] == b'"'
}

/// A refusal in the words of the overlay. The message is that of a row, word for word, or this does not compile; what
/// stands in braces there is a variable of this name, or is given behind the message.
///
/// ```
/// let name = "data";
/// let refusal = kecs_model::refuse!(ClientException, "Unknown volume '{name}'.");
/// assert_eq!(refusal.message, "Unknown volume 'data'.");
/// assert_eq!(refusal, kecs_model::refuse!(ClientException, "Unknown volume '{name}'.", name = "data"));
/// ```
///
/// ```compile_fail
/// kecs_model::refuse!(ClientException, "These are the words of nobody.");
/// ```
#[macro_export]
macro_rules! refuse {
    ($code:ident, concat!($($part:literal),+ $(,)?) $(, $name:ident = $value:expr)* $(,)?) => {{
        const _: () = assert!(
            $crate::is_said($crate::ErrorCode::$code, concat!($($part),+)),
            "no row of the overlay has this code and this message"
        );
        $crate::Refusal::said($crate::ErrorCode::$code, ::std::format!(concat!($($part),+) $(, $name = $value)*))
    }};
    ($code:ident, $message:literal $(, $name:ident = $value:expr)* $(,)?) => {{
        const _: () = assert!(
            $crate::is_said($crate::ErrorCode::$code, $message),
            "no row of the overlay has this code and this message"
        );
        $crate::Refusal::said($crate::ErrorCode::$code, ::std::format!($message $(, $name = $value)*))
    }};
}

impl Row {
    /// Whether a refusal is in the words of this row, whatever stands in its braces.
    pub fn says(&self, refusal: &Refusal) -> bool {
        self.code == refusal.code && is_filled(&self.message, &refusal.message)
    }
}

/// Whether `text` is `template` with something in the place of each name in braces.
fn is_filled(template: &str, text: &str) -> bool {
    let Some((before, rest)) = template.split_once('{') else {
        return template == text;
    };
    let Some(text) = text.strip_prefix(before) else {
        return false;
    };
    let name =
        |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let Some((_, rest)) = rest.split_once('}').filter(|(it, _)| name(it)) else {
        return text.strip_prefix('{').is_some_and(|text| is_filled(rest, text));
    };
    (0..=text.len())
        .filter(|at| text.is_char_boundary(*at))
        .any(|at| is_filled(rest, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::super::overlay;
    use super::*;

    #[test]
    fn every_row_is_said() {
        for row in overlay() {
            let escaped = row.message.replace("{1,255}", "{{1,255}}");
            assert!(is_said(row.code, &escaped), "{row:?}");
            assert!(!is_said(ErrorCode::BlockedException, &escaped), "{row:?}");
            assert!(!is_said(row.code, &format!("{escaped}.")), "{row:?}");
            assert!(!is_said(row.code, &escaped[1..]), "{row:?}");
        }
        assert_eq!(
            PLACES.len(),
            include_str!("../../model/overlay.json")
                .matches("\"message\"")
                .count()
        );
        assert!(!is_said(ErrorCode::ClientException, ""));
    }

    #[test]
    fn a_row_says_what_fills_its_braces_and_nothing_else() {
        let fits = |template, text| is_filled(template, text);
        assert!(fits("none", "none"));
        assert!(!fits("none", "none."));
        assert!(fits("a '{name}' and '{name}'.", "a 'b' and 'c'."));
        assert!(fits("a '{name}'", "a ''"));
        assert!(!fits("a '{name}'.", "a 'b'"));
        assert!(!fits("a '{name}'", "the 'b'"));
        assert!(fits("{value} is no {kind}", "ä is no ö"));
        assert!(fits("^[a]{1,255}$, but was {value}", "^[a]{1,255}$, but was b"));
        assert!(!fits("^[a]{1,255}$", "^[a]{1,256}$"));
    }
}
