//! The least API server a driver can be tested against: objects with versions, watches that can be held
//! back, cut or expired, and answers that can be replaced by failures.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use http::{Method, Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::Instant;

type Reply = Response<UnsyncBoxBody<Bytes, std::convert::Infallible>>;

/// Plural, namespace, name.
type At = (String, String, String);

type Answer = Option<(u16, &'static str)>;
type Rule = Box<dyn FnMut(&Method, &str) -> Answer + Send>;

#[derive(Default)]
struct State {
    objects: BTreeMap<At, Value>,
    version: u64,
    uids: u64,
    log: Vec<(u64, String, Value)>,
    oldest: u64,
    watchers: Vec<(String, UnboundedSender<Bytes>)>,
    held: Vec<(String, Bytes)>,
    is_held: bool,
    rules: Vec<Rule>,
    transcript: Vec<String>,
    hung: bool,
}

#[derive(Clone)]
pub(crate) struct Server {
    state: Arc<Mutex<State>>,
    start: Instant,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self {
            state: Arc::default(),
            start: Instant::now(),
        }
    }

    pub(crate) fn client(&self) -> Client {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { server.answer(request).await }
        });
        Client::new(service, "default")
    }

    /// Every request so far but lists and watches, as `METHOD path`.
    pub(crate) fn requests(&self) -> Vec<String> {
        let transcript = self.transcript();
        let line = |line: &String| {
            let mut words = line.split(' ').skip(1);
            Some(format!("{} {}", words.next()?, words.next()?.split('?').next()?))
        };
        transcript
            .iter()
            .filter(|line| !line.contains("LIST") && !line.contains("WATCH"))
            .filter_map(line)
            .collect()
    }

    pub(crate) fn writes(&self) -> Vec<String> {
        let mut requests = self.requests();
        requests.retain(|request| !request.starts_with("GET"));
        requests
    }

    pub(crate) fn transcript(&self) -> Vec<String> {
        self.state.lock().unwrap().transcript.clone()
    }

    /// Answers what `rule` picks with a failure (code and reason) instead.
    pub(crate) fn fail(&self, rule: impl FnMut(&Method, &str) -> Answer + Send + 'static) {
        self.state.lock().unwrap().rules.push(Box::new(rule));
    }

    /// As [`fail`](Self::fail), the first `times` times only.
    pub(crate) fn fail_times(
        &self,
        mut times: u32,
        method: &'static str,
        path: &'static str,
        code: u16,
        reason: &'static str,
    ) {
        self.fail(move |it, at| {
            let hit = times > 0 && it == method && at.contains(path);
            times -= u32::from(hit);
            hit.then_some((code, reason))
        });
    }

    pub(crate) fn heal(&self) {
        self.state.lock().unwrap().rules.clear();
    }

    /// Keeps watch events back until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.state.lock().unwrap().is_held = true;
    }

    pub(crate) fn release(&self) {
        let mut state = self.state.lock().unwrap();
        state.is_held = false;
        for (plural, line) in std::mem::take(&mut state.held) {
            state.send(&plural, &line);
        }
    }

    /// Ends every watch, and forgets the past up to now if it `expires`.
    pub(crate) fn cut_watches(&self, expires: bool) {
        let mut state = self.state.lock().unwrap();
        state.watchers.clear();
        state.held.clear();
        if expires {
            state.version += 1;
            state.oldest = state.version;
        }
    }

    pub(crate) fn get(&self, plural: &str, name: &str) -> Option<Value> {
        let state = self.state.lock().unwrap();
        state.objects.get(&at(plural, "default", name)).cloned()
    }

    pub(crate) fn list(&self, plural: &str) -> Vec<Value> {
        let state = self.state.lock().unwrap();
        let objects = state.objects.iter().filter(|(at, _)| at.0 == plural);
        objects.map(|(_, object)| object.clone()).collect()
    }

    /// Creates or changes an object as a user would: `change` is merged.
    pub(crate) fn put(&self, plural: &str, name: &str, change: Value) {
        let mut state = self.state.lock().unwrap();
        let at = at(plural, "default", name);
        let mut object = state.objects.get(&at).cloned().unwrap_or_else(|| kind_of(plural));
        merge(&mut object, change);
        state.store(&at, object);
    }

    pub(crate) fn remove(&self, plural: &str, name: &str) {
        let mut state = self.state.lock().unwrap();
        state.delete(&at(plural, "default", name));
    }

    /// From now on no write is ever answered, although it takes effect.
    pub(crate) fn hang_writes(&self, hung: bool) {
        self.state.lock().unwrap().hung = hung;
    }

    async fn answer(&self, request: Request<Body>) -> Result<Reply, std::convert::Infallible> {
        let (parts, body) = request.into_parts();
        let body = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        tokio::time::sleep(Duration::from_millis(3)).await;
        let query = parts.uri.query().unwrap_or_default().to_owned();
        let path = parts.uri.path().to_owned();
        let as_metadata = parts.headers.get("accept").is_some_and(|it| {
            it.to_str()
                .unwrap_or_default()
                .contains("as=PartialObjectMetadata")
        });
        let (response, hung) = {
            let mut state = self.state.lock().unwrap();
            let elapsed = self.start.elapsed().as_millis();
            let verb = match (
                &parts.method,
                path.split('/').count(),
                query.contains("watch=true"),
            ) {
                (_, _, true) => "WATCH",
                (&Method::GET, 0..=5, _) => "LIST",
                (method, _, _) => method.as_str(),
            };
            let line = format!("{elapsed} {verb} {path}?{query} {body}");
            state.transcript.push(line);
            let mut rules = state.rules.iter_mut();
            let failure = rules.find_map(|rule| rule(&parts.method, &path));
            let response = match failure {
                Some((code, reason)) => refuse(code, reason, "made to fail"),
                None => state.handle(&parts.method, &path, &query, body, as_metadata),
            };
            (response, state.hung && parts.method != Method::GET)
        };
        if hung {
            std::future::pending::<()>().await;
        }
        Ok(response)
    }
}

