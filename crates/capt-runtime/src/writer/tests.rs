use std::convert::Infallible;
use std::sync::Mutex;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::ObjectMeta;
use kube::client::Body;

use super::*;
use crate::NoMetrics;
use crate::cache::{KindCache, lock};
use crate::interest::{KindId, Watched};

/// A writer, what it asked for, and the caches it records its writes in.
struct Bench {
    writer: Writer,
    caches: Arc<Caches>,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

fn bench(code: u16, answer: Value) -> Bench {
    let asked: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
    let log = Arc::clone(&asked);
    let service = tower::service_fn(move |request: Request<Body>| {
        let (log, answer) = (Arc::clone(&log), answer.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = body
                .collect()
                .await
                .map(http_body_util::Collected::to_bytes)
                .unwrap_or_default();
            let kind = parts.headers.get("content-type");
            let kind = kind.and_then(|it| it.to_str().ok()).unwrap_or_default();
            let line = format!("{} {} {kind}", parts.method, parts.uri);
            let body = serde_json::from_slice(&body).unwrap_or_default();
            lock(&log).push((line, body));
            let body = Full::new(Bytes::from(answer.to_string()));
            Ok::<_, Infallible>(Response::builder().status(code).body(body).unwrap())
        }
    });
    let client = Client::new(service, "default");
    let mut caches = Caches::default();
    caches.add(KindCache::<ConfigMap>::full).unwrap();
    let caches = Arc::new(caches);
    let writer = Writer::new(Arc::clone(&caches), client, "test", Arc::new(NoMetrics));
    Bench {
        writer,
        caches,
        asked,
    }
}

impl Bench {
    fn asked(&self) -> Vec<(String, Value)> {
        lock(&self.asked).clone()
    }

    /// Whether the (empty) cache is known to be behind.
    fn is_stale(&self) -> bool {
        let watched = Watched::Object(KindId(0), key());
        !self.caches.stale(&watched).is_empty()
    }
}

fn key() -> ObjectKey {
    ObjectKey::new("ns", "a")
}

fn answer(resource_version: &str) -> Value {
    json!({ "metadata": { "name": "a", "namespace": "ns", "uid": "u", "resourceVersion": resource_version } })
}

fn failure(code: u16, reason: &str) -> Value {
    json!({ "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": reason })
}

fn object() -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some("a".to_owned()),
            namespace: Some("ns".to_owned()),
            uid: Some("u".to_owned()),
            resource_version: Some("4".to_owned()),
            finalizers: Some(vec!["x/theirs".to_owned()]),
            managed_fields: Some(Vec::new()),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}

const PATH: &str = "/api/v1/namespaces/ns/configmaps";

#[tokio::test]
async fn an_object_is_written_over_the_one_that_was_seen_or_where_there_was_none() {
    let mut wanted = object();
    wanted.metadata.uid = None;
    let bench = bench(200, answer("5"));
    for uid in [Some("u"), None] {
        bench.writer.apply_over(&wanted, uid).await.unwrap();
    }
    let [(over, seen), (anew, unseen)] = &bench.asked()[..] else {
        panic!("two writes");
    };
    assert!(over.contains("force=true"), "{over}");
    assert_eq!(seen["metadata"]["uid"], "u");
    assert!(!anew.contains("force=true"), "{anew}");
    assert_eq!(unseen["metadata"]["uid"], json!(null));
}

#[tokio::test]
async fn another_object_in_the_place_of_the_one_that_was_seen_is_a_conflict_that_passes() {
    let mut refused = failure(422, "Invalid");
    refused["details"] = json!({ "causes": [{
        "reason": "FieldValueInvalid", "message": "field is immutable", "field": "metadata.uid",
    }] });
    let bench = bench(422, refused);
    let fault = bench.writer.apply_over(&object(), Some("u")).await.unwrap_err();
    assert_eq!(
        (fault.class, &*fault.code),
        (FaultClass::Transient, "Conflict"),
        "{fault}"
    );
    // Whoever does not say which object is meant has written a wrong uid.
    let fault = bench.writer.apply(&object()).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Invalid, "{fault}");
}

#[tokio::test]
async fn apply_is_forced_with_the_own_field_manager_and_guarded_by_uid_and_version() {
    let bench = bench(200, answer("5"));
    bench.writer.apply(&object()).await.unwrap();
    let (line, body) = bench.asked().remove(0);
    let query = "&force=true&fieldManager=capt-test";
    assert_eq!(
        line,
        format!("PATCH {PATH}/a?{query} application/apply-patch+yaml")
    );
    assert_eq!(
        (&body["apiVersion"], &body["kind"]),
        (&json!("v1"), &json!("ConfigMap"))
    );
    assert_eq!(body["metadata"]["uid"], "u");
    assert_eq!(body["metadata"]["resourceVersion"], "4");
    assert_eq!(body["metadata"].get("managedFields"), None);
    assert!(bench.is_stale(), "the cache has not seen version 5");
}

#[tokio::test]
async fn create_and_replace_say_who_they_are() {
    let bench = bench(200, answer("5"));
    bench.writer.create(&object()).await.unwrap();
    bench.writer.replace(&object()).await.unwrap();
    let lines: Vec<_> = bench.asked().into_iter().map(|(line, _)| line).collect();
    assert_eq!(
        lines,
        [
            format!("POST {PATH}?&fieldManager=capt-test application/json"),
            format!("PUT {PATH}/a?&fieldManager=capt-test application/json"),
        ]
    );
}

