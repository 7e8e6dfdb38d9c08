//! The controllers put together.

use std::fmt;

use capt_api::{CAPTCluster, CAPTControlPlane, Cluster, WorkspaceTemplate, WorkspaceTemplateApply};
use capt_runtime::{Clock, Driver, DriverBuilder, Health};
use k8s_openapi::api::core::v1::Secret;
use kube::Client;

use crate::Options;
use crate::apply::ApplyController;
use crate::cluster::ClusterController;
use crate::control_plane::ControlPlaneController;

/// Adds the three controllers of this crate, and the watches that they need, to a driver.
pub fn install(driver: DriverBuilder, options: Options) -> DriverBuilder {
    let driver = driver
        .watch::<Cluster>()
        .watch::<WorkspaceTemplate>()
        .watch::<WorkspaceTemplateApply>()
        .watch::<CAPTCluster>()
        .watch::<CAPTControlPlane>()
        .watch_metadata::<Secret>();
    options
        .backend
        .clone()
        .watch(driver)
        .subject(ApplyController::new(options.clone()))
        .subject(ClusterController::new(options.clone()))
        .subject(ControlPlaneController::new(options))
}

/// Puts an [`Operator`] together.
#[must_use = "a builder does nothing until it is built"]
pub struct OperatorBuilder {
    driver: DriverBuilder,
    options: Options,
}

impl OperatorBuilder {
    /// Watches one namespace only; `None` (the default) watches all.
    pub fn namespace(mut self, namespace: Option<String>) -> Self {
        self.driver = self.driver.namespace(namespace);
        self
    }

    /// At most so many rounds run together.
    pub fn workers(mut self, workers: usize) -> Self {
        self.driver = self.driver.workers(workers);
        self
    }

    /// What the installation decides for all its objects.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Changes the driver: more controllers, other delays.
    pub fn with(mut self, change: impl FnOnce(DriverBuilder) -> DriverBuilder) -> Self {
        self.driver = change(self.driver);
        self
    }

    /// The operator. Nothing is requested before it runs.
    pub fn build(self) -> Operator {
        Operator {
            driver: install(self.driver, self.options).build(),
        }
    }
}

impl fmt::Debug for OperatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OperatorBuilder")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// All controllers of an operator, in one driver.
pub struct Operator {
    driver: Driver,
}

impl Operator {
    /// Starts to put an operator together that talks through `client` and takes the time from `clock`.
    pub fn builder(client: Client, clock: Clock) -> OperatorBuilder {
        OperatorBuilder {
            driver: Driver::builder(client, clock),
            options: Options::default(),
        }
    }

    /// A handle on how the operator stands, for probes.
    pub fn health(&self) -> Health {
        self.driver.health()
    }

    /// Runs until `shutdown` completes, then lets running rounds end.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        self.driver.run(shutdown).await;
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator").finish_non_exhaustive()
    }
}
