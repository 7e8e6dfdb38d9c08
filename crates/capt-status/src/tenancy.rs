//! Who may use what of another namespace.

use std::collections::BTreeSet;

/// Whether an object in the namespace `own` may use one in `other`, where those in `allowed` are open to all.
///
/// `*` opens every namespace. A namespace is a tenant, and what is in it may hold credentials: whoever may write
/// an object here must not borrow the operator's rights to read there.
pub fn may_use(own: &str, other: &str, allowed: &BTreeSet<String>) -> bool {
    own == other || allowed.contains("*") || allowed.contains(other)
}
