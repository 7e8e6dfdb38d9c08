//! `capt watch`: what happens to clusters while it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::process::ExitCode;

use anyhow::Result;
use capt_operator::stop_signal;
use capt_picture::{NodeKey, NodeKind, Picture, advise};
use capt_runtime::Clock;
use capt_sandbox::watch::{Change, Goal, Verdict, changes_in};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::time::{Duration, Instant};

use super::sandbox::screen::{Screen, Stream};
use crate::cli::{Until, Watch, WatchArgs, Watched};
use crate::connect::Session;
use crate::gather;
use crate::output;

/// How often a terminal is drawn anew while nothing changes.
const REDRAW: Duration = Duration::from_millis(500);

/// Why the view has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// What was waited for is so.
    Reached,
    /// What was waited for cannot become so by itself, and why.
    Stuck(String),
    /// The Cluster that is watched is gone.
    Gone,
    /// The process was asked to stop.
    Stopped,
}

/// Watches a cluster, or all of them.
pub(crate) async fn run(args: &Watch, program: &str) -> Result<ExitCode> {
    let mut stop = Box::pin(stop_signal()?);
    let session = Session::new(&args.connection).await?;
    let namespace = (!args.all_namespaces).then_some(session.namespace.as_str());
    let named = args.what.as_ref().map(|what| {
        let Watched::Cluster(args) = what;
        args
    });
    // What cannot be reached at all is an error; what goes away later comes back.
    let known = gather::clusters(&session, namespace.unwrap_or_default()).await?;
    if let Some(named) = named {
        let is_there = known.contains(&named.name);
        match named.until {
            Some(Until::Deleted) if !is_there => return Ok(ExitCode::SUCCESS),
            Some(Until::Deleted | Until::Ready) | None if is_there => {}
            // Somebody is about to make it.
            Some(Until::Ready) => {
                output::note(&format!("there is no Cluster {} yet\n", named.name))?;
            }
            Some(Until::Deleted) | None => {
                gather::cluster(&session, &named.name, gather::Events::Unwanted).await?;
            }
        }
    }
    let mut view = View::new(&session, named, program);
    let feed = changes_in(&session.client, namespace);
    let end = view.follow(feed, stop.as_mut()).await?;
    view.screen.finish()?;
    match end {
        End::Gone => {
            output::note("the Cluster is gone\n")?;
            Ok(if view.goal.is_some() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            })
        }
        End::Stuck(why) => {
            output::note(&why)?;
            Ok(ExitCode::FAILURE)
        }
        // To look until one has seen enough is no failure; to be stopped before the end is.
        End::Stopped if view.until.is_some() => Ok(ExitCode::from(130)),
        End::Reached | End::Stopped => Ok(ExitCode::SUCCESS),
    }
}

/// What is seen.
struct View<'a> {
    screen: Screen,
    /// Everything that is there.
    all: Picture,
    /// The Cluster that is watched; all of them without.
    cluster: Option<NodeKey>,
    until: Option<Until>,
    goal: Option<Goal>,
    server: String,
    program: &'a str,
    start: Instant,
    unsynced: BTreeSet<NodeKind>,
    lost: BTreeMap<NodeKind, String>,
    was_there: bool,
}

impl<'a> View<'a> {
    fn new(session: &Session, named: Option<&WatchArgs>, program: &'a str) -> Self {
        let cluster = named.map(|args| NodeKey::new(NodeKind::Cluster, &*session.namespace, &*args.name));
        let until = named.and_then(|args| args.until);
        let goal = cluster.clone().filter(|_| until == Some(Until::Ready));
        Self {
            screen: Screen::new(Stream::Out),
            all: Picture::default(),
            until,
            goal: goal.map(|key| Goal::new([key])),
            cluster,
            server: session.server.to_string(),
            program,
            start: Instant::now(),
            unsynced: NodeKind::WITH_STATE.into_iter().collect(),
            lost: BTreeMap::new(),
            was_there: false,
        }
    }

