//! A world as plain data, and back.
//!
//! What makes a world is its objects and a few counters: definitions make the kinds, owner references make the
//! index of dependents, and history is not kept, as a real server's watch cache is not. Conversions are code; whoever
//! loads a world registers them again.

use std::collections::BTreeMap;
use std::sync::Arc;

use rpds::RedBlackTreeMapSync;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::collect::Touched;
use super::store::Shelf;
use super::{GroupResource, ObjectId, World, builtin, meta};

/// Why plain data is no world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("load the world: {resource} {namespace}/{name}: {reason}")]
pub struct LoadError {
    resource: GroupResource,
    namespace: String,
    name: String,
    reason: String,
}

/// What a world counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Numbers {
    /// The newest resourceVersion given out.
    revision: u64,
    /// What the uids are made from, beside their number.
    seed: u64,
    /// How many uids were given out.
    uids: u64,
    /// How many names were generated.
    names: u64,
    /// How many writes per resource watches can go back over.
    history: usize,
}

/// An object and the resource under which it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    group: String,
    resource: String,
    object: Value,
}

/// An object that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Removed {
    group: String,
    resource: String,
    namespace: String,
    name: String,
}

/// A whole world as plain data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Whole", into = "Whole")]
pub struct Dump {
    numbers: Numbers,
    objects: BTreeMap<ObjectId, Value>,
}

/// A dump as it is written.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    numbers: Numbers,
    objects: Vec<Stored>,
}

/// What writes have made of a world: its counters as they are now, and the objects that are new, other or gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    numbers: Numbers,
    set: Vec<Stored>,
    gone: Vec<Removed>,
}

impl Stored {
    fn id(&self) -> ObjectId {
        let resource = GroupResource::new(&self.group, &self.resource);
        ObjectId::new(&resource, meta::namespace(&self.object), meta::name(&self.object))
    }

    fn of(id: &ObjectId, object: &Value) -> Self {
        Self {
            group: id.resource.group().to_owned(),
            resource: id.resource.plural().to_owned(),
            object: object.clone(),
        }
    }
}

impl From<Dump> for Whole {
    fn from(dump: Dump) -> Self {
        let objects = dump.objects.iter().map(|(id, object)| Stored::of(id, object));
        Self {
            numbers: dump.numbers,
            objects: objects.collect(),
        }
    }
}

impl TryFrom<Whole> for Dump {
    type Error = LoadError;

    fn try_from(whole: Whole) -> Result<Self, LoadError> {
        let mut objects = BTreeMap::new();
        for stored in whole.objects {
            let id = stored.id();
            if objects.insert(id.clone(), stored.object).is_some() {
                return Err(LoadError::new(&id, "it is there twice"));
            }
        }
        Ok(Self {
            numbers: whole.numbers,
            objects,
        })
    }
}

impl LoadError {
    fn new(id: &ObjectId, reason: impl Into<String>) -> Self {
        Self {
            resource: id.resource.clone(),
            namespace: id.namespace.to_string(),
            name: id.name.to_string(),
            reason: reason.into(),
        }
    }
}

impl Dump {
    /// The newest resourceVersion.
    pub fn revision(&self) -> u64 {
        self.numbers.revision
    }

    /// The dump of the world after these writes. Fails if they belong to another world: one that is not older, or
    /// does not have what is removed.
    pub fn apply(&mut self, delta: Delta) -> Result<(), LoadError> {
        for stored in delta.set {
            self.objects.insert(stored.id(), stored.object);
        }
        for removed in delta.gone {
            let resource = GroupResource::new(&removed.group, &removed.resource);
            let id = ObjectId::new(&resource, &removed.namespace, &removed.name);
            if self.objects.remove(&id).is_none() {
                return Err(LoadError::new(&id, "it is removed, and was not there"));
            }
        }
        self.numbers = delta.numbers;
        Ok(())
    }
}

impl Delta {
    /// The newest resourceVersion after these writes.
    pub fn revision(&self) -> u64 {
        self.numbers.revision
    }
}

impl World {
    /// Everything that makes this world, its history and its conversions left out.
    pub fn dump(&self) -> Dump {
        let mut objects = BTreeMap::new();
        for (resource, shelf) in &self.shelves {
            for ((namespace, name), object) in &shelf.objects {
                objects.insert(ObjectId::new(resource, namespace, name), (**object).clone());
            }
        }
        Dump {
            numbers: self.numbers(),
            objects,
        }
    }

