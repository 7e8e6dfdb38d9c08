//! Worlds as plain data, and worlds in files.

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Resource as _, ResourceExt};
use kube_sim::{ApiServer, Clock, GroupResource, Journal, World, WorldFile};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{EPOCH, config_map, server, status, widget, widget_api};

/// Something that somebody does to a world.
#[derive(Debug, Clone)]
enum Deed {
    Apply {
        namespace: u8,
        name: u8,
        value: i64,
    },
    Delete {
        namespace: u8,
        name: u8,
        foreground: bool,
    },
    Generate {
        namespace: u8,
    },
    MakeNamespace(u8),
    DeleteNamespace(u8),
    Widget {
        name: u8,
        owner: u8,
        held: bool,
    },
    DeleteWidget(u8),
    Define,
    Undefine,
    DryRun,
    Refused,
}

fn deed() -> impl Strategy<Value = Deed> {
    let small = || 0..3_u8;
    prop_oneof![
        4 => (small(), small(), any::<i64>())
            .prop_map(|(namespace, name, value)| Deed::Apply { namespace, name, value }),
        2 => (small(), small(), any::<bool>())
            .prop_map(|(namespace, name, foreground)| Deed::Delete { namespace, name, foreground }),
        1 => small().prop_map(|namespace| Deed::Generate { namespace }),
        1 => small().prop_map(Deed::MakeNamespace),
        1 => small().prop_map(Deed::DeleteNamespace),
        3 => (small(), small(), any::<bool>())
            .prop_map(|(name, owner, held)| Deed::Widget { name, owner, held }),
        2 => small().prop_map(Deed::DeleteWidget),
        1 => Just(Deed::Define),
        1 => Just(Deed::Undefine),
        1 => Just(Deed::DryRun),
        1 => Just(Deed::Refused),
    ]
}

/// Namespace 0 is always there, the others come and go.
fn namespace(number: u8) -> String {
    match number {
        0 => "default".to_owned(),
        number => format!("space-{number}"),
    }
}

/// Does it, or fails to: both are answers.
#[allow(clippy::too_many_lines, reason = "one arm for each deed")]
async fn perform(server: &ApiServer, deed: &Deed) -> String {
    let client = server.client("default");
    let maps = |number: u8| Api::<ConfigMap>::namespaced(client.clone(), &namespace(number));
    let definitions = Api::<CustomResourceDefinition>::all(client.clone());
    let spaces = Api::<Namespace>::all(client.clone());
    let apply = PatchParams::apply("test").force();
    let name = |number: &u8| format!("m{number}");
    let widgets = widget_api(&client);
    match deed {
        Deed::Apply {
            namespace,
            name: it,
            value,
        } => {
            let map = config_map(&name(it), json!({"value": value.to_string()}));
            let patch = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": map.data});
            format!(
                "{:?}",
                maps(*namespace)
                    .patch(&name(it), &apply, &Patch::Apply(patch))
                    .await
            )
        }
        Deed::Delete {
            namespace,
            name: it,
            foreground,
        } => {
            let params = if *foreground {
                DeleteParams::foreground()
            } else {
                DeleteParams::default()
            };
            format!("{:?}", maps(*namespace).delete(&name(it), &params).await)
        }
        Deed::Generate { namespace } => {
            let mut map = config_map("x", json!({}));
            map.metadata.name = None;
            map.metadata.generate_name = Some("made-".to_owned());
            format!(
                "{:?}",
                maps(*namespace).create(&PostParams::default(), &map).await
            )
        }
        Deed::MakeNamespace(number) => {
            let space = serde_json::from_value(json!({"metadata": {"name": namespace(*number)}})).unwrap();
            format!("{:?}", spaces.create(&PostParams::default(), &space).await)
        }
        Deed::DeleteNamespace(number) => {
            format!(
                "{:?}",
                spaces.delete(&namespace(*number), &DeleteParams::default()).await
            )
        }
        Deed::Widget {
            name: it,
            owner,
            held,
        } => {
            let mut made = widget(&name(it), json!({"size": 3}));
            if let Ok(owner) = maps(0).get(&name(owner)).await {
                made.metadata.owner_references = owner.owner_ref(&()).map(|it| vec![it]);
            }
            if *held {
                made.metadata.finalizers = Some(vec!["example.org/held".to_owned()]);
            }
            format!("{:?}", widgets.create(&PostParams::default(), &made).await)
        }
        Deed::DeleteWidget(it) => {
            let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
            let deleted = widgets.delete(&name(it), &DeleteParams::default()).await;
            let released = widgets.patch(&name(it), &PatchParams::default(), &release).await;
            format!("{deleted:?} {released:?}")
        }
        Deed::Define => {
            let definition: CustomResourceDefinition =
                serde_saphyr::from_str(include_str!("../widget.yaml")).unwrap();
            format!(
                "{:?}",
                definitions.create(&PostParams::default(), &definition).await
            )
        }
        Deed::Undefine => format!(
            "{:?}",
            definitions
                .delete("widgets.example.org", &DeleteParams::default())
                .await
        ),
        Deed::DryRun => {
            let params = PostParams {
                dry_run: true,
                ..PostParams::default()
            };
            format!(
                "{:?}",
                maps(0).create(&params, &config_map("dry", json!({}))).await
            )
        }
        Deed::Refused => {
            format!(
                "{:?}",
                maps(0)
                    .create(&PostParams::default(), &config_map("NOT A NAME", json!({})))
                    .await
            )
        }
    }
}

