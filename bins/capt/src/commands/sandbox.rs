//! `capt sandbox`: CAPT at work, in this process.
//!
//! # Streams
//!
//! With `--until-ready` what happens goes to standard output, and a table of the results at its end. Without
//! it, standard output gets the path of the kubeconfig and nothing else, so that a script can read it; what
//! happens goes to standard error. Either is a tree on a terminal and one line for each change elsewhere.

mod result;
pub(super) mod screen;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use capt_operator::{Chosen, Fallback, choose, init_logs, stop_signal};
use capt_runtime::Clock;
use capt_sandbox::manifests::{self, Manifest};
use capt_picture::{NodeKind, Picture};
use capt_sandbox::watch::{Change, Goal, Verdict, changes};
use capt_sandbox::{Options, Sandbox, demo};
use futures::StreamExt as _;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::cli::SandboxArgs;
use crate::output;
use result::Readiness;
use screen::{Screen, Stream};

/// What is logged unless somebody says otherwise: the view says what goes wrong.
const LOG_FILTER: &str = "error";

/// How long runs get to stop when the sandbox stops.
const GRACE: Duration = Duration::from_secs(20);

/// How often a terminal is drawn anew while nothing changes.
const REDRAW: Duration = Duration::from_millis(500);

/// Why the view has ended.
enum End {
    /// Everything that was applied is ready.
    Ready,
    /// Somebody has to do something.
    Stuck(Vec<capt_picture::NodeKey>),
    /// The process was asked to stop.
    Stopped,
}

/// Runs a sandbox.
pub(crate) async fn run(args: SandboxArgs) -> Result<ExitCode> {
    init_logs(&args.log, LOG_FILTER)?;
    let mut stop = Box::pin(stop_signal()?);
    let start = Instant::now();
    let manifests = read(&args.files)?;

    let directory = directory()?;
    let chosen = engine(&args, directory.path()).await?;
    let kubeconfig = args
        .kubeconfig
        .clone()
        .unwrap_or_else(|| directory.path().join("kubeconfig"));
    let sandbox = Sandbox::start(Options {
        listen: args.listen,
        kubeconfig,
        engine: chosen.as_ref().map(|chosen| chosen.engine.clone()),
        allow_namespaces: args.allow_namespaces.iter().cloned().collect(),
        clock: Clock::system(),
    })
    .await?;
    introduce(&args, &sandbox, chosen.as_ref())?;
    let wanted = match sandbox.apply(manifests).await {
        Ok(wanted) => wanted,
        Err(error) => {
            sandbox.shutdown(GRACE).await;
            return Err(error.into());
        }
    };

    let goal = Goal::new(wanted);
    let mut view = View::new(
        Screen::new(if args.until_ready {
            Stream::Out
        } else {
            Stream::Err
        }),
        start,
    );
    let end = view
        .follow(&sandbox, &goal, args.until_ready, stop.as_mut())
        .await?;
    view.screen.finish()?;

    let stats = sandbox.stats();
    let mut closing = match &end {
        End::Stuck(keys) => result::stuck(&view.picture, &goal, keys),
        End::Ready | End::Stopped => String::new(),
    };
    if args.stats {
        closing.push_str(&result::stats(&stats, view.events, start.elapsed()));
    }
    output::note(&closing)?;
    if args.until_ready && !matches!(end, End::Stopped) {
        let engine = chosen.as_ref().map(title).unwrap_or_default();
        output::print(&format!(
            "{engine}{}",
            result::table(&view.picture, &goal, &view.ready)
        ))?;
    }
    let left = sandbox.shutdown(GRACE).await;
    close(directory, &left)?;
    Ok(match end {
        End::Stuck(_) => ExitCode::from(2),
        // Without --until-ready that is how it ends; with it, it has not come to its end.
        End::Stopped if args.until_ready => ExitCode::from(130),
        End::Ready | End::Stopped => ExitCode::SUCCESS,
    })
}

/// The manifests of the files, or the demo's.
fn read(files: &[String]) -> Result<Vec<Manifest>> {
    let mut all = Vec::new();
    if files.is_empty() {
        for (name, text) in demo::MANIFESTS {
            all.extend(manifests::parse(name, text)?);
        }
    }
    for file in files {
        all.extend(manifests::read(file)?);
    }
    Ok(all)
}

