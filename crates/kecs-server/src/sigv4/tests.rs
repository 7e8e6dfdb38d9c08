use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use serde::Deserialize;

use super::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// AWS's own vectors; the file says where they are from.
#[derive(Deserialize)]
struct Vectors {
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    normalize: bool,
    header: Form,
    query: Form,
}

/// One of the two ways in which a vector is signed.
#[derive(Deserialize)]
struct Form {
    request: String,
    canonical: String,
    string_to_sign: String,
    signature: String,
}

fn vectors() -> Vec<Vector> {
    let text = include_str!("../../tests/fixtures/sigv4-vectors.json");
    serde_json::from_str::<Vectors>(text).unwrap().vectors
}

/// A request, owned.
#[derive(Debug, Clone)]
struct Sent {
    method: String,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Sent {
    /// A request as it is written in the vectors: blanks may stand in the path, and values may go on in further lines.
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let (method, rest) = lines.next().unwrap().split_once(' ').unwrap();
        let target = rest.strip_suffix(" HTTP/1.1").unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut given: Vec<(String, String)> = Vec::new();
        for line in lines {
            if line.starts_with(' ') {
                given.last_mut().unwrap().1.push_str(line);
            } else {
                let (name, value) = line.split_once(':').unwrap();
                given.push((name.to_ascii_lowercase(), value.to_owned()));
            }
        }
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
        }
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: body.as_bytes().to_vec(),
        }
    }

    fn signed(&self) -> SignedRequest<'_> {
        SignedRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            body: &self.body,
        }
    }

    fn verify_at(&self, secret: &str, service: &str, now: &str) -> Result<(), SignatureFault> {
        let request = self.signed();
        let signature = Signature::of(&request)?.ok_or(SignatureFault::Missing)?;
        verify(&signature, &request, secret, service, now.parse().unwrap())
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
}

#[test]
fn every_vector_of_aws_has_its_canonical_request_its_string_to_sign_and_its_signature() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 38);
    for vector in vectors {
        let form = if vector.normalize {
            PathForm::Normalized
        } else {
            PathForm::AsSent
        };
        for (kind, expected) in [("header", &vector.header), ("query", &vector.query)] {
            let name = format!("{} {kind}", vector.name);
            let sent = Sent::parse(&expected.request);
            let request = sent.signed();
            let mut signature = Signature::of(&request).unwrap().unwrap();
            // In this vector the token is put on after the request was signed without it.
            if vector.name == "post-sts-header-after" && kind == "query" {
                signature.token = None;
            }
            let canonical = canonical_of(&sent, &vector, kind, &signature, form);
            assert_eq!(canonical, expected.canonical, "{name}");
            let to_sign = string_to_sign(&signature.credential, signature.time, &canonical);
            assert_eq!(to_sign, expected.string_to_sign, "{name}");
            let made = sign(SECRET, &signature.credential, signature.time, &canonical);
            assert_eq!(made, expected.signature, "{name}");
            assert_eq!(signature.signature, expected.signature, "{name}");
        }
    }
}

fn canonical_of(sent: &Sent, vector: &Vector, kind: &str, signature: &Signature, form: PathForm) -> String {
    let mut sent = sent.clone();
    if vector.name == "post-sts-header-after" && kind == "query" {
        let kept: Vec<&str> = sent
            .query
            .split('&')
            .filter(|pair| !pair.starts_with("X-Amz-Security-Token="))
            .collect();
        sent.query = kept.join("&");
    }
    sent.signed().canonical(&signature.signed_headers, form)
}

#[test]
fn every_normalized_vector_verifies_at_its_time() {
    for vector in vectors().into_iter().filter(|vector| vector.normalize) {
        let sent = Sent::parse(&vector.header.request);
        assert_eq!(
            sent.verify_at(SECRET, "service", "2015-08-30T12:36:00Z"),
            Ok(()),
            "{}",
            vector.name
        );
        if vector.name == "post-sts-header-after" {
            continue;
        }
        let sent = Sent::parse(&vector.query.request);
        assert_eq!(
            sent.verify_at(SECRET, "service", "2015-08-30T13:36:00Z"),
            Ok(()),
            "{} query",
            vector.name
        );
    }
}

const NOW: &str = "2026-01-02T03:04:05Z";

/// Signs as botocore does: the host, the date, the target, the content type and the token.
fn signed_request(body: &str, token: Option<&str>) -> Sent {
    let mut sent = Sent {
        method: "POST".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: HeaderMap::new(),
        body: body.as_bytes().to_vec(),
    };
    sent.set("host", "localhost:5373");
    sent.set("content-type", "application/x-amz-json-1.1");
    sent.set("x-amz-target", "AmazonEC2ContainerServiceV20141113.ListClusters");
    sent.set("x-amz-date", "20260102T030405Z");
    let mut names = vec!["content-type", "host", "x-amz-date", "x-amz-target"];
    if let Some(token) = token {
        sent.set("x-amz-security-token", token);
        names.insert(3, "x-amz-security-token");
    }
    resign(&mut sent, &names);
    sent
}

