//! Installations, and what the command line makes of them.

use std::time::Duration;

use capt_picture::Page;
use capt_picture::page::Look;
use capt_testing::{Scenario, fixture};

use crate::cli::PageFormat;
use crate::commands::describe;
use crate::connect::Session;
use crate::failure::{Failure, Server};
use crate::gather::{self, Events, Gathered};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_mins(1);

/// A connection to a simulated server, as if a kubeconfig had led to it.
pub(super) fn session(server: &kube_sim::ApiServer) -> Session {
    Session {
        client: server.client("default"),
        namespace: "default".to_owned(),
        server: Server {
            address: "https://10.0.0.1:6443".to_owned(),
            context: "management".to_owned(),
            kubeconfig: "~/.kube/config".to_owned(),
        },
        timeout: None,
    }
}

pub(super) async fn gathered(world: &Scenario) -> Result<Gathered, Failure> {
    gather::cluster(&session(world.server()), "demo", Events::Wanted).await
}

/// The page about the cluster `demo`.
pub(super) async fn page(world: &Scenario) -> Page {
    let gathered = gathered(world).await.unwrap();
    describe::page(&gathered, "capt", world.server().clock().now())
}

/// The page as it is printed where there is no terminal.
pub(super) async fn text(world: &Scenario) -> String {
    describe::render(&page(world).await, PageFormat::Text, Look::default()).unwrap()
}

/// The same, which says all of this.
pub(super) async fn text_with(world: &Scenario, parts: &[&str]) -> String {
    let text = text(world).await;
    for part in parts {
        assert!(text.contains(part), "{part}\n{text}");
    }
    text
}

/// The part of a page with this heading.
pub(super) fn part<'a>(page: &'a str, heading: &str) -> &'a str {
    let from = page.find(heading).expect("the page has the part");
    let length = page[from..].find("\n\n").map_or(page.len() - from, |at| at + 1);
    &page[from..from + length]
}

/// What the page says last.
pub(super) fn next_step(text: &str) -> &str {
    let at = text.find("\nNext step: ").expect("a page says what to do next");
    &text[at + 1..]
}

/// An installation with the three templates.
pub(super) async fn with_templates() -> Scenario {
    let world = Scenario::start().await;
    world.apply(fixture::VPC_TEMPLATE).await;
    world.apply(fixture::EKS_TEMPLATE).await;
    world.apply(fixture::KUBECONFIG_TEMPLATE).await;
    world
}

/// An installation in which the cluster `demo` has just been ordered.
pub(super) async fn ordered() -> Scenario {
    let world = with_templates().await;
    world.apply(fixture::CLUSTER).await;
    world
}

/// An installation in which the cluster `demo` is ready.
pub(super) async fn ready() -> Scenario {
    let world = ordered().await;
    world
        .until_state("CAPTControlPlane/demo", "Ready", 5 * MINUTE)
        .await;
    world
        .until("Cluster/demo provisioned", MINUTE, |world| {
            world.at("Cluster/demo", "/status/phase") == "Provisioned"
        })
        .await;
    world.pass(30 * SECOND).await;
    world
}

/// Until Terraform has done something with a workspace so often.
pub(super) async fn until_applies(world: &Scenario, label: &str, applies: u32) {
    world
        .until("the apply has begun", 5 * MINUTE, |world| {
            u64::from(world.cloud().counters(label).applies) == u64::from(applies)
        })
        .await;
}
