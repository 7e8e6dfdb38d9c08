//! Completion for kubectl: `kubectl capt <TAB>` runs `kubectl_complete-capt`, which asks here.
//!
//! The answer has the form of cobra: a word on each line, then a colon and how the shell should treat them.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use capt_api::Cluster;
use clap::{Arg, Command};
use kube::Api;
use kube::api::ListParams;

use crate::cli::{CompleteArgs, ConnectionArgs, definition};
use crate::connect::Session;
use crate::output;

/// No files: what is completed are words of ours.
const NO_FILES: u8 = 4;

/// Files are fine.
const DEFAULT: u8 = 0;

/// Nobody waits longer than this for a name.
const PATIENCE: Duration = Duration::from_secs(2);

/// Prints what the last word may become.
pub(crate) async fn run(args: &CompleteArgs) -> Result<ExitCode> {
    let line = Line::read(&definition("kubectl capt"), &args.words);
    let mut words = line.words;
    if line.wants_cluster {
        words.extend(
            clusters(line.connection)
                .await
                .into_iter()
                .filter(|name| name.starts_with(&line.typed)),
        );
    }
    let directive = if line.files { DEFAULT } else { NO_FILES };
    words.push(format!(":{directive}\n"));
    output::print(&words.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// The names of the clusters; none where they cannot be had at once.
async fn clusters(connection: ConnectionArgs) -> Vec<String> {
    let connection = ConnectionArgs {
        request_timeout: Some(PATIENCE),
        ..connection
    };
    let Ok(session) = Session::new(&connection).await else {
        return Vec::new();
    };
    let api = Api::<Cluster>::namespaced(session.client.clone(), &session.namespace);
    let listed = tokio::time::timeout(PATIENCE, api.list(&ListParams::default())).await;
    let Ok(Ok(list)) = listed else {
        return Vec::new();
    };
    list.items
        .into_iter()
        .filter_map(|cluster| cluster.metadata.name)
        .collect()
}

/// A command line, as far as it was typed.
#[derive(Debug, Default, PartialEq)]
struct Line {
    /// What the last word may become.
    words: Vec<String>,
    /// The last word.
    typed: String,
    /// Whether it may become the name of a cluster.
    wants_cluster: bool,
    /// Whether it may become a file.
    files: bool,
    /// Which cluster was meant so far.
    connection: ConnectionArgs,
}

impl Line {
    fn read(root: &Command, words: &[String]) -> Self {
        let mut root = root.clone();
        root.build();
        let (typed, before) = words
            .split_last()
            .map_or((String::new(), &[][..]), |(typed, before)| {
                (typed.clone(), before)
            });
        let mut line = Self {
            typed,
            ..Self::default()
        };
        let mut command = &root;
        let mut is_named = false;
        let mut open: Option<&Arg> = None;
        for word in before {
            if let Some(argument) = open.take() {
                line.note(argument, word);
            } else if let Some(argument) = flag(command, word) {
                match word.split_once('=') {
                    Some((_, value)) => line.note(argument, value),
                    None if argument.get_action().takes_values() => open = Some(argument),
                    None => {}
                }
            } else if let Some(next) = command.find_subcommand(word) {
                command = next;
            } else {
                is_named = true;
            }
        }
        line.offer(command, open, is_named);
        line
    }

    /// Keeps what says which cluster is meant.
    fn note(&mut self, argument: &Arg, value: &str) {
        match argument.get_id().as_str() {
            "kubeconfig" => self.connection.kubeconfig = Some(value.into()),
            "context" => self.connection.context = Some(value.to_owned()),
            "namespace" => self.connection.namespace = Some(value.to_owned()),
            _ => {}
        }
    }

    fn offer(&mut self, command: &Command, open: Option<&Arg>, is_named: bool) {
        if let Some(argument) = open {
            let values = argument.get_possible_values();
            self.files = values.is_empty();
            self.words = values.iter().map(|value| value.get_name().to_owned()).collect();
        } else if self.typed.starts_with('-') {
            self.words = command
                .get_arguments()
                .filter(|argument| !argument.is_hide_set())
                .filter_map(|argument| Some(format!("--{}", argument.get_long()?)))
                .collect();
        } else {
            self.words = command
                .get_subcommands()
                .filter(|subcommand| !subcommand.is_hide_set())
                .map(|subcommand| subcommand.get_name().to_owned())
                .collect();
            let mut positionals = command.get_positionals();
            if let Some(positional) = positionals.next().filter(|_| !is_named) {
                self.words.extend(
                    positional
                        .get_possible_values()
                        .iter()
                        .map(|value| value.get_name().to_owned()),
                );
                self.wants_cluster = command.get_name() == "cluster";
            }
        }
        let typed = self.typed.clone();
        self.words.retain(|word| word.starts_with(&typed));
    }
}

/// The argument that a word is the flag of.
fn flag<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    let name = word.split('=').next().unwrap_or(word);
    command.get_arguments().find(|argument| {
        let long = argument
            .get_long()
            .is_some_and(|long| name == format!("--{long}"));
        let short = argument
            .get_short()
            .is_some_and(|short| name == format!("-{short}"));
        long || short
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Line {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Line::read(&definition("kubectl capt"), &words)
    }

    #[test]
    fn commands_are_completed_word_by_word() {
        assert_eq!(read(&["des"]).words, ["describe"]);
        assert_eq!(read(&["describe", ""]).words, ["cluster", "help"]);
        assert!(!read(&[""]).words.contains(&"__complete".to_owned()));
    }

    #[test]
    fn flags_and_their_values_are_completed() {
        assert_eq!(
            read(&["describe", "cluster", "--show"]).words,
            ["--show-conditions"]
        );
        assert_eq!(read(&["graph", "cluster", "-o", "m"]).words, ["mermaid"]);
        assert!(read(&["describe", "--kubeconfig", ""]).files);
        assert_eq!(
            read(&["completion", ""]).words,
            ["bash", "elvish", "fish", "powershell", "zsh", "help"]
                .iter()
                .filter(|word| **word != "help")
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn names_of_clusters_are_looked_up_where_the_line_says() {
        let line = read(&["describe", "-n", "team", "--context=other", "cluster", "de"]);
        assert!(line.wants_cluster && line.words.is_empty());
        assert_eq!(line.connection.namespace.as_deref(), Some("team"));
        assert_eq!(line.connection.context.as_deref(), Some("other"));
        assert!(!read(&["describe", "cluster", "demo", ""]).wants_cluster);
    }
}
