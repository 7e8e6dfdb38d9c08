//! The stream of a real Terraform 1.11.4, recorded, and the laws of the progress that is read from it.
#![cfg(feature = "engine")]

use capt_terraform::progress::Tracker;
use capt_terraform::run::RunProgress;
use capt_terraform::stream::{Action, ChangeSummary, Event, LineReader, MAX_LINE, Resource, Severity};
use proptest::prelude::*;

fn read(text: &[u8], piece: usize) -> Vec<Event> {
    let (mut reader, mut events) = (LineReader::default(), vec![]);
    for piece in text.chunks(piece.max(1)) {
        reader.push(piece, |event| events.push(event));
    }
    reader.finish(|event| events.push(event));
    events
}

/// One word for each event, and what it is about.
fn words(events: &[Event]) -> Vec<String> {
    let word = |event: &Event| match event {
        Event::Planned { resource, action, .. } => format!("planned {} {}", action.verb(), resource.addr),
        Event::Started { resource, action } => format!("started {} {}", action.verb(), resource.addr),
        Event::Progressed { resource, elapsed } => format!("progressed {} {elapsed}", resource.addr),
        Event::Completed { resource, elapsed } => format!("completed {} {elapsed}", resource.addr),
        Event::Errored { resource } => format!("errored {}", resource.addr),
        Event::Summary(ChangeSummary {
            add,
            change,
            remove,
            operation,
        }) => {
            format!("summary {operation} +{add} ~{change} -{remove}")
        }
        Event::Diagnostic(diagnostic) => {
            assert_eq!(diagnostic.severity, Severity::Error);
            format!(
                "diagnostic {} {}",
                diagnostic.summary,
                diagnostic.address.as_deref().unwrap_or("-")
            )
        }
        Event::Printed { resource, line } => {
            format!(
                "{} printed {}",
                resource.addr,
                line.as_deref().unwrap_or("what is held back")
            )
        }
        Event::Interrupted => "interrupted".to_owned(),
        Event::Other => String::new(),
    };
    events.iter().map(word).filter(|word| !word.is_empty()).collect()
}

#[test]
fn a_plan_and_its_apply() {
    let plan = read(include_bytes!("data/streams/plan.jsonl"), 7);
    assert_eq!(
        words(&plan),
        [
            "planned create terraform_data.first",
            "planned create terraform_data.slow",
            "summary plan +2 ~0 -0"
        ]
    );
    let apply = read(include_bytes!("data/streams/apply.jsonl"), 1000);
    assert_eq!(
        words(&apply),
        [
            "planned create terraform_data.first",
            "planned create terraform_data.slow",
            "started create terraform_data.first",
            "terraform_data.first printed Executing: [\"/bin/sh\" \"-c\" \"sleep 1\"]",
            "completed terraform_data.first 1",
            "started create terraform_data.slow",
            "terraform_data.slow printed Executing: [\"/bin/sh\" \"-c\" \"sleep 11\"]",
            "progressed terraform_data.slow 10",
            "completed terraform_data.slow 11",
            "summary apply +2 ~0 -0",
        ]
    );
    assert!(words(&read(include_bytes!("data/streams/init.jsonl"), 64)).is_empty());
}

#[test]
fn a_failed_apply_has_no_totals_and_says_why_at_its_end() {
    let failed = words(&read(include_bytes!("data/streams/failed.jsonl"), 64));
    assert!(
        !failed.iter().any(|word| word.starts_with("summary")),
        "{failed:?}"
    );
    assert!(failed.contains(&"errored terraform_data.bad[0]".to_owned()));
    assert_eq!(
        failed.last().unwrap(),
        "diagnostic local-exec provisioner error terraform_data.bad[0]"
    );
}

#[test]
fn an_interrupt_is_seen() {
    let words = words(&read(include_bytes!("data/streams/interrupted.jsonl"), 64));
    let at = words
        .iter()
        .position(|word| word == "interrupted")
        .expect("interrupted");
    assert!(
        words[at..].contains(&"errored terraform_data.slow".to_owned()),
        "{words:?}"
    );
}

