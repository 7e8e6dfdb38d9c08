//! Requests as they are on the wire, without a client library.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// What stands before the name of an operation.
pub const TARGET: &str = "AmazonEC2ContainerServiceV20141113";

/// How long an answer may take.
const LIMIT: Duration = Duration::from_mins(1);

/// A connection that one request after the other goes over.
#[derive(Debug)]
pub struct Connection {
    address: String,
    sender: SendRequest<Full<Bytes>>,
    headers: HeaderMap,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as it came.
    pub body: Bytes,
}

impl Reply {
    /// Its body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The code of an error; empty where it is none.
    pub fn code(&self) -> String {
        self.json()["__type"].as_str().unwrap_or_default().to_owned()
    }
}

async fn connect(address: &str) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.context("connect")?;
    stream.set_nodelay(true).context("set TCP_NODELAY")?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.context("begin HTTP")?;
    // It ends with the sender, or with the server; the next request says so.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

impl Connection {
    /// Connects to an open server. The region is named in a signature that nobody verifies.
    pub async fn open(address: &str, region: &str) -> Result<Self> {
        let sender = connect(address).await?;
        let mut headers = HeaderMap::new();
        let host = HeaderValue::from_str(address).context("the address as a header")?;
        headers.insert(http::header::HOST, host);
        headers.insert(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-amz-json-1.1"),
        );
        headers.insert("x-amz-date", HeaderValue::from_static("20260101T000000Z"));
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAANYBODY/20260101/{region}/ecs/aws4_request, \
             SignedHeaders=host;x-amz-date;x-amz-target, Signature={:064x}",
            0
        );
        let signature = HeaderValue::from_str(&signature).context("the region as a header")?;
        headers.insert(http::header::AUTHORIZATION, signature);
        Ok(Self {
            address: address.to_owned(),
            sender,
            headers,
        })
    }

    /// Sends a body to an operation.
    pub async fn send(&mut self, operation: &str, body: impl Into<Bytes>) -> Result<Reply> {
        let mut request = Request::post("/")
            .body(Full::new(body.into()))
            .context("make the request")?;
        request.headers_mut().clone_from(&self.headers);
        let target =
            HeaderValue::from_str(&format!("{TARGET}.{operation}")).context("the target as a header")?;
        request.headers_mut().insert("x-amz-target", target);
        tokio::time::timeout(LIMIT, self.exchange(request))
            .await
            .with_context(|| format!("{operation} was not answered"))?
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Reply> {
        self.sender.ready().await.context("the connection is over")?;
        let response = self.sender.send_request(request).await.context("send")?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.context("read the answer")?.to_bytes();
        if parts
            .headers
            .get(http::header::CONNECTION)
            .is_some_and(|it| it == "close")
        {
            self.sender = connect(&self.address).await?;
        }
        Ok(Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }

    /// Calls an operation.
    pub async fn call(&mut self, operation: &str, input: &Value) -> Result<Reply> {
        self.send(operation, input.to_string()).await
    }

    /// Calls an operation that is not refused, and answers with its output.
    pub async fn ok(&mut self, operation: &str, input: &Value) -> Result<Value> {
        let reply = self.call(operation, input).await?;
        anyhow::ensure!(
            reply.status == StatusCode::OK,
            "{operation} {input} is refused with {}: {}",
            reply.status,
            String::from_utf8_lossy(&reply.body)
        );
        Ok(reply.json())
    }
}
