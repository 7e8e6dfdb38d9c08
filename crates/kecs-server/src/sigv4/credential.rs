//! What a signature says of itself: in the `Authorization` header, or in the query of a presigned request.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use http::HeaderMap;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};

use super::canonical::{SIGNATURE_PARAMETER, SignedRequest, parameters};
use super::fault::SignatureFault;

/// The only algorithm.
pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// The last part of a credential scope.
const TERMINATOR: &str = "aws4_request";
/// A presigned request lives for a week at most.
const LONGEST_EXPIRY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Who signs, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The access key id.
    pub access_key_id: String,
    /// The day: `20150830`.
    pub date: String,
    /// The region.
    pub region: String,
    /// The service: `ecs`.
    pub service: String,
}

/// Where the signature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// In the `Authorization` header.
    Header,
    /// In the query, and good for so long.
    Query(SignedDuration),
}

/// A signature, before it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Who signs.
    pub credential: Credential,
    /// The names of the headers that are signed, in lower case and in the order in which they were given.
    pub signed_headers: Vec<String>,
    /// Sixty-four hexadecimal digits.
    pub signature: String,
    /// When it was signed.
    pub time: Timestamp,
    /// The token of a session.
    pub token: Option<String>,
    /// Where it stands.
    pub presence: Presence,
}

impl Signature {
    /// The signature of a request; `None` if it has none.
    pub fn of(request: &SignedRequest<'_>) -> Result<Option<Self>, SignatureFault> {
        if let Some(header) = request.headers.get(http::header::AUTHORIZATION) {
            let header = header
                .to_str()
                .map_err(|_| SignatureFault::Incomplete("Authorization header is not ASCII.".to_owned()))?;
            return of_header(header, request.headers).map(Some);
        }
        if request.query.contains(SIGNATURE_PARAMETER) {
            return of_query(request.query).map(Some);
        }
        Ok(None)
    }
}

impl Credential {
    fn parse(text: &str) -> Result<Self, SignatureFault> {
        // An access key id has no slash, but the scope has a fixed number of parts: it is read from its end.
        let mut parts = text.rsplitn(5, '/');
        let mut next = || parts.next().map(str::to_owned);
        let (terminator, service, region, date, access_key_id) = (next(), next(), next(), next(), next());
        let (Some(terminator), Some(service), Some(region), Some(date), Some(access_key_id)) =
            (terminator, service, region, date, access_key_id)
        else {
            return Err(SignatureFault::Incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got \
                 '{text}'"
            )));
        };
        if terminator != TERMINATOR {
            return Err(SignatureFault::Scope(format!(
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'."
            )));
        }
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if region.is_empty() || region.len() > 32 || !region.bytes().all(known) {
            return Err(SignatureFault::Scope(format!(
                "Credential should be scoped to a valid region, not '{region}'."
            )));
        }
        Ok(Self {
            access_key_id,
            date,
            region,
            service,
        })
    }

    /// The scope as it is signed.
    pub fn scope(&self) -> String {
        format!("{}/{}/{}/{TERMINATOR}", self.date, self.region, self.service)
    }
}

fn of_header(header: &str, headers: &HeaderMap) -> Result<Signature, SignatureFault> {
    let Some(rest) = header.strip_prefix(ALGORITHM) else {
        let algorithm = header.split_ascii_whitespace().next().unwrap_or_default();
        return Err(SignatureFault::Incomplete(format!(
            "Unsupported AWS 'algorithm': '{algorithm}'."
        )));
    };
    let parts: BTreeMap<&str, &str> = rest
        .split(',')
        .filter_map(|part| part.trim().split_once('='))
        .collect();
    let mut missing = String::new();
    let mut part = |name: &str| {
        let value = parts.get(name).copied().filter(|value| !value.is_empty());
        if value.is_none() {
            let _ = write!(missing, "Authorization header requires '{name}' parameter. ");
        }
        value.unwrap_or_default()
    };
    let (credential, signature, signed) = (part("Credential"), part("Signature"), part("SignedHeaders"));
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let stamp = text("x-amz-date");
    if stamp.is_none() && text("date").is_none() {
        missing.push_str(
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
        );
    }
    if !missing.is_empty() {
        return Err(SignatureFault::Incomplete(missing.trim_end().to_owned()));
    }
    let time = match stamp {
        Some(stamp) => time_of(stamp)?,
        None => http_date(text("date").unwrap_or_default())?,
    };
    Ok(Signature {
        credential: Credential::parse(credential)?,
        signed_headers: names_of(signed),
        signature: signature.to_owned(),
        time,
        token: text("x-amz-security-token").map(str::to_owned),
        presence: Presence::Header,
    })
}

