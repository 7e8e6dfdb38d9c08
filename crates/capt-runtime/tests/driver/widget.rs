//! A controller of the tests: a Widget wants a child of its name, with its size and the content of a
//! Secret.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use capt_core::decision::{Decision, Requeue};
use capt_core::fault::{Fault, FaultClass};
use capt_core::plan::{Plan, Report};
use capt_core::wait::Notice;
use capt_runtime::{ObjectKey, Subject, View, Writer};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::ObjectMeta;
use kube::{CustomResource, ResourceExt};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) const FINALIZER: &str = "test.capt.dev/widget";

#[derive(CustomResource, Debug, Clone, Serialize, Deserialize)]
#[kube(
    group = "test.capt.dev",
    version = "v1",
    kind = "Widget",
    namespaced,
    status = "WidgetStatus",
    schema = "disabled"
)]
pub(crate) struct WidgetSpec {
    pub(crate) size: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
    /// Seconds after which the widget wants to be looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) every: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WidgetStatus {
    pub(crate) state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) made: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<String>,
}

/// What the controller did, by key.
#[derive(Clone, Default)]
pub(crate) struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    pub(crate) fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        self.0.lock().unwrap().iter().filter(|it| *it == line).count()
    }
}

#[derive(Default)]
pub(crate) struct Widgets {
    pub(crate) diary: Diary,
}

#[derive(Debug)]
pub(crate) struct Seen {
    widget: Arc<Widget>,
    child: Option<Arc<ConfigMap>>,
    token: Option<String>,
    last_fault: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Command {
    AddFinalizer,
    Make(String),
    Unmake,
    RemoveFinalizer,
}

impl Seen {
    fn wanted(&self) -> Option<String> {
        let spec = &self.widget.spec;
        match &spec.secret {
            Some(_) => Some(format!("{} {}", spec.size, self.token.as_ref()?)),
            None => Some(spec.size.to_string()),
        }
    }

    fn made(&self) -> Option<&String> {
        self.child.as_ref()?.data.as_ref()?.get("made")
    }
}

#[async_trait]
impl Subject for Widgets {
    type Object = Widget;
    type Snapshot = Seen;
    type Record = &'static str;
    type Command = Command;
    const NAME: &'static str = "widget";

    async fn observe(&self, widget: Arc<Widget>, view: &View, last: Option<&Report>) -> Result<Seen, Fault> {
        self.diary.note(format!("observe {}", widget.name_any()));
        if last.is_some_and(|it| it.faults().next().is_some()) {
            self.diary
                .note(format!("heard of a fault of {}", widget.name_any()));
        }
        let namespace = widget.namespace().unwrap();
        let token = match &widget.spec.secret {
            Some(name) => view.read::<Secret>(&namespace, name).await?,
            None => None,
        };
        let token = token.and_then(|it| it.data.as_ref()?.get("token").cloned());
        Ok(Seen {
            child: view.get::<ConfigMap>(&namespace, &widget.name_any()),
            token: token.map(|it| String::from_utf8(it.0).unwrap()),
            last_fault: last.and_then(|it| it.faults().next().map(ToString::to_string)),
            widget,
        })
    }

    fn decide(&self, seen: &Seen, now: Timestamp) -> Decision<&'static str, Command> {
        let has_finalizer = seen.widget.finalizers().iter().any(|it| it == FINALIZER);
        let state = seen.widget.status.as_ref().map_or("", |it| it.state.as_str());
        if seen.widget.metadata.deletion_timestamp.is_some() {
            let mut decision = Decision::hold("Deleting");
            decision.plan = match (&seen.child, has_finalizer) {
                (Some(_), _) => Plan::single("unmake", Command::Unmake),
                (None, true) => Plan::single("release", Command::RemoveFinalizer),
                (None, false) => Plan::empty(),
            };
            if let Some(every) = seen.widget.spec.every {
                decision.requeue = Requeue::At(now + Duration::from_secs(every));
            }
            return decision;
        }
        let mut decision = match seen.wanted() {
            None => Decision::hold("Waiting"),
            Some(wanted) if seen.made() == Some(&wanted) => {
                let mut decision = Decision::hold("Ready");
                if state != "Ready" {
                    decision
                        .notices
                        .push(Notice::normal("Ready", "the widget is ready"));
                }
                decision
            }
            // Write-ahead: that it works is persisted before it does.
            Some(_) if state != "Working" => Decision::hold("Working"),
            Some(wanted) => {
                let mut decision = Decision::hold("Working");
                decision.plan = Plan::draft()
                    .step("finalizer", Command::AddFinalizer)
                    .step_after("make", Command::Make(wanted), &["finalizer"])
                    .check()
                    .unwrap();
                decision
            }
        };
        if let Some(every) = seen.widget.spec.every {
            decision.requeue = Requeue::At(now + Duration::from_secs(every));
        }
        decision
    }

    async fn perform(&self, command: &Command, seen: &Seen, writer: &Writer) -> Result<(), Fault> {
        let key = ObjectKey::of(&*seen.widget);
        self.diary.note(format!("{command:?} {}", key.name));
        match command {
            Command::AddFinalizer => writer.add_finalizer(&*seen.widget, FINALIZER).await,
            Command::RemoveFinalizer => writer.remove_finalizer(&*seen.widget, FINALIZER).await,
            Command::Make(made) if made.starts_with("13") => {
                Err(Fault::new(FaultClass::Transient, "Unlucky", "thirteen"))
            }
            Command::Make(made) if made == "666" => panic!("the number of the beast"),
            Command::Make(made) => {
                // Seventy-seven comes half-way every time: it writes something else, and fails.
                let half = made == "77";
                let tries = self.diary.count(&format!("{command:?} {}", key.name)).to_string();
                let child = ConfigMap {
                    metadata: ObjectMeta {
                        name: Some(key.name),
                        namespace: Some(key.namespace),
                        ..ObjectMeta::default()
                    },
                    data: Some(BTreeMap::from([(
                        "made".to_owned(),
                        if half { tries } else { made.clone() },
                    )])),
                    ..ConfigMap::default()
                };
                writer.apply(&child).await?;
                if half {
                    return Err(Fault::new(FaultClass::Transient, "Unlucky", "half-way"));
                }
                Ok(())
            }
            Command::Unmake => match &seen.child {
                Some(child) => writer.delete::<ConfigMap>(&key, &child.uid().unwrap()).await,
                None => Ok(()),
            },
        }
    }

    fn status(
        &self,
        seen: &Seen,
        decision: &Decision<&'static str, Command>,
        report: &Report,
        _: Timestamp,
    ) -> Value {
        let fault = report.faults().next().map(ToString::to_string);
        json!({
            "state": decision.record,
            "made": seen.made(),
            "fault": fault.or_else(|| seen.last_fault.clone().filter(|_| decision.record != "Ready")),
        })
    }

    fn gone(&self, key: &ObjectKey) {
        self.diary.note(format!("gone {}", key.name));
    }
}
