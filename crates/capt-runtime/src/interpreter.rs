//! The only thing that executes a plan.

use std::collections::BTreeMap;

use async_trait::async_trait;
use capt_core::fault::Fault;
use capt_core::plan::{Checked, Outcome, Plan, Report};

/// Whatever can carry out commands of the type `C`.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait Actuator<C: Send + Sync + 'static>: Send + Sync {
    /// Carries out one command. Doing it again must be safe: the outcome of one that timed out is not known.
    async fn run(&self, command: &C) -> Result<(), Fault>;
}

/// Walks `plan` step by step and says how each one ended.
///
/// A step that is not done skips the steps that depend on it, directly or through others, and no other. A
/// step that outlives its deadline (tokio's clock) is dropped and counts as timed out.
pub async fn execute<C, A>(plan: &Plan<C, Checked>, actuator: &A) -> Report
where
    C: Send + Sync + 'static,
    A: Actuator<C> + ?Sized,
{
    let mut outcomes = BTreeMap::new();
    for step in plan.steps() {
        let failed = step
            .after
            .iter()
            .find(|id| outcomes.get(*id) != Some(&Outcome::Done));
        let outcome = match failed {
            Some(because) => Outcome::Skipped { because: *because },
            None => match tokio::time::timeout(step.deadline, actuator.run(&step.command)).await {
                Ok(Ok(())) => Outcome::Done,
                Ok(Err(fault)) => Outcome::Failed(fault),
                Err(_elapsed) => Outcome::TimedOut,
            },
        };
        outcomes.insert(step.id, outcome);
    }
    Report { outcomes }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use capt_core::fault::FaultClass;
    use capt_core::plan::StepId;
    use mockall::predicate::eq;

    use super::*;

    fn outcome(report: &Report, id: &'static str) -> Outcome {
        report.outcomes[&StepId(id)].clone()
    }

    #[tokio::test]
    async fn steps_run_once_and_in_order() {
        let mut order = mockall::Sequence::new();
        let mut actuator = MockActuator::<&'static str>::new();
        for name in ["secret", "workspace", "status"] {
            actuator
                .expect_run()
                .with(eq(name))
                .times(1)
                .in_sequence(&mut order)
                .returning(|_| Ok(()));
        }
        let plan = Plan::draft()
            .step_after("c", "status", &["b"])
            .step_after("b", "workspace", &["a"])
            .step("a", "secret")
            .check()
            .unwrap();
        assert!(execute(&plan, &actuator).await.is_success());
    }

    #[tokio::test]
    async fn a_failing_step_skips_what_depends_on_it_and_nothing_else() {
        let fault = Fault::new(FaultClass::Permission, "Forbidden", "may not");
        let mut actuator = MockActuator::<&'static str>::new();
        let returned = fault.clone();
        actuator
            .expect_run()
            .with(eq("fails"))
            .times(1)
            .returning(move |_| Err(returned.clone()));
        actuator
            .expect_run()
            .with(eq("independent"))
            .times(1)
            .returning(|_| Ok(()));
        let plan = Plan::draft()
            .step("a", "fails")
            .step_after("b", "child", &["a"])
            .step_after("c", "grandchild", &["b"])
            .step("d", "independent")
            .check()
            .unwrap();
        let report = execute(&plan, &actuator).await;
        assert_eq!(outcome(&report, "a"), Outcome::Failed(fault));
        assert_eq!(outcome(&report, "b"), Outcome::Skipped { because: StepId("a") });
        assert_eq!(outcome(&report, "c"), Outcome::Skipped { because: StepId("b") });
        assert_eq!(outcome(&report, "d"), Outcome::Done);
    }

    struct Hangs;

    #[async_trait]
    impl Actuator<bool> for Hangs {
        async fn run(&self, hang: &bool) -> Result<(), Fault> {
            if *hang {
                std::future::pending::<()>().await;
            }
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_that_outlives_its_deadline_is_timed_out() {
        let plan = Plan::draft()
            .step("a", true)
            .step_after("b", false, &["a"])
            .step("c", false)
            .check()
            .unwrap();
        let start = tokio::time::Instant::now();
        let report = execute(&plan, &Hangs).await;
        assert_eq!(start.elapsed(), Duration::from_secs(30), "the default deadline");
        assert_eq!(outcome(&report, "a"), Outcome::TimedOut);
        assert_eq!(outcome(&report, "b"), Outcome::Skipped { because: StepId("a") });
        assert_eq!(outcome(&report, "c"), Outcome::Done);
    }

    #[tokio::test]
    async fn an_empty_plan_calls_nothing() {
        let report = execute(&Plan::<u8>::empty(), &MockActuator::new()).await;
        assert_eq!(report, Report::default());
    }
}
