//! Writes down what happens: every change that people could see, and every Terraform operation.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use capt_terraform::SimulatedCloud;
use jiff::Timestamp;
use kube_sim::{After, ApiServer, Call, Hooks};
use serde_json::Value;
use tokio::sync::watch;

use crate::invariants::{Around, By};
use crate::manifest::Target;
use crate::moment::{Moment, Weight};
use crate::{facet, invariants};

/// The user agent of the operator's requests.
pub(crate) const OPERATOR: &str = "capt-operator";
/// The user agent of the script's requests.
pub(crate) const SCRIPT: &str = "user";

/// What the transcript shows, in the order in which the consequences of one write are listed.
const SHOWN: [&str; 9] = [
    "Namespace",
    "Cluster",
    "CAPTCluster",
    "CAPTControlPlane",
    "WorkspaceTemplate",
    "WorkspaceTemplateApply",
    "TerraformWorkspace",
    "Secret",
    "Event",
];

/// Sees every request and every step of Terraform.
pub(crate) struct Recorder {
    server: OnceLock<ApiServer>,
    cloud: SimulatedCloud,
    epoch: Timestamp,
    state: Mutex<State>,
    /// Counts the changes, to wake whoever waits for one.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    seen: BTreeMap<Target, Arc<Value>>,
    revision: u64,
    /// How many lines of the cloud's log are written down.
    logged: usize,
    violations: Vec<String>,
    /// Values that nobody may find outside of Secrets.
    secrets: Vec<String>,
    moment: Option<Moment>,
    /// The object whose status the script is about to take away.
    losing: Option<Target>,
}

