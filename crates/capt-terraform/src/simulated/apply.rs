//! A simulated apply: resources in the order of their dependencies, as many at once as Terraform would.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use capt_core::fault::Fault;
use tokio::sync::watch;
use tokio::time::Instant;

use super::cloud::{Heard, Made, SavedPlan, SimulatedCloud, state_key};
use super::engine::{counted, interrupted, resource};
use super::eval::Instance;
use crate::diagnostics;
use crate::engine::{Failure, Step};
use crate::run::{Changes, Operation, RunSpec};
use crate::stream::{Action, ChangeSummary, Diagnostic, Event, Severity};

/// Terraform's default `-parallelism`.
const PARALLELISM: usize = 10;

/// How often Terraform says that an operation goes on.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// One operation on one resource. A replacement is two: its deletion, then its creation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Task {
    address: String,
    /// False for the creation of a replacement and all that makes something.
    deletes: bool,
}

struct Running {
    began: Instant,
    ends: Instant,
    /// When it is next said that it goes on.
    next: Instant,
}

pub(super) struct Apply {
    cloud: SimulatedCloud,
    spec: Arc<RunSpec>,
    plan: SavedPlan,
    /// The lock of the state, which goes with the verdict.
    lock: String,
    resource_time: Duration,
    actions: BTreeMap<String, Action>,
    /// For each task that has not begun, what must be done before.
    waiting: BTreeMap<Task, BTreeSet<Task>>,
    running: BTreeMap<Task, Running>,
    faults: Vec<Fault>,
    changes: Changes,
}

impl Apply {
    pub(super) fn new(
        cloud: SimulatedCloud,
        spec: Arc<RunSpec>,
        plan: SavedPlan,
        lock: String,
        resource_time: Duration,
    ) -> Self {
        let actions = plan
            .changes
            .iter()
            .map(|change| (change.address.clone(), change.action))
            .collect();
        let mut apply = Self {
            cloud,
            spec,
            plan,
            lock,
            resource_time,
            actions,
            waiting: BTreeMap::new(),
            running: BTreeMap::new(),
            faults: Vec::new(),
            changes: Changes::default(),
        };
        apply.waiting = apply.tasks();
        apply
    }

    fn tasks(&self) -> BTreeMap<Task, BTreeSet<Task>> {
        let mut tasks = BTreeMap::new();
        for (address, action) in &self.actions {
            let both = match action {
                Action::Create | Action::Update => [Some(false), None],
                Action::Delete => [Some(true), None],
                Action::Replace => [Some(true), Some(false)],
                Action::Read | Action::None => [None, None],
            };
            for deletes in both.into_iter().flatten() {
                tasks.insert(
                    Task {
                        address: address.clone(),
                        deletes,
                    },
                    BTreeSet::new(),
                );
            }
        }
        let names: Vec<Task> = tasks.keys().cloned().collect();
        let made = self.made();
        for (task, after) in &mut tasks {
            let before = |other: &&Task| match (task.deletes, other.deletes) {
                // What depends on it goes first.
                (true, true) => made
                    .get(&other.address)
                    .is_some_and(|made| made.instance.after.contains(&task.address)),
                (false, false) => self
                    .plan
                    .wanted
                    .get(&task.address)
                    .is_some_and(|it| it.after.contains(&other.address)),
                (false, true) => task.address == other.address,
                (true, false) => false,
            };
            *after = names.iter().filter(before).cloned().collect();
        }
        tasks
    }

    fn made(&self) -> BTreeMap<String, Made> {
        let world = self.cloud.world();
        world
            .states
            .get(&state_key(&self.spec))
            .map(|state| state.resources.clone())
            .unwrap_or_default()
    }

