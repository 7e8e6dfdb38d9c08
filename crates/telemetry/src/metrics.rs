//! What is counted and measured, as `capt_*` in the `OpenMetrics` text format.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Bounds of a reconcile round: from an idle look at caches to a round of many writes.
const ROUND_SECONDS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 30.0];

/// Bounds of a Terraform run: from a plan without changes to an EKS cluster with its node groups.
const RUN_SECONDS: [f64; 10] = [5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0];

/// Which controller, and how its round ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RoundLabels {
    controller: String,
    result: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ControllerLabels {
    controller: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    kind: String,
    namespace: String,
    name: String,
    state: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunLabels {
    operation: String,
    outcome: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabels {
    class: String,
}

/// The object that a metric speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ObjectLabels<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// All metrics of a process. Clones share what they count.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    rounds: Family<RoundLabels, Counter>,
    round_seconds: Family<ControllerLabels, Histogram, fn() -> Histogram>,
    queue_depth: Family<ControllerLabels, Gauge>,
    states: Family<StateLabels, Gauge>,
    runs: Family<RunLabels, Counter>,
    run_seconds: Family<RunLabels, Histogram, fn() -> Histogram>,
    runs_active: Gauge,
    workspace_errors: Family<ClassLabels, Counter>,
    unreadable: Family<KindLabels, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// A fresh set, with a registry of its own: tests do not see each other's.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("capt");
        let rounds = Family::default();
        registry.register("reconcile", "Reconcile rounds", rounds.clone());
        let round_seconds = Family::new_with_constructor(round_histogram as fn() -> Histogram);
        registry.register_with_unit(
            "reconcile_duration",
            "How long a reconcile round takes",
            Unit::Seconds,
            round_seconds.clone(),
        );
        let queue_depth = Family::default();
        registry.register(
            "queue_depth",
            "Objects that wait for a round",
            queue_depth.clone(),
        );
        let states = Family::default();
        registry.register(
            "state",
            "The state of an object: 1 for the one it is in, else 0",
            states.clone(),
        );
        let runs = Family::default();
        registry.register("runs", "Terraform runs that have ended", runs.clone());
        let run_seconds = Family::new_with_constructor(run_histogram as fn() -> Histogram);
        registry.register_with_unit(
            "run_duration",
            "How long a Terraform run takes",
            Unit::Seconds,
            run_seconds.clone(),
        );
        let runs_active = Gauge::default();
        registry.register("runs_active", "Terraform runs under way", runs_active.clone());
        let workspace_errors = Family::default();
        registry.register(
            "workspace_errors",
            "Failures of Terraform runs by class",
            workspace_errors.clone(),
        );
        let unreadable = Family::default();
        registry.register(
            "unreadable_objects",
            "Objects that cannot be read and are left out",
            unreadable.clone(),
        );
        Self {
            registry: Arc::new(registry),
            rounds,
            round_seconds,
            queue_depth,
            states,
            runs,
            run_seconds,
            runs_active,
            workspace_errors,
            unreadable,
        }
    }

    /// One round of `controller` has ended with `result` (`ok`, `fault`, ...) after `took`.
    pub fn round(&self, controller: &str, result: &str, took: Duration) {
        self.rounds
            .get_or_create(&RoundLabels {
                controller: controller.to_owned(),
                result: result.to_owned(),
            })
            .inc();
        self.round_seconds
            .get_or_create(&ControllerLabels {
                controller: controller.to_owned(),
            })
            .observe(took.as_secs_f64());
    }

    /// So many objects of `controller` wait for a round.
    pub fn queue_depth(&self, controller: &str, depth: usize) {
        self.queue_depth
            .get_or_create(&ControllerLabels {
                controller: controller.to_owned(),
            })
            .set(i64::try_from(depth).unwrap_or(i64::MAX));
    }

    /// The object is in `state`, one of `all`.
    pub fn state(&self, object: ObjectLabels<'_>, state: &str, all: &[&str]) {
        for &candidate in all {
            self.states
                .get_or_create(&state_labels(object, candidate))
                .set(i64::from(candidate == state));
        }
    }

    /// The object is gone.
    pub fn forget(&self, object: ObjectLabels<'_>, all: &[&str]) {
        for &candidate in all {
            self.states.remove(&state_labels(object, candidate));
        }
    }

    /// So many objects of `kind` (`plural.group`) cannot be read.
    pub fn unreadable(&self, kind: &str, objects: usize) {
        self.unreadable
            .get_or_create(&KindLabels {
                kind: kind.to_owned(),
            })
            .set(i64::try_from(objects).unwrap_or(i64::MAX));
    }

    /// A Terraform run has begun.
    pub fn run_started(&self) {
        self.runs_active.inc();
    }

    /// A Terraform run has ended.
    pub fn run_ended(&self, operation: &str, outcome: &str, took: Duration) {
        self.runs_active.dec();
        let labels = RunLabels {
            operation: operation.to_owned(),
            outcome: outcome.to_owned(),
        };
        self.runs.get_or_create(&labels).inc();
        self.run_seconds
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    /// A Terraform run has failed with an error of this class.
    pub fn workspace_error(&self, class: &str) {
        self.workspace_errors
            .get_or_create(&ClassLabels {
                class: class.to_owned(),
            })
            .inc();
    }

    /// Everything, in the `OpenMetrics` text format.
    pub fn render(&self) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail, and a metric that cannot be written is not worth a crash.
        if encode(&mut text, &self.registry).is_err() {
            text.push_str("# EOF\n");
        }
        text
    }
}

