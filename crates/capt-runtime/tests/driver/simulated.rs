//! The same driver against a simulated API server that is held to a real one: server-side apply, field
//! ownership, pruning by schema, generations and expired watches as they are.

use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use kube_sim::{ApiServer, GroupResource};

use super::widget::{Widget, WidgetSpec};
use super::*;

/// As far as this file needs it, what [`World`] is beside the small server.
struct Simulation {
    server: ApiServer,
    diary: Diary,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

impl Simulation {
    async fn start() -> Self {
        let server = ApiServer::new(kube_sim::Clock::virtual_since(Timestamp::UNIX_EPOCH));
        let client = server.client("default");
        let definition: CustomResourceDefinition = serde_json::from_value(definition()).unwrap();
        let definitions = Api::<CustomResourceDefinition>::all(client.clone());
        definitions
            .create(&PostParams::default(), &definition)
            .await
            .unwrap();
        server.record(true);
        let diary = Diary::default();
        let widgets = Widgets { diary: diary.clone() };
        let driver = Driver::builder(client, Clock::virtual_since(Timestamp::UNIX_EPOCH))
            .watch::<ConfigMap>()
            .watch_metadata::<Secret>()
            .subject(widgets)
            .build();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(driver.run(async {
            let _ = stopped.await;
        }));
        Self {
            server,
            diary,
            stop,
            task,
        }
    }

    fn widgets(&self) -> Api<Widget> {
        Api::default_namespaced(self.server.client("default"))
    }

    async fn create(&self, name: &str, spec: WidgetSpec) {
        let widget = Widget::new(name, spec);
        self.widgets()
            .create(&PostParams::default(), &widget)
            .await
            .unwrap();
    }

    async fn resize(&self, name: &str, size: u32) {
        let patch = Patch::Merge(json!({ "spec": { "size": size } }));
        self.widgets()
            .patch(name, &PatchParams::default(), &patch)
            .await
            .unwrap();
    }

    async fn token(&self, value: &str) {
        let secrets = Api::<Secret>::default_namespaced(self.server.client("default"));
        let patch = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "s" }, "stringData": { "token": value },
        });
        let params = PatchParams::apply("a-user").force();
        secrets.patch("s", &params, &Patch::Apply(patch)).await.unwrap();
    }

    fn status(&self, name: &str) -> Value {
        let resource = GroupResource::new("test.capt.dev", "widgets");
        let widget = self.server.world().get(&resource, "default", name);
        widget.map_or(Value::Null, |it| it["status"].clone())
    }

    async fn shut_down(self) {
        drop(self.stop);
        self.task.await.unwrap();
    }
}

fn spec(size: u32) -> WidgetSpec {
    WidgetSpec {
        size,
        secret: Some("s".to_owned()),
        every: None,
    }
}

fn definition() -> Value {
    let string = json!({ "type": "string" });
    let schema = json!({
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": { "size": { "type": "integer" }, "secret": string, "every": { "type": "integer" } },
            },
            "status": {
                "type": "object",
                "properties": { "state": string, "made": string, "fault": string },
            },
        },
    });
    json!({
        "metadata": { "name": "widgets.test.capt.dev" },
        "spec": {
            "group": "test.capt.dev",
            "scope": "Namespaced",
            "names": { "kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList" },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": schema }, "subresources": { "status": {} },
            }],
        },
    })
}

#[tokio::test(start_paused = true)]
async fn eight_widgets_converge_and_then_nothing_is_written_or_read() {
    let simulation = Simulation::start().await;
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        simulation.create(name, spec(1)).await;
    }
    pass(5).await;
    assert_eq!(simulation.status("h"), json!({ "state": "Waiting" }));
    simulation.token("t").await;
    pass(5).await;
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        assert_eq!(
            simulation.status(name),
            json!({ "state": "Ready", "made": "1 t" }),
            "{name}"
        );
    }
    simulation.server.reset_counters();
    let rounds = simulation.diary.count("observe a");
    pass(1850).await;
    assert_eq!(simulation.diary.count("observe a"), rounds + 3, "three resyncs");
    let counters = simulation.server.counters();
    assert_eq!((counters.writes(), counters.reads()), (0, 0), "{counters:?}");
    simulation.shut_down().await;
}

#[tokio::test(start_paused = true)]
async fn an_update_an_expired_watch_and_a_deletion_are_followed() {
    let simulation = Simulation::start().await;
    simulation.token("t").await;
    simulation.create("a", spec(1)).await;
    pass(5).await;
    assert_eq!(simulation.diary.count("AddFinalizer a"), 1);
    simulation.server.cut_watches();
    simulation.resize("a", 2).await;
    simulation.server.with_world(|world, _| world.compact());
    pass(60).await;
    assert_eq!(simulation.status("a"), json!({ "state": "Ready", "made": "2 t" }));
    let background = DeleteParams::background();
    simulation.widgets().delete("a", &background).await.unwrap();
    pass(5).await;
    assert_eq!(simulation.status("a"), Value::Null);
    assert_eq!(simulation.diary.count("Unmake a"), 1);
    assert_eq!(simulation.diary.count("gone a"), 1);
    simulation.shut_down().await;
}

#[test]
fn two_runs_ask_the_same_at_the_same_times() {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let simulation = Simulation::start().await;
            for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
                simulation.create(name, spec(1)).await;
            }
            pass(3).await;
            simulation.token("t").await;
            simulation.resize("c", 13).await;
            pass(700).await;
            simulation.token("u").await;
            simulation.resize("c", 3).await;
            pass(700).await;
            let transcript = simulation.server.transcript();
            let lines: Vec<_> = transcript.iter().map(ToString::to_string).collect();
            assert_eq!(simulation.status("c"), json!({ "state": "Ready", "made": "3 u" }));
            simulation.shut_down().await;
            lines
        })
    };
    let first = run();
    assert!(first.len() > 100, "{} requests", first.len());
    assert_eq!(first, run());
}
