//! One round of one service.

use jiff::Timestamp;
use kecs_core::call::Ids;
use kecs_core::key::{Key, Scope};
use kecs_core::scheduler::{self, Pace};
use kecs_model::Refusal;
use kecs_store::Store;

use crate::commit::commit;

/// Decides for a service and keeps what was decided: the tasks that it starts and stops come back as changes. Answers
/// when to look again even if nothing changes.
pub(crate) async fn round(
    kept: &dyn Store,
    key: &Key,
    pace: Pace,
    now: Timestamp,
    seed: u64,
) -> Result<Option<Timestamp>, Refusal> {
    let Some(scope) = Scope::of(key) else {
        return Ok(None);
    };
    // The same ids in each attempt: what was not committed was never told.
    let outcome = commit(kept, &scope, now, |tx| {
        scheduler::run(tx, key, pace, &Ids::new(seed))
    })
    .await?;
    Ok(outcome.next_look)
}
