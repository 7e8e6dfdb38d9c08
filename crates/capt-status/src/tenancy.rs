//! Who may use what of another namespace.

use std::collections::BTreeSet;

use capt_core::fault::{Fault, FaultClass};

/// Whether an object in the namespace `own` may use one in `other`, where those in `allowed` are open to all.
///
/// `*` opens every namespace. A namespace is a tenant, and what is in it may hold credentials: whoever may write
/// an object here must not borrow the operator's rights to read or write there.
pub fn may_use(own: &str, other: &str, allowed: &BTreeSet<String>) -> bool {
    own == other || allowed.contains("*") || allowed.contains(other)
}

/// Refuses a reference of an object in `own` to one in `other` unless that is open. `field` is the path of the
/// field that names the namespace.
pub fn refuse_foreign(own: &str, other: &str, field: &str, allowed: &BTreeSet<String>) -> Result<(), Fault> {
    if may_use(own, other, allowed) {
        return Ok(());
    }
    let message = format!(
        "the namespace {other} is not open to objects in {own}; name an object in {own}, or start the operator \
         with --allow-namespaces {other}"
    );
    Err(Fault::new(FaultClass::Invalid, "NamespaceNotAllowed", message).on(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_namespaces_are_open() {
        let allowed = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<BTreeSet<_>>();
        for (names, other, open) in [
            (&[][..], "own", true),
            (&[], "other", false),
            (&["other"], "other", true),
            (&["others", "othe", ""], "other", false),
            (&["*"], "other", true),
            (&["oth*"], "other", false),
        ] {
            let allowed = allowed(names);
            assert_eq!(may_use("own", other, &allowed), open, "{allowed:?} {other}");
            let refused = refuse_foreign("own", other, "spec.ref.namespace", &allowed);
            assert_eq!(refused.is_ok(), open, "{allowed:?} {other}");
        }
        let fault = refuse_foreign("own", "other", "spec.ref.namespace", &BTreeSet::new()).unwrap_err();
        assert_eq!(fault.subject, "spec.ref.namespace");
        assert!(fault.message.contains("--allow-namespaces other"), "{fault}");
    }
}
