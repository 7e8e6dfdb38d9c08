//! The rows, as the files have them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Rows that are run one after the other, on a server of their own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    /// What the rows have in common, for the reader of the file.
    #[allow(dead_code, reason = "it is there to be read in the file")]
    pub(crate) about: String,
    /// Whether the operator runs. Where it does, a row waits for what it makes.
    #[serde(default)]
    pub(crate) operator: bool,
    /// The rows.
    pub(crate) rows: Vec<Row>,
}

/// One thing that a person does.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// What it shows, in a few words; unlike all others of its group.
    #[serde(rename = "row")]
    pub(crate) name: String,
    /// The line that is typed into a shell. It starts in a directory with the files of `table/files`.
    pub(crate) run: String,
    /// What it reads from standard input.
    #[serde(default)]
    pub(crate) stdin: String,
    /// How it ends.
    #[serde(default)]
    pub(crate) exit: i32,
    /// What has to run beside the API server.
    #[serde(default)]
    pub(crate) needs: Option<Needs>,
    /// Lines that are typed into another shell meanwhile. All of them succeed.
    #[serde(default)]
    pub(crate) then: Vec<String>,
    /// They are typed once this was said on either stream; without it, once a line was written.
    #[serde(default)]
    pub(crate) when: String,
    /// After this many lines of standard output it is ended from outside: a watch has no end.
    #[serde(default)]
    pub(crate) until: Option<usize>,
}

/// What a row needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Needs {
    /// kube-controller-manager: garbage collection, the end of namespaces, default service accounts.
    Controllers,
}

/// A path in this package.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The groups that there are files of, in order.
pub(crate) fn names() -> Vec<String> {
    let entries = std::fs::read_dir(path("table")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "yaml"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort_unstable();
    names
}

/// Reads a group.
pub(crate) fn read(name: &str) -> Group {
    let file = path(&format!("table/{name}.yaml"));
    let text = std::fs::read_to_string(&file).unwrap();
    let group: Group =
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut seen = BTreeSet::new();
    for row in &group.rows {
        assert!(
            seen.insert(&row.name),
            "{}: two rows are `{}`",
            file.display(),
            row.name
        );
    }
    group
}
