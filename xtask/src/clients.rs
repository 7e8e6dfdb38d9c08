//! `cargo xtask clients`: clients that others wrote, against KECS.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use crate::repository::{Repository, cargo};

/// The folder of the suite in Python.
const SUITE: &str = "tests/clients/python";
/// The access keys of the server that verifies signatures.
const KEYS: &str = "tests/clients/keys.json";
/// How long a server may take until it says where it answers.
const START: Duration = Duration::from_secs(30);
/// How long the histories of a soak are, in seconds.
const SOAK: &str = "60";

/// What of the clients is run.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Arguments {
    /// Only the histories of 64 clients, for a minute.
    #[arg(long)]
    soak: bool,
}

/// How the clients in Python ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All of them passed.
    Passed,
    /// They could not be run, for this.
    NotRun(String),
}

/// Runs the clients, and says what was not run.
pub(crate) fn run(repository: &Repository, arguments: Arguments) -> Result<()> {
    if arguments.soak {
        return rust(repository, &["--test", "history"], Some(("KECS_SOAK", SOAK)));
    }
    let python = python(repository)?;
    rust(repository, &[], None)?;
    if let Outcome::NotRun(why) = python {
        println!("not run: {why}");
    }
    Ok(())
}

fn rust(repository: &Repository, arguments: &[&str], variable: Option<(&str, &str)>) -> Result<()> {
    let mut command = Command::new(cargo());
    command.args(["test", "--quiet", "-p", "clients"]).args(arguments);
    command.current_dir(repository.root()).envs(variable);
    let status = command.status().context("run the clients in Rust")?;
    ensure!(status.success(), "clients in Rust failed");
    Ok(())
}

/// boto3, the samples of botocore and the AWS CLI against two servers: one that verifies signatures, and an open one.
pub(crate) fn python(repository: &Repository) -> Result<Outcome> {
    let venv = match venv(repository, &format!("{SUITE}/requirements.txt"))? {
        Ok(venv) => venv,
        Err(why) => return Ok(Outcome::NotRun(why)),
    };
    let program = build(repository)?;
    let signed = Server::start(repository, &program, true)?;
    let open = Server::start(repository, &program, false)?;
    let suite = repository.root().join(SUITE);
    let mut modules: Vec<String> = fs::read_dir(&suite)
        .context("read the suite in Python")?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(".py")?.to_owned()))
        .filter(|name| name.starts_with("test_"))
        .collect();
    modules.sort();
    ensure!(!modules.is_empty(), "{SUITE} has no tests");
    // Side by side: most of their time they wait for tasks.
    let started: Vec<(String, Child)> = modules
        .into_iter()
        .map(|module| {
            let child = Command::new(venv.join("bin/python"))
                .args(["-m", "unittest", &module])
                .current_dir(&suite)
                .env("PYTHONDONTWRITEBYTECODE", "1")
                .env("KECS_ENDPOINT", &signed.endpoint)
                .env("KECS_OPEN_ENDPOINT", &open.endpoint)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .with_context(|| format!("start {module}"))?;
            Ok((module, child))
        })
        .collect::<Result<_>>()?;
    let mut failed = Vec::new();
    for (module, child) in started {
        let output = child
            .wait_with_output()
            .with_context(|| format!("wait for {module}"))?;
        let told = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            let ran = told
                .lines()
                .find(|line| line.starts_with("Ran "))
                .unwrap_or_default();
            println!("{module}: {ran}");
        } else {
            println!(
                "{module}: FAILED\n{told}{}",
                String::from_utf8_lossy(&output.stdout)
            );
            failed.push(module);
        }
    }
    ensure!(
        failed.is_empty(),
        "clients in Python failed: {}",
        failed.join(", ")
    );
    Ok(Outcome::Passed)
}

