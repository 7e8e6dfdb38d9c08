use std::sync::Arc;

use futures::{SinkExt as _, StreamExt as _};
use kecs_server::server::Setup;
use kecs_store::Retention;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};

use crate::support::{Server, keys, setup};

type Socket = WebSocketStream<TcpStream>;

async fn connect(server: &Server, query: &str, origin: Option<&str>) -> Result<Socket, (u16, Value)> {
    let address = server.running.address;
    let mut request = format!("ws://{address}/v1/events?{query}")
        .into_client_request()
        .unwrap();
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            let body = serde_json::from_slice(&body).unwrap_or_default();
            Err((response.status().as_u16(), body))
        }
        Err(error) => panic!("{error}"),
    }
}

async fn next(socket: &mut Socket) -> Value {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn create(server: &Server, name: &str) {
    server.ok("CreateCluster", json!({ "clusterName": name })).await;
}

fn arn(name: &str) -> String {
    format!("arn:aws:ecs:eu-west-1:123456789012:cluster/{name}")
}

#[tokio::test]
async fn what_is_committed_from_now_on_is_sent_in_its_order() {
    let server = Server::start(setup()).await;
    create(&server, "before").await;
    let mut socket = connect(&server, "", None).await.unwrap();
    create(&server, "a").await;
    server
        .ok(
            "UpdateClusterSettings",
            json!({"cluster": "a", "settings": [{"name": "containerInsights", "value": "enabled"}]}),
        )
        .await;
    server.ok("DeleteCluster", json!({"cluster": "a"})).await;
    let mut ids = Vec::new();
    for (sequence, kind) in [
        (2, "cluster.created"),
        (3, "cluster.updated"),
        (4, "cluster.deleted"),
    ] {
        let mut event = next(&mut socket).await;
        ids.push(event["id"].take().as_str().unwrap().to_owned());
        let data = event["data"].take();
        assert_eq!(
            event,
            json!({
                "sequence": sequence, "id": null, "type": kind, "timestamp": "2026-01-02T03:04:05Z",
                "resource": arn("a"), "data": null,
            })
        );
        assert_eq!(data["clusterName"], "a");
    }
    let mut again = connect(&server, "since=1", None).await.unwrap();
    for id in ids {
        assert_eq!(next(&mut again).await["id"], id);
    }
}

#[tokio::test]
async fn a_subscriber_goes_on_from_where_it_was_and_hears_only_of_what_it_wants() {
    let server = Server::start(setup()).await;
    for name in ["a", "b", "ab"] {
        create(&server, name).await;
    }
    server.ok("DeleteCluster", json!({"cluster": "b"})).await;
    let heard = |query: &'static str, count: usize| {
        let server = &server;
        async move {
            let mut socket = connect(server, query, None).await.unwrap();
            let mut heard = Vec::new();
            for _ in 0..count {
                heard.push(next(&mut socket).await["sequence"].as_u64().unwrap());
            }
            heard
        }
    };
    assert_eq!(heard("since=0", 4).await, [1, 2, 3, 4]);
    assert_eq!(heard("since=2", 2).await, [3, 4]);
    assert_eq!(heard("since=0&types=cluster.deleted", 1).await, [4]);
    assert_eq!(
        heard("since=0&types=cluster.deleted,cluster.created", 4).await,
        [1, 2, 3, 4]
    );
    let cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster";
    let prefix = "since=0&resource=arn:aws:ecs:eu-west-1:123456789012:cluster/a";
    assert!(prefix.ends_with(&format!("{cluster}/a")));
    assert_eq!(heard(prefix, 2).await, [1, 3]);
    assert_eq!(heard("since=0&resource=*%3Acluster%2F%3Fb", 1).await, [3]);
    assert_eq!(heard("since=0&resource=*/b&types=cluster.created", 1).await, [2]);
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused() {
    let server = Server::start(setup()).await;
    for (query, message) in [
        ("since=now", "since is `live` or a sequence number, not `now`."),
        ("format=xml", "format is `plain` or `eventbridge`, not `xml`."),
        ("type=task.started", "There is no parameter `type`."),
    ] {
        let (status, body) = connect(&server, query, None).await.unwrap_err();
        assert_eq!(status, 400);
        assert_eq!(
            body,
            json!({"__type": "InvalidParameterException", "message": message})
        );
    }
    let (_, body) = connect(&server, "types=task.ended", None).await.unwrap_err();
    let message = body["message"].as_str().unwrap();
    assert!(
        message.starts_with("There is no event type `task.ended`: cluster.created, "),
        "{message}"
    );
}

#[tokio::test]
async fn pages_of_other_sites_may_not_follow() {
    let server = Server::start(setup()).await;
    for origin in ["https://example.com", "null", "http://localhost.example.com"] {
        let (status, body) = connect(&server, "", Some(origin)).await.unwrap_err();
        assert_eq!(
            (status, &body["__type"]),
            (400, &json!("AccessDeniedException")),
            "{origin}"
        );
    }
    for origin in ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:80"] {
        assert!(connect(&server, "", Some(origin)).await.is_ok(), "{origin}");
    }
}

