//! Errors of the Kubernetes API, classified.

use std::fmt::Write;
use std::time::Duration;

use capt_core::fault::{Fault, FaultClass};
use kube::core::Status;
use kube::core::response::{StatusDetails, reason};

/// Classifies an error of a call about `subject`.
///
/// The classes are those a caller can act on: an answer of the server by its code, reason and causes, anything that
/// kept the answer away as `Transient`, what is wrong on our side as `Credentials` or `Environment`. The
/// API server knows no lock, no integrity and no owner of ours, so `Locked`, `Interrupted`, `Integrity` and
/// `Conflict` never come from here.
///
/// Final is only what the server says of the object itself (`Invalid`). What it says of the moment passes: that
/// somebody else was faster, that a kind is not served or takes no new objects because its definition is on its way
/// out or not back yet, that a namespace is being terminated.
#[allow(
    clippy::match_wildcard_for_single_variants,
    reason = "which variants are left depends on kube's features"
)]
pub fn kube_fault(error: &kube::Error, subject: &str) -> Fault {
    let fault = match error {
        kube::Error::Api(status) => from_status(status),
        kube::Error::Auth(error) => {
            Fault::new(FaultClass::Credentials, "AuthenticationFailed", error.to_string())
        }
        kube::Error::SerdeError(error) => Fault::new(
            FaultClass::Invalid,
            "UnreadableObject",
            format!("the API server's answer does not fit the expected type: {error}"),
        ),
        kube::Error::FromUtf8(error) => {
            Fault::new(FaultClass::Invalid, "UnreadableObject", error.to_string())
        }
        kube::Error::BuildRequest(error) => Fault::new(FaultClass::Invalid, "BadRequest", error.to_string()),
        kube::Error::InferConfig(error) => {
            Fault::new(FaultClass::Environment, "ClientMisconfigured", error.to_string())
        }
        kube::Error::InferKubeconfig(error) => {
            Fault::new(FaultClass::Environment, "ClientMisconfigured", error.to_string())
        }
        kube::Error::ProxyProtocolUnsupported { .. }
        | kube::Error::ProxyProtocolDisabled { .. }
        | kube::Error::RustlsTls(_)
        | kube::Error::TlsRequired => {
            Fault::new(FaultClass::Environment, "ClientMisconfigured", error.to_string())
        }
        kube::Error::HyperError(_)
        | kube::Error::Service(_)
        | kube::Error::ReadEvents(_)
        | kube::Error::HttpError(_)
        | kube::Error::LinesCodecMaxLineLengthExceeded => {
            Fault::new(FaultClass::Transient, "Unreachable", chain(error))
        }
        _ => Fault::new(FaultClass::Unknown, "Unknown", chain(error)),
    };
    fault.on(subject)
}

/// Whether the object is not there. Where its kind is not served (any more) it is not there either, which the server
/// says in plain text; `kube::core::Status::is_not_found` knows only the former.
pub(crate) fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404 || status.is_not_found())
}

