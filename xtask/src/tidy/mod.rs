//! `cargo xtask tidy`: what no compiler checks.

mod links;
mod manifests;
mod sources;

use anyhow::{Result, bail};

use crate::repository::Repository;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl Findings {
    fn error(&mut self, text: impl Into<String>) {
        self.errors.push(text.into());
    }

    fn warning(&mut self, text: impl Into<String>) {
        self.warnings.push(text.into());
    }
}

/// Looks at every file that is or could be committed.
pub(crate) fn run(repository: &Repository) -> Result<()> {
    let files = repository.files()?;
    let mut findings = Findings::default();
    for path in &files {
        // What is not text is not looked at.
        let Ok(text) = repository.read(path) else {
            continue;
        };
        sources::check(path, &text, &mut findings);
        if path.ends_with("Cargo.toml") && path != "Cargo.toml" {
            manifests::check(path, &text, &mut findings);
        }
        if has_extension(path, "md") {
            links::check(path, &text, &files, &mut findings);
        }
    }
    manifests::check_core_lints(repository, &mut findings);
    links::check_decisions(repository, &files, &mut findings);
    for warning in &findings.warnings {
        println!("warning: {warning}");
    }
    if findings.errors.is_empty() {
        println!("tidy: {} files", files.len());
        return Ok(());
    }
    bail!(
        "{} findings:\n{}",
        findings.errors.len(),
        findings.errors.join("\n")
    )
}

fn has_extension(path: &str, extension: &str) -> bool {
    std::path::Path::new(path)
        .extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(extension))
}
