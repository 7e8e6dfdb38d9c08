//! What is counted and measured, as `kecs_*` in the `OpenMetrics` text format.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use kecs_core::event::EventType;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Bounds of requests: from an answer out of the cache to one that waited for a disk that is busy.
const REQUEST_SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

/// Bounds of commits.
const COMMIT_SECONDS: [f64; 9] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    endpoint: &'static str,
    status: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClusterLabels {
    cluster: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TransitionLabels {
    from_state: String,
    to_state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TypeLabels {
    r#type: &'static str,
}

/// How a commit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitOutcome {
    /// It is durable.
    Committed,
    /// Another was faster.
    Conflict,
    /// The store could not.
    Failed,
}

impl CommitOutcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
        }
    }
}

/// All metrics of a server. Clones share what they count.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Histogram, fn() -> Histogram>,
    active_services: Family<ClusterLabels, Gauge>,
    transitions: Family<TransitionLabels, Counter>,
    commits: Family<OutcomeLabels, Histogram, fn() -> Histogram>,
    revision: Gauge,
    records_cached: Family<OutcomeLabels, Counter>,
    events: Family<TypeLabels, Counter>,
    subscribers: Gauge,
    events_lagged: Counter,
    audit_lost: Gauge,
    backups: Family<OutcomeLabels, Counter>,
    last_backup: Gauge,
    leading: Gauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

fn request_histogram() -> Histogram {
    Histogram::new(REQUEST_SECONDS)
}

fn commit_histogram() -> Histogram {
    Histogram::new(COMMIT_SECONDS)
}

impl Metrics {
    /// A fresh set, with a registry of its own: tests do not see each other's.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("kecs");
        let requests = Family::new_with_constructor(request_histogram as fn() -> Histogram);
        let commits = Family::new_with_constructor(commit_histogram as fn() -> Histogram);
        let metrics = Self {
            requests: requests.clone(),
            active_services: Family::default(),
            transitions: Family::default(),
            commits: commits.clone(),
            revision: Gauge::default(),
            records_cached: Family::default(),
            events: Family::default(),
            subscribers: Gauge::default(),
            events_lagged: Counter::default(),
            audit_lost: Gauge::default(),
            backups: Family::default(),
            last_backup: Gauge::default(),
            leading: Gauge::default(),
            registry: Arc::default(),
        };
        let seconds = Unit::Seconds;
        registry.register_with_unit(
            "api_request_duration",
            "How long a request takes",
            seconds,
            requests,
        );
        registry.register(
            "active_services",
            "Services that are ACTIVE, by the name of their cluster",
            metrics.active_services.clone(),
        );
        registry.register(
            "task_state_transitions",
            "Tasks that went from one status to another",
            metrics.transitions.clone(),
        );
        registry.register_with_unit(
            "store_commit_duration",
            "How long a commit takes until it is durable, or refused",
            Unit::Seconds,
            commits,
        );
        registry.register("store_revision", "The last commit", metrics.revision.clone());
        registry.register(
            "store_cache_lookups",
            "Records that were looked up in the cache",
            metrics.records_cached.clone(),
        );
        registry.register("events", "Events that were committed", metrics.events.clone());
        registry.register(
            "event_subscribers",
            "Subscribers to events",
            metrics.subscribers.clone(),
        );
        registry.register(
            "events_lagged",
            "Events that a subscriber was told to be behind by",
            metrics.events_lagged.clone(),
        );
        registry.register(
            "audit_lines_lost",
            "Lines of the audit log that could not be written",
            metrics.audit_lost.clone(),
        );
        registry.register("backups", "Backups that were made", metrics.backups.clone());
        registry.register(
            "last_backup_timestamp_seconds",
            "When the last backup was made",
            metrics.last_backup.clone(),
        );
        registry.register(
            "leading",
            "Whether this server keeps services and tasks as they should be",
            metrics.leading.clone(),
        );
        Self {
            registry: Arc::new(registry),
            ..metrics
        }
    }

    /// A request was answered.
    pub fn request(&self, method: &Method, endpoint: &'static str, status: u16, took: Duration) {
        let labels = RequestLabels {
            method: method_name(method),
            endpoint,
            status: u32::from(status),
        };
        self.requests.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// A cluster has so many active services.
    pub fn active_services(&self, cluster: &str, services: i64) {
        let labels = ClusterLabels {
            cluster: cluster.to_owned(),
        };
        self.active_services.get_or_create(&labels).set(services);
    }

    /// A task went from one status to another.
    pub fn transition(&self, from_state: &str, to_state: &str) {
        let labels = TransitionLabels {
            from_state: from_state.to_owned(),
            to_state: to_state.to_owned(),
        };
        self.transitions.get_or_create(&labels).inc();
    }

    /// A commit has ended.
    pub fn commit(&self, outcome: CommitOutcome, took: Duration) {
        let labels = OutcomeLabels {
            outcome: outcome.name(),
        };
        self.commits.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// The store has come to this commit.
    pub fn revision(&self, revision: u64) {
        self.revision.set(i64::try_from(revision).unwrap_or(i64::MAX));
    }

    /// So many records were found in the cache, and so many were not, since the server was started.
    pub fn cache(&self, hits: u64, misses: u64) {
        for (outcome, count) in [("hit", hits), ("miss", misses)] {
            let counter = self
                .records_cached
                .get_or_create_owned(&OutcomeLabels { outcome });
            counter.inc_by(count.saturating_sub(counter.get()));
        }
    }

    /// An event was committed.
    pub fn event(&self, kind: EventType) {
        self.events
            .get_or_create(&TypeLabels { r#type: kind.name() })
            .inc();
    }

    /// Somebody subscribes to events.
    pub fn subscribed(&self) {
        self.subscribers.inc();
    }

    /// A subscriber has gone.
    pub fn unsubscribed(&self) {
        self.subscribers.dec();
    }

    /// A subscriber was told that it is behind by so many events.
    pub fn lagged(&self, events: u64) {
        self.events_lagged.inc_by(events);
    }

    /// So many lines of the audit log could not be written, all in all.
    pub fn audit_lost(&self, lines: u64) {
        self.audit_lost.set(i64::try_from(lines).unwrap_or(i64::MAX));
    }

    /// A backup was made at this time (seconds since 1970), or could not be.
    pub fn backup(&self, made_at: Option<i64>) {
        let outcome = if made_at.is_some() { "made" } else { "failed" };
        self.backups.get_or_create(&OutcomeLabels { outcome }).inc();
        if let Some(seconds) = made_at {
            self.last_backup.set(seconds);
        }
    }

    /// This server leads, until its process ends.
    pub fn leads(&self) {
        self.leading.set(1);
    }

    /// The text of all of them.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail, and a metric that cannot be written is not worth a crash.
        if encode(&mut text, &self.registry).is_err() {
            text.push_str("# EOF\n");
        }
        text
    }
}

/// Methods by name; those that nobody sends share one.
fn method_name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "PATCH" => "PATCH",
        _ => "OTHER",
    }
}
