//! What is left of a file that something happened to.

use std::sync::{Arc, Mutex};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{DeleteParams, ObjectMeta, PostParams};

use super::record::{self, Content, FormatError};
use crate::world::{Dump, World};
use crate::{ApiServer, Clock, Journal};

/// A file in memory, and what it holds after each record.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Held>>);

/// The bytes, and where each record ends with the world up to there.
type Held = (Vec<u8>, Vec<(usize, Dump)>);

impl Memory {
    fn add(&self, bytes: &[u8], world: &World) {
        let mut held = self.0.lock().unwrap();
        held.0.extend_from_slice(bytes);
        let length = held.0.len();
        held.1.push((length, world.dump()));
    }
}

impl Journal for Memory {
    fn commit(&mut self, before: u64, world: &World) -> std::io::Result<()> {
        self.add(&record::writes(world.delta_since(before).unwrap()), world);
        Ok(())
    }
}

/// A file of a few writes.
async fn file() -> Held {
    let now: jiff::Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let server = ApiServer::new(Clock::new(move || now));
    let memory = Memory::default();
    memory.add(&record::beginning(server.world().dump()), &server.world());
    server.set_journal(Some(Box::new(memory.clone())));
    let maps: Api<ConfigMap> = Api::default_namespaced(server.client("default"));
    for name in ["a", "b"] {
        let map = ConfigMap {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                ..ObjectMeta::default()
            },
            data: Some([("text".to_owned(), "a line\nand another, Größe 🚀\0".to_owned())].into()),
            ..ConfigMap::default()
        };
        maps.create(&PostParams::default(), &map).await.unwrap();
    }
    maps.delete("a", &DeleteParams::default()).await.unwrap();
    server.set_journal(None);
    memory.0.lock().unwrap().clone()
}

#[tokio::test]
async fn cut_off_at_any_byte_it_holds_exactly_the_complete_records() {
    let (bytes, ends) = file().await;
    for length in 0..=bytes.len() {
        let read = record::read(&bytes[..length]);
        let Some((end, dump)) = ends.iter().rev().find(|(end, _)| *end <= length) else {
            assert!(read.is_err(), "{length} bytes are no world");
            continue;
        };
        let Content {
            dump: found,
            whole,
            base,
            torn,
        } = read.unwrap();
        assert_eq!(&found, dump, "after {length} bytes");
        assert_eq!((whole, base), (*end as u64, ends[0].0 as u64));
        assert_eq!(torn, (length - end) as u64);
    }
}

#[tokio::test]
async fn a_byte_that_has_changed_is_an_error_wherever_it_is() {
    let (bytes, _) = file().await;
    let whole = record::read(&bytes).unwrap();
    assert_eq!(whole.torn, 0);
    for at in 0..bytes.len() {
        for other in [bytes[at] ^ 1, bytes[at] ^ 0x80, b'\n', b' ', 0] {
            if other == bytes[at] {
                continue;
            }
            let mut changed = bytes.clone();
            changed[at] = other;
            let read = record::read(&changed);
            assert!(read.is_err(), "byte {at} became {other} and nobody noticed");
        }
    }
}

#[tokio::test]
async fn records_that_are_lost_doubled_or_exchanged_are_an_error() {
    let (bytes, ends) = file().await;
    let record = |number: usize| &bytes[ends[number - 1].0..ends[number].0];
    let start = &bytes[..ends[0].0];
    // Without the creation there is nothing to delete; a record twice and records in another order go back.
    for order in [&[2, 3][..], &[1, 1], &[2, 1], &[1, 3, 2]] {
        let mut file = start.to_vec();
        for number in order {
            file.extend_from_slice(record(*number));
        }
        let error = record::read(&file).unwrap_err();
        assert!(matches!(error, FormatError::Damaged { .. }), "{order:?}: {error}");
    }
    let mut twice = bytes.clone();
    let first_line = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    twice.extend_from_slice(&bytes[first_line..ends[0].0]);
    assert!(record::read(&twice).is_err(), "a second snapshot");
}

#[tokio::test]
async fn zeros_after_a_crash_of_the_machine_were_not_written() {
    let (bytes, ends) = file().await;
    let (end, dump) = &ends[2];
    for kept in [0, 5, 30, 60] {
        let mut torn = bytes[..end + kept].to_vec();
        torn.resize(bytes.len() + 4096, 0);
        let content = record::read(&torn).unwrap();
        assert_eq!(&content.dump, dump, "{kept} bytes of the last record");
    }
}

#[test]
fn other_files_and_other_formats_are_told_apart() {
    let error = |text: &str| record::read(text.as_bytes()).unwrap_err();
    assert_eq!(error(""), FormatError::NotAWorld);
    assert_eq!(error("apiVersion: v1\n"), FormatError::NotAWorld);
    let newer = error("kube-sim world, format 2\n");
    assert_eq!(newer, FormatError::Version("2".to_owned()));
    assert_eq!(
        newer.to_string(),
        "it has format 2, and this program reads format 1 only: use the program that wrote it"
    );
    let empty = error("kube-sim world, format 1\n");
    assert_eq!(
        empty.to_string(),
        "record 0 (at byte 25) is damaged: there is no snapshot"
    );
}