impl Recorder {
    pub(crate) fn new(cloud: SimulatedCloud, epoch: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            server: OnceLock::new(),
            cloud,
            epoch,
            state: Mutex::default(),
            changes: watch::Sender::new(0),
        })
    }

    /// Starts to watch `server`; what is there already is not told.
    pub(crate) fn attach(self: &Arc<Self>, server: &ApiServer) {
        server.set_hooks(Some(self.clone()));
        assert!(
            self.server.set(server.clone()).is_ok(),
            "a recorder watches one server"
        );
        let mut state = self.state();
        state.seen = shown(server);
        state.revision = server.world().revision();
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn server(&self) -> &ApiServer {
        self.server.get().expect("attached before anything is asked")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_moment(&self, moment: Option<Moment>) {
        self.state().moment = moment;
    }

    /// Whether the moment that was set last has come.
    pub(crate) fn is_at_moment(&self) -> bool {
        self.state().moment.as_ref().is_some_and(Moment::is_past)
    }

    /// The next change of this object is the script's doing, and no invariant holds over it.
    pub(crate) fn expect_loss(&self, target: &Target) {
        self.state().losing = Some(target.clone());
    }

    /// Writes a line about `subject`.
    pub(crate) fn say(&self, subject: &str, text: &str) {
        let line = self.line(subject, text);
        self.state().lines.push(line);
    }

    /// Writes a line of the script itself.
    pub(crate) fn heading(&self, text: &str) {
        let at = self.server().clock().now();
        let line = format!("{:>9.3}  ==== {text}", seconds(at, self.epoch));
        self.state().lines.push(line);
    }

    /// Writes down what Terraform has begun since the last call; whether there was anything.
    pub(crate) fn flush(&self) -> bool {
        let log = self.cloud.log();
        let fresh = log.get(self.state().logged..).unwrap_or_default();
        for entry in fresh {
            let (label, what) = entry.split_once(": ").unwrap_or(("", entry));
            self.say(&format!("terraform {label}"), what);
        }
        self.state().logged = log.len();
        !fresh.is_empty()
    }

    /// Something happened that must never happen.
    pub(crate) fn violate(&self, violation: String) {
        let line = self.line("VIOLATION", &violation);
        let mut state = self.state();
        state.lines.push(line);
        state.violations.push(violation);
    }

    /// From now on nobody may find this value outside of Secrets.
    pub(crate) fn keep_secret(&self, value: &str) {
        // Shorter values come up by chance.
        if value.len() >= 12 {
            self.state().secrets.push(value.to_owned());
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.state().lines.clone()
    }

    pub(crate) fn clear(&self) {
        self.state().lines.clear();
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    fn line(&self, subject: &str, text: &str) -> String {
        let at = self.server().clock().now();
        format!("{:>9.3}  {subject:<51} {text}", seconds(at, self.epoch))
    }

    /// Compares the world with what was seen of it last; how much that has brought anything on.
    fn sweep(&self, server: &ApiServer, by: By) -> Option<Weight> {
        let world = server.world();
        let mut violations = Vec::new();
        let mut weight = None;
        {
            let mut state = self.state();
            if world.revision() == state.revision {
                return None;
            }
            state.revision = world.revision();
            let now = shown(server);
            let before = std::mem::replace(&mut state.seen, now.clone());
            let mut told = Vec::new();
            let losing = state.losing.take();
            for kind in SHOWN {
                let of_kind = |target: &&Target| target.kind == kind;
                let mut targets: Vec<_> = before.keys().chain(now.keys()).filter(of_kind).collect();
                targets.sort_unstable();
                targets.dedup();
                for target in targets {
                    let (was, is) = (before.get(target), now.get(target));
                    if was.zip(is).is_some_and(|(was, is)| Arc::ptr_eq(was, is)) {
                        continue;
                    }
                    weight = weight.max(weigh(target, was.map(|it| &**it), is.map(|it| &**it)));
                    let known = was.filter(|_| losing.as_ref() != Some(target));
                    violations.extend(invariants::check(
                        target,
                        known.map(|it| &**it),
                        is.map(|it| &**it),
                        &Around {
                            secrets: &state.secrets,
                            world: &now,
                            now: server.clock().now(),
                            by,
                        },
                    ));
                    if let Some(text) = tell(target, was.map(|it| &**it), is.map(|it| &**it), self.epoch) {
                        told.push(text);
                    }
                }
            }
            let lines = told.into_iter().map(|(subject, text)| self.line(&subject, &text));
            state.lines.extend(lines);
        }
        for violation in violations {
            self.violate(violation);
        }
        self.changes.send_modify(|count| *count += 1);
        weight
    }
}

/// How much a change brings an object on.
fn weigh(target: &Target, was: Option<&Value>, is: Option<&Value>) -> Option<Weight> {
    let (Some(was), Some(is)) = (was, is) else {
        return (target.kind != "Event").then_some(Weight::Milestone);
    };
    let marks = [
        "/status/state",
        "/status/run/id",
        "/metadata/finalizers",
        "/metadata/deletionTimestamp",
    ];
    let differs = |mark: &&str| was.pointer(mark) != is.pointer(mark);
    if marks.iter().any(&differs) {
        Some(Weight::Milestone)
    } else {
        differs(&"/status/run/stage").then_some(Weight::Stage)
    }
}

impl Hooks for Recorder {
    fn after(&self, call: &Call, code: u16) -> After {
        if !call.is_write() {
            return After::default();
        }
        self.flush();
        let server = self.server();
        let by = match &*call.user_agent {
            OPERATOR => By::Operator,
            SCRIPT => By::Script,
            _ => By::Others,
        };
        let by_operator = by == By::Operator;
        let changed = server.world().revision() != self.state().revision;
        // What somebody else has deleted at the same moment is deleted once more: no cache can know.
        let may_be_idle = call.resource == "events" || call.method == "DELETE";
        if by_operator && !changed && (200..300).contains(&code) && !may_be_idle {
            self.violate(format!(
                "a write that changes nothing: {} {}",
                call.method, call.path
            ));
        }
        let weight = self.sweep(server, by);
        let Some(weight) = weight.filter(|_| by_operator) else {
            return After::default();
        };
        let mut state = self.state();
        let struck = state
            .moment
            .as_mut()
            .and_then(|moment| Some((moment.strike(weight)?, moment.kills())));
        drop(state);
        let Some((delay, kills)) = struck else {
            return After::default();
        };
        if kills {
            self.heading(&format!(
                "the operator is killed after its {} of {}",
                call.verb, call.path
            ));
        }
        After {
            delay,
            ..After::default()
        }
    }
}

fn shown(server: &ApiServer) -> BTreeMap<Target, Arc<Value>> {
    let world = server.world();
    let mut shown = BTreeMap::new();
    for kind in SHOWN {
        let resource = Target::new("", kind, "").resource();
        for object in world.list(&resource, None) {
            let meta = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
            shown.insert(Target::new(&meta("namespace"), kind, &meta("name")), object);
        }
    }
    shown
}

fn tell(
    target: &Target,
    was: Option<&Value>,
    is: Option<&Value>,
    epoch: Timestamp,
) -> Option<(String, String)> {
    if target.kind == "Event" {
        return is.map(facet::event);
    }
    facet::difference(was, is, epoch).map(|text| (target.to_string(), text))
}

fn seconds(at: Timestamp, epoch: Timestamp) -> f64 {
    at.duration_since(epoch).as_secs_f64()
}

/// The lines as one text.
pub(crate) fn text(lines: &[String]) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", line.trim_end());
        text
    })
}
