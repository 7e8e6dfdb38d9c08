//! Tokens of service accounts: JSON web tokens that the server itself signs and reads.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{AUTHENTICATED, User, account_groups};
use crate::world::{GroupResource, World};

/// The audience and issuer of tokens, as a cluster has them that was not told otherwise.
pub(in crate::server) const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
/// How many bytes SHA-256 works on at once.
const BLOCK: usize = 64;

/// What a token says.
#[derive(Debug, Clone)]
pub(in crate::server) struct Issued<'a> {
    pub(in crate::server) namespace: &'a str,
    pub(in crate::server) name: &'a str,
    pub(in crate::server) uid: &'a str,
    pub(in crate::server) audiences: &'a [Value],
    pub(in crate::server) from: Timestamp,
    pub(in crate::server) until: Timestamp,
}

/// The audience of a token that was not asked for another.
pub(in crate::server) fn usual_audience() -> Value {
    json!(ISSUER)
}

/// A token, signed with the secret of the server.
pub(in crate::server) fn issue(issued: &Issued<'_>, secret: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({
        "aud": issued.audiences,
        "exp": issued.until.as_second(),
        "iat": issued.from.as_second(),
        "iss": ISSUER,
        "jti": identifier(issued),
        "kubernetes.io": {
            "namespace": issued.namespace,
            "serviceaccount": {"name": issued.name, "uid": issued.uid},
        },
        "nbf": issued.from.as_second(),
        "sub": format!("system:serviceaccount:{}:{}", issued.namespace, issued.name),
    });
    let signed = format!(
        "{}.{}",
        part(&json!({"alg": "HS256", "kid": "kube-sim"})),
        part(&claims)
    );
    let signature = URL_SAFE_NO_PAD.encode(signature(secret, &signed));
    format!("{signed}.{signature}")
}

/// A name for a token that differs from that of others.
fn identifier(issued: &Issued<'_>) -> String {
    let digest = Sha256::digest(format!("{}{}{}", issued.uid, issued.from, issued.until));
    let hex: String = digest.iter().take(16).fold(String::new(), |mut hex, byte| {
        use std::fmt::Write as _;
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!(
        "{}-{}-4{}-8{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..32]
    )
}

/// Whose a token is: of a service account that is still the same, and not past its time.
pub(in crate::server) fn user_of(world: &World, token: &str, secret: &str, now: Timestamp) -> Option<User> {
    let (signed, sent) = token.rsplit_once('.')?;
    if URL_SAFE_NO_PAD.decode(sent).ok()? != signature(secret, signed) {
        return None;
    }
    let claims = signed.split_once('.')?.1;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    let is_for_us = claims["aud"].as_array()?.contains(&usual_audience());
    if !is_for_us || claims["exp"].as_i64()? <= now.as_second() {
        return None;
    }
    let bound = &claims["kubernetes.io"];
    let (namespace, account) = (bound["namespace"].as_str()?, &bound["serviceaccount"]);
    let name = account["name"].as_str()?;
    let held = world.get(&GroupResource::new("", "serviceaccounts"), namespace, name)?;
    if held["metadata"]["uid"] != account["uid"] {
        return None;
    }
    let mut groups = account_groups(namespace);
    groups.push(AUTHENTICATED.to_owned());
    Some(User {
        name: format!("system:serviceaccount:{namespace}:{name}"),
        uid: account["uid"].as_str()?.to_owned(),
        groups,
        extra: vec![(
            "authentication.kubernetes.io/credential-id".to_owned(),
            vec![format!("JTI={}", claims["jti"].as_str()?)],
        )],
    })
}

/// HMAC with SHA-256 (RFC 2104).
fn signature(secret: &str, text: &str) -> Vec<u8> {
    let mut key = [0_u8; BLOCK];
    if secret.len() > BLOCK {
        key[..32].copy_from_slice(&Sha256::digest(secret.as_bytes()));
    } else {
        key[..secret.len()].copy_from_slice(secret.as_bytes());
    }
    let padded = |pad: u8| key.map(|byte| byte ^ pad);
    let inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(text)
        .finalize();
    Sha256::new()
        .chain_update(padded(0x5c))
        .chain_update(inner)
        .finalize()
        .to_vec()
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Issued, issue, signature, user_of, usual_audience};
    use crate::world::{GroupResource, World};

    #[test]
    fn signatures_are_those_of_the_standard() {
        // RFC 4231, test case 2.
        let hex = signature("Jefe", "what do ya want for nothing?")
            .iter()
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert_eq!(
            hex,
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_token_is_good_for_its_account_and_its_time() {
        let start = Timestamp::UNIX_EPOCH;
        let world = World::new(start);
        let account = world
            .get(&GroupResource::new("", "serviceaccounts"), "default", "default")
            .unwrap();
        let until = start + SignedDuration::from_mins(10);
        let audiences = [usual_audience()];
        let issued = Issued {
            namespace: "default",
            name: "default",
            uid: account["metadata"]["uid"].as_str().unwrap(),
            audiences: &audiences,
            from: start,
            until,
        };
        let token = issue(&issued, "secret");
        let user = user_of(&world, &token, "secret", start).unwrap();
        assert_eq!(user.name, "system:serviceaccount:default:default");
        assert_eq!(user.groups.len(), 3);
        assert!(user_of(&world, &token, "other", start).is_none());
        assert!(user_of(&world, &token, "secret", until).is_none());
        let other = Issued {
            uid: "another",
            ..issued
        };
        assert!(user_of(&world, &issue(&other, "secret"), "secret", start).is_none());
    }
}
