//! The table of settings.

use super::Setting;

const fn setting(
    name: &'static str,
    value: &'static str,
    default: Option<&'static str>,
    help: &'static str,
) -> Setting {
    Setting {
        name,
        default,
        value,
        help,
    }
}

/// All settings, in the order in which people read of them.
pub const SETTINGS: &[Setting] = &[
    setting("listen", "ADDR", Some("127.0.0.1:5373"), "Where the API answers"),
    setting(
        "admin-listen",
        "ADDR",
        Some("127.0.0.1:5374"),
        "Where health, readiness, metrics and profiles answer; `none`: nowhere",
    ),
    setting(
        "endpoint",
        "URL",
        None,
        "The URL under which clients reach the API, where that is not the address that it listens on",
    ),
    setting(
        "store",
        "STORE",
        Some("sqlite"),
        "Where records are kept: `sqlite` (a file in the data directory), `memory` (nowhere), `duckdb` (a file for analysis, in builds with that feature), or a `postgres://` URL (a database, which servers can share)",
    ),
    setting(
        "data-dir",
        "PATH",
        Some("kecs-data"),
        "The directory of the store, its backups and the audit log",
    ),
    setting(
        "account-id",
        "DIGITS",
        Some("000000000000"),
        "The account of callers whose key names none, twelve digits",
    ),
    setting(
        "region",
        "NAME",
        Some("us-east-1"),
        "The region of requests without a signature",
    ),
    setting(
        "auth",
        "MODE",
        None,
        "Who may ask: `open` (anybody, on loopback only) or `keys`; without it, `keys` where keys are given",
    ),
    setting(
        "keys",
        "PATH",
        None,
        "The file of access keys and what they may be used for",
    ),
    setting(
        "fallback-endpoint",
        "URL",
        None,
        "Where requests for other AWS services are passed on to",
    ),
    setting(
        "max-body",
        "BYTES",
        Some("4194304"),
        "The largest body that is read",
    ),
    setting(
        "stop-grace",
        "DURATION",
        Some("10s"),
        "How long requests under way get to finish when the server stops",
    ),
    setting(
        "cache-entries",
        "N",
        Some("1024"),
        "How many records the cache in front of the store holds; 0: none",
    ),
    setting(
        "cache-ttl",
        "DURATION",
        Some("5m"),
        "For how long a record stays in the cache",
    ),
    setting(
        "event-retention",
        "DURATION",
        Some("7d"),
        "For how long events are kept; the newest 10000 always are",
    ),
    setting(
        "stopped-task-retention",
        "DURATION",
        Some("1h"),
        "For how long stopped tasks are told of",
    ),
    setting(
        "upkeep-interval",
        "DURATION",
        Some("1m"),
        "How often is looked for events that need not be kept",
    ),
    setting(
        "backup-interval",
        "DURATION",
        None,
        "How often a backup of the store `sqlite` is made; without it none is",
    ),
    setting("backup-keep", "N", Some("7"), "How many backups are kept"),
    setting(
        "backup-dir",
        "PATH",
        None,
        "The directory of backups; without it, `backups` in the data directory",
    ),
    setting(
        "audit-log",
        "PATH",
        None,
        "The audit log; `none`: none is written; without it, `audit.jsonl` in the data directory, and none with the \
         store `memory`",
    ),
    setting(
        "audit-sync",
        "MODE",
        Some("second"),
        "When lines of the audit log are forced to disk: each `batch`, once a `second`, or `never`",
    ),
    setting(
        "audit-max-bytes",
        "BYTES",
        Some("67108864"),
        "From how many bytes on the audit log begins a new file",
    ),
    setting(
        "audit-keep",
        "N",
        Some("8"),
        "How many full files of the audit log are kept",
    ),
    setting(
        "simulated-provisioning",
        "DURATION",
        Some("200ms"),
        "Simulated tasks: until what they need before their containers is there",
    ),
    setting(
        "simulated-pulling",
        "DURATION",
        Some("400ms"),
        "Simulated tasks: until an image is pulled",
    ),
    setting(
        "simulated-activating",
        "DURATION",
        Some("100ms"),
        "Simulated tasks: from the start of the containers until the task runs",
    ),
    setting(
        "simulated-health",
        "DURATION",
        Some("300ms"),
        "Simulated tasks: until a health check has said something",
    ),
    setting(
        "simulated-deactivating",
        "DURATION",
        Some("100ms"),
        "Simulated tasks: from the word to stop until the containers are told",
    ),
    setting(
        "simulated-stopping",
        "DURATION",
        Some("200ms"),
        "Simulated tasks: until the containers are stopped",
    ),
    setting(
        "simulated-deprovisioning",
        "DURATION",
        Some("200ms"),
        "Simulated tasks: until what they needed is given back",
    ),
    setting(
        "simulated-capacity",
        "N",
        None,
        "How many simulated tasks there is room for; without it, for any number",
    ),
    setting(
        "log",
        "FILTER",
        Some("info"),
        "What is logged, by module and level: `info,kecs_server=debug`",
    ),
    setting(
        "log-format",
        "FORMAT",
        Some("text"),
        "The form of a log line: `text` or `json`",
    ),
    setting(
        "otlp-endpoint",
        "URL",
        None,
        "Where traces are sent, by OTLP over HTTP: `http://localhost:4318`",
    ),
];
