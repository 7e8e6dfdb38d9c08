//! Between the records of the decision core and the status of the custom resources, both ways.
//!
//! The core knows no Kubernetes, the custom resources know no decisions. Every controller needs the same
//! bridge between them, and this crate is it: how a record is read from a status and written back, how an
//! object and a child are seen, and how digests are computed. Pure: no client, no clock.

mod announce;
mod digest;
mod health;
mod object;
mod ownership;
mod policy;
mod read;
mod recovery;
mod tenancy;
mod write;

pub use announce::announce;
pub use digest::{digest, digest_bytes};
pub use object::{Identity, child, controller_of, identity, is_managed_elsewhere, requested};
pub use ownership::{FOREIGN_OBJECT, foreign_child, foreign_secret};
pub use policy::{Kind, policy};
pub use read::{read_phase, read_record, read_state};
pub use recovery::{read_action, write_action};
pub use tenancy::{may_use, refuse_foreign};
pub use write::{Written, phase, write_conditions, write_lifecycle, write_run, write_state};
