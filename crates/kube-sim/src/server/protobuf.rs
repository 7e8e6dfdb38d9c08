//! Bodies in protobuf, as Go clients send them for built-in kinds (`kubectl create configmap`).
//!
//! Field numbers are those of the `generated.proto` files of k8s.io/api and k8s.io/apimachinery. Answers are always
//! JSON, which every such client accepts too.

mod messages;
mod wire;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use self::messages::Field;
pub(super) use self::messages::{Form, Holds, Message, message, message_of};
use self::wire::{Wire, fields};
use crate::world::StatusError;

/// The media type.
pub(super) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";
/// What every body starts with.
const MAGIC: &[u8] = b"k8s\0";

/// Reads a body.
pub(super) fn decode(body: &[u8]) -> Result<Value, StatusError> {
    let malformed =
        || StatusError::bad_request("the object provided is unrecognized: the protobuf body is malformed");
    let envelope = body.strip_prefix(MAGIC).ok_or_else(malformed)?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for field in fields(envelope) {
        match field.ok_or_else(malformed)? {
            (1, Wire::Bytes(meta)) => {
                for field in fields(meta) {
                    match field.ok_or_else(malformed)? {
                        (1, Wire::Bytes(text)) => api_version = String::from_utf8_lossy(text).into_owned(),
                        (2, Wire::Bytes(text)) => kind = String::from_utf8_lossy(text).into_owned(),
                        (_, Wire::Bytes(_) | Wire::Int(_)) => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            (_, Wire::Bytes(_) | Wire::Int(_)) => {}
        }
    }
    let known = message_of(&api_version, &kind).ok_or_else(|| {
        StatusError::unsupported_media_type(format!(
            "{kind} of {api_version:?} cannot be read as {MEDIA_TYPE}"
        ))
    })?;
    let mut object = read(known, raw).ok_or_else(malformed)?;
    object.insert("apiVersion".to_owned(), json!(api_version));
    object.insert("kind".to_owned(), json!(kind));
    Ok(Value::Object(object))
}

/// A message as JSON. What is empty is left out, unless it stands behind a pointer: Go writes every field that does not.
fn read(message: &Message, bytes: &[u8]) -> Option<Map<String, Value>> {
    let mut object = Map::new();
    for field in fields(bytes) {
        let (number, wire) = field?;
        let Some(Field { name, form, holds }) = message.get(&number) else {
            continue;
        };
        match form {
            Form::Map => entry(&mut object, name, holds, wire)?,
            Form::List => {
                let item = value(holds, wire)?;
                let list = object.entry(name.clone()).or_insert_with(|| json!([]));
                list.as_array_mut()?.push(item);
            }
            Form::Inline => object.extend(value(holds, wire)?.as_object()?.clone()),
            Form::Optional => {
                object.insert(name.clone(), value(holds, wire)?);
            }
            Form::Plain => {
                let value = value(holds, wire)?;
                if !is_empty(&value) {
                    object.insert(name.clone(), value);
                }
            }
        }
    }
    Some(object)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

fn value(holds: &Holds, wire: Wire<'_>) -> Option<Value> {
    Some(match (holds, wire) {
        (Holds::Text, Wire::Bytes(text)) => json!(std::str::from_utf8(text).ok()?),
        (Holds::Bool, Wire::Int(value)) => json!(value != 0),
        (Holds::Int, Wire::Int(value)) => json!(value.cast_signed()),
        (Holds::Float, Wire::Bytes(bytes)) => json!(f64::from_le_bytes(bytes.try_into().ok()?)),
        (Holds::Bytes, Wire::Bytes(bytes)) => json!(STANDARD.encode(bytes)),
        (Holds::Time | Holds::MicroTime, Wire::Bytes(b"")) => Value::Null,
        (Holds::Time, Wire::Bytes(bytes)) => time(bytes, "%Y-%m-%dT%H:%M:%SZ")?,
        (Holds::MicroTime, Wire::Bytes(bytes)) => time(bytes, "%Y-%m-%dT%H:%M:%S.%6fZ")?,
        (Holds::Quantity, Wire::Bytes(bytes)) => {
            json!(std::str::from_utf8(first(bytes).unwrap_or_default()).ok()?)
        }
        (Holds::Json, Wire::Bytes(bytes)) => serde_json::from_slice(first(bytes)?).ok()?,
        (Holds::IntOrString, Wire::Bytes(bytes)) => int_or_string(bytes)?,
        (Holds::Message(name), Wire::Bytes(bytes)) => Value::Object(read(message(name)?, bytes)?),
        (_, Wire::Int(_) | Wire::Bytes(_)) => return None,
    })
}

/// The first field of a message that holds bytes.
fn first(bytes: &[u8]) -> Option<&[u8]> {
    fields(bytes).flatten().find_map(|(_, wire)| match wire {
        Wire::Bytes(raw) => Some(raw),
        Wire::Int(_) => None,
    })
}

/// An integer or a text, by the type that stands in the first field.
fn int_or_string(bytes: &[u8]) -> Option<Value> {
    let (mut is_text, mut whole, mut text) = (false, 0, "");
    for field in fields(bytes) {
        match field? {
            (1, Wire::Int(kind)) => is_text = kind == 1,
            (2, Wire::Int(value)) => whole = value.cast_signed(),
            (3, Wire::Bytes(bytes)) => text = std::str::from_utf8(bytes).ok()?,
            (_, Wire::Int(_) | Wire::Bytes(_)) => {}
        }
    }
    Some(if is_text { json!(text) } else { json!(whole) })
}

/// One entry of a map: a message of key and value.
fn entry(object: &mut Map<String, Value>, name: &str, holds: &Holds, wire: Wire<'_>) -> Option<()> {
    let Wire::Bytes(bytes) = wire else { return None };
    let (mut key, mut held) = ("", Wire::Bytes(&[]));
    for field in fields(bytes) {
        match field? {
            (1, Wire::Bytes(text)) => key = std::str::from_utf8(text).ok()?,
            (2, wire) => held = wire,
            (_, Wire::Bytes(_) | Wire::Int(_)) => {}
        }
    }
    object
        .entry(name)
        .or_insert_with(|| json!({}))
        .as_object_mut()?
        .insert(key.to_owned(), value(holds, held)?);
    Some(())
}

fn time(bytes: &[u8], format: &str) -> Option<Value> {
    let (mut seconds, mut nanos) = (0_i64, 0_i32);
    for field in fields(bytes) {
        match field? {
            (1, Wire::Int(value)) => seconds = value.cast_signed(),
            (2, Wire::Int(value)) => nanos = i32::try_from(value.cast_signed()).ok()?,
            (_, Wire::Int(_) | Wire::Bytes(_)) => {}
        }
    }
    let time = jiff::Timestamp::new(seconds, nanos).ok()?;
    Some(json!(time.strftime(format).to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::decode;

    /// A length-delimited field.
    fn part(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
        out.extend_from_slice(bytes);
        out
    }

    fn body(kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [part(1, b"v1"), part(2, kind.as_bytes())].concat();
        [b"k8s\0".to_vec(), part(1, &meta), part(2, raw)].concat()
    }

    #[test]
    fn a_config_map_is_read() {
        let metadata = [part(1, b"cm"), part(2, b""), part(8, b"")].concat();
        let raw = [
            part(1, &metadata),
            part(2, &[part(1, b"k"), part(2, b"v")].concat()),
            vec![4 << 3, 1],
        ]
        .concat();
        assert_eq!(
            decode(&body("ConfigMap", &raw)).unwrap(),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm"}, "data": {"k": "v"}, "immutable": true})
        );
    }

    #[test]
    fn bytes_become_base64() {
        let raw = part(2, &[part(1, b"k"), part(2, b"\xff")].concat());
        assert_eq!(decode(&body("Secret", &raw)).unwrap()["data"]["k"], "/w==");
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        let whole = body("ConfigMap", &part(1, &part(1, b"cm")));
        for length in 0..whole.len() {
            // A cut between two fields leaves a shorter message; everything else must be noticed.
            if let Ok(object) = decode(&whole[..length]) {
                assert!(object["metadata"].is_null(), "{length}: {object}");
            }
        }
        assert_eq!(decode(&body("Nothing", b"")).unwrap_err().code, 415);
    }

    #[test]
    fn numbers_behind_pointers_are_kept_and_inlined_messages_are_part_of_their_object() {
        // replicas: a pointer to 0; minReadySeconds: a plain 0.
        let spec = [vec![1 << 3, 0], vec![5 << 3, 0]].concat();
        let meta = [part(1, b"apps/v1"), part(2, b"Deployment")].concat();
        let sent = [b"k8s\0".to_vec(), part(1, &meta), part(2, &part(2, &spec))].concat();
        assert_eq!(decode(&sent).unwrap()["spec"], json!({"replicas": 0}));

        let volume = [part(1, b"v"), part(2, &part(2, b""))].concat();
        let sent = body("Pod", &part(2, &part(1, &volume)));
        assert_eq!(
            decode(&sent).unwrap()["spec"]["volumes"],
            json!([{"name": "v", "emptyDir": {}}])
        );
    }

    #[test]
    fn quantities_and_ports_are_read() {
        let hard = part(1, &[part(1, b"pods"), part(2, &part(1, b"3"))].concat());
        let quota = decode(&body("ResourceQuota", &part(2, &hard))).unwrap();
        assert_eq!(quota["spec"], json!({"hard": {"pods": "3"}}));

        let port = [
            vec![3 << 3, 80],
            part(4, &[vec![1 << 3, 1], part(3, b"web")].concat()),
        ]
        .concat();
        let service = decode(&body("Service", &part(2, &part(1, &port)))).unwrap();
        assert_eq!(
            service["spec"]["ports"],
            json!([{"port": 80, "targetPort": "web"}])
        );
    }
}
