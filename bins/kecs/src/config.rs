//! Settings as what they mean.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use kecs_server::audit;
use kecs_server::upkeep::{Backups, Upkeep};
use kecs_sim::Durations;
use telemetry::LogFormat;

use crate::settings::{Settings, SettingsError};

#[cfg(test)]
mod tests;

/// Where records are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// Nowhere but in memory.
    Memory,
    /// In a file.
    Sqlite(PathBuf),
    /// In a file of `DuckDB`, in this directory.
    DuckDb(PathBuf),
    /// In a database that others share.
    Postgres(String),
}

/// Who may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Anybody.
    Open,
    /// Who has a key of this file.
    Keys(PathBuf),
}

/// All that `kecs serve` needs to know.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where the API answers.
    pub listen: SocketAddr,
    /// Where the admin port answers.
    pub admin_listen: Option<SocketAddr>,
    /// The URL of the API.
    pub endpoint: Option<String>,
    /// Where records are kept.
    pub engine: Engine,
    /// The directory of the store.
    pub data_dir: PathBuf,
    /// The account of callers whose key names none.
    pub account: String,
    /// The region of requests without a signature.
    pub region: String,
    /// Who may ask.
    pub auth: Auth,
    /// Where requests for other services go.
    pub fallback: Option<String>,
    /// The largest body, in bytes.
    pub max_body: usize,
    /// How long requests under way get.
    pub grace: Duration,
    /// How many records the cache holds.
    pub cache_entries: u64,
    /// For how long.
    pub cache_ttl: Duration,
    /// Backups, and for how long events are kept.
    pub upkeep: Upkeep,
    /// For how long stopped tasks are told of.
    pub stopped_tasks: Duration,
    /// The audit log.
    pub audit: Option<audit::Settings>,
    /// How long simulated tasks take.
    pub durations: Durations,
    /// How many of them there is room for.
    pub capacity: Option<usize>,
    /// What is logged.
    pub log: String,
    /// In which form.
    pub log_format: LogFormat,
    /// Where traces are sent.
    pub otlp_endpoint: Option<String>,
}

impl Config {
    /// What the settings mean. Fails if a value cannot be, or if two do not go together.
    pub fn of(settings: &Settings) -> Result<Self, SettingsError> {
        let data_dir: PathBuf = settings.need("data-dir", path)?;
        let engine = settings.need("store", |store| engine(store, &data_dir))?;
        let simulated = |name| settings.need(name, duration);
        Ok(Self {
            listen: settings.need("listen", address)?,
            admin_listen: settings.need("admin-listen", |value| {
                if value == "none" {
                    Ok(None)
                } else {
                    address(value).map(Some)
                }
            })?,
            endpoint: settings.parse("endpoint", url)?,
            account: settings.need("account-id", account)?,
            region: settings.need("region", region)?,
            auth: auth(settings)?,
            fallback: settings.parse("fallback-endpoint", url)?,
            max_body: settings.need("max-body", some)?,
            grace: settings.need("stop-grace", duration)?,
            cache_entries: settings.need("cache-entries", number)?,
            cache_ttl: settings.need("cache-ttl", positive)?,
            upkeep: upkeep(settings, &engine, &data_dir)?,
            stopped_tasks: settings.need("stopped-task-retention", duration)?,
            audit: audit_settings(settings, &engine, &data_dir)?,
            durations: Durations {
                provisioning: simulated("simulated-provisioning")?,
                pulling: simulated("simulated-pulling")?,
                activating: simulated("simulated-activating")?,
                health: simulated("simulated-health")?,
                deactivating: simulated("simulated-deactivating")?,
                stopping: simulated("simulated-stopping")?,
                deprovisioning: simulated("simulated-deprovisioning")?,
            },
            capacity: settings.parse("simulated-capacity", number)?,
            log: settings.need("log", |filter| Ok(filter.to_owned()))?,
            log_format: settings.need("log-format", |format| {
                format.parse::<LogFormat>().map_err(|error| error.to_string())
            })?,
            otlp_endpoint: settings.parse("otlp-endpoint", plain_url)?,
            engine,
            data_dir,
        })
    }
}

/// Where records are kept, and nothing else: what the commands of the store need.
pub fn engine_of(settings: &Settings) -> Result<Engine, SettingsError> {
    let data_dir: PathBuf = settings.need("data-dir", path)?;
    settings.need("store", |store| engine(store, &data_dir))
}

fn engine(store: &str, data_dir: &std::path::Path) -> Result<Engine, String> {
    match store {
        "memory" => Ok(Engine::Memory),
        "sqlite" => Ok(Engine::Sqlite(data_dir.join("kecs.db"))),
        "duckdb" => Ok(Engine::DuckDb(data_dir.join("duckdb"))),
        url if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            Ok(Engine::Postgres(url.to_owned()))
        }
        _ => Err("`memory`, `sqlite`, `duckdb` and `postgres://` URLs are stores".to_owned()),
    }
}

