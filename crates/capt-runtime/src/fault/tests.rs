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
        (404, "NotFound", "not found", Class::Dependency, "KindNotServed"),
        (
            404,
            "Failed to parse error data",
            "404 page not found",
            Class::Dependency,
            "KindNotServed",
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
fn an_object_whose_kind_is_not_served_is_not_there() {
    for (status, word, message, there) in [
        (404, "NotFound", "widgets \"a\" not found", false),
        (404, "Failed to parse error data", "404 page not found", false),
        (403, "Forbidden", "may not", true),
        (503, "", "down", true),
    ] {
        let error = kube::Error::Api(answer(status, word, message).boxed());
        assert_eq!(is_not_found(&error), !there, "{status} {word}");
        assert_eq!(matches!(if_found::<()>(Err(error)), Ok(None)), !there);
    }
    assert!(matches!(if_found(Ok(1)), Ok(Some(1))));
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
fn a_namespace_or_an_object_that_is_missing_is_named() {
    let status = answer(404, "NotFound", "namespaces \"x\" not found");
    let details = StatusDetails {
        name: "x".to_owned(),
        ..details(cause("", "", ""), 0)
    };
    let fault = fault(status.with_details(details));
    assert_eq!((fault.class, &*fault.code), (FaultClass::Dependency, "NotFound"));
    assert_eq!(fault.message, "namespaces \"x\" not found");
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
