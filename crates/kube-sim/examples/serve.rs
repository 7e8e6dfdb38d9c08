//! Serves an empty cluster on loopback until it is stopped: `cargo run -p kube-sim --example serve -- kubeconfig`.
#![allow(clippy::print_stdout, reason = "it tells where the kubeconfig is")]

use std::path::PathBuf;

use kube_sim::{ApiServer, Clock, serve_https, write_kubeconfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "kubeconfig".to_owned()));
    #[allow(
        clippy::disallowed_methods,
        reason = "a program for people runs by the clock on their wall"
    )]
    let server = ApiServer::new(Clock::new(jiff::Timestamp::now));
    let running = serve_https(server, ([127, 0, 0, 1], 0).into()).await?;
    write_kubeconfig(&path, &running.kubeconfig)?;
    println!("export KUBECONFIG={}", path.display());
    tokio::signal::ctrl_c().await?;
    running.shutdown().await;
    Ok(())
}
