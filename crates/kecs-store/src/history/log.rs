//! Whether the events that were read are those that the commits told.

use std::collections::BTreeMap;

use super::replay::{Replay, Told};
use super::{Anomaly, Asked, Heard, Operation, Outcome};

pub(super) fn check(history: &[Operation], replay: &Replay, anomalies: &mut Vec<Anomaly>) {
    let mut ids = Ids::default();
    for (at, operation) in history.iter().enumerate() {
        let Asked::Hear { after, limit, events } = &operation.what else {
            continue;
        };
        let mut before = *after;
        for heard in events {
            if heard.sequence <= before {
                anomalies.push(Anomaly::EventOrder {
                    operation: at,
                    before,
                    found: heard.sequence,
                });
            } else if heard.sequence > before + 1 {
                anomalies.push(Anomaly::EventGap {
                    operation: at,
                    before,
                    found: heard.sequence,
                });
            }
            before = heard.sequence;
            let same = |told: &Told| told.revision == heard.revision && told.text == heard.text;
            let certain = heard.revision < replay.certain_below;
            if certain && !replay.told.get(&heard.sequence).is_some_and(same) {
                anomalies.push(Anomaly::ForeignEvent {
                    operation: at,
                    sequence: heard.sequence,
                });
            }
            if !ids.fits(heard) {
                anomalies.push(Anomaly::EventId {
                    operation: at,
                    sequence: heard.sequence,
                    id: heard.id.clone(),
                });
            }
        }
        if events.len() < *limit && before < acknowledged(history, operation) {
            anomalies.push(Anomaly::LostEvent {
                operation: at,
                missing: before + 1,
            });
        }
    }
}

/// The last event that was acknowledged before an operation began.
fn acknowledged(history: &[Operation], operation: &Operation) -> u64 {
    let before = history.iter().filter(|other| other.precedes(operation));
    let sequence = |other: &Operation| match &other.what {
        Asked::Write {
            outcome: Outcome::Committed(committed),
            ..
        } => Some(committed.sequence),
        Asked::Write { .. } | Asked::Read(_) | Asked::List { .. } | Asked::Hear { .. } => None,
    };
    before.filter_map(sequence).max().unwrap_or_default()
}

/// The ids that were heard.
#[derive(Default)]
struct Ids<'a> {
    of: BTreeMap<u64, &'a str>,
    whose: BTreeMap<&'a str, u64>,
}

impl<'a> Ids<'a> {
    /// Whether the event has the id that it had before, and no other has it.
    fn fits(&mut self, heard: &'a Heard) -> bool {
        let id = *self.of.entry(heard.sequence).or_insert(&heard.id);
        let whose = *self.whose.entry(&heard.id).or_insert(heard.sequence);
        id == heard.id && whose == heard.sequence
    }
}
