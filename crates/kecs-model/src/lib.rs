//! The Amazon ECS API as data: types, operations, constraints, errors.
//!
//! Names, types and constraints are generated from the service model that AWS publishes in botocore (Apache-2.0),
//! with `cargo xtask ecs-model`; what is needed of it is kept as `model/ecs.json`. The model has few constraints and
//! says nothing of error codes, so `model/overlay.json`, written by hand, adds to it what AWS refuses, with which code
//! and in which words.
//!
//! Everything here is pure: no I/O, no clock, no chance, no environment.
//!
//! ```
//! use kecs_model::{Operation, check};
//! use serde_json::json;
//!
//! let refusal = check(Operation::DescribeTasks, &json!({"tasks": []})).unwrap_err();
//! assert_eq!(
//!     refusal.body(),
//!     json!({"__type": "InvalidParameterException", "message": "Tasks cannot be empty."})
//! );
//! ```

mod check;
mod error;
mod form;
mod generated;
mod markdown;
mod operation;
mod overlay;
pub mod shape;
mod time;

pub use check::check;
pub use error::{ErrorCode, Refusal};
pub use markdown::operations_markdown;
pub use operation::{Input, Operation};
#[doc(hidden)]
pub use overlay::is_said;
pub use overlay::{Row, Rule, default_value, defaults, overlay};
pub use time::Time;

/// The structures and enumerations that the classic operations reach, under the names of the service model.
///
/// Every member is optional: what is required is checked before ([`check`]), and an absent member is not written.
pub mod types {
    pub use crate::generated::*;
}
