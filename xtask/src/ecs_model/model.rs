//! What is kept of the service model: names, types and constraints.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The model as it is checked in.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Model {
    /// The version of the API.
    pub(super) version: String,
    /// What stands before the dot in `X-Amz-Target`.
    pub(super) target: String,
    /// Every operation, in alphabetical order.
    pub(super) operations: Vec<Operation>,
    /// Every exception and the names of its members, in alphabetical order.
    pub(super) exceptions: BTreeMap<String, Vec<String>>,
    /// The shapes that the inputs and outputs of classic operations reach.
    pub(super) shapes: BTreeMap<String, Shape>,
}

/// An operation.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Operation {
    pub(super) name: String,
    /// The shape of its input, of a classic operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) input: Option<String>,
    /// The shape of its output, of a classic operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) output: Option<String>,
    pub(super) errors: Vec<String>,
}

/// A shape. What is in it goes by its type.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Shape {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) min: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) max: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pattern: Option<String>,
    /// Of a list: the shape of its elements. Of a map: that of its values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) element: Option<String>,
    /// The words of an enumeration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) words: Vec<String>,
    /// The members of a structure, in the order of the service model.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) members: Vec<Member>,
}

/// A member of a structure.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) shape: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) required: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}
