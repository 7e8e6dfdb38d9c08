//! Values that must not be seen by anybody, and how they are taken out of texts.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use capt_core::fault::Fault;

use crate::engine::Failure;
use crate::run::{RunEnd, RunSpec};
use crate::stream::{Diagnostic, Event};

/// What stands in the place of a secret.
const REDACTED: &str = "(redacted)";

/// Shorter values are words of every text: to take them out would hide nothing and make it unreadable.
const MIN_LENGTH: usize = 6;

/// From this length on, a line of a value with several lines is taken out on its own: plain texts put a frame
/// before every line.
const MIN_LINE: usize = 16;

/// The secrets of one run, in every form in which a text may repeat them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secrets {
    /// The longest first, so that of none a rest is left because another is a part of it.
    forms: Vec<String>,
}

impl Secrets {
    /// What the spec names as secret, and the values of its environment whose names say that they are.
    pub(crate) fn of(spec: &RunSpec) -> Self {
        Self::with_env(spec, &BTreeMap::new())
    }

    /// The same, and those of the environment that every run gets.
    pub(crate) fn with_env(spec: &RunSpec, every: &BTreeMap<String, String>) -> Self {
        let words = ["SECRET", "TOKEN", "PASSWORD", "KEY", "CREDENTIAL", "TF_VAR_"];
        let is_secret = |name: &str| {
            let name = name.to_uppercase();
            // Where a secret is is none, and what people look for.
            !name.ends_with("_FILE") && words.iter().any(|part| name.contains(part))
        };
        let env = every.iter().chain(&spec.env).filter(|(name, _)| is_secret(name));
        Self::new(spec.redact.iter().chain(env.map(|(_, value)| value)))
    }

    fn new<'a>(values: impl Iterator<Item = &'a String>) -> Self {
        let mut forms = Vec::new();
        for value in values.filter(|value| value.len() >= MIN_LENGTH) {
            let lines = value.lines().map(str::trim).filter(|line| line.len() >= MIN_LINE);
            // Files end with a line end that a text does not repeat.
            let whole = Some(value.trim_end()).filter(|value| value.len() >= MIN_LENGTH);
            for part in lines.chain(whole).chain([value.as_str()]) {
                forms.extend(escaped(part));
            }
        }
        forms.sort_by(|a, b| (Reverse(a.len()), a).cmp(&(Reverse(b.len()), b)));
        forms.dedup();
        Self { forms }
    }

    /// The text without them.
    pub(crate) fn scrub(&self, text: &mut String) {
        for form in &self.forms {
            if text.contains(form.as_str()) {
                *text = text.replace(form.as_str(), REDACTED);
            }
        }
    }

    /// The event, its messages without them.
    pub(crate) fn scrub_event(&self, mut event: Event) -> Event {
        if let Event::Diagnostic(Diagnostic { summary, detail, .. }) = &mut event {
            self.scrub(summary);
            self.scrub(detail);
        }
        if let Event::Printed { line: Some(line), .. } = &mut event {
            self.scrub(line);
        }
        event
    }

    /// The failure, its messages without them.
    pub(crate) fn scrub_failure(&self, mut failure: Failure) -> Failure {
        self.scrub_faults(&mut failure.faults);
        failure
    }

    /// The end of a run, its messages without them. The outputs are values, and stay.
    pub(crate) fn scrub_end(&self, mut end: RunEnd) -> RunEnd {
        match &mut end {
            RunEnd::Failed { faults, .. } => self.scrub_faults(faults),
            RunEnd::NeedsApproval { changes, .. } => changes.iter_mut().for_each(|change| self.scrub(change)),
            RunEnd::Succeeded { .. } => {}
        }
        end
    }

    fn scrub_faults(&self, faults: &mut [Fault]) {
        for fault in faults {
            self.scrub(&mut fault.message);
            self.scrub(&mut fault.subject);
        }
    }
}

/// A value as it is, as a JSON string (with and without the escapes that Go adds for HTML), and as a quoted
/// string of HCL; without the quotes.
fn escaped(value: &str) -> [String; 4] {
    let json = serde_json::Value::from(value).to_string();
    let json = json.get(1..json.len() - 1).unwrap_or_default().to_owned();
    let go = json
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026");
    let hcl = json.replace("${", "$${").replace("%{", "%%{");
    [value.to_owned(), json, go, hcl]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Operation, RunId, WorkspaceId};

    fn scrubbed(values: &[&str], text: &str) -> String {
        let values: Vec<_> = values.iter().map(|value| (*value).to_owned()).collect();
        let mut text = text.to_owned();
        Secrets::new(values.iter()).scrub(&mut text);
        text
    }

    #[test]
    fn every_form_of_a_value_is_taken_out() {
        let value = "a<\"b\"\\${c}&";
        for form in [
            value,
            r#"a<\"b\"\\${c}&"#,
            r#"a\u003c\"b\"\\${c}\u0026"#,
            r#"a<\"b\"\\$${c}&"#,
        ] {
            assert_eq!(scrubbed(&[value], &format!("x {form} y")), "x (redacted) y");
        }
    }

    #[test]
    fn credentials_of_the_environment_are_secrets_and_paths_to_them_are_not() {
        let (workspace, id) = (WorkspaceId::new("w"), RunId::new("r"));
        let mut spec = RunSpec::new(workspace, id, Operation::Apply, BTreeMap::new());
        spec.env.insert("TF_VAR_word".into(), "of the run".into());
        let every = BTreeMap::from([
            ("AWS_SECRET_ACCESS_KEY".to_owned(), "of every run".to_owned()),
            ("AWS_WEB_IDENTITY_TOKEN_FILE".to_owned(), "/var/token".to_owned()),
        ]);
        let mut text = "of the run, of every run, /var/token".to_owned();
        Secrets::with_env(&spec, &every).scrub(&mut text);
        assert_eq!(text, "(redacted), (redacted), /var/token");
    }

    #[test]
    fn no_rest_is_left_of_a_value_that_holds_another() {
        assert_eq!(scrubbed(&["secret", "secret-word"], "secret-word"), "(redacted)");
        assert_eq!(scrubbed(&["secret-word\n"], "is secret-word!"), "is (redacted)!");
        assert_eq!(scrubbed(&["demo", ""], "a demo"), "a demo");
    }

    #[test]
    fn the_lines_of_a_value_are_taken_out_of_a_framed_text() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n-----END KEY-----\n";
        let text = "│ -----BEGIN KEY-----\n│ MIIEvQIBADANBgkqhkiG9w0\n│ -----END KEY-----";
        assert_eq!(scrubbed(&[key], text), "│ (redacted)\n│ (redacted)\n│ (redacted)");
    }
}
