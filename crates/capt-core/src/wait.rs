//! Why nothing happens, as a value; and what people are told when something does.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One reason for not acting.
///
/// Shown in status, so that an object that stands still says what it stands still for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Wait {
    /// What is waited for, as `Kind/name` or a short noun phrase.
    pub on: String,
    /// A `CamelCase` word for programs (`SecretMissing`).
    pub reason: String,
    /// The sentence for a person.
    pub message: String,
    /// Since when, where it is known.
    pub since: Option<Timestamp>,
}

impl Wait {
    /// A wait for `on`.
    pub fn new(on: impl Into<String>, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            on: on.into(),
            reason: reason.into(),
            message: message.into(),
            since: None,
        }
    }
}

/// How loud a [`Notice`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// As expected.
    Normal,
    /// Somebody may have to look.
    Warning,
}

/// Something that happened and that people are told once, as a Kubernetes Event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Notice {
    /// How loud.
    pub severity: Severity,
    /// A `CamelCase` word for programs.
    pub reason: String,
    /// The sentence for a person.
    pub message: String,
}

impl Notice {
    /// A notice that all is as expected.
    pub fn normal(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Normal,
            reason: reason.into(),
            message: message.into(),
        }
    }

    /// A notice that somebody may have to act.
    pub fn warning(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            reason: reason.into(),
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_kept() {
        let wait = Wait::new("Secret/a", "SecretMissing", "it is not there");
        assert_eq!(
            (&*wait.on, &*wait.reason, &*wait.message, wait.since),
            ("Secret/a", "SecretMissing", "it is not there", None)
        );
        let said = |notice: Notice| (notice.severity, notice.reason, notice.message);
        assert_eq!(
            said(Notice::normal("Ready", "it is ready")),
            (Severity::Normal, "Ready".to_owned(), "it is ready".to_owned())
        );
        assert_eq!(
            said(Notice::warning("Failed", "it has failed")),
            (Severity::Warning, "Failed".to_owned(), "it has failed".to_owned())
        );
    }
}
