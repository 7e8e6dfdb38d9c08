//! What a transcript shows of an object, and how a change of it reads.

use jiff::Timestamp;
use serde_json::Value;

/// One thing that can be seen of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Facet {
    name: String,
    value: String,
    style: Style,
}

/// How a facet reads when it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// `Pending -> Validating`
    Move,
    /// `+Ready`, `-Ready`
    Flag,
    /// `endpoint host:443`
    Named,
    /// `spec changed`, never its value.
    Hidden,
}

/// What has changed between two forms of an object, in one line; absent if nothing that is shown has.
pub(crate) fn difference(before: Option<&Value>, after: Option<&Value>, epoch: Timestamp) -> Option<String> {
    let Some(after) = after else {
        return before.map(|_| "gone".to_owned());
    };
    let old = before.map(|object| facets(object, epoch)).unwrap_or_default();
    let new = facets(after, epoch);
    let mut words = Vec::new();
    if before.is_none() {
        words.push("created".to_owned());
    }
    for facet in &new {
        let was = old
            .iter()
            .find(|was| was.name == facet.name)
            .map(|was| was.value.as_str());
        if was != Some(&*facet.value) {
            words.extend(facet.becomes(was, before.is_some()));
        }
    }
    for facet in &old {
        if !new.iter().any(|is| is.name == facet.name) {
            words.extend(facet.vanishes());
        }
    }
    (!words.is_empty()).then(|| words.join("; "))
}

impl Facet {
    fn becomes(&self, was: Option<&str>, existed: bool) -> Option<String> {
        let Self { name, value, style } = self;
        match (style, was) {
            (Style::Move, Some(was)) => Some(format!("{was} -> {value}")),
            (Style::Move, None) => Some(value.clone()),
            (Style::Flag, _) if value == "True" => Some(format!("+{name}")),
            (Style::Flag, None) => None,
            (Style::Flag, Some(_)) => Some(format!("-{name}")),
            (Style::Named, _) => Some(format!("{name} {value}").trim_end().to_owned()),
            (Style::Hidden, Some(_)) => Some(format!("{name} changed")),
            (Style::Hidden, None) => (existed || name != "spec").then(|| name.clone()),
        }
    }

    fn vanishes(&self) -> Option<String> {
        match self.style {
            Style::Flag if self.value == "True" => Some(format!("-{}", self.name)),
            Style::Flag => None,
            Style::Named if self.name == "waits for" => Some("waits no more".to_owned()),
            // Whoever tries again does so before everybody's eyes.
            Style::Named if self.name == "next attempt at" => None,
            Style::Named if self.name == "owned by" => Some("owned by nobody".to_owned()),
            Style::Move | Style::Named | Style::Hidden => Some(format!("no {}", self.name)),
        }
    }
}

fn facets(object: &Value, epoch: Timestamp) -> Vec<Facet> {
    let mut facets = Facets(Vec::new());
    let text = |pointer: &str| object.pointer(pointer).map(plain).filter(|text| !text.is_empty());
    if object["kind"] == "Secret" {
        facets.named("type", text("/type"));
        for (key, value) in object["data"].as_object().into_iter().flatten() {
            facets.push(format!("key {key}"), plain(value), Style::Hidden);
        }
    }
    facets.named(
        "deleting",
        text("/metadata/deletionTimestamp").map(|_| String::new()),
    );
    facets.named(
        "finalizers",
        object["metadata"]["finalizers"]
            .as_array()
            .map(|list| list.len().to_string()),
    );
    let owners = object["metadata"]["ownerReferences"]
        .as_array()
        .into_iter()
        .flatten();
    let owners: Vec<_> = owners
        .map(|owner| format!("{}/{}", plain(&owner["kind"]), plain(&owner["name"])))
        .collect();
    facets.named("owned by", (!owners.is_empty()).then(|| owners.join(", ")));
    // The server counts a deletion as a new generation.
    let deleted = i64::from(object["metadata"]["deletionTimestamp"].is_string());
    if let Some(generation) = object["metadata"]["generation"].as_i64() {
        facets.push("spec".into(), (generation - deleted).to_string(), Style::Hidden);
    }
    facets.named("endpoint", endpoint(&object["spec"]["controlPlaneEndpoint"]));
    let status = &object["status"];
    if let Some(state) = text("/status/state") {
        facets.push("state".into(), state, Style::Move);
    }
    facets.named("phase", text("/status/phase"));
    facets.named("run", run(&status["run"]));
    // What others do in its name, a workspace says itself.
    facets.named(
        "progress",
        progress(&status["progress"], object["kind"] == "TerraformWorkspace"),
    );
    for (latch, value) in status["initialization"].as_object().into_iter().flatten() {
        facets.push(
            latch.clone(),
            if *value == Value::Bool(true) {
                "True"
            } else {
                "False"
            }
            .into(),
            Style::Flag,
        );
    }
    facets.named("vpc", text("/status/vpcId"));
    facets.named("version", text("/status/version"));
    facets.named("fault", fault(&status["fault"]));
    facets.named("waits for", waits(&status["waits"]));
    facets.named(
        "next attempt at",
        text("/status/recovery/nextAttempt").map(|time| since(&time, epoch)),
    );
    facets.named(
        "needs approval of",
        status["pendingApproval"]
            .as_array()
            .filter(|list| !list.is_empty())
            .map(|list| list.iter().map(plain).collect::<Vec<_>>().join(", ")),
    );
    for condition in status["conditions"].as_array().into_iter().flatten() {
        facets.push(
            plain(&condition["type"]),
            plain(&condition["status"]),
            Style::Flag,
        );
    }
    facets.0
}