fn round_histogram() -> Histogram {
    Histogram::new(ROUND_SECONDS)
}

fn run_histogram() -> Histogram {
    Histogram::new(RUN_SECONDS)
}

fn state_labels(object: ObjectLabels<'_>, state: &str) -> StateLabels {
    StateLabels {
        kind: object.kind.to_owned(),
        namespace: object.namespace.to_owned(),
        name: object.name.to_owned(),
        state: state.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [&str; 2] = ["Pending", "Ready"];
    const DEMO: ObjectLabels<'static> = ObjectLabels {
        kind: "CAPTCluster",
        namespace: "default",
        name: "demo",
    };

    fn has(metrics: &Metrics, line: &str) -> bool {
        metrics.render().lines().any(|candidate| candidate == line)
    }

    #[test]
    fn an_object_is_in_one_state_until_it_is_gone() {
        let metrics = Metrics::new();
        metrics.state(DEMO, "Pending", &STATES);
        metrics.state(DEMO, "Ready", &STATES);
        let line = |state: &str, value: u8| {
            format!(
                "capt_state{{kind=\"CAPTCluster\",namespace=\"default\",name=\"demo\",state=\"{state}\"}} {value}"
            )
        };
        assert!(has(&metrics, &line("Pending", 0)), "{}", metrics.render());
        assert!(has(&metrics, &line("Ready", 1)));
        metrics.forget(DEMO, &STATES);
        assert!(!metrics.render().contains("capt_state{"));
    }

    #[test]
    fn rounds_and_runs_are_counted_and_measured() {
        let metrics = Metrics::new();
        metrics.round("captcluster", "ok", Duration::from_millis(2));
        metrics.round("captcluster", "fault", Duration::from_millis(2));
        metrics.run_started();
        metrics.run_started();
        metrics.run_ended("Apply", "Failed", Duration::from_secs(20));
        metrics.workspace_error("quota");
        for line in [
            "capt_reconcile_total{controller=\"captcluster\",result=\"fault\"} 1",
            "capt_reconcile_duration_seconds_count{controller=\"captcluster\"} 2",
            "capt_reconcile_duration_seconds_bucket{le=\"0.001\",controller=\"captcluster\"} 0",
            "capt_reconcile_duration_seconds_bucket{le=\"0.005\",controller=\"captcluster\"} 2",
            "capt_runs_total{operation=\"Apply\",outcome=\"Failed\"} 1",
            "capt_run_duration_seconds_sum{operation=\"Apply\",outcome=\"Failed\"} 20.0",
            "capt_runs_active 1",
            "capt_workspace_errors_total{class=\"quota\"} 1",
        ] {
            assert!(has(&metrics, line), "{line}\n{}", metrics.render());
        }
    }
}
