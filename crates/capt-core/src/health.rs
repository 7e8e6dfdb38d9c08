//! How something is: checks as data, judged with patience, summed up for people and programs.
//!
//! An adapter says what it found ([`Finding`]) for each [`CheckKind`]; a [`Checkup`] keeps the judgements from look
//! to look. A check turns only after as many findings in a row as its thresholds say, and its record is at rest
//! once it has turned: looking at something that stays as it is changes nothing and writes nothing.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fault::{Fault, FaultClass};
use crate::recovery::{ActionKind, Rules};

mod availability;
mod facts;
#[cfg(test)]
mod tests;

pub use availability::{Availability, Share};
pub use facts::{Api, Facts, Found, Look, examine};

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum CheckKind {
    /// What it depends on is ready.
    Dependencies,
    /// The workspace is applied for the present input.
    WorkspaceSynced,
    /// The workspace was compared with the world when its schedule said so.
    SyncAge,
    /// There is an endpoint, and it is valid.
    Endpoint,
    /// The API server answers.
    ApiServer,
    /// The kubeconfig is there and is the present one.
    Kubeconfig,
    /// The certificate authority and the client certificate hold for a while yet.
    CertificateExpiry,
    /// The token in the kubeconfig holds for a while yet.
    TokenExpiry,
    /// The world is as the last apply left it.
    Drift,
}

/// How bad it is that a check fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Severity {
    /// Worth a look; nothing is impaired.
    Warning,
    /// Impaired: ready no longer, available still.
    Error,
    /// Nobody can use it.
    Critical,
}

impl Severity {
    /// The name as people see it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "Warning",
            Self::Error => "Error",
            Self::Critical => "Critical",
        }
    }
}

/// How a check is judged and what is done when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// How bad its failure is.
    pub severity: Severity,
    /// Findings in a row that make it fail.
    pub failure_threshold: u32,
    /// Findings in a row that make it pass again.
    pub success_threshold: u32,
    /// What may mend it; `None` where only a person can, or where it mends itself.
    pub recovery: Option<ActionKind>,
}

impl CheckKind {
    /// Every kind, in order of declaration.
    pub const ALL: &'static [Self] = &[
        Self::Dependencies,
        Self::WorkspaceSynced,
        Self::SyncAge,
        Self::Endpoint,
        Self::ApiServer,
        Self::Kubeconfig,
        Self::CertificateExpiry,
        Self::TokenExpiry,
        Self::Drift,
    ];

    /// The fault that its failure is.
    pub fn fault(self, message: impl Into<String>) -> Fault {
        let class = match self {
            Self::Dependencies => FaultClass::Dependency,
            Self::ApiServer => FaultClass::Transient,
            Self::CertificateExpiry | Self::TokenExpiry => FaultClass::Credentials,
            Self::WorkspaceSynced | Self::SyncAge | Self::Endpoint | Self::Kubeconfig | Self::Drift => {
                FaultClass::Unknown
            }
        };
        Fault::of_check(class, self.name(), message)
    }

    /// The name as people see it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dependencies => "Dependencies",
            Self::WorkspaceSynced => "WorkspaceSynced",
            Self::SyncAge => "SyncAge",
            Self::Endpoint => "Endpoint",
            Self::ApiServer => "ApiServer",
            Self::Kubeconfig => "Kubeconfig",
            Self::CertificateExpiry => "CertificateExpiry",
            Self::TokenExpiry => "TokenExpiry",
            Self::Drift => "Drift",
        }
    }

    /// How it is judged. What is read from an object is certain at once; what is asked over a network may fail
    /// twice by chance.
    pub const fn check(self) -> Check {
        use Severity::{Critical, Error, Warning};
        let (severity, failure_threshold, success_threshold, recovery) = match self {
            Self::Dependencies => (Error, 3, 1, Some(ActionKind::RepairDependency)),
            Self::SyncAge => (Warning, 1, 1, Some(ActionKind::Refresh)),
            Self::Endpoint => (Critical, 1, 1, None),
            Self::ApiServer => (Critical, 3, 2, None),
            Self::CertificateExpiry => (Warning, 1, 1, Some(ActionKind::RetryApply)),
            Self::WorkspaceSynced | Self::Kubeconfig | Self::TokenExpiry => {
                (Error, 1, 1, Some(ActionKind::RetryApply))
            }
            Self::Drift => (Warning, 1, 1, None),
        };
        Check {
            severity,
            failure_threshold,
            success_threshold,
            recovery,
        }
    }
}

