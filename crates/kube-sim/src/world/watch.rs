//! Watches: a position in the history of a resource, and what has happened since.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::failure::{FieldError, StatusError};
use super::kind::Kind;
use super::list::parse_version;
use super::request::{Query, Target};
use super::selector::Selector;
use super::store::{self, Shelf};
use super::{GroupResource, World, meta, request};

/// How long a watch lasts that does not say: the server's minimum request timeout.
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(30);

/// The type of a watch event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventType {
    Added,
    Modified,
    Deleted,
    Bookmark,
    Error,
}

impl EventType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
            Self::Bookmark => "BOOKMARK",
            Self::Error => "ERROR",
        }
    }
}

/// A watch event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub kind: EventType,
    pub object: Arc<Value>,
}

/// An open watch: what it is about and how far it has read.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    resource: GroupResource,
    pub stored_as: GroupResource,
    version: String,
    namespace: Option<String>,
    selector: Selector,
    /// Everything up to here was delivered.
    revision: u64,
    /// The newest resourceVersion that the client knows.
    told: u64,
    pub bookmarks: bool,
    pub timeout: Duration,
}

impl World {
    /// Opens a watch; the events are those that it starts with.
    pub(crate) fn open_watch(
        &self,
        target: &Target,
        query: &Query,
    ) -> Result<(Watch, Vec<Event>), StatusError> {
        let get = |name: &str| query.get(name).map_or("", String::as_str);
        let initial = check_options(query)?;
        let mut fields = get("fieldSelector").to_owned();
        if !target.name.is_empty() {
            fields = format!(
                "metadata.name={}{}{fields}",
                target.name,
                if fields.is_empty() { "" } else { "," }
            );
        }
        let selector = Selector::parse(
            get("labelSelector"),
            &fields,
            &target.kind,
            target.kind_version()?,
        )?;
        let version = get("resourceVersion");
        let wanted = if version.is_empty() {
            0
        } else {
            // Of a watch this is told without saying which options are meant.
            parse_version(version).map_err(|refused| {
                let told = refused
                    .message
                    .split_once("is invalid: ")
                    .map_or("", |(_, why)| why);
                StatusError::plain(told)
            })?
        };
        let bookmarks = query
            .get("allowWatchBookmarks")
            .is_some_and(|v| request::is_true(v));
        request::number(query, "limit")?;
        let timeout = u64::try_from(request::number(query, "timeoutSeconds")?)
            .ok()
            .filter(|s| *s > 0)
            .map_or(DEFAULT_TIMEOUT, Duration::from_secs);
        let mut watch = Watch {
            resource: target.kind.resource.clone(),
            stored_as: target.kind.stored_as.clone(),
            version: target.version.clone(),
            namespace: target.namespace.clone(),
            selector,
            revision: self.revision,
            told: 0,
            bookmarks,
            timeout,
        };
        let with_state = initial.unwrap_or(wanted == 0);
        if !with_state {
            if wanted > 0 {
                watch.revision = wanted;
                watch.told = wanted;
            }
            return Ok((watch, Vec::new()));
        }
        if wanted > self.revision {
            return Err(self.too_large(wanted));
        }
        let mut events = Vec::new();
        if let Some(shelf) = self.shelves.get(&target.kind.stored_as) {
            for (_, stored) in store::within(&shelf.objects, target.namespace.as_deref(), None) {
                let object = self.convert(&target.kind, stored, &target.version)?;
                if watch.selector.matches(&object) {
                    events.push(Event {
                        kind: EventType::Added,
                        object,
                    });
                }
            }
        }
        if initial == Some(true) && bookmarks {
            events.push(Self::bookmark(&mut watch, &target.kind, true));
        }
        Ok((watch, events))
    }

