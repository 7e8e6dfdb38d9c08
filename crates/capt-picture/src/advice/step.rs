//! One thing that a person can do.

use std::fmt;

use capt_api::keys;
use capt_core::fault::FaultClass;

use super::place::template_of;
use super::{Place, claims};
use crate::words::{list, one_line};
use crate::{Node, NodeKey, NodeKind, Pause, Picture};

/// One thing that a person can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What, in words.
    pub text: String,
    /// What can be typed for it.
    pub commands: Vec<Command>,
}

/// A command for a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What it is for.
    pub purpose: String,
    /// The line to type.
    pub line: String,
}

impl Step {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            commands: Vec::new(),
        }
    }

    pub(super) fn command(&mut self, purpose: impl Into<String>, line: impl Into<String>) {
        let line = line.into();
        if self.commands.iter().all(|command| command.line != line) {
            let purpose = purpose.into();
            self.commands.push(Command { purpose, line });
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        for Command { purpose, line } in &self.commands {
            write!(f, "\n{purpose}: {line}")?;
        }
        Ok(())
    }
}

/// What to do about an object, whatever keeps it.
pub(super) fn of(picture: &Picture, node: &Node) -> Option<Step> {
    approval(node)
        .or_else(|| unpause(node))
        .or_else(|| mend(picture, node))
        .or_else(|| claims::steps(node).into_iter().next())
}

/// What to do about a plan that waits for an approval.
pub(super) fn approval(node: &Node) -> Option<Step> {
    if node.approvals.is_empty() {
        return None;
    }
    let changes: Vec<String> = node.approvals.iter().map(|change| one_line(change)).collect();
    let mut step = Step::new(format!(
        "{} would {}: see whether that is meant",
        node.key.title(),
        list(&changes, 8)
    ));
    let digest = node.input_digest.as_deref().unwrap_or_default();
    step.command(
        "if it is, approve this plan",
        annotate(&node.key, keys::APPROVE, digest),
    );
    Some(step)
}

/// What takes a pause of the object's own away.
pub(super) fn unpause(node: &Node) -> Option<Step> {
    let pause = node.paused.as_ref()?;
    let NodeKey { namespace, name, .. } = &node.key;
    let resource = node.key.kind.resource();
    let mut step = Step::new(format!(
        "{} is paused ({pause}): nothing is done to it until the pause is taken away",
        node.key.title()
    ));
    match pause {
        Pause::Spec => step.command(
            "to go on",
            format!(
                "kubectl -n {namespace} patch {resource} {name} --type merge -p '{{\"spec\":{{\"paused\":false}}}}'"
            ),
        ),
        Pause::Annotation => step.command(
            "to go on",
            format!("kubectl -n {namespace} annotate {resource} {name} {}-", keys::PAUSED),
        ),
        Pause::Other(_) => {}
    }
    Some(step)
}

/// What to do about the fault of an object that does not go on by itself.
pub(super) fn mend(picture: &Picture, node: &Node) -> Option<Step> {
    let fault = node.fault.as_ref()?;
    let class = FaultClass::ALL.iter().find(|class| class.name() == fault.class);
    let class = class.copied().unwrap_or(FaultClass::Unknown);
    let is_mended_by_others = node.deleting && !class.passes();
    if !(node.is_stopped() || is_mended_by_others) || !node.approvals.is_empty() {
        return None;
    }
    if let Some(step) = claims::in_the_way(node, fault) {
        return Some(step);
    }
    let place = Place::of(picture, node, fault);
    let title = node.key.title();
    let subject = if fault.subject.is_empty() {
        String::new()
    } else {
        format!(" of {}", one_line(&fault.subject))
    };
    let text = match class {
        FaultClass::Invalid => invalid(node, &fault.code, &fault.subject, place.as_ref()),
        FaultClass::Credentials => format!(
            "{title}: renew the credentials that Terraform works with (those of the operator, or of the Secret that \
             spec.providerConfigRef names)"
        ),
        FaultClass::Permission => {
            format!("{title}: grant the right that was denied{subject}; the message says which")
        }
        FaultClass::Quota => format!("{title}: have the limit raised, or make room{subject}"),
        FaultClass::Conflict => format!("{title}: remove or rename what is in the way{subject}"),
        FaultClass::Integrity => format!(
            "{title}: find out what happened to its Terraform state before anything else (the Secrets tfstate-default-*); \
             bring it back from a backup"
        ),
        FaultClass::Environment => {
            format!("{title}: look at the machine that runs capt-operator (disk, memory, programs)")
        }
        FaultClass::Dependency => format!("{title}: look at what it depends on{subject}"),
        FaultClass::Locked => format!(
            "{title}: somebody else holds the lock of its Terraform state; wait until they are done, or release it if \
             they are gone"
        ),
        FaultClass::Transient | FaultClass::Interrupted | FaultClass::Unknown => format!(
            "{title}: find the cause in the message below its name; it was tried {} and is not tried again by itself",
            times(node.attempts.failed)
        ),
    };
    let mut step = Step::new(text);
    if class == FaultClass::Invalid {
        for key in editable(picture, node, &fault.subject) {
            let purpose = if key.kind == NodeKind::Template {
                "edit the template"
            } else {
                "edit what it is made for"
            };
            step.command(purpose, edit(&key));
        }
    }
    if let Some(unlock) = unlock(node) {
        step.command("if nobody works with the lock any more", unlock);
    }
    step.command("to have it tried again without a change", retry(&node.key));
    Some(step)
}

