//! The AWS SDK for Rust against a server that verifies signatures. Its deserialiser knows the model.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test the line of the panic is the best report"
)]

mod clusters;
mod services;
mod tasks;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use aws_sdk_ecs::Client;
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, Compatibility, ContainerDefinition, NetworkConfiguration,
    NetworkMode,
};
use aws_smithy_http_client::{Builder, Connector};
use clients::server::{Access, Server, Store};
use serde_json::Value;

/// The account of the first key.
const ACCOUNT: &str = "123456789012";

/// One server for the tests that run at a time: each has a region of its own. The last of them ends it.
fn server() -> Arc<Server> {
    static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut known = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    known.upgrade().unwrap_or_else(|| {
        let server = Arc::new(Server::start(Access::Keys, Store::Memory));
        *known = Arc::downgrade(&server);
        server
    })
}

/// A client, and the server that it asks.
struct Held {
    client: Client,
    _server: Arc<Server>,
}

impl Deref for Held {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Access key ids and their secrets.
fn keys() -> BTreeMap<String, String> {
    let file: Value = serde_json::from_str(include_str!("../../keys.json")).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let keys = file["keys"].as_array().unwrap().iter();
    keys.map(|key| (text(&key["access_key_id"]), text(&key["secret_access_key"])))
        .collect()
}

/// A client of this region. Nothing is tried twice.
fn client_of(region: &str, key: &str, secret: &str) -> Held {
    let server = server();
    let http = Builder::new().build_with_connector_fn(|_, _| Connector::builder().build_http());
    let config = aws_sdk_ecs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(server.endpoint())
        .region(Region::new(region.to_owned()))
        .credentials_provider(Credentials::new(key, secret, None, None, "tests"))
        .retry_config(RetryConfig::disabled())
        .http_client(http)
        .build();
    Held {
        client: Client::from_conf(config),
        _server: server,
    }
}

fn client(region: &str) -> Held {
    let (key, keys) = ("AKIAKECSCLIENTS", keys());
    client_of(region, key, &keys[key])
}

fn network() -> NetworkConfiguration {
    let vpc = AwsVpcConfiguration::builder()
        .subnets("subnet-0a1b2c3d")
        .assign_public_ip(AssignPublicIp::Enabled)
        .build()
        .unwrap();
    NetworkConfiguration::builder().awsvpc_configuration(vpc).build()
}

/// Registers a task definition for Fargate, and answers with its ARN.
async fn fargate(client: &Client, family: &str, image: &str) -> String {
    let registered = client
        .register_task_definition()
        .family(family)
        .network_mode(NetworkMode::Awsvpc)
        .requires_compatibilities(Compatibility::Fargate)
        .cpu("256")
        .memory("512")
        .container_definitions(ContainerDefinition::builder().name("app").image(image).build())
        .send()
        .await
        .unwrap();
    registered.task_definition.unwrap().task_definition_arn.unwrap()
}