fn still() -> Clock {
    let now: Timestamp = EPOCH.parse().unwrap();
    Clock::new(move || now)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A dump is the whole world: what is loaded from it answers every request as the world itself does. And what
    /// each request has changed, one after the other, makes the same dump.
    #[test]
    fn a_loaded_world_goes_on_as_if_nothing_had_happened(
        before in prop::collection::vec(deed(), 0..25),
        after in prop::collection::vec(deed(), 0..15),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let server = ApiServer::new(still());
            server.with_world(|world, _| world.seed_uids(7));
            let mut kept = server.world().dump();
            for deed in &before {
                let revision = server.world().revision();
                perform(&server, deed).await;
                let world = server.world();
                if world.revision() != revision {
                    kept.apply(world.delta_since(revision).unwrap()).unwrap();
                    assert_eq!(kept, world.dump(), "after {deed:?}");
                }
            }
            // What a dry run and a refused request count is in the next delta.
            let text = serde_json::to_string(&server.world().dump()).unwrap();
            let loaded = World::load(serde_json::from_str(&text).unwrap()).unwrap();
            assert_eq!(loaded.dump(), server.world().dump());
            let second = ApiServer::from_world(loaded, still());
            second.with_world(|_, _| ());
            assert_eq!(second.world().dump(), server.world().dump(), "a settled world stays as it is");
            for deed in &after {
                assert_eq!(perform(&server, deed).await, perform(&second, deed).await, "{deed:?}");
            }
            assert_eq!(second.world().dump(), server.world().dump());
        });
    }
}

#[test]
fn what_cannot_have_been_in_a_world_is_not_loaded() {
    let mut dump = serde_json::to_value(World::new(EPOCH.parse().unwrap()).dump()).unwrap();
    let load = |dump: &serde_json::Value| {
        let dump = serde_json::from_value(dump.clone()).map_err(|error| error.to_string())?;
        World::load(dump).map_err(|error| error.to_string())
    };
    assert!(load(&dump).is_ok());
    let good = dump.clone();
    dump["objects"][0]["object"]["metadata"]["resourceVersion"] = json!("99999");
    let error = load(&dump).unwrap_err();
    assert!(
        error.contains("its resourceVersion \"99999\" is none of a world at"),
        "{error}"
    );
    dump = good.clone();
    dump["objects"][0]["object"]["metadata"]["uid"] = json!("");
    assert!(load(&dump).unwrap_err().ends_with("it has no uid"));
    dump = good.clone();
    dump["objects"][1] = dump["objects"][0].clone();
    assert!(load(&dump).unwrap_err().ends_with("it is there twice"));
    dump = good;
    dump["moons"] = json!(2);
    assert!(load(&dump).unwrap_err().contains("moons"));
}

struct Place {
    _directory: tempfile::TempDir,
    file: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self {
            file: directory.path().join("world"),
            _directory: directory,
        }
    }

    fn keep(&self, server: &ApiServer) {
        let file = WorldFile::create(&self.file, &server.world()).unwrap();
        server.set_journal(Some(Box::new(file)));
    }

    fn reopen(&self) -> (ApiServer, u64) {
        let reopened = WorldFile::open(&self.file).unwrap().unwrap();
        let server = ApiServer::from_world(reopened.world, still());
        server.set_journal(Some(Box::new(reopened.file)));
        (server, reopened.dropped)
    }
}

#[tokio::test]
async fn a_server_that_is_gone_is_found_again_in_its_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let place = Place::new();
    assert!(WorldFile::open(&place.file).unwrap().is_none());
    let (server, client) = server().await;
    place.keep(&server);
    let permissions = std::fs::metadata(&place.file).unwrap().permissions();
    assert_eq!(permissions.mode() & 0o777, 0o600, "Secrets are in it");
    let made = widget_api(&client)
        .create(&PostParams::default(), &widget("a", json!({"size": 3})))
        .await
        .unwrap();
    // Nothing is closed or flushed: the process may be gone at any moment. The file is read beside the first server.
    let (second, dropped) = place.reopen();
    assert_eq!(dropped, 0);
    assert_eq!(second.world().dump(), server.world().dump());
    let client = second.client("default");
    let found = widget_api(&client).get("a").await.unwrap();
    assert_eq!(found, made);
    // The definition is served, and versions go on.
    let next = widget_api(&client)
        .create(&PostParams::default(), &widget("b", json!({"size": 4})))
        .await
        .unwrap();
    let version = |object: &kube::core::DynamicObject| {
        let version = object.resource_version().unwrap();
        version.parse::<u64>().unwrap()
    };
    assert_eq!(version(&next), version(&made) + 1);
    assert_ne!(next.uid(), made.uid());
    let (third, _) = place.reopen();
    assert_eq!(third.world().dump(), second.world().dump());
}