    /// Runs to the end, saying everything on `say`.
    pub(super) async fn run(mut self, say: watch::Sender<Heard>, mut interrupt: watch::Receiver<bool>) {
        self.check_label();
        let mut stopped = false;
        loop {
            self.begin(&say);
            let Some(wake) = self
                .running
                .values()
                .map(|running| running.ends.min(running.next))
                .min()
            else {
                break;
            };
            tokio::select! {
                biased;
                () = asked(&mut interrupt) => {
                    stopped = true;
                    self.stop(&say);
                    break;
                }
                () = tokio::time::sleep_until(wake) => {}
            }
            self.advance(&say, Instant::now());
        }
        self.finish(&say, stopped);
    }

    /// A failure that is planned for the whole workspace keeps everything from beginning.
    fn check_label(&mut self) {
        let scripted = self
            .cloud
            .world()
            .script
            .take_failure(&[&self.spec.label], Step::Apply);
        if let Some(scripted) = scripted {
            self.faults.push(scripted.fault(""));
            self.waiting.clear();
        }
    }

    fn begin(&mut self, say: &watch::Sender<Heard>) {
        let now = Instant::now();
        while self.running.len() < PARALLELISM {
            let free = self
                .waiting
                .iter()
                .find(|(_, after)| after.is_empty())
                .map(|(task, _)| task.clone());
            let Some(task) = free else { break };
            self.waiting.remove(&task);
            let ends = now + self.duration(&task);
            let event = Event::Started {
                resource: self.resource(&task),
                action: self.action(&task),
            };
            speak(say, event);
            self.running.insert(
                task,
                Running {
                    began: now,
                    ends,
                    next: now + PROGRESS_EVERY,
                },
            );
        }
    }

    fn instance(&self, task: &Task) -> Option<Instance> {
        let wanted = self.plan.wanted.get(&task.address).cloned();
        wanted.or_else(|| self.made().remove(&task.address).map(|made| made.instance))
    }

    fn duration(&self, task: &Task) -> Duration {
        let qualified = format!("{}/{}", self.spec.label, task.address);
        let scripted = self.cloud.world().script.delay_of(&[&qualified, &task.address]);
        let sleep = self
            .instance(task)
            .and_then(|instance| instance.sleep)
            .filter(|_| !task.deletes);
        scripted.or(sleep).unwrap_or(self.resource_time)
    }

    fn resource(&self, task: &Task) -> crate::stream::Resource {
        let kind = self
            .instance(task)
            .map(|instance| instance.kind)
            .unwrap_or_default();
        resource(&task.address, &kind)
    }

    fn action(&self, task: &Task) -> Action {
        match (task.deletes, self.actions.get(&task.address)) {
            (true, _) => Action::Delete,
            (false, Some(Action::Update)) => Action::Update,
            (false, _) => Action::Create,
        }
    }

    fn advance(&mut self, say: &watch::Sender<Heard>, now: Instant) {
        let due: Vec<Task> = self
            .running
            .iter()
            .filter(|(_, running)| running.ends.min(running.next) <= now)
            .map(|(task, _)| task.clone())
            .collect();
        for task in due {
            let Some(running) = self.running.get_mut(&task) else {
                continue;
            };
            let elapsed = now.duration_since(running.began).as_secs();
            if running.ends > now {
                running.next += PROGRESS_EVERY;
                speak(
                    say,
                    Event::Progressed {
                        resource: self.resource(&task),
                        elapsed,
                    },
                );
                continue;
            }
            self.running.remove(&task);
            let event_resource = self.resource(&task);
            match self.outcome(&task) {
                Ok(()) => {
                    self.record(&task, false);
                    for after in self.waiting.values_mut() {
                        after.remove(&task);
                    }
                    speak(
                        say,
                        Event::Completed {
                            resource: event_resource,
                            elapsed,
                        },
                    );
                }
                Err(Broken { fault, tainted }) => {
                    if tainted {
                        self.record(&task, true);
                    }
                    speak(
                        say,
                        Event::Errored {
                            resource: event_resource,
                        },
                    );
                    self.faults.push(*fault);
                }
            }
        }
    }

