//! `capt man`: the manual.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap_mangen::Man;

use crate::cli::{ManArgs, definition};
use crate::output;

/// Prints the first page, or writes all of them.
pub(crate) fn run(args: &ManArgs, program: &str) -> Result<ExitCode> {
    let pages = pages(program)?;
    match &args.dir {
        None => {
            let first = pages.first().map(|page| page.text.clone()).unwrap_or_default();
            output::print(&first)?;
        }
        Some(dir) => {
            write(dir, &pages)?;
            output::note(&format!("{} pages are in {}\n", pages.len(), dir.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One page.
struct Page {
    /// The name of its file.
    file: String,
    /// The page in roff.
    text: String,
}

fn write(dir: &Path, pages: &[Page]) -> Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("make the directory {}", dir.display()))?;
    for page in pages {
        let path = dir.join(&page.file);
        std::fs::write(&path, &page.text).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

/// A page for each command, the program's own first.
fn pages(program: &str) -> Result<Vec<Page>> {
    let mut command = definition(program);
    command.build();
    let mut all = Vec::new();
    add(&command, &program.replace(' ', "-"), &mut all)?;
    Ok(all)
}

fn add(command: &clap::Command, name: &str, all: &mut Vec<Page>) -> Result<()> {
    let mut text = Vec::new();
    Man::new(command.clone().display_name(name.to_owned()))
        .render(&mut text)
        .with_context(|| format!("render the page of {name}"))?;
    all.push(Page {
        file: format!("{name}.1"),
        text: String::from_utf8_lossy(&text).into_owned(),
    });
    for subcommand in command.get_subcommands() {
        if subcommand.get_name() != "help" && !subcommand.is_hide_set() {
            add(subcommand, &format!("{name}-{}", subcommand.get_name()), all)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_a_page() {
        let pages = pages("capt").unwrap();
        let files: Vec<&str> = pages.iter().map(|page| page.file.as_str()).collect();
        assert_eq!(
            files,
            [
                "capt.1",
                "capt-sandbox.1",
                "capt-describe.1",
                "capt-describe-cluster.1",
                "capt-graph.1",
                "capt-graph-cluster.1",
                "capt-watch.1",
                "capt-watch-cluster.1",
                "capt-completion.1",
                "capt-man.1"
            ]
        );
        let describe = &pages[3].text;
        assert!(describe.contains("\\fB\\-\\-show\\-conditions\\fR"), "{describe}");
        assert!(describe.contains("capt\\-describe\\-cluster"), "{describe}");
    }

    #[test]
    fn pages_are_written_into_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        let dir = directory.path().join("man/man1");
        write(&dir, &pages("capt").unwrap()).unwrap();
        let page = std::fs::read_to_string(dir.join("capt-watch.1")).unwrap();
        assert!(page.starts_with(".ie"), "{page}");
    }
}
