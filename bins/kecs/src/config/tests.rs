use super::*;

fn config(args: &[&str]) -> Result<Config, String> {
    let command = crate::command();
    let matches = command.get_matches_from(["kecs", "serve"].iter().chain(args));
    let (_, flags) = matches.subcommand().unwrap();
    let settings = Settings::resolve(flags, |_| None, None).unwrap();
    Config::of(&settings).map_err(|error| error.to_string())
}

#[test]
fn without_a_word_it_is_an_open_server_with_a_file() {
    let config = config(&[]).unwrap();
    assert_eq!(config.listen, "127.0.0.1:5373".parse().unwrap());
    assert_eq!(config.admin_listen, Some("127.0.0.1:5374".parse().unwrap()));
    assert_eq!(config.engine, Engine::Sqlite("kecs-data/kecs.db".into()));
    assert_eq!(config.auth, Auth::Open);
    assert_eq!(
        (config.account.as_str(), config.region.as_str()),
        ("000000000000", "us-east-1")
    );
    assert_eq!(config.max_body, 4 << 20);
    assert_eq!(config.durations, Durations::default());
    assert_eq!(config.upkeep.backups, None);
    assert_eq!(config.upkeep.events, SignedDuration::from_hours(7 * 24));
    assert_eq!(config.stopped_tasks, Duration::from_hours(1));
    assert_eq!(config.audit.unwrap().path, PathBuf::from("kecs-data/audit.jsonl"));
}

#[test]
fn who_may_ask_follows_from_the_keys() {
    let auth = |args: &[&str]| config(args).map(|config| config.auth);
    assert_eq!(auth(&["--keys", "k"]), Ok(Auth::Keys("k".into())));
    assert_eq!(
        auth(&["--keys", "k", "--auth", "keys"]),
        Ok(Auth::Keys("k".into()))
    );
    assert_eq!(auth(&["--auth", "open"]), Ok(Auth::Open));
    assert_eq!(
        auth(&["--auth", "open", "--keys", "k"]),
        Err("keys are given, but `auth` is `open`: nobody would need one".to_owned())
    );
    assert_eq!(
        auth(&["--auth", "keys"]),
        Err("`auth` is `keys`, so `keys` must be given".to_owned())
    );
}

#[test]
fn backups_and_the_audit_log_lie_in_the_data_directory_unless_told() {
    let told = config(&[
        "--data-dir",
        "/d",
        "--backup-interval",
        "1h",
        "--backup-keep",
        "3",
    ])
    .unwrap();
    assert_eq!(
        told.upkeep.backups,
        Some(Backups {
            directory: "/d/backups".into(),
            every: Duration::from_hours(1),
            keep: 3,
        })
    );
    assert_eq!(told.audit.unwrap().path, PathBuf::from("/d/audit.jsonl"));
    let audit = |args: &[&str]| config(args).unwrap().audit.map(|audit| audit.path);
    assert_eq!(audit(&["--audit-log", "none"]), None);
    assert_eq!(audit(&["--store", "memory"]), None);
    assert_eq!(
        audit(&["--store", "memory", "--audit-log", "/a"]),
        Some("/a".into())
    );
}

#[test]
fn a_value_that_cannot_be_is_named_with_where_it_came_from() {
    for (name, value, why) in [
        (
            "listen",
            "5373",
            "not an address and port, such as 127.0.0.1:5373",
        ),
        (
            "admin-listen",
            "x",
            "not an address and port, such as 127.0.0.1:5373",
        ),
        (
            "endpoint",
            "localhost",
            "not a URL that begins with http:// or https://",
        ),
        (
            "store",
            "mysql",
            "`memory`, `sqlite`, `duckdb` and `postgres://` URLs are stores",
        ),
        ("data-dir", "", "an empty path names nothing"),
        ("account-id", "12345678901", "not twelve digits"),
        ("account-id", "12345678901x", "not twelve digits"),
        ("region", "EU", "not a region, such as eu-west-1"),
        ("auth", "none", "`open` and `keys` are modes"),
        ("max-body", "-1", "not a number that can be here"),
        ("max-body", "0", "must be more than 0"),
        ("backup-keep", "0", "must be more than 0"),
        ("audit-max-bytes", "0", "must be more than 0"),
        ("stop-grace", "10", "not a number with a unit: ms, s, m, h or d"),
        ("stop-grace", "1.5s", "not a number with a unit: ms, s, m, h or d"),
        ("stop-grace", "s", "not a number with a unit: ms, s, m, h or d"),
        ("upkeep-interval", "0s", "must be longer than nothing"),
        ("event-retention", "36501d", "longer than a hundred years"),
        (
            "event-retention",
            "18446744073709551615d",
            "longer than a hundred years",
        ),
        ("audit-sync", "always", "`batch`, `second` and `never` are modes"),
        ("otlp-endpoint", "https://x", "not a URL that begins with http://"),
        ("log-format", "xml", "`xml` is no log format: text and json are"),
    ] {
        let error = config(&[&format!("--{name}={value}")]).unwrap_err();
        assert_eq!(error, format!("`{name}` cannot be `{value}` (flag): {why}"));
    }
}

#[test]
fn durations_have_units() {
    for (text, millis) in [
        ("0ms", 0),
        ("200ms", 200),
        ("3s", 3000),
        ("2m", 120_000),
        ("1h", 3_600_000),
        ("7d", 604_800_000),
    ] {
        assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
    }
    assert_eq!(duration("36500d"), Ok(Duration::from_hours(24 * 36500)));
}

#[test]
fn the_defaults_of_simulated_tasks_are_those_of_the_simulation() {
    assert_eq!(
        config(&["--simulated-pulling", "3s"]).unwrap().durations.pulling,
        Duration::from_secs(3)
    );
    assert_eq!(config(&["--admin-listen", "none"]).unwrap().admin_listen, None);
    assert_eq!(
        config(&["--store", "duckdb"]).unwrap().engine,
        Engine::DuckDb("kecs-data/duckdb".into())
    );
    assert_eq!(
        config(&["--store", "postgres://u@h/d"]).unwrap().engine,
        Engine::Postgres("postgres://u@h/d".to_owned())
    );
    assert_eq!(
        config(&["--store", "postgresql://u@h/d", "--backup-interval", "1h"]).unwrap_err(),
        "`backup-interval` is for the store `sqlite`: PostgreSQL has backups of its own"
    );
    assert_eq!(
        config(&["--endpoint", "http://h:1/"]).unwrap().endpoint,
        Some("http://h:1".to_owned())
    );
}
