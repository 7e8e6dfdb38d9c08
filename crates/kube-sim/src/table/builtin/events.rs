//! The columns of events, which have two versions.

use jiff::Timestamp;
use serde_json::Value;

use super::super::{Column, age};
use super::{at, builtin_description, name_column, number, string, text, wide};

const EVENT: &str = "io.k8s.api.core.v1.Event";

pub(super) fn columns() -> Vec<Column> {
    let of = |property: &str| builtin_description(EVENT, property);
    let field_path = builtin_description("io.k8s.api.core.v1.ObjectReference", "fieldPath");
    vec![
        text("Last Seen", of("lastTimestamp"), last_seen),
        text("Type", of("type"), |object, _| at(object, "/type")),
        text("Reason", of("reason"), |object, _| at(object, "/reason")),
        text("Object", of("involvedObject"), involved),
        wide("Subobject", field_path, |object, _| {
            Value::from(either(
                object,
                "/involvedObject/fieldPath",
                "/regarding/fieldPath",
            ))
        }),
        wide("Source", of("source"), source),
        text("Message", of("message"), |object, _| {
            Value::from(either(object, "/message", "/note").trim())
        }),
        wide("First Seen", of("firstTimestamp"), |object, now| {
            Value::from(age::since(first(object), now))
        }),
        wide("Count", of("count"), times),
        Column {
            priority: 1,
            ..name_column()
        },
    ]
}

fn either<'a>(object: &'a Value, first: &str, second: &str) -> &'a str {
    let found = string(object, first);
    if found.is_empty() {
        string(object, second)
    } else {
        found
    }
}

fn first(object: &Value) -> &str {
    let first = either(object, "/firstTimestamp", "/deprecatedFirstTimestamp");
    if first.is_empty() {
        string(object, "/eventTime")
    } else {
        first
    }
}

fn last_seen(object: &Value, now: Timestamp) -> Value {
    let series = string(object, "/series/lastObservedTime");
    let last = either(object, "/lastTimestamp", "/deprecatedLastTimestamp");
    let text = match (series, last) {
        ("", "") => first(object),
        ("", last) => last,
        (series, _) => series,
    };
    Value::from(age::since(text, now))
}

fn involved(object: &Value, _: Timestamp) -> Value {
    let kind = either(object, "/involvedObject/kind", "/regarding/kind").to_lowercase();
    let name = either(object, "/involvedObject/name", "/regarding/name");
    Value::from(if name.is_empty() {
        kind
    } else {
        format!("{kind}/{name}")
    })
}

fn source(object: &Value, _: Timestamp) -> Value {
    let of = |old: [&str; 2], new: &[&str]| {
        let held = either(object, old[0], old[1]);
        if held.is_empty() {
            new.iter()
                .map(|path| string(object, path))
                .find(|text| !text.is_empty())
                .unwrap_or_default()
        } else {
            held
        }
    };
    let component = of(
        ["/source/component", "/deprecatedSource/component"],
        &["/reportingComponent", "/reportingController"],
    );
    let instance = of(
        ["/source/host", "/deprecatedSource/host"],
        &["/reportingInstance"],
    );
    Value::from(if instance.is_empty() {
        component.to_owned()
    } else {
        format!("{component}, {instance}")
    })
}

fn times(object: &Value, _: Timestamp) -> Value {
    let series = number(object, "/series/count");
    let count = number(object, "/count").max(number(object, "/deprecatedCount"));
    Value::from(if series > 0 { series } else { count.max(1) })
}
