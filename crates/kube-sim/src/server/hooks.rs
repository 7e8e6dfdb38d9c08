//! Where tests reach in: delays, failures, lost answers and cut watches.

use std::time::Duration;

use crate::world::StatusError;

/// A request as hooks see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The number of the request, from 1.
    pub number: u64,
    /// HTTP method.
    pub method: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; empty for discovery.
    pub verb: &'static str,
    /// The resource as `plural.group`; empty for discovery.
    pub resource: String,
    /// Empty for all namespaces and for cluster-scoped resources.
    pub namespace: String,
    /// Empty for collections.
    pub name: String,
    /// `status`, `scale`, `finalize` or empty.
    pub subresource: &'static str,
    /// The path.
    pub path: String,
    /// The query as it was sent.
    pub query: String,
    /// The user agent, empty when there was none.
    pub user_agent: String,
}

impl Call {
    /// Whether it may change the world.
    pub fn is_write(&self) -> bool {
        matches!(
            self.verb,
            "create" | "update" | "patch" | "delete" | "deletecollection"
        )
    }
}

/// What happens before a request reaches the world.
#[derive(Debug, Clone, Default)]
pub struct Before {
    /// How long it is on its way.
    pub delay: Duration,
    /// Answered without reaching the world.
    pub fail: Option<StatusError>,
    /// The connection breaks before the request arrives.
    pub drop: bool,
}

/// What happens after the world has answered.
#[derive(Debug, Clone, Default)]
pub struct After {
    /// How long the answer is on its way.
    pub delay: Duration,
    /// The connection breaks: what was written stays, but the client never learns of it.
    pub drop: bool,
    /// All watches end.
    pub cut_watches: bool,
}

/// Consulted around every request, in the order in which requests reach the server.
pub trait Hooks: Send + Sync {
    /// Before the request reaches the world.
    fn before(&self, call: &Call) -> Before {
        let _ = call;
        Before::default()
    }

    /// After the world has answered with this HTTP status code.
    fn after(&self, call: &Call, code: u16) -> After {
        let _ = (call, code);
        After::default()
    }

    /// How late an event reaches the watches of a resource (`plural.group`): a stale cache.
    fn watch_delay(&self, resource: &str) -> Duration {
        let _ = resource;
        Duration::ZERO
    }
}
