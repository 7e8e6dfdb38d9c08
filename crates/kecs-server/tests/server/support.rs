//! A server to ask, and what asks it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clock::Clock;
use http::{HeaderMap, StatusCode};
use jiff::SignedDuration;
use kecs_core::plane::{DataPlane, Execute, Order, PlaneFault, Reports};
use kecs_model::types;
use kecs_server::access::{Access, Home, KeyRing};
use kecs_server::metrics::Metrics;
use kecs_server::request_id::RequestIds;
use kecs_server::server::{Running, Setup};
use kecs_server::upkeep::Upkeep;
use kecs_server::wire::{MEDIA_TYPE, TARGET_PREFIX};
use kecs_store::Store;
use kecs_store::memory::Memory;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A data plane that is not asked for anything.
pub(crate) struct NoPlane;

#[async_trait]
impl DataPlane for NoPlane {
    async fn attach(&self, _reports: Arc<dyn Reports>, _live: Vec<Order>) {}

    async fn run(&self, _order: Order) -> Result<(), PlaneFault> {
        Ok(())
    }

    async fn stop(&self, _task_arn: &str) -> Result<(), PlaneFault> {
        Ok(())
    }

    async fn execute(&self, request: Execute) -> Result<types::Session, PlaneFault> {
        Err(PlaneFault::NotRunning(request.task_arn))
    }
}

/// The moment at which everything happens.
pub(crate) const NOW: &str = "2026-01-02T03:04:05Z";

/// What an open server in memory is made of.
pub(crate) fn setup() -> Setup {
    crate::trace::collect();
    Setup {
        store: Arc::new(Memory::new(7)),
        plane: Arc::new(NoPlane),
        listen: "127.0.0.1:0".parse().unwrap(),
        admin_listen: Some("127.0.0.1:0".parse().unwrap()),
        endpoint: None,
        access: Access::Open,
        home: Home {
            account: "123456789012".to_owned(),
            region: "eu-west-1".to_owned(),
        },
        fallback: None,
        max_body: 64 * 1024,
        audit: None,
        upkeep: Upkeep {
            backups: None,
            every: Duration::from_mins(1),
            events: SignedDuration::from_hours(1),
        },
        grace: Duration::from_secs(10),
        metrics: Metrics::new(),
        refresh: Box::new(|_| {}),
        clock: Clock::new(|| NOW.parse().unwrap()),
        ids: RequestIds::seeded(7),
    }
}

/// Keys of a text.
pub(crate) fn keys(text: &str) -> Access {
    Access::Keys(KeyRing::parse(text, std::path::Path::new("keys.yaml")).unwrap())
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The status and code of a refusal, and what it says.
    pub(crate) fn refusal(&self) -> (u16, String, String) {
        let body = self.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), text("__type"), text("message"))
    }
}

/// A server that runs, and its store.
pub(crate) struct Server {
    pub(crate) running: Running,
    pub(crate) store: Arc<dyn Store>,
}

impl Server {
    pub(crate) async fn start(setup: Setup) -> Self {
        let store = Arc::clone(&setup.store);
        let running = Running::start(setup).await.unwrap();
        Self { running, store }
    }

    /// Sends bytes and reads until the server closes the connection.
    pub(crate) async fn raw(&self, request: &[u8]) -> Answer {
        raw(self.running.address, request).await
    }

    /// Asks for an operation, unsigned.
    pub(crate) async fn ask(&self, operation: &str, input: &Value) -> Answer {
        self.post(
            &[("X-Amz-Target", &format!("{TARGET_PREFIX}.{operation}"))],
            &input.to_string(),
        )
        .await
    }

    /// The output of an operation that is not refused.
    pub(crate) async fn ok(&self, operation: &str, input: Value) -> Value {
        let answer = self.ask(operation, &input).await;
        assert_eq!(answer.status, StatusCode::OK, "{operation}: {}", answer.body);
        answer.json()
    }

    /// Posts a body to the root with these headers.
    pub(crate) async fn post(&self, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = format!(
            "POST / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.running.address
        );
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            let _ = write!(request, "Content-Type: {MEDIA_TYPE}\r\n");
        }
        for (name, value) in headers {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        let _ = write!(request, "Content-Length: {}\r\n\r\n{body}", body.len());
        self.raw(request.as_bytes()).await
    }

    /// Gets a path of the admin port.
    pub(crate) async fn admin(&self, path: &str) -> Answer {
        let address = self.running.admin_address.unwrap();
        raw(
            address,
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .await
    }
}

/// Sends bytes and reads until the server closes the connection.
pub(crate) async fn raw(address: std::net::SocketAddr, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    parse(&bytes)
}

/// The answer in what a server has sent.
pub(crate) fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (head, body) = text
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer in {text:?}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(
            http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
            value.parse().unwrap(),
        );
    }
    Answer {
        status: status.parse().unwrap(),
        headers,
        body: body.to_owned(),
    }
}