/// A virtual environment with what a file of requirements names; or why there is none. It is made once for each
/// content of the file.
pub(crate) fn venv(
    repository: &Repository,
    requirements: &str,
) -> Result<std::result::Result<PathBuf, String>> {
    let text = repository.read(requirements)?;
    let name: String = text
        .split_whitespace()
        .map(|line| line.replace(|it: char| !it.is_ascii_alphanumeric() && it != '.', "-"))
        .collect::<Vec<_>>()
        .join("_");
    let venv = target(repository)?.join("clients").join(name);
    let done = venv.join("done");
    if done.is_file() {
        return Ok(Ok(venv));
    }
    if repository
        .output("python3", &["-c", "import venv, ensurepip"])
        .is_err()
    {
        return absent("python3 with venv and pip is not installed");
    }
    // What an installation that broke off has left.
    if venv.exists() {
        fs::remove_dir_all(&venv).context("remove a half-made virtual environment")?;
    }
    let path = venv.to_str().context("the path of the virtual environment")?;
    repository.output("python3", &["-m", "venv", path])?;
    let pip = venv.join("bin/pip");
    let pip = pip.to_str().context("the path of pip")?;
    let install = [
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        requirements,
    ];
    if let Err(error) = repository.output(pip, &install) {
        eprintln!("{error:#}");
        return absent("pip cannot install the clients");
    }
    fs::write(&done, "").context("mark the virtual environment as whole")?;
    Ok(Ok(venv))
}

/// That something is absent: an error where `CAPT_REQUIRE` names it.
fn absent(why: &str) -> Result<std::result::Result<PathBuf, String>> {
    let required = std::env::var("CAPT_REQUIRE").unwrap_or_default();
    let names = ["python3", "pip"];
    if required.split(',').any(|it| names.contains(&it.trim())) {
        bail!("{why}, and CAPT_REQUIRE names it");
    }
    Ok(Err(why.to_owned()))
}

/// Where cargo builds.
fn target(repository: &Repository) -> Result<PathBuf> {
    #[derive(Deserialize)]
    struct Metadata {
        target_directory: PathBuf,
    }
    let text = repository.output(&cargo(), &["metadata", "--no-deps", "--format-version", "1"])?;
    let metadata: Metadata = serde_json::from_str(&text).context("read what cargo metadata prints")?;
    Ok(metadata.target_directory)
}

fn build(repository: &Repository) -> Result<PathBuf> {
    let status = Command::new(cargo())
        .args(["build", "--quiet", "-p", "kecs"])
        .current_dir(repository.root())
        .status()
        .context("build the server")?;
    ensure!(status.success(), "the server does not build");
    Ok(target(repository)?.join("debug/kecs"))
}

/// A server that keeps its records in a file. It is killed, and its files are gone, when nobody needs it any more.
struct Server {
    child: Child,
    data: PathBuf,
    endpoint: String,
}

impl Server {
    fn start(repository: &Repository, program: &Path, signed: bool) -> Result<Self> {
        let name = if signed { "signed" } else { "open" };
        let data = std::env::temp_dir().join(format!("kecs-clients-{}-{name}", std::process::id()));
        fs::create_dir(&data).context("make a folder for the records")?;
        let log = fs::File::create(data.join("log")).context("make the log")?;
        let mut command = Command::new(program);
        command
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "none",
                "--log",
                "warn",
                "--data-dir",
            ])
            .arg(data.join("records"));
        // A fifth of the times that tasks take by themselves.
        for (part, time) in [
            ("provisioning", "40ms"),
            ("pulling", "80ms"),
            ("activating", "20ms"),
            ("deactivating", "20ms"),
            ("stopping", "40ms"),
            ("deprovisioning", "40ms"),
        ] {
            command.args([format!("--simulated-{part}"), time.to_owned()]);
        }
        if signed {
            command.arg("--keys").arg(repository.root().join(KEYS));
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn();
        let mut server = Self {
            child: child.context("start the server")?,
            data,
            endpoint: String::new(),
        };
        let stdout = server.child.stdout.take().context("what the server says")?;
        let (said, lines) = channel();
        std::thread::spawn(move || {
            // Read to the end: a server whose output nobody reads would wait for that.
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = said.send(line);
            }
        });
        let line = lines.recv_timeout(START).unwrap_or_default();
        let Some(at) = line.find("http://") else {
            let log = fs::read_to_string(server.data.join("log")).unwrap_or_default();
            bail!("the server does not say where it answers: {line}\n{log}");
        };
        line[at..].trim().clone_into(&mut server.endpoint);
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be over already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}
