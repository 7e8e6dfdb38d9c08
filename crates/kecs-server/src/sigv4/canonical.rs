//! The canonical request: one text for all the ways in which a request may be written.
//!
//! Source: AWS IAM user guide, "Create a signed AWS API request".

use std::borrow::Cow;
use std::fmt::Write as _;

use http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::hex;

/// A request as far as signatures cover it.
#[derive(Debug, Clone, Copy)]
pub struct SignedRequest<'a> {
    /// `POST`.
    pub method: &'a str,
    /// The path as it was sent.
    pub path: &'a str,
    /// The query as it was sent, without the question mark.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The whole body.
    pub body: &'a [u8],
}

/// How a path is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathForm {
    /// Without dot segments and empty ones: all services but Amazon S3.
    Normalized,
    /// As it was sent.
    AsSent,
}

/// The parameter of a query that is not signed, being the signature.
pub(super) const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";

impl SignedRequest<'_> {
    /// The canonical request, over these headers (lower case, in the order in which the signature names them).
    pub fn canonical(&self, signed_headers: &[String], form: PathForm) -> String {
        let mut text = String::with_capacity(512);
        let _ = writeln!(text, "{}", self.method);
        let _ = writeln!(text, "{}", canonical_path(self.path, form));
        let _ = writeln!(text, "{}", canonical_query(self.query));
        for name in signed_headers {
            let _ = writeln!(text, "{name}:{}", canonical_values(self.headers, name));
        }
        let _ = write!(
            text,
            "\n{}\n{}",
            signed_headers.join(";"),
            hex(&Sha256::digest(self.body))
        );
        text
    }
}

fn canonical_path(path: &str, form: PathForm) -> String {
    let path = match form {
        PathForm::AsSent => Cow::Borrowed(path),
        PathForm::Normalized => Cow::Owned(without_dots(path)),
    };
    let path = if path.is_empty() { "/" } else { &path };
    let segments: Vec<String> = path
        .split('/')
        .map(|segment| encode(segment.as_bytes()))
        .collect();
    segments.join("/")
}

/// RFC 3986, "Remove Dot Segments", with empty segments left out besides.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    let slash = if kept.is_empty() || !path.ends_with('/') {
        ""
    } else {
        "/"
    };
    format!("/{}{slash}", kept.join("/"))
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = parameters(query)
        .filter(|(name, _)| name != SIGNATURE_PARAMETER.as_bytes())
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

/// The parameters of a query, decoded. A plus is a plus.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// All values of a header, trimmed, with runs of blanks as one.
fn canonical_values(headers: &HeaderMap, name: &str) -> String {
    let values: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|value| {
            let value = String::from_utf8_lossy(value.as_bytes());
            value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect();
    values.join(",")
}

/// All but the unreserved characters of RFC 3986 as percent and two digits.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        if let Some(byte) = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            decoded.push(byte);
            at += 3;
        } else {
            decoded.push(bytes[at]);
            at += 1;
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_what_says_nothing() {
        let normal = |path| canonical_path(path, PathForm::Normalized);
        assert_eq!(normal(""), "/");
        assert_eq!(normal("/"), "/");
        assert_eq!(normal("//a/./b/../c//"), "/a/c/");
        assert_eq!(normal("/../.."), "/");
        assert_eq!(normal("/a%20b"), "/a%2520b");
        assert_eq!(canonical_path("//a/./b", PathForm::AsSent), "//a/./b");
    }

    #[test]
    fn parameters_are_decoded_sorted_and_encoded_again() {
        assert_eq!(canonical_query("b=2&a=%7e&a=1&&c"), "a=1&a=~&b=2&c=");
        assert_eq!(canonical_query("a=1+2&b=%zz&c=%4"), "a=1%2B2&b=%25zz&c=%254");
        assert_eq!(canonical_query("X-Amz-Signature=1&X-Amz-Date=2"), "X-Amz-Date=2");
    }
}
