//! What a round may write.

use std::sync::Arc;

use capt_core::fault::{Fault, FaultClass};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy};
use kube::core::Status;
use kube::core::response::reason;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::cache::{Caches, describe};
use crate::fault::{KIND_NOT_SERVED, if_found, is_not_found};
use crate::own_writes::{Expected, Version};
use crate::{Kind, Metrics, ObjectKey, kube_fault};

/// All writes of one controller, with its field manager.
///
/// # Guarantees
///
/// The version of every own write is remembered: later rounds do not decide on caches that are behind it. A
/// write whose outcome is not known (the connection broke, the deadline of its step passed) makes the next
/// round that reads the object ask the API server.
///
/// # Errors
///
/// Every method returns the API server's answer as a classified [`Fault`] that names the object.
pub struct Writer {
    caches: Arc<Caches>,
    client: Client,
    controller: &'static str,
    manager: String,
    metrics: Arc<dyn Metrics>,
}

impl Writer {
    pub(crate) fn new(
        caches: Arc<Caches>,
        client: Client,
        controller: &'static str,
        metrics: Arc<dyn Metrics>,
    ) -> Self {
        Self {
            caches,
            client,
            controller,
            manager: format!("capt-{controller}"),
            metrics,
        }
    }

    /// The field manager of all writes.
    pub fn field_manager(&self) -> &str {
        &self.manager
    }

    /// The object as the API server has it now, past every cache: for what others write too often for a cache to be
    /// trusted. Errors are those of the GET, classified.
    pub async fn get<K: Kind>(&self, key: &ObjectKey) -> Result<Option<K>, Fault> {
        let found = self.api::<K>(key).get(&key.name).await;
        if_found(found).map_err(|error| kube_fault(&error, &describe::<K>(key)))
    }

    /// Makes the fields of `object` what they are here, and leaves all others alone (server-side apply,
    /// forced). Creates the object if need be. `status` and `managedFields` are not sent; with a `uid` or
    /// `resourceVersion` the write is refused when they are no longer right.
    pub async fn apply<K: Kind>(&self, object: &K) -> Result<K, Fault> {
        let params = PatchParams::apply(&self.manager).force();
        self.apply_with(object, None, &params).await
    }

    /// As [`apply`](Self::apply), over the object with this `uid`; without one, where there is none. What somebody
    /// else has put there meanwhile is not overwritten: that is a fault that passes, as a fresh look says whose it is.
    pub async fn apply_over<K: Kind>(&self, object: &K, uid: Option<&str>) -> Result<K, Fault> {
        let params = PatchParams::apply(&self.manager);
        // Without force a field that another manager has given another value is a conflict.
        let params = if uid.is_some() { params.force() } else { params };
        self.apply_with(object, uid, &params).await
    }

    async fn apply_with<K: Kind>(
        &self,
        object: &K,
        uid: Option<&str>,
        params: &PatchParams,
    ) -> Result<K, Fault> {
        let key = ObjectKey::of(object);
        let mut body = to_value::<K>(&key, object)?;
        if let Some(fields) = body.as_object_mut() {
            fields.remove("status");
            fields.insert("apiVersion".to_owned(), json!(K::api_version(&())));
            fields.insert("kind".to_owned(), json!(K::kind(&())));
        }
        if let Some(metadata) = body.pointer_mut("/metadata").and_then(Value::as_object_mut) {
            metadata.remove("managedFields");
            metadata.remove("creationTimestamp");
            if let Some(uid) = uid {
                metadata.insert("uid".to_owned(), json!(uid));
            }
        }
        let api = self.api::<K>(&key);
        let sent = async {
            let sent = api.patch(&key.name, params, &Patch::Apply(&body)).await;
            sent.map_err(|error| replaced(error, uid.is_some()))
        };
        self.written(&key, "apply", sent).await
    }

    /// Creates `object`. That one of its name exists is a fault that passes: a fresh look says whose it is.
    pub async fn create<K: Kind>(&self, object: &K) -> Result<K, Fault> {
        let key = ObjectKey::of(object);
        let api = self.api::<K>(&key);
        let params = self.post_params();
        self.written(&key, "create", api.create(&params, object)).await
    }

    /// Replaces `object`, whose `resourceVersion` says which version it was derived from.
    pub async fn replace<K: Kind>(&self, object: &K) -> Result<K, Fault> {
        let key = ObjectKey::of(object);
        if object.resource_version().is_none() {
            let message = "a replacement without resourceVersion would overwrite unseen changes";
            let fault = Fault::new(FaultClass::Invalid, "ResourceVersionMissing", message);
            return Err(fault.on(describe::<K>(&key)));
        }
        let api = self.api::<K>(&key);
        let params = self.post_params();
        self.written(&key, "update", api.replace(&key.name, &params, object))
            .await
    }

