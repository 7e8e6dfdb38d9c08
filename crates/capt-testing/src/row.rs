//! One situation, played through: what CAPT does in it, and what a person sees.
//!
//! A row is a script whose account is taken from the running installation: what an object says at the moments that
//! the script marks, how often Terraform ran, and how it ended. The account is compared with a file, and all the files
//! together are the table of situations in the reference, so that no line of it is written by hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kube::Error;
use serde::Serialize;
use serde_json::Value;

use crate::kstatus::{condition, kstatus};
use crate::manifest::Target;
use crate::{Scenario, fresh, simulate};

/// The parts of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Something is changed while something else is under way.
    Changes,
    /// Somebody has made a mistake.
    Mistakes,
    /// A process dies and comes back.
    Restarts,
}

impl Part {
    /// The folder of its rows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Mistakes => "mistakes",
            Self::Restarts => "restarts",
        }
    }
}

/// One situation.
#[derive(Debug, Clone)]
pub struct Row {
    /// The folder that holds a folder for each part.
    pub folder: PathBuf,
    /// Where it stands in the table.
    pub part: Part,
    /// The name of its file, and of its line: lower case, with hyphens.
    pub id: &'static str,
    /// The situation, in a few words.
    pub situation: &'static str,
    /// What CAPT does, in one sentence.
    pub does: &'static str,
}

/// What happened in a row.
#[derive(Debug, Serialize)]
pub struct Account {
    situation: &'static str,
    does: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sees: Vec<Sight>,
    terraform: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    least: &'static str,
    ends: BTreeMap<String, String>,
    as_fresh: bool,
    #[serde(skip)]
    ended: bool,
}

/// What a person sees of one object at one moment.
#[derive(Debug, Serialize)]
struct Sight {
    object: String,
    state: String,
    kstatus: String,
    /// Status and reason of the condition `Ready`; of a Cluster, of `Available`.
    ready: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    waits: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    event: String,
}

impl Row {
    /// Plays the script in virtual time, and compares its account with the file. With `CAPT_BLESS` set the file
    /// becomes the account.
    ///
    /// The script has to say how it ends ([`Account::ends`] or [`Account::ends_as_fresh`]).
    pub fn play(self, script: impl AsyncFnOnce(&mut Account)) {
        let mut account = Account {
            situation: self.situation,
            does: self.does,
            refused: Vec::new(),
            sees: Vec::new(),
            terraform: BTreeMap::new(),
            least: "",
            ends: BTreeMap::new(),
            as_fresh: false,
            ended: false,
        };
        simulate(script(&mut account));
        assert!(
            account.ended,
            "the script of {} does not say how it ends",
            self.id
        );
        assert!(
            !account.sees.is_empty() || !account.refused.is_empty(),
            "in {} nobody sees anything",
            self.id
        );
        let text = serde_saphyr::to_string(&account).unwrap();
        let file = self
            .folder
            .join(self.part.name())
            .join(format!("{}.yaml", self.id));
        if std::env::var_os("CAPT_BLESS").is_some() {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, text).unwrap();
            return;
        }
        let golden = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(
            golden,
            text,
            "{} differs; CAPT_BLESS=1 takes this over",
            file.display()
        );
    }
}

