//! A page as text.

use jiff::{SignedDuration, Timestamp};

use super::Look;
use super::model::{FailurePart, NextStepPart, ObjectPart, OperationPart, Page, WaitPart};
use super::paper::{Paper, Tone};
use crate::words::{age, length, list, one_line, short};

/// How much of an Event or a condition is shown.
const SENTENCE: usize = 400;

/// Beyond this many columns, what stands right of the tree goes below it.
const TREE: usize = 64;

pub(super) fn text(page: &Page, look: Look) -> String {
    let mut paper = Paper::new(look);
    header(page, &mut paper);
    objects(page, &mut paper);
    failures(page, &mut paper);
    operations(page, &mut paper);
    conditions_of(page, look, &mut paper);
    uses(page, &mut paper);
    events(page, &mut paper);
    for gap in &page.gaps {
        paper.blank();
        paper.paragraph("Not shown: ", "           ", &one_line(gap), Tone::Busy);
    }
    next_step(&page.next_step, &mut paper);
    paper.finish()
}

/// A label and what it stands for.
fn field(paper: &mut Paper, indent: &str, label: &str, text: &str, tone: Tone) {
    let first = format!("{indent}{label:<12}");
    let rest = " ".repeat(Paper::width_of(&first));
    paper.paragraph(&first, &rest, text, tone);
}

fn header(page: &Page, paper: &mut Paper) {
    let cluster = &page.cluster;
    let now = page.described_at;
    let mut put = |label: &str, text: &str, tone| field(paper, "", label, text, tone);
    put("Cluster:", &cluster.name, Tone::Strong);
    put("Namespace:", &cluster.namespace, Tone::Plain);
    let tone = match cluster.state {
        "Ready" => Tone::Good,
        "Failed" | "Waiting" => Tone::Bad,
        _ => Tone::Busy,
    };
    let state = if page.next_step.needed {
        format!("{}, see the next step", cluster.state)
    } else {
        cluster.state.to_owned()
    };
    put("State:", &state, tone);
    let or_dash = |text: &str| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text.to_owned()
        }
    };
    put("Phase:", &or_dash(&cluster.phase), Tone::Plain);
    let yes_no = |yes: bool| if yes { "yes" } else { "no" };
    put(
        "Ready:",
        yes_no(cluster.ready),
        if cluster.ready { Tone::Good } else { Tone::Plain },
    );
    put("Available:", yes_no(cluster.available), Tone::Plain);
    if let Some(paused) = &cluster.paused {
        put("Paused:", &format!("yes, {}", one_line(paused)), Tone::Busy);
    }
    if let Some(since) = cluster.deleting_since {
        put("Deleting:", &format!("for {}", age(since, now)), Tone::Busy);
    }
    if let Some(class) = &cluster.cluster_class {
        put("Class:", &or_dash(class), Tone::Plain);
    }
    let version = match (&cluster.version, &cluster.wanted_version) {
        (Some(runs), Some(wanted)) if !is_same_version(runs, wanted) => {
            format!("{runs} runs, {wanted} is wanted")
        }
        (Some(runs), _) => runs.clone(),
        (None, Some(wanted)) => format!("{wanted} is wanted, none runs yet"),
        (None, None) => "-".to_owned(),
    };
    put("Version:", &version, Tone::Plain);
    put(
        "Endpoint:",
        cluster.endpoint.as_deref().unwrap_or("-"),
        Tone::Plain,
    );
    let created = cluster.created_at.map(|at| age(at, now));
    put("Age:", created.as_deref().unwrap_or("-"), Tone::Plain);
}

/// Whether a version is the one that is asked for: `v1.31.4` is a `v1.31`.
fn is_same_version(runs: &str, wanted: &str) -> bool {
    runs == wanted
        || runs
            .strip_prefix(wanted)
            .is_some_and(|rest| rest.starts_with('.'))
}

fn title(object: &ObjectPart, page: &Page) -> String {
    if object.namespace == page.cluster.namespace {
        format!("{}/{}", object.kind, object.name)
    } else {
        format!("{}/{}/{}", object.kind, object.namespace, object.name)
    }
}

