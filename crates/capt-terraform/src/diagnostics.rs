//! Diagnostics to faults: classified, short, and without secrets.

use std::collections::BTreeSet;

use capt_core::fault::{Fault, FaultClass};

use crate::classify::{self, Classified, ErrorClass, classify};
use crate::engine::{Failure, Step};
use crate::stream::{Diagnostic, Severity};

/// How long the message of one fault may be, in bytes.
pub const MAX_MESSAGE: usize = 4096;

/// How many faults of one run are kept.
const MAX_FAULTS: usize = 16;

/// The fault of one diagnostic: the resource, Terraform's summary and detail, and where in the configuration. `step`
/// is the step that gave it; absent for a command that is none.
pub fn fault(diagnostic: &Diagnostic, step: Option<Step>) -> Fault {
    let message = if diagnostic.summary.trim() == "execution halted" {
        // Which is all that Terraform says of it.
        STOPPED.to_owned()
    } else {
        message(diagnostic)
    };
    judge(diagnostic, step)
        .fault(&subject(diagnostic), message)
        .at(position(diagnostic))
}

/// What is said of a run that was interrupted.
pub(crate) const STOPPED: &str = "the run was stopped before it was done";

/// What it is about: the resource that Terraform names, else the one in its words, else what the block of the
/// configuration declares in which it stands.
fn subject(diagnostic: &Diagnostic) -> String {
    let address = diagnostic
        .address
        .as_deref()
        .filter(|address| !address.is_empty());
    let named = || {
        SUBJECTS.iter().find_map(|(before, after)| {
            let (_, rest) = diagnostic.detail.split_once(before)?;
            let (subject, _) = rest.split_once(after)?;
            (subject.len() <= MAX_SUBJECT && !subject.contains(char::is_whitespace)).then_some(subject)
        })
    };
    let subject = address.or_else(named).or(diagnostic.block.as_deref());
    let mut subject = subject.unwrap_or_default().to_owned();
    bound(&mut subject, MAX_SUBJECT);
    subject
}

/// How long the address of a resource may be, in bytes.
const MAX_SUBJECT: usize = 500;

/// What stands before and behind the address of a resource in the words of Terraform and of `OpenTofu`.
const SUBJECTS: &[(&str, &str)] = &[
    ("Resource instance ", " has prevent_destroy set"),
    ("Resource ", " has lifecycle.prevent_destroy set"),
    ("To work with ", " its original provider configuration"),
    ("not suitable for ", " declared at "),
];

/// The faults of all errors among the diagnostics, the deciding one first; absent if there is no error.
pub fn failure(diagnostics: &[Diagnostic], step: Option<Step>) -> Option<Failure> {
    let is_error = |diagnostic: &&Diagnostic| diagnostic.severity == Severity::Error;
    let says_more = diagnostics.iter().filter(is_error).any(|it| !is_announcement(it));
    let mut judged: Vec<_> = diagnostics
        .iter()
        .filter(is_error)
        .filter(|diagnostic| !says_more || !is_announcement(diagnostic))
        .map(|diagnostic| {
            let class = judge(diagnostic, step).class;
            (classify::precedence(class), fault(diagnostic, step))
        })
        .collect();
    judged.sort_by_key(|(precedence, _)| *precedence);
    judged.dedup_by(|a, b| a.1 == b.1);
    judged.truncate(MAX_FAULTS);
    let faults: Vec<_> = judged.into_iter().map(|(_, fault)| fault).collect();
    (!faults.is_empty()).then_some(Failure { faults })
}

/// Whether it only announces the errors that come with it: `init` does so before mistakes in the configuration.
fn is_announcement(diagnostic: &Diagnostic) -> bool {
    let summary = diagnostic.summary.trim_start();
    let program = summary.split_whitespace().next().unwrap_or_default();
    matches!(program, "Terraform" | "OpenTofu") && summary.contains("encountered problems during initiali")
}

