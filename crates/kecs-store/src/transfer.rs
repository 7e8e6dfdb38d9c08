//! Everything that a store holds, as lines of JSON: first what it is, then each key, then each event, and last how
//! many there were, so that a file that was cut off is not taken for a whole one.

use std::io::{BufRead, Write};
use std::sync::Arc;

use kecs_core::key::{Key, Term};
use kecs_core::record::Record;
use kecs_core::view::Entry;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::store::{Fed, Floors, Head, Logged, Snapshot, Stored};

const FORMAT: &str = "kecs-store";
const VERSION: u32 = 1;
/// Keys and events that are read from a store at once.
const CHUNK: usize = 500;

/// How much was written or read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transferred {
    /// How far the store has come.
    pub head: Head,
    /// Keys, the deleted ones too.
    pub keys: u64,
    /// Events.
    pub events: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    Store(About),
    Key(Box<Kept>),
    Event(Logged),
    End(Transferred),
}

#[derive(Serialize, Deserialize)]
struct About {
    format: String,
    version: u32,
    identity: u64,
    head: Head,
    floors: Floors,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    key: Key,
    generation: u64,
    revision: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    terms: Vec<Term>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<Record>,
}

/// What an import brings.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) identity: u64,
    pub(crate) head: Head,
    pub(crate) floors: Floors,
    pub(crate) stored: Vec<Stored>,
    pub(crate) events: Vec<Logged>,
}

/// Writes what a store shows at one moment.
pub fn export(view: &dyn Snapshot, identity: u64, out: &mut dyn Write) -> Result<Transferred, StoreError> {
    let mut transferred = Transferred {
        head: view.head(),
        ..Transferred::default()
    };
    let floors = view.floors()?;
    let about = About {
        format: FORMAT.to_owned(),
        version: VERSION,
        identity,
        head: transferred.head,
        floors,
    };
    write(out, &Line::Store(about))?;
    let mut after: Option<Key> = None;
    loop {
        let chunk = view.stored(after.as_ref(), CHUNK)?;
        let Some(last) = chunk.last() else { break };
        after = Some(last.key.clone());
        transferred.keys += chunk.len() as u64;
        for stored in chunk {
            let kept = Kept {
                key: stored.key,
                generation: stored.generation,
                revision: stored.revision,
                terms: stored.terms,
                record: stored.record.map(Arc::unwrap_or_clone),
            };
            write(out, &Line::Key(Box::new(kept)))?;
        }
    }
    let mut sequence = floors.sequence;
    loop {
        let chunk = view.events(sequence, CHUNK)?;
        let Some(last) = chunk.last() else { break };
        sequence = last.sequence;
        transferred.events += chunk.len() as u64;
        for logged in chunk {
            write(out, &Line::Event(logged))?;
        }
    }
    write(out, &Line::End(transferred))?;
    out.flush()
        .map_err(|error| StoreError::engine("writing an export", &error))?;
    Ok(transferred)
}

fn write(out: &mut dyn Write, line: &Line) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| StoreError::engine("writing an export", &error);
    serde_json::to_writer(&mut *out, line).map_err(|error| failed(error.into()))?;
    out.write_all(b"\n").map_err(failed)
}

