//! What is seen of a sandbox.

use std::time::Duration;

use anyhow::Result;
use capt_picture::{NodeKey, NodeKind, Picture, advise, missing};
use capt_runtime::Clock;
use capt_sandbox::Sandbox;
use capt_sandbox::watch::{Change, Goal, Verdict, changes};
use futures::StreamExt as _;

use tokio::time::Instant;

use super::result::Readiness;
use super::screen::Screen;
use super::signals::{Asked, Signals};

/// How often a terminal is drawn anew while nothing changes.
const REDRAW: Duration = Duration::from_millis(500);

/// How long something that nobody makes may be missing: whoever applies manifests may not be through yet.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the view has ended.
pub(super) enum End {
    /// Everything that was applied is ready.
    Ready,
    /// Somebody has to do something about these.
    Stuck(Vec<NodeKey>),
    /// Somebody has to do this: nothing has failed, but what is waited for does not come by itself.
    Helpless(Vec<String>),
    /// A signal has asked for it.
    Asked(Asked),
}

/// What is seen, and when it became ready.
pub(super) struct View {
    pub(super) screen: Screen,
    pub(super) picture: Picture,
    pub(super) ready: Readiness,
    pub(super) start: Instant,
    /// Since when somebody has to do something.
    helpless: Option<Instant>,
}

impl View {
    pub(super) fn new(screen: Screen, start: Instant) -> Self {
        Self {
            screen,
            picture: Picture::default(),
            ready: Readiness::default(),
            start,
            helpless: None,
        }
    }

    /// Shows what happens until it ends.
    pub(super) async fn follow(
        &mut self,
        sandbox: &Sandbox,
        goal: &Goal,
        until_ready: bool,
        signals: &mut Signals,
    ) -> Result<End> {
        let mut feed = changes(sandbox.client());
        let mut unsynced = NodeKind::WITH_STATE.to_vec();
        let mut redraw = tokio::time::interval(REDRAW);
        loop {
            tokio::select! {
                biased;
                asked = signals.next() => return Ok(End::Asked(asked)),
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
                _ = redraw.tick() => {
                    self.screen.redraw(&self.picture, self.start.elapsed());
                    if until_ready && unsynced.is_empty() && let Some(steps) = self.helpless(goal) {
                        return Ok(End::Helpless(steps));
                    }
                }
            }
        }
    }

    /// What somebody has to do, once that has been the same for a while.
    fn helpless(&mut self, goal: &Goal) -> Option<Vec<String>> {
        let now = Clock::system().now();
        // What only takes long may still end well.
        let is_late = self.picture.nodes().any(|node| node.overdue);
        let steps: Vec<String> = goal
            .under_way(&self.picture)
            .filter(|_| !is_late)
            .flat_map(|key| match key.kind {
                NodeKind::Cluster => {
                    let advice = advise(&self.picture, key, "capt", now);
                    if advice.needed { advice.steps } else { Vec::new() }
                }
                NodeKind::Infrastructure
                | NodeKind::ControlPlane
                | NodeKind::Apply
                | NodeKind::Workspace
                | NodeKind::Template
                | NodeKind::Secret => missing(&self.picture, key, now),
            })
            .map(|step| step.to_string())
            .collect();
        if steps.is_empty() {
            self.helpless = None;
            return None;
        }
        let since = self.helpless.get_or_insert_with(Instant::now);
        (since.elapsed() >= PATIENCE).then_some(steps)
    }

    fn take(&mut self, change: &Change, goal: &Goal, elapsed: Duration) {
        match change {
            Change::Set(node) => {
                self.picture.set((**node).clone());
            }
            Change::Gone(key) => {
                self.picture.remove(key);
            }
            Change::Synced(_) | Change::Lost(..) => {}
        }
        self.ready.note(&self.picture, goal, elapsed);
    }
}
