//! What is said where there is no page.

use std::sync::Arc;
use std::time::Duration;

use capt_testing::{fixture, simulate};
use jiff::Timestamp;
use kube::Api;
use kube::api::PostParams;
use kube_sim::{ApiServer, Before, Call, Clock, Hooks, StatusError};

use super::world::{ordered, session};
use crate::connect::Session;
use crate::failure::Failure;
use crate::gather::{Events, Gathered, cluster};
use crate::report::narrated;

async fn gather(session: &Session, name: &str) -> Result<Gathered, Failure> {
    cluster(session, name, Events::Wanted).await
}

/// What is said to somebody who asks for this cluster.
async fn answer(session: &Session, name: &str) -> String {
    let error = gather(session, name).await.unwrap_err();
    let text = narrated(&error);
    // Never the inner form of a value.
    assert!(!text.contains("Status {") && !text.contains("Some("), "{text}");
    text
}

fn empty() -> ApiServer {
    ApiServer::new(Clock::virtual_since(Timestamp::UNIX_EPOCH))
}

#[test]
fn a_cluster_without_capt_says_so() {
    simulate(async {
        let server = empty();
        let text = answer(&session(&server), "demo").await;
        assert!(
            text.starts_with(
                "error: CAPT is not installed in this cluster: https://10.0.0.1:6443 (context management of \
                 ~/.kube/config)\n"
            ),
            "{text}"
        );
        let definitions = Api::all(server.client("default"));
        for definition in capt_api::all_crds() {
            definitions
                .create(&PostParams::default(), &definition)
                .await
                .unwrap();
        }
        let text = answer(&session(&server), "demo").await;
        assert!(
            text.starts_with("error: Cluster API is not installed in this cluster"),
            "{text}"
        );
    });
}

#[test]
fn a_wrong_name_is_answered_with_those_that_are_near() {
    simulate(async {
        let world = ordered().await;
        let session = session(world.server());
        let text = answer(&session, "dmeo").await;
        assert_eq!(
            text,
            "error: there is no Cluster dmeo in namespace default\n  help: did you mean demo?\n"
        );
        let text = answer(&session, "production").await;
        assert!(text.ends_with("help: there is demo\n"), "{text}");
        let elsewhere = Session {
            namespace: "team".to_owned(),
            ..session
        };
        let text = answer(&elsewhere, "demo").await;
        assert!(
            text.ends_with("help: there is one in namespace default: name it with -n default\n"),
            "{text}"
        );
        let text = answer(&elsewhere, "other").await;
        assert!(
            text.ends_with("help: there is no Cluster in it; elsewhere there is default/demo\n"),
            "{text}"
        );
    });
}

#[test]
fn a_server_that_is_gone_is_named() {
    simulate(async {
        let server = empty();
        server.stop();
        let text = answer(&session(&server), "demo").await;
        assert!(
            text.starts_with(
                "error: cannot reach the API server https://10.0.0.1:6443 (context management of ~/.kube/config): "
            ),
            "{text}"
        );
    });
}

/// Refuses what it is told to.
struct Gate {
    resource: &'static str,
    verb: &'static str,
    delay: Duration,
}

impl Hooks for Gate {
    fn before(&self, call: &Call) -> Before {
        let is_meant = call.resource == self.resource && (self.verb.is_empty() || call.verb == self.verb);
        if !is_meant {
            return Before::default();
        }
        let message = format!(
            "{} is forbidden: User \"jane\" cannot {} resource \"{}\" in the namespace \"{}\"",
            self.resource, call.verb, self.resource, call.namespace
        );
        Before {
            delay: self.delay,
            fail: Some(StatusError::new(403, "Forbidden", message)),
            drop: false,
        }
    }
}

#[test]
fn a_missing_right_is_named() {
    simulate(async {
        let server = empty();
        server.set_hooks(Some(Arc::new(Gate {
            resource: "clusters.cluster.x-k8s.io",
            verb: "list",
            delay: Duration::ZERO,
        })));
        let definitions = Api::all(server.client("default"));
        for definition in capt_api::all_crds().into_iter().chain([capt_api::cluster_crd()]) {
            definitions
                .create(&PostParams::default(), &definition)
                .await
                .unwrap();
        }
        let text = answer(&session(&server), "demo").await;
        assert!(
            text.starts_with(
                "error: the right to list clusters.cluster.x-k8s.io in namespace default is missing"
            ),
            "{text}"
        );
        assert!(text.contains("User \"jane\" cannot list"), "{text}");
        assert!(
            text.contains("kubectl auth can-i list clusters.cluster.x-k8s.io -n default"),
            "{text}"
        );
    });
}

#[test]
fn rights_that_only_some_of_the_page_needs_leave_a_gap() {
    simulate(async {
        for resource in [
            "secrets",
            "events",
            "workspacetemplates.infrastructure.cluster.x-k8s.io",
        ] {
            let world = ordered().await;
            world.pass(Duration::from_secs(5)).await;
            let server = ApiServer::from_world(world.server().world(), world.server().clock().clone());
            server.set_hooks(Some(Arc::new(Gate {
                resource,
                verb: "",
                delay: Duration::ZERO,
            })));
            let gathered = gather(&session(&server), "demo").await.unwrap();
            let [gap] = gathered.gaps.as_slice() else {
                panic!("{:?}", gathered.gaps);
            };
            assert!(gap.contains(resource), "{gap}");
            let page = crate::commands::describe::page(&gathered, "capt", server.clock().now());
            assert!(
                page.text(capt_picture::page::Look::default())
                    .contains("Not shown: ")
            );
            assert!(!page.next_step.steps.is_empty());
        }
    });
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    simulate(async {
        let world = ordered().await;
        let server = ApiServer::from_world(world.server().world(), world.server().clock().clone());
        server.set_hooks(Some(Arc::new(Gate {
            resource: "clusters.cluster.x-k8s.io",
            verb: "list",
            delay: Duration::from_hours(1),
        })));
        let session = Session {
            timeout: Some(Duration::from_secs(5)),
            ..session(&server)
        };
        let text = answer(&session, "demo").await;
        assert!(text.contains("has not answered within 5s"), "{text}");
        assert!(text.contains("--request-timeout"), "{text}");
    });
}

#[test]
fn templates_of_other_namespaces_are_looked_up() {
    simulate(async {
        let world = ordered().await;
        world
            .apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: shared}\n")
            .await;
        world
            .apply(&fixture::VPC_TEMPLATE.replace("namespace: default}", "namespace: shared}"))
            .await;
        world
            .patch(
                "CAPTCluster/demo",
                serde_json::json!({ "spec": { "vpcTemplateRef": { "name": "vpc-template", "namespace": "shared" } } }),
            )
            .await;
        let gathered = gather(&session(world.server()), "demo").await.unwrap();
        let key = capt_picture::NodeKey::new(capt_picture::NodeKind::Template, "shared", "vpc-template");
        assert!(gathered.picture.get(&key).is_some_and(|node| node.exists));
    });
}