fn at(plural: &str, namespace: &str, name: &str) -> At {
    (plural.to_owned(), namespace.to_owned(), name.to_owned())
}

fn kind_of(plural: &str) -> Value {
    match plural {
        "widgets" => json!({ "apiVersion": "test.capt.dev/v1", "kind": "Widget" }),
        "configmaps" => json!({ "apiVersion": "v1", "kind": "ConfigMap" }),
        "secrets" => json!({ "apiVersion": "v1", "kind": "Secret" }),
        _ => json!({ "apiVersion": "v1", "kind": "Event" }),
    }
}

fn respond(code: u16, value: &Value) -> Reply {
    Response::builder()
        .status(code)
        .body(Full::new(Bytes::from(value.to_string())).boxed_unsync())
        .unwrap()
}

fn refuse(code: u16, reason: &str, message: &str) -> Reply {
    let mut status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason, "message": message,
    });
    if code == 429 {
        status["details"] = json!({ "retryAfterSeconds": 30 });
    }
    respond(code, &status)
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                if value.is_null() {
                    into.remove(&name);
                } else {
                    merge(into.entry(name).or_insert(Value::Null), value);
                }
            }
        }
        (into, from) => *into = from,
    }
}

fn trimmed(object: &Value, as_metadata: bool) -> Value {
    if as_metadata {
        json!({ "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"] })
    } else {
        object.clone()
    }
}

impl State {
    fn handle(&mut self, method: &Method, path: &str, query: &str, body: Value, as_metadata: bool) -> Reply {
        // /api/v1/namespaces/NS/PLURAL[/NAME[/status]], /apis/G/V/namespaces/..., or without the namespace.
        let mut words: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        words.drain(..if words[0] == "api" { 2 } else { 3 });
        let namespace = if words[0] == "namespaces" {
            words.drain(..2).nth(1).unwrap().to_owned()
        } else {
            String::new()
        };
        let plural = words[0];
        let Some(name) = words.get(1) else {
            return match *method {
                Method::GET if query.contains("watch=true") => self.watch(plural, query, as_metadata),
                Method::GET => self.list(plural, as_metadata),
                _ => {
                    let name = body["metadata"]["name"].as_str().unwrap().to_owned();
                    let at = at(plural, &namespace, &name);
                    if self.objects.contains_key(&at) {
                        return refuse(409, "AlreadyExists", "exists");
                    }
                    respond(201, &self.store(&at, body))
                }
            };
        };
        let at = at(plural, &namespace, name);
        let present = self.objects.get(&at).cloned();
        let wanted = &body["metadata"];
        if let Some(present) = &present {
            for field in ["uid", "resourceVersion"] {
                if wanted[field].is_string() && wanted[field] != present["metadata"][field] {
                    return refuse(409, "Conflict", &format!("{field} does not match"));
                }
            }
            if body["preconditions"]["uid"].is_string()
                && body["preconditions"]["uid"] != present["metadata"]["uid"]
            {
                return refuse(409, "Conflict", "uid precondition");
            }
        }
        let is_status = words.get(2) == Some(&"status");
        match (method, present) {
            (&Method::PATCH, None) if query.contains("force=true") && !is_status => {
                respond(201, &self.store(&at, body))
            }
            (_, None) => refuse(404, "NotFound", "not found"),
            (&Method::GET, Some(object)) => respond(200, &trimmed(&object, as_metadata)),
            (&Method::DELETE, Some(object)) => {
                self.delete(&at);
                match self.objects.get(&at) {
                    Some(lingering) => respond(200, lingering),
                    None => respond(
                        200,
                        &json!({ "kind": "Status", "status": "Success", "details": { "uid": object["metadata"]["uid"] } }),
                    ),
                }
            }
            (&Method::PUT, Some(_)) => respond(200, &self.store(&at, body)),
            (_, Some(mut object)) => {
                if is_status {
                    object["status"] = body["status"].clone();
                } else {
                    merge(&mut object, body);
                }
                respond(200, &self.store(&at, object))
            }
        }
    }

