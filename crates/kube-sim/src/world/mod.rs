//! The world: every object of a simulated cluster and the rules they live by, as a value.
//!
//! A [`World`] holds no clock, no thread and no socket. A request goes in together with the time, an answer comes out,
//! and the writes stay readable as history for watches. Its maps are persistent: a clone costs a few pointers, so a
//! world can be kept at every step of a run and taken up again from there.

mod admission;
mod builtin;
mod collect;
mod conversion;
mod create;
mod decoding;
mod definition;
mod delete;
mod dump;
mod events;
mod failure;
mod identity;
mod kind;
mod leases;
mod list;
mod meta;
mod namespaces;
mod patch;
mod request;
mod scale;
mod secrets;
mod selector;
mod store;
mod update;
mod validation;
mod watch;
mod workloads;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use rpds::RedBlackTreeMapSync;
use serde_json::{Value, json};

pub use self::dump::{Delta, Dump, LoadError};
pub use self::failure::{FieldError, StatusError};
pub(crate) use self::failure::{quoted, shown, summary};
pub use self::identity::GroupResource;
pub(crate) use self::identity::ObjectId;
pub use self::kind::Conversion;
pub(crate) use self::kind::{Kind, KindVersion, api_version, version_priority};
pub(crate) use self::request::{
    List, PatchFormat, Payload, Query, Reply, Request, Subresource, Target, Verb, is_true,
};
use self::store::{Change, Shelf};
pub(crate) use self::watch::{Event, EventType, Watch};

/// How many writes per resource a watch can go back over, unless told otherwise.
const HISTORY: usize = 4096;

/// A simulated cluster as a value; see the module page.
#[derive(Clone)]
pub struct World {
    /// The newest resourceVersion given out.
    revision: u64,
    /// What the uids of this world are made from, beside their number.
    seed: u64,
    /// How many uids were given out.
    uids: u64,
    /// How many names were generated.
    names: u64,
    history: usize,
    /// Nothing that was written up to here is known as history: the world was taken up at this revision.
    floor: u64,
    shelves: RedBlackTreeMapSync<GroupResource, Shelf>,
    kinds: RedBlackTreeMapSync<GroupResource, Arc<Kind>>,
    /// (uid of an owner, dependent).
    owned: RedBlackTreeMapSync<(Arc<str>, ObjectId), ()>,
    conversions: Arc<BTreeMap<(String, String), Conversion>>,
    /// What was written since the controllers of the world last ran.
    touched: Vec<collect::Touched>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

impl World {
    /// A cluster as it is after its start: the four system namespaces with their default service accounts.
    pub fn new(now: Timestamp) -> Self {
        let mut world = Self {
            revision: 0,
            seed: 0,
            uids: 0,
            names: 0,
            history: HISTORY,
            floor: 0,
            shelves: RedBlackTreeMapSync::new_sync(),
            kinds: builtin::served(),
            owned: RedBlackTreeMapSync::new_sync(),
            conversions: Arc::new(BTreeMap::new()),
            touched: Vec::new(),
        };
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            world.seed_namespace(name, now);
        }
        world.settle(now);
        world.seed_service(now);
        world
    }

    /// Registers the conversion between the versions of a custom resource, as its conversion webhook would do it.
    pub fn register_conversion(&mut self, group: &str, kind: &str, conversion: Conversion) {
        let mut conversions = (*self.conversions).clone();
        conversions.insert((group.to_owned(), kind.to_owned()), conversion);
        self.conversions = Arc::new(conversions);
    }

