//! Tasks: run, waited for, stopped; and tokens.

use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::client::Waiters as _;
use aws_sdk_ecs::operation::run_task::{RunTaskError, RunTaskOutput};
use aws_sdk_ecs::operation::stop_task::StopTaskError;
use aws_sdk_ecs::types::{DesiredStatus, LaunchType, TaskStopCode};

use crate::{client, fargate, network};

const PATIENCE: Duration = Duration::from_mins(1);

async fn run(
    client: &Client,
    definition: &str,
    count: i32,
    token: &str,
) -> Result<RunTaskOutput, RunTaskError> {
    let run = client
        .run_task()
        .task_definition(definition)
        .count(count)
        .client_token(token)
        .launch_type(LaunchType::Fargate)
        .network_configuration(network());
    run.send()
        .await
        .map_err(aws_sdk_ecs::error::SdkError::into_service_error)
}

fn arns(output: &RunTaskOutput) -> Vec<String> {
    let mut arns: Vec<String> = output
        .tasks()
        .iter()
        .filter_map(|it| it.task_arn.clone())
        .collect();
    arns.sort();
    arns
}

#[tokio::test]
async fn a_task_runs_until_it_is_stopped() {
    let client = client("sdk-tasks-1");
    client.create_cluster().send().await.unwrap();
    let definition = fargate(&client, "app", "app:1").await;
    let made = run(&client, &definition, 2, "one").await.unwrap();
    let arns = arns(&made);
    assert_eq!((arns.len(), made.failures().len()), (2, 0));
    let waited = client
        .wait_until_tasks_running()
        .set_tasks(Some(arns.clone()))
        .wait(PATIENCE)
        .await;
    waited.unwrap().into_result().unwrap();
    let described = client
        .describe_tasks()
        .set_tasks(Some(arns.clone()))
        .send()
        .await
        .unwrap();
    for task in described.tasks() {
        assert_eq!(task.last_status(), Some("RUNNING"));
        assert_eq!(task.launch_type(), Some(&LaunchType::Fargate));
        assert!(task.created_at() <= task.started_at());
        assert_eq!(task.containers()[0].last_status(), Some("RUNNING"));
    }
    for arn in &arns {
        client
            .stop_task()
            .task(arn)
            .reason("enough")
            .send()
            .await
            .unwrap();
    }
    let waited = client
        .wait_until_tasks_stopped()
        .set_tasks(Some(arns.clone()))
        .wait(PATIENCE)
        .await;
    waited.unwrap().into_result().unwrap();
    let described = client
        .describe_tasks()
        .set_tasks(Some(arns.clone()))
        .send()
        .await
        .unwrap();
    for task in described.tasks() {
        assert_eq!(task.stop_code(), Some(&TaskStopCode::UserInitiated));
        assert_eq!(task.stopped_reason(), Some("enough"));
        assert!(task.started_at() <= task.stopped_at());
    }
    let listed = client
        .list_tasks()
        .desired_status(DesiredStatus::Stopped)
        .send()
        .await
        .unwrap();
    assert_eq!(listed.task_arns().len(), 2);
    assert_eq!(client.list_tasks().send().await.unwrap().task_arns().len(), 0);
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled() {
    let client = client("sdk-images-1");
    client.create_cluster().send().await.unwrap();
    let definition = fargate(&client, "app", "registry.invalid/app:1").await;
    let arns = arns(&run(&client, &definition, 1, "one").await.unwrap());
    let waited = client
        .wait_until_tasks_stopped()
        .set_tasks(Some(arns.clone()))
        .wait(PATIENCE)
        .await;
    waited.unwrap().into_result().unwrap();
    let described = client
        .describe_tasks()
        .set_tasks(Some(arns))
        .send()
        .await
        .unwrap();
    let task = &described.tasks()[0];
    assert_eq!(task.stop_code(), Some(&TaskStopCode::TaskFailedToStart));
    assert!(
        task.stopped_reason()
            .unwrap()
            .starts_with("CannotPullContainerError"),
        "{task:?}"
    );
    assert_eq!(task.containers()[0].exit_code(), None);
}

#[tokio::test]
async fn a_token_is_for_one_request() {
    let client = client("sdk-tokens-1");
    client.create_cluster().send().await.unwrap();
    let definition = fargate(&client, "app", "app:1").await;
    let first = arns(&run(&client, &definition, 3, "one").await.unwrap());
    assert_eq!(arns(&run(&client, &definition, 3, "one").await.unwrap()), first);
    let refused = run(&client, &definition, 2, "one").await.unwrap_err();
    let RunTaskError::ConflictException(conflict) = refused else {
        panic!("{refused:?}");
    };
    let mut resources = conflict.resource_ids().to_vec();
    resources.sort();
    assert_eq!(resources, first);
    assert_ne!(arns(&run(&client, &definition, 3, "two").await.unwrap()), first);
    assert_eq!(client.list_tasks().send().await.unwrap().task_arns().len(), 6);
    let refused = client
        .stop_task()
        .task("0".repeat(32))
        .send()
        .await
        .unwrap_err()
        .into_service_error();
    assert!(
        matches!(refused, StopTaskError::InvalidParameterException(_)),
        "{refused:?}"
    );
}