/// By its words; where they say nothing, by its place. What `init` and `plan` refuse at a place of the
/// configuration, and not because of a resource, is a mistake in the configuration: its summaries are too many to
/// be listed.
fn judge(diagnostic: &Diagnostic, step: Option<Step>) -> Classified {
    let judged = classify(&format!("{}: {}", diagnostic.summary, diagnostic.detail));
    let reads_configuration = match step {
        Some(Step::Init | Step::Plan) => true,
        Some(Step::Apply | Step::Outputs) | None => false,
    };
    let has_address = diagnostic
        .address
        .as_ref()
        .is_some_and(|address| !address.is_empty());
    let is_configuration = |file: &str| {
        [".tf", ".tf.json", ".tfvars", ".tfvars.json"]
            .iter()
            .any(|end| file.ends_with(end))
    };
    let placed = diagnostic
        .range
        .as_ref()
        .is_some_and(|range| is_configuration(&range.filename));
    if judged.class.is_none() && reads_configuration && !has_address && placed {
        return Classified {
            class: Some(ErrorClass::Config),
            code: "InvalidConfiguration".into(),
        };
    }
    judged
}

fn message(diagnostic: &Diagnostic) -> String {
    let mut message = redact(&diagnostic.summary);
    if !diagnostic.detail.trim().is_empty() {
        message.push_str(": ");
        message.push_str(redact(&diagnostic.detail).trim());
    }
    bound(&mut message, MAX_MESSAGE);
    message
}

/// Where it stands, as Terraform writes it: `main.tf:3,5`. Empty where no place is known.
fn position(diagnostic: &Diagnostic) -> String {
    let range = diagnostic.range.as_ref();
    range
        .filter(|range| !range.filename.is_empty())
        .map(|range| {
            let mut file = range.filename.clone();
            bound(&mut file, 200);
            match range.start.column {
                // A plain text says only the line.
                0 => format!("{file}:{}", range.start.line),
                column => format!("{file}:{},{column}", range.start.line),
            }
        })
        .unwrap_or_default()
}

/// Adds the end of what the provisioner of the resource printed, as Terraform itself has shown it. The command line,
/// and what Terraform quotes of the output whether it is secret or not, go.
pub(crate) fn with_output(diagnostic: &mut Diagnostic, printed: &str) {
    if !printed.trim().is_empty() {
        diagnostic.detail = format!(
            "{}; it printed: {}",
            redact(&diagnostic.detail).trim(),
            printed.trim()
        );
    }
}

/// Takes out what may hold a secret: the command line that a provisioner ran, and what it printed. What is taken out
/// already stays as it is.
pub fn redact(text: &str) -> String {
    const COMMAND: &str = "Error running command '";
    let Some(start) = text.find(COMMAND) else {
        return text.to_owned();
    };
    // Nothing of what follows but the reason itself: the command and its output may hold the same words.
    let rest = &text[start + COMMAND.len()..];
    if rest.starts_with("(redacted)': ") {
        return text.to_owned();
    }
    let reasons = [
        "exit status ",
        "signal: ",
        "fork/exec",
        "exec format error",
        "context canceled",
    ];
    let reason = reasons
        .iter()
        .filter_map(|reason| rest.rfind(&format!("': {reason}")))
        .max();
    let reason = reason.and_then(|at| rest.get(at + 3..)).unwrap_or("failed");
    let reason = reason.split(['.', '\n', '/']).next().unwrap_or(reason).trim_end();
    format!("{}{COMMAND}(redacted)': {reason}", &text[..start])
}

/// That a process ended without a verdict, and what it was making then.
pub(crate) fn process_lost(how: &str, making: &BTreeSet<String>) -> Fault {
    let mut message = how.to_owned();
    if !making.is_empty() {
        let making: Vec<_> = making.iter().map(String::as_str).collect();
        let making = making.join(", ");
        message = format!("{message} while it made {making}, which may exist now without being in the state");
    }
    Fault::new(FaultClass::Interrupted, "ProcessLost", message)
}