fn objects(page: &Page, paper: &mut Paper) {
    paper.heading("Objects:", "");
    let heads: Vec<String> = page
        .objects
        .iter()
        .map(|object| format!("  {}{}", object.line.arms, title(object, page)))
        .collect();
    let widest = heads
        .iter()
        .map(|head| Paper::width_of(head))
        .max()
        .unwrap_or_default()
        + 2;
    // What is said needs as much room as the tree.
    let column = widest.min(
        paper
            .columns()
            .map_or(TREE, |columns| (columns / 2).clamp(24, TREE)),
    );
    for (object, head) in page.objects.iter().zip(&heads) {
        let line = &object.line;
        let below = format!("  {}", line.below);
        let padding = |text: &str, to: usize| " ".repeat(to.saturating_sub(Paper::width_of(text)));
        let rest = format!("{below}{}", padding(&below, column));
        if Paper::width_of(head) + 2 <= column {
            let first = format!("{head}{}", padding(head, column));
            paper.paragraph(&first, &rest, &line.standing, line.tone);
        } else {
            paper.verbatim("", head);
            paper.paragraph(&rest, &rest, &line.standing, line.tone);
        }
        let inner = format!("{below}  ");
        let deeper = format!("{inner}  ");
        for wait in line.waits.iter().filter_map(|index| object.waits.get(*index)) {
            paper.paragraph(&inner, &deeper, &waiting(wait, page.described_at), Tone::Plain);
        }
        for note in &object.notes {
            paper.paragraph(&inner, &deeper, &format!("note: {note}"), Tone::Plain);
        }
    }
}

fn waiting(wait: &WaitPart, now: Timestamp) -> String {
    let since = wait.since.map(|since| format!(" for {}", age(since, now)));
    let message = if wait.message.is_empty() {
        String::new()
    } else if wait.repeated {
        ", see below".to_owned()
    } else {
        format!(": {}", short(&wait.message, SENTENCE))
    };
    format!(
        "has waited{} for {} ({}){message}",
        since.unwrap_or_default(),
        one_line(&wait.on),
        one_line(&wait.reason)
    )
}

fn failures(page: &Page, paper: &mut Paper) {
    for failure in &page.failures {
        paper.heading(&format!("Failing: {}", failure.title), "");
        let mut put = |label: &str, text: &str| field(paper, "  ", label, text, Tone::Plain);
        if !failure.affected.is_empty() {
            put("Holds up:", &list(&failure.affected, 6));
        }
        put("What:", &one_line(&failure.code));
        put(
            "Class:",
            &format!("{}: {}", one_line(&failure.class), failure.meaning),
        );
        if let Some(subject) = &failure.subject {
            let (label, subject) = if failure.by_terraform {
                declaration(subject)
            } else {
                ("Field:", subject.as_str())
            };
            put(label, subject);
        }
        if let Some(place) = &failure.place {
            put("Where:", &place.words);
        }
        put("Attempts:", &attempts(failure, page.described_at));
        let says = if failure.by_terraform {
            "Terraform says:"
        } else {
            "Message:"
        };
        paper.verbatim("  ", says);
        paper.message("    ", &failure.message, &failure.whole);
    }
}

/// What a Terraform address stands for, and how it is called under that label.
fn declaration(address: &str) -> (&'static str, &str) {
    let labels = [
        ("var.", "Variable:"),
        ("output.", "Output:"),
        ("provider.", "Provider:"),
        ("check.", "Check:"),
    ];
    for (prefix, label) in labels {
        if let Some(name) = address.strip_prefix(prefix) {
            return (label, name);
        }
    }
    // What a module makes has the module in front: `module.vpc.aws_vpc.this`.
    match address.strip_prefix("module.") {
        Some(name) if !name.contains('.') => ("Module:", name),
        Some(_) | None => ("Resource:", address),
    }
}

fn attempts(failure: &FailurePart, now: Timestamp) -> String {
    let attempts = &failure.attempts;
    let failed = match attempts.failed {
        0 | 1 => "1 has failed".to_owned(),
        count => format!("{count} have failed in a row"),
    };
    let next = match attempts.next.map(|at| at.duration_since(now)) {
        Some(left) if left.is_positive() => format!("the next in {}", length(left)),
        Some(_) => "the next begins now".to_owned(),
        None if attempts.exhausted => "no more by itself: they are used up".to_owned(),
        None => "no more by itself".to_owned(),
    };
    format!("{failed}, {next}")
}