    /// Makes the uids of new objects differ from those of worlds of another seed. Without it every world gives
    /// the same uids in the same order, which is what tests want; what outlives a world and is keyed by uid, such
    /// as a working directory, wants the opposite.
    pub fn seed_uids(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// How many writes per resource are kept for watches; a watch from before them gets 410.
    pub fn set_history(&mut self, writes: usize) {
        self.history = writes;
    }

    /// Forgets all history: the next watch or continued list from an older version gets 410.
    pub fn compact(&mut self) {
        let revision = self.revision;
        let resources: Vec<GroupResource> = self.shelves.keys().cloned().collect();
        for resource in resources {
            if let Some(shelf) = self.shelves.get_mut(&resource) {
                shelf.compact(revision);
            }
        }
    }

    /// The newest resourceVersion.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// An object in its stored version; the namespace is empty for cluster-scoped resources.
    pub fn get(&self, resource: &GroupResource, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.shelf(resource)?.get(namespace, name).cloned()
    }

    /// The objects of a resource in their stored version, in the order of namespace and name.
    pub fn list(&self, resource: &GroupResource, namespace: Option<&str>) -> Vec<Arc<Value>> {
        self.shelf(resource)
            .map(|shelf| {
                store::within(&shelf.objects, namespace, None)
                    .map(|(_, object)| Arc::clone(object))
                    .collect()
            })
            .unwrap_or_default()
    }

    /// The resources that are served, in the order of group and name.
    pub fn resources(&self) -> Vec<GroupResource> {
        self.kinds.keys().cloned().collect()
    }

    /// The revision of the last write to a stored resource, or to any definition: both matter to its watches.
    pub(crate) fn last_write(&self, resource: &GroupResource) -> u64 {
        let last = |resource: &GroupResource| self.shelves.get(resource).map_or(0, Shelf::last_write);
        last(resource).max(last(&builtin::definitions()))
    }

    pub(crate) fn kinds(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.kinds.values()
    }

    pub(crate) fn kind(&self, resource: &GroupResource) -> Option<&Arc<Kind>> {
        self.kinds.get(resource)
    }

    /// Answers a request; what it wrote is in the history. The caller runs `settle` after a write.
    pub(crate) fn perform(&mut self, request: &Request, now: Timestamp) -> Result<Reply, StatusError> {
        let given_out = (self.uids, self.names);
        let reply = self.answer(request, now);
        if request.query.get("dryRun").is_some_and(|dry| dry == "All") {
            // What a dry run shows is what a real one makes next.
            (self.uids, self.names) = given_out;
        }
        reply
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Result<Reply, StatusError> {
        let mut warnings = Vec::new();
        let target = &request.target;
        if let Some(deprecation) = &target.kind_version()?.deprecation {
            warnings.push(deprecation.clone());
        }
        let before = self.find(&target.id()).cloned();
        let (code, payload) = match &request.verb {
            Verb::Get => (200, Payload::Object(self.read(target)?)),
            Verb::List => (200, Payload::List(self.list_page(target, &request.query)?)),
            Verb::Create(body) => {
                let options = request.write_options("CreateOptions")?;
                (
                    201,
                    Payload::Object(self.create(target, body.clone(), &options, now, &mut warnings)?),
                )
            }
            Verb::Update(body) => {
                let options = request.write_options("UpdateOptions")?;
                let (created, object) = self.update(target, body.clone(), &options, now, &mut warnings)?;
                (if created { 201 } else { 200 }, Payload::Object(object))
            }
            Verb::Patch(format, body) => {
                let options = request.write_options("PatchOptions")?;
                let (created, object) = self.patch(target, *format, body, &options, now, &mut warnings)?;
                (if created { 201 } else { 200 }, Payload::Object(object))
            }
            Verb::Delete(body) => (
                200,
                self.delete(target, &delete::DeleteOptions::parse(&request.query, body)?, now)?,
            ),
            Verb::DeleteCollection(body) => {
                let options = delete::DeleteOptions::parse(&request.query, body)?;
                (
                    200,
                    Payload::List(self.delete_collection(target, &request.query, &options, now)?),
                )
            }
        };
        if let (Payload::Object(object), true) = (&payload, request.writes() && target.kind.rules.custom) {
            warnings.extend(validation::finalizer_warnings(object, before.as_deref()));
        }
        Ok(Reply {
            code,
            payload,
            warnings,
        })
    }

    /// The object of a request in the version asked for.
    fn read(&self, target: &Target) -> Result<Arc<Value>, StatusError> {
        let stored = self.stored(target)?;
        if target.subresource == Subresource::Scale {
            return Ok(Arc::new(self.scale_of(target, &stored)?));
        }
        self.convert(&target.kind, &stored, &target.version)
    }

    /// The stored object of a request.
    fn stored(&self, target: &Target) -> Result<Arc<Value>, StatusError> {
        let id = target.id();
        self.find(&id)
            .cloned()
            .ok_or_else(|| StatusError::not_found(&target.kind.resource, &target.name))
    }

    fn shelf(&self, resource: &GroupResource) -> Option<&Shelf> {
        let stored_as = self.kinds.get(resource).map_or(resource, |kind| &kind.stored_as);
        self.shelves.get(stored_as)
    }

    fn find(&self, id: &ObjectId) -> Option<&Arc<Value>> {
        self.shelves
            .get(&id.resource)?
            .objects
            .get(&(Arc::clone(&id.namespace), Arc::clone(&id.name)))
    }

    fn next_uid(&mut self) -> String {
        self.uids += 1;
        identity::uid(self.seed, self.uids)
    }

    fn next_name(&mut self, base: &str) -> String {
        self.names += 1;
        identity::generated_name(base, self.names)
    }

    /// Writes an object, in its stored version, under a new resourceVersion.
    fn put(&mut self, id: &ObjectId, object: Value) -> Arc<Value> {
        self.write(id, object, false)
    }

    /// Removes an object; its last form carries the resourceVersion of the removal.
    fn erase(&mut self, id: &ObjectId, object: Value) -> Arc<Value> {
        self.write(id, object, true)
    }

    fn write(&mut self, id: &ObjectId, mut object: Value, deleted: bool) -> Arc<Value> {
        self.revision += 1;
        meta::set(&mut object, "resourceVersion", json!(self.revision.to_string()));
        let object = Arc::new(object);
        let before = self.find(id).cloned();
        if let Some(before) = &before {
            for owner in meta::owners(before) {
                self.owned
                    .remove_mut(&(Arc::from(meta::text(owner, &["uid"])), id.clone()));
            }
        }
        if !deleted {
            for owner in meta::owners(&object) {
                self.owned
                    .insert_mut((Arc::from(meta::text(owner, &["uid"])), id.clone()), ());
            }
        }
        self.touched.push(collect::Touched {
            id: id.clone(),
            created: before.is_none(),
            gone: deleted.then(|| Arc::clone(&object)),
        });
        let change = Change {
            key: (Arc::clone(&id.namespace), Arc::clone(&id.name)),
            before,
            object: Arc::clone(&object),
            deleted,
        };
        let (revision, history) = (self.revision, self.history);
        if !self.shelves.contains_key(&id.resource) {
            self.shelves
                .insert_mut(id.resource.clone(), Shelf::since(self.floor));
        }
        if let Some(shelf) = self.shelves.get_mut(&id.resource) {
            shelf.record(revision, change, history);
        }
        object
    }
}
