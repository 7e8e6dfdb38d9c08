//! How an object is, between the record of the core and the status of a custom resource.

use capt_api::status::{CheckSeverity, CheckStatus, Health, HealthCheck, LastKnownGood};
use capt_core::health::{CheckKind, Checkup, Judgement, Severity, Verdict};
use capt_core::revision::{LastGood, Version};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// The judgements that a status holds.
pub(crate) fn read_checkup(health: Option<&Health>) -> Checkup {
    let checks = health.iter().flat_map(|health| &health.checks);
    let judgements = checks.filter_map(|check| {
        let mut kinds = CheckKind::ALL.iter().copied();
        let kind = kinds.find(|kind| kind.name() == check.name)?;
        let judgement = Judgement {
            verdict: match check.status {
                CheckStatus::Passing => Verdict::Passing,
                CheckStatus::Failing => Verdict::Failing,
                CheckStatus::Unknown => Verdict::Unknown,
            },
            since: check.since.as_ref().map(|since| since.0),
            against: check
                .against
                .and_then(|against| u32::try_from(against).ok())
                .unwrap_or(0),
            message: check.message.clone().unwrap_or_default(),
        };
        Some((kind, judgement))
    });
    Checkup {
        judgements: judgements.collect(),
        looked: health
            .and_then(|health| health.looked.as_ref())
            .map(|looked| looked.0),
    }
}

/// The health of the status before, with these judgements.
pub(crate) fn write_health(checkup: &Checkup, before: Option<&Health>) -> Option<Health> {
    let checks = checkup.judgements.iter().map(|(kind, judgement)| HealthCheck {
        name: kind.name().to_owned(),
        status: match judgement.verdict {
            Verdict::Passing => CheckStatus::Passing,
            Verdict::Failing => CheckStatus::Failing,
            Verdict::Unknown => CheckStatus::Unknown,
        },
        severity: Some(match kind.check().severity {
            Severity::Warning => CheckSeverity::Warning,
            Severity::Error => CheckSeverity::Error,
            Severity::Critical => CheckSeverity::Critical,
        }),
        message: Some(judgement.message.clone()).filter(|message| !message.is_empty()),
        since: judgement.since.map(Time),
        against: (judgement.against > 0).then(|| i32::try_from(judgement.against).unwrap_or(i32::MAX)),
    });
    let health = Health {
        looked: checkup.looked.map(Time),
        checks: checks.collect(),
        ..before.cloned().unwrap_or_default()
    };
    (health != Health::default()).then_some(health)
}

pub(crate) fn read_last_good(last: Option<&LastKnownGood>) -> Option<LastGood> {
    let last = last?;
    Some(LastGood {
        revision: last.revision.clone(),
        version: last.version.as_deref().and_then(Version::parse),
        input: last.input_digest.clone()?,
        outputs: last.outputs_digest.clone(),
        time: last.time.as_ref()?.0,
    })
}

pub(crate) fn write_last_good(last: &LastGood) -> LastKnownGood {
    LastKnownGood {
        revision: last.revision.clone(),
        version: last.version.map(|version| version.to_string()),
        input_digest: Some(last.input.clone()),
        outputs_digest: last.outputs.clone(),
        time: Some(Time(last.time)),
    }
}
