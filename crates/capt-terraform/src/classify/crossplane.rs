//! The condition messages of Crossplane's Terraform provider.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;

/// How much of an unpacked message is read: a condition comes from outside and may unpack to anything.
const MAX_DECODED: u64 = 1 << 20;

/// The whole text of the command line that a condition message carries packed.
///
/// The provider writes `... To see the full error run: echo "<base64 of gzip>" | base64 -d | gunzip`. What it
/// says before that (`cannot apply Terraform configuration`) is kept as the first line. Absent if nothing is
/// packed in the message or it cannot be unpacked.
pub fn decode_message(message: &str) -> Option<String> {
    let (before, rest) = message.split_once("echo \"")?;
    let (packed, after) = rest.split_once('"')?;
    if !after.contains("base64 -d") {
        return None;
    }
    let packed: String = packed.split_whitespace().collect();
    let bytes = STANDARD.decode(packed).ok()?;
    let mut text = Vec::new();
    // What was unpacked before an error is still worth reading: messages are cut short on their way.
    let complete = GzDecoder::new(bytes.as_slice())
        .take(MAX_DECODED)
        .read_to_end(&mut text);
    if text.is_empty() && complete.is_err() {
        return None;
    }
    let stage = before
        .split("Terraform encountered an error")
        .next()
        .unwrap_or(before)
        .trim();
    Some(format!("{stage}\n{}", String::from_utf8_lossy(&text)))
}
