use clap::{CommandFactory as _, FromArgMatches as _};

use super::*;

/// The help of every command, in the order of the definition.
fn pages(command: &mut clap::Command, path: &str, pages: &mut Vec<String>) {
    pages.push(format!("$ {path} --help\n{}", command.render_long_help()));
    for subcommand in command.get_subcommands_mut() {
        if subcommand.get_name() == "help" {
            continue;
        }
        let path = format!("{path} {}", subcommand.get_name());
        self::pages(subcommand, &path, pages);
    }
}

fn help(program: &str) -> String {
    let mut command = definition(program).term_width(100);
    command.build();
    let mut all = Vec::new();
    pages(&mut command, program, &mut all);
    all.join("\n")
}

fn parse(line: &[&str]) -> Result<Cli, clap::Error> {
    let matches = definition("capt").try_get_matches_from(line)?;
    Cli::from_arg_matches(&matches)
}

fn connection(line: &[&str]) -> ConnectionArgs {
    match parse(line).unwrap().command {
        Command::Describe(it) => it.connection,
        Command::Graph(it) => it.connection,
        Command::Watch(it) => it.connection,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
    definition("kubectl capt").debug_assert();
}

#[test]
fn help_says_what_there_is() {
    crate::output::golden("tests/golden/help.txt", &help("capt"));
}

#[test]
fn a_plugin_of_kubectl_says_so() {
    let text = help("kubectl capt");
    assert!(
        text.contains("Usage: kubectl capt describe cluster [OPTIONS] <NAME>"),
        "{text}"
    );
    let error = definition("kubectl capt")
        .try_get_matches_from(["kubectl-capt", "describe", "cluster"])
        .unwrap_err();
    let usage = error.to_string();
    assert!(usage.contains("kubectl capt describe cluster"), "{usage}");
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn flags_of_the_connection_may_stand_anywhere() {
    let wanted = ConnectionArgs {
        namespace: Some("team".to_owned()),
        context: Some("other".to_owned()),
        ..ConnectionArgs::default()
    };
    for line in [
        &[
            "capt",
            "-n",
            "team",
            "--context",
            "other",
            "describe",
            "cluster",
            "demo",
        ][..],
        &[
            "capt",
            "describe",
            "-n",
            "team",
            "--context",
            "other",
            "cluster",
            "demo",
        ],
        &[
            "capt",
            "describe",
            "cluster",
            "demo",
            "-n",
            "team",
            "--context",
            "other",
        ],
        &["capt", "--context=other", "describe", "cluster", "-nteam", "demo"],
        &["capt", "-n", "team", "watch", "--context", "other"],
        &[
            "capt",
            "graph",
            "--context",
            "other",
            "cluster",
            "demo",
            "--namespace",
            "team",
        ],
    ] {
        assert_eq!(connection(line), wanted, "{line:?}");
    }
}

#[test]
fn the_last_word_on_a_flag_counts() {
    let line = ["capt", "-n", "a", "describe", "cluster", "demo", "-n", "b"];
    assert_eq!(connection(&line).namespace.as_deref(), Some("b"));
}

#[test]
fn the_kubeconfig_of_a_sandbox_is_its_own() {
    let cli = parse(&["capt", "sandbox", "--kubeconfig", "out"]).unwrap();
    assert!(cli.connection.is_empty());
    let Command::Sandbox(args) = cli.command else {
        panic!("{:?}", cli.command);
    };
    assert_eq!(args.kubeconfig.as_deref(), Some(std::path::Path::new("out")));
}

#[test]
fn the_settings_of_the_operator_are_those_of_the_reference() {
    let mut command = capt_operator::Args::command().term_width(100);
    command.build();
    let help = command.render_long_help().to_string();
    // Where a line ends, nothing stands before.
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    let text = format!("```console\n$ capt-operator --help\n{}\n```\n", lines.join("\n"));
    crate::output::golden_block("../../docs/reference/operator.md", "help", &text);
}