#[tokio::test]
async fn a_replacement_of_no_known_version_is_refused() {
    let bench = bench(200, answer("5"));
    let mut object = object();
    object.metadata.resource_version = None;
    let fault = bench.writer.replace(&object).await.unwrap_err();
    assert_eq!(fault.code, "ResourceVersionMissing");
    assert!(bench.asked().is_empty());
}

#[tokio::test]
async fn an_object_that_exists_already_is_looked_at_again() {
    let bench = bench(409, failure(409, "AlreadyExists"));
    let fault = bench.writer.create(&object()).await.unwrap_err();
    assert_eq!(
        (fault.class, fault.subject.as_str()),
        (FaultClass::Transient, "ConfigMap ns/a")
    );
    assert!(!bench.is_stale(), "nothing was written");
}

#[tokio::test]
async fn a_delete_is_bound_to_the_uid_and_absence_is_success() {
    let gone = bench(404, failure(404, "NotFound"));
    gone.writer.delete::<ConfigMap>(&key(), "u").await.unwrap();
    let (line, body) = gone.asked().remove(0);
    assert!(line.starts_with(&format!("DELETE {PATH}/a")));
    assert_eq!(
        body,
        json!({ "propagationPolicy": "Background", "preconditions": { "uid": "u" } })
    );
    assert!(gone.caches.is_deleted_by_us::<ConfigMap>(&key(), "u"));
    let other = bench(409, failure(409, "Conflict"));
    let fault = other.writer.delete::<ConfigMap>(&key(), "u").await.unwrap_err();
    assert_eq!(
        (fault.class, fault.code.as_str()),
        (FaultClass::Transient, "Conflict")
    );
}

#[tokio::test]
async fn patches_carry_their_guards() {
    let bench = bench(200, answer("5"));
    let patch = json!({ "data": { "a": "b" } });
    let key = key();
    let merge = bench.writer.merge_patch::<ConfigMap>(&key, &patch, Some("4"));
    merge.await.unwrap();
    let operations = json!([{ "op": "test", "path": "/metadata/resourceVersion", "value": "4" }]);
    let patch = bench.writer.json_patch::<ConfigMap>(&key, &operations);
    patch.await.unwrap();
    let asked = bench.asked();
    assert!(asked[0].0.ends_with("application/merge-patch+json"));
    assert_eq!(
        asked[0].1,
        json!({ "data": { "a": "b" }, "metadata": { "resourceVersion": "4" } })
    );
    assert_eq!(
        asked[1].0,
        format!("PATCH {PATH}/a?fieldManager=capt-test application/json-patch+json")
    );
    assert_eq!(asked[1].1, operations);
}

#[tokio::test]
async fn finalizers_are_changed_only_where_they_must_and_only_as_they_were_read() {
    let bench = bench(200, answer("5"));
    bench.writer.add_finalizer(&object(), "x/theirs").await.unwrap();
    bench.writer.remove_finalizer(&object(), "x/ours").await.unwrap();
    assert!(bench.asked().is_empty());
    bench.writer.add_finalizer(&object(), "x/ours").await.unwrap();
    let metadata = json!({ "finalizers": ["x/theirs", "x/ours"], "uid": "u", "resourceVersion": "4" });
    assert_eq!(bench.asked()[0].1, json!({ "metadata": metadata }));
    bench
        .writer
        .remove_finalizer(&object(), "x/theirs")
        .await
        .unwrap();
    assert_eq!(bench.asked()[1].1["metadata"]["finalizers"], json!([]));
}

#[tokio::test]
async fn removing_a_finalizer_of_what_is_gone_is_success() {
    let bench = bench(404, failure(404, "NotFound"));
    bench
        .writer
        .remove_finalizer(&object(), "x/theirs")
        .await
        .unwrap();
}

#[tokio::test]
async fn a_status_is_written_over_the_newest_version_we_know() {
    let bench = bench(200, answer("5"));
    bench.writer.apply(&object()).await.unwrap();
    let version = bench.writer.newest_version(&object());
    assert_eq!(
        version.resource_version, "5",
        "our own write came after what is cached"
    );
    let status = json!({ "state": "Ready" });
    let key = key();
    let written = bench.writer.apply_status::<ConfigMap>(&key, &version, &status);
    assert!(written.await.is_ok());
    let (line, body) = bench.asked().remove(1);
    let query = "&force=true&fieldManager=capt-test";
    assert_eq!(
        line,
        format!("PATCH {PATH}/a/status?{query} application/apply-patch+yaml")
    );
    assert_eq!(
        body,
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "status": status,
            "metadata": { "name": "a", "namespace": "ns", "uid": "u", "resourceVersion": "5" },
        })
    );
}

#[tokio::test]
async fn a_server_error_leaves_open_what_was_written() {
    let bench = bench(500, failure(500, "InternalError"));
    bench.writer.apply(&object()).await.unwrap_err();
    assert!(bench.is_stale() && bench.caches.is_unknown(KindId(0), &key()));
}
