//! The machine-readable stream of `terraform -json`, one JSON object a line.
//!
//! # Guarantees
//!
//! No line aborts the reading: an unknown type is ignored, and a line that is no JSON object is a log line.
//! Memory is bounded: of a line longer than [`MAX_LINE`] the rest is dropped.

use serde::{Deserialize, Serialize};

use crate::block;

/// How many bytes of one line are looked at.
pub const MAX_LINE: usize = 1 << 20;

/// What Terraform does to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Make it.
    Create,
    /// Change it in place.
    Update,
    /// Remove it and make it again.
    Replace,
    /// Remove it.
    Delete,
    /// Read it.
    Read,
    /// Nothing that changes anything: `noop`, `move`, `import`, `remove`, `forget`, or a word of a newer version.
    #[serde(other)]
    None,
}

impl Action {
    /// How many operations it counts for.
    pub const fn operations(self) -> u32 {
        match self {
            Self::Create | Self::Update | Self::Delete => 1,
            Self::Replace => 2,
            Self::Read | Self::None => 0,
        }
    }

    /// Whether the object that exists goes away.
    pub const fn is_destructive(self) -> bool {
        match self {
            Self::Replace | Self::Delete => true,
            Self::Create | Self::Update | Self::Read | Self::None => false,
        }
    }

    /// The word in messages.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Read => "read",
            Self::None => "keep",
        }
    }
}

/// A resource instance of the stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// The address.
    #[serde(default)]
    pub addr: String,
    /// The type.
    #[serde(default)]
    pub resource_type: String,
}

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The operation fails because of it.
    Error,
    /// It goes on, also for a word of a newer version.
    #[serde(other)]
    Warning,
}

/// A place in a file; line and column count from one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The line.
    #[serde(default)]
    pub line: u64,
    /// The column.
    #[serde(default)]
    pub column: u64,
}

/// The part of a file that a diagnostic speaks of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// The file, relative to the module.
    #[serde(default)]
    pub filename: String,
    /// Where it begins.
    #[serde(default)]
    pub start: Position,
}

/// What Terraform has to say about a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// One line.
    #[serde(default)]
    pub summary: String,
    /// The rest.
    #[serde(default)]
    pub detail: String,
    /// The resource it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Where in the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Box<Range>>,
    /// The address of the block that this place is in (`aws_vpc.main`, `var.nodes`, `output.vpc_id`): which instance
    /// of it, and of which module, it does not say.
    #[serde(
        default,
        rename = "snippet",
        deserialize_with = "block::of_snippet",
        skip_serializing
    )]
    pub block: Option<String>,
}

/// What a `change_summary` counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeSummary {
    /// Resources to add, or added.
    #[serde(default)]
    pub add: u32,
    /// Resources changed.
    #[serde(default)]
    pub change: u32,
    /// Resources removed.
    #[serde(default)]
    pub remove: u32,
    /// `plan`, `apply` or `destroy`.
    #[serde(default)]
    pub operation: String,
}

/// One event of the stream, as far as anything here depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A resource that the plan changes.
    Planned {
        /// Which.
        resource: Resource,
        /// How.
        action: Action,
        /// Why.
        reason: Option<String>,
    },
    /// An operation began.
    Started {
        /// On which resource.
        resource: Resource,
        /// Which operation.
        action: Action,
    },
    /// An operation goes on.
    Progressed {
        /// On which resource.
        resource: Resource,
        /// Seconds since it began.
        elapsed: u64,
    },
    /// An operation is done.
    Completed {
        /// On which resource.
        resource: Resource,
        /// Seconds since it began.
        elapsed: u64,
    },
    /// An operation failed; the reason comes as a diagnostic later.
    Errored {
        /// On which resource.
        resource: Resource,
    },
    /// A provisioner printed a line.
    Printed {
        /// That of which resource.
        resource: Resource,
        /// What; nothing where Terraform holds it back because the command was given a sensitive value.
        line: Option<String>,
    },
    /// The totals: at the end of a plan and of a successful apply, never of one that failed.
    Summary(ChangeSummary),
    /// Something to say about a failure.
    Diagnostic(Diagnostic),
    /// The engine was asked to stop.
    Interrupted,
    /// Anything else that was said: signs of life. The text is not kept; it may hold command lines.
    Other,
}

