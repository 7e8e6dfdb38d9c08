//! What an installation decides for all its objects.

use std::collections::BTreeSet;
use std::sync::Arc;

use capt_core::fault::Fault;

use crate::backend::{Native, WorkspaceBackend};

/// What an installation decides for all its objects.
#[derive(Debug, Clone)]
pub struct Options {
    /// Namespaces whose objects may be used from every namespace: templates, shared VPCs, and what applies
    /// wait for. `*` stands for all. Empty by default: a namespace is a tenant, and its templates may hold
    /// credentials.
    pub allow_namespaces: BTreeSet<String>,
    /// What makes workspaces.
    pub backend: Arc<dyn WorkspaceBackend>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            allow_namespaces: BTreeSet::new(),
            backend: Arc::new(Native),
        }
    }
}

impl Options {
    /// Whether an object in `own` may use one in `other`.
    pub(crate) fn allows(&self, own: &str, other: &str) -> bool {
        capt_status::may_use(own, other, &self.allow_namespaces)
    }

    /// The namespace that a reference in the field `field` of an object in `own` means.
    pub(crate) fn resolve<'a>(
        &self,
        own: &'a str,
        named: Option<&'a str>,
        field: &str,
    ) -> Result<&'a str, Fault> {
        let namespace = named.filter(|named| !named.is_empty()).unwrap_or(own);
        let field = format!("{field}.namespace");
        capt_status::refuse_foreign(own, namespace, &field, &self.allow_namespaces)?;
        Ok(namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_stays_in_its_namespace_unless_the_other_is_open() {
        let closed = Options::default();
        assert_eq!(closed.resolve("a", None, "spec.ref"), Ok("a"));
        assert_eq!(closed.resolve("a", Some(""), "spec.ref"), Ok("a"));
        let fault = closed.resolve("a", Some("b"), "spec.ref").unwrap_err();
        assert_eq!(fault.subject, "spec.ref.namespace");
        for open in ["b", "*"] {
            let open = Options {
                allow_namespaces: BTreeSet::from([open.to_owned()]),
                ..Options::default()
            };
            assert_eq!(open.resolve("a", Some("b"), "spec.ref"), Ok("b"));
        }
    }
}
