//! The page about a cluster: everything that a person reads first, as data of a stable shape and as text.
//!
//! [`Page::new`] makes it from a picture; it serializes to the documented shape of `capt describe -o json|yaml`,
//! and [`Page::text`] renders it. Both say the same: the text is made from the data.

mod build;
mod conditions;
mod model;
mod paper;
mod render;

use jiff::Timestamp;

use crate::{NodeKey, Picture};

pub use model::{
    AttemptsPart, ClusterPart, CommandPart, ConditionPart, EventPart, FailurePart, NextStepPart, ObjectPart,
    OperationPart, Page, PlacePart, ProgressPart, StepPart, UsePart, WaitPart,
};

/// Something that happened to an object, as a Kubernetes Event tells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Happening {
    /// When it happened last.
    pub at: Timestamp,
    /// The object, as it is named there: kind, namespace and name.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// `Normal` or `Warning`.
    pub severity: String,
    /// The word for programs.
    pub reason: String,
    /// The sentence for a person.
    pub message: String,
    /// How often it happened.
    pub count: i32,
}

/// What a page is made with, beside the picture.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The time that ages are relative to.
    pub now: Timestamp,
    /// What people type to run this program: `capt`, or `kubectl capt`.
    pub program: &'a str,
    /// What happened to the objects, in any order. What belongs to other objects is left out.
    pub happenings: &'a [Happening],
    /// What could not be looked at, one sentence each.
    pub gaps: &'a [String],
}

/// How a page becomes text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// How many columns there are; without, lines are as long as they are.
    pub width: Option<usize>,
    /// Whether colours may be used.
    pub color: bool,
    /// Whether all conditions are shown, and not only those that are not as wanted.
    pub all_conditions: bool,
}

impl Page {
    /// The page about `cluster`, which is in the picture.
    pub fn new(picture: &Picture, cluster: &NodeKey, options: &Options<'_>) -> Self {
        build::page(picture, cluster, options)
    }

    /// The page as text, for a terminal or a file.
    pub fn text(&self, look: Look) -> String {
        render::text(self, look)
    }
}
