//! The messages that are read: field numbers, names and contents, from `messages.json`.
//!
//! The table holds what the `generated.proto` files of k8s.io/api and k8s.io/apimachinery say, by message and field
//! number, and from the Go types which fields are `optional`: behind a pointer, so that an empty one means something.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) enum Holds {
    Text,
    Bool,
    Int,
    Float,
    /// Bytes, in base64 when they are JSON.
    Bytes,
    /// `Time`, in whole seconds.
    Time,
    /// `MicroTime`.
    MicroTime,
    Quantity,
    IntOrString,
    /// `FieldsV1` and `RawExtension`: JSON as bytes.
    Json,
    Message(String),
}

/// How a field stands in its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Form {
    /// Left out when it is empty.
    Plain,
    /// Behind a pointer: there, even if empty.
    Optional,
    /// Its own fields are fields of the object.
    Inline,
    List,
    /// A map from text.
    Map,
}

/// A field of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) struct Field {
    pub(in crate::server) name: String,
    pub(in crate::server) form: Form,
    pub(in crate::server) holds: Holds,
}

/// The fields of a message by their numbers.
pub(in crate::server) type Message = BTreeMap<u64, Field>;

#[derive(Deserialize)]
struct Table {
    kinds: BTreeMap<String, String>,
    messages: BTreeMap<String, BTreeMap<u64, (String, String)>>,
}

struct Messages {
    kinds: BTreeMap<String, String>,
    messages: BTreeMap<String, Message>,
}

static MESSAGES: LazyLock<Messages> = LazyLock::new(|| {
    let table: Table = serde_json::from_str(include_str!("messages.json"))
        .expect("the embedded table of messages is valid JSON");
    let messages = table.messages.into_iter().map(|(name, fields)| {
        let fields = fields
            .into_iter()
            .map(|(number, (name, what))| (number, field(name, &what)));
        (name, fields.collect())
    });
    Messages {
        kinds: table.kinds,
        messages: messages.collect(),
    }
});

fn field(name: String, what: &str) -> Field {
    let (form, holds) = what.split_once(' ').unwrap_or(("", what));
    Field {
        name,
        form: match form {
            "optional" => Form::Optional,
            "inline" => Form::Inline,
            "list" => Form::List,
            "map" => Form::Map,
            _ => Form::Plain,
        },
        holds: match holds {
            "text" => Holds::Text,
            "bool" => Holds::Bool,
            "int" => Holds::Int,
            "float" => Holds::Float,
            "bytes" => Holds::Bytes,
            "time" => Holds::Time,
            "microTime" => Holds::MicroTime,
            "quantity" => Holds::Quantity,
            "intOrString" => Holds::IntOrString,
            "json" => Holds::Json,
            message => Holds::Message(message.to_owned()),
        },
    }
}

/// The message of a kind, when it is known. Options of a delete may come in the version of any group.
pub(in crate::server) fn message_of(api_version: &str, kind: &str) -> Option<&'static Message> {
    let key = if kind == "DeleteOptions" {
        "v1/DeleteOptions".to_owned()
    } else {
        format!("{api_version}/{kind}")
    };
    message(MESSAGES.kinds.get(&key)?)
}

/// A message by its name.
pub(in crate::server) fn message(name: &str) -> Option<&'static Message> {
    MESSAGES.messages.get(name)
}