fn resign(sent: &mut Sent, names: &[&str]) {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let credential = Credential {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        date: "20260102".to_owned(),
        region: "eu-west-1".to_owned(),
        service: "ecs".to_owned(),
    };
    let canonical = sent.signed().canonical(&names, PathForm::Normalized);
    let made = sign(SECRET, &credential, NOW.parse().unwrap(), &canonical);
    sent.set(
        "authorization",
        &format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{}, SignedHeaders={}, Signature={made}",
            credential.scope(),
            names.join(";")
        ),
    );
}

fn verify_now(sent: &Sent) -> Result<(), SignatureFault> {
    sent.verify_at(SECRET, "ecs", NOW)
}

#[test]
fn what_was_signed_cannot_be_changed() {
    type Change = (&'static str, fn(&mut Sent));
    let sent = signed_request("{}", Some("token"));
    assert_eq!(verify_now(&sent), Ok(()));
    let changes: [Change; 9] = [
        ("method", |it| it.method = "PUT".to_owned()),
        ("path", |it| it.path = "/x".to_owned()),
        ("query", |it| it.query = "a=1".to_owned()),
        ("body", |it| it.body.push(b' ')),
        ("host", |it| it.set("host", "localhost:5374")),
        ("content type", |it| it.set("content-type", "text/plain")),
        ("target", |it| {
            it.set("x-amz-target", "AmazonEC2ContainerServiceV20141113.DeleteCluster");
        }),
        ("token", |it| it.set("x-amz-security-token", "other")),
        ("date", |it| it.set("x-amz-date", "20260102T030406Z")),
    ];
    for (what, change) in changes {
        let mut tampered = sent.clone();
        change(&mut tampered);
        assert_eq!(verify_now(&tampered), Err(SignatureFault::Mismatch), "{what}");
    }
}

#[test]
fn each_part_of_the_authorization_counts() {
    let sent = signed_request("{}", None);
    let header = sent.headers["authorization"].to_str().unwrap().to_owned();
    let verify_as = |from: &str, to: &str| {
        let mut changed = sent.clone();
        assert!(header.contains(from), "{from}");
        changed.set("authorization", &header.replace(from, to));
        verify_now(&changed)
    };
    assert_eq!(verify_as("eu-west-1", "eu-west-2"), Err(SignatureFault::Mismatch));
    assert_eq!(
        verify_as("/ecs/", "/s3/"),
        Err(SignatureFault::Scope(
            "Credential should be scoped to correct service: 'ecs'.".to_owned()
        ))
    );
    assert_eq!(
        verify_as("/20260102/", "/20260103/"),
        Err(SignatureFault::Scope(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20260103' != \
             '20260102', from '20260102T030405Z'."
                .to_owned()
        ))
    );
    assert_eq!(
        verify_as("aws4_request", "aws5_request"),
        Err(SignatureFault::Scope(
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'."
                .to_owned()
        ))
    );
    assert_eq!(
        verify_as("eu-west-1", "EU_1"),
        Err(SignatureFault::Scope(
            "Credential should be scoped to a valid region, not 'EU_1'.".to_owned()
        ))
    );
    assert_eq!(
        verify_as(";x-amz-target", ""),
        Err(SignatureFault::Unsigned(
            "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization.".to_owned()
        ))
    );
    assert_eq!(
        verify_as("host;", ""),
        Err(SignatureFault::Unsigned(
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned()
        ))
    );
    assert_eq!(verify_as("content-type;", ""), Err(SignatureFault::Mismatch));
    assert_eq!(
        verify_as("AWS4-HMAC-SHA256", "AWS3"),
        Err(SignatureFault::Incomplete(
            "Unsupported AWS 'algorithm': 'AWS3'.".to_owned()
        ))
    );
    assert_eq!(
        verify_as(", Signature=", ", X="),
        Err(SignatureFault::Incomplete(
            "Authorization header requires 'Signature' parameter.".to_owned()
        ))
    );
}

#[test]
fn another_secret_is_another_signature() {
    let sent = signed_request("{}", None);
    assert_eq!(sent.verify_at("other", "ecs", NOW), Err(SignatureFault::Mismatch));
}

#[test]
fn clocks_may_be_five_minutes_apart_and_no_second_more() {
    let sent = signed_request("{}", None);
    for now in ["2026-01-02T03:09:05Z", "2026-01-02T02:59:05Z"] {
        assert_eq!(sent.verify_at(SECRET, "ecs", now), Ok(()), "{now}");
    }
    assert_eq!(
        sent.verify_at(SECRET, "ecs", "2026-01-02T03:09:06Z"),
        Err(SignatureFault::Skewed(
            "Signature expired: 20260102T030405Z is now earlier than 20260102T030406Z (20260102T030906Z - 5 min.)"
                .to_owned()
        ))
    );
    assert_eq!(
        sent.verify_at(SECRET, "ecs", "2026-01-02T02:59:04Z"),
        Err(SignatureFault::Skewed(
            "Signature not yet current: 20260102T030405Z is still later than 20260102T030404Z (20260102T025904Z + 5 \
             min.)"
                .to_owned()
        ))
    );
}

#[test]
fn a_presigned_request_has_the_time_that_it_says() {
    let vector = vectors().into_iter().find(|it| it.name == "get-vanilla").unwrap();
    let sent = Sent::parse(&vector.query.request);
    let at = |now| sent.verify_at(SECRET, "service", now);
    assert_eq!(at("2015-08-30T13:36:00Z"), Ok(()));
    assert_eq!(
        at("2015-08-30T13:36:01Z"),
        Err(SignatureFault::Skewed(
            "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T133601Z - 3600 sec.)"
                .to_owned()
        ))
    );
    let expiring = |expires: &str| {
        let mut changed = sent.clone();
        changed.query = sent.query.replace("Expires=3600", &format!("Expires={expires}"));
        changed.verify_at(SECRET, "service", "2015-08-30T12:36:00Z")
    };
    for expires in ["0", "604801", "x", "-1"] {
        let expected = "X-Amz-Expires must be a number of seconds between 1 and 604800.".to_owned();
        assert_eq!(
            expiring(expires),
            Err(SignatureFault::Incomplete(expected)),
            "{expires}"
        );
    }
    // Longer than was signed, but within what may be.
    assert_eq!(expiring("604800"), Err(SignatureFault::Mismatch));
}

#[test]
fn a_body_that_is_told_to_be_unsigned_is_refused() {
    let mut sent = signed_request("{}", None);
    sent.set("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    let names = [
        "content-type",
        "host",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-target",
    ];
    resign(&mut sent, &names);
    assert_eq!(verify_now(&sent), Err(SignatureFault::Mismatch));
    sent.set("x-amz-content-sha256", &hex(&Sha256::digest(b"{}")));
    resign(&mut sent, &names);
    assert_eq!(verify_now(&sent), Ok(()));
}

#[test]
fn dates_are_read_in_their_one_form_and_the_date_header_where_there_is_no_other() {
    let mut sent = signed_request("{}", None);
    for stamp in [
        "2026-01-02T03:04:05Z",
        "20260102T030405",
        "20261302T030405Z",
        "+0260102T030405Z",
        "20260102 030405Z",
    ] {
        sent.set("x-amz-date", stamp);
        assert!(
            matches!(verify_now(&sent), Err(SignatureFault::Incomplete(it)) if it.contains(stamp)),
            "{stamp}"
        );
    }
    sent.headers.remove("x-amz-date");
    assert!(matches!(verify_now(&sent), Err(SignatureFault::Incomplete(_))));
    sent.set("date", "Fri, 02 Jan 2026 03:04:05 GMT");
    resign(&mut sent, &["date", "host", "x-amz-target"]);
    assert_eq!(verify_now(&sent), Ok(()));
}

proptest! {
    #[test]
    fn what_is_signed_verifies_and_a_changed_byte_does_not(
        body in proptest::collection::vec(any::<u8>(), 1..200),
        path in "(/[a-zA-Z0-9 %._~+é-]{0,8}){1,4}",
        query in "([a-c%+=é]{1,6}(&[a-c%+=é]{1,6}){0,4})?",
        value in "[ -~]{0,30}",
        at in any::<prop::sample::Index>(),
    ) {
        let mut sent = signed_request("", None);
        sent.body = body;
        sent.path = path;
        sent.query = query;
        sent.set("x-amz-note", &value);
        resign(&mut sent, &["host", "x-amz-date", "x-amz-note", "x-amz-target"]);
        prop_assert_eq!(verify_now(&sent), Ok(()));
        let at = at.index(sent.body.len());
        sent.body[at] ^= 1;
        prop_assert_eq!(verify_now(&sent), Err(SignatureFault::Mismatch));
    }

    #[test]
    fn no_header_and_no_query_makes_it_panic(header in "\\PC{0,80}", query in "(X-Amz-[A-Za-z]{1,12}=[ -~]{0,20}&){0,6}X-Amz-Signature=1") {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_str(&header) {
            headers.insert("authorization", value);
        }
        for headers in [&HeaderMap::new(), &headers] {
            let request = SignedRequest { method: "GET", path: "/", query: &query, headers, body: b"" };
            // Either is fine, but it ends.
            let _ = Signature::of(&request);
        }
    }
}
