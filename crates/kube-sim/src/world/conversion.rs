//! One object, several versions of its representation.

use std::sync::Arc;

use serde_json::{Value, json};

use super::failure::StatusError;
use super::kind::Kind;
use super::{World, events, meta};

impl World {
    /// A stored object in another version of its kind.
    pub(super) fn convert(
        &self,
        kind: &Kind,
        stored: &Arc<Value>,
        version: &str,
    ) -> Result<Arc<Value>, StatusError> {
        let wanted = kind.api_version(version);
        if meta::text(stored, &["apiVersion"]) == wanted {
            return Ok(Arc::clone(stored));
        }
        if kind.resource != kind.stored_as {
            return Ok(Arc::new(events::from_core(stored)));
        }
        self.convert_custom(kind, stored, version).map(Arc::new)
    }

    /// An object of a request in the version that is stored.
    pub(super) fn to_storage(&self, kind: &Kind, object: &Value) -> Result<Value, StatusError> {
        if kind.resource != kind.stored_as {
            return Ok(events::to_core(object));
        }
        if meta::text(object, &["apiVersion"]) == kind.api_version(&kind.storage_version) {
            return Ok(object.clone());
        }
        self.convert_custom(kind, object, &kind.storage_version)
    }

    fn convert_custom(&self, kind: &Kind, object: &Value, to: &str) -> Result<Value, StatusError> {
        let held = meta::text(object, &["apiVersion"]);
        let from = held.rsplit('/').next().unwrap_or(held);
        let wanted = kind.api_version(to);
        let hook = self
            .conversions
            .get(&(kind.group().to_owned(), kind.kind.clone()));
        let mut converted = match hook {
            Some(hook) if from != to => {
                let mut converted = hook(object, from, to);
                // As with a conversion webhook, only labels and annotations of the metadata may differ.
                let mut metadata = object["metadata"].clone();
                for key in ["labels", "annotations"] {
                    match converted["metadata"].get(key) {
                        Some(value) => metadata[key] = value.clone(),
                        None => {
                            if let Some(map) = metadata.as_object_mut() {
                                map.remove(key);
                            }
                        }
                    }
                }
                meta::set_top(&mut converted, "metadata", metadata);
                converted
            }
            None if kind.converts_by_webhook && from != to => {
                return Err(StatusError::new(
                    500,
                    "InternalError",
                    format!(
                        "conversion webhook for {held}, Kind={} failed: no conversion is registered with this server",
                        kind.kind
                    ),
                ));
            }
            Some(_) | None => object.clone(),
        };
        meta::set_top(&mut converted, "apiVersion", json!(wanted));
        meta::set_top(&mut converted, "kind", json!(kind.kind));
        if let Some(version) = kind.version(to) {
            version.shape.default(&mut converted);
        }
        Ok(converted)
    }
}