impl Account {
    /// Takes down what a person sees of this object now.
    pub fn sees(&mut self, world: &Scenario, object: &str) {
        let target = Target::from(object);
        let Some(value) = world.object(object) else {
            panic!("there is no {target}:\n{}", world.transcript());
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        // Cluster API sums a Cluster up in another one.
        let (state, summary) = match &*target.kind {
            "Cluster" => ("phase", "Available"),
            _ => ("state", "Ready"),
        };
        let ready = condition(&value, summary);
        let part = |name: &str| ready.map(|ready| text(&ready[name])).unwrap_or_default();
        let waits = value["status"]["waits"].as_array().into_iter().flatten();
        self.sees.push(Sight {
            object: target.to_string(),
            state: text(&value["status"][state]),
            kstatus: kstatus(&value).to_string(),
            ready: format!("{} ({})", part("status"), part("reason")),
            message: part("message"),
            waits: waits
                .map(|wait| format!("{}: {}", text(&wait["for"]), text(&wait["message"])))
                .collect(),
            event: last_event(world, &target),
        });
    }

    /// Takes down why the API server refused something.
    ///
    /// Fails if the error is not an answer of the server.
    pub fn refused(&mut self, error: &Error) {
        let Error::Api(status) = error else {
            panic!("not refused but failed: {error}");
        };
        self.refused.push(status.message.clone());
    }

    /// Says why Terraform cannot run less often.
    pub fn least(&mut self, why: &'static str) {
        self.least = why;
    }

    /// Takes down how it ends: how often Terraform ran, and the states of all objects.
    pub fn ends(&mut self, world: &Scenario) {
        world.check();
        self.ended = true;
        self.terraform = operations(world);
        self.ends = states(world);
    }

    /// As [`ends`](Self::ends), once nothing goes on any more, and checks that an installation which is given only
    /// `manifests` ends in the same state.
    pub async fn ends_as_fresh(&mut self, world: &Scenario, manifests: &[&str]) {
        ends_as_fresh(world, manifests).await;
        self.ends(world);
        self.as_fresh = true;
    }
}

/// Waits until nothing goes on any more, and fails unless an installation which is given only `manifests`, in this
/// order, ends in the same state.
pub async fn ends_as_fresh(world: &Scenario, manifests: &[&str]) {
    world.until_quiet().await;
    Fresh::start(world, manifests).await.is_reached_by(world).await;
}

/// Where a fresh start ends.
pub struct Fresh(Scenario);

impl Fresh {
    /// An installation like `world` that was given only `manifests`, in this order, and has come to its end.
    ///
    /// What was made for the last time in `world` when this is called comes out there as it came out in `world`.
    pub async fn start(world: &Scenario, manifests: &[&str]) -> Self {
        let fresh = world.afresh().await;
        for manifest in manifests {
            fresh.apply(manifest).await;
        }
        fresh.until_quiet().await;
        Self(fresh)
    }

    /// Waits until nothing goes on any more in `world`, and fails unless it has come to the same end.
    pub async fn is_reached_by(&self, world: &Scenario) {
        world.until_quiet().await;
        let differences = fresh::differences(world, &self.0);
        assert!(
            differences.is_empty(),
            "it does not end as a fresh start would (here: this one, there: the fresh one):\n{}\n\n{}",
            differences.join("\n"),
            world.transcript()
        );
    }
}

fn last_event(world: &Scenario, target: &Target) -> String {
    let events = world
        .server()
        .world()
        .list(&Target::new("", "Event", "").resource(), Some(&target.namespace));
    let version = |event: &Value| {
        let version = event["metadata"]["resourceVersion"].as_str();
        version.and_then(|version| version.parse::<u64>().ok())
    };
    let of_target = events.iter().filter(|event| {
        let object = &event["involvedObject"];
        object["kind"] == *target.kind && object["name"] == *target.name
    });
    let last = of_target.max_by_key(|event| version(event));
    last.map(|event| {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}: {}", text("type"), text("reason"), text("message"))
    })
    .unwrap_or_default()
}

fn operations(world: &Scenario) -> BTreeMap<String, String> {
    let cloud = world.cloud();
    let labels = cloud.labels().into_iter();
    labels
        .map(|label| {
            let counters = cloud.counters(&label);
            let counted = [
                (counters.plans, "plan", "plans"),
                (counters.applies, "apply", "applies"),
                (counters.destroys, "destroy", "destroys"),
            ];
            let words: Vec<_> = counted
                .iter()
                .filter(|(count, ..)| *count > 0)
                .map(|(count, one, more)| format!("{count} {}", if *count == 1 { one } else { more }))
                .collect();
            (label, words.join(", "))
        })
        .collect()
}

fn states(world: &Scenario) -> BTreeMap<String, String> {
    let kinds = [
        "Cluster",
        "CAPTCluster",
        "CAPTControlPlane",
        "WorkspaceTemplateApply",
        "TerraformWorkspace",
    ];
    let mut states = BTreeMap::new();
    for kind in kinds {
        for name in world.names(kind) {
            let (namespace, name) = name.split_once('/').unwrap_or_default();
            let target = Target::new(namespace, kind, name);
            let full = format!("{namespace}/{kind}/{name}");
            let state = if kind == "Cluster" {
                world
                    .at(&full, "/status/phase")
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            } else {
                world.state(&full)
            };
            states.insert(target.to_string(), state);
        }
    }
    states
}
