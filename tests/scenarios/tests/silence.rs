//! What is converged is left alone.

use capt_testing::{Scenario, fixture, simulate};

use crate::{CONTROL_PLANE, INFRASTRUCTURE, MINUTE, ready};

#[test]
fn a_converged_world_is_silent_for_three_resyncs() {
    simulate(async {
        let world = ready().await;
        let operations = world.terraform_operations();
        world.reset_counters();
        // The driver looks at everything each ten minutes.
        world.pass(31 * MINUTE).await;
        let counters = world.counters();
        assert_eq!(counters.writes(), 0, "{:?}", counters.by_resource());
        assert_eq!(counters.reads(), 0, "{:?}", counters.by_resource());
        assert_eq!(world.terraform_operations(), operations);
        assert_eq!(world.transcript(), "");
        assert_eq!(
            (world.state(INFRASTRUCTURE), world.state(CONTROL_PLANE)),
            ("Ready".into(), "Ready".into())
        );
    });
}

#[test]
fn a_new_operator_on_a_converged_world_writes_nothing() {
    simulate(async {
        let mut world = ready().await;
        let operations = world.terraform_operations();
        world.stop_operator().await;
        world.reset_counters();
        world.start_operator();
        world.pass(31 * MINUTE).await;
        assert_eq!(world.counters().writes(), 0, "{}", world.transcript());
        assert_eq!(world.terraform_operations(), operations);
    });
}

#[test]
fn what_has_failed_is_silent_too() {
    simulate(async {
        let world = Scenario::start().await;
        world.cloud().fail(
            "net",
            "Unsupported argument: An argument named \"cidrs\" is not expected here",
            1,
        );
        world.apply(fixture::VPC_TEMPLATE).await;
        world.apply(crate::applies::NET).await;
        world
            .until_state("WorkspaceTemplateApply/net-apply", "Failed", MINUTE)
            .await;
        world.pass(MINUTE).await;
        let operations = world.terraform_operations();
        world.reset_counters();
        world.pass(31 * MINUTE).await;
        let counters = world.counters();
        assert_eq!(
            (counters.writes(), counters.reads()),
            (0, 0),
            "{:?}",
            counters.by_resource()
        );
        assert_eq!(world.terraform_operations(), operations);
    });
}
