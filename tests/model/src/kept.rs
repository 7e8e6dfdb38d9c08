//! Objects are kept once for all worlds that have them. A world is then a handful of references, cheap to copy and to
//! compare, and what is decided for an object need not be decided again in each world that has it.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher as _, Hash, Hasher};
use std::ops::Deref;
use std::sync::{LazyLock, Mutex, PoisonError};

use foldhash::fast::FixedState as Fast;
use foldhash::quality::FixedState;

use crate::world::Thing;

/// An object with the hash that it is known by.
#[derive(PartialEq, Eq)]
struct Kept {
    hash: u64,
    thing: Thing,
}

impl Hash for Kept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

/// As [`Kept`], found by what it holds.
#[derive(PartialEq, Eq, Hash)]
struct Entry(&'static Kept);

impl Borrow<Kept> for Entry {
    fn borrow(&self) -> &Kept {
        self.0
    }
}

/// So many locks that the threads that look do not wait for each other.
const SHARDS: usize = 64;

/// Every object that was kept. They stay for as long as the process lives, and are few: each is in many worlds.
static ALL: LazyLock<Vec<Mutex<HashSet<Entry, Fast>>>> =
    LazyLock::new(|| (0..SHARDS).map(|_| Mutex::default()).collect());

fn keep(thing: Thing) -> &'static Kept {
    let hash = FixedState::default().hash_one(&thing);
    let kept = Kept { hash, thing };
    let shard = usize::try_from(hash >> 32).unwrap_or(0) % SHARDS;
    let mut shard = ALL[shard].lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = shard.get(&kept) {
        return known.0;
    }
    let kept: &'static Kept = Box::leak(Box::new(kept));
    shard.insert(Entry(kept));
    kept
}

/// The place of an object in a world.
#[derive(Clone)]
pub(crate) enum Place {
    /// As it is kept.
    Kept(Shared),
    /// While it is being changed.
    Open(Box<Thing>),
}

/// An object that is kept.
#[derive(Clone, Copy)]
pub(crate) struct Shared(&'static Kept);

impl Place {
    pub(crate) fn new(thing: Thing) -> Self {
        Self::Open(Box::new(thing))
    }

    /// The object, to be changed.
    pub(crate) fn open(&mut self) -> Option<&mut Thing> {
        if let Self::Kept(shared) = self {
            *self = Self::new(shared.0.thing.clone());
        }
        match self {
            Self::Open(thing) => Some(thing),
            Self::Kept(_) => None,
        }
    }

    /// Keeps the object as it is now.
    pub(crate) fn close(&mut self) {
        if let Self::Open(thing) = self {
            *self = Self::Kept(Shared(keep((**thing).clone())));
        }
    }

    pub(crate) fn into_thing(self) -> Thing {
        match self {
            Self::Kept(shared) => shared.0.thing.clone(),
            Self::Open(thing) => *thing,
        }
    }

    /// The hash that the object is known by.
    pub(crate) fn hash(&self) -> u64 {
        match self {
            Self::Kept(shared) => shared.0.hash,
            Self::Open(thing) => FixedState::default().hash_one(thing),
        }
    }
}

impl Deref for Place {
    type Target = Thing;

    fn deref(&self) -> &Thing {
        match self {
            Self::Kept(shared) => &shared.0.thing,
            Self::Open(thing) => thing,
        }
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            // Each object is kept once.
            (Self::Kept(one), Self::Kept(other)) => std::ptr::eq(one.0, other.0),
            (Self::Open(_), _) | (_, Self::Open(_)) => **self == **other,
        }
    }
}

impl Eq for Place {}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(Place::hash(self));
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