struct Facets(Vec<Facet>);

impl Facets {
    fn push(&mut self, name: String, value: String, style: Style) {
        self.0.push(Facet { name, value, style });
    }

    fn named(&mut self, name: &str, value: Option<String>) {
        if let Some(value) = value {
            self.push(name.to_owned(), value, Style::Named);
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn endpoint(value: &Value) -> Option<String> {
    let host = plain(&value["host"]);
    (!host.is_empty()).then(|| format!("{host}:{}", plain(&value["port"])))
}

fn run(value: &Value) -> Option<String> {
    let stage = value["stage"].as_str().unwrap_or("Recorded");
    value
        .is_object()
        .then(|| format!("{} {} {stage}", plain(&value["id"]), plain(&value["operation"])))
}

fn progress(value: &Value, with_words: bool) -> Option<String> {
    let percent = value["percentComplete"].as_i64()?;
    let current = plain(&value["currentOperation"]);
    let current = if !with_words {
        String::new()
    } else if current.is_empty() {
        current
    } else {
        format!(" ({current})")
    };
    let overdue = if value["overdue"] == Value::Bool(true) {
        " overdue"
    } else {
        ""
    };
    Some(
        format!("{} {percent}%{current}{overdue}", plain(&value["operation"]))
            .trim_start()
            .to_owned(),
    )
}

fn fault(value: &Value) -> Option<String> {
    let subject = value["subject"]
        .as_str()
        .map(|subject| format!(" on {subject}"))
        .unwrap_or_default();
    value.is_object().then(|| {
        format!(
            "{}/{}{subject}: {}",
            plain(&value["class"]),
            plain(&value["code"]),
            first_line(&plain(&value["message"]))
        )
    })
}

fn waits(value: &Value) -> Option<String> {
    let waits = value.as_array().filter(|waits| !waits.is_empty())?;
    let waits = waits
        .iter()
        .map(|wait| format!("{} ({})", plain(&wait["for"]), plain(&wait["reason"])));
    Some(waits.collect::<Vec<_>>().join(", "))
}

fn since(time: &str, epoch: Timestamp) -> String {
    time.parse::<Timestamp>().map_or_else(
        |_| time.to_owned(),
        |time| format!("{}s", time.duration_since(epoch).as_secs()),
    )
}

/// The line of an Event, in which its reason and message stand.
pub(crate) fn event(event: &Value) -> (String, String) {
    let object = &event["involvedObject"];
    let target = crate::Target::new(
        &plain(&object["namespace"]),
        &plain(&object["kind"]),
        &plain(&object["name"]),
    );
    let count = event["count"].as_i64().filter(|count| *count > 1);
    let count = count.map(|count| format!(" (time {count})")).unwrap_or_default();
    let mark = if event["type"] == "Warning" { "!!" } else { "--" };
    let text = format!(
        "{mark} {}: {}{count}",
        plain(&event["reason"]),
        first_line(&plain(&event["message"]))
    );
    (target.to_string(), text)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