    /// Shows what happens until it ends.
    async fn follow(
        &mut self,
        mut feed: BoxStream<'_, Change>,
        mut stop: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<End> {
        let mut redraw = tokio::time::interval(REDRAW);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return Ok(End::Stopped),
                Some(change) = feed.next() => {
                    self.take(&change)?;
                    if self.unsynced.is_empty() && let Some(end) = self.end() {
                        return Ok(end);
                    }
                }
                _ = redraw.tick() => self.screen.redraw(&self.shown(), self.start.elapsed()),
            }
        }
    }

    fn take(&mut self, change: &Change) -> Result<()> {
        let before = self.shown_keys();
        match change {
            Change::Set(node) => {
                self.all.set((**node).clone());
                self.found(node.key.kind)?;
            }
            Change::Gone(key) => {
                self.all.remove(key);
                self.found(key.kind)?;
            }
            Change::Synced(kind) => {
                let was_first = self.unsynced.remove(kind) && self.unsynced.is_empty();
                self.found(*kind)?;
                if was_first {
                    return self.show_all();
                }
            }
            Change::Lost(kind, reason) => return self.lost(*kind, reason),
        }
        // To begin with everything is told at once, from the top down.
        if self.unsynced.is_empty() && self.concerns(change, &before) {
            let shown = self.shown();
            self.screen.show(change, &shown, self.start.elapsed())?;
        }
        Ok(())
    }

    fn show_all(&mut self) -> Result<()> {
        let shown = self.shown();
        for branch in capt_picture::tree(&shown) {
            let change = Change::Set(Box::new(branch.node.clone()));
            self.screen.show(&change, &shown, self.start.elapsed())?;
        }
        Ok(())
    }

    /// What is shown: the Cluster that is watched with everything that makes it, or all there is.
    fn shown(&self) -> Picture {
        match &self.cluster {
            Some(key) => self.all.of_cluster(&key.namespace, &key.name),
            None => self.all.clone(),
        }
    }

    fn shown_keys(&self) -> BTreeSet<NodeKey> {
        match &self.cluster {
            Some(key) => self.all.belonging(&key.namespace, &key.name),
            None => BTreeSet::new(),
        }
    }

    /// Whether a change is of something that is shown, or was before it.
    fn concerns(&self, change: &Change, before: &BTreeSet<NodeKey>) -> bool {
        let key = match change {
            Change::Set(node) => &node.key,
            Change::Gone(key) => key,
            Change::Synced(_) | Change::Lost(..) => return false,
        };
        self.cluster.is_none() || before.contains(key) || self.shown_keys().contains(key)
    }

    /// Says once that the server is not there.
    fn lost(&mut self, kind: NodeKind, reason: &str) -> Result<()> {
        let is_first = self.lost.is_empty();
        self.lost.insert(kind, reason.to_owned());
        if is_first {
            let server = &self.server;
            output::note(&format!(
                "the connection to {server} is lost ({reason}); it is tried again until it is back\n"
            ))?;
        }
        Ok(())
    }

    /// Says once that it is back.
    fn found(&mut self, kind: NodeKind) -> Result<()> {
        if self.lost.remove(&kind).is_some() && self.lost.is_empty() {
            output::note("the connection is back\n")?;
        }
        Ok(())
    }

    fn end(&mut self) -> Option<End> {
        let key = self.cluster.clone()?;
        let is_there = self.all.get(&key).is_some();
        if !is_there && (self.was_there || self.until == Some(Until::Deleted)) {
            return Some(match self.until {
                Some(Until::Deleted) => End::Reached,
                Some(Until::Ready) | None => End::Gone,
            });
        }
        self.was_there = is_there;
        match self.goal.as_ref()?.verdict(&self.shown()) {
            Verdict::Waiting => None,
            Verdict::Reached => Some(End::Reached),
            Verdict::Stuck(_) => Some(End::Stuck(self.why(&key))),
        }
    }

    /// Why the Cluster cannot become ready by itself.
    fn why(&self, key: &NodeKey) -> String {
        let advice = advise(&self.shown(), key, self.program, Clock::system().now());
        format!(
            "{} cannot become ready by itself\n{advice}\nmore: {} describe cluster {} -n {}\n",
            key.title(),
            self.program,
            key.name,
            key.namespace
        )
    }
}
