use std::collections::BTreeSet;

use http::StatusCode;
use kecs_server::wire::TARGET_PREFIX;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Server, setup};

fn unknown(message: &str) -> (u16, String, String) {
    (400, "UnknownOperationException".to_owned(), message.to_owned())
}

#[tokio::test]
async fn an_answer_is_json_with_the_id_of_its_request() {
    let server = Server::start(setup()).await;
    let answer = server.ask("CreateCluster", &json!({"clusterName": "blue"})).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "application/x-amz-json-1.1");
    let id = answer.headers["x-amzn-requestid"].to_str().unwrap();
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 4);
    assert_eq!(
        answer.json()["cluster"]["clusterArn"],
        "arn:aws:ecs:eu-west-1:123456789012:cluster/blue"
    );
    let refused = server.ask("DeleteCluster", &json!({"cluster": "green"})).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.headers["content-type"], "application/x-amz-json-1.1");
    assert_ne!(
        refused.headers["x-amzn-requestid"],
        answer.headers["x-amzn-requestid"]
    );
    assert_eq!(
        refused.json(),
        json!({"__type": "ClusterNotFoundException", "message": "Cluster not found."})
    );
}

#[tokio::test]
async fn what_is_no_operation_is_unknown() {
    let server = Server::start(setup()).await;
    for name in ["RunTasks", "runTask", "", "RunTask.x"] {
        let refused = server.ask(name, &json!({})).await.refusal();
        assert_eq!(
            refused,
            unknown(&format!("{TARGET_PREFIX} has no operation {name}"))
        );
    }
    let hint = "KECS answers Amazon ECS only; start it with --fallback-endpoint to pass this on";
    for target in [
        "AmazonEC2ContainerServiceV20150101.ListClusters",
        "DynamoDB_20120810.ListTables",
        "x",
    ] {
        let refused = server.post(&[("X-Amz-Target", target)], "{}").await.refusal();
        assert_eq!(
            refused,
            unknown(&format!("{target} is no operation of Amazon ECS. {hint}"))
        );
    }
    let refused = server.post(&[], "{}").await.refusal();
    assert_eq!(
        refused,
        unknown(&format!("The request has no X-Amz-Target header. {hint}"))
    );
}

#[tokio::test]
async fn the_newer_operations_say_that_they_are_unsupported() {
    let server = Server::start(setup()).await;
    let (status, code, _) = server.ask("CreateDaemon", &json!({})).await.refusal();
    assert_eq!((status, code.as_str()), (400, "UnsupportedFeatureException"));
}

#[tokio::test]
async fn other_paths_and_methods_are_not_of_this_protocol() {
    let server = Server::start(setup()).await;
    for (line, status) in [
        ("GET /", 404),
        ("GET /bucket/key", 404),
        ("POST /v1/RunTask", 404),
        ("PUT /", 405),
        ("DELETE /", 405),
        ("OPTIONS /", 405),
    ] {
        let request = format!("{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = server.raw(request.as_bytes()).await;
        assert_eq!(answer.status.as_u16(), status, "{line}");
        assert_eq!(answer.json()["__type"], "UnknownOperationException", "{line}");
        assert_eq!(answer.headers.contains_key("allow"), status == 405, "{line}");
    }
}

#[tokio::test]
async fn a_form_is_answered_as_clients_of_forms_read_it() {
    let server = Server::start(setup()).await;
    let form = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")];
    let answer = server
        .post(&form, "Action=DescribeLoadBalancers&Version=2015-12-01")
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.headers["content-type"], "text/xml");
    let id = answer.headers["x-amzn-requestid"].to_str().unwrap();
    assert_eq!(
        answer.body,
        format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>UnknownOperationException</Code><Message>The query protocol \
             is not the one of Amazon ECS. KECS answers Amazon ECS only; start it with --fallback-endpoint to pass this \
             on</Message></Error><RequestId>{id}</RequestId></ErrorResponse>"
        )
    );
}

#[tokio::test]
async fn a_body_that_is_no_json_object_cannot_be_read() {
    let server = Server::start(setup()).await;
    let target = format!("{TARGET_PREFIX}.ListClusters");
    let deep = "[".repeat(200);
    for body in [
        "{",
        "{\"a\":}",
        "[]",
        "\"x\"",
        "1",
        "{} {}",
        "{\"maxResults\": \"x\"}",
        &deep,
    ] {
        let (status, code, _) = server.post(&[("X-Amz-Target", &target)], body).await.refusal();
        assert_eq!((status, code.as_str()), (400, "SerializationException"), "{body}");
    }
    let mut request = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Amz-Target: {target}\r\nContent-Length: 4\r\n\r\n"
    )
    .into_bytes();
    request.extend_from_slice(b"{\"\xff}");
    assert_eq!(server.raw(&request).await.refusal().1, "SerializationException");
}

