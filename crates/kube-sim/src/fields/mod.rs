//! Field ownership: server-side apply and the tracking of every other write.
//!
//! An object's `metadata.managedFields` says which manager owns which field. [`apply`] merges what a manager
//! wants into a live object and gives the fields to that manager; [`update`] notes who changed what.
//! What an endpoint ignores (`status` on a main resource that has the subresource) must be taken out of the
//! request, or set to the live value, before either is called; for subresource `status` everything but
//! `status` is left untracked here.

mod apply;
mod entries;
mod merge;
mod set;
#[cfg(test)]
mod tests;
mod typed;
mod update;

pub(crate) use apply::apply;
pub(crate) use typed::faults;
pub(crate) use update::update;

/// What kind of write an owner got its fields by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// Server-side apply.
    Apply,
    /// Every other write.
    Update,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// Who writes, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manager<'a> {
    /// The field manager's name.
    pub(crate) name: &'a str,
    pub(crate) operation: Operation,
    /// The subresource written through, or empty.
    pub(crate) subresource: &'a str,
    /// The API version the request is written in.
    pub(crate) api_version: &'a str,
    /// RFC 3339, to the second.
    pub(crate) now: &'a str,
    /// The endpoint leaves the status alone: it is written through a subresource of its own.
    pub(crate) leaves_status: bool,
}

/// A field that another manager owns with another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conflict {
    /// The owner's name.
    pub(crate) manager: String,
    /// The field's path (`.data.key`).
    pub(crate) field: String,
    /// The cause's message: `conflict with "owner" using v1`.
    pub(crate) message: String,
}

/// The sentence of a refused apply, for the Status's message (code 409, reason `Conflict`).
pub(crate) fn conflict_message(conflicts: &[Conflict]) -> String {
    if let [only] = conflicts {
        return format!("Apply failed with 1 conflict: {}: {}", only.message, only.field);
    }
    let mut owners: Vec<&str> = conflicts
        .iter()
        .map(|conflict| conflict.message.as_str())
        .collect();
    owners.sort_unstable();
    owners.dedup();
    let mut lines = Vec::new();
    for owner in owners {
        lines.push(format!(
            "{}:",
            owner.replacen("conflict with", "conflicts with", 1)
        ));
        let fields = conflicts.iter().filter(|conflict| conflict.message == owner);
        lines.extend(fields.map(|conflict| format!("- {}", conflict.field)));
    }
    format!(
        "Apply failed with {} conflicts: {}",
        conflicts.len(),
        lines.join("\n")
    )
}