/// What was read, or nothing where it is not there.
pub(crate) fn if_found<T>(read: Result<T, kube::Error>) -> Result<Option<T>, kube::Error> {
    match read {
        Ok(object) => Ok(Some(object)),
        Err(error) if is_not_found(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a write came too late: somebody else was faster, and a fresh look at the object says what is to be done.
pub(crate) fn is_overtaken(fault: &Fault) -> bool {
    fault.class == FaultClass::Transient && [reason::CONFLICT, reason::ALREADY_EXISTS].contains(&&*fault.code)
}

/// The code of a fault whose cause is that the kind itself is not there.
pub(crate) const KIND_NOT_SERVED: &str = "KindNotServed";

/// Whether it is the kind that is not there: of an object the server says which one.
fn is_of_kind(status: &Status) -> bool {
    let named = status
        .details
        .as_ref()
        .is_some_and(|details| !details.name.is_empty());
    status.code == 404 && !named
}

fn from_status(status: &Status) -> Fault {
    if is_of_kind(status) {
        let message = "the API server does not serve this kind; apply its CustomResourceDefinition";
        return Fault::new(FaultClass::Dependency, KIND_NOT_SERVED, message);
    }
    let class = class_of(status);
    let mut fault = Fault::new(class, code_of(status), message_of(status));
    let seconds = status.details.as_ref().map_or(0, |it| it.retry_after_seconds);
    if seconds > 0 {
        fault = fault.retry_after(Duration::from_secs(seconds.into()));
    }
    fault
}

fn class_of(status: &Status) -> FaultClass {
    match status.code {
        401 => FaultClass::Credentials,
        // Quota is enforced by an admission plug-in, whose refusals are Forbidden and told apart by text.
        403 if status.message.contains("exceeded quota") => FaultClass::Quota,
        403 if has_cause(status, "NamespaceTerminating") => FaultClass::Dependency,
        403 => FaultClass::Permission,
        404 => FaultClass::Dependency,
        // A method that a kind has not got is one that it has not got now: whoever made it knows what kinds can. While
        // a definition is terminating the server refuses to create its objects like this, without any cause.
        405 | 408 | 409 | 410 | 425 | 429 | 500..=599 => FaultClass::Transient,
        400..=499 => FaultClass::Invalid,
        _ => by_reason(&status.reason),
    }
}

/// For answers without a usable code, such as those inside a watch.
fn by_reason(word: &str) -> FaultClass {
    match word {
        reason::UNAUTHORIZED => FaultClass::Credentials,
        reason::FORBIDDEN => FaultClass::Permission,
        reason::NOT_FOUND => FaultClass::Dependency,
        reason::INVALID | "BadRequest" => FaultClass::Invalid,
        reason::ALREADY_EXISTS
        | reason::CONFLICT
        | reason::GONE
        | "MethodNotAllowed"
        | "Expired"
        | "Timeout"
        | "TooManyRequests"
        | reason::SERVER_TIMEOUT
        | "InternalError"
        | "ServiceUnavailable" => FaultClass::Transient,
        _ => FaultClass::Unknown,
    }
}

fn has_cause(status: &Status, word: &str) -> bool {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    causes.into_iter().any(|cause| cause.reason == word)
}

fn code_of(status: &Status) -> String {
    if has_cause(status, "NamespaceTerminating") {
        return "NamespaceTerminating".to_owned();
    }
    let is_word = |it: &&str| !it.is_empty() && it.chars().all(|c| c.is_ascii_alphanumeric());
    if let Some(word) = Some(status.reason.as_str()).filter(is_word) {
        return word.to_owned();
    }
    let word = match status.code {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        409 => "Conflict",
        410 => "Expired",
        413 => "RequestEntityTooLarge",
        415 => "UnsupportedMediaType",
        422 => "Invalid",
        429 => "TooManyRequests",
        408 | 504 => "Timeout",
        503 => "ServiceUnavailable",
        500..=599 => "InternalError",
        _ => "Unknown",
    };
    word.to_owned()
}

fn message_of(status: &Status) -> String {
    let mut message = if status.message.is_empty() {
        format!("the API server answered {} {}", status.code, code_of(status))
    } else {
        status.message.clone()
    };
    let causes = status.details.as_ref().map(causes_of).unwrap_or_default();
    for cause in causes {
        // Most messages repeat their causes already.
        if !message.contains(&cause) {
            let _ = write!(message, "; {cause}");
        }
    }
    message
}

fn causes_of(details: &StatusDetails) -> Vec<String> {
    let causes = details.causes.iter().filter(|cause| !cause.message.is_empty());
    causes
        .map(|cause| match cause.field.as_str() {
            "" => cause.message.clone(),
            field => format!("{field}: {}", cause.message),
        })
        .collect()
}

/// The message with those of its sources, which for a broken connection say what matters.
fn chain(error: &kube::Error) -> String {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let text = error.to_string();
        if !message.contains(&text) {
            let _ = write!(message, ": {text}");
        }
        source = error.source();
    }
    message
}

#[cfg(test)]
mod tests;
