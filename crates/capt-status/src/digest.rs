//! Digests of inputs.

use std::fmt::Write as _;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The digest of a JSON value: the first 16 bytes of the SHA-256 of its canonical text, in hex.
///
/// `serde_json` keeps maps sorted, so equal values have equal text. Sixteen bytes are far more than chance
/// needs and stay readable in a status.
pub fn digest(value: &Value) -> String {
    digest_bytes(value.to_string().as_bytes())
}

/// [`digest`] of plain bytes.
pub fn digest_bytes(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .take(16)
        .fold(String::with_capacity(32), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_keys_does_not_matter_and_values_do() {
        assert_eq!(digest(&json!({"a": 1, "b": 2})), digest(&json!({"b": 2, "a": 1})));
        assert_ne!(digest(&json!({"a": 1})), digest(&json!({"a": "1"})));
        assert_eq!(digest_bytes(b"").len(), 32);
    }
}
