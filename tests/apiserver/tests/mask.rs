//! What differs from run to run, and so is no part of a golden.

use regex::Regex;

use crate::columns;
use crate::shell::Shell;

/// What is replaced, in this order.
const PATTERNS: &[(&str, &str)] = &[
    (
        r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
        "<uid>",
    ),
    // In YAML, in JSON, and in the table of describe.
    (r#"(?i)(resource ?version"?:\s*)"?\d+"?"#, "$1<version>"),
    (
        r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d)",
        "<time>",
    ),
    (
        r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}",
        "<time>",
    ),
    (r"\b127\.0\.0\.1:\d+", "<server>"),
    (r"\beyJ[\w-]+\.[\w-]+\.[\w-]+", "<token>"),
    (r"/(LIVE|MERGED|kubectl-edit)-\d+", "/$1-<n>"),
    // Names of Events end in the time.
    (r"\.[0-9a-f]{16}\b", ".<event>"),
    // What the modules of the demo derive from uids, and what the operator does.
    (r"\bvpc-[0-9a-f]{17}\b", "vpc-<id>"),
    (r"\b[0-9a-f]{12}(\.[a-z0-9-]+\.eks\.example)\b", "<id>$1"),
    (r"\b(tfinputs-[a-z0-9-]+)-w[0-9a-f]{8}\b", "$1-w<id>"),
];

/// What kubectl logs of itself when it is asked to.
const LOGGED: &str = r"(?m)^[IWE]\d{4} \d\d:\d\d:\d\d.*\n";

/// Replaces it.
pub(crate) struct Mask {
    patterns: Vec<(Regex, &'static str)>,
    logged: Regex,
    directory: String,
    home: String,
}

impl Mask {
    /// For what is said in a shell.
    pub(crate) fn new(shell: &Shell) -> Self {
        let patterns = PATTERNS
            .iter()
            .map(|(pattern, with)| (Regex::new(pattern).unwrap(), *with))
            .collect();
        Self {
            patterns,
            logged: Regex::new(LOGGED).unwrap(),
            directory: shell.directory.display().to_string(),
            home: shell.home.display().to_string(),
        }
    }

    /// The text without it, in columns that are as wide as what is left.
    pub(crate) fn apply(&self, text: &str) -> String {
        let text = self.logged.replace_all(text, "");
        columns::align(&text, &|part| self.replace(part))
    }

    fn replace(&self, part: &str) -> String {
        let mut part = sorted(part)
            .replace(&self.directory, "<directory>")
            .replace(&self.home, "<home>");
        for (pattern, with) in &self.patterns {
            part = pattern.replace_all(&part, *with).into_owned();
        }
        part
    }
}

/// An answer as JSON with its keys in order: the order that a server gives them means nothing.
fn sorted(part: &str) -> String {
    // Below an indent it is a value in YAML, which is what somebody wrote.
    match serde_json::from_str::<serde_json::Map<_, _>>(part) {
        Ok(object) if part.starts_with('{') => serde_json::Value::Object(object).to_string(),
        Ok(_) | Err(_) => part.to_owned(),
    }
}

#[test]
fn what_differs_from_run_to_run_is_masked_and_nothing_else() {
    let shell = Shell {
        directory: "/d/folder".into(),
        home: "/d/home".into(),
        kubeconfig: "/d/kubeconfig".into(),
    };
    let mask = Mask::new(&shell);
    for (said, masked) in [
        ("  uid: 0b5eb2a1-3cf6-4b1f-9d3d-000000000001", "  uid: <uid>"),
        ("  resourceVersion: \"12\"", "  resourceVersion: <version>"),
        ("  Resource Version:  12", "  Resource Version:   <version>"),
        (
            "  \"resourceVersion\": \"12\",",
            "  \"resourceVersion\": <version>,",
        ),
        (
            "  creationTimestamp: \"2026-01-01T00:00:00Z\"",
            "  creationTimestamp: \"<time>\"",
        ),
        ("dial tcp 127.0.0.1:6443: refused", "dial tcp <server>: refused"),
        ("error: /d/folder/a.yaml", "error: <directory>/a.yaml"),
        (
            "edited in /tmp/kubectl-edit-123.yaml",
            "edited in /tmp/kubectl-edit-<n>.yaml",
        ),
        (r#"{"b":{"d":1,"c":2},"a":3}"#, r#"{"a":3,"b":{"c":2,"d":1}}"#),
        ("  timeout: 30m", "  timeout: 30m"),
        ("replicas must be 30s or more", "replicas must be 30s or more"),
    ] {
        assert_eq!(mask.apply(said), masked);
    }
}