#[tokio::test]
async fn with_keys_a_subscription_is_signed() {
    let access = keys("keys: [{access_key_id: A, secret_access_key: b}]");
    let server = Server::start(Setup { access, ..setup() }).await;
    let (status, body) = connect(&server, "", None).await.unwrap_err();
    assert_eq!(
        (status, &body["__type"]),
        (400, &json!("MissingAuthenticationTokenException"))
    );
}

#[tokio::test]
async fn who_is_behind_is_told_by_how_much_and_misses_nothing() {
    let server = Server::start(setup()).await;
    for number in 0..1001 {
        create(&server, &format!("c{number}")).await;
    }
    // A thousand is not yet far.
    let mut near = connect(&server, "since=1", None).await.unwrap();
    assert_eq!(next(&mut near).await["sequence"], 2);
    let mut far = connect(&server, "since=0", None).await.unwrap();
    assert_eq!(next(&mut far).await, json!({"lag": 1001}));
    for sequence in 1..=1001 {
        assert_eq!(next(&mut far).await["sequence"], sequence);
    }
}

#[tokio::test]
async fn who_comes_too_late_is_told_what_is_lost() {
    let setup = setup();
    let store = Arc::clone(&setup.store);
    let server = Server::start(setup).await;
    for name in ["a", "b", "c"] {
        create(&server, name).await;
    }
    let retention = Retention {
        events: 1,
        since: None,
        deleted: 0,
    };
    store.prune(retention).await.unwrap();
    let mut late = connect(&server, "since=1", None).await.unwrap();
    assert_eq!(next(&mut late).await, json!({"lost": {"from": 2, "to": 2}}));
    assert_eq!(next(&mut late).await["sequence"], 3);
    let mut in_time = connect(&server, "since=2", None).await.unwrap();
    assert_eq!(next(&mut in_time).await["sequence"], 3);
}

#[tokio::test]
async fn who_reads_nothing_delays_nobody() {
    let server = Server::start(setup()).await;
    let stalled = connect(&server, "since=0", None).await.unwrap();
    let mut quick = connect(&server, "since=0", None).await.unwrap();
    // Far more than the buffers of a connection take.
    let long = "x".repeat(200);
    for number in 0..50 {
        let tags: Vec<Value> = (0..50)
            .map(|key| json!({"key": format!("{long}{key}")[150..], "value": long}))
            .collect();
        let tags = json!({"clusterName": format!("c{number}"), "tags": tags});
        for _ in 0..2 {
            server.ok("CreateCluster", tags.clone()).await;
            server
                .ok("DeleteCluster", json!({"cluster": format!("c{number}")}))
                .await;
        }
    }
    for sequence in 1..=200 {
        assert_eq!(next(&mut quick).await["sequence"], sequence);
    }
    drop(stalled);
}

#[tokio::test]
async fn a_server_that_stops_says_so() {
    let server = Server::start(setup()).await;
    let mut socket = connect(&server, "", None).await.unwrap();
    socket
        .send(Message::Text("what is said is not heard".into()))
        .await
        .unwrap();
    let stopping = tokio::spawn(server.running.stop());
    match socket.next().await.unwrap().unwrap() {
        Message::Close(Some(frame)) => {
            assert_eq!(u16::from(frame.code), 1001);
            assert_eq!(frame.reason.as_str(), "the server stops");
        }
        other => panic!("{other:?}"),
    }
    stopping.await.unwrap();
}

/// What is left of a body would be taken for the next request.
#[tokio::test]
async fn whoever_is_refused_with_a_body_is_let_go() {
    let server = Server::start(setup()).await;
    for (line, status) in [
        ("GET /v1/events?types=none", 400),
        ("GET /v1/events?format=xml", 400),
        ("GET /v1/events", 400),
        ("POST /v1/events", 404),
    ] {
        let request = format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nGET ");
        let answer = server.raw(request.as_bytes()).await;
        assert_eq!(answer.status.as_u16(), status, "{line}");
        assert_eq!(answer.headers["connection"], "close", "{line}");
    }
}
