//! From what an adapter knows to findings.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::advance::after;

use super::{CheckKind, Finding};

/// How long before its end a certificate is worth a warning.
const CERTIFICATE_NOTICE: Duration = Duration::from_hours(30 * 24);

/// How long before its end a token must have been renewed.
const TOKEN_NOTICE: Duration = Duration::from_mins(5);

/// One look at how an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// When it was taken.
    pub at: Timestamp,
    /// What was seen.
    pub facts: Facts,
}

/// What is known about one object. What nobody asked about is `None`, and is not checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// What it depends on and is not ready.
    pub broken_dependencies: Option<Vec<String>>,
    /// Whether the workspace is applied for the present input.
    pub synced: Option<bool>,
    /// When the workspace was last compared with the world, and how often its schedule wants that.
    pub sync: Option<(Timestamp, Duration)>,
    /// The endpoint.
    pub endpoint: Option<Found>,
    /// Whether the API server answered.
    pub api: Option<Api>,
    /// The kubeconfig secret.
    pub kubeconfig: Option<Found>,
    /// When the first certificate expires.
    pub certificate_expires: Option<Timestamp>,
    /// When the token expires.
    pub token_expires: Option<Timestamp>,
    /// How many resources the last look found changed.
    pub drifted: Option<u32>,
}

/// Whether something is there as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// As it should be.
    Good,
    /// Not there.
    Missing,
    /// There, and wrong in this way.
    Wrong(String),
}

/// What came of asking an API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Api {
    /// It answered, whatever the answer was.
    Answered,
    /// It did not, and this is why.
    Silent(String),
    /// It could not be asked: there is no way from here.
    NotAsked,
}

/// A finding for each check that can be made.
pub fn examine(facts: &Facts, now: Timestamp) -> BTreeMap<CheckKind, Finding> {
    let checks = [
        (
            CheckKind::Dependencies,
            facts.broken_dependencies.as_deref().map(dependencies),
        ),
        (
            CheckKind::WorkspaceSynced,
            facts.synced.map(|synced| {
                unless(synced, || {
                    "the workspace is not applied for the present input".to_owned()
                })
            }),
        ),
        (
            CheckKind::SyncAge,
            facts.sync.map(|(last, every)| sync_age(last, every, now)),
        ),
        (
            CheckKind::Endpoint,
            facts.endpoint.as_ref().map(|found| found.finding("the endpoint")),
        ),
        (CheckKind::ApiServer, facts.api.as_ref().map(api)),
        (
            CheckKind::Kubeconfig,
            facts
                .kubeconfig
                .as_ref()
                .map(|found| found.finding("the kubeconfig")),
        ),
        (
            CheckKind::CertificateExpiry,
            facts
                .certificate_expires
                .map(|at| expiry("the certificate", at, CERTIFICATE_NOTICE, now)),
        ),
        (
            CheckKind::TokenExpiry,
            facts
                .token_expires
                .map(|at| expiry("the token", at, TOKEN_NOTICE, now)),
        ),
        (
            CheckKind::Drift,
            facts.drifted.map(|drifted| {
                unless(drifted == 0, || {
                    format!("{drifted} resources are no longer as they were applied")
                })
            }),
        ),
    ];
    let made = checks.into_iter();
    made.filter_map(|(kind, finding)| Some((kind, finding?)))
        .collect()
}

fn unless(good: bool, message: impl FnOnce() -> String) -> Finding {
    if good {
        Finding::Passing
    } else {
        Finding::Failing(message())
    }
}

fn dependencies(broken: &[String]) -> Finding {
    unless(broken.is_empty(), || format!("not ready: {}", broken.join(", ")))
}

/// Twice the interval: one look may come late.
fn sync_age(last: Timestamp, every: Duration, now: Timestamp) -> Finding {
    let late = after(last, every.saturating_mul(2));
    unless(late >= now, || {
        format!("not compared with the world since {last}")
    })
}

fn api(api: &Api) -> Finding {
    match api {
        Api::Answered => Finding::Passing,
        Api::Silent(why) => Finding::Failing(format!("the API server does not answer: {why}")),
        Api::NotAsked => Finding::Unknown,
    }
}

fn expiry(what: &str, at: Timestamp, notice: Duration, now: Timestamp) -> Finding {
    if at <= now {
        Finding::Failing(format!("{what} has expired at {at}"))
    } else {
        unless(after(now, notice) < at, || format!("{what} expires at {at}"))
    }
}

impl Found {
    fn finding(&self, what: &str) -> Finding {
        match self {
            Self::Good => Finding::Passing,
            Self::Missing => Finding::Failing(format!("{what} is missing")),
            Self::Wrong(how) => Finding::Failing(format!("{what} is wrong: {how}")),
        }
    }
}
