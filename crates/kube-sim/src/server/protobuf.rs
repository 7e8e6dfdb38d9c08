//! Bodies in protobuf, as Go clients send them for built-in kinds (`kubectl create configmap`).
//!
//! Field numbers are those of the `generated.proto` files of k8s.io/api and k8s.io/apimachinery. Answers are always
//! JSON, which every such client accepts too.

mod messages;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use self::messages::{Holds, Message, message_of};
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
    let message = message_of(&api_version, &kind).ok_or_else(|| {
        StatusError::unsupported_media_type(format!(
            "{kind} of {api_version:?} cannot be read as {MEDIA_TYPE}"
        ))
    })?;
    let mut object = read(message, raw).ok_or_else(malformed)?;
    object.insert("apiVersion".to_owned(), json!(api_version));
    object.insert("kind".to_owned(), json!(kind));
    Ok(Value::Object(object))
}

/// A value as it stands on the wire.
#[derive(Debug, Clone, Copy)]
enum Wire<'a> {
    Int(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message with their numbers; `None` where it is malformed, and nothing after that.
fn fields(mut rest: &[u8]) -> impl Iterator<Item = Option<(u64, Wire<'_>)>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = field(&mut rest);
        if field.is_none() {
            rest = &[];
        }
        Some(field)
    })
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Wire<'a>)> {
    let key = varint(rest)?;
    let value = match key & 7 {
        0 => Wire::Int(varint(rest)?),
        1 => Wire::Bytes(rest.split_off(..8)?),
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            Wire::Bytes(rest.split_off(..length)?)
        }
        5 => Wire::Bytes(rest.split_off(..4)?),
        _ => return None,
    };
    Some((key >> 3, value))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A message as JSON. Empty texts, times and messages are left out: Go writes them for fields that are not set.
fn read(message: Message, bytes: &[u8]) -> Option<Map<String, Value>> {
    let mut object = Map::new();
    for field in fields(bytes) {
        let (number, wire) = field?;
        let Some((_, name, holds)) = message.iter().find(|(n, _, _)| *n == number) else {
            continue;
        };
        let mut set = |value: Value| {
            object.insert((*name).to_owned(), value);
        };
        match (*holds, wire) {
            (Holds::Text | Holds::Time(_), Wire::Bytes(b"")) => {}
            (Holds::Text, Wire::Bytes(text)) => set(json!(std::str::from_utf8(text).ok()?)),
            (Holds::Bool, Wire::Int(value)) => set(json!(value != 0)),
            (Holds::Int, Wire::Int(value)) => set(json!(value.cast_signed())),
            (Holds::Time(decimals), Wire::Bytes(bytes)) => set(time(bytes, decimals)?),
            (Holds::Json, Wire::Bytes(bytes)) => {
                let raw = fields(bytes).flatten().find_map(|(_, wire)| match wire {
                    Wire::Bytes(raw) => Some(raw),
                    Wire::Int(_) => None,
                });
                set(serde_json::from_slice(raw?).ok()?);
            }
            (Holds::One(inner), Wire::Bytes(bytes)) => {
                let inner = read(inner, bytes)?;
                if !inner.is_empty() {
                    set(Value::Object(inner));
                }
            }
            (Holds::Texts, Wire::Bytes(text)) => {
                push(&mut object, name, json!(std::str::from_utf8(text).ok()?));
            }
            (Holds::Many(inner), Wire::Bytes(bytes)) => {
                let inner = read(inner, bytes)?;
                push(&mut object, name, Value::Object(inner));
            }
            (Holds::TextMap, Wire::Bytes(bytes)) => entry(&mut object, name, bytes, |value| {
                Some(json!(std::str::from_utf8(value).ok()?))
            })?,
            (Holds::BytesMap, Wire::Bytes(bytes)) => entry(&mut object, name, bytes, |value| {
                Some(json!(STANDARD.encode(value)))
            })?,
            (_, Wire::Int(_) | Wire::Bytes(_)) => return None,
        }
    }
    Some(object)
}

fn push(object: &mut Map<String, Value>, name: &str, item: Value) {
    if let Some(list) = object.entry(name).or_insert_with(|| json!([])).as_array_mut() {
        list.push(item);
    }
}

/// One entry of a map: a message of key and value.
fn entry(
    object: &mut Map<String, Value>,
    name: &str,
    bytes: &[u8],
    read: impl FnOnce(&[u8]) -> Option<Value>,
) -> Option<()> {
    let (mut key, mut value) = ("", &[][..]);
    for field in fields(bytes) {
        match field? {
            (1, Wire::Bytes(text)) => key = std::str::from_utf8(text).ok()?,
            (2, Wire::Bytes(bytes)) => value = bytes,
            (_, Wire::Bytes(_) | Wire::Int(_)) => {}
        }
    }
    object
        .entry(name)
        .or_insert_with(|| json!({}))
        .as_object_mut()?
        .insert(key.to_owned(), read(value)?);
    Some(())
}

fn time(bytes: &[u8], decimals: u8) -> Option<Value> {
    let (mut seconds, mut nanos) = (0_i64, 0_i32);
    for field in fields(bytes) {
        match field? {
            (1, Wire::Int(value)) => seconds = value.cast_signed(),
            (2, Wire::Int(value)) => nanos = i32::try_from(value.cast_signed()).ok()?,
            (_, Wire::Int(_) | Wire::Bytes(_)) => {}
        }
    }
    let time = jiff::Timestamp::new(seconds, nanos).ok()?;
    let format = if decimals == 0 {
        "%Y-%m-%dT%H:%M:%SZ"
    } else {
        "%Y-%m-%dT%H:%M:%S.%6fZ"
    };
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
        assert_eq!(decode(&body("Pod", b"")).unwrap_err().code, 415);
    }
}
