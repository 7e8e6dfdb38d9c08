//! Effects as data: an ordered set of commands, checked before anything may execute it.
//!
//! # Guarantees
//!
//! Only a [`Plan`] in the type state [`Checked`] can be given to an interpreter. A checked plan has no two
//! steps of one name, no step that comes after an unknown one, no cycle, and its steps stand in an order in
//! which each comes after everything it depends on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use crate::fault::Fault;

/// The name of a step, unique in its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(pub &'static str);

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// One effect of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<C> {
    /// Its name.
    pub id: StepId,
    /// What to do.
    pub command: C,
    /// The steps that must be done before. If one of them fails, this step is skipped.
    pub after: Vec<StepId>,
    /// How long it may take before it counts as timed out.
    pub deadline: Duration,
}

/// Type state of a plan that is still being put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drafted {}

/// Type state of a plan that may be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {}

/// An ordered set of [`Step`]s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<C, S = Checked> {
    steps: Vec<Step<C>>,
    state: PhantomData<S>,
}

/// How long a step may take unless it says otherwise.
///
/// Every command is a handful of API calls or the start of a run; none of them waits for Terraform.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);

impl<C> Plan<C, Drafted> {
    /// A plan without steps.
    pub fn draft() -> Self {
        Self {
            steps: Vec::new(),
            state: PhantomData,
        }
    }

    /// Adds a step that depends on no other.
    #[must_use]
    pub fn step(self, id: &'static str, command: C) -> Self {
        self.step_after(id, command, &[])
    }

    /// Adds a step that starts once every step in `after` is done.
    #[must_use]
    pub fn step_after(mut self, id: &'static str, command: C, after: &[&'static str]) -> Self {
        let after = after.iter().copied().map(StepId).collect();
        self.steps.push(Step {
            id: StepId(id),
            command,
            after,
            deadline: DEFAULT_DEADLINE,
        });
        self
    }

    /// Checks the plan and puts its steps into an executable order, which is the order of adding as far as
    /// the dependencies allow it.
    pub fn check(self) -> Result<Plan<C, Checked>, PlanError> {
        let mut known = BTreeSet::new();
        for step in &self.steps {
            if !known.insert(step.id) {
                return Err(PlanError::Duplicate(step.id));
            }
        }
        for step in &self.steps {
            if let Some(missing) = step.after.iter().find(|id| !known.contains(id)) {
                return Err(PlanError::UnknownDependency {
                    step: step.id,
                    dependency: *missing,
                });
            }
        }
        let mut waiting = self.steps;
        let mut done = BTreeSet::new();
        let mut ordered = Vec::with_capacity(waiting.len());
        while !waiting.is_empty() {
            let Some(next) = waiting
                .iter()
                .position(|step| step.after.iter().all(|id| done.contains(id)))
            else {
                return Err(PlanError::Cycle(
                    waiting.into_iter().map(|step| step.id).collect(),
                ));
            };
            let step = waiting.remove(next);
            done.insert(step.id);
            ordered.push(step);
        }
        Ok(Plan {
            steps: ordered,
            state: PhantomData,
        })
    }
}

impl<C> Plan<C, Checked> {
    /// The plan that does nothing.
    pub fn empty() -> Self {
        Self {
            steps: Vec::new(),
            state: PhantomData,
        }
    }

    /// A plan of one step, which needs no check.
    pub fn single(id: &'static str, command: C) -> Self {
        Self {
            steps: vec![Step {
                id: StepId(id),
                command,
                after: Vec::new(),
                deadline: DEFAULT_DEADLINE,
            }],
            state: PhantomData,
        }
    }
}

impl<C, S> Plan<C, S> {
    /// The steps, in order.
    pub fn steps(&self) -> &[Step<C>] {
        &self.steps
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

/// Why a drafted plan cannot be executed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Two steps have one name.
    #[error("two steps are named {0}")]
    Duplicate(StepId),
    /// A step comes after one that is not in the plan.
    #[error("step {step} comes after {dependency}, which is not in the plan")]
    UnknownDependency {
        /// The step.
        step: StepId,
        /// What it names.
        dependency: StepId,
    },
    /// The steps wait for each other.
    #[error("steps wait for each other: {}", .0.iter().map(|id| id.0).collect::<Vec<_>>().join(", "))]
    Cycle(Vec<StepId>),
}

/// How one step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not started, because the named step before it was not done.
    Skipped {
        /// The step that was not done.
        because: StepId,
    },
    /// It failed.
    Failed(Fault),
    /// Its deadline passed; whether it took effect is not known.
    TimedOut,
}