    /// What happened since the last call; a watch that is too far behind ends with 410.
    pub(crate) fn poll_watch(&self, watch: &mut Watch) -> Result<Vec<Event>, StatusError> {
        let Some(kind) = self
            .kinds
            .get(&watch.resource)
            .filter(|k| k.served(&watch.version).is_some())
        else {
            return Err(StatusError::expired("the resource is no longer served"));
        };
        let empty = Shelf::since(self.floor);
        let held = self.shelves.get(&watch.stored_as).unwrap_or(&empty);
        if !held.remembers(watch.revision) {
            return Err(StatusError::expired(format!(
                "too old resource version: {} ({})",
                watch.revision,
                held.forgotten()
            )));
        }
        let mut events = Vec::new();
        for (revision, change) in held.changes_after(watch.revision) {
            if watch
                .namespace
                .as_deref()
                .is_some_and(|namespace| namespace != &*change.key.0)
            {
                continue;
            }
            let object = self.convert(kind, &change.object, &watch.version)?;
            let before = change
                .before
                .as_ref()
                .map(|b| self.convert(kind, b, &watch.version))
                .transpose()?;
            let was_selected = before.as_ref().is_some_and(|b| watch.selector.matches(b));
            let is_selected = !change.deleted && watch.selector.matches(&object);
            let event = match (was_selected, is_selected, before) {
                (false, false, _) => continue,
                (false, true, _) => Event {
                    kind: EventType::Added,
                    object,
                },
                (true, true, _) => Event {
                    kind: EventType::Modified,
                    object,
                },
                (true, false, Some(before)) if !change.deleted => {
                    // It left the selection: the client gets what it knew, under the version of the change.
                    let mut last = (*before).clone();
                    meta::set(&mut last, "resourceVersion", json!(revision.to_string()));
                    Event {
                        kind: EventType::Deleted,
                        object: Arc::new(last),
                    }
                }
                (true, false, _) => Event {
                    kind: EventType::Deleted,
                    object,
                },
            };
            watch.told = revision;
            events.push(event);
        }
        watch.revision = watch.revision.max(self.revision);
        Ok(events)
    }

    /// A bookmark, when the client does not know yet how far the watch has come.
    pub(crate) fn due_bookmark(&self, watch: &mut Watch) -> Option<Event> {
        if !watch.bookmarks || watch.told >= watch.revision {
            return None;
        }
        let kind = Arc::clone(self.kinds.get(&watch.resource)?);
        Some(Self::bookmark(watch, &kind, false))
    }

    fn bookmark(watch: &mut Watch, kind: &Kind, initial_end: bool) -> Event {
        watch.told = watch.revision;
        let mut object = json!({
            "apiVersion": kind.api_version(&watch.version),
            "kind": kind.kind,
            "metadata": {"resourceVersion": watch.revision.to_string(), "creationTimestamp": null},
        });
        if initial_end {
            object["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        Event {
            kind: EventType::Bookmark,
            object: Arc::new(object),
        }
    }
}

/// Checks the options of a watch; answers whether initial events were asked for or refused.
fn check_options(query: &Query) -> Result<Option<bool>, StatusError> {
    let get = |name: &str| query.get(name).map_or("", String::as_str);
    let initial = query.get("sendInitialEvents").map(|v| request::is_true(v));
    let matching = get("resourceVersionMatch");
    let mut errors = Vec::new();
    match (initial, matching) {
        (None, "") | (Some(_), "NotOlderThan") => {}
        (None, _) => errors.push(FieldError::forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        )),
        (Some(_), "") => errors.push(FieldError::forbidden(
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        )),
        (Some(_), other) => errors.push(request::unsupported(
            "resourceVersionMatch",
            other,
            &["NotOlderThan"],
        )),
    }
    if !get("continue").is_empty() {
        errors.push(FieldError::forbidden(
            "continue",
            "continue is forbidden for watch",
        ));
    }
    if errors.is_empty() {
        Ok(initial)
    } else {
        Err(StatusError::invalid("meta.k8s.io", "ListOptions", "", &errors))
    }
}
