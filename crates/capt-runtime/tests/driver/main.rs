//! The whole driver against a small API server, in virtual time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "an integration test is all test, and reads best with values in its calls"
)]

mod caches;
mod convergence;
mod failures;
mod outages;
mod server;
mod simulated;
mod widget;

use std::time::Duration;

use capt_runtime::{Clock, Driver, DriverBuilder, Health};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use server::Server;
use widget::{Diary, Widgets};

/// A driver at work beside a test.
struct World {
    server: Server,
    diary: Diary,
    health: Health,
    stop: Option<oneshot::Sender<()>>,
    task: tokio::task::JoinHandle<()>,
}

impl World {
    fn start() -> Self {
        Self::start_with(Server::new(), |builder| builder)
    }

    fn start_with(server: Server, configure: impl FnOnce(DriverBuilder) -> DriverBuilder) -> Self {
        let diary = Diary::default();
        let widgets = Widgets { diary: diary.clone() };
        let builder = Driver::builder(server.client(), Clock::virtual_since(Timestamp::UNIX_EPOCH))
            .seed(7)
            .watch::<ConfigMap>()
            .watch_metadata::<Secret>()
            .subject(widgets);
        let driver = configure(builder).build();
        let health = driver.health();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(driver.run(async {
            let _ = stopped.await;
        }));
        Self {
            server,
            diary,
            health,
            stop: Some(stop),
            task,
        }
    }

    fn widget(&self, name: &str, spec: Value) {
        self.server.put("widgets", name, json!({ "spec": spec }));
    }

    fn status(&self, name: &str) -> Value {
        self.server
            .get("widgets", name)
            .map_or(Value::Null, |it| it["status"].clone())
    }

    fn state(&self, name: &str) -> String {
        self.status(name)["state"].as_str().unwrap_or_default().to_owned()
    }

    async fn shut_down(mut self) {
        drop(self.stop.take());
        self.task.await.unwrap();
    }
}

/// Lets virtual time pass: the paused clock jumps from timer to timer.
async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}
