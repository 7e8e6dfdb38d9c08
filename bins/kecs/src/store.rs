//! The store, and the commands that look after it.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ArgMatches;
use kecs_server::metrics::Metrics;
use kecs_store::Store;
use kecs_store::cached::{CacheStats, Cached};
#[cfg(feature = "duckdb")]
use kecs_store::duckdb::DuckDb;
use kecs_store::memory::Memory;
#[cfg(feature = "postgres")]
use kecs_store::postgres::Postgres;
use kecs_store::sqlite::Sqlite;

use crate::config::Engine;
use crate::process;

mod restore;

/// A store, and what is told of its cache where it has one.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) refresh: Box<dyn Fn(&Metrics) + Send + Sync>,
}

/// Opens the store with a cache in front of it, of so many records for so long.
pub(crate) fn open_cached(engine: &Engine, entries: u64, ttl: Duration) -> Result<Opened> {
    match engine {
        Engine::Sqlite(path) if entries > 0 => cached(sqlite(path)?, entries, ttl),
        #[cfg(feature = "postgres")]
        Engine::Postgres(url) if entries > 0 => cached(Postgres::open(url)?, entries, ttl),
        // What is in memory needs no cache, and one that holds nothing is none.
        Engine::Memory | Engine::Sqlite(_) | Engine::DuckDb(_) | Engine::Postgres(_) => Ok(Opened {
            store: open(engine)?,
            refresh: Box::new(|_| {}),
        }),
    }
}

fn cached(store: impl Store + 'static, entries: u64, ttl: Duration) -> Result<Opened> {
    let cached = Arc::new(Cached::new(store, entries, ttl)?);
    let told = Arc::clone(&cached);
    let refresh = move |metrics: &Metrics| {
        let CacheStats { hits, misses, .. } = told.cache_stats();
        metrics.cache(hits, misses);
    };
    Ok(Opened {
        store: cached,
        refresh: Box::new(refresh),
    })
}

/// Opens the store, and makes it where there is none.
fn open(engine: &Engine) -> Result<Arc<dyn Store>> {
    match engine {
        Engine::Memory => {
            let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
            Ok(Arc::new(Memory::new(high ^ low)))
        }
        Engine::Sqlite(path) => Ok(Arc::new(sqlite(path)?)),
        Engine::DuckDb(folder) => duckdb(folder),
        Engine::Postgres(url) => postgres(url, true),
    }
}

#[cfg(feature = "duckdb")]
fn duckdb(folder: &Path) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(DuckDb::open(folder)?))
}

#[cfg(not(feature = "duckdb"))]
fn duckdb(_folder: &Path) -> Result<Arc<dyn Store>> {
    bail!("this build keeps nothing in DuckDB: it was built without the feature `duckdb`")
}

#[cfg(feature = "postgres")]
fn postgres(url: &str, make: bool) -> Result<Arc<dyn Store>> {
    let opened = if make {
        Postgres::open(url)
    } else {
        Postgres::open_existing(url)
    };
    Ok(Arc::new(opened?))
}

#[cfg(not(feature = "postgres"))]
fn postgres(_url: &str, _make: bool) -> Result<Arc<dyn Store>> {
    bail!("this build keeps nothing in PostgreSQL: it was built without the feature `postgres`")
}

fn sqlite(path: &Path) -> Result<Sqlite> {
    if let Some(directory) = path.parent() {
        make_directory(directory)?;
    }
    Ok(Sqlite::open(path)?)
}

/// Makes the data directory where there is none.
pub(crate) fn make_directory(directory: &Path) -> Result<()> {
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory);
    made.with_context(|| format!("make the data directory {}", directory.display()))
}

/// Opens a store that is there already.
fn open_existing(engine: &Engine) -> Result<Arc<dyn Store>> {
    match engine {
        Engine::Memory => bail!("the store `memory` lives within a server: there is nothing to open"),
        Engine::Sqlite(path) if !path.exists() => bail!("there is no store at {}", path.display()),
        Engine::DuckDb(folder) if !folder.join("kecs.duckdb").exists() => {
            bail!("there is no store in {}", folder.display())
        }
        Engine::Sqlite(_) | Engine::DuckDb(_) => open(engine),
        Engine::Postgres(url) => postgres(url, false),
    }
}

/// Does what a command says.
pub(crate) async fn run(verb: &str, flags: &ArgMatches, engine: Engine) -> Result<()> {
    let path = |name: &str| {
        flags
            .try_get_one::<String>(name)
            .ok()
            .flatten()
            .cloned()
            .unwrap_or_default()
    };
    match verb {
        "check" => check(&*open_existing(&engine)?),
        "export" => export(&*open_existing(&engine)?, &path("out")),
        "import" => {
            let file = path("in");
            let lines: Box<dyn std::io::BufRead + Send> = if file == "-" {
                Box::new(BufReader::new(std::io::stdin()))
            } else {
                let opened = File::open(&file).with_context(|| format!("open {file}"))?;
                Box::new(BufReader::new(opened))
            };
            let read = open(&engine)?.import(lines).await?;
            process::print(&format!("imported up to revision {}\n", read.head.revision))
        }
        "backup" => {
            if let Engine::Postgres(_) = engine {
                bail!(
                    "`backup` copies the file of the store `sqlite`: use `export` or pg_dump for PostgreSQL"
                );
            }
            let out = path("out");
            open_existing(&engine)?.backup(Path::new(&out)).await?;
            process::print(&format!("backed up to {out}\n"))
        }
        "restore" => restore::restore(&engine, Path::new(&path("in")), flags.get_flag("force")),
        other => bail!("there is no command `{other}`"),
    }
}

fn check(store: &dyn Store) -> Result<()> {
    let findings = store.check()?;
    if findings.is_empty() {
        let stats = store.stats()?;
        let records: u64 = stats.kinds.iter().map(|kind| kind.records).sum();
        let (head, events) = (stats.head, stats.events);
        return process::print(&format!(
            "nothing is wrong: {records} records, {events} events, revision {}\n",
            head.revision
        ));
    }
    for finding in &findings {
        process::print(&format!("{finding}\n"))?;
    }
    bail!("{} things are wrong with what is kept", findings.len())
}

fn export(store: &dyn Store, out: &str) -> Result<()> {
    if out == "-" {
        let mut writer = BufWriter::new(std::io::stdout().lock());
        store.export(&mut writer)?;
        return writer.flush().context("write to standard output");
    }
    // It may hold what containers are given as environment: nobody else reads it.
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(out);
    let mut writer = BufWriter::new(file.with_context(|| format!("make {out}"))?);
    let written = store.export(&mut writer)?;
    let file = writer.into_inner().with_context(|| format!("write {out}"))?;
    file.sync_all().with_context(|| format!("write {out}"))?;
    process::print(&format!("exported up to revision {}\n", written.head.revision))
}
