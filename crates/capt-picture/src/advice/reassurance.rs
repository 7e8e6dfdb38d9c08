//! Why nothing need be done: who is at work, and how far they are.

use super::{All, Verdict, removal, step};
use crate::advice::Step;
use crate::text::doing;
use crate::words::{length, list, short};
use crate::{Node, NodeKey, NodeKind};

impl All<'_> {
    /// Why nothing need be done.
    pub(super) fn reassurance(&self) -> Step {
        let alone = removal::alone(self.picture, self.nodes());
        if let Some(first) = alone.first() {
            return self.watch(first.step(self.cluster));
        }
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