/// Cuts a text at a character boundary.
pub fn bound(text: &mut String, max: usize) {
    if text.len() > max {
        let mut end = max.saturating_sub(3);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str("...");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::stream::{Position, Range};

    fn diagnostic(summary: &str, detail: &str) -> Diagnostic {
        let range = Range {
            filename: "main.tf".into(),
            start: Position { line: 3, column: 5 },
        };
        Diagnostic {
            severity: Severity::Error,
            summary: summary.into(),
            detail: detail.into(),
            address: Some("terraform_data.a".into()),
            range: Some(Box::new(range)),
            block: None,
        }
    }

    #[test]
    fn a_command_line_and_what_it_printed_are_taken_out() {
        let detail =
            "Error running command 'curl -H \"x: 's3cr3t': y\"': exit status 7. Output: token s3cr3t\n";
        let fault = fault(
            &diagnostic("local-exec provisioner error", detail),
            Some(Step::Apply),
        );
        assert_eq!(
            fault.message,
            "local-exec provisioner error: Error running command '(redacted)': exit status 7"
        );
        assert_eq!(
            (&*fault.subject, &*fault.position),
            ("terraform_data.a", "main.tf:3,5")
        );
    }

    #[test]
    fn what_is_refused_at_a_place_of_the_configuration_is_a_mistake_in_it() {
        for summary in ["Invalid output name", "Argument definition required"] {
            let class = |step, change: fn(&mut Diagnostic)| {
                let mut diagnostic = diagnostic(summary, "Something that no rule knows.");
                diagnostic.address = None;
                change(&mut diagnostic);
                fault(&diagnostic, step).class
            };
            let file = |diagnostic: &mut Diagnostic, name: &str| {
                if let Some(range) = &mut diagnostic.range {
                    range.filename = name.into();
                }
            };
            assert_eq!(class(Some(Step::Init), |_| {}), FaultClass::Invalid);
            assert_eq!(class(Some(Step::Plan), |_| {}), FaultClass::Invalid);
            assert_eq!(class(Some(Step::Apply), |_| {}), FaultClass::Unknown);
            assert_eq!(class(None, |_| {}), FaultClass::Unknown);
            let plan = Some(Step::Plan);
            assert_eq!(class(plan, |d| d.range = None), FaultClass::Unknown);
            let of_a_resource = |d: &mut Diagnostic| d.address = Some("a.b".into());
            assert_eq!(class(plan, of_a_resource), FaultClass::Unknown);
            for (name, expected) in [
                ("modules/a/x.tf.json", FaultClass::Invalid),
                ("in.auto.tfvars", FaultClass::Invalid),
                ("in.auto.tfvars.json", FaultClass::Invalid),
                ("policy.json", FaultClass::Unknown),
            ] {
                let mut diagnostic = diagnostic(summary, "");
                diagnostic.address = None;
                file(&mut diagnostic, name);
                assert_eq!(fault(&diagnostic, plan).class, expected, "{name}");
            }
        }
    }

    #[test]
    fn a_message_is_bounded_and_keeps_its_place() {
        let fault = fault(&diagnostic("Invalid index", &"ä".repeat(MAX_MESSAGE)), None);
        assert!(fault.message.len() <= MAX_MESSAGE, "{}", fault.message.len());
        assert!(fault.message.ends_with("..."));
        assert_eq!(fault.position, "main.tf:3,5");
    }

    #[test]
    fn warnings_are_no_failure_and_the_deciding_error_comes_first() {
        let mut warning = diagnostic("Deprecated", "");
        warning.severity = Severity::Warning;
        assert!(failure(&[warning], None).is_none());
        let errors = [
            diagnostic("timeout while waiting for state to become 'ACTIVE'", ""),
            diagnostic("execution halted", ""),
        ];
        let failure = failure(&errors, Some(Step::Apply));
        let faults = failure.map(|failure| failure.faults).unwrap_or_default();
        let first = faults
            .first()
            .map(|fault| (fault.code.as_str(), fault.message.as_str()));
        assert_eq!(first, Some(("Interrupted", STOPPED)));
    }
}