/// Reads a whole export, and holds it against itself: keys ascend, numbers of events have no gap, and nothing is newer
/// than the head that is told first.
pub(crate) fn read(lines: impl BufRead) -> Result<Image, StoreError> {
    let mut image: Option<Image> = None;
    let mut end = None;
    let mut number = 0;
    for line in lines.lines() {
        number += 1;
        let wrong = |why: String| StoreError::Import { line: number, why };
        let text = line.map_err(|error| wrong(error.to_string()))?;
        if end.is_some() {
            return Err(wrong("something stands behind the end".to_owned()));
        }
        let line = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        match (line, &mut image) {
            (Line::Store(about), image @ None) => *image = Some(begin(&about).map_err(wrong)?),
            (Line::Key(kept), Some(image)) => image.key(*kept).map_err(wrong)?,
            (Line::Event(logged), Some(image)) => image.event(logged).map_err(wrong)?,
            (Line::End(counted), Some(image)) => {
                image.end(&counted).map_err(wrong)?;
                end = Some(counted);
            }
            (Line::Store(_), Some(_)) => return Err(wrong("a second beginning".to_owned())),
            (Line::Key(_) | Line::Event(_) | Line::End(_), None) => {
                return Err(wrong("the beginning is missing".to_owned()));
            }
        }
    }
    match (image, end) {
        (Some(image), Some(_)) => Ok(image),
        (Some(_) | None, _) => Err(StoreError::Import {
            line: number + 1,
            why: "the end is missing: the file was cut off".to_owned(),
        }),
    }
}

fn begin(about: &About) -> Result<Image, String> {
    if about.format != FORMAT {
        return Err(format!("the format is {:?}, not {FORMAT:?}", about.format));
    }
    if about.version != VERSION {
        return Err(format!("the version is {}, not {VERSION}", about.version));
    }
    if about.floors.sequence > about.head.sequence {
        return Err("more events were forgotten than there were".to_owned());
    }
    Ok(Image {
        identity: about.identity,
        head: about.head,
        floors: about.floors,
        stored: Vec::new(),
        events: Vec::new(),
    })
}

impl Image {
    fn key(&mut self, kept: Kept) -> Result<(), String> {
        if !self.events.is_empty() {
            return Err("a key stands behind an event".to_owned());
        }
        if self.stored.last().is_some_and(|last| last.key >= kept.key) {
            return Err(format!("{} is out of order", kept.key));
        }
        if kept.generation == 0 || !(1..=self.head.revision).contains(&kept.revision) {
            return Err(format!(
                "{} has generation {} of revision {}",
                kept.key, kept.generation, kept.revision
            ));
        }
        if kept.record.is_none() && !kept.terms.is_empty() {
            return Err(format!("{} was deleted and has terms", kept.key));
        }
        self.stored.push(Stored {
            key: kept.key,
            generation: kept.generation,
            revision: kept.revision,
            record: kept.record.map(Arc::new),
            terms: kept.terms,
        });
        Ok(())
    }

    fn event(&mut self, logged: Logged) -> Result<(), String> {
        let (sequence, revision) = self
            .events
            .last()
            .map_or((self.floors.sequence, 0), |last| (last.sequence, last.revision));
        if logged.sequence != sequence + 1 {
            return Err(format!("event {} follows {sequence}", logged.sequence));
        }
        if logged.revision < revision || logged.revision > self.head.revision {
            return Err(format!(
                "event {} has revision {}",
                logged.sequence, logged.revision
            ));
        }
        self.events.push(logged);
        Ok(())
    }

    fn end(&self, counted: &Transferred) -> Result<(), String> {
        let read = self.transferred();
        if read != *counted {
            return Err(format!("read {read:?}, and the end says {counted:?}"));
        }
        let last = self
            .events
            .last()
            .map_or(self.floors.sequence, |last| last.sequence);
        if last != self.head.sequence {
            return Err(format!("the last event is {last}, not {}", self.head.sequence));
        }
        Ok(())
    }

    pub(crate) fn transferred(&self) -> Transferred {
        Transferred {
            head: self.head,
            keys: self.stored.len() as u64,
            events: self.events.len() as u64,
        }
    }

    pub(crate) fn fed(&self) -> Vec<Fed> {
        let fed = |stored: &Stored| Fed {
            key: stored.key.clone(),
            revision: stored.revision,
            entry: stored.record.clone().map(|record| Entry {
                key: stored.key.clone(),
                generation: stored.generation,
                revision: stored.revision,
                record,
            }),
        };
        self.stored.iter().map(fed).collect()
    }
}

#[cfg(test)]
mod tests;