fn operations(page: &Page, paper: &mut Paper) {
    if page.operations.is_empty() {
        return;
    }
    paper.heading("Last operations:", "");
    let now = page.described_at;
    let row = |it: &OperationPart| {
        let took = match it.seconds {
            Some(seconds) => length(SignedDuration::from_secs(seconds)),
            None => format!("{} so far", age(it.started_at, now)),
        };
        let run = match (&it.run, &it.engine) {
            (Some(run), Some(engine)) => format!(" (run {run}, {engine})"),
            (Some(run), None) => format!(" (run {run})"),
            (None, _) => String::new(),
        };
        [
            format!("{} ago", age(it.started_at, now)),
            it.operation.clone() + &run,
            it.title.clone(),
            one_line(&it.outcome),
            took,
        ]
    };
    let mut rows = vec![["BEGAN", "WHAT", "OBJECT", "OUTCOME", "TOOK"].map(str::to_owned)];
    rows.extend(page.operations.iter().map(row));
    paper.table(&rows);
}

fn conditions_of(page: &Page, look: Look, paper: &mut Paper) {
    let shown: Vec<_> = page
        .objects
        .iter()
        .flat_map(|object| object.conditions.iter().map(move |said| (object, said)))
        .filter(|(_, said)| look.all_conditions || said.remarkable)
        .collect();
    if shown.is_empty() {
        return;
    }
    if look.all_conditions {
        paper.heading("Conditions:", "");
    } else {
        paper.heading(
            "Conditions that are not as wanted:",
            " (all of them with --show-conditions)",
        );
    }
    for (object, said) in shown {
        let meaning = said
            .meaning
            .map(|meaning| format!(": {meaning}"))
            .unwrap_or_default();
        let is_told = said.message.is_empty() || (said.repeated && !look.all_conditions);
        let message = if is_told {
            String::new()
        } else {
            format!("; {}", short(&said.message, SENTENCE))
        };
        let line = format!(
            "{}  {}={} ({}) for {}{meaning}{message}",
            title(object, page),
            said.kind,
            said.status,
            one_line(&said.reason),
            age(said.since, page.described_at)
        );
        let tone = if said.as_wanted { Tone::Faint } else { Tone::Plain };
        paper.paragraph("  ", "      ", &line, tone);
    }
}

fn uses(page: &Page, paper: &mut Paper) {
    if page.uses.is_empty() {
        return;
    }
    paper.heading("Uses:", "");
    for it in &page.uses {
        let mut parts = Vec::new();
        match it.exists {
            Some(true) if !it.state.is_empty() => parts.push(it.state.clone()),
            Some(true) => {}
            Some(false) if it.writers.is_empty() => parts.push("does not exist".to_owned()),
            Some(false) => parts.push("not written yet".to_owned()),
            None => parts.push("not looked at".to_owned()),
        }
        if !it.writers.is_empty() {
            parts.push(format!("written by {}", list(&it.writers, 3)));
        }
        if !it.users.is_empty() {
            parts.push(format!("used by {}", list(&it.users, 4)));
        }
        let tone = if it.exists == Some(false) && it.writers.is_empty() {
            Tone::Bad
        } else {
            Tone::Plain
        };
        paper.paragraph(
            "  ",
            "      ",
            &format!("{}: {}", it.title, parts.join("; ")),
            tone,
        );
    }
}

fn events(page: &Page, paper: &mut Paper) {
    if page.events.is_empty() {
        return;
    }
    paper.heading("Events:", " (the last of these objects)");
    for it in &page.events {
        let times = if it.count > 1 {
            format!(" ({} times)", it.count)
        } else {
            String::new()
        };
        let line = format!(
            "{} ago  {}  {}  {}{times}: {}",
            age(it.at, page.described_at),
            it.severity,
            it.title,
            one_line(&it.reason),
            short(&it.message, SENTENCE)
        );
        let tone = if it.severity == "Warning" {
            Tone::Busy
        } else {
            Tone::Plain
        };
        paper.paragraph("  ", "      ", &line, tone);
    }
}

fn next_step(next: &NextStepPart, paper: &mut Paper) {
    paper.blank();
    let tone = if next.needed { Tone::Bad } else { Tone::Good };
    let is_one = next.steps.len() == 1;
    for (number, step) in next.steps.iter().enumerate() {
        let (first, rest) = if is_one {
            ("Next step: ".to_owned(), "  ".to_owned())
        } else if number == 0 {
            ("Next step: 1. ".to_owned(), "  ".to_owned())
        } else {
            (format!("  {}. ", number + 1), "  ".to_owned())
        };
        paper.paragraph(&first, &rest, &one_line(&step.text), tone);
        for command in &step.commands {
            paper.verbatim("  ", &format!("{}:", command.purpose));
            paper.verbatim("    ", &command.command);
        }
    }
}
