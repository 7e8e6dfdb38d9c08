//! One request from its arrival to its answer.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::request::Parts;
use http::{HeaderValue, Method, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use serde_json::{Value, json};

use super::bell::{Bell, Listener};
use super::hooks::Call;
use super::negotiate::{self, Form};
use super::reviews::Asked;
use super::routes::{self, Route};
use super::stream::Opened;
use super::transcript::{Entry, fingerprint};
use super::{ApiServer, BoxError, ResponseBody, access, discovery, order, stream};
use crate::table::Column;
use crate::world::{
    GroupResource, PatchFormat, Query, Request, StatusError, Subresource, Target, Verb, Watch, World,
};

/// What the world or the discovery has answered, before it is put into bytes.
pub(super) enum Answer {
    Json {
        code: u16,
        value: Value,
        warnings: Vec<String>,
    },
    Text {
        code: u16,
        text: String,
    },
    Typed {
        content_type: String,
        value: Value,
    },
    Bytes {
        content_type: String,
        bytes: Vec<u8>,
    },
    Watch(Box<Opened>),
}

impl Answer {
    pub(super) fn ok(value: Value) -> Self {
        Self::Json {
            code: 200,
            value,
            warnings: Vec::new(),
        }
    }

    fn code(&self) -> u16 {
        match self {
            Self::Json { code, .. } | Self::Text { code, .. } => *code,
            Self::Typed { .. } | Self::Bytes { .. } | Self::Watch(_) => 200,
        }
    }
}

impl From<StatusError> for Answer {
    fn from(error: StatusError) -> Self {
        Self::Json {
            code: error.code,
            value: error.to_status(),
            warnings: Vec::new(),
        }
    }
}

impl ApiServer {
    /// Answers a request; an error is a broken connection.
    pub(super) async fn answer(
        &self,
        parts: &Parts,
        body: &Bytes,
    ) -> Result<Response<ResponseBody>, BoxError> {
        let text = |name: header::HeaderName| {
            parts
                .headers
                .get(name)
                .and_then(|v| v.to_str().ok())
                .unwrap_or_default()
                .to_owned()
        };
        let run = self.arrive().ok_or_else(refused)?;
        let query = routes::parse_query(parts.uri.query().unwrap_or_default());
        let user_agent = text(header::USER_AGENT);
        let (call, hooks) = {
            let mut state = self.state();
            let routed = routes::route(&state.world, parts.uri.path(), &query);
            let number = state.counters.next_number();
            let call = describe(number, parts, &user_agent, routed.as_ref().ok());
            state.counters.count(&call);
            (call, state.hooks.clone())
        };
        let before = hooks
            .as_ref()
            .map(|hooks| hooks.before(&call))
            .unwrap_or_default();
        pause(before.delay).await;
        if before.drop || self.running() != Some(run) {
            self.log(&call, body, 0);
            return Err(broken());
        }
        let answer = match before.fail {
            Some(error) => error.into(),
            None => self.serve(
                parts,
                &query,
                &user_agent,
                body,
                &text(header::ACCEPT),
                &text(header::CONTENT_TYPE),
            ),
        };
        let code = answer.code();
        self.log(&call, body, code);
        let after = hooks
            .as_ref()
            .map(|hooks| hooks.after(&call, code))
            .unwrap_or_default();
        if after.cut_watches {
            self.cut_watches();
        }
        pause(after.delay).await;
        if after.drop || self.running() != Some(run) {
            return Err(broken());
        }
        respond(self, answer)
    }

    /// The part that touches the world: no waiting in here.
    fn serve(
        &self,
        parts: &Parts,
        query: &Query,
        user_agent: &str,
        body: &Bytes,
        accept: &str,
        content_type: &str,
    ) -> Answer {
        let mut state = self.state();
        let routed = routes::route(&state.world, parts.uri.path(), query);
        let user = match access::admit(&state.world, parts, routed.as_ref()) {
            Ok(user) => user,
            Err(refusal) => return refusal.into(),
        };
        let route = match routed {
            Ok(route) => route,
            Err(error) if error == StatusError::no_such_resource() => {
                return nowhere(&state.world, parts.uri.path(), error);
            }
            Err(error) => return error.into(),
        };
        let Route::Resource { target, watch } = route else {
            let asked = Asked {
                world: &state.world,
                user: &user,
                secret: &state.secret,
                now: self.inner.clock.now(),
            };
            return discovery::answer(&route, &parts.method, accept, &asked, |kind| {
                negotiate::body(content_type, body, kind).map(|body| body.value)
            })
            .unwrap_or_else(Answer::from);
        };
        let form = match negotiate::form(accept, query) {
            Ok(form) => form,
            Err(error) => return error.into(),
        };
        if watch && parts.method == Method::GET {
            return match state.world.open_watch(&target, query) {
                Ok((watch, first)) => {
                    let columns = columns(&target, form);
                    Answer::Watch(Box::new(Opened {
                        watch,
                        first,
                        form,
                        columns,
                    }))
                }
                Err(error) => error.into(),
            };
        }
        let (verb, duplicates) = match verb_of(parts, &target, content_type, body) {
            Ok(read) => read,
            Err(error) => return error.into(),
        };
        let before = state.world.clone();
        let revision = before.revision();
        let now = self.inner.clock.now();
        let columns = columns(&target, form);
        let request = Request {
            verb,
            target,
            query: query.clone(),
            user_agent: user_agent.to_owned(),
            duplicates,
        };
        let result = state.world.perform(&request, now);
        if state.world.revision() != revision {
            if let Err(error) = self.after_write(&mut state, before) {
                let message = format!("the write could not be kept: {error}");
                return StatusError::new(500, "InternalError", message).into();
            }
            state.counters.changes += 1;
        }
        match result {
            Ok(reply) => Answer::Json {
                code: reply.code,
                value: negotiate::payload(form, &columns, now, &reply.payload),
                warnings: reply.warnings,
            },
            Err(error) => error.into(),
        }
    }

    /// Wakes with the writes to a stored resource.
    pub(super) fn subscribe(&self, resource: &GroupResource) -> Listener {
        let mut state = self.state();
        let revision = state.world.last_write(resource);
        let bell = state
            .wakes
            .entry(resource.clone())
            .or_insert_with(|| Bell::new(revision));
        bell.listen()
    }

    /// How late the hooks want events to be.
    pub(super) fn watch_delay(&self, watch: &Watch) -> Duration {
        let hooks = self.state().hooks.clone();
        hooks
            .map(|hooks| hooks.watch_delay(&watch.stored_as.to_string()))
            .unwrap_or_default()
    }

    fn log(&self, call: &Call, body: &Bytes, code: u16) {
        let at = self.inner.clock.now();
        let mut state = self.state();
        let revision = state.world.revision();
        tracing::trace!(method = %call.method, path = %call.path, code, "request");
        if let Some(transcript) = &mut state.transcript {
            transcript.push(Entry {
                at,
                call: call.clone(),
                body: fingerprint(body),
                code,
                revision,
            });
        }
    }
}

/// The answer where nothing is: the groups that the server knows by itself say so in a Status, all else in a line.
fn nowhere(world: &World, path: &str, error: StatusError) -> Answer {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let group = match segments.next() {
        Some("api") => Some(""),
        Some("apis") => segments.next(),
        Some(_) | None => None,
    };
    let is_known = group.is_some_and(|group| {
        let version = segments.next();
        let mut kinds = world
            .kinds()
            .filter(|kind| kind.group() == group && !kind.rules.custom);
        kinds.any(|kind| version.is_some_and(|version| kind.served(version).is_some()))
    });
    if is_known {
        return error.into();
    }
    Answer::Text {
        code: 404,
        text: "404 page not found\n".to_owned(),
    }
}

/// Puts an answer into bytes.
pub(super) fn respond(server: &ApiServer, answer: Answer) -> Result<Response<ResponseBody>, BoxError> {
    let code = answer.code();
    let (content_type, warnings, body) = match answer {
        Answer::Json { value, warnings, .. } => (
            "application/json".to_owned(),
            warnings,
            full(order::text(&value) + "\n"),
        ),
        Answer::Text { text, .. } => ("text/plain; charset=utf-8".to_owned(), Vec::new(), full(text)),
        Answer::Typed { content_type, value } => (content_type, Vec::new(), full(value.to_string())),
        Answer::Bytes { content_type, bytes } => (content_type, Vec::new(), full(bytes)),
        Answer::Watch(opened) => {
            let lines = stream::lines(server, *opened).map(|line| line.map(Frame::data));
            (
                "application/json".to_owned(),
                Vec::new(),
                StreamBody::new(lines).boxed_unsync(),
            )
        }
    };
    let mut response = Response::builder()
        .status(code)
        .header(header::CONTENT_TYPE, content_type)
        .body(body)?;
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    Ok(response)
}

/// The columns of a table, where one was asked for.
fn columns(target: &Target, form: Form) -> Vec<Column> {
    match (form, target.kind.served(&target.version)) {
        (Form::Table(_), Some(version)) => version.columns.clone(),
        (Form::Table(_) | Form::Full | Form::Metadata, _) => Vec::new(),
    }
}

fn full(body: impl Into<Bytes>) -> ResponseBody {
    Full::new(body.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

async fn pause(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

/// A connection that ends in the middle.
pub(super) fn broken() -> BoxError {
    Box::new(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
}

/// A connection that nobody takes.
fn refused() -> BoxError {
    Box::new(std::io::Error::from(std::io::ErrorKind::ConnectionRefused))
}

fn describe(number: u64, parts: &Parts, user_agent: &str, route: Option<&Route>) -> Call {
    let mut call = Call {
        number,
        method: parts.method.to_string(),
        verb: "",
        resource: String::new(),
        namespace: String::new(),
        name: String::new(),
        subresource: "",
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        user_agent: user_agent.to_owned(),
    };
    if let Some(Route::Resource { target, watch }) = route {
        call.verb = routes::verb(&parts.method, target, *watch);
        call.resource = target.kind.resource.to_string();
        call.namespace = target.namespace.clone().unwrap_or_default();
        call.name.clone_from(&target.name);
        call.subresource = target.subresource.as_str();
    }
    call
}

/// What is to be done, and which fields stand twice in the body.
fn verb_of(
    parts: &Parts,
    target: &Target,
    content_type: &str,
    body: &Bytes,
) -> Result<(Verb, Vec<String>), StatusError> {
    let custom = target.kind.rules.custom;
    let verb = routes::verb(&parts.method, target, false);
    if matches!(verb, "update" | "patch") && target.name.is_empty() && custom {
        return Err(StatusError::bad_request("name must be provided"));
    }
    let missing = matches!(verb, "update" | "patch") && target.name.is_empty();
    let subresource = target.subresource != Subresource::None;
    if missing || verb.is_empty() || (subresource && matches!(verb, "create" | "delete")) {
        return Err(if custom {
            StatusError::method_not_supported(&target.kind.resource, verb)
        } else {
            StatusError::method_not_allowed("the server does not allow this method on the requested resource")
        });
    }
    let read = || negotiate::body(content_type, body, &target.kind.kind);
    let options = || {
        if body.is_empty() {
            Ok(json!({}))
        } else {
            read().map(|body| body.value)
        }
    };
    let verb = match verb {
        "get" => Verb::Get,
        "list" => Verb::List,
        "create" => {
            let body = read()?;
            return Ok((Verb::Create(body.value), body.duplicates));
        }
        "update" => {
            let body = read()?;
            return Ok((Verb::Update(body.value), body.duplicates));
        }
        "patch" => {
            let format: PatchFormat = negotiate::patch_format(content_type, custom)?;
            let body = read()?;
            return Ok((Verb::Patch(format, body.value), body.duplicates));
        }
        "delete" => Verb::Delete(options()?),
        _ => Verb::DeleteCollection(options()?),
    };
    Ok((verb, Vec::new()))
}