#[test]
fn the_progress_of_a_recorded_apply() {
    let mut tracker = Tracker::default();
    let mut seen = vec![];
    for event in read(include_bytes!("data/streams/failed.jsonl"), 64) {
        if tracker.on(&event) {
            seen.push(tracker.view());
        }
    }
    let last = seen.last().unwrap();
    // A replacement is two operations; the creation that failed stays undone.
    assert_eq!((last.completed, last.total, last.percent), (2, 3, 66));
    assert_eq!(last.resources[0].address, "terraform_data.bad[0]");
    assert!(seen.iter().any(|progress| progress.current.len() == 2));
}

#[test]
fn lines_that_are_no_json_or_of_a_newer_version_are_signs_of_life() {
    let text = b"Warning: something\n{\"type\":\"action_start\",\"hook\":{}}\n{\"type\":\"apply_start\"}\n[1]\n\n{\"broken\":\n\
        {\"type\":\"planned_change\",\"change\":{\"resource\":{\"addr\":\"a.b\",\"new\":1},\"action\":\"forget\"}}\n";
    let events = read(text, 3);
    assert_eq!(events.len(), 6);
    assert!(events[..5].iter().all(|event| *event == Event::Other));
    assert!(matches!(
        &events[5],
        Event::Planned {
            action: Action::None,
            ..
        }
    ));
}

#[test]
fn a_line_without_end_is_dropped_and_the_next_is_read() {
    let mut reader = LineReader::default();
    let mut events = vec![];
    let junk = vec![b'x'; 1 << 16];
    for _ in 0..(MAX_LINE >> 16) * 4 {
        reader.push(&junk, |event| events.push(event));
    }
    assert!(events.is_empty());
    reader.push(
        b"\n{\"type\":\"log\",\"@message\":\"\\nInterrupt received.\"}\n",
        |event| events.push(event),
    );
    assert_eq!(events, [Event::Other, Event::Interrupted]);
}

#[test]
fn five_equal_resources_give_five_steps() {
    let mut tracker = Tracker::default();
    let resource = |n: usize| Resource {
        addr: format!("terraform_data.r{n}"),
        resource_type: "terraform_data".into(),
    };
    for n in 0..5 {
        tracker.on(&Event::Planned {
            resource: resource(n),
            action: Action::Create,
            reason: None,
        });
    }
    let mut percents = vec![];
    for n in 0..5 {
        tracker.on(&Event::Started {
            resource: resource(n),
            action: Action::Create,
        });
        tracker.on(&Event::Completed {
            resource: resource(n),
            elapsed: 2,
        });
        percents.push(tracker.view().percent);
    }
    assert_eq!(percents, [20, 40, 60, 80, 100]);
}

/// Any event on one of a few resources.
fn event() -> impl Strategy<Value = Event> {
    let kinds = ["terraform_data", "aws_eks_cluster", "aws_vpc"];
    (0..6_usize, 0..5_u8, 0..2000_u64, 0..4_u8).prop_map(move |(which, what, elapsed, action)| {
        let resource_type = kinds[which % kinds.len()].to_owned();
        let resource = Resource {
            addr: format!("{resource_type}.r{which}"),
            resource_type,
        };
        let action = [Action::Create, Action::Update, Action::Replace, Action::Delete][usize::from(action)];
        match what {
            0 => Event::Planned {
                resource,
                action,
                reason: None,
            },
            1 => Event::Started { resource, action },
            2 => Event::Progressed { resource, elapsed },
            3 => Event::Completed { resource, elapsed },
            _ => Event::Errored { resource },
        }
    })
}

proptest! {
    #[test]
    fn progress_never_goes_back_and_stays_in_bounds(events in prop::collection::vec(event(), 0..200)) {
        let mut tracker = Tracker::default();
        let mut before = RunProgress::default();
        for event in &events {
            tracker.on(event);
            let now = tracker.view();
            prop_assert!(now.percent >= before.percent && now.percent <= 100);
            prop_assert!(now.completed <= now.total);
            prop_assert!(now.completed >= before.completed && now.total >= before.total);
            prop_assert!(now.current.len() <= now.resources.len() && now.resources.len() <= 50);
            before = now;
        }
    }

    #[test]
    fn no_bytes_abort_the_reading_and_the_pieces_do_not_matter(text in prop::collection::vec(any::<u8>(), 0..400), piece in 1..50_usize) {
        prop_assert_eq!(read(&text, piece), read(&text, text.len()));
    }
}
