//! Requests and answers as bytes: AWS JSON 1.1.
//!
//! Source: Smithy, "AWS JSON 1.1 protocol".

use axum::body::Body;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use kecs_core::api::Output;
use kecs_model::{ErrorCode, Operation, Refusal};
use serde_json::{Map, Value};
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// What stands before the dot of a target.
pub const TARGET_PREFIX: &str = "AmazonEC2ContainerServiceV20141113";
/// The media type of requests and answers.
pub const MEDIA_TYPE: &str = "application/x-amz-json-1.1";
/// The header with the id of the request, on every answer.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
/// The header that names the operation.
pub const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// An operation of ECS.
    Operation(Operation),
    /// An operation of ECS that there is not.
    Unknown(String),
    /// Something of another service.
    Elsewhere(Elsewhere),
}

/// How a request shows that it is for another service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Elsewhere {
    /// By its target.
    Target(String),
    /// It is in the query protocol: a form.
    Form,
    /// Its path or method is none of this protocol.
    Path,
    /// It names no target.
    NoTarget,
}

/// What the head of a request asks for.
pub fn route(parts: &Parts) -> Route {
    if parts.method != Method::POST || parts.uri.path() != "/" {
        return Route::Elsewhere(Elsewhere::Path);
    }
    let Some(target) = parts.headers.get(TARGET) else {
        let elsewhere = if is_form(&parts.headers) {
            Elsewhere::Form
        } else {
            Elsewhere::NoTarget
        };
        return Route::Elsewhere(elsewhere);
    };
    let target = String::from_utf8_lossy(target.as_bytes());
    match target.split_once('.') {
        Some((TARGET_PREFIX, name)) => {
            Operation::from_name(name).map_or_else(|| Route::Unknown(name.to_owned()), Route::Operation)
        }
        Some(_) | None => Route::Elsewhere(Elsewhere::Target(target.into_owned())),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let given = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let media = given.and_then(|it| it.split(';').next()).unwrap_or_default();
    media
        .trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The input in a body. An empty body has no members.
pub fn input(body: &[u8]) -> Result<Value, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    serde_json::from_slice(body).map_err(|error| {
        Refusal::new(
            ErrorCode::SerializationException,
            format!("The request body is not valid JSON: {error}"),
        )
    })
}

/// The answer with this output.
pub fn output(id: Uuid, output: Output) -> Response {
    answer(id, StatusCode::OK, MEDIA_TYPE, output.into_text().into_bytes())
}

/// The answer that refuses.
pub fn refusal(id: Uuid, refusal: &Refusal) -> Response {
    json(id, status(refusal.code), &refusal.body())
}

/// The answer to what is of another service and cannot be passed on.
pub fn nowhere(id: Uuid, parts: &Parts, elsewhere: &Elsewhere) -> Response {
    const HINT: &str = "KECS answers Amazon ECS only; start it with --fallback-endpoint to pass this on";
    let message = match elsewhere {
        Elsewhere::Target(target) => format!("{target} is no operation of Amazon ECS. {HINT}"),
        Elsewhere::Form => format!("The query protocol is not the one of Amazon ECS. {HINT}"),
        Elsewhere::Path => {
            let (method, path) = (&parts.method, parts.uri.path());
            format!("{method} {path} is no request of Amazon ECS. {HINT}")
        }
        Elsewhere::NoTarget => format!("The request has no X-Amz-Target header. {HINT}"),
    };
    let refused = Refusal::new(ErrorCode::UnknownOperationException, message);
    match elsewhere {
        Elsewhere::Form => xml(id, &refused),
        Elsewhere::Target(_) | Elsewhere::NoTarget => refusal(id, &refused),
        // As AWS: what is at another path is not found; at this path it is the method that is wrong.
        Elsewhere::Path if parts.uri.path() == "/" && parts.method != Method::GET => {
            let mut response = json(id, StatusCode::METHOD_NOT_ALLOWED, &refused.body());
            let headers = response.headers_mut();
            headers.insert(header::ALLOW, HeaderValue::from_static("POST"));
            response
        }
        Elsewhere::Path => json(id, StatusCode::NOT_FOUND, &refused.body()),
    }
}

fn status(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn json(id: Uuid, status: StatusCode, body: &Value) -> Response {
    // A value has string keys only, so it can always be written.
    let body = serde_json::to_vec(body).unwrap_or_default();
    answer(id, status, MEDIA_TYPE, body)
}

/// An error as clients of the query protocol read it.
fn xml(id: Uuid, refusal: &Refusal) -> Response {
    let escape = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
    };
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{id}\
         </RequestId></ErrorResponse>",
        refusal.code.name(),
        escape(&refusal.message)
    );
    answer(id, status(refusal.code), "text/xml", body.into_bytes())
}

fn answer(id: Uuid, status: StatusCode, media_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    stamp(id, headers);
    response
}

/// Gives an answer the id of its request, unless it has one.
pub fn stamp(id: Uuid, headers: &mut HeaderMap) {
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    let text = id.hyphenated().encode_lower(&mut text);
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.entry(REQUEST_ID).or_insert(value);
    }
}
