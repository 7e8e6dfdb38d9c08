//! A server with a region to set things up in.

use std::collections::BTreeMap;

use clients::server::{Access, LINGERING, Server, Store};
use clients::wire::Connection;
use serde_json::{Value, json};

use super::Case;
use crate::valid::fargate;

/// A region of a server, and what is known of it by name.
pub(super) struct Place {
    connection: Connection,
    known: BTreeMap<String, String>,
    _server: Server,
}

impl Place {
    /// An empty one, but for the cluster `default`. Tasks that are asked to stop take their time here. `<arn>` is how
    /// the ARNs of the region begin, `<account>` whose they are.
    pub(super) async fn open(region: &str) -> Self {
        let server = Server::start_with(Access::Open, Store::Memory, LINGERING);
        let connection = Connection::open(&server.address, region).await.unwrap();
        let mut place = Self {
            connection,
            known: BTreeMap::new(),
            _server: server,
        };
        let cluster = place.ok("CreateCluster", json!({})).await;
        let arn = cluster["cluster"]["clusterArn"].as_str().unwrap();
        place.keep("arn", &json!(arn.trim_end_matches("cluster/default")));
        place.keep("account", &json!(arn.split(':').nth(4)));
        place
    }

    /// The same with task definitions: `app` for Fargate, with a role; `plain` for machines; `gone:1`, which is
    /// INACTIVE.
    pub(super) async fn with_definitions(region: &str) -> Self {
        let mut place = Self::open(region).await;
        let plain = json!({
            "family": "plain", "containerDefinitions": [{"name": "app", "image": "app:1", "memory": 64}],
        });
        for definition in [plain, fargate("app"), fargate("gone")] {
            place.ok("RegisterTaskDefinition", definition).await;
        }
        place
            .ok("DeregisterTaskDefinition", json!({"taskDefinition": "gone:1"}))
            .await;
        place
    }

    /// A machine in a cluster, kept by this name.
    pub(super) async fn machine(&mut self, name: &str, cluster: &str, agent: Option<&str>) {
        let mut input = json!({"cluster": cluster, "totalResources": [
            {"name": "CPU", "type": "INTEGER", "integerValue": 2048},
            {"name": "MEMORY", "type": "INTEGER", "integerValue": 4096},
            {"name": "PORTS", "type": "STRINGSET", "stringSetValue": []},
        ]});
        if let Some(agent) = agent {
            input["versionInfo"] = json!({"agentVersion": agent});
        }
        let answer = self.ok("RegisterContainerInstance", input).await;
        self.keep(name, &answer["containerInstance"]["containerInstanceArn"]);
    }

    /// Remembers a text by name.
    pub(super) fn keep(&mut self, name: &str, text: &Value) {
        let text = text.as_str().unwrap_or_else(|| panic!("{name} is {text}"));
        self.known.insert(format!("<{name}>"), text.to_owned());
    }

    /// Calls an operation that is not refused.
    pub(super) async fn ok(&mut self, operation: &str, input: Value) -> Value {
        let input = self.filled(&input);
        self.connection.ok(operation, &input).await.unwrap()
    }

    /// Asks again until what is asked for is there.
    pub(super) async fn until(
        &mut self,
        operation: &str,
        input: Value,
        there: impl Fn(&Value) -> bool,
    ) -> Value {
        let mut output = Value::Null;
        for _ in 0..600 {
            output = self.ok(operation, input.clone()).await;
            if there(&output) {
                return output;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{operation} {input} still answers {output}")
    }

    /// Every case is answered as its row says.
    pub(super) async fn answers(&mut self, cases: &[Case]) {
        let mut wrong = Vec::new();
        for case in cases {
            let row = case.row();
            let input = self.filled(&case.input);
            let reply = self.connection.call(case.operation, &input).await.unwrap();
            let body = reply.json();
            let answer = (
                reply.status.as_u16(),
                body["__type"].as_str().unwrap_or_default(),
                body["message"].as_str().unwrap_or_default(),
            );
            let message = self.text(&case.message());
            let expected = (row.code.status(), row.code.name(), message.as_str());
            if answer != expected {
                wrong.push(format!(
                    "{} {input}\n  answers {answer:?}\n  and not {expected:?}",
                    case.operation
                ));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn text(&self, text: &str) -> String {
        let known = self.known.iter();
        known.fold(text.to_owned(), |text, (name, is)| text.replace(name, is))
    }

    /// The input with what is known by name.
    fn filled(&self, input: &Value) -> Value {
        match input {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(all) => all.iter().map(|it| self.filled(it)).collect(),
            Value::Object(all) => {
                let filled = all.iter().map(|(name, it)| (name.clone(), self.filled(it)));
                Value::Object(filled.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => input.clone(),
        }
    }
}
