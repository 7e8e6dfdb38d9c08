//! The command line.

use std::path::Path;

use anyhow::Result;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::config::{self, Config};
use crate::settings::{SETTINGS, Setting, Settings};
use crate::{events, process, serve, store};

/// The settings that say where the store is.
const STORE_SETTINGS: [&str; 2] = ["store", "data-dir"];

/// The whole command line.
pub fn command() -> Command {
    Command::new("kecs")
        .version(env!("CARGO_PKG_VERSION"))
        .about("The Amazon ECS API on your own machine")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("PATH")
                .global(true)
                .help("The file of settings, YAML [env: KECS_CONFIG]"),
        )
        .subcommand(
            Command::new("serve")
                .about("Runs the server until it is asked to stop")
                .args(SETTINGS.iter().map(Setting::arg)),
        )
        .subcommand(
            Command::new("config")
                .about("Prints the settings in force, and where each of them came from")
                .args(SETTINGS.iter().map(Setting::arg)),
        )
        .subcommand(events::command())
        .subcommand(store_command())
        .subcommand(Command::new("version").about("Prints the version"))
}

fn store_command() -> Command {
    let settings = || {
        STORE_SETTINGS
            .iter()
            .filter_map(|name| Setting::named(name))
            .map(Setting::arg)
    };
    let file =
        |name: &'static str, help: &'static str| Arg::new(name).value_name("PATH").required(true).help(help);
    Command::new("store")
        .about("Looks after the store: `sqlite` of a server that does not run, PostgreSQL at any time")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("check")
                .about("Looks for anything that is wrong with what is kept")
                .args(settings()),
        )
        .subcommand(
            Command::new("export")
                .about("Writes everything as lines of JSON")
                .arg(file(
                    "out",
                    "The file to write, which must not exist; `-`: to standard output",
                ))
                .args(settings()),
        )
        .subcommand(
            Command::new("import")
                .about("Reads an export into an empty store")
                .arg(file("in", "The file to read; `-`: from standard input"))
                .args(settings()),
        )
        .subcommand(
            Command::new("backup")
                .about("Writes a copy of the store `sqlite`")
                .arg(file("out", "The file to write, which must not exist"))
                .args(settings()),
        )
        .subcommand(
            Command::new("restore")
                .about("Puts a backup in the place of a store `sqlite` that is not there")
                .arg(file("in", "The backup"))
                .arg(
                    Arg::new("force")
                        .long("force")
                        .action(ArgAction::SetTrue)
                        .help("Keeps a store that is there as `kecs.db.before-restore` and takes its place"),
                )
                .args(settings()),
        )
}

/// Does what the command line says.
pub(crate) async fn run(matches: &ArgMatches) -> Result<()> {
    match matches.subcommand() {
        Some(("serve", flags)) => serve::run(Config::of(&settings(flags)?)?).await,
        Some(("config", flags)) => {
            let settings = settings(flags)?;
            // What could not be served is not shown as if it could.
            Config::of(&settings)?;
            process::print(&settings.render())
        }
        Some(("events", flags)) => events::run(flags).await,
        Some(("store", matches)) => {
            let Some((verb, flags)) = matches.subcommand() else {
                return Ok(());
            };
            store::run(verb, flags, config::engine_of(&settings(flags)?)?).await
        }
        Some(("version", _)) => process::print(&format!("kecs {}\n", env!("CARGO_PKG_VERSION"))),
        // The parser refuses anything else.
        Some(_) | None => Ok(()),
    }
}

fn settings(flags: &ArgMatches) -> Result<Settings> {
    let variable = |name: &str| std::env::var(name).ok();
    let file = flags.try_get_one::<String>("config").ok().flatten().cloned();
    let file = file.or_else(|| variable("KECS_CONFIG").filter(|path| !path.is_empty()));
    Ok(Settings::resolve(
        flags,
        variable,
        file.as_deref().map(Path::new),
    )?)
}
