//! Requests that nobody should send, on a KECS server: whatever comes, it says what is wrong with it, and lives.
//!
//! A finding is an answer with a status of 500 or more, one that is no HTTP, a connection that is closed although all
//! that was sent on it was whole, and a panic in the log. The requests are the same for the same seed, but for what
//! they take up from the answers.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks on stdout and stderr"
)]

mod input;
mod request;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use clients::random::Random;
use clients::server::{Access, Server, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::input::Known;
use crate::request::{Sent, request};

/// How long a whole request may be without its answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the server is waited for after a request that is not whole: it may wait for the rest.
const RESTLESS: Duration = Duration::from_millis(50);
/// Less than this is no answer.
const FIRST_LINE: &[u8] = b"HTTP/1.1 200";

#[derive(Debug, Parser)]
#[command(name = "fuzz")]
struct Arguments {
    /// For how long.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// From what the requests are made; printed, so that they can be made again.
    #[arg(long)]
    seed: Option<u64>,
    /// How many connections there are at a time.
    #[arg(long, default_value_t = 8)]
    connections: u64,
}

/// How often there was what.
#[derive(Debug, Default)]
struct Told {
    statuses: BTreeMap<u16, u64>,
    codes: BTreeMap<String, u64>,
    unanswered: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let Arguments {
        seconds,
        seed,
        connections,
    } = Arguments::parse();
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()) ^ 0x5eed);
    println!("seed {seed}");
    let server = Server::start(Access::Open, Store::Sqlite);
    let end = Instant::now() + Duration::from_secs(seconds);
    let told = Arc::new(Mutex::new(Told::default()));
    let known = Arc::new(Mutex::new(Known::default()));
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..connections {
        let random = Random::new(seed ^ number.rotate_left(32));
        let address = server.address.clone();
        asking.spawn(ask(address, random, end, Arc::clone(&told), Arc::clone(&known)));
    }
    let mut found = None;
    while let Some(ended) = asking.join_next().await {
        // The others are ended with the first that finds something.
        if let Ok(Err(error)) = ended {
            found = Some(error);
            asking.abort_all();
        }
    }
    let told = told.lock().await;
    let all: u64 = told.statuses.values().sum::<u64>() + told.unanswered;
    println!(
        "{all} requests; {} were not whole and got no answer",
        told.unanswered
    );
    for (status, count) in &told.statuses {
        println!("{status}: {count}");
    }
    for (code, count) in &told.codes {
        println!("{code}: {count}");
    }
    let log = server.log()?;
    ensure!(!log.contains("panicked"), "the server has panicked:\n{log}");
    if let Some(error) = found {
        bail!("found: {error:#}");
    }
    Ok(())
}

/// Asks until it is time, on a new connection whenever the last one is over.
async fn ask(
    address: String,
    mut random: Random,
    end: Instant,
    told: Arc<Mutex<Told>>,
    known: Arc<Mutex<Known>>,
) -> Result<()> {
    let mut stream = None;
    while Instant::now() < end {
        let sent = {
            let known = known.lock().await;
            request(&mut random, &known)
        };
        let mut connection = match stream.take() {
            Some(connection) => connection,
            None => TcpStream::connect(&address).await.context("the server is gone")?,
        };
        let answer = exchange(&mut connection, &sent)
            .await
            .with_context(|| sent.shown())?;
        let mut told = told.lock().await;
        match answer {
            None => told.unanswered += 1,
            Some(answer) => {
                let status = answer.status;
                *told.statuses.entry(status).or_default() += 1;
                ensure!(status < 500, "status {status} for\n{}", sent.shown());
                let body = serde_json::from_slice(&answer.body).unwrap_or_default();
                if status == 200 {
                    known.lock().await.learn(&body);
                } else if let Some(code) = body["__type"].as_str() {
                    *told.codes.entry(code.to_owned()).or_default() += 1;
                }
                if sent.whole && !answer.closes {
                    stream = Some(connection);
                }
            }
        }
    }
    Ok(())
}

/// What came back.
struct Answer {
    status: u16,
    closes: bool,
    body: Vec<u8>,
}

/// Sends, and reads the answer; none where the request was not whole and the server waits for the rest or goes away.
async fn exchange(stream: &mut TcpStream, sent: &Sent) -> Result<Option<Answer>> {
    let patience = if sent.whole { PATIENCE } else { RESTLESS };
    let mut read = Vec::new();
    // The server may answer, and close, before it has read everything.
    let written = stream.write_all(&sent.bytes).await;
    let answer = timeout(patience, async {
        loop {
            if let Some(answer) = answer(&read, sent.bytes.starts_with(b"HEAD "))? {
                return Ok(Some(answer));
            }
            match stream.read_buf(&mut read).await {
                Ok(count) if count > 0 => {}
                Ok(_) | Err(_) if read.is_empty() => return Ok(None),
                Ok(_) | Err(_) => bail!("an answer that breaks off: {}", String::from_utf8_lossy(&read)),
            }
        }
    });
    match answer.await {
        Ok(Err(error)) => Err(error),
        Ok(Ok(Some(answer))) => Ok(Some(answer)),
        Ok(Ok(None)) | Err(_) if !sent.whole => Ok(None),
        Ok(Ok(None)) => {
            written.context("send")?;
            bail!("the connection was closed without an answer")
        }
        Err(_) => bail!("no answer in {} s", patience.as_secs()),
    }
}

/// The answer, once all of it is there; that to HEAD has no body, whatever length it tells.
fn answer(read: &[u8], to_head: bool) -> Result<Option<Answer>> {
    let begins = read.len().min(5);
    ensure!(
        read[..begins] == FIRST_LINE[..begins],
        "an answer that is no HTTP: {}",
        String::from_utf8_lossy(read)
    );
    let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&read[..end]).context("the head of an answer")?;
    let status: u16 = head
        .get(9..12)
        .and_then(|it| it.parse().ok())
        .context("the status of an answer")?;
    let header = |wanted: &str| {
        head.lines().skip(1).find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then(|| value.trim())
        })
    };
    let length = header("content-length").filter(|_| !to_head);
    let length: usize = length
        .map_or(Ok(0), str::parse)
        .context("the length of an answer")?;
    let body = &read[end + 4..];
    Ok((body.len() >= length).then(|| Answer {
        status,
        closes: header("connection").is_some_and(|it| it.eq_ignore_ascii_case("close")),
        body: body[..length].to_vec(),
    }))
}
