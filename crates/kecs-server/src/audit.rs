//! The audit log: a line of JSON for each request, written behind the last and never changed.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use uuid::Uuid;

#[cfg(test)]
mod tests;

/// How many lines may wait to be written; further requests wait until there is room.
const WAITING: usize = 4096;

/// How long lines are gathered before they are written, where they are not forced to disk each time: a write for each
/// line would cost more than to answer the request.
const GATHER: Duration = Duration::from_millis(10);

/// When lines are forced to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sync {
    /// Whenever lines were written, before the next are.
    Batch,
    /// Once a second while there is something to force.
    Second,
    /// When the system sees fit.
    Never,
}

impl Sync {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Batch, Self::Second, Self::Never];

    /// Its name in settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Second => "second",
            Self::Never => "never",
        }
    }
}

/// How the log is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The file.
    pub path: PathBuf,
    /// When lines are forced to disk.
    pub sync: Sync,
    /// From so many bytes on, a new file is begun.
    pub max_bytes: u64,
    /// How many full files are kept: `audit.jsonl.1` is the newest of them.
    pub keep: u32,
}

/// What is written down of a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry<'a> {
    /// When it was received.
    pub time: Timestamp,
    /// Its id.
    pub request_id: Uuid,
    /// The ARN of who asked, if that is known.
    pub principal: Option<&'a str>,
    /// Their account.
    pub account: Option<&'a str>,
    /// The region.
    pub region: Option<&'a str>,
    /// What was asked for.
    pub operation: &'a str,
    /// What it was about, by ARN.
    pub resources: &'a [String],
    /// `OK`, or the code of the refusal.
    pub outcome: &'a str,
}

/// Why the log cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} the audit log {path}")]
pub struct AuditError {
    doing: &'static str,
    path: PathBuf,
    source: std::io::Error,
}

/// The log. Lines are written in the order in which they come.
#[derive(Debug)]
pub struct Audit {
    lines: mpsc::Sender<Vec<u8>>,
    lost: Arc<AtomicU64>,
}

impl Audit {
    /// Opens the log, and begins to write what comes. The handle ends once the log is dropped and all is on disk.
    pub fn open(settings: Settings) -> Result<(Self, JoinHandle<()>), AuditError> {
        let writer = Writer::open(settings)?;
        let (lines, waiting) = mpsc::channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let written = tokio::spawn(write(writer, waiting, Arc::clone(&lost)));
        Ok((Self { lines, lost }, written))
    }

    /// Hands an entry over to be written. Waits only while too many others do.
    pub async fn write(&self, entry: &Entry<'_>) {
        // Strings and numbers only: it can be written as JSON.
        let Ok(mut line) = serde_json::to_vec(entry) else {
            return;
        };
        line.push(b'\n');
        if self.lines.send(line).await.is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many lines could not be written.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

async fn write(mut writer: Writer, mut waiting: mpsc::Receiver<Vec<u8>>, lost: Arc<AtomicU64>) {
    let mut batch = Vec::new();
    let mut force_at: Option<Instant> = None;
    loop {
        let received = match force_at {
            None => Some(waiting.recv_many(&mut batch, WAITING).await),
            Some(at) => tokio::time::timeout_at(at, waiting.recv_many(&mut batch, WAITING))
                .await
                .ok(),
        };
        let lines = std::mem::take(&mut batch);
        let over = received == Some(0);
        let force = match writer.settings.sync {
            Sync::Batch => true,
            Sync::Second => over || received.is_none() || force_at.is_some_and(|at| at <= Instant::now()),
            Sync::Never => false,
        };
        let count = lines.len() as u64;
        let done = tokio::task::spawn_blocking(move || {
            let outcome = writer
                .append(&lines)
                .and_then(|()| if force { writer.force() } else { Ok(()) });
            (writer, outcome)
        });
        let Ok((returned, outcome)) = done.await else {
            tracing::error!("the audit log is no longer written");
            return;
        };
        writer = returned;
        if let Err(error) = outcome {
            lost.fetch_add(count, Ordering::Relaxed);
            tracing::error!(
                error = &error as &dyn std::error::Error,
                lines = count,
                "write the audit log"
            );
        }
        force_at = match writer.settings.sync {
            Sync::Second if !force => force_at.or_else(|| Some(Instant::now() + Duration::from_secs(1))),
            Sync::Second | Sync::Batch | Sync::Never => None,
        };
        if over {
            return;
        }
        if writer.settings.sync != Sync::Batch {
            tokio::time::sleep(GATHER).await;
        }
    }
}

/// The file that lines go to.
struct Writer {
    settings: Settings,
    file: File,
    bytes: u64,
}

impl Writer {
    fn open(settings: Settings) -> Result<Self, AuditError> {
        let file = open(&settings.path)?;
        let bytes = file
            .metadata()
            .map_err(|source| fault("measure", &settings.path, source))?
            .len();
        Ok(Self {
            settings,
            file,
            bytes,
        })
    }

    /// Writes lines, each of them whole into one file.
    fn append(&mut self, lines: &[Vec<u8>]) -> Result<(), AuditError> {
        let mut together = Vec::new();
        for line in lines {
            let bytes = self.bytes + together.len() as u64;
            if bytes > 0 && bytes + line.len() as u64 > self.settings.max_bytes {
                self.put(&together)?;
                together.clear();
                self.rotate()?;
            }
            together.extend_from_slice(line);
        }
        self.put(&together)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), AuditError> {
        self.bytes += bytes.len() as u64;
        let put = self.file.write_all(bytes);
        put.map_err(|source| fault("write to", &self.settings.path, source))
    }

    fn force(&mut self) -> Result<(), AuditError> {
        let forced = self.file.sync_data();
        forced.map_err(|source| fault("force to disk", &self.settings.path, source))
    }

    /// Begins a new file: the full ones move on by one, and the last of them goes.
    fn rotate(&mut self) -> Result<(), AuditError> {
        self.force()?;
        let path = self.settings.path.clone();
        let at = |number: u32| {
            let mut name = path.clone().into_os_string();
            if number > 0 {
                name.push(format!(".{number}"));
            }
            PathBuf::from(name)
        };
        for number in (0..self.settings.keep).rev() {
            let (from, to) = (at(number), at(number + 1));
            if from.exists() {
                std::fs::rename(&from, to).map_err(|source| fault("rename", &from, source))?;
            }
        }
        if self.settings.keep == 0 {
            std::fs::remove_file(&path).map_err(|source| fault("remove", &path, source))?;
        }
        self.file = open(&path)?;
        self.bytes = 0;
        Ok(())
    }
}

fn open(path: &Path) -> Result<File, AuditError> {
    use std::os::unix::fs::OpenOptionsExt as _;
    // It tells who did what: nobody else reads it.
    let opened = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path);
    opened.map_err(|source| fault("open", path, source))
}

fn fault(doing: &'static str, path: &Path, source: std::io::Error) -> AuditError {
    AuditError {
        doing,
        path: path.to_owned(),
        source,
    }
}
