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

/// Whether a write came too late: somebody else was faster, and a fresh look at the object says what is to be done.
pub(crate) fn is_overtaken(fault: &Fault) -> bool {
    fault.class == FaultClass::Transient && [reason::CONFLICT, reason::ALREADY_EXISTS].contains(&&*fault.code)
}

fn from_status(status: &Status) -> Fault {
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
mod tests {
    use kube::core::response::StatusCause;

    use super::*;

    fn answer(code: u16, reason: &str, message: &str) -> Status {
        Status::failure(message, reason).with_code(code)
    }

    fn fault(status: Status) -> Fault {
        kube_fault(&kube::Error::Api(status.boxed()), "Secret ns/a")
    }

    fn details(cause: StatusCause, retry_after_seconds: u32) -> StatusDetails {
        StatusDetails {
            name: String::new(),
            group: String::new(),
            kind: String::new(),
            uid: String::new(),
            causes: vec![cause],
            retry_after_seconds,
        }
    }

    fn cause(reason: &str, field: &str, message: &str) -> StatusCause {
        StatusCause {
            reason: reason.to_owned(),
            message: message.to_owned(),
            field: field.to_owned(),
        }
    }

    #[test]
    fn answers_are_classified_by_code_and_reason() {
        use FaultClass as Class;
        let table = [
            (
                409,
                "Conflict",
                "the object has been modified",
                Class::Transient,
                "Conflict",
            ),
            (409, "AlreadyExists", "exists", Class::Transient, "AlreadyExists"),
            (
                409,
                "AlreadyExists",
                "object is being deleted: pods \"a\" already exists",
                Class::Transient,
                "AlreadyExists",
            ),
            (
                409,
                "Conflict",
                "Precondition failed: UID in precondition: a, UID in object meta: b",
                Class::Transient,
                "Conflict",
            ),
            (
                405,
                "MethodNotAllowed",
                "create not allowed while custom resource definition is terminating",
                Class::Transient,
                "MethodNotAllowed",
            ),
            (405, "", "", Class::Transient, "MethodNotAllowed"),
            (404, "NotFound", "not found", Class::Dependency, "NotFound"),
            (
                404,
                "Failed to parse error data",
                "404 page not found",
                Class::Dependency,
                "NotFound",
            ),
            (403, "Forbidden", "may not", Class::Permission, "Forbidden"),
            (403, "Forbidden", "exceeded quota: q", Class::Quota, "Forbidden"),
            (401, "Unauthorized", "who?", Class::Credentials, "Unauthorized"),
            (422, "Invalid", "bad", Class::Invalid, "Invalid"),
            (400, "BadRequest", "bad", Class::Invalid, "BadRequest"),
            (413, "", "too large", Class::Invalid, "RequestEntityTooLarge"),
            (410, "Expired", "too old", Class::Transient, "Expired"),
            (
                429,
                "TooManyRequests",
                "slow down",
                Class::Transient,
                "TooManyRequests",
            ),
            (500, "InternalError", "oops", Class::Transient, "InternalError"),
            (503, "", "down", Class::Transient, "ServiceUnavailable"),
            (504, "Timeout", "slow", Class::Transient, "Timeout"),
            (0, "Expired", "too old", Class::Transient, "Expired"),
            (0, "AlreadyExists", "exists", Class::Transient, "AlreadyExists"),
            (
                0,
                "MethodNotAllowed",
                "not now",
                Class::Transient,
                "MethodNotAllowed",
            ),
            (0, "", "", Class::Unknown, "Unknown"),
        ];
        for (status, word, message, class, code) in table {
            let fault = fault(answer(status, word, message));
            assert_eq!(
                (fault.class, fault.code.as_str()),
                (class, code),
                "{status} {word}"
            );
            assert_eq!(fault.subject, "Secret ns/a");
        }
    }

    #[test]
    fn only_who_came_too_late_is_overtaken() {
        for (status, word, overtaken) in [
            (409, "Conflict", true),
            (409, "AlreadyExists", true),
            (409, "", true),
            (405, "MethodNotAllowed", false),
            (429, "TooManyRequests", false),
            (422, "Invalid", false),
        ] {
            let fault = fault(answer(status, word, "no"));
            assert_eq!(is_overtaken(&fault), overtaken, "{status} {word}");
        }
        let ours = Fault::new(FaultClass::Conflict, "Conflict", "it belongs to another");
        assert!(!is_overtaken(&ours));
    }

    #[test]
    fn the_server_says_when_to_come_back() {
        let status = answer(429, "TooManyRequests", "slow down");
        let status = status.with_details(details(cause("", "", ""), 7));
        assert_eq!(fault(status).retry_after, Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_refused_object_names_its_fields() {
        let status = answer(422, "Invalid", "Secret is invalid");
        let cause = cause("FieldValueInvalid", "spec.version", "must be 1.x");
        let fault = fault(status.with_details(details(cause, 0)));
        assert_eq!(fault.message, "Secret is invalid; spec.version: must be 1.x");
    }

    #[test]
    fn a_namespace_on_its_way_out_is_a_dependency() {
        let status = answer(403, "Forbidden", "being terminated");
        let cause = cause("NamespaceTerminating", "metadata.namespace", "being terminated");
        let fault = fault(status.with_details(details(cause, 0)));
        assert_eq!(fault.class, FaultClass::Dependency);
        assert_eq!(fault.code, "NamespaceTerminating");
    }

    #[test]
    fn what_keeps_the_answer_away_is_transient_and_what_is_wrong_with_us_is_not() {
        let refused = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "refused");
        let fault = kube_fault(&kube::Error::Service(refused.into()), "x");
        assert_eq!(
            (fault.class, fault.code.as_str()),
            (FaultClass::Transient, "Unreachable")
        );
        assert!(fault.message.contains("refused"));
        let fault = kube_fault(&kube::Error::TlsRequired, "x");
        assert_eq!(fault.class, FaultClass::Environment);
        let error = serde_json::from_str::<u8>("x").unwrap_err();
        assert_eq!(
            kube_fault(&kube::Error::SerdeError(error), "x").class,
            FaultClass::Invalid
        );
    }
}
