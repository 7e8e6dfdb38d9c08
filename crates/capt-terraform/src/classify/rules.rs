//! Classes by the words of a message.
//!
//! Where the same words mean different things, it is written here; everything else stands in `rules.txt`.

use std::sync::LazyLock;

use super::{Classified, ErrorClass};

use ErrorClass::{
    AuthCredentials, AuthPermission, Config, Dependency, Environment, Plugin, State, Transient,
};

/// A text in the forms that rules ask for.
pub(super) struct Text<'a> {
    pub(super) raw: &'a str,
    /// In small letters, every run of blanks and line ends one blank: Terraform breaks lines where they fit.
    pub(super) lower: String,
}

impl<'a> Text<'a> {
    pub(super) fn new(raw: &'a str) -> Self {
        let words = raw
            .split(|c: char| c.is_whitespace() || matches!(c, '│' | '╷' | '╵'))
            .filter(|word| !word.is_empty());
        // The SDK's own retries say nothing about a limit of the account.
        let lower = words.collect::<Vec<_>>().join(" ").to_lowercase();
        Self {
            raw,
            lower: lower.replace("exceeded maximum number of attempts", ""),
        }
    }

    fn says(&self, part: &str) -> bool {
        self.lower.contains(part)
    }

    fn any(&self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.says(part))
    }
}

/// One rule: a class, a code for programs, and phrases of which one must be there.
struct Rule {
    class: ErrorClass,
    code: &'static str,
    phrases: Vec<&'static str>,
}

/// The rules of `rules.txt`: those beyond doubt and the summaries, which come before any code of AWS, and the
/// others.
struct Rules {
    first: Vec<Rule>,
    summaries: Vec<Rule>,
    others: Vec<Rule>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let mut parts = include_str!("rules.txt").split("\n---").map(parse);
    let mut next = || parts.next().unwrap_or_default();
    Rules {
        first: next(),
        summaries: next(),
        others: next(),
    }
});

/// Reads rules: a line `<class> <code>`, then phrases between bars, indented; quoted where a
/// blank at the end counts.
fn parse(text: &'static str) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for line in text.lines() {
        if let Some(phrases) = line.strip_prefix("  ") {
            if let Some(rule) = rules.last_mut() {
                rule.phrases
                    .extend(phrases.split(" | ").map(|phrase| phrase.trim_matches('"')));
            }
        } else if let Some((class, code)) = line.split_once(' ')
            && let Some(class) = ErrorClass::from_name(class)
        {
            rules.push(Rule {
                class,
                code,
                phrases: Vec::new(),
            });
        }
    }
    rules
}

/// Judges a text by its words.
pub(super) fn by_words(text: &Text<'_>) -> Option<Classified> {
    special(text).or_else(|| first_match(text, &RULES.others))
}

/// What decides whatever code stands beside it.
pub(super) fn beyond_doubt(text: &Text<'_>) -> Option<Classified> {
    first_match(text, &RULES.first).or_else(|| by_summary(text))
}

/// What Terraform's own summary says, whatever words of its inputs the detail repeats.
fn by_summary(text: &Text<'_>) -> Option<Classified> {
    let begins = |phrase: &str| {
        text.lower.starts_with(phrase)
            || text.lower.match_indices("error: ").any(|(at, intro)| {
                text.lower
                    .get(at + intro.len()..)
                    .is_some_and(|rest| rest.starts_with(phrase))
            })
    };
    let rule = RULES
        .summaries
        .iter()
        .find(|rule| rule.phrases.iter().any(|phrase| begins(phrase)))?;
    Some(judged(rule.code, rule.class))
}

fn first_match(text: &Text<'_>, rules: &[Rule]) -> Option<Classified> {
    let rule = rules.iter().find(|rule| text.any(&rule.phrases))?;
    Some(judged(rule.code, rule.class))
}

fn judged(code: &str, class: ErrorClass) -> Classified {
    Classified {
        class: Some(class),
        code: code.to_owned(),
    }
}

/// Where the same words mean different things by what was being done.
fn special(text: &Text<'_>) -> Option<Classified> {
    let unreachable = text.any(&[
        "no such host",
        "i/o timeout",
        "connection refused",
        "deadline exceeded",
        "connection reset",
        "tls handshake timeout",
        "timeout",
    ]);
    // The endpoint of a cluster comes up with the cluster.
    let cluster = text.any(&[
        ".eks.amazonaws.com",
        "kubernetes cluster unreachable",
        ".azmk8s.io",
    ]) || (text.says("/api/v1/namespaces/") && !text.says("localhost"));
    if cluster && unreachable && !text.any(&["http://localhost", "127.0.0.1:80:", "[::1]:80:"]) {
        return Some(judged("ClusterUnreachable", Dependency));
    }
    // Terraform's summary for a lock that it could not get speaks of a lock even if there is none.
    if text.says("error acquiring the state lock")
        && !text.says("lock info:")
        && text.any(&["state file", "unsupported state"])
    {
        return Some(judged("StateUnreadable", State));
    }
    if text.any(&[
        "failed to save state",
        "failed to upload state",
        "failed to persist state",
    ]) && text.any(&["access denied", "forbidden"])
    {
        return Some(judged("AccessDenied", AuthPermission));
    }
    if text.says("failed to write state") && text.says("no space left") {
        return Some(judged("DiskFull", Environment));
    }
    // A wait that ran out: for an add-on it is the nodes that are missing, for the rest it is slowness.
    if text.any(&[
        "unexpected state 'degraded'",
        "last state: 'degraded'",
        "unhealthy",
        "insufficient number of replicas",
    ]) {
        return Some(judged("Degraded", Dependency));
    }
    if text.says("timeout while waiting for plugin") {
        return Some(judged("PluginCrashed", Plugin));
    }
    if text.any(&[
        "timeout while waiting for state to become",
        "timeout while waiting for resource",
        "context deadline exceeded while waiting",
    ]) {
        return Some(judged("WaitTimeout", Transient));
    }
    // What AWS gave up on says why at its end.
    if text.any(&["create_failed", "delete_failed", "update_failed"])
        && let Some((_, reason)) = text.lower.split_once("last error:")
    {
        let judgement = by_words(&Text::new(reason));
        return judgement.or_else(|| Some(judged("ResourceFailed", Config)));
    }
    if is_unauthorized(&text.lower) {
        return Some(judged("Unauthorized", AuthCredentials));
    }
    // Provider names that do not exist: the registry was reached and has said no.
    if text.any(&[
        "does not have a provider named",
        "no available releases match",
        "no versions matching",
        "no version of module",
        "does not have a package available for",
        // A mirror in the file system answers at once and for good.
        "was not found in any of the search locations",
        "module not found",
    ]) {
        return Some(judged("ProviderUnknown", Config));
    }
    None
}

/// The bare word, as a Kubernetes API server answers.
fn is_unauthorized(lower: &str) -> bool {
    let bare = lower
        .trim_start_matches("error: ")
        .trim_end_matches([':', '.', ' ']);
    bare == "unauthorized" || lower.ends_with(": unauthorized") || lower.contains("401 unauthorized")
}
