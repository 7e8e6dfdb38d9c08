//! Notices as Kubernetes Events.

use capt_core::retry::seed_of;
use capt_core::wait::{Notice, Severity};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use crate::{Kind, ObjectKey, kube_fault};

/// The API server refuses longer notes.
const MESSAGE_LIMIT: usize = 1024;

/// The longest name of an object, less a dot and sixteen digits.
const NAME_LIMIT: usize = 253 - 17;

/// Writes Events about the objects of one controller.
pub(crate) struct Events {
    client: Client,
    /// The controller, as people see it.
    source: String,
}

impl Events {
    pub(crate) fn new(client: Client, source: String) -> Self {
        Self { client, source }
    }

    /// Publishes `notice` about `object`. The same notice again raises the count of the Event there is.
    ///
    /// A failure is logged and otherwise ignored: nothing may depend on an Event.
    pub(crate) async fn publish<K: Kind>(&self, object: &K, notice: &Notice, now: Timestamp) {
        self.publish_about::<K>(object.meta(), notice, now).await;
    }

    /// As [`publish`](Self::publish), for an object of which only the metadata is known.
    pub(crate) async fn publish_about<K: Kind>(&self, meta: &ObjectMeta, notice: &Notice, now: Timestamp) {
        if let Err(error) = self.try_publish::<K>(meta, notice, now).await {
            let object = ObjectKey::of_meta(meta);
            let error = kube_fault(&error, &format!("the Event {} of {object}", notice.reason));
            tracing::warn!(%error, %object, reason = notice.reason, "cannot publish an event");
        }
    }

    async fn try_publish<K: Kind>(
        &self,
        meta: &ObjectMeta,
        notice: &Notice,
        now: Timestamp,
    ) -> Result<(), kube::Error> {
        let event = self.event::<K>(meta, notice, now);
        let key = ObjectKey::of(&event);
        let api = Api::<Event>::namespaced(self.client.clone(), &key.namespace);
        let Some(known) = api.get_opt(&key.name).await? else {
            let params = PostParams {
                field_manager: Some(self.source.clone()),
                ..PostParams::default()
            };
            return api.create(&params, &event).await.map(drop);
        };
        let again = json!({
            "count": known.count.unwrap_or(1).saturating_add(1),
            "lastTimestamp": event.last_timestamp,
        });
        let params = PatchParams {
            field_manager: Some(self.source.clone()),
            ..PatchParams::default()
        };
        api.patch(&key.name, &params, &Patch::Merge(again))
            .await
            .map(drop)
    }

    fn event<K: Kind>(&self, meta: &ObjectMeta, notice: &Notice, now: Timestamp) -> Event {
        let key = ObjectKey::of_meta(meta);
        let reference = ObjectReference {
            api_version: Some(K::api_version(&()).into_owned()),
            kind: Some(K::kind(&()).into_owned()),
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            uid: meta.uid.clone(),
            resource_version: None,
            field_path: None,
        };
        let severity = match notice.severity {
            Severity::Normal => "Normal",
            Severity::Warning => "Warning",
        };
        Event {
            metadata: ObjectMeta {
                name: Some(name(&key.name, meta.uid.as_deref().unwrap_or_default(), notice)),
                namespace: Some(key.namespace),
                ..ObjectMeta::default()
            },
            involved_object: reference,
            type_: Some(severity.to_owned()),
            reason: Some(notice.reason.clone()),
            message: Some(notice.message.chars().take(MESSAGE_LIMIT).collect()),
            source: Some(EventSource {
                component: Some(self.source.clone()),
                host: None,
            }),
            reporting_component: Some(self.source.clone()),
            reporting_instance: Some(self.source.clone()),
            first_timestamp: Some(Time(now)),
            last_timestamp: Some(Time(now)),
            count: Some(1),
            ..Event::default()
        }
    }
}

/// A name that is the same for the same notice about the same object, and for no other.
fn name(object: &str, uid: &str, notice: &Notice) -> String {
    let digest = seed_of(&format!("{uid}\n{}\n{}", notice.reason, notice.message));
    let prefix: String = object.chars().take(NAME_LIMIT).collect();
    format!("{prefix}.{digest:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_depend_on_object_reason_and_message_alone() {
        let notice = Notice::normal("Ready", "all is well");
        let first = name("demo", "u1", &notice);
        assert_eq!(first, name("demo", "u1", &notice));
        assert!(first.starts_with("demo.") && first.len() == "demo.".len() + 16);
        assert_ne!(first, name("demo", "u2", &notice));
        assert_ne!(first, name("demo", "u1", &Notice::normal("Ready", "other")));
        assert_ne!(first, name("demo", "u1", &Notice::normal("Other", "all is well")));
        assert_eq!(name(&"x".repeat(253), "u", &notice).len(), 253);
    }
}
