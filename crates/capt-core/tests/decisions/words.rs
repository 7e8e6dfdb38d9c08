//! Records and times in few words. Times are told from the moment of the round.

use capt_core::condition::Condition;
use capt_core::record::Record;
use capt_core::retry::seed_of;
use jiff::Timestamp;
use serde_json::Value;

use crate::world::NOW;

/// A moment as seen from the round: `now`, `-2m`, `+10.5s`.
pub(crate) fn moment(at: Timestamp) -> String {
    if at == Timestamp::MAX {
        return "never".to_owned();
    }
    let millis = at.duration_since(NOW).as_millis();
    let size = millis.unsigned_abs();
    let sign = if millis < 0 { '-' } else { '+' };
    if size == 0 {
        "now".to_owned()
    } else if size.is_multiple_of(60_000) {
        format!("{sign}{}m", size / 60_000)
    } else if size.is_multiple_of(1_000) {
        format!("{sign}{}s", size / 1_000)
    } else {
        format!("{sign}{}.{:03}s", size / 1_000, size % 1_000)
    }
}

/// What `after` says otherwise than `before`.
pub(crate) fn changes(before: &Record, after: &Record) -> String {
    let (before, after) = (value(before), value(after));
    let mut out = Vec::new();
    differ("", &before, &after, &mut out);
    out.join(" ")
}

fn value(record: &Record) -> Value {
    serde_json::to_value(record).unwrap()
}

fn differ(path: &str, before: &Value, after: &Value, out: &mut Vec<String>) {
    match (before, after) {
        _ if before == after => {}
        (Value::Object(old), Value::Object(new)) if named(new).is_none() => {
            let mut keys: Vec<_> = old.keys().chain(new.keys()).collect();
            keys.sort_unstable();
            keys.dedup();
            for key in keys {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                differ(&path, &of(old), &of(new), out);
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for (place, entry) in new.iter().enumerate() {
                match old.get(place) {
                    Some(before) => differ(&format!("{path}[{place}]"), before, entry, out),
                    None => out.push(format!("{path}+={}", short(entry))),
                }
            }
            if new.len() < old.len() {
                out.push(format!("{path}.len={}", new.len()));
            }
        }
        _ => out.push(format!("{path}={}", short(after))),
    }
}

fn short(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.parse::<Timestamp>().map_or_else(|_| text.clone(), moment),
        Value::Array(entries) => format!("[{}]", entries.iter().map(short).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => named(map).unwrap_or_else(|| {
            let said = map.iter().filter(|(_, value)| !value.is_null());
            let said: Vec<_> = said
                .map(|(key, value)| format!("{key}:{}", short(value)))
                .collect();
            format!("{{{}}}", said.join(" "))
        }),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// What has a shorter form than its fields: a fault, a run, an operation, an attempt to heal, an incident, a judgement
/// of a health check, what was good last.
fn named(map: &serde_json::Map<String, Value>) -> Option<String> {
    let text = |key| map.get(key).map(short);
    let ended = match map.get("finished") {
        Some(Value::Array(end)) => end.iter().map(short).collect::<Vec<_>>().join(":"),
        Some(_) | None => String::new(),
    };
    if let (Some(_), Some(code)) = (text("class"), text("code")) {
        // Its class is that of the row.
        return Some(code);
    }
    if let (Some(number), Some(operation)) = (text("number"), text("operation")) {
        return Some(format!(
            "{operation}#{number}({})@{}",
            text("input")?,
            text("opened")?
        ));
    }
    if let (Some(kind), Some(started)) = (text("kind"), text("started_at")) {
        return Some(format!("{kind}@{started}..{ended}"));
    }
    if let (Some(trigger), Some(time)) = (text("trigger"), text("time")) {
        return Some(format!("{}({trigger})@{time}..{ended}", text("action")?));
    }
    if let (Some(trigger), Some(tried)) = (text("trigger"), text("tried")) {
        let (doing, escalated) = (text("doing")?, text("escalated")?);
        return Some(format!(
            "{trigger}@{}{tried}doing:{doing},escalated:{escalated}",
            text("started_at")?
        ));
    }
    if let (Some(verdict), Some(against)) = (text("verdict"), text("against")) {
        return Some(format!(
            "{verdict}@{}-{against}({})",
            text("since")?,
            text("message")?
        ));
    }
    if let (Some(revision), Some(input)) = (text("revision"), text("input")) {
        let (version, outputs) = (text("version")?, text("outputs")?);
        return Some(format!(
            "{revision}({input},{version},{outputs})@{}",
            text("time")?
        ));
    }
    None
}

/// Two letters that stand for a sentence, so that a row has room for it. The sheet of sentences has them all.
pub(crate) fn mark(sentence: &str) -> String {
    if sentence.is_empty() {
        return String::new();
    }
    let letter =
        |number: u64| char::from(b"abcdefghijklmnopqrstuvwxyz"[usize::try_from(number % 26).unwrap()]);
    let hash = seed_of(sentence);
    format!("~{}{}", letter(hash >> 32), letter(hash >> 48))
}

/// A condition in short.
pub(crate) fn condition(condition: &Condition) -> String {
    format!(
        "{}={}/{}{}",
        condition.kind,
        condition.truth.name(),
        condition.reason,
        mark(&condition.message)
    )
}

/// The names, in lines that are no longer than a page is wide. What begins as the one before it does, up to a colon,
/// is told by its rest.
pub(crate) fn list(head: &str, names: &[String]) -> String {
    const WIDTH: usize = 130;
    let mut lines = vec![head.to_owned()];
    let mut before = "";
    for (place, name) in names.iter().enumerate() {
        let (kind, rest) = name.split_once(": ").unwrap_or(("", name));
        let name = if kind == before { rest } else { name };
        before = kind;
        let end = if place + 1 < names.len() { ";" } else { "" };
        match lines.last_mut() {
            Some(last) if last.len() + name.len() < WIDTH => *last = format!("{last} {name}{end}"),
            Some(_) | None => lines.push(format!("{} {name}{end}", " ".repeat(head.len()))),
        }
    }
    lines.join("\n") + "\n"
}