impl fmt::Display for CheckKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// In order.
    Passing,
    /// Not in order, and what it is, in words for a person that do not change from look to look.
    Failing(String),
    /// Nobody could tell. Changes no judgement.
    Unknown,
}

/// The judgement of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Verdict {
    /// Not looked at yet.
    #[default]
    Unknown,
    /// In order.
    Passing,
    /// Not in order.
    Failing,
}

/// What is kept of one check between two looks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Judgement {
    /// How it was judged last.
    pub verdict: Verdict,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Findings in a row against the verdict. At rest it is zero.
    pub against: u32,
    /// What was found last, if that was not in order.
    pub message: String,
}

impl Judgement {
    fn take(&mut self, check: Check, finding: Finding, now: Timestamp) {
        let (found, message, threshold) = match finding {
            Finding::Passing => (Verdict::Passing, String::new(), check.success_threshold),
            Finding::Failing(message) => (Verdict::Failing, message, check.failure_threshold),
            Finding::Unknown => return,
        };
        if found == self.verdict {
            self.against = 0;
            self.message = message;
            return;
        }
        self.against = self.against.saturating_add(1);
        if !message.is_empty() {
            self.message = message;
        }
        // The first finding that is in order is believed: nothing was known that it would speak against.
        if self.against >= threshold || self.verdict == Verdict::Unknown && found == Verdict::Passing {
            if found == Verdict::Passing {
                self.message.clear();
            }
            self.verdict = found;
            self.since = Some(now);
            self.against = 0;
        }
    }
}

/// All judgements of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Checkup {
    /// By check.
    pub judgements: BTreeMap<CheckKind, Judgement>,
    /// When the last look was taken that changed anything here. The same look counts once.
    pub looked: Option<Timestamp>,
}

/// What the judgements come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Whether it can be used; `None` as long as nobody has looked at what that depends on.
    pub available: Option<bool>,
    /// Whether nothing that fails is worse than a warning.
    pub ready: bool,
    /// The checks that fail, the worst first.
    pub failing: Vec<CheckKind>,
}

impl Summary {
    /// Whether it works in part only.
    pub fn is_degraded(&self) -> bool {
        !self.ready
    }

    /// The worst failure that one of these actions may mend.
    pub fn mendable(&self, able: &[ActionKind]) -> Option<CheckKind> {
        let can = |kind: &CheckKind| kind.check().recovery.is_some_and(|action| able.contains(&action));
        self.failing.iter().copied().find(can)
    }
}

impl Checkup {
    /// Takes in what a look at `at` found, as patiently as `rules` ask for. A check that is not among it is not looked
    /// at any more.
    pub fn take(&mut self, findings: BTreeMap<CheckKind, Finding>, rules: &Rules, at: Timestamp) {
        // As it will be read again.
        let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
        if self.looked == Some(at) {
            return;
        }
        let before = self.judgements.clone();
        self.judgements.retain(|kind, _| findings.contains_key(kind));
        for (kind, finding) in findings {
            let own = kind.check();
            let check = Check {
                failure_threshold: rules.failure_threshold.unwrap_or(own.failure_threshold),
                success_threshold: own.success_threshold.max(rules.retry.success_threshold),
                ..own
            };
            let judgement = self.judgements.entry(kind).or_default();
            judgement.take(check, finding, at);
        }
        if self.judgements != before {
            self.looked = Some(at);
        }
    }

    /// The failure of a check as a fault.
    pub fn fault(&self, kind: CheckKind) -> Fault {
        let judgement = self.judgements.get(&kind);
        kind.fault(judgement.map_or("", |judgement| &judgement.message))
    }

    /// What it all comes to.
    pub fn summary(&self) -> Summary {
        let of = |wanted: Verdict| {
            let judged = self.judgements.iter();
            judged
                .filter(move |(_, judgement)| judgement.verdict == wanted)
                .map(|(kind, _)| *kind)
        };
        let mut failing: Vec<CheckKind> = of(Verdict::Failing).collect();
        failing.sort_by_key(|kind| (std::cmp::Reverse(kind.check().severity), *kind));
        let worst = failing.first().map(|kind| kind.check().severity);
        let seen = of(Verdict::Passing).any(|kind| kind.check().severity == Severity::Critical);
        Summary {
            available: match worst {
                Some(Severity::Critical) => Some(false),
                Some(Severity::Error | Severity::Warning) | None => seen.then_some(true),
            },
            ready: worst.is_none_or(|worst| worst < Severity::Error),
            failing,
        }
    }
}