    fn store(&mut self, at: &At, mut object: Value) -> Value {
        let present = self.objects.get(at).cloned();
        let metadata = &mut object["metadata"];
        metadata["name"] = json!(at.2);
        metadata["namespace"] = json!(at.1);
        if let Some(present) = &present {
            metadata["uid"] = present["metadata"]["uid"].clone();
            metadata["resourceVersion"] = present["metadata"]["resourceVersion"].clone();
        } else {
            self.uids += 1;
            metadata["uid"] = json!(format!("uid-{}", self.uids));
        }
        if at.0 == "widgets" {
            let generation = present
                .as_ref()
                .and_then(|it| it["metadata"]["generation"].as_u64());
            let same = present.as_ref().is_some_and(|it| it["spec"] == object["spec"]);
            object["metadata"]["generation"] = json!(generation.unwrap_or(0) + u64::from(!same));
        }
        if present.as_ref() == Some(&object) {
            return object;
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let finalizers = object["metadata"]["finalizers"].as_array().map_or(0, Vec::len);
        if object["metadata"]["deletionTimestamp"].is_string() && finalizers == 0 {
            self.objects.remove(at);
            self.notify("DELETED", &at.0, &object);
        } else {
            self.objects.insert(at.clone(), object.clone());
            let event = if present.is_some() { "MODIFIED" } else { "ADDED" };
            self.notify(event, &at.0, &object);
        }
        object
    }

    fn delete(&mut self, at: &At) {
        let Some(mut object) = self.objects.get(at).cloned() else {
            return;
        };
        if object["metadata"]["finalizers"]
            .as_array()
            .is_some_and(|it| !it.is_empty())
        {
            object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            self.store(at, object);
        } else {
            self.objects.remove(at);
            self.version += 1;
            object["metadata"]["resourceVersion"] = json!(self.version.to_string());
            self.notify("DELETED", &at.0, &object);
        }
    }

    fn notify(&mut self, event: &str, plural: &str, object: &Value) {
        let event = json!({ "type": event, "object": object });
        self.log.push((self.version, plural.to_owned(), event.clone()));
        let line = Bytes::from(format!("{event}\n"));
        if self.is_held {
            self.held.push((plural.to_owned(), line));
        } else {
            self.send(plural, &line);
        }
    }

    fn send(&mut self, plural: &str, line: &Bytes) {
        self.watchers
            .retain(|(kind, to)| kind != plural || to.unbounded_send(line.clone()).is_ok());
    }

    fn list(&self, plural: &str, as_metadata: bool) -> Reply {
        let items = self.objects.iter().filter(|(at, _)| at.0 == plural);
        let items: Vec<_> = items.map(|(_, object)| trimmed(object, as_metadata)).collect();
        let list = json!({
            "kind": "List", "apiVersion": "v1", "items": items,
            "metadata": { "resourceVersion": self.version.to_string() },
        });
        respond(200, &list)
    }

    fn watch(&mut self, plural: &str, query: &str, _as_metadata: bool) -> Reply {
        let from = query
            .split('&')
            .find_map(|it| it.strip_prefix("resourceVersion="));
        let from: u64 = from.and_then(|it| it.parse().ok()).unwrap_or(0);
        let (to, lines) = unbounded::<Bytes>();
        if from < self.oldest {
            let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old" });
            let event = json!({ "type": "ERROR", "object": status });
            to.unbounded_send(Bytes::from(format!("{event}\n"))).unwrap();
        } else {
            let missed = self
                .log
                .iter()
                .filter(|(version, kind, _)| kind == plural && *version > from);
            for (_, _, event) in missed {
                to.unbounded_send(Bytes::from(format!("{event}\n"))).unwrap();
            }
            self.watchers.push((plural.to_owned(), to));
        }
        let frames = lines.map(|line| Ok::<_, std::convert::Infallible>(http_body::Frame::data(line)));
        Response::new(StreamBody::new(frames).boxed_unsync())
    }
}
