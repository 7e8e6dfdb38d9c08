//! Relative links of Markdown pages, and the list of decisions.

use std::path::{Component, Path, PathBuf};

use super::{Findings, has_extension};
use crate::repository::Repository;

const DECISIONS: &str = "docs/adr";

/// Every relative link leads to a file or a folder that is committed.
pub(crate) fn check(path: &str, text: &str, files: &[String], findings: &mut Findings) {
    for (number, target) in links(text) {
        let target = target.split('#').next().unwrap_or_default();
        if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
            continue;
        }
        let Some(resolved) = resolve(path, target) else {
            findings.error(format!("{path}:{number}: {target} leads out of the repository"));
            continue;
        };
        let folder = format!("{resolved}/");
        let exists = files
            .iter()
            .any(|file| *file == resolved || file.starts_with(&folder) || resolved.is_empty());
        if !exists {
            findings.error(format!("{path}:{number}: {target} does not exist"));
        }
    }
}

/// Every decision is in the list of decisions.
pub(crate) fn check_decisions(repository: &Repository, files: &[String], findings: &mut Findings) {
    let index = format!("{DECISIONS}/README.md");
    let pages: Vec<&str> = files
        .iter()
        .filter_map(|file| file.strip_prefix(DECISIONS)?.strip_prefix('/'))
        .filter(|page| *page != "README.md" && has_extension(page, "md"))
        .collect();
    if pages.is_empty() {
        return;
    }
    let Ok(text) = repository.read(&index) else {
        findings.error(format!("{index} does not exist"));
        return;
    };
    let listed: Vec<&str> = links(&text)
        .into_iter()
        .map(|(_, target)| target.trim_start_matches("./"))
        .collect();
    for page in pages {
        if !listed.contains(&page) {
            findings.error(format!("{DECISIONS}/{page} is not linked from {index}"));
        }
    }
}

/// The targets of `[text](target)` outside code, with their line numbers.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            continue;
        }
        if in_code {
            continue;
        }
        // Between two backticks is code too: those are the odd parts.
        for part in line.split('`').step_by(2) {
            for (start, _) in part.match_indices("](") {
                let rest = &part[start + 2..];
                if let Some(end) = rest.find([')', ' ']) {
                    found.push((number + 1, &rest[..end]));
                }
            }
        }
    }
    found
}

/// `target`, as it stands in `page`, relative to the root.
fn resolve(page: &str, target: &str) -> Option<String> {
    let base = Path::new(page).parent().unwrap_or(Path::new(""));
    let mut resolved = PathBuf::new();
    for component in base.join(target).components() {
        match component {
            Component::Normal(part) => resolved.push(part),
            Component::CurDir => {}
            Component::ParentDir => {
                if !resolved.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(resolved.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(path: &str, text: &str) -> Vec<String> {
        let files = ["README.md", "docs/guide.md", "docs/adr/0001-a.md"].map(str::to_owned);
        let mut findings = Findings::default();
        check(path, text, &files, &mut findings);
        findings.errors
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        let text = "[a](guide.md#part) [b](../README.md) [c](adr) [d](https://example.com) `[e](x)`\n```\n[f](y)\n```";
        assert!(
            errors("docs/guide.md", text).is_empty(),
            "{:?}",
            errors("docs/guide.md", text)
        );
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        assert_eq!(
            errors(
                "docs/guide.md",
                "\nsee `x` in [a](missing.md) and [b](../../out.md)"
            ),
            [
                "docs/guide.md:2: missing.md does not exist",
                "docs/guide.md:2: ../../out.md leads out of the repository",
            ]
        );
    }
}
