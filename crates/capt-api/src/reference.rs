//! How objects name other objects, and where an API server answers.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a name must look like: a DNS subdomain (RFC 1123), as API servers ask for.
pub(crate) const NAME: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
/// What a namespace must look like: a DNS label, or nothing.
pub(crate) const NAMESPACE: &str = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$";
/// As [`NAME`], or a text in which a template has places for variables.
pub(crate) const NAME_OR_TEMPLATE: &str =
    r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*|.*\$\{.*)$";
/// As [`NAMESPACE`], or a text in which a template has places for variables.
pub(crate) const NAMESPACE_OR_TEMPLATE: &str = r"^(([a-z0-9]([-a-z0-9]*[a-z0-9])?)?|.*\$\{.*)$";
/// What a key of a Secret or `ConfigMap` must look like, or a text in which a template has places for variables.
pub(crate) const KEY_OR_TEMPLATE: &str = r"^([-._a-zA-Z0-9]+|.*\$\{.*)$";

/// Names a `WorkspaceTemplate`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateReference {
    /// Its name.
    #[schemars(length(min = 1, max = 253), regex(pattern = crate::reference::NAME))]
    pub name: String,
    /// Its namespace; that of the referring object if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63), regex(pattern = crate::reference::NAMESPACE))]
    pub namespace: Option<String>,
}

/// Names an object by name alone or by name and namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ObjectReference {
    /// Its name.
    #[schemars(length(min = 1, max = 253), regex(pattern = crate::reference::NAME))]
    pub name: String,
    /// Its namespace; that of the referring object if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63), regex(pattern = crate::reference::NAMESPACE))]
    pub namespace: Option<String>,
}

/// Names the Secret that all outputs are written to, the sensitive ones included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionSecretReference {
    /// Its name. In a template it may hold `${...}`.
    #[schemars(length(min = 1, max = 253), regex(pattern = crate::reference::NAME_OR_TEMPLATE))]
    pub name: String,
    /// Its namespace; that of the referring object if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63), regex(pattern = crate::reference::NAMESPACE_OR_TEMPLATE))]
    pub namespace: Option<String>,
}

/// Names one key of a Secret or `ConfigMap`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeyReference {
    /// The object's namespace; that of the referring object if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63), regex(pattern = crate::reference::NAMESPACE_OR_TEMPLATE))]
    pub namespace: Option<String>,
    /// The object's name.
    #[schemars(length(min = 1, max = 253), regex(pattern = crate::reference::NAME_OR_TEMPLATE))]
    pub name: String,
    /// The key in it.
    #[schemars(length(min = 1, max = 253), regex(pattern = crate::reference::KEY_OR_TEMPLATE))]
    pub key: String,
}

/// Where the API server of a cluster answers.
///
/// An empty host or a port of 0 count as not set: the Go implementation stores its unset endpoint that way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct ApiEndpoint {
    /// The bare host name, without scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub host: Option<String>,
    /// The port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65535))]
    pub port: Option<i32>,
}

impl ApiEndpoint {
    /// An endpoint with both parts.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: Some(host.into()),
            port: Some(port.into()),
        }
    }

    /// Host and port, if both are set (Cluster API calls that *valid*).
    pub fn authority(&self) -> Option<(&str, u16)> {
        let host = self.host.as_deref().filter(|host| !host.is_empty())?;
        let port = self.port.and_then(|port| u16::try_from(port).ok())?;
        (port != 0).then_some((host, port))
    }
}

#[cfg(test)]
mod tests {
    use super::ApiEndpoint;

    #[test]
    fn only_a_whole_endpoint_is_one() {
        assert_eq!(
            ApiEndpoint::new("api.example", 443).authority(),
            Some(("api.example", 443))
        );
        assert_eq!(ApiEndpoint::new("", 443).authority(), None);
        assert_eq!(ApiEndpoint::new("api.example", 0).authority(), None);
        assert_eq!(ApiEndpoint::default().authority(), None);
    }
}
