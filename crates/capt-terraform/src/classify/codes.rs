//! Classes by the error codes of AWS.
//!
//! Codes stand in messages as `VpcLimitExceeded: ...` (SDK v1), `api error AccessDenied: ...` (SDK v2),
//! `Error Code: RequestLimitExceeded` or `(Code: NodeCreationFailure ...)`. A code that is not in the table is
//! judged by its ending, if it stands where a code stands.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::rules::Text;
use super::{Classified, ErrorClass};

use ErrorClass::{
    AuthCredentials, AuthPermission, Config, Conflict, Dependency, EventualConsistency, Quota, Transient,
};

/// The class of the codes in a text. Of several, the innermost decides: a service that passes on another's
/// failure puts its own code first.
pub(super) fn by_code(text: &Text<'_>) -> Option<Classified> {
    let found = codes(text.raw).into_iter().filter_map(|code| {
        let class = exact(code.word, text).or_else(|| code.marked.then(|| by_ending(code.word)).flatten())?;
        Some((code, class))
    });
    // Throttling says nothing else, wherever it stands. Otherwise a specific code beats a general one.
    let (code, class) = found.min_by_key(|(code, class)| {
        let throttled = *class == Transient && is_throttling(code.word);
        (
            !throttled,
            is_general(code.word),
            std::cmp::Reverse(code.position),
        )
    })?;
    Some(Classified {
        class: Some(class),
        code: code.word.replace('.', ""),
    })
}

#[derive(Debug, Clone, Copy)]
struct Code<'a> {
    word: &'a str,
    /// It stands where only a code stands.
    marked: bool,
    position: usize,
}

/// Everything in a text that could be a code.
fn codes(text: &str) -> Vec<Code<'_>> {
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some(begin) = text
        .get(rest..)
        .and_then(|tail| tail.find(|c: char| c.is_ascii_alphanumeric()))
    {
        let begin = rest + begin;
        let tail = text.get(begin..).unwrap_or_default();
        let length = tail
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'))
            .unwrap_or(tail.len());
        rest = begin + length;
        let word = tail.get(..length).unwrap_or_default().trim_end_matches('.');
        if is_camel(word) {
            let before = text.get(..begin).unwrap_or_default();
            let after = text.get(begin + word.len()..).unwrap_or_default();
            let introduced = [
                "api error ",
                "Error Code: ",
                "error code: ",
                "(Code: ",
                "code: ",
                "Code: ",
                "errorCode: ",
            ];
            let introduced = introduced.iter().any(|intro| before.ends_with(intro));
            // A code is followed by its message; a resource type by an id or a parenthesis.
            let marked = introduced || after.starts_with(": ") || after.starts_with(":\n");
            found.push(Code {
                word,
                marked,
                position: begin,
            });
        }
    }
    found
}

/// Two capitals at least and no other separator than the dot of EC2's codes.
fn is_camel(word: &str) -> bool {
    let capitals = word.bytes().filter(u8::is_ascii_uppercase).count();
    let small = word.bytes().any(|byte| byte.is_ascii_lowercase());
    word.len() >= 6
        && small
        && !word.contains('_')
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && (capitals >= 2 || matches!(word, "Throttling" | "Forbidden"))
}

fn is_throttling(word: &str) -> bool {
    word.starts_with("Throttl")
        || matches!(
            word,
            "RequestLimitExceeded" | "TooManyRequestsException" | "SlowDown"
        )
}

/// Codes that say little by themselves; a more specific one beside them decides.
fn is_general(word: &str) -> bool {
    let envelopes = [
        "ServerException",
        "ResourceInUseException",
        "OperationError",
        "RequestError",
    ];
    GENERAL.contains(&word) || envelopes.contains(&word)
}

/// The codes of `codes.txt`.
static TABLE: LazyLock<BTreeMap<&'static str, ErrorClass>> = LazyLock::new(|| {
    let mut table = BTreeMap::new();
    let mut class = None;
    for line in include_str!("codes.txt").lines() {
        match (line.strip_prefix("  "), class) {
            (Some(codes), Some(class)) => table.extend(codes.split(' ').map(|code| (code, class))),
            (Some(_), None) => {}
            (None, _) => class = ErrorClass::from_name(line),
        }
    }
    table
});

