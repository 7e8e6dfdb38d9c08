//! Client tokens: the same request under the same token is answered with what it made the first time.

use jiff::SignedDuration;
use kecs_model::{Input, Refusal};
use sha2::{Digest as _, Sha256};

use super::name::hex;
use crate::record;
use crate::tx::Tx;

/// How long a token is remembered.
///
/// Source: Amazon ECS API reference, "Ensuring idempotency".
pub const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Nothing: the request is a new one.
    New,
    /// The same request made these, by their ARNs.
    Same(Vec<String>),
    /// Another request made these, by their ARNs.
    Other(Vec<String>),
}

/// A digest of a request without its client token.
pub fn fingerprint<I: Input>(request: &I) -> Result<String, Refusal> {
    let mut request = super::write(request)?;
    if let Some(members) = request.as_object_mut() {
        members.remove("clientToken");
    }
    Ok(hex(&Sha256::digest(request.to_string())))
}

/// What the token of this operation was used for. `of` is whose token it is: the cluster, or the service.
pub fn seen<I: Input>(tx: &Tx<'_>, of: &str, token: &str, request: &I) -> Result<Seen, Refusal> {
    let key = tx.scope().token(I::OPERATION.name(), &format!("{of}/{token}"));
    let kept = tx.get::<record::Token>(&key)?;
    let Some(kept) = kept.filter(|kept| kept.expires > tx.now()) else {
        return Ok(Seen::New);
    };
    if kept.fingerprint == fingerprint(request)? {
        return Ok(Seen::Same(kept.resources));
    }
    Ok(Seen::Other(kept.resources))
}

/// Remembers what was made under a token.
pub fn keep<I: Input>(
    tx: &mut Tx<'_>,
    of: &str,
    token: &str,
    request: &I,
    resources: Vec<String>,
) -> Result<(), Refusal> {
    let key = tx.scope().token(I::OPERATION.name(), &format!("{of}/{token}"));
    let token = record::Token {
        fingerprint: fingerprint(request)?,
        resources,
        expires: tx.now().saturating_add(KEPT).unwrap_or(jiff::Timestamp::MAX),
    };
    tx.put(key, token);
    Ok(())
}
