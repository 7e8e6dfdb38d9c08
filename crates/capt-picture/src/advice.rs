//! What a person can do about a cluster, or why nothing need be done.

mod claims;
mod missing;
mod place;
mod reassurance;
mod removal;
mod standstill;
mod step;

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;

use crate::text::doing;
use crate::words::{age, short};
use crate::{Node, NodeKey, NodeKind, Picture};

pub(crate) use place::Place;
pub(crate) use removal::is_held;
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

/// What has to be there, or to go, for an object and everything that was made for it, and that nobody sees to. None
/// where they go on by themselves, or for another reason do not.
pub fn missing(picture: &Picture, key: &NodeKey, now: Timestamp) -> Vec<Step> {
    let below = picture.with_what_is_below(key);
    let nodes = || {
        let nodes = below.iter().filter_map(|key| picture.get(key));
        nodes.filter(|node| node.exists)
    };
    let mut steps = missing::steps(picture, nodes(), now);
    steps.append(&mut removal::steps(picture, nodes(), now));
    steps
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
        self.nodes().flat_map(claims::steps).for_each(&mut add);
        missing::steps(self.picture, self.nodes(), self.now)
            .into_iter()
            .for_each(&mut add);
        self.pauses().into_iter().for_each(&mut add);
        let alone = removal::alone(self.picture, self.nodes());
        let kept = alone.iter().filter(|it| !it.is_under_way());
        kept.map(|it| it.step(self.cluster)).for_each(&mut add);
        removal::steps(self.picture, self.nodes(), self.now)
            .into_iter()
            .for_each(&mut add);
        self.unseen().into_iter().for_each(&mut add);
        self.overdue().into_iter().for_each(&mut add);
        if steps.is_empty() {
            steps = standstill::steps(self.picture, &self.belonging, self.now);
        }
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
        let is_kept = || {
            let alone = removal::alone(self.picture, self.nodes());
            alone.iter().any(|it| !it.is_under_way())
        };
        if needed && is_kept() {
            return Verdict::Waiting;
        }
        if is("Recovering") || is("Degraded") {
            return Verdict::Recovering;
        }
        let is_done = nodes.iter().all(|node| standstill::is_settled(node));
        let parts: Vec<&Node> = nodes
            .iter()
            .filter(|node| matches!(node.key.kind, NodeKind::Infrastructure | NodeKind::ControlPlane))
            .copied()
            .collect();
        if !parts.is_empty() && !needed && is_done {
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

#[cfg(test)]
mod tests;