/// The class of a known code. What means several things is told apart by the words around it.
fn exact(code: &str, text: &Text<'_>) -> Option<ErrorClass> {
    let any = |parts: &[&str]| parts.iter().any(|part| text.lower.contains(part));
    let class = match code {
        "VcpuLimitExceeded" | "AsgInstanceLaunchFailures" if any(&["capacity in the availability zone"]) => {
            Transient
        }
        "MalformedPolicyDocument" | "MalformedPolicyDocumentException" if any(&["invalid principal"]) => {
            EventualConsistency
        }
        "ConflictException" if any(&["already exists", "in conflict with"]) => Conflict,
        "ResourceInUseException" | "ResourceInUse" => {
            let taken = any(&["already exists", "already in use by"]) && !any(&["attached", "in progress"]);
            if taken { Conflict } else { Dependency }
        }
        "OperationNotPermitted" if any(&["disassociate", "in use", "attached"]) => Dependency,
        code if GENERAL.contains(&code) => general(&any),
        code if code.ends_with(".Duplicate") || code.starts_with("Duplicate") => Conflict,
        code => match TABLE.get(code) {
            Some(class) => *class,
            None if is_not_found(code) => not_found_class(text),
            None => return None,
        },
    };
    Some(class)
}

/// Codes of a bad request, which say nothing of what is bad about it.
const GENERAL: &[&str] = &[
    "BadRequestException",
    "ClientException",
    "InvalidInput",
    "InvalidParameterException",
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "InvalidRequest",
    "InvalidRequestException",
    "ValidationError",
    "ValidationException",
];

/// A bad request, in the words of its message.
fn general(any: &impl Fn(&[&str]) -> bool) -> ErrorClass {
    if any(&[
        "request limit exceeded",
        "rate exceeded",
        "throttled",
        "try again later",
        "too many requests",
        "internal error",
    ]) {
        Transient
    } else if any(&[
        "quota",
        "limit exceeded",
        "maximum number of",
        "limit has been reached",
        "exceeds the limit",
    ]) {
        Quota
    } else if any(&["already exists", "has been taken", "already taken"]) {
        Conflict
    } else if any(&[
        "cannot be assumed",
        "could not be assumed",
        "invalid iam instance profile",
        "does not exist or the trusted entity",
        "invalid principal",
        "the role defined for the function cannot be assumed",
    ]) {
        EventualConsistency
    } else if any(&[
        "in progress",
        "currently being",
        "is not in active",
        "not in an active",
        "is not active",
        "has dependencies",
        "still attached",
        "is in use",
        "currently in use",
        "cannot be deleted while",
        "is being deleted",
        "cluster is not ready",
        "since cluster",
        "nodegroups attached",
        "must be in available",
    ]) {
        Dependency
    } else if any(&["not authorized to perform", "is not authorized"]) {
        AuthPermission
    } else if any(&["security token included in the request is"]) {
        AuthCredentials
    } else {
        Config
    }
}

fn is_not_found(code: &str) -> bool {
    code.ends_with(".NotFound")
        || code.ends_with("NotFound")
        || code.ends_with("NotFoundException")
        || code.ends_with("NotFoundFault")
        || matches!(
            code,
            "NoSuchEntity" | "NoSuchEntityException" | "InvalidInstanceID"
        )
}

/// Something is not there. While something is being made from it, it was named by an input or made just now;
/// AWS shows what is new late.
fn not_found_class(text: &Text<'_>) -> ErrorClass {
    // What an input names by id is not going to appear.
    let named = [
        "data source",
        "reading data",
        "launch template",
        "key pair",
        "ami ",
        "hosted zone",
        "no such bucket",
    ];
    if named.iter().any(|part| text.lower.contains(part)) {
        Config
    } else {
        EventualConsistency
    }
}

/// What a code that is in no table most likely means.
fn by_ending(code: &str) -> Option<ErrorClass> {
    let ends = |endings: &[&str]| {
        let bare = code
            .trim_end_matches("Exception")
            .trim_end_matches("Fault")
            .trim_end_matches("Error");
        endings.iter().any(|ending| bare.ends_with(ending))
    };
    let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| code.starts_with(beginning));
    if code.contains("Throttl") {
        Some(Transient)
    } else if ends(&["LimitExceeded", "QuotaExceeded", "LimitReached"]) || begins(&["TooMany"]) {
        Some(Quota)
    } else if ends(&["AlreadyExists", "AlreadyExist"]) {
        Some(Conflict)
    } else if ends(&["AccessDenied", "NotAuthorized", "Unauthorized"]) {
        Some(AuthPermission)
    } else if ends(&["ExpiredToken", "TokenExpired"]) {
        Some(AuthCredentials)
    } else if ends(&["Unavailable", "Timeout", "TimedOut"]) || begins(&["InsufficientInstance"]) {
        Some(Transient)
    } else if ends(&["InUse", "InProgress", "NotReady", "NotEmpty"]) {
        Some(Dependency)
    } else if begins(&["Invalid", "Malformed", "Unsupported", "Missing"])
        && ends(&["", "Malformed", "Value"])
        && code.len() > 10
    {
        // The names of Terraform's own summaries have blanks in them, so this is a service that speaks.
        Some(Config)
    } else {
        None
    }
}