#[tokio::test]
async fn a_record_that_was_cut_off_is_dropped_and_the_file_goes_on() {
    let place = Place::new();
    let (server, client) = server().await;
    place.keep(&server);
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let create = |name: &'static str| {
        let maps = maps.clone();
        async move {
            let map = config_map(name, json!({}));
            maps.create(&PostParams::default(), &map).await.unwrap()
        }
    };
    create("a").await;
    let whole = std::fs::read(&place.file).unwrap().len();
    create("b").await;
    let bytes = std::fs::read(&place.file).unwrap();
    std::fs::write(&place.file, &bytes[..bytes.len() - 3]).unwrap();
    let (second, dropped) = place.reopen();
    assert_eq!(dropped, (bytes.len() - 3 - whole) as u64);
    let maps: Api<ConfigMap> = Api::default_namespaced(second.client("default"));
    let names: Vec<String> = maps
        .list(&ListParams::default())
        .await
        .unwrap()
        .iter()
        .map(ResourceExt::name_any)
        .collect();
    assert_eq!(names, ["a"]);
    maps.create(&PostParams::default(), &config_map("c", json!({})))
        .await
        .unwrap();
    let (third, dropped) = place.reopen();
    assert_eq!(dropped, 0);
    assert_eq!(third.world().dump(), second.world().dump());
}

#[tokio::test]
async fn a_damaged_file_is_named_and_left_as_it_is() {
    let place = Place::new();
    place.keep(&server().await.0);
    let mut bytes = std::fs::read(&place.file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&place.file, &bytes).unwrap();
    let error = WorldFile::open(&place.file).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("read the world from {}", place.file.display())
    );
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(
        cause,
        "record 0 (at byte 25) is damaged: its checksum does not fit"
    );
    assert_eq!(std::fs::read(&place.file).unwrap(), bytes);
}

#[tokio::test]
async fn a_file_that_has_become_long_is_made_short() {
    let place = Place::new();
    let (server, client) = server().await;
    place.keep(&server);
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let mut longest = 0;
    let mut was_shortened = false;
    for number in 0..40 {
        let text = format!("{number}").repeat(100_000);
        let patch = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"text": text}});
        let apply = PatchParams::apply("test");
        maps.patch("a", &apply, &Patch::Apply(patch)).await.unwrap();
        let length = std::fs::metadata(&place.file).unwrap().len();
        was_shortened |= length < longest;
        longest = longest.max(length);
    }
    assert!(was_shortened, "it only grew, to {longest} bytes");
    assert_eq!(place.reopen().0.world().dump(), server.world().dump());
    // A request whose writes the history cannot tell one by one becomes a snapshot too.
    server.with_world(|world, _| world.set_history(1));
    let apply = PatchParams::apply("test");
    for name in ["b", "c"] {
        let patch = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {}});
        let patch = Patch::Apply(&patch);
        maps.patch(name, &apply, &patch).await.unwrap();
    }
    maps.delete_collection(&DeleteParams::default(), &ListParams::default())
        .await
        .unwrap();
    assert_eq!(place.reopen().0.world().dump(), server.world().dump());
}

/// A device without room.
struct Full;

impl Journal for Full {
    fn commit(&mut self, _before: u64, _world: &World) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

#[tokio::test]
async fn a_write_that_cannot_be_kept_does_not_happen() {
    let (server, client) = server().await;
    let before = server.world().dump();
    server.set_journal(Some(Box::new(Full)));
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let refused = maps
        .create(&PostParams::default(), &config_map("a", json!({})))
        .await;
    let refused = status(refused.unwrap_err());
    assert_eq!((refused.code, refused.reason.as_str()), (500, "InternalError"));
    assert_eq!(refused.message, "the write could not be kept: no storage space");
    assert_eq!(server.world().dump(), before);
    assert_eq!(server.counters().changes, 1, "that of the definition");
    // Reads go on, and writes when there is room again.
    server.set_journal(None);
    maps.create(&PostParams::default(), &config_map("a", json!({})))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_watch_from_before_the_restart_lists_again_even_if_its_kind_is_empty_now() {
    let (server, client) = server().await;
    let widgets = widget_api(&client);
    let made = widgets
        .create(&PostParams::default(), &widget("a", json!({"size": 3})))
        .await
        .unwrap();
    widgets.delete("a", &DeleteParams::default()).await.unwrap();
    let loaded = World::load(server.world().dump()).unwrap();
    let resource = GroupResource::new("example.org", "widgets");
    assert_eq!(loaded.list(&resource, None), []);
    let second = ApiServer::from_world(loaded, still());
    let widgets = widget_api(&second.client("default"));
    let version = made.resource_version().unwrap();
    let stream = widgets.watch(&kube::api::WatchParams::default(), &version).await;
    let mut stream = std::pin::pin!(stream.unwrap());
    let first = futures::TryStreamExt::try_next(&mut stream).await.unwrap();
    assert!(
        matches!(&first, Some(kube::api::WatchEvent::Error(status)) if status.code == 410),
        "{first:?}"
    );
}
