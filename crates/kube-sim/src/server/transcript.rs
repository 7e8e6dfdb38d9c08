//! What was asked of the server: a transcript to compare runs by, and counts.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest as _, Sha256};

use super::hooks::Call;

/// One request and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The server's time when the request reached the world.
    pub at: jiff::Timestamp,
    /// The request.
    pub call: Call,
    /// First eight bytes of the SHA-256 of the body, in hex; empty without a body.
    pub body: String,
    /// HTTP status code of the answer.
    pub code: u16,
    /// The world's resourceVersion after the request.
    pub revision: u64,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Call {
            method,
            path,
            query,
            user_agent,
            ..
        } = &self.call;
        let mark = if query.is_empty() { "" } else { "?" };
        let body = if self.body.is_empty() { "-" } else { &self.body };
        write!(
            f,
            "{} {method} {path}{mark}{query} {body} [{user_agent}] -> {} @{}",
            self.at, self.code, self.revision
        )
    }
}

/// The fingerprint of a body.
pub(super) fn fingerprint(body: &[u8]) -> String {
    if body.is_empty() {
        return String::new();
    }
    let mut head = [0; 8];
    head.copy_from_slice(&Sha256::digest(body)[..8]);
    format!("{:016x}", u64::from_be_bytes(head))
}

/// How many requests there were.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    counts: BTreeMap<(String, &'static str), u64>,
    requests: u64,
    /// Writes that changed the world (dry runs, failures and writes of what was there already do not).
    pub changes: u64,
    /// Requests that found the server down; they are counted nowhere else and stand in no transcript.
    pub refused: u64,
    /// Events that watches have delivered, the ones that they began with included.
    pub events: u64,
}

impl Counters {
    /// The number of the next request.
    pub(super) fn next_number(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    pub(super) fn count(&mut self, call: &Call) {
        if !call.verb.is_empty() {
            *self.counts.entry((call.resource.clone(), call.verb)).or_default() += 1;
        }
    }

    /// Requests by resource (`plural.group`) and verb.
    pub fn by_resource(&self) -> &BTreeMap<(String, &'static str), u64> {
        &self.counts
    }

    /// Requests with this verb for this resource (`plural.group`).
    pub fn of(&self, resource: &str, verb: &str) -> u64 {
        self.counts
            .iter()
            .filter(|((r, v), _)| r == resource && *v == verb)
            .map(|(_, n)| n)
            .sum()
    }

    /// Gets and lists.
    pub fn reads(&self) -> u64 {
        self.sum(&["get", "list"])
    }

    /// Watches that were opened.
    pub fn watches(&self) -> u64 {
        self.sum(&["watch"])
    }

    /// Creates, updates, patches and deletes, whether they succeeded or not.
    pub fn writes(&self) -> u64 {
        self.sum(&["create", "update", "patch", "delete", "deletecollection"])
    }

    fn sum(&self, verbs: &[&str]) -> u64 {
        self.counts
            .iter()
            .filter(|((_, verb), _)| verbs.contains(verb))
            .map(|(_, n)| n)
            .sum()
    }
}
