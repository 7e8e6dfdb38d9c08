//! The API server goes away and comes back with its world.

use capt_testing::{Fresh, fixture, simulate};

use super::{counts, ended, row};
use crate::{CLUSTER, CONTROL_PLANE, MINUTE, SECOND, stride, with_templates};

#[test]
fn away_for_a_minute() {
    row(
        "api-server-away",
        "the API server is stopped for a minute while Terraform applies, and starts again with its world",
        "Waits for it with growing delays, and goes on where it was; Terraform is not disturbed.",
    )
    .play(async |account| {
        let world = with_templates().await;
        world.apply(fixture::CLUSTER).await;
        world
            .until("the apply of EKS", 2 * MINUTE, |world| counts(world)[1].0 == 1)
            .await;
        world.server().stop();
        world.pass(MINUTE).await;
        world.server().start();
        world.pass(5 * SECOND).await;
        account.sees(&world, CONTROL_PLANE);
        account.least("as often as without the interruption");
        let manifests = [&fixture::templates(), fixture::CLUSTER];
        account.ends_as_fresh(&world, &manifests).await;
        assert_eq!(counts(&world), [(1, 0); 3]);
    });
}

#[test]
fn away_for_a_minute_at_steps_of_a_life() {
    simulate(async {
        let templates = fixture::templates();
        let (mut made, mut gone) = (None, None);
        let mut played = 0;
        for nth in (1..).step_by(stride(12)) {
            let world = with_templates().await;
            let (reached, ()) = tokio::join!(biased; world.at_step(nth), world.apply(fixture::CLUSTER));
            if !reached {
                break;
            }
            played = nth;
            world.server().stop();
            world.pass(MINUTE).await;
            world.server().start();
            if made.is_none() {
                made = Some(Fresh::start(&world, &[&templates, fixture::CLUSTER]).await);
                gone = Some(Fresh::start(&world, &[&templates]).await);
            }
            if let Some(fresh) = &made {
                ended(&world, fresh, [(1, 0); 3]).await;
            }
            let (_, ()) = tokio::join!(biased; world.at_step(nth / 2), world.delete(CLUSTER));
            world.server().stop();
            world.pass(MINUTE).await;
            world.server().start();
            if let Some(fresh) = &gone {
                ended(&world, fresh, [(1, 1); 3]).await;
            }
        }
        assert!(played > 40, "{played}");
    });
}
