//! Objects that are answered and not stored: reviews of who may do what, and tokens of service accounts.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

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

/// The audience and issuer of tokens, as a cluster has them that was not told otherwise.
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
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

/// Answers a review. Whoever reaches this server may do everything.
pub(super) fn answer(review: Review, mut object: Value, now: Timestamp) -> Result<Value, StatusError> {
    if !object.is_object() {
        object = json!({});
    }
    let status = match review.kind {
        "SelfSubjectReview" => {
            json!({"userInfo": {"username": "kube-sim:admin", "groups": ["system:masters", "system:authenticated"]}})
        }
        "SelfSubjectRulesReview" => json!({
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "incomplete": false,
        }),
        // Only the one token is known that the server was started with, and who sends it is authenticated already.
        "TokenReview" => json!({"user": {}, "error": "[invalid bearer token]"}),
        _ => {
            check_attributes(review, &object)?;
            json!({"allowed": true})
        }
    };
    object["apiVersion"] = json!(api_version(review.group, "v1"));
    object["kind"] = json!(review.kind);
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    if review.kind == "SelfSubjectReview" {
        object["metadata"]["creationTimestamp"] = json!(whole_seconds(now));
    }
    object["status"] = status;
    Ok(object)
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
///
/// The token is of the usual form and says for whom it is; the server itself lets nobody in by it.
pub(super) fn token(
    world: &World,
    namespace: &str,
    name: &str,
    mut request: Value,
    now: Timestamp,
) -> Result<Value, StatusError> {
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
        .unwrap_or_else(|| vec![json!(ISSUER)]);
    let end = now
        .saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX);
    let claims = json!({
        "aud": audiences,
        "exp": end.as_second(),
        "iat": now.as_second(),
        "iss": ISSUER,
        "kubernetes.io": {
            "namespace": namespace,
            "serviceaccount": {"name": name, "uid": account["metadata"]["uid"]},
        },
        "nbf": now.as_second(),
        "sub": format!("system:serviceaccount:{namespace}:{name}"),
    });
    request["apiVersion"] = json!(api_version(AUTHENTICATION, "v1"));
    request["kind"] = json!("TokenRequest");
    request["metadata"] =
        json!({"name": name, "namespace": namespace, "creationTimestamp": whole_seconds(now)});
    request["spec"]["audiences"] = Value::Array(audiences);
    request["spec"]["expirationSeconds"] = json!(seconds);
    if request["spec"].get("boundObjectRef").is_none() {
        request["spec"]["boundObjectRef"] = Value::Null;
    }
    request["status"] = json!({"token": encoded(&claims), "expirationTimestamp": whole_seconds(end)});
    Ok(request)
}

/// Claims in the form of a JSON web token. The last part is a checksum, not a signature: nobody relies on it.
fn encoded(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({"alg": "RS256", "kid": ""})), part(claims));
    let sum = Sha256::digest(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(sum))
}

fn whole_seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second())
        .unwrap_or(time)
        .to_string()
}