    fn outcome(&self, task: &Task) -> Result<(), Broken> {
        let qualified = format!("{}/{}", self.spec.label, task.address);
        let scripted = self
            .cloud
            .world()
            .script
            .take_failure(&[&qualified, &task.address], Step::Apply);
        if let Some(scripted) = scripted {
            return Err(Broken {
                fault: Box::new(scripted.fault(&task.address)),
                tainted: false,
            });
        }
        match self
            .instance(task)
            .and_then(|instance| instance.exit)
            .filter(|_| !task.deletes)
        {
            Some(code) => {
                let diagnostic = Diagnostic {
                    severity: Severity::Error,
                    summary: "local-exec provisioner error".into(),
                    detail: format!("Error running command '(redacted)': exit status {code}."),
                    address: Some(task.address.clone()),
                    range: None,
                    block: None,
                };
                Err(Broken {
                    fault: Box::new(diagnostics::fault(&diagnostic, Some(Step::Apply))),
                    tainted: true,
                })
            }
            None => Ok(()),
        }
    }

    /// Writes what has happened into the state.
    fn record(&mut self, task: &Task, tainted: bool) {
        let action = self.action(task);
        let mut world = self.cloud.world();
        let state = world.states.entry(state_key(&self.spec)).or_default();
        state.serial += 1;
        if task.deletes {
            state.resources.remove(&task.address);
        } else if let Some(instance) = self.plan.wanted.get(&task.address) {
            state.resources.insert(
                task.address.clone(),
                Made {
                    instance: instance.clone(),
                    tainted,
                },
            );
        }
        if !tainted {
            let counted = counted(action);
            self.changes.add += counted.add;
            self.changes.change += counted.change;
            self.changes.remove += counted.remove;
        }
        drop(world);
        self.cloud.changed();
    }

    /// What runs is broken off and tainted; nothing else begins.
    fn stop(&mut self, say: &watch::Sender<Heard>) {
        speak(say, Event::Interrupted);
        for task in std::mem::take(&mut self.running).into_keys() {
            let event = Event::Errored {
                resource: self.resource(&task),
            };
            if !task.deletes && self.action(&task) == Action::Create {
                self.record(&task, true);
            }
            speak(say, event);
        }
        self.faults.insert(0, interrupted());
    }

    fn finish(mut self, say: &watch::Sender<Heard>, stopped: bool) {
        let verdict = if self.faults.is_empty() && !stopped {
            let mut world = self.cloud.world();
            let state = world.states.entry(state_key(&self.spec)).or_default();
            state.serial += 1;
            state.outputs = std::mem::take(&mut self.plan.outputs);
            // The rest of what was planned describes what exists, changed or not.
            for (address, made) in &mut state.resources {
                if let Some(instance) = self.plan.wanted.get(address) {
                    made.instance = instance.clone();
                }
            }
            drop(world);
            self.cloud.changed();
            let operation = match self.spec.operation {
                Operation::Apply => "apply",
                Operation::Destroy => "destroy",
            };
            let Changes { add, change, remove } = self.changes;
            speak(
                say,
                Event::Summary(ChangeSummary {
                    add,
                    change,
                    remove,
                    operation: operation.into(),
                }),
            );
            Ok(self.changes)
        } else {
            Err(Failure { faults: self.faults })
        };
        self.cloud.world().unlock_state(&self.spec, &self.lock);
        say.send_modify(|heard| heard.verdict = Some(verdict));
    }
}

struct Broken {
    fault: Box<Fault>,
    tainted: bool,
}

/// Waits until the process is asked to stop; without anybody left who could ask, it runs on to its end.
async fn asked(interrupt: &mut watch::Receiver<bool>) {
    if interrupt.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn speak(say: &watch::Sender<Heard>, event: Event) {
    say.send_modify(|heard| heard.events.push(event));
}
