use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use http::StatusCode;
use kecs_server::audit;
use kecs_server::fallback::Fallback;
use kecs_server::server::{Running, Setup, StartError};
use kecs_server::wire::TARGET_PREFIX;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Server, keys, parse, setup};

#[tokio::test]
async fn an_open_server_listens_on_loopback_only() {
    let listen = "0.0.0.0:0".parse().unwrap();
    let error = Running::start(Setup { listen, ..setup() }).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "an open server listens on loopback only, not on 0.0.0.0:0: give it keys, or a loopback address"
    );
    let access = keys("keys: [{access_key_id: A, secret_access_key: b}]");
    let with_keys = Setup {
        listen,
        access,
        ..setup()
    };
    Running::start(with_keys).await.unwrap().stop().await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listen = taken.local_addr().unwrap();
    let error = Running::start(Setup { listen, ..setup() }).await.unwrap_err();
    assert!(matches!(error, StartError::Listen(_)));
    assert_eq!(error.to_string(), format!("listen on {listen}"));
}

#[tokio::test]
async fn requests_under_way_are_finished_and_idle_connections_closed() {
    let Server { running, store } = Server::start(setup()).await;
    let address = running.address;
    let mut idle = TcpStream::connect(address).await.unwrap();
    let list = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: {TARGET_PREFIX}.ListClusters\r\nContent-Length: 0\r\n\r\n"
    );
    idle.write_all(list.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    // Half a request is sent, and the answer to the head shows that it is being read.
    let mut under_way = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: {TARGET_PREFIX}.CreateCluster\r\nContent-Length: 22\r\n\
         Expect: 100-continue\r\n\r\n"
    );
    under_way.write_all(head.as_bytes()).await.unwrap();
    let mut going = [0; 25];
    under_way.read_exact(&mut going).await.unwrap();
    assert_eq!(&going, b"HTTP/1.1 100 Continue\r\n\r\n");
    let stopping = tokio::spawn(running.stop());
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(
        TcpStream::connect(address).await.is_err(),
        "nothing more is accepted"
    );
    under_way.write_all(b"{\"clusterName\":\"blue\"}").await.unwrap();
    let mut bytes = Vec::new();
    under_way.read_to_end(&mut bytes).await.unwrap();
    let answer = parse(&bytes);
    assert_eq!(answer.json()["cluster"]["clusterName"], "blue");
    assert_eq!(answer.headers["connection"], "close");
    stopping.await.unwrap();
    assert_eq!(store.subscribe().borrow().revision, 1);
}

#[tokio::test]
async fn what_is_not_finished_in_its_time_is_cut_off() {
    let grace = Duration::from_millis(10);
    let Server { running, .. } = Server::start(Setup { grace, ..setup() }).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream
        .write_all(b"POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: x\r\nContent-Length: 9\r\n\r\n{")
        .await
        .unwrap();
    running.stop().await;
}

