//! What a resource is: its names, scope, versions and the rules its objects live by.

use std::sync::Arc;

use serde_json::Value;

use super::admission::Shape;
use super::identity::GroupResource;
use crate::table::Column;

/// The paths of the scale subresource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScalePaths {
    pub spec_replicas: String,
    pub status_replicas: String,
    pub label_selector: Option<String>,
}

/// One version of a resource.
#[derive(Debug, Clone)]
pub(crate) struct KindVersion {
    pub name: String,
    pub served: bool,
    /// The warning sent with every answer, when the version is deprecated.
    pub deprecation: Option<String>,
    pub shape: Shape,
    pub has_status: bool,
    pub scale: Option<ScalePaths>,
    /// The columns of `kubectl get`.
    pub columns: Vec<Column>,
    /// The `openAPIV3Schema` of a custom resource.
    pub openapi: Option<Arc<Value>>,
    /// JSON paths usable in field selectors, with a leading dot.
    pub selectable: Vec<String>,
}

/// How objects of a resource behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent properties, each named where it is set"
)]
pub(crate) struct Rules {
    /// Defined by a `CustomResourceDefinition`.
    pub custom: bool,
    /// Carries `metadata.generation`.
    pub generation: bool,
    /// A PUT without resourceVersion is accepted.
    pub unconditional_update: bool,
    /// A PUT of what does not exist creates it.
    pub create_on_update: bool,
    /// Finalizers need not name a domain.
    pub any_finalizer: bool,
    pub names: NameRule,
}

/// What the names of objects may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameRule {
    /// DNS subdomains (RFC 1123).
    Subdomain,
    /// DNS labels (RFC 1123).
    Label,
    /// DNS labels that begin with a letter (RFC 1035).
    ServiceLabel,
    /// Whatever can stand in a path.
    PathSegment,
}

/// A resource that the server serves.
#[derive(Debug, Clone)]
#[allow(
    clippy::struct_field_names,
    reason = "kind and list kind are the API's own words"
)]
pub(crate) struct Kind {
    pub resource: GroupResource,
    /// The resource that holds the objects; differs from `resource` for a second view of the same objects.
    pub stored_as: GroupResource,
    pub kind: String,
    pub list_kind: String,
    pub singular: String,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    pub namespaced: bool,
    pub versions: Vec<KindVersion>,
    pub storage_version: String,
    pub rules: Rules,
    /// The definition is being deleted: no creates.
    pub terminating: bool,
    /// The definition asks for a conversion webhook.
    pub converts_by_webhook: bool,
}

impl Kind {
    /// The group.
    pub(crate) fn group(&self) -> &str {
        self.resource.group()
    }

    /// A served version by name.
    pub(crate) fn served(&self, version: &str) -> Option<&KindVersion> {
        self.versions.iter().find(|v| v.served && v.name == version)
    }

    /// A version by name, served or not.
    pub(crate) fn version(&self, version: &str) -> Option<&KindVersion> {
        self.versions.iter().find(|v| v.name == version)
    }

    /// `group/version`, or the version alone in the core group.
    pub(crate) fn api_version(&self, version: &str) -> String {
        api_version(self.group(), version)
    }

    /// Served versions in the order of preference: GA before beta before alpha, newer before older.
    pub(crate) fn served_versions(&self) -> Vec<&KindVersion> {
        let mut served: Vec<&KindVersion> = self.versions.iter().filter(|v| v.served).collect();
        served.sort_by_key(|v| version_priority(&v.name));
        served
    }
}

/// `group/version`, or the version alone in the core group.
pub(crate) fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    }
}

/// Sorts versions as the server prefers them: `v2`, `v1`, `v1beta2`, `v1beta1`, `v1alpha1`, then anything else.
pub(crate) fn version_priority(version: &str) -> (u8, std::cmp::Reverse<(u64, u64)>, String) {
    let parse = || {
        let rest = version.strip_prefix('v')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let major: u64 = rest[..digits].parse().ok()?;
        let (class, minor) = match &rest[digits..] {
            "" => (0, 0),
            tail => match (tail.strip_prefix("beta"), tail.strip_prefix("alpha")) {
                (Some(minor), _) => (1, minor.parse().ok()?),
                (_, Some(minor)) => (2, minor.parse().ok()?),
                (None, None) => return None,
            },
        };
        Some((class, std::cmp::Reverse((major, minor)), String::new()))
    };
    parse().unwrap_or((3, std::cmp::Reverse((0, 0)), version.to_owned()))
}

/// Converts an object from one version to another: `(object, from, to)`; `apiVersion` is set by the caller.
pub type Conversion = Arc<dyn Fn(&Value, &str, &str) -> Value + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::version_priority;

    #[test]
    fn versions_sort_as_the_server_prefers_them() {
        let mut versions = ["v1alpha1", "v1beta1", "foo", "v1", "v1beta2", "v2", "v10"];
        versions.sort_by_key(|v| version_priority(v));
        assert_eq!(
            versions,
            ["v10", "v2", "v1", "v1beta2", "v1beta1", "v1alpha1", "foo"]
        );
    }
}
