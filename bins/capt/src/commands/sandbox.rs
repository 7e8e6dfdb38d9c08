//! `capt sandbox`: CAPT at work, in this process.
//!
//! # Streams
//!
//! With `--until-ready` what happens goes to standard output, and a table of the results at its end. Without
//! it, standard output gets the path of the kubeconfig and nothing else, so that a script can read it; what
//! happens goes to standard error. Either is a tree on a terminal and one line for each change elsewhere.
//!
//! # Exit codes
//!
//! 0 if all is ready, 1 if something failed or needs a person, 128 and the signal's number if a signal ended it:
//! 130 for Ctrl-C.

mod farewell;
mod place;
mod result;
pub(super) mod screen;
mod signals;
mod view;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, bail};
use capt_operator::{Chosen, Fallback, choose, init_logs};
use capt_runtime::Clock;
use capt_sandbox::manifests::{self, Inputs, Manifest, Problem, Source};
use capt_sandbox::watch::Goal;
use capt_sandbox::{NAMESPACE, Options, Sandbox, demo};
use tokio::time::Instant;

use crate::cli::SandboxArgs;
use crate::output;
use farewell::Farewell;
use place::Place;
use screen::{Screen, Stream};
use signals::Signals;
use view::{End, View};

/// What is logged unless somebody says otherwise: the view says what goes wrong.
const LOG_FILTER: &str = "error";

/// How long runs get to stop when the sandbox stops.
const GRACE: Duration = Duration::from_secs(20);

/// Runs a sandbox.
pub(crate) async fn run(args: SandboxArgs) -> Result<ExitCode> {
    if args.template {
        output::print(demo::STARTER)?;
        return Ok(ExitCode::SUCCESS);
    }
    init_logs(&args.log, LOG_FILTER)?;
    let start = Instant::now();
    let inputs = Inputs {
        files: args.files.clone(),
        recursive: args.recursive,
        kustomizations: args.kustomize.clone(),
    };
    let read = (!inputs.is_empty()).then(|| manifests::read(&inputs));
    let mut signals = Signals::listen()?;

    let mut place = Place::take(args.data_dir.as_deref())?;
    // What was started before goes on with what it has.
    let (manifests, problems) = match read {
        Some(read) => read,
        None if place.has_begun() => (Vec::new(), Vec::new()),
        None => demo_manifests(),
    };
    let chosen = engine(&args, &place).await?;
    let kubeconfig = args.kubeconfig.clone().unwrap_or_else(|| place.kubeconfig());
    let mut sandbox = Sandbox::start(Options {
        listen: args.listen,
        kubeconfig,
        data: place.take_data(),
        engine: chosen.as_ref().map(|chosen| chosen.engine.clone()),
        allow_namespaces: args.allow_namespaces.iter().cloned().collect(),
        clock: Clock::system(),
    })
    .await?;
    let wanted = match apply(&mut sandbox, &args, manifests, problems, chosen.as_ref()).await {
        Ok(wanted) => wanted,
        Err(error) => {
            sandbox.shutdown(GRACE).await;
            place.close()?;
            return Err(error);
        }
    };

    let stream = if args.until_ready {
        Stream::Out
    } else {
        Stream::Err
    };
    let mut view = View::new(Screen::new(stream), start);
    let end = view
        .follow(&sandbox, &wanted, args.until_ready, &mut signals)
        .await?;
    view.screen.finish()?;
    tell(&args, &sandbox, &view, &wanted, &end, chosen.as_ref())?;
    let work = args.engine.work_dir.clone().unwrap_or_else(|| place.work());
    let farewell = Farewell::new(&place, work, chosen.as_ref().map(|chosen| chosen.title.as_str()));
    let stopped = stop(sandbox, &mut signals, &end, farewell).await?;
    if stopped.is_running() {
        place.keep();
    } else {
        place.close()?;
    }
    Ok(match end {
        End::Ready => ExitCode::SUCCESS,
        End::Stuck(_) | End::Helpless(_) => ExitCode::FAILURE,
        End::Asked(signal) => signal.exit_code(),
    })
}

/// Stops the sandbox and says what is left; a second signal ends the process at once.
async fn stop(
    sandbox: Sandbox,
    signals: &mut Signals,
    end: &End,
    farewell: Farewell,
) -> Result<farewell::Stopped> {
    let before = sandbox.left().await;
    if matches!(end, End::Asked(_)) {
        farewell.begin(&before);
    }
    let left = tokio::select! {
        biased;
        signal = signals.next() => {
            farewell.abandon(&before);
            // Whoever asks twice does not want to wait for anything, the runtime's own tasks included.
            std::process::exit(signal.code())
        }
        mut left = sandbox.shutdown(GRACE) => {
            // A run that was broken off has made a part of what it was to make.
            left.made.extend(before.made);
            left.made.sort();
            left.made.dedup();
            left
        }
    };
    Ok(match end {
        End::Asked(_) | End::Stuck(_) | End::Helpless(_) => farewell.end(&left),
        End::Ready => farewell.end_quietly(&left),
    })
}

/// Checks everything and applies it; says where the sandbox is in between. Returns what can become ready.
async fn apply(
    sandbox: &mut Sandbox,
    args: &SandboxArgs,
    manifests: Vec<Manifest>,
    problems: Vec<Problem>,
    chosen: Option<&Chosen>,
) -> Result<Goal> {
    manifests::check(sandbox.server(), &manifests, NAMESPACE, problems).await?;
    introduce(args, sandbox, chosen)?;
    if manifests.is_empty() {
        let present = sandbox.present().await?;
        if args.until_ready && present.is_empty() {
            bail!("there is nothing that could become ready: name manifests with -f");
        }
        return Ok(Goal::new(present));
    }
    let wanted = manifests::apply(sandbox.client(), manifests, NAMESPACE).await?;
    sandbox.begin()?;
    Ok(Goal::new(wanted))
}

fn demo_manifests() -> (Vec<Manifest>, Vec<Problem>) {
    let (mut all, mut problems) = (Vec::new(), Vec::new());
    for (name, text) in demo::MANIFESTS {
        let source = Source {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        manifests::parse(source, &mut all, &mut problems);
    }
    (all, problems)
}

async fn engine(args: &SandboxArgs, place: &Place) -> Result<Option<Chosen>> {
    if args.no_operator {
        return Ok(None);
    }
    let env = |name: &str| std::env::var_os(name);
    let kept = place.simulated();
    choose(
        &args.engine,
        &place.work(),
        kept.as_deref(),
        Fallback::Simulate,
        env,
    )
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
    for remark in sandbox.remarks() {
        output::note(&format!("{remark}\n"))?;
    }
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

/// What came of it.
fn tell(
    args: &SandboxArgs,
    sandbox: &Sandbox,
    view: &View,
    goal: &Goal,
    end: &End,
    chosen: Option<&Chosen>,
) -> Result<()> {
    let mut closing = match end {
        End::Stuck(keys) => result::stuck(&view.picture, goal, keys, &[]),
        End::Helpless(steps) => result::stuck(&view.picture, goal, &[], steps),
        End::Ready | End::Asked(_) => String::new(),
    };
    if args.stats {
        closing.push_str(&result::stats(&sandbox.stats(), view.start.elapsed()));
    }
    output::note(&closing)?;
    if args.until_ready && !matches!(end, End::Asked(_)) {
        let engine = chosen.map(title).unwrap_or_default();
        let table = result::table(&view.picture, goal, &view.ready);
        output::print(&format!("{engine}{table}"))?;
    }
    Ok(())
}
