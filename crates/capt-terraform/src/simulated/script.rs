//! What a test wants to go wrong, to take long, or to come out.

use std::collections::BTreeMap;
use std::time::Duration;

use capt_core::fault::Fault;
use serde_json::Value;

use crate::engine::Step;
use crate::stream::{Diagnostic, Severity};

/// A failure as it is written into a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scripted {
    /// A fault, given back as it is.
    Fault(Fault),
    /// The text of an error, `summary: detail`, which is classified like one of Terraform.
    Text(String),
}

impl From<Fault> for Scripted {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<&str> for Scripted {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Scripted {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Scripted {
    /// The fault that it stands for, on `subject` if it names none itself.
    pub(super) fn fault(self, subject: &str) -> Fault {
        match self {
            Self::Fault(fault) if fault.subject.is_empty() => fault.on(subject),
            Self::Fault(fault) => fault,
            Self::Text(text) => {
                let (summary, detail) = text.split_once(": ").unwrap_or((&text, ""));
                let diagnostic = Diagnostic {
                    severity: Severity::Error,
                    summary: summary.to_owned(),
                    detail: detail.to_owned(),
                    address: (!subject.is_empty()).then(|| subject.to_owned()),
                    range: None,
                    block: None,
                };
                crate::diagnostics::fault(&diagnostic, None)
            }
        }
    }
}

/// One planned failure.
#[derive(Debug, Clone)]
struct Failing {
    scripted: Scripted,
    left: u32,
}

/// All that is planned, by workspace label or resource address.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    failing: BTreeMap<(String, Step), Failing>,
    delays: BTreeMap<String, Duration>,
    outputs: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Script {
    /// The same, but nothing fails.
    pub(super) fn without_failures(&self) -> Self {
        Self {
            failing: BTreeMap::new(),
            ..self.clone()
        }
    }

    pub(super) fn fail(&mut self, target: &str, step: Step, scripted: Scripted, times: u32) {
        self.failing.insert(
            (target.to_owned(), step),
            Failing {
                scripted,
                left: times,
            },
        );
    }

    pub(super) fn delay(&mut self, address: &str, delay: Duration) {
        self.delays.insert(address.to_owned(), delay);
    }

    pub(super) fn outputs(&mut self, label: &str, outputs: BTreeMap<String, Value>) {
        self.outputs.insert(label.to_owned(), outputs);
    }

    /// The failure that is due for any of these targets, which uses it up once.
    pub(super) fn take_failure(&mut self, targets: &[&str], step: Step) -> Option<Scripted> {
        for target in targets {
            let key = ((*target).to_owned(), step);
            if let Some(failing) = self.failing.get_mut(&key).filter(|failing| failing.left > 0) {
                failing.left -= 1;
                return Some(failing.scripted.clone());
            }
        }
        None
    }

    pub(super) fn delay_of(&self, targets: &[&str]) -> Option<Duration> {
        targets
            .iter()
            .find_map(|target| self.delays.get(*target).copied())
    }

    pub(super) fn outputs_of(&self, label: &str) -> Option<&BTreeMap<String, Value>> {
        self.outputs.get(label)
    }
}
