//! Requests as bytes: right ones, and right ones that something was done to.

use clients::random::Random;
use clients::wire::TARGET;
use kecs_model::Operation;

use crate::input::{Known, input};

/// Headers that are not as they should be.
const HEADERS: &[&str] = &[
    "x-amz-target: ",
    "x-amz-target: AmazonEC2ContainerServiceV20141113",
    "x-amz-target: AmazonEC2ContainerServiceV20141113.",
    "x-amz-target: AmazonEC2ContainerServiceV20141113.listclusters",
    "x-amz-target: DynamoDB_20120810.ListTables",
    "x-amz-target: \u{e9}",
    "content-type: text/plain",
    "content-type: application/x-www-form-urlencoded; charset=utf-8",
    "content-type: application/x-amz-json-1.0",
    "content-type: application/cbor",
    "content-encoding: gzip",
    "content-encoding: br",
    "authorization: ",
    "authorization: Basic YTpi",
    "authorization: Bearer \u{1f980}",
    "authorization: AWS4-HMAC-SHA256 ",
    "authorization: AWS4-HMAC-SHA256 Credential=a/b/c/d/e/f/g, SignedHeaders=, Signature=",
    "authorization: AWS4-HMAC-SHA256 Credential=AKIA/20260101//ecs/aws4_request, SignedHeaders=host, Signature=0",
    "authorization: AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0",
    "authorization: AWS4-HMAC-SHA256 Credential=AKIA/99999999/%2f%2e/ecs/aws4_request, SignedHeaders=host, Signature=0",
    "x-amz-date: never",
    "x-amz-date: 99999999T999999Z",
    "x-amz-security-token: ",
    "x-amz-content-sha256: UNSIGNED-PAYLOAD",
    "x-amz-user-agent: \t",
    "amz-sdk-invocation-id: not-a-uuid",
    "host: ",
    "host: [::1",
    "connection: close",
    "connection: upgrade",
    "upgrade: websocket",
    "accept: image/png",
    "accept-encoding: identity;q=0",
    "origin: null",
    "traceparent: 00-zz-zz-zz",
    "range: bytes=0-0",
];

/// Headers after which what follows may be read as another request: the connection is of no more use.
const FRAMING: &[&str] = &[
    "transfer-encoding: chunked",
    "transfer-encoding: gzip, chunked",
    "content-length: 0",
    "content-length: -1",
    "content-length: 18446744073709551616",
    "content-length: 5",
    "expect: 100-continue",
    "expect: the-unexpected",
];

/// Paths beside the one of the API.
const PATHS: &[&str] = &[
    "/",
    "//",
    "/?Action=ListClusters&Version=2014-11-13",
    "/v1/events",
    "/v1/events?after=-1&types=%",
    "/v1/%00",
    "*",
    "/../..",
    "/service/AmazonEC2ContainerServiceV20141113/operation/ListClusters",
    "/favicon.ico",
];

/// A request.
pub(crate) struct Sent {
    pub(crate) bytes: Vec<u8>,
    /// It is HTTP and comes to its end: it has to be answered.
    pub(crate) whole: bool,
}

impl Sent {
    /// As text, for a report.
    pub(crate) fn shown(&self) -> String {
        let text: String = String::from_utf8_lossy(&self.bytes).chars().take(4_000).collect();
        format!("{text:?}")
    }
}

/// The next request.
pub(crate) fn request(random: &mut Random, known: &Known) -> Sent {
    let operation = *random.pick(Operation::ALL).unwrap_or(&Operation::ListClusters);
    let mut body = match operation.input() {
        Some(structure) => input(random, known, structure).to_string().into_bytes(),
        None => b"{}".to_vec(),
    };
    let mut head = vec![
        "host: localhost".to_owned(),
        "content-type: application/x-amz-json-1.1".to_owned(),
        format!("x-amz-target: {TARGET}.{}", operation.name()),
        format!(
            "authorization: AWS4-HMAC-SHA256 Credential=AKIAANYBODY/20260101/us-east-1/ecs/aws4_request, \
             SignedHeaders=host, Signature={:064x}",
            0
        ),
    ];
    let mut whole = true;
    let mut line = "POST / HTTP/1.1".to_owned();
    match random.below(10) {
        0..=5 => {}
        6 => damage(random, &mut body),
        7 => {
            let header = (*random.pick(HEADERS).unwrap_or(&"")).to_owned();
            // In the place of the right one, or beside it.
            let name = header.split(':').next().unwrap_or_default().to_owned();
            if random.chance(70) {
                head.retain(|it| !it.starts_with(&format!("{name}:")));
            }
            // Its name or its value may be refused before anything of it is read.
            whole = header.is_ascii() && !name.starts_with("host") && !name.starts_with("expect");
            head.push(header);
        }
        8 => {
            let methods = [
                "GET", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "POST", "BREW",
            ];
            let method = random.pick(&methods).unwrap_or(&"GET");
            line = format!("{method} {} HTTP/1.1", random.pick(PATHS).unwrap_or(&"/"));
            // What is read of a body is another matter for each of them.
            whole = false;
        }
        _ => {
            head.push((*random.pick(FRAMING).unwrap_or(&"")).to_owned());
            whole = false;
        }
    }
    head.push(format!("content-length: {}", body.len()));
    let mut bytes = format!("{line}\r\n{}\r\n\r\n", head.join("\r\n")).into_bytes();
    bytes.append(&mut body);
    if random.chance(2) {
        damage(random, &mut bytes);
        whole = false;
    }
    Sent { bytes, whole }
}

/// Changes, takes away, doubles or puts in some bytes.
fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len());
        let until = (at + random.below(32)).min(bytes.len());
        match random.below(5) {
            0 => {
                let byte = u8::try_from(random.below(256)).unwrap_or_default();
                bytes.get_mut(at).into_iter().for_each(|it| *it = byte);
            }
            1 => drop(bytes.drain(at..until)),
            2 => bytes.extend_from_within(at..until),
            3 => bytes.truncate(at),
            _ => {
                let put = random.pick(&[
                    "{", "]", "\"", "\\u0000", "\\ud800", "1e999", "[[[[", ",", "\u{0}", "\u{ff}",
                ]);
                bytes.splice(at..at, put.unwrap_or(&"").bytes());
            }
        }
    }
}
