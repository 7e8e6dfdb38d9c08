//! What is asked of a server: seven reads to three writes.

use anyhow::{Context as _, Result, ensure};
use capt_core::retry::splitmix64;
use serde_json::{Value, json};

use crate::http::Connection;

/// The account of callers whose key names none.
pub(crate) const ACCOUNT: &str = "000000000000";
/// Clusters, families and services that requests go to.
const SPREAD: u64 = 32;
/// Tasks that a connection keeps in mind.
const TASKS: usize = 8;

/// A mix of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mix {
    /// Clusters, services, task definitions and tags: nothing that runs.
    Records,
    /// Tasks are run, looked at and stopped.
    Tasks,
}

/// A request, and what its time is counted under.
pub(crate) struct Call {
    pub(crate) operation: &'static str,
    pub(crate) body: Value,
}

/// What one connection asks, one after the other.
pub(crate) struct Asker {
    mix: Mix,
    state: u64,
    tasks: Vec<String>,
}

impl Asker {
    pub(crate) fn new(mix: Mix, seed: u64) -> Self {
        Self {
            mix,
            state: splitmix64(seed),
            tasks: Vec::new(),
        }
    }

    fn number(&mut self, below: u64) -> u64 {
        self.state = splitmix64(self.state);
        self.state % below
    }

    /// What is asked next.
    pub(crate) fn next(&mut self) -> Call {
        let hundred = self.number(100);
        let (operation, body) = match self.mix {
            Mix::Records => self.record(hundred),
            Mix::Tasks => self.task(hundred),
        };
        Call { operation, body }
    }

    fn record(&mut self, hundred: u64) -> (&'static str, Value) {
        let at = self.number(SPREAD);
        let cluster = format!("cluster-{at}");
        match hundred {
            0..20 => ("DescribeClusters", json!({"clusters": [cluster]})),
            20..35 => (
                "DescribeServices",
                json!({"cluster": cluster, "services": ["web"]}),
            ),
            35..50 => (
                "DescribeTaskDefinition",
                json!({"taskDefinition": format!("family-{at}")}),
            ),
            50..60 => ("ListTagsForResource", json!({"resourceArn": arn(&cluster)})),
            60..70 => ("ListServices", json!({"cluster": cluster, "maxResults": 10})),
            70..85 => {
                let tag = json!({"key": "turn", "value": self.number(1_000_000).to_string()});
                (
                    "TagResource",
                    json!({"resourceArn": arn(&cluster), "tags": [tag]}),
                )
            }
            85..90 => {
                let percent = 100 + self.number(100);
                let body = json!({
                    "cluster": cluster, "service": "web", "desiredCount": 0,
                    "deploymentConfiguration": {"maximumPercent": percent, "minimumHealthyPercent": 50},
                });
                ("UpdateService", body)
            }
            _ => ("RegisterTaskDefinition", definition(at)),
        }
    }

    fn task(&mut self, hundred: u64) -> (&'static str, Value) {
        let at = self.number(SPREAD);
        let cluster = format!("cluster-{at}");
        let known = self.tasks.len() as u64;
        match hundred {
            0..30 if known > 0 => {
                let arn = self.known(known);
                let cluster = cluster_of(&arn);
                ("DescribeTasks", json!({"cluster": cluster, "tasks": [arn]}))
            }
            0..50 => ("ListTasks", json!({"cluster": cluster, "maxResults": 20})),
            50..70 => ("DescribeClusters", json!({"clusters": [cluster]})),
            85..100 if known > 0 => {
                let arn = self.known(known);
                self.tasks.retain(|it| *it != arn);
                ("StopTask", json!({"cluster": cluster_of(&arn), "task": arn}))
            }
            _ => {
                let network = json!({"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"]}});
                let body = json!({
                    "cluster": cluster, "taskDefinition": format!("family-{at}"), "launchType": "FARGATE",
                    "networkConfiguration": network,
                });
                ("RunTask", body)
            }
        }
    }

    fn known(&mut self, known: u64) -> String {
        let at = usize::try_from(self.number(known)).unwrap_or_default();
        self.tasks.get(at).cloned().unwrap_or_default()
    }

    /// Keeps in mind what was answered.
    pub(crate) fn answered(&mut self, call: &Call, body: &[u8]) {
        if call.operation != "RunTask" || self.tasks.len() >= TASKS {
            return;
        }
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let arns = body["tasks"].as_array().into_iter().flatten();
        let arns = arns.filter_map(|it| it["taskArn"].as_str().map(str::to_owned));
        self.tasks.extend(arns);
    }
}

fn arn(cluster: &str) -> String {
    format!("arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/{cluster}")
}

fn cluster_of(task: &str) -> &str {
    task.split('/').nth(1).unwrap_or_default()
}

fn definition(at: u64) -> Value {
    json!({
        "family": format!("family-{at}"), "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "256", "memory": "512",
        "containerDefinitions": [{
            "name": "app", "image": "public.example.com/app:1", "memory": 256, "essential": true,
            "environment": [{"name": "MODE", "value": "load"}],
            "portMappings": [{"containerPort": 80, "protocol": "tcp"}],
        }],
    })
}

/// Makes what requests go to.
pub(crate) async fn set_up(address: &str) -> Result<()> {
    let mut connection = Connection::new(address);
    for at in 0..SPREAD {
        let cluster = format!("cluster-{at}");
        let service = json!({
            "cluster": cluster, "serviceName": "web", "taskDefinition": format!("plain-{at}"), "desiredCount": 0,
            "launchType": "EC2",
        });
        // Without a network of its own: not every server takes subnets that it has not made.
        let plain = json!({
            "family": format!("plain-{at}"),
            "containerDefinitions": [{"name": "app", "image": "public.example.com/app:1", "memory": 256}],
        });
        let calls = [
            ("CreateCluster", json!({"clusterName": cluster})),
            ("RegisterTaskDefinition", definition(at)),
            ("RegisterTaskDefinition", plain),
            ("CreateService", service),
        ];
        for (operation, body) in calls {
            let (status, answer) = connection
                .call(operation, &body.to_string())
                .await
                .context(operation)?;
            let answer = String::from_utf8_lossy(answer);
            // What is there from the run before is as good.
            ensure!(
                status == 200 || answer.contains("idempotent"),
                "{operation}: {status} {answer}"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_of_ten_requests_read() {
        for mix in [Mix::Records, Mix::Tasks] {
            let mut asker = Asker::new(mix, 7);
            let mut reads = 0;
            for _ in 0..10_000 {
                let call = asker.next();
                reads +=
                    u32::from(call.operation.starts_with("Describe") || call.operation.starts_with("List"));
                asker.answered(
                    &call,
                    br#"{"tasks": [{"taskArn": "arn:aws:ecs:r:a:task/cluster-3/0"}]}"#,
                );
            }
            assert!((6_800..7_200).contains(&reads), "{mix:?}: {reads}");
            assert!(asker.tasks.len() <= TASKS);
        }
        assert_eq!(cluster_of("arn:aws:ecs:r:a:task/cluster-3/0"), "cluster-3");
    }
}
