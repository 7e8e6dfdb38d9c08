//! An in-memory Kubernetes API server for tests and sandboxes.
//!
//! Three layers, each usable without the next:
//!
//! - [`World`]: every object of a cluster and the rules they live by, as a value. Cheap to clone, free of clocks,
//!   threads and sockets.
//! - [`ApiServer`]: a world behind a clock, answering HTTP requests in process as a `tower::Service`, with watches,
//!   fault [`Hooks`], a transcript and counters. Under tokio's paused time a run is deterministic to the byte.
//! - [`serve_https`]: the same server on a loopback socket, for kubectl, Terraform and other processes.
//!
//! Beside them, [`WorldFile`] keeps a world in a file, so that a process that is killed goes on where it was.
//!
//! Served are custom resource definitions and their objects, and the built-in kinds that manifests are made of: those of
//! the core, apps, batch, autoscaling, policy, networking, discovery, coordination, events, scheduling, storage and RBAC
//! groups, with their schemas, columns and descriptions. The world does at once what the controllers of a real cluster
//! do after a while: garbage collection by owner references, the emptying of namespaces, the establishing of
//! definitions. Roles and bindings count for whoever is not the administrator. There is no admission webhook, no
//! scheduler and no kubelet: workloads are kept as they are, and nothing runs them.
//!
//! ```
//! use k8s_openapi::api::core::v1::ConfigMap;
//! use kube::Api;
//! use kube::api::PostParams;
//! use kube_sim::{ApiServer, Clock};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = ApiServer::new(Clock::virtual_since("2026-01-01T00:00:00Z".parse()?));
//! let maps: Api<ConfigMap> = Api::default_namespaced(server.client("default"));
//! let mut map = ConfigMap::default();
//! map.metadata.name = Some("settings".into());
//! let made = maps.create(&PostParams::default(), &map).await?;
//! assert_eq!(made.metadata.namespace.as_deref(), Some("default"));
//! # Ok(())
//! # }
//! ```

mod cel;
mod fields;
mod openapi;
mod patch;
mod persist;
mod schema;
mod server;
mod table;
mod world;

pub use persist::{FormatError, PersistError, Reopened, WorldFile};
pub use server::{
    After, ApiServer, Before, Call, Clock, Counters, Credentials, Entry, Hooks, Journal, ResponseBody,
    Running, ServeError, serve_https, serve_https_as, write_kubeconfig,
};
pub use world::{Conversion, Delta, Dump, FieldError, GroupResource, LoadError, StatusError, World};
