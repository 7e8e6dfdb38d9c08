//! AWS Signature Version 4: who has signed a request, and whether it is what was signed.
//!
//! Source: AWS IAM user guide, "AWS Signature Version 4 for API requests".

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

mod canonical;
mod credential;
mod fault;

#[cfg(test)]
mod tests;

pub use canonical::{PathForm, SignedRequest};
pub use credential::{Credential, Presence, Signature};
pub use fault::SignatureFault;

use credential::{ALGORITHM, stamp};

/// How far clocks may be apart.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What must be signed where it is there: what says what is asked for, and of whom.
const MUST_BE_SIGNED: [&str; 2] = ["host", "x-amz-target"];

/// Whether this is the signature of this request by this secret, for this service and at this time.
pub fn verify(
    signature: &Signature,
    request: &SignedRequest<'_>,
    secret: &str,
    service: &str,
    now: Timestamp,
) -> Result<(), SignatureFault> {
    check_scope(signature, service)?;
    check_time(signature, now)?;
    check_coverage(signature, request)?;
    let canonical = request.canonical(&signature.signed_headers, PathForm::Normalized);
    let expected = sign(secret, &signature.credential, signature.time, &canonical);
    let given = signature.signature.as_bytes();
    if bool::from(expected.as_bytes().ct_eq(given)) {
        Ok(())
    } else {
        Err(SignatureFault::Mismatch)
    }
}

/// The signature of a canonical request.
pub fn sign(secret: &str, credential: &Credential, time: Timestamp, canonical: &str) -> String {
    let key = hmac(format!("AWS4{secret}").as_bytes(), &credential.date);
    let key = hmac(&key, &credential.region);
    let key = hmac(&key, &credential.service);
    let key = hmac(&key, "aws4_request");
    hex(&hmac(&key, &string_to_sign(credential, time, canonical)))
}

/// What is signed: the digest of the canonical request and what the signature is for.
fn string_to_sign(credential: &Credential, time: Timestamp, canonical: &str) -> String {
    format!(
        "{ALGORITHM}\n{}\n{}\n{}",
        stamp(time),
        credential.scope(),
        hex(&Sha256::digest(canonical))
    )
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn check_scope(signature: &Signature, service: &str) -> Result<(), SignatureFault> {
    let Credential {
        service: given, date, ..
    } = &signature.credential;
    if given != service {
        return Err(SignatureFault::Scope(format!(
            "Credential should be scoped to correct service: '{service}'."
        )));
    }
    let stamp = stamp(signature.time);
    let day = stamp.get(..8).unwrap_or_default();
    if date != day {
        return Err(SignatureFault::Scope(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{date}' != \
             '{day}', from '{stamp}'."
        )));
    }
    Ok(())
}

fn check_time(signature: &Signature, now: Timestamp) -> Result<(), SignatureFault> {
    let time = signature.time;
    if time.duration_since(now) > SKEW {
        let limit = stamp(now.saturating_add(SKEW).unwrap_or(Timestamp::MAX));
        return Err(SignatureFault::Skewed(format!(
            "Signature not yet current: {} is still later than {limit} ({} + 5 min.)",
            stamp(time),
            stamp(now)
        )));
    }
    let (lifetime, told) = match signature.presence {
        Presence::Header => (SKEW, "5 min.".to_owned()),
        Presence::Query(expires) => (expires, format!("{} sec.", expires.as_secs())),
    };
    if now.duration_since(time) > lifetime {
        let limit = stamp(now.saturating_sub(lifetime).unwrap_or(Timestamp::MIN));
        return Err(SignatureFault::Skewed(format!(
            "Signature expired: {} is now earlier than {limit} ({} - {told})",
            stamp(time),
            stamp(now)
        )));
    }
    Ok(())
}

fn check_coverage(signature: &Signature, request: &SignedRequest<'_>) -> Result<(), SignatureFault> {
    let signed = |name: &str| signature.signed_headers.iter().any(|it| it == name);
    if !signed("host") && !signed(":authority") {
        return Err(SignatureFault::Unsigned(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned(),
        ));
    }
    let unsigned = |name: &&str| request.headers.contains_key(*name) && !signed(name);
    if let Some(name) = MUST_BE_SIGNED.iter().find(|name| unsigned(name)) {
        return Err(SignatureFault::Unsigned(format!(
            "'{name}' must be a 'SignedHeader' in the AWS Authorization."
        )));
    }
    // A body that is told to be another one, or not to be signed at all, is not what the signature covers.
    let told = request.headers.get("x-amz-content-sha256");
    let digest = hex(&Sha256::digest(request.body));
    if told.is_some_and(|told| told.as_bytes() != digest.as_bytes()) {
        return Err(SignatureFault::Mismatch);
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    let digits = |byte: &u8| [digit(byte >> 4), digit(byte & 0xF)];
    bytes.iter().flat_map(digits).collect()
}
