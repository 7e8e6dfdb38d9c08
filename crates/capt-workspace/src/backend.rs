//! Where the Terraform state of a workspace is, and what its objects are called.

use std::collections::BTreeSet;

use capt_api::TerraformWorkspace;
use capt_api::terraform_workspace::BackendSpec;
use capt_core::fault::Fault;
use capt_runtime::ObjectKey;
use capt_status::digest_bytes;
use capt_terraform::Backend;
use kube::ResourceExt;

/// The longest suffix: Terraform writes it into a label, and labels end here.
const LONGEST: usize = 63;

/// The place of the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Secrets and a Lease in this namespace, whose names end in this suffix.
    Kubernetes { namespace: String, suffix: String },
    /// The working directory.
    Local,
}

/// The suffix of the state Secrets of a workspace that names none: `<name>-w<digest of the uid>`.
///
/// Unique for each object, also for one that is created again under its old name, so that nobody takes over
/// a state by accident; no longer than a label value may be; and it does not end in `-<number>`, which
/// Terraform refuses because it numbers the parts of large states itself.
pub fn default_secret_suffix(name: &str, uid: &str) -> String {
    let mark = &digest_bytes(uid.as_bytes())[..8];
    let room = LONGEST - mark.len() - 2;
    let name: String = name.chars().take(room).collect();
    format!("{}-w{mark}", name.trim_end_matches(['-', '.']))
}

impl Place {
    /// The place that the spec of `workspace` asks for.
    pub(crate) fn of(workspace: &TerraformWorkspace) -> Self {
        let default = BackendSpec::default();
        let spec = workspace.spec.backend.as_ref().unwrap_or(&default);
        if spec.local.is_some() {
            return Self::Local;
        }
        let kubernetes = spec.kubernetes.clone().unwrap_or_default();
        let named = |value: Option<String>| value.filter(|value| !value.is_empty());
        let own = || default_secret_suffix(&workspace.name_any(), &workspace.uid().unwrap_or_default());
        Self::Kubernetes {
            namespace: named(kubernetes.namespace)
                .unwrap_or_else(|| workspace.namespace().unwrap_or_default()),
            suffix: named(kubernetes.secret_suffix).unwrap_or_else(own),
        }
    }

    /// Refuses a place that the workspace may not write to.
    pub(crate) fn check(&self, own: &str, allowed: &BTreeSet<String>) -> Result<(), Fault> {
        match self {
            Self::Kubernetes { namespace, .. } => {
                let field = "spec.backend.kubernetes.namespace";
                capt_status::refuse_foreign(own, namespace, field, allowed)
            }
            Self::Local => Ok(()),
        }
    }

    /// The place as the engine is told.
    pub(crate) fn backend(&self, config_path: Option<&str>) -> Backend {
        match self {
            Self::Kubernetes { namespace, suffix } => Backend::Kubernetes {
                namespace: namespace.clone(),
                secret_suffix: suffix.clone(),
                config_path: config_path.map(ToOwned::to_owned),
            },
            Self::Local => Backend::Local,
        }
    }

    /// The Secret that holds the state, or its first part.
    pub(crate) fn state(&self) -> Option<ObjectKey> {
        match self {
            Self::Kubernetes { namespace, suffix } => {
                Some(ObjectKey::new(namespace, format!("tfstate-default-{suffix}")))
            }
            Self::Local => None,
        }
    }

    /// The Secret that holds part `number` of a large state, counted from one.
    pub(crate) fn part(&self, number: u32) -> Option<ObjectKey> {
        let state = self.state()?;
        Some(ObjectKey::new(
            state.namespace,
            format!("{}-part-{number}", state.name),
        ))
    }

    /// The Lease that is the lock of the state.
    pub(crate) fn lock(&self) -> Option<ObjectKey> {
        let state = self.state()?;
        Some(ObjectKey::new(state.namespace, format!("lock-{}", state.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_unique_short_and_never_end_in_a_number() {
        let one = default_secret_suffix("demo-vpc", "uid-1");
        assert!(one.starts_with("demo-vpc-w") && one.len() == 18, "{one}");
        assert_ne!(one, default_secret_suffix("demo-vpc", "uid-2"));
        assert_eq!(one, default_secret_suffix("demo-vpc", "uid-1"));
        let long = default_secret_suffix(&"a.b-".repeat(60), "uid");
        assert!(
            long.len() <= 63 && !long.contains(".-") && !long.contains("--"),
            "{long}"
        );
        for uid in 0..200 {
            let suffix = default_secret_suffix("demo-1", &uid.to_string());
            let last = suffix.rsplit('-').next().unwrap();
            assert!(last.parse::<u64>().is_err(), "{suffix}");
        }
    }

    #[test]
    fn the_objects_are_named_as_terraform_names_them() {
        let place = Place::Kubernetes {
            namespace: "ns".to_owned(),
            suffix: "s".to_owned(),
        };
        assert_eq!(place.state().unwrap().to_string(), "ns/tfstate-default-s");
        assert_eq!(place.part(2).unwrap().to_string(), "ns/tfstate-default-s-part-2");
        assert_eq!(place.lock().unwrap().to_string(), "ns/lock-tfstate-default-s");
        assert!(Place::Local.state().is_none());
    }
}
