//! Clusters, task definitions, tags, and who may ask.

use std::collections::BTreeSet;

use aws_sdk_ecs::error::ProvideErrorMetadata as _;
use aws_sdk_ecs::operation::delete_cluster::DeleteClusterError;
use aws_sdk_ecs::operation::list_tasks::ListTasksError;
use aws_sdk_ecs::operation::register_task_definition::RegisterTaskDefinitionError;
use aws_sdk_ecs::types::{ClusterField, SortOrder, Tag, TaskDefinitionStatus};

use crate::{ACCOUNT, client, client_of, fargate, keys};

#[tokio::test]
async fn a_cluster_from_its_making_to_its_end() {
    let region = "sdk-clusters-1";
    let client = client(region);
    let tag = Tag::builder().key("team").value("dev").build();
    let made = client
        .create_cluster()
        .cluster_name("blue")
        .tags(tag.clone())
        .send()
        .await
        .unwrap();
    let made = made.cluster.unwrap();
    let arn = format!("arn:aws:ecs:{region}:{ACCOUNT}:cluster/blue");
    assert_eq!(made.cluster_arn(), Some(arn.as_str()));
    assert_eq!(made.status(), Some("ACTIVE"));
    let described = client
        .describe_clusters()
        .clusters("blue")
        .clusters("none")
        .include(ClusterField::Tags)
        .send()
        .await
        .unwrap();
    assert_eq!(described.clusters()[0].tags(), [tag]);
    assert_eq!(described.failures()[0].reason(), Some("MISSING"));
    let deleted = client.delete_cluster().cluster("blue").send().await.unwrap();
    assert_eq!(deleted.cluster.unwrap().status(), Some("INACTIVE"));
    let again = client
        .delete_cluster()
        .cluster("none")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(
        matches!(again, DeleteClusterError::ClusterNotFoundException(_)),
        "{again:?}"
    );
    assert_eq!(again.message(), Some("Cluster not found."));
    let tasks = client
        .list_tasks()
        .cluster("none")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(
        matches!(tasks, ListTasksError::ClusterNotFoundException(_)),
        "{tasks:?}"
    );
}

#[tokio::test]
async fn lists_are_whole_in_pages_of_any_size() {
    let client = client("sdk-lists-1");
    let mut arns = Vec::new();
    for number in 0..11 {
        let made = client
            .create_cluster()
            .cluster_name(format!("c{number:02}"))
            .send()
            .await
            .unwrap();
        arns.push(made.cluster.unwrap().cluster_arn.unwrap());
    }
    for size in [1, 3, 10, 100] {
        let pages = client
            .list_clusters()
            .into_paginator()
            .page_size(size)
            .items()
            .send();
        let listed: Vec<String> = pages.collect::<Result<_, _>>().await.unwrap();
        assert_eq!(listed, arns, "{size}");
    }
}

#[tokio::test]
async fn revisions_of_a_task_definition() {
    let client = client("sdk-revisions-1");
    let mut arns = Vec::new();
    for _ in 0..12 {
        arns.push(fargate(&client, "web", "app:1").await);
    }
    let newest = client
        .describe_task_definition()
        .task_definition("web")
        .send()
        .await
        .unwrap();
    assert_eq!(newest.task_definition().unwrap().revision(), 12);
    let listed = client
        .list_task_definitions()
        .family_prefix("web")
        .sort(SortOrder::Desc)
        .into_paginator()
        .page_size(5)
        .items()
        .send();
    let listed: Vec<String> = listed.collect::<Result<_, _>>().await.unwrap();
    arns.reverse();
    assert_eq!(listed, arns);
    let gone = client
        .deregister_task_definition()
        .task_definition("web:12")
        .send()
        .await
        .unwrap();
    assert_eq!(
        gone.task_definition().unwrap().status(),
        Some(&TaskDefinitionStatus::Inactive)
    );
    let newest = client
        .describe_task_definition()
        .task_definition("web")
        .send()
        .await
        .unwrap();
    assert_eq!(newest.task_definition().unwrap().revision(), 11);
    let refused = client
        .register_task_definition()
        .family("web")
        .set_container_definitions(Some(Vec::new()));
    let refused = refused.send().await.unwrap_err().into_service_error();
    assert!(
        matches!(refused, RegisterTaskDefinitionError::ClientException(_)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn who_has_no_key_is_refused() {
    let _server = crate::server();
    let keys = keys();
    let key = "AKIAKECSCLIENTS";
    let mut codes = BTreeSet::new();
    for (key, secret) in [(key, "another secret"), ("AKIANOBODY", keys[key].as_str())] {
        let client = client_of("sdk-keys-1", key, secret);
        let refused = client.list_clusters().send().await.unwrap_err();
        codes.insert(refused.code().unwrap_or_default().to_owned());
    }
    let expected = ["InvalidSignatureException", "UnrecognizedClientException"];
    assert_eq!(codes, expected.map(str::to_owned).into());
    let reader = client_of("sdk-keys-1", "AKIAKECSREADER", &keys["AKIAKECSREADER"]);
    reader.list_clusters().send().await.unwrap();
    let refused = reader
        .create_cluster()
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(refused.is_access_denied_exception(), "{refused:?}");
    let other = client_of("sdk-keys-1", "AKIAKECSSECOND", &keys["AKIAKECSSECOND"]);
    let made = other.create_cluster().send().await.unwrap().cluster.unwrap();
    assert_eq!(
        made.cluster_arn(),
        Some("arn:aws:ecs:sdk-keys-1:210987654321:cluster/default")
    );
    let mine = client_of("sdk-keys-1", key, &keys[key])
        .list_clusters()
        .send()
        .await
        .unwrap();
    assert_eq!(mine.cluster_arns(), [] as [String; 0]);
}
