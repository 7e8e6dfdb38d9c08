//! A decision and its commit, again with a fresh view where somebody else was faster.

use jiff::Timestamp;
use kecs_core::key::Scope;
use kecs_core::tx::Tx;
use kecs_model::Refusal;
use kecs_store::{CommitError, Store};

/// After so many conflicts in a row something is wrong with the decision, not with the others.
const ATTEMPTS: u32 = 64;

/// Decides over what the store holds and commits that; decides anew for as long as what it rests upon has changed
/// meanwhile. Answers with what was decided.
///
/// # Errors
/// What the decision refuses, and `ServerException` where the store fails.
pub async fn commit<T>(
    store: &dyn Store,
    scope: &Scope,
    now: Timestamp,
    decide: impl Fn(&mut Tx<'_>) -> Result<T, Refusal> + Send + Sync,
) -> Result<T, Refusal>
where
    T: Send,
{
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        let (decided, commit) = {
            let view = store.view().map_err(|error| Refusal::server(error.to_string()))?;
            let mut tx = Tx::new(&*view, scope, now);
            let decided = decide(&mut tx)?;
            (decided, tx.finish())
        };
        if commit.is_empty() {
            return Ok(decided);
        }
        match store.commit(commit, now).await {
            Ok(_) => return Ok(decided),
            Err(CommitError::Conflict(expected)) => last = format!("{expected:?}"),
            Err(error) => return Err(Refusal::server(error.to_string())),
        }
    }
    Err(Refusal::server(format!(
        "others were faster {ATTEMPTS} times, the last time at {last}"
    )))
}