#[tokio::test]
async fn a_body_may_be_empty_chunked_and_of_any_media_type() {
    let server = Server::start(setup()).await;
    let target = format!("{TARGET_PREFIX}.ListClusters");
    for body in ["", "  \r\n", "{}", "{\"unknown\": [1]}", "{\"nextToken\": null}"] {
        let answer = server.post(&[("X-Amz-Target", &target)], body).await;
        assert_eq!(answer.json(), json!({"clusterArns": []}), "{body:?}");
    }
    for media in ["application/x-amz-json-1.0", "application/json", "text/plain"] {
        let answer = server
            .post(&[("X-Amz-Target", &target), ("Content-Type", media)], "{}")
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{media}");
    }
    let chunked = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Amz-Target: {TARGET_PREFIX}.CreateCluster\r\n\
         Transfer-Encoding: chunked\r\n\r\n8\r\n{{\"cluste\r\ne\r\nrName\":\"blue\"}}\r\n0\r\n\r\n"
    );
    let answer = server.raw(chunked.as_bytes()).await;
    assert_eq!(answer.json()["cluster"]["clusterName"], "blue");
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit() {
    let server = Server::start(setup()).await;
    let target = format!("{TARGET_PREFIX}.ListClusters");
    let limit = 64 * 1024;
    let at = format!("{{}}{}", " ".repeat(limit - 2));
    let answer = server.post(&[("X-Amz-Target", &target)], &at).await;
    assert_eq!(answer.status, StatusCode::OK);
    let beyond = server.post(&[("X-Amz-Target", &target)], &format!("{at} ")).await;
    assert_eq!(
        beyond.refusal(),
        (
            413,
            "RequestEntityTooLargeException".to_owned(),
            "The request body is larger than 65536 bytes.".to_owned()
        )
    );
}

/// Whoever is answered before the body was read is told that the connection ends.
#[tokio::test]
async fn a_body_that_nobody_reads_is_not_waited_for() {
    let server = Server::start(setup()).await;
    let ask = async |target: &str, length: u64| {
        let head = format!(
            "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: {target}\r\nContent-Length: {length}\r\n\r\n{{}}"
        );
        let answer = server.raw(head.as_bytes()).await;
        assert_eq!(answer.headers["connection"], "close", "{target}");
        answer.refusal()
    };
    let (status, code, _) = ask(&format!("{TARGET_PREFIX}.ListClusters"), 99_999_999_999).await;
    assert_eq!((status, code.as_str()), (413, "RequestEntityTooLargeException"));
    // Whoever sends all of it before reading anything gets the answer as well.
    let large = " ".repeat(4 << 20);
    for (operation, told) in [("ListClusters", 413), ("Nothing", 400)] {
        let answer = server
            .post(
                &[("X-Amz-Target", &format!("{TARGET_PREFIX}.{operation}"))],
                &large,
            )
            .await;
        assert_eq!(answer.status.as_u16(), told, "{operation}");
    }
    let (status, code, _) = ask(&format!("{TARGET_PREFIX}.Nothing"), 200_000).await;
    assert_eq!((status, code.as_str()), (400, "UnknownOperationException"));
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let server = Server::start(setup()).await;
    let request = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: {TARGET_PREFIX}.ListClusters\r\nContent-Length: 2\r\n\r\n{{}}"
    );
    let last = request.replace("Host: x", "Host: x\r\nConnection: close");
    let mut stream = tokio::net::TcpStream::connect(server.running.address)
        .await
        .unwrap();
    // Both at once: they are answered in their order.
    stream
        .write_all(format!("{request}{last}").as_bytes())
        .await
        .unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{text}");
}

#[tokio::test]
async fn the_region_is_the_one_that_the_signature_is_for() {
    let server = Server::start(setup()).await;
    let create = |name: &'static str, credential: &'static str| {
        let server = &server;
        async move {
            let target = format!("{TARGET_PREFIX}.CreateCluster");
            let authorization = format!(
                "AWS4-HMAC-SHA256 Credential=x/20260102/{credential}, SignedHeaders=host;x-amz-date, Signature=0"
            );
            let headers = [
                ("X-Amz-Target", target.as_str()),
                ("Authorization", authorization.as_str()),
                ("X-Amz-Date", "20260102T030405Z"),
            ];
            let answer = server
                .post(&headers, &json!({"clusterName": name}).to_string())
                .await;
            answer.json()["cluster"]["clusterArn"]
                .as_str()
                .unwrap()
                .to_owned()
        }
    };
    assert_eq!(
        create("a", "us-west-2/ecs/aws4_request").await,
        "arn:aws:ecs:us-west-2:123456789012:cluster/a"
    );
    assert_eq!(
        create("a", "cn-north-1/ecs/aws4_request").await,
        "arn:aws-cn:ecs:cn-north-1:123456789012:cluster/a"
    );
    // What is no region is as good as no signature.
    assert_eq!(
        create("b", "US_1/ecs/aws4_request").await,
        "arn:aws:ecs:eu-west-1:123456789012:cluster/b"
    );
    let listed = server.ok("ListClusters", json!({})).await;
    assert_eq!(
        listed["clusterArns"],
        json!(["arn:aws:ecs:eu-west-1:123456789012:cluster/b"])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_who_write_the_same_get_their_turn() {
    let server = std::sync::Arc::new(Server::start(setup()).await);
    let input = json!({"family": "web", "containerDefinitions": [{"name": "a", "image": "b", "memory": 8}]});
    let asked = (0..64).map(|_| {
        let (server, input) = (std::sync::Arc::clone(&server), input.clone());
        tokio::spawn(async move { server.ok("RegisterTaskDefinition", input).await })
    });
    let mut revisions = BTreeSet::new();
    for answer in futures::future::join_all(asked).await {
        revisions.insert(answer.unwrap()["taskDefinition"]["revision"].as_i64().unwrap());
    }
    assert_eq!(revisions, (1..=64).collect());
}
