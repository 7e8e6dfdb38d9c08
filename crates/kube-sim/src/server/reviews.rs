//! Objects that are answered and not stored: reviews of who may do what, and tokens of service accounts.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::access::{self, Attributes, Issued, User};
use crate::world::{FieldError, GroupResource, StatusError, World, api_version};

/// A kind of review: where it is posted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Review {
    pub(super) group: &'static str,
    pub(super) resource: &'static str,
    pub(super) kind: &'static str,
    pub(super) namespaced: bool,
}

const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";

/// All reviews, in the order of discovery.
pub(super) const REVIEWS: [Review; 6] = [
    Review {
        group: AUTHENTICATION,
        resource: "selfsubjectreviews",
        kind: "SelfSubjectReview",
        namespaced: false,
    },
    Review {
        group: AUTHENTICATION,
        resource: "tokenreviews",
        kind: "TokenReview",
        namespaced: false,
    },
    Review {
        group: AUTHORIZATION,
        resource: "localsubjectaccessreviews",
        kind: "LocalSubjectAccessReview",
        namespaced: true,
    },
    Review {
        group: AUTHORIZATION,
        resource: "selfsubjectaccessreviews",
        kind: "SelfSubjectAccessReview",
        namespaced: false,
    },
    Review {
        group: AUTHORIZATION,
        resource: "selfsubjectrulesreviews",
        kind: "SelfSubjectRulesReview",
        namespaced: false,
    },
    Review {
        group: AUTHORIZATION,
        resource: "subjectaccessreviews",
        kind: "SubjectAccessReview",
        namespaced: false,
    },
];

/// How long a token lasts at least, in seconds.
const SHORTEST: i64 = 600;
/// How long a token lasts that was not asked for otherwise, in seconds.
const USUAL: i64 = 3600;
/// How long a token can last at most: 2^32 seconds.
const LONGEST: i64 = 1 << 32;

/// The review that a path names.
pub(super) fn find(group: &str, resource: &str) -> Option<Review> {
    REVIEWS
        .into_iter()
        .find(|review| review.group == group && review.resource == resource)
}

/// Who asks for a review, and what the server knows.
pub(super) struct Asked<'a> {
    pub(super) world: &'a World,
    pub(super) user: &'a User,
    /// What tokens are signed with.
    pub(super) secret: &'a str,
    pub(super) now: Timestamp,
}

/// Answers a review.
pub(super) fn answer(review: Review, mut object: Value, asked: &Asked<'_>) -> Result<Value, StatusError> {
    if !object.is_object() {
        object = json!({});
    }
    let spec = object["spec"].clone();
    let status = match review.kind {
        "SelfSubjectReview" => json!({"userInfo": asked.user.info()}),
        "SelfSubjectRulesReview" => {
            let namespace = spec["namespace"].as_str().unwrap_or_default();
            rules_status(&access::rules_of(asked.world, asked.user, namespace))
        }
        "TokenReview" => {
            let token = spec["token"].as_str().unwrap_or_default();
            match access::user_of(asked.world, token, asked.secret, asked.now) {
                Some(user) => json!({
                    "authenticated": true, "user": user.info(), "audiences": [access::usual_audience()],
                }),
                None => json!({"user": {}, "error": "[invalid bearer token]"}),
            }
        }
        _ => {
            check_attributes(review, &object)?;
            let wanted = Attributes::reviewed(&spec);
            let allowed = if review.kind == "SelfSubjectAccessReview" {
                access::is_allowed(asked.world, asked.user, &wanted)
            } else {
                access::is_allowed(asked.world, &subject(&spec), &wanted)
            };
            json!({"allowed": allowed})
        }
    };
    object["apiVersion"] = json!(api_version(review.group, "v1"));
    object["kind"] = json!(review.kind);
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    if review.kind == "SelfSubjectReview" {
        object["metadata"]["creationTimestamp"] = json!(whole_seconds(asked.now));
    }
    object["status"] = status;
    Ok(object)
}

/// Whom a review is about that is not about its sender.
fn subject(spec: &Value) -> User {
    let groups = spec["groups"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    User {
        name: spec["user"].as_str().unwrap_or_default().to_owned(),
        uid: spec["uid"].as_str().unwrap_or_default().to_owned(),
        groups: groups.map(str::to_owned).collect(),
        extra: Vec::new(),
    }
}

fn rules_status(rules: &[Value]) -> Value {
    let of = |key: &str| -> Vec<&Value> { rules.iter().filter(|rule| rule[key].is_array()).collect() };
    json!({"resourceRules": of("resources"), "nonResourceRules": of("nonResourceURLs"), "incomplete": false})
}

fn check_attributes(review: Review, object: &Value) -> Result<(), StatusError> {
    let spec = &object["spec"];
    let has = |key: &str| spec[key].is_object();
    if has("resourceAttributes") != has("nonResourceAttributes") {
        return Ok(());
    }
    let error = FieldError::invalid(
        "spec.resourceAttributes",
        &spec["resourceAttributes"],
        if has("resourceAttributes") {
            "cannot be specified in combination with nonResourceAttributes"
        } else {
            "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        },
    );
    Err(StatusError::invalid(review.group, review.kind, "", &[error]))
}

/// Answers a request for a token of a service account.
pub(super) fn token(
    asked: &Asked<'_>,
    namespace: &str,
    name: &str,
    mut request: Value,
) -> Result<Value, StatusError> {
    let (world, now) = (asked.world, asked.now);
    let accounts = GroupResource::new("", "serviceaccounts");
    let account = world
        .get(&accounts, namespace, name)
        .ok_or_else(|| StatusError::not_found(&accounts, name))?;
    if !request.is_object() {
        request = json!({});
    }
    let seconds = request["spec"]["expirationSeconds"].as_i64().unwrap_or(USUAL);
    let why = if seconds < SHORTEST {
        Some("may not specify a duration less than 10 minutes")
    } else if seconds > LONGEST {
        Some("may not specify a duration larger than 2^32 seconds")
    } else {
        None
    };
    if let Some(why) = why {
        let error = FieldError::invalid("spec.expirationSeconds", &json!(seconds), why);
        return Err(StatusError::invalid(AUTHENTICATION, "TokenRequest", "", &[error]));
    }
    let audiences = request["spec"]["audiences"]
        .as_array()
        .filter(|audiences| !audiences.is_empty())
        .cloned()
        .unwrap_or_else(|| vec![access::usual_audience()]);
    let end = now
        .saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX);
    let issued = Issued {
        namespace,
        name,
        uid: account["metadata"]["uid"].as_str().unwrap_or_default(),
        audiences: &audiences,
        from: now,
        until: end,
    };
    let token = access::issue(&issued, asked.secret);
    request["apiVersion"] = json!(api_version(AUTHENTICATION, "v1"));
    request["kind"] = json!("TokenRequest");
    request["metadata"] =
        json!({"name": name, "namespace": namespace, "creationTimestamp": whole_seconds(now)});
    request["spec"]["audiences"] = Value::Array(audiences);
    request["spec"]["expirationSeconds"] = json!(seconds);
    if request["spec"].get("boundObjectRef").is_none() {
        request["spec"]["boundObjectRef"] = Value::Null;
    }
    request["status"] = json!({"token": token, "expirationTimestamp": whole_seconds(end)});
    Ok(request)
}

fn whole_seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second())
        .unwrap_or(time)
        .to_string()
}
