//! The format of the file: a line that names it, then records.
//!
//! A record is a line of its own: `<length> <checksum> <payload>`, where the length is that of the payload in bytes, the
//! checksum the first sixteen hex digits of its SHA-256, and the payload JSON without a line break. The first record
//! is a snapshot, all others are what writes have changed. Because no payload has a line break, a tail without one is a
//! record whose writing was cut off, whatever its bytes are; and because of the checksums nothing else passes.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::world::{Delta, Dump, LoadError};

/// What the first line of every file begins with.
const MAGIC: &str = "kube-sim world, format ";

/// The format that is written, and the only one that is read.
const FORMAT: &str = "1";

/// How many digits a checksum has.
const CHECKSUM: usize = 16;

/// Why the content of a file is not a world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It begins with something else.
    #[error("it is not the file of a world")]
    NotAWorld,
    /// Another version of this program has written it.
    #[error("it has format {0}, and this program reads format {FORMAT} only: use the program that wrote it")]
    Version(String),
    /// It is not as it was written.
    #[error("record {number} (at byte {offset}) is damaged: {reason}")]
    Damaged {
        /// The record, from 0.
        number: u64,
        /// Where it begins.
        offset: u64,
        /// What is wrong with it.
        reason: String,
    },
}

/// A record before it is put into bytes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Record {
    Snapshot(Dump),
    Writes(Delta),
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Content {
    /// The world after the last complete record.
    pub(super) dump: Dump,
    /// How long the file is up to there.
    pub(super) whole: u64,
    /// How much of it is the snapshot.
    pub(super) base: u64,
    /// How many bytes follow that are no complete record.
    pub(super) torn: u64,
}

/// The beginning of a file: its first line and a snapshot.
pub(super) fn beginning(dump: Dump) -> Vec<u8> {
    let mut bytes = format!("{MAGIC}{FORMAT}\n").into_bytes();
    bytes.extend(framed(&Record::Snapshot(dump)));
    bytes
}

/// The record for what writes have changed.
pub(super) fn writes(delta: Delta) -> Vec<u8> {
    framed(&Record::Writes(delta))
}

fn framed(record: &Record) -> Vec<u8> {
    let payload = serde_json::to_string(record).expect("a world is JSON");
    let checksum = checksum(payload.as_bytes());
    format!("{} {checksum} {payload}\n", payload.len()).into_bytes()
}

fn checksum(payload: &[u8]) -> String {
    let mut text = String::new();
    for byte in &Sha256::digest(payload)[..CHECKSUM / 2] {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Reads a whole file.
pub(super) fn read(bytes: &[u8]) -> Result<Content, FormatError> {
    let line = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or(FormatError::NotAWorld)?;
    let first = std::str::from_utf8(&bytes[..line]).map_err(|_| FormatError::NotAWorld)?;
    match first.strip_prefix(MAGIC) {
        Some(FORMAT) => {}
        Some(other) => return Err(FormatError::Version(other.to_owned())),
        None => return Err(FormatError::NotAWorld),
    }
    let mut at = line + 1;
    let mut number = 0;
    let mut content: Option<Content> = None;
    loop {
        let damaged = |reason: String| FormatError::Damaged {
            number,
            offset: at as u64,
            reason,
        };
        let rest = &bytes[at..];
        if rest.is_empty() || is_torn(rest) {
            // The snapshot is written before the file has its name: without one the file is damaged, not cut off.
            let content = content.ok_or_else(|| damaged("there is no snapshot".to_owned()))?;
            return Ok(Content {
                torn: rest.len() as u64,
                ..content
            });
        }
        let (record, length) = one(rest).map_err(&damaged)?;
        let end = (at + length) as u64;
        content = Some(match (content, record) {
            (None, Record::Snapshot(dump)) => Content {
                dump,
                whole: end,
                base: end,
                torn: 0,
            },
            (Some(before), Record::Writes(delta)) => follow(before, delta, end).map_err(damaged)?,
            (None, Record::Writes(_)) => return Err(damaged("there is no snapshot before it".to_owned())),
            (Some(_), Record::Snapshot(_)) => return Err(damaged("it is a second snapshot".to_owned())),
        });
        at += length;
        number += 1;
    }
}

fn follow(mut content: Content, delta: Delta, end: u64) -> Result<Content, String> {
    let (before, after) = (content.dump.revision(), delta.revision());
    if after <= before {
        return Err(format!("it leads from revision {before} to {after}"));
    }
    content
        .dump
        .apply(delta)
        .map_err(|error: LoadError| error.to_string())?;
    content.whole = end;
    Ok(content)
}

/// Whether this is a record whose writing was cut off. A machine that crashed may leave zeros where its last
/// bytes belong; they count as not written.
fn is_torn(rest: &[u8]) -> bool {
    if rest.contains(&b'\n') {
        return false;
    }
    let Some((start, length, wanted)) = header(rest) else {
        return true;
    };
    match start.checked_add(length).and_then(|end| rest.get(start..end)) {
        // All of it is there but for the end of the line, or that is another: somebody has changed it.
        Some(payload) if rest.len() > start + length => {
            rest.last() == Some(&0) && checksum(payload).as_bytes() != wanted
        }
        Some(_) | None => true,
    }
}

/// Where the payload begins, how long it is, and its checksum.
fn header(rest: &[u8]) -> Option<(usize, usize, &[u8])> {
    let space = rest.iter().take(21).position(|byte| *byte == b' ')?;
    let length = std::str::from_utf8(&rest[..space]).ok()?.parse::<usize>().ok()?;
    let checksum = rest.get(space + 1..=space + CHECKSUM)?;
    let start = space + CHECKSUM + 2;
    (rest.get(start - 1) == Some(&b' ')).then_some((start, length, checksum))
}

/// The record at the beginning of `rest`, and how many bytes it has.
fn one(rest: &[u8]) -> Result<(Record, usize), String> {
    let (start, length, wanted) = header(rest).ok_or("it does not begin as a record does")?;
    let end = start.checked_add(length).ok_or("its length is impossible")?;
    let payload = rest.get(start..end).ok_or("it is longer than the file")?;
    if rest.get(end) != Some(&b'\n') {
        return Err("it does not end where its length says".to_owned());
    }
    if checksum(payload).as_bytes() != wanted {
        return Err("its checksum does not fit".to_owned());
    }
    let record = serde_json::from_slice(payload).map_err(|error| error.to_string())?;
    Ok((record, end + 1))
}
