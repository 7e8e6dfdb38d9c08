//! Services: steady, updated, rolled back, deleted.

use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::client::Waiters as _;
use aws_sdk_ecs::operation::create_service::CreateServiceError;
use aws_sdk_ecs::operation::delete_service::DeleteServiceError;
use aws_sdk_ecs::operation::update_service::UpdateServiceError;
use aws_sdk_ecs::types::{
    DeploymentCircuitBreaker, DeploymentConfiguration, DeploymentRolloutState, LaunchType, Service,
};

use crate::{client, fargate, network};

const PATIENCE: Duration = Duration::from_mins(2);

async fn create(client: &Client, definition: &str, count: i32) -> Result<Service, CreateServiceError> {
    let breaker = DeploymentCircuitBreaker::builder()
        .enable(true)
        .rollback(true)
        .build();
    let made = client
        .create_service()
        .service_name("web")
        .task_definition(definition)
        .desired_count(count)
        .launch_type(LaunchType::Fargate)
        .network_configuration(network())
        .deployment_configuration(
            DeploymentConfiguration::builder()
                .deployment_circuit_breaker(breaker)
                .build(),
        )
        .send()
        .await;
    made.map(|it| it.service.unwrap())
        .map_err(aws_sdk_ecs::error::SdkError::into_service_error)
}

async fn stable(client: &Client) {
    let waited = client
        .wait_until_services_stable()
        .services("web")
        .wait(PATIENCE)
        .await;
    waited.unwrap().into_result().unwrap();
}

async fn service(client: &Client) -> Service {
    let described = client.describe_services().services("web").send().await.unwrap();
    described.services.unwrap().remove(0)
}

#[tokio::test]
async fn a_service_from_its_making_to_its_end() {
    let client = client("sdk-services-1");
    client.create_cluster().send().await.unwrap();
    let first = fargate(&client, "app", "app:1").await;
    let made = create(&client, &first, 2).await.unwrap();
    assert_eq!(
        made.deployments()[0].rollout_state(),
        Some(&DeploymentRolloutState::InProgress)
    );
    stable(&client).await;
    assert_eq!(
        (
            service(&client).await.running_count(),
            service(&client).await.pending_count()
        ),
        (2, 0)
    );
    let again = create(&client, &first, 2).await.unwrap();
    assert_eq!(again.created_at(), made.created_at());
    let other = create(&client, &first, 3).await.unwrap_err();
    assert!(
        matches!(other, CreateServiceError::InvalidParameterException(_)),
        "{other:?}"
    );

    let second = fargate(&client, "app", "app:2").await;
    client
        .update_service()
        .service("web")
        .task_definition(&second)
        .desired_count(1)
        .send()
        .await
        .unwrap();
    stable(&client).await;
    let updated = service(&client).await;
    assert_eq!(
        (updated.running_count(), updated.task_definition()),
        (1, Some(second.as_str()))
    );

    let refused = client
        .delete_service()
        .service("web")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(
        matches!(refused, DeleteServiceError::InvalidParameterException(_)),
        "{refused:?}"
    );
    client
        .delete_service()
        .service("web")
        .force(true)
        .send()
        .await
        .unwrap();
    let waited = client
        .wait_until_services_inactive()
        .services("web")
        .wait(PATIENCE)
        .await;
    waited.unwrap().into_result().unwrap();
    let update = client
        .update_service()
        .service("web")
        .desired_count(2)
        .send()
        .await;
    let update = update.unwrap_err().into_service_error();
    assert!(
        matches!(update, UpdateServiceError::ServiceNotActiveException(_)),
        "{update:?}"
    );
    let missing = client
        .update_service()
        .service("none")
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(
        matches!(missing, UpdateServiceError::ServiceNotFoundException(_)),
        "{missing:?}"
    );
}

#[tokio::test]
async fn a_deployment_that_fails_is_rolled_back() {
    let client = client("sdk-rollback-1");
    client.create_cluster().send().await.unwrap();
    let first = fargate(&client, "app", "app:1").await;
    create(&client, &first, 1).await.unwrap();
    stable(&client).await;
    let failing = fargate(&client, "app", "registry.invalid/app:1").await;
    client
        .update_service()
        .service("web")
        .task_definition(&failing)
        .send()
        .await
        .unwrap();
    stable(&client).await;
    let rolled = service(&client).await;
    assert_eq!(rolled.task_definition(), Some(first.as_str()));
    assert_eq!(rolled.deployments().len(), 1);
    let messages: Vec<&str> = rolled.events().iter().filter_map(|it| it.message()).collect();
    assert!(
        messages
            .iter()
            .any(|it| it.contains("rolling back to deployment")),
        "{messages:?}"
    );
}