fn auth(settings: &Settings) -> Result<Auth, SettingsError> {
    let keys = settings.parse("keys", path)?;
    let mode = settings.parse("auth", |mode| match mode {
        "open" | "keys" => Ok(mode.to_owned()),
        _ => Err("`open` and `keys` are modes".to_owned()),
    })?;
    match (mode.as_deref(), keys) {
        (Some("open") | None, None) => Ok(Auth::Open),
        (Some("open"), Some(_)) => {
            let message = "keys are given, but `auth` is `open`: nobody would need one";
            Err(SettingsError::Missing(message.to_owned()))
        }
        (_, Some(keys)) => Ok(Auth::Keys(keys)),
        (_, None) => Err(SettingsError::Missing(
            "`auth` is `keys`, so `keys` must be given".to_owned(),
        )),
    }
}

fn upkeep(settings: &Settings, engine: &Engine, data_dir: &std::path::Path) -> Result<Upkeep, SettingsError> {
    let directory = settings.parse("backup-dir", path)?;
    let keep = settings.need("backup-keep", some)?;
    let every = settings.parse("backup-interval", positive)?;
    if let (Engine::Postgres(_), Some(_)) = (engine, every) {
        let message = "`backup-interval` is for the store `sqlite`: PostgreSQL has backups of its own";
        return Err(SettingsError::Missing(message.to_owned()));
    }
    Ok(Upkeep {
        backups: every.map(|every| Backups {
            directory: directory.unwrap_or_else(|| data_dir.join("backups")),
            every,
            keep,
        }),
        every: settings.need("upkeep-interval", positive)?,
        events: settings.need("event-retention", signed)?,
    })
}

fn audit_settings(
    settings: &Settings,
    engine: &Engine,
    data_dir: &std::path::Path,
) -> Result<Option<audit::Settings>, SettingsError> {
    let path = match (settings.get("audit-log"), engine) {
        (Some("none"), _) | (None, Engine::Memory) => None,
        (Some(path), _) => Some(PathBuf::from(path)),
        (None, Engine::Sqlite(_) | Engine::DuckDb(_) | Engine::Postgres(_)) => {
            Some(data_dir.join("audit.jsonl"))
        }
    };
    let sync = settings.need("audit-sync", |mode| {
        let known = audit::Sync::ALL.iter().find(|sync| sync.name() == mode);
        known
            .copied()
            .ok_or_else(|| "`batch`, `second` and `never` are modes".to_owned())
    })?;
    let max_bytes = settings.need("audit-max-bytes", some)?;
    let keep = settings.need("audit-keep", number)?;
    Ok(path.map(|path| audit::Settings {
        path,
        sync,
        max_bytes,
        keep,
    }))
}

fn address(value: &str) -> Result<SocketAddr, String> {
    value
        .parse()
        .map_err(|_| "not an address and port, such as 127.0.0.1:5373".to_owned())
}

fn path(value: &str) -> Result<PathBuf, String> {
    if value.is_empty() {
        return Err("an empty path names nothing".to_owned());
    }
    Ok(PathBuf::from(value))
}

fn url(value: &str) -> Result<String, String> {
    if value.starts_with("http://") || value.starts_with("https://") {
        return Ok(value.trim_end_matches('/').to_owned());
    }
    Err("not a URL that begins with http:// or https://".to_owned())
}

/// A URL without TLS: traces go to a collector nearby.
fn plain_url(value: &str) -> Result<String, String> {
    if value.starts_with("http://") {
        return url(value);
    }
    Err("not a URL that begins with http://".to_owned())
}

fn account(value: &str) -> Result<String, String> {
    if value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(value.to_owned());
    }
    Err("not twelve digits".to_owned())
}

fn region(value: &str) -> Result<String, String> {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if (1..=32).contains(&value.len()) && value.bytes().all(known) {
        return Ok(value.to_owned());
    }
    Err("not a region, such as eu-west-1".to_owned())
}

fn number<T: std::str::FromStr>(value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| "not a number that can be here".to_owned())
}

/// A number above 0.
fn some<T: std::str::FromStr + Default + PartialEq>(value: &str) -> Result<T, String> {
    let number: T = number(value)?;
    if number == T::default() {
        return Err("must be more than 0".to_owned());
    }
    Ok(number)
}

/// A number and its unit: `200ms`, `30s`, `5m`, `1h`, `7d`.
fn duration(value: &str) -> Result<Duration, String> {
    let wrong = || "not a number with a unit: ms, s, m, h or d".to_owned();
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = value.split_at(digits);
    let count: u64 = count.parse().map_err(|_| wrong())?;
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        "d" => 24 * 60 * 60 * 1000,
        _ => return Err(wrong()),
    };
    // No longer than a century: deadlines are added to the time of day.
    let longest = 100 * 365 * 24 * 60 * 60 * 1000;
    let total = count.checked_mul(millis).filter(|total| *total <= longest);
    total
        .map(Duration::from_millis)
        .ok_or_else(|| "longer than a hundred years".to_owned())
}

fn positive(value: &str) -> Result<Duration, String> {
    let duration = duration(value)?;
    if duration.is_zero() {
        return Err("must be longer than nothing".to_owned());
    }
    Ok(duration)
}

fn signed(value: &str) -> Result<SignedDuration, String> {
    let duration = duration(value)?;
    SignedDuration::try_from(duration).map_err(|error| error.to_string())
}
