//! The same load on several servers, one after the other.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clients::server::{Access, Server, Store};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::cluster;
use crate::measure::{self, Measured, percentiles};
use crate::mix::{ACCOUNT, Mix};

/// How long `moto_server` may take until it answers.
const START: Duration = Duration::from_mins(1);
/// How many times as fast as what is measured the load must be.
const CEILING: f64 = 3.0;

/// A process that is killed when nobody needs it any more.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        // It may be over already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures everything, and prints a table with a line for each server and mix, and one for each operation.
pub(crate) async fn run(moto: Option<&Path>, connections: usize, time: Duration) -> Result<()> {
    println!("{connections} connections, {} s each\n", time.as_secs());
    let mut lines = Vec::new();
    let mut tables = Vec::new();
    let mut line = |name: &str, mix: Mix, measured: &Measured, resident: u64, ready: Option<Duration>| {
        let times = percentiles(&measured.all()).join(" | ");
        let ready = ready.map_or_else(String::new, |it| format!("{:.2}", it.as_secs_f64()));
        lines.push(format!(
            "| {name} | {mix:?} | {:.0} | {times} | {} | {ready} |",
            measured.rate(),
            resident / 1024
        ));
        tables.push(format!("{name}, {mix:?}: {}", measured.table()));
        eprintln!("{name}, {mix:?}: {:.0} requests/s", measured.rate());
    };
    // What a build leaves for the disk to do would be measured with the server.
    clients::server::program();
    let (responder, address) = respond()?;
    let ceiling = measure::run(&address, Mix::Records, connections, time).await?;
    line(
        "a fixed answer",
        Mix::Records,
        &ceiling,
        resident(responder.0.id())?,
        None,
    );
    drop(responder);
    let cluster = cluster::start();
    let mut stores = vec![("KECS, SQLite", Store::Sqlite), ("KECS, memory", Store::Memory)];
    stores.extend(cluster.is_some().then(|| ("KECS, PostgreSQL", database())));
    for (name, store) in stores {
        for mix in [Mix::Records, Mix::Tasks] {
            let begun = Instant::now();
            let server = Server::start(Access::Open, store);
            let ready = begun.elapsed();
            let measured = measure::run(&server.address, mix, connections, time).await?;
            line(name, mix, &measured, resident(server.pid())?, Some(ready));
            if measured.rate() * CEILING > ceiling.rate() {
                println!("The load itself bounds {name}, {mix:?}: it is less than {CEILING} times as fast.");
            }
        }
    }
    drop(cluster);
    match moto {
        Some(program) => {
            let (server, address, ready) = start_moto(program).await?;
            let measured = measure::run(&address, Mix::Records, connections, time).await?;
            line(
                "moto_server",
                Mix::Records,
                &measured,
                resident(server.0.id())?,
                Some(ready),
            );
        }
        None => println!("not run: moto_server is not there"),
    }
    println!(
        "| server | mix | requests/s | p50 ms | p99 ms | p99.9 ms | MiB | ready s |\n|---|---|---:|---:|---:|---:|---:|---:|"
    );
    println!("{}\n\n{}", lines.join("\n"), tables.join("\n"));
    Ok(())
}

/// A database of the cluster that runs.
fn database() -> Store {
    cluster::sql("postgres", "CREATE DATABASE kecs");
    let url = format!("postgres:///kecs?host={}&user=kecs", cluster::sockets());
    // It is the only one, and needed to the end.
    Store::Postgres(url.leak())
}

/// What answers without thinking, in a process of its own.
fn respond() -> Result<(Started, String)> {
    let this = std::env::current_exe().context("this program")?;
    let child = Command::new(this).arg("respond").stdout(Stdio::piped()).spawn();
    let mut started = Started(child.context("start what answers")?);
    let stdout = started.0.stdout.take().context("what it says")?;
    let mut first = String::new();
    BufReader::new(stdout)
        .read_line(&mut first)
        .context("what it says")?;
    let address = first.trim().rsplit('/').next().unwrap_or_default().to_owned();
    Ok((started, address))
}

async fn start_moto(program: &Path) -> Result<(Started, String, Duration)> {
    let free = std::net::TcpListener::bind("127.0.0.1:0").context("a free port")?;
    let address = free.local_addr().context("a free port")?;
    drop(free);
    let begun = Instant::now();
    let child = Command::new(program)
        .args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
        .env("MOTO_ACCOUNT_ID", ACCOUNT)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let started = Started(child.context("start moto_server")?);
    while begun.elapsed() < START {
        if TcpStream::connect(address).await.is_ok() {
            return Ok((started, address.to_string(), begun.elapsed()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("moto_server does not answer");
}

/// How much memory a process holds, in KiB.
fn resident(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("the memory of a process")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line
        .and_then(|it| it.split_whitespace().next())
        .and_then(|it| it.parse().ok());
    kib.context("the memory of a process")
}
