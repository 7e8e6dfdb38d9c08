//! Mistakes: each is refused where it can be known, else shown with its field and what to do, and what was mended
//! goes on by itself.

mod admission;
mod cycles;
mod loss;
mod modules;
mod namespaces;
mod outputs;
mod ownership;
mod references;
mod values;

use capt_testing::{Account, Part, Row, Scenario, fixture};

use crate::MINUTE;

fn row(id: &'static str, situation: &'static str, does: &'static str) -> Row {
    crate::rows::row(Part::Mistakes, id, situation, does)
}

/// `text` with a change that is one.
fn changed(text: &str, from: &str, to: &str) -> String {
    let changed = text.replace(from, to);
    assert_ne!(changed, text, "{from:?} is not in it");
    changed
}

/// Makes the mistake, lets a while pass, and takes down what the objects show. Whatever it is, it is not tried
/// again and again.
async fn see_the_mistake(account: &mut Account, world: &Scenario, wrong: &[&str], objects: &[&str]) {
    for manifest in wrong {
        world.apply(manifest).await;
    }
    world.pass(2 * MINUTE).await;
    for object in objects {
        account.sees(world, object);
    }
}

/// Checks that it ends as the cluster `demo` does that was right from the start, with the fewest runs, which these are
/// because of `why`.
async fn ends_mended(account: &mut Account, world: &Scenario, why: &'static str) {
    account.least(why);
    let right = [&fixture::templates(), fixture::CLUSTER];
    account.ends_as_fresh(world, &right).await;
}

/// The cluster `demo` with another line in its manifest.
fn cluster_with(from: &str, to: &str) -> String {
    changed(fixture::CLUSTER, from, to)
}
