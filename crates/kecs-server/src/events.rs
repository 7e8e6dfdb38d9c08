//! The event bus: what was committed, in its order, to whoever subscribes.
//!
//! A subscriber reads from the store's outbox at its own pace. One that is slow is behind and delays nobody; it is told
//! by how much, and when events are no longer kept, which ones it will not see.

use kecs_core::event::EventType;
use kecs_core::key::Scope;
use kecs_model::Refusal;
use kecs_store::Logged;
use serde_json::{Value, json};

use crate::access::matches;

pub mod eventbridge;
pub mod socket;

#[cfg(test)]
mod tests;

/// From where on events are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// What is committed from now on.
    Live,
    /// What has a higher sequence number than this.
    Sequence(u64),
}

/// The form of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `{sequence, id, type, timestamp, resource, data}`.
    Plain,
    /// As Amazon `EventBridge` delivers events of ECS.
    EventBridge,
}

/// What a subscriber wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// These types; empty: all.
    pub types: Vec<EventType>,
    /// Resources whose ARN begins with this, or is as this where it has a `*` or `?`.
    pub resource: Option<String>,
    /// Resources of this account and region only.
    pub scope: Option<Scope>,
    /// From where on.
    pub since: Since,
    /// In which form.
    pub format: Format,
}

impl Default for Subscription {
    fn default() -> Self {
        Self {
            types: Vec::new(),
            resource: None,
            scope: None,
            since: Since::Live,
            format: Format::Plain,
        }
    }
}

impl Subscription {
    /// What the parameters of a query ask for: `types`, `resource`, `since` and `format`.
    pub fn parse<'q>(parameters: impl Iterator<Item = (&'q str, &'q str)>) -> Result<Self, Refusal> {
        let mut subscription = Self::default();
        for (name, value) in parameters {
            match name {
                "types" => {
                    for name in value.split(',').filter(|name| !name.is_empty()) {
                        let known = EventType::ALL.iter().find(|kind| kind.name() == name);
                        let known = known.ok_or_else(|| Refusal::invalid(unknown_type(name)))?;
                        subscription.types.push(*known);
                    }
                }
                "resource" => subscription.resource = Some(value.to_owned()).filter(|it| !it.is_empty()),
                "since" => {
                    subscription.since = match value {
                        "live" => Since::Live,
                        number => Since::Sequence(number.parse().map_err(|_| {
                            Refusal::invalid(format!("since is `live` or a sequence number, not `{number}`."))
                        })?),
                    };
                }
                "format" => {
                    subscription.format = match value {
                        "plain" => Format::Plain,
                        "eventbridge" => Format::EventBridge,
                        other => {
                            let message = format!("format is `plain` or `eventbridge`, not `{other}`.");
                            return Err(Refusal::invalid(message));
                        }
                    };
                }
                // The parameters of a presigned request.
                signature if signature.starts_with("X-Amz-") => {}
                other => return Err(Refusal::invalid(format!("There is no parameter `{other}`."))),
            }
        }
        Ok(subscription)
    }

    /// Whether it wants this event.
    pub fn wants(&self, logged: &Logged) -> bool {
        let event = &logged.event;
        let of_type = self.types.is_empty() || self.types.contains(&event.kind);
        let of_resource = self.resource.as_ref().is_none_or(|wanted| {
            if wanted.contains(['*', '?']) {
                matches(wanted, &event.resource)
            } else {
                event.resource.starts_with(wanted)
            }
        });
        let of_scope = self.scope.as_ref().is_none_or(|scope| {
            let arn = event.resource.parse::<kecs_core::arn::Arn>();
            arn.is_ok_and(|arn| arn.account == scope.account && arn.region == scope.region)
        });
        of_type && of_resource && of_scope
    }

    /// What it is sent of this event, if anything.
    pub fn render(&self, logged: &Logged) -> Option<Value> {
        if !self.wants(logged) {
            return None;
        }
        match self.format {
            Format::Plain => Some(plain(logged)),
            Format::EventBridge => eventbridge::render(logged),
        }
    }
}

fn unknown_type(name: &str) -> String {
    let known: Vec<&str> = EventType::ALL.iter().map(|kind| kind.name()).collect();
    format!("There is no event type `{name}`: {} are.", known.join(", "))
}

fn plain(logged: &Logged) -> Value {
    let event = &logged.event;
    json!({
        "sequence": logged.sequence,
        "id": logged.id,
        "type": event.kind.name(),
        "timestamp": event.timestamp.to_string(),
        "resource": event.resource,
        "data": event.data,
    })
}
