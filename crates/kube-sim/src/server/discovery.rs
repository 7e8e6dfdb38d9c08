//! What the server serves: groups, versions and resources.

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use super::answer::Answer;
use super::routes::Route;
use crate::world::{StatusError, World};

/// Answers everything that is not about objects.
pub(super) fn answer(
    _world: &World,
    route: &Route,
    _method: &Method,
    _accept: &str,
    _content_type: &str,
    _body: &Bytes,
) -> Result<Answer, StatusError> {
    match route {
        Route::Health => Ok(Answer::Text { code: 200, text: "ok".to_owned() }),
        Route::Version => Ok(Answer::ok(version())),
        _ => Err(StatusError::no_such_resource()),
    }
}

fn version() -> Value {
    json!({"major": "1", "minor": "34", "gitVersion": "v1.34.0-sim", "platform": "linux/amd64"})
}
