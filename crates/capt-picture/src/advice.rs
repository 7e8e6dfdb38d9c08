//! What a person can do about a cluster, or why nothing need be done.

mod missing;
mod place;
mod step;

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use crate::text::doing;
use crate::words::{age, length, list, short};
use crate::{Node, NodeKey, NodeKind, Picture};

pub(crate) use place::Place;
pub use step::{Command, Step};

/// How a cluster stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// All is as wanted.
    Ready,
    /// It is being made.
    Provisioning,
    /// It was made, and is being changed.
    Updating,
    /// Something failed, and is tried again by itself.
    Recovering,
    /// Nothing is done before something is there.
    Waiting,
    /// It is kept from being touched.
    Paused,
    /// Nothing more happens until a person does something.
    Failed,
    /// It is being deleted.
    Deleting,
}

impl Verdict {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Provisioning => "Provisioning",
            Self::Updating => "Updating",
            Self::Recovering => "Recovering",
            Self::Waiting => "Waiting",
            Self::Paused => "Paused",
            Self::Failed => "Failed",
            Self::Deleting => "Deleting",
        }
    }
}

/// What a person should do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// How the cluster stands.
    pub verdict: Verdict,
    /// Whether it does not go on unless somebody does something.
    pub needed: bool,
    /// What is to be done, the most important first; if nothing is, why not. Never empty.
    pub steps: Vec<Step>,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<String> = self.steps.iter().map(ToString::to_string).collect();
        f.write_str(&steps.join("\n"))
    }
}

/// After this long somebody should have looked at a new object.
const UNSEEN: i64 = 30;

/// How many steps are named at once: who has mended the first looks again.
const MOST: usize = 3;

/// What to do next about one object that does not go on by itself; none if it does.
pub fn next_step(picture: &Picture, node: &Node) -> Option<Step> {
    step::of(picture, node)
}

/// What has to be there for an object and everything that was made for it, and that nobody makes. None where they go
/// on by themselves, or for another reason do not.
pub fn missing(picture: &Picture, key: &NodeKey, now: Timestamp) -> Vec<Step> {
    let below = picture.with_what_is_below(key);
    let nodes = below.iter().filter_map(|key| picture.get(key));
    missing::steps(picture, nodes.filter(|node| node.exists), now)
}

/// How a Cluster stands, and what a person should do next. `program` is what they type to run this program.
pub fn advise(picture: &Picture, cluster: &NodeKey, program: &str, now: Timestamp) -> Advice {
    let all = All {
        picture,
        cluster,
        program,
        now,
        belonging: picture.belonging(&cluster.namespace, &cluster.name),
    };
    let mut steps = all.required();
    if !steps.is_empty() {
        let more = steps.len().saturating_sub(MOST);
        steps.truncate(MOST);
        if more > 0 {
            steps.push(Step::new(format!("then look again: there are {more} more")));
        }
        return Advice {
            verdict: all.verdict(true),
            needed: true,
            steps,
        };
    }
    Advice {
        verdict: all.verdict(false),
        needed: false,
        steps: vec![all.reassurance()],
    }
}

/// The objects of a Cluster, and who asks.
struct All<'a> {
    picture: &'a Picture,
    cluster: &'a NodeKey,
    program: &'a str,
    now: Timestamp,
    belonging: BTreeSet<NodeKey>,
}