    /// Deletes the object, if it still is the one with this `uid`; its dependents follow in the background.
    /// That it does not exist is what was wanted.
    pub async fn delete<K: Kind>(&self, key: &ObjectKey, uid: &str) -> Result<(), Fault> {
        let api = self.api::<K>(key);
        let params = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            preconditions: Some(Preconditions {
                uid: Some(uid.to_owned()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        self.metrics.write(self.controller, "delete");
        let pending = self.pending::<K>(key);
        let answer = api.delete(&key.name, &params).await;
        match answer {
            Ok(answer) => {
                let lingering = answer.left().filter(lingers).map(|object| Version::of(&object));
                let gone = || Expected::Deleted { uid: uid.to_owned() };
                pending.end(Some(lingering.map_or_else(gone, Expected::Written)));
                Ok(())
            }
            Err(error) if is_not_found(&error) => {
                pending.end(Some(Expected::Deleted { uid: uid.to_owned() }));
                Ok(())
            }
            Err(error) => Err(pending.failed(&error)),
        }
    }

    /// Merges `patch` into the object (JSON merge patch), if it still has this `resource_version`.
    pub async fn merge_patch<K: Kind>(
        &self,
        key: &ObjectKey,
        patch: &Value,
        resource_version: Option<&str>,
    ) -> Result<K, Fault> {
        let mut body = patch.clone();
        if let Some(version) = resource_version {
            let guard = json!({ "metadata": { "resourceVersion": version } });
            merge(&mut body, guard);
        }
        let params = PatchParams {
            field_manager: Some(self.manager.clone()),
            ..PatchParams::default()
        };
        let api = self.api::<K>(key);
        let sent = async { api.patch(&key.name, &params, &Patch::Merge(&body)).await };
        self.written(key, "patch", sent).await
    }

    /// Applies the operations of a JSON patch (RFC 6902), a list of `{op, path, value}`.
    pub async fn json_patch<K: Kind>(&self, key: &ObjectKey, operations: &Value) -> Result<K, Fault> {
        let body = serde_json::to_vec(operations).map_err(|error| undecodable::<K>(key, &error))?;
        let uri = format!(
            "{}/{}?fieldManager={}",
            K::url_path(&(), Some(&key.namespace)),
            key.name,
            self.manager
        );
        let request = http::Request::patch(uri)
            .header(http::header::ACCEPT, "application/json")
            .header(http::header::CONTENT_TYPE, "application/json-patch+json")
            .body(body)
            .map_err(|error| {
                Fault::new(FaultClass::Invalid, "BadRequest", error.to_string()).on(describe::<K>(key))
            })?;
        self.written(key, "patch", self.client.request(request)).await
    }

    /// Adds the finalizer `name` unless `object` has it; `object` must be the present version.
    pub async fn add_finalizer<K: Kind>(&self, object: &K, name: &str) -> Result<(), Fault> {
        if object.finalizers().iter().any(|it| it == name) {
            return Ok(());
        }
        let finalizers = object.finalizers().iter().map(String::as_str).chain([name]);
        self.set_finalizers(object, finalizers.collect()).await
    }

    /// Removes the finalizer `name` if `object` has it; `object` must be the present version. That the
    /// object is gone is what was wanted.
    pub async fn remove_finalizer<K: Kind>(&self, object: &K, name: &str) -> Result<(), Fault> {
        if !object.finalizers().iter().any(|it| it == name) {
            return Ok(());
        }
        let kept = object.finalizers().iter().map(String::as_str);
        let kept = kept.filter(|it| *it != name).collect();
        match self.set_finalizers(object, kept).await {
            Err(fault) if fault.code == "NotFound" || fault.code == KIND_NOT_SERVED => Ok(()),
            result => result,
        }
    }

    async fn set_finalizers<K: Kind>(&self, object: &K, finalizers: Vec<&str>) -> Result<(), Fault> {
        let key = ObjectKey::of(object);
        // The list is replaced as a whole, so it must not have changed since it was read.
        let patch = json!({ "metadata": { "finalizers": finalizers, "uid": object.uid() } });
        let version = object.resource_version();
        self.merge_patch::<K>(&key, &patch, version.as_deref()).await?;
        Ok(())
    }

    /// Applies `status` as the whole status of the object, guarded by `version`.
    pub(crate) async fn apply_status<K: Kind>(
        &self,
        key: &ObjectKey,
        version: &Version,
        status: &Value,
    ) -> Result<K, StatusRefused> {
        let body = json!({
            "apiVersion": K::api_version(&()),
            "kind": K::kind(&()),
            "metadata": {
                "name": key.name,
                "namespace": key.namespace,
                "uid": version.uid,
                "resourceVersion": version.resource_version,
            },
            "status": status,
        });
        let params = PatchParams::apply(&self.manager).force();
        let api = self.api::<K>(key);
        self.metrics.status_write(self.controller);
        let pending = self.pending::<K>(key);
        match api.patch_status(&key.name, &params, &Patch::Apply(&body)).await {
            Ok(object) => {
                pending.end(Some(Expected::Written(Version::of(&object))));
                Ok(object)
            }
            Err(error) if is_not_found(&error) => {
                pending.end(None);
                Err(StatusRefused::NotFound)
            }
            Err(kube::Error::Api(status)) if status.is_conflict() => {
                pending.end(None);
                Err(StatusRefused::Conflict)
            }
            Err(error) => Err(StatusRefused::Fault(pending.failed(&error))),
        }
    }

    /// The newest version of `object` that is known: as cached, or as we have written it since.
    pub(crate) fn newest_version<K: Kind>(&self, object: &K) -> Version {
        let mut version = Version::of(object);
        let own = self.caches.newest_own::<K>(&ObjectKey::of(object), &version.uid);
        if let Some(own) = own
            && crate::own_writes::reached(&version.resource_version, &own) == Some(false)
        {
            version.resource_version = own;
        }
        version
    }

    async fn written<K: Kind>(
        &self,
        key: &ObjectKey,
        verb: &'static str,
        sent: impl Future<Output = Result<K, kube::Error>> + Send,
    ) -> Result<K, Fault> {
        self.metrics.write(self.controller, verb);
        let pending = self.pending::<K>(key);
        match sent.await {
            Ok(object) => {
                let version = Version::of(&object);
                // The last finalizer of a deleted object is gone, and the object with it.
                let ended = object.meta().deletion_timestamp.is_some() && object.finalizers().is_empty();
                pending.end(Some(if ended {
                    Expected::Deleted { uid: version.uid }
                } else {
                    Expected::Written(version)
                }));
                Ok(object)
            }
            Err(error) => Err(pending.failed(&error)),
        }
    }

    fn api<K: Kind>(&self, key: &ObjectKey) -> Api<K> {
        Api::namespaced(self.client.clone(), &key.namespace)
    }

    fn post_params(&self) -> PostParams {
        PostParams {
            field_manager: Some(self.manager.clone()),
            ..PostParams::default()
        }
    }

    fn pending<'a, K: Kind>(&'a self, key: &'a ObjectKey) -> Pending<'a> {
        Pending {
            caches: &self.caches,
            key,
            record: Caches::record_write::<K>,
            describe: describe::<K>,
            ended: false,
        }
    }
}

/// Why a status was not written.
pub(crate) enum StatusRefused {
    /// The object no longer exists.
    NotFound,
    /// The object has changed.
    Conflict,
    /// Anything else.
    Fault(Fault),
}

/// A write on its way. Dropped before its end, nobody knows whether it took effect.
struct Pending<'a> {
    caches: &'a Caches,
    key: &'a ObjectKey,
    record: fn(&Caches, &ObjectKey, Expected),
    describe: fn(&ObjectKey) -> String,
    ended: bool,
}

impl Pending<'_> {
    fn end(mut self, expected: Option<Expected>) {
        self.ended = true;
        if let Some(expected) = expected {
            (self.record)(self.caches, self.key, expected);
        }
    }

    /// An answer of the API server means that nothing was written; anything else leaves that open.
    fn failed(mut self, error: &kube::Error) -> Fault {
        self.ended = match error {
            kube::Error::Api(status) => status.code < 500,
            kube::Error::BuildRequest(_) => true,
            _ => false,
        };
        kube_fault(error, &(self.describe)(self.key))
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.ended {
            (self.record)(self.caches, self.key, Expected::Unknown);
        }
    }
}

/// Whether a deleted object is still there for a while.
fn lingers<K: Kind>(object: &K) -> bool {
    object.meta().deletion_timestamp.is_some() && !object.finalizers().is_empty()
}

/// The refusal of a write that named the uid of an object whose place another one has taken: a conflict, which it is
/// called as well where there is none any more.
fn replaced(error: kube::Error, named: bool) -> kube::Error {
    let is_uid = |status: &Status| {
        let causes = status.details.iter().flat_map(|details| &details.causes);
        causes.into_iter().any(|cause| cause.field == "metadata.uid")
    };
    match error {
        kube::Error::Api(status) if named && is_uid(&status) => kube::Error::Api(
            Status::failure(&status.message, reason::CONFLICT)
                .with_code(409)
                .boxed(),
        ),
        error => error,
    }
}

fn to_value<K: Kind>(key: &ObjectKey, object: &K) -> Result<Value, Fault> {
    serde_json::to_value(object).map_err(|error| undecodable::<K>(key, &error))
}

fn undecodable<K: Kind>(key: &ObjectKey, error: &serde_json::Error) -> Fault {
    Fault::new(FaultClass::Invalid, "NotSerializable", error.to_string()).on(describe::<K>(key))
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

#[cfg(test)]
mod tests;