#[tokio::test]
async fn the_admin_port_tells_how_the_server_is() {
    let server = Server::start(setup()).await;
    for path in ["/healthz", "/readyz"] {
        let answer = server.admin(path).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (StatusCode::OK, "ok"),
            "{path}"
        );
    }
    // Being ready is to have written.
    assert_eq!(server.store.subscribe().borrow().revision, 1);
    server.admin("/readyz").await;
    assert_eq!(
        server.store.subscribe().borrow().revision,
        1,
        "one write counts for a while"
    );
    server.ok("CreateCluster", json!({})).await;
    let metrics = server.admin("/metrics").await;
    assert_eq!(
        metrics.headers["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let line = "kecs_api_request_duration_seconds_count{method=\"POST\",endpoint=\"CreateCluster\",status=\"200\"} 1\n";
    assert!(metrics.body.contains(line), "{}", metrics.body);
    let runtime = server.admin("/debug/runtime").await.json();
    assert_eq!(
        runtime["store"]["kinds"][0],
        json!({"kind": "cluster", "records": 1})
    );
    assert!(runtime["process"]["residentKib"].as_u64().unwrap() > 1000);
    assert_eq!(
        server.admin("/debug/pprof/profile?seconds=0").await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(server.admin("/nothing").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_request_is_written_down() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let audit = Some(audit::Settings {
        path: path.clone(),
        sync: audit::Sync::Batch,
        max_bytes: 1 << 20,
        keep: 1,
    });
    let server = Server::start(Setup { audit, ..setup() }).await;
    let created = server.ask("CreateCluster", &json!({"clusterName": "a"})).await;
    server
        .ask("DescribeTasks", &json!({"tasks": ["x"], "cluster": "a"}))
        .await;
    server.ask("DeleteCluster", &json!({"cluster": "b"})).await;
    let target = format!("{TARGET_PREFIX}.ListClusters");
    server.post(&[("X-Amz-Target", &target)], "{").await;
    server.running.stop().await;
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["operation"].as_str().unwrap(),
                line["resources"].to_string(),
                line["outcome"].clone(),
            )
        })
        .collect();
    let arn = |rest: &str| format!("[\"arn:aws:ecs:eu-west-1:123456789012:{rest}\"]");
    assert_eq!(told[0], ("CreateCluster", arn("cluster/a"), json!("OK")));
    assert_eq!((told[1].0, &told[1].1), ("DescribeTasks", &arn("task/a/x")));
    assert_eq!(
        told[2],
        (
            "DeleteCluster",
            arn("cluster/b"),
            json!("ClusterNotFoundException")
        )
    );
    assert_eq!(
        told[3],
        ("ListClusters", "[]".to_owned(), json!("SerializationException"))
    );
    assert_eq!(
        lines[0]["requestId"],
        created.headers["x-amzn-requestid"].to_str().unwrap()
    );
    assert_eq!(lines[0]["time"], "2026-01-02T03:04:05Z");
    assert_eq!(lines[0]["principal"], "arn:aws:iam::123456789012:root");
}

/// Another service: it tells what it was sent.
async fn other_service() -> (String, Arc<AtomicBool>) {
    let asked = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&asked);
    let router = Router::new().fallback(move |request: Request| {
        seen.store(true, Ordering::SeqCst);
        async move {
            let (parts, body) = request.into_parts();
            let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            let header = |name: &str| {
                parts
                    .headers
                    .get(name)
                    .map_or("-", |it| it.to_str().unwrap())
                    .to_owned()
            };
            let told = format!(
                "{} {} host={} target={} mine={} body={}",
                parts.method,
                parts.uri,
                header("host"),
                header("x-amz-target"),
                header("x-mine"),
                String::from_utf8_lossy(&body)
            );
            (
                StatusCode::IM_A_TEAPOT,
                [("x-other", "1"), ("x-amzn-requestid", "its-own")],
                told,
            )
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://{address}"), asked)
}

#[tokio::test]
async fn what_is_for_other_services_is_passed_on() {
    let (endpoint, asked) = other_service().await;
    let fallback = Some(Fallback::new(&endpoint).unwrap());
    let server = Server::start(Setup { fallback, ..setup() }).await;
    server.ok("CreateCluster", json!({})).await;
    let (_, code, _) = server.ask("Nothing", &json!({})).await.refusal();
    assert_eq!(code, "UnknownOperationException");
    assert!(!asked.load(Ordering::SeqCst), "what is of ECS stays here");
    let headers = [("X-Amz-Target", "DynamoDB_20120810.ListTables"), ("X-Mine", "1")];
    let answer = server.post(&headers, "{\"a\":1}").await;
    assert_eq!(answer.status, StatusCode::IM_A_TEAPOT);
    assert_eq!(answer.headers["x-other"], "1");
    assert_eq!(answer.headers["x-amzn-requestid"], "its-own");
    let host = server.running.address;
    assert_eq!(
        answer.body,
        format!("POST / host={host} target=DynamoDB_20120810.ListTables mine=1 body={{\"a\":1}}")
    );
    let request =
        "PUT /bucket/a%20b?x=1&y HTTP/1.1\r\nHost: s3\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi";
    let answer = server.raw(request.as_bytes()).await;
    assert_eq!(
        answer.body,
        "PUT /bucket/a%20b?x=1&y host=s3 target=- mine=- body=hi"
    );
}

#[tokio::test]
async fn a_service_that_is_away_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let fallback = Some(Fallback::new(&endpoint).unwrap());
    let server = Server::start(Setup { fallback, ..setup() }).await;
    let answer = server
        .post(&[("X-Amz-Target", "DynamoDB_20120810.ListTables")], "{}")
        .await;
    assert_eq!(
        answer.refusal(),
        (
            503,
            "ServiceUnavailableException".to_owned(),
            format!("the fallback endpoint {endpoint} cannot be reached")
        )
    );
}