impl<'a> All<'a> {
    fn nodes(&self) -> impl Iterator<Item = &'a Node> {
        let picture = self.picture;
        let nodes: Vec<&Node> = self.belonging.iter().filter_map(|key| picture.get(key)).collect();
        nodes.into_iter().filter(|node| node.exists)
    }

    fn root(&self) -> Option<&'a Node> {
        self.picture.get(self.cluster).filter(|node| node.exists)
    }

    /// Everything that does not go on unless somebody does something.
    fn required(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        let mut add = |step: Step| {
            if !steps.contains(&step) {
                steps.push(step);
            }
        };
        self.nodes().filter_map(step::approval).for_each(&mut add);
        // A fault is told where it happened: whatever is above repeats it.
        let origins = self.nodes().filter(|node| origin(self.picture, node).is_none());
        origins
            .filter_map(|node| step::mend(self.picture, node))
            .for_each(&mut add);
        missing::steps(self.picture, self.nodes(), self.now)
            .into_iter()
            .for_each(&mut add);
        self.pauses().into_iter().for_each(&mut add);
        self.unseen().into_iter().for_each(&mut add);
        self.overdue().into_iter().for_each(&mut add);
        steps
    }

    /// What takes the pauses away. A paused Cluster pauses everything below it.
    fn pauses(&self) -> Vec<Step> {
        if let Some(step) = self.root().and_then(step::unpause) {
            return vec![step];
        }
        self.nodes().filter_map(step::unpause).collect()
    }

    /// What nobody has looked at, although there was time to.
    fn unseen(&self) -> Option<Step> {
        let unseen = self.nodes().find(|node| {
            let waited = node
                .created
                .map(|created| self.now.duration_since(created).as_secs());
            !node.observed && !node.deleting && node.paused.is_none() && waited.is_some_and(|it| it >= UNSEEN)
        })?;
        let title = unseen.key.title_in(&self.cluster.namespace);
        let who = match unseen.key.kind {
            NodeKind::Cluster => "Cluster API's controllers run",
            NodeKind::Infrastructure
            | NodeKind::ControlPlane
            | NodeKind::Apply
            | NodeKind::Workspace
            | NodeKind::Template
            | NodeKind::Secret => "capt-operator runs",
        };
        let what = if unseen.conditions.is_empty() {
            format!("nobody has looked at {title} yet")
        } else {
            format!("nobody has looked at the last change of {title} yet")
        };
        let namespace = &self.cluster.namespace;
        Some(Step::new(format!(
            "{what}: see that {who} and works on the namespace {namespace}; its log says what keeps it"
        )))
    }

    /// What takes longer than it should. It goes on all the same.
    fn overdue(&self) -> Option<Step> {
        // The lowest knows best.
        let late = self.nodes().filter(|node| node.overdue && !node.ready);
        let node = late.max_by_key(|node| node.key.kind)?;
        let title = node.key.title_in(&self.cluster.namespace);
        let taken = node
            .started_at
            .map(|started| format!(" after {}", age(started, self.now)));
        let doing = doing(node).map(|doing| format!(" ({})", short(&doing, 200)));
        let (taken, doing) = (taken.unwrap_or_default(), doing.unwrap_or_default());
        let mut step = Step::new(format!(
            "{title} takes longer than its limit: it is not done{taken}{doing}. Nothing is stopped, it may still \
             end well; look at what holds it up"
        ));
        step.command("its events", step::events(&node.key));
        Some(step)
    }

    fn verdict(&self, needed: bool) -> Verdict {
        let nodes: Vec<&Node> = self.nodes().collect();
        let is = |state: &str| nodes.iter().any(|node| node.state == state);
        let is_stopped = nodes
            .iter()
            .any(|node| node.is_stopped() || !node.approvals.is_empty());
        if self.root().is_some_and(|root| root.deleting) {
            return Verdict::Deleting;
        }
        if is_stopped {
            return Verdict::Failed;
        }
        if nodes.iter().any(|node| node.paused.is_some()) {
            return Verdict::Paused;
        }
        if is("Recovering") || is("Degraded") {
            return Verdict::Recovering;
        }
        let is_done = nodes.iter().all(|node| node.ready || !node.waits.is_empty());
        let parts: Vec<&Node> = nodes
            .iter()
            .filter(|node| matches!(node.key.kind, NodeKind::Infrastructure | NodeKind::ControlPlane))
            .copied()
            .collect();
        let is_settled = |node: &&Node| node.ready && node.state == "Ready";
        if !parts.is_empty() && parts.iter().all(is_settled) && !needed && is_done {
            return Verdict::Ready;
        }
        if needed {
            return Verdict::Waiting;
        }
        let was_ready = |node: &&Node| node.key.kind != NodeKind::ControlPlane || node.is_true("Initialized");
        if parts.iter().any(|node| node.key.kind == NodeKind::ControlPlane) && parts.iter().all(was_ready) {
            Verdict::Updating
        } else {
            Verdict::Provisioning
        }
    }

    /// Why nothing need be done.
    fn reassurance(&self) -> Step {
        match self.verdict(false) {
            Verdict::Ready => self.ready(),
            Verdict::Deleting => self.deleting(),
            Verdict::Recovering => self.recovering(),
            Verdict::Provisioning
            | Verdict::Updating
            | Verdict::Waiting
            | Verdict::Paused
            | Verdict::Failed => self.working(),
        }
    }

    fn ready(&self) -> Step {
        let NodeKey { namespace, name, .. } = self.cluster;
        let mut step = Step::new("nothing need be done: all is as wanted");
        step.command(
            "to use the cluster",
            format!(
                "kubectl -n {namespace} get secret {name}-kubeconfig -o jsonpath='{{.data.value}}' | base64 -d > \
                 {name}.kubeconfig"
            ),
        );
        step
    }

    fn working(&self) -> Step {
        let verb = match self.verdict(false) {
            Verdict::Updating => "is being changed",
            Verdict::Ready
            | Verdict::Provisioning
            | Verdict::Recovering
            | Verdict::Waiting
            | Verdict::Paused
            | Verdict::Failed
            | Verdict::Deleting => "is being made",
        };
        let mut text = format!("nothing need be done: the cluster {verb}");
        let current = self.nodes().find(|node| node.key.kind == NodeKind::ControlPlane);
        let current = current.filter(|node| !node.ready || node.state != "Ready");
        let busy = current.or_else(|| self.nodes().find(|node| !node.ready));
        if let Some(node) = busy {
            if let Some(doing) = doing(node) {
                text = format!("{text} ({})", short(&doing, 120));
            }
            if let Some(left) = node.expected_at.map(|at| at.duration_since(self.now)) {
                let left = if left.is_negative() {
                    "it takes longer than expected".to_owned()
                } else {
                    format!("about {} to go", length(left))
                };
                text = format!("{text}, {left}");
            }
        }
        self.watch(Step::new(text))
    }

    fn recovering(&self) -> Step {
        let trying = self.nodes().filter(|node| node.state == "Recovering");
        let node = trying.max_by_key(|node| node.key.kind);
        let Some(node) = node else {
            return self.watch(Step::new(
                "nothing need be done yet: what was ready does not answer as it should, and is looked at again",
            ));
        };
        let title = node.key.title_in(&self.cluster.namespace);
        let code = node.fault.as_ref().map_or("a failure", |fault| &fault.code);
        let when = match node.attempts.next.map(|at| at.duration_since(self.now)) {
            Some(left) if !left.is_negative() => format!("is tried again in {}", length(left)),
            Some(_) | None => "is being tried again".to_owned(),
        };
        let mut step = Step::new(format!(
            "nothing need be done: {title} met {code}, which often passes, and {when}"
        ));
        if let Some(unlock) = step::unlock(node) {
            step.command("if nobody works with the lock any more", unlock);
        }
        step.command("to have it tried at once", step::retry(&node.key));
        step
    }

    fn deleting(&self) -> Step {
        let left: Vec<&Node> = self
            .nodes()
            .filter(|node| node.key.kind != NodeKind::Cluster)
            .collect();
        if left.is_empty() {
            return Step::new(
                "nothing need be done: everything that was made is gone, and the Cluster goes next",
            );
        }
        let destroying = left.iter().filter(|node| node.key.kind == NodeKind::Workspace);
        let busy = destroying
            .filter(|node| node.deleting)
            .max_by_key(|node| node.percent.is_some());
        let text = match busy.and_then(|node| Some((node, doing(node)?))) {
            Some((node, doing)) => format!(
                "nothing need be done: {} is being destroyed ({})",
                node.key.title_in(&self.cluster.namespace),
                short(&doing, 120)
            ),
            None => "nothing need be done: what was made is being deleted, from the top down".to_owned(),
        };
        let names: Vec<String> = left
            .iter()
            .map(|node| node.key.title_in(&self.cluster.namespace))
            .collect();
        self.watch(Step::new(format!("{text}. Still there: {}", list(&names, 6))))
    }

    fn watch(&self, mut step: Step) -> Step {
        let NodeKey { namespace, name, .. } = self.cluster;
        step.command(
            "to see it go on",
            format!("{} watch cluster {name} -n {namespace}", self.program),
        );
        step
    }
}

/// The object that this one has its fault from, if it is one below it.
pub(crate) fn origin<'a>(picture: &'a Picture, node: &Node) -> Option<&'a Node> {
    let fault = node.fault.as_ref()?;
    let is_source = |child: &&Node| {
        let theirs = child.fault.as_ref();
        let is_same = theirs.is_some_and(|it| it.code == fault.code && it.message == fault.message);
        let is_named =
            fault.source.as_deref() == Some(&*format!("{}/{}", child.key.kind.name(), child.key.name));
        theirs.is_some() && (is_same || is_named)
    };
    let child = picture.children(&node.key).into_iter().find(is_source)?;
    Some(origin(picture, child).unwrap_or(child))
}