/// The command that takes a lock away, where the message of the fault says which.
pub(super) fn unlock(node: &Node) -> Option<String> {
    let fault = node
        .fault
        .as_ref()
        .filter(|fault| fault.class == FaultClass::Locked.name())?;
    let (_, rest) = fault.message.split_once(keys::UNLOCK)?;
    let is_id = |character: &char| character.is_ascii_alphanumeric() || "-_.".contains(*character);
    let id: String = rest.strip_prefix('=')?.chars().take_while(is_id).collect();
    (!id.is_empty()).then(|| annotate(&node.key, keys::UNLOCK, &id))
}

fn times(count: i32) -> String {
    match count {
        0 | 1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// What is wrong in a spec or a template, in words that say where to look.
fn invalid(node: &Node, code: &str, subject: &str, place: Option<&Place>) -> String {
    let title = node.key.title();
    let subject = one_line(subject);
    match (code, place) {
        ("NamespaceNotAllowed" | "CrossNamespaceReference", _) => format!(
            "{title}: name an object of its own namespace in {subject}, or have the operator started with \
             --allow-namespaces for the other one"
        ),
        ("DependencyCycle", _) => {
            format!(
                "{title}: take one of the waits out of spec.waitForWorkspaces; that sets all of them free"
            )
        }
        ("MissingVariable", _) => {
            let variable = variable(&subject);
            format!(
                "{title}: give {variable} a value where the template is used, or a default in the template; the \
                 change starts it again"
            )
        }
        ("InvalidVariable", place) if subject.is_empty() || subject.starts_with("var.") => {
            let variable = variable(&subject);
            let rules = place.map(|place| format!(" ({})", place.words(&node.key.namespace)));
            format!(
                "{title}: give {variable} a value that its type and its rules in the template allow, or correct \
                 them{}; the change starts it again",
                rules.unwrap_or_default()
            )
        }
        ("Cycle", None) => format!(
            "{title}: take one of the references out of the template that the message names in a circle; the change \
             starts it again"
        ),
        ("CoreVersion", _) => format!(
            "{title}: correct the version that the template requires, or run the operator with a Terraform that has \
             it"
        ),
        (_, Some(place)) => {
            let place = place.words(&node.key.namespace);
            let of = declared(&subject);
            format!("{title}: correct {of}{place}; the change starts it again")
        }
        (_, None) if subject.is_empty() => {
            format!("{title}: correct what the message names; the change starts it again")
        }
        (_, None) if subject.starts_with("output ") => {
            format!("{title}: correct the {subject} of the template; the change starts it again")
        }
        // An object that would be written, of which nobody knows whether it is there.
        (_, None) if subject.contains(' ') && subject.contains('/') => format!(
            "{title}: the API server refuses what would become of {subject}; correct what the message names, in {title} \
             or in the template; the change starts it again"
        ),
        (_, None) => format!("{title}: correct {subject}; the change starts it again"),
    }
}

/// A variable of a module in a sentence, by its address.
fn variable(subject: &str) -> String {
    match subject.strip_prefix("var.") {
        Some(name) => format!("the variable {name}"),
        None => "the variable".to_owned(),
    }
}

/// What the block at a place declares, as the beginning of the words for that place.
fn declared(subject: &str) -> String {
    let is_address = subject.contains('.') && !subject.starts_with("spec.") && !subject.contains([' ', '/']);
    if is_address {
        format!("{subject} in ")
    } else {
        String::new()
    }
}

/// What a person can edit to change what an object is made from: what CAPT writes itself, it would write again.
fn editable(picture: &Picture, node: &Node, subject: &str) -> Vec<NodeKey> {
    let top = authored(picture, node);
    // A field of the apply itself is not in the template; an output of its workspace is.
    let template = match node.key.kind {
        NodeKind::Workspace => template_of(picture, node),
        NodeKind::Infrastructure | NodeKind::ControlPlane | NodeKind::Apply
            if subject.starts_with("output ") =>
        {
            let mut needs = node.needs.iter();
            needs
                .find(|it| it.key.kind == NodeKind::Template)
                .map(|it| &it.key)
        }
        NodeKind::Cluster
        | NodeKind::Infrastructure
        | NodeKind::ControlPlane
        | NodeKind::Apply
        | NodeKind::Template
        | NodeKind::Secret => None,
    };
    template.into_iter().chain([&top.key]).cloned().collect()
}

/// The object that a person wrote and that `node` was made for: the lowest that CAPT does not write itself.
fn authored<'a>(picture: &'a Picture, node: &'a Node) -> &'a Node {
    let mut node = node;
    // Five kinds are above each other; who owns whom in a circle is not followed for ever.
    for _ in NodeKind::WITH_STATE {
        let is_made = matches!(node.key.kind, NodeKind::Workspace | NodeKind::Apply);
        let parent = node.parent.as_ref().and_then(|parent| picture.get(parent));
        match parent.filter(|_| is_made) {
            Some(parent) => node = parent,
            None => break,
        }
    }
    node
}

/// The command that opens an object in an editor.
pub(super) fn edit(key: &NodeKey) -> String {
    format!(
        "kubectl -n {} edit {} {}",
        key.namespace,
        key.kind.resource(),
        key.name
    )
}

/// The command that shows the Events of an object.
pub(super) fn events(key: &NodeKey) -> String {
    format!(
        "kubectl -n {} events --for {}/{}",
        key.namespace,
        key.kind.resource(),
        key.name
    )
}

/// The command that asks for another attempt.
pub(super) fn retry(key: &NodeKey) -> String {
    annotate(key, keys::RETRY, "\"$(date +%s)\"")
}

fn annotate(key: &NodeKey, annotation: &str, value: &str) -> String {
    format!(
        "kubectl -n {} annotate --overwrite {} {} {annotation}={value}",
        key.namespace,
        key.kind.resource(),
        key.name
    )
}