/// A directory for this sandbox alone, which nobody else can look into.
fn directory() -> Result<TempDir> {
    let base = std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|base| base.is_dir());
    let base = base.unwrap_or_else(std::env::temp_dir);
    let mut builder = tempfile::Builder::new();
    builder
        .prefix("capt-sandbox-")
        .permissions(Permissions::from_mode(0o700));
    let made = builder.tempdir_in(&base);
    made.with_context(|| format!("make a directory in {}", base.display()))
}

async fn engine(args: &SandboxArgs, directory: &Path) -> Result<Option<Chosen>> {
    if args.no_operator {
        return Ok(None);
    }
    let env = |name: &str| std::env::var_os(name);
    choose(&args.engine, directory, Fallback::Simulate, env)
        .await
        .map(Some)
}

fn title(chosen: &Chosen) -> String {
    match &chosen.notice {
        Some(notice) => format!("engine: {} — {notice}\n", chosen.title),
        None => format!("engine: {}\n", chosen.title),
    }
}

/// What there is to know before anything happens.
fn introduce(args: &SandboxArgs, sandbox: &Sandbox, chosen: Option<&Chosen>) -> Result<()> {
    let kubeconfig = sandbox.kubeconfig().display();
    if args.until_ready {
        return output::print(&chosen.map(title).unwrap_or_default());
    }
    output::print(&format!("{kubeconfig}\n"))?;
    let engine = chosen.map_or_else(
        || format!("no operator: start one with capt-operator --kubeconfig {kubeconfig}\n"),
        title,
    );
    output::note(&format!(
        "{engine}API server: https://{}, for kubectl: export KUBECONFIG={kubeconfig}\nCtrl-C ends the sandbox.\n",
        sandbox.address()
    ))
}

/// Removes the directory, unless something still works in it.
fn close(directory: TempDir, left: &[String]) -> Result<()> {
    if left.is_empty() {
        return directory.close().context("remove the sandbox's directory");
    }
    let path = directory.keep();
    output::note(&format!(
        "left running, because it did not stop in time: the Terraform processes of {}; they work below {}\n",
        left.join(", "),
        path.display()
    ))
}

/// What is seen of a sandbox.
struct View {
    screen: Screen,
    picture: Picture,
    ready: Readiness,
    events: u64,
    start: Instant,
}

impl View {
    fn new(screen: Screen, start: Instant) -> Self {
        Self {
            screen,
            picture: Picture::default(),
            ready: Readiness::default(),
            events: 0,
            start,
        }
    }

    /// Shows what happens until it ends.
    async fn follow(
        &mut self,
        sandbox: &Sandbox,
        goal: &Goal,
        until_ready: bool,
        mut stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<End> {
        let mut feed = changes(sandbox.client());
        let mut unsynced = NodeKind::WITH_STATE.to_vec();
        let mut redraw = tokio::time::interval(REDRAW);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return Ok(End::Stopped),
                Some(change) = feed.next() => {
                    let elapsed = self.start.elapsed();
                    self.take(&change, goal, elapsed);
                    self.screen.show(&change, &self.picture, elapsed)?;
                    if let Change::Synced(kind) = change {
                        unsynced.retain(|it| *it != kind);
                    }
                    if until_ready && unsynced.is_empty() {
                        match goal.verdict(&self.picture) {
                            Verdict::Waiting => {}
                            Verdict::Reached => return Ok(End::Ready),
                            Verdict::Stuck(keys) => return Ok(End::Stuck(keys)),
                        }
                    }
                }
                _ = redraw.tick() => self.screen.redraw(&self.picture, self.start.elapsed()),
            }
        }
    }

    fn take(&mut self, change: &Change, goal: &Goal, elapsed: Duration) {
        match change {
            Change::Set(node) => {
                self.events += 1;
                self.picture.set((**node).clone());
            }
            Change::Gone(key) => {
                self.events += 1;
                self.picture.remove(key);
            }
            Change::Synced(_) | Change::Lost(..) => {}
        }
        self.ready.note(&self.picture, goal, elapsed);
    }
}