/// How the steps of a plan ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a report holds the faults of the round"]
pub struct Report {
    /// One outcome per step.
    pub outcomes: BTreeMap<StepId, Outcome>,
}

impl Report {
    /// The faults of the steps that failed, in order of their names.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.outcomes.values().filter_map(|outcome| match outcome {
            Outcome::Failed(fault) => Some(fault),
            Outcome::Done | Outcome::Skipped { .. } | Outcome::TimedOut => None,
        })
    }

    /// Whether every step was done.
    pub fn is_success(&self) -> bool {
        self.outcomes.values().all(|outcome| *outcome == Outcome::Done)
    }

    /// Whether the step of this name was done.
    pub fn is_done(&self, id: &'static str) -> bool {
        self.outcomes.get(&StepId(id)) == Some(&Outcome::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::FaultClass;

    #[test]
    fn steps_run_after_what_they_depend_on() {
        let plan = Plan::draft()
            .step_after("c", 3, &["b"])
            .step_after("b", 2, &["a"])
            .step("a", 1)
            .check()
            .unwrap();
        assert_eq!(
            plan.steps().iter().map(|s| s.command).collect::<Vec<_>>(),
            [1, 2, 3]
        );
    }

    #[test]
    fn a_plan_that_cannot_work_is_refused() {
        assert_eq!(
            Plan::draft()
                .step("a", ())
                .step("a", ())
                .check()
                .unwrap_err()
                .to_string(),
            "two steps are named a"
        );
        assert_eq!(
            Plan::draft()
                .step_after("a", (), &["z"])
                .check()
                .unwrap_err()
                .to_string(),
            "step a comes after z, which is not in the plan"
        );
        assert_eq!(
            Plan::draft()
                .step_after("a", (), &["b"])
                .step_after("b", (), &["a"])
                .check()
                .unwrap_err()
                .to_string(),
            "steps wait for each other: a, b"
        );
    }

    #[test]
    fn steps_without_an_order_stay_as_they_were_added() {
        let plan = Plan::draft()
            .step("b", 1)
            .step("a", 2)
            .step("c", 3)
            .check()
            .unwrap();
        let names: Vec<&str> = plan.steps().iter().map(|step| step.id.0).collect();
        assert_eq!(names, ["b", "a", "c"]);
        assert!(!plan.is_empty());
        assert!(Plan::<(), Drafted>::draft().check().unwrap().is_empty());
        assert!(Plan::<()>::empty().is_empty());
    }

    #[test]
    fn a_plan_of_one_step_needs_no_check() {
        let single = Plan::single("a", 1);
        assert_eq!(single, Plan::draft().step("a", 1).check().unwrap());
        assert_eq!(single.steps()[0].deadline, Duration::from_secs(30));
        assert_eq!(single.steps()[0].after, []);
    }

    fn report(outcomes: impl IntoIterator<Item = (&'static str, Outcome)>) -> Report {
        let outcomes = outcomes.into_iter();
        Report {
            outcomes: outcomes.map(|(id, outcome)| (StepId(id), outcome)).collect(),
        }
    }

    #[test]
    fn a_report_is_a_success_when_every_step_was_done() {
        assert!(report([]).is_success());
        assert!(report([("a", Outcome::Done), ("b", Outcome::Done)]).is_success());
        let not_done = [
            Outcome::Skipped { because: StepId("a") },
            Outcome::Failed(Fault::new(FaultClass::Transient, "Code", "words")),
            Outcome::TimedOut,
        ];
        for outcome in not_done {
            let report = report([("a", Outcome::Done), ("b", outcome)]);
            assert!(!report.is_success(), "{report:?}");
            assert!(report.is_done("a"));
            assert!(!report.is_done("b"), "{report:?}");
            assert!(!report.is_done("c"), "there is no such step");
        }
    }

    #[test]
    fn the_faults_of_a_report_are_those_of_the_steps_that_failed_by_name() {
        let fault = |code: &str| Fault::new(FaultClass::Transient, code, "words");
        let report = report([
            ("d", Outcome::Failed(fault("D"))),
            ("a", Outcome::Done),
            ("c", Outcome::TimedOut),
            ("b", Outcome::Failed(fault("B"))),
            ("e", Outcome::Skipped { because: StepId("d") }),
        ]);
        assert!(report.faults().eq([&fault("B"), &fault("D")]));
    }
}