#[derive(Deserialize)]
struct Line {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default, rename = "@message")]
    message: String,
    diagnostic: Option<Diagnostic>,
    change: Option<Change>,
    changes: Option<ChangeSummary>,
    hook: Option<Hook>,
}

#[derive(Deserialize)]
struct Change {
    resource: Resource,
    action: Action,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Hook {
    #[serde(default)]
    resource: Resource,
    action: Option<Action>,
    #[serde(default)]
    elapsed_seconds: f64,
    #[serde(default)]
    output: String,
}

/// Reads one line of the stream.
pub fn parse_line(line: &[u8]) -> Event {
    let Ok(line) = serde_json::from_slice::<Line>(line.trim_ascii()) else {
        return Event::Other;
    };
    let hook = |hook: Option<Hook>, make: fn(Hook) -> Event| hook.map_or(Event::Other, make);
    match line.kind.as_str() {
        "planned_change" => line.change.map_or(Event::Other, |change| Event::Planned {
            resource: change.resource,
            action: change.action,
            reason: change.reason,
        }),
        "apply_start" => hook(line.hook, |hook| Event::Started {
            resource: hook.resource,
            action: hook.action.unwrap_or(Action::None),
        }),
        "apply_progress" => hook(line.hook, |hook| Event::Progressed {
            elapsed: hook.elapsed(),
            resource: hook.resource,
        }),
        "apply_complete" => hook(line.hook, |hook| Event::Completed {
            elapsed: hook.elapsed(),
            resource: hook.resource,
        }),
        "apply_errored" => hook(line.hook, |hook| Event::Errored {
            resource: hook.resource,
        }),
        "provision_progress" => hook(line.hook, |hook| Event::Printed {
            line: (!is_held_back(&hook.output)).then_some(hook.output),
            resource: hook.resource,
        }),
        "change_summary" => line.changes.map_or(Event::Other, Event::Summary),
        "diagnostic" => line.diagnostic.map_or(Event::Other, Event::Diagnostic),
        "log" if is_interrupt(&line.message) => Event::Interrupted,
        _ => Event::Other,
    }
}

impl Hook {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to a range that fits"
    )]
    fn elapsed(&self) -> u64 {
        self.elapsed_seconds.clamp(0.0, 1e9) as u64
    }
}

/// Whether Terraform says that it does not show what a provisioner printed.
fn is_held_back(output: &str) -> bool {
    output.starts_with("(output suppressed")
}

fn is_interrupt(message: &str) -> bool {
    let message = message.trim_start();
    message.starts_with("Interrupt received")
        || message.starts_with("Stopping operation")
        || message.starts_with("Two interrupts received")
}

/// Cuts a byte stream into lines and reads them, whatever pieces it comes in.
#[derive(Debug, Default)]
pub struct LineReader {
    buffer: Vec<u8>,
    /// The rest of the present line is dropped.
    skipping: bool,
}

impl LineReader {
    /// Takes the next bytes and gives every event that they complete to `each`.
    pub fn push(&mut self, mut bytes: &[u8], mut each: impl FnMut(Event)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = bytes.split_at(end);
            self.append(line);
            bytes = rest.get(1..).unwrap_or_default();
            if self.skipping {
                each(Event::Other);
            } else if !self.buffer.trim_ascii().is_empty() {
                each(parse_line(&self.buffer));
            }
            self.buffer.clear();
            self.skipping = false;
        }
        self.append(bytes);
    }

    /// Reads a last line that has no end.
    pub fn finish(&mut self, mut each: impl FnMut(Event)) {
        if !self.skipping && !self.buffer.trim_ascii().is_empty() {
            each(parse_line(&self.buffer));
        }
        *self = Self::default();
    }

    fn append(&mut self, bytes: &[u8]) {
        if self.skipping {
            return;
        }
        if self.buffer.len() + bytes.len() > MAX_LINE {
            self.buffer = Vec::new();
            self.skipping = true;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
    }
}
