//! Records as bytes: JSON without the tag, which is kept beside it. A tag within would make reading take twice as
//! long, since all of it must be held before its kind is known.

use std::sync::Arc;

use kecs_core::event::Event;
use kecs_core::key::Key;
use kecs_core::record::{self, Record};

use crate::error::StoreError;

macro_rules! kinds {
    ($($variant:ident $name:literal),* $(,)?) => {
        /// The name of a record's kind, as its own JSON has it.
        pub(crate) const fn kind(record: &Record) -> &'static str {
            match record {
                $(Record::$variant(_) => $name),*
            }
        }

        /// The kind of this name.
        fn known(name: &str) -> Option<&'static str> {
            match name {
                $($name => Some($name),)*
                _ => None,
            }
        }

        /// What a record holds, as JSON.
        pub(crate) fn encode(record: &Record) -> Result<Vec<u8>, StoreError> {
            match record {
                $(Record::$variant(it) => serde_json::to_vec(it)),*
            }
            .map_err(|error| StoreError::engine("encoding a record", &error))
        }

        fn parse(kind: &str, json: &[u8]) -> Result<Record, String> {
            match kind {
                $($name => serde_json::from_slice::<record::$variant>(json)
                    .map(|it| Record::$variant(it.into()))
                    .map_err(|error| error.to_string()),)*
                _ => Err(format!("there is no kind of record named {kind:?}")),
            }
        }
    };
}

kinds!(
    Cluster "cluster",
    Family "family",
    TaskDefinition "taskDefinition",
    Service "service",
    Task "task",
    TaskSet "taskSet",
    ContainerInstance "containerInstance",
    CapacityProvider "capacityProvider",
    AccountSetting "accountSetting",
    ServiceDeployment "serviceDeployment",
    ServiceRevision "serviceRevision",
    Token "token",
);

/// The record of this kind that was encoded.
pub(crate) fn decode(key: &Key, kind: &str, json: &[u8]) -> Result<Arc<Record>, StoreError> {
    parse(kind, json).map(Arc::new).map_err(|why| StoreError::Record {
        key: key.to_string(),
        why,
    })
}

/// An event as it is kept.
pub(crate) fn text(event: &Event) -> Result<String, StoreError> {
    serde_json::to_string(event).map_err(|error| StoreError::engine("encoding an event", &error))
}

/// The kind of this name.
pub(crate) fn kind_named(key: &Key, name: &str) -> Result<&'static str, StoreError> {
    known(name).ok_or_else(|| StoreError::Record {
        key: key.to_string(),
        why: format!("there is no kind of record named {name:?}"),
    })
}
