//! What answers without thinking.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// About as long as what KECS answers to `DescribeClusters`.
const ANSWER: &[u8] = br#"{"clusters":[{"activeServicesCount":1,"clusterArn":"arn:aws:ecs:us-east-1:123456789012:cluster/cluster-1","clusterName":"cluster-1","pendingTasksCount":0,"registeredContainerInstancesCount":0,"runningTasksCount":0,"settings":[],"statistics":[],"status":"ACTIVE","tags":[]}],"failures":[]}"#;

/// Answers until it is killed.
pub(crate) async fn run() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("listen")?;
    println!(
        "answers on http://{}",
        listener.local_addr().context("where it listens")?
    );
    loop {
        let (stream, _) = listener.accept().await.context("accept")?;
        tokio::spawn(async move {
            // A client that breaks off is the end of its connection, and no more.
            let _ = stream.set_nodelay(true);
            let service = service_fn(answer);
            let served =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            drop(served.await);
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
    use http_body_util::BodyExt as _;
    request.into_body().collect().await?;
    Ok(Response::new(Full::new(Bytes::from_static(ANSWER))))
}
