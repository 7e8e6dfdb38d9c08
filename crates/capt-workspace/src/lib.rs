//! The `TerraformWorkspace` controller: the native backend.
//!
//! A workspace is one Terraform configuration with its state. The controller resolves what its spec refers
//! to, has the configuration applied by the engine that there is, writes the outputs into the connection
//! secret and the status, protects the state, and destroys before it lets an object go.
//!
//! # Guarantees
//!
//! - A run is recorded in the status before it is started, and started under that number: an operator that
//!   starts anew takes up the same run instead of starting another.
//! - Neither spec, status, events nor logs ever hold a value of a Secret or of a sensitive output; the status
//!   holds digests of them.
//! - Nothing is read from or written to another namespace unless [`Options::allow_namespaces`] says so.
//! - The status moves with what the engine says, never with the clock: a converged workspace is not written.
//!
//! # Assumptions
//!
//! One operator at a time runs workspaces; its engine keeps working directories over a restart where it can.

mod arguments;
mod backend;
mod connection;
mod dependents;
mod inputs;
mod kept;
mod position;
mod render;
mod run;
mod state;
mod status;
mod subject;
mod variables;

use capt_api::{CAPTCluster, Cluster, TerraformWorkspace, WorkspaceTemplateApply};
use capt_runtime::{DriverBuilder, Subject as _};
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};

pub use backend::default_secret_suffix;
pub use subject::{Options, Seen, WorkspaceSubject};

/// Adds the controller, and the watches that it needs, to a driver.
pub fn install(driver: DriverBuilder, options: Options) -> DriverBuilder {
    let changes = options.runs.changes();
    let subject = WorkspaceSubject::new(options);
    let memory = subject.memory();
    let wakes = changes.filter_map(move |workspace| {
        let key = memory.key(&workspace);
        async move { Some((WorkspaceSubject::NAME, key?)) }
    });
    driver
        .watch::<TerraformWorkspace>()
        .watch::<WorkspaceTemplateApply>()
        .watch::<Cluster>()
        .watch::<CAPTCluster>()
        .watch_metadata::<Secret>()
        .watch_metadata::<ConfigMap>()
        .subject(subject)
        .wake(wakes)
}
