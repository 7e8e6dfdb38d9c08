//! The simulated tasks of a server, each on a task of the runtime.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use clock::Clock;
use kecs_core::plane::{DataPlane, Execute, Order, PlaneFault, Reports};
use kecs_model::types::Session;
use tokio::sync::{Notify, OnceCell};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::{Durations, Run};

/// A data plane on which every task is simulated.
pub struct SimulatedPlane {
    durations: Durations,
    /// At most so many tasks at a time; `None`: any number.
    capacity: Option<usize>,
    clock: Clock,
    reports: OnceCell<Arc<dyn Reports>>,
    running: Arc<Mutex<Running>>,
}

#[derive(Default)]
struct Running {
    stops: BTreeMap<String, Arc<Notify>>,
    lives: JoinSet<()>,
}

impl SimulatedPlane {
    /// A data plane without tasks.
    pub fn new(durations: Durations, capacity: Option<usize>, clock: Clock) -> Self {
        Self {
            durations,
            capacity,
            clock,
            reports: OnceCell::new(),
            running: Arc::default(),
        }
    }

    fn begin(&self, order: Order, reports: Arc<dyn Reports>) {
        let arn = order.task.task_arn.clone().unwrap_or_default();
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if running.stops.contains_key(&arn) {
            return;
        }
        let stop = Arc::new(Notify::new());
        if order.task.desired_status.as_deref() == Some("STOPPED") {
            stop.notify_one();
        }
        running.stops.insert(arn.clone(), stop.clone());
        // Those that are over need not be kept.
        while running.lives.try_join_next().is_some() {}
        // In a box: it is part of what waits, wherever that is moved.
        let run = Box::new(Run::new(order, self.durations, self.clock.now()));
        let (clock, all) = (self.clock.clone(), self.running.clone());
        running.lives.spawn(async move {
            live(run, &clock, &stop, &*reports).await;
            let mut running = all.lock().unwrap_or_else(PoisonError::into_inner);
            running.stops.remove(&arn);
        });
    }
}

/// Lets a task live to its end. The time of day says where its life stands when it is begun or asked to stop; from there
/// it goes on by itself, so that a clock that is set back holds nothing up.
async fn live(mut run: Box<Run>, clock: &Clock, stop: &Notify, reports: &dyn Reports) {
    let mut stands = (clock.now().max(run.began()), Instant::now());
    while !run.is_over() {
        let wait = run.next().map(|at| {
            // What was to happen while nobody looked happens now.
            let left = Duration::try_from(at.duration_since(stands.0)).unwrap_or_default();
            left.saturating_sub(stands.1.elapsed())
        });
        let due = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        let report = tokio::select! {
            biased;
            () = stop.notified() => {
                let stopped = run.stop(clock.now());
                if let Some(report) = &stopped {
                    stands = (report.at, Instant::now());
                }
                stopped
            }
            () = due => run.advance(),
        };
        if let Some(report) = report {
            reports.report(report).await;
        }
    }
}

#[async_trait]
impl DataPlane for SimulatedPlane {
    async fn attach(&self, reports: Arc<dyn Reports>, live: Vec<Order>) {
        if self.reports.set(reports.clone()).is_err() {
            tracing::warn!("the simulated data plane is attached already");
            return;
        }
        for order in live {
            self.begin(order, reports.clone());
        }
    }

    async fn run(&self, order: Order) -> Result<(), PlaneFault> {
        let Some(reports) = self.reports.get() else {
            return Err(PlaneFault::Unreachable("nobody is attached to it".to_owned()));
        };
        let full = {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            self.capacity
                .is_some_and(|capacity| running.stops.len() >= capacity)
        };
        if full {
            return Err(PlaneFault::NoRoom("RESOURCE:MEMORY".to_owned()));
        }
        self.begin(order, reports.clone());
        Ok(())
    }

    async fn stop(&self, task_arn: &str) -> Result<(), PlaneFault> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match running.stops.get(task_arn) {
            Some(stop) => {
                stop.notify_one();
                Ok(())
            }
            None => Err(PlaneFault::NotRunning(task_arn.to_owned())),
        }
    }

    async fn execute(&self, request: Execute) -> Result<Session, PlaneFault> {
        Err(PlaneFault::Unsupported(format!(
            "the containers of {} are simulated, and nothing can be run in them",
            request.task_arn
        )))
    }
}
