//! What a service is like once it has gone back.

use super::world::World;

/// The version that the service shows after it went back from a deployment of `failed`, with a first one of `first`.
fn after_going_back(first: &str, failed: &str, asked: &str) -> Option<String> {
    let mut world = World::new(2, 100, 200).with_breaker(true);
    let version = |world: &mut World, of_deployment: &str, asked: &str| {
        let service = &mut world.view.service;
        service.service.platform_version = Some(asked.to_owned());
        service.service.deployments.as_mut().unwrap()[0].platform_version = Some(of_deployment.to_owned());
        let arn = service.rollouts[0].revision.clone();
        let revision = world.view.revisions.get_mut(&arn).unwrap();
        revision.revision.platform_version = Some(of_deployment.to_owned());
    };
    version(&mut world, first, "LATEST");
    world.settle();
    world.deploy(2);
    version(&mut world, failed, asked);
    for _ in 0..3 {
        world.round();
        for nth in world.coming(2) {
            world.fail(nth);
        }
    }
    world.settle();
    assert_eq!(world.statuses(), ["SUCCESSFUL", "ROLLBACK_SUCCESSFUL"]);
    let deployments = world.view.service.service.deployments.clone().unwrap();
    assert_eq!(deployments[0].platform_version.as_deref(), Some(first));
    world.view.service.service.platform_version.clone()
}

#[test]
fn the_platform_version_is_shown_as_it_was_asked_for() {
    let back = after_going_back("1.4.0", "1.4.0", "LATEST");
    assert_eq!(back.as_deref(), Some("LATEST"));
}

#[test]
fn a_platform_version_that_was_changed_is_gone_back_from() {
    let back = after_going_back("1.4.0", "1.3.0", "1.3.0");
    assert_eq!(back.as_deref(), Some("1.4.0"));
}