fn of_query(query: &str) -> Result<Signature, SignatureFault> {
    let given: BTreeMap<String, String> = parameters(query)
        .map(|(name, value)| {
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            (text(name), text(value))
        })
        .collect();
    let mut missing = String::new();
    let mut part = |name: &str| {
        let value = given.get(name).filter(|value| !value.is_empty());
        if value.is_none() {
            let _ = write!(missing, "AWS query-string parameters must include '{name}'. ");
        }
        value.cloned().unwrap_or_default()
    };
    let algorithm = part("X-Amz-Algorithm");
    let (credential, stamp) = (part("X-Amz-Credential"), part("X-Amz-Date"));
    let (expires, signed) = (part("X-Amz-Expires"), part("X-Amz-SignedHeaders"));
    let signature = part(SIGNATURE_PARAMETER);
    if !missing.is_empty() {
        return Err(SignatureFault::Incomplete(missing.trim_end().to_owned()));
    }
    if algorithm != ALGORITHM {
        return Err(SignatureFault::Incomplete(format!(
            "Unsupported AWS 'algorithm': '{algorithm}'."
        )));
    }
    let expires = expires.parse::<u32>().ok();
    let expires = expires.map(|seconds| SignedDuration::from_secs(i64::from(seconds)));
    let Some(expires) = expires.filter(|it| (SignedDuration::from_secs(1)..=LONGEST_EXPIRY).contains(it))
    else {
        return Err(SignatureFault::Incomplete(
            "X-Amz-Expires must be a number of seconds between 1 and 604800.".to_owned(),
        ));
    };
    Ok(Signature {
        credential: Credential::parse(&credential)?,
        signed_headers: names_of(&signed),
        signature,
        time: time_of(&stamp)?,
        token: given.get("X-Amz-Security-Token").cloned(),
        presence: Presence::Query(expires),
    })
}

fn names_of(signed: &str) -> Vec<String> {
    signed.split(';').map(str::to_ascii_lowercase).collect()
}

/// `20150830T123600Z`.
fn time_of(stamp: &str) -> Result<Timestamp, SignatureFault> {
    let wrong = || {
        SignatureFault::Incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{stamp}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ))
    };
    let at = |range: std::ops::Range<usize>| {
        let digits = stamp
            .get(range)
            .filter(|it| it.bytes().all(|it| it.is_ascii_digit()));
        digits
            .and_then(|digits| digits.parse::<i16>().ok())
            .ok_or_else(wrong)
    };
    if stamp.len() != 16 || stamp.get(8..9) != Some("T") || !stamp.ends_with('Z') {
        return Err(wrong());
    }
    let small = |range| at(range).and_then(|number| i8::try_from(number).map_err(|_| wrong()));
    let time = civil::DateTime::new(
        at(0..4)?,
        small(4..6)?,
        small(6..8)?,
        small(9..11)?,
        small(11..13)?,
        small(13..15)?,
        0,
    );
    let zoned = time.and_then(|time| time.to_zoned(TimeZone::UTC));
    zoned.map(|zoned| zoned.timestamp()).map_err(|_| wrong())
}

/// The form of the `Date` header, RFC 9110.
fn http_date(text: &str) -> Result<Timestamp, SignatureFault> {
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text);
    parsed.map_err(|_| SignatureFault::Incomplete(format!("Date header cannot be read. Got '{text}'.")))
}

/// A time as signatures have it.
pub(super) fn stamp(time: Timestamp) -> String {
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}