    /// The world of a dump: the same objects, uids and resourceVersions, and counters that go on where they were. A
    /// watch or a list of an older resourceVersion gets 410. What its controllers had not finished they take up with
    /// the next write.
    ///
    /// Fails if an object cannot have been in a world.
    pub fn load(dump: Dump) -> Result<Self, LoadError> {
        let Numbers {
            revision,
            seed,
            uids,
            names,
            history,
        } = dump.numbers;
        let mut world = Self {
            revision,
            seed,
            uids,
            names,
            history,
            floor: revision,
            shelves: RedBlackTreeMapSync::new_sync(),
            kinds: builtin::served(),
            owned: RedBlackTreeMapSync::new_sync(),
            conversions: Arc::default(),
            touched: Vec::new(),
        };
        for (id, object) in dump.objects {
            check(&id, &object, revision).map_err(|reason| LoadError::new(&id, reason))?;
            world.take_up(&id, object);
        }
        // Kinds before their objects, or an owner of a custom kind would be unknown.
        let is_definition = |touched: &Touched| touched.id.resource == builtin::definitions();
        world.touched.sort_by_key(|touched| !is_definition(touched));
        Ok(world)
    }

    /// What was written after a revision of this world; none if its history does not go back so far.
    pub fn delta_since(&self, revision: u64) -> Option<Delta> {
        let mut delta = Delta {
            numbers: self.numbers(),
            set: Vec::new(),
            gone: Vec::new(),
        };
        for (resource, shelf) in &self.shelves {
            if !shelf.remembers(revision) {
                return None;
            }
            // Of several writes to one object the last one counts; an object that came and went was never there.
            let mut last = BTreeMap::new();
            for (_, change) in shelf.changes_after(revision) {
                let was_there = change.before.is_some();
                last.entry(change.key.clone())
                    .and_modify(|(_, object): &mut (bool, Option<&Arc<Value>>)| {
                        *object = (!change.deleted).then_some(&change.object);
                    })
                    .or_insert((was_there, (!change.deleted).then_some(&change.object)));
            }
            for ((namespace, name), (was_there, object)) in last {
                let id = ObjectId::new(resource, &namespace, &name);
                match object {
                    Some(object) => delta.set.push(Stored::of(&id, object)),
                    None if was_there => delta.gone.push(Removed {
                        group: resource.group().to_owned(),
                        resource: resource.plural().to_owned(),
                        namespace: namespace.to_string(),
                        name: name.to_string(),
                    }),
                    None => {}
                }
            }
        }
        Some(delta)
    }

    fn numbers(&self) -> Numbers {
        // Taken apart, so that whoever adds a field has to say here whether it is kept.
        let Self {
            revision,
            seed,
            uids,
            names,
            history,
            floor: _,
            shelves: _,
            kinds: _,
            owned: _,
            conversions: _,
            touched: _,
        } = self;
        Numbers {
            revision: *revision,
            seed: *seed,
            uids: *uids,
            names: *names,
            history: *history,
        }
    }

    /// Puts an object where it was, without a write.
    fn take_up(&mut self, id: &ObjectId, object: Value) {
        for owner in meta::owners(&object) {
            self.owned
                .insert_mut((Arc::from(meta::text(owner, &["uid"])), id.clone()), ());
        }
        if id.resource == builtin::definitions() && is_accepted(&object) {
            self.register(&object);
        }
        let mut objects = self
            .shelves
            .get(&id.resource)
            .cloned()
            .unwrap_or_else(|| Shelf::since(self.floor));
        let key = (Arc::clone(&id.namespace), Arc::clone(&id.name));
        objects.objects.insert_mut(key, Arc::new(object));
        self.shelves.insert_mut(id.resource.clone(), objects);
        self.touched.push(Touched {
            id: id.clone(),
            created: false,
            gone: None,
        });
    }
}

/// Whether the names of a definition were accepted once: its kind is served.
fn is_accepted(definition: &Value) -> bool {
    let conditions = definition["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
}

fn check(id: &ObjectId, object: &Value, revision: u64) -> Result<(), String> {
    if id.name.is_empty() {
        return Err("it has no name".to_owned());
    }
    if meta::uid(object).is_empty() {
        return Err("it has no uid".to_owned());
    }
    let version = meta::resource_version(object);
    match version.parse::<u64>() {
        Ok(written) if written <= revision => Ok(()),
        Ok(_) | Err(_) => Err(format!(
            "its resourceVersion {version:?} is none of a world at {revision}"
        )),
    }
}
